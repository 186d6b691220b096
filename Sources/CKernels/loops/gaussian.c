#include "../include/gaussian.h"

#include "vector_math.h"

DK_EACH_PROCESSOR(void, dk_gaussian_sample,
                  (const float *mean, const float *logvar, const float *noise, float *z, long n),
                  (mean, logvar, noise, z, n)) {
  for (long i = 0; i < n; i++) z[i] = mean[i] + dk_exp(0.5f * logvar[i]) * noise[i];
}

DK_EACH_PROCESSOR(void, dk_gaussian_sample_gradient,
                  (const float *logvar, const float *noise, const float *dz, float *dlogvar, long n),
                  (logvar, noise, dz, dlogvar, n)) {
  for (long i = 0; i < n; i++) dlogvar[i] = 0.5f * dz[i] * noise[i] * dk_exp(0.5f * logvar[i]);
}

DK_EACH_PROCESSOR(void, dk_gaussian_divergence,
                  (const float *mean, const float *logvar, float *term, long n),
                  (mean, logvar, term, n)) {
  for (long i = 0; i < n; i++) term[i] = 0.5f * (mean[i] * mean[i] + dk_exp(logvar[i]) - 1.0f - logvar[i]);
}

DK_EACH_PROCESSOR(void, dk_gaussian_divergence_gradient,
                  (const float *mean, const float *logvar, float scale, float *dmean, float *dlogvar, long n),
                  (mean, logvar, scale, dmean, dlogvar, n)) {
  for (long i = 0; i < n; i++) {
    dmean[i] = scale * mean[i];
    dlogvar[i] = 0.5f * scale * (dk_exp(logvar[i]) - 1.0f);
  }
}
