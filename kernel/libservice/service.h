/* What every service is written with: the message loop, windows, threads and locks, memory, and a
 * little libc.
 *
 * A service is a monitor: of its threads one runs at a time, until it waits (in a call to another
 * service, for a lock, in give_way(), or for the next message). So its data need no locking except
 * where an operation must stay whole across such a wait; there, take a struct lock. The functions
 * that wait are call(), call_object(), call_window(), lock_take(), condition_wait() and give_way();
 * no other function here lets another thread of the service run.
 *
 *     static int64_t do_read(struct message *m) { ... return bytes; }
 *     static const handler_t fs_handlers[] = { [op_number(FS_READ)] = do_read };
 *     int main(void) {
 *         static const struct protocol protocols[] = { PROTOCOL_TABLE(FS, fs_handlers) };
 *         service_run(&(struct service){ .protocols = protocols, .count = 1, .threads = 4 });
 *     } */
#ifndef SERVICE_H
#define SERVICE_H

#include <minnow/errno.h>
#include <minnow/message.h>
#include <minnow/protocol.h>
#include <minnow/range.h>
#include <minnow/syscall.h>
#include <minnow/types.h>

/* A handler's result is the reply, except these two. LATER: the call has been answered, forwarded
 * or thrown back already, or will be answered later. FORWARDED: as hand_over() returned it. */
#define LATER     INT32_MIN
#define FORWARDED (INT32_MIN + 1)

typedef int64_t (*handler_t)(struct message *m);

/* Handlers that give every caller the same answer: 0, -EINVAL, -ESPIPE, -ENOTTY. */
int64_t answer_0(struct message *m);
int64_t answer_einval(struct message *m);
int64_t answer_espipe(struct message *m);
int64_t answer_enotty(struct message *m);

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
    /* threads that receive, hence calls that may wait in handlers at a time; at least 1 */
    unsigned threads;
    void (*notify)(uint64_t bits); /* may be NULL */
    /* the last connection to m->object is gone; may be NULL */
    void (*release)(const struct message *m);
};

/* How this program was started. START_INHERITS: it takes over from a former one with the same
 * version of its state (STATE_name in build.mk), and finds all its variables and memory as that one
 * left them. main() then initializes nothing anew. */
extern enum start started;

/* Serves for ever. Unknown operations are answered -ENOSYS, those of sockets -ENOTSOCK: system
 * calls on a descriptor come here whatever stands behind it. */
_Noreturn void service_run(const struct service *s);

/* Sets further words of the reply to the call being handled; only callers that are services see
 * them. They are overwritten when another reply_words() or reply_position() follows. */
struct reply {
    uint64_t flags, r1, r2, r3;
};
void reply_words(struct message *m, uint64_t r1, uint64_t r2, uint64_t r3);
/* When the handler returns a result that is not negative, the reply brings `length` bytes to the
 * beginning of the call's window, in the same kernel call. If a page of the window is missing the
 * call is made again, as after copy_out(): the handler has changed nothing that must not be done
 * twice. `from` must stay as it is behind the handler's end: not a variable of the handler, but for
 * instance the REPLY_ROOM bytes of reply_room(), which are not saved with the stack: a handler
 * fills them, and does not look at what they hold. Only for calls that the loop has handed to the
 * handler. */
enum { REPLY_ROOM = 160 };
void reply_bytes(struct message *m, const void *from, size_t length);
void *reply_room(struct message *m);
/* The reply itself, for flags that only some services may set. */
struct reply *reply_of(struct message *m);
/* The caller goes on with its registers as SYS_REGS_SET left them; the result is not stored. */
void reply_keep(struct message *m);
/* Sets the open file's new position, in bytes; the reply moves it. */
void reply_position(struct message *m, uint64_t position);

/* Ends a call that was left with LATER. 0; -ESRCH: the caller is gone or was interrupted. */
int reply(call_t call, int64_t result);
int reply_full(call_t call, int64_t result, const struct reply *r);

