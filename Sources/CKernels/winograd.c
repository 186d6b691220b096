#include "winograd.h"

#if defined(__x86_64__)
#include "winograd_transform.h"

SPLITS void dk_winograd_values(const float *x, const dk_winograd_map *map, long first, long count, long channel,
                               float *to, dk_winograd_strides strides) {
  strip pixels;
  long group = first / dk_tile_rows;
  for (long done = 0; done < count;) {
    long squares = side_by_side_squares(map, first + done, count - done);
    read_strip(x, map, first + done, squares, dk_winograd_in, channel, pixels);
    for (long i = 0; i < squares; i++, done++) {
      __m512 d[36], points[36];
      read_square(pixels, i, dk_winograd_in, d);
      IN_BOTH_DIRECTIONS(to_points, d, 6, points, 6);
      long square = first + done;
      float *row = to + (square / dk_tile_rows - group) * strides.group + square % dk_tile_rows * 16;
      for (long f = 0; f < dk_winograd_frequencies; f++, row += strides.frequency) _mm512_storeu_ps(row, points[f]);
    }
  }
}

SPLITS void dk_winograd_pack(const float *x, long k_stride, long tap_stride, long column_stride, long k, long columns,
                             uint16_t *to, long frequency_stride) {
  for (long half = 0; half < 2; half++) {
    __mmask16 valid = within(columns - half * 16);
    const float *source = x + half * 16 * column_stride;
    for (long pair = 0; pair < 16; pair++) {
      __m512 points[2][36];
      for (long i = 0; i < 2; i++) {
        __m512 taps[9], rows[18];
        const float *kernel = source + (2 * pair + i) * k_stride;
        __mmask16 there = 2 * pair + i < k ? valid : 0;
        for (long t = 0; t < 9; t++) taps[t] = column_values(kernel + t * tap_stride, column_stride, there);
        for (long c = 0; c < 3; c++) taps_to_points(taps + c, 3, rows + c, 3);
        for (long r = 0; r < 6; r++) taps_to_points(rows + 3 * r, 1, points[i] + 6 * r, 1);
      }
      uint16_t *line = to + half * 512 + pair * 32;
      for (long f = 0; f < dk_winograd_frequencies; f++, line += frequency_stride) {
        for (long p = 0; p < dk_tile_planes; p++) {
          _mm512_storeu_si512(line + p * 1024, side_by_side(take(&points[0][f], &points[1][f])));
        }
      }
    }
  }
}

SPLITS void dk_winograd_join(const float *from, dk_winograd_strides strides, const dk_winograd_map *map, long first,
                             long count, long channel, const float *bias, const float *residual, float *y) {
  __m512 b = bias ? _mm512_loadu_ps(bias + channel) : _mm512_setzero_ps();
  long a_picture = map->across * map->down, group = first / dk_tile_rows;
  for (long square = first; square < first + count; square++) {
    const float *row = from + (square / dk_tile_rows - group) * strides.group + square % dk_tile_rows * 16;
    __m512 m[36], rows[24], pixels[16];
    for (long f = 0; f < dk_winograd_frequencies; f++, row += strides.frequency) {
      m[f] = _mm512_loadu_ps(row);
      // The same of the block that comes next.
      _mm_prefetch((const char *)(row + dk_winograd_frequencies * strides.frequency), _MM_HINT_T0);
    }
    for (long c = 0; c < 6; c++) from_points(m + c, 6, rows + c, 6);
    for (long r = 0; r < 4; r++) from_points(rows + 6 * r, 1, pixels + 4 * r, 1);
    long image = square / a_picture, y0 = square % a_picture / map->across * 4, x0 = square % map->across * 4;
    long height = map->h - y0 < 4 ? map->h - y0 : 4, width = map->w - x0 < 4 ? map->w - x0 : 4;
    for (long i = 0; i < height; i++) {
      long at = (image * map->channels + channel) * map->h * map->w + ((y0 + i) * map->w + x0) * 16;
      for (long j = 0; j < width; j++, at += 16) {
        __m512 value = ADD(pixels[4 * i + j], b);
        if (residual) value = ADD(value, _mm512_loadu_ps(residual + at));
        _mm512_storeu_ps(y + at, value);
      }
    }
  }
}

#else
// Never called: dk_tiles_usable says no.
void dk_winograd_values(const float *x, const dk_winograd_map *map, long first, long count, long channel, float *to,
                        dk_winograd_strides strides) {}
void dk_winograd_pack(const float *x, long k_stride, long tap_stride, long column_stride, long k, long columns,
                      uint16_t *to, long frequency_stride) {}
void dk_winograd_join(const float *from, dk_winograd_strides strides, const dk_winograd_map *map, long first, long count,
                      long channel, const float *bias, const float *residual, float *y) {}
#endif
