#include <math.h>

#include "activation.h"

// Per-channel sums over the pixels of one block. Sixteen lanes in float: a lane adds up one channel (B > 1), or a
// sixteenth of the plane (B = 1), so no sum runs over more than H·W values.

DK_INLINE void sums(const float *x, long hw, long b, float *s) {
  if (b == 1) {
    float a[16] = {0};
    long p = 0;
    for (; p + 16 <= hw; p += 16)
      for (int l = 0; l < 16; l++) a[l] += x[p + l];
    for (int l = 0; p < hw; p++, l++) a[l] += x[p];
    float t = 0;
    for (int l = 0; l < 16; l++) t += a[l];
    s[0] = t;
  } else if (b == 16) {
    float a[16] = {0};
    for (long p = 0; p < hw; p++)
      for (int l = 0; l < 16; l++) a[l] += x[p * 16 + l];
    for (int l = 0; l < 16; l++) s[l] = a[l];
  } else {
    for (long c = 0; c < b; c++) s[c] = 0;
    for (long p = 0; p < hw; p++)
      for (long c = 0; c < b; c++) s[c] += x[p * b + c];
  }
}

// s[c] = Σ (x + offset[c])²
DK_INLINE void squares(const float *x, const float *offset, long hw, long b,
                                                          float *s) {
  if (b == 1) {
    float a[16] = {0}, o = offset[0];
    long p = 0;
    for (; p + 16 <= hw; p += 16)
      for (int l = 0; l < 16; l++) {
        float d = x[p + l] + o;
        a[l] = dk_fma(d, d, a[l]);
      }
    for (int l = 0; p < hw; p++, l++) a[l] = dk_fma(x[p] + o, x[p] + o, a[l]);
    float t = 0;
    for (int l = 0; l < 16; l++) t += a[l];
    s[0] = t;
  } else if (b == 16) {
    float a[16] = {0}, o[16];
    for (int l = 0; l < 16; l++) o[l] = offset[l];
    for (long p = 0; p < hw; p++)
      for (int l = 0; l < 16; l++) {
        float d = x[p * 16 + l] + o[l];
        a[l] = dk_fma(d, d, a[l]);
      }
    for (int l = 0; l < 16; l++) s[l] = a[l];
  } else {
    for (long c = 0; c < b; c++) s[c] = 0;
    for (long p = 0; p < hw; p++)
      for (long c = 0; c < b; c++) {
        float d = x[p * b + c] + offset[c];
        s[c] = dk_fma(d, d, s[c]);
      }
  }
}

// y = activation(a[c]·x + k[c])
DK_INLINE void affine(const float *x, float *y, const float *a, const float *k,
                                                         long hw, long b, dk_activation kind) {
  if (b == 1) {
    float a0 = a[0], k0 = k[0];
    for (long p = 0; p < hw; p++) y[p] = dk_value(dk_fma(a0, x[p], k0), kind);
  } else if (b == 16) {
    dk_affine16(x, y, a, k, hw, kind);
  } else {
    for (long p = 0; p < hw; p++)
      for (long c = 0; c < b; c++) y[p * b + c] = dk_value(dk_fma(a[c], x[p * b + c], k[c]), kind);
  }
}

void dk_group_norm_coefficients(dk_norm_shape s, dk_norm_parameters p, const float *mean, const float *rstd, float *a,
                                float *k) {
  long channels = s.blocks * s.b;
  for (long c = 0; c < channels; c++) {
    long g = c / s.channels_per_group;
    float gain = p.weight[c] * rstd[g];
    float offset = ((p.shift ? p.shift[c] : 0) - mean[g]) * gain + p.bias[c];
    float outer = p.scale1 ? 1.0f + p.scale1[c] : 1.0f;
    a[c] = gain * outer;
    k[c] = offset * outer + (p.shift1 ? p.shift1[c] : 0);
  }
}

