/* C and compiled code call each other with every signature of a table: see case.h.
 *
 * cases.inc, which src/cases.rs writes, includes case.h once per case and lists the cases. */

#include <string.h>
#include "values.h"
#include "guard.h"

static struct vmctx context;
static uint8_t *expected;
static const char *case_name, *where;
static unsigned failures;

/* Put garbage into the registers of arguments and onto the stack, so that nothing is right because
 * an earlier call left it there. */
__attribute__((noinline)) static void scrub(i64 a, i64 b, i64 c, i64 d, i64 e, i64 f, i64 g, i64 h,
                                            f64 i, f64 j, f64 k, f64 l, f64 m, f64 n, f64 o, f64 p,
                                            i8x16 q, i8x16 r, i8x16 s, i8x16 t, i8x16 u, i8x16 v,
                                            i8x16 w, i8x16 x)
{
    i64 ints[] = {a, b, c, d, e, f, g, h};
    f64 floats[] = {i, j, k, l, m, n, o, p};
    i8x16 vectors[] = {q, r, s, t, u, v, w, x};
    __asm__ volatile("" ::"r"(ints), "r"(floats), "r"(vectors) : "memory");
}

/* Results have the field's number in the high nibble and the byte's in the low one; arguments have
 * the complement. */
static void reset(void)
{
    memset(&context, UNTOUCHED, sizeof context);
    context.calls = 0;
    for (unsigned n = 0; n < MAX_RESULTS; n++)
        for (unsigned byte = 0; byte < sizeof(slot); byte++)
            context.results[n][byte] = (uint8_t)(n << 4 | byte);
    for (unsigned n = 0; n < MAX_PARAMS; n++)
        for (unsigned byte = 0; byte < sizeof(slot); byte++)
            context.args[n][byte] = (uint8_t)~(n << 4 | byte);

    /* Volatile, so that no compiler makes a function without parameters of it. */
    static volatile i64 word = 0x5a5a5a5a5a5a5a5a;
    static volatile f64 number = 1e99;
    const i64 i = word;
    const f64 f = number;
    const i8x16 v = (i8x16)(i64x2){i, i};
    scrub(i, i, i, i, i, i, i, i, f, f, f, f, f, f, f, f, v, v, v, v, v, v, v, v);
}

static void expect(const uint8_t *got, const uint8_t *want, size_t size, const char *what, int n)
{
    for (size_t byte = 0; byte < size; byte++)
        if (got[byte] != want[byte]) {
            printf("%s: %s: %s %d: byte %zu of %zu is %02x, not %02x\n", case_name, where, what, n,
                   byte, size, got[byte], want[byte]);
            failures++;
            return;
        }
}

static void expect_calls(void)
{
    if (context.calls != 1) {
        printf("%s: %s: %llu calls\n", case_name, where, (unsigned long long)context.calls);
        failures++;
    }
}

#include "cases.inc"

int main(void)
{
    guard_map();
    expected = aligned_alloc(16, guarded_size);
    unsigned cases = 0;
#define CHECK(name) check_##name(), cases++;
    ALL_CASES(CHECK)
    printf("%u cases, %u failures\n", cases, failures);
    return failures != 0;
}
