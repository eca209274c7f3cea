/* A stand-in for libservice on the host, so that the sources of real servers run under the unit
 * tests. */
#include "fake_service.h"

#include <minnow/file.h>

#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { CALLS = 1024, DISKS = 4 };

uint64_t fake_hole = UINT64_MAX;
unsigned fake_fault_rate;
int64_t fake_writes_left = -1;
unsigned fake_reads, fake_writes;
size_t fake_budget = 64 << 20;
uint64_t fake_clock = 1700000000ull * 1000000000ull, fake_alarm, fake_notified;
bool fake_verbose, fake_no_descriptors, fake_writes_fail;
struct fake_connection fake_connections[1024];

static unsigned next_descriptor = 3;
static struct {
    uint8_t *data;
    size_t size;
} disks[DISKS];

static struct in_flight {
    bool used, cancelled, thrown, waits;
    uint8_t *buffer;
    size_t length, moved;
    struct fake_answer answer;
    const void *bytes; /* reply_bytes() */
    size_t bytes_length;
    char room[REPLY_ROOM] __attribute__((aligned(8)));
} calls[CALLS];

static pthread_mutex_t monitor = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned threads; /* running at once; 0: the test's own */
static __thread unsigned self = 1;

/* ---- Calls ---- */

call_t fake_begin(handler_t handler, struct message *m, void *buffer, size_t length)
{
    static uint64_t next;
    struct in_flight *c;
    do
        c = &calls[++next % CALLS];
    while (c->used);
    *c = (struct in_flight){ .used = true, .buffer = buffer, .length = length };
    for (;;) {
        struct message copy = *m;
        copy.call = c - calls + 1;
        if (buffer || length) {
            copy.w[1] = 0x1000;
            copy.w[2] = length;
        }
        c->answer = (struct fake_answer){ 0 };
        c->bytes = NULL;
        int64_t result = handler(&copy);
        if (c->bytes && result >= 0) {
            int error = copy_out_call(c - calls + 1, 0, c->bytes, c->bytes_length);
            result = error ? error : result;
        }
        if (result == -EFAULT && fake_hole == UINT64_MAX)
            continue;
        if (result != LATER) {
            c->answer.result = result;
            c->answer.replied = true;
        }
        return c - calls + 1;
    }
}

bool fake_finish(call_t call, struct fake_answer *answer)
{
    struct in_flight *c = &calls[call - 1];
    *answer = c->answer;
    if (c->answer.replied || c->cancelled)
        c->used = false;
    return c->answer.replied;
}

struct fake_answer fake_call(handler_t handler, struct message *m, void *buffer, size_t length)
{
    struct fake_answer a;
    call_t call = fake_begin(handler, m, buffer, length);
    if (!fake_finish(call, &a)) {
        fake_cancel(call);
        fake_finish(call, &a);
        a.result = LATER;
    }
    return a;
}

void fake_cancel(call_t call)
{
    if (!calls[call - 1].waits)
        die("a call that waits, and that no signal can end");
    calls[call - 1].cancelled = true;
}

void call_waits(call_t call) { calls[call - 1].waits = true; }

void reply_words(struct message *m, uint64_t r1, uint64_t r2, uint64_t r3)
{
    struct fake_answer *a = &calls[m->call - 1].answer;
    a->r1 = r1;
    a->r2 = r2;
    a->r3 = r3;
}

void reply_bytes(struct message *m, const void *from, size_t length)
{
    calls[m->call - 1].bytes = from;
    calls[m->call - 1].bytes_length = length;
}

void *reply_room(struct message *m) { return calls[m->call - 1].room; }

void reply_position(struct message *m, uint64_t position)
{
    struct fake_answer *a = &calls[m->call - 1].answer;
    a->position = position;
    a->has_position = true;
}

int reply_full(call_t call, int64_t result, const struct reply *r)
{
    struct in_flight *c = &calls[call - 1];
    if (!c->used || c->cancelled || c->answer.replied)
        return -ESRCH;
    c->answer = (struct fake_answer){ .result = result, .replied = true };
    if (r) {
        c->answer.r1 = r->r1;
        c->answer.r2 = r->r2;
        c->answer.r3 = r->r3;
    }
    return 0;
}

int reply(call_t call, int64_t result) { return reply_full(call, result, NULL); }

void throw_back(call_t call, size_t offset, size_t length)
{
    (void)offset, (void)length;
    calls[call - 1].thrown = true;
    reply(call, -EFAULT);
}

uint32_t fake_user;
uint32_t call_user(call_t call) { return (void)call, fake_user; }
bool call_privileged(call_t call) { return (void)call, !fake_user; }
uint64_t machine_pages(void) { return 32768; }

void call_moved(call_t call, size_t bytes) { calls[call - 1].moved = bytes; }
size_t fake_moved(call_t call) { return calls[call - 1].moved; }

uint32_t fake_errors;
void connection_errors(const struct message *m, uint32_t number) { (void)m, fake_errors = number; }
endpoint_t service_self(void) { return 20; }
__attribute__((weak)) int forward(struct message *m, endpoint_t to)
{
    return (void)m, (void)to, -EPERM;
}

