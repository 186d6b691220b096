// How a float becomes a bf16, or the sum of three of them, a vector at a time.
#ifndef DARKROOM_BF16_LANES_H
#define DARKROOM_BF16_LANES_H

#include <immintrin.h>

#define SPLITS __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx512bf16")))

// The 32 floats (low, high) as 32 bf16, and what that leaves of them.
SPLITS static inline __m512i take(__m512 *low, __m512 *high) {
  __m512i plane = (__m512i)_mm512_cvtne2ps_pbh(*high, *low);
  __m512i a = _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm512_castsi512_si256(plane)), 16);
  __m512i b = _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(plane, 1)), 16);
  *low = _mm512_sub_ps(*low, _mm512_castsi512_ps(a));
  *high = _mm512_sub_ps(*high, _mm512_castsi512_ps(b));
  return plane;
}

// The lanes of `count` values that there are.
SPLITS static inline __mmask16 within(long count) {
  return count >= 16 ? 0xFFFF : count <= 0 ? 0 : (__mmask16)((1u << count) - 1);
}

// Puts the two bf16 of each of 16 columns side by side, as a right operand wants them.
SPLITS static inline __m512i side_by_side(__m512i plane) {
  __m512i pairs = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21, 5, 20,
                                   4, 19, 3, 18, 2, 17, 1, 16, 0);
  return _mm512_permutexvar_epi16(pairs, plane);
}

// `x[0]`, `x[stride]`, … as far as `valid`.
SPLITS static inline __m512 column_values(const float *x, long stride, __mmask16 valid) {
  if (stride == 1) return _mm512_maskz_loadu_ps(valid, x);
  __m512i order = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  __m512i index = _mm512_mullo_epi32(order, _mm512_set1_epi32((int)stride));
  return _mm512_mask_i32gather_ps(_mm512_setzero_ps(), valid, index, x, 4);
}

// Turns 16 lines of 16 pairs: pair j of line i becomes pair i of line j.
SPLITS static inline void turn(uint16_t *square) {
  __m512i r[16], t[16];
  for (int i = 0; i < 16; i++) r[i] = _mm512_loadu_si512(square + 32 * i);
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]), t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]), r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
    r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]), r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
  for (int i = 0; i < 4; i++) {
    t[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88), t[i + 4] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xdd);
    t[i + 8] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88), t[i + 12] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xdd);
  }
  for (int i = 0; i < 4; i++) {
    _mm512_storeu_si512(square + 32 * i, _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88));
    _mm512_storeu_si512(square + 32 * (i + 8), _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd));
    _mm512_storeu_si512(square + 32 * (i + 4), _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0x88));
    _mm512_storeu_si512(square + 32 * (i + 12), _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0xdd));
  }
}

#endif
