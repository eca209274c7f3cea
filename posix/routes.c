/* The kernel's routing table, made from syscalls.def. */
#include "routes.h"

#include "process.h"
#include "service.h"
#include "syscalls.h"
#include <minnow/protocol.h>
#include <minnow/route.h>

enum service_name { VFS, PM, PIPE };
static const char *const service_names[] = { [VFS] = "vfs", [PM] = "pm", [PIPE] = "pipe" };

/* Windows: which argument is the address, which the length. */
#define NONE              .window = WINDOW_NONE
#define IN(b, l)          .window = WINDOW_IN, .base = b, .length = l
#define OUT(b, l)         .window = WINDOW_OUT, .base = b, .length = l
#define IN_VECTOR(b, l)   .window = WINDOW_IN | WINDOW_IOVEC, .base = b, .length = l
#define OUT_VECTOR(b, l)  .window = WINDOW_OUT | WINDOW_IOVEC, .base = b, .length = l
#define OUT_FIXED(b, n)   .window = WINDOW_OUT, .base = b, .length = WINDOW_FIXED, .bytes = n
#define INOUT_FIXED(b, n) .window = WINDOW_INOUT, .base = b, .length = WINDOW_FIXED, .bytes = n
#define PATH              .window = WINDOW_IN, .base = 1, .length = WINDOW_FIXED, .bytes = 4096

#define CONNECTION(o, w, f)                              \
    {                                                    \
        .kind = ROUTE_CONNECTION, .op = o, w, .flags = f \
    }
#define SERVICE(s, o, w, f)                                    \
    {                                                          \
        .kind = ROUTE_SERVICE, .to = s, .op = o, w, .flags = f \
    }
/* Likewise; the words are as below, and the first one is the caller's mask of signals. */
#define CONNECTION_MASK(o, w, b, c, d, e, f)                                          \
    {                                                                                 \
        .kind = ROUTE_CONNECTION, .op = o, w, .flags = ROUTE_WORDS,                   \
        .words = WORD_MASK | (b) << 4 | (c) << 8 | (d) << 12 | (e) << 16 | (f) << 20, \
    }
/* Likewise; no argument of the caller goes with it. */
#define CONNECTION_BARE(o)                                                                         \
    {                                                                                              \
        .kind = ROUTE_CONNECTION, .op = o, NONE, .flags = ROUTE_WORDS,                             \
        .words = WORD_ZERO | WORD_ZERO << 4 | WORD_ZERO << 8 | WORD_ZERO << 12 | WORD_ZERO << 16 | \
                 WORD_ZERO << 20,                                                                  \
    }
/* The words of the message are these: arguments A0 to A5, HERE (AT_FDCWD), ZERO, or the value v. */
#define SERVICE_WORDS(s, o, w, v, a, b, c, d, e)                                      \
    {                                                                                 \
        .kind = ROUTE_SERVICE, .to = s, .op = o, w, .flags = ROUTE_WORDS, .value = v, \
        .words = (a) | (b) << 4 | (c) << 8 | (d) << 12 | (e) << 16 | WORD_ZERO << 20, \
    }
#define SERVICE_WORDS6(s, o, w, v, a, b, c, d, e, f)                                  \
    {                                                                                 \
        .kind = ROUTE_SERVICE, .to = s, .op = o, w, .flags = ROUTE_WORDS, .value = v, \
        .words = (a) | (b) << 4 | (c) << 8 | (d) << 12 | (e) << 16 | (f) << 20,       \
    }
enum { A0, A1, A2, A3, A4, A5, ZERO = WORD_ZERO, HERE = WORD_HERE, VALUED = WORD_VALUE };
#define KERNEL(o)                     \
    {                                 \
        .kind = ROUTE_KERNEL, .op = o \
    }
#define CONSTANT(n)                     \
    {                                   \
        .kind = ROUTE_CONSTANT, .op = n \
    }
#define VALUE(e)                     \
    {                                \
        .kind = ROUTE_VALUE, .op = e \
    }

#define ROUTED(number, name, status, route, note) [number] = route,
#define HANDLED(number, name, status, note) \
    [number] = { .kind = ROUTE_PERSONALITY, .op = KERNEL_SYSCALL },
#define MISSING(number, name, errno, note) \
    [number] = { .kind = ROUTE_VALUE, .op = errno, .flags = ROUTE_COUNTED },

static const struct route unknown = { .kind = ROUTE_VALUE, .op = ENOSYS, .flags = ROUTE_COUNTED };
/* Numbers that Linux has not given out are 0 in here: ROUTE_PERSONALITY without an operation. */
static struct route routes[ROUTES_MAX] = {
#include "syscalls.def"
};

void routes_install(void)
{
    for (unsigned i = 0; i < ROUTES_MAX; i++) {
        struct route *r = &routes[i];
        if (r->kind == ROUTE_PERSONALITY && !r->op)
            *r = unknown;
        if (r->kind != ROUTE_SERVICE)
            continue;
        endpoint_t to = service_find(service_names[r->to]);
        r->to = to;
        if (!to)
            *r = unknown;
    }
    int64_t error = ask_routes(routes, ROUTES_MAX, UNBLOCKABLE);
    if (error < 0)
        die("the kernel does not take our routes: %ld", error);
}
