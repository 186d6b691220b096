// Branch-free elementary functions that clang vectorises; within 2 ulp where it says so.
#ifndef DARKROOM_VECTOR_MATH_H
#define DARKROOM_VECTOR_MATH_H

#include <stdint.h>
#include <string.h>

// eˣ to 2 ulp, by 2ⁿ·e^r with |r| ≤ ln2/2 (Cody–Waite reduction, Cephes' degree-5 polynomial); saturates outside ±87.
static inline __attribute__((always_inline)) float dk_exp(float x) {
  x = x < -87.0f ? -87.0f : x;
  x = x > 87.0f ? 87.0f : x;
  const float shifter = 12582912.0f;  // 1.5·2²³: adding it rounds to an integer
  float shifted = x * 1.44269504088896341f + shifter;
  float n = shifted - shifter;
  float r = x - n * 0.693359375f;
  r = r + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  int32_t bits;
  memcpy(&bits, &shifted, 4);
  bits = (int32_t)((uint32_t)bits << 23) + 0x3f800000;  // the shifter's own bits leave with the shift
  float scale;
  memcpy(&scale, &bits, 4);
  return p * scale;
}

static inline __attribute__((always_inline)) float dk_sigmoid(float x) { return 1.0f / (1.0f + dk_exp(-x)); }

// erf to 1.5e-7 absolute (Abramowitz & Stegun 7.1.26).
static inline __attribute__((always_inline)) float dk_erf(float x) {
  float a = x < 0 ? -x : x;
  float t = 1.0f / (1.0f + 0.3275911f * a);
  float p = 1.061405429f;
  p = p * t - 1.453152027f;
  p = p * t + 1.421413741f;
  p = p * t - 0.284496736f;
  p = p * t + 0.254829592f;
  float y = 1.0f - p * t * dk_exp(-a * a);
  return x < 0 ? -y : y;
}

// tanh(softplus(x)) = (e² + 2e)/(e² + 2e + 2) with e = eˣ, which no rounding of 1 + eˣ spoils.
static inline __attribute__((always_inline)) float dk_tanh_softplus(float x) {
  float e = dk_exp(x > 20.0f ? 20.0f : x);
  float n = e * (e + 2.0f);
  return n / (n + 2.0f);
}

static inline __attribute__((always_inline)) float dk_tanh(float x) { return 2.0f * dk_sigmoid(2.0f * x) - 1.0f; }

#endif
