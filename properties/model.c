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
            status = od_model_evaluate(arena, plan->rows.exprs[i], od_answer_row(&input, row), &cells[i],
                                       error);
    }
    return status;
}

/* --- join ----------------------------------------------------------------------------------------------- */

/* A join at work: `pair` holds the left cells, then the right ones. */
struct joining {
    struct od_arena *arena;
    const struct od_plan *plan;
    struct od_answer left, right;
    struct od_value *pair;
    bool *right_matched;
    struct od_answer *answer;
};

static void pad(const struct joining *joining, uint32_t first, uint32_t count)
{
    const struct od_plan *const *inputs = joining->plan->inputs;
    for (uint32_t i = first; i < first + count; i++)
        joining->pair[i] = null_of(i < joining->left.column_count
                                       ? inputs[0]->schema.fields[i].type
                                       : inputs[1]->schema.fields[i - joining->left.column_count].type);
}

/* What the condition is for the pair. A filter's conjuncts end at the first that is not true, as in is_true(); where NULL
 * differs from false, all of it counts. */
static enum od_status judge_pair(const struct joining *joining, struct od_value *value,
                                 struct od_error *error)
{
    enum od_join_type type = joining->plan->join.type;
    const struct od_expr *condition = joining->plan->join.condition;
    if (type == OD_JOIN_MARK || type == OD_JOIN_NULL_ANTI)
        return od_model_evaluate(joining->arena, condition, joining->pair, value, error);
    *value = (struct od_value){.type = OD_TYPE_BOOLEAN};
    return is_true(joining->arena, condition, joining->pair, &value->boolean, error);
}

/* One left row, which lies in `pair`, against all right ones. */
static enum od_status join_row(const struct joining *joining, struct od_error *error)
{
    enum od_join_type type = joining->plan->join.type;
    uint32_t left_count = joining->left.column_count, right_count = joining->right.column_count;
    bool any_null = false;
    uint32_t matches = 0;
    for (uint32_t row = 0; row < joining->right.row_count; row++) {
        struct od_value value;
        copy_cells(joining->pair + left_count, od_answer_row(&joining->right, row), right_count);
        enum od_status status = judge_pair(joining, &value, error);
        if (status != OD_OK)
            return status;
        any_null |= value.is_null;
        if (value.is_null || !value.boolean)
            continue;
        joining->right_matched[row] = true;
        if (++matches == 2 && type == OD_JOIN_SINGLE)
            return od_fail(error, OD_EVALUATION, "more than one row returned by a subquery");
        if (od_join_gives_right(type))
            copy_cells(add_row(joining->answer), joining->pair, left_count + right_count);
    }
    bool is_wanted = type == OD_JOIN_SEMI        ? matches > 0
                     : type == OD_JOIN_ANTI      ? matches == 0
                     : type == OD_JOIN_NULL_ANTI ? matches == 0 && !any_null
                     : type == OD_JOIN_MARK      ? true
                                                 : matches == 0 && od_join_pads_right(type);
    if (!is_wanted)
        return OD_OK;
    pad(joining, left_count, right_count);
    struct od_value *cells = add_row(joining->answer);
    copy_cells(cells, joining->pair, od_join_gives_right(type) ? left_count + right_count : left_count);
    if (type == OD_JOIN_MARK)
        cells[left_count] = (struct od_value){
            .type = OD_TYPE_BOOLEAN, .is_null = matches == 0 && any_null, .boolean = matches > 0};
    return OD_OK;
}

