/* render_sql: see render_sql.h.
 *
 *   plan  ->  struct select { items, from, where, group by, having, order by, limit }  ->  text
 *
 * A node becomes a select of its own unless it fits into the one around it: scans and left-nested joins are
 * written into FROM, a filter over a source becomes WHERE, a filter over groups HAVING, a limit over a sort
 * its LIMIT. So the text looks like what people write and passes through most of the binder.
 * Memory refusal is sticky (`failed`): texts are then "" and the end reports it. */
#include "properties/render_sql.h"

#include "engine/core/assert.h"
#include "properties/model_parts.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define LIST_MAX 64u

struct render {
    struct od_arena *arena;
    enum od_dialect dialect;
    uint32_t alias_count;
    bool failed;
    const char *spare[LIST_MAX]; /* what a refused list is replaced by, so that writers need not look */
};

/* Something that can stand in FROM, and how its columns are called there. */
struct source {
    const char *from;
    const char *where; /* NULL: none */
    const char **refs;
    uint32_t ref_count;
};

struct select {
    const char **items;
    uint32_t item_count;
    bool distinct;
    const char *from, *where, *group_by, *having, *order_by, *limit; /* NULL: none */
};

static const char *expr_text(struct render *render, const struct od_expr *expr, const char *const *refs);
static struct select plan_select(struct render *render, const struct od_plan *plan);
static struct source plan_source(struct render *render, const struct od_plan *plan);

#define TEXT(...) checked(render, od_arena_print(render->arena, __VA_ARGS__))

static const char *checked(struct render *render, const char *text)
{
    render->failed |= text == NULL;
    return text != NULL ? text : "";
}

static const char **text_list(struct render *render, uint32_t count)
{
    const char **list = od_arena_take_array(render->arena, (size_t)count + 1, sizeof(*list));
    od_assert(count <= LIST_MAX);
    render->failed |= list == NULL;
    for (uint32_t i = 0; list == NULL && i < LIST_MAX; i++)
        render->spare[i] = "";
    return list != NULL ? list : render->spare;
}

static const char *joined(struct render *render, const char *const *list, uint32_t count)
{
    const char *text = "";
    for (uint32_t i = 0; i < count; i++)
        text = i == 0 ? list[0] : TEXT("%s, %s", text, list[i]);
    return text;
}

/* --- literals ------------------------------------------------------------------------------------------- */

static const char *quoted(struct render *render, const struct od_value *value)
{
    char *text = od_arena_take(render->arena, (size_t)value->text.size * 2 + 3);
    size_t size = 0;
    if (text == NULL)
        return checked(render, NULL);
    text[size++] = '\'';
    for (uint32_t i = 0; i < value->text.size; i++) {
        if (value->text.bytes[i] == '\'')
            text[size++] = '\'';
        text[size++] = value->text.bytes[i];
    }
    text[size++] = '\'';
    text[size] = '\0';
    return text;
}

static const char *integer_text(struct render *render, int64_t number)
{
    if (number >= 0)
        return TEXT("%" PRId64, number);
    return TEXT("(%" PRId64 ")", number);
}

static const char *engine_literal(struct render *render, const struct od_value *value)
{
    struct od_value text;
    if (value->is_null)
        return TEXT("NULL::%s", od_type_text(value->type));
    switch (value->type) {
    case OD_TYPE_BOOLEAN:
        return value->boolean ? "true" : "false";
    case OD_TYPE_INT32:
        return value->int64 == INT32_MIN ? "'-2147483648'::integer" : integer_text(render, value->int64);
    case OD_TYPE_TEXT:
        return TEXT("%s::text", quoted(render, value));
    default:
        if (od_model_cast(&(struct od_model){.arena = render->arena}, value, OD_TYPE_TEXT, &text) != OD_OK)
            return checked(render, NULL);
        return TEXT("'%s'::%s", text.text.bytes, od_type_text(value->type));
    }
}

