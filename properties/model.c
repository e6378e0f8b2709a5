/* model: plans, node by node; see model.h. Expressions are in model_expr.c, casts and time in model_cast.c,
 * aggregates in model_aggregate.c. Each node makes a whole new answer from the whole answers of its inputs;
 * nothing is changed in place. */
#include "properties/model.h"

#include "engine/core/assert.h"

#include <math.h>
#include <string.h>

static enum od_status no_memory(struct od_error *error)
{
    return od_fail(error, OD_NO_MEMORY, "the model ran out of memory");
}

/* An answer with room for row_count rows, none in it yet. */
static enum od_status make_answer(struct od_arena *arena, uint32_t column_count, uint64_t row_count,
                                  struct od_answer *answer_out, struct od_error *error)
{
    *answer_out = (struct od_answer){column_count, 0, NULL};
    answer_out->cells = od_arena_take_array(arena, row_count * column_count + 1, sizeof(struct od_value));
    return answer_out->cells == NULL ? no_memory(error) : OD_OK;
}

static struct od_value *add_row(struct od_answer *answer)
{
    return answer->cells + (size_t)answer->row_count++ * answer->column_count;
}

static void copy_cells(struct od_value *target, const struct od_value *source, uint32_t count)
{
    if (count > 0)
        memcpy(target, source, count * sizeof(*target));
}

static struct od_value null_of(enum od_type type)
{
    struct od_value value;
    memset(&value, 0, sizeof(value));
    value.type = type;
    value.is_null = true;
    return value;
}

/* True means true: not false, not NULL. The conjuncts of a condition are asked in order, and the first that is not true ends
 * it, so that those behind it are not evaluated (PostgreSQL splits conditions at their top-level ANDs). */
static enum od_status is_true(struct od_arena *arena, const struct od_expr *predicate,
                              const struct od_value *row, bool *true_out, struct od_error *error)
{
    struct od_value value;
    if (predicate->kind == OD_EXPR_CALL && predicate->function == OD_FUNCTION_AND) {
        enum od_status status = OD_OK;
        *true_out = true;
        for (uint32_t i = 0; i < predicate->argument_count && status == OD_OK && *true_out; i++)
            status = is_true(arena, predicate->arguments[i], row, true_out, error);
        return status;
    }
    enum od_status status = od_model_evaluate(arena, predicate, row, &value, error);
    *true_out = status == OD_OK && !value.is_null && value.boolean;
    return status;
}

static enum od_status run_scan(struct od_arena *arena, const struct od_plan *plan, struct od_answer *answer,
                               struct od_error *error)
{
    struct od_batch batch = od_table_view(plan->scan.table);
    enum od_status status = make_answer(arena, plan->scan.column_count, batch.row_count, answer, error);
    for (uint32_t row = 0; row < batch.row_count && status == OD_OK; row++) {
        struct od_value *cells = add_row(answer);
        for (uint32_t i = 0; i < plan->scan.column_count; i++)
            cells[i] = od_column_value(&batch.columns[plan->scan.columns[i]], row);
    }
    return status;
}

static enum od_status run_filter(struct od_arena *arena, const struct od_plan *plan, struct od_answer *answer,
                                 struct od_error *error)
{
    struct od_answer input;
    enum od_status status = od_model_run(arena, plan->inputs[0], &input, error);
    if (status == OD_OK)
        status = make_answer(arena, input.column_count, input.row_count, answer, error);
    for (uint32_t row = 0; status == OD_OK && row < input.row_count; row++) {
        bool keep;
        status = is_true(arena, plan->filter.predicate, od_answer_row(&input, row), &keep, error);
        if (keep)
            copy_cells(add_row(answer), od_answer_row(&input, row), input.column_count);
    }
    return status;
}

static enum od_status run_project(struct od_arena *arena, const struct od_plan *plan,
                                  struct od_answer *answer, struct od_error *error)
{
    struct od_answer input;
    uint32_t count = plan->schema.field_count;
    enum od_status status = od_model_run(arena, plan->inputs[0], &input, error);
    if (status == OD_OK)
        status = make_answer(arena, count, input.row_count, answer, error);
    for (uint32_t row = 0; status == OD_OK && row < input.row_count; row++) {
        struct od_value *cells = add_row(answer);
        for (uint32_t i = 0; i < count && status == OD_OK; i++)
            status = od_model_evaluate(arena, plan->project.exprs[i], od_answer_row(&input, row), &cells[i],
                                       error);
    }
    return status;
}

/* --- join ----------------------------------------------------------------------------------------------- */

/* All right rows against one left row. `pair` holds the left cells already. */
static enum od_status join_row(struct od_arena *arena, const struct od_plan *plan,
                               const struct od_answer *right, struct od_value *pair, uint32_t left_count,
                               struct od_answer *answer, struct od_error *error)
{
    bool matched = false;
    for (uint32_t row = 0; row < right->row_count; row++) {
        bool keep;
        copy_cells(pair + left_count, od_answer_row(right, row), right->column_count);
        enum od_status status = is_true(arena, plan->join.condition, pair, &keep, error);
        if (status != OD_OK)
            return status;
        if (keep)
            copy_cells(add_row(answer), pair, answer->column_count);
        matched |= keep;
    }
    if (!matched && plan->join.type == OD_JOIN_LEFT) {
        for (uint32_t i = left_count; i < answer->column_count; i++)
            pair[i] = null_of(plan->schema.fields[i].type);
        copy_cells(add_row(answer), pair, answer->column_count);
    }
    return OD_OK;
}

