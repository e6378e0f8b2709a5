/* output_name: the name of an output column without AS, as PostgreSQL's FigureColname (parse_target.c) finds
 * it: a column's or a function's own name, a cast's type when its argument has no name, "case", and else
 * "?column?". */
#include "engine/sql/binder.h"

static int figure(const PgQuery__Node *node, const char **name);

/* A sub-select's value is called what its one column is called. */
static int figure_sub_link(const PgQuery__SubLink *link, const char **name)
{
    const PgQuery__SelectStmt *select = link->subselect->select_stmt;
    if (link->sub_link_type == PG_QUERY__SUB_LINK_TYPE__EXISTS_SUBLINK) {
        *name = "exists";
        return 2;
    }
    if (link->sub_link_type != PG_QUERY__SUB_LINK_TYPE__EXPR_SUBLINK || select->n_target_list == 0)
        return 0;
    const PgQuery__ResTarget *target = select->target_list[0]->res_target;
    if (!od_sql_given(target->name))
        return figure(target->val, name);
    *name = target->name;
    return 2;
}

/* The text of the last of the nodes that is one; NULL: none is. */
static const char *last_string(PgQuery__Node *const *nodes, size_t count)
{
    while (count > 0 && od_sql_string(nodes[count - 1]) == NULL)
        count--;
    return count == 0 ? NULL : od_sql_string(nodes[count - 1]);
}

/* What is called by its argument's real name, else by `fallback`. */
static int figure_argument(const PgQuery__Node *argument, const char *fallback, const char **name)
{
    int strength = figure(argument, name);
    if (strength == 2 || fallback == NULL)
        return strength;
    *name = fallback;
    return 1;
}

/* Strength as in PostgreSQL: 0 none, 1 a default that a better name may replace, 2 a real name. */
static int figure(const PgQuery__Node *node, const char **name)
{
    const char *found = NULL;
    const PgQuery__TypeName *type = NULL;
    if (node == NULL)
        return 0;
    switch (node->node_case) {
    case PG_QUERY__NODE__NODE_COLUMN_REF:
        found = last_string(node->column_ref->fields, node->column_ref->n_fields);
        break;
    case PG_QUERY__NODE__NODE_FUNC_CALL:
        found = last_string(node->func_call->funcname, node->func_call->n_funcname);
        break;
    case PG_QUERY__NODE__NODE_A_EXPR:
        found = node->a_expr->kind == PG_QUERY__A__EXPR__KIND__AEXPR_NULLIF ? "nullif" : NULL;
        break;
    case PG_QUERY__NODE__NODE_TYPE_CAST:
        type = node->type_cast->type_name;
        return figure_argument(node->type_cast->arg,
                               type == NULL ? NULL : last_string(type->names, type->n_names), name);
    case PG_QUERY__NODE__NODE_CASE_EXPR:
        return figure_argument(node->case_expr->defresult, "case", name);
    case PG_QUERY__NODE__NODE_SUB_LINK:
        return figure_sub_link(node->sub_link, name);
    case PG_QUERY__NODE__NODE_COLLATE_CLAUSE:
        return figure(node->collate_clause->arg, name);
    case PG_QUERY__NODE__NODE_GROUPING_FUNC:
        found = "grouping";
        break;
    case PG_QUERY__NODE__NODE_COALESCE_EXPR:
        found = "coalesce";
        break;
    case PG_QUERY__NODE__NODE_MIN_MAX_EXPR:
        found = node->min_max_expr->op == PG_QUERY__MIN_MAX_OP__IS_GREATEST ? "greatest" : "least";
        break;
    default:
        break;
    }
    *name = found != NULL ? found : *name;
    return found != NULL ? 2 : 0;
}

const char *od_output_name(const PgQuery__Node *node)
{
    const char *name = "?column?";
    figure(node, &name);
    return name;
}
