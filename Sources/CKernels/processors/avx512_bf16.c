#if defined(__x86_64__)
#include <immintrin.h>

#include "each_processor.h"
#include "../include/product.h"
#define WIDTH 16
#define ROWS 8
#define TARGET __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx512bf16,avx2,fma")))
#define FUSED(a, b, c) _mm512_dpbf16_ps(c, (__m512bh)(a), (__m512bh)(b))
#define ENTRY dk_bf16_product_avx512
#define OPERANDS
#include "bf16_product.h"
#endif
