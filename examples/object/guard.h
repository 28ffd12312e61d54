/* Memory between two pages that nobody may touch:
 *
 *   | no access | START …      … END | no access |
 *
 * A struct at START faults on a byte too early, a struct at END on a byte too late. */

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum place { START, END };

static uint8_t *guarded;
static size_t guarded_size;

static void guard_map(void)
{
    guarded_size = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *mapping = mmap(NULL, 3 * guarded_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    guarded = mapping + guarded_size;
    if (mapping == MAP_FAILED || mprotect(guarded, guarded_size, PROT_READ | PROT_WRITE)) {
        perror("guard_map");
        exit(2);
    }
}

static void *guard_place(enum place place, size_t size)
{
    return place == START ? guarded : guarded + guarded_size - size;
}
