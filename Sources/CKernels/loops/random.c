#include "../include/random.h"

#include <math.h>
#include <string.h>

#include "vector_math.h"

static inline void round_once(uint32_t c[4], uint32_t k0, uint32_t k1) {
  uint64_t p0 = (uint64_t)0xD2511F53u * c[0], p1 = (uint64_t)0xCD9E8D57u * c[2];
  uint32_t hi0 = (uint32_t)(p0 >> 32), lo0 = (uint32_t)p0, hi1 = (uint32_t)(p1 >> 32), lo1 = (uint32_t)p1;
  uint32_t c1 = c[1], c3 = c[3];
  c[0] = hi1 ^ c1 ^ k0;
  c[1] = lo1;
  c[2] = hi0 ^ c3 ^ k1;
  c[3] = lo0;
}

void dk_philox_block(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
  uint32_t c[4] = {counter[0], counter[1], counter[2], counter[3]}, k0 = key[0], k1 = key[1];
  for (int i = 0; i < 10; i++) {
    round_once(c, k0, k1);
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  memcpy(out, c, sizeof c);
}

static void block_at(uint32_t number, const uint32_t tail[3], const uint32_t key[2], uint32_t out[4]) {
  uint32_t counter[4] = {number, tail[0], tail[1], tail[2]};
  dk_philox_block(counter, key, out);
}

void dk_philox_words(const uint32_t tail[3], const uint32_t key[2], uint32_t *out, long n) {
  for (long i = 0; i < n; i += 4) {
    uint32_t words[4];
    block_at((uint32_t)(i / 4), tail, key, words);
    memcpy(out + i, words, sizeof(uint32_t) * (size_t)(n - i < 4 ? n - i : 4));
  }
}

void dk_philox_uniform(const uint32_t tail[3], const uint32_t key[2], float *out, long n) {
  for (long i = 0; i < n; i += 4) {
    uint32_t words[4];
    block_at((uint32_t)(i / 4), tail, key, words);
    for (long j = 0; j < 4 && i + j < n; j++) out[i + j] = (float)(words[j] >> 8) * 0x1p-24f;
  }
}

// sin and cos of a in [0, π/2): Taylor polynomials about 0, of sin and cos for a ≤ π/4 and of the complement above.
static inline void sine_cosine(float a, float *s, float *c) {
  int upper = a > 0.78539816f;
  float x = upper ? 1.57079632679f - a : a;
  float z = x * x;
  float p = -1.9515295891e-4f;
  p = p * z + 8.3321608736e-3f;
  p = p * z - 1.6666654611e-1f;
  float sine = p * z * x + x;
  float q = 2.443315711809948e-5f;
  q = q * z - 1.388731625493765e-3f;
  q = q * z + 4.166664568298827e-2f;
  float cosine = q * z * z - 0.5f * z + 1.0f;
  *s = upper ? cosine : sine;
  *c = upper ? sine : cosine;
}

void dk_box_muller(uint32_t radius, uint32_t angle, float *a, float *b) {
  // (radius + ½)/2³² lies in (0, 1], down to 2⁻³³: tails reach 6.8 deviations.
  float u = ((float)radius + 0.5f) * 0x1p-32f;
  float r = sqrtf(-2.0f * dk_log(u));
  float s, c;
  sine_cosine((float)(angle & 0x3fffffffu) * (0x1p-30f * 1.57079632679f), &s, &c);
  // The top two bits are the quadrant: multiplication by i, once for each.
  switch (angle >> 30) {
    case 0: *a = r * c; *b = r * s; break;
    case 1: *a = -r * s; *b = r * c; break;
    case 2: *a = -r * c; *b = -r * s; break;
    default: *a = r * s; *b = -r * c; break;
  }
}

void dk_philox_normal(const uint32_t tail[3], const uint32_t key[2], float *out, long n) {
  for (long i = 0; i < n; i += 4) {
    uint32_t words[4];
    float values[4];
    block_at((uint32_t)(i / 4), tail, key, words);
    dk_box_muller(words[0], words[1], &values[0], &values[1]);
    dk_box_muller(words[2], words[3], &values[2], &values[3]);
    memcpy(out + i, values, sizeof(float) * (size_t)(n - i < 4 ? n - i : 4));
  }
}
