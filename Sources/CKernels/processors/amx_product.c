// Products on AMX tiles, which multiply bf16 alone, in f32 and in bf16.
//
// A float's 24 bits are the exact sum of three bf16 of 8 bits each, a = a₀ + a₁ + a₂. Of the nine products of two such
// sums the six with i + j ≤ 2 are added up in f32: what is left out is below 2⁻²⁴ of the product, less than f32 itself
// rounds. At some 16 times the rate of f32's vectors, six products are still well ahead of one.
//
// In bf16 there is one plane, and one product.
//
//   left operand      16 neighbouring rows of 32 are one tile of 1 KiB
//   panel of a step   [plane][2][16 pairs of k][16 columns][2]
#if defined(__x86_64__)
#include "amx.h"

#include <cpuid.h>
#include <immintrin.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../loops/activation.h"
#include "bf16_planes.h"

#define TILES __attribute__((target("amx-tile,amx-bf16,avx512f,avx512vl,avx512bw,avx512dq,avx512bf16")))

int dk_amx_usable(void) {
  unsigned a, b, c, d;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
  int amx = (d >> 24 & 1) && (d >> 22 & 1), avx512 = (b >> 16 & 1) && (b >> 30 & 1) && (b >> 31 & 1);
  if (!amx || !avx512) return 0;
  if (!__get_cpuid_count(7, 1, &a, &b, &c, &d) || !(a >> 5 & 1)) return 0;  // AVX512_BF16, which splits
  // Linux gives the 8 KiB of tile state only to processes that ask (ARCH_REQ_XCOMP_PERM, XTILEDATA).
  return syscall(SYS_arch_prctl, 0x1023, 18) == 0;
}

TILES static void configure(void) {
  struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t bytes_a_row[16];
    uint8_t rows[16];
  } all;
  memset(&all, 0, sizeof all);
  all.palette = 1;
  for (int t = 0; t < 8; t++) all.bytes_a_row[t] = 64, all.rows[t] = dk_tile_rows;
  _tile_loadconfig(&all);
}

TILES DK_INLINE void ahead(const char *from) {
  for (int l = 0; l < 16; l++) _mm_prefetch(from + 64 * l, _MM_HINT_T0);
}

// Two tiles of rows times one panel: tiles 0 to 3 sum, 4 and 5 hold rows, 6 and 7 columns. The order of the planes loads
// each as seldom as eight tiles allow, the small products first. Four sums hide the products' latency.
// `next`, where there is one, is the rows that come after, asked for meanwhile; so are, each step, `lines` cache lines
// from `later` on.
TILES DK_INLINE void block(const dk_product *p, const uint16_t *top, const uint16_t *bottom, const uint16_t *panel,
                           const uint16_t *next_top, const uint16_t *next_bottom, const char *later, long lines,
                           const long planes) {
#define ROWS(i) _tile_loadd(4, top + offset + p->plane * i, 64), _tile_loadd(5, bottom + offset + p->plane * i, 64)
#define COLUMNS(j) _tile_loadd(6, panel + 1024 * j, 64), _tile_loadd(7, panel + 1024 * j + 512, 64)
#define PRODUCTS \
  _tile_dpbf16ps(0, 4, 6), _tile_dpbf16ps(1, 4, 7), _tile_dpbf16ps(2, 5, 6), _tile_dpbf16ps(3, 5, 7)
  _tile_zero(0), _tile_zero(1), _tile_zero(2), _tile_zero(3);
  for (long s = 0; s < p->steps; s++, panel += planes * 1024) {
    long offset = p->offsets[s];
    const char *next = (const char *)(panel + planes * 1024);
#define AHEAD(i) ahead(next + 1024 * i)
    if (next_top) {
      for (long i = 0; i < planes; i++) {
        for (long l = 0; l < 16; l++) {
          _mm_prefetch((const char *)(next_top + offset + p->plane * i + 32 * l), _MM_HINT_T1);
          _mm_prefetch((const char *)(next_bottom + offset + p->plane * i + 32 * l), _MM_HINT_T1);
        }
      }
    }
    for (long l = 0; l < lines; l++, later += 64) _mm_prefetch(later, _MM_HINT_T1);
    if (planes == 1) {
      ROWS(0), COLUMNS(0), PRODUCTS;
      AHEAD(0), AHEAD(1);
      continue;
    }
    ROWS(0), COLUMNS(2), PRODUCTS;
    AHEAD(0);
    COLUMNS(1), PRODUCTS;
    AHEAD(1);
    ROWS(1), PRODUCTS;
    AHEAD(2);
    COLUMNS(0), PRODUCTS;
    AHEAD(3);
    ROWS(2), PRODUCTS;
    AHEAD(4);
    ROWS(0), PRODUCTS;
    AHEAD(5);
  }
}