static const char *sqlite_literal(struct render *render, const struct od_value *value)
{
    if (value->is_null)
        return "NULL";
    switch (value->type) {
    case OD_TYPE_BOOLEAN:
        return value->boolean ? "1" : "0";
    case OD_TYPE_TEXT:
        return quoted(render, value);
    case OD_TYPE_FLOAT64: {
        const char *text = TEXT("%.17g", value->float64);
        return TEXT("(%s%s)", text, strpbrk(text, ".en") == NULL ? ".0" : "");
    }
    default:
        return integer_text(render, value->int64);
    }
}

/* --- expressions ---------------------------------------------------------------------------------------- */

static const char *cast_text(struct render *render, const struct od_expr *expr, const char *argument)
{
    enum od_type from = expr->arguments[0]->type;
    if (render->dialect == OD_DIALECT_ENGINE)
        return TEXT("CAST(%s AS %s)", argument, od_type_text(expr->type));
    if (expr->type == OD_TYPE_FLOAT64)
        return TEXT("CAST(%s AS REAL)", argument);
    if (expr->type == OD_TYPE_TEXT)
        return TEXT("CAST(%s AS TEXT)", argument);
    if (expr->type == OD_TYPE_BOOLEAN)
        return TEXT("(%s <> 0)", argument);
    if (expr->type == OD_TYPE_TIMESTAMP)
        return TEXT("(%s * 86400000000)", argument);
    /* A boolean is the number already. */
    return from == OD_TYPE_BOOLEAN ? argument : TEXT("CAST(%s AS INTEGER)", argument);
}

static const char *case_text(struct render *render, const char *const *arguments, uint32_t count)
{
    const char *text = "CASE";
    for (uint32_t i = 0; i + 1 < count; i += 2)
        text = TEXT("%s WHEN %s THEN %s", text, arguments[i], arguments[i + 1]);
    return TEXT("%s ELSE %s END", text, arguments[count - 1]);
}

/* (a op b op c) */
static const char *infix_text(struct render *render, const char *operator, const char * const * arguments,
                              uint32_t count)
{
    const char *text = TEXT("(%s", arguments[0]);
    for (uint32_t i = 1; i < count; i++)
        text = TEXT("%s %s %s", text, operator, arguments[i]);
    return TEXT("%s)", text);
}

