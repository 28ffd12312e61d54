/* A host in C: a function that a module imports, and one that calls an export. `module.h` is what the program writes. */

#include "module.h"

void nameless(struct nameless_out *out, void *vmctx)
{
    int32_t *calls = vmctx;
    *calls += 1;
    *out = (struct nameless_out){.r0 = 1, .r1 = 2};
}

int32_t call(swap_fn swap, void *instance)
{
    struct swap_out out;
    swap(&out, instance);
    return 10 * out.r0 + out.r1;
}
