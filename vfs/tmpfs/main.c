/* tmpfs: files in memory, for /tmp. */
#include "fs.h"

int main(void) { fs_serve(NULL); }
