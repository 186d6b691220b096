#include "winograd_transform.h"

// `lines` is 6 for an input and 4 for a gradient.
DK_INLINE void write_points(const float *x, const dk_winograd_map *map, long first, long count, long channel, float *to,
                            dk_winograd_strides strides, const long lines) {
  strip pixels;
  for (long done = 0; done < count;) {
    long squares = side_by_side_squares(map, first + done, count - done);
    read_strip(x, map, first + done, squares, lines, channel, pixels);
    for (long i = 0; i < squares; i++, done++) {
      lanes d[36], points[36];
      read_square(pixels, i, lines, d);
      if (lines == dk_winograd_in) {
        IN_BOTH_DIRECTIONS(to_points, d, 6, points, 6);
      } else {
        IN_BOTH_DIRECTIONS(gradient_to_points, d, 4, points, 6);
      }
      float *row = to + done * strides.square;
      for (long f = 0; f < dk_winograd_frequencies; f++, row += strides.frequency) STORE(row, points[f]);
    }
  }
}

DK_EACH_PROCESSOR(void, dk_winograd_input_points,
                  (const float *x, const dk_winograd_map *map, long first, long count, long channel, float *to,
                   dk_winograd_strides strides),
                  (x, map, first, count, channel, to, strides)) {
  write_points(x, map, first, count, channel, to, strides, dk_winograd_in);
}

DK_EACH_PROCESSOR(void, dk_winograd_gradient_points,
                  (const float *dy, const dk_winograd_map *map, long first, long count, long channel, float *to,
                   dk_winograd_strides strides),
                  (dy, map, first, count, channel, to, strides)) {
  write_points(dy, map, first, count, channel, to, strides, dk_winograd_out);
}

DK_EACH_PROCESSOR(void, dk_winograd_weight_points,
                  (const float *x, long k_stride, long tap_stride, long column_stride, long k, long rows, long columns,
                   float *to, long frequency_stride),
                  (x, k_stride, tap_stride, column_stride, k, rows, columns, to, frequency_stride)) {
  for (long half = 0; half < 2; half++) {
    const float *source = x + half * 16 * column_stride;
    long there = columns - half * 16 < 16 ? columns - half * 16 : 16;
    for (long row = 0; row < rows; row++) {
      float values[9][16] = {{0}};
      for (long c = 0; row < k && c < there; c++) {
        for (long t = 0; t < 9; t++) values[t][c] = source[row * k_stride + t * tap_stride + c * column_stride];
      }
      lanes taps[9], halfway[18], points[36];
      for (long t = 0; t < 9; t++) taps[t] = LOAD(values[t]);
      for (long c = 0; c < 3; c++) taps_to_points(taps + c, 3, halfway + c, 3);
      for (long r = 0; r < 6; r++) taps_to_points(halfway + 3 * r, 1, points + 6 * r, 1);
      float *line = to + row * dk_tile_panel + half * 16;
      for (long f = 0; f < dk_winograd_frequencies; f++, line += frequency_stride) STORE(line, points[f]);
    }
  }
}

DK_EACH_PROCESSOR(void, dk_winograd_join,
                  (const float *from, dk_winograd_strides strides, const dk_winograd_map *map, long first, long count,
                   long channel, const float *bias, const float *residual, float *y),
                  (from, strides, map, first, count, channel, bias, residual, y)) {
  lanes b = bias ? LOAD(bias + channel) : (lanes){0};
  long a_picture = map->across * map->down;
  for (long square = first; square < first + count; square++) {
    const float *row = from + (square - first) * strides.square;
    lanes m[36], rows[24], pixels[16];
    for (long f = 0; f < dk_winograd_frequencies; f++, row += strides.frequency) {
      m[f] = LOAD(row);
      // The same of the block that comes next.
      __builtin_prefetch(row + dk_winograd_frequencies * strides.frequency);
    }
    for (long c = 0; c < 6; c++) from_points(m + c, 6, rows + c, 6);
    for (long r = 0; r < 4; r++) from_points(rows + 6 * r, 1, pixels + 4 * r, 1);
    long image = square / a_picture, y0 = square % a_picture / map->across * 4, x0 = square % map->across * 4;
    long height = map->h - y0 < 4 ? map->h - y0 : 4, width = map->w - x0 < 4 ? map->w - x0 : 4;
    for (long i = 0; i < height; i++) {
      long at = (image * map->channels + channel) * map->h * map->w + ((y0 + i) * map->w + x0) * 16;
      for (long j = 0; j < width; j++, at += 16) {
        lanes value = pixels[4 * i + j] + b;
        if (residual) value = value + LOAD(residual + at);
        STORE(y + at, value);
      }
    }
  }
}

DK_EACH_PROCESSOR(void, dk_winograd_weights, (const float *sums, long frequency_stride, long inputs, float *dw),
                  (sums, frequency_stride, inputs, dw)) {
  for (long row = 0; row < 16; row++, dw += inputs * 9) {
    lanes u[36], rows[18], taps[9];
    float values[9][16];
    for (long f = 0; f < dk_winograd_frequencies; f++) u[f] = LOAD(sums + f * frequency_stride + row * 16);
    for (long c = 0; c < 6; c++) points_to_taps(u + c, 6, rows + c, 6);
    for (long r = 0; r < 3; r++) points_to_taps(rows + 6 * r, 1, taps + 3 * r, 1);
    for (long t = 0; t < 9; t++) STORE(values[t], taps[t]);
    for (long c = 0; c < 16; c++) {
      for (long t = 0; t < 9; t++) dw[c * 9 + t] = values[t][c];
    }
  }
}
