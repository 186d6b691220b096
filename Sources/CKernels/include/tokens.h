// Loops over tokens, the rows [T, D] of a transformer, and between them and pictures.
#ifndef DARKROOM_TOKENS_H
#define DARKROOM_TOKENS_H

#include "CKernels.h"

// ---- tokens.c
// out = x + gate·y, for `rows` rows of `columns` and one gate a column.
void dk_gated_add(const float *x, const float *gate, const float *y, float *out, long rows, long columns);
// Of the above, with d the gradient of out: dy = gate·d, and dgate = Σ_rows d·y, written for these rows.
void dk_gated_add_gradient(const float *gate, const float *y, const float *d, float *dy, float *dgate, long rows,
                           long columns);

// One picture [C, gh·p, gw·p] as gh·gw rows of its patches' values: in the order (c, row, column) where
// `channels_first`, which is a convolution's; else (row, column, c).
void dk_patches(const float *picture, float *rows, long c, long gh, long gw, long p, int channels_first);
// The way back.
void dk_picture(const float *rows, float *picture, long c, long gh, long gw, long p, int channels_first);

#endif
