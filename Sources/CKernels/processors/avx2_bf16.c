#if defined(__x86_64__)
#include "each_processor.h"
#include "../include/product.h"
#define WIDTH 8
#define ROWS 6
#define TARGET DK_AVX2
#define FUSED_FLOATS(a, b, c) __builtin_elementwise_fma(a, b, c)
#define ENTRY dk_bf16_product_avx2
#include "bf16_product.h"
#endif
