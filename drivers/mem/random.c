/* Random bytes by ChaCha20: see random.h.
 *
 * Fast key erasure: a refill makes 512 bytes from the key; the first 32 become the next key, the
 * rest the pool, and bytes that are given out are zeroed in the pool. So the state never tells
 * bytes that were given out before. */
#include "random.h"

#include "service.h"

static inline uint32_t rotate(uint32_t x, int n) { return x << n | x >> (32 - n); }

static inline void quarter_round(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
    *a += *b;
    *d = rotate(*d ^ *a, 16);
    *c += *d;
    *b = rotate(*b ^ *c, 12);
    *a += *b;
    *d = rotate(*d ^ *a, 8);
    *c += *d;
    *b = rotate(*b ^ *c, 7);
}

void chacha20_block(const uint32_t key[8], uint32_t counter, const uint32_t nonce[3],
                    uint8_t out[CHACHA_BLOCK])
{
    uint32_t in[16] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 }, x[16];
    memcpy(in + 4, key, CHACHA_KEY);
    in[12] = counter;
    memcpy(in + 13, nonce, 12);
    memcpy(x, in, sizeof x);
    for (int i = 0; i < 10; i++) {
        quarter_round(&x[0], &x[4], &x[8], &x[12]);
        quarter_round(&x[1], &x[5], &x[9], &x[13]);
        quarter_round(&x[2], &x[6], &x[10], &x[14]);
        quarter_round(&x[3], &x[7], &x[11], &x[15]);
        quarter_round(&x[0], &x[5], &x[10], &x[15]);
        quarter_round(&x[1], &x[6], &x[11], &x[12]);
        quarter_round(&x[2], &x[7], &x[8], &x[13]);
        quarter_round(&x[3], &x[4], &x[9], &x[14]);
    }
    for (int i = 0; i < 16; i++)
        x[i] += in[i];
    memcpy(out, x, CHACHA_BLOCK);
}

/* Makes bytes for a new key and for the pool; they replace the key that made them. */
static void refill(struct random *r)
{
    static const uint32_t nonce[3];
    uint8_t blocks[CHACHA_KEY + sizeof r->pool];
    for (uint32_t i = 0; i < sizeof blocks / CHACHA_BLOCK; i++)
        chacha20_block(r->key, i, nonce, blocks + i * CHACHA_BLOCK);
    memcpy(r->key, blocks, CHACHA_KEY);
    memcpy(r->pool, blocks + CHACHA_KEY, sizeof r->pool);
    memset(blocks, 0, sizeof blocks);
    r->left = sizeof r->pool;
}

void random_mix(struct random *r, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    while (n) {
        uint8_t block[CHACHA_KEY] = { 0 };
        size_t now = n < CHACHA_KEY ? n : CHACHA_KEY;
        memcpy(block, p, now);
        for (int i = 0; i < CHACHA_KEY; i++)
            ((uint8_t *)r->key)[i] ^= block[i];
        refill(r);
        p += now, n -= now;
    }
}

void random_bytes(struct random *r, void *to, size_t n)
{
    uint8_t *out = to;
    while (n) {
        if (!r->left)
            refill(r);
        size_t now = n < r->left ? n : r->left;
        uint8_t *from = r->pool + sizeof r->pool - r->left;
        memcpy(out, from, now);
        memset(from, 0, now);
        r->left -= now;
        out += now, n -= now;
    }
}

static uint64_t tsc(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return low | (uint64_t)high << 32;
}

/* Whether the processor has RDRAND and RDSEED. */
static void has_generators(bool *rdrand, bool *rdseed)
{
    uint32_t a = 1, b, c = 0, d;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    *rdrand = c >> 30 & 1;
    a = 7, c = 0;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    *rdseed = b >> 18 & 1;
}

void random_seed(struct random *r)
{
    enum { WORDS = 16 };
    bool rdrand, rdseed;
    uint64_t words[WORDS];
    has_generators(&rdrand, &rdseed);
    for (int i = 0; i < WORDS; i++) {
        uint64_t v = 0;
        uint8_t ok = 0;
        if (rdseed && i % 2)
            __asm__ volatile("rdseed %0; setc %1" : "=r"(v), "=qm"(ok));
        if (rdrand && !ok)
            __asm__ volatile("rdrand %0; setc %1" : "=r"(v), "=qm"(ok));
        words[i] = v ^ tsc() * 0x9e3779b97f4a7c15;
    }
    random_mix(r, words, sizeof words);
}
