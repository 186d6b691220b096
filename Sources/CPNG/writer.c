#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "CPNG.h"

struct cpng_writer {
  png_structp png;
  png_infop info;
  uint8_t *bytes;
  size_t count;
  size_t capacity;
  cpng_status status;
  char error[256];
  jmp_buf failed;
};

static void on_error(png_structp png, png_const_charp message) {
  cpng_writer *writer = png_get_error_ptr(png);
  if (writer->status == CPNG_OK) writer->status = CPNG_DAMAGED;
  strncpy(writer->error, message, sizeof writer->error - 1);
  longjmp(writer->failed, 1);
}

// The caller has checked keywords and text, which is all that libpng would warn of.
static void on_warning(png_structp png, png_const_charp message) {
  (void)png;
  (void)message;
}

static void append(png_structp png, png_bytep source, size_t count) {
  cpng_writer *writer = png_get_io_ptr(png);
  if (count > writer->capacity - writer->count) {
    size_t capacity = 2 * writer->capacity + count + 4096;
    uint8_t *bytes = realloc(writer->bytes, capacity);
    if (!bytes) {
      writer->status = CPNG_NO_MEMORY;
      png_error(png, "out of memory");
    }
    writer->bytes = bytes;
    writer->capacity = capacity;
  }
  memcpy(writer->bytes + writer->count, source, count);
  writer->count += count;
}

static void flush(png_structp png) { (void)png; }

cpng_writer *cpng_writer_create(void) {
  cpng_writer *writer = calloc(1, sizeof *writer);
  if (!writer) return NULL;
  if (setjmp(writer->failed)) {
    cpng_writer_destroy(writer);
    return NULL;
  }
  writer->png = png_create_write_struct(PNG_LIBPNG_VER_STRING, writer, on_error, on_warning);
  if (writer->png) writer->info = png_create_info_struct(writer->png);
  if (!writer->info) {
    cpng_writer_destroy(writer);
    return NULL;
  }
  png_set_user_limits(writer->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  png_set_write_fn(writer->png, writer, append, flush);
  return writer;
}

cpng_status cpng_writer_add_text(cpng_writer *writer, const char *keyword, const char *text, int is_utf8) {
  if (setjmp(writer->failed)) return writer->status;
  // libpng copies both strings; its struct only lacks the const.
  png_text chunk = {
      .compression = is_utf8 ? PNG_ITXT_COMPRESSION_NONE : PNG_TEXT_COMPRESSION_NONE,
      .key = (char *)keyword,
      .text = (char *)text,
  };
  png_set_text(writer->png, writer->info, &chunk, 1);
  return CPNG_OK;
}

static int is_little_endian(void) {
  const uint16_t one = 1;
  return *(const uint8_t *)&one;
}

// Palette and transparency, as the layout has them.
static void set_meaning(cpng_writer *writer, const cpng_layout *layout) {
  png_color palette[256];
  if (layout->color_type == PNG_COLOR_TYPE_PALETTE) {
    for (int entry = 0; entry < layout->palette_count; entry++) {
      palette[entry].red = layout->palette[3 * entry];
      palette[entry].green = layout->palette[3 * entry + 1];
      palette[entry].blue = layout->palette[3 * entry + 2];
    }
    png_set_PLTE(writer->png, writer->info, palette, layout->palette_count);
  }
  if (layout->palette_alpha_count > 0) {
    png_set_tRNS(writer->png, writer->info, layout->palette_alpha, layout->palette_alpha_count, NULL);
  } else if (layout->has_key) {
    png_color_16 key = {
        .gray = layout->key[0], .red = layout->key[0], .green = layout->key[1], .blue = layout->key[2]};
    png_set_tRNS(writer->png, writer->info, NULL, 0, &key);
  }
}

cpng_status cpng_writer_encode(
    cpng_writer *writer, const cpng_layout *layout, const void *samples, const uint8_t *chunks,
    size_t chunk_bytes) {
  if (setjmp(writer->failed)) return writer->status;
  png_structp png = writer->png;
  png_set_IHDR(
      png, writer->info, layout->width, layout->height, layout->bit_depth, layout->color_type,
      PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  set_meaning(writer, layout);
  png_write_info_before_PLTE(png, writer->info);
  if (chunk_bytes > 0) append(png, (png_bytep)chunks, chunk_bytes);
  png_write_info(png, writer->info);
  png_set_packing(png);
  size_t sample_bytes = layout->bit_depth == 16 ? 2 : 1;
  if (sample_bytes == 2 && is_little_endian()) png_set_swap(png);
  size_t row_bytes = (size_t)layout->width * png_get_channels(png, writer->info) * sample_bytes;
  for (uint32_t y = 0; y < layout->height; y++) {
    png_write_row(png, (png_const_bytep)samples + y * row_bytes);
  }
  png_write_end(png, NULL);
  return CPNG_OK;
}

const uint8_t *cpng_writer_bytes(const cpng_writer *writer, size_t *count) {
  *count = writer->count;
  return writer->bytes;
}

const char *cpng_writer_error(const cpng_writer *writer) { return writer->error; }

void cpng_writer_destroy(cpng_writer *writer) {
  if (!writer) return;
  png_destroy_write_struct(&writer->png, &writer->info);
  free(writer->bytes);
  free(writer);
}
