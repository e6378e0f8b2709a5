/* a4: the counts of the groups add up to the number of input rows, and the groups are the distinct keys, NULL
 * included.
 *
 * From a plan with groups over an input: count(*) by the same groups, count(*) of all, and DISTINCT of the
 * keys. */
#include "properties/check_run.h"
#include "properties/property_list.h"

#include <inttypes.h>
#include <string.h>

struct a4_plans {
    const struct od_plan *counts;
    const struct od_plan *total;
    const struct od_plan *keys;
};

static enum od_status build(struct od_arena *arena, const struct od_plan *plan, struct a4_plans *plans,
                            struct od_error *error)
{
    struct od_aggregate count;
    const struct od_plan *input = plan->inputs[0], *projected = NULL;
    memset(&count, 0, sizeof(count));
    count.function = OD_AGGREGATE_COUNT_STAR;
    count.type = OD_TYPE_INT64;
    count.name = "n";
    enum od_status status = od_plan_aggregate(arena, input, plan->aggregate.groups, NULL,
                                              plan->aggregate.group_count, &count, 1, &plans->counts, error);
    if (status == OD_OK)
        status = od_plan_aggregate(arena, input, NULL, NULL, 0, &count, 1, &plans->total, error);
    if (status == OD_OK)
        status = od_plan_project(arena, input, plan->aggregate.groups, NULL, plan->aggregate.group_count,
                                 &projected, error);
    if (status == OD_OK)
        status = od_plan_distinct(arena, projected, &plans->keys, error);
    return status;
}

/* The answer without its last column, and the sum of that. */
static enum od_status split_counts(struct od_arena *arena, const struct od_answer *counts,
                                   struct od_answer *keys_out, int64_t *sum_out, struct od_error *error)
{
    uint32_t width = counts->column_count - 1;
    *keys_out = (struct od_answer){width, counts->row_count, NULL};
    keys_out->cells =
        od_arena_take_array(arena, (size_t)width * counts->row_count + 1, sizeof(struct od_value));
    *sum_out = 0;
    if (keys_out->cells == NULL)
        return od_fail(error, OD_NO_MEMORY, "splitting groups");
    for (uint32_t row = 0; row < counts->row_count; row++) {
        memcpy(keys_out->cells + (size_t)row * width, od_answer_row(counts, row),
               width * sizeof(struct od_value));
        *sum_out += od_answer_row(counts, row)[width].int64;
    }
    return OD_OK;
}

static enum od_status judge(struct od_arena *arena, const struct od_run_result *counts,
                            const struct od_run_result *total, const struct od_run_result *keys,
                            struct od_finding *finding, struct od_error *error)
{
    struct od_answer groups;
    int64_t sum;
    struct od_expectation expected = {
        .status = OD_OK, .compare = OD_COMPARE_MULTISET, .answer = keys->answer};
    enum od_status status = split_counts(arena, &counts->answer, &groups, &sum, error);
    if (status != OD_OK)
        return status;
    if (total->answer.row_count != 1)
        od_finding_set(finding, "A4", "a count of all gave %u rows", total->answer.row_count);
    else if (total->answer.cells[0].int64 != sum)
        od_finding_set(finding, "A4",
                       "counts of groups add up to %" PRId64 ", the input has %" PRId64 " rows", sum,
                       total->answer.cells[0].int64);
    struct od_run_result seen = *counts;
    seen.answer = groups;
    return od_check_expected(arena, &expected, &seen, "A4", finding, error);
}

enum od_status od_check_a4(const struct od_case *test_case, struct od_subject *subject,
                           struct od_finding *finding, struct od_error *error)
{
    struct od_arena arena;
    struct a4_plans plans;
    struct od_run_result counts, total, keys;
    od_arena_init(&arena, test_case->memory, 0);
    enum od_status status = build(&arena, test_case->plan, &plans, error);
    if (status == OD_OK)
        status =
            od_check_run(&arena, test_case, subject, plans.counts, NULL, true, "A4", &counts, finding, error);
    if (status == OD_OK && !finding->found)
        status =
            od_check_run(&arena, test_case, subject, plans.total, NULL, false, "A4", &total, finding, error);
    if (status == OD_OK && !finding->found)
        status =
            od_check_run(&arena, test_case, subject, plans.keys, NULL, false, "A4", &keys, finding, error);
    bool complete = status == OD_OK && !finding->found && counts.status == OD_OK && total.status == OD_OK &&
                    keys.status == OD_OK;
    finding->excused = !complete;
    if (complete)
        status = judge(&arena, &counts, &total, &keys, finding, error);
    od_arena_release(&arena);
    return status;
}
