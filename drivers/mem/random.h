/* Random bytes for /dev/random and getrandom: ChaCha20 with fast key erasure (Bernstein 2017),
 * keyed from RDSEED, RDRAND and the jitter of the time-stamp counter. Pure logic but for
 * random_seed(). */
#ifndef RANDOM_H
#define RANDOM_H

#include <stddef.h>
#include <stdint.h>

enum { CHACHA_KEY = 32, CHACHA_BLOCK = 64 };

/* One block of ChaCha20 (RFC 8439, section 2.3). */
void chacha20_block(const uint32_t key[8], uint32_t counter, const uint32_t nonce[3],
                    uint8_t out[CHACHA_BLOCK]);

/* A generator; all zero before its first seed. */
struct random {
    uint32_t key[8];
    uint8_t pool[512 - CHACHA_KEY]; /* the last `left` bytes have not been given out */
    size_t left;
};

/* Mixes bytes into the key. An attacker who knew the key before does not know it afterwards, unless
 * the bytes are known as well. */
void random_mix(struct random *r, const void *bytes, size_t n);
/* Makes n bytes that cannot be predicted; r holds no trace of them afterwards. */
void random_bytes(struct random *r, void *to, size_t n);
/* Mixes in the processor's generators, if it has them, and the jitter of its time-stamp counter. */
void random_seed(struct random *r);

#endif
