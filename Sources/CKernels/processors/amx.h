// AMX, whose tiles multiply bf16.
#ifndef DARKROOM_AMX_H
#define DARKROOM_AMX_H

#include "../include/product.h"

// Whether this machine has AMX for bf16 and the system lets the process use it; asks for permission.
int dk_amx_usable(void);

enum { dk_amx_step = 32, dk_amx_planes = 3 };

void dk_amx_split_map(const float *x, dk_map_lines lines, long k, dk_left to);
void dk_amx_split_columns(const float *x, long k_stride, long k, long count, dk_left to);
void dk_amx_pack_panel(const float *x, long k_stride, long tap_stride, long column_stride, long k, long taps, long columns,
                       void *panel);

#endif
