// Vectors of sixteen floats, which clang makes of whatever registers the processor has.
#ifndef DARKROOM_LANES_H
#define DARKROOM_LANES_H

#include <stdint.h>
#include <string.h>

#include "each_processor.h"

typedef float lanes __attribute__((vector_size(64)));
typedef float unaligned_lanes __attribute__((vector_size(64), aligned(4)));

#define LOAD(p) (*(const unaligned_lanes *)(p))
#define STORE(p, x) (*(unaligned_lanes *)(p) = (x))
// One value in all lanes: x − 0 is x for every x, which x + 0 is not.
#define SPLAT(x) ((x) - (lanes){0})

// Floats whose upper halves are the nearest bf16, ties to even; what is below the normal numbers is 0.
typedef uint32_t bits_of_lanes __attribute__((vector_size(64)));
DK_INLINE void round_lanes(const lanes *x, bits_of_lanes *to) {
  bits_of_lanes bits = (bits_of_lanes)*x, nearest = bits + 0x7fffu + (bits >> 16 & 1);
  bits_of_lanes is_nan = (bits_of_lanes)((bits & 0x7fffffffu) > 0x7f800000u);
  bits_of_lanes is_small = (bits_of_lanes)((bits & 0x7f800000u) == 0);
  nearest = (nearest & ~is_nan) | ((bits | 0x400000u) & is_nan);
  *to = nearest & (~is_small | 0x80000000u);
}

// `count` values, at most 16 of them, and zeros after them.
DK_INLINE void load_part(const float *x, long count, float *to) {
  if (count >= 16) {
    memcpy(to, x, 64);
  } else {
    for (long i = 0; i < 16; i++) to[i] = i < count ? x[i] : 0;
  }
}

// Turns 16 rows of 16: value j of row i becomes value i of row j. Each stage exchanges what lies `d` rows and lanes apart.
DK_INLINE void turn_lanes(lanes *r) {
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#define STAGE(d, low, high)                                         \
  _Pragma("clang loop unroll(full)") for (int i = 0; i < 16; i++) { \
    if (i & d) continue;                                            \
    lanes a = r[i], b = r[i + d];                                   \
    r[i] = SHUFFLE(a, b, low), r[i + d] = SHUFFLE(a, b, high);      \
  }
#define LOW_1 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30
#define HIGH_1 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31
#define LOW_2 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29
#define HIGH_2 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31
#define LOW_4 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27
#define HIGH_4 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31
#define LOW_8 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23
#define HIGH_8 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31
  STAGE(1, LOW_1, HIGH_1)
  STAGE(2, LOW_2, HIGH_2)
  STAGE(4, LOW_4, HIGH_4)
  STAGE(8, LOW_8, HIGH_8)
}

#endif