DK_EACH_PROCESSOR(void, dk_group_norm_apply,
                  (const float *x, float *y, dk_norm_shape s, dk_norm_parameters p, const float *mean,
                   const float *rstd, float *scratch),
                  (x, y, s, p, mean, rstd, scratch)) {
  long channels = s.blocks * s.b;
  float *a = scratch, *k = scratch + channels;
  dk_group_norm_coefficients(s, p, mean, rstd, a, k);
  for (long i = 0; i < s.blocks; i++) {
    const float *xs = x + i * s.hw * s.b;
    float *ys = y + i * s.hw * s.b;
    DK_FOR_EACH_ACTIVATION(s.activation, affine(xs, ys, a + i * s.b, k + i * s.b, s.hw, s.b, K));
  }
}

DK_EACH_PROCESSOR(void, dk_group_norm_statistics,
                  (const float *x, dk_norm_shape s, dk_norm_parameters p, float *mean, float *rstd, float *scratch),
                  (x, s, p, mean, rstd, scratch)) {
  long channels = s.blocks * s.b, groups = channels / s.channels_per_group;
  float *sum = scratch, *offset = scratch + channels;
  double count = (double)s.channels_per_group * s.hw;
  for (long i = 0; i < s.blocks; i++) sums(x + i * s.hw * s.b, s.hw, s.b, sum + i * s.b);
  for (long g = 0; g < groups; g++) {
    double total = 0;
    for (long c = g * s.channels_per_group; c < (g + 1) * s.channels_per_group; c++)
      total += (double)sum[c] + (p.shift ? (double)p.shift[c] * s.hw : 0);
    mean[g] = (float)(total / count);
    for (long c = g * s.channels_per_group; c < (g + 1) * s.channels_per_group; c++)
      offset[c] = (p.shift ? p.shift[c] : 0) - mean[g];
  }
  for (long i = 0; i < s.blocks; i++) squares(x + i * s.hw * s.b, offset + i * s.b, s.hw, s.b, sum + i * s.b);
  for (long g = 0; g < groups; g++) {
    double total = 0;
    for (long c = g * s.channels_per_group; c < (g + 1) * s.channels_per_group; c++) total += sum[c];
    rstd[g] = (float)(1.0 / sqrt(total / count + s.epsilon));
  }
}

void dk_group_norm(const float *x, float *y, dk_norm_shape s, dk_norm_parameters p, float *mean, float *rstd,
                   float *scratch) {
  dk_group_norm_statistics(x, s, p, mean, rstd, scratch);
  dk_group_norm_apply(x, y, s, p, mean, rstd, scratch);
}

// dz = dy·activation'(a·x + k), kept in dx; with Σ dz and Σ dz·x̂, where x̂ = r·x + o.
DK_INLINE void gradient_sums(const float *x, const float *dy, float *dz,
                                                                const float *a, const float *k, const float *r,
                                                                const float *o, float *s1, float *s2, long hw, long b,
                                                                dk_activation kind) {
  if (b == 1) {
    float t1[16] = {0}, t2[16] = {0};
    float a0 = a[0], k0 = k[0], r0 = r[0], o0 = o[0];
    long p = 0;
    for (; p + 16 <= hw; p += 16)
      for (int l = 0; l < 16; l++) {
        float d = dy[p + l] * dk_derivative(dk_fma(a0, x[p + l], k0), kind);
        dz[p + l] = d;
        t1[l] += d;
        t2[l] = dk_fma(d, dk_fma(r0, x[p + l], o0), t2[l]);
      }
    for (int l = 0; p < hw; p++, l++) {
      float d = dy[p] * dk_derivative(dk_fma(a0, x[p], k0), kind);
      dz[p] = d;
      t1[l] += d;
      t2[l] = dk_fma(d, dk_fma(r0, x[p], o0), t2[l]);
    }
    s1[0] = s2[0] = 0;
    for (int l = 0; l < 16; l++) s1[0] += t1[l], s2[0] += t2[l];
  } else if (b == 16) {
    float t1[16] = {0}, t2[16] = {0}, as[16], ks[16], rs[16], os[16];
    for (int l = 0; l < 16; l++) as[l] = a[l], ks[l] = k[l], rs[l] = r[l], os[l] = o[l];
    for (long p = 0; p < hw; p++)
      for (int l = 0; l < 16; l++) {
        float v = x[p * 16 + l];
        float d = dy[p * 16 + l] * dk_derivative(dk_fma(as[l], v, ks[l]), kind);
        dz[p * 16 + l] = d;
        t1[l] += d;
        t2[l] = dk_fma(d, dk_fma(rs[l], v, os[l]), t2[l]);
      }
    for (int l = 0; l < 16; l++) s1[l] = t1[l], s2[l] = t2[l];
  } else {
    for (long c = 0; c < b; c++) s1[c] = s2[c] = 0;
    for (long p = 0; p < hw; p++)
      for (long c = 0; c < b; c++) {
        float v = x[p * b + c];
        float d = dy[p * b + c] * dk_derivative(dk_fma(a[c], v, k[c]), kind);
        dz[p * b + c] = d;
        s1[c] += d;
        s2[c] = dk_fma(d, dk_fma(r[c], v, o[c]), s2[c]);
      }
  }
}

