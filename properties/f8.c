/* f8: the same case twice gives the same digest, the same status and the same answer in the same order. A
 * difference is a bug of determinism (ours, or the subject's), and it is told before any other property is
 * judged. */
#include "properties/check_run.h"
#include "properties/property_list.h"

#include <inttypes.h>

static enum od_status compare_runs(struct od_arena *arena, const struct od_run_result *first,
                                   const struct od_run_result *second, struct od_finding *finding,
                                   struct od_error *error)
{
    char text[800];
    bool equal = true;
    if (first->digest != second->digest)
        od_finding_set(finding, "F8", "two runs of one case: digests %016" PRIx64 " and %016" PRIx64,
                       first->digest, second->digest);
    if (first->status != second->status)
        od_finding_set(finding, "F8", "two runs of one case ended with %s and %s",
                       od_status_text(first->status), od_status_text(second->status));
    if (finding->found || first->status != OD_OK)
        return OD_OK;
    enum od_status status = od_answer_compare(arena, &first->answer, &second->answer, OD_COMPARE_ORDERED,
                                              &equal, text, sizeof(text), error);
    if (status == OD_OK && !equal)
        od_finding_set(finding, "F8", "two runs of one case gave different answers: %s", text);
    return status;
}

enum od_status od_check_f8(const struct od_case *test_case, struct od_subject *subject,
                           struct od_finding *finding, struct od_error *error)
{
    struct od_arena arena;
    struct od_run_result first, second;
    const struct od_plan *plan = test_case->plan;
    od_arena_init(&arena, test_case->memory, 0);
    enum od_status status =
        od_check_run(&arena, test_case, subject, plan, NULL, true, "F8", &first, finding, error);
    if (status == OD_OK)
        status = od_check_run(&arena, test_case, subject, plan, NULL, true, "F8", &second, finding, error);
    if (status == OD_OK && first.usable && second.usable)
        status = compare_runs(&arena, &first, &second, finding, error);
    od_arena_release(&arena);
    return status;
}
