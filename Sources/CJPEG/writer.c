#include <stdio.h>  // before jpeglib.h, which uses FILE and size_t without including them
#include <jpeglib.h>
#include <jerror.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "CJPEG.h"

// On the heap, as locals lose their values when longjmp returns.
struct writer {
  struct jpeg_compress_struct jpeg;
  struct jpeg_error_mgr errors;
  unsigned char *bytes;
  unsigned long count;
  char *error;
  cjpeg_status status;
  jmp_buf failed;
};

static void fail(j_common_ptr jpeg) {
  struct writer *writer = jpeg->client_data;
  writer->status = jpeg->err->msg_code == JERR_OUT_OF_MEMORY ? CJPEG_NO_MEMORY : CJPEG_DAMAGED;
  char message[JMSG_LENGTH_MAX];
  jpeg->err->format_message(jpeg, message);
  snprintf(writer->error, 256, "%s", message);
  longjmp(writer->failed, 1);
}

static void ignore_message(j_common_ptr jpeg, int level) {
  (void)jpeg;
  (void)level;
}

static cjpeg_status encode(
    struct writer *writer, const uint8_t *pixels, uint32_t width, uint32_t height, int quality) {
  if (setjmp(writer->failed)) return writer->status;
  struct jpeg_compress_struct *jpeg = &writer->jpeg;
  if (width > JPEG_MAX_DIMENSION || height > JPEG_MAX_DIMENSION) {
    snprintf(writer->error, 256, "JPEG ends at %ld pixels a side", JPEG_MAX_DIMENSION);
    return CJPEG_DAMAGED;
  }
  jpeg_create_compress(jpeg);
  jpeg_mem_dest(jpeg, &writer->bytes, &writer->count);
  jpeg->image_width = width;
  jpeg->image_height = height;
  jpeg->input_components = 3;
  jpeg->in_color_space = JCS_RGB;
  jpeg_set_defaults(jpeg);
  jpeg_set_quality(jpeg, quality, TRUE);
  jpeg->optimize_coding = TRUE;
  // Halved colour resolution is what shows first in small generated pictures, so good quality keeps it whole.
  if (quality >= 90) jpeg->comp_info[0].h_samp_factor = jpeg->comp_info[0].v_samp_factor = 1;
  jpeg_start_compress(jpeg, TRUE);
  while (jpeg->next_scanline < height) {
    JSAMPROW row = (JSAMPROW)(pixels + (size_t)jpeg->next_scanline * width * 3);
    jpeg_write_scanlines(jpeg, &row, 1);
  }
  jpeg_finish_compress(jpeg);
  return CJPEG_OK;
}

cjpeg_status cjpeg_encode(
    const uint8_t *pixels, uint32_t width, uint32_t height, int quality, uint8_t **bytes, size_t *count,
    char *error) {
  *bytes = NULL;
  *count = 0;
  error[0] = 0;
  struct writer *writer = calloc(1, sizeof *writer);
  if (!writer) return CJPEG_NO_MEMORY;
  writer->error = error;
  writer->jpeg.err = jpeg_std_error(&writer->errors);
  writer->jpeg.client_data = writer;
  writer->errors.error_exit = fail;
  writer->errors.emit_message = ignore_message;
  cjpeg_status status = encode(writer, pixels, width, height, quality);
  jpeg_destroy_compress(&writer->jpeg);
  if (status == CJPEG_OK) {
    *bytes = writer->bytes;
    *count = writer->count;
  }
  // On failure, which only a lack of memory can still cause, the buffer leaks: libjpeg may have freed and
  // replaced the one that writer->bytes names.
  free(writer);
  return status;
}
