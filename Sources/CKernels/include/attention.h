// softmax(scale·Q·Kᵀ)·V of one head by the product in use, over blocks of 128 queries and 512 keys: no matrix of all scores is ever in
// memory. The softmax is taken as keys come by (Milakov & Gimelshein 2018; Dao et al. 2022, "FlashAttention").
//
// A query's result depends on nothing but the query and the keys, in an order that is always the same.
#ifndef DARKROOM_ATTENTION_H
#define DARKROOM_ATTENTION_H

#include "product.h"

// Rows of one head: `size` values each, `row_stride` floats apart, in q, k, v and all that is made of them.
typedef struct {
  long queries, keys, size, row_stride;
  float scale;
} dk_attention_shape;

// How many blocks of queries there are.
long dk_attention_blocks(dk_attention_shape shape);
// How many bytes a head's packed keys take, and its packed values.
long dk_attention_panels(dk_attention_shape shape);
// Packs a head's keys (`turned`) or values (not).
void dk_attention_pack(dk_attention_shape shape, const float *x, int turned, void *to);

// One block of queries. Writes y's rows and log Σ exp(scale·score), a query each. Pointers are to the head's row 0.
void dk_attention_forward(dk_attention_shape shape, const float *q, const void *keys, const void *values, long block, float *y,
                          float *log_sums);
// All gradients of a head, from its result, that result's gradient and the forward pass's log_sums.
void dk_attention_backward(dk_attention_shape shape, const float *q, const float *k, const float *v, const float *y,
                           const float *dy, const float *log_sums, float *dq, float *dk, float *dv);

#endif
