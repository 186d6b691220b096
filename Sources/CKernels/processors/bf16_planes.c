// Operands of bf16 out of floats, by AVX-512's conversions: in three planes, whose sum is the float, or in one.
#if defined(__x86_64__)
#include "bf16_planes.h"

#include <string.h>

#include "../loops/activation.h"
#include "bf16_lanes.h"
#include "taps.h"

enum { step = 32 };

DK_INLINE void zero_rows(uint16_t *to, long plane, long count, const long planes) {
  for (long p = 0; p < planes; p++) memset(to + p * plane, 0, count * step * 2);
}

// `count` rows of one block of 32 k.
SPLITS DK_INLINE void split_rows(const float *x, const dk_map_lines *m, long k, long count, uint16_t *to, long plane,
                                 const long planes) {
  __mmask16 first = within(k), second = within(k - 16);
  for (long r = 0; r < count; r++, x += m->row_stride, to += step) {
    _mm_prefetch((const char *)(x + 24 * m->row_stride), _MM_HINT_T0);
    _mm_prefetch((const char *)(x + 24 * m->row_stride + m->block_stride), _MM_HINT_T0);
    __m512 low = _mm512_maskz_loadu_ps(first, x), high = _mm512_setzero_ps();
    if (second) high = _mm512_maskz_loadu_ps(second, x + m->block_stride);
    for (long p = 0; p < planes; p++) _mm512_storeu_si512(to + p * plane, take(&low, &high));
  }
}

// The same through a normalisation, some rows at a time in the first-level cache.
SPLITS DK_INLINE void split_normalised(const float *x, const dk_map_lines *m, const float *gain, const float *offset,
                                       long k, long count, uint16_t *to, long plane, const long planes) {
  enum { run = 64 };
  __attribute__((aligned(64))) float values[2][run * 16];
  dk_map_lines inner = {.row_stride = 16, .block_stride = run * 16};
  for (long r = 0; r < count; r += run, x += run * 16, to += run * step) {
    long rows = count - r < run ? count - r : run;
    for (long half = 0; half < 2 && half * 16 < k; half++) {
      const float *source = x + half * m->block_stride, *a = gain + half * 16, *b = offset + half * 16;
      for (long ahead = 0; ahead < rows; ahead++) _mm_prefetch((const char *)(source + (run + ahead) * 16), _MM_HINT_T0);
      DK_FOR_EACH_ACTIVATION(m->activation, dk_affine16(source, values[half], a, b, rows, K));
    }
    split_rows(values[0], &inner, k, rows, to, plane, planes);
  }
}

// Blocks of k are the outer loop, so that memory is read in long runs.
SPLITS DK_INLINE void split_map(const float *x, dk_map_lines m, long k, dk_left to, const long planes) {
  long width = m.zeros_before + m.count + m.zeros_after;
  for (long from = 0; from < k; from += step) {
    const float *source = x + from / 16 * m.block_stride;
    uint16_t *left = (uint16_t *)to.left + from * to.rows;
    for (long line = 0; line < m.lines; line++, left += width * step) {
      if (line < m.zero_lines_before || line >= m.lines - m.zero_lines_after) {
        zero_rows(left, to.plane, width, planes);
        continue;
      }
      uint16_t *inside = left + m.zeros_before * step;
      zero_rows(left, to.plane, m.zeros_before, planes);
      if (m.gain) {
        split_normalised(source, &m, m.gain + from, m.offset + from, k - from, m.count, inside, to.plane, planes);
      } else {
        split_rows(source, &m, k - from, m.count, inside, to.plane, planes);
      }
      zero_rows(inside + m.count * step, to.plane, m.zeros_after, planes);
      source += m.line_stride;
    }
  }
}

SPLITS DK_INLINE void split_columns(const float *x, long k_stride, long k, long count, dk_left to, const long planes) {
  for (long from = 0; from < k; from += step) {
    uint16_t *left = (uint16_t *)to.left + from * to.rows;
    for (long row = 0; row < count; row += 16) {
      __mmask16 valid = within(count - row);
      // First a line of 16 rows a pair of k, then turned to a line of 16 pairs a row.
      uint16_t *tile = left + row * step;
      for (long pair = 0; pair < 16; pair++) {
        const float *source = x + (from + 2 * pair) * k_stride + row;
        _mm_prefetch((const char *)(source + 48), _MM_HINT_T0);
        _mm_prefetch((const char *)(source + k_stride + 48), _MM_HINT_T0);
        __m512 low = _mm512_maskz_loadu_ps(from + 2 * pair < k ? valid : 0, source);
        __m512 high = _mm512_maskz_loadu_ps(from + 2 * pair + 1 < k ? valid : 0, source + k_stride);
        for (long p = 0; p < planes; p++) {
          _mm512_storeu_si512(tile + p * to.plane + pair * 32, side_by_side(take(&low, &high)));
        }
      }
      for (long p = 0; p < planes; p++) turn(tile + p * to.plane);
    }
  }
}

