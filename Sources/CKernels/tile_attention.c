#include "attention.h"

#if defined(__x86_64__)
#include <math.h>
#include <string.h>

#include "splitting.h"
#include "vector_math.h"

enum {
  queries_at_once = 128,
  keys_at_once = 512,
  // Rows of scores are a line longer than the keys: by powers of two their columns would meet in one set of the cache.
  pitch = keys_at_once + 16,
  panel_step = dk_tile_planes * dk_tile_step * dk_tile_panel,
};

static long blocks(long k) { return (k + dk_tile_step - 1) / dk_tile_step; }

// ---- Operands
// A left operand of up to `rows` rows, in memory of `dk_attention_scratch`.
typedef struct {
  uint16_t *values;
  long rows, plane;
} operand;

static operand room(char **memory, long rows, long k) {
  operand o = {(uint16_t *)*memory, rows + dk_tile_rows, blocks(k) * (rows + dk_tile_rows) * dk_tile_step};
  *memory += dk_tile_planes * o.plane * 2;
  return o;
}

static float *floats(char **memory, long count) {
  float *at = (float *)*memory;
  *memory += (count + 15) / 16 * 64;
  return at;
}

static uint16_t *panels(char **memory, long k, long columns) {
  uint16_t *at = (uint16_t *)*memory;
  *memory += blocks(columns) * blocks(k) * panel_step * 2;
  return at;
}

static dk_left place(operand o) { return (dk_left){o.values, o.rows, o.plane}; }

static void split_rows(const float *x, long stride, long rows, long k, operand to) {
  dk_map_lines lines = {.lines = 1, .count = rows, .row_stride = stride, .block_stride = 16, .activation = dk_identity};
  dk_split_map(x, lines, k, place(to));
}

// Rows of x as the terms and its columns as the columns of a product; or, `turned`, its rows as the columns.
static void pack(const float *x, long stride, long rows, long columns, int turned, uint16_t *to) {
  long k = turned ? columns : rows, count = turned ? rows : columns;
  long k_stride = turned ? 1 : stride, column_stride = turned ? stride : 1;
  for (long at = 0; at < count; at += dk_tile_panel, to += blocks(k) * panel_step) {
    long some = count - at < dk_tile_panel ? count - at : dk_tile_panel;
    dk_pack_panel(x + at * column_stride, k_stride, 0, column_stride, k, 1, some, to);
  }
}

// out = left·right, or out += where `adding`. `right` are panels of `all` terms, of which those of the left operand begin
// at `from`.
static void multiply(operand left, long rows, long k, const uint16_t *right, long all, long from, long columns, float *out,
                     long row_stride, int adding) {
  int64_t offsets[dk_attention_most / dk_tile_step];
  dk_tile tiles[keys_at_once / dk_tile_rows];
  long count = 0;
  for (long s = 0; s < blocks(k); s++) offsets[s] = s * left.rows * dk_tile_step;
  for (long r = 0; r < rows; r += dk_tile_rows, count++) {
    tiles[count] = (dk_tile){r * dk_tile_step, r * row_stride, rows - r < dk_tile_rows ? rows - r : dk_tile_rows};
  }
  dk_tile_product product = {
      .left = left.values, .plane = left.plane, .offsets = offsets, .steps = blocks(k),
      .right = right + from / dk_tile_step * panel_step, .panel_stride = blocks(all) * panel_step, .columns = columns,
      .out = out, .row_stride = row_stride, .block_stride = 16, .addend = adding ? out : 0};
  dk_tile_multiply(&product, tiles, count, 0, blocks(columns));
}

long dk_attention_panels(dk_attention_shape s) { return blocks(s.keys) * blocks(s.size) * panel_step; }

void dk_attention_pack(dk_attention_shape s, const float *x, int turned, uint16_t *to) {
  pack(x, s.row_stride, s.keys, s.size, turned, to);
}

