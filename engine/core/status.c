/* status: the texts of the statuses, and the one writer of errors.
 *
 * An error is written once, by the call that failed first; nobody above rewrites it. So od_fail() may start
 * from a clean struct each time: whatever an earlier, handled failure left there is gone. */
#include "engine/core/status.h"

#include <stdarg.h>
#include <stdio.h>

#include "engine/core/assert.h"

static const char *const status_texts[] = {
#define X(name, text, sentence) [OD_##name] = text,
    OD_STATUS_LIST(X)
#undef X
};
_Static_assert(sizeof(status_texts) / sizeof(status_texts[0]) == OD_STATUS_COUNT, "every status has a text");

static void write_error(struct od_error *error, enum od_status status, uint32_t line, uint32_t column,
                        const char *format, va_list arguments)
{
    *error = (struct od_error){.status = status, .line = line, .column = column};
    vsnprintf(error->text, sizeof(error->text), format, arguments);
}

enum od_status od_fail(struct od_error *error, enum od_status status, const char *format, ...)
{
    od_assert(status != OD_OK);
    if (error != NULL) {
        va_list arguments;
        va_start(arguments, format);
        write_error(error, status, 0, 0, format, arguments);
        va_end(arguments);
    }
    return status;
}

enum od_status od_fail_at(struct od_error *error, enum od_status status, uint32_t line, uint32_t column,
                          const char *format, ...)
{
    od_assert(status != OD_OK);
    if (error != NULL) {
        va_list arguments;
        va_start(arguments, format);
        write_error(error, status, line, column, format, arguments);
        va_end(arguments);
    }
    return status;
}

const char *od_status_text(enum od_status status)
{
    return (unsigned)status < OD_STATUS_COUNT ? status_texts[status] : "unknown status";
}
