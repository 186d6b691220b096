#include "CKernels.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

// libgomp's entry points, declared here because clang's own <omp.h> belongs to another runtime.
extern void GOMP_parallel(void (*fn)(void *), void *data, unsigned num_threads, unsigned flags);
extern void omp_set_num_threads(int);
extern int omp_get_max_threads(void);
extern int omp_in_parallel(void);
extern int omp_get_thread_limit(void);
extern void omp_set_dynamic(int);
extern void omp_set_max_active_levels(int);

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

// oneDNN divides work among the threads that it was promised, and leaves out the share of one that never comes. So no
// OMP_DYNAMIC or OMP_MAX_ACTIVE_LEVELS may take threads away, and more than OMP_THREAD_LIMIT are not asked for.
void dk_set_threads(int threads) {
  int limit = omp_get_thread_limit();
  omp_set_dynamic(0);
  omp_set_max_active_levels(1);
  omp_set_num_threads(threads < limit ? threads : limit);
}

__attribute__((constructor)) static void settle_threads(void) { dk_set_threads(omp_get_max_threads()); }

int dk_get_threads(void) { return omp_get_max_threads(); }

static void (*when_exhausted)(long bytes);

void dk_on_exhaustion(void (*handler)(long bytes)) { when_exhausted = handler; }

void dk_exhausted(long bytes) {
  if (when_exhausted) when_exhausted(bytes);
  fprintf(stderr, "out of memory: %ld MiB more were needed\n", bytes >> 20);
  abort();
}

void *dk_scratch(dk_scratch_use use, long bytes) {
  static _Thread_local struct {
    void *memory;
    long size;
  } all[2];
  if (bytes > all[use].size) {
    free(all[use].memory);
    all[use].size = (bytes + (2 << 20) - 1) & -(2l << 20);
    all[use].memory = aligned_alloc(2 << 20, all[use].size);
    if (!all[use].memory) dk_exhausted(all[use].size);
    madvise(all[use].memory, all[use].size, MADV_HUGEPAGE);
  }
  return all[use].memory;
}
