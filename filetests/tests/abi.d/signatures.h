#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__) && defined(__LP64__) && !defined(_WIN32) && !defined(__APPLE__)

typedef int32_t clif_v_i32x4 __attribute__((vector_size(16)));
_Static_assert(sizeof(clif_v_i32x4) == 16 && _Alignof(clif_v_i32x4) == 16, "i32x4");
typedef int8_t clif_v_i8x16 __attribute__((vector_size(16)));
_Static_assert(sizeof(clif_v_i8x16) == 16 && _Alignof(clif_v_i8x16) == 16, "i8x16");

// signatures.clif:12: %area, fn0 = %area in %area
// (i64 vmctx, i32 sext, i128, i64, i64, i8 uext, f64) -> i8, i128, f32, f64 system_v_multi_out
struct area_out {
    int8_t r0;
    __int128 r1;
    float r2;
    double r3;
};
_Static_assert(sizeof(struct area_out) == 48, "area_out");
_Static_assert(_Alignof(struct area_out) == 16, "area_out");
_Static_assert(offsetof(struct area_out, r0) == 0, "area_out");
_Static_assert(offsetof(struct area_out, r1) == 16, "area_out");
_Static_assert(offsetof(struct area_out, r2) == 32, "area_out");
_Static_assert(offsetof(struct area_out, r3) == 40, "area_out");
typedef void (*area_fn)(struct area_out *out, void *vmctx, int32_t a0, __int128 a1, int64_t a2, int64_t a3, uint8_t a4, double a5);
void area(struct area_out *out, void *vmctx, int32_t a0, __int128 a1, int64_t a2, int64_t a3, uint8_t a4, double a5);

// signatures.clif:13: sig0 in %area, fn1 = u1:2 in %area
// (i64 vmctx, i8x16, i8x16, f32) -> i32x4, i16 system_v_multi_out
struct u1_2_out {
    clif_v_i32x4 r0;
    int16_t r1;
};
_Static_assert(sizeof(struct u1_2_out) == 32, "u1_2_out");
_Static_assert(_Alignof(struct u1_2_out) == 16, "u1_2_out");
_Static_assert(offsetof(struct u1_2_out, r0) == 0, "u1_2_out");
_Static_assert(offsetof(struct u1_2_out, r1) == 16, "u1_2_out");
typedef void (*u1_2_fn)(struct u1_2_out *out, void *vmctx, clif_v_i8x16 a0, clif_v_i8x16 a1, float a2);
void u1_2(struct u1_2_out *out, void *vmctx, clif_v_i8x16 a0, clif_v_i8x16 a1, float a2);

// signatures.clif:14: sig1 in %area
// (i64) -> i64 sext fast
// refused: C has no `fast` convention on x86_64

// signatures.clif:17: fn2 = %long in %area
// (i64, i64) -> i64 system_v
typedef int64_t (*long_fn)(int64_t a0, int64_t a1);
int64_t long_2(int64_t a0, int64_t a1) __asm__("long");

// signatures.clif:23: %single
// (i128) -> i128 system_v_multi_out
typedef __int128 (*single_fn)(__int128 a0);
__int128 single(__int128 a0);

// signatures.clif:28: %none
// () system_v
typedef void (*none_fn)(void);
void none(void);

// signatures.clif:34: %vectors
// (i8x16, i8x16) system_v
typedef void (*vectors_fn)(clif_v_i8x16 a0, clif_v_i8x16 a1);
void vectors(clif_v_i8x16 a0, clif_v_i8x16 a1);

// signatures.clif:39: %returned_struct
// (i64 sret, i32 sext) system_v
typedef void (*returned_struct_fn)(void *sret, int32_t a0);
void returned_struct(void *sret, int32_t a0);

// signatures.clif:44: %floats
// (f16, f128) -> f16, f128 system_v_multi_out
#ifdef __FLT16_MAX__
struct floats_out {
    _Float16 r0;
    __float128 r1;
};
_Static_assert(sizeof(struct floats_out) == 32, "floats_out");
_Static_assert(_Alignof(struct floats_out) == 16, "floats_out");
_Static_assert(offsetof(struct floats_out, r0) == 0, "floats_out");
_Static_assert(offsetof(struct floats_out, r1) == 16, "floats_out");
typedef void (*floats_fn)(struct floats_out *out, _Float16 a0, __float128 a1);
void floats(struct floats_out *out, _Float16 a0, __float128 a1);
#endif

