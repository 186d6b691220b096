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

const dk_product_kernel *dk_product_in_use(void) {
  switch (in_use) {
#if defined(__x86_64__)
    case dk_amx: return &dk_product_amx;
    case dk_avx512: return &dk_product_avx512;
    case dk_avx2: return &dk_product_avx2;
#elif defined(__aarch64__)
    case dk_neon: return &dk_product_neon;
#endif
    default: return &dk_product_portable;
  }
}
