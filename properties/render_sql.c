/* render_sql: see render_sql.h.
 *
 *   plan  ->  struct select { items, from, where, group by, having, order by, limit }  ->  text
 *
 * A node becomes a select of its own unless it fits into the one around it: scans and left-nested joins are
 * written into FROM, a filter over a source becomes WHERE, a filter over groups HAVING, a limit over a sort
 * its LIMIT. So the text looks like what people write and passes through most of the binder.
 * Expressions are in render_sql_expr.c. */
#include "properties/render_sql_parts.h"

#include "engine/core/assert.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

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

static struct select plan_select(struct od_render *render, const struct od_plan *plan);
static struct source plan_source(struct od_render *render, const struct od_plan *plan);

#define TEXT OD_RENDER_TEXT

/* --- sources -------------------------------------------------------------------------------------------- */

static const char *select_text(struct od_render *render, const struct select *select)
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

static struct source subselect_source(struct od_render *render, const struct od_plan *plan)
{
    struct select select = plan_select(render, plan);
    uint32_t alias = ++render->alias_count;
    struct source source = {TEXT("(%s) AS q%u", select_text(render, &select), alias), NULL,
                            od_render_list(render, select.item_count), select.item_count};
    for (uint32_t i = 0; i < select.item_count; i++)
        source.refs[i] = TEXT("q%u.c%u", alias, i);
    return source;
}

static struct source scan_source(struct od_render *render, const struct od_plan *plan)
{
    uint32_t alias = ++render->alias_count;
    const struct od_table *table = plan->scan.table;
    struct source source = {TEXT("%s AS q%u", table->name, alias), NULL,
                            od_render_list(render, plan->scan.column_count), plan->scan.column_count};
    for (uint32_t i = 0; i < plan->scan.column_count; i++)
        source.refs[i] = TEXT("q%u.%s", alias, table->schema.fields[plan->scan.columns[i]].name);
    return source;
}

/* The left side of a join may be a join itself, written with ON. */
static bool is_plain_left(const struct od_plan *plan)
{
    bool is_join = plan->kind == OD_PLAN_JOIN || plan->kind == OD_PLAN_APPLY;
    return plan->kind == OD_PLAN_SCAN ||
           (is_join && od_join_gives_right(plan->join.type) && plan->join.type != OD_JOIN_SINGLE);
}

static struct source side_source(struct od_render *render, const struct od_plan *plan, bool is_plain)
{
    return is_plain ? plan_source(render, plan) : subselect_source(render, plan);
}

/* Both sides, and what all their columns are called. The right one must be one item, a table or a sub-select; in an APPLY it
 * may read the left one's columns. */
struct sides {
    struct source left, right;
    const char **refs;
    const char *condition;
};
static struct sides join_sides(struct od_render *render, const struct od_plan *plan)
{
    struct sides sides;
    sides.left = side_source(render, plan->inputs[0], is_plain_left(plan->inputs[0]));
    const struct od_render_outer outer = {sides.left.refs, render->outer};
    render->outer = plan->kind == OD_PLAN_APPLY ? &outer : render->outer;
    sides.right = side_source(render, plan->inputs[1],
                              plan->inputs[1]->kind == OD_PLAN_SCAN && plan->kind == OD_PLAN_JOIN);
    render->outer = plan->kind == OD_PLAN_APPLY ? outer.next : render->outer;
    uint32_t left_count = sides.left.ref_count, count = left_count + sides.right.ref_count;
    sides.refs = od_render_list(render, count);
    for (uint32_t i = 0; i < count; i++)
        sides.refs[i] = i < left_count ? sides.left.refs[i] : sides.right.refs[i - left_count];
    sides.condition = od_render_expr(render, plan->join.condition, sides.refs);
    return sides;
}

