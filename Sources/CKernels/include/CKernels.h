// The loops besides products.
//
// Every kernel is a plain serial loop over the range it is given; TensorCore's `parallelFor` shares the ranges
// among threads. A feature map's memory is [N, C/B, H·W, B] (B = 1 is NCHW, B = C is NHWC), so one kernel taking
// B serves every order. `reference.c` holds the naive version of each, which the tests compare against.
#ifndef DARKROOM_CKERNELS_H
#define DARKROOM_CKERNELS_H

#include <stdint.h>

typedef enum { dk_identity, dk_silu, dk_gelu, dk_relu, dk_mish, dk_gelu_tanh, dk_quick_gelu } dk_activation;

// ---- parallel.c: one pool of threads, which wait for a moment between jobs and then sleep.
// Calls body(context, 0 … tasks − 1), each once, on any of them. A call from within one, or from a second thread while the
// pool is busy, is worked off by the caller.
void dk_parallel_for(long tasks, void (*body)(void *context, long task), void *context);
// How many threads work on a job, the caller included; at first as many as there are processors for this process.
void dk_set_threads(int threads);
int dk_get_threads(void);
// The calling thread's own memory for a use, page-aligned, until its next call for that use: what one task after the other
// works in stays in the cache of the core that it runs on, and what one layer after the other does in the shared one.
typedef enum { dk_scratch_of_task, dk_scratch_of_layer } dk_scratch_use;
void *dk_scratch(dk_scratch_use use, long bytes);
// Ends the process for want of `bytes` more: by the handler, which does not return, or by aborting where there is none.
void dk_on_exhaustion(void (*handler)(long bytes));
_Noreturn void dk_exhausted(long bytes);

// ---- elementwise.c
void dk_add(const float *a, const float *b, float *y, long n);
void dk_multiply(const float *a, const float *b, float *y, long n);
// y = a·x + b·z; x, z and y may be the same memory.
void dk_axpby(float a, const float *x, float b, const float *z, float *y, long n);
void dk_scale(float a, const float *x, float offset, float *y, long n);
void dk_clamp(const float *x, float low, float high, float *y, long n);
// dx = dy where low ≤ x ≤ high, else 0.
void dk_clamp_gradient(const float *x, const float *dy, float low, float high, float *dx, long n);
void dk_activate(const float *x, float *y, long n, dk_activation kind);
// dx = dy · activation'(x).
void dk_activate_gradient(const float *x, const float *dy, float *dx, long n, dk_activation kind);
// x += t per channel, for one image: [C/B, HW, B] and [C].
void dk_add_channels(const float *x, const float *t, float *y, long blocks, long hw, long b);
// s[c] = Σ over pixels, for one image.
void dk_sum_channels(const float *x, float *s, long blocks, long hw, long b);

// ---- reduce.c: sums in double over a fixed tree, so the result depends on the size alone.
double dk_sum(const float *x, long n);
double dk_dot(const float *x, const float *y, long n);
double dk_squared_distance(const float *x, const float *y, long n);
// s[j] = Σ_i x[i, j] over `rows` rows of `columns`.
void dk_column_sums(const float *x, float *s, long rows, long columns, long stride);

// ---- normalise.c: group normalisation of a span of channels of one image; see dk_norm_shape.
typedef struct {
  long blocks, hw, b;        // the span's memory: [blocks, hw, b]
  long channels_per_group;   // groups lie whole within the span
  float epsilon;
  dk_activation activation;
} dk_norm_shape;

// Pointers are to the span's first channel; `shift`, `scale1` and `shift1` may be null.
//   y = activation(((x + shift − μ)·r·weight + bias)·(1 + scale1) + shift1),  r = 1/√(σ² + ε)
typedef struct {
  const float *weight, *bias, *shift, *scale1, *shift1;
} dk_norm_parameters;

// The whole chain up to the activation, as a·x + k a channel.
void dk_group_norm_coefficients(dk_norm_shape shape, dk_norm_parameters p, const float *mean, const float *rstd, float *a,
                                float *k);
// Each group's mean and reciprocal deviation. `scratch`: 2·(channels of the span) floats.
void dk_group_norm_statistics(const float *x, dk_norm_shape shape, dk_norm_parameters p, float *mean, float *rstd,
                              float *scratch);
