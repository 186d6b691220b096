#define _GNU_SOURCE
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "include/CKernels.h"

typedef struct {
  _Atomic long next;
  long tasks;
  void (*body)(void *, long);
  void *context;
} job;

// One job at a time. `round` grows with each, and workers wait for that; `inside` counts those that may be at the job.
static pthread_mutex_t submission = PTHREAD_MUTEX_INITIALIZER;
static job *_Atomic current;
static _Atomic unsigned round_number;
static _Atomic int inside, sleepers, is_awaited;
static int workers;          // started, under `submission`
static _Atomic int wanted;   // of them, for this job
static int threads;          // under `submission` but for its first value
static _Thread_local int is_working;

// Turns that a thread waits before it sleeps: some 20 µs, about what passes between two operations of a network. More would
// cost a neighbour on the same core, and the thread that it keeps waiting, their time.
enum { patience = 1000 };

static void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static void sleep_while(_Atomic unsigned *word, unsigned value) {
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, 0, 0, 0);
}

static void wake(void *word, int count) { syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, 0, 0, 0); }

static void work(job *j) {
  for (long t; (t = atomic_fetch_add_explicit(&j->next, 1, memory_order_relaxed)) < j->tasks;) j->body(j->context, t);
}

static unsigned next_round(unsigned seen) {
  for (int i = 0; i < patience; i++) {
    unsigned now = atomic_load(&round_number);
    if (now != seen) return now;
    relax();
  }
  atomic_fetch_add(&sleepers, 1);
  unsigned now;
  while ((now = atomic_load(&round_number)) == seen) sleep_while(&round_number, seen);
  atomic_fetch_sub(&sleepers, 1);
  return now;
}

static void *worker(void *number) {
  is_working = 1;
  for (unsigned seen = 0;;) {
    seen = next_round(seen);
    if ((long)number >= atomic_load(&wanted)) continue;
    // First `inside`, then the job: whoever takes the job back waits for all who may have seen it.
    atomic_fetch_add(&inside, 1);
    job *j = atomic_load(&current);
    if (j) work(j);
    if (atomic_fetch_sub(&inside, 1) == 1 && atomic_load(&is_awaited)) wake(&inside, 1);
  }
  return 0;
}

static void await_workers(void) {
  for (int i = 0; i < patience; i++) {
    if (atomic_load(&inside) == 0) return;
    relax();
  }
  atomic_store(&is_awaited, 1);
  for (int left; (left = atomic_load(&inside)) != 0;) sleep_while((_Atomic unsigned *)&inside, (unsigned)left);
  atomic_store(&is_awaited, 0);
}

// The processors that this process may run on, and the share of them that its control group grants.
static int available_processors(void) {
  cpu_set_t set;
  int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : (int)sysconf(_SC_NPROCESSORS_ONLN);
  FILE *file = fopen("/sys/fs/cgroup/cpu.max", "r");
  long quota, period;
  if (file) {
    if (fscanf(file, "%ld %ld", &quota, &period) == 2 && quota > 0 && period > 0) {
      long granted = (quota + period - 1) / period;
      if (granted < count) count = (int)granted;
    }
    fclose(file);
  }
  return count > 0 ? count : 1;
}

__attribute__((constructor)) static void count_processors(void) { threads = available_processors(); }

static void start_workers(void) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  // Kernels keep their small arrays on the stack.
  pthread_attr_setstacksize(&attributes, 8 << 20);
  pthread_t thread;
  // Where the system gives no more threads, those that there are do the work.
  while (workers < threads - 1 && pthread_create(&thread, &attributes, worker, (void *)(long)workers) == 0) workers++;
  pthread_attr_destroy(&attributes);
}

void dk_parallel_for(long tasks, void (*body)(void *, long), void *context) {
  job j = {0, tasks, body, context};
  // A second thread that submits at the same time does its job by itself.
  if (tasks <= 1 || is_working || pthread_mutex_trylock(&submission) != 0) {
    work(&j);
    return;
  }
  if (threads > 1) {
    if (workers < threads - 1) start_workers();
    atomic_store(&wanted, threads - 1);
    atomic_store(&current, &j);
    atomic_fetch_add(&round_number, 1);
    if (atomic_load(&sleepers) > 0) wake(&round_number, INT_MAX);
  }
  is_working = 1;
  work(&j);
  is_working = 0;
  if (threads > 1) {
    atomic_store(&current, (job *)0);
    await_workers();
  }
  pthread_mutex_unlock(&submission);
}

void dk_set_threads(int count) {
  pthread_mutex_lock(&submission);
  threads = count > 0 ? count : 1;
  pthread_mutex_unlock(&submission);
}

int dk_get_threads(void) { return threads; }

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