TILES static __m512 activated(__m512 x, dk_activation kind) {
  float y[16];
  _mm512_storeu_ps(y, x);
  DK_FOR_EACH_ACTIVATION(kind, for (int l = 0; l < 16; l++) y[l] = dk_value(y[l], K));
  return _mm512_loadu_ps(y);
}

TILES static void store(const dk_product *p, float (*sums)[32], dk_tile tile, long column) {
  for (long half = 0; half < 2; half++, column += 16) {
    long count = p->columns - column;
    if (count <= 0) return;
    __mmask16 valid = count >= 16 ? 0xFFFF : (__mmask16)((1u << count) - 1);
    __m512 bias = p->bias ? _mm512_maskz_loadu_ps(valid, p->bias + column) : _mm512_setzero_ps();
    long at = tile.out + column / 16 * p->block_stride;
    for (long r = 0; r < tile.rows; r++, at += p->row_stride) {
      __m512 y = _mm512_add_ps(_mm512_load_ps(sums[r] + half * 16), bias);
      if (p->addend) y = _mm512_add_ps(y, _mm512_maskz_loadu_ps(valid, p->addend + at));
      if (p->activation != dk_identity) y = activated(y, p->activation);
      _mm512_mask_storeu_ps(p->out + at, valid, y);
    }
  }
}

// Whether tiles can be stored where they go as they are.
static int is_plain(const dk_product *p, dk_tile top, dk_tile bottom, long panel) {
  return !p->bias && !p->addend && p->activation == dk_identity && top.rows == dk_tile_rows && bottom.rows == dk_tile_rows &&
         (panel + 1) * dk_tile_panel <= p->columns;
}

TILES DK_INLINE void multiply(const dk_product *p, const dk_tile *tiles, long count, long first, long last,
                              const long planes) {
  const long step_lines = planes * 32 * dk_tile_panel * 2 / 64;  // cache lines a step of a panel takes
  __attribute__((aligned(64))) float sums[32][32];
  configure();
  for (long panel = first; panel < last; panel++) {
    const uint16_t *left = p->left, *right = (const uint16_t *)p->right + panel * p->panel_stride;
    // The panel that comes next, a share of it with each pair of tiles. With few pairs that would be more at a time than
    // the cores can ask for.
    const char *later = (const char *)(right + p->panel_stride);
    long pairs = (count + 1) / 2, lines = panel + 1 < last && pairs >= 4 ? (step_lines + pairs - 1) / pairs : 0;
    for (long t = 0; t < count; t += 2) {
      dk_tile top = tiles[t], bottom = t + 1 < count ? tiles[t + 1] : top;
      int is_new = panel == first && t + 3 < count;
      block(p, left + top.left, left + bottom.left, right, is_new ? left + tiles[t + 2].left : 0,
            is_new ? left + tiles[t + 3].left : 0, later + t / 2 * p->steps * lines * 64, lines, planes);
      if (is_plain(p, top, bottom, panel)) {
        float *out = p->out + panel * 2 * p->block_stride;
        long row = p->row_stride * 4;
        _tile_stored(0, out + top.out, row), _tile_stored(1, out + top.out + p->block_stride, row);
        _tile_stored(2, out + bottom.out, row), _tile_stored(3, out + bottom.out + p->block_stride, row);
        continue;
      }
      _tile_stored(0, sums[0], 128), _tile_stored(1, sums[0] + 16, 128);
      _tile_stored(2, sums[16], 128), _tile_stored(3, sums[16] + 16, 128);
      store(p, sums, top, panel * dk_tile_panel);
      if (t + 1 < count) store(p, sums + 16, bottom, panel * dk_tile_panel);
    }
  }
  _tile_release();
}

TILES static void multiply_split(const dk_product *p, const dk_tile *tiles, long count, long first, long last) {
  multiply(p, tiles, count, first, last, 3);
}

TILES static void multiply_bf16(const dk_product *p, const dk_tile *tiles, long count, long first, long last) {
  multiply(p, tiles, count, first, last, 1);
}

const dk_product_kernel dk_product_amx = {
    .step = 32, .planes = 3, .bytes = 2,
    .split_map = dk_split_map, .split_columns = dk_split_columns, .pack_panel = dk_split_panel,
    .multiply = multiply_split,
};

const dk_product_kernel dk_bf16_product_amx = {
    .step = 32, .planes = 1, .bytes = 2,
    .split_map = dk_bf16_map, .split_columns = dk_bf16_columns, .pack_panel = dk_bf16_panel,
    .multiply = multiply_bf16,
};
#endif
