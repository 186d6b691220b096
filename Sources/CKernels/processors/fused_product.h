// The product kernel of floats by fused multiply-adds, for a processor's own width. Whoever includes this defines
//
//   WIDTH  floats a vector          TARGET  the instructions, as an attribute       ENTRY  the table's name
//   ROWS   rows at once: ROWS × 2 sums, 2 vectors of columns and one of a row's value must fit in the registers
//   FUSED(a, b, c)  a·b + c of such vectors, rounded once
//
//   left operand  [K/16][rows][16]      panel of a step  [16 of k][32 columns]
#define VALUE float
#define COLUMNS_APART dk_tile_panel
#define HALVES_APART 16
#include "taps.h"
#include "vector_product.h"

enum { step = 16, panel_values = step * dk_tile_panel };

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
  if (taps == taps_count) {
    for (long from = 0; from < k; from += step, to += taps * panel_values) {
      for (long half = 0; half < 2; half++) {
        lanes weights[taps_terms][taps_count];
        read_taps(x + from * k_stride + half * 16 * column_stride, k_stride, tap_stride, column_stride, k - from,
                  columns - half * 16, weights);
        for (long term = 0; term < step; term++) {
          float *row = to + term * dk_tile_panel + half * 16;
          for (long tap = 0; tap < taps; tap++, row += panel_values) STORE(row, weights[term][tap]);
        }
      }
    }
    return;
  }
  for (long from = 0; from < k; from += step) {
    for (long tap = 0; tap < taps; tap++, to += panel_values) {
      pack_step(x + from * k_stride + tap * tap_stride, k_stride, column_stride, k - from, columns, to);
    }
  }
}

const dk_product_kernel ENTRY = {
    .step = step, .planes = 1, .bytes = sizeof(float),
    .split_map = split_map, .split_columns = split_columns, .pack_panel = pack_panel, .multiply = multiply,
};
