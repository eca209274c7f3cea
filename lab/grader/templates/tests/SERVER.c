/* The tests of @LAB@: calls of the server @SERVER@, made by ordinary programs through the gate.
 * @SERVER@ TEST SEED */
#include "labtest.h"

#include <fcntl.h>
#include <sys/ioctl.h>

#include "../../gate/gate.h"

/* FS_SEEK of minnow/protocol.def */
enum { SEEK = 1 << 8 | 2 };

static int64_t ask(uint64_t op, uint64_t w0)
{
    struct gate_call c = { .service = "@SERVER@", .op = op, .w0 = w0 };
    int gate = open("/dev/gate", O_RDWR);
    NEED(gate >= 0);
    int result = ioctl(gate, GATE_CALL, &c);
    return result < 0 ? -errno : result;
}

static void test_next(void)
{
    for (int i = 0; i < 20; i++) {
        unsigned number = lab_below(1000000);
        EXPECT("R1", ask(SEEK, number), number + 1, "FS_SEEK with w[0] = %u", number);
    }
}

int main(int argc, char **argv)
{
    static const struct labtest tests[] = { { "next", test_next }, { 0 } };
    return lab_main(argc, argv, tests);
}
