/* model: plans, node by node; see model.h, and model_parts.h for the files. Each node makes a whole new answer from the whole
 * answers of its inputs; nothing is changed in place. */
#include "properties/model.h"

#include "engine/core/assert.h"
#include "properties/model_parts.h"

#include <math.h>
#include <string.h>

enum od_status od_model_no_memory(const struct od_model *model)
{
    return od_fail(model->error, OD_NO_MEMORY, "the model ran out of memory");
}

enum od_status od_model_no_value(const struct od_model *model, const char *reason)
{
    return od_fail(model->error, OD_EVALUATION, "%s", reason);
}

enum od_status od_model_unknown(const struct od_model *model, const char *what)
{
    return od_fail(model->error, OD_UNSUPPORTED, "the model does not know %s", what);
}

/* --- rows ----------------------------------------------------------------------------------------------- */

enum od_status od_model_make_answer(const struct od_model *model, uint32_t column_count, uint64_t row_count,
                                    struct od_answer *answer_out)
{
    *answer_out = (struct od_answer){column_count, 0, NULL};
    answer_out->cells =
        od_arena_take_array(model->arena, row_count * column_count + 1, sizeof(struct od_value));
    return answer_out->cells == NULL ? od_model_no_memory(model) : OD_OK;
}

struct od_value *od_model_add_row(struct od_answer *answer)
{
    return answer->cells + (size_t)answer->row_count++ * answer->column_count;
}

void od_model_copy_cells(struct od_value *target, const struct od_value *source, uint32_t count)
{
    if (count > 0)
        memcpy(target, source, count * sizeof(*target));
}

struct od_value od_model_null(enum od_type type)
{
    struct od_value value;
    memset(&value, 0, sizeof(value));
    value.type = type;
    value.is_null = true;
    return value;
}

bool od_model_equal(const struct od_value *left, const struct od_value *right, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (left[i].is_null != right[i].is_null ||
            (!left[i].is_null && od_model_order(&left[i], &right[i]) != 0))
            return false;
    return true;
}

/* --- one row after the other ---------------------------------------------------------------------------- */

static enum od_status run_scan(const struct od_model *model, const struct od_plan *plan,
                               struct od_answer *answer)
{
    struct od_batch batch = od_table_view(plan->scan.table);
    OD_TRY(od_model_make_answer(model, plan->scan.column_count, batch.row_count, answer));
    for (uint32_t row = 0; row < batch.row_count; row++) {
        struct od_value *cells = od_model_add_row(answer);
        for (uint32_t i = 0; i < plan->scan.column_count; i++)
            cells[i] = od_column_value(&batch.columns[plan->scan.columns[i]], row);
    }
    return OD_OK;
}

static enum od_status run_filter(const struct od_model *model, const struct od_plan *plan,
                                 struct od_answer *answer)
{
    struct od_answer input;
    OD_TRY(od_model_node(model, plan->inputs[0], &input));
    OD_TRY(od_model_make_answer(model, input.column_count, input.row_count, answer));
    for (uint32_t row = 0; row < input.row_count; row++) {
        bool keep;
        OD_TRY(od_model_is_true(model, plan->filter.predicate, od_answer_row(&input, row), &keep));
        if (keep)
            od_model_copy_cells(od_model_add_row(answer), od_answer_row(&input, row), input.column_count);
    }
    return OD_OK;
}

/* For each input row each list of expressions gives a row. */
static enum od_status run_lists(const struct od_model *model, const struct od_answer *input,
                                const struct od_expr *const *exprs, uint32_t list_count,
                                struct od_answer *answer)
{
    uint32_t width = answer->column_count;
    OD_TRY(od_model_make_answer(model, width, (uint64_t)input->row_count * list_count, answer));
    for (uint32_t row = 0; row < input->row_count; row++)
        for (uint32_t list = 0; list < list_count; list++) {
            struct od_value *cells = od_model_add_row(answer);
            for (uint32_t i = 0; i < width; i++)
                OD_TRY(
                    od_model_evaluate(model, exprs[list * width + i], od_answer_row(input, row), &cells[i]));
        }
    return OD_OK;
}

/* PROJECT and EXPAND; VALUES over one row of nothing. */
static enum od_status run_rows(const struct od_model *model, const struct od_plan *plan,
                               struct od_answer *answer)
{
    struct od_value nothing = {.is_null = true};
    struct od_answer input = {0, 1, &nothing};
    if (plan->input_count > 0)
        OD_TRY(od_model_node(model, plan->inputs[0], &input));
    answer->column_count = plan->schema.field_count;
    return run_lists(model, &input, plan->rows.exprs, plan->rows.row_count, answer);
}

static enum od_status run_union(const struct od_model *model, const struct od_plan *plan,
                                struct od_answer *answer)
{
    struct od_answer inputs[2];
    OD_TRY(od_model_node(model, plan->inputs[0], &inputs[0]));
    OD_TRY(od_model_node(model, plan->inputs[1], &inputs[1]));
    uint64_t row_count = (uint64_t)inputs[0].row_count + inputs[1].row_count;
    OD_TRY(od_model_make_answer(model, plan->schema.field_count, row_count, answer));
    for (uint32_t i = 0; i < 2; i++)
        for (uint32_t row = 0; row < inputs[i].row_count; row++)
            od_model_copy_cells(od_model_add_row(answer), od_answer_row(&inputs[i], row),
                                answer->column_count);
    return OD_OK;
}

