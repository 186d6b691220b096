// The one-dimensional transforms of F(4, 3) over the points 0, ±a, ±b and ∞ and of F(2, 3), on vectors of 16 channels, and
// how squares are read from a feature map.
#ifndef DARKROOM_WINOGRAD_TRANSFORM_H
#define DARKROOM_WINOGRAD_TRANSFORM_H

#include <string.h>

#include "../include/winograd.h"
#include "../loops/activation.h"
#include "../processors/lanes.h"

// All exact in binary but the last three.
#define A 0.625f
#define B 1.5f
#define AA (A * A)
#define BB (B * B)
// 1 over the product of a point's distances to the others.
#define N0 (1.0f / (AA * BB))
#define NA (1.0f / (2 * AA * (AA - BB)))
#define NB (1.0f / (2 * BB * (BB - AA)))

#define FMA(x, c, y) __builtin_elementwise_fma(x, SPLAT(c), y)

// Each transform takes and gives vectors `from` and `to` apart. `side` is 4, or 2 for F(2, 3) over the points 0, ±1 and ∞.

// Bᵀ: side + 2 pixels to as many points.
DK_INLINE void to_points(const lanes *d, long from, lanes *t, long to, const long side) {
  lanes d0 = d[0], d1 = d[from], d2 = d[2 * from], d3 = d[3 * from];
  if (side == 2) {
    t[0] = d0 - d2, t[to] = d1 + d2, t[2 * to] = d2 - d1, t[3 * to] = d1 - d3;
    return;
  }
  lanes d4 = d[4 * from], d5 = d[5 * from];
  lanes even_a = FMA(d2, -BB, d4), odd_a = FMA(d1, -BB, d3) * A;
  lanes even_b = FMA(d2, -AA, d4), odd_b = FMA(d1, -AA, d3) * B;
  t[0] = FMA(d0, AA * BB, FMA(d2, -(AA + BB), d4));
  t[to] = even_a + odd_a, t[2 * to] = even_a - odd_a;
  t[3 * to] = even_b + odd_b, t[4 * to] = even_b - odd_b;
  t[5 * to] = FMA(d1, AA * BB, FMA(d3, -(AA + BB), d5));
}

// Aᵀ: side + 2 points to side pixels.
DK_INLINE void from_points(const lanes *m, long from, lanes *y, long to, const long side) {
  lanes sum_a = m[from] + m[2 * from], difference_a = m[from] - m[2 * from];
  if (side == 2) {
    y[0] = m[0] + sum_a, y[to] = difference_a - m[3 * from];
    return;
  }
  lanes sum_b = m[3 * from] + m[4 * from], difference_b = m[3 * from] - m[4 * from];
  y[0] = m[0] + (sum_a + sum_b);
  y[to] = FMA(difference_b, B, difference_a * A);
  y[2 * to] = FMA(sum_b, BB, sum_a * AA);
  y[3 * to] = FMA(difference_b, B * BB, FMA(difference_a, A * AA, m[5 * from]));
}

// A, its transpose: side pixels' gradients to side + 2 points.
DK_INLINE void gradient_to_points(const lanes *y, long from, lanes *m, long to, const long side) {
  if (side == 2) {
    lanes y0 = y[0], y1 = y[from];
    m[0] = y0, m[to] = y0 + y1, m[2 * to] = y0 - y1, m[3 * to] = -y1;
    return;
  }
  lanes even_a = FMA(y[2 * from], AA, y[0]), odd_a = FMA(y[3 * from], AA, y[from]) * A;
  lanes even_b = FMA(y[2 * from], BB, y[0]), odd_b = FMA(y[3 * from], BB, y[from]) * B;
  m[0] = y[0];
  m[to] = even_a + odd_a, m[2 * to] = even_a - odd_a;
  m[3 * to] = even_b + odd_b, m[4 * to] = even_b - odd_b;
  m[5 * to] = y[3 * from];
}

