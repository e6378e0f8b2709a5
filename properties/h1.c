/* h1: shuffles keep the multiset of rows. The check itself is an invariant over the events of every run
 * (invariants.c); this property sees to it that plans full of exchanges run disturbed. A wrong answer without a
 * broken invariant is F1's. */
#include "properties/check_run.h"
#include "properties/property_list.h"

enum od_status od_check_h1(const struct od_case *test_case, struct od_subject *subject,
                           struct od_finding *finding, struct od_error *error)
{
    struct od_arena arena;
    od_arena_init(&arena, test_case->memory, 0);
    enum od_status status =
        od_check_against_model(&arena, test_case, subject, test_case->plan, NULL, true, "F1", finding, error);
    od_arena_release(&arena);
    return status;
}
