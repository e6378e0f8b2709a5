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

/* --- items: what lists are of ------------------------------------------------------------------ */

struct field {
    size_t offset;
    size_t bytes;
};
/* Where an item holds expressions (NULL: none there), in the order in which they are visited, and all else that it says but
 * names and types. Keys of an aggregate are a list of their own: see keys_of. */
static const struct element {
    size_t bytes;
    uint32_t place_count;
    size_t places[8];
    struct field plain[9]; /* up to one without bytes */
} elements[] = {
#define PLACE(type, member) offsetof(struct type, member)
#define PLAIN(type, member)                                                                                  \
    {                                                                                                        \
        offsetof(struct type, member), sizeof(((struct type *)0)->member)                                    \
    }
    [OD_CLAUSE_NUMBERS] = {sizeof(uint32_t), .plain = {{0, sizeof(uint32_t)}}},
    [OD_CLAUSE_EXPRS] = {sizeof(const struct od_expr *), 1, {0}, {{0}}},
    [OD_CLAUSE_KEYS] = {sizeof(struct od_sort_key), 1, {PLACE(od_sort_key, expr)},
                        {PLAIN(od_sort_key, descending), PLAIN(od_sort_key, nulls_first)}},
    [OD_CLAUSE_AGGREGATES] = {sizeof(struct od_aggregate), 3,
                              {PLACE(od_aggregate, argument), PLACE(od_aggregate, second), PLACE(od_aggregate, filter)},
                              {PLAIN(od_aggregate, function), PLAIN(od_aggregate, distinct)}},
    [OD_CLAUSE_CALLS] = {sizeof(struct od_window_call), 8,
                         {PLACE(od_window_call, arguments[0]), PLACE(od_window_call, arguments[1]),
                          PLACE(od_window_call, arguments[2]), PLACE(od_window_call, aggregate.argument),
                          PLACE(od_window_call, aggregate.second), PLACE(od_window_call, aggregate.filter),
                          PLACE(od_window_call, frame.start_offset), PLACE(od_window_call, frame.end_offset)},
                         {PLAIN(od_window_call, function), PLAIN(od_window_call, argument_count),
                          PLAIN(od_window_call, frame.unit), PLAIN(od_window_call, frame.start),
                          PLAIN(od_window_call, frame.end), PLAIN(od_window_call, frame.exclusion),
                          PLAIN(od_window_call, aggregate.function), PLAIN(od_window_call, aggregate.distinct)}},
#undef PLACE
#undef PLAIN
};

size_t od_clause_item_bytes(enum od_clause_element element)
{
    return elements[element].bytes;
}

/* Of an item that is an aggregate: its own list; else an empty one. */
static struct od_clause_list keys_of(enum od_clause_element element, const void *item)
{
    const struct od_aggregate *aggregate = item;
    struct od_clause_list keys = {.element = OD_CLAUSE_KEYS};
    if (element == OD_CLAUSE_AGGREGATES) {
        keys.count = aggregate->key_count;
        keys.items = aggregate->keys;
        keys.place = (const void **)&aggregate->keys;
    }
    return keys;
}

static bool lists_equal(const struct od_clause_list *left, const struct od_clause_list *right);

static bool items_equal(enum od_clause_element kind, const char *left, const char *right)
{
    const struct element *element = &elements[kind];
    for (uint32_t i = 0; i < element->place_count; i++) {
        const struct od_expr *const *left_place = (const void *)(left + element->places[i]);
        const struct od_expr *const *right_place = (const void *)(right + element->places[i]);
        if (*left_place != *right_place &&
            (*left_place == NULL || *right_place == NULL || !od_expr_equal(*left_place, *right_place)))
            return false;
    }
    for (const struct field *field = element->plain; field->bytes > 0; field++)
        if (memcmp(left + field->offset, right + field->offset, field->bytes) != 0)
            return false;
    struct od_clause_list left_keys = keys_of(kind, left);
    struct od_clause_list right_keys = keys_of(kind, right);
    return lists_equal(&left_keys, &right_keys);
}

static bool lists_equal(const struct od_clause_list *left, const struct od_clause_list *right)
{
    size_t bytes = elements[left->element].bytes;
    bool equal = left->count == right->count;
    for (uint32_t i = 0; i < left->count && equal; i++)
        equal = items_equal(left->element, (const char *)left->items + i * bytes, (const char *)right->items + i * bytes);
    return equal;
}

bool od_sort_keys_equal(const struct od_sort_key *left, uint32_t left_count, const struct od_sort_key *right,
                        uint32_t right_count)
{
    return lists_equal(&(struct od_clause_list){OD_CLAUSE_KEYS, left_count, left, NULL, NULL},
                       &(struct od_clause_list){OD_CLAUSE_KEYS, right_count, right, NULL, NULL});
}

bool od_aggregate_equal(const struct od_aggregate *left, const struct od_aggregate *right)
{
    return items_equal(OD_CLAUSE_AGGREGATES, (const char *)left, (const char *)right);
}

bool od_window_call_equal(const struct od_window_call *left, const struct od_window_call *right)
{
    return items_equal(OD_CLAUSE_CALLS, (const char *)left, (const char *)right);
}

