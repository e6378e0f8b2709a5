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
    if (target->name == NULL || target->name[0] == '\0')
        return figure(target->val, name);
    *name = target->name;
    return 2;
}

/* Strength as in PostgreSQL: 0 none, 1 a default that a better name may replace, 2 a real name. */
static int figure(const PgQuery__Node *node, const char **name)
{
    const char *last = NULL;
    int strength = 0;
    if (node == NULL)
        return 0;
    switch (node->node_case) {
    case PG_QUERY__NODE__NODE_COLUMN_REF:
        for (size_t i = 0; i < node->column_ref->n_fields; i++)
            if (od_sql_string(node->column_ref->fields[i]) != NULL)
                last = od_sql_string(node->column_ref->fields[i]);
        break;
    case PG_QUERY__NODE__NODE_FUNC_CALL:
        last = od_sql_string(node->func_call->funcname[node->func_call->n_funcname - 1]);
        break;
    case PG_QUERY__NODE__NODE_A_EXPR:
        if (node->a_expr->kind == PG_QUERY__A__EXPR__KIND__AEXPR_NULLIF)
            last = "nullif";
        break;
    case PG_QUERY__NODE__NODE_TYPE_CAST:
        strength = figure(node->type_cast->arg, name);
        if (strength <= 1 && node->type_cast->type_name != NULL && node->type_cast->type_name->n_names > 0) {
            *name = od_sql_string(node->type_cast->type_name->names[node->type_cast->type_name->n_names - 1]);
            return 1;
        }
        return strength;
    case PG_QUERY__NODE__NODE_CASE_EXPR:
        strength = figure(node->case_expr->defresult, name);
        if (strength <= 1) {
            *name = "case";
            return 1;
        }
        return strength;
    case PG_QUERY__NODE__NODE_SUB_LINK:
        return figure_sub_link(node->sub_link, name);
    case PG_QUERY__NODE__NODE_COLLATE_CLAUSE:
        return figure(node->collate_clause->arg, name);
    case PG_QUERY__NODE__NODE_GROUPING_FUNC:
        last = "grouping";
        break;
    case PG_QUERY__NODE__NODE_COALESCE_EXPR:
        last = "coalesce";
        break;
    case PG_QUERY__NODE__NODE_MIN_MAX_EXPR:
        last = node->min_max_expr->op == PG_QUERY__MIN_MAX_OP__IS_GREATEST ? "greatest" : "least";
        break;
    default:
        break;
    }
    if (last == NULL)
        return 0;
    *name = last;
    return 2;
}

const char *od_output_name(const PgQuery__Node *node)
{
    const char *name = "?column?";
    figure(node, &name);
    return name == NULL ? "?column?" : name;
}
