/* coverage_exit: a forked worker ends with _exit, so that it does not flush and close what its parent still uses; with that it
 * also skips the handler that writes gcov's counts, and all that a worker does would look as if no test had reached it.
 *
 *   the worker's _exit(status)  --(ld --wrap=_exit, coverage preset only)-->  __wrap__exit: counts to their files, then _exit
 *
 * gcov itself starts a forked child with fresh counts, and locks each file while it adds to it, so nothing is counted twice. */
#include <gcov.h>

_Noreturn void __real__exit(int status);
_Noreturn void __wrap__exit(int status);

_Noreturn void __wrap__exit(int status)
{
    __gcov_dump();
    __real__exit(status);
}