bool call_alive(call_t call) { return calls[call - 1].used && !calls[call - 1].cancelled; }

static int check_window(struct in_flight *c, size_t offset, size_t length)
{
    if (!c->used || c->cancelled)
        return -EFAULT;
    if (offset > c->length || length > c->length - offset)
        die("window overrun: %zu + %zu of %zu", offset, length, c->length);
    if (length && offset + length > fake_hole)
        return -EFAULT;
    return fake_fault_rate && rand() % fake_fault_rate == 0 ? -EFAULT : 0;
}

int copy_in_call(call_t call, size_t offset, void *to, size_t length)
{
    struct in_flight *c = &calls[call - 1];
    int error = check_window(c, offset, length);
    if (!error && length)
        memcpy(to, c->buffer + offset, length);
    else if (error && offset < fake_hole && length) /* part of it may have been copied */
        memcpy(to, c->buffer + offset, length / 2);
    return error;
}

int copy_out_call(call_t call, size_t offset, const void *from, size_t length)
{
    struct in_flight *c = &calls[call - 1];
    int error = check_window(c, offset, length);
    if (!error && length)
        memcpy(c->buffer + offset, from, length);
    return error;
}

int copy_in(struct message *m, size_t offset, void *to, size_t length)
{
    return copy_in_call(m->call, offset, to, length);
}
int copy_out(struct message *m, size_t offset, const void *from, size_t length)
{
    return copy_out_call(m->call, offset, from, length);
}

int64_t connect(struct message *m, uint64_t object, uint64_t flags)
{
    (void)m;
    if (fake_no_descriptors)
        return -EMFILE;
    fake_connections[next_descriptor % 1024] = (struct fake_connection){ object, flags };
    return next_descriptor++ % 1024;
}

enum start started;

void notify(endpoint_t to, unsigned bit)
{
    (void)to;
    fake_notified |= 1ull << bit;
}

endpoint_t service_find(const char *name)
{
    return strcmp(name, "posix") == 0 ? 5
           : strcmp(name, "pm") == 0  ? 6
           : strcmp(name, "ata") == 0 ? FAKE_DISK
                                      : 7;
}

/* ---- The disk ---- */

/* The file's pages are read when they are needed, and what is written stays here. */
void fake_disk_load(unsigned number, const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        die("cannot open %s", path);
    if (disks[number].data)
        munmap(disks[number].data, disks[number].size);
    fseek(f, 0, SEEK_END);
    disks[number].size = ftell(f);
    disks[number].data = mmap(NULL, disks[number].size, PROT_READ | PROT_WRITE, MAP_PRIVATE,
                              fileno(f), 0);
    if (disks[number].data == MAP_FAILED)
        die("cannot map %s", path);
    fclose(f);
}

/* To a new file: the old one may be the one that is mapped. */
void fake_disk_save(unsigned number, const char *path)
{
    remove(path);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(disks[number].data, 1, disks[number].size, f) != disks[number].size ||
        fclose(f))
        die("cannot write %s", path);
}

uint8_t *fake_disk(unsigned number, size_t *size)
{
    *size = disks[number].size;
    return disks[number].data;
}

/* While the disk works, other threads may run. */
static void let_others_run(void)
{
    if (!threads)
        return;
    pthread_mutex_unlock(&monitor);
    if (rand() % 4)
        sched_yield();
    else
        usleep(rand() % 50);
    pthread_mutex_lock(&monitor);
}

static int64_t disk_transfer(unsigned number, bool write, uint64_t position, uint8_t *buffer,
                             size_t length)
{
    if (position > disks[number].size || length > disks[number].size - position)
        return -EIO;
    if (!write)
        memcpy(buffer, disks[number].data + position, length);
    else if (fake_writes_left)
        memcpy(disks[number].data + position, buffer, length);
    return length;
}

int64_t call_window(endpoint_t to, const struct call_args *a, enum window window, void *buffer,
                    size_t length, struct call_result *r)
{
    if (to != FAKE_DISK || a->object >= DISKS || !disks[a->object].data)
        return -ENXIO;
    if (fake_writes_fail && a->op == FS_WRITE)
        return -EIO;
    (void)r;
    bool write = a->op == FS_WRITE;
    struct iovec flat = { (caller_t)(uintptr_t)buffer, length }, *parts = &flat;
    size_t count = 1;
    if (window & WINDOW_IOVEC) {
        parts = buffer;
        count = length;
    }
    if ((window & ~(unsigned)WINDOW_IOVEC) != (unsigned)(write ? WINDOW_IN : WINDOW_OUT))
        die("wrong window");
    if (write)
        let_others_run();
    int64_t done = 0;
    for (size_t k = 0; k < count; k++) {
        int64_t n = disk_transfer(a->object, write, a->position + done,
                                  (uint8_t *)(uintptr_t)parts[k].base, parts[k].length);
        if (n < 0)
            return n;
        done += n;
        if (k % 4 == 3)
            let_others_run();
    }
    if (write && fake_writes_left > 0)
        fake_writes_left--;
    *(write ? &fake_writes : &fake_reads) += 1;
    let_others_run();
    return done;
}

