/* status: errors are values with context.
 *
 * Every call that can fail returns `enum od_status` and takes a `struct od_error *error` last, which may be
 * NULL.
 * The first to fail writes it with od_fail(); everybody above forwards the status and leaves the text alone.
 * A status exists only where some caller reacts to it differently. */
#ifndef OD_CORE_STATUS_H
#define OD_CORE_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OD_STATUS_LIST(X)                                                                                    \
    X(OK, "ok", "the call did what it says")                                                                  \
    X(NO_MEMORY, "no memory", "an allocation was refused or a budget is used up")                             \
    X(BAD_INPUT, "bad input", "SQL, CSV, YAML, a case file or an option is malformed; the text says where")   \
    X(UNSUPPORTED, "unsupported", "well-formed SQL that this engine does not run; the text says where")       \
    X(EVALUATION, "evaluation", "an expression has no value: overflow, division by zero, a bad cast")         \
    X(IO, "input/output", "the disk refused an operation")                                                    \
    X(CORRUPT, "corrupt", "bytes fail their checksum or do not decode")                                       \
    X(MISSING, "missing", "a file, block or table is not there")                                              \
    X(UNREACHABLE, "unreachable", "a peer did not answer within its time")                                    \
    X(STALE, "stale", "of an old attempt, generation or incarnation; to be dropped")                          \
    X(TASK_FAILED, "task failed", "a task failed for a reason that a new attempt may cure")                   \
    X(EXECUTOR_GONE, "executor gone", "the executor that runs this code is dead; unwind and do nothing more") \
    X(RETRIES_EXHAUSTED, "retries exhausted", "the retry budget is used up; the query failed")                \
    X(TIMED_OUT, "timed out", "the query did not end within its time")                                        \
    X(CANCELLED, "cancelled", "the user asked for the end")

enum od_status {
#define X(name, text, sentence) OD_##name,
    OD_STATUS_LIST(X)
#undef X
        OD_STATUS_COUNT
};

/* The first failure. `line` and `column` count from 1; 0 means unknown. `injected` marks an error that a
 * fault made, so that a runner can tell "the fault did its work" from "the engine failed". */
struct od_error {
    enum od_status status;
    bool injected;
    uint32_t line;
    uint32_t column;
    char text[300];
};

/* Writes `error` (may be NULL) and returns `status`, so that a caller can `return od_fail(...)`. The text is
 * cut, never overrun. Operation first, values last: "reading a block: stage=1 task=0". */
#define od_fail(error, status, ...) od_fail_at((error), (status), 0, 0, __VA_ARGS__)

/* As od_fail, with a position in an input text. */
enum od_status od_fail_at(struct od_error *error, enum od_status status, uint32_t line, uint32_t column,
                          const char *format, ...) __attribute__((format(printf, 5, 6)));

/* For functions that own nothing (what they make lives in an arena or belongs to their caller): leaves with the status of
 * the first call that fails. A function that acquires keeps its one exit and does not use this. */
#define OD_TRY(call)                                                                                         \
    do {                                                                                                     \
        enum od_status od_try_status = (call);                                                               \
        if (od_try_status != OD_OK)                                                                          \
            return od_try_status;                                                                            \
    } while (0)

/* The same for makers, which give NULL (or false) once something has failed and leave the error in what they all share. */
#define OD_NEED(made)                                                                                        \
    do {                                                                                                     \
        if (!(made))                                                                                         \
            return 0;                                                                                        \
    } while (0)

/* "no memory", "corrupt"...: never NULL. */
const char *od_status_text(enum od_status status);

#endif
