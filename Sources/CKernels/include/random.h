// Philox 4×32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").
#ifndef DARKROOM_RANDOM_H
#define DARKROOM_RANDOM_H

#include <stdint.h>

// One block: four words from a counter of four and a key of two.
void dk_philox_block(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

// Words number 0 … n − 1 of the stream whose counter is (block, tail[0], tail[1], tail[2]).
void dk_philox_words(const uint32_t tail[3], const uint32_t key[2], uint32_t *out, long n);
// Uniform on [0, 1), 24 bits each: word / 2³² cut to a multiple of 2⁻²⁴.
void dk_philox_uniform(const uint32_t tail[3], const uint32_t key[2], float *out, long n);
// Standard normals by Box–Muller, two from two words.
void dk_philox_normal(const uint32_t tail[3], const uint32_t key[2], float *out, long n);

// Box–Muller on a pair of words; exact to a few ulp and the same bits on every instruction set.
void dk_box_muller(uint32_t radius, uint32_t angle, float *a, float *b);

#endif
