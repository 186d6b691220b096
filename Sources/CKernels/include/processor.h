// Which instructions products and loops are computed with.
//
// An entry is a processor's whole set: its product kernel (`product.h`) and its copy of every loop
// (`each_processor.h`). All entries but AMX compute the very same bits, in either precision.
#ifndef DARKROOM_PROCESSOR_H
#define DARKROOM_PROCESSOR_H

typedef enum { dk_portable, dk_neon, dk_avx2, dk_avx512, dk_amx, dk_processor_count } dk_processor;

// What the factors of a product are rounded to; its sum is in f32, and so is all else.
typedef enum { dk_precision_f32, dk_precision_bf16 } dk_precision;

// Whether this machine has it, and the system lets the process use it.
int dk_processor_is_there(dk_processor processor);
// Its name, as DARKROOM_PROCESSOR has it.
const char *dk_processor_name(dk_processor processor);
// The one in use: at first that of DARKROOM_PROCESSOR where the machine has it, else the fastest there is.
dk_processor dk_processor_in_use(void);
dk_precision dk_precision_in_use(void);
// Changes them; nothing may be computing meanwhile, and what was packed for one product is not for another.
void dk_processor_use(dk_processor processor);
void dk_precision_use(dk_precision precision);

#endif
