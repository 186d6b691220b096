#include "activation.h"
#include "../include/transformer.h"

DK_EACH_PROCESSOR(void, dk_geglu, (const float *x, float *y, long rows, long columns), (x, y, rows, columns)) {
  for (long i = 0; i < rows; i++, x += 2 * columns, y += columns)
    for (long j = 0; j < columns; j++) y[j] = x[j] * dk_value(x[columns + j], dk_gelu);
}

DK_EACH_PROCESSOR(void, dk_geglu_gradient,
                  (const float *x, const float *dy, float *dx, long rows, long columns),
                  (x, dy, dx, rows, columns)) {
  for (long i = 0; i < rows; i++, x += 2 * columns, dx += 2 * columns, dy += columns)
    for (long j = 0; j < columns; j++) {
      float b = x[columns + j];
      dx[columns + j] = dy[j] * x[j] * dk_derivative(b, dk_gelu);
      dx[j] = dy[j] * dk_value(b, dk_gelu);
    }
}