// Writes y, and each group's mean and reciprocal deviation. `scratch`: 2·(channels of the span) floats.
void dk_group_norm(const float *x, float *y, dk_norm_shape shape, dk_norm_parameters p, float *mean, float *rstd,
                   float *scratch);
// As dk_group_norm, with the statistics given.
void dk_group_norm_apply(const float *x, float *y, dk_norm_shape shape, dk_norm_parameters p, const float *mean,
                         const float *rstd, float *scratch);
// Writes dx and, a channel each, sum_dz = Σ dz, sum_dzx = Σ dz·x̂ and sum_dx = Σ dx, where z is the activation's
// argument and x̂ the normalised value. `scratch`: 6·(channels of the span) floats.
void dk_group_norm_gradient(const float *x, const float *dy, float *dx, dk_norm_shape shape, dk_norm_parameters p,
                            const float *mean, const float *rstd, float *sum_dz, float *sum_dzx, float *sum_dx,
                            float *scratch);

// Rows of `columns`: y = (x − μ)·r·weight + bias; weight and bias may be null.
void dk_layer_norm(const float *x, float *y, long rows, long columns, const float *weight, const float *bias,
                   float epsilon, float *mean, float *rstd);
// dx of the above; adds nothing: dweight and dbias are written for these rows.
void dk_layer_norm_gradient(const float *x, const float *dy, float *dx, long rows, long columns, const float *weight,
                            const float *mean, const float *rstd, float *dweight, float *dbias);

// ---- softmax.c: rows in place.
void dk_softmax(float *x, long rows, long columns);
// dx = p · (dp − Σ p·dp) · scale per row, written over dp.
void dk_softmax_gradient(const float *p, float *dp, float scale, long rows, long columns);

// ---- perceptual.c: one image each, [blocks, hw, b]; `weight` a channel each.
// Σ over pixels of Σ over channels of weight·(â − ĉ)², where â is a with each pixel's channels scaled to a length of 1.
double dk_perceptual_distance(const float *a, const float *c, const float *weight, long blocks, long hw, long b);
// da = scale · the gradient of the above.
void dk_perceptual_gradient(const float *a, const float *c, const float *weight, float scale, float *da, long blocks,
                            long hw, long b);

// ---- resample.c: planes of [H, W, B].
void dk_upsample2(const float *x, float *y, long planes, long h, long w, long b);
void dk_upsample2_gradient(const float *dy, float *dx, long planes, long h, long w, long b);
void dk_average_pool2(const float *x, float *y, long planes, long h, long w, long b);
void dk_average_pool2_gradient(const float *dy, float *dx, long planes, long h, long w, long b);
// The largest of 2×2 at stride 2; an odd last row or column is left out. h and w are x's.
void dk_max_pool2(const float *x, float *y, long planes, long h, long w, long b);
// dx is dy at the first of the largest, row by row, and 0 elsewhere, as PyTorch's.
void dk_max_pool2_gradient(const float *x, const float *dy, float *dx, long planes, long h, long w, long b);
// y[i, j] = Σ taps[u]·taps[v]·x̃[i·down + u − pad, j·down + v − pad], where x̃ is x with `up`−1 zeros between pixels:
// the upfirdn2d of StyleGAN (Karras et al. 2019), taps given in order of correlation.
void dk_fir(const float *x, float *y, long planes, long h, long w, long b, long out_h, long out_w, const float *taps,
            long tap_count, long up, long down, long pad);
// The transpose of dk_fir.
void dk_fir_gradient(const float *dy, float *dx, long planes, long h, long w, long b, long out_h, long out_w,
                     const float *taps, long tap_count, long up, long down, long pad);

// ---- optimise.c: in place.
typedef struct {
  float learning_rate, beta1, beta2, epsilon, weight_decay;
  float bias_correction1, root_bias_correction2;  // 1 − β₁ᵗ and √(1 − β₂ᵗ)
  float gradient_scale;
} dk_adamw;
void dk_adamw_step(float *parameter, const float *gradient, float *m, float *v, long n, dk_adamw o);
// average += (1 − decay)·(parameter − average).
void dk_ema_step(float *average, const float *parameter, float decay, long n);

#endif
