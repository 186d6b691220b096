// One body a loop, compiled for each instruction set, and the choice among them when it is called.
//
//     DK_EACH_PROCESSOR(void, dk_add, (const float *a, …, long n), (a, …, n)) { … }
//
// All copies give the same bits: nothing is contracted to a fused multiply-add behind the source's back, `dk_fma` is one
// everywhere, and no sum is taken in another order than the source says.
#ifndef DARKROOM_EACH_PROCESSOR_H
#define DARKROOM_EACH_PROCESSOR_H

#include "../include/processor.h"

#pragma clang fp contract(off)

#define DK_INLINE static inline __attribute__((always_inline))
// a·b + c, rounded once. Where the processor has no such instruction this is the C library's, exact and slow.
#define dk_fma(a, b, c) __builtin_fmaf(a, b, c)

#if defined(__x86_64__)
#define DK_AVX512 __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")))
#define DK_AVX2 __attribute__((target("avx2,fma")))

#define DK_EACH_PROCESSOR(result, name, parameters, arguments)               \
  DK_INLINE result name##_body parameters;                                   \
  DK_AVX512 static result name##_avx512 parameters { return name##_body arguments; } \
  DK_AVX2 static result name##_avx2 parameters { return name##_body arguments; }     \
  static result name##_portable parameters { return name##_body arguments; } \
  result name parameters {                                                   \
    switch (dk_processor_in_use()) {                                         \
      case dk_amx:                                                           \
      case dk_avx512: return name##_avx512 arguments;                        \
      case dk_avx2: return name##_avx2 arguments;                            \
      default: return name##_portable arguments;                             \
    }                                                                        \
  }                                                                          \
  DK_INLINE result name##_body parameters
#else
#define DK_EACH_PROCESSOR(result, name, parameters, arguments) result name parameters
#endif

#endif