/* --- places: where a node holds an expression -------------------------------------------------- */

/* Of a node that is only looked at, places are not written to. */
static void visit_list(const struct od_clause_list *list, void (*visit)(void *self, const struct od_expr **place),
                       void *self)
{
    const struct element *element = &elements[list->element];
    for (uint32_t i = 0; i < list->count; i++) {
        char *item = (char *)list->items + i * element->bytes;
        for (uint32_t k = 0; k < element->place_count; k++) {
            const struct od_expr **place = (const struct od_expr **)(void *)(item + element->places[k]);
            if (*place != NULL)
                visit(self, place);
        }
        struct od_clause_list keys = keys_of(list->element, item);
        visit_list(&keys, visit, self);
    }
}

void od_plan_places(const struct od_plan *plan, void (*visit)(void *self, const struct od_expr **place), void *self)
{
    struct od_clause_list lists[OD_CLAUSE_LISTS_MAX];
    uint32_t list_count = od_plan_clauses(plan, lists);
    for (uint32_t i = 0; i < list_count; i++)
        visit_list(&lists[i], visit, self);
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

static enum od_status copy_list(struct od_arena *plan_arena, const struct od_clause_list *list, struct od_error *error)
{
    size_t bytes = elements[list->element].bytes;
    char *copy = od_arena_take_array(plan_arena, list->count, bytes);
    if (copy == NULL)
        return od_fail(error, OD_NO_MEMORY, "copying a plan's clause: items=%u", list->count);
    if (list->count > 0)
        memcpy(copy, list->items, list->count * bytes);
    *list->place = copy;
    for (uint32_t i = 0; i < list->count; i++) {
        struct od_clause_list keys = keys_of(list->element, copy + i * bytes);
        if (keys.count > 0)
            OD_TRY(copy_list(plan_arena, &keys, error));
    }
    return OD_OK;
}

enum od_status od_plan_copy_lists(struct od_arena *plan_arena, struct od_plan *plan, struct od_error *error)
{
    struct od_clause_list lists[OD_CLAUSE_LISTS_MAX];
    uint32_t list_count = od_plan_clauses(plan, lists);
    for (uint32_t i = 0; i < list_count; i++)
        if (lists[i].place != NULL)
            OD_TRY(copy_list(plan_arena, &lists[i], error));
    return OD_OK;
}

/* --- what a node can do ------------------------------------------------------------------------ */

static void note_failure(void *may_fail, const struct od_expr **place)
{
    *(bool *)may_fail |= (*place)->may_fail;
}

/* Beside its expressions: ntile and nth_value of a number that is none, an offset below zero, a sum that does not fit. */
static bool call_may_fail(const struct od_window_call *call)
{
    return call->function == OD_WINDOW_NTILE || call->function == OD_WINDOW_NTH_VALUE ||
           call->frame.start_offset != NULL || call->frame.end_offset != NULL ||
           (call->function == OD_WINDOW_AGGREGATE && od_aggregate_may_fail(call->aggregate.function));
}

bool od_clause_item_may_fail(const struct od_clause_list *list, uint32_t index)
{
    const void *item = (const char *)list->items + index * elements[list->element].bytes;
    const struct od_clause_list one = {list->element, 1, item, NULL, NULL};
    bool may_fail = false;
    if (list->element == OD_CLAUSE_AGGREGATES)
        may_fail = od_aggregate_may_fail(((const struct od_aggregate *)item)->function);
    else if (list->element == OD_CLAUSE_CALLS)
        may_fail = call_may_fail(item);
    visit_list(&one, note_failure, &may_fail);
    return may_fail;
}

bool od_plan_node_may_fail(const struct od_plan *plan)
{
    struct od_clause_list lists[OD_CLAUSE_LISTS_MAX];
    uint32_t list_count = od_plan_clauses(plan, lists);
    bool may_fail = plan->kind == OD_PLAN_MAP ||
                    ((plan->kind == OD_PLAN_JOIN || plan->kind == OD_PLAN_APPLY) && plan->join.type == OD_JOIN_SINGLE);
    for (uint32_t l = 0; l < list_count; l++)
        for (uint32_t i = 0; i < lists[l].count && !may_fail; i++)
            may_fail = od_clause_item_may_fail(&lists[l], i);
    return may_fail;
}

static void note_levels(void *levels, const struct od_expr *expr)
{
    *(uint32_t *)levels |= od_expr_outer_levels(expr);
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
    case OD_PLAN_KEEP:
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
        (left->kind == OD_PLAN_REPARTITION &&
         left->repartition.partition_count != right->repartition.partition_count) ||
        (left->kind == OD_PLAN_KEEP &&
         (left->keep.kind != right->keep.kind || left->keep.key != right->keep.key)) ||
        (left->kind == OD_PLAN_LIMIT &&
         (left->limit.offset != right->limit.offset || left->limit.count != right->limit.count)))
        return false;
    uint32_t list_count = od_plan_clauses(left, left_lists);
    od_plan_clauses(right, right_lists);
    for (uint32_t i = 0; i < list_count; i++)
        if (!lists_equal(&left_lists[i], &right_lists[i]))
            return false;
    return true;
}
