/* Runs the cases of one program: see cases_c.rs, which writes the other C file.
 *
 * Usage: PROGRAM calls-c|called-by-c FIRST. Prints one line for each case that fails:
 * `FAIL case text`, or `CRASH case text` and ends; at the end `DONE`. */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef _WIN32
#include <windows.h>
#else
#include <sys/mman.h>
#endif
#include "runtime.h"

struct slot clif_args[SLOTS], clif_seen[SLOTS], clif_results[SLOTS], clif_got[SLOTS];
int64_t clif_wide[SLOTS];
unsigned clif_calls;
uintptr_t clif_misalignment;

static uint32_t current;
static uint8_t *page, *expected;
/* At least a page of any system. */
static const size_t page_size = 65536;

enum { UNTOUCHED = 0xa5, JUNK = 0x5a, AROUND = 256 };

/* A struct at the start of the page faults on a byte too early, one at its end on a byte too late. */
static void map(void)
{
    expected = malloc(page_size);
#ifdef _WIN32
    uint8_t *mapping = VirtualAlloc(NULL, 3 * page_size, MEM_RESERVE, PAGE_NOACCESS);
    page = mapping + page_size;
    int is_mapped = mapping && VirtualAlloc(page, page_size, MEM_COMMIT, PAGE_READWRITE);
#else
    uint8_t *mapping =
        mmap(NULL, 3 * page_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    page = mapping + page_size;
    int is_mapped = mapping != MAP_FAILED && !mprotect(page, page_size, PROT_READ | PROT_WRITE);
#endif
    if (!is_mapped || !expected) {
        perror("map");
        exit(2);
    }
    memset(page, UNTOUCHED, page_size);
}

static void crash(int signal)
{
    char text[64];
    fflush(stdout);
    int length = snprintf(text, sizeof text, "CRASH %u signal %d\n", (unsigned)current, signal);
    if (write(1, text, (size_t)length) != length)
        _exit(4);
    _exit(3);
}

static void catch_signals(void)
{
#ifdef _WIN32
    int signals[] = {SIGSEGV, SIGILL, SIGFPE, SIGABRT};
    for (unsigned n = 0; n < sizeof signals / sizeof *signals; n++)
        signal(signals[n], crash);
#else
    int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT};
    static uint8_t stack[65536];
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&alternate, NULL);
    for (unsigned n = 0; n < sizeof signals / sizeof *signals; n++) {
        struct sigaction action = {.sa_handler = crash, .sa_flags = SA_ONSTACK};
        sigaction(signals[n], &action, NULL);
    }
#endif
}

/* Garbage into the registers of arguments and onto the stack, so that nothing is right because an
 * earlier call left it there. */
__attribute__((noinline)) static void scrub(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
                                            uint64_t f, uint64_t g, uint64_t h, double i, double j,
                                            double k, double l, double m, double n, double o, double p)
{
    volatile uint64_t ints[64] = {a, b, c, d, e, f, g, h};
    volatile double floats[64] = {i, j, k, l, m, n, o, p};
    for (unsigned at = 8; at < 64; at++) {
        ints[at] = ints[at - 8];
        floats[at] = floats[at - 8];
    }
}

static void reset(void)
{
    memset(clif_seen, UNTOUCHED, sizeof clif_seen);
    memset(clif_got, UNTOUCHED, sizeof clif_got);
    memset(clif_wide, UNTOUCHED, sizeof clif_wide);
    clif_calls = 0;
    clif_misalignment = 0;
    static volatile uint64_t word = 0x5a5a5a5a5a5a5a5a;
    static volatile double number = 1e99;
    uint64_t w = word;
    double d = number;
    scrub(w, w, w, w, w, w, w, w, d, d, d, d, d, d, d, d);
}

static void print_bytes(const char *what, const uint8_t *bytes, size_t size)
{
    printf("%s", what);
    for (size_t at = 0; at < size; at++)
        printf(" %02x", bytes[at]);
}

/* Where bytes are in memory, or -1. */
static long find(const uint8_t *bytes, size_t size, const uint8_t *memory, size_t length)
{
    for (size_t at = 0; at + size <= length; at++)
        if (memcmp(memory + at, bytes, size) == 0)
            return (long)at;
    return -1;
}

/* Begins the line of a failure: which value, where it should be, and what is there. */
static void print_value(const char *what, uint32_t index, const struct value *type, uint32_t out_size,
                        const uint8_t *got, const uint8_t *want)
{
    printf("FAIL %u %s %u", (unsigned)current, what, (unsigned)index);
    if (out_size)
        printf(" at offset %u of %u", (unsigned)type->offset, (unsigned)out_size);
    print_bytes(" is", got, type->size);
    print_bytes(", not", want, type->size);
}

/* The register of a small integer is as C wants it: extended. */
static int64_t extend(const uint8_t *value, const struct value *type)
{
    int64_t wide = 0;
    for (uint32_t at = 0; at < type->size; at++) {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        uint8_t byte = value[at];
#else
        uint8_t byte = value[type->size - 1 - at];
#endif
        wide = at == 0 && type->is_signed ? (int8_t)byte : (int64_t)((uint64_t)wide << 8 | byte);
    }
    return wide;
}

