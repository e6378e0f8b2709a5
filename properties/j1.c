/* j1: an inner join commutes. The flipped plan joins right with left under the same condition (its columns
 * renumbered) and puts the columns back. The two runs are compared with each other. */
#include "properties/check_run.h"
#include "properties/property_list.h"

/* The column expressions `first, first + 1, ... (mod count)` of a schema. */
static enum od_status rotated_columns(struct od_arena *arena, const struct od_schema *schema, uint32_t first,
                                      const struct od_expr **exprs, struct od_error *error)
{
    enum od_status status = OD_OK;
    for (uint32_t i = 0; i < schema->field_count && status == OD_OK; i++)
        status = od_expr_column(arena, schema, (first + i) % schema->field_count, &exprs[i], error);
    return status;
}

static enum od_status flip(struct od_arena *arena, const struct od_plan *plan,
                           const struct od_plan **plan_out, struct od_error *error)
{
    const struct od_plan *left = plan->inputs[0], *right = plan->inputs[1], *joined = NULL;
    uint32_t count = plan->schema.field_count;
    const struct od_expr **map = od_arena_take_array(arena, count, sizeof(*map));
    const struct od_expr *condition = NULL;
    struct od_schema flipped;
    if (map == NULL)
        return od_fail(error, OD_NO_MEMORY, "flipping a join");
    enum od_status status = od_plan_join_schema(arena, right, left, &flipped, error);
    /* Column i of left ++ right is column i + |right| (mod all) of right ++ left. */
    if (status == OD_OK)
        status = rotated_columns(arena, &flipped, right->schema.field_count, map, error);
    if (status == OD_OK)
        status = od_expr_substitute(arena, plan->join.condition, map, &condition, error);
    if (status == OD_OK)
        status = od_plan_join(arena, OD_JOIN_INNER, right, left, condition, &joined, error);
    if (status == OD_OK)
        status = rotated_columns(arena, &joined->schema, right->schema.field_count, map, error);
    if (status == OD_OK)
        status = od_plan_project(arena, joined, map, NULL, count, plan_out, error);
    return status;
}

enum od_status od_check_j1(const struct od_case *test_case, struct od_subject *subject,
                           struct od_finding *finding, struct od_error *error)
{
    struct od_arena arena;
    struct od_run_result plain, flipped;
    struct od_expectation expected = {.compare = OD_COMPARE_MULTISET};
    const struct od_plan *plan = NULL;
    od_arena_init(&arena, test_case->memory, 0);
    enum od_status status = flip(&arena, test_case->plan, &plan, error);
    if (status == OD_OK)
        status = od_check_run(&arena, test_case, subject, test_case->plan, NULL, false, "J1", &plain, finding,
                              error);
    if (status == OD_OK && plain.usable)
        status = od_check_run(&arena, test_case, subject, plan, NULL, true, "J1", &flipped, finding, error);
    if (status == OD_OK && plain.usable) {
        expected.status = plain.status;
        expected.answer = plain.answer;
        status = od_check_expected(&arena, &expected, &flipped, "J1", finding, error);
    }
    od_arena_release(&arena);
    return status;
}
