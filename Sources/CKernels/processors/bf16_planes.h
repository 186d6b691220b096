// Operands of bf16 out of floats, as `dk_product_kernel` has them, where there are AVX-512's conversions: `split` into three
// planes, and rounded to one.
#ifndef DARKROOM_BF16_PLANES_H
#define DARKROOM_BF16_PLANES_H

#include "../include/product.h"

#define OPERANDS_OF(name)                                                                                            \
  void name##_map(const float *x, dk_map_lines lines, long k, dk_left to);                                             \
  void name##_columns(const float *x, long k_stride, long k, long count, dk_left to);                                  \
  void name##_panel(const float *x, long k_stride, long tap_stride, long column_stride, long k, long taps, long columns, \
                    void *panel);
OPERANDS_OF(dk_split)
OPERANDS_OF(dk_bf16)
#undef OPERANDS_OF

#endif
