// libjpeg behind a status and an error text. libjpeg's default error handler exits the process and the usual
// replacement longjmps, which must never unwind a Swift frame, so every call that can fail is made in here.

#ifndef CJPEG_H
#define CJPEG_H

#include <stddef.h>
#include <stdint.h>

typedef enum {
  CJPEG_OK = 0,
  CJPEG_TRUNCATED,    // the bytes end before the picture does
  CJPEG_DAMAGED,      // libjpeg had to guess pixels, or could not go on
  CJPEG_UNSUPPORTED,  // a valid file of a kind not read here
  CJPEG_NO_MEMORY
} cjpeg_status;

typedef struct {
  uint32_t width;
  uint32_t height;
  int components;  // as stored: 1 grey, 3 colour, 4 CMYK
} cjpeg_facts;

typedef struct cjpeg_reader cjpeg_reader;

// The bytes must outlive the reader. NULL where memory ran out.
cjpeg_reader *cjpeg_reader_create(const uint8_t *bytes, size_t count);
cjpeg_status cjpeg_reader_facts(cjpeg_reader *reader, cjpeg_facts *facts);
// Fills height × width × 3 bytes of RGB. To be called once, after cjpeg_reader_facts.
cjpeg_status cjpeg_reader_pixels(cjpeg_reader *reader, uint8_t *pixels);
const char *cjpeg_reader_error(const cjpeg_reader *reader);
void cjpeg_reader_destroy(cjpeg_reader *reader);

// Encodes height × width × 3 bytes of RGB at quality 1 to 100. On success *bytes holds *count bytes, to be
// released by free(); on failure it is NULL and `error` (256 bytes) says why.
cjpeg_status cjpeg_encode(
    const uint8_t *pixels, uint32_t width, uint32_t height, int quality, uint8_t **bytes, size_t *count,
    char *error);

#endif
