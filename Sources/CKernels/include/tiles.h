// Products in f32 on AMX tiles, which multiply bf16 alone.
//
// A float's 24 bits are the exact sum of three bf16 of 8 bits each, a = a₀ + a₁ + a₂. Of the nine products of two such
// sums the six with i + j ≤ 2 are added up in f32: what is left out is below 2⁻²⁴ of the product, less than f32 itself
// rounds. At some 16 times the rate of f32's vectors, six products are still well ahead of one.
//
//   left operand   rows × K, as [plane][K/32][rows][32]: any 16 neighbouring rows are one tile of 1 KiB
//   right operand  K × columns, as [columns/32][step][plane][2][16 pairs of k][16 columns][2]
//
// A step is 32 of the K; in a convolution each tap has steps of its own, which read the same left rows at an offset.
// Every result is summed over its steps in order, whatever else is computed beside it: no bit depends on the number of rows.
#ifndef DARKROOM_TILES_H
#define DARKROOM_TILES_H

#include <stdint.h>

#include "CKernels.h"

enum { dk_tile_rows = 16, dk_tile_step = 32, dk_tile_planes = 3, dk_tile_panel = 32 };

// Whether this machine has AMX for bf16 and the system lets the process use it; asks for permission at the first call.
int dk_tiles_usable(void);

// ---- tile_split.c
// Where a left operand is written: `left` is the first row's place, `rows` the rows of the whole operand between one
// block of 32 k and the next, `plane` the bf16 between planes.
typedef struct {
  uint16_t *left;
  long rows, plane;
} dk_left;
// Lines of rows, with zeros around them: `zeros_before`, `count` rows of x and `zeros_after` in each line but the first
// `zero_lines_before` and the last `zero_lines_after`, which are all zeros. `x` is the first row that is not.
typedef struct {
  long lines, zero_lines_before, zero_lines_after;
  long zeros_before, count, zeros_after;
  long line_stride, row_stride, block_stride;  // value k of a row is at k/16·block_stride + k%16
  // Where these are given, activation(gain[k]·x + offset[k]) takes the place of x: a normalisation on the way. Rows of 16
  // must then follow each other without a gap (row_stride 16).
  const float *gain, *offset;
  dk_activation activation;
} dk_map_lines;
// Splits them one after the other. K is filled up with zeros to a multiple of 32.
void dk_split_map(const float *x, dk_map_lines lines, long k, dk_left to);
// Splits `count` rows, value k of row r at x[k·k_stride + r].
void dk_split_columns(const float *x, long k_stride, long k, long count, dk_left to);

// Packs one panel of 32 columns. Value (k, tap, column) is x[k·k_stride + tap·tap_stride + column·column_stride]; steps
// go over blocks of 32 k, and within each over the taps. What lies beyond `k` and `columns` is zero.
void dk_pack_panel(const float *x, long k_stride, long tap_stride, long column_stride, long k, long taps, long columns,
                   uint16_t *panel);

// ---- tile_product.c
typedef struct {
  const uint16_t *left;
  long plane;               // bf16 between planes of the left operand
  const int64_t *offsets;   // where each step's rows begin, in bf16 from a tile's own beginning
  long steps;
  const uint16_t *right;    // all panels,
  long panel_stride;        // and the bf16 from one to the next: more than `steps` take where these are some of a panel's
  long columns;             // how many there are; panels beyond are padding
  float *out;               // value (row, column) at row·row_stride + column/16·block_stride + column%16
  long row_stride, block_stride;
  const float *bias;        // a column each, or null
  const float *addend;      // laid out as `out`, added to it; or null
  dk_activation activation; // of all of this
} dk_tile_product;

// Up to 16 rows: where they begin in the left operand (in bf16) and in `out` (in floats), and how many are wanted.
typedef struct {
  int64_t left, out, rows;
} dk_tile;

// The product of `count` tiles of rows with panels `first` ..< `last`.
void dk_tile_multiply(const dk_tile_product *product, const dk_tile *tiles, long count, long first, long last);

#endif
