/* plan_rewrite: see plan_rewrite.h. */
#include "engine/plan/plan_rewrite.h"

#include <string.h>


/* --- clauses ---------------------------------------------------------------------------------- */

/* `rows`: the list has count * schema.field_count items. count 0: it is one expression, in the node itself. */
static const struct {
    enum od_plan_kind kind;
    enum od_clause_element element;
    size_t items;
    size_t count;
    bool rows;
} clauses[] = {
#define AT(member) offsetof(struct od_plan, member)
    {OD_PLAN_SCAN, OD_CLAUSE_NUMBERS, AT(scan.columns), AT(scan.column_count), false},
    {OD_PLAN_FILTER, OD_CLAUSE_EXPRS, AT(filter.predicate), 0, false},
    {OD_PLAN_PROJECT, OD_CLAUSE_EXPRS, AT(rows.exprs), AT(rows.row_count), true},
    {OD_PLAN_VALUES, OD_CLAUSE_EXPRS, AT(rows.exprs), AT(rows.row_count), true},
    {OD_PLAN_EXPAND, OD_CLAUSE_EXPRS, AT(rows.exprs), AT(rows.row_count), true},
    {OD_PLAN_JOIN, OD_CLAUSE_EXPRS, AT(join.condition), 0, false},
    {OD_PLAN_APPLY, OD_CLAUSE_EXPRS, AT(join.condition), 0, false},
    {OD_PLAN_SORT, OD_CLAUSE_KEYS, AT(sort.keys), AT(sort.key_count), false},
    {OD_PLAN_REPARTITION, OD_CLAUSE_EXPRS, AT(repartition.keys), AT(repartition.key_count), false},
    {OD_PLAN_AGGREGATE, OD_CLAUSE_EXPRS, AT(aggregate.groups), AT(aggregate.group_count), false},
    {OD_PLAN_AGGREGATE, OD_CLAUSE_AGGREGATES, AT(aggregate.aggregates), AT(aggregate.aggregate_count), false},
    {OD_PLAN_WINDOW, OD_CLAUSE_EXPRS, AT(window.partitions), AT(window.partition_count), false},
    {OD_PLAN_WINDOW, OD_CLAUSE_KEYS, AT(window.keys), AT(window.key_count), false},
    {OD_PLAN_WINDOW, OD_CLAUSE_CALLS, AT(window.calls), AT(window.call_count), false},
#undef AT
};

uint32_t od_plan_clauses(const struct od_plan *plan, struct od_clause_list lists[OD_CLAUSE_LISTS_MAX])
{
    uint32_t list_count = 0;
    for (size_t i = 0; i < sizeof(clauses) / sizeof(clauses[0]); i++) {
        char *node = (char *)plan;
        if (clauses[i].kind != plan->kind)
            continue;
        struct od_clause_list *list = &lists[list_count++];
        *list = (struct od_clause_list){clauses[i].element, 1, node + clauses[i].items, NULL, NULL};
        if (clauses[i].count == 0)
            continue;
        uint32_t *count = (uint32_t *)(node + clauses[i].count);
        list->place = (const void **)(node + clauses[i].items);
        list->items = *list->place;
        list->count = clauses[i].rows ? *count * plan->schema.field_count : *count;
        list->count_place = clauses[i].rows ? NULL : count;
    }
    return list_count;
}

/* --- places: where a node holds an expression -------------------------------------------------- */

/* Of a node that is only looked at, places are not written to. */
struct place_visitor {
    void (*visit)(void *self, const struct od_expr **place);
    void *self;
};

static void visit_place(const struct place_visitor *visitor, const struct od_expr *const *place)
{
    if (*place != NULL)
        visitor->visit(visitor->self, (const struct od_expr **)place);
}

static void visit_expr(const struct place_visitor *visitor, const void *item)
{
    visit_place(visitor, item);
}

static void visit_key(const struct place_visitor *visitor, const void *item)
{
    visit_place(visitor, &((const struct od_sort_key *)item)->expr);
}

static void visit_aggregate(const struct place_visitor *visitor, const void *item)
{
    const struct od_aggregate *aggregate = item;
    visit_place(visitor, &aggregate->argument);
    visit_place(visitor, &aggregate->second);
    visit_place(visitor, &aggregate->filter);
    for (uint32_t i = 0; i < aggregate->key_count; i++)
        visit_key(visitor, &aggregate->keys[i]);
}

static void visit_call(const struct place_visitor *visitor, const void *item)
{
    const struct od_window_call *call = item;
    for (uint32_t i = 0; i < call->argument_count; i++)
        visit_place(visitor, &call->arguments[i]);
    visit_aggregate(visitor, &call->aggregate);
    visit_place(visitor, &call->frame.start_offset);
    visit_place(visitor, &call->frame.end_offset);
}

/* --- equality of items -------------------------------------------------------------------------- */

static bool exprs_equal(const struct od_expr *left, const struct od_expr *right)
{
    return left == right || (left != NULL && right != NULL && od_expr_equal(left, right));
}

static bool numbers_equal(const void *left, const void *right)
{
    return *(const uint32_t *)left == *(const uint32_t *)right;
}

static bool places_equal(const void *left, const void *right)
{
    return exprs_equal(*(const struct od_expr *const *)left, *(const struct od_expr *const *)right);
}

static bool keys_equal(const void *left_item, const void *right_item)
{
    const struct od_sort_key *left = left_item;
    const struct od_sort_key *right = right_item;
    return od_expr_equal(left->expr, right->expr) && left->descending == right->descending &&
           left->nulls_first == right->nulls_first;
}

