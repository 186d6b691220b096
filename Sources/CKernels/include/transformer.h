// Loops of transformers that read text: gated feed-forward layers, and attention in which not every key is seen.
#ifndef DARKROOM_TRANSFORMER_H
#define DARKROOM_TRANSFORMER_H

#include "CKernels.h"

// ---- gated.c
// y = a·gelu(b) of `rows` rows [a, b], `columns` values each half.
void dk_geglu(const float *x, float *y, long rows, long columns);
// dx of the above, written for both halves.
void dk_geglu_gradient(const float *x, const float *dy, float *dx, long rows, long columns);

// ---- masked_attention.c
// Rows of one head, as dk_attention_shape's: `size` values each, `row_stride` floats apart.
typedef struct {
  long queries, keys, size, row_stride;
  float scale;
  int causal;         // query t sees keys 0 … t alone
  const float *seen;  // a value a key, 0 where it is not seen; null where all are
} dk_masked_shape;

// softmax(scale·Q·Kᵀ over the keys seen)·V of queries `first` … `first + count − 1`; a query that sees no key gives 0. Writes
// y's rows and, a query each, log Σ exp(scale·score). `scores`: `keys` floats.
void dk_masked_attention(dk_masked_shape shape, const float *q, const float *k, const float *v, long first, long count,
                         float *y, float *log_sums, float *scores);
// All gradients of a head, from its result, that result's gradient and the forward pass's log_sums.
void dk_masked_attention_gradient(dk_masked_shape shape, const float *q, const float *k, const float *v, const float *y,
                                  const float *dy, const float *log_sums, float *dq, float *dk, float *dv);

#endif
