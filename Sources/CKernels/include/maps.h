// Loops that move the values of feature maps, [images, C/B, h, w, B], and change none.
#ifndef DARKROOM_MAPS_H
#define DARKROOM_MAPS_H

// ---- maps.c
// One image from blocks of `from` channels to blocks of `to`.
void dk_reorder(const float *x, float *y, long channels, long pixels, long from, long to);

// A map of which a convolution's taps see a pixel each for every one of out_h × out_w results.
typedef struct {
  long h, w, channels, block;
  long out_h, out_w, stride, top, left;
} dk_taps;
// What tap (row, column) sees of 16 channels from `channel` on, pixel after pixel `pixel_stride` floats apart, zeros where
// there is no map or no channel; for `count` lines of results from line `first` on, counted over images.
void dk_gather(const float *x, dk_taps map, long first, long count, long row, long column, long channel, float *to,
               long pixel_stride);

// y[column·parts + part] = x[part·stride + column].
void dk_interleave(const float *x, long stride, long parts, long columns, float *y);

// One block of channels of one image with `stride` − 1 zeros between neighbours: [h, w, b] → [(h−1)·stride+1, …, b].
void dk_spread(const float *x, float *y, long h, long w, long b, long stride);

#endif
