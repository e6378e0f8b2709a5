/* bind_aggregate: calls of aggregates, which become slots of the query whose rows they read; equal ones are computed once.
 *
 *   sum(DISTINCT a) FILTER (WHERE p)      percentile_cont(0.5) WITHIN GROUP (ORDER BY a) */
#include <string.h>

#include "engine/sql/binder.h"

static bool both_equal(const struct od_expr *left, const struct od_expr *right)
{
    return left == NULL || right == NULL ? left == right : od_expr_equal(left, right);
}

struct od_sort_key *od_bind_keys(const struct od_place *place, PgQuery__Node *const *nodes, size_t count)
{
    struct od_sort_key *keys = od_sql_take(place->binder, count, sizeof(*keys));
    OD_NEED(keys != NULL);
    for (size_t i = 0; i < count; i++) {
        OD_NEED(od_sort_direction(place->binder, nodes[i]->sort_by, &keys[i]));
        keys[i].expr = od_bind_expr(place, nodes[i]->sort_by->node);
    }
    return od_sql_failed(place->binder) ? NULL : keys;
}

/* The arguments get the types that the catalogue wants: an untyped literal the first that will do, but for sum and avg, of which
 * PostgreSQL has one for intervals, too, and cannot choose. */
static bool type_arguments(struct od_binder *binder, const PgQuery__FuncCall *call, const char *name,
                           struct od_exprs arguments, struct od_aggregate *aggregate)
{
    static const enum od_type tried[] = {OD_TYPE_TEXT, OD_TYPE_BOOLEAN, OD_TYPE_FLOAT64};
    enum od_type types[2] = {OD_TYPE_TEXT, OD_TYPE_TEXT};
    const struct od_expr **typed[2] = {&aggregate->argument, &aggregate->second};
    uint32_t count = arguments.count;
    bool is_ambiguous = aggregate->function == OD_AGGREGATE_SUM || aggregate->function == OD_AGGREGATE_AVG;
    bool is_found = false;
    OD_NEED(!od_sql_failed(binder));
    for (uint32_t k = 0; !is_found && k < (is_ambiguous ? 1 : sizeof(tried) / sizeof(tried[0])); k++) {
        for (uint32_t i = 0; i < count; i++)
            types[i] = arguments.at[i]->is_untyped ? tried[k] : arguments.at[i]->type;
        if (types[0] == OD_TYPE_INTERVAL)
            return od_sql_refuse(binder, call->location, "an aggregate of intervals");
        is_found = od_aggregate_resolve(aggregate->function, count, types, &aggregate->type);
    }
    if (!is_found)
        return od_sql_wrong(binder, call->location, "function %s(%s%s%s) does not exist", name,
                            count == 0                    ? ""
                            : arguments.at[0]->is_untyped ? "unknown"
                                                          : od_type_text(arguments.at[0]->type),
                            count > 1 ? ", " : "", count > 1 ? od_type_text(arguments.at[1]->type) : "");
    for (uint32_t i = 0; i < count; i++)
        *typed[i] =
            od_bind_cast_to(binder, arguments.at[i], (struct od_sql_type){.type = types[i]}, call->location);
    return !od_sql_failed(binder);
}

/* f(fraction) WITHIN GROUP (ORDER BY a), and median(a), which is percentile_cont of a half. */
static bool bind_within_group(const struct od_place *place, const PgQuery__FuncCall *call, const char *name,
                              struct od_aggregate *aggregate)
{
    struct od_binder *binder = place->binder;
    struct od_place fraction = *place;
    bool is_median = strcmp(name, "median") == 0;
    uint32_t count = od_aggregate_argument_count(aggregate->function);
    struct od_value half = {.type = OD_TYPE_FLOAT64, .float64 = 0.5};
    const struct od_expr *arguments[2] = {NULL, NULL};
    struct od_sort_key *keys = od_sql_take(binder, 1, sizeof(*keys));
    if (!is_median && !call->agg_within_group)
        return od_sql_wrong(binder, call->location, "WITHIN GROUP is required for ordered-set aggregate %s",
                            name);
    if (is_median && (call->agg_distinct || call->n_agg_order > 0))
        return od_sql_refuse(binder, call->location, "median with DISTINCT or ORDER BY");
    if (call->n_args != (is_median ? 1 : count - 1) || (!is_median && call->n_agg_order != 1))
        return od_sql_wrong(binder, call->location, "function %s with these arguments does not exist", name);
    if (!is_median)
        keys = od_bind_keys(place, call->agg_order, 1);
    fraction.clause = "the fraction of a percentile";
    if (!is_median && count == 2)
        OD_NEED(od_bind_constant(&fraction, call->args[0], OD_TYPE_FLOAT64, &half));
    OD_NEED(keys != NULL);
    arguments[0] = is_median ? od_bind_expr(place, call->args[0]) : keys[0].expr;
    arguments[1] = od_make_literal(binder, &half, call->location);
    OD_NEED(type_arguments(binder, call, name, (struct od_exprs){count, arguments}, aggregate));
    keys[0].expr = aggregate->argument;
    aggregate->keys = keys;
    aggregate->key_count = 1;
    return true;
}

