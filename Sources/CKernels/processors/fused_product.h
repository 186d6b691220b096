// The product kernel of floats by fused multiply-adds, for a processor's own width. Whoever includes this defines
//
//   WIDTH  floats a vector          TARGET  the instructions, as an attribute       ENTRY  the table's name
//   ROWS   rows at once: ROWS × 2 sums, 2 vectors of columns and one of a row's value must fit in the registers
//   FUSED(a, b, c)  a·b + c of such vectors, rounded once
//
//   left operand  [K/16][rows][16]      panel of a step  [16 of k][32 columns]
#include <stddef.h>

#include "../include/product.h"
#include "../loops/activation.h"
#include "lanes.h"

enum { step = 16, panel_values = step * dk_tile_panel };

typedef float vector __attribute__((vector_size(4 * WIDTH)));
typedef float unaligned_vector __attribute__((vector_size(4 * WIDTH), aligned(4)));

// ---- Operands

static void zero_rows(float *to, long count) { memset(to, 0, count * step * 4); }

TARGET static void copy_rows(const float *x, long row_stride, long k, long count, float *to) {
  if (k >= step && row_stride == step) {
    memcpy(to, x, count * step * 4);
  } else if (k >= step) {
    for (long r = 0; r < count; r++) STORE(to + r * step, LOAD(x + r * row_stride));
  } else {
    for (long r = 0; r < count; r++) load_part(x + r * row_stride, k, to + r * step);
  }
}

TARGET static void split_map(const float *x, dk_map_lines m, long k, dk_left to) {
  long width = m.zeros_before + m.count + m.zeros_after;
  for (long from = 0; from < k; from += step) {
    const float *source = x + from / 16 * m.block_stride;
    float *left = (float *)to.left + from * to.rows;
    for (long line = 0; line < m.lines; line++, left += width * step) {
      if (line < m.zero_lines_before || line >= m.lines - m.zero_lines_after) {
        zero_rows(left, width);
        continue;
      }
      float *inside = left + m.zeros_before * step;
      zero_rows(left, m.zeros_before);
      if (m.gain) {
        const float *gain = m.gain + from, *offset = m.offset + from;
        DK_FOR_EACH_ACTIVATION(m.activation, dk_affine16(source, inside, gain, offset, m.count, K));
      } else {
        copy_rows(source, m.row_stride, k - from, m.count, inside);
      }
      zero_rows(inside + m.count * step, m.zeros_after);
      source += m.line_stride;
    }
  }
}

// 16 lines of x, `stride` apart, of which `lines` there are, each of `count` values there are; turned.
TARGET static void turn_square(const float *x, long stride, long count, long lines_there, float *to, long to_stride) {
  lanes r[16];
  if (lines_there >= 16 && count >= 16) {
    for (long i = 0; i < 16; i++) r[i] = LOAD(x + i * stride);
  } else {
    for (long i = 0; i < 16; i++) {
      float values[16];
      load_part(x + i * stride, i < lines_there ? count : 0, values);
      r[i] = LOAD(values);
    }
  }
  turn_lanes(r);
  for (long i = 0; i < 16; i++) STORE(to + i * to_stride, r[i]);
}

TARGET static void split_columns(const float *x, long k_stride, long k, long count, dk_left to) {
  for (long from = 0; from < k; from += step) {
    float *left = (float *)to.left + from * to.rows;
    for (long row = 0; row < count; row += 16) {
      turn_square(x + from * k_stride + row, k_stride, count - row, k - from, left + row * step, step);
    }
  }
}

