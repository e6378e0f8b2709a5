/* bind_subquery: sub-selects in expressions: EXISTS (...), x IN (...), x < ANY (...), (...), (a, b) = (...).
 *
 * Each becomes a SLOT whose value a join will bring (lower.c): a MARK for a question that has a truth value,
 * which is the OR of a condition over its rows; a SINGLE for a value. x <op> ALL (...) is NOT (x <not op> ANY
 * ...), as three-valued logic allows. A sub-select that reads a column of a block around it is joined by an
 * APPLY. */
#include "engine/core/assert.h"
#include "engine/sql/binder.h"

const struct od_expr *od_add_slot(struct od_binder *binder, struct od_block *block, struct od_slot slot,
                                  enum od_type type, bool nullable, int32_t location)
{
    slot.column = OD_NO_COLUMN;
    OD_NEED(od_sql_append(binder, &block->slots, &block->slot_count, &slot, sizeof(slot)));
    return od_make_stand_in(binder, OD_SLOT_BASE + block->slot_count - 1, type, nullable, location);
}

/* The sub-select's plan; its type and condition are still to come. */
static struct od_subquery *bind_subquery(const struct od_place *place, const PgQuery__SubLink *link)
{
    struct od_binder *binder = place->binder;
    struct od_block *block = place->block;
    struct od_subquery *query = od_sql_take(binder, 1, sizeof(*query));
    uint32_t reads = block->deeper_reads;
    OD_NEED(query != NULL);
    if (link->subselect->node_case != PG_QUERY__NODE__NODE_SELECT_STMT)
        return od_sql_refuse(binder, link->location, "this sub-select");
    *query = (struct od_subquery){.type = OD_JOIN_SINGLE,
                                  .column = OD_NO_COLUMN,
                                  .location = link->location,
                                  .read_first = block->outer_read_count};
    block->takes_aggregates = place->aggregates;
    block->clause = place->clause;
    query->plan = od_bind_query(binder, link->subselect->select_stmt, block);
    query->condition = od_make_truth(binder);
    query->correlated = block->deeper_reads != reads;
    query->read_end = block->outer_read_count;
    return query->condition == NULL ? NULL : query;
}

/* A slot for one output of the joined sub-select. */
static const struct od_expr *output_slot(struct od_binder *binder, struct od_block *block,
                                         struct od_subquery *query, uint32_t field)
{
    bool is_mark = query->type == OD_JOIN_MARK;
    struct od_slot slot = {.kind = OD_SLOT_SUBQUERY, .value = {query, field}};
    return od_add_slot(binder, block, slot,
                       is_mark ? OD_TYPE_BOOLEAN : query->plan->schema.fields[field].type,
                       !is_mark || !query->exists, query->location);
}

/* A row is enough to know that there is one: what the select list holds is not evaluated. */
static const struct od_plan *one_row_of(struct od_binder *binder, const struct od_subquery *query)
{
    struct od_targets truth = {0};
    const struct od_plan *plan = query->plan->kind == OD_PLAN_PROJECT ? query->plan->inputs[0] : query->plan;
    if (query->correlated)
        return plan;
    od_add_target(binder, &truth, query->condition, NULL);
    plan = od_make_project(binder, plan, &truth);
    if (plan != NULL)
        od_plan_limit(binder->plan_arena, plan, 0, 1, &plan, binder->error);
    return plan;
}

static bool has_width(struct od_binder *binder, const struct od_subquery *query, uint32_t count)
{
    uint32_t found = query->plan->schema.field_count;
    if (found != count)
        od_sql_wrong(binder, query->location, "subquery has too %s columns", found > count ? "many" : "few");
    return !od_sql_failed(binder);
}

static const struct od_expr *bind_quantified(const struct od_place *place, const PgQuery__SubLink *link,
                                             struct od_subquery *query)
{
    struct od_binder *binder = place->binder;
    bool all = link->sub_link_type == PG_QUERY__SUB_LINK_TYPE__ALL_SUBLINK;
    const char *name = link->n_oper_name == 0 ? "=" : od_sql_string(link->oper_name[link->n_oper_name - 1]);
    enum od_function function = OD_FUNCTION_EQUAL;
    struct od_exprs right = {0};
    if (!od_sql_operator(name, &function))
        return od_sql_fail(binder, OD_UNSUPPORTED, link->location, "operator %s is not supported here", name);
    struct od_exprs left = od_bind_row(place, link->testexpr);
    OD_NEED(has_width(binder, query, left.count));
    for (uint32_t i = 0; i < left.count; i++) {
        const struct od_field *field = &query->plan->schema.fields[i];
        OD_NEED(od_add_expr(
            binder, &right,
            od_make_stand_in(binder, OD_RIGHT_BASE + i, field->type, field->nullable, link->location)));
    }
    query->type = OD_JOIN_MARK;
    query->condition = od_bind_compare(binder, function, left, right, link->location);
    OD_NEED(query->condition != NULL);
    if (query->condition->type != OD_TYPE_BOOLEAN)
        return od_sql_wrong(binder, link->location, "op ANY/ALL requires operator to yield boolean");
    if (!all)
        return output_slot(binder, place->block, query, 0);
    query->condition = od_make_one(binder, OD_FUNCTION_NOT, query->condition, link->location);
    return od_make_one(binder, OD_FUNCTION_NOT, output_slot(binder, place->block, query, 0), link->location);
}

const struct od_expr *od_bind_sub_link(const struct od_place *place, const PgQuery__SubLink *link)
{
    struct od_subquery *query = bind_subquery(place, link);
    OD_NEED(query != NULL);
    switch (link->sub_link_type) {
    case PG_QUERY__SUB_LINK_TYPE__EXISTS_SUBLINK:
        query->type = OD_JOIN_MARK;
        query->exists = true;
        query->plan = one_row_of(place->binder, query);
        return output_slot(place->binder, place->block, query, 0);
    case PG_QUERY__SUB_LINK_TYPE__EXPR_SUBLINK:
        if (query->plan->schema.field_count != 1)
            return od_sql_wrong(place->binder, link->location, "subquery must return only one column");
        return output_slot(place->binder, place->block, query, 0);
    case PG_QUERY__SUB_LINK_TYPE__ANY_SUBLINK:
    case PG_QUERY__SUB_LINK_TYPE__ALL_SUBLINK:
        return bind_quantified(place, link, query);
    default:
        return od_sql_refuse(place->binder, link->location, "an array of a sub-select");
    }
}

const struct od_expr *od_bind_row_sub_link(const struct od_place *place, enum od_function function,
                                           const PgQuery__Node *row, const PgQuery__SubLink *link)
{
    struct od_exprs left = od_bind_row(place, row);
    struct od_exprs right = {0};
    struct od_subquery *query = bind_subquery(place, link);
    OD_NEED(query != NULL && has_width(place->binder, query, left.count));
    for (uint32_t i = 0; i < left.count; i++)
        OD_NEED(od_add_expr(place->binder, &right, output_slot(place->binder, place->block, query, i)));
    return od_bind_compare(place->binder, function, left, right, link->location);
}