// 16 columns of one block of 32 k whose values follow each other in each column: split as rows are, then turned.
SPLITS DK_INLINE void pack_rows(const float *x, long column_stride, long k, long columns, uint16_t *to,
                                const long planes) {
  __mmask16 first = within(k), second = within(k - 16);
  for (long c = 0; c < 16; c++, x += column_stride) {
    __m512 low = _mm512_maskz_loadu_ps(c < columns ? first : 0, x);
    __m512 high = _mm512_maskz_loadu_ps(c < columns ? second : 0, x + 16);
    for (long p = 0; p < planes; p++) _mm512_storeu_si512(to + p * 1024 + c * 32, take(&low, &high));
  }
  for (long p = 0; p < planes; p++) turn(to + p * 1024);
}

// The same of columns `column_stride` apart: (low, high) hold 16 columns each at k and k + 1.
SPLITS DK_INLINE void pack_columns(const float *x, long k_stride, long column_stride, long k, long columns, uint16_t *to,
                                   const long planes) {
  __mmask16 valid = within(columns);
  for (long at = 0; at < 32; at += 2, x += 2 * k_stride, to += 32) {
    // The rows of two blocks of k further on, which lie too far apart for the processor to guess.
    _mm_prefetch((const char *)(x + 64 * k_stride), _MM_HINT_T1);
    _mm_prefetch((const char *)(x + 65 * k_stride), _MM_HINT_T1);
    __m512 low = at < k ? column_values(x, column_stride, valid) : _mm512_setzero_ps();
    __m512 high = at + 1 < k ? column_values(x + k_stride, column_stride, valid) : _mm512_setzero_ps();
    for (long p = 0; p < planes; p++) _mm512_storeu_si512(to + p * 1024, side_by_side(take(&low, &high)));
  }
}

// 16 columns of one block of 32 k of 3×3 taps, a panel's step each.
SPLITS DK_INLINE void pack_taps(const float *x, long k_stride, long tap_stride, long column_stride, long k, long columns,
                                uint16_t *to, const long planes) {
  for (long first = 0; first < step; first += taps_terms) {
    lanes weights[taps_terms][taps_count];
    read_taps(x + first * k_stride, k_stride, tap_stride, column_stride, k - first, columns, weights);
    for (long term = 0; term < taps_terms; term += 2) {
      uint16_t *pair = to + (first + term) * 16;
      for (long tap = 0; tap < taps_count; tap++, pair += planes * 1024) {
        __m512 low = (__m512)weights[term][tap], high = (__m512)weights[term + 1][tap];
        for (long p = 0; p < planes; p++) _mm512_storeu_si512(pair + p * 1024, side_by_side(take(&low, &high)));
      }
    }
  }
}

SPLITS DK_INLINE void pack_panel(const float *x, long k_stride, long tap_stride, long column_stride, long k, long taps,
                                 long columns, void *to, const long planes) {
  uint16_t *panel = to;
  if (taps == taps_count) {
    for (long from = 0; from < k; from += step, panel += taps * planes * 1024) {
      for (long half = 0; half < 2; half++) {
        pack_taps(x + from * k_stride + half * 16 * column_stride, k_stride, tap_stride, column_stride, k - from,
                  columns - half * 16, panel + half * 512, planes);
      }
    }
    return;
  }
  for (long from = 0; from < k; from += step) {
    for (long tap = 0; tap < taps; tap++, panel += planes * 1024) {
      for (long half = 0; half < 2; half++) {
        const float *source = x + tap * tap_stride + half * 16 * column_stride + from * k_stride;
        if (k_stride == 1 && column_stride != 1) {
          pack_rows(source, column_stride, k - from, columns - half * 16, panel + half * 512, planes);
        } else {
          pack_columns(source, k_stride, column_stride, k - from, columns - half * 16, panel + half * 512, planes);
        }
      }
    }
  }
}

#define OPERANDS(name, planes)                                                                                       \
  SPLITS void name##_map(const float *x, dk_map_lines lines, long k, dk_left to) { split_map(x, lines, k, to, planes); } \
  SPLITS void name##_columns(const float *x, long k_stride, long k, long count, dk_left to) {                            \
    split_columns(x, k_stride, k, count, to, planes);                                                                    \
  }                                                                                                                      \
  SPLITS void name##_panel(const float *x, long k_stride, long tap_stride, long column_stride, long k, long taps,         \
                           long columns, void *panel) {                                                                  \
    pack_panel(x, k_stride, tap_stride, column_stride, k, taps, columns, panel, planes);                                 \
  }
OPERANDS(dk_split, 3)
OPERANDS(dk_bf16, 1)

#endif