/* How each function is written; {0} with `name` only: name(arguments). */
enum form {
    FORM_CALL,
    FORM_INFIX,
    FORM_PREFIX,
    FORM_POSTFIX,
    FORM_CASE,
    FORM_CAST,
    FORM_LIKE,
    FORM_EXTRACT,
    FORM_TRUNCATE
};
static const struct {
    enum form form;
    const char *name;
} forms[OD_FUNCTION_COUNT] = {
    [OD_FUNCTION_ADD] = {FORM_INFIX, "+"},
    [OD_FUNCTION_SUBTRACT] = {FORM_INFIX, "-"},
    [OD_FUNCTION_MULTIPLY] = {FORM_INFIX, "*"},
    [OD_FUNCTION_DIVIDE] = {FORM_INFIX, "/"},
    [OD_FUNCTION_MODULO] = {FORM_INFIX, "%"},
    [OD_FUNCTION_NEGATE] = {FORM_PREFIX, "-"},
    [OD_FUNCTION_EQUAL] = {FORM_INFIX, "="},
    [OD_FUNCTION_NOT_EQUAL] = {FORM_INFIX, "<>"},
    [OD_FUNCTION_LESS] = {FORM_INFIX, "<"},
    [OD_FUNCTION_LESS_EQUAL] = {FORM_INFIX, "<="},
    [OD_FUNCTION_GREATER] = {FORM_INFIX, ">"},
    [OD_FUNCTION_GREATER_EQUAL] = {FORM_INFIX, ">="},
    [OD_FUNCTION_IS_DISTINCT] = {FORM_INFIX, "IS DISTINCT FROM"},
    [OD_FUNCTION_IS_NOT_DISTINCT] = {FORM_INFIX, "IS NOT DISTINCT FROM"},
    [OD_FUNCTION_AND] = {FORM_INFIX, "AND"},
    [OD_FUNCTION_OR] = {FORM_INFIX, "OR"},
    [OD_FUNCTION_NOT] = {FORM_PREFIX, "NOT"},
    [OD_FUNCTION_IS_NULL] = {FORM_POSTFIX, "IS NULL"},
    [OD_FUNCTION_IS_NOT_NULL] = {FORM_POSTFIX, "IS NOT NULL"},
    [OD_FUNCTION_IS_TRUE] = {FORM_POSTFIX, "IS TRUE"},
    [OD_FUNCTION_IS_FALSE] = {FORM_POSTFIX, "IS FALSE"},
    [OD_FUNCTION_CASE] = {FORM_CASE, NULL},
    [OD_FUNCTION_COALESCE] = {FORM_CALL, "COALESCE"},
    [OD_FUNCTION_NULLIF] = {FORM_CALL, "NULLIF"},
    [OD_FUNCTION_GREATEST] = {FORM_CALL, "GREATEST"},
    [OD_FUNCTION_LEAST] = {FORM_CALL, "LEAST"},
    [OD_FUNCTION_CAST] = {FORM_CAST, NULL},
    [OD_FUNCTION_LIKE] = {FORM_LIKE, "LIKE"},
    [OD_FUNCTION_CONCATENATE] = {FORM_INFIX, "||"},
    [OD_FUNCTION_LOWER] = {FORM_CALL, "lower"},
    [OD_FUNCTION_UPPER] = {FORM_CALL, "upper"},
    [OD_FUNCTION_LENGTH] = {FORM_CALL, "length"},
    [OD_FUNCTION_SUBSTRING] = {FORM_CALL, "substring"},
    [OD_FUNCTION_ABS] = {FORM_CALL, "abs"},
    [OD_FUNCTION_FLOOR] = {FORM_CALL, "floor"},
    [OD_FUNCTION_CEIL] = {FORM_CALL, "ceil"},
    [OD_FUNCTION_ROUND] = {FORM_CALL, "round"},
    [OD_FUNCTION_SQRT] = {FORM_CALL, "sqrt"},
    [OD_FUNCTION_EXTRACT] = {FORM_EXTRACT, NULL},
    [OD_FUNCTION_DATE_TRUNC] = {FORM_TRUNCATE, NULL},
};

bool od_render_sql_knows(enum od_function function)
{
    return forms[function].name != NULL || forms[function].form > FORM_POSTFIX;
}

static const char *call_text(struct render *render, const struct od_expr *expr, const char *const *refs)
{
    uint32_t count = expr->argument_count;
    const char **arguments = text_list(render, count);
    const char *name = forms[expr->function].name;
    od_assert(name != NULL ||
              forms[expr->function].form > FORM_POSTFIX); /* what is generated can be written */
    for (uint32_t i = 0; i < count; i++)
        arguments[i] = expr_text(render, expr->arguments[i], refs);
    switch (forms[expr->function].form) {
    case FORM_CALL:
        return TEXT("%s(%s)", name, joined(render, arguments, count));
    case FORM_INFIX:
        return infix_text(render, name, arguments, count);
    case FORM_PREFIX:
        return TEXT("(%s %s)", name, arguments[0]);
    case FORM_POSTFIX:
        return TEXT("(%s %s)", arguments[0], name);
    case FORM_CASE:
        return case_text(render, arguments, count);
    case FORM_CAST:
        return cast_text(render, expr, arguments[0]);
    case FORM_LIKE:
        return TEXT("(%s LIKE %s%s)", arguments[0], arguments[1],
                    render->dialect == OD_DIALECT_SQLITE ? " ESCAPE '\\'" : "");
    case FORM_EXTRACT:
        return TEXT("EXTRACT(%.*s FROM %s)", (int)expr->arguments[0]->literal.text.size,
                    expr->arguments[0]->literal.text.bytes, arguments[1]);
    case FORM_TRUNCATE:
        return TEXT("date_trunc(%s, %s)", quoted(render, &expr->arguments[0]->literal), arguments[1]);
    }
    od_unreachable();
}

