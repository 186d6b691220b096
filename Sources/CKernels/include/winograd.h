// Convolution 3×3 at stride 1 by Winograd's F(4×4, 3×3) (Lavin & Gray 2016), its products on AMX tiles.
//
// A square of 6×6 pixels becomes 36 frequencies, in each of which the convolution is a product of a matrix [squares, C]
// with one of [C, O]: 36 products take the place of 144. The points of interpolation are 0, ±5/8, ±3/2 and ∞, which err
// less in f32 than 0, ±1, ±2 and ∞ (Barabasz et al. 2020 compare such choices).
//
// Squares are counted over images, rows and columns; 16 of them are a group, the rows of one AMX tile:
//
//   values    [group][frequency][block of 16 channels][16 squares][16]                       f32, split by who multiplies
//   products  [group][block of 16 channels][frequency][16 squares][16]                       f32
//   weights   [frequency][panel of 32 columns][block of 32 k][plane][2][16 pairs of k][16][2]  a right operand
//
// Strides of a frequency are best not a power of two: all 36 would meet in one set of the cache.
#ifndef DARKROOM_WINOGRAD_H
#define DARKROOM_WINOGRAD_H

#include "tiles.h"

enum { dk_winograd_out = 4, dk_winograd_in = 6, dk_winograd_frequencies = 36 };

// A feature map in blocks of 16 channels, [images, channels/16, h, w, 16], and how squares lie on it.
typedef struct {
  long h, w, channels;
  long across, down;  // squares a row, and rows of them
  long top, left;     // how far outside the map the first square begins: the padding
  // Where these are given, [images, channels], activation(gain·x + offset) takes the place of x.
  const float *gain, *offset;
  dk_activation activation;
} dk_winograd_map;

// Strides of values and products, in floats.
typedef struct {
  long group, frequency;
} dk_winograd_strides;

// ---- winograd.c: forward, and backward to the input, which is a convolution too.
// Squares `first` ..< `first` + `count` as values of the 16 channels from `channel` on. `to` is square `first`'s group and
// this block of channels.
void dk_winograd_values(const float *x, const dk_winograd_map *map, long first, long count, long channel, float *to,
                        dk_winograd_strides strides);
// The weights of one block of 32 k and one panel; the arguments are dk_pack_panel's.
void dk_winograd_pack(const float *x, long k_stride, long tap_stride, long column_stride, long k, long columns,
                      uint16_t *to, long frequency_stride);
// The products of 16 channels from `channel` on as the map's pixels, bias[channel] and residual added where they are
// given; `residual` is laid out as `y`. `from` is square `first`'s group and this block of channels.
void dk_winograd_join(const float *from, dk_winograd_strides strides, const dk_winograd_map *map, long first, long count,
                      long channel, const float *bias, const float *residual, float *y);

// ---- winograd_gradient.c: backward to the weights, whose products go over squares.
// A step is 32 squares; these write one step of 16 channels, squares beyond `count` as zeros. Of x as columns, a line of
// 16 channels a pair of squares:  [frequency][plane (stride 1,024)][16 pairs][16 channels][2]
void dk_winograd_columns(const float *x, const dk_winograd_map *map, long first, long count, long channel, uint16_t *to,
                         long frequency_stride);
// Of the result's gradient as rows:  [frequency][plane (stride 512)][16 channels][32 squares]
void dk_winograd_rows(const float *dy, const dk_winograd_map *map, long first, long count, long channel, uint16_t *to,
                      long frequency_stride);
// The sums over squares, [frequency][16 rows][16 columns], as weights: dw[row·9·inputs + column·9 + tap].
void dk_winograd_weights(const float *sums, long frequency_stride, long inputs, float *dw);

#endif
