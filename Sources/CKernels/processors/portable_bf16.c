// Products of bf16 on a processor of which nothing is known.
#include "../include/product.h"
#include "each_processor.h"
#include "portable_fused.h"

#define WIDTH 4
#define ROWS 2
#define TARGET
#define FUSED_FLOATS fused
#define ENTRY dk_bf16_product_portable
#include "bf16_product.h"
