/* f1: under any schedule within the retry budget the answer is the undisturbed one. The model says what that
 * is, so one run is enough. A schedule that may use up the budget excuses RETRIES_EXHAUSTED, never a wrong
 * answer. */
#include "properties/check_run.h"
#include "properties/property_list.h"

enum od_status od_check_f1(const struct od_case *test_case, struct od_subject *subject,
                           struct od_finding *finding, struct od_error *error)
{
    struct od_arena arena;
    od_arena_init(&arena, test_case->memory, 0);
    enum od_status status =
        od_check_against_model(&arena, test_case, subject, test_case->plan, NULL, true, "F1", finding, error);
    od_arena_release(&arena);
    return status;
}