/* What keeps left rows is a condition on them. TRUE IN (conditions) is the conditions' three-valued OR. */
static struct source join_source(struct od_render *render, const struct od_plan *plan)
{
    static const char *const words[OD_JOIN_TYPE_COUNT] = {[OD_JOIN_INNER] = "JOIN",
                                                          [OD_JOIN_LEFT] = "LEFT JOIN",
                                                          [OD_JOIN_RIGHT] = "RIGHT JOIN",
                                                          [OD_JOIN_FULL] = "FULL JOIN"};
    enum od_join_type type = plan->join.type;
    if (type == OD_JOIN_MARK || type == OD_JOIN_SINGLE)
        return subselect_source(render, plan);
    struct sides sides = join_sides(render, plan);
    struct source source = sides.left;
    source.refs = sides.refs;
    if (words[type] != NULL) {
        source.ref_count += sides.right.ref_count;
        source.from = TEXT("%s %s %s%s ON %s", sides.left.from, words[type],
                           plan->kind == OD_PLAN_APPLY ? "LATERAL " : "", sides.right.from, sides.condition);
    } else if (type == OD_JOIN_NULL_ANTI) {
        source.where = TEXT("NOT (true IN (SELECT %s FROM %s))", sides.condition, sides.right.from);
    } else {
        source.where = TEXT("%sEXISTS (SELECT 1 FROM %s WHERE %s)", type == OD_JOIN_ANTI ? "NOT " : "",
                            sides.right.from, sides.condition);
    }
    return source;
}

static struct source union_source(struct od_render *render, const struct od_plan *plan)
{
    struct select left = plan_select(render, plan->inputs[0]), right = plan_select(render, plan->inputs[1]);
    uint32_t count = plan->schema.field_count, alias = ++render->alias_count;
    const char *texts[2] = {select_text(render, &left), select_text(render, &right)};
    for (uint32_t i = 0; i < 2; i++) /* only a sub-select has an order of its own */
        if (plan->inputs[i]->kind == OD_PLAN_SORT || plan->inputs[i]->kind == OD_PLAN_LIMIT)
            texts[i] = TEXT("SELECT * FROM (%s) AS q%u", texts[i], ++render->alias_count);
    struct source source = {TEXT("(%s UNION ALL %s) AS q%u", texts[0], texts[1], alias), NULL,
                            od_render_list(render, count), count};
    for (uint32_t i = 0; i < count; i++)
        source.refs[i] = TEXT("q%u.c%u", alias, i);
    return source;
}

/* Its columns have the names that both PostgreSQL and SQLite give them. */
static struct source values_source(struct od_render *render, const struct od_plan *plan)
{
    uint32_t width = plan->schema.field_count, alias = ++render->alias_count;
    struct source source = {"(VALUES ", NULL, od_render_list(render, width), width};
    const char **cells = od_render_list(render, width);
    for (uint32_t row = 0; row < plan->rows.row_count; row++) {
        for (uint32_t i = 0; i < width; i++)
            cells[i] = od_render_expr(render, plan->rows.exprs[row * width + i], NULL);
        source.from =
            TEXT("%s%s(%s)", source.from, row == 0 ? "" : ", ", od_render_joined(render, cells, width));
    }
    for (uint32_t i = 0; i < width; i++)
        source.refs[i] = TEXT("q%u.column%u", alias, i + 1);
    source.from = TEXT("%s) AS q%u", source.from, alias);
    return source;
}

static struct source filter_source(struct od_render *render, const struct od_plan *plan)
{
    struct source source = plan_source(render, plan->inputs[0]);
    if (source.where != NULL)
        source = subselect_source(render, plan->inputs[0]);
    source.where = od_render_expr(render, plan->filter.predicate, source.refs);
    return source;
}