static const char *expr_text(struct render *render, const struct od_expr *expr, const char *const *refs)
{
    switch (expr->kind) {
    case OD_EXPR_COLUMN:
        return refs[expr->column_index];
    case OD_EXPR_LITERAL:
        return render->dialect == OD_DIALECT_ENGINE ? engine_literal(render, &expr->literal)
                                                    : sqlite_literal(render, &expr->literal);
    case OD_EXPR_CALL:
        return call_text(render, expr, refs);
    case OD_EXPR_OUTER:
        break; /* not generated */
    }
    od_unreachable();
}

/* --- sources -------------------------------------------------------------------------------------------- */

static const char *select_text(struct render *render, const struct select *select)
{
    const char *items = "";
    for (uint32_t i = 0; i < select->item_count; i++)
        items = TEXT("%s%s%s AS c%u", items, i == 0 ? "" : ", ", select->items[i], i);
    const char *text = TEXT("SELECT %s%s FROM %s", select->distinct ? "DISTINCT " : "", items, select->from);
    if (select->where != NULL)
        text = TEXT("%s WHERE %s", text, select->where);
    if (select->group_by != NULL)
        text = TEXT("%s GROUP BY %s", text, select->group_by);
    if (select->having != NULL)
        text = TEXT("%s HAVING %s", text, select->having);
    if (select->order_by != NULL)
        text = TEXT("%s ORDER BY %s", text, select->order_by);
    return select->limit != NULL ? TEXT("%s %s", text, select->limit) : text;
}

static struct source subselect_source(struct render *render, const struct od_plan *plan)
{
    struct select select = plan_select(render, plan);
    uint32_t alias = ++render->alias_count;
    struct source source = {TEXT("(%s) AS q%u", select_text(render, &select), alias), NULL,
                            text_list(render, select.item_count), select.item_count};
    for (uint32_t i = 0; i < select.item_count; i++)
        source.refs[i] = TEXT("q%u.c%u", alias, i);
    return source;
}

static struct source scan_source(struct render *render, const struct od_plan *plan)
{
    uint32_t alias = ++render->alias_count;
    const struct od_table *table = plan->scan.table;
    struct source source = {TEXT("%s AS q%u", table->name, alias), NULL,
                            text_list(render, plan->scan.column_count), plan->scan.column_count};
    for (uint32_t i = 0; i < plan->scan.column_count; i++)
        source.refs[i] = TEXT("q%u.%s", alias, table->schema.fields[plan->scan.columns[i]].name);
    return source;
}

/* The left side of a join may be a join itself, written with ON. */
static bool is_plain_left(const struct od_plan *plan)
{
    return plan->kind == OD_PLAN_SCAN || (plan->kind == OD_PLAN_JOIN && od_join_gives_right(plan->join.type));
}

/* The right side of a join must be one item: a table or a sub-select. What gives no right fields is a condition. */
static struct source join_source(struct render *render, const struct od_plan *plan)
{
    static const char *const words[OD_JOIN_TYPE_COUNT] = {[OD_JOIN_INNER] = "JOIN",
                                                          [OD_JOIN_LEFT] = "LEFT JOIN",
                                                          [OD_JOIN_RIGHT] = "RIGHT JOIN",
                                                          [OD_JOIN_FULL] = "FULL JOIN"};
    const struct od_plan *left_plan = plan->inputs[0], *right_plan = plan->inputs[1];
    struct source left =
        is_plain_left(left_plan) ? plan_source(render, left_plan) : subselect_source(render, left_plan);
    struct source right = right_plan->kind == OD_PLAN_SCAN ? scan_source(render, right_plan)
                                                           : subselect_source(render, right_plan);
    uint32_t count = left.ref_count + right.ref_count;
    struct source source = {"", NULL, text_list(render, count), count};
    for (uint32_t i = 0; i < count; i++)
        source.refs[i] = i < left.ref_count ? left.refs[i] : right.refs[i - left.ref_count];
    const char *condition = expr_text(render, plan->join.condition, source.refs);
    if (words[plan->join.type] != NULL) {
        source.from = TEXT("%s %s %s ON %s", left.from, words[plan->join.type], right.from, condition);
        return source;
    }
    od_assert(plan->join.type == OD_JOIN_SEMI || plan->join.type == OD_JOIN_ANTI);
    source.from = left.from;
    source.ref_count = left.ref_count;
    source.where = TEXT("%sEXISTS (SELECT 1 FROM %s WHERE %s)", plan->join.type == OD_JOIN_ANTI ? "NOT " : "",
                        right.from, condition);
    return source;
}

