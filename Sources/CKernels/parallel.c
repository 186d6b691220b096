#include "CKernels.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

// libgomp's entry points, declared here because clang's own <omp.h> belongs to another runtime.
extern void GOMP_parallel(void (*fn)(void *), void *data, unsigned num_threads, unsigned flags);
extern void omp_set_num_threads(int);
extern int omp_get_max_threads(void);
extern int omp_in_parallel(void);

typedef struct {
  _Atomic long next;
  long tasks;
  void (*body)(void *, long);
  void *context;
} job;

static void work(void *data) {
  job *j = data;
  for (long t; (t = atomic_fetch_add_explicit(&j->next, 1, memory_order_relaxed)) < j->tasks;) {
    j->body(j->context, t);
  }
}

void dk_parallel_for(long tasks, void (*body)(void *, long), void *context) {
  job j = {0, tasks, body, context};
  if (tasks <= 1 || omp_in_parallel() || omp_get_max_threads() == 1) {
    work(&j);
  } else {
    GOMP_parallel(work, &j, 0, 0);
  }
}

void dk_set_threads(int threads) { omp_set_num_threads(threads); }
int dk_get_threads(void) { return omp_get_max_threads(); }

void *dk_scratch(dk_scratch_use use, long bytes) {
  static _Thread_local struct {
    void *memory;
    long size;
  } all[2];
  if (bytes > all[use].size) {
    free(all[use].memory);
    all[use].size = (bytes + (2 << 20) - 1) & -(2l << 20);
    all[use].memory = aligned_alloc(2 << 20, all[use].size);
    if (!all[use].memory) abort();
    madvise(all[use].memory, all[use].size, MADV_HUGEPAGE);
  }
  return all[use].memory;
}
