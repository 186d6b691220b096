// oneDNN's C API, seen by TensorCore/OneDNN alone.
#ifndef DARKROOM_CONEDNN_H
#define DARKROOM_CONEDNN_H
#include <oneapi/dnnl/dnnl.h>
#endif
