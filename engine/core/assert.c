/* assert: the end of a program that found a mistake of its own.
 *
 * This is the only place in the engine that writes to standard error and the only one that ends the process.
 * What we print is one line that an editor can jump to; the rest is the debugger's or the sanitizer's
 * business. */
#include "engine/core/assert.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void od_assert_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, condition);
    abort();
}