/* Values that are not in an area. */
static int fails_values(const char *what, const struct value *types, uint32_t count,
                        const struct slot *got, const struct slot *want)
{
    for (uint32_t n = 0; n < count; n++)
        if (memcmp(got[n].value, want[n].value, types[n].size) != 0) {
            print_value(what, n, &types[n], 0, got[n].value, want[n].value);
            printf("\n");
            return 1;
        }
    return 0;
}

/* The area as C has it. */
static void fill(const struct test *test, uint8_t *area)
{
    for (uint32_t n = 0; test->out_size && n < test->result_count; n++)
        memcpy(area + test->results[n].offset, clif_results[n].value, test->results[n].size);
}

/* Fields as compiled code has loaded them, from an area that is known. */
static int fails_loads(const struct test *test)
{
    memset(expected, JUNK, test->out_size);
    fill(test, expected);
    for (uint32_t n = 0; n < test->result_count; n++) {
        const struct value *field = &test->results[n];
        const uint8_t *got = clif_got[n].value, *want = clif_results[n].value;
        if (memcmp(got, want, field->size) != 0) {
            print_value("result", n, field, test->out_size, got, want);
            long at = find(got, field->size, expected, test->out_size);
            if (at >= 0)
                printf(": loaded from offset %ld", at);
            printf("\n");
            return 1;
        }
    }
    return 0;
}

/* Fields as compiled code has stored them, and bytes that it should not have touched. */
static int fails_stores(const struct test *test, const uint8_t *first, const uint8_t *out, size_t size)
{
    if (memcmp(first, expected, size) == 0)
        return 0;
    for (uint32_t n = 0; test->out_size && n < test->result_count; n++) {
        const struct value *field = &test->results[n];
        const uint8_t *got = out + field->offset, *want = clif_results[n].value;
        if (memcmp(got, want, field->size) != 0) {
            print_value("result", n, field, test->out_size, got, want);
            long at = find(want, field->size, first, size);
            if (at >= 0)
                printf(": stored at offset %ld", at - (long)(out - first));
            printf("\n");
            return 1;
        }
    }
    size_t at = 0;
    while (first[at] == expected[at])
        at++;
    printf("FAIL %u memory: byte %ld of an area of %u bytes is in no field, and %02x is stored there\n",
           (unsigned)current, (long)at - (long)(out - first), (unsigned)test->out_size, first[at]);
    return 1;
}

static int fails_wide(const char *what, const struct value *types, uint32_t count,
                      const struct slot *want)
{
    for (uint32_t n = 0; n < count; n++) {
        int64_t wide = extend(want[n].value, &types[n]);
        if (types[n].is_small && wide != clif_wide[n]) {
            printf("FAIL %u %s %u: its register is %llx, not %llx\n", (unsigned)current, what,
                   (unsigned)n, (unsigned long long)clif_wide[n], (unsigned long long)wide);
            return 1;
        }
    }
    return 0;
}

static void calls_c(const struct test *test)
{
    reset();
    test->caller();
    if (clif_calls != 1)
        printf("FAIL %u C was called %u times\n", (unsigned)current, clif_calls);
    else if (clif_misalignment)
        printf("FAIL %u the out pointer is %u bytes above a multiple of the struct's alignment\n",
               (unsigned)current, (unsigned)clif_misalignment);
    else if (!fails_values("parameter", test->params, test->param_count, clif_seen, clif_args) &&
             !fails_wide("parameter", test->params, test->param_count, clif_args))
        fails_loads(test);
}

static int called_by_c(const struct test *test, uint8_t *out)
{
    uint8_t *first = out - page < AROUND ? page : out - AROUND;
    uint8_t *end = out + test->out_size + AROUND;
    if (end > page + page_size)
        end = page + page_size;
    size_t size = (size_t)(end - first);
    memset(expected, UNTOUCHED, size);
    fill(test, expected + (out - first));

    reset();
    test->call(out);
    int failed = fails_values("parameter", test->params, test->param_count, clif_seen, clif_args);
    if (!failed && test->out_size == 0)
        failed = fails_values("result", test->results, test->result_count, clif_got, clif_results) ||
                 fails_wide("result", test->results, test->result_count, clif_results);
    failed = failed || fails_stores(test, first, out, size);
    memset(first, UNTOUCHED, size);
    return failed;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    map();
    catch_signals();
    /* The high nibble says which value, the low one which byte; those of arguments are inverted. */
    memset(clif_args, JUNK, sizeof clif_args);
    memset(clif_results, JUNK, sizeof clif_results);
    for (unsigned n = 0; n < SLOTS; n++)
        for (unsigned byte = 0; byte < 16; byte++) {
            /* Two values that are 16 apart differ in the order of their bytes. */
            uint8_t graffiti = (uint8_t)(n << 4 | (byte ^ n >> 4));
            clif_results[n].value[byte] = graffiti;
            clif_args[n].value[byte] = (uint8_t)~graffiti;
        }
    for (current = (uint32_t)atoi(argv[2]); current < clif_test_count; current++) {
        const struct test *test = &clif_tests[current];
        if (strcmp(argv[1], "calls-c") == 0)
            calls_c(test);
        else if (!called_by_c(test, page))
            called_by_c(test, page + page_size - test->out_size);
    }
    printf("DONE\n");
    return 0;
}
