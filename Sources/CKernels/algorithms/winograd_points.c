#include "../processors/taps.h"
#include "winograd_transform.h"

// Runs `loop` with the side as a compile-time constant, by which its loops unroll.
#define FOR_EACH_SIDE(side, loop)               \
  do {                                          \
    if ((side) == 2) {                          \
      enum { SIDE = 2 };                        \
      loop;                                     \
    } else {                                    \
      enum { SIDE = 4 };                        \
      loop;                                     \
    }                                           \
  } while (0)

typedef uint16_t halves __attribute__((vector_size(32)));

// `lines` is side + 2 for an input and side for a gradient.
DK_INLINE void write_points(const float *x, const dk_winograd_map *map, long first, long count, long channel, void *to,
                            dk_winograd_strides strides, const int rounds, const long lines, const long side) {
  strip pixels;
  for (long done = 0; done < count;) {
    long squares = side_by_side_squares(map, first + done, count - done);
    read_strip(x, map, first + done, squares, lines, channel, pixels);
    for (long i = 0; i < squares; i++, done++) {
      lanes d[36], points[36];
      read_square(pixels, i, lines, d, side);
      if (lines == side) {
        IN_BOTH_DIRECTIONS(gradient_to_points, d, side, points, side + 2, side);
      } else {
        IN_BOTH_DIRECTIONS(to_points, d, side + 2, points, side + 2, side);
      }
      long at = done * strides.square;
      for (long f = 0; f < dk_winograd_frequencies(side); f++, at += strides.frequency) {
        if (rounds) {
          bits_of_lanes rounded;
          round_lanes(points + f, &rounded);
          halves upper = __builtin_convertvector(rounded >> 16, halves);
          memcpy((uint16_t *)to + at, &upper, sizeof upper);
        } else {
          STORE((float *)to + at, points[f]);
        }
      }
    }
  }
}

DK_EACH_PROCESSOR(void, dk_winograd_input_points,
                  (const float *x, const dk_winograd_map *map, long first, long count, long channel, float *to,
                   dk_winograd_strides strides),
                  (x, map, first, count, channel, to, strides)) {
  FOR_EACH_SIDE(map->side, write_points(x, map, first, count, channel, to, strides, 0, SIDE + 2, SIDE));
}

DK_EACH_PROCESSOR(void, dk_winograd_rounded_points,
                  (const float *x, const dk_winograd_map *map, long first, long count, long channel, uint16_t *to,
                   dk_winograd_strides strides),
                  (x, map, first, count, channel, to, strides)) {
  FOR_EACH_SIDE(map->side, write_points(x, map, first, count, channel, to, strides, 1, SIDE + 2, SIDE));
}

DK_EACH_PROCESSOR(void, dk_winograd_gradient_points,
                  (const float *dy, const dk_winograd_map *map, long first, long count, long channel, float *to,
                   dk_winograd_strides strides),
                  (dy, map, first, count, channel, to, strides)) {
  FOR_EACH_SIDE(map->side, write_points(dy, map, first, count, channel, to, strides, 0, SIDE, SIDE));
}

// A term's points, a column a lane.
DK_INLINE void write_weight(const lanes *taps, float *to, long frequency_stride, const long side) {
  lanes points[36];
  IN_BOTH_DIRECTIONS(taps_to_points, taps, 3, points, side + 2, side);
  for (long f = 0; f < dk_winograd_frequencies(side); f++, to += frequency_stride) STORE(to, points[f]);
}

DK_EACH_PROCESSOR(void, dk_winograd_weight_points,
                  (long side, const float *x, long k_stride, long tap_stride, long column_stride, long k, long rows,
                   long columns, float *to, long frequency_stride),
                  (side, x, k_stride, tap_stride, column_stride, k, rows, columns, to, frequency_stride)) {
  for (long row = 0; row < rows; row += taps_terms) {
    for (long half = 0; half < 2; half++) {
      lanes taps[taps_terms][taps_count];
      read_taps(x + row * k_stride + half * 16 * column_stride, k_stride, tap_stride, column_stride, k - row,
                columns - half * 16, taps);
      for (long term = 0; term < taps_terms; term++) {
        float *line = to + (row + term) * dk_tile_panel + half * 16;
        FOR_EACH_SIDE(side, write_weight(taps[term], line, frequency_stride, SIDE));
      }
    }
  }
}

