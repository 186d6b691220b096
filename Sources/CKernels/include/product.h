// The matrix product that every algorithm is made of, as a table: one entry a kind of processor (`processor.h`).
//
// A product takes tiles of up to 16 rows and panels of 32 columns, in a format of the entry's own:
//
//   left operand   rows × K, as [plane][K/step][rows][step]: 16 neighbouring rows are a tile
//   right operand  K × columns, as [columns/32][step number][panel of one step, in the entry's own order]
//
// A step is `step` of the K; in a convolution each tap has steps of its own, which read the same left rows at an offset.
// Every result is summed over its steps in order, whatever else is computed beside it: no bit depends on the number of rows.
//
//   fused    floats as they are, step 16. A result is summed in runs of `chain` steps, each one chain of fused
//            multiply-adds from 0 on in the order of its terms; the runs' sums are added in order, which errs less than one
//            long chain. AVX2, AVX-512, NEON and plain C give the same bits.
//   split    three planes of bf16, step 32, for AMX; see `amx_product.c`.
//   rounded  one plane of bf16, step 32: f32's place where `dk_precision_bf16` is in use. A result is summed as fused ones
//            are, of two neighbouring terms the second first, and what is below 2⁻¹²⁶ becomes 0, as AVX-512's vdpbf16ps does
//            it; AVX2, NEON and plain C do the same with other instructions. AMX takes even and odd terms by themselves.
#ifndef DARKROOM_PRODUCT_H
#define DARKROOM_PRODUCT_H

#include <stdint.h>

#include "CKernels.h"
#include "processor.h"

enum { dk_tile_rows = 16, dk_tile_panel = 32 };

// Steps of a run: 256 terms; and 32 of scores, whose exponentials make as much of an error as the scores are large.
enum { dk_chain = 16, dk_short_chain = 2 };

// Where a left operand is written: `left` is the first row's place, `rows` the rows of the whole operand between one
// block of a step's k and the next, `plane` the values between planes.
typedef struct {
  void *left;
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

typedef struct {
  const void *left;
  long plane;               // values between planes of the left operand
  const int64_t *offsets;   // where each step's rows begin, in values from a tile's own beginning
  long steps;
  long chain;               // steps of a run of terms, where sums are fused
  const void *right;        // all panels,
  long panel_stride;        // and the values from one to the next: more than `steps` take where these are some of a panel's
  long columns;             // how many there are; panels beyond are padding
  float *out;               // value (row, column) at row·row_stride + column/16·block_stride + column%16
  long row_stride, block_stride;
  const float *bias;        // a column each, or null
  const float *addend;      // laid out as `out`, added to it; or null
  dk_activation activation; // of all of this
} dk_product;

// Up to 16 rows: where they begin in the left operand (in values) and in `out` (in floats), and how many are wanted.
typedef struct {
  int64_t left, out, rows;
} dk_tile;

typedef struct {
  int step, planes;
  int bytes;  // of a value
  // Makes rows of a left operand, one after the other. K is filled up with zeros to a multiple of the step.
  void (*split_map)(const float *x, dk_map_lines lines, long k, dk_left to);
  // Makes `count` rows, value k of row r at x[k·k_stride + r].
  void (*split_columns)(const float *x, long k_stride, long k, long count, dk_left to);
  // Packs one panel of 32 columns. Value (k, tap, column) is x[k·k_stride + tap·tap_stride + column·column_stride]; steps
  // go over blocks of k, and within each over the taps. What lies beyond `k` and `columns` is zero.
  void (*pack_panel)(const float *x, long k_stride, long tap_stride, long column_stride, long k, long taps, long columns,
                     void *panel);
  // The product of `count` tiles of rows with panels `first` ..< `last`.
  void (*multiply)(const dk_product *product, const dk_tile *tiles, long count, long first, long last);
} dk_product_kernel;

extern const dk_product_kernel dk_product_portable, dk_product_neon, dk_product_avx2, dk_product_avx512, dk_product_amx;
extern const dk_product_kernel dk_bf16_product_portable, dk_bf16_product_neon, dk_bf16_product_avx2, dk_bf16_product_avx512,
    dk_bf16_product_amx;

// The entry of the processor and the precision in use.
const dk_product_kernel *dk_product_in_use(void);
// Whether an entry takes floats as they are.
static inline int dk_takes_floats(const dk_product_kernel *kernel) { return kernel->bytes == sizeof(float); }

#endif
