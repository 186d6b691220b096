#if defined(__x86_64__)
#include "each_processor.h"
#define WIDTH 16
#define ROWS 8
#define TARGET DK_AVX512
#define FUSED __builtin_elementwise_fma
#define ENTRY dk_product_avx512
#include "fused_product.h"
#endif
