#include "../include/convert.h"

#include <string.h>

#include "../processors/each_processor.h"

DK_INLINE float from_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, 4);
  return value;
}

// Half precision's bits in a float's places, its exponent then set right by 2¹¹², which serves numbers below the normal
// ones too; infinity and NaN by hand.
DK_INLINE float from_half(uint16_t half) {
  uint32_t magnitude = (uint32_t)(half & 0x7fff) << 13;
  float value = from_bits(magnitude) * 0x1p112f;
  uint32_t bits;
  memcpy(&bits, &value, 4);
  bits = magnitude >= 0x0f800000u ? magnitude | 0x7f800000u : bits;
  return from_bits(bits | (uint32_t)(half & 0x8000) << 16);
}

DK_EACH_PROCESSOR(void, dk_read_all,
                  (const char *bytes, dk_float_format format, float *y, long n),
                  (bytes, format, y, n)) {
  switch (format) {
    case dk_f32: memcpy(y, bytes, (size_t)n * 4); break;
    case dk_f16:
      for (long i = 0; i < n; i++) {
        uint16_t half;
        memcpy(&half, bytes + 2 * i, 2);
        y[i] = from_half(half);
      }
      break;
    case dk_bf16:
      for (long i = 0; i < n; i++) {
        uint16_t upper;
        memcpy(&upper, bytes + 2 * i, 2);
        y[i] = from_bits((uint32_t)upper << 16);
      }
      break;
  }
}

// The largest exponent field of n floats; 255 is that of infinity and NaN.
DK_EACH_PROCESSOR(uint32_t, dk_largest_exponent, (const float *y, long n), (y, n)) {
  uint32_t most = 0;
  for (long i = 0; i < n; i++) {
    uint32_t bits;
    memcpy(&bits, y + i, 4);
    bits &= 0x7f800000u;
    most = bits > most ? bits : most;
  }
  return most >> 23;
}

long dk_read_floats(const void *bytes, dk_float_format format, float *y, long n) {
  long width = format == dk_f32 ? 4 : 2;
  long first = n;
  enum { run = 4096 };  // read and looked through while it is in the first-level cache
  for (long i = 0; i < n; i += run) {
    long count = n - i < run ? n - i : run;
    dk_read_all((const char *)bytes + i * width, format, y + i, count);
    if (first < n || dk_largest_exponent(y + i, count) < 255) continue;
    for (first = i; dk_largest_exponent(y + first, 1) < 255;) first++;
  }
  return first;
}
