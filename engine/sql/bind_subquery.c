/* bind_subquery: sub-selects in expressions: EXISTS (...), x IN (...), x < ANY (...), (...), (a, b) = (...).
 *
 * Each becomes a SLOT whose value a join will bring (lower.c): a MARK for a question that has a truth value,
 * which is the OR of a condition over its rows; a SINGLE for a value. x <op> ALL (...) is NOT (x <not op> ANY
 * ...), as three-valued logic allows. A sub-select that reads a column of a block around it is joined by an
 * APPLY. */
#include "engine/core/assert.h"
#include "engine/sql/binder.h"

struct od_slot *od_new_slot(struct od_binder *binder, struct od_block *block, enum od_slot_kind kind,
                            uint32_t *slot_out)
{
    void *list = NULL;
    *slot_out = OD_SLOT_BASE + block->slot_count;
    struct od_slot *slot = od_sql_append(binder, block->slots, &block->slot_count, sizeof(*slot), &list);
    block->slots = list != NULL ? list : block->slots;
    if (slot != NULL)
        *slot = (struct od_slot){.kind = kind, .column = OD_NO_COLUMN};
    return slot;
}

/* The sub-select's plan; its type and condition are still to come. */
static enum od_status bind_subquery(struct od_binder *binder, struct od_block *block,
                                    const PgQuery__SubLink *link, struct od_subquery **query_out)
{
    const struct od_expr *truth = NULL;
    struct od_subquery *query = od_arena_take(binder->plan_arena, sizeof(*query));
    struct od_value yes = {.type = OD_TYPE_BOOLEAN, .boolean = true};
    uint32_t reads = block->deeper_reads;
    *query_out = query;
    if (query == NULL)
        return od_sql_no_memory(binder);
    if (link->subselect->node_case != PG_QUERY__NODE__NODE_SELECT_STMT)
        return od_sql_fail(binder, OD_UNSUPPORTED, link->location, "this sub-select is not supported");
    *query = (struct od_subquery){.type = OD_JOIN_SINGLE,
                                  .column = OD_NO_COLUMN,
                                  .location = link->location,
                                  .read_first = block->outer_read_count};
    OD_TRY(od_bind_query(binder, link->subselect->select_stmt, block, &query->plan, NULL));
    OD_TRY(od_expr_literal(binder->plan_arena, &yes, &truth, binder->error));
    query->condition = truth;
    query->correlated = block->deeper_reads != reads;
    query->read_end = block->outer_read_count;
    return OD_OK;
}

/* A slot for one output of the joined sub-select. */
static enum od_status output_slot(struct od_binder *binder, struct od_block *block, struct od_subquery *query,
                                  uint32_t field, struct od_bound *bound_out)
{
    uint32_t number;
    struct od_slot *slot = od_new_slot(binder, block, OD_SLOT_SUBQUERY, &number);
    if (slot == NULL)
        return od_sql_no_memory(binder);
    slot->value.query = query;
    slot->value.field = field;
    bool is_mark = query->type == OD_JOIN_MARK;
    bound_out->unknown = false;
    return od_slot_column(binder, number, is_mark ? OD_TYPE_BOOLEAN : query->plan->schema.fields[field].type,
                          !is_mark || !query->exists, query->location, &bound_out->expr);
}

/* A row is enough to know that there is one. */
static enum od_status cut_to_one_row(struct od_binder *binder, struct od_subquery *query)
{
    if (query->correlated)
        return OD_OK;
    OD_TRY(od_plan_project(binder->plan_arena, query->plan, &query->condition, NULL, 1, &query->plan,
                           binder->error));
    return od_plan_limit(binder->plan_arena, query->plan, 0, 1, &query->plan, binder->error);
}

static enum od_status check_width(struct od_binder *binder, const struct od_subquery *query, uint32_t count)
{
    uint32_t found = query->plan->schema.field_count;
    if (found == count)
        return OD_OK;
    return od_sql_fail(binder, OD_BAD_INPUT, query->location, "subquery has too %s columns",
                       found > count ? "many" : "few");
}

