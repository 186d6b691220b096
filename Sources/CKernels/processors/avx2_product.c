#if defined(__x86_64__)
#include "each_processor.h"
#define WIDTH 8
#define ROWS 6
#define TARGET DK_AVX2
#define FUSED __builtin_elementwise_fma
#define ENTRY dk_product_avx2
#include "fused_product.h"
#endif
