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

bool stack_lay(struct stack *s, uint64_t limit)
{
    s->aux[s->aux_count++] = (struct aux){ AT_RANDOM, 0 };
    s->aux[s->aux_count++] = (struct aux){ AT_EXECFN, 0 };
    s->aux[s->aux_count++] = (struct aux){ AT_PLATFORM, 0 };
    s->aux[s->aux_count++] = (struct aux){ AT_NULL, 0 };
    s->name_at = s->top - 8 - (strlen(s->name) + 1);
    s->strings_at = s->name_at - s->bytes;
    s->platform_at = s->strings_at - sizeof platform;
    s->random_at = (s->platform_at - sizeof s->random) & ~15ul;
    uint64_t words = 1 + s->argc + 1ul + s->envc + 1 + 2 * s->aux_count;
    s->pointer = (s->random_at - 8 * words) & ~15ul;
    s->aux[s->aux_count - 4].value = s->random_at;
    s->aux[s->aux_count - 3].value = s->name_at;
    s->aux[s->aux_count - 2].value = s->platform_at;
    return s->top - s->pointer <= limit;
}

/* Words on their way to the stack, in pieces. */
struct words { stack_put_t put; void *argument; vaddr_t to; unsigned n; int64_t error; uint64_t word[STACK_PIECE]; };

static void words_send(struct words *w)
{
    if (!w->error && w->n)
        w->error = w->put(w->argument, w->to, w->word, w->n * sizeof w->word[0]);
    w->to += w->n * sizeof w->word[0];
    w->n = 0;
}

static void word(struct words *w, uint64_t value)
{
    w->word[w->n++] = value;
    if (w->n == STACK_PIECE)
        words_send(w);
}

static const char *pointers(struct words *w, const struct stack *s, const char *at, uint32_t count)
{
    for (; count; count--) {
        word(w, s->strings_at + (at - s->strings));
        at += strlen(at) + 1;
    }
    word(w, 0);
    return at;
}

int64_t stack_write(const struct stack *s, stack_put_t put, void *argument)
{
    struct words w = { .put = put, .argument = argument, .to = s->pointer };
    word(&w, s->argc);
    const char *environment = pointers(&w, s, s->strings, s->argc);
    pointers(&w, s, environment, s->envc);
    for (unsigned i = 0; i < s->aux_count; i++) {
        word(&w, s->aux[i].type);
        word(&w, s->aux[i].value);
    }
    words_send(&w);
    if (!w.error)
        w.error = put(argument, s->random_at, s->random, sizeof s->random);
    if (!w.error)
        w.error = put(argument, s->platform_at, platform, sizeof platform);
    if (!w.error && s->bytes)
        w.error = put(argument, s->strings_at, s->strings, s->bytes);
    if (!w.error)
        w.error = put(argument, s->name_at, s->name, strlen(s->name) + 1);
    return w.error;
}
