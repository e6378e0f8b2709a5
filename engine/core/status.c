/* status: the texts of the statuses, and the one writer of errors.
 *
 * An error is written once, by the call that failed first; nobody above rewrites it. So od_fail() may start
 * from a clean struct each time: whatever an earlier, handled failure left there is gone. */
#include "engine/core/status.h"

#include <stdarg.h>
#include <stdio.h>

#include "engine/core/assert.h"
#include "engine/core/enum_text.h"

OD_ENUM_TEXT(od_status_text, enum od_status, OD_STATUS_LIST)

enum od_status od_fail_at(struct od_error *error, enum od_status status, uint32_t line, uint32_t column,
                          const char *format, ...)
{
    od_assert(status != OD_OK);
    if (error != NULL) {
        *error = (struct od_error){.status = status, .line = line, .column = column};
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(error->text, sizeof(error->text), format, arguments);
        va_end(arguments);
    }
    return status;
}
