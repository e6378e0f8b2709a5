/* plan_rewrite: see plan_rewrite.h. Nodes are rebuilt through od_plan_make, so that types and schemas are checked again.
 * Names are handed over from the old node: a rule never changes what a column is called. */
#include "engine/plan/plan_rewrite.h"

#include <string.h>

#include "engine/core/assert.h"

uint32_t od_plan_clauses(const struct od_plan *plan, struct od_clause_list lists[OD_CLAUSE_LISTS_MAX])
{
    uint32_t width = plan->schema.field_count;
    uint32_t count = 0;
#define LIST(kind, size, list) lists[count++] = (struct od_clause_list){OD_CLAUSE_##kind, (size), (list)}
    switch (plan->kind) {
    case OD_PLAN_SCAN:
        LIST(NUMBERS, plan->scan.column_count, plan->scan.columns);
        break;
    case OD_PLAN_FILTER:
        LIST(EXPRS, 1, &plan->filter.predicate);
        break;
    case OD_PLAN_PROJECT:
        LIST(EXPRS, width, plan->project.exprs);
        break;
    case OD_PLAN_JOIN:
    case OD_PLAN_APPLY:
        LIST(EXPRS, 1, &plan->join.condition);
        break;
    case OD_PLAN_VALUES:
        LIST(EXPRS, plan->values.row_count * width, plan->values.exprs);
        break;
    case OD_PLAN_EXPAND:
        LIST(EXPRS, plan->expand.list_count * width, plan->expand.exprs);
        break;
    case OD_PLAN_SORT:
        LIST(KEYS, plan->sort.key_count, plan->sort.keys);
        break;
    case OD_PLAN_REPARTITION:
        LIST(EXPRS, plan->repartition.key_count, plan->repartition.keys);
        break;
    case OD_PLAN_AGGREGATE:
        LIST(EXPRS, plan->aggregate.group_count, plan->aggregate.groups);
        LIST(AGGREGATES, plan->aggregate.aggregate_count, plan->aggregate.aggregates);
        break;
    case OD_PLAN_WINDOW:
        LIST(EXPRS, plan->window.partition_count, plan->window.partitions);
        LIST(KEYS, plan->window.key_count, plan->window.keys);
        LIST(CALLS, plan->window.call_count, plan->window.calls);
        break;
    case OD_PLAN_UNION:
    case OD_PLAN_LIMIT:
    case OD_PLAN_MAP:
    case OD_PLAN_KIND_COUNT:
        break;
    }
#undef LIST
    return count;
}

/* --- places: where a node holds an expression -------------------------------------------------- */

/* Of a node that is only looked at, places are not written to. */
struct place_visitor {
    enum od_status (*visit)(void *self, const struct od_expr **place, struct od_error *error);
    void *self;
    struct od_error *error;
};

static enum od_status visit_place(const struct place_visitor *visitor, const struct od_expr *const *place)
{
    return *place == NULL ? OD_OK : visitor->visit(visitor->self, (const struct od_expr **)place, visitor->error);
}

static enum od_status visit_keys(const struct place_visitor *visitor, const struct od_sort_key *keys, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        OD_TRY(visit_place(visitor, &keys[i].expr));
    return OD_OK;
}

static enum od_status visit_aggregate(const struct place_visitor *visitor, const struct od_aggregate *aggregate)
{
    OD_TRY(visit_place(visitor, &aggregate->argument));
    OD_TRY(visit_place(visitor, &aggregate->second));
    OD_TRY(visit_place(visitor, &aggregate->filter));
    return visit_keys(visitor, aggregate->keys, aggregate->key_count);
}

static enum od_status visit_call(const struct place_visitor *visitor, const struct od_window_call *call)
{
    for (uint32_t i = 0; i < call->argument_count; i++)
        OD_TRY(visit_place(visitor, &call->arguments[i]));
    OD_TRY(visit_aggregate(visitor, &call->aggregate));
    OD_TRY(visit_place(visitor, &call->frame.start_offset));
    return visit_place(visitor, &call->frame.end_offset);
}

