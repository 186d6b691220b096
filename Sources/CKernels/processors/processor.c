#include "../include/processor.h"

#include <stdlib.h>
#include <string.h>

#include "../include/product.h"
#include "amx.h"

int dk_processor_is_there(dk_processor processor) {
  switch (processor) {
    case dk_portable: return 1;
#if defined(__x86_64__)
    case dk_avx2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case dk_avx512:
      return dk_processor_is_there(dk_avx2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
             __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
    case dk_amx: return dk_processor_is_there(dk_avx512) && dk_amx_usable();
#elif defined(__aarch64__)
    case dk_neon: return 1;
#endif
    default: return 0;
  }
}

const char *dk_processor_name(dk_processor processor) {
  static const char *names[] = {"portable", "neon", "avx2", "avx512", "amx"};
  return names[processor];
}

static dk_processor in_use;

dk_processor dk_processor_in_use(void) { return in_use; }
void dk_processor_use(dk_processor processor) { in_use = processor; }

// Before `main`, so that no thread ever sees it change.
__attribute__((constructor)) static void choose(void) {
  const char *wanted = getenv("DARKROOM_PROCESSOR");
  for (int p = 0; p < dk_processor_count; p++) {
    if (!dk_processor_is_there(p)) continue;
    in_use = p;
    if (wanted && !strcmp(wanted, dk_processor_name(p))) return;
  }
}

static dk_precision precision_in_use = dk_precision_f32;

dk_precision dk_precision_in_use(void) { return precision_in_use; }
void dk_precision_use(dk_precision precision) { precision_in_use = precision; }

const dk_product_kernel *dk_product_in_use(void) {
  int rounds = precision_in_use == dk_precision_bf16;
  switch (in_use) {
#if defined(__x86_64__)
    case dk_amx: return rounds ? &dk_bf16_product_amx : &dk_product_amx;
    case dk_avx512:
      if (!rounds) return &dk_product_avx512;
      return __builtin_cpu_supports("avx512bf16") ? &dk_bf16_product_avx512 : &dk_bf16_product_avx2;
    case dk_avx2: return rounds ? &dk_bf16_product_avx2 : &dk_product_avx2;
#elif defined(__aarch64__)
    case dk_neon: return rounds ? &dk_bf16_product_neon : &dk_product_neon;
#endif
    default: return rounds ? &dk_bf16_product_portable : &dk_product_portable;
  }
}
