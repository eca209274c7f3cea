/* What every service is written with: the message loop, windows, threads and locks, memory, and a
 * little libc.
 *
 * A service is a monitor: of its threads one runs at a time, until it waits (in a call to another
 * service, for a lock, or for the next message). So its data need no locking but where an operation
 * must stay whole across such a wait; there, take a struct lock.
 *
 *     static int64_t do_read(struct message *m) { ... return bytes; }
 *     static const handler_t fs_handlers[] = { [op_number(FS_READ)] = do_read };
 *     int main(void) {
 *         static const struct protocol protocols[] = { PROTOCOL_TABLE(FS, fs_handlers) };
 *         service_run(&(struct service){ .protocols = protocols, .count = 1, .threads = 4 });
 *     }
 */
#ifndef SERVICE_H
#define SERVICE_H

#include <minnow/errno.h>
#include <minnow/message.h>
#include <minnow/protocol.h>
#include <minnow/range.h>
#include <minnow/syscall.h>
#include <minnow/types.h>

/* A handler's result is the reply, but for this one: somebody else has answered, or this service
 * will later. */
#define LATER INT64_MIN

typedef int64_t (*handler_t)(struct message *m);

struct protocol {
    unsigned number, count;
    const handler_t *handlers;
};
#define PROTOCOL_TABLE(name, table)                                \
    {                                                              \
        PROTOCOL_##name, sizeof(table) / sizeof((table)[0]), table \
    }

struct service {
    const struct protocol *protocols;
    unsigned count;
    /* how many callers may wait for others inside it; at least 1 */
    unsigned threads;
    void (*notify)(uint64_t bits); /* may be NULL */
    /* last connection to m->object gone; may be NULL */
    void (*release)(const struct message *m);
};

/* true: this program takes over, and finds all its variables and all its memory as the former one
 * left them (one with the same version of that state: STATE_name in build.mk). main() makes nothing
 * anew then. */
extern uint32_t inherited;

/* Serves for ever. Unknown operations are answered -ENOSYS. */
_Noreturn void service_run(const struct service *s);

/* Further words of the reply to the call being handled; only for callers that are services. Valid
 * until the handler returns, so a handler that waits in between sets them last. */
struct reply {
    uint64_t flags, r1, r2, r3;
};
void reply_words(struct message *m, uint64_t r1, uint64_t r2, uint64_t r3);
/* The open file's new position, in bytes. Set together with the result. */
void reply_position(struct message *m, uint64_t position);

/* Replies now, from wherever; for calls left with LATER. 0, or -ESRCH when the caller has gone. */
int reply(call_t call, int64_t result);
int reply_full(call_t call, int64_t result, const struct reply *r);

/* Calls. `window` shows [buffer, buffer+length) of own memory to the other side, as w[1], w[2]. */
struct call_args {
    uint64_t op, w0, w3, w4, w5, object, position, flags;
};
struct call_result {
    int64_t result;
    uint64_t r1, r2, r3;
};
int64_t call(endpoint_t to, uint64_t op, uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3);
int64_t call_object(endpoint_t to, uint64_t op, uint64_t object, uint64_t w1, uint64_t w2,
                    uint64_t w3);
int64_t call_window(endpoint_t to, const struct call_args *a, enum window window, void *buffer,
                    size_t length, struct call_result *r);

/* Windows of the call in m. What is copied in is not in the undo log: it must not overwrite what
 * would be wanted again, or a link that a free list keeps in the memory it lists. A buffer that is
 * filled again while a call is at work is filled by way of the stack: the service may be set back
 * to where it used what stood there before. Return 0 or -EFAULT; a handler that gets -EFAULT before
 * it has changed anything just returns it: the loop then has the pages brought and the call comes
 * again. */
int copy_in(struct message *m, size_t offset, void *to, size_t length);
int copy_out(struct message *m, size_t offset, const void *from, size_t length);
/* The same for calls left with LATER: tell the loop's part yourself with throw_back(). */
int copy_in_call(call_t c, size_t offset, void *to, size_t length);
int copy_out_call(call_t c, size_t offset, const void *from, size_t length);
void throw_back(call_t c, size_t offset, size_t length);
/* So many bytes of a read or write that is not ended yet have been moved for good. If it ends by a
 * signal or a bad address, they are its result; if it is made again, moved_before() says them. */
void call_moved(call_t c, size_t bytes);
static inline size_t moved_before(const struct message *m)
{
    return m->flags & CALL_MOVED ? m->w[5] : 0;
}
/* A NUL-terminated string of at most size-1 bytes: its length, -ENAMETOOLONG, -EFAULT. */
int copy_string(struct message *m, size_t offset, char *to, size_t size);
/* Whether somebody still waits for the answer: not, when the caller has died or was interrupted. */
bool call_alive(call_t c);
/* The user who is charged for what this call takes: the real one of the program that made it; 0,
 * root, for a service's call. A caller that has gone is a user whom nobody is. With right CALLER
 * the argument may be a task. */
