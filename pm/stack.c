/* A program's first stack: see stack.h. */
#include "stack.h"

#include "service.h"

static const char platform[] = "x86_64";

bool stack_strings(const char *strings, uint32_t bytes, uint64_t count)
{
    uint64_t found = 0;
    for (uint32_t i = 0; i < bytes; i++)
        found += strings[i] == 0;
    return found == count && (!bytes || strings[bytes - 1] == 0);
}

void stack_lay(struct stack *s)
{
    s->platform_at = s->strings_at - sizeof platform;
    s->random_at = (s->platform_at - sizeof s->random) & ~15ul;
    s->aux[s->aux_count++] = (struct aux){ AT_RANDOM, s->random_at };
    s->aux[s->aux_count++] = (struct aux){ AT_EXECFN, s->name_at };
    s->aux[s->aux_count++] = (struct aux){ AT_PLATFORM, s->platform_at };
    s->aux[s->aux_count++] = (struct aux){ AT_NULL, 0 };
    uint64_t words = 1 + s->argc + 1ul + s->envc + 1 + 2 * s->aux_count;
    s->pointer = (s->random_at - 8 * words) & ~15ul;
}

/* Words on their way to the stack, in pieces. */
struct words {
    const struct stack_memory *memory;
    vaddr_t to;
    unsigned n;
    int64_t error;
    uint64_t word[STACK_PIECE];
};

static void words_send(struct words *w)
{
    if (!w->error && w->n)
        w->error = w->memory->put(w->memory->argument, w->to, w->word, w->n * sizeof w->word[0]);
    w->to += w->n * sizeof w->word[0];
    w->n = 0;
}

static void word(struct words *w, uint64_t value)
{
    w->word[w->n++] = value;
    if (w->n == STACK_PIECE)
        words_send(w);
}

static vaddr_t pointers(struct words *w, vaddr_t at, uint32_t count)
{
    for (; count; count--) {
        word(w, at);
        at = w->memory->next(w->memory->argument, at);
    }
    word(w, 0);
    return at;
}

int64_t stack_write(const struct stack *s, const struct stack_memory *memory)
{
    struct words w = { .memory = memory, .to = s->pointer };
    word(&w, s->argc);
    vaddr_t environment = pointers(&w, s->strings_at, s->argc);
    pointers(&w, environment, s->envc);
    for (unsigned i = 0; i < s->aux_count; i++) {
        word(&w, s->aux[i].type);
        word(&w, s->aux[i].value);
    }
    words_send(&w);
    if (!w.error)
        w.error = memory->put(memory->argument, s->random_at, s->random, sizeof s->random);
    if (!w.error)
        w.error = memory->put(memory->argument, s->platform_at, platform, sizeof platform);
    return w.error;
}
