// Naive versions of the kernels, for tests to hold the fast ones against: double precision, one value at a time, the
// formula and nothing else. Feature maps are plain [C, HW] here, of one image.
#ifndef DARKROOM_REFERENCE_H
#define DARKROOM_REFERENCE_H

#include "CKernels.h"

double dk_reference_activation(double x, dk_activation kind);
double dk_reference_derivative(double x, dk_activation kind);

// activation(((x + shift − μ)/√(σ² + ε)·weight + bias)·(1 + scale1) + shift1); the last three may be null.
void dk_reference_group_norm(const float *x, double *y, long channels, long hw, long groups, double epsilon,
                             const float *weight, const float *bias, const float *shift, const float *scale1,
                             const float *shift1, dk_activation kind);
void dk_reference_layer_norm(const float *x, double *y, long rows, long columns, const float *weight,
                             const float *bias, double epsilon);
void dk_reference_softmax(const float *x, double *y, long rows, long columns);
// upfirdn of one plane: zeros put in, padded, filtered and thinned as separate steps over a whole padded copy.
void dk_reference_fir(const float *x, double *y, long h, long w, long out_h, long out_w, const float *taps,
                      long tap_count, long up, long down, long pad);

#endif
