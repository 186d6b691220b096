#include "../include/CKernels.h"
#include "../processors/each_processor.h"

#include <string.h>

DK_EACH_PROCESSOR(void, dk_upsample2,
                  (const float *x, float *y, long planes, long h, long w, long b),
                  (x, y, planes, h, w, b)) {
  for (long r = 0; r < planes * h; r++) {
    const float *row = x + r * w * b;
    float *out = y + r * 4 * w * b;
    for (long j = 0; j < w; j++)
      for (long c = 0; c < b; c++) out[2 * j * b + c] = out[(2 * j + 1) * b + c] = row[j * b + c];
    memcpy(out + 2 * w * b, out, sizeof(float) * 2 * w * b);
  }
}

// s · the sum of the four pixels under each: gradient of dk_upsample2 for s = 1, dk_average_pool2 for s = 1/4.
DK_INLINE void sum2(const float *x, float *y, long rows, long w, long b, float s) {
  for (long r = 0; r < rows; r++) {
    const float *top = x + r * 4 * w * b, *low = top + 2 * w * b;
    float *out = y + r * w * b;
    for (long j = 0; j < w; j++)
      for (long c = 0; c < b; c++)
        out[j * b + c] = s * ((top[2 * j * b + c] + top[(2 * j + 1) * b + c]) +
                              (low[2 * j * b + c] + low[(2 * j + 1) * b + c]));
  }
}

DK_EACH_PROCESSOR(void, dk_upsample2_gradient,
                  (const float *dy, float *dx, long planes, long h, long w, long b),
                  (dy, dx, planes, h, w, b)) {
  sum2(dy, dx, planes * h, w, b, 1.0f);
}

// h and w are the result's; an odd last row or column of x is left out, as PyTorch does, so x's own size is given
// by the caller through planes of exactly 2h × 2w.
DK_EACH_PROCESSOR(void, dk_average_pool2,
                  (const float *x, float *y, long planes, long h, long w, long b),
                  (x, y, planes, h, w, b)) {
  sum2(x, y, planes * h, w, b, 0.25f);
}

DK_EACH_PROCESSOR(void, dk_average_pool2_gradient,
                  (const float *dy, float *dx, long planes, long h, long w, long b),
                  (dy, dx, planes, h, w, b)) {
  for (long r = 0; r < planes * h; r++) {
    const float *row = dy + r * w * b;
    float *out = dx + r * 4 * w * b;
    for (long j = 0; j < w; j++)
      for (long c = 0; c < b; c++) out[2 * j * b + c] = out[(2 * j + 1) * b + c] = 0.25f * row[j * b + c];
    memcpy(out + 2 * w * b, out, sizeof(float) * 2 * w * b);
  }
}

DK_EACH_PROCESSOR(void, dk_max_pool2,
                  (const float *x, float *y, long planes, long h, long w, long b),
                  (x, y, planes, h, w, b)) {
  for (long p = 0; p < planes; p++, x += h * w * b) {
    for (long i = 0; i < h / 2; i++) {
      for (long j = 0; j < w / 2; j++, y += b) {
        const float *top = x + (2 * i * w + 2 * j) * b, *low = top + w * b;
        for (long c = 0; c < b; c++) {
          float t = top[c] > top[b + c] ? top[c] : top[b + c], l = low[c] > low[b + c] ? low[c] : low[b + c];
          y[c] = t > l ? t : l;
        }
      }
    }
  }
}

DK_EACH_PROCESSOR(void, dk_max_pool2_gradient,
                  (const float *x, const float *dy, float *dx, long planes, long h, long w, long b),
                  (x, dy, dx, planes, h, w, b)) {
  memset(dx, 0, sizeof(float) * planes * h * w * b);
  for (long p = 0; p < planes; p++, x += h * w * b, dx += h * w * b) {
    for (long i = 0; i < h / 2; i++) {
      for (long j = 0; j < w / 2; j++, dy += b) {
        long at[4] = {(2 * i * w + 2 * j) * b};
        at[1] = at[0] + b, at[2] = at[0] + w * b, at[3] = at[2] + b;
        for (long c = 0; c < b; c++) {
          long largest = 0;
          for (long k = 1; k < 4; k++) largest = x[at[k] + c] > x[at[largest] + c] ? k : largest;
          dx[at[largest] + c] = dy[c];
        }
      }
    }
  }
}

// The source pixel under tap u of output i, or −1 where there is none (the border, or a zero between pixels).
static inline long source(long i, long u, long up, long down, long pad, long size) {
  long at = i * down + u - pad;
  return at < 0 || at % up || at / up >= size ? -1 : at / up;
}

DK_EACH_PROCESSOR(void, dk_fir,
                  (const float *x, float *y, long planes, long h, long w, long b, long out_h, long out_w,
                   const float *taps, long tap_count, long up, long down, long pad),
                  (x, y, planes, h, w, b, out_h, out_w, taps, tap_count, up, down, pad)) {
  for (long p = 0; p < planes; p++, x += h * w * b)
    for (long i = 0; i < out_h; i++)
      for (long j = 0; j < out_w; j++, y += b) {
        for (long c = 0; c < b; c++) y[c] = 0;
        for (long u = 0; u < tap_count; u++) {
          long si = source(i, u, up, down, pad, h);
          for (long v = 0; si >= 0 && v < tap_count; v++) {
            long sj = source(j, v, up, down, pad, w);
            if (sj < 0) continue;
            float t = taps[u] * taps[v];
            const float *from = x + (si * w + sj) * b;
            for (long c = 0; c < b; c++) y[c] += t * from[c];
          }
        }
      }
}

DK_EACH_PROCESSOR(void, dk_fir_gradient,
                  (const float *dy, float *dx, long planes, long h, long w, long b, long out_h, long out_w,
                   const float *taps, long tap_count, long up, long down, long pad),
                  (dy, dx, planes, h, w, b, out_h, out_w, taps, tap_count, up, down, pad)) {
  memset(dx, 0, sizeof(float) * planes * h * w * b);
  for (long p = 0; p < planes; p++, dx += h * w * b)
    for (long i = 0; i < out_h; i++)
      for (long j = 0; j < out_w; j++, dy += b)
        for (long u = 0; u < tap_count; u++) {
          long si = source(i, u, up, down, pad, h);
          for (long v = 0; si >= 0 && v < tap_count; v++) {
            long sj = source(j, v, up, down, pad, w);
            if (sj < 0) continue;
            float t = taps[u] * taps[v];
            float *to = dx + (si * w + sj) * b;
            for (long c = 0; c < b; c++) to[c] += t * dy[c];
          }
        }
}