// signatures.clif:49: %registers
// (i64, f64) -> i64, i32, f64, f64 tail
// refused: C has no `tail` convention on x86_64

#endif

#if defined(__aarch64__) && defined(__LP64__) && !defined(_WIN32) && !defined(__APPLE__)

_Static_assert(__LDBL_MANT_DIG__ == 113, "long double is f128");
typedef int32_t clif_v_i32x4 __attribute__((vector_size(16)));
_Static_assert(sizeof(clif_v_i32x4) == 16 && _Alignof(clif_v_i32x4) == 16, "i32x4");
typedef int8_t clif_v_i8x16 __attribute__((vector_size(16)));
_Static_assert(sizeof(clif_v_i8x16) == 16 && _Alignof(clif_v_i8x16) == 16, "i8x16");

// signatures.clif:12: %area, fn0 = %area in %area
// (i64 vmctx, i32 sext, i128, i64, i64, i8 uext, f64) -> i8, i128, f32, f64 system_v_multi_out
struct area_out {
    int8_t r0;
    __int128 r1;
    float r2;
    double r3;
};
_Static_assert(sizeof(struct area_out) == 48, "area_out");
_Static_assert(_Alignof(struct area_out) == 16, "area_out");
_Static_assert(offsetof(struct area_out, r0) == 0, "area_out");
_Static_assert(offsetof(struct area_out, r1) == 16, "area_out");
_Static_assert(offsetof(struct area_out, r2) == 32, "area_out");
_Static_assert(offsetof(struct area_out, r3) == 40, "area_out");
typedef void (*area_fn)(struct area_out *out, void *vmctx, int32_t a0, __int128 a1, int64_t a2, int64_t a3, uint8_t a4, double a5);
void area(struct area_out *out, void *vmctx, int32_t a0, __int128 a1, int64_t a2, int64_t a3, uint8_t a4, double a5);

// signatures.clif:13: sig0 in %area, fn1 = u1:2 in %area
// (i64 vmctx, i8x16, i8x16, f32) -> i32x4, i16 system_v_multi_out
struct u1_2_out {
    clif_v_i32x4 r0;
    int16_t r1;
};
_Static_assert(sizeof(struct u1_2_out) == 32, "u1_2_out");
_Static_assert(_Alignof(struct u1_2_out) == 16, "u1_2_out");
_Static_assert(offsetof(struct u1_2_out, r0) == 0, "u1_2_out");
_Static_assert(offsetof(struct u1_2_out, r1) == 16, "u1_2_out");
typedef void (*u1_2_fn)(struct u1_2_out *out, void *vmctx, clif_v_i8x16 a0, clif_v_i8x16 a1, float a2);
void u1_2(struct u1_2_out *out, void *vmctx, clif_v_i8x16 a0, clif_v_i8x16 a1, float a2);

// signatures.clif:14: sig1 in %area
// (i64) -> i64 sext fast
// refused: C has no `fast` convention on aarch64

// signatures.clif:17: fn2 = %long in %area
// (i64, i64) -> i64 system_v
typedef int64_t (*long_fn)(int64_t a0, int64_t a1);
int64_t long_2(int64_t a0, int64_t a1) __asm__("long");

// signatures.clif:23: %single
// (i128) -> i128 system_v_multi_out
typedef __int128 (*single_fn)(__int128 a0);
__int128 single(__int128 a0);

// signatures.clif:28: %none
// () system_v
typedef void (*none_fn)(void);
void none(void);

// signatures.clif:34: %vectors
// (i8x16, i8x16) system_v
typedef void (*vectors_fn)(clif_v_i8x16 a0, clif_v_i8x16 a1);
void vectors(clif_v_i8x16 a0, clif_v_i8x16 a1);

// signatures.clif:39: %returned_struct
// (i64 sret, i32 sext) system_v
// refused: C has no parameter for an `sret` pointer, which is in x8 on aarch64

