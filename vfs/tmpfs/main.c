/* tmpfs: files in memory, for /tmp. Start-up. */
#include "fs.h"

int main(void) { fs_serve(NULL); }
