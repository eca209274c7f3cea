/* Programs of services: ELF files, linked by service.ld. */
#include "rs.h"
#include "syscalls.h"

#include <minnow/elf.h>

const char *error_text(int64_t error)
{
    switch (-error) {
    case ENOEXEC: return "not a program for this system";
    case ENOMEM:  return "its manifest allows too little memory";
    case EPERM:   return "refused by the kernel";
    case ENOENT:  return "no such service";
    case EALREADY: return "it is so already";
    case EBUSY:   return "it does not come to rest";
    case EOPNOTSUPP: return "its state cannot be handed over to that program";
    case ETIMEDOUT: return "it did not come up";
    case EINVAL:  return "not a command";
    default:      return "it failed";
    }
}

static const struct elf_segment *segments(const struct image *i) { return (const void *)(i->bytes + ((const struct elf_header *)i->bytes)->segments_at); }

int image_check(const struct image *i)
{
    const struct elf_header *h = (const void *)i->bytes;
    if (i->size < sizeof *h || memcmp(h->magic, "\177ELF\2\1\1", 7) != 0 || h->machine != ELF_X86_64 || h->type != ELF_EXEC
        || h->segment_size != sizeof(struct elf_segment) || h->segments_at > i->size
        || h->segment_count * sizeof(struct elf_segment) > i->size - h->segments_at)
        return -ENOEXEC;
    for (unsigned k = 0; k < h->segment_count; k++) {
        const struct elf_segment *s = &segments(i)[k];
        if (s->type == ELF_LOAD && (s->offset + s->file_size < s->offset || s->offset + s->file_size > i->size || s->file_size > s->memory_size))
            return -ENOEXEC;
    }
    return 0;
}

static int load_segment(unsigned slot, const struct image *i, const struct elf_segment *s)
{
    uint64_t protection = PAGE_READ | (s->flags & ELF_W ? PAGE_WRITE : 0) | (s->flags & ELF_X ? PAGE_EXEC : 0);
    int64_t error = 0;
    if (s->memory_size)
        error = kernel_call(SYS_SERVICE_LOAD, slot, s->address, 0, s->memory_size, protection, 0);
    if (!error && s->file_size)
        error = kernel_call(SYS_SERVICE_LOAD, slot, s->address, (uint64_t)i->bytes + s->offset, s->file_size, protection, 0);
    return error;
}

/* constant_only: code and constants are written anew over what is there; the data stay. */
int image_load(unsigned slot, const struct image *i, bool constant_only, uint64_t *entry)
{
    const struct elf_header *h = (const void *)i->bytes;
    int error = image_check(i);
    for (unsigned k = 0; k < h->segment_count && !error; k++) {
        const struct elf_segment *s = &segments(i)[k];
        if (s->type == ELF_LOAD && !(constant_only && s->flags & ELF_W))
            error = load_segment(slot, i, s);
    }
    if (!error && entry)
        *entry = h->entry;
    return error;
}
