/* The types of CLIF in C, and what compiled code and C read and write through `vmctx`. */

#include <stddef.h>
#include <stdint.h>

typedef int8_t i8;
typedef int16_t i16;
typedef int32_t i32;
typedef int64_t i64;
typedef __int128 i128;
typedef float f32;
typedef double f64;
/* C++ has not had these as long as C. */
#ifndef __cplusplus
#if defined __x86_64__ || defined __aarch64__
typedef _Float16 f16;
#endif
#ifdef __x86_64__
typedef __float128 f128;
#else
typedef _Float128 f128;
#endif
#endif

#define VECTOR(lane, lanes) \
    typedef lane lane##x##lanes __attribute__((vector_size(sizeof(lane) * lanes)))
VECTOR(i8, 2);
VECTOR(i8, 4);
VECTOR(i8, 8);
VECTOR(i8, 16);
VECTOR(i16, 2);
VECTOR(i16, 4);
VECTOR(i16, 8);
VECTOR(i32, 2);
VECTOR(i32, 4);
VECTOR(i64, 2);
VECTOR(f32, 2);
VECTOR(f32, 4);
VECTOR(f64, 2);

/* A value in memory, from its first byte on. */
typedef uint8_t slot[16];

#define MAX_RESULTS 100
#define MAX_PARAMS 32

/* Keep in sync with `VmContext` in src/vmctx.rs. */
struct vmctx {
    uint64_t calls;
    void (*callee)(void);
    slot results[MAX_RESULTS];
    slot args[MAX_PARAMS];
    slot seen[MAX_PARAMS];
    slot got[MAX_RESULTS];
} __attribute__((aligned(16)));

enum { UNTOUCHED = 0xa5, GARBAGE = 0x5a };
