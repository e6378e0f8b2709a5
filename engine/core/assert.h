/* assert: checks that stay on in every build. An assertion is for our own mistakes, a status for the world's.
 * Write od_assert(a); od_assert(b); rather than one with &&, so that the message says which one failed. */
#ifndef OD_CORE_ASSERT_H
#define OD_CORE_ASSERT_H

#define od_assert(condition)                                                                                 \
    do {                                                                                                     \
        if (__builtin_expect(!(condition), 0))                                                               \
            od_assert_failed(#condition, __FILE__, __LINE__);                                                \
    } while (0)

#define od_unreachable() od_assert_failed("unreachable", __FILE__, __LINE__)

/* Prints to standard error and aborts. */
_Noreturn void od_assert_failed(const char *condition, const char *file, int line);

#endif
