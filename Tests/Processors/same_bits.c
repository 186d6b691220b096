// What products, Winograd's transforms, attention and the other loops give for made-up operands, as one number a kind, for
// each processor that this machine has but AMX. `scripts/check-processors.sh` compares them, also with those of aarch64.
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

static void products(void) {
  enum { m = 33, terms = 300, n = 70, rows = m + 16, steps = (terms + 15) / 16 };
  const dk_product_kernel *kernel = dk_product_in_use();
  float *a = numbers(m * terms), *b = numbers(terms * n), *y = numbers(m * n);
  float *left = numbers(steps * rows * 16), *right = numbers(3 * steps * 512);
  dk_map_lines lines = {.lines = 1, .count = m, .row_stride = terms, .block_stride = 16, .activation = dk_identity};
  kernel->split_map(a, lines, terms, (dk_left){left, rows, 0});
  for (long p = 0; p < 3; p++) {
    kernel->pack_panel(b + p * 32, n, 0, 1, terms, 1, n - p * 32 < 32 ? n - p * 32 : 32, right + p * steps * 512);
  }
  int64_t offsets[steps];
  for (long s = 0; s < steps; s++) offsets[s] = s * rows * 16;
  dk_tile tiles[] = {{0, 0, 16}, {256, 16 * n, 16}, {512, 32 * n, 1}};
  dk_product product = {.left = left, .offsets = offsets, .steps = steps, .chain = dk_chain, .right = right,
                        .panel_stride = steps * 512, .columns = n, .out = y, .row_stride = n, .block_stride = 16,
                        .activation = dk_silu};
  kernel->multiply(&product, tiles, 3, 0, 3);
  add(y, m * n * 4);
}

static void winograd(void) {
  dk_winograd_map map = {.h = 17, .w = 19, .channels = 16, .across = 5, .down = 5, .top = 1, .left = 1,
                         .activation = dk_identity};
  float *x = numbers(16 * 17 * 19), *points = numbers(36 * 25 * 16), *weights = numbers(16 * 20 * 9);
  float *panels = numbers(36 * 512);
  dk_winograd_input_points(x, &map, 0, 25, 0, points, (dk_winograd_strides){400, 16});
  dk_winograd_weight_points(weights, 9, 1, 16 * 9, 16, 16, 20, panels, 512);
  add(points, 36 * 25 * 16 * 4), add(panels, 36 * 512 * 4);
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
    products(), report("products");
    winograd(), report("winograd");
    attention(), report("attention");
    loops(), report("loops");
    printf("\n");
  }
}