// signatures.clif:44: %floats
// (f16, f128) -> f16, f128 system_v_multi_out
#ifdef __FLT16_MAX__
struct floats_out {
    _Float16 r0;
    long double r1;
};
_Static_assert(sizeof(struct floats_out) == 32, "floats_out");
_Static_assert(_Alignof(struct floats_out) == 16, "floats_out");
_Static_assert(offsetof(struct floats_out, r0) == 0, "floats_out");
_Static_assert(offsetof(struct floats_out, r1) == 16, "floats_out");
typedef void (*floats_fn)(struct floats_out *out, _Float16 a0, long double a1);
void floats(struct floats_out *out, _Float16 a0, long double a1);
#endif

// signatures.clif:49: %registers
// (i64, f64) -> i64, i32, f64, f64 tail
// refused: C has no `tail` convention on aarch64

#endif

#if defined(__riscv_float_abi_double) && defined(__LP64__) && !defined(_WIN32) && !defined(__APPLE__)

_Static_assert(__LDBL_MANT_DIG__ == 113, "long double is f128");

// signatures.clif:12: %area, fn0 = %area in %area
// (i64 vmctx, i32 sext, i128, i64, i64, i8 uext, f64) -> i8, i128, f32, f64 system_v_multi_out
struct area_out {
    int8_t r0;
    __int128 r1;
    float r2;
    double r3;
};
_Static_assert(sizeof(struct area_out) == 48, "area_out");
_Static_assert(_Alignof(struct area_out) == 16, "area_out");
_Static_assert(offsetof(struct area_out, r0) == 0, "area_out");
_Static_assert(offsetof(struct area_out, r1) == 16, "area_out");
_Static_assert(offsetof(struct area_out, r2) == 32, "area_out");
_Static_assert(offsetof(struct area_out, r3) == 40, "area_out");
typedef void (*area_fn)(struct area_out *out, void *vmctx, int32_t a0, __int128 a1, int64_t a2, int64_t a3, uint8_t a4, double a5);
void area(struct area_out *out, void *vmctx, int32_t a0, __int128 a1, int64_t a2, int64_t a3, uint8_t a4, double a5);

// signatures.clif:13: sig0 in %area, fn1 = u1:2 in %area
// (i64 vmctx, i8x16, i8x16, f32) -> i32x4, i16 system_v_multi_out
// refused: Unsupported feature: `system_v_multi_out` on riscv64 cannot pass a parameter of type i8x16 where C does

// signatures.clif:14: sig1 in %area
// (i64) -> i64 sext fast
// refused: C has no `fast` convention on riscv64

// signatures.clif:17: fn2 = %long in %area
// (i64, i64) -> i64 system_v
typedef int64_t (*long_fn)(int64_t a0, int64_t a1);
int64_t long_2(int64_t a0, int64_t a1) __asm__("long");

// signatures.clif:23: %single
// (i128) -> i128 system_v_multi_out
typedef __int128 (*single_fn)(__int128 a0);
__int128 single(__int128 a0);

// signatures.clif:28: %none
// () system_v
typedef void (*none_fn)(void);
void none(void);

// signatures.clif:34: %vectors
// (i8x16, i8x16) system_v
// refused: `system_v` and C disagree: Unsupported feature: `system_v_multi_out` on riscv64 cannot pass a parameter of type i8x16 where C does

// signatures.clif:39: %returned_struct
// (i64 sret, i32 sext) system_v
typedef void (*returned_struct_fn)(void *sret, int32_t a0);
void returned_struct(void *sret, int32_t a0);

// signatures.clif:44: %floats
// (f16, f128) -> f16, f128 system_v_multi_out
#ifdef __FLT16_MAX__
struct floats_out {
    _Float16 r0;
    long double r1;
};
_Static_assert(sizeof(struct floats_out) == 32, "floats_out");
_Static_assert(_Alignof(struct floats_out) == 16, "floats_out");
_Static_assert(offsetof(struct floats_out, r0) == 0, "floats_out");
_Static_assert(offsetof(struct floats_out, r1) == 16, "floats_out");
typedef void (*floats_fn)(struct floats_out *out, _Float16 a0, long double a1);
void floats(struct floats_out *out, _Float16 a0, long double a1);
#endif

// signatures.clif:49: %registers
// (i64, f64) -> i64, i32, f64, f64 tail
// refused: C has no `tail` convention on riscv64

#endif

#if defined(__s390x__) && defined(__LP64__) && !defined(_WIN32) && !defined(__APPLE__)