static enum od_status run_join(struct od_arena *arena, const struct od_plan *plan, struct od_answer *answer,
                               struct od_error *error)
{
    struct od_answer left, right;
    enum od_status status = od_model_run(arena, plan->inputs[0], &left, error);
    if (status == OD_OK)
        status = od_model_run(arena, plan->inputs[1], &right, error);
    if (status != OD_OK)
        return status;
    uint64_t rows_max = (uint64_t)left.row_count * (right.row_count == 0 ? 1 : right.row_count);
    status = make_answer(arena, left.column_count + right.column_count, rows_max, answer, error);
    struct od_value *pair = od_arena_take_array(arena, answer->column_count + 1, sizeof(*pair));
    if (status == OD_OK && pair == NULL)
        return no_memory(error);
    for (uint32_t row = 0; status == OD_OK && row < left.row_count; row++) {
        copy_cells(pair, od_answer_row(&left, row), left.column_count);
        status = join_row(arena, plan, &right, pair, left.column_count, answer, error);
    }
    return status;
}

/* --- groups --------------------------------------------------------------------------------------------- */

static struct od_value canonical_key(struct od_value value)
{
    if (!value.is_null && value.type == OD_TYPE_FLOAT64) {
        if (isnan(value.float64))
            value.float64 = (double)NAN;
        else if (value.float64 == 0)
            value.float64 = 0.0;
    }
    return value;
}

static bool keys_are_equal(const struct od_value *left, const struct od_value *right, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (left[i].is_null != right[i].is_null || (!left[i].is_null && od_model_order(&left[i], &right[i]) != 0))
            return false;
    return true;
}

/* The number of the key's group. Of equal numerics the one of largest scale shows. */
static uint32_t find_group(const struct od_answer *keys, const struct od_value *key)
{
    uint32_t group = 0;
    while (group < keys->row_count && !keys_are_equal(od_answer_row(keys, group), key, keys->column_count))
        group++;
    for (uint32_t i = 0; group < keys->row_count && i < keys->column_count; i++) {
        struct od_value *shown = &keys->cells[(size_t)group * keys->column_count + i];
        if (shown->type == OD_TYPE_DECIMAL && !shown->is_null && shown->decimal.scale < key[i].decimal.scale)
            *shown = key[i];
    }
    return group;
}

/* The distinct keys in order of appearance, and for each input row the number of its group. */
static enum od_status find_groups(struct od_arena *arena, const struct od_plan *plan,
                                  const struct od_answer *input, struct od_answer *keys, uint32_t *group_of,
                                  struct od_error *error)
{
    uint32_t count = plan->aggregate.group_count;
    enum od_status status = make_answer(arena, count, (uint64_t)input->row_count + 1, keys, error);
    struct od_value *key = od_arena_take_array(arena, count + 1, sizeof(*key));
    if (status != OD_OK || key == NULL)
        return no_memory(error);
    for (uint32_t row = 0; row < input->row_count && status == OD_OK; row++) {
        for (uint32_t i = 0; i < count && status == OD_OK; i++) {
            status = od_model_evaluate(arena, plan->aggregate.groups[i], od_answer_row(input, row), &key[i],
                                       error);
            key[i] = canonical_key(key[i]);
        }
        if (status != OD_OK)
            break;
        group_of[row] = find_group(keys, key);
        if (group_of[row] == keys->row_count)
            copy_cells(add_row(keys), key, count);
    }
    if (count == 0 && status == OD_OK)
        keys->row_count = 1; /* no groups: one row, also over no input */
    return status;
}

static enum od_status run_aggregate(struct od_arena *arena, const struct od_plan *plan,
                                    struct od_answer *answer, struct od_error *error)
{
    struct od_answer input, keys;
    enum od_status status = od_model_run(arena, plan->inputs[0], &input, error);
    if (status != OD_OK)
        return status;
    uint32_t *group_of = od_arena_take_array(arena, (size_t)input.row_count + 1, sizeof(*group_of));
    const struct od_value **members =
        od_arena_take_array(arena, (size_t)input.row_count + 1, sizeof(*members));
    if (group_of == NULL || members == NULL)
        return no_memory(error);
    status = find_groups(arena, plan, &input, &keys, group_of, error);
    if (status == OD_OK)
        status = make_answer(arena, plan->schema.field_count, keys.row_count, answer, error);
    for (uint32_t group = 0; status == OD_OK && group < keys.row_count; group++) {
        struct od_value *cells = add_row(answer);
        uint32_t member_count = 0;
        for (uint32_t row = 0; row < input.row_count; row++)
            if (group_of[row] == group)
                members[member_count++] = od_answer_row(&input, row);
        copy_cells(cells, od_answer_row(&keys, group), keys.column_count);
        for (uint32_t i = 0; i < plan->aggregate.aggregate_count && status == OD_OK; i++)
            status = od_model_aggregate(arena, &plan->aggregate.aggregates[i], members, member_count,
                                        &cells[keys.column_count + i], error);
    }
    return status;
}

