/* Everything succeeds, and every process's end is welcome. */
#include "serve.h"

int main(void) { serve(do_nothing, do_nothing, do_nothing, do_nothing); }