static enum od_status run_join(struct od_arena *arena, const struct od_plan *plan, struct od_answer *answer,
                               struct od_error *error)
{
    struct joining joining = {.arena = arena, .plan = plan, .answer = answer};
    enum od_status status = od_model_run(arena, plan->inputs[0], &joining.left, error);
    if (status == OD_OK)
        status = od_model_run(arena, plan->inputs[1], &joining.right, error);
    if (status != OD_OK)
        return status;
    uint32_t width = joining.left.column_count + joining.right.column_count;
    uint64_t rows_max = ((uint64_t)joining.left.row_count + 1) * ((uint64_t)joining.right.row_count + 1);
    status = make_answer(arena, plan->schema.field_count, rows_max, answer, error);
    joining.pair = od_arena_take_array(arena, width + 1, sizeof(*joining.pair));
    joining.right_matched = od_arena_take_array(arena, joining.right.row_count + 1, sizeof(bool));
    if (status == OD_OK && (joining.pair == NULL || joining.right_matched == NULL))
        return no_memory(error);
    for (uint32_t row = 0; status == OD_OK && row < joining.left.row_count; row++) {
        copy_cells(joining.pair, od_answer_row(&joining.left, row), joining.left.column_count);
        status = join_row(&joining, error);
    }
    for (uint32_t row = 0;
         status == OD_OK && od_join_pads_left(plan->join.type) && row < joining.right.row_count; row++) {
        if (joining.right_matched[row])
            continue;
        pad(&joining, 0, joining.left.column_count);
        copy_cells(joining.pair + joining.left.column_count, od_answer_row(&joining.right, row),
                   joining.right.column_count);
        copy_cells(add_row(answer), joining.pair, width);
    }
    return status;
}

/* --- union, values, expand ------------------------------------------------------------------------------ */

static enum od_status run_union(struct od_arena *arena, const struct od_plan *plan, struct od_answer *answer,
                                struct od_error *error)
{
    struct od_answer inputs[2];
    for (uint32_t i = 0; i < 2; i++) {
        enum od_status status = od_model_run(arena, plan->inputs[i], &inputs[i], error);
        if (status != OD_OK)
            return status;
    }
    enum od_status status = make_answer(arena, plan->schema.field_count,
                                        (uint64_t)inputs[0].row_count + inputs[1].row_count, answer, error);
    for (uint32_t i = 0; i < 2 && status == OD_OK; i++)
        for (uint32_t row = 0; row < inputs[i].row_count; row++)
            copy_cells(add_row(answer), od_answer_row(&inputs[i], row), answer->column_count);
    return status;
}

/* For each input row (for VALUES: once) each list of expressions gives a row. */
static enum od_status run_lists(struct od_arena *arena, const struct od_plan *plan, struct od_answer *answer,
                                struct od_error *error)
{
    struct od_answer input = {0, 1, NULL};
    bool is_values = plan->kind == OD_PLAN_VALUES;
    uint32_t width = plan->schema.field_count;
    uint32_t list_count = plan->rows.row_count;
    const struct od_expr *const *exprs = plan->rows.exprs;
    enum od_status status = is_values ? OD_OK : od_model_run(arena, plan->inputs[0], &input, error);
    if (status == OD_OK)
        status = make_answer(arena, width, (uint64_t)input.row_count * list_count, answer, error);
    for (uint32_t row = 0; status == OD_OK && row < input.row_count; row++)
        for (uint32_t list = 0; list < list_count && status == OD_OK; list++) {
            struct od_value *cells = add_row(answer);
            for (uint32_t i = 0; i < width && status == OD_OK; i++)
                status = od_model_evaluate(arena, exprs[list * width + i],
                                           is_values ? NULL : od_answer_row(&input, row), &cells[i], error);
        }
    return status;
}

static enum od_status run_same(struct od_arena *arena, const struct od_plan *plan, struct od_answer *answer,
                               struct od_error *error)
{
    return od_model_run(arena, plan->inputs[0], answer, error);
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
        if (left[i].is_null != right[i].is_null ||
            (!left[i].is_null && od_model_order(&left[i], &right[i]) != 0))
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
enum od_status od_model_sort(struct od_arena *arena, const struct od_sort_key *keys, uint32_t key_count,
                             const struct od_answer *input, struct od_answer *answer, struct od_error *error)
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
    return status != OD_OK
               ? status
               : od_model_sort(arena, plan->sort.keys, plan->sort.key_count, &input, answer, error);
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
    [OD_PLAN_SCAN] = run_scan,    [OD_PLAN_FILTER] = run_filter,       [OD_PLAN_PROJECT] = run_project,
    [OD_PLAN_JOIN] = run_join,    [OD_PLAN_AGGREGATE] = run_aggregate, [OD_PLAN_SORT] = run_sort,
    [OD_PLAN_LIMIT] = run_limit,  [OD_PLAN_UNION] = run_union,         [OD_PLAN_VALUES] = run_lists,
    [OD_PLAN_EXPAND] = run_lists, [OD_PLAN_REPARTITION] = run_same,    [OD_PLAN_WINDOW] = od_model_window,
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
