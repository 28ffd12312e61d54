/* A C++ exception passes compiled functions, and a backtrace shows them.
 *
 *   main - call_pinned - outer_0 … outer_5 - middle - call_pinned - inner_0 … inner_5 - innermost
 *
 * src/chain.rs has the compiled functions. links.inc, which src/unwind.rs writes, lists them as
 * LINK(name, size), outermost first. */

#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <unwind.h>

using i8 = int8_t;
using i32 = int32_t;
using i64 = int64_t;
using f64 = double;

/* A value in memory, from its first byte on. */
using slot = uint8_t[16];

enum { MAX_RESULTS = 1000, MAX_PARAMS = 128 };

/* Keep in sync with `VmContext` in src/vmctx.rs. */
struct alignas(16) vmctx {
    uint64_t calls;
    void (*callee)();
    slot results[MAX_RESULTS];
    slot args[MAX_PARAMS];
    slot seen[MAX_PARAMS];
    slot got[MAX_RESULTS];
};

struct last { i32 r0; f64 r1; };
struct entry { i64 r0; i8 r1; f64 r2; };

/* The DWARF numbers of the registers that a callee preserves, and a call with known values in them.
 *
 * call_pinned(function, out, vmctx, after) calls function(out, vmctx) with `pattern` of its index in
 * each, and leaves what they are after a normal return in `after`. */

#if defined __x86_64__
static const int preserved[] = {3, 6, 12, 13, 14, 15};
__asm__(R"(
    .text
    .type call_pinned, @function
call_pinned:
    .cfi_startproc
    .irp register, rbp, rbx, r12, r13, r14, r15
    push %\register
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset \register, 0
    .endr
    push %rcx
    .cfi_adjust_cfa_offset 8
    mov %rdi, %rax
    mov %rsi, %rdi
    mov %rdx, %rsi
    movabs $0x1111111111111111, %rbx
    movabs $0x2222222222222222, %rbp
    movabs $0x3333333333333333, %r12
    movabs $0x4444444444444444, %r13
    movabs $0x5555555555555555, %r14
    movabs $0x6666666666666666, %r15
    call *%rax
    pop %rax
    .cfi_adjust_cfa_offset -8
    mov %rbx, (%rax)
    mov %rbp, 8(%rax)
    mov %r12, 16(%rax)
    mov %r13, 24(%rax)
    mov %r14, 32(%rax)
    mov %r15, 40(%rax)
    .irp register, r15, r14, r13, r12, rbx, rbp
    pop %\register
    .cfi_adjust_cfa_offset -8
    .cfi_restore \register
    .endr
    ret
    .cfi_endproc
    .size call_pinned, . - call_pinned
)");
static uint64_t pattern(unsigned index) { return 0x1111111111111111 * (index + 1); }

#elif defined __aarch64__
static const int preserved[] = {19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29,
                                72, 73, 74, 75, 76, 77, 78, 79};
__asm__(R"(
    .text
    .type call_pinned, %function
call_pinned:
    .cfi_startproc
    sub sp, sp, 176
    .cfi_def_cfa_offset 176
    .irp number, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
    str x\number, [sp, (\number - 19) * 8]
    .cfi_rel_offset \number, (\number - 19) * 8
    .endr
    .irp number, 8, 9, 10, 11, 12, 13, 14, 15
    str d\number, [sp, (\number + 4) * 8]
    .cfi_rel_offset 64 + \number, (\number + 4) * 8
    .endr
    str x3, [sp, 160]
    mov x9, x0
    mov x0, x1
    mov x1, x2
    ldr x10, =0x0101010101010101
    .irp number, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29
    mov x11, \number - 18
    mul x\number, x10, x11
    .endr
    .irp number, 8, 9, 10, 11, 12, 13, 14, 15
    mov x11, \number + 4
    mul x11, x10, x11
    fmov d\number, x11
    .endr
    blr x9
    ldr x9, [sp, 160]
    .irp number, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29
    str x\number, [x9, (\number - 19) * 8]
    .endr
    .irp number, 8, 9, 10, 11, 12, 13, 14, 15
    str d\number, [x9, (\number + 3) * 8]
    .endr
    .irp number, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
    ldr x\number, [sp, (\number - 19) * 8]
    .cfi_restore \number
    .endr
    .irp number, 8, 9, 10, 11, 12, 13, 14, 15
    ldr d\number, [sp, (\number + 4) * 8]
    .cfi_restore 64 + \number
    .endr
    add sp, sp, 176
    .cfi_def_cfa_offset 0
    ret
    .cfi_endproc
    .ltorg
    .size call_pinned, . - call_pinned
)");
static uint64_t pattern(unsigned index) { return 0x0101010101010101 * (index + 1); }
#endif

static const unsigned pins = sizeof preserved / sizeof *preserved;

extern "C" {
void call_pinned(void (*)(entry *, vmctx *), entry *, vmctx *, uint64_t *after);
#define LINK(name, size) void name(entry *, vmctx *);
#include "links.inc"
#undef LINK
}

