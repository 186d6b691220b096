// Branch-free elementary functions that clang vectorises; within 2 ulp where it says so.
#ifndef DARKROOM_VECTOR_MATH_H
#define DARKROOM_VECTOR_MATH_H

#include <stdint.h>
#include <string.h>

#include "../processors/each_processor.h"

// eˣ to 2 ulp, by 2ⁿ·e^r with |r| ≤ ln2/2 (Cody–Waite reduction, Cephes' degree-5 polynomial); saturates outside ±87.
DK_INLINE float dk_exp(float x) {
  x = x < -87.0f ? -87.0f : x;
  x = x > 87.0f ? 87.0f : x;
  const float shifter = 12582912.0f;  // 1.5·2²³: adding it rounds to an integer
  float shifted = dk_fma(x, 1.44269504088896341f, shifter);
  float n = shifted - shifter;
  float r = dk_fma(n, -0.693359375f, x);
  r = dk_fma(n, 2.12194440e-4f, r);
  float p = 1.9875691500e-4f;
  p = dk_fma(p, r, 1.3981999507e-3f);
  p = dk_fma(p, r, 8.3334519073e-3f);
  p = dk_fma(p, r, 4.1665795894e-2f);
  p = dk_fma(p, r, 1.6666665459e-1f);
  p = dk_fma(p, r, 5.0000001201e-1f);
  p = dk_fma(p * r, r, r) + 1.0f;
  int32_t bits;
  memcpy(&bits, &shifted, 4);
  bits = (int32_t)((uint32_t)bits << 23) + 0x3f800000;  // the shifter's own bits leave with the shift
  float scale;
  memcpy(&scale, &bits, 4);
  return p * scale;
}

// ln of a normal positive float, without fused multiply-adds: exponent and mantissa in [√½, √2), Cephes' polynomial.
DK_INLINE float dk_log(float x) {
  uint32_t bits;
  memcpy(&bits, &x, 4);
  int32_t exponent = (int32_t)(bits >> 23) - 126;
  bits = (bits & 0x007fffffu) | 0x3f000000u;
  float m;
  memcpy(&m, &bits, 4);  // [½, 1)
  if (m < 0.70710678f) {
    exponent -= 1;
    m = m + m;
  }
  m = m - 1.0f;
  float z = m * m;
  float p = 7.0376836292e-2f;
  p = p * m - 1.1514610310e-1f;
  p = p * m + 1.1676998740e-1f;
  p = p * m - 1.2420140846e-1f;
  p = p * m + 1.4249322787e-1f;
  p = p * m - 1.6668057665e-1f;
  p = p * m + 2.0000714765e-1f;
  p = p * m - 2.4999993993e-1f;
  p = p * m + 3.3333331174e-1f;
  float e = (float)exponent;
  float y = m * z * p;
  y = y + e * -2.12194440e-4f;
  y = y - 0.5f * z;
  return (m + y) + e * 0.693359375f;
}

DK_INLINE float dk_sigmoid(float x) { return 1.0f / (1.0f + dk_exp(-x)); }

// erf to 1.5e-7 absolute (Abramowitz & Stegun 7.1.26).
DK_INLINE float dk_erf(float x) {
  float a = x < 0 ? -x : x;
  float t = 1.0f / dk_fma(0.3275911f, a, 1.0f);
  float p = 1.061405429f;
  p = dk_fma(p, t, -1.453152027f);
  p = dk_fma(p, t, 1.421413741f);
  p = dk_fma(p, t, -0.284496736f);
  p = dk_fma(p, t, 0.254829592f);
  float y = 1.0f - p * t * dk_exp(-a * a);
  return x < 0 ? -y : y;
}

// tanh(softplus(x)) = (e² + 2e)/(e² + 2e + 2) with e = eˣ, which no rounding of 1 + eˣ spoils.
DK_INLINE float dk_tanh_softplus(float x) {
  float e = dk_exp(x > 20.0f ? 20.0f : x);
  float n = e * (e + 2.0f);
  return n / (n + 2.0f);
}

DK_INLINE float dk_tanh(float x) { return 2.0f * dk_sigmoid(2.0f * x) - 1.0f; }

#endif
