/* Of Linux' C library, what is not called as macOS calls it. */

#pragma clang system_header

#include <stdarg.h>
#include <stdio.h>

/* Variadic arguments are on the stack, where the `va_list` of Linux has them once all registers are used up. */
__attribute__((unused)) static int apple_printf(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    struct {
        char *stack, *gr_top, *vr_top;
        int gr_offset, vr_offset;
    } as_linux = {list, 0, 0, 0, 0};
    return ((int (*)(const char *, void *))vprintf)(format, &as_linux);
}
#define printf apple_printf