bool od_sort_keys_equal(const struct od_sort_key *left, uint32_t left_count, const struct od_sort_key *right,
                        uint32_t right_count)
{
    bool equal = left_count == right_count;
    for (uint32_t i = 0; i < left_count && equal; i++)
        equal = keys_equal(&left[i], &right[i]);
    return equal;
}

bool od_aggregate_equal(const struct od_aggregate *left, const struct od_aggregate *right)
{
    return left->function == right->function && exprs_equal(left->argument, right->argument) &&
           exprs_equal(left->second, right->second) && exprs_equal(left->filter, right->filter) &&
           left->distinct == right->distinct &&
           od_sort_keys_equal(left->keys, left->key_count, right->keys, right->key_count);
}

static bool aggregates_equal(const void *left, const void *right)
{
    return od_aggregate_equal(left, right);
}

static bool calls_equal(const void *left_item, const void *right_item)
{
    const struct od_window_call *left = left_item;
    const struct od_window_call *right = right_item;
    bool equal = left->function == right->function && left->argument_count == right->argument_count &&
                 left->frame.unit == right->frame.unit && left->frame.start == right->frame.start &&
                 left->frame.end == right->frame.end && left->frame.exclusion == right->frame.exclusion &&
                 exprs_equal(left->frame.start_offset, right->frame.start_offset) &&
                 exprs_equal(left->frame.end_offset, right->frame.end_offset);
    for (uint32_t i = 0; i < left->argument_count && equal; i++)
        equal = od_expr_equal(left->arguments[i], right->arguments[i]);
    return equal && od_aggregate_equal(&left->aggregate, &right->aggregate);
}

static const struct {
    size_t bytes;
    void (*visit)(const struct place_visitor *visitor, const void *item); /* NULL: no expression in it */
    bool (*equal)(const void *left, const void *right);
} elements[] = {
    [OD_CLAUSE_NUMBERS] = {sizeof(uint32_t), NULL, numbers_equal},
    [OD_CLAUSE_EXPRS] = {sizeof(const struct od_expr *), visit_expr, places_equal},
    [OD_CLAUSE_KEYS] = {sizeof(struct od_sort_key), visit_key, keys_equal},
    [OD_CLAUSE_AGGREGATES] = {sizeof(struct od_aggregate), visit_aggregate, aggregates_equal},
    [OD_CLAUSE_CALLS] = {sizeof(struct od_window_call), visit_call, calls_equal},
};

size_t od_clause_item_bytes(enum od_clause_element element)
{
    return elements[element].bytes;
}

void od_plan_places(const struct od_plan *plan, void (*visit)(void *self, const struct od_expr **place), void *self)
{
    const struct place_visitor visitor = {visit, self};
    struct od_clause_list lists[OD_CLAUSE_LISTS_MAX];
    uint32_t list_count = od_plan_clauses(plan, lists);
    for (uint32_t l = 0; l < list_count; l++)
        for (uint32_t i = 0; i < lists[l].count && elements[lists[l].element].visit != NULL; i++)
            elements[lists[l].element].visit(&visitor, (const char *)lists[l].items +
                                                           i * elements[lists[l].element].bytes);
}

struct expr_visitor {
    void (*visit)(void *self, const struct od_expr *expr);
    void *self;
};

static void show_place(void *self, const struct od_expr **place)
{
    const struct expr_visitor *visitor = self;
    visitor->visit(visitor->self, *place);
}

void od_plan_exprs(const struct od_plan *plan, void (*visit)(void *self, const struct od_expr *expr), void *self)
{
    struct expr_visitor visitor = {visit, self};
    od_plan_places(plan, show_place, &visitor);
}

static enum od_status copy_items(struct od_arena *plan_arena, const void **list, size_t count, size_t bytes,
                                 struct od_error *error)
{
    void *copy = od_arena_take_array(plan_arena, count, bytes);
    if (copy != NULL && count > 0)
        memcpy(copy, *list, count * bytes);
    *list = copy;
    return copy == NULL ? od_fail(error, OD_NO_MEMORY, "copying a plan's clause: items=%zu", count) : OD_OK;
}

enum od_status od_plan_copy_lists(struct od_arena *plan_arena, struct od_plan *plan, struct od_error *error)
{
    struct od_clause_list lists[OD_CLAUSE_LISTS_MAX];
    uint32_t list_count = od_plan_clauses(plan, lists);
    for (uint32_t i = 0; i < list_count; i++)
        if (lists[i].place != NULL)
            OD_TRY(copy_items(plan_arena, lists[i].place, lists[i].count, elements[lists[i].element].bytes, error));
    struct od_aggregate *aggregates = (struct od_aggregate *)plan->aggregate.aggregates;
    for (uint32_t i = 0; plan->kind == OD_PLAN_AGGREGATE && i < plan->aggregate.aggregate_count; i++)
        OD_TRY(copy_items(plan_arena, (const void **)&aggregates[i].keys, aggregates[i].key_count,
                          sizeof(*aggregates[i].keys), error));
    return OD_OK;
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
        return plan->rows.row_count == 1 || (!exactly && plan->rows.row_count == 0);
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

/* --- equality of nodes -------------------------------------------------------------------------- */

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
        size_t bytes = elements[left_lists[l].element].bytes;
        if (left_lists[l].count != right_lists[l].count)
            return false;
        for (uint32_t i = 0; i < left_lists[l].count; i++)
            if (!elements[left_lists[l].element].equal((const char *)left_lists[l].items + i * bytes,
                                                       (const char *)right_lists[l].items + i * bytes))
                return false;
    }
    return true;
}
