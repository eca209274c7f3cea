/* One ELF file on its way into a new space. */
#ifndef LOAD_H
#define LOAD_H

#include "elf.h"
#include "backing.h"
#include "space.h"

struct image {
    struct backing *backing; /* used once */
    bool runs;               /* it is the program, not its interpreter */
    struct elf_image elf;
    uint64_t bias; /* added to the file's addresses */
};

/* Opens a program (runs), or its interpreter: 0, -EACCES (not a file), -ETXTBSY (a program that is
 * open for writing), -ENOEXEC, -ENOMEM, errors of its server. May wait. */
int image_open(struct image *i, endpoint_t task, endpoint_t service, uint64_t object, bool runs);
void image_close(struct image *i); /* also when it was not opened, but zeroed */
/* Reads the path of a program's interpreter. 0, -ENOEXEC, -EIO (too short a file). May wait. */
int image_interpreter(const struct image *i, char path[ELF_INTERP_MAX + 1]);
/* Adds the image's segments to a space that has no pages yet and that no other handler knows. 0,
 * -ENOMEM. May wait. */
int image_place(const struct image *i, struct space *s);
/* Says where the image's code and data stand, as Linux does: code is all that runs, data begins
 * with the highest segment and ends with the highest byte of the file. */
void image_extent(const struct image *i, struct pm_layout *at);
/* For each segment that is longer in memory than in the file: zeroes the rest of the last page that
 * shows the file. 0, or an error. May wait. */
int64_t image_clear(const struct image *i, endpoint_t task);

#endif
