/* C calls compiled functions with several results, and is called by them: no shim on either side.
 *
 * src/demo.rs has the compiled functions; the macros PAIR_…, MIXED_… and SUMS_… are what
 * `compute_out_area` says of their results. */

#include <inttypes.h>
#include <stdio.h>
#include "values.h"

struct pair { i32 r0, r1; };
struct mixed { i8 r0; i128 r1; f32 r2; f64 r3; i64x2 r4; };
struct sums { i64 r0, r1, r2, r3, r4, r5, r6, r7; f64 r8; i32 r9; };

/* C is the judge of the layout. */
#define ASSERT_FIELD(type, n, at) _Static_assert(offsetof(struct type, r##n) == at, #type " r" #n);
#define ASSERT_AREA(type, size, align)                      \
    _Static_assert(sizeof(struct type) == size, #type);     \
    _Static_assert(_Alignof(struct type) == align, #type);

#define PAIR(n, at) ASSERT_FIELD(pair, n, at)
#define MIXED(n, at) ASSERT_FIELD(mixed, n, at)
#define SUMS(n, at) ASSERT_FIELD(sums, n, at)
PAIR_FIELDS(PAIR)
MIXED_FIELDS(MIXED)
SUMS_FIELDS(SUMS)
ASSERT_AREA(pair, PAIR_SIZE, PAIR_ALIGN)
ASSERT_AREA(mixed, MIXED_SIZE, MIXED_ALIGN)
ASSERT_AREA(sums, SUMS_SIZE, SUMS_ALIGN)

/* What compiled code finds in its `vmctx`: a function to call by pointer. */
struct context {
    void (*mixed)(struct mixed *, struct context *, i8, i128, f32, f64);
    const char *name;
};

#define SUMS_PARAMS                                                                              \
    i64 a, i64 b, i64 c, i64 d, i64 e, i64 f, i64 g, i64 h, f64 s, f64 t, f64 u, f64 v, f64 w,   \
        f64 x, f64 y, f64 z, f64 last

/* Compiled. */
void swap(struct pair *out, struct context *vmctx);
void grow(struct mixed *out, struct context *vmctx, i8, i128, f32, f64);
void sums(struct sums *out, struct context *vmctx, SUMS_PARAMS);
void sums_twice(struct sums *out, struct context *vmctx, SUMS_PARAMS);

/* Called by compiled code. */

void foo(struct pair *out, struct context *vmctx)
{
    printf("  foo(out, vmctx of %s) in C\n", vmctx->name);
    *out = (struct pair){1, 2};
}

static void mixed(struct mixed *out, struct context *vmctx, i8 a, i128 b, f32 c, f64 d)
{
    printf("  mixed(out, vmctx of %s, %d, %" PRId64 " * 2^64 + %" PRIu64 ", %g, %g) in C\n",
           vmctx->name, a, (int64_t)(b >> 64), (uint64_t)b, c, d);
    *out = (struct mixed){(i8)(a + 1), b + 1, c + 1, d + 1, {7, -7}};
}

void host_sums(struct sums *out, struct context *vmctx, SUMS_PARAMS)
{
    printf("  host_sums(out, vmctx of %s, %" PRId64 ", …, %g) in C\n", vmctx->name, a, last);
    sums(out, vmctx, a, b, c, d, e, f, g, h, s, t, u, v, w, x, y, z, last);
}

static void print_sums(const char *name, const struct sums *out)
{
    printf("%s: %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64
           " %" PRId64 ", %g, %d\n",
           name, out->r0, out->r1, out->r2, out->r3, out->r4, out->r5, out->r6, out->r7, out->r8,
           out->r9);
}

int main(void)
{
    struct context context = {mixed, "main"};
    printf("sizes of the out areas: %zu, %zu, %zu\n", sizeof(struct pair), sizeof(struct mixed),
           sizeof(struct sums));

    struct pair pair;
    swap(&pair, &context);
    printf("swap: %d %d\n", pair.r0, pair.r1);

    struct mixed big;
    grow(&big, &context, 20, ((i128)1 << 64) - 1, 0.5f, 1.25);
    printf("grow: %d, %" PRId64 " * 2^64 + %" PRIu64 ", %g, %g, [%" PRId64 " %" PRId64 "]\n", big.r0,
           (int64_t)(big.r1 >> 64), (uint64_t)big.r1, big.r2, big.r3, (int64_t)big.r4[0],
           (int64_t)big.r4[1]);

    struct sums many;
#define ARGUMENTS 1, 2, 3, 4, 5, 6, 7, 8, .5, .5, .5, .5, .5, .5, .5, .5, 100
    sums(&many, &context, ARGUMENTS);
    print_sums("sums", &many);
    sums_twice(&many, &context, ARGUMENTS);
    print_sums("sums_twice", &many);
    return 0;
}