_Static_assert(__LDBL_MANT_DIG__ == 113, "long double is f128");
#ifndef __VX__
#error "vectors are passed in vector registers: compile with -march=z13 or later"
#endif
typedef int32_t clif_v_i32x4 __attribute__((vector_size(16)));
_Static_assert(sizeof(clif_v_i32x4) == 16 && _Alignof(clif_v_i32x4) == 8, "i32x4");
typedef int8_t clif_v_i8x16 __attribute__((vector_size(16)));
_Static_assert(sizeof(clif_v_i8x16) == 16 && _Alignof(clif_v_i8x16) == 8, "i8x16");

// signatures.clif:12: %area, fn0 = %area in %area
// (i64 vmctx, i32 sext, i128, i64, i64, i8 uext, f64) -> i8, i128, f32, f64 system_v_multi_out
struct area_out {
    int8_t r0;
    __int128 r1;
    float r2;
    double r3;
};
_Static_assert(sizeof(struct area_out) == 40, "area_out");
_Static_assert(_Alignof(struct area_out) == 8, "area_out");
_Static_assert(offsetof(struct area_out, r0) == 0, "area_out");
_Static_assert(offsetof(struct area_out, r1) == 8, "area_out");
_Static_assert(offsetof(struct area_out, r2) == 24, "area_out");
_Static_assert(offsetof(struct area_out, r3) == 32, "area_out");
typedef void (*area_fn)(struct area_out *out, void *vmctx, int32_t a0, __int128 a1, int64_t a2, int64_t a3, uint8_t a4, double a5);
void area(struct area_out *out, void *vmctx, int32_t a0, __int128 a1, int64_t a2, int64_t a3, uint8_t a4, double a5);

// signatures.clif:13: sig0 in %area, fn1 = u1:2 in %area
// (i64 vmctx, i8x16, i8x16, f32) -> i32x4, i16 system_v_multi_out
struct u1_2_out {
    clif_v_i32x4 r0;
    int16_t r1;
};
_Static_assert(sizeof(struct u1_2_out) == 24, "u1_2_out");
_Static_assert(_Alignof(struct u1_2_out) == 8, "u1_2_out");
_Static_assert(offsetof(struct u1_2_out, r0) == 0, "u1_2_out");
_Static_assert(offsetof(struct u1_2_out, r1) == 16, "u1_2_out");
typedef void (*u1_2_fn)(struct u1_2_out *out, void *vmctx, clif_v_i8x16 a0, clif_v_i8x16 a1, float a2);
void u1_2(struct u1_2_out *out, void *vmctx, clif_v_i8x16 a0, clif_v_i8x16 a1, float a2);

// signatures.clif:14: sig1 in %area
// (i64) -> i64 sext fast
// refused: C has no `fast` convention on s390x

// signatures.clif:17: fn2 = %long in %area
// (i64, i64) -> i64 system_v
typedef int64_t (*long_fn)(int64_t a0, int64_t a1);
int64_t long_2(int64_t a0, int64_t a1) __asm__("long");

// signatures.clif:23: %single
// (i128) -> i128 system_v_multi_out
typedef __int128 (*single_fn)(__int128 a0);
__int128 single(__int128 a0);

// signatures.clif:28: %none
// () system_v
typedef void (*none_fn)(void);
void none(void);

// signatures.clif:34: %vectors
// (i8x16, i8x16) system_v
// refused: `system_v` and C disagree: a1 is in v25, where C has it in v26

// signatures.clif:39: %returned_struct
// (i64 sret, i32 sext) system_v
typedef void (*returned_struct_fn)(void *sret, int32_t a0);
void returned_struct(void *sret, int32_t a0);

// signatures.clif:44: %floats
// (f16, f128) -> f16, f128 system_v_multi_out
#ifdef __FLT16_MAX__
struct floats_out {
    _Float16 r0;
    long double r1;
};
_Static_assert(sizeof(struct floats_out) == 24, "floats_out");
_Static_assert(_Alignof(struct floats_out) == 8, "floats_out");
_Static_assert(offsetof(struct floats_out, r0) == 0, "floats_out");
_Static_assert(offsetof(struct floats_out, r1) == 8, "floats_out");
typedef void (*floats_fn)(struct floats_out *out, _Float16 a0, long double a1);
void floats(struct floats_out *out, _Float16 a0, long double a1);
#endif

// signatures.clif:49: %registers
// (i64, f64) -> i64, i32, f64, f64 tail
// refused: C has no `tail` convention on s390x

#endif
