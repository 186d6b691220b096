#if defined(__aarch64__)
#define WIDTH 4
#define ROWS 8
#define TARGET
#define FUSED __builtin_elementwise_fma
#define ENTRY dk_product_neon
#include "fused_product.h"
#endif
