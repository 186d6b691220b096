#include "activation.h"

DK_EACH_PROCESSOR(void, dk_add, (const float *a, const float *b, float *y, long n), (a, b, y, n)) {
  for (long i = 0; i < n; i++) y[i] = a[i] + b[i];
}

DK_EACH_PROCESSOR(void, dk_multiply, (const float *a, const float *b, float *y, long n), (a, b, y, n)) {
  for (long i = 0; i < n; i++) y[i] = a[i] * b[i];
}

DK_EACH_PROCESSOR(void, dk_axpby,
                  (float a, const float *x, float b, const float *z, float *y, long n),
                  (a, x, b, z, y, n)) {
  for (long i = 0; i < n; i++) y[i] = a * x[i] + b * z[i];
}

DK_EACH_PROCESSOR(void, dk_scale, (float a, const float *x, float offset, float *y, long n), (a, x, offset, y, n)) {
  for (long i = 0; i < n; i++) y[i] = a * x[i] + offset;
}

DK_EACH_PROCESSOR(void, dk_clamp, (const float *x, float low, float high, float *y, long n), (x, low, high, y, n)) {
  for (long i = 0; i < n; i++) {
    float v = x[i] < low ? low : x[i];
    y[i] = v > high ? high : v;
  }
}

DK_EACH_PROCESSOR(void, dk_clamp_gradient,
                  (const float *x, const float *dy, float low, float high, float *dx, long n),
                  (x, dy, low, high, dx, n)) {
  for (long i = 0; i < n; i++) dx[i] = ((x[i] >= low) & (x[i] <= high)) ? dy[i] : 0;
}

DK_EACH_PROCESSOR(void, dk_activate, (const float *x, float *y, long n, dk_activation kind), (x, y, n, kind)) {
  DK_FOR_EACH_ACTIVATION(kind, for (long i = 0; i < n; i++) y[i] = dk_value(x[i], K));
}

DK_EACH_PROCESSOR(void, dk_activate_gradient,
                  (const float *x, const float *dy, float *dx, long n, dk_activation kind),
                  (x, dy, dx, n, kind)) {
  DK_FOR_EACH_ACTIVATION(kind, for (long i = 0; i < n; i++) dx[i] = dy[i] * dk_derivative(x[i], K));
}

DK_EACH_PROCESSOR(void, dk_add_channels,
                  (const float *x, const float *t, float *y, long blocks, long hw, long b),
                  (x, t, y, blocks, hw, b)) {
  for (long k = 0; k < blocks; k++) {
    const float *xs = x + k * hw * b, *ts = t + k * b;
    float *ys = y + k * hw * b;
    if (b == 1) {
      for (long p = 0; p < hw; p++) ys[p] = xs[p] + ts[0];
    } else {
      for (long p = 0; p < hw; p++)
        for (long c = 0; c < b; c++) ys[p * b + c] = xs[p * b + c] + ts[c];
    }
  }
}

DK_EACH_PROCESSOR(void, dk_sum_channels,
                  (const float *x, float *s, long blocks, long hw, long b),
                  (x, s, blocks, hw, b)) {
  for (long k = 0; k < blocks; k++) {
    const float *xs = x + k * hw * b;
    if (b == 1) {
      s[k] = (float)dk_sum(xs, hw);
    } else {
      for (long c = 0; c < b; c++) s[k * b + c] = 0;
      for (long p = 0; p < hw; p++)
        for (long c = 0; c < b; c++) s[k * b + c] += xs[p * b + c];
    }
  }
}
