/* model_join: joins by nested loops. An APPLY is a join whose right side is run anew for each left row, which its expressions
 * may read. */
#include "properties/model_parts.h"

/* A join at work: `pair` holds the left cells, then the right ones. */
struct joining {
    const struct od_model *model;
    const struct od_plan *plan;
    struct od_answer left, right;
    struct od_value *pair;
    bool *right_matched; /* NULL for an APPLY: no right row outlives its left one */
    struct od_answer *answer;
};

static void pad(const struct joining *joining, uint32_t first, uint32_t count)
{
    const struct od_plan *const *inputs = joining->plan->inputs;
    uint32_t left_count = joining->left.column_count;
    for (uint32_t i = first; i < first + count; i++)
        joining->pair[i] = od_model_null(i < left_count ? inputs[0]->schema.fields[i].type
                                                        : inputs[1]->schema.fields[i - left_count].type);
}

/* Rows of an APPLY's answer are not known before its right side was run: room for `needed` more. */
static enum od_status make_room(const struct joining *joining, uint64_t *room, uint64_t needed)
{
    struct od_answer *answer = joining->answer, grown;
    if (answer->row_count + needed <= *room)
        return OD_OK;
    *room = 2 * (answer->row_count + needed);
    OD_TRY(od_model_make_answer(joining->model, answer->column_count, *room, &grown));
    od_model_copy_cells(grown.cells, answer->cells, answer->row_count * answer->column_count);
    grown.row_count = answer->row_count;
    *answer = grown;
    return OD_OK;
}

/* What the condition is for the pair. A filter's conjuncts end at the first that is not true, as in od_model_is_true(); where
 * NULL differs from false, all of it counts. */
static enum od_status judge_pair(const struct joining *joining, struct od_value *value)
{
    enum od_join_type type = joining->plan->join.type;
    const struct od_expr *condition = joining->plan->join.condition;
    if (type == OD_JOIN_MARK || type == OD_JOIN_NULL_ANTI)
        return od_model_evaluate(joining->model, condition, joining->pair, value);
    *value = (struct od_value){.type = OD_TYPE_BOOLEAN};
    return od_model_is_true(joining->model, condition, joining->pair, &value->boolean);
}

/* One left row, which lies in `pair`, against all right ones. */
static enum od_status join_row(const struct joining *joining)
{
    enum od_join_type type = joining->plan->join.type;
    uint32_t left_count = joining->left.column_count, right_count = joining->right.column_count;
    bool any_null = false;
    uint32_t matches = 0;
    for (uint32_t row = 0; row < joining->right.row_count; row++) {
        struct od_value value;
        od_model_copy_cells(joining->pair + left_count, od_answer_row(&joining->right, row), right_count);
        OD_TRY(judge_pair(joining, &value));
        any_null |= value.is_null;
        if (value.is_null || !value.boolean)
            continue;
        if (joining->right_matched != NULL)
            joining->right_matched[row] = true;
        if (++matches == 2 && type == OD_JOIN_SINGLE)
            return od_model_no_value(joining->model, "more than one row returned by a subquery");
        if (od_join_gives_right(type))
            od_model_copy_cells(od_model_add_row(joining->answer), joining->pair, left_count + right_count);
    }
    bool is_wanted = type == OD_JOIN_SEMI        ? matches > 0
                     : type == OD_JOIN_ANTI      ? matches == 0
                     : type == OD_JOIN_NULL_ANTI ? matches == 0 && !any_null
                     : type == OD_JOIN_MARK      ? true
                                                 : matches == 0 && od_join_pads_right(type);
    if (!is_wanted)
        return OD_OK;
    pad(joining, left_count, right_count);
    struct od_value *cells = od_model_add_row(joining->answer);
    od_model_copy_cells(cells, joining->pair,
                        od_join_gives_right(type) ? left_count + right_count : left_count);
    if (type == OD_JOIN_MARK)
        cells[left_count] = (struct od_value){
            .type = OD_TYPE_BOOLEAN, .is_null = matches == 0 && any_null, .boolean = matches > 0};
    return OD_OK;
}

/* The right rows that no left one has met. */
static void add_unmatched(const struct joining *joining)
{
    uint32_t left_count = joining->left.column_count, right_count = joining->right.column_count;
    for (uint32_t row = 0; row < joining->right.row_count; row++) {
        if (joining->right_matched[row])
            continue;
        pad(joining, 0, left_count);
        od_model_copy_cells(joining->pair + left_count, od_answer_row(&joining->right, row), right_count);
        od_model_copy_cells(od_model_add_row(joining->answer), joining->pair, left_count + right_count);
    }
}

static enum od_status run_right(struct joining *joining, const struct od_value *left_row)
{
    const struct od_model_outer outer = {left_row, joining->model->outer};
    const struct od_model inner = {joining->model->arena, joining->model->error, &outer};
    return od_model_node(&inner, joining->plan->inputs[1], &joining->right);
}

enum od_status od_model_join(const struct od_model *model, const struct od_plan *plan,
                             struct od_answer *answer)
{
    struct joining joining = {.model = model, .plan = plan, .answer = answer};
    bool is_apply = plan->kind == OD_PLAN_APPLY;
    uint64_t room = 0;
    uint32_t width = plan->inputs[0]->schema.field_count + plan->inputs[1]->schema.field_count;
    OD_TRY(od_model_node(model, plan->inputs[0], &joining.left));
    OD_TRY(od_model_make_answer(model, plan->schema.field_count, 0, answer));
    joining.right.column_count = plan->inputs[1]->schema.field_count;
    joining.pair = od_arena_take_array(model->arena, width + 1, sizeof(*joining.pair));
    if (joining.pair == NULL)
        return od_model_no_memory(model);
    if (!is_apply) {
        OD_TRY(od_model_node(model, plan->inputs[1], &joining.right));
        joining.right_matched = od_arena_take_array(model->arena, joining.right.row_count + 1, sizeof(bool));
        if (joining.right_matched == NULL)
            return od_model_no_memory(model);
    } else if (od_join_pads_left(plan->join.type)) {
        return od_model_unknown(model, "right rows of an apply without left ones");
    }
    for (uint32_t row = 0; row < joining.left.row_count; row++) {
        const struct od_value *left_row = od_answer_row(&joining.left, row);
        if (is_apply)
            OD_TRY(run_right(&joining, left_row));
        od_model_copy_cells(joining.pair, left_row, joining.left.column_count);
        OD_TRY(make_room(&joining, &room, (uint64_t)joining.right.row_count + 1));
        OD_TRY(join_row(&joining));
    }
    if (od_join_pads_left(plan->join.type)) {
        OD_TRY(make_room(&joining, &room, joining.right.row_count));
        add_unmatched(&joining);
    }
    return OD_OK;
}
