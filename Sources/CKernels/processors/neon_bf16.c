#if defined(__aarch64__)
#include "each_processor.h"
#include "../include/product.h"
#define WIDTH 4
#define ROWS 8
#define TARGET
#define FUSED_FLOATS(a, b, c) __builtin_elementwise_fma(a, b, c)
#define ENTRY dk_bf16_product_neon
#include "bf16_product.h"
#endif
