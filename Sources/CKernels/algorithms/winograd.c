#include "../include/winograd.h"

#include <string.h>

static int is_rounded(const dk_product_kernel *kernel) { return kernel->planes == 1 && kernel->bytes == 2; }

// Room for the points of some rows of `columns`, as floats; where the product takes floats as they are, that is their place.
static float *room(const dk_product_kernel *kernel, void *to, long points) {
  return dk_takes_floats(kernel) ? to : dk_scratch(dk_scratch_of_task, points * 4);
}

static char *frequency(const dk_product_kernel *kernel, void *to, long number, long stride) {
  return (char *)to + number * stride * kernel->bytes;
}

// Panels out of points, where these are not the panels themselves.
static void pack_points(const dk_product_kernel *kernel, long side, const float *points, void *to, long frequency_stride) {
  if (points == to) return;
  long size = kernel->step * dk_tile_panel;
  for (long f = 0; f < dk_winograd_frequencies(side); f++) {
    kernel->pack_panel(points + f * size, dk_tile_panel, 0, 1, kernel->step, 1, dk_tile_panel,
                       frequency(kernel, to, f, frequency_stride));
  }
}

void dk_winograd_pack(long side, const float *x, long k_stride, long tap_stride, long column_stride, long k, long columns,
                      void *to, long frequency_stride) {
  const dk_product_kernel *kernel = dk_product_in_use();
  if (is_rounded(kernel)) {
    dk_winograd_rounded_weights(side, x, k_stride, tap_stride, column_stride, k, columns, to, frequency_stride);
    return;
  }
  long size = kernel->step * dk_tile_panel;
  float *points = room(kernel, to, dk_winograd_frequencies(side) * size);
  dk_winograd_weight_points(side, x, k_stride, tap_stride, column_stride, k, kernel->step, columns, points,
                            points == to ? frequency_stride : size);
  pack_points(kernel, side, points, to, frequency_stride);
}

void dk_winograd_values(const float *x, const dk_winograd_map *map, long first, long count, long channel, void *to,
                        long frequency_stride) {
  const dk_product_kernel *kernel = dk_product_in_use();
  if (dk_takes_floats(kernel)) {
    dk_winograd_input_points(x, map, first, count, channel, to, (dk_winograd_strides){frequency_stride, 16});
    return;
  }
  long frequencies = dk_winograd_frequencies(map->side);
  for (long block = 0; block < 2; block++) {
    uint16_t *half = (uint16_t *)to + block * 16;
    if (channel + block * 16 < map->channels) {
      dk_winograd_rounded_points(x, map, first, count, channel + block * 16, half,
                                 (dk_winograd_strides){frequency_stride, 32});
      continue;
    }
    // Half a step of terms that are not there.
    for (long f = 0; f < frequencies; f++) {
      for (long square = 0; square < count; square++) memset(half + f * frequency_stride + square * 32, 0, 32);
    }
  }
}

void dk_winograd_columns(const float *x, const dk_winograd_map *map, long first, long count, long channel, void *to,
                         long frequency_stride) {
  const dk_product_kernel *kernel = dk_product_in_use();
  long size = kernel->step * dk_tile_panel;
  long frequencies = dk_winograd_frequencies(map->side);
  float *points = room(kernel, to, frequencies * size);
  dk_winograd_strides strides = {points == to ? frequency_stride : size, dk_tile_panel};
  int is_part = count < kernel->step || channel + dk_tile_panel > map->channels;
  for (long f = 0; is_part && f < frequencies; f++) memset(points + f * strides.frequency, 0, size * 4);
  for (long half = 0; half < 2 && channel + half * 16 < map->channels; half++) {
    dk_winograd_input_points(x, map, first, count, channel + half * 16, points + half * 16, strides);
  }
  pack_points(kernel, map->side, points, to, frequency_stride);
}

void dk_winograd_rows(const float *dy, const dk_winograd_map *map, long first, long count, long channel, void *to,
                      long frequency_stride) {
  const dk_product_kernel *kernel = dk_product_in_use();
  long size = kernel->step * 16;
  long frequencies = dk_winograd_frequencies(map->side);
  float *points = dk_scratch(dk_scratch_of_task, frequencies * size * 4);
  dk_winograd_gradient_points(dy, map, first, count, channel, points, (dk_winograd_strides){size, 16});
  for (long f = 0; f < frequencies; f++) {
    dk_left left = {frequency(kernel, to, f, frequency_stride), dk_tile_rows, size};
    kernel->split_columns(points + f * size, 16, count, 16, left);
  }
}
