// libpng behind a status and an error text. libpng reports errors by longjmp, which must never unwind a
// Swift frame, so every call that can fail is made in here, under a setjmp of this file's own.

#ifndef CPNG_H
#define CPNG_H

#include <stddef.h>
#include <stdint.h>

typedef enum {
  CPNG_OK = 0,
  CPNG_TRUNCATED,  // the bytes end before the picture does
  CPNG_DAMAGED,    // anything else that libpng calls an error
  CPNG_NO_MEMORY
} cpng_status;

typedef struct {
  uint32_t width;
  uint32_t height;
  int bit_depth;  // bits a sample as stored: 1, 2, 4, 8 or 16
  int has_alpha;  // an alpha channel, or a transparent colour (tRNS)
  int is_grey;
  int is_palette;
  int is_interlaced;
} cpng_facts;

// How samples lie in the file and what they mean; the same for reading and writing.
typedef struct {
  uint32_t width;
  uint32_t height;
  int bit_depth;                 // bits a sample: 1, 2, 4, 8 or 16
  int color_type;                // as PNG numbers them: 0 grey, 2 RGB, 3 palette, 4 grey with alpha, 6 RGBA
  uint8_t palette[256 * 3];      // red, green, blue of each entry
  int palette_count;             // 0 where color_type is not 3
  uint8_t palette_alpha[256];    // the opacity of the first entries; the rest is opaque
  int palette_alpha_count;
  int has_key;                   // whether one colour of a picture without alpha is transparent
  uint16_t key[3];               // that colour: grey in key[0], or red, green, blue
} cpng_layout;

typedef struct {
  const char *keyword;  // Latin-1, NUL-terminated
  const char *text;     // `count` bytes
  size_t count;
  int is_utf8;  // iTXt; otherwise Latin-1
} cpng_text;

typedef struct cpng_reader cpng_reader;

// The bytes must outlive the reader. NULL where memory ran out.
cpng_reader *cpng_reader_create(const uint8_t *bytes, size_t count);
cpng_status cpng_reader_facts(cpng_reader *reader, cpng_facts *facts);
// Fills height × width × (has_alpha ? 4 : 3) bytes, 8 bits a sample, and reads to the end of the file.
// To be called once, after cpng_reader_facts.
cpng_status cpng_reader_pixels(cpng_reader *reader, uint8_t *pixels);
// The file's own layout. After cpng_reader_facts, before any pixels.
cpng_status cpng_reader_layout(cpng_reader *reader, cpng_layout *layout);
// Fills the samples as they are stored, height × width × channels of them: one byte each, or a uint16_t where the
// depth is 16. Reads to the end of the file. To be called once, in place of cpng_reader_pixels.
cpng_status cpng_reader_samples(cpng_reader *reader, void *samples);
// Text and EXIF are complete only after the pixels, as PNG allows both behind them.
// They belong to the reader.
size_t cpng_reader_text_count(cpng_reader *reader);
cpng_text cpng_reader_text(cpng_reader *reader, size_t index);
const uint8_t *cpng_reader_exif(cpng_reader *reader, size_t *count);
const char *cpng_reader_error(const cpng_reader *reader);
void cpng_reader_destroy(cpng_reader *reader);

typedef struct cpng_writer cpng_writer;

cpng_writer *cpng_writer_create(void);
cpng_status cpng_writer_add_text(cpng_writer *writer, const char *keyword, const char *text, int is_utf8);
// Writes samples laid out as for cpng_reader_samples. `chunks` are whole chunks (length, type, data, checksum) that
// go between the header and the palette, as colour profiles must.
cpng_status cpng_writer_encode(
    cpng_writer *writer, const cpng_layout *layout, const void *samples, const uint8_t *chunks,
    size_t chunk_bytes);
// The finished file; it belongs to the writer.
const uint8_t *cpng_writer_bytes(const cpng_writer *writer, size_t *count);
const char *cpng_writer_error(const cpng_writer *writer);
void cpng_writer_destroy(cpng_writer *writer);

#endif