TARGET static void pack_step(const float *x, long k_stride, long column_stride, long k, long columns, float *to) {
  if (column_stride == 1) {
    for (long at = 0; at < step; at++, to += dk_tile_panel) {
      if (at < k && columns >= dk_tile_panel) {
        memcpy(to, x + at * k_stride, dk_tile_panel * 4);
      } else {
        for (long c = 0; c < dk_tile_panel; c++) to[c] = at < k && c < columns ? x[at * k_stride + c] : 0;
      }
    }
  } else if (k_stride == 1) {
    turn_square(x, column_stride, k, columns, to, dk_tile_panel);
    turn_square(x + 16 * column_stride, column_stride, k, columns - 16, to + 16, dk_tile_panel);
  } else {
    if (columns > dk_tile_panel) columns = dk_tile_panel;
    if (k < step || columns < dk_tile_panel) memset(to, 0, panel_values * 4);
    for (long at = 0; at < step && at < k; at++) {
      for (long c = 0; c < columns; c++) to[at * dk_tile_panel + c] = x[at * k_stride + c * column_stride];
    }
  }
}

TARGET static void pack_panel(const float *x, long k_stride, long tap_stride, long column_stride, long k, long taps,
                              long columns, void *panel) {
  float *to = panel;
  for (long from = 0; from < k; from += step) {
    for (long tap = 0; tap < taps; tap++, to += panel_values) {
      pack_step(x + from * k_stride + tap * tap_stride, k_stride, column_stride, k - from, columns, to);
    }
  }
}

// ---- The product

// `rows` rows times `vectors` vectors of columns, as sums[row][column]. `next` is the distance from one vector of sums to
// the next, `stride` that from row to row.
DK_INLINE void block(const dk_product *p, const float *left, const float *right, float *sums, long stride, long next,
                     const int rows, const int vectors) {
  for (long first = 0; first < p->steps; first += p->chain) {
    long last = first + p->chain < p->steps ? first + p->chain : p->steps;
    vector a[ROWS][2];
    for (int r = 0; r < rows; r++) {
      for (int v = 0; v < vectors; v++) a[r][v] = (vector){0};
    }
    for (long s = first; s < last; s++, right += panel_values) {
      const float *row = left + p->offsets[s];
      _Pragma("clang loop unroll(full)") for (int k = 0; k < step; k++) {
        vector b[2];
        for (int v = 0; v < vectors; v++) b[v] = *(const unaligned_vector *)(right + dk_tile_panel * k + WIDTH * v);
        _Pragma("clang loop unroll(full)") for (int r = 0; r < rows; r++) {
          vector x = row[r * step + k] - (vector){0};
          for (int v = 0; v < vectors; v++) a[r][v] = FUSED(x, b[v], a[r][v]);
        }
      }
    }
    for (int r = 0; r < rows; r++) {
      for (int v = 0; v < vectors; v++) {
        unaligned_vector *to = (unaligned_vector *)(sums + r * stride + v * next);
        *to = first ? *to + a[r][v] : a[r][v];
      }
    }
  }
}

#define CASE_(r) \
  case r: if (vectors == 2) block(p, left, right, sums, stride, next, r, 2); \
          else block(p, left, right, sums, stride, next, r, 1); break
TARGET static void rows_by_vectors(const dk_product *p, const float *left, const float *right, float *sums, long stride,
                                   long next, long rows, long vectors) {
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
  int is_plain = !p->bias && !p->addend && p->activation == dk_identity && there == dk_tile_panel;
  __attribute__((aligned(64))) float sums[dk_tile_rows][dk_tile_panel];
  const float *left = (const float *)p->left + tile.left;
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
      rows_by_vectors(p, left + r * step, right + c, to + r * stride, stride, next, rows, vectors);
      r += rows;
    }
  }
  if (!is_plain) store(p, sums, tile, column);
}

TARGET static void multiply(const dk_product *p, const dk_tile *tiles, long count, long first, long last) {
  for (long panel = first; panel < last; panel++) {
    const float *right = (const float *)p->right + panel * p->panel_stride;
    for (long t = 0; t < count; t++) tile_by_panel(p, tiles[t], right, panel);
  }
}

const dk_product_kernel ENTRY = {
    .arithmetic = dk_fused, .step = step, .planes = 1, .bytes = sizeof(float),
    .split_map = split_map, .split_columns = split_columns, .pack_panel = pack_panel, .multiply = multiply,
};
