// The activations and their derivatives, one value at a time; `kind` is a constant wherever these are inlined.
#ifndef DARKROOM_ACTIVATION_H
#define DARKROOM_ACTIVATION_H

#include "../include/CKernels.h"
#include "../processors/each_processor.h"
#include "vector_math.h"

DK_INLINE float dk_value(float x, dk_activation kind) {
  switch (kind) {
    case dk_identity: return x;
    case dk_silu: return x * dk_sigmoid(x);
    case dk_gelu: return 0.5f * x * (1.0f + dk_erf(x * 0.70710678118654752f));
    case dk_relu: return x > 0 ? x : 0;
    case dk_mish: return x * dk_tanh_softplus(x);
    case dk_gelu_tanh: return x * dk_sigmoid(1.5957691216057308f * (x + 0.044715f * x * x * x));
    case dk_quick_gelu: return x * dk_sigmoid(1.702f * x);
  }
}

DK_INLINE float dk_derivative(float x, dk_activation kind) {
  switch (kind) {
    case dk_identity: return 1;
    case dk_silu: {
      float s = dk_sigmoid(x);
      return s * (1.0f + x * (1.0f - s));
    }
    case dk_gelu:
      return 0.5f * (1.0f + dk_erf(x * 0.70710678118654752f)) + x * 0.39894228040143268f * dk_exp(-0.5f * x * x);
    case dk_relu: return x > 0 ? 1 : 0;
    case dk_mish: {
      float t = dk_tanh_softplus(x);
      return t + x * (1.0f - t * t) * dk_sigmoid(x);
    }
    case dk_gelu_tanh: {
      float s = dk_sigmoid(1.5957691216057308f * (x + 0.044715f * x * x * x));
      return s + x * s * (1.0f - s) * 1.5957691216057308f * (1.0f + 0.134145f * x * x);
    }
    case dk_quick_gelu: {
      float s = dk_sigmoid(1.702f * x);
      return s * (1.0f + 1.702f * x * (1.0f - s));
    }
  }
}

// activation(a[c]·x + k[c]) of `count` pixels of 16 channels.
DK_INLINE void dk_affine16(const float *x, float *y, const float *a, const float *k,
                                                              long count, dk_activation kind) {
  float as[16], ks[16];
  for (int l = 0; l < 16; l++) as[l] = a[l], ks[l] = k[l];
  for (long p = 0; p < count; p++)
    for (int l = 0; l < 16; l++) y[p * 16 + l] = dk_value(dk_fma(as[l], x[p * 16 + l], ks[l]), kind);
}

// Runs `loop` with `kind` as a compile-time constant, so that each copy vectorises without a branch.
#define DK_FOR_EACH_ACTIVATION(kind, loop)                    \
  switch (kind) {                                             \
    case dk_identity: { enum { K = dk_identity }; loop; break; } \
    case dk_silu: { enum { K = dk_silu }; loop; break; }         \
    case dk_gelu: { enum { K = dk_gelu }; loop; break; }         \
    case dk_relu: { enum { K = dk_relu }; loop; break; }         \
    case dk_mish: { enum { K = dk_mish }; loop; break; }         \
    case dk_gelu_tanh: { enum { K = dk_gelu_tanh }; loop; break; } \
    case dk_quick_gelu: { enum { K = dk_quick_gelu }; loop; break; } \
  }

#endif
