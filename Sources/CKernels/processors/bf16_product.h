// The product kernel of bf16 with sums in f32, in the bits of AVX-512's vdpbf16ps, for a processor's own width. Whoever
// includes this defines what `fused_product.h` asks for, but that
//
//   FUSED(a, b, c)  is c + a₁·b₁ rounded once, and then + a₀·b₀ so, where a and b are vectors of pairs of bf16 and what is
//                   below 2⁻¹²⁶ becomes 0: `two_terms` of a FUSED_FLOATS(a, b, c)
//   OPERANDS        are there where they are made by another file, as `bf16_planes.h` names them
//
//   left operand  [K/32][rows][32]      panel of a step  [2][16 pairs of k][16 columns][2], as AMX takes them
#define VALUE uint16_t
#define COLUMNS_APART 16
#define HALVES_APART 256

#ifdef FUSED_FLOATS
typedef float floats_ __attribute__((vector_size(4 * WIDTH)));
typedef uint32_t bits_ __attribute__((vector_size(4 * WIDTH)));

// By way of memory, since how vectors are passed depends on the instructions.
DK_INLINE void add_two_terms(const floats_ *a, const floats_ *b, floats_ *c) {
#define ADD_TERM(x, y)                                           \
  sum = (bits_)FUSED_FLOATS((floats_)(x), (floats_)(y), (floats_)sum); \
  sum &= (bits_)((sum & 0x7f800000u) != 0) | 0x80000000u
  bits_ x = (bits_)*a, y = (bits_)*b, sum = (bits_)*c;
  ADD_TERM(x & 0xffff0000u, y & 0xffff0000u);
  ADD_TERM(x << 16, y << 16);
  *c = (floats_)sum;
#undef ADD_TERM
}
#define FUSED(a, b, c)                   \
  ({                                     \
    floats_ a_ = (a), b_ = (b), c_ = (c); \
    add_two_terms(&a_, &b_, &c_);        \
    c_;                                  \
  })
#endif

#include "vector_product.h"

#ifdef OPERANDS
#include "bf16_planes.h"
#define OPERAND(name) dk_bf16_##name
#else
#include "bf16_operands.h"
#define OPERAND(name) name
#endif

const dk_product_kernel ENTRY = {
    .step = 32, .planes = 1, .bytes = sizeof(VALUE),
    .split_map = OPERAND(map), .split_columns = OPERAND(columns), .pack_panel = OPERAND(panel), .multiply = multiply,
};
