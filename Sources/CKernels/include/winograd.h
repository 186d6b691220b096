// Convolution 3×3 at stride 1 by Winograd's F(4×4, 3×3) and F(2×2, 3×3) (Lavin & Gray 2016), its products by `product.h`.
//
// Of F(4×4) a square of 6×6 pixels becomes 36 frequencies, in each of which the convolution is a product of a matrix
// [squares, C] with one of [C, O]: 36 products take the place of 144. The points of interpolation are 0, ±5/8, ±3/2 and ∞,
// which err less in f32 than 0, ±1, ±2 and ∞ (Barabasz et al. 2020 compare such choices). Of F(2×2) it is 4×4 pixels, 16
// frequencies in place of 36 products, and the points 0, ±1 and ∞; a `side` is that of a square of results, 4 or 2.
//
// Squares are counted over images, rows and columns; 16 of them are a group, the rows of one tile:
//
//   values    [group][frequency][block of a step's channels][16 squares][step]   a left operand of one plane; f32 for three
//   products  [group][block of 16 channels][frequency][16 squares][16]     f32
//   weights   [frequency][panel of 32 columns][step]                       a right operand
//
// Strides of a frequency are best not a power of two: all would meet in one set of the cache.
#ifndef DARKROOM_WINOGRAD_H
#define DARKROOM_WINOGRAD_H

#include "product.h"

enum { dk_winograd_most_frequencies = 36 };

static inline long dk_winograd_frequencies(long side) { return (side + 2) * (side + 2); }

// A feature map in blocks of 16 channels, [images, channels/16, h, w, 16], and how squares lie on it.
typedef struct {
  long side;
  long h, w, channels;
  long across, down;  // squares a row, and rows of them
  long top, left;     // how far outside the map the first square begins: the padding
  // Where these are given, [images, channels], activation(gain·x + offset) takes the place of x.
  const float *gain, *offset;
  dk_activation activation;
} dk_winograd_map;

// Where the points of squares lie: value (frequency, square, channel) at frequency·frequency + square·square + channel.
typedef struct {
  long frequency, square;
} dk_winograd_strides;

// ---- winograd_points.c: between maps and their points, 16 channels from `channel` on at a time, all in floats.
// Squares `first` ..< `first` + `count` of an input.
void dk_winograd_input_points(const float *x, const dk_winograd_map *map, long first, long count, long channel, float *to,
                              dk_winograd_strides strides);
// The same rounded to bf16.
void dk_winograd_rounded_points(const float *x, const dk_winograd_map *map, long first, long count, long channel,
                                uint16_t *to, dk_winograd_strides strides);
// Of a result's gradient, whose squares do not overlap.
void dk_winograd_gradient_points(const float *dy, const dk_winograd_map *map, long first, long count, long channel,
                                 float *to, dk_winograd_strides strides);
// Of weights: rows are the `rows` k from x on, of which `k` there are, each of 32 columns, of which `columns` there are.
void dk_winograd_weight_points(long side, const float *x, long k_stride, long tap_stride, long column_stride, long k,
                               long rows, long columns, float *to, long frequency_stride);
// The same of 32 rows as a step of bf16.
void dk_winograd_rounded_weights(long side, const float *x, long k_stride, long tap_stride, long column_stride, long k,
                                 long columns, uint16_t *to, long frequency_stride);
// Products as the map's pixels, bias[channel] and residual added where they are given; `residual` is laid out as `y`.
void dk_winograd_join(const float *from, dk_winograd_strides strides, const dk_winograd_map *map, long first, long count,
                      long channel, const float *bias, const float *residual, float *y);
// Sums over squares, [frequency][16 rows][16 columns], as weights: dw[row·9·inputs + column·9 + tap].
void dk_winograd_weights(long side, const float *sums, long frequency_stride, long inputs, float *dw);

// ---- winograd.c: points as operands of the product in use; strides of frequencies are in its values.
// The weights of one step and one panel; the arguments are `pack_panel`'s.
void dk_winograd_pack(long side, const float *x, long k_stride, long tap_stride, long column_stride, long k, long columns,
                      void *to, long frequency_stride);
// Squares of x, of the channels of a step from `channel` on, as values of one plane.
void dk_winograd_values(const float *x, const dk_winograd_map *map, long first, long count, long channel, void *to,
                        long frequency_stride);
// Backward to the weights, whose products go over squares. A step of squares, those beyond `count` as zeros: of x as one
// panel of the 32 channels from `channel` on, and of the result's gradient as a tile of the 16.
void dk_winograd_columns(const float *x, const dk_winograd_map *map, long first, long count, long channel, void *to,
                         long frequency_stride);
void dk_winograd_rows(const float *dy, const dk_winograd_map *map, long first, long count, long channel, void *to,
                      long frequency_stride);

#endif