static enum od_status visit_item(const struct place_visitor *visitor, const struct od_clause_list *list, uint32_t i)
{
    switch (list->element) {
    case OD_CLAUSE_NUMBERS:
        return OD_OK;
    case OD_CLAUSE_EXPRS:
        return visit_place(visitor, (const struct od_expr *const *)list->items + i);
    case OD_CLAUSE_KEYS:
        return visit_keys(visitor, (const struct od_sort_key *)list->items + i, 1);
    case OD_CLAUSE_AGGREGATES:
        return visit_aggregate(visitor, (const struct od_aggregate *)list->items + i);
    case OD_CLAUSE_CALLS:
        return visit_call(visitor, (const struct od_window_call *)list->items + i);
    }
    od_unreachable();
}

static enum od_status visit_places(const struct od_plan *plan, const struct place_visitor *visitor)
{
    struct od_clause_list lists[OD_CLAUSE_LISTS_MAX];
    uint32_t list_count = od_plan_clauses(plan, lists);
    for (uint32_t l = 0; l < list_count; l++)
        for (uint32_t i = 0; i < lists[l].count; i++)
            OD_TRY(visit_item(visitor, &lists[l], i));
    return OD_OK;
}

struct expr_visitor {
    void (*visit)(void *self, const struct od_expr *expr);
    void *self;
};

static enum od_status show_place(void *self, const struct od_expr **place, struct od_error *error)
{
    const struct expr_visitor *visitor = self;
    (void)error;
    visitor->visit(visitor->self, *place);
    return OD_OK;
}

void od_plan_exprs(const struct od_plan *plan, void (*visit)(void *self, const struct od_expr *expr), void *self)
{
    struct expr_visitor visitor = {visit, self};
    struct place_visitor places = {show_place, &visitor, NULL};
    visit_places(plan, &places);
}

/* --- what a node can do ------------------------------------------------------------------------ */

static void note_failure(void *may_fail, const struct od_expr *expr)
{
    *(bool *)may_fail |= expr->may_fail;
}

bool od_plan_node_may_fail(const struct od_plan *plan)
{
    bool may_fail = plan->kind == OD_PLAN_MAP ||
                    ((plan->kind == OD_PLAN_JOIN || plan->kind == OD_PLAN_APPLY) && plan->join.type == OD_JOIN_SINGLE);
    od_plan_exprs(plan, note_failure, &may_fail);
    for (uint32_t i = 0; plan->kind == OD_PLAN_AGGREGATE && i < plan->aggregate.aggregate_count; i++)
        may_fail |= od_aggregate_may_fail(plan->aggregate.aggregates[i].function);
    /* ntile and nth_value of a number that is none, an offset below zero, a sum that does not fit */
    for (uint32_t i = 0; plan->kind == OD_PLAN_WINDOW && i < plan->window.call_count; i++) {
        const struct od_window_call *call = &plan->window.calls[i];
        may_fail |= call->function == OD_WINDOW_NTILE || call->function == OD_WINDOW_NTH_VALUE ||
                    call->frame.start_offset != NULL || call->frame.end_offset != NULL ||
                    (call->function == OD_WINDOW_AGGREGATE && od_aggregate_may_fail(call->aggregate.function));
    }
    return may_fail;
}

static void note_levels(void *levels, const struct od_expr *expr)
{
    if (expr->kind == OD_EXPR_OUTER)
        *(uint32_t *)levels |= UINT32_C(1) << (expr->outer_depth - 1);
    for (uint32_t i = 0; expr->kind == OD_EXPR_CALL && i < expr->argument_count; i++)
        note_levels(levels, expr->arguments[i]);
}

uint32_t od_plan_node_outer_levels(const struct od_plan *plan)
{
    uint32_t levels = 0;
    od_plan_exprs(plan, note_levels, &levels);
    return levels;
}