static enum od_status bind_quantified(struct od_binder *binder, const struct od_place *place,
                                      const PgQuery__SubLink *link, struct od_subquery *query,
                                      struct od_bound *bound_out)
{
    bool all = link->sub_link_type == PG_QUERY__SUB_LINK_TYPE__ALL_SUBLINK;
    const char *name = link->n_oper_name == 0 ? "=" : od_sql_string(link->oper_name[link->n_oper_name - 1]);
    enum od_function function = OD_FUNCTION_EQUAL;
    struct od_bound *left = NULL;
    struct od_bound test = {0};
    uint32_t count = 0;
    if (!od_sql_operator(name, &function))
        return od_sql_fail(binder, OD_UNSUPPORTED, link->location, "operator %s is not supported here", name);
    OD_TRY(od_bind_row(binder, place, link->testexpr, &left, &count));
    OD_TRY(check_width(binder, query, count));
    struct od_bound *right = od_arena_take_array(binder->plan_arena, count, sizeof(*right));
    if (right == NULL)
        return od_sql_no_memory(binder);
    for (uint32_t i = 0; i < count; i++) {
        const struct od_field *field = &query->plan->schema.fields[i];
        OD_TRY(od_slot_column(binder, OD_RIGHT_BASE + i, field->type, field->nullable, link->location,
                              &right[i].expr));
    }
    OD_TRY(od_bind_compare(binder, function, left, right, count, link->location, &test));
    if (test.expr->type != OD_TYPE_BOOLEAN)
        return od_sql_fail(binder, OD_BAD_INPUT, link->location,
                           "op ANY/ALL requires operator to yield boolean");
    struct od_bound negated = test;
    if (all)
        OD_TRY(od_bind_call(binder, OD_FUNCTION_NOT, &test, 1, link->location, &negated));
    query->type = OD_JOIN_MARK;
    query->condition = negated.expr;
    OD_TRY(output_slot(binder, place->block, query, 0, &test));
    *bound_out = test;
    return all ? od_bind_call(binder, OD_FUNCTION_NOT, &test, 1, link->location, bound_out) : OD_OK;
}

enum od_status od_bind_sub_link(struct od_binder *binder, const struct od_place *place,
                                const PgQuery__SubLink *link, struct od_bound *bound_out)
{
    struct od_subquery *query = NULL;
    OD_TRY(bind_subquery(binder, place->block, link, &query));
    switch (link->sub_link_type) {
    case PG_QUERY__SUB_LINK_TYPE__EXISTS_SUBLINK:
        query->type = OD_JOIN_MARK;
        query->exists = true;
        OD_TRY(cut_to_one_row(binder, query));
        return output_slot(binder, place->block, query, 0, bound_out);
    case PG_QUERY__SUB_LINK_TYPE__EXPR_SUBLINK:
        if (query->plan->schema.field_count != 1)
            return od_sql_fail(binder, OD_BAD_INPUT, link->location, "subquery must return only one column");
        return output_slot(binder, place->block, query, 0, bound_out);
    case PG_QUERY__SUB_LINK_TYPE__ANY_SUBLINK:
    case PG_QUERY__SUB_LINK_TYPE__ALL_SUBLINK:
        return bind_quantified(binder, place, link, query, bound_out);
    default:
        return od_sql_fail(binder, OD_UNSUPPORTED, link->location,
                           "an array of a sub-select is not supported");
    }
}

enum od_status od_bind_row_sub_link(struct od_binder *binder, const struct od_place *place,
                                    enum od_function function, const PgQuery__Node *row,
                                    const PgQuery__SubLink *link, struct od_bound *bound_out)
{
    struct od_subquery *query = NULL;
    struct od_bound *left = NULL;
    uint32_t count = 0;
    OD_TRY(od_bind_row(binder, place, row, &left, &count));
    OD_TRY(bind_subquery(binder, place->block, link, &query));
    OD_TRY(check_width(binder, query, count));
    struct od_bound *right = od_arena_take_array(binder->plan_arena, count, sizeof(*right));
    if (right == NULL)
        return od_sql_no_memory(binder);
    for (uint32_t i = 0; i < count; i++)
        OD_TRY(output_slot(binder, place->block, query, i, &right[i]));
    return od_bind_compare(binder, function, left, right, count, link->location, bound_out);
}
