// Which instructions products and loops are computed with.
//
// An entry is a processor's whole set: its product kernel (`product.h`) and its copy of every loop
// (`each_processor.h`). All entries but AMX compute the very same bits; see `dk_arithmetic`.
#ifndef DARKROOM_PROCESSOR_H
#define DARKROOM_PROCESSOR_H

typedef enum { dk_portable, dk_neon, dk_avx2, dk_avx512, dk_amx, dk_processor_count } dk_processor;

// What a product's terms are summed with: fused multiply-adds of floats, or AMX's of their three bf16 parts.
typedef enum { dk_fused, dk_split } dk_arithmetic;

// Whether this machine has it, and the system lets the process use it.
int dk_processor_is_there(dk_processor processor);
// Its name, as DARKROOM_PROCESSOR has it.
const char *dk_processor_name(dk_processor processor);
// The one in use: at first that of DARKROOM_PROCESSOR where the machine has it, else the fastest there is.
dk_processor dk_processor_in_use(void);
// Changes it; nothing may be computing meanwhile, and what was packed for another arithmetic is not for this one.
void dk_processor_use(dk_processor processor);

#endif