// ---- Forward
// One row of scores to exp(scale·(score − top)) as a left operand, where `top` is the largest so far; *sum and what was
// made with the old top are to be multiplied by what this returns.
SPLITS static float exponentials(const float *scores, long count, float scale, float *top, float *sum, uint16_t *to,
                                 operand o) {
  __m512 largest = _mm512_set1_ps(*top);
  for (long i = 0; i < count; i += 16) {
    __mmask16 valid = within(count - i);
    largest = _mm512_mask_max_ps(largest, valid, largest, _mm512_loadu_ps(scores + i));
  }
  float now = _mm512_reduce_max_ps(largest), shrink = dk_exp(scale * (*top - now)), total = 0;
  float sums[16] = {0};
  for (long i = 0; i < count; i += dk_tile_step, to += o.rows * dk_tile_step) {
    float e[dk_tile_step];
    for (long l = 0; l < dk_tile_step; l++) e[l] = dk_exp(scale * (scores[i + l] - now));
    __m512 low = _mm512_maskz_loadu_ps(within(count - i), e), high = _mm512_maskz_loadu_ps(within(count - i - 16), e + 16);
    _mm512_storeu_ps(sums, _mm512_add_ps(_mm512_loadu_ps(sums), _mm512_add_ps(low, high)));
    for (long p = 0; p < dk_tile_planes; p++) _mm512_storeu_si512(to + p * o.plane, take(&low, &high));
  }
  for (long l = 0; l < 16; l++) total += sums[l];
  *top = now;
  *sum = *sum * shrink + total;
  return shrink;
}

static long forward_bytes(dk_attention_shape s) {
  char *end = 0;
  room(&end, queries_at_once, s.size), room(&end, queries_at_once, keys_at_once);
  floats(&end, queries_at_once * pitch), floats(&end, queries_at_once * s.size);
  return (long)end;
}

long dk_attention_blocks(dk_attention_shape s) { return (s.queries + queries_at_once - 1) / queries_at_once; }

void dk_attention_forward(dk_attention_shape s, const float *q, const uint16_t *keys, const uint16_t *values, long block,
                          float *y, float *log_sums) {
  char *memory = dk_scratch(dk_scratch_of_task, forward_bytes(s));
  operand queries = room(&memory, queries_at_once, s.size), weights = room(&memory, queries_at_once, keys_at_once);
  float *scores = floats(&memory, queries_at_once * pitch), *sums = floats(&memory, queries_at_once * s.size);
  long first = block * queries_at_once, rows = s.queries - first < queries_at_once ? s.queries - first : queries_at_once;
  float top[queries_at_once], total[queries_at_once];
  for (long r = 0; r < rows; r++) top[r] = -3.4e38f, total[r] = 0;
  split_rows(q + first * s.row_stride, s.row_stride, rows, s.size, queries);
  for (long from = 0; from < s.keys; from += keys_at_once) {
    long count = s.keys - from < keys_at_once ? s.keys - from : keys_at_once;
    const uint16_t *some = keys + from / dk_tile_panel * blocks(s.size) * panel_step;
    multiply(queries, rows, s.size, some, s.size, 0, count, scores, pitch, 0);
    for (long r = 0; r < rows; r++) {
      float shrink = exponentials(scores + r * pitch, count, s.scale, &top[r], &total[r],
                                  weights.values + r * dk_tile_step, weights);
      if (from) dk_scale(shrink, sums + r * s.size, 0, sums + r * s.size, s.size);
    }
    multiply(weights, rows, count, values, s.keys, from, s.size, sums, s.size, from > 0);
  }
  for (long r = 0; r < rows; r++) {
    dk_scale(1 / total[r], sums + r * s.size, 0, y + (first + r) * s.row_stride, s.size);
    log_sums[first + r] = s.scale * top[r] + logf(total[r]);
  }
}

// ---- Backward
// Scores and dP of a row to P = exp(scale·score − log_sum) and dS = P·(dP − along)·scale, in place.
DK_CLONES static void probabilities(float *scores, float *dp, long count, float scale, float log_sum, float along) {
  for (long i = 0; i < count; i++) {
    float p = dk_exp(scale * scores[i] - log_sum);
    scores[i] = p;
    dp[i] = p * (dp[i] - along) * scale;
  }
}