bool od_plan_gives_one_row(const struct od_plan *plan, bool exactly)
{
    switch (plan->kind) {
    case OD_PLAN_VALUES:
        return plan->values.row_count == 1 || (!exactly && plan->values.row_count == 0);
    case OD_PLAN_AGGREGATE:
        return plan->aggregate.group_count == 0 || od_plan_gives_one_row(plan->inputs[0], exactly);
    case OD_PLAN_LIMIT:
        return !exactly && (plan->limit.count <= 1 || od_plan_gives_one_row(plan->inputs[0], false));
    case OD_PLAN_FILTER:
        return !exactly && od_plan_gives_one_row(plan->inputs[0], false);
    case OD_PLAN_PROJECT:
    case OD_PLAN_SORT:
    case OD_PLAN_WINDOW:
    case OD_PLAN_REPARTITION:
        return od_plan_gives_one_row(plan->inputs[0], exactly);
    case OD_PLAN_JOIN:
    case OD_PLAN_APPLY: {
        enum od_join_type type = plan->join.type;
        bool keeps_left = type == OD_JOIN_LEFT || type == OD_JOIN_SINGLE || type == OD_JOIN_MARK;
        bool one_right = !od_join_gives_right(type) || type == OD_JOIN_SINGLE ||
                         od_plan_gives_one_row(plan->inputs[1], false);
        return !od_join_pads_left(type) && one_right && (keeps_left || !exactly) &&
               od_plan_gives_one_row(plan->inputs[0], exactly);
    }
    default:
        return false;
    }
}

/* --- the same node with something else --------------------------------------------------------- */

struct place_rewriter {
    const struct od_expr_rewriter *rewriter;
    bool changed;
    bool write;
};

static enum od_status rewrite_place(void *self, const struct od_expr **place, struct od_error *error)
{
    struct place_rewriter *places = self;
    const struct od_expr *rewritten = NULL;
    OD_TRY(places->rewriter->rewrite(places->rewriter->self, *place, &rewritten, error));
    od_assert(rewritten->type == (*place)->type);
    places->changed |= rewritten != *place;
    if (places->write)
        *place = rewritten;
    return OD_OK;
}

enum od_status od_plan_rewrite_places(struct od_plan *plan, const struct od_expr_rewriter *rewriter,
                                      struct od_error *error)
{
    struct place_rewriter places = {rewriter, false, true};
    struct place_visitor visitor = {rewrite_place, &places, error};
    return visit_places(plan, &visitor);
}

enum od_status od_plan_rebuild(struct od_arena *plan_arena, const struct od_plan *plan,
                               const struct od_plan *const *inputs, const struct od_expr_rewriter *rewriter,
                               const struct od_plan **plan_out, struct od_error *error)
{
    struct od_plan draft = *plan;
    struct place_rewriter places = {rewriter, false, false};
    struct place_visitor visitor = {rewrite_place, &places, error};
    for (uint32_t i = 0; i < plan->input_count; i++) {
        places.changed |= inputs[i] != plan->inputs[i];
        draft.inputs[i] = inputs[i];
    }
    if (!places.changed && rewriter != NULL)
        OD_TRY(visit_places(plan, &visitor)); /* nothing is written: a look at what would change */
    *plan_out = plan;
    return places.changed ? od_plan_make(plan_arena, &draft, NULL, rewriter, plan_out, error) : OD_OK;
}

enum od_status od_plan_columns(struct od_arena *plan_arena, const struct od_schema *schema, uint32_t extra,
                               const struct od_expr ***list_out, struct od_error *error)
{
    OD_TAKE_LIST(const struct od_expr *, list, plan_arena, (size_t)schema->field_count + extra, error);
    *list_out = list;
    for (uint32_t i = 0; i < schema->field_count; i++)
        OD_TRY(od_expr_column(plan_arena, schema, i, &list[i], error));
    return OD_OK;
}

enum od_status od_plan_pick(struct od_arena *plan_arena, const struct od_plan *input, const uint32_t *columns,
                            uint32_t count, const struct od_plan **plan_out, struct od_error *error)
{
    bool all = count == input->schema.field_count;
    OD_TAKE_LIST(const struct od_expr *, exprs, plan_arena, count, error);
    *plan_out = input;
    for (uint32_t i = 0; i < count && all; i++)
        all = columns[i] == i;
    if (all)
        return OD_OK;
    for (uint32_t i = 0; i < count; i++)
        OD_TRY(od_expr_column(plan_arena, &input->schema, columns[i], &exprs[i], error));
    return od_plan_project(plan_arena, input, exprs, NULL, count, plan_out, error);
}

/* --- equality ---------------------------------------------------------------------------------- */

static bool exprs_equal(const struct od_expr *left, const struct od_expr *right)
{
    return left == right || (left != NULL && right != NULL && od_expr_equal(left, right));
}

