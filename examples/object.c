/* C and an object file of compiled functions call each other. `object.rs` writes `compiled.h` and `compiled.o`. */

#include "compiled.h"
#include <inttypes.h>
#include <stdio.h>

/* Called by compiled code. */
void divide(struct divide_out *out, int64_t a0, int64_t a1)
{
    *out = (struct divide_out){.r0 = a0 / a1, .r1 = a0 % a1};
}

int main(void)
{
    struct split_out time;
    split(&time, 86399);
    printf("%" PRId64 " hours, %d minutes, %g seconds\n", time.r0, time.r1, time.r2);
    return 0;
}
