#include "../include/attention.h"

#include <math.h>

#include "../loops/vector_math.h"

enum { queries_at_once = 128, keys_at_once = 512 };

// ---- Operands

// A left operand of up to `rows` rows less a tile's: by powers of two its blocks would meet in one set of the cache.
typedef struct {
  void *values;
  long rows, plane;
} operand;

static long blocks(const dk_product_kernel *kernel, long k) { return (k + kernel->step - 1) / kernel->step; }
static long panels_of(long columns) { return (columns + dk_tile_panel - 1) / dk_tile_panel; }
static long panel_step(const dk_product_kernel *kernel) { return kernel->planes * kernel->step * dk_tile_panel; }

static void *take(char **memory, long bytes) {
  void *at = *memory;
  *memory += (bytes + 63) / 64 * 64;
  return at;
}

static operand room(const dk_product_kernel *kernel, char **memory, long rows, long k) {
  rows += dk_tile_rows;
  long plane = blocks(kernel, k) * rows * kernel->step;
  return (operand){take(memory, kernel->planes * plane * kernel->bytes), rows, plane};
}

static float *floats(char **memory, long count) { return take(memory, count * 4); }

static void *panels(const dk_product_kernel *kernel, char **memory, long k, long columns) {
  return take(memory, panels_of(columns) * blocks(kernel, k) * panel_step(kernel) * kernel->bytes);
}

static void *row(const dk_product_kernel *kernel, operand o, long number) {
  return (char *)o.values + number * kernel->step * kernel->bytes;
}

static void split_rows(const dk_product_kernel *kernel, const float *x, long row_stride, long block_stride, long rows,
                       long k, operand to) {
  dk_map_lines lines = {
      .lines = 1, .count = rows, .row_stride = row_stride, .block_stride = block_stride, .activation = dk_identity};
  kernel->split_map(x, lines, k, (dk_left){to.values, to.rows, to.plane});
}

// Rows of x as the terms and its columns as the columns of a product; or, `turned`, its rows as the columns.
static void pack(const dk_product_kernel *kernel, const float *x, long stride, long rows, long columns, int turned,
                 char *to) {
  long k = turned ? columns : rows, count = turned ? rows : columns;
  long k_stride = turned ? 1 : stride, column_stride = turned ? stride : 1;
  for (long at = 0; at < count; at += dk_tile_panel, to += blocks(kernel, k) * panel_step(kernel) * kernel->bytes) {
    long some = count - at < dk_tile_panel ? count - at : dk_tile_panel;
    kernel->pack_panel(x + at * column_stride, k_stride, 0, column_stride, k, 1, some, to);
  }
}

// out = left·right, or out += where `adding`. `right` are panels of `all` terms, of which those of the left operand begin
// at `from`.
static void multiply(const dk_product_kernel *kernel, operand left, long rows, long k, const void *right, long all,
                     long from, long columns, float *out, long row_stride, long block_stride, int adding,
                     long chain) {
  long steps = blocks(kernel, k), count = 0;
  int64_t offsets[steps];
  dk_tile tiles[keys_at_once / dk_tile_rows];
  for (long s = 0; s < steps; s++) offsets[s] = s * left.rows * kernel->step;
  for (long r = 0; r < rows; r += dk_tile_rows, count++) {
    tiles[count] = (dk_tile){r * kernel->step, r * row_stride, rows - r < dk_tile_rows ? rows - r : dk_tile_rows};
  }
  dk_product product = {
      .left = left.values, .plane = left.plane, .offsets = offsets, .steps = steps, .chain = chain,
      .right = (const char *)right + from / kernel->step * panel_step(kernel) * kernel->bytes,
      .panel_stride = blocks(kernel, all) * panel_step(kernel), .columns = columns,
      .out = out, .row_stride = row_stride, .block_stride = block_stride, .addend = adding ? out : 0};
  kernel->multiply(&product, tiles, count, 0, panels_of(columns));
}

long dk_attention_panels(dk_attention_shape s) {
  const dk_product_kernel *kernel = dk_product_in_use();
  long keys = panels_of(s.keys) * blocks(kernel, s.size), values = panels_of(s.size) * blocks(kernel, s.keys);
  return (keys > values ? keys : values) * panel_step(kernel) * kernel->bytes;
}

void dk_attention_pack(dk_attention_shape s, const float *x, int turned, void *to) {
  pack(dk_product_in_use(), x, s.row_stride, s.keys, s.size, turned, to);
}

// ---- Scores: a block of queries by a block of keys, [keys/16][queries][16], which is a fused left operand as it is

static operand scores_room(char **memory) {
  long rows = queries_at_once + dk_tile_rows, values = keys_at_once * rows;
  return (operand){floats(memory, values), rows, values};
}

// Scores as a left operand: themselves, or split into `to`.
static operand scores_as_rows(const dk_product_kernel *kernel, operand scores, long rows, long count, operand to) {
  if (dk_takes_floats(kernel)) return scores;
  split_rows(kernel, scores.values, 16, scores.rows * 16, rows, count, to);
  return to;
}