/* The same rows, wherever they lie. */
/* The same rows. */
static enum od_status run_input(const struct od_model *model, const struct od_plan *plan,
                                      struct od_answer *answer)
{
    return od_model_node(model, plan->inputs[0], answer);
}

/* All rows as one batch. What comes back is copied, as the table dies here. */
static enum od_status run_map(const struct od_model *model, const struct od_plan *plan,
                              struct od_answer *answer)
{
    struct od_answer input, mapped = {0, 0, NULL};
    struct od_batch_builder builder;
    struct od_memory *memory = model->arena->memory;
    OD_TRY(od_model_node(model, plan->inputs[0], &input));
    struct od_table *table = od_answer_to_table(memory, &input, &plan->inputs[0]->schema, model->error);
    if (table == NULL)
        return od_model_no_memory(model);
    struct od_batch batch = od_table_view(table);
    enum od_status status = od_batch_builder_init(&builder, memory, &plan->schema, model->error);
    if (status == OD_OK)
        status = plan->map.function->map(plan->map.function->self, &batch, &builder, model->error);
    if (status == OD_OK) {
        batch = od_batch_builder_view(&builder);
        status = od_model_make_answer(model, plan->schema.field_count, batch.row_count, &mapped);
    }
    for (uint32_t row = 0; status == OD_OK && row < batch.row_count; row++) {
        struct od_value *cells = od_model_add_row(&mapped);
        for (uint32_t i = 0; i < mapped.column_count && status == OD_OK; i++) {
            cells[i] = od_column_value(&batch.columns[i], row);
            if (cells[i].type != OD_TYPE_TEXT || cells[i].is_null)
                continue;
            cells[i].text.bytes = od_arena_copy_text(model->arena, cells[i].text.bytes, cells[i].text.size);
            status = cells[i].text.bytes == NULL ? od_model_no_memory(model) : OD_OK;
        }
    }
    od_batch_builder_release(&builder);
    od_table_free(memory, table);
    *answer = mapped;
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

/* The number of the key's group. Of equal numerics the one of largest scale shows. */
static uint32_t find_group(const struct od_answer *keys, const struct od_value *key)
{
    uint32_t group = 0;
    while (group < keys->row_count && !od_model_equal(od_answer_row(keys, group), key, keys->column_count))
        group++;
    for (uint32_t i = 0; group < keys->row_count && i < keys->column_count; i++) {
        struct od_value *shown = &keys->cells[(size_t)group * keys->column_count + i];
        if (shown->type == OD_TYPE_DECIMAL && !shown->is_null && shown->decimal.scale < key[i].decimal.scale)
            *shown = key[i];
    }
    return group;
}

/* The distinct keys in order of appearance, and for each input row the number of its group. */
static enum od_status find_groups(const struct od_model *model, const struct od_plan *plan,
                                  const struct od_answer *input, struct od_answer *keys, uint32_t *group_of)
{
    uint32_t count = plan->aggregate.group_count;
    OD_TRY(od_model_make_answer(model, count, (uint64_t)input->row_count + 1, keys));
    struct od_value *key = od_arena_take_array(model->arena, count + 1, sizeof(*key));
    if (key == NULL)
        return od_model_no_memory(model);
    for (uint32_t row = 0; row < input->row_count; row++) {
        for (uint32_t i = 0; i < count; i++) {
            OD_TRY(od_model_evaluate(model, plan->aggregate.groups[i], od_answer_row(input, row), &key[i]));
            key[i] = canonical_key(key[i]);
        }
        group_of[row] = find_group(keys, key);
        if (group_of[row] == keys->row_count)
            od_model_copy_cells(od_model_add_row(keys), key, count);
    }
    if (count == 0)
        keys->row_count = 1; /* no groups: one row, also over no input */
    return OD_OK;
}

static enum od_status run_aggregate(const struct od_model *model, const struct od_plan *plan,
                                    struct od_answer *answer)
{
    struct od_answer input, keys;
    OD_TRY(od_model_node(model, plan->inputs[0], &input));
    uint32_t *group_of = od_arena_take_array(model->arena, (size_t)input.row_count + 1, sizeof(*group_of));
    const struct od_value **members =
        od_arena_take_array(model->arena, (size_t)input.row_count + 1, sizeof(*members));
    if (group_of == NULL || members == NULL)
        return od_model_no_memory(model);
    OD_TRY(find_groups(model, plan, &input, &keys, group_of));
    OD_TRY(od_model_make_answer(model, plan->schema.field_count, keys.row_count, answer));
    for (uint32_t group = 0; group < keys.row_count; group++) {
        struct od_value *cells = od_model_add_row(answer);
        uint32_t member_count = 0;
        for (uint32_t row = 0; row < input.row_count; row++)
            if (group_of[row] == group)
                members[member_count++] = od_answer_row(&input, row);
        od_model_copy_cells(cells, od_answer_row(&keys, group), keys.column_count);
        for (uint32_t i = 0; i < plan->aggregate.aggregate_count; i++)
            OD_TRY(od_model_aggregate(model, &plan->aggregate.aggregates[i], members, member_count, false,
                                      &cells[keys.column_count + i]));
    }
    return OD_OK;
}

/* --- order ---------------------------------------------------------------------------------------------- */

int od_model_order_by_key(const struct od_sort_key *key, const struct od_value *left,
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
        order = od_model_order_by_key(&keys[i], &left[i], &right[i]);
    return order != 0 ? order : od_answer_compare_rows(left + key_count, right + key_count, column_count);
}

/* Insertion sort: obvious, and inputs are small. */
enum od_status od_model_sort(const struct od_model *model, const struct od_sort_key *keys, uint32_t key_count,
                             const struct od_answer *input, struct od_answer *answer)
{
    struct od_answer wide;
    uint32_t width = key_count + input->column_count;
    const struct od_value **rows =
        od_arena_take_array(model->arena, (size_t)input->row_count + 1, sizeof(*rows));
    OD_TRY(od_model_make_answer(model, width, input->row_count, &wide));
    OD_TRY(od_model_make_answer(model, input->column_count, input->row_count, answer));
    if (rows == NULL)
        return od_model_no_memory(model);
    for (uint32_t row = 0; row < input->row_count; row++) {
        struct od_value *cells = od_model_add_row(&wide);
        for (uint32_t i = 0; i < key_count; i++)
            OD_TRY(od_model_evaluate(model, keys[i].expr, od_answer_row(input, row), &cells[i]));
        od_model_copy_cells(cells + key_count, od_answer_row(input, row), input->column_count);
        uint32_t at = row;
        for (; at > 0 && order_rows(keys, key_count, cells, rows[at - 1], input->column_count) < 0; at--)
            rows[at] = rows[at - 1];
        rows[at] = cells;
    }
    for (uint32_t row = 0; row < input->row_count; row++)
        od_model_copy_cells(od_model_add_row(answer), rows[row] + key_count, input->column_count);
    return OD_OK;
}

static enum od_status run_sort(const struct od_model *model, const struct od_plan *plan,
                               struct od_answer *answer)
{
    struct od_answer input;
    OD_TRY(od_model_node(model, plan->inputs[0], &input));
    return od_model_sort(model, plan->sort.keys, plan->sort.key_count, &input, answer);
}

static enum od_status run_limit(const struct od_model *model, const struct od_plan *plan,
                                struct od_answer *answer)
{
    struct od_answer input;
    OD_TRY(od_model_node(model, plan->inputs[0], &input));
    OD_TRY(od_model_make_answer(model, input.column_count, input.row_count, answer));
    for (uint64_t row = plan->limit.offset; row < input.row_count; row++) {
        if (row - plan->limit.offset >= plan->limit.count)
            break;
        od_model_copy_cells(od_model_add_row(answer), od_answer_row(&input, (uint32_t)row),
                            input.column_count);
    }
    return OD_OK;
}

/* --- any node ------------------------------------------------------------------------------------------- */

typedef enum od_status (*run_node)(const struct od_model *model, const struct od_plan *plan,
                                   struct od_answer *answer);
static const run_node nodes[] = {
    [OD_PLAN_SCAN] = run_scan,
    [OD_PLAN_FILTER] = run_filter,
    [OD_PLAN_PROJECT] = run_rows,
    [OD_PLAN_JOIN] = od_model_join,
    [OD_PLAN_AGGREGATE] = run_aggregate,
    [OD_PLAN_SORT] = run_sort,
    [OD_PLAN_LIMIT] = run_limit,
    [OD_PLAN_VALUES] = run_rows,
    [OD_PLAN_UNION] = run_union,
    [OD_PLAN_EXPAND] = run_rows,
    [OD_PLAN_WINDOW] = od_model_window,
    [OD_PLAN_APPLY] = od_model_join,
    [OD_PLAN_MAP] = run_map,
    [OD_PLAN_REPARTITION] = run_input,
    [OD_PLAN_KEEP] = run_input,
};
_Static_assert(sizeof(nodes) / sizeof(nodes[0]) == OD_PLAN_KIND_COUNT, "every node has a row");

enum od_status od_model_node(const struct od_model *model, const struct od_plan *plan,
                             struct od_answer *answer_out)
{
    return nodes[plan->kind](model, plan, answer_out);
}

enum od_status od_model_run(struct od_arena *arena, const struct od_plan *plan, struct od_answer *answer_out,
                            struct od_error *error)
{
    const struct od_model model = {arena, error, NULL};
    return od_model_node(&model, plan, answer_out);
}

enum od_compare od_model_comparison(const struct od_plan *plan)
{
    const struct od_plan *sort = plan->kind == OD_PLAN_LIMIT ? plan->inputs[0] : plan;
    bool promised = sort->kind == OD_PLAN_SORT && sort->sort.key_count > 0;
    return promised ? OD_COMPARE_ORDERED : OD_COMPARE_MULTISET;
}
