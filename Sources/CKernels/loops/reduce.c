#include "../include/CKernels.h"
#include "../processors/each_processor.h"

// Eight running sums in double: the compiler may then vectorise, and the order of addition is fixed by n alone.
enum { lanes = 8 };

static inline double total(const double *a) {
  return ((a[0] + a[1]) + (a[2] + a[3])) + ((a[4] + a[5]) + (a[6] + a[7]));
}

DK_EACH_PROCESSOR(double, dk_sum, (const float *x, long n), (x, n)) {
  double a[lanes] = {0};
  long i = 0;
  for (; i + lanes <= n; i += lanes)
    for (int l = 0; l < lanes; l++) a[l] += (double)x[i + l];
  for (int l = 0; i < n; i++, l++) a[l] += (double)x[i];
  return total(a);
}

DK_EACH_PROCESSOR(double, dk_dot, (const float *x, const float *y, long n), (x, y, n)) {
  double a[lanes] = {0};
  long i = 0;
  for (; i + lanes <= n; i += lanes)
    for (int l = 0; l < lanes; l++) a[l] += (double)x[i + l] * (double)y[i + l];
  for (int l = 0; i < n; i++, l++) a[l] += (double)x[i] * (double)y[i];
  return total(a);
}

DK_EACH_PROCESSOR(double, dk_squared_distance, (const float *x, const float *y, long n), (x, y, n)) {
  double a[lanes] = {0};
  long i = 0;
  for (; i + lanes <= n; i += lanes)
    for (int l = 0; l < lanes; l++) {
      double d = (double)x[i + l] - (double)y[i + l];
      a[l] += d * d;
    }
  for (int l = 0; i < n; i++, l++) {
    double d = (double)x[i] - (double)y[i];
    a[l] += d * d;
  }
  return total(a);
}

DK_EACH_PROCESSOR(void, dk_column_sums,
                  (const float *x, float *s, long rows, long columns, long stride),
                  (x, s, rows, columns, stride)) {
  for (long j = 0; j < columns; j++) s[j] = 0;
  for (long i = 0; i < rows; i++)
    for (long j = 0; j < columns; j++) s[j] += x[i * stride + j];
}