static struct source union_source(struct render *render, const struct od_plan *plan)
{
    struct select left = plan_select(render, plan->inputs[0]), right = plan_select(render, plan->inputs[1]);
    uint32_t count = plan->schema.field_count, alias = ++render->alias_count;
    const char *texts[2] = {select_text(render, &left), select_text(render, &right)};
    for (uint32_t i = 0; i < 2; i++) /* only a sub-select has an order of its own */
        if (plan->inputs[i]->kind == OD_PLAN_SORT || plan->inputs[i]->kind == OD_PLAN_LIMIT)
            texts[i] = TEXT("SELECT * FROM (%s) AS q%u", texts[i], ++render->alias_count);
    struct source source = {TEXT("(%s UNION ALL %s) AS q%u", texts[0], texts[1], alias), NULL,
                            text_list(render, count), count};
    for (uint32_t i = 0; i < count; i++)
        source.refs[i] = TEXT("q%u.c%u", alias, i);
    return source;
}

static struct source filter_source(struct render *render, const struct od_plan *plan)
{
    struct source source = plan_source(render, plan->inputs[0]);
    if (source.where != NULL)
        source = subselect_source(render, plan->inputs[0]);
    source.where = expr_text(render, plan->filter.predicate, source.refs);
    return source;
}

static struct source plan_source(struct render *render, const struct od_plan *plan)
{
    if (plan->kind == OD_PLAN_SCAN)
        return scan_source(render, plan);
    if (plan->kind == OD_PLAN_JOIN)
        return join_source(render, plan);
    if (plan->kind == OD_PLAN_UNION)
        return union_source(render, plan);
    if (plan->kind == OD_PLAN_FILTER && plan->inputs[0]->kind != OD_PLAN_AGGREGATE)
        return filter_source(render, plan);
    return subselect_source(render, plan);
}

/* --- selects -------------------------------------------------------------------------------------------- */

static struct select select_from(const struct source *source)
{
    struct select select;
    memset(&select, 0, sizeof(select));
    select.from = source->from;
    select.where = source->where;
    select.items = source->refs;
    select.item_count = source->ref_count;
    return select;
}

static struct select project_select(struct render *render, const struct od_plan *plan)
{
    struct source source = plan_source(render, plan->inputs[0]);
    struct select select = select_from(&source);
    select.item_count = plan->schema.field_count;
    select.items = text_list(render, select.item_count);
    for (uint32_t i = 0; i < select.item_count; i++)
        select.items[i] = expr_text(render, plan->rows.exprs[i], source.refs);
    return select;
}

/* All columns of the input, in order, and nothing else: SELECT DISTINCT. */
static bool is_distinct(const struct od_plan *plan)
{
    bool all = plan->aggregate.aggregate_count == 0 &&
               plan->aggregate.group_count == plan->inputs[0]->schema.field_count;
    for (uint32_t i = 0; i < plan->aggregate.group_count && all; i++)
        all =
            plan->aggregate.groups[i]->kind == OD_EXPR_COLUMN && plan->aggregate.groups[i]->column_index == i;
    return all;
}

static const char *aggregate_text(struct render *render, const struct od_aggregate *aggregate,
                                  const char *const *refs)
{
    const char *text = "count(*)";
    if (aggregate->function != OD_AGGREGATE_COUNT_STAR)
        text = TEXT("%s(%s%s)", od_aggregate_text(aggregate->function),
                    aggregate->distinct ? "DISTINCT " : "", expr_text(render, aggregate->argument, refs));
    if (aggregate->filter == NULL)
        return text;
    return TEXT("%s FILTER (WHERE %s)", text, expr_text(render, aggregate->filter, refs));
}

