#include "../include/CKernels.h"
#include "../processors/each_processor.h"

// Decoupled weight decay (Loshchilov & Hutter 2019, algorithm 2), in PyTorch's order of operations.
DK_EACH_PROCESSOR(void, dk_adamw_step,
                  (float *restrict parameter, const float *restrict gradient, float *restrict m, float *restrict v,
                   long n, dk_adamw o),
                  (parameter, gradient, m, v, n, o)) {
  float keep = 1.0f - o.learning_rate * o.weight_decay;
  float step = o.learning_rate / o.bias_correction1;
  float inverse_root = 1.0f / o.root_bias_correction2;
  for (long i = 0; i < n; i++) {
    float g = gradient[i] * o.gradient_scale;
    float mi = m[i] + (1.0f - o.beta1) * (g - m[i]);
    float vi = o.beta2 * v[i] + (1.0f - o.beta2) * g * g;
    m[i] = mi;
    v[i] = vi;
    parameter[i] = keep * parameter[i] - step * (mi / (__builtin_sqrtf(vi) * inverse_root + o.epsilon));
  }
}

DK_EACH_PROCESSOR(void, dk_ema_step,
                  (float *restrict average, const float *restrict parameter, float decay, long n),
                  (average, parameter, decay, n)) {
  for (long i = 0; i < n; i++) average[i] += (1.0f - decay) * (parameter[i] - average[i]);
}
