// A fused multiply-add of four floats out of additions and products in double, for a processor of which nothing is known.
typedef float floats __attribute__((vector_size(16)));
typedef double doubles __attribute__((vector_size(32)));
typedef long long integers __attribute__((vector_size(32)));

// A product of floats is exact in double, and so is what the sum with c loses, e. With the sum's last bit made to tell
// that something was lost (rounding to odd) its rounding to float is that of the exact value (Boldo & Melquiond 2008).
DK_INLINE void fused_into(const floats *a, const floats *b, floats *c) {
  doubles product = __builtin_convertvector(*a, doubles) * __builtin_convertvector(*b, doubles);
  doubles addend = __builtin_convertvector(*c, doubles), sum = product + addend;
  doubles added = sum - product, e = (product - (sum - added)) + (addend - added);
  integers is_inexact = (e > 0) | (e < 0), is_larger = ~((e > 0) ^ (sum > 0));
  integers bits = (integers)sum, is_even = (bits & 1) - 1;
  bits += is_inexact & is_even & ((is_larger & 1) - (~is_larger & 1));
  *c = __builtin_convertvector((doubles)bits, floats);
}
#define fused(a, b, c)                           \
  ({                                             \
    floats first_ = a, second_ = b, third_ = c;  \
    fused_into(&first_, &second_, &third_);      \
    third_;                                      \
  })