// Of 16 scores, of which `count` there are: exp(scale·(score − top)), and zeros.
DK_INLINE void exponentials_of_16(float *x, float scale, float top, long count) {
  for (int l = 0; l < 16; l++) x[l] = dk_exp(scale * (x[l] - top));
  for (long l = count < 0 ? 0 : count; l < 16; l++) x[l] = 0;
}

// One query's scores, `block_stride` floats from 16 to the next 16, to exp(scale·(score − top)) with zeros after them,
// where `top` is the largest so far; *sum and what was made with the old top are to be multiplied by what this returns.
DK_EACH_PROCESSOR(float, dk_attention_exponentials,
                  (float *scores, long block_stride, long count, float scale, float *top, float *sum),
                  (scores, block_stride, count, scale, top, sum)) {
  float largest[16], sums[16] = {0}, now = *top, total = 0;
  for (int l = 0; l < 16; l++) largest[l] = now;
  for (long i = 0; i < count; i += 16) {
    float *x = scores + i / 16 * block_stride;
    // What comes after the last key becomes 0 in the end.
    for (long l = count - i; l < 16; l++) x[l] = -INFINITY;
    for (int l = 0; l < 16; l++) largest[l] = x[l] > largest[l] ? x[l] : largest[l];
  }
  for (int l = 0; l < 16; l++) now = largest[l] > now ? largest[l] : now;
  float shrink = dk_exp(scale * (*top - now));
  for (long i = 0; i < count; i += 32) {
    float *low = scores + i / 16 * block_stride, *high = low + block_stride;
    exponentials_of_16(low, scale, now, count - i);
    exponentials_of_16(high, scale, now, count - i - 16);
    for (int l = 0; l < 16; l++) sums[l] += low[l] + high[l];
  }
  for (int l = 0; l < 16; l++) total += sums[l];
  *top = now;
  *sum = *sum * shrink + total;
  return shrink;
}

// Scores and dP of some queries to P = exp(scale·score − log_sum) and dS = P·(dP − along)·scale, in place, with zeros after
// the last key.
DK_EACH_PROCESSOR(void, dk_attention_probabilities,
                  (float *scores, float *dp, long block_stride, long rows, long count, float scale,
                   const float *log_sums, const float *along),
                  (scores, dp, block_stride, rows, count, scale, log_sums, along)) {
  for (long i = 0; i < count; i += 16) {
    float *s = scores + i / 16 * block_stride, *d = dp + i / 16 * block_stride;
    for (long r = 0; r < rows; r++, s += 16, d += 16) {
      for (int l = 0; l < 16; l++) {
        float p = dk_exp(dk_fma(scale, s[l], -log_sums[r]));
        s[l] = p;
        d[l] = p * (d[l] - along[r]) * scale;
      }
      for (long l = count - i; l < 16; l++) s[l] = d[l] = 0;
    }
  }
}

// ---- Forward

static long forward_bytes(const dk_product_kernel *kernel, dk_attention_shape s) {
  char *end = 0;
  room(kernel, &end, queries_at_once, s.size), room(kernel, &end, queries_at_once, keys_at_once);
  scores_room(&end), floats(&end, queries_at_once * s.size);
  return (long)end;
}

long dk_attention_blocks(dk_attention_shape s) { return (s.queries + queries_at_once - 1) / queries_at_once; }

void dk_attention_forward(dk_attention_shape s, const float *q, const void *keys, const void *values, long block, float *y,
                          float *log_sums) {
  const dk_product_kernel *kernel = dk_product_in_use();
  char *memory = dk_scratch(dk_scratch_of_task, forward_bytes(kernel, s));
  operand queries = room(kernel, &memory, queries_at_once, s.size);
  operand weights = room(kernel, &memory, queries_at_once, keys_at_once), scores = scores_room(&memory);
  float *sums = floats(&memory, queries_at_once * s.size), *score = scores.values;
  long first = block * queries_at_once, rows = s.queries - first < queries_at_once ? s.queries - first : queries_at_once;
  float top[queries_at_once], total[queries_at_once];
  for (long r = 0; r < rows; r++) top[r] = -3.4e38f, total[r] = 0;
  split_rows(kernel, q + first * s.row_stride, s.row_stride, 16, rows, s.size, queries);
  for (long from = 0; from < s.keys; from += keys_at_once) {
    long count = s.keys - from < keys_at_once ? s.keys - from : keys_at_once;
    const char *some = (const char *)keys +
                       from / dk_tile_panel * blocks(kernel, s.size) * panel_step(kernel) * kernel->bytes;
    multiply(kernel, queries, rows, s.size, some, s.size, 0, count, score, 16, scores.rows * 16, 0,
             dk_short_chain);
    for (long r = 0; r < rows; r++) {
      float shrink = dk_attention_exponentials(score + r * 16, scores.rows * 16, count, s.scale, &top[r], &total[r]);
      if (from) dk_scale(shrink, sums + r * s.size, 0, sums + r * s.size, s.size);
    }
    operand left = scores_as_rows(kernel, scores, rows, count, weights);
    multiply(kernel, left, rows, count, values, s.keys, from, s.size, sums, s.size, 16, from > 0, dk_chain);
  }
  for (long r = 0; r < rows; r++) {
    dk_scale(1 / total[r], sums + r * s.size, 0, y + (first + r) * s.row_stride, s.size);
    log_sums[first + r] = s.scale * top[r] + dk_log(total[r]);
  }
}