// Two neighbouring terms', a pair a column.
DK_INLINE void write_pair(const lanes *first, const lanes *second, uint16_t *to, long frequency_stride, const long side) {
  lanes low[36], high[36];
  IN_BOTH_DIRECTIONS(taps_to_points, first, 3, low, side + 2, side);
  IN_BOTH_DIRECTIONS(taps_to_points, second, 3, high, side + 2, side);
  for (long f = 0; f < dk_winograd_frequencies(side); f++, to += frequency_stride) {
    bits_of_lanes even, odd;
    round_lanes(low + f, &even), round_lanes(high + f, &odd);
    bits_of_lanes pairs = even >> 16 | (odd & 0xffff0000u);
    memcpy(to, &pairs, sizeof pairs);
  }
}

DK_EACH_PROCESSOR(void, dk_winograd_rounded_weights,
                  (long side, const float *x, long k_stride, long tap_stride, long column_stride, long k, long columns,
                   uint16_t *to, long frequency_stride),
                  (side, x, k_stride, tap_stride, column_stride, k, columns, to, frequency_stride)) {
  for (long row = 0; row < 2 * taps_terms; row += taps_terms) {
    for (long half = 0; half < 2; half++) {
      lanes taps[taps_terms][taps_count];
      read_taps(x + row * k_stride + half * 16 * column_stride, k_stride, tap_stride, column_stride, k - row,
                columns - half * 16, taps);
      for (long term = 0; term < taps_terms; term += 2) {
        uint16_t *pair = to + half * 512 + (row + term) / 2 * 32;
        FOR_EACH_SIDE(side, write_pair(taps[term], taps[term + 1], pair, frequency_stride, SIDE));
      }
    }
  }
}

DK_INLINE void join_squares(const float *from, dk_winograd_strides strides, const dk_winograd_map *map, long first, long count,
                            long channel, const float *bias, const float *residual, float *y, const long side) {
  lanes b = bias ? LOAD(bias + channel) : (lanes){0};
  long a_picture = map->across * map->down, frequencies = dk_winograd_frequencies(side);
  for (long square = first; square < first + count; square++) {
    const float *row = from + (square - first) * strides.square;
    lanes m[36], rows[24], pixels[16];
    for (long f = 0; f < frequencies; f++, row += strides.frequency) {
      m[f] = LOAD(row);
      // The same of the block that comes next.
      __builtin_prefetch(row + frequencies * strides.frequency);
    }
    for (long c = 0; c < side + 2; c++) from_points(m + c, side + 2, rows + c, side + 2, side);
    for (long r = 0; r < side; r++) from_points(rows + (side + 2) * r, 1, pixels + side * r, 1, side);
    long image = square / a_picture;
    long y0 = square % a_picture / map->across * side, x0 = square % map->across * side;
    long height = map->h - y0 < side ? map->h - y0 : side, width = map->w - x0 < side ? map->w - x0 : side;
    for (long i = 0; i < height; i++) {
      long at = (image * map->channels + channel) * map->h * map->w + ((y0 + i) * map->w + x0) * 16;
      for (long j = 0; j < width; j++, at += 16) {
        lanes value = pixels[side * i + j] + b;
        if (residual) value = value + LOAD(residual + at);
        STORE(y + at, value);
      }
    }
  }
}

DK_EACH_PROCESSOR(void, dk_winograd_join,
                  (const float *from, dk_winograd_strides strides, const dk_winograd_map *map, long first, long count,
                   long channel, const float *bias, const float *residual, float *y),
                  (from, strides, map, first, count, channel, bias, residual, y)) {
  FOR_EACH_SIDE(map->side, join_squares(from, strides, map, first, count, channel, bias, residual, y, SIDE));
}

DK_INLINE void join_weights(const float *sums, long frequency_stride, long inputs, float *dw, const long side) {
  for (long row = 0; row < 16; row++, dw += inputs * 9) {
    lanes u[36], rows[18], taps[9];
    float values[9][16];
    for (long f = 0; f < dk_winograd_frequencies(side); f++) u[f] = LOAD(sums + f * frequency_stride + row * 16);
    for (long c = 0; c < side + 2; c++) points_to_taps(u + c, side + 2, rows + c, side + 2, side);
    for (long r = 0; r < 3; r++) points_to_taps(rows + (side + 2) * r, 1, taps + 3 * r, 1, side);
    for (long t = 0; t < 9; t++) STORE(values[t], taps[t]);
    for (long c = 0; c < 16; c++) {
      for (long t = 0; t < 9; t++) dw[c * 9 + t] = values[t][c];
    }
  }
}

DK_EACH_PROCESSOR(void, dk_winograd_weights, (long side, const float *sums, long frequency_stride, long inputs, float *dw),
                  (side, sums, frequency_stride, inputs, dw)) {
  FOR_EACH_SIDE(side, join_weights(sums, frequency_stride, inputs, dw, SIDE));
}