static struct select aggregate_select(struct render *render, const struct od_plan *plan)
{
    struct source source = plan_source(render, plan->inputs[0]);
    struct select select = select_from(&source);
    uint32_t group_count = plan->aggregate.group_count;
    select.item_count = group_count + plan->aggregate.aggregate_count;
    select.items = text_list(render, select.item_count);
    for (uint32_t i = 0; i < group_count; i++)
        select.items[i] = expr_text(render, plan->aggregate.groups[i], source.refs);
    for (uint32_t i = 0; i < plan->aggregate.aggregate_count; i++) {
        select.items[group_count + i] = aggregate_text(render, &plan->aggregate.aggregates[i], source.refs);
    }
    select.distinct = is_distinct(plan);
    if (group_count > 0 && !select.distinct)
        select.group_by = joined(render, select.items, group_count);
    return select;
}

static struct select filter_select(struct render *render, const struct od_plan *plan)
{
    if (plan->inputs[0]->kind != OD_PLAN_AGGREGATE || is_distinct(plan->inputs[0])) {
        struct source source = plan->inputs[0]->kind == OD_PLAN_AGGREGATE
                                   ? subselect_source(render, plan->inputs[0])
                                   : plan_source(render, plan);
        if (plan->inputs[0]->kind == OD_PLAN_AGGREGATE)
            source.where = expr_text(render, plan->filter.predicate, source.refs);
        return select_from(&source);
    }
    struct select select = aggregate_select(render, plan->inputs[0]);
    select.having = expr_text(render, plan->filter.predicate, select.items);
    return select;
}

/* " NULLS LAST" is the default of ascending keys in PostgreSQL, not in SQLite: always said. */
static const char *order_text(struct render *render, const char *ref, bool descending, bool nulls_first)
{
    return TEXT("%s %s NULLS %s", ref, descending ? "DESC" : "ASC", nulls_first ? "FIRST" : "LAST");
}

static const char *bound_text(struct render *render, enum od_frame_bound bound, const struct od_expr *offset,
                              const char *const *refs)
{
    static const char *const texts[] = {"UNBOUNDED PRECEDING", "PRECEDING", "CURRENT ROW", "FOLLOWING",
                                        "UNBOUNDED FOLLOWING"};
    return offset == NULL ? texts[bound] : TEXT("%s %s", expr_text(render, offset, refs), texts[bound]);
}

static const char *frame_text(struct render *render, const struct od_window_frame *frame,
                              const char *const *refs)
{
    static const char *const units[] = {"ROWS", "RANGE", "GROUPS"};
    static const char *const exclusions[] = {"", " EXCLUDE CURRENT ROW", " EXCLUDE GROUP", " EXCLUDE TIES"};
    return TEXT("%s BETWEEN %s AND %s%s", units[frame->unit],
                bound_text(render, frame->start, frame->start_offset, refs),
                bound_text(render, frame->end, frame->end_offset, refs), exclusions[frame->exclusion]);
}

static const char *order_list(struct render *render, const struct od_sort_key *keys, uint32_t count,
                              const char *const *refs)
{
    const char **texts = text_list(render, count);
    for (uint32_t i = 0; i < count; i++)
        texts[i] = order_text(render, expr_text(render, keys[i].expr, refs), keys[i].descending,
                              keys[i].nulls_first);
    return joined(render, texts, count);
}

static const char *window_call_text(struct render *render, const struct od_plan *plan,
                                    const struct od_window_call *call, const char *const *refs)
{
    const char *text = TEXT("%s(%s)", od_window_function_text(call->function),
                            call->argument_count == 0 ? "" : expr_text(render, call->arguments[0], refs));
    if (call->function == OD_WINDOW_AGGREGATE)
        text = aggregate_text(render, &call->aggregate, refs);
    text = TEXT("%s OVER (", text);
    if (plan->window.partition_count > 0)
        text = TEXT("%sPARTITION BY %s ", text, expr_text(render, plan->window.partitions[0], refs));
    if (plan->window.key_count > 0)
        text =
            TEXT("%sORDER BY %s ", text, order_list(render, plan->window.keys, plan->window.key_count, refs));
    return TEXT("%s%s)", text, frame_text(render, &call->frame, refs));
}

