#include "../include/tokens.h"

#include "../processors/each_processor.h"

DK_EACH_PROCESSOR(void, dk_gated_add,
                  (const float *x, const float *gate, const float *y, float *out, long rows, long columns),
                  (x, gate, y, out, rows, columns)) {
  for (long i = 0; i < rows; i++, x += columns, y += columns, out += columns)
    for (long j = 0; j < columns; j++) out[j] = x[j] + gate[j] * y[j];
}

DK_EACH_PROCESSOR(void, dk_gated_add_gradient,
                  (const float *gate, const float *y, const float *d, float *dy, float *dgate, long rows,
                   long columns),
                  (gate, y, d, dy, dgate, rows, columns)) {
  for (long j = 0; j < columns; j++) dgate[j] = 0;
  for (long i = 0; i < rows; i++, y += columns, d += columns, dy += columns)
    for (long j = 0; j < columns; j++) {
      dgate[j] += d[j] * y[j];
      dy[j] = gate[j] * d[j];
    }
}

// Where value (ch, r, q) of patch (i, j) lies among the rows; in the picture it is [ch, i·p + r, j·p + q].
static inline long row_index(long ch, long r, long q, long i, long j, long c, long gw, long p, int channels_first) {
  long within = channels_first ? (ch * p + r) * p + q : (r * p + q) * c + ch;
  return (i * gw + j) * c * p * p + within;
}

void dk_patches(const float *picture, float *rows, long c, long gh, long gw, long p, int channels_first) {
  for (long ch = 0; ch < c; ch++)
    for (long i = 0; i < gh; i++)
      for (long r = 0; r < p; r++)
        for (long j = 0; j < gw; j++)
          for (long q = 0; q < p; q++)
            rows[row_index(ch, r, q, i, j, c, gw, p, channels_first)] = *picture++;
}

void dk_picture(const float *rows, float *picture, long c, long gh, long gw, long p, int channels_first) {
  for (long ch = 0; ch < c; ch++)
    for (long i = 0; i < gh; i++)
      for (long r = 0; r < p; r++)
        for (long j = 0; j < gw; j++)
          for (long q = 0; q < p; q++)
            *picture++ = rows[row_index(ch, r, q, i, j, c, gw, p, channels_first)];
}