/* DISTINCT sorts by its arguments, so an order must be of them. */
static bool bind_aggregate_order(const struct od_place *place, const PgQuery__FuncCall *call,
                                 struct od_aggregate *aggregate)
{
    struct od_sort_key *keys = od_bind_keys(place, call->agg_order, call->n_agg_order);
    OD_NEED(keys != NULL);
    for (size_t i = 0; i < call->n_agg_order && call->agg_distinct; i++)
        if (!both_equal(keys[i].expr, aggregate->argument) && !both_equal(keys[i].expr, aggregate->second))
            return od_sql_wrong(
                place->binder, od_sql_location(call->agg_order[i]),
                "in an aggregate with DISTINCT, ORDER BY expressions must appear in argument list");
    if (aggregate->function != OD_AGGREGATE_STRING_AGG)
        return true; /* the others do not depend on any order */
    aggregate->keys = keys;
    aggregate->key_count = (uint32_t)call->n_agg_order;
    return true;
}

bool od_bind_aggregate_call(const struct od_place *place, const PgQuery__FuncCall *call, const char *name,
                            enum od_aggregate_function function, struct od_aggregate *aggregate_out)
{
    struct od_binder *binder = place->binder;
    *aggregate_out =
        (struct od_aggregate){.function = function, .distinct = call->agg_distinct, .name = name};
    if (od_aggregate_is_within_group(function)) {
        OD_NEED(bind_within_group(place, call, name, aggregate_out));
    } else if (call->agg_star && function == OD_AGGREGATE_COUNT && !call->agg_within_group) {
        aggregate_out->function = OD_AGGREGATE_COUNT_STAR;
        aggregate_out->type = OD_TYPE_INT64;
    } else if (call->agg_star || call->agg_within_group ||
               call->n_args != od_aggregate_argument_count(function)) {
        return od_sql_wrong(binder, call->location, "function %s with %zu arguments does not exist", name,
                            call->n_args);
    } else {
        struct od_exprs arguments = od_bind_list(place, call->args, call->n_args);
        OD_NEED(type_arguments(binder, call, name, arguments, aggregate_out));
        OD_NEED(bind_aggregate_order(place, call, aggregate_out));
    }
    if (call->agg_filter != NULL) {
        struct od_place filter = *place;
        filter.clause = place->in_window ? "FILTER" : place->clause;
        filter.aggregates &= !place->in_window;
        aggregate_out->filter = od_bind_condition(&filter, call->agg_filter, "FILTER");
    }
    return !od_sql_failed(binder);
}

/* The slot of the aggregate in its block. */
static const struct od_expr *aggregate_slot(struct od_binder *binder, struct od_block *block,
                                            const struct od_slot *added, int32_t location)
{
    const struct od_aggregate *aggregate = &added->aggregate;
    bool nullable = od_aggregate_is_nullable(aggregate->function);
    for (uint32_t i = 0; i < block->slot_count; i++)
        if (block->slots[i].kind == OD_SLOT_AGGREGATE &&
            od_aggregate_equal(&block->slots[i].aggregate, aggregate))
            return od_make_stand_in(binder, OD_SLOT_BASE + i, aggregate->type, nullable, location);
    return od_add_slot(binder, block, *added, aggregate->type, nullable, location);
}

/* --- of the rows of an outer query ---------------------------------------------------------------- */

/* An aggregate that reads outer columns alone is computed by the nearest query that has one of them; where it stands, it is
 * one more outer column:
 *
 *   SELECT (SELECT max(a.x) + b.y FROM b) FROM a      a's aggregate max(x), read in the sub-select as outer column
 *                                                     (columns of a) + 0 */
struct move_out {
    struct od_binder *binder;
    const struct od_block *target;
    uint32_t depth; /* of the target; 0: not known yet */
    bool has_slot;
};

static enum od_status find_depth(void *self, const struct od_expr *part, const struct od_expr **expr_out,
                                 struct od_error *error)
{
    struct move_out *move = self;
    *expr_out = part;
    if (part->kind == OD_EXPR_OUTER && (move->depth == 0 || part->outer_depth < move->depth))
        move->depth = part->outer_depth;
    move->has_slot |= part->kind == OD_EXPR_COLUMN;
    return error->status;
}

static enum od_status move_part(void *self, const struct od_expr *part, const struct od_expr **expr_out,
                                struct od_error *error)
{
    struct move_out *move = self;
    *expr_out = part;
    if (part->kind != OD_EXPR_OUTER)
        return OD_OK;
    if (part->outer_depth == move->depth) {
        *expr_out =
            od_make_column(move->binder, &move->target->scope.schema, part->column_index, od_place_of(part));
        return error->status;
    }
    struct od_expr *nearer = od_sql_take(move->binder, 1, sizeof(*nearer));
    *expr_out = nearer;
    if (nearer != NULL) {
        *nearer = *part;
        nearer->outer_depth -= move->depth;
    }
    return error->status;
}

