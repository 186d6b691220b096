#include "winograd.h"

#if defined(__x86_64__)
#include "winograd_transform.h"

// Writes the line of squares `2·pair` and `2·pair + 1` in every frequency and plane.
SPLITS static inline void store_pair(__m512 *even, __m512 *odd, uint16_t *line, long plane, long frequency_stride) {
  for (long f = 0; f < dk_winograd_frequencies; f++, line += frequency_stride) {
    for (long p = 0; p < dk_tile_planes; p++) {
      _mm512_storeu_si512(line + p * plane, side_by_side(take(&even[f], &odd[f])));
    }
  }
}

// 32 squares of 16 channels, transformed as their reader says, in pairs. `lines` is 6 for x and 4 for a gradient, whose
// squares do not overlap.
SPLITS static inline __attribute__((always_inline)) void write_step(const float *x, const dk_winograd_map *map, long first,
                                                                    long count, long channel, uint16_t *to, long plane,
                                                                    long frequency_stride, const long lines) {
  strip pixels;
  __m512 d[36], points[2][36];
  for (long done = 0; done < count;) {
    long squares = side_by_side_squares(map, first + done, count - done);
    read_strip(x, map, first + done, squares, lines, channel, pixels);
    for (long i = 0; i < squares; i++, done++) {
      __m512 *into = points[done % 2];
      read_square(pixels, i, lines, d);
      if (lines == dk_winograd_in) {
        IN_BOTH_DIRECTIONS(to_points, d, 6, into, 6);
      } else {
        IN_BOTH_DIRECTIONS(gradient_to_points, d, 4, into, 6);
      }
      if (done % 2) store_pair(points[0], points[1], to + done / 2 * 32, plane, frequency_stride);
    }
  }
  for (; count < dk_tile_step; count++) {
    memset(points[count % 2], 0, sizeof points[0]);
    if (count % 2) store_pair(points[0], points[1], to + count / 2 * 32, plane, frequency_stride);
  }
}

SPLITS void dk_winograd_columns(const float *x, const dk_winograd_map *map, long first, long count, long channel,
                                uint16_t *to, long frequency_stride) {
  write_step(x, map, first, count, channel, to, 1024, frequency_stride, dk_winograd_in);
}

SPLITS void dk_winograd_rows(const float *dy, const dk_winograd_map *map, long first, long count, long channel,
                             uint16_t *to, long frequency_stride) {
  write_step(dy, map, first, count, channel, to, 512, frequency_stride, dk_winograd_out);
  for (long f = 0; f < dk_winograd_frequencies; f++) {
    for (long p = 0; p < dk_tile_planes; p++) turn(to + f * frequency_stride + p * 512);
  }
}

SPLITS void dk_winograd_weights(const float *sums, long frequency_stride, long inputs, float *dw) {
  __m512i order = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  __m512i index = _mm512_mullo_epi32(order, _mm512_set1_epi32(9));
  for (long row = 0; row < 16; row++, dw += inputs * 9) {
    __m512 u[36], rows[18], taps[9];
    for (long f = 0; f < dk_winograd_frequencies; f++) u[f] = _mm512_loadu_ps(sums + f * frequency_stride + row * 16);
    for (long c = 0; c < 6; c++) points_to_taps(u + c, 6, rows + c, 6);
    for (long r = 0; r < 3; r++) points_to_taps(rows + 6 * r, 1, taps + 3 * r, 1);
    for (long t = 0; t < 9; t++) _mm512_i32scatter_ps(dw + t, index, taps[t], 4);
  }
}

#else
// Never called: dk_tiles_usable says no.
void dk_winograd_columns(const float *x, const dk_winograd_map *map, long first, long count, long channel, uint16_t *to,
                         long frequency_stride) {}
void dk_winograd_rows(const float *dy, const dk_winograd_map *map, long first, long count, long channel, uint16_t *to,
                      long frequency_stride) {}
void dk_winograd_weights(const float *sums, long frequency_stride, long inputs, float *dw) {}
#endif
