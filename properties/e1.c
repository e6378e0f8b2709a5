/* e1: the rows where p is true, where not p is true, and where p is null are the rows: each one once (ternary
 * logic partitioning: Rigger, Su, "Finding bugs in database systems via query partitioning", OOPSLA 2020). */
#include "properties/check_run.h"
#include "properties/property_list.h"

#include <string.h>

#define PART_COUNT 3u

static enum od_status build(struct od_arena *arena, const struct od_plan *plan, const struct od_plan **parts,
                            struct od_error *error)
{
    static const enum od_function functions[] = {OD_FUNCTION_NOT, OD_FUNCTION_IS_NULL};
    enum od_status status = OD_OK;
    parts[0] = plan;
    for (uint32_t i = 1; i < PART_COUNT && status == OD_OK; i++) {
        const struct od_expr *predicate = NULL;
        status = od_expr_call(arena, functions[i - 1], &plan->filter.predicate, 1, &predicate, error);
        if (status == OD_OK)
            status = od_plan_filter(arena, plan->inputs[0], predicate, &parts[i], error);
    }
    return status;
}

static enum od_status add_rows(struct od_arena *arena, struct od_answer *all, const struct od_answer *part,
                               struct od_error *error)
{
    size_t old_count = (size_t)all->row_count * all->column_count;
    size_t new_count = (size_t)part->row_count * all->column_count;
    struct od_value *cells = od_arena_take_array(arena, old_count + new_count + 1, sizeof(*cells));
    if (cells == NULL)
        return od_fail(error, OD_NO_MEMORY, "putting parts together");
    if (old_count > 0)
        memcpy(cells, all->cells, old_count * sizeof(*cells));
    if (new_count > 0)
        memcpy(cells + old_count, part->cells, new_count * sizeof(*cells));
    all->cells = cells;
    all->row_count += part->row_count;
    return OD_OK;
}

enum od_status od_check_e1(const struct od_case *test_case, struct od_subject *subject,
                           struct od_finding *finding, struct od_error *error)
{
    struct od_arena arena;
    const struct od_plan *parts[PART_COUNT], *plan = test_case->plan;
    struct od_run_result whole, part, together;
    struct od_expectation expected = {.status = OD_OK, .compare = OD_COMPARE_MULTISET};
    bool complete;
    memset(&together, 0, sizeof(together));
    together.usable = true;
    together.answer.column_count = plan->schema.field_count;
    od_arena_init(&arena, test_case->memory, 0);
    enum od_status status = build(&arena, plan, parts, error);
    if (status == OD_OK)
        status = od_check_run(&arena, test_case, subject, plan->inputs[0], NULL, false, "E1", &whole, finding,
                              error);
    complete = status == OD_OK && whole.usable && whole.status == OD_OK;
    for (uint32_t i = 0; i < PART_COUNT && complete; i++) {
        /* One of the three is disturbed: a filter over a whole plan, not three times the same schedule. */
        status =
            od_check_run(&arena, test_case, subject, parts[i], NULL, i == 0, "E1", &part, finding, error);
        complete = status == OD_OK && part.usable && part.status == OD_OK;
        if (complete)
            status = add_rows(&arena, &together.answer, &part.answer, error);
    }
    if (complete && status == OD_OK) {
        expected.answer = whole.answer;
        status = od_check_expected(&arena, &expected, &together, "E1", finding, error);
    }
    finding->excused = !complete;
    od_arena_release(&arena);
    return status;
}
