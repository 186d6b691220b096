#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "CPNG.h"

// Ancillary chunks are decompressed whole, so their size and number bound what a hostile file can allocate:
// 4 MB holds the largest node-graph workflow seen in the wild, and 64 of them stay within 256 MB.
static const png_alloc_size_t max_chunk_bytes = 4000000;
static const png_uint_32 max_chunks = 64;

// State that must survive a longjmp lives here on the heap rather than in locals, whose values C leaves
// undefined after one.
struct cpng_reader {
  png_structp png;
  png_infop info;
  const uint8_t *bytes;
  size_t count;
  size_t position;
  int has_alpha;
  cpng_status status;
  char error[256];
  jmp_buf failed;
};

static void on_error(png_structp png, png_const_charp message) {
  cpng_reader *reader = png_get_error_ptr(png);
  if (reader->status == CPNG_OK) reader->status = CPNG_DAMAGED;
  strncpy(reader->error, message, sizeof reader->error - 1);
  longjmp(reader->failed, 1);
}

// Warnings concern ancillary chunks only (a bad colour profile, a misspelt keyword): the pixels stand.
static void on_warning(png_structp png, png_const_charp message) {
  (void)png;
  (void)message;
}

static void read_bytes(png_structp png, png_bytep destination, size_t count) {
  cpng_reader *reader = png_get_io_ptr(png);
  if (count > reader->count - reader->position) {
    reader->status = CPNG_TRUNCATED;
    png_error(png, "the data ends early");
  }
  memcpy(destination, reader->bytes + reader->position, count);
  reader->position += count;
}

cpng_reader *cpng_reader_create(const uint8_t *bytes, size_t count) {
  cpng_reader *reader = calloc(1, sizeof *reader);
  if (!reader) return NULL;
  reader->bytes = bytes;
  reader->count = count;
  if (setjmp(reader->failed)) {
    cpng_reader_destroy(reader);
    return NULL;
  }
  reader->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, reader, on_error, on_warning);
  if (reader->png) reader->info = png_create_info_struct(reader->png);
  if (!reader->info) {
    cpng_reader_destroy(reader);
    return NULL;
  }
  // The caller judges the size, with a sentence of its own; libpng's limit would hide the numbers.
  png_set_user_limits(reader->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  png_set_chunk_malloc_max(reader->png, max_chunk_bytes);
  png_set_chunk_cache_max(reader->png, max_chunks);
  png_set_read_fn(reader->png, reader, read_bytes);
  return reader;
}

// Whether every chunk up to IEND lies within the file. libpng allocates and clears what a chunk claims to
// hold before it reads any of it (and only warns where that exceeds the limit): four bytes could cost 2 GB.
static int chunks_fit(const cpng_reader *reader) {
  size_t position = 8;  // the signature
  for (;;) {
    if (reader->count < position || reader->count - position < 12) return 0;
    const uint8_t *chunk = reader->bytes + position;
    size_t length = png_get_uint_32(chunk);
    if (length > reader->count - position - 12) return 0;
    if (memcmp(chunk + 4, "IEND", 4) == 0) return 1;
    position += 12 + length;  // length, type, data, checksum
  }
}

cpng_status cpng_reader_facts(cpng_reader *reader, cpng_facts *facts) {
  if (setjmp(reader->failed)) return reader->status;
  if (!chunks_fit(reader)) return reader->status = CPNG_TRUNCATED;
  png_read_info(reader->png, reader->info);
  int color_type = png_get_color_type(reader->png, reader->info);
  int has_transparency = png_get_valid(reader->png, reader->info, PNG_INFO_tRNS) != 0;
  reader->has_alpha = (color_type & PNG_COLOR_MASK_ALPHA) || has_transparency;
  facts->width = png_get_image_width(reader->png, reader->info);
  facts->height = png_get_image_height(reader->png, reader->info);
  facts->bit_depth = png_get_bit_depth(reader->png, reader->info);
  facts->has_alpha = reader->has_alpha;
  facts->is_grey = !(color_type & PNG_COLOR_MASK_COLOR);
  facts->is_palette = color_type == PNG_COLOR_TYPE_PALETTE;
  facts->is_interlaced = png_get_interlace_type(reader->png, reader->info) != PNG_INTERLACE_NONE;
  return CPNG_OK;
}

