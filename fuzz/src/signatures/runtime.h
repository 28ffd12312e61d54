/* What runtime.c and the cases share. Keep in sync with case.rs and cases_rust.rs. */

#include <stddef.h>
#include <stdint.h>

enum { SLOTS = 128 };

/* A value from its first byte on, with junk before it. */
struct slot {
    uint8_t before[16], value[16];
} __attribute__((aligned(16)));

struct value {
    /* In the struct of several results. */
    uint32_t offset;
    uint32_t size;
    /* An integer that C extends to a register. */
    uint32_t is_small, is_signed;
};

struct test {
    /* Calls compiled code, and leaves a single result in `clif_got`. */
    void (*call)(void *out);
    /* Compiled code that calls C. */
    void (*caller)(void);
    const struct value *params, *results;
    uint32_t param_count, result_count;
    /* 0 unless there are several results. */
    uint32_t out_size;
};

extern const struct test clif_tests[];
extern const uint32_t clif_test_count;

extern struct slot clif_args[SLOTS], clif_seen[SLOTS], clif_results[SLOTS], clif_got[SLOTS];
/* Small integers as their registers have them. */
extern int64_t clif_wide[SLOTS];
extern unsigned clif_calls;
/* Of the last out pointer, in bytes. */
extern uintptr_t clif_misalignment;