int64_t call_object(endpoint_t to, uint64_t op, uint64_t object, uint64_t w1, uint64_t w2,
                    uint64_t w3)
{
    (void)w3;
    if (to == FAKE_DISK && op == FS_SEEK && w2 == SEEK_END && object < DISKS)
        return disks[object].size + w1;
    return -ENOSYS;
}

/* ---- Waiting ---- */

struct waiter {
    struct waiter *next;
    bool woken;
};

static void wait_for_change(void)
{
    if (threads < 2)
        die("deadlock: the only thread waits");
    pthread_cond_wait(&changed, &monitor);
}

void give_way(uint64_t steps_left) { (void)steps_left; }

void lock_take(struct lock *l)
{
    while (l->held)
        wait_for_change();
    l->held = true;
    l->owner = self;
}

void lock_give(struct lock *l)
{
    if (!l->held || l->owner != self)
        die("a lock is given that was not taken");
    l->held = false;
    pthread_cond_broadcast(&changed);
}

void condition_wait(struct condition *c)
{
    struct waiter w = { .next = c->first };
    c->first = &w;
    while (!w.woken)
        wait_for_change();
}

void condition_wake(struct condition *c)
{
    for (struct waiter *w = c->first; w; w = w->next)
        w->woken = true;
    c->first = NULL;
    pthread_cond_broadcast(&changed);
}

struct beginning {
    void (*run)(unsigned);
    unsigned number;
};

static void *thread_main(void *argument)
{
    struct beginning *s = argument;
    pthread_mutex_lock(&monitor);
    self = s->number + 2;
    s->run(s->number);
    pthread_mutex_unlock(&monitor);
    return NULL;
}

void fake_threads(unsigned count, void (*run)(unsigned number))
{
    pthread_t ids[32];
    struct beginning starts[32];
    threads = count;
    for (unsigned k = 0; k < count; k++) {
        starts[k] = (struct beginning){ run, k };
        pthread_create(&ids[k], NULL, thread_main, &starts[k]);
    }
    for (unsigned k = 0; k < count; k++)
        pthread_join(ids[k], NULL);
    threads = 0;
}

/* ---- Pending calls ---- */

struct pending *pending_add(struct pending_list *l, const struct message *m)
{
    /* an earlier, cancelled call of the same thread */
    for (struct pending *old = l->first, *next; old; old = next) {
        next = old->next;
        if (old->m.call == m->call)
            pending_remove(l, old);
    }
    struct pending *p = malloc(sizeof(*p)), **at = &l->first;
    p->m = *m;
    p->next = NULL;
    while (*at)
        at = &(*at)->next;
    *at = p;
    call_waits(m->call);
    return p;
}

void pending_remove(struct pending_list *l, struct pending *p)
{
    struct pending **at = &l->first;
    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    free(p);
}

/* ---- Memory, time, text ---- */

void *memory_zalloc(size_t bytes)
{
    if (bytes > fake_budget)
        return NULL;
    fake_budget -= bytes;
    size_t *p = calloc(1, bytes + 16);
    *p = bytes;
    return p + 2;
}

void *memory_alloc(size_t bytes)
{
    uint8_t *p = memory_zalloc(bytes);
    for (size_t k = 0; p && k < bytes; k++)
        p[k] = 0xa5;
    return p;
}

void memory_free(void *p)
{
    if (!p)
        return;
    fake_budget += ((size_t *)p)[-2];
    free((size_t *)p - 2);
}

void *memory_pages(size_t pages)
{
    if (pages * PAGE_SIZE > fake_budget)
        return NULL;
    fake_budget -= pages * PAGE_SIZE;
    void *p = aligned_alloc(PAGE_SIZE, pages * PAGE_SIZE);
    memset(p, 0, pages * PAGE_SIZE);
    return p;
}

uint64_t time_now(void) { return fake_clock += 1000; }

void time_wall(int64_t *sec, int64_t *nsec)
{
    fake_clock += 1000;
    *sec = fake_clock / 1000000000;
    *nsec = fake_clock % 1000000000;
}

void alarm_at(uint64_t when) { fake_alarm = when; }

void print(const char *text, ...)
{
    va_list list;
    if (!fake_verbose && !getenv("VERBOSE"))
        return;
    va_start(list, text);
    vfprintf(stderr, text, list);
    va_end(list);
    fputc('\n', stderr);
}

int format(char *to, size_t size, const char *text, ...)
{
    va_list list;
    va_start(list, text);
    int n = vsnprintf(to, size, text, list);
    va_end(list);
    return n;
}

void die(const char *text, ...)
{
    va_list list;
    va_start(list, text);
    vfprintf(stderr, text, list);
    fputc('\n', stderr);
    abort();
}

/* Unit tests call the handlers themselves. */
__attribute__((weak)) void service_run(const struct service *s)
{
    (void)s;
    abort();
}
