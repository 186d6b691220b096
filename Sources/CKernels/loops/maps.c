#include "../include/maps.h"

#include <string.h>

#include "../processors/lanes.h"

DK_EACH_PROCESSOR(void, dk_reorder, (const float *x, float *y, long channels, long pixels, long from, long to),
                  (x, y, channels, pixels, from, to)) {
  // Channels that follow each other in both, and pixels that are moved together, to stay within few cache lines.
  long shorter = from < to ? from : to, run = from % shorter == 0 && to % shorter == 0 ? shorter : 1;
  enum { together = 16 };
  for (long p = 0; p < pixels; p += together) {
    long count = pixels - p < together ? pixels - p : together;
    for (long c = 0; c < channels; c += run) {
      const float *source = x + c / from * from * pixels + p * from + c % from;
      float *target = y + c / to * to * pixels + p * to + c % to;
      for (long i = 0; i < count; i++) {
        for (long k = 0; k < run; k++) target[i * to + k] = source[i * from + k];
      }
    }
  }
}

DK_EACH_PROCESSOR(void, dk_gather,
                  (const float *x, dk_taps m, long first, long count, long row, long column, long channel, float *to,
                   long pixel_stride),
                  (x, m, first, count, row, column, channel, to, pixel_stride)) {
  long there = m.channels - channel < 16 ? m.channels - channel : 16;
  for (long line = first; line < first + count; line++) {
    long image = line / m.out_h, y = line % m.out_h * m.stride + row - m.top;
    const float *source = x + (image * m.channels + channel / m.block * m.block) * m.h * m.w + channel % m.block;
    for (long i = 0; i < m.out_w; i++, to += pixel_stride) {
      long at = i * m.stride + column - m.left;
      if (there <= 0 || y < 0 || y >= m.h || at < 0 || at >= m.w) {
        STORE(to, (lanes){0});
      } else {
        load_part(source + (y * m.w + at) * m.block, there, to);
      }
    }
  }
}

DK_EACH_PROCESSOR(void, dk_interleave, (const float *x, long stride, long parts, long columns, float *y),
                  (x, stride, parts, columns, y)) {
  for (long c = 0; c < columns; c++) {
    for (long p = 0; p < parts; p++) y[c * parts + p] = x[p * stride + c];
  }
}

void dk_spread(const float *x, float *y, long h, long w, long b, long stride) {
  long wide = (w - 1) * stride + 1;
  memset(y, 0, sizeof(float) * ((h - 1) * stride + 1) * wide * b);
  for (long i = 0; i < h; i++) {
    for (long j = 0; j < w; j++) memcpy(y + (i * stride * wide + j * stride) * b, x + (i * w + j) * b, sizeof(float) * b);
  }
}
