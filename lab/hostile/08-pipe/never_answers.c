/* Answers nobody: neither the tests nor POSIX, which asks on behalf of all programs that poll. */
#include "serve.h"

static int64_t nothing(struct message *m)
{
    (void)m;
    return LATER;
}

int main(void)
{
    all_are(nothing);
    serve();
}
