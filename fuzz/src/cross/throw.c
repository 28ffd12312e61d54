/* Throws for compiled code, which calls __cranelift_throw: libgcc walks the frames by their unwind information, up to
   that of a call with a handler for the tag. The handler starts with the registers that were found on the way.

   HANDLERS is the list of all: HANDLER(function, offset of the call's return address, tag or 0 for all, offset of the
   handler). Those of one call are in the order in which they count. */
#include <stdint.h>
#include <stdlib.h>
#include <unwind.h>

#define HANDLER(function, call, tag, handler) void function(void);
HANDLERS
#undef HANDLER

static const struct handler {
    void (*function)(void);
    unsigned call, tag, handler;
} handlers[] = {
#define HANDLER(function, call, tag, handler) {function, call, tag, handler},
HANDLERS
#undef HANDLER
    {0, 0, 0, 0},
};

/* The DWARF numbers of the registers that a callee preserves, and the distance from the stack pointer of a caller to
   what its callee's unwind information calls so. */
#if defined __x86_64__
enum { CFA_OFFSET = 0 };
static const int preserved[] = {3, 6, 12, 13, 14, 15};
#elif defined __aarch64__
enum { CFA_OFFSET = 0 };
static const int preserved[] = {19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 72, 73, 74, 75, 76, 77, 78, 79};
#elif defined __riscv
enum { CFA_OFFSET = 0 };
static const int preserved[] = {8,  9,  18, 19, 20, 21, 22, 23, 24, 25, 26, 27,
                                40, 41, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59};
#elif defined __s390x__
enum { CFA_OFFSET = 160 };
static const int preserved[] = {8, 9, 10, 11, 12, 13, 24, 25, 26, 27, 28, 29, 30, 31};
#endif

enum { PRESERVED = sizeof preserved / sizeof *preserved };

/* Where to go on, and with what. */
static struct state {
    uint64_t pc, sp, payloads[2], registers[PRESERVED];
} state;

static uint32_t thrown;

static _Unwind_Reason_Code look(struct _Unwind_Context *context, void *found)
{
    uintptr_t pc = _Unwind_GetIP(context);
    for (const struct handler *h = handlers; h->function; h++) {
        uintptr_t function = (uintptr_t)h->function;
        if (pc != function + h->call || (h->tag && h->tag != thrown))
            continue;
        state.pc = function + h->handler;
        state.sp = _Unwind_GetCFA(context) - CFA_OFFSET;
        for (unsigned r = 0; r < PRESERVED; r++)
            state.registers[r] = _Unwind_GetGR(context, preserved[r]);
        *(int *)found = 1;
        return _URC_NORMAL_STOP;
    }
    return _URC_NO_REASON;
}

/* The payloads are where Cranelift's backends want them. */
static _Noreturn void resume(void)
{
#if defined __x86_64__
    __asm__ volatile(
        "mov 16(%%rcx), %%rax\n mov 24(%%rcx), %%rdx\n"
        "mov 32(%%rcx), %%rbx\n mov 40(%%rcx), %%rbp\n mov 48(%%rcx), %%r12\n"
        "mov 56(%%rcx), %%r13\n mov 64(%%rcx), %%r14\n mov 72(%%rcx), %%r15\n"
        "mov 8(%%rcx), %%rsp\n jmp *(%%rcx)" ::"c"(&state));
#elif defined __aarch64__
    __asm__ volatile(
        "mov x9, %0\n ldp x0, x1, [x9, 16]\n"
        ".irp n, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29\n ldr x\\n, [x9, 32 + (\\n - 19) * 8]\n .endr\n"
        ".irp n, 8, 9, 10, 11, 12, 13, 14, 15\n ldr d\\n, [x9, 32 + (\\n + 3) * 8]\n .endr\n"
        "ldr x10, [x9, 8]\n mov sp, x10\n ldr x10, [x9]\n br x10" ::"r"(&state));
#elif defined __riscv
    __asm__ volatile(
        "mv t0, %0\n ld a0, 16(t0)\n ld a1, 24(t0)\n"
        ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11\n"
        "ld s\\n, (32 + \\n * 8)(t0)\n fld fs\\n, (128 + \\n * 8)(t0)\n .endr\n"
        "ld sp, 8(t0)\n ld t0, 0(t0)\n jr t0" ::"r"(&state));
#elif defined __s390x__
    __asm__ volatile(
        "lgr %%r1, %0\n lmg %%r6, %%r7, 16(%%r1)\n lmg %%r8, %%r13, 32(%%r1)\n"
        "ld %%f8, 80(%%r1)\n ld %%f10, 88(%%r1)\n ld %%f12, 96(%%r1)\n ld %%f14, 104(%%r1)\n"
        "ld %%f9, 112(%%r1)\n ld %%f11, 120(%%r1)\n ld %%f13, 128(%%r1)\n ld %%f15, 136(%%r1)\n"
        "lg %%r15, 8(%%r1)\n lg %%r1, 0(%%r1)\n br %%r1" ::"r"(&state));
#endif
    __builtin_unreachable();
}

/* The first three are for those who walk by frame pointers. */
void __cranelift_throw(uint64_t end, uint64_t frame, uint64_t address, uint64_t tag, uint64_t first, uint64_t second)
{
    int found = 0;
    thrown = (uint32_t)tag;
    state.payloads[0] = first;
    state.payloads[1] = second;
    _Unwind_Backtrace(look, &found);
    if (!found)
        abort();
    resume();
}
