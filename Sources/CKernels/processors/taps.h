// Weights of 3×3 taps, as convolutions and their transposes want them: a vector over columns for each term and tap. In the
// file taps follow each other, so that what a vector takes lies nine floats or a whole row apart; squares of 16 by 16 are
// turned instead of its lanes gathered.
#ifndef DARKROOM_TAPS_H
#define DARKROOM_TAPS_H

#include "lanes.h"

enum { taps_terms = 16, taps_count = 9 };

// The nine taps of up to 16 terms by up to 16 columns, of which `k` and `columns` there are; zeros elsewhere.
DK_INLINE void read_taps(const float *x, long k_stride, long tap_stride, long column_stride, long k, long columns,
                         lanes to[taps_terms][taps_count]) {
  int is_whole = k >= 16 && columns >= 16;
  if (is_whole && k_stride == taps_count && tap_stride == 1) {
    // The 144 values of a column follow each other.
    for (long part = 0; part < taps_count; part++) {
      for (long c = 0; c < 16; c++) to[0][part * 16 + c] = LOAD(x + c * column_stride + part * 16);
      turn_lanes(to[0] + part * 16);
    }
  } else if (is_whole && column_stride == taps_count && tap_stride == -1) {
    // Those of a term do, its taps from the last to the first.
    lanes by_term[16 * taps_count];
    const float *first = x - (taps_count - 1);
    for (long part = 0; part < taps_count; part++) {
      for (long term = 0; term < 16; term++) by_term[part * 16 + term] = LOAD(first + term * k_stride + part * 16);
      turn_lanes(by_term + part * 16);
    }
    for (long tap = 0; tap < taps_count; tap++) {
      lanes square[16];
      for (long c = 0; c < 16; c++) square[c] = by_term[c * taps_count + taps_count - 1 - tap];
      turn_lanes(square);
      for (long term = 0; term < 16; term++) to[term][tap] = square[term];
    }
  } else {
    for (long term = 0; term < 16; term++) {
      for (long tap = 0; tap < taps_count; tap++) {
        float values[16];
        const float *from = x + term * k_stride + tap * tap_stride;
        for (long c = 0; c < 16; c++) values[c] = term < k && c < columns ? from[c * column_stride] : 0;
        to[term][tap] = LOAD(values);
      }
    }
  }
}

#endif
