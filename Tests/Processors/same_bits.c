// What products and attention in both precisions, Winograd's transforms and the other loops give for made-up operands, as
// one number a kind, for each processor that this machine has but AMX. `scripts/check-processors.sh` compares them, also with those of aarch64.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attention.h"
#include "random.h"
#include "winograd.h"

static uint64_t hash, state;

// FNV-1a.
static void add(const void *bytes, long count) {
  for (long i = 0; i < count; i++) hash = (hash ^ ((const unsigned char *)bytes)[i]) * 1099511628211u;
}

static void report(const char *what) { printf(" %s %016llx", what, (unsigned long long)hash); }

// Values in −1 … 1 by a linear congruence, and room for a vector behind them.
static float *numbers(long count) {
  float *x = aligned_alloc(64, (count * 4 + 127) / 64 * 64);
  for (long i = 0; i < count; i++) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    x[i] = (float)(state >> 40) / (1 << 23) - 1;
  }
  return x;
}

// Also of results below the normal numbers, where `scale` makes them so.
static void products(float scale) {
  enum { m = 33, terms = 300, n = 70, rows = m + 16 };
  const dk_product_kernel *kernel = dk_product_in_use();
  long steps = (terms + kernel->step - 1) / kernel->step, panel = kernel->planes * kernel->step * dk_tile_panel;
  float *a = numbers(m * terms), *b = numbers(terms * n), *y = numbers(m * n);
  for (long i = 0; i < m * terms; i++) a[i] *= scale;
  void *left = numbers(steps * rows * 16);
  char *right = (char *)numbers(3 * steps * 512);
  dk_map_lines lines = {.lines = 1, .count = m, .row_stride = terms, .block_stride = 16, .activation = dk_identity};
  kernel->split_map(a, lines, terms, (dk_left){left, rows, 0});
  for (long p = 0; p < 3; p++) {
    kernel->pack_panel(b + p * 32, n, 0, 1, terms, 1, n - p * 32 < 32 ? n - p * 32 : 32,
                       right + p * steps * panel * kernel->bytes);
  }
  int64_t offsets[steps];
  for (long s = 0; s < steps; s++) offsets[s] = s * rows * kernel->step;
  dk_tile tiles[] = {{0, 0, 16}, {16 * kernel->step, 16 * n, 16}, {32 * kernel->step, 32 * n, 1}};
  dk_product product = {.left = left, .offsets = offsets, .steps = steps, .chain = dk_chain, .right = right,
                        .panel_stride = steps * panel, .columns = n, .out = y, .row_stride = n, .block_stride = 16,
                        .activation = scale < 1 ? dk_identity : dk_silu};
  kernel->multiply(&product, tiles, 3, 0, 3);
  add(y, m * n * 4);
}

// The operands that products of bf16 are made of: whole squares and parts, turned and not, of 3×3 taps in both directions.
static void operands(void) {
  enum { k = 40, columns = 37 };
  const dk_product_kernel *kernel = dk_product_in_use();
  float *x = numbers(k * columns * 9), *to = numbers(2 * (k + 32) * 64 * 9);
  long bytes = 2 * 64 * kernel->bytes * kernel->step;
  kernel->split_columns(x, columns, k, columns, (dk_left){to, 64, 0}), add(to, bytes * 48 / 64);
  kernel->pack_panel(x, 1, 0, k, k, 1, columns, to), add(to, bytes / 2);
  kernel->pack_panel(x, 9, 1, k * 9, k, 9, 32, to), add(to, bytes / 2 * 9);
  kernel->pack_panel(x + 8, columns * 9, -1, 9, k, 9, 32, to), add(to, bytes / 2 * 9);
}

