/* exec of programs with spoilt headers: which are refused, with which error, and which die when the
 * old program has gone. The files are this program's own, with one field changed. */
#include "oracle.h"
#include <elf.h>

static char bytes[65536];
static size_t size;

static void write_file(const char *name, const void *from, size_t length)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0755);
    if (write(fd, from, length) != (ssize_t)length)
        SAY("cannot write %s", name);
    close(fd);
}

static void run(const char *what)
{
    int status;
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        alarm(10);
        execl("oracle-headers", "x", "good", (char *)NULL);
        SAY("%s: %s", what, error_name(errno));
        _exit(99);
    }
    waitpid(pid, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 99)
        show_status(what, status);
}

static Elf64_Ehdr head;
static Elf64_Phdr table[32];

static Elf64_Phdr *first_load(void)
{
    Elf64_Phdr *p = table;
    while (p->p_type != PT_LOAD)
        p++;
    return p;
}

/* Writes the file with `head` and `table` as they are, runs it and forgets the changes. */
static void try(const char *what)
{
    static char file[sizeof bytes];
    memcpy(file, bytes, size);
    memcpy(file, &head, sizeof head);
    memcpy(file + sizeof head, table, sizeof table[0] * ((const Elf64_Ehdr *)bytes)->e_phnum);
    write_file("oracle-headers", file, size);
    run(what);
    memcpy(&head, bytes, sizeof head);
    memcpy(table, bytes + head.e_phoff, sizeof table[0] * head.e_phnum);
}

#define TRY(change)                      \
    do {                                 \
        Elf64_Phdr *load = first_load(); \
        (void)load;                      \
        change;                          \
        try(#change);                    \
    } while (0)

static void headers(void)
{
    TRY((void)0);
    TRY(head.e_ident[EI_MAG0] = 0);
    TRY(head.e_type = ET_REL);
    TRY(head.e_type = ET_CORE);
    TRY(head.e_machine = EM_386);
    TRY(head.e_phnum = 0);
    TRY(head.e_phnum = 65535);
    TRY(head.e_phentsize = 55);
    TRY(head.e_phoff = ~0ul);
    TRY(head.e_phoff = 1ul << 32);
    TRY(head.e_entry = 1ul << 63);
    TRY(head.e_entry = 0);
}

static void segments(void)
{
    TRY(load->p_memsz = 0x7fffffffffff0000);
    TRY(load->p_filesz = ~0ul);
    TRY(load->p_memsz = 0x10);
    TRY(load->p_offset = 0xfffffffffffff000);
    TRY(load->p_vaddr = 0xffffffff80000000);
    TRY(load->p_vaddr += 0x123);
    TRY(load->p_vaddr = 0x7ffffffff000);
    TRY(for (unsigned i = 0; i < head.e_phnum; i++) if (table[i].p_type == PT_LOAD) table[i]
            .p_type = PT_NULL);
    TRY((load->p_type = PT_INTERP, load->p_filesz = 1));
    TRY((load->p_type = PT_INTERP, load->p_filesz = 5000));
    TRY((load->p_type = PT_INTERP, load->p_filesz = 20));
    TRY((load->p_type = PT_INTERP, load->p_filesz = 20, load->p_offset = 1 << 30));
}

/* The name of the interpreter stands behind all other bytes. */
static void interpreter(const char *what, const char *name)
{
    Elf64_Phdr *load = first_load();
    memcpy(bytes + size, name, strlen(name) + 1);
    load->p_type = PT_INTERP;
    load->p_offset = size;
    load->p_filesz = strlen(name) + 1;
    size += 64;
    try(what);
    size -= 64;
}

static void interpreters(void)
{
    static char text[100] = "no program at all";
    write_file("/tmp/oracle-interpreter", text, sizeof text);
    interpreter("an interpreter that is text", "/tmp/oracle-interpreter");
    interpreter("none there", "/tmp/oracle-none");
    interpreter("a directory", "/tmp");
    Elf64_Ehdr other = head;
    other.e_machine = EM_386;
    write_file("/tmp/oracle-interpreter", &other, sizeof other);
    interpreter("one for another machine", "/tmp/oracle-interpreter");
    other.e_machine = head.e_machine, other.e_phnum = 0;
    write_file("/tmp/oracle-interpreter", &other, sizeof other);
    interpreter("one without a table", "/tmp/oracle-interpreter");
    unlink("/tmp/oracle-interpreter");
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        return 5;
    int fd = open("/proc/self/exe", O_RDONLY);
    size = read(fd, bytes, sizeof bytes - 64);
    if (chdir("/tmp") < 0)
        return 1;
    memcpy(&head, bytes, sizeof head);
    memcpy(table, bytes + head.e_phoff, sizeof table[0] * head.e_phnum);
    headers();
    segments();
    interpreters();
    unlink("oracle-headers");
    return 0;
}