static struct source plan_source(struct od_render *render, const struct od_plan *plan)
{
    if (plan->kind == OD_PLAN_SCAN)
        return scan_source(render, plan);
    if (plan->kind == OD_PLAN_JOIN || plan->kind == OD_PLAN_APPLY)
        return join_source(render, plan);
    if (plan->kind == OD_PLAN_VALUES)
        return values_source(render, plan);
    if (plan->kind == OD_PLAN_REPARTITION || plan->kind == OD_PLAN_KEEP) /* the same rows */
        return plan_source(render, plan->inputs[0]);
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

static struct select source_select(struct od_render *render, const struct od_plan *plan)
{
    struct source source = plan_source(render, plan);
    return select_from(&source);
}

static struct select project_select(struct od_render *render, const struct od_plan *plan)
{
    struct source source = plan_source(render, plan->inputs[0]);
    struct select select = select_from(&source);
    select.item_count = plan->schema.field_count;
    select.items = od_render_list(render, select.item_count);
    for (uint32_t i = 0; i < select.item_count; i++)
        select.items[i] = od_render_expr(render, plan->rows.exprs[i], source.refs);
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

/* " NULLS LAST" is the default of ascending keys in PostgreSQL, not in SQLite: always said. */
static const char *order_text(struct od_render *render, const char *ref, bool descending, bool nulls_first)
{
    return TEXT("%s %s NULLS %s", ref, descending ? "DESC" : "ASC", nulls_first ? "FIRST" : "LAST");
}

static const char *order_list(struct od_render *render, const struct od_sort_key *keys, uint32_t count,
                              const char *const *refs)
{
    const char **texts = od_render_list(render, count);
    for (uint32_t i = 0; i < count; i++)
        texts[i] = order_text(render, od_render_expr(render, keys[i].expr, refs), keys[i].descending,
                              keys[i].nulls_first);
    return od_render_joined(render, texts, count);
}

/* name([DISTINCT] argument [, second] [ORDER BY keys]), or name([fraction]) WITHIN GROUP (ORDER BY argument). */
static const char *aggregate_text(struct od_render *render, const struct od_aggregate *aggregate,
                                  const char *const *refs)
{
    const char *name = od_aggregate_text(aggregate->function), *text = "count(*)", *second = "", *order = "";
    if (aggregate->second != NULL)
        second = od_render_expr(render, aggregate->second, refs);
    if (aggregate->key_count > 0)
        order = TEXT("ORDER BY %s", order_list(render, aggregate->keys, aggregate->key_count, refs));
    if (od_aggregate_is_within_group(aggregate->function))
        text = TEXT("%s(%s) WITHIN GROUP (%s)", name, second, order);
    else if (aggregate->function != OD_AGGREGATE_COUNT_STAR)
        text = TEXT("%s(%s%s%s%s %s)", name, aggregate->distinct ? "DISTINCT " : "",
                    od_render_expr(render, aggregate->argument, refs), *second == '\0' ? "" : ", ", second,
                    order);
    if (aggregate->filter == NULL)
        return text;
    return TEXT("%s FILTER (WHERE %s)", text, od_render_expr(render, aggregate->filter, refs));
}

static struct select aggregate_select(struct od_render *render, const struct od_plan *plan)
{
    struct source source = plan_source(render, plan->inputs[0]);
    struct select select = select_from(&source);
    uint32_t group_count = plan->aggregate.group_count;
    select.item_count = group_count + plan->aggregate.aggregate_count;
    select.items = od_render_list(render, select.item_count);
    for (uint32_t i = 0; i < group_count; i++)
        select.items[i] = od_render_expr(render, plan->aggregate.groups[i], source.refs);
    for (uint32_t i = 0; i < plan->aggregate.aggregate_count; i++) {
        select.items[group_count + i] = aggregate_text(render, &plan->aggregate.aggregates[i], source.refs);
    }
    select.distinct = is_distinct(plan);
    if (group_count > 0 && !select.distinct)
        select.group_by = od_render_joined(render, select.items, group_count);
    return select;
}

static struct select filter_select(struct od_render *render, const struct od_plan *plan)
{
    if (plan->inputs[0]->kind != OD_PLAN_AGGREGATE || is_distinct(plan->inputs[0])) {
        struct source source = plan->inputs[0]->kind == OD_PLAN_AGGREGATE
                                   ? subselect_source(render, plan->inputs[0])
                                   : plan_source(render, plan);
        if (plan->inputs[0]->kind == OD_PLAN_AGGREGATE)
            source.where = od_render_expr(render, plan->filter.predicate, source.refs);
        return select_from(&source);
    }
    struct select select = aggregate_select(render, plan->inputs[0]);
    select.having = od_render_expr(render, plan->filter.predicate, select.items);
    return select;
}

static const char *bound_text(struct od_render *render, enum od_frame_bound bound,
                              const struct od_expr *offset, const char *const *refs)
{
    static const char *const texts[] = {"UNBOUNDED PRECEDING", "PRECEDING", "CURRENT ROW", "FOLLOWING",
                                        "UNBOUNDED FOLLOWING"};
    return offset == NULL ? texts[bound] : TEXT("%s %s", od_render_expr(render, offset, refs), texts[bound]);
}

static const char *frame_text(struct od_render *render, const struct od_window_frame *frame,
                              const char *const *refs)
{
    static const char *const units[] = {"ROWS", "RANGE", "GROUPS"};
    static const char *const exclusions[] = {"", " EXCLUDE CURRENT ROW", " EXCLUDE GROUP", " EXCLUDE TIES"};
    return TEXT("%s BETWEEN %s AND %s%s", units[frame->unit],
                bound_text(render, frame->start, frame->start_offset, refs),
                bound_text(render, frame->end, frame->end_offset, refs), exclusions[frame->exclusion]);
}

static const char *window_call_text(struct od_render *render, const struct od_plan *plan,
                                    const struct od_window_call *call, const char *const *refs)
{
    const char *arguments[3], *text;
    for (uint32_t i = 0; i < call->argument_count; i++)
        arguments[i] = od_render_expr(render, call->arguments[i], refs);
    if (call->function == OD_WINDOW_AGGREGATE)
        text = TEXT("%s OVER (", aggregate_text(render, &call->aggregate, refs));
    else
        text = TEXT("%s(%s) OVER (", od_window_function_text(call->function),
                    od_render_joined(render, arguments, call->argument_count));
    if (plan->window.partition_count > 0)
        text = TEXT("%sPARTITION BY %s ", text, od_render_expr(render, plan->window.partitions[0], refs));
    if (plan->window.key_count > 0)
        text =
            TEXT("%sORDER BY %s ", text, order_list(render, plan->window.keys, plan->window.key_count, refs));
    return TEXT("%s%s)", text, frame_text(render, &call->frame, refs));
}

static struct select window_select(struct od_render *render, const struct od_plan *plan)
{
    struct source source = plan_source(render, plan->inputs[0]);
    struct select select = select_from(&source);
    select.item_count = plan->schema.field_count;
    select.items = od_render_list(render, select.item_count);
    for (uint32_t i = 0; i < source.ref_count; i++)
        select.items[i] = source.refs[i];
    for (uint32_t i = 0; i < plan->window.call_count; i++)
        select.items[source.ref_count + i] =
            window_call_text(render, plan, &plan->window.calls[i], source.refs);
    return select;
}

/* The left row and what the right side says to it: whether it has a match, or the one row that matches. */
static struct select mark_or_single_select(struct od_render *render, const struct od_plan *plan)
{
    struct sides sides = join_sides(render, plan);
    struct select select = select_from(&sides.left);
    uint32_t left_count = sides.left.ref_count;
    select.item_count = plan->schema.field_count;
    select.items = od_render_list(render, select.item_count);
    for (uint32_t i = 0; i < select.item_count; i++)
        if (i < left_count)
            select.items[i] = sides.left.refs[i];
        else if (plan->join.type == OD_JOIN_MARK)
            select.items[i] = TEXT("true IN (SELECT %s FROM %s)", sides.condition, sides.right.from);
        else
            select.items[i] =
                TEXT("(SELECT %s FROM %s WHERE %s)", sides.refs[i], sides.right.from, sides.condition);
    return select;
}

static struct select join_select(struct od_render *render, const struct od_plan *plan)
{
    if (plan->join.type == OD_JOIN_MARK || plan->join.type == OD_JOIN_SINGLE)
        return mark_or_single_select(render, plan);
    return source_select(render, plan);
}

/* A row for each number of a list of them: of the lists of expressions that one is taken. */
static struct select numbered_select(struct od_render *render, const struct od_plan *plan,
                                     uint32_t list_count, uint32_t *alias_out)
{
    struct source source = plan_source(render, plan->inputs[0]);
    *alias_out = ++render->alias_count;
    source.from = TEXT("%s CROSS JOIN (VALUES ", source.from);
    for (uint32_t list = 0; list < list_count; list++)
        source.from = TEXT("%s%s(%u)", source.from, list == 0 ? "" : ", ", list);
    source.from = TEXT("%s) AS q%u", source.from, *alias_out);
    return select_from(&source);
}

static struct select expand_select(struct od_render *render, const struct od_plan *plan)
{
    uint32_t alias, width = plan->schema.field_count;
    struct select select = numbered_select(render, plan, plan->rows.row_count, &alias);
    const char *const *refs = select.items;
    select.items = od_render_list(render, width);
    select.item_count = width;
    for (uint32_t i = 0; i < width; i++) {
        select.items[i] = TEXT("CASE q%u.column1", alias);
        for (uint32_t list = 0; list < plan->rows.row_count; list++)
            select.items[i] = TEXT("%s WHEN %u THEN %s", select.items[i], list,
                                   od_render_expr(render, plan->rows.exprs[list * width + i], refs));
        select.items[i] = TEXT("%s END", select.items[i]);
    }
    return select;
}

/* The one function that is generated: each row twice. */
static struct select map_select(struct od_render *render, const struct od_plan *plan)
{
    uint32_t alias;
    return numbered_select(render, plan, 2, &alias);
}

static const char *all_columns_order(struct od_render *render, const char *first, const struct source *source)
{
    const char *text = first;
    for (uint32_t i = 0; i < source->ref_count; i++)
        text = TEXT("%s%s%s", text, *text == '\0' ? "" : ", ",
                    order_text(render, source->refs[i], false, false));
    return text;
}

static struct select sort_select(struct od_render *render, const struct od_plan *plan)
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

static struct select limit_select(struct od_render *render, const struct od_plan *plan)
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

static struct select plan_select(struct od_render *render, const struct od_plan *plan)
{
    typedef struct select (*render_node)(struct od_render * render, const struct od_plan *plan);
    static const render_node nodes[] = {
        [OD_PLAN_SCAN] = source_select,
        [OD_PLAN_FILTER] = filter_select,
        [OD_PLAN_PROJECT] = project_select,
        [OD_PLAN_JOIN] = join_select,
        [OD_PLAN_AGGREGATE] = aggregate_select,
        [OD_PLAN_SORT] = sort_select,
        [OD_PLAN_LIMIT] = limit_select,
        [OD_PLAN_VALUES] = source_select,
        [OD_PLAN_UNION] = source_select,
        [OD_PLAN_EXPAND] = expand_select,
        [OD_PLAN_WINDOW] = window_select,
        [OD_PLAN_APPLY] = join_select,
        [OD_PLAN_MAP] = map_select,
        [OD_PLAN_REPARTITION] = source_select,
        [OD_PLAN_KEEP] = source_select,
    };
    _Static_assert(sizeof(nodes) / sizeof(nodes[0]) == OD_PLAN_KIND_COUNT, "every node can be written");
    return nodes[plan->kind](render, plan);
}

enum od_status od_render_sql(struct od_arena *arena, const struct od_plan *plan, enum od_dialect dialect,
                             const char **sql_out, struct od_error *error)
{
    struct od_render render = {.arena = arena, .dialect = dialect};
    struct select select = plan_select(&render, plan);
    *sql_out = select_text(&render, &select);
    if (!render.failed)
        return OD_OK;
    *sql_out = NULL;
    return od_fail(error, OD_NO_MEMORY, "writing a plan as SQL");
}