static void winograd(long side) {
  long down = (17 + side - 1) / side, across = (19 + side - 1) / side, squares = down * across;
  long frequencies = dk_winograd_frequencies(side);
  dk_winograd_map map = {.side = side, .h = 17, .w = 19, .channels = 16, .across = across, .down = down, .top = 1, .left = 1,
                         .activation = dk_identity};
  float *x = numbers(16 * 17 * 19), *points = numbers(frequencies * squares * 16), *weights = numbers(16 * 20 * 9);
  float *panels = numbers(frequencies * 512), *y = numbers(16 * 17 * 19), *dw = numbers(16 * 16 * 9);
  dk_winograd_strides strides = {squares * 16, 16};
  dk_winograd_input_points(x, &map, 0, squares, 0, points, strides), add(points, frequencies * squares * 16 * 4);
  dk_winograd_join(points, strides, &map, 0, squares, 0, 0, 0, y), add(y, 16 * 17 * 19 * 4);
  dk_winograd_weights(side, points, squares * 16, 16, dw), add(dw, 16 * 16 * 9 * 4);
  dk_winograd_gradient_points(x, &map, 0, squares, 0, points, strides), add(points, frequencies * squares * 16 * 4);
  dk_winograd_weight_points(side, weights, 9, 1, 16 * 9, 16, 16, 20, panels, 512), add(panels, frequencies * 512 * 4);
  dk_winograd_weight_points(side, weights + 8, 16 * 9, -1, 9, 16, 16, 16, panels, 512), add(panels, frequencies * 512 * 4);
}

static void attention(void) {
  enum { queries = 50, keys = 70, size = 20 };
  dk_attention_shape s = {queries, keys, size, size, 0.3f};
  float *q = numbers(queries * size), *k = numbers(keys * size), *v = numbers(keys * size), *y = numbers(queries * size);
  float *dq = numbers(queries * size), *dk = numbers(keys * size), *dv = numbers(keys * size), *sums = numbers(queries);
  char *packed = aligned_alloc(64, (2 * dk_attention_panels(s) + 63) / 64 * 64), *values = packed + dk_attention_panels(s);
  dk_attention_pack(s, k, 1, packed), dk_attention_pack(s, v, 0, values);
  dk_attention_forward(s, q, packed, values, 0, y, sums);
  dk_attention_backward(s, q, k, v, y, q, sums, dq, dk, dv);
  add(y, queries * size * 4), add(sums, queries * 4), add(dq, queries * size * 4);
  add(dk, keys * size * 4), add(dv, keys * size * 4);
}

static void loops(void) {
  enum { count = 1003, channels = 32, pixels = 35 };
  float *x = numbers(count), *y = numbers(count), *map = numbers(channels * pixels), *normal = numbers(channels * pixels);
  for (int kind = dk_identity; kind <= dk_quick_gelu; kind++) {
    dk_activate(x, y, count, kind), add(y, count * 4);
    dk_activate_gradient(x, x, y, count, kind), add(y, count * 4);
  }
  dk_norm_shape shape = {2, pixels, 16, 8, 1e-5f, dk_silu};
  dk_norm_parameters p = {.weight = numbers(channels), .bias = numbers(channels)};
  float *mean = numbers(4), *rstd = numbers(4), *scratch = numbers(6 * channels), *sums = numbers(3 * channels);
  dk_group_norm(map, normal, shape, p, mean, rstd, scratch), add(normal, channels * pixels * 4);
  dk_group_norm_gradient(map, normal, map, shape, p, mean, rstd, sums, sums + channels, sums + 2 * channels, scratch);
  add(map, channels * pixels * 4), add(sums, 3 * channels * 4);
  dk_softmax(x, 17, 59), add(x, count * 4);
  double dot = dk_dot(x, y, count);
  add(&dot, sizeof dot);
  uint32_t tail[3] = {1, 2, 3}, key[2] = {4, 5};
  dk_philox_normal(tail, key, x, count), add(x, count * 4);
}

int main(void) {
  for (dk_processor p = 0; p < dk_processor_count; p++) {
    if (!dk_processor_is_there(p) || p == dk_amx) continue;
    dk_processor_use(p);
    hash = 14695981039346656037u, state = 1;
    printf("%s", dk_processor_name(p));
    products(1), report("products");
    winograd(4), winograd(2), report("winograd");
    attention(), report("attention");
    loops(), report("loops");
    dk_precision_use(dk_precision_bf16);
    products(1), products(0x1p-124f), operands(), report("bf16-products");
    attention(), report("bf16-attention");
    dk_precision_use(dk_precision_f32);
    printf("\n");
  }
}
