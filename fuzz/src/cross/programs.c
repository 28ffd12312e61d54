/* Calls programs, each in a process of its own, and prints what they come to: slots as bytes, and how the
   process ends.

   PROGRAMS is the list of them: PROGRAM(number, prefix of its symbols, area, count, bytes …). The bytes are
   in the slots before the call. If there is an out area, it begins with the slot `area`, where the
   pointer in the first slot leads; else that is 0. `count` slots are printed from there on. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SLOT = 16, SLOTS = 2048, SECONDS = 20 };

#define PROGRAM(number, prefix, area, count, ...) \
    void prefix##f0(void); \
    void prefix##call(void (*callee)(void), void *slots); \
    static const unsigned char prefix##bytes[] = {__VA_ARGS__};
PROGRAMS
#undef PROGRAM

static const struct program {
    unsigned number;
    void (*callee)(void);
    void (*call)(void (*callee)(void), void *slots);
    unsigned area, count;
    const unsigned char *bytes;
    size_t size;
} programs[] = {
#define PROGRAM(number, prefix, area, count, ...) \
    {number, prefix##f0, prefix##call, area, count, prefix##bytes, sizeof prefix##bytes},
PROGRAMS
};

static unsigned char slots[SLOT * SLOTS] __attribute__((aligned(SLOT)));

static void run(const struct program *program)
{
    const struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    alarm(SECONDS);
    memcpy(slots, program->bytes, program->size);
    const void *area = slots + SLOT * program->area;
    if (program->area)
        memcpy(slots, &area, sizeof area);
    program->call(program->callee, slots);
    for (unsigned n = program->area; n < program->area + program->count; n++) {
        printf("%u %u ", program->number, n);
        for (unsigned at = 0; at < SLOT; at++)
            printf("%02x", slots[SLOT * n + at]);
        printf("\n");
    }
    printf("%u returns\n", program->number);
}

int main(void)
{
    for (size_t n = 0; n < sizeof programs / sizeof *programs; n++) {
        unsigned number = programs[n].number;
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            run(&programs[n]);
            fflush(stdout);
            _exit(0);
        }
        int status;
        if (child < 0 || waitpid(child, &status, 0) != child)
            printf("%u has no process\n", number);
        else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGILL)
            printf("%u traps\n", number);
        else if (WIFSIGNALED(status))
            printf("%u ends by signal %d\n", number, WTERMSIG(status));
    }
    return 0;
}
