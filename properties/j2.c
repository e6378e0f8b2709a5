/* j2: a left join is the inner join and the left rows without a partner, padded with NULL.
 *
 * Three runs: the left input alone, the inner join, the left join. A left row has no partner when no row of
 * the inner join begins with it; equal rows have equal partners, so values are enough and no row numbers are
 * needed. */
#include "properties/check_run.h"
#include "properties/property_list.h"

#include <string.h>

static bool has_partner(const struct od_answer *inner, const struct od_value *left_row, uint32_t left_count)
{
    for (uint32_t row = 0; row < inner->row_count; row++)
        if (od_answer_compare_rows(od_answer_row(inner, row), left_row, left_count) == 0)
            return true;
    return false;
}

static enum od_status padded(struct od_arena *arena, const struct od_plan *plan, const struct od_answer *left,
                             const struct od_answer *inner, struct od_answer *expected_out,
                             struct od_error *error)
{
    uint32_t width = plan->schema.field_count;
    size_t cell_count = (size_t)width * (left->row_count + inner->row_count);
    *expected_out = (struct od_answer){width, inner->row_count, NULL};
    expected_out->cells = od_arena_take_array(arena, cell_count + 1, sizeof(struct od_value));
    if (expected_out->cells == NULL)
        return od_fail(error, OD_NO_MEMORY, "padding a join");
    memcpy(expected_out->cells, inner->cells, (size_t)width * inner->row_count * sizeof(struct od_value));
    for (uint32_t row = 0; row < left->row_count; row++) {
        const struct od_value *left_row = od_answer_row(left, row);
        if (has_partner(inner, left_row, left->column_count))
            continue;
        struct od_value *cells = expected_out->cells + (size_t)width * expected_out->row_count++;
        memcpy(cells, left_row, left->column_count * sizeof(*cells));
        for (uint32_t i = left->column_count; i < width; i++) {
            cells[i].type = plan->schema.fields[i].type;
            cells[i].is_null = true;
        }
    }
    return OD_OK;
}

enum od_status od_check_j2(const struct od_case *test_case, struct od_subject *subject,
                           struct od_finding *finding, struct od_error *error)
{
    struct od_arena arena;
    struct od_run_result left, inner, outer;
    struct od_expectation expected = {.status = OD_OK, .compare = OD_COMPARE_MULTISET};
    const struct od_plan *plan = test_case->plan, *inner_plan = NULL;
    od_arena_init(&arena, test_case->memory, 0);
    enum od_status status = od_plan_join(&arena, OD_JOIN_INNER, plan->inputs[0], plan->inputs[1],
                                         plan->join.condition, &inner_plan, error);
    if (status == OD_OK)
        status = od_check_run(&arena, test_case, subject, plan->inputs[0], NULL, false, "J2", &left, finding,
                              error);
    if (status == OD_OK && left.usable)
        status =
            od_check_run(&arena, test_case, subject, inner_plan, NULL, false, "J2", &inner, finding, error);
    if (status == OD_OK && left.usable && inner.usable)
        status = od_check_run(&arena, test_case, subject, plan, NULL, true, "J2", &outer, finding, error);
    bool complete = status == OD_OK && !finding->found && left.status == OD_OK && inner.status == OD_OK;
    finding->excused = !complete;
    if (complete) {
        status = padded(&arena, plan, &left.answer, &inner.answer, &expected.answer, error);
        if (status == OD_OK)
            status = od_check_expected(&arena, &expected, &outer, "J2", finding, error);
    }
    od_arena_release(&arena);
    return status;
}
