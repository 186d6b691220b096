#include <math.h>

#include "../include/transformer.h"
#include "vector_math.h"

enum { lanes = 16 };

// Sixteen running sums, so that every vector width adds in one order.
DK_INLINE float dot(const float *a, const float *b, long n) {
  float s[lanes] = {0};
  long i = 0;
  for (; i + lanes <= n; i += lanes)
    for (int l = 0; l < lanes; l++) s[l] = dk_fma(a[i + l], b[i + l], s[l]);
  for (int l = 0; i < n; i++, l++) s[l] = dk_fma(a[i], b[i], s[l]);
  float sum = 0;
  for (int l = 0; l < lanes; l++) sum += s[l];
  return sum;
}

DK_INLINE void add_scaled(float factor, const float *x, float *y, long n) {
  for (long i = 0; i < n; i++) y[i] = dk_fma(factor, x[i], y[i]);
}

DK_INLINE int sees(const dk_masked_shape *shape, long key) { return !shape->seen || shape->seen[key] != 0; }

DK_INLINE long limit(const dk_masked_shape *shape, long query) {
  return shape->causal && query + 1 < shape->keys ? query + 1 : shape->keys;
}

DK_EACH_PROCESSOR(void, dk_masked_attention,
                  (dk_masked_shape shape, const float *q, const float *k, const float *v, long first, long count,
                   float *y, float *log_sums, float *scores),
                  (shape, q, k, v, first, count, y, log_sums, scores)) {
  long stride = shape.row_stride, size = shape.size;
  for (long t = first; t < first + count; t++) {
    long keys = limit(&shape, t);
    float top = -INFINITY, sum = 0;
    for (long s = 0; s < keys; s++) {
      scores[s] = sees(&shape, s) ? shape.scale * dot(q + t * stride, k + s * stride, size) : -INFINITY;
      top = scores[s] > top ? scores[s] : top;
    }
    float *row = y + t * stride;
    for (long i = 0; i < size; i++) row[i] = 0;
    for (long s = 0; s < keys; s++) {
      if (!sees(&shape, s)) continue;
      float e = dk_exp(scores[s] - top);
      sum += e;
      add_scaled(e, v + s * stride, row, size);
    }
    float inverse = sum > 0 ? 1 / sum : 0;
    for (long i = 0; i < size; i++) row[i] *= inverse;
    log_sums[t] = sum > 0 ? top + dk_log(sum) : 0;
  }
}

// With P the probabilities: dV = Pᵀ·dY, dP = dY·Vᵀ, dS = P∘(dP − rowsum(Y∘dY))·scale, dQ = dS·K, dK = dSᵀ·Q.
DK_EACH_PROCESSOR(void, dk_masked_attention_gradient,
                  (dk_masked_shape shape, const float *q, const float *k, const float *v, const float *y,
                   const float *dy, const float *log_sums, float *dq, float *dk, float *dv),
                  (shape, q, k, v, y, dy, log_sums, dq, dk, dv)) {
  long stride = shape.row_stride, size = shape.size;
  for (long s = 0; s < shape.keys; s++)
    for (long i = 0; i < size; i++) dk[s * stride + i] = dv[s * stride + i] = 0;
  for (long t = 0; t < shape.queries; t++) {
    const float *query = q + t * stride, *d = dy + t * stride;
    float *row = dq + t * stride;
    for (long i = 0; i < size; i++) row[i] = 0;
    float total = dot(y + t * stride, d, size);
    long keys = limit(&shape, t);
    for (long s = 0; s < keys; s++) {
      if (!sees(&shape, s)) continue;
      float p = dk_exp(shape.scale * dot(query, k + s * stride, size) - log_sums[t]);
      float ds = p * (dot(d, v + s * stride, size) - total) * shape.scale;
      add_scaled(ds, k + s * stride, row, size);
      add_scaled(ds, query, dk + s * stride, size);
      add_scaled(p, d, dv + s * stride, size);
    }
  }
}
