/* Reading manifests, and the order of calls. Pure logic: the host's unit tests compile it too. */
#include "manifest.h"

#include "device_table.h"

#include <minnow/errno.h>
#include "service.h"

struct reader {
    const char *at, *end;
    unsigned line;
    const char *reason;
};

static bool blank(char c) { return c == ' ' || c == '\t' || c == ','; }

static void skip_blanks(struct reader *r)
{
    while (r->at < r->end && blank(*r->at))
        r->at++;
    if (r->at < r->end && *r->at == '#')
        while (r->at < r->end && *r->at != '\n')
            r->at++;
}

/* The next word of the line, its length in *length; 0 at the line's end. */
static const char *word(struct reader *r, size_t *length)
{
    skip_blanks(r);
    const char *start = r->at;
    while (r->at < r->end && !blank(*r->at) && *r->at != '\n' && *r->at != '#')
        r->at++;
    *length = r->at - start;
    return *length ? start : NULL;
}

bool word_is(const char *w, size_t length, const char *text)
{
    return strlen(text) == length && memcmp(w, text, length) == 0;
}

/* Reads a number, decimal or with 0x, and K or M (of bytes) behind it; moves *at behind both.
 * false: none. */
static bool number(const char **at, const char *end, uint64_t *value)
{
    const char *s = *at;
    unsigned base = 10;
    if (end - s > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X'))
        base = 16, s += 2;
    const char *digits = s;
    for (*value = 0; s < end; s++) {
        char c = *s | 0x20;
        unsigned d = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                     : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
                                            : 99;
        if (d >= base)
            break;
        *value = *value * base + d;
    }
    if (s == digits)
        return false;
    if (s < end && (*s == 'K' || *s == 'M'))
        *value <<= *s++ == 'K' ? 10 : 20;
    *at = s;
    return true;
}

static int fail(struct reader *r, const char *reason)
{
    r->reason = reason;
    return -EINVAL;
}

static int read_names(struct reader *r, slot_of_t slot_of, uint64_t *mask)
{
    size_t n;
    for (const char *w; (w = word(r, &n));) {
        unsigned slot = word_is(w, n, "-") ? 0 : slot_of(w, n);
        if (slot)
            *mask |= 1ul << slot;
    }
    return 0;
}

/* Reads what follows NAME: in `calls`, from `at` on: the number of the object with which the slot
 * may be called, or `lent`. */
static int read_object(struct reader *r, unsigned slot, const char *at, const char *end,
                       struct service_rights *out)
{
    uint64_t object = 0;
    if (word_is(at, end - at, "lent")) {
        out->may_borrow |= slot ? 1ul << slot : 0;
        return 0;
    }
    if (!number(&at, end, &object) || at != end || object > UINT32_MAX)
        return fail(r, "neither the number of an object nor `lent`");
    for (unsigned i = 0; slot && i < ARRAY_SIZE(out->objects); i++)
        if (!out->objects[i].slot) {
            out->objects[i] = (struct object_right){ slot, object };
            return 0;
        }
    return slot ? fail(r, "more than 4 objects") : 0;
}

static void may_call_devices(slot_of_t slot_of, struct service_rights *out)
{
    for (const struct device *d = NULL; (d = device_next(d));) {
        unsigned slot = slot_of(d->service, strlen(d->service));
        out->may_call |= slot ? 1ul << slot : 0;
    }
}

/* Reads the names of `calls`. A service whose name has something behind it, `ata:3` or `ata:lent`,
 * may be called with some objects only. */
static int read_calls(struct reader *r, slot_of_t slot_of, struct service_rights *out)
{
    size_t n;
    for (const char *w; (w = word(r, &n));) {
        const char *colon = memchr(w, ':', n);
        unsigned slot = word_is(w, n, "-") ? 0 : slot_of(w, colon ? (size_t)(colon - w) : n);
        if (colon && read_object(r, slot, colon + 1, w + n, out) < 0)
            return -EINVAL;
        if (!colon && slot)
            out->may_call |= 1ul << slot;
        if (word_is(w, n, "devices"))
            may_call_devices(slot_of, out);
    }
    return 0;
}

static int read_rights(struct reader *r, uint32_t *rights)
{
    static const struct {
        const char *name;
        uint32_t bit;
    } known[] = {
        { "caller", RIGHT_CALLER }, { "pm", RIGHT_PM },
        { "rs", RIGHT_RS },         { "posix", RIGHT_POSIX },
        { "info", RIGHT_INFO },     { "dma", RIGHT_DMA },
        { "sched", RIGHT_SCHED },   { "dump", RIGHT_DUMP },
        { "conns", RIGHT_CONNS },   { "-", 0 },
    };
    size_t n;
    for (const char *w; (w = word(r, &n));) {
        unsigned i = 0;
        while (i < ARRAY_SIZE(known) && !word_is(w, n, known[i].name))
            i++;
        if (i == ARRAY_SIZE(known))
            return fail(r, "unknown right");
        *rights |= known[i].bit;
    }
    return 0;
}

/* Reads first-last, or one number, which is both. 0, or -EINVAL with the reason in r. */
static int range(struct reader *r, const char *w, size_t n, uint64_t *first, uint64_t *last)
{
    const char *at = w, *end = w + n;
    if (!number(&at, end, first))
        return fail(r, "not a number");
    *last = *first;
    if (at < end && *at == '-' && (at++, !number(&at, end, last)))
        return fail(r, "not a number");
    return at == end && *first <= *last ? 0 : fail(r, "not a range");
}

static int read_ports(struct reader *r, struct service_rights *out)
{
    size_t n;
    unsigned i = 0;
    for (const char *w; (w = word(r, &n)); i++) {
        uint64_t first, last;
        if (word_is(w, n, "-"))
            continue;
        if (i == ARRAY_SIZE(out->ports))
            return fail(r, "more than 8 ranges of ports");
        if (range(r, w, n, &first, &last) < 0)
            return -EINVAL;
        if (last > 0xffff)
            return fail(r, "no such port");
        out->ports[i].first = first;
        out->ports[i].last = last;
    }
    return 0;
}

static int read_device_memory(struct reader *r, struct service_rights *out)
{
    size_t n;
    unsigned i = 0;
    for (const char *w; (w = word(r, &n)); i++) {
        if (word_is(w, n, "-"))
            continue;
        if (i == ARRAY_SIZE(out->memory))
            return fail(r, "more than 4 ranges of device memory");
        if (range(r, w, n, &out->memory[i].first, &out->memory[i].last) < 0)
            return -EINVAL;
    }
    return 0;
}

static int read_irqs(struct reader *r, uint32_t *irqs)
{
    size_t n;
    for (const char *w; (w = word(r, &n));) {
        uint64_t irq;
        const char *at = w;
        if (word_is(w, n, "-"))
            continue;
        if (!number(&at, w + n, &irq) || irq > 15)
            return fail(r, "interrupt lines are 0 to 15");
        *irqs |= 1u << irq;
    }
    return 0;
}

static int read_memory(struct reader *r, uint64_t all_pages, uint64_t *pages)
{
    size_t n;
    for (const char *w; (w = word(r, &n));) {
        const char *at = w, *end = w + n;
        uint64_t a, b;
        if (word_is(w, n, "+"))
            continue;
        if (!number(&at, end, &a))
            return fail(r, "not an amount of memory");
        if (at < end && *at == '/') {
            at++;
            if (!number(&at, end, &b) || !b)
                return fail(r, "not a share of memory");
            *pages += all_pages > SMALL_MACHINE ? (all_pages - SMALL_MACHINE) * a / b : 0;
        } else {
            *pages += (a + PAGE_SIZE - 1) / PAGE_SIZE;
        }
        if (at != end)
            return fail(r, "not an amount of memory");
    }
    return 0;
}

static int read_priority(struct reader *r, uint32_t *priority)
{
    size_t n;
    uint64_t p;
    const char *w = word(r, &n), *at = w;
    if (!w || !number(&at, w + n, &p) || p > 7)
        return fail(r, "priorities are 0 to 7");
    *priority = p;
    return 0;
}

static int read_patience(struct reader *r, uint32_t *ms)
{
    size_t n;
    uint64_t value = UINT32_MAX;
    const char *w = word(r, &n), *at = w;
    if (!w || (!word_is(w, n, "-") &&
               (!number(&at, w + n, &value) || at != w + n || value >= UINT32_MAX)))
        return fail(r, "patience is a number of ms, or -");
    *ms = value;
    return 0;
}

/* Reads one of two words; *second: the other one. 0, or -EINVAL with `reason`. */
static int read_word(struct reader *r, const char *one, const char *other, const char *reason,
                     uint32_t *second)
{
    size_t n;
    const char *w = word(r, &n);
    if (!w || !(word_is(w, n, one) || word_is(w, n, other)))
        return fail(r, reason);
    *second = word_is(w, n, other);
    return 0;
}

static int read_line(struct reader *r, const char *key, size_t n, uint64_t all_pages,
                     slot_of_t slot_of, struct service_rights *out, struct manifest_more *more)
{
    if (word_is(key, n, "calls:"))
        return read_calls(r, slot_of, out);
    if (word_is(key, n, "notifies:") || word_is(key, n, "forwards:"))
        return read_names(r, slot_of, &out->may_notify);
    if (word_is(key, n, "rights:"))
        return read_rights(r, &out->rights);
    if (word_is(key, n, "ports:"))
        return read_ports(r, out);
    if (word_is(key, n, "device-memory:"))
        return read_device_memory(r, out);
    if (word_is(key, n, "irqs:"))
        return read_irqs(r, &out->irqs);
    if (word_is(key, n, "memory:"))
        return read_memory(r, all_pages, &out->budget);
    if (word_is(key, n, "priority:"))
        return read_priority(r, &out->priority);
    if (word_is(key, n, "needs:"))
        return read_names(r, slot_of, &more->needs);
    if (word_is(key, n, "patience:"))
        return read_patience(r, &more->patience_ms);
    if (word_is(key, n, "loss:"))
        return read_word(r, "bearable", "fatal", "a loss is bearable or fatal",
                         &more->loss_is_fatal);
    if (word_is(key, n, "stop:"))
        return read_word(r, "allowed", "refused", "a stop is allowed or refused",
                         &more->stop_refused);
    if (word_is(key, n, "state:"))
        return read_word(r, "kept", "none", "state is kept or none", &out->afresh);
    if (word_is(key, n, "violations:"))
        return read_word(r, "fatal", "refused", "violations are fatal or refused", &out->tolerated);
    return fail(r, "unknown key");
}

int manifest_parse(const char *text, size_t length, uint64_t all_pages, slot_of_t slot_of,
                   struct service_rights *out, struct manifest_more *more,
                   struct manifest_error *error)
{
    struct reader r = { text, text + length, 1, NULL };
    *out = (struct service_rights){ .priority = 4 };
    *more = (struct manifest_more){ .patience_ms = 180 };
    for (unsigned i = 0; i < ARRAY_SIZE(out->ports); i++)
        out->ports[i].first = 1;
    for (unsigned i = 0; i < ARRAY_SIZE(out->memory); i++)
        out->memory[i].first = 1;
    for (; r.at < r.end; r.at++, r.line++) {
        size_t n;
        const char *key = word(&r, &n);
        if (key && read_line(&r, key, n, all_pages, slot_of, out, more) < 0)
            break;
        size_t rest;
        if (word(&r, &rest))
            r.reason = "something follows";
        if (r.reason)
            break;
    }
    if (!r.reason && !out->budget)
        r.reason = "no memory";
    *error = (struct manifest_error){ r.line, r.reason };
    return r.reason ? -EINVAL : 0;
}

uint64_t manifest_calls(const struct service_rights *rights)
{
    uint64_t mask = rights->may_call | rights->may_borrow;
    for (unsigned i = 0; i < ARRAY_SIZE(rights->objects) && rights->objects[i].slot; i++)
        mask |= 1ul << rights->objects[i].slot;
    return mask;
}

/* Looks for a cycle depth first; path[] is the way to `slot`. true: there is one, in cycle[]. */
static bool visit(const uint64_t *calls, unsigned slot, uint64_t *done, uint64_t on_path,
                  unsigned *path, unsigned depth, unsigned *cycle)
{
    path[depth] = slot;
    on_path |= 1ul << slot;
    for (unsigned next = 1; next < MAX_SERVICE; next++) {
        if (!(calls[slot] >> next & 1))
            continue;
        if (on_path >> next & 1) {
            unsigned from = 0, n = 0;
            while (path[from] != next)
                from++;
            while (from <= depth)
                cycle[n++] = path[from++];
            cycle[n] = 0;
            return true;
        }
        if (!(*done >> next & 1) && visit(calls, next, done, on_path, path, depth + 1, cycle))
            return true;
    }
    *done |= 1ul << slot;
    return false;
}

bool manifest_cycle(const uint64_t calls[MAX_SERVICE], unsigned cycle[MAX_SERVICE + 1])
{
    unsigned path[MAX_SERVICE];
    uint64_t done = 0;
    for (unsigned slot = 1; slot < MAX_SERVICE; slot++)
        if (!(done >> slot & 1) && visit(calls, slot, &done, 0, path, 0, cycle))
            return true;
    return false;
}
