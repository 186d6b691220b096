// A diagonal Gaussian given by its mean and the logarithm of its variance.
#ifndef DARKROOM_GAUSSIAN_H
#define DARKROOM_GAUSSIAN_H

#include "CKernels.h"

// ---- gaussian.c
// z = mean + e^(logvar/2)·noise.
void dk_gaussian_sample(const float *mean, const float *logvar, const float *noise, float *z, long n);
// dlogvar = dz·noise·e^(logvar/2)/2; the gradient of the mean is dz.
void dk_gaussian_sample_gradient(const float *logvar, const float *noise, const float *dz, float *dlogvar, long n);
// term = (mean² + e^logvar − 1 − logvar)/2, the divergence from a standard normal, value by value.
void dk_gaussian_divergence(const float *mean, const float *logvar, float *term, long n);
// dmean = scale·mean, dlogvar = scale·(e^logvar − 1)/2.
void dk_gaussian_divergence_gradient(const float *mean, const float *logvar, float scale, float *dmean, float *dlogvar,
                                     long n);

#endif