cpng_status cpng_reader_layout(cpng_reader *reader, cpng_layout *layout) {
  if (setjmp(reader->failed)) return reader->status;
  png_structp png = reader->png;
  memset(layout, 0, sizeof *layout);
  layout->width = png_get_image_width(png, reader->info);
  layout->height = png_get_image_height(png, reader->info);
  layout->bit_depth = png_get_bit_depth(png, reader->info);
  layout->color_type = png_get_color_type(png, reader->info);
  png_colorp palette = NULL;
  int count = 0;
  if (layout->color_type == PNG_COLOR_TYPE_PALETTE && png_get_PLTE(png, reader->info, &palette, &count)) {
    layout->palette_count = count < 256 ? count : 256;
    for (int entry = 0; entry < layout->palette_count; entry++) {
      layout->palette[3 * entry] = palette[entry].red;
      layout->palette[3 * entry + 1] = palette[entry].green;
      layout->palette[3 * entry + 2] = palette[entry].blue;
    }
  }
  png_bytep alpha = NULL;
  png_color_16p key = NULL;
  if (png_get_tRNS(png, reader->info, &alpha, &count, &key)) {
    if (layout->color_type == PNG_COLOR_TYPE_PALETTE) {
      layout->palette_alpha_count = alpha ? (count < 256 ? count : 256) : 0;
      if (alpha) memcpy(layout->palette_alpha, alpha, (size_t)layout->palette_alpha_count);
    } else if (key) {
      int is_grey = layout->color_type == PNG_COLOR_TYPE_GRAY;
      layout->has_key = 1;
      layout->key[0] = is_grey ? key->gray : key->red;
      layout->key[1] = is_grey ? 0 : key->green;
      layout->key[2] = is_grey ? 0 : key->blue;
    }
  }
  return CPNG_OK;
}

// Samples of 16 bits stand big-endian in a file.
static int is_little_endian(void) {
  const uint16_t one = 1;
  return *(const uint8_t *)&one;
}

static void read_rows(cpng_reader *reader, uint8_t *rows, size_t row_bytes) {
  png_structp png = reader->png;
  int passes = png_set_interlace_handling(png);
  png_read_update_info(png, reader->info);
  if (png_get_rowbytes(png, reader->info) != row_bytes) png_error(png, "an unexpected row size");
  png_uint_32 height = png_get_image_height(png, reader->info);
  for (int pass = 0; pass < passes; pass++) {
    for (png_uint_32 y = 0; y < height; y++) png_read_row(png, rows + y * row_bytes, NULL);
  }
  png_read_end(png, reader->info);
}

cpng_status cpng_reader_samples(cpng_reader *reader, void *samples) {
  if (setjmp(reader->failed)) return reader->status;
  png_structp png = reader->png;
  size_t sample_bytes = png_get_bit_depth(png, reader->info) == 16 ? 2 : 1;
  png_set_packing(png);  // 1, 2 and 4 bits to a byte each, their values as they are
  if (sample_bytes == 2 && is_little_endian()) png_set_swap(png);
  size_t row_samples = (size_t)png_get_image_width(png, reader->info) * png_get_channels(png, reader->info);
  read_rows(reader, samples, row_samples * sample_bytes);
  return CPNG_OK;
}

cpng_status cpng_reader_pixels(cpng_reader *reader, uint8_t *pixels) {
  if (setjmp(reader->failed)) return reader->status;
  png_structp png = reader->png;
  png_set_expand(png);       // palettes and 1, 2, 4 bits to 8; tRNS to alpha
  png_set_scale_16(png);     // rounds to the nearest level, where png_set_strip_16 truncates
  png_set_gray_to_rgb(png);
  read_rows(reader, pixels, (size_t)png_get_image_width(png, reader->info) * (reader->has_alpha ? 4 : 3));
  return CPNG_OK;
}

static png_textp texts(cpng_reader *reader, size_t *count) {
  png_textp text = NULL;
  int text_count = 0;
  png_get_text(reader->png, reader->info, &text, &text_count);
  *count = text ? (size_t)text_count : 0;
  return text;
}

size_t cpng_reader_text_count(cpng_reader *reader) {
  size_t count;
  texts(reader, &count);
  return count;
}

cpng_text cpng_reader_text(cpng_reader *reader, size_t index) {
  size_t count;
  png_textp text = texts(reader, &count) + index;
  cpng_text result = {.keyword = text->key, .text = text->text};
  result.is_utf8 = text->compression >= PNG_ITXT_COMPRESSION_NONE;
  result.count = result.is_utf8 ? text->itxt_length : text->text_length;
  return result;
}

const uint8_t *cpng_reader_exif(cpng_reader *reader, size_t *count) {
  png_bytep exif = NULL;
  png_uint_32 exif_count = 0;
  *count = 0;
  if (!png_get_eXIf_1(reader->png, reader->info, &exif_count, &exif)) return NULL;
  *count = exif_count;
  return exif;
}

const char *cpng_reader_error(const cpng_reader *reader) { return reader->error; }

void cpng_reader_destroy(cpng_reader *reader) {
  if (!reader) return;
  png_destroy_read_struct(&reader->png, &reader->info, NULL);
  free(reader);
}
