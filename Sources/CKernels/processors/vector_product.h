// The product of vectors, for a processor's own width, written once over words of four bytes: a float, or two bf16. Whoever
// includes this defines, beside what its own comment names,
//
//   VALUE          what an operand's values are, a word or half of one
//   COLUMNS_APART  words of a panel from one place of k to the next      HALVES_APART  from its first 16 columns to the others
//
//   left operand  [K][rows][16 words]        panel of a step  16 words of k by 32 columns
#include "../include/product.h"
#include "../loops/activation.h"
#include "lanes.h"

enum { words = 16, panel_words = words * dk_tile_panel };

typedef float vector __attribute__((vector_size(4 * WIDTH)));
typedef float unaligned_vector __attribute__((vector_size(4 * WIDTH), aligned(4), may_alias));
typedef float word __attribute__((may_alias));

enum { row_values = words * 4 / sizeof(VALUE) };

// Where column `c` of a panel lies.
DK_INLINE long column_words(long c) { return c / 16 * HALVES_APART + c % 16; }

// `rows` rows times `vectors` vectors of columns, as sums[row][column], or added to these. `next` is the distance from one
// vector of sums to the next, `stride` that from row to row.
TARGET DK_INLINE void block(const dk_product *p, const VALUE *left, const float *right, float *sums, long stride, long next,
                            int adding, const int rows, const int vectors) {
  for (long first = 0; first < p->steps; first += p->chain) {
    long last = first + p->chain < p->steps ? first + p->chain : p->steps;
    vector a[ROWS][2];
    for (int r = 0; r < rows; r++) {
      for (int v = 0; v < vectors; v++) a[r][v] = (vector){0};
    }
    for (long s = first; s < last; s++, right += panel_words) {
      const word *row = (const word *)(left + p->offsets[s]);
      _Pragma("clang loop unroll(full)") for (int k = 0; k < words; k++) {
        vector b[2];
        for (int v = 0; v < vectors; v++) {
          b[v] = *(const unaligned_vector *)(right + COLUMNS_APART * k + column_words(WIDTH * v));
        }
        _Pragma("clang loop unroll(full)") for (int r = 0; r < rows; r++) {
          vector x = row[r * words + k] - (vector){0};
          for (int v = 0; v < vectors; v++) a[r][v] = FUSED(x, b[v], a[r][v]);
        }
      }
    }
    for (int r = 0; r < rows; r++) {
      for (int v = 0; v < vectors; v++) {
        unaligned_vector *to = (unaligned_vector *)(sums + r * stride + v * next);
        *to = first || adding ? *to + a[r][v] : a[r][v];
      }
    }
  }
}

#define CASE_(r) \
  case r: if (vectors == 2) block(p, left, right, sums, stride, next, adding, r, 2); \
          else block(p, left, right, sums, stride, next, adding, r, 1); break
TARGET static void rows_by_vectors(const dk_product *p, const VALUE *left, const float *right, float *sums, long stride,
                                   long next, int adding, long rows, long vectors) {
  switch (rows) {
    CASE_(1);
    CASE_(2);
#if ROWS > 2
    CASE_(3);
    CASE_(4);
    CASE_(5);
    CASE_(6);
#endif
#if ROWS > 6
    CASE_(7);
    CASE_(8);
#endif
    default: __builtin_unreachable();
  }
}
#undef CASE_

TARGET static void store(const dk_product *p, float (*sums)[dk_tile_panel], dk_tile tile, long column) {
  for (long half = 0; half < 2; half++, column += 16) {
    long count = p->columns - column;
    if (count <= 0) return;
    if (count > 16) count = 16;
    long at = tile.out + column / 16 * p->block_stride;
    for (long r = 0; r < tile.rows; r++, at += p->row_stride) {
      float y[16] __attribute__((aligned(64))), added[16];
      STORE(y, LOAD(sums[r] + half * 16));
      if (p->bias) {
        load_part(p->bias + column, count, added);
        STORE(y, LOAD(y) + LOAD(added));
      }
      if (p->addend) {
        load_part(p->addend + at, count, added);
        STORE(y, LOAD(y) + LOAD(added));
      }
      DK_FOR_EACH_ACTIVATION(p->activation, for (int l = 0; l < 16; l++) y[l] = dk_value(y[l], K));
      memcpy(p->out + at, y, count * 4);
    }
  }
}

// One tile times one panel, a vector's width of columns or two at a time.
TARGET static void tile_by_panel(const dk_product *p, dk_tile tile, const float *right, long panel) {
  long column = panel * dk_tile_panel, there = p->columns - column;
  if (there > dk_tile_panel) there = dk_tile_panel;
  int adding = p->addend && p->addend == p->out;
  int is_plain = !p->bias && (!p->addend || adding) && p->activation == dk_identity && there == dk_tile_panel;
  __attribute__((aligned(64))) float sums[dk_tile_rows][dk_tile_panel];
  const VALUE *left = (const VALUE *)p->left + tile.left;
  for (long c = 0; c < there; c += 2 * WIDTH) {
    float *to = sums[0] + c;
    long stride = dk_tile_panel, next = WIDTH;
    if (is_plain) {
      to = p->out + tile.out + (column + c) / 16 * p->block_stride + c % 16;
      stride = p->row_stride, next = WIDTH == 16 ? p->block_stride : WIDTH;
    }
    long vectors = there - c > WIDTH ? 2 : 1;
    for (long r = 0; r < tile.rows;) {
      // In equal parts: 16 rows six at a time are 6, 5 and 5.
      long rest = tile.rows - r, parts = (rest + ROWS - 1) / ROWS, rows = (rest + parts - 1) / parts;
      rows_by_vectors(p, left + r * row_values, right + column_words(c), to + r * stride, stride, next,
                      adding && is_plain, rows, vectors);
      r += rows;
    }
  }
  if (!is_plain) store(p, sums, tile, column);
}

TARGET static void multiply(const dk_product *p, const dk_tile *tiles, long count, long first, long last) {
  for (long panel = first; panel < last; panel++) {
    const float *right = (const float *)((const VALUE *)p->right + panel * p->panel_stride);
    for (long t = 0; t < count; t++) tile_by_panel(p, tiles[t], right, panel);
  }
}
