#include "../include/CKernels.h"
#include "vector_math.h"

DK_EACH_PROCESSOR(void, dk_softmax, (float *x, long rows, long columns), (x, rows, columns)) {
  enum { lanes = 16 };
  for (long r = 0; r < rows; r++, x += columns) {
    float top[lanes], sum[lanes];
    for (int l = 0; l < lanes; l++) top[l] = -3.4e38f, sum[l] = 0;
    long i = 0;
    for (; i + lanes <= columns; i += lanes)
      for (int l = 0; l < lanes; l++) top[l] = x[i + l] > top[l] ? x[i + l] : top[l];
    for (int l = 0; i < columns; i++, l++) top[l] = x[i] > top[l] ? x[i] : top[l];
    float m = top[0];
    for (int l = 1; l < lanes; l++) m = top[l] > m ? top[l] : m;
    for (i = 0; i + lanes <= columns; i += lanes)
      for (int l = 0; l < lanes; l++) {
        float e = dk_exp(x[i + l] - m);
        x[i + l] = e;
        sum[l] += e;
      }
    for (int l = 0; i < columns; i++, l++) sum[l] += x[i] = dk_exp(x[i] - m);
    float s = 0;
    for (int l = 0; l < lanes; l++) s += sum[l];
    float inverse = 1.0f / s;
    for (i = 0; i < columns; i++) x[i] *= inverse;
  }
}

DK_EACH_PROCESSOR(void, dk_softmax_gradient,
                  (const float *p, float *dp, float scale, long rows, long columns),
                  (p, dp, scale, rows, columns)) {
  enum { lanes = 16 };
  for (long r = 0; r < rows; r++, p += columns, dp += columns) {
    float sum[lanes] = {0};
    long i = 0;
    for (; i + lanes <= columns; i += lanes)
      for (int l = 0; l < lanes; l++) sum[l] += p[i + l] * dp[i + l];
    for (int l = 0; i < columns; i++, l++) sum[l] += p[i] * dp[i];
    float dot = 0;
    for (int l = 0; l < lanes; l++) dot += sum[l];
    for (i = 0; i < columns; i++) dp[i] = p[i] * (dp[i] - dot) * scale;
  }
}