static struct select window_select(struct render *render, const struct od_plan *plan)
{
    struct source source = plan_source(render, plan->inputs[0]);
    struct select select = select_from(&source);
    select.item_count = plan->schema.field_count;
    select.items = text_list(render, select.item_count);
    for (uint32_t i = 0; i < source.ref_count; i++)
        select.items[i] = source.refs[i];
    for (uint32_t i = 0; i < plan->window.call_count; i++)
        select.items[source.ref_count + i] =
            window_call_text(render, plan, &plan->window.calls[i], source.refs);
    return select;
}

static const char *all_columns_order(struct render *render, const char *first, const struct source *source)
{
    const char *text = first;
    for (uint32_t i = 0; i < source->ref_count; i++)
        text = TEXT("%s%s%s", text, *text == '\0' ? "" : ", ",
                    order_text(render, source->refs[i], false, false));
    return text;
}

static struct select sort_select(struct render *render, const struct od_plan *plan)
{
    struct source source = plan_source(render, plan->inputs[0]);
    struct select select = select_from(&source);
    /* No keys: a limit by the whole row, which the engine's LIMIT means by itself. Its columns as keys would not be
     * the same: -0.0 equals 0.0 in a key, and comes before it in a row. */
    if (plan->sort.key_count > 0)
        select.order_by = order_list(render, plan->sort.keys, plan->sort.key_count, source.refs);
    if (render->dialect == OD_DIALECT_SQLITE)
        select.order_by = all_columns_order(render, plan->sort.key_count > 0 ? select.order_by : "", &source);
    return select;
}

static struct select limit_select(struct render *render, const struct od_plan *plan)
{
    struct select select = sort_select(render, plan->inputs[0]);
    const char *limit = "LIMIT -1";
    if (plan->limit.count != UINT64_MAX)
        limit = TEXT("LIMIT %" PRIu64, plan->limit.count);
    else if (render->dialect == OD_DIALECT_ENGINE)
        limit = "";
    select.limit = limit;
    if (plan->limit.offset > 0 || *limit == '\0')
        select.limit = TEXT("%s%sOFFSET %" PRIu64, limit, *limit == '\0' ? "" : " ", plan->limit.offset);
    return select;
}

static struct select source_select(struct render *render, const struct od_plan *plan)
{
    struct source source = plan_source(render, plan);
    return select_from(&source);
}

static struct select plan_select(struct render *render, const struct od_plan *plan)
{
    typedef struct select (*render_node)(struct render * render, const struct od_plan *plan);
    static const render_node nodes[OD_PLAN_KIND_COUNT] = {
        [OD_PLAN_SCAN] = source_select,         [OD_PLAN_FILTER] = filter_select,
        [OD_PLAN_PROJECT] = project_select,     [OD_PLAN_JOIN] = source_select,
        [OD_PLAN_AGGREGATE] = aggregate_select, [OD_PLAN_SORT] = sort_select,
        [OD_PLAN_LIMIT] = limit_select,         [OD_PLAN_UNION] = source_select,
        [OD_PLAN_WINDOW] = window_select,
    };
    od_assert(nodes[plan->kind] != NULL); /* what is generated can be written */
    return nodes[plan->kind](render, plan);
}

enum od_status od_render_sql(struct od_arena *arena, const struct od_plan *plan, enum od_dialect dialect,
                             const char **sql_out, struct od_error *error)
{
    struct render render = {.arena = arena, .dialect = dialect};
    struct select select = plan_select(&render, plan);
    *sql_out = select_text(&render, &select);
    if (!render.failed)
        return OD_OK;
    *sql_out = NULL;
    return od_fail(error, OD_NO_MEMORY, "writing a plan as SQL");
}
