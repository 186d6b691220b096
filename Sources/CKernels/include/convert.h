// Values of files as floats.
#ifndef DARKROOM_CONVERT_H
#define DARKROOM_CONVERT_H

#include <stdint.h>

// ---- convert.c: floats of files, in any alignment, as f32.
typedef enum { dk_f32, dk_f16, dk_bf16 } dk_float_format;
// Returns the place of the first value that is infinite or not a number; n where there is none.
long dk_read_floats(const void *bytes, dk_float_format format, float *y, long n);

#endif