// G: three taps to side + 2 points.
DK_INLINE void taps_to_points(const lanes *w, long from, lanes *u, long to, const long side) {
  lanes w0 = w[0], w1 = w[from], w2 = w[2 * from];
  if (side == 2) {
    lanes even = (w0 + w2) * 0.5f, odd = w1 * 0.5f;
    u[0] = w0, u[to] = even + odd, u[2 * to] = even - odd, u[3 * to] = w2;
    return;
  }
  lanes even_a = FMA(w2, AA, w0) * NA, odd_a = w1 * (A * NA);
  lanes even_b = FMA(w2, BB, w0) * NB, odd_b = w1 * (B * NB);
  u[0] = w0 * N0;
  u[to] = even_a + odd_a, u[2 * to] = even_a - odd_a;
  u[3 * to] = even_b + odd_b, u[4 * to] = even_b - odd_b;
  u[5 * to] = w2;
}

// Gᵀ: side + 2 points' gradients to three taps.
DK_INLINE void points_to_taps(const lanes *u, long from, lanes *w, long to, const long side) {
  if (side == 2) {
    lanes u0 = u[0], u1 = u[from], u2 = u[2 * from], u3 = u[3 * from], sum = (u1 + u2) * 0.5f;
    w[0] = u0 + sum, w[to] = (u1 - u2) * 0.5f, w[2 * to] = sum + u3;
    return;
  }
  lanes sum_a = (u[from] + u[2 * from]) * NA, difference_a = (u[from] - u[2 * from]) * NA;
  lanes sum_b = (u[3 * from] + u[4 * from]) * NB, difference_b = (u[3 * from] - u[4 * from]) * NB;
  w[0] = FMA(u[0], N0, sum_a + sum_b);
  w[to] = FMA(difference_b, B, difference_a * A);
  w[2 * to] = FMA(sum_b, BB, FMA(sum_a, AA, u[5 * from]));
}

// `transform` of the columns and then of the rows of a square, `n` a side to `m`.
#define IN_BOTH_DIRECTIONS(transform, in, n, out, m, side)                                   \
  do {                                                                                       \
    lanes half_[(m) * (n)];                                                                  \
    for (long x_ = 0; x_ < (n); x_++) transform((in) + x_, n, half_ + x_, n, side);          \
    for (long y_ = 0; y_ < (m); y_++) transform(half_ + y_ * (n), 1, (out) + y_ * (m), 1, side); \
  } while (0)

// Some squares that lie side by side, as pixels of 16 channels with zeros where there is no map.
enum { strip_squares = 8, strip_width = strip_squares * 4 + 2 };
typedef float strip[6][strip_width][16];

// Copies `lines` lines of the `squares` squares from square number `square` on, all in one row, into `to`.
DK_INLINE void read_strip(const float *x, const dk_winograd_map *m, long square, long squares, long lines,
                                     long channel, strip to) {
  long image = square / (m->across * m->down), within_image = square % (m->across * m->down);
  long y0 = within_image / m->across * m->side - m->top;
  long x0 = within_image % m->across * m->side - m->left;
  long width = squares * m->side + lines - m->side;
  long before = x0 < 0 ? -x0 : 0, after = x0 + width > m->w ? x0 + width - m->w : 0, inside = width - before - after;
  const float *source = x + (image * m->channels + channel) * m->h * m->w;
  long coefficients = image * m->channels + channel;
  for (long line = 0; line < lines; line++) {
    float(*pixels)[16] = to[line];
    long y = y0 + line;
    if (y < 0 || y >= m->h || inside <= 0) {
      memset(pixels, 0, width * 64);
      continue;
    }
    const float *from = source + (y * m->w + x0 + before) * 16;
    memset(pixels, 0, before * 64);
    memset(pixels + before + inside, 0, after * 64);
    if (m->gain) {
      const float *gain = m->gain + coefficients, *offset = m->offset + coefficients;
      DK_FOR_EACH_ACTIVATION(m->activation, dk_affine16(from, pixels[before], gain, offset, inside, K));
    } else {
      memcpy(pixels[before], from, inside * 64);
    }
  }
}

// The squares from `square` on, at most `most`, that lie in one row and fit in a strip.
DK_INLINE long side_by_side_squares(const dk_winograd_map *m, long square, long most) {
  long left = m->across - square % m->across;
  long count = left < most ? left : most;
  return count < strip_squares ? count : strip_squares;
}

// Square number `i` of a strip, `n` pixels a side.
DK_INLINE void read_square(strip from, long i, long n, lanes *d, const long side) {
  for (long y = 0; y < n; y++) {
    for (long x = 0; x < n; x++) d[y * n + x] = LOAD(from[y][i * side + x]);
  }
}

#endif