/* Calls another service and waits for its result, which is returned. `window` shows [buffer, buffer
 * + length) of this service's memory to the other side, as w[1], w[2]. r: the result and the
 * further words; may be NULL. -ENXIO: there is no such service; -EPERM: the manifest does not allow
 * it. */
struct call_args {
    uint64_t op, w0, w3, w4, w5, object, position, flags;
};
struct ON_STACK call_result {
    int64_t result;
    uint64_t r1, r2, r3;
};
int64_t call(endpoint_t to, uint64_t op, uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3);
int64_t call_object(endpoint_t to, uint64_t op, uint64_t object, uint64_t w1, uint64_t w2,
                    uint64_t w3);
int64_t call_window(endpoint_t to, const struct call_args *a, enum window window, void *buffer,
                    size_t length, struct call_result *r);

/* Copies length bytes from or to the window of the call in m, from `offset` on. 0, or -EFAULT: a
 * page of the caller is missing, or the range is outside the window; -EACCES, -ESRCH. A handler
 * that gets -EFAULT before it has changed anything returns it: the loop has the pages brought and
 * the call comes again.
 *
 * What is copied in is not noted in the undo log. So a copy must not overwrite what would be needed
 * again, nor a link that a free list keeps in the memory it lists. A buffer that is filled again
 * while the same call is at work is filled by way of the stack: a service that is set back may have
 * used the bytes that stood there before. And a copy out leaves alone what the handler has copied
 * in: if the service dies before it has answered, that is copied in once more. Where the caller
 * gives one place for both, one of the two is a call that commits. */
int copy_in(struct message *m, size_t offset, void *to, size_t length);
int copy_out(struct message *m, size_t offset, const void *from, size_t length);
/* The same for calls left with LATER, and what the loop does for others: throw_back() has the
 * missing range of the window brought, and the call comes again. */
int copy_in_call(call_t c, size_t offset, void *to, size_t length);
int copy_out_call(call_t c, size_t offset, const void *from, size_t length);
void throw_back(call_t c, size_t offset, size_t length);
/* `bytes` of a read or write that is not ended yet are moved for good. When a signal or a bad
 * address ends the call, they are its result; when it is made again, moved_before() tells them. */
void call_moved(call_t c, size_t bytes);
static inline size_t moved_before(const struct message *m)
{
    return m->flags & CALL_MOVED ? m->w[5] : 0;
}
/* Copies a NUL-terminated string of at most size - 1 bytes from the window of m, which must begin
 * at w[1]. Its length, -ENAMETOOLONG, or as copy_in(). */
int copy_string(struct message *m, size_t offset, char *to, size_t size);
/* Whether the caller still waits for the answer: false when it has died or was interrupted. */
bool call_alive(call_t c);
/* The call is left with LATER, perhaps for long: signals may interrupt it from now on (SYS_SLOW).
 * pending_add() does this. */
void call_waits(call_t c);
/* The user to charge for what this call takes: the real user of the program that made it; 0, root,
 * for a service's call; for a caller that is gone, a number that is no user. With right CALLER the
 * argument may be a task. */
uint32_t call_user(call_t c);
/* Whether a file that this call writes to keeps its set-id bits: true for a call of root or of a
 * service; false for others, and when the caller is gone. */
bool call_privileged(call_t c);
/* Hands the call on, with m's op, words, object, position and flags; the handler then returns
 * LATER. 0, -ESRCH, -EPERM, -ENXIO. */
int forward(struct message *m, endpoint_t to);
/* The same as the end of a handler, which returns the result of this function: the loop then
 * forwards m and waits for the next message in one kernel call. With `window` (right CALLER) the
 * call's window moves to w[1], w[2]; WINDOW_NONE: it stays. A call that cannot be forwarded ends
 * with -ENXIO. */
int64_t hand_over(struct message *m, endpoint_t to, enum window window);
/* Gives the caller a descriptor for an object of this service. flags: O_..., CONN_.... The
 * descriptor, or -EMFILE, -ENOMEM, -ESRCH, -EINVAL (the caller is a service). A call gives two at
 * most: all, or none. After a failure the first one is closed, and is released like any other. */