static bool rewrite_aggregate(struct move_out *move, struct od_aggregate *aggregate,
                              enum od_status (*part)(void *, const struct od_expr *, const struct od_expr **,
                                                     struct od_error *))
{
    struct od_binder *binder = move->binder;
    const struct od_expr **clauses[] = {&aggregate->argument, &aggregate->second, &aggregate->filter};
    const struct od_leaf_rewriter parts = {part, move};
    struct od_sort_key *keys = od_sql_take(binder, aggregate->key_count, sizeof(*keys));
    OD_NEED(keys != NULL);
    for (size_t i = 0; i < sizeof(clauses) / sizeof(clauses[0]); i++)
        if (*clauses[i] != NULL)
            od_expr_rewrite(binder->plan_arena, *clauses[i], &parts, clauses[i], binder->error);
    for (uint32_t i = 0; i < aggregate->key_count; i++) {
        keys[i] = aggregate->keys[i];
        od_expr_rewrite(binder->plan_arena, keys[i].expr, &parts, &keys[i].expr, binder->error);
    }
    aggregate->keys = keys;
    return !od_sql_failed(binder);
}

/* Which of the target's outer aggregates the slot is. */
static uint32_t number_outer_aggregate(struct od_binder *binder, struct od_block *target, uint32_t slot)
{
    uint32_t number = 0;
    while (number < target->outer_aggregate_count && target->outer_aggregates[number] != slot)
        number++;
    if (number == target->outer_aggregate_count)
        od_sql_append(binder, &target->outer_aggregates, &target->outer_aggregate_count, &slot, sizeof(slot));
    return number;
}

static const struct od_expr *bind_outer_aggregate(const struct od_place *place, const PgQuery__FuncCall *call,
                                                  struct od_slot *added)
{
    struct od_binder *binder = place->binder;
    struct od_block *target = place->block;
    struct move_out move = {.binder = binder};
    const struct od_expr *column = NULL;
    OD_NEED(rewrite_aggregate(&move, &added->aggregate, find_depth));
    if (move.has_slot || move.depth == 0)
        return od_sql_refuse(binder, call->location,
                             "a sub-select in an aggregate of the rows of an outer query");
    for (uint32_t depth = 0; depth < move.depth; depth += !target->is_fence)
        target = target->outer;
    if (target->is_beside)
        return od_sql_wrong(binder, call->location,
                            "aggregate functions are not allowed in FROM clause of their own query level");
    if (!target->takes_aggregates)
        return od_sql_wrong(binder, call->location, "aggregate functions are not allowed in %s",
                            target->clause);
    move.target = target;
    OD_NEED(rewrite_aggregate(&move, &added->aggregate, move_part));
    target->outer_read_count = target->reads_before; /* within an aggregate nothing need be grouped */
    const struct od_expr *slot = aggregate_slot(binder, target, added, call->location);
    OD_NEED(slot != NULL);
    uint32_t number = number_outer_aggregate(binder, target, slot->column_index - OD_SLOT_BASE);
    const struct od_field field = {added->aggregate.name, slot->type, slot->nullable};
    od_expr_outer(binder->plan_arena, &field, target->scope.schema.field_count + number, move.depth, &column,
                  binder->error);
    return od_make_at(binder, column, call->location);
}

const struct od_expr *od_bind_aggregate(const struct od_place *place, const PgQuery__FuncCall *call,
                                        const char *name, enum od_aggregate_function function)
{
    struct od_binder *binder = place->binder;
    struct od_block *block = place->block;
    struct od_place inside = {
        .binder = binder, .block = block, .clause = place->clause, .in_aggregate = true};
    struct od_slot added = {.kind = OD_SLOT_AGGREGATE};
    uint32_t own_reads = block->own_reads;
    uint32_t foreign_reads = block->foreign_reads;
    for (struct od_block *at = block->outer; at != NULL; at = at->outer)
        at->reads_before = at->outer_read_count;
    OD_NEED(od_bind_aggregate_call(&inside, call, name, function, &added.aggregate));
    /* Whose columns it reads, FILTER and sub-selects included, is the query that it belongs to. */
    bool is_outer = block->foreign_reads > foreign_reads && block->own_reads == own_reads;
    if (place->in_aggregate && !is_outer)
        return od_sql_wrong(binder, call->location, "aggregate function calls cannot be nested");
    if (place->in_aggregate)
        return od_sql_refuse(binder, call->location,
                             "an aggregate of the rows of an outer query within another");
    if (is_outer)
        return bind_outer_aggregate(place, call, &added);
    if (!place->aggregates)
        return od_sql_wrong(binder, call->location, "aggregate functions are not allowed in %s",
                            place->clause);
    return aggregate_slot(binder, block, &added, call->location);
}