// dx = u·dz + v·x + w over dz in place, with Σ dx.
DK_INLINE void gradient_apply(const float *x, float *dx, const float *u,
                                                                 const float *v, const float *w, float *s, long hw,
                                                                 long b) {
  if (b == 1) {
    float t[16] = {0}, u0 = u[0], v0 = v[0], w0 = w[0];
    long p = 0;
    for (; p + 16 <= hw; p += 16)
      for (int l = 0; l < 16; l++) {
        float d = dk_fma(u0, dx[p + l], dk_fma(v0, x[p + l], w0));
        dx[p + l] = d;
        t[l] += d;
      }
    for (int l = 0; p < hw; p++, l++) {
      dx[p] = dk_fma(u0, dx[p], dk_fma(v0, x[p], w0));
      t[l] += dx[p];
    }
    s[0] = 0;
    for (int l = 0; l < 16; l++) s[0] += t[l];
  } else if (b == 16) {
    float t[16] = {0}, us[16], vs[16], ws[16];
    for (int l = 0; l < 16; l++) us[l] = u[l], vs[l] = v[l], ws[l] = w[l];
    for (long p = 0; p < hw; p++)
      for (int l = 0; l < 16; l++) {
        float d = dk_fma(us[l], dx[p * 16 + l], dk_fma(vs[l], x[p * 16 + l], ws[l]));
        dx[p * 16 + l] = d;
        t[l] += d;
      }
    for (int l = 0; l < 16; l++) s[l] = t[l];
  } else {
    for (long c = 0; c < b; c++) s[c] = 0;
    for (long p = 0; p < hw; p++)
      for (long c = 0; c < b; c++) {
        float d = dk_fma(u[c], dx[p * b + c], dk_fma(v[c], x[p * b + c], w[c]));
        dx[p * b + c] = d;
        s[c] += d;
      }
  }
}