uint32_t call_user(call_t c);
/* Whether what this call writes to keeps its set-id bits: root has made it, or a service. Else, and
 * when the caller has gone, not. */
bool call_privileged(call_t c);
/* with m's op, words, object, position, flags; then return LATER */
int forward(struct message *m, endpoint_t to);
/* Gives the caller a descriptor for an object of this service: the descriptor, or -EMFILE. */
int64_t connect(struct message *m, uint64_t object, uint64_t flags);
/* The open file of the call knows of errors up to this number from now on: CALL_ERRORS in its
 * flags. */
void connection_errors(const struct message *m, uint32_t number);
void notify(endpoint_t to, unsigned bit);

/* Threads of this service (see above) and waiting among them. */
int thread_start(void (*run)(void *), void *argument);
struct lock {
    unsigned owner;
    struct waiter *first;
    bool held;
};
void lock_take(struct lock *l);
void lock_give(struct lock *l);
struct condition {
    struct waiter *first;
};
void condition_wait(struct condition *c); /* until the next condition_wake */
void condition_wake(struct condition *c); /* all threads that wait */

/* For long work: to be called every million instructions or so, with how many such steps are left
 * (STEPS_MAX at most; STEPS() of a count of things). Others who wait go first: callers of this
 * service, other services, and programs when it is their turn. The manager sees the number fall,
 * and does not take the service for one that hangs; a number that is not smaller than the one
 * before, since the last message or call, says nothing to the manager. It is a wait like a call to
 * another service: what was looked up before may have changed. */
void give_way(uint64_t steps_left);
#define STEPS(things, at_once) MIN((uint64_t)(things) / (at_once), (uint64_t)STEPS_MAX)
/* The same in a loop that has just done `done` things and has `left` to go, each time that it has
 * done another `at_once` of them. */
#define GIVE_WAY_EVERY(at_once, done, left) \
    ((left) / (at_once) != ((left) + (done)) / (at_once) ? give_way(STEPS(left, at_once)) : (void)0)

/* Callers whose call is left with LATER, each at most once. Who has died or was interrupted stays
 * in the list until it is removed: call_alive() tells, and so do reply() and the copies, which
 * fail. */
struct pending {
    struct message m;
    struct pending *next;
};
struct pending_list {
    struct pending *first;
};
/* copies m; NULL when out of memory */
struct pending *pending_add(struct pending_list *l, const struct message *m);
void pending_remove(struct pending_list *l, struct pending *p);

/* Memory within the manifest's budget. Blocks are 16-byte aligned. NULL when over it. */
void *memory_alloc(size_t bytes);
void *memory_zalloc(size_t bytes);
void memory_free(void *p);
void *memory_pages(size_t pages);                  /* page-aligned, zeroed; never given back */
void *memory_dma(size_t pages, paddr_t *physical); /* contiguous, below 4 GiB */

uint64_t machine_pages(void); /* all that the machine has */

/* Time. */
uint64_t time_now(void);                     /* nanoseconds since boot */
void time_wall(int64_t *sec, int64_t *nsec); /* since 1970 */
/* nanoseconds since boot; then notify() gets bit NOTIFY_ALARM */
void alarm_at(uint64_t when);

/* The endpoint of a service by name; waits for nobody: the slot is known from boot. -ENOENT as 0.
 */
endpoint_t service_find(const char *name);
endpoint_t service_self(void);
/* What a thread does, by its index (right info). false: there is no such thread. */
struct thread_info;
bool thread_look(unsigned index, struct thread_info *to);

/* Machine access for drivers, within the manifest. A driver that is rolled back may do the same
 * again on its ports; what must be done once alone, since the device gives a byte only once or
 * sends what it is given, goes by in8_once and out_string8. */
uint8_t in8(uint16_t port);
uint8_t in8_once(uint16_t port);
uint16_t in16(uint16_t port);
uint32_t in32(uint16_t port);
void out8(uint16_t port, uint8_t value);
void out16(uint16_t port, uint16_t value);
void out32(uint16_t port, uint32_t value);
void in_string16(uint16_t port, void *to, size_t bytes);
void out_string16(uint16_t port, const void *from, size_t bytes);
void out_string8(uint16_t port, const void *from, size_t bytes);
void irq_bind(unsigned irq, unsigned bit);
void irq_ack(unsigned irq);
void *map_device(paddr_t at, size_t bytes);

/* A line in the boot log, prefixed with the service's name. %s %c %d %u %x %p %lu %lx %ld %zu,
 * width and 0. */
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));
int format(char *to, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define ASSERT(x) ((x) ? (void)0 : die("%s:%d: %s", __FILE__, __LINE__, #x))

/* <string.h>, as far as services use it. */
void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)     ((a) < (b) ? (a) : (b))
#define MAX(a, b)     ((a) > (b) ? (a) : (b))

#endif
