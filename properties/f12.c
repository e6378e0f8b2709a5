/* f12: a query that finds outputs of an earlier one in caches has the same answer, whatever is left of them
 * and whatever happens. The case's plan runs twice on one cluster, all that a stage may leave behind being
 * cached, and the second answer must be the model's. (The events are of two queries, which no invariant
 * knows: only the answer and the end are judged.) */
#include "properties/check_run.h"
#include "properties/property_list.h"

enum od_status od_check_f12(const struct od_case *test_case, struct od_subject *subject,
                            struct od_finding *finding, struct od_error *error)
{
    struct od_arena arena;
    struct od_case_cluster cluster = test_case->cluster;
    cluster.twice = true;
    od_arena_init(&arena, test_case->memory, 0);
    enum od_status status = od_check_against_model(&arena, test_case, subject, test_case->plan, &cluster,
                                                   true, "F12", finding, error);
    od_arena_release(&arena);
    return status;
}
