#include <math.h>

#include "../include/CKernels.h"
#include "../processors/each_processor.h"

// What keeps a pixel of zeros from being divided by 0, as in LPIPS (Zhang et al. 2018).
static const float least = 1e-10f;

DK_INLINE float length(const float *x, long blocks, long hw, long b) {
  double squares = 0;
  for (long k = 0; k < blocks; k++) {
    float sum = 0;
    for (long c = 0; c < b; c++) sum += x[k * hw * b + c] * x[k * hw * b + c];
    squares += sum;
  }
  return sqrtf((float)squares);
}

DK_EACH_PROCESSOR(double, dk_perceptual_distance,
                  (const float *a, const float *c, const float *weight, long blocks, long hw, long b),
                  (a, c, weight, blocks, hw, b)) {
  double total = 0;
  for (long p = 0; p < hw; p++, a += b, c += b) {
    float ra = 1 / (length(a, blocks, hw, b) + least), rc = 1 / (length(c, blocks, hw, b) + least);
    for (long k = 0; k < blocks; k++) {
      float sum = 0;
      for (long i = 0; i < b; i++) {
        float d = a[k * hw * b + i] * ra - c[k * hw * b + i] * rc;
        sum += weight[k * b + i] * d * d;
      }
      total += sum;
    }
  }
  return total;
}

// With g = 2·weight·(â − ĉ) and n = |a| + least: g/n − a·Σ(g·a)/(n²·|a|); 0 where a is, whose direction is no one's.
DK_EACH_PROCESSOR(void, dk_perceptual_gradient,
                  (const float *a, const float *c, const float *weight, float scale, float *da, long blocks, long hw,
                   long b),
                  (a, c, weight, scale, da, blocks, hw, b)) {
  for (long p = 0; p < hw; p++, a += b, c += b, da += b) {
    float size = length(a, blocks, hw, b);
    float ra = size > 0 ? 1 / (size + least) : 0, rc = 1 / (length(c, blocks, hw, b) + least);
    double along = 0;
    for (long k = 0; k < blocks; k++) {
      float sum = 0;
      for (long i = 0; i < b; i++) {
        long at = k * hw * b + i;
        float g = 2 * scale * weight[k * b + i] * (a[at] * ra - c[at] * rc);
        da[at] = g * ra;
        sum += g * a[at];
      }
      along += sum;
    }
    float turn = size > 0 ? (float)along * ra * ra / size : 0;
    for (long k = 0; k < blocks; k++)
      for (long i = 0; i < b; i++) da[k * hw * b + i] -= turn * a[k * hw * b + i];
  }
}