DK_EACH_PROCESSOR(void, dk_group_norm_gradient,
                  (const float *x, const float *dy, float *dx, dk_norm_shape s, dk_norm_parameters p,
                   const float *mean, const float *rstd, float *sum_dz, float *sum_dzx, float *sum_dx, float *scratch),
                  (x, dy, dx, s, p, mean, rstd, sum_dz, sum_dzx, sum_dx, scratch)) {
  long channels = s.blocks * s.b, cpg = s.channels_per_group;
  float *a = scratch, *k = a + channels, *r = k + channels, *o = r + channels, *v = o + channels, *w = v + channels;
  dk_group_norm_coefficients(s, p, mean, rstd, a, k);
  for (long c = 0; c < channels; c++) {
    r[c] = rstd[c / cpg];
    o[c] = ((p.shift ? p.shift[c] : 0) - mean[c / cpg]) * r[c];
  }
  for (long i = 0; i < s.blocks; i++) {
    long at = i * s.hw * s.b, c = i * s.b;
    DK_FOR_EACH_ACTIVATION(s.activation, gradient_sums(x + at, dy + at, dx + at, a + c, k + c, r + c, o + c,
                                                       sum_dz + c, sum_dzx + c, s.hw, s.b, K));
  }
  // With γ' = γ·(1 + scale) and means over the group: dx = r·(γ'·dz − mean(γ'·dz) − x̂·mean(γ'·dz·x̂)); γ'·r = a.
  double count = (double)cpg * s.hw;
  for (long g = 0; g < channels / cpg; g++) {
    double m1 = 0, m2 = 0;
    for (long c = g * cpg; c < (g + 1) * cpg; c++) m1 += (double)a[c] * sum_dz[c], m2 += (double)a[c] * sum_dzx[c];
    m1 /= count, m2 /= count;
    for (long c = g * cpg; c < (g + 1) * cpg; c++) {
      v[c] = (float)(-m2 * r[c]);
      w[c] = (float)(-m1 - m2 * o[c]);
    }
  }
  for (long i = 0; i < s.blocks; i++) {
    long at = i * s.hw * s.b, c = i * s.b;
    gradient_apply(x + at, dx + at, a + c, v + c, w + c, sum_dx + c, s.hw, s.b);
  }
}

DK_EACH_PROCESSOR(void, dk_layer_norm,
                  (const float *x, float *y, long rows, long columns, const float *weight, const float *bias,
                   float epsilon, float *mean, float *rstd),
                  (x, y, rows, columns, weight, bias, epsilon, mean, rstd)) {
  for (long i = 0; i < rows; i++, x += columns, y += columns) {
    float s, zero = 0, centred;
    sums(x, columns, 1, &s);
    float m = s / (float)columns;
    centred = zero - m;
    squares(x, &centred, columns, 1, &s);
    float r = (float)(1.0 / sqrt((double)s / (double)columns + epsilon));
    mean[i] = m;
    rstd[i] = r;
    if (weight) {
      for (long j = 0; j < columns; j++) y[j] = (x[j] - m) * r * weight[j] + (bias ? bias[j] : 0);
    } else {
      for (long j = 0; j < columns; j++) y[j] = (x[j] - m) * r;
    }
  }
}

DK_EACH_PROCESSOR(void, dk_layer_norm_gradient,
                  (const float *x, const float *dy, float *dx, long rows, long columns, const float *weight,
                   const float *mean, const float *rstd, float *dweight, float *dbias),
                  (x, dy, dx, rows, columns, weight, mean, rstd, dweight, dbias)) {
  enum { lanes = 16 };
  for (long j = 0; j < columns; j++) dweight[j] = dbias[j] = 0;
  for (long i = 0; i < rows; i++, x += columns, dy += columns, dx += columns) {
    float m = mean[i], r = rstd[i], t1[lanes] = {0}, t2[lanes] = {0};
    for (long j = 0; j < columns; j++) {
      float n = (x[j] - m) * r;
      dweight[j] += dy[j] * n;
      dbias[j] += dy[j];
      dx[j] = weight ? dy[j] * weight[j] : dy[j];
    }
    long j = 0;
    for (; j + lanes <= columns; j += lanes)
      for (int l = 0; l < lanes; l++) t1[l] += dx[j + l], t2[l] += dx[j + l] * (x[j + l] - m) * r;
    for (int l = 0; j < columns; j++, l++) t1[l] += dx[j], t2[l] += dx[j] * (x[j] - m) * r;
    float m1 = 0, m2 = 0;
    for (int l = 0; l < lanes; l++) m1 += t1[l], m2 += t2[l];
    m1 /= (float)columns, m2 /= (float)columns;
    for (j = 0; j < columns; j++) dx[j] = r * (dx[j] - m1 - (x[j] - m) * r * m2);
  }
}