static bool keys_equal(const struct od_sort_key *left, const struct od_sort_key *right, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!od_expr_equal(left[i].expr, right[i].expr) || left[i].descending != right[i].descending ||
            left[i].nulls_first != right[i].nulls_first)
            return false;
    return true;
}

static bool aggregates_equal(const struct od_aggregate *left, const struct od_aggregate *right)
{
    return left->function == right->function && exprs_equal(left->argument, right->argument) &&
           exprs_equal(left->second, right->second) && exprs_equal(left->filter, right->filter) &&
           left->distinct == right->distinct && left->key_count == right->key_count &&
           keys_equal(left->keys, right->keys, left->key_count);
}

static bool calls_equal(const struct od_window_call *left, const struct od_window_call *right)
{
    if (left->function != right->function || left->argument_count != right->argument_count)
        return false;
    for (uint32_t i = 0; i < left->argument_count; i++)
        if (!od_expr_equal(left->arguments[i], right->arguments[i]))
            return false;
    return left->frame.unit == right->frame.unit && left->frame.start == right->frame.start &&
           left->frame.end == right->frame.end && left->frame.exclusion == right->frame.exclusion &&
           exprs_equal(left->frame.start_offset, right->frame.start_offset) &&
           exprs_equal(left->frame.end_offset, right->frame.end_offset) &&
           aggregates_equal(&left->aggregate, &right->aggregate);
}

static bool items_equal(const struct od_clause_list *left, const struct od_clause_list *right, uint32_t i)
{
    switch (left->element) {
    case OD_CLAUSE_NUMBERS:
        return ((const uint32_t *)left->items)[i] == ((const uint32_t *)right->items)[i];
    case OD_CLAUSE_EXPRS:
        return od_expr_equal(((const struct od_expr *const *)left->items)[i],
                             ((const struct od_expr *const *)right->items)[i]);
    case OD_CLAUSE_KEYS:
        return keys_equal((const struct od_sort_key *)left->items + i, (const struct od_sort_key *)right->items + i, 1);
    case OD_CLAUSE_AGGREGATES:
        return aggregates_equal((const struct od_aggregate *)left->items + i,
                                (const struct od_aggregate *)right->items + i);
    case OD_CLAUSE_CALLS:
        return calls_equal((const struct od_window_call *)left->items + i,
                           (const struct od_window_call *)right->items + i);
    }
    od_unreachable();
}

static bool schemas_equal(const struct od_schema *left, const struct od_schema *right)
{
    if (left->field_count != right->field_count)
        return false;
    for (uint32_t i = 0; i < left->field_count; i++)
        if (left->fields[i].type != right->fields[i].type || left->fields[i].nullable != right->fields[i].nullable ||
            strcmp(left->fields[i].name, right->fields[i].name) != 0)
            return false;
    return true;
}

bool od_plan_node_equal(const struct od_plan *left, const struct od_plan *right)
{
    struct od_clause_list left_lists[OD_CLAUSE_LISTS_MAX];
    struct od_clause_list right_lists[OD_CLAUSE_LISTS_MAX];
    if (left->kind != right->kind || left->inputs[0] != right->inputs[0] || left->inputs[1] != right->inputs[1] ||
        !schemas_equal(&left->schema, &right->schema))
        return false;
    if ((left->kind == OD_PLAN_SCAN && left->scan.table != right->scan.table) ||
        (left->kind == OD_PLAN_MAP && left->map.function != right->map.function) ||
        ((left->kind == OD_PLAN_JOIN || left->kind == OD_PLAN_APPLY) && left->join.type != right->join.type) ||
        (left->kind == OD_PLAN_LIMIT &&
         (left->limit.offset != right->limit.offset || left->limit.count != right->limit.count)))
        return false;
    uint32_t list_count = od_plan_clauses(left, left_lists);
    od_plan_clauses(right, right_lists);
    for (uint32_t l = 0; l < list_count; l++) {
        if (left_lists[l].count != right_lists[l].count)
            return false;
        for (uint32_t i = 0; i < left_lists[l].count; i++)
            if (!items_equal(&left_lists[l], &right_lists[l], i))
                return false;
    }
    return true;
}