/* --- order ---------------------------------------------------------------------------------------------- */

static int order_by_key(const struct od_sort_key *key, const struct od_value *left,
                        const struct od_value *right)
{
    if (left->is_null && right->is_null)
        return 0;
    if (left->is_null || right->is_null)
        return left->is_null == key->nulls_first ? -1 : 1;
    int order = od_model_order(left, right);
    return key->descending ? -order : order;
}

/* Keys first, then the whole row. Key cells lie in front of the row's. */
static int order_rows(const struct od_sort_key *keys, uint32_t key_count, const struct od_value *left,
                      const struct od_value *right, uint32_t column_count)
{
    int order = 0;
    for (uint32_t i = 0; i < key_count && order == 0; i++)
        order = order_by_key(&keys[i], &left[i], &right[i]);
    return order != 0 ? order : od_answer_compare_rows(left + key_count, right + key_count, column_count);
}

/* Insertion sort: obvious, and inputs are small. */
static enum od_status sort_rows(struct od_arena *arena, const struct od_sort_key *keys, uint32_t key_count,
                                const struct od_answer *input, struct od_answer *answer,
                                struct od_error *error)
{
    struct od_answer wide;
    uint32_t width = key_count + input->column_count;
    const struct od_value **rows = od_arena_take_array(arena, (size_t)input->row_count + 1, sizeof(*rows));
    enum od_status status = make_answer(arena, width, input->row_count, &wide, error);
    if (status == OD_OK)
        status = make_answer(arena, input->column_count, input->row_count, answer, error);
    if (status != OD_OK || rows == NULL)
        return no_memory(error);
    for (uint32_t row = 0; row < input->row_count; row++) {
        struct od_value *cells = add_row(&wide);
        for (uint32_t i = 0; i < key_count && status == OD_OK; i++)
            status = od_model_evaluate(arena, keys[i].expr, od_answer_row(input, row), &cells[i], error);
        if (status != OD_OK)
            return status;
        copy_cells(cells + key_count, od_answer_row(input, row), input->column_count);
        uint32_t at = row;
        for (; at > 0 && order_rows(keys, key_count, cells, rows[at - 1], input->column_count) < 0; at--)
            rows[at] = rows[at - 1];
        rows[at] = cells;
    }
    for (uint32_t row = 0; row < input->row_count; row++)
        copy_cells(add_row(answer), rows[row] + key_count, input->column_count);
    return OD_OK;
}

static enum od_status run_sort(struct od_arena *arena, const struct od_plan *plan, struct od_answer *answer,
                               struct od_error *error)
{
    struct od_answer input;
    enum od_status status = od_model_run(arena, plan->inputs[0], &input, error);
    return status != OD_OK ? status
                           : sort_rows(arena, plan->sort.keys, plan->sort.key_count, &input, answer, error);
}

static enum od_status run_limit(struct od_arena *arena, const struct od_plan *plan, struct od_answer *answer,
                                struct od_error *error)
{
    struct od_answer input;
    enum od_status status = od_model_run(arena, plan->inputs[0], &input, error);
    if (status == OD_OK)
        status = make_answer(arena, input.column_count, input.row_count, answer, error);
    for (uint64_t row = plan->limit.offset; status == OD_OK && row < input.row_count; row++) {
        if (row - plan->limit.offset >= plan->limit.count)
            break;
        copy_cells(add_row(answer), od_answer_row(&input, (uint32_t)row), input.column_count);
    }
    return status;
}

/* --- any node ------------------------------------------------------------------------------------------- */

typedef enum od_status (*run_node)(struct od_arena *arena, const struct od_plan *plan,
                                   struct od_answer *answer, struct od_error *error);
static const run_node nodes[OD_PLAN_KIND_COUNT] = {
    [OD_PLAN_SCAN] = run_scan,   [OD_PLAN_FILTER] = run_filter,       [OD_PLAN_PROJECT] = run_project,
    [OD_PLAN_JOIN] = run_join,   [OD_PLAN_AGGREGATE] = run_aggregate, [OD_PLAN_SORT] = run_sort,
    [OD_PLAN_LIMIT] = run_limit,
};

enum od_status od_model_run(struct od_arena *arena, const struct od_plan *plan, struct od_answer *answer_out,
                            struct od_error *error)
{
    if (nodes[plan->kind] == NULL)
        return od_fail(error, OD_UNSUPPORTED, "the model does not know %s", od_plan_kind_text(plan->kind));
    return nodes[plan->kind](arena, plan, answer_out, error);
}

enum od_compare od_model_comparison(const struct od_plan *plan)
{
    const struct od_plan *sort = plan->kind == OD_PLAN_LIMIT ? plan->inputs[0] : plan;
    bool promised = sort->kind == OD_PLAN_SORT && sort->sort.key_count > 0;
    return promised ? OD_COMPARE_ORDERED : OD_COMPARE_MULTISET;
}
