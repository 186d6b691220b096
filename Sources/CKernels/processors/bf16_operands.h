// Operands of bf16 out of floats in plain C, one value after the other: for processors whose products of bf16 are made of
// those of floats, where the way counts and not the time. The same bits as `bf16_planes.c`'s.

// The nearest bf16, ties to even; what is below the normal numbers is 0.
DK_INLINE uint16_t rounded(float x) {
  uint32_t bits;
  memcpy(&bits, &x, 4);
  if (!(bits & 0x7f800000u)) return (uint16_t)(bits >> 31 << 15);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return (uint16_t)(bits >> 16 | 0x40);
  return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static void zero_rows(uint16_t *to, long count) { memset(to, 0, count * 64); }

// 16 values of each row, of which `k` there are, into `half` a step.
TARGET static void round_rows(const float *x, long row_stride, long k, long count, uint16_t *to) {
  for (long r = 0; r < count; r++, x += row_stride, to += 32) {
    for (long i = 0; i < 16; i++) to[i] = i < k ? rounded(x[i]) : 0;
  }
}

// The same through a normalisation, some rows at a time.
TARGET static void round_normalised(const float *x, const dk_map_lines *m, const float *gain, const float *offset, long k,
                                    long count, uint16_t *to) {
  enum { run = 16 };
  float values[run * 16];
  for (long r = 0; r < count; r += run) {
    long rows = count - r < run ? count - r : run;
    DK_FOR_EACH_ACTIVATION(m->activation, dk_affine16(x + r * 16, values, gain, offset, rows, K));
    round_rows(values, 16, k, rows, to + r * 32);
  }
}

TARGET static void map(const float *x, dk_map_lines m, long k, dk_left to) {
  long width = m.zeros_before + m.count + m.zeros_after;
  for (long from = 0; from < k; from += 16) {
    const float *source = x + from / 16 * m.block_stride;
    uint16_t *left = (uint16_t *)to.left + from / 32 * 32 * to.rows;
    for (long line = 0; line < m.lines; line++, left += width * 32) {
      int is_inside = line >= m.zero_lines_before && line < m.lines - m.zero_lines_after;
      if (from % 32 == 0) zero_rows(left, width);
      if (!is_inside) continue;
      uint16_t *inside = left + m.zeros_before * 32 + from % 32;
      if (m.gain) {
        round_normalised(source, &m, m.gain + from, m.offset + from, k - from, m.count, inside);
      } else {
        round_rows(source, m.row_stride, k - from, m.count, inside);
      }
      source += m.line_stride;
    }
  }
}

TARGET static void columns(const float *x, long k_stride, long k, long count, dk_left to) {
  for (long at = 0; at < (k + 31) / 32 * 32; at++) {
    uint16_t *left = (uint16_t *)to.left + at / 32 * 32 * to.rows + at % 32;
    // A whole tile, the rows that are not there as zeros.
    for (long row = 0; row < (count + 15) / 16 * 16; row++) {
      left[row * 32] = at < k && row < count ? rounded(x[at * k_stride + row]) : 0;
    }
  }
}

TARGET static void panel(const float *x, long k_stride, long tap_stride, long column_stride, long k, long taps, long count,
                         void *packed) {
  uint16_t *to = packed;
  for (long from = 0; from < k; from += 32) {
    for (long tap = 0; tap < taps; tap++, to += 1024) {
      const float *source = x + from * k_stride + tap * tap_stride;
      for (long at = 0; at < 32; at++) {
        for (long c = 0; c < dk_tile_panel; c++) {
          float value = from + at < k && c < count ? source[at * k_stride + c * column_stride] : 0;
          to[c / 16 * 512 + at / 2 * 32 + c % 16 * 2 + at % 2] = rounded(value);
        }
      }
    }
  }
}