int64_t connect(struct message *m, uint64_t object, uint64_t flags);
/* From now on calls through the open file of this call have `number` as CALL_ERRORS in their
 * flags. */
void connection_errors(const struct message *m, uint32_t number);
/* Sets a bit in the pending word of a service, if the manifest allows it. Does not wait. */
void notify(endpoint_t to, unsigned bit);

/* Starts another thread of this service, which runs when this one waits. 0, or -ENOMEM. Then:
 * waiting among threads. */
int thread_start(void (*run)(void *), void *argument);
struct lock {
    unsigned owner;
    struct waiter *first;
    bool held;
};
void lock_take(struct lock *l); /* in the order of asking */
void lock_give(struct lock *l);
struct condition {
    struct waiter *first;
};
void condition_wait(struct condition *c); /* until the next condition_wake */
void condition_wake(struct condition *c); /* all threads that wait */

/* For long work: to be called about every million instructions, with the number of such steps that
 * are left (STEPS_MAX at most; STEPS() of a count of things). Others that wait go first: callers of
 * this service, other services, and programs when it is their turn. The manager sees the number
 * fall and does not take the service for one that hangs; a number that is not smaller than the one
 * before, since the last message or call, is no progress. What was looked up before may have
 * changed afterwards, as after any wait. */
void give_way(uint64_t steps_left);
#define STEPS(things, at_once) MIN((uint64_t)(things) / (at_once), (uint64_t)STEPS_MAX)
/* give_way() in a loop that has just done `done` things and has `left` to go, each time that it has
 * done another `at_once` of them. */
#define GIVE_WAY_EVERY(at_once, done, left) \
    ((left) / (at_once) != ((left) + (done)) / (at_once) ? give_way(STEPS(left, at_once)) : (void)0)

/* Callers whose call is left with LATER, each at most once. A caller that has died or was
 * interrupted stays in the list until it is removed: call_alive() is false for it, and reply() and
 * the copies fail. */
struct pending {
    struct message m;
    struct pending *next;
};
struct pending_list {
    struct pending *first;
};
/* Adds a copy of m and lets signals interrupt the call (SYS_SLOW). The list owns the entry until
 * pending_remove(), which frees it. NULL: no memory. */
struct pending *pending_add(struct pending_list *l, const struct message *m);
void pending_remove(struct pending_list *l, struct pending *p);

/* Memory within the manifest's budget; NULL when that is used up. Blocks are 16-byte aligned. */
void *memory_alloc(size_t bytes);
void *memory_zalloc(size_t bytes);
void memory_free(void *p);
void *memory_pages(size_t pages);                  /* page-aligned, zeroed; cannot be given back */
void *memory_dma(size_t pages, paddr_t *physical); /* contiguous, below 4 GiB */

uint64_t machine_pages(void); /* the machine's memory, in pages */

/* Time. */
uint64_t time_now(void);                     /* nanoseconds since boot */
void time_wall(int64_t *sec, int64_t *nsec); /* seconds and nanoseconds since 1970 */
/* At `when`, nanoseconds since boot, service.notify() gets bit NOTIFY_ALARM. One alarm at a time;
 * 0: none. */
void alarm_at(uint64_t when);

/* The endpoint of a service by name; 0: there is no such slot. Slots are fixed from boot on, so
 * this never waits for a service to start. */
endpoint_t service_find(const char *name);
endpoint_t service_self(void);
/* What a thread does, by its index (needs right INFO). false: there is no such thread. */
struct thread_info;
bool thread_look(unsigned index, struct thread_info *to);
/* Calls f for each thread in the system, services' too, by index (needs right INFO). Does not wait,
 * unless f does. */
void threads_each(void (*f)(const struct thread_info *t, void *argument), void *argument);

/* Machine access for drivers, within the manifest. A driver that is rolled back may access its
 * ports a second time. What must be done once only, because the device gives a byte only once or
 * sends what it is given, goes by in8_once() and out_string8(), which commit. */
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

/* A line in the boot log, prefixed with the service's name; conversions as in minnow/format.h.
 * die() prints it and ends the service, which the manager rolls back. */
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
