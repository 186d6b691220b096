#include "reference.h"

#include <math.h>
#include <stdlib.h>

double dk_reference_activation(double x, dk_activation kind) {
  switch (kind) {
    case dk_identity: return x;
    case dk_silu: return x / (1 + exp(-x));
    case dk_gelu: return x * 0.5 * erfc(-x / sqrt(2));
    case dk_relu: return x > 0 ? x : 0;
    case dk_mish: return x * tanh(log1p(exp(x)));
    case dk_gelu_tanh: return 0.5 * x * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case dk_quick_gelu: return x / (1 + exp(-1.702 * x));
  }
}

// By central difference, so that no formula is trusted twice.
double dk_reference_derivative(double x, dk_activation kind) {
  double h = 1e-5;
  return (dk_reference_activation(x + h, kind) - dk_reference_activation(x - h, kind)) / (2 * h);
}

void dk_reference_group_norm(const float *x, double *y, long channels, long hw, long groups, double epsilon,
                             const float *weight, const float *bias, const float *shift, const float *scale1,
                             const float *shift1, dk_activation kind) {
  long size = channels / groups;
  for (long g = 0; g < groups; g++) {
    double mean = 0, variance = 0;
    for (long c = g * size; c < (g + 1) * size; c++)
      for (long p = 0; p < hw; p++) mean += x[c * hw + p] + (shift ? shift[c] : 0.0);
    mean /= (double)(size * hw);
    for (long c = g * size; c < (g + 1) * size; c++)
      for (long p = 0; p < hw; p++) variance += pow(x[c * hw + p] + (shift ? shift[c] : 0.0) - mean, 2);
    variance /= (double)(size * hw);
    for (long c = g * size; c < (g + 1) * size; c++)
      for (long p = 0; p < hw; p++) {
        double z = (x[c * hw + p] + (shift ? shift[c] : 0.0) - mean) / sqrt(variance + epsilon) * weight[c] + bias[c];
        z = z * (1 + (scale1 ? scale1[c] : 0.0)) + (shift1 ? shift1[c] : 0.0);
        y[c * hw + p] = dk_reference_activation(z, kind);
      }
  }
}

void dk_reference_layer_norm(const float *x, double *y, long rows, long columns, const float *weight,
                             const float *bias, double epsilon) {
  for (long i = 0; i < rows; i++) {
    double mean = 0, variance = 0;
    for (long j = 0; j < columns; j++) mean += x[i * columns + j];
    mean /= (double)columns;
    for (long j = 0; j < columns; j++) variance += pow(x[i * columns + j] - mean, 2);
    variance /= (double)columns;
    for (long j = 0; j < columns; j++) {
      double z = (x[i * columns + j] - mean) / sqrt(variance + epsilon);
      y[i * columns + j] = z * (weight ? weight[j] : 1.0) + (bias ? bias[j] : 0.0);
    }
  }
}

void dk_reference_softmax(const float *x, double *y, long rows, long columns) {
  for (long i = 0; i < rows; i++) {
    double top = x[i * columns], sum = 0;
    for (long j = 0; j < columns; j++) top = fmax(top, x[i * columns + j]);
    for (long j = 0; j < columns; j++) sum += y[i * columns + j] = exp(x[i * columns + j] - top);
    for (long j = 0; j < columns; j++) y[i * columns + j] /= sum;
  }
}

void dk_reference_fir(const float *x, double *y, long h, long w, long out_h, long out_w, const float *taps,
                      long tap_count, long up, long down, long pad) {
  long rows = out_h * down + tap_count, columns = out_w * down + tap_count;
  double *padded = calloc((size_t)(rows * columns), sizeof(double));
  if (!padded) abort();
  for (long i = 0; i < h; i++)
    for (long j = 0; j < w; j++)
      if (i * up + pad < rows && j * up + pad < columns) padded[(i * up + pad) * columns + j * up + pad] = x[i * w + j];
  for (long i = 0; i < out_h; i++)
    for (long j = 0; j < out_w; j++) {
      double sum = 0;
      for (long u = 0; u < tap_count; u++)
        for (long v = 0; v < tap_count; v++)
          sum += (double)taps[u] * taps[v] * padded[(i * down + u) * columns + j * down + v];
      y[i * out_w + j] = sum;
    }
  free(padded);
}
