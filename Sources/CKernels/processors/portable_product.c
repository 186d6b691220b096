// Products on a processor of which nothing is known.
#include "each_processor.h"
#include "portable_fused.h"

#define WIDTH 4
#define ROWS 2
#define TARGET
#define FUSED fused
#define ENTRY dk_product_portable
#include "fused_product.h"