// ---- Backward

static long backward_bytes(const dk_product_kernel *kernel, dk_attention_shape s) {
  char *end = 0;
  panels(kernel, &end, s.size, s.keys), panels(kernel, &end, s.size, s.keys), panels(kernel, &end, s.keys, s.size);
  panels(kernel, &end, queries_at_once, s.size), panels(kernel, &end, queries_at_once, s.size);
  room(kernel, &end, queries_at_once, s.size), room(kernel, &end, queries_at_once, s.size);
  room(kernel, &end, keys_at_once, queries_at_once), room(kernel, &end, queries_at_once, keys_at_once);
  scores_room(&end), scores_room(&end);
  return (long)end;
}

// The transpose of scores as a left operand, whose rows are keys.
static void scores_as_columns(const dk_product_kernel *kernel, operand scores, long rows, long count, operand to) {
  for (long key = 0; key < count; key += 16) {
    dk_left left = {row(kernel, to, key), to.rows, to.plane};
    kernel->split_columns((const float *)scores.values + key * scores.rows, 16, rows, count - key < 16 ? count - key : 16,
                          left);
  }
}

void dk_attention_backward(dk_attention_shape s, const float *q, const float *k, const float *v, const float *y,
                           const float *dy, const float *log_sums, float *dq, float *dk, float *dv) {
  const dk_product_kernel *kernel = dk_product_in_use();
  char *memory = dk_scratch(dk_scratch_of_task, backward_bytes(kernel, s));
  char *keys_turned = panels(kernel, &memory, s.size, s.keys), *values_turned = panels(kernel, &memory, s.size, s.keys);
  char *keys = panels(kernel, &memory, s.keys, s.size);
  char *query_columns = panels(kernel, &memory, queries_at_once, s.size);
  char *gradient_columns = panels(kernel, &memory, queries_at_once, s.size);
  operand queries = room(kernel, &memory, queries_at_once, s.size);
  operand gradients = room(kernel, &memory, queries_at_once, s.size);
  operand by_key = room(kernel, &memory, keys_at_once, queries_at_once);
  operand by_query = room(kernel, &memory, queries_at_once, keys_at_once);
  operand p = scores_room(&memory), ds = scores_room(&memory);
  long stride = s.row_stride, block_stride = p.rows * 16;
  pack(kernel, k, stride, s.keys, s.size, 1, keys_turned);
  pack(kernel, v, stride, s.keys, s.size, 1, values_turned);
  pack(kernel, k, stride, s.keys, s.size, 0, keys);
  for (long first = 0; first < s.queries; first += queries_at_once) {
    long rows = s.queries - first < queries_at_once ? s.queries - first : queries_at_once;
    const float *some_q = q + first * stride, *some_dy = dy + first * stride;
    split_rows(kernel, some_q, stride, 16, rows, s.size, queries);
    split_rows(kernel, some_dy, stride, 16, rows, s.size, gradients);
    pack(kernel, some_q, stride, rows, s.size, 0, query_columns);
    pack(kernel, some_dy, stride, rows, s.size, 0, gradient_columns);
    float along[queries_at_once];
    for (long r = 0; r < rows; r++) {
      along[r] = (float)dk_dot(some_dy + r * stride, y + (first + r) * stride, s.size);
    }
    for (long from = 0; from < s.keys; from += keys_at_once) {
      long count = s.keys - from < keys_at_once ? s.keys - from : keys_at_once;
      long panel = from / dk_tile_panel * blocks(kernel, s.size) * panel_step(kernel) * kernel->bytes;
      multiply(kernel, queries, rows, s.size, keys_turned + panel, s.size, 0, count, p.values, 16, block_stride, 0,
               dk_short_chain);
      multiply(kernel, gradients, rows, s.size, values_turned + panel, s.size, 0, count, ds.values, 16, block_stride,
               0, dk_short_chain);
      dk_attention_probabilities(p.values, ds.values, block_stride, rows, count, s.scale, log_sums + first, along);
      // dV += Pᵀ·dY, dQ += dS·K, dK += dSᵀ·Q.
      scores_as_columns(kernel, p, rows, count, by_key);
      multiply(kernel, by_key, count, rows, gradient_columns, rows, 0, s.size, dv + from * stride, stride, 16, first > 0,
               dk_chain);
      operand left = scores_as_rows(kernel, ds, rows, count, by_query);
      multiply(kernel, left, rows, count, keys, s.keys, from, s.size, dq + first * stride, stride, 16, from > 0,
               dk_chain);
      scores_as_columns(kernel, ds, rows, count, by_key);
      multiply(kernel, by_key, count, rows, query_columns, rows, 0, s.size, dk + from * stride, stride, 16, first > 0,
               dk_chain);
    }
  }
}
