#include <stdio.h>  // before jpeglib.h, which uses FILE and size_t without including them
#include <jpeglib.h>
#include <jerror.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "CJPEG.h"

// A progressive file may hold thousands of scans of a few bytes, each of which costs a pass over the whole
// picture; encoders write about ten.
static const int max_scans = 200;

struct cjpeg_reader {
  struct jpeg_decompress_struct jpeg;
  struct jpeg_error_mgr errors;
  struct jpeg_progress_mgr progress;
  cjpeg_status status;
  char error[JMSG_LENGTH_MAX];
  jmp_buf failed;
};

static void fail(j_common_ptr jpeg) {
  cjpeg_reader *reader = jpeg->client_data;
  switch (jpeg->err->msg_code) {
    case JWRN_JPEG_EOF:
    case JERR_INPUT_EOF:
    case JERR_INPUT_EMPTY:
      reader->status = CJPEG_TRUNCATED;
      break;
    case JERR_OUT_OF_MEMORY:
      reader->status = CJPEG_NO_MEMORY;
      break;
    case JERR_BAD_PRECISION:
    case JERR_SOF_UNSUPPORTED:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_NOT_COMPILED:
#if JPEG_LIB_VERSION < 70  // Ubuntu's library has the interface of version 8, which has no such message.
    case JERR_ARITH_NOTIMPL:
#endif
      reader->status = CJPEG_UNSUPPORTED;
      break;
    default:
      reader->status = CJPEG_DAMAGED;
  }
  jpeg->err->format_message(jpeg, reader->error);
  longjmp(reader->failed, 1);
}

// Level -1 is a warning: libjpeg would go on with guessed pixels. Only those that leave the pixels as they
// are pass: an odd JFIF version or Adobe transform, a bad colour profile, and padding before the end marker,
// which some cameras write.
static void on_message(j_common_ptr jpeg, int level) {
  if (level >= 0) return;
  switch (jpeg->err->msg_code) {
    case JWRN_JFIF_MAJOR:
    case JWRN_ADOBE_XFORM:
    case JWRN_BOGUS_ICC:
      return;
    case JWRN_EXTRANEOUS_DATA:
      if (jpeg->err->msg_parm.i[1] == JPEG_EOI) return;
  }
  fail(jpeg);
}

static void on_progress(j_common_ptr jpeg) {
  if (jpeg->is_decompressor && ((j_decompress_ptr)jpeg)->input_scan_number > max_scans) {
    cjpeg_reader *reader = jpeg->client_data;
    reader->status = CJPEG_DAMAGED;
    snprintf(reader->error, sizeof reader->error, "more than %d progressive scans", max_scans);
    longjmp(reader->failed, 1);
  }
}

cjpeg_reader *cjpeg_reader_create(const uint8_t *bytes, size_t count) {
  cjpeg_reader *reader = calloc(1, sizeof *reader);
  if (!reader) return NULL;
  reader->jpeg.err = jpeg_std_error(&reader->errors);
  reader->jpeg.client_data = reader;  // jpeg_create_decompress keeps err and client_data
  reader->errors.error_exit = fail;
  reader->errors.emit_message = on_message;
  if (setjmp(reader->failed)) {
    cjpeg_reader_destroy(reader);
    return NULL;
  }
  jpeg_create_decompress(&reader->jpeg);
  reader->progress.progress_monitor = on_progress;
  reader->jpeg.progress = &reader->progress;
  jpeg_mem_src(&reader->jpeg, bytes, count);
  return reader;
}

cjpeg_status cjpeg_reader_facts(cjpeg_reader *reader, cjpeg_facts *facts) {
  if (setjmp(reader->failed)) return reader->status;
  struct jpeg_decompress_struct *jpeg = &reader->jpeg;
  jpeg_read_header(jpeg, TRUE);
  switch (jpeg->jpeg_color_space) {
    case JCS_GRAYSCALE:
    case JCS_YCbCr:
    case JCS_RGB:
      jpeg->out_color_space = JCS_RGB;
      break;
    case JCS_CMYK:
    case JCS_YCCK:
      jpeg->out_color_space = JCS_CMYK;
      break;
    default:
      snprintf(reader->error, sizeof reader->error, "%d unknown colour components", jpeg->num_components);
      return reader->status = CJPEG_UNSUPPORTED;
  }
  facts->width = jpeg->image_width;
  facts->height = jpeg->image_height;
  facts->components = jpeg->num_components;
  return CJPEG_OK;
}

// Adobe stores CMYK inverted (255 is no ink), everyone else as it reads (0 is no ink).
static void rgb_from_cmyk(const uint8_t *cmyk, uint8_t *rgb, size_t width, int inverted) {
  for (size_t x = 0; x < width; x++, cmyk += 4, rgb += 3) {
    unsigned white = inverted ? cmyk[3] : 255 - cmyk[3];
    for (int channel = 0; channel < 3; channel++) {
      unsigned light = inverted ? cmyk[channel] : 255 - cmyk[channel];
      rgb[channel] = (uint8_t)((light * white + 127) / 255);
    }
  }
}

cjpeg_status cjpeg_reader_pixels(cjpeg_reader *reader, uint8_t *pixels) {
  if (setjmp(reader->failed)) return reader->status;
  struct jpeg_decompress_struct *jpeg = &reader->jpeg;
  jpeg_start_decompress(jpeg);
  size_t width = jpeg->output_width;
  int is_cmyk = jpeg->out_color_space == JCS_CMYK;
  JSAMPARRAY ink = NULL;  // from libjpeg's pool, which jpeg_destroy releases after a longjmp too
  if (is_cmyk) {
    ink = jpeg->mem->alloc_sarray((j_common_ptr)jpeg, JPOOL_IMAGE, jpeg->output_width * 4, 1);
  }
  while (jpeg->output_scanline < jpeg->output_height) {
    uint8_t *row = pixels + jpeg->output_scanline * width * 3;
    jpeg_read_scanlines(jpeg, is_cmyk ? ink : &row, 1);
    if (is_cmyk) rgb_from_cmyk(ink[0], row, width, jpeg->saw_Adobe_marker);
  }
  jpeg_finish_decompress(jpeg);
  return CJPEG_OK;
}

const char *cjpeg_reader_error(const cjpeg_reader *reader) { return reader->error; }

void cjpeg_reader_destroy(cjpeg_reader *reader) {
  if (!reader) return;
  jpeg_destroy_decompress(&reader->jpeg);
  free(reader);
}