struct payload { i64 argument; const char *text; };

static vmctx context;
static bool throwing;
static unsigned destroyed;
static unsigned failures;

static void check(const char *what, bool right)
{
    printf("%s: %s\n", what, right ? "right" : "WRONG");
    failures += !right;
}

/* The backtrace: names of compiled functions, "host" for any number of others in a row, and how many
 * frames have the pattern in every register. */

static char frames[512];
static unsigned pinned_frames;

static const char *name_of(uintptr_t address)
{
#define LINK(name, size)                                                     \
    if (address - (uintptr_t)name < size)                                    \
        return #name;
#include "links.inc"
#undef LINK
    return "host";
}

static _Unwind_Reason_Code trace(_Unwind_Context *context, void *)
{
    int before_instruction = 0;
    const uintptr_t address = _Unwind_GetIPInfo(context, &before_instruction);
    const char *name = name_of(address - !before_instruction);
    const size_t length = strlen(frames);
    const bool again = length >= 5 && !strcmp(frames + length - 5, " host") && !strcmp(name, "host");
    if (!again)
        snprintf(frames + length, sizeof frames - length, " %s", name);
    bool all = true;
    for (unsigned n = 0; n < pins; n++)
        all &= _Unwind_GetGR(context, preserved[n]) == pattern(n);
    pinned_frames += all;
    return _URC_NO_REASON;
}

/* Called by compiled code. */

extern "C" void innermost(last *out, vmctx *, i64 argument)
{
    frames[0] = 0;
    pinned_frames = 0;
    _Unwind_Backtrace(trace, nullptr);
    if (throwing)
        throw payload{argument, "thrown in C++"};
    *out = {-7, 0.75};
}

static bool is_pinned(const uint64_t *after)
{
    for (unsigned n = 0; n < pins; n++)
        if (after[n] != pattern(n))
            return false;
    return true;
}

static bool call(void (*function)(entry *, vmctx *), entry *results)
{
    uint64_t after[pins];
    call_pinned(function, results, &context, after);
    return is_pinned(after);
}

extern "C" void middle(last *out, vmctx *, i64)
{
    struct bomb {
        ~bomb() { destroyed++; }
    } bomb;
    entry results;
    const bool pinned = call(inner_0, &results);
    *out = {pinned ? 5 : -5, 1.5};
}

/* More locals than registers that outlive a call. */
template <typename F> static bool keeps_locals(F function)
{
    static volatile i64 ints[12] = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8};
    static volatile f64 floats[10] = {.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5, 9.5};
    const i64 a = ints[0], b = ints[1], c = ints[2], d = ints[3], e = ints[4], f = ints[5],
              g = ints[6], h = ints[7], i = ints[8], j = ints[9], k = ints[10], l = ints[11];
    const f64 m = floats[0], n = floats[1], o = floats[2], p = floats[3], q = floats[4],
              r = floats[5], s = floats[6], t = floats[7], u = floats[8], v = floats[9];
    function();
    return a == 3 && b == 1 && c == 4 && d == 1 && e == 5 && f == 9 && g == 2 && h == 6 && i == 5 &&
           j == 3 && k == 5 && l == 8 && m == .5 && n == 1.5 && o == 2.5 && p == 3.5 && q == 4.5 &&
           r == 5.5 && s == 6.5 && t == 7.5 && u == 8.5 && v == 9.5;
}

int main()
{
    for (unsigned n = 0; n < MAX_RESULTS; n++)
        for (unsigned byte = 0; byte < sizeof(slot); byte++)
            context.results[n][byte] = (uint8_t)(n << 4 | byte);
    for (unsigned n = 0; n < MAX_PARAMS; n++)
        for (unsigned byte = 0; byte < sizeof(slot); byte++)
            context.args[n][byte] = (uint8_t)~(n << 4 | byte);
    i64 argument;
    memcpy(&argument, context.args[0], sizeof argument);

    entry results;
    const bool pinned = call(outer_0, &results);
    check("results", !memcmp(&results.r0, context.results[0], sizeof results.r0) &&
                         !memcmp(&results.r1, context.results[1], sizeof results.r1) &&
                         !memcmp(&results.r2, context.results[2], sizeof results.r2));
    static const slot nothing = {};
    check("live values", !memcmp(context.seen[MAX_PARAMS - 1], nothing, sizeof nothing));
    check("registers after the call", pinned);
    printf("frames:%s\n", frames);
    printf("frames with pinned registers: %u\n", pinned_frames);

    throwing = true;
    destroyed = 0;
    for (unsigned time = 1; time <= 3; time++) {
        bool caught = false;
        const bool kept = keeps_locals([&] {
            try {
                call(outer_0, &results);
            } catch (const payload &payload) {
                caught = payload.argument == argument && !strcmp(payload.text, "thrown in C++");
            }
        });
        check("payload", caught);
        check("locals of the catcher", kept);
        check("destructor", destroyed == time);
    }
    printf("%u failures\n", failures);
    return failures != 0;
}