static long backward_bytes(dk_attention_shape s) {
  char *end = 0;
  panels(&end, s.size, s.keys), panels(&end, s.size, s.keys), panels(&end, s.keys, s.size);
  panels(&end, queries_at_once, s.size), panels(&end, queries_at_once, s.size);
  room(&end, queries_at_once, s.size), room(&end, queries_at_once, s.size);
  room(&end, keys_at_once, queries_at_once), room(&end, queries_at_once, keys_at_once);
  floats(&end, queries_at_once * pitch), floats(&end, queries_at_once * pitch);
  return (long)end;
}

void dk_attention_backward(dk_attention_shape s, const float *q, const float *k, const float *v, const float *y,
                           const float *dy, const float *log_sums, float *dq, float *dk, float *dv) {
  char *memory = dk_scratch(dk_scratch_of_task, backward_bytes(s));
  uint16_t *keys_turned = panels(&memory, s.size, s.keys), *values_turned = panels(&memory, s.size, s.keys);
  uint16_t *keys = panels(&memory, s.keys, s.size);
  uint16_t *query_columns = panels(&memory, queries_at_once, s.size);
  uint16_t *gradient_columns = panels(&memory, queries_at_once, s.size);
  operand queries = room(&memory, queries_at_once, s.size), gradients = room(&memory, queries_at_once, s.size);
  operand by_key = room(&memory, keys_at_once, queries_at_once), by_query = room(&memory, queries_at_once, keys_at_once);
  float *p = floats(&memory, queries_at_once * pitch), *ds = floats(&memory, queries_at_once * pitch);
  long stride = s.row_stride;
  pack(k, stride, s.keys, s.size, 1, keys_turned);
  pack(v, stride, s.keys, s.size, 1, values_turned);
  pack(k, stride, s.keys, s.size, 0, keys);
  for (long first = 0; first < s.queries; first += queries_at_once) {
    long rows = s.queries - first < queries_at_once ? s.queries - first : queries_at_once;
    const float *some_q = q + first * stride, *some_dy = dy + first * stride;
    split_rows(some_q, stride, rows, s.size, queries);
    split_rows(some_dy, stride, rows, s.size, gradients);
    pack(some_q, stride, rows, s.size, 0, query_columns);
    pack(some_dy, stride, rows, s.size, 0, gradient_columns);
    float along[queries_at_once];
    for (long r = 0; r < rows; r++) {
      along[r] = (float)dk_dot(some_dy + r * stride, y + (first + r) * stride, s.size);
    }
    for (long from = 0; from < s.keys; from += keys_at_once) {
      long count = s.keys - from < keys_at_once ? s.keys - from : keys_at_once;
      long panel = from / dk_tile_panel * blocks(s.size) * panel_step;
      multiply(queries, rows, s.size, keys_turned + panel, s.size, 0, count, p, pitch, 0);
      multiply(gradients, rows, s.size, values_turned + panel, s.size, 0, count, ds, pitch, 0);
      for (long r = 0; r < rows; r++) {
        probabilities(p + r * pitch, ds + r * pitch, count, s.scale, log_sums[first + r], along[r]);
      }
      // dV += Pᵀ·dY, dQ += dS·K, dK += dSᵀ·Q.
      dk_split_columns(p, pitch, rows, count, place(by_key));
      multiply(by_key, count, rows, gradient_columns, rows, 0, s.size, dv + from * stride, stride, first > 0);
      split_rows(ds, pitch, rows, count, by_query);
      multiply(by_query, rows, count, keys, s.keys, from, s.size, dq + first * stride, stride, from > 0);
      dk_split_columns(ds, pitch, rows, count, place(by_key));
      multiply(by_key, count, rows, query_columns, rows, 0, s.size, dk + from * stride, stride, first > 0);
    }
  }
}

#else
// Never called: dk_tiles_usable says no.
long dk_attention_panels(dk_attention_shape s) { return 0; }
long dk_attention_blocks(dk_attention_shape s) { return 0; }
void dk_attention_pack(dk_attention_shape s, const float *x, int turned, uint16_t *to) {}
void dk_attention_forward(dk_attention_shape s, const float *q, const uint16_t *keys, const uint16_t *values, long block,
                          float *y, float *log_sums) {}
void dk_attention_backward(dk_attention_shape s, const float *q, const float *k, const float *v, const float *y,
                           const float *dy, const float *log_sums, float *dq, float *dk, float *dv) {}
#endif
