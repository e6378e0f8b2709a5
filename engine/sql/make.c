/* make: the makers of small expressions and plans, on top of engine/plan's builders. See binder.h for the
 * rule that all makers share: NULL once anything has failed.
 *
 * A builder that fails knows no text; its error gets the place of the call that it was asked for.
 *
 * A quoted literal takes the type that its place wants. To find that out a call is built twice: first with
 * the literal as it is, untyped, which takes any type; the type that od_expr_call gave it is the answer; then
 * with the literal read as that type. '2001-02-30' beside a date is an error here, with its place, and not
 * one of evaluation. */
#include <string.h>

#include "engine/sql/binder.h"

/* --- lists ---------------------------------------------------------------------------------------- */

void *od_sql_no_memory(struct od_binder *binder)
{
    return od_sql_fail(binder, OD_NO_MEMORY, -1, "binding SQL");
}

void *od_sql_take(struct od_binder *binder, size_t count, size_t bytes)
{
    void *list = od_sql_failed(binder) ? NULL : od_arena_take_array(binder->plan_arena, count, bytes);
    return list != NULL ? list : od_sql_no_memory(binder);
}

bool od_sql_append(struct od_binder *binder, void *list, uint32_t *count, const void *item, size_t bytes)
{
    char *items = NULL;
    memcpy(&items, list, sizeof(items));
    if ((*count & (*count - 1)) == 0) { /* room doubles whenever the count is a power of two */
        char *grown = od_sql_take(binder, *count == 0 ? 1 : 2 * (size_t)*count, bytes);
        OD_NEED(grown != NULL);
        if (*count > 0)
            memcpy(grown, items, *count * bytes);
        items = grown;
        memcpy(list, &items, sizeof(items));
    }
    memcpy(items + (*count)++ * bytes, item, bytes);
    return true;
}

bool od_add_expr(struct od_binder *binder, struct od_exprs *list, const struct od_expr *expr)
{
    return expr != NULL && od_sql_append(binder, &list->at, &list->count, &expr, sizeof(expr));
}

bool od_add_target(struct od_binder *binder, struct od_targets *targets, const struct od_expr *expr,
                   const char *name)
{
    struct od_target target = {expr, name};
    return expr != NULL && od_sql_append(binder, &targets->at, &targets->count, &target, sizeof(target));
}

bool od_add_columns(struct od_binder *binder, struct od_targets *targets, const struct od_plan *plan)
{
    OD_NEED(plan != NULL);
    for (uint32_t i = 0; i < plan->schema.field_count; i++)
        OD_NEED(od_add_target(binder, targets, od_make_column(binder, &plan->schema, i, -1),
                              plan->schema.fields[i].name));
    return true;
}

/* --- expressions ------------------------------------------------------------------------------------ */

/* What a builder has made gets its place in the text, or its error does. */
const struct od_expr *od_make_at(struct od_binder *binder, const struct od_expr *expr, int32_t location)
{
    od_sql_locate(binder, location);
    if (!od_sql_failed(binder) && location >= 0)
        od_expr_located(binder->plan_arena, expr, (uint32_t)(location + 1), &expr, binder->error);
    return od_sql_failed(binder) ? NULL : expr;
}

int32_t od_place_of(const struct od_expr *expr)
{
    return (int32_t)expr->sql_offset - 1;
}

const struct od_expr *od_make_literal(struct od_binder *binder, const struct od_value *value,
                                      int32_t location)
{
    const struct od_expr *expr = NULL;
    if (!od_sql_failed(binder))
        od_expr_literal(binder->plan_arena, value, &expr, binder->error);
    return od_make_at(binder, expr, location);
}

const struct od_expr *od_make_untyped(struct od_binder *binder, const char *text, int32_t location)
{
    struct od_value value = {.type = OD_TYPE_TEXT, .is_null = text == NULL};
    if (text != NULL) {
        value.text.bytes = text;
        value.text.size = (uint32_t)strlen(text);
    }
    const struct od_expr *expr = od_make_literal(binder, &value, location);
    OD_NEED(expr != NULL);
    ((struct od_expr *)expr)->is_untyped = true; /* our own copy */
    return expr;
}

const struct od_expr *od_make_null(struct od_binder *binder, enum od_type type)
{
    struct od_value nothing = {.type = type, .is_null = true};
    return od_make_literal(binder, &nothing, -1);
}

const struct od_expr *od_make_number(struct od_binder *binder, enum od_type type, int64_t number,
                                     int32_t location)
{
    struct od_value value = {.type = type, .int64 = number};
    return od_make_literal(binder, &value, location);
}

const struct od_expr *od_make_truth(struct od_binder *binder)
{
    struct od_value yes = {.type = OD_TYPE_BOOLEAN, .boolean = true};
    return od_make_literal(binder, &yes, -1);
}

const struct od_expr *od_make_column(struct od_binder *binder, const struct od_schema *schema,
                                     uint32_t column_index, int32_t location)
{
    OD_NEED(!od_sql_failed(binder));
    const struct od_field *field = &schema->fields[column_index];
    return od_make_stand_in(binder, column_index, field->type, field->nullable, location);
}

const struct od_expr *od_make_stand_in(struct od_binder *binder, uint32_t column_index, enum od_type type,
                                       bool nullable, int32_t location)
{
    struct od_expr *expr = od_sql_take(binder, 1, sizeof(*expr));
    OD_NEED(expr != NULL);
    *expr = (struct od_expr){.kind = OD_EXPR_COLUMN,
                             .type = type,
                             .nullable = nullable,
                             .sql_offset = (uint32_t)(location + 1),
                             .column_index = column_index};
    return expr;
}

static const struct od_expr *call(struct od_binder *binder, enum od_function function, struct od_exprs list,
                                  int32_t location)
{
    const struct od_expr *made = NULL;
    if (!od_sql_failed(binder))
        od_expr_call(binder->plan_arena, function, list.at, list.count, &made, binder->error);
    return od_make_at(binder, made, location);
}

const struct od_expr *od_make_call(struct od_binder *binder, enum od_function function,
                                   struct od_exprs arguments, int32_t location)
{
    uint32_t untyped_count = 0;
    OD_NEED(!od_sql_failed(binder));
    for (uint32_t i = 0; i < arguments.count; i++)
        untyped_count += arguments.at[i]->is_untyped;
    if (untyped_count == 2 && arguments.count == 2 && function < OD_FUNCTION_EQUAL)
        return od_sql_wrong(binder, location, "operator is not unique: unknown %s unknown",
                            od_function_text(function));
    const struct od_expr *made = call(binder, function, arguments, location);
    if (untyped_count == 0 || made == NULL)
        return made;
    bool is_date = function >= OD_FUNCTION_EXTRACT && function <= OD_FUNCTION_DATE_TRUNC;
    if (is_date ? arguments.at[1]->is_untyped : function == OD_FUNCTION_ADD && made->type == OD_TYPE_DATE)
        return od_sql_wrong(binder, location, "%s of unknown is not unique", od_function_text(function));
    struct od_exprs typed = {arguments.count, od_sql_take(binder, arguments.count, sizeof(*typed.at))};
    for (uint32_t i = 0; i < typed.count && !od_sql_failed(binder); i++)
        typed.at[i] = arguments.at[i]->is_untyped
                          ? od_make_read(binder, arguments.at[i], made->arguments[i]->type)
                          : arguments.at[i];
    return call(binder, function, typed, location);
}

const struct od_expr *od_make_pair(struct od_binder *binder, enum od_function function,
                                   const struct od_expr *left, const struct od_expr *right, int32_t location)
{
    const struct od_expr *list[] = {left, right};
    return od_make_call(binder, function, (struct od_exprs){2, list}, location);
}

const struct od_expr *od_make_one(struct od_binder *binder, enum od_function function,
                                  const struct od_expr *argument, int32_t location)
{
    return od_make_call(binder, function, (struct od_exprs){1, &argument}, location);
}

const struct od_expr *od_make_chain(struct od_binder *binder, enum od_function function, struct od_exprs list,
                                    int32_t location)
{
    OD_NEED(!od_sql_failed(binder));
    return list.count == 1 ? list.at[0] : od_make_call(binder, function, list, location);
}

const struct od_expr *od_make_cast(struct od_binder *binder, const struct od_expr *expr, enum od_type type,
                                   int32_t location)
{
    if (!od_sql_failed(binder))
        od_expr_cast(binder->plan_arena, expr, type, &expr, binder->error);
    od_sql_locate(binder, location);
    return od_sql_failed(binder) ? NULL : expr;
}

/* --- plans ---------------------------------------------------------------------------------------- */

/* What a builder has left in binder->error decides. */
static const struct od_plan *made(struct od_binder *binder, const struct od_plan *plan)
{
    return od_sql_failed(binder) ? NULL : plan;
}

const struct od_plan *od_make_one_row(struct od_binder *binder)
{
    struct od_field field = {"", OD_TYPE_BOOLEAN, false};
    struct od_schema schema = {1, &field};
    const struct od_expr *truth = od_make_truth(binder);
    const struct od_plan *plan = NULL;
    if (truth != NULL)
        od_plan_values(binder->plan_arena, &schema, &truth, 1, &plan, binder->error);
    return made(binder, plan);
}

const struct od_plan *od_make_scan(struct od_binder *binder, const struct od_table *table)
{
    const struct od_plan *plan = NULL;
    uint32_t *columns = od_sql_take(binder, table->schema.field_count, sizeof(*columns));
    OD_NEED(columns != NULL);
    for (uint32_t i = 0; i < table->schema.field_count; i++)
        columns[i] = i;
    od_plan_scan(binder->plan_arena, table, columns, table->schema.field_count, &plan, binder->error);
    return plan;
}

/* Lists of `width` targets each: names are those of the first list. One list is a project. */
static const struct od_plan *put_lists(struct od_binder *binder, const struct od_plan *plan,
                                       const struct od_targets *targets, uint32_t width, bool expands)
{
    const struct od_expr **exprs = od_sql_take(binder, targets->count, sizeof(*exprs));
    const char **names = od_sql_take(binder, width, sizeof(*names));
    OD_NEED(exprs != NULL && names != NULL && plan != NULL);
    for (uint32_t i = 0; i < targets->count; i++)
        exprs[i] = targets->at[i].expr;
    for (uint32_t i = 0; i < width; i++)
        names[i] = targets->at[i].name;
    if (expands)
        od_plan_expand(binder->plan_arena, plan, exprs, names, width, targets->count / width, &plan,
                       binder->error);
    else
        od_plan_project(binder->plan_arena, plan, exprs, names, width, &plan, binder->error);
    return made(binder, plan);
}

const struct od_plan *od_make_project(struct od_binder *binder, const struct od_plan *plan,
                                      const struct od_targets *targets)
{
    return put_lists(binder, plan, targets, targets->count, false);
}

const struct od_plan *od_make_expand(struct od_binder *binder, const struct od_plan *plan,
                                     const struct od_targets *targets, uint32_t width)
{
    return put_lists(binder, plan, targets, width, true);
}

const struct od_plan *od_make_cut(struct od_binder *binder, const struct od_plan *plan, uint32_t count)
{
    struct od_targets columns = {0};
    OD_NEED(od_add_columns(binder, &columns, plan));
    if (columns.count == count)
        return plan;
    columns.count = count;
    return od_make_project(binder, plan, &columns);
}

const struct od_plan *od_make_filter(struct od_binder *binder, const struct od_plan *plan,
                                     const struct od_expr *predicate)
{
    if (!od_sql_failed(binder))
        od_plan_filter(binder->plan_arena, plan, predicate, &plan, binder->error);
    return made(binder, plan);
}

const struct od_plan *od_make_comparison(struct od_binder *binder, const struct od_plan *plan, uint32_t index,
                                         enum od_function function, int64_t number)
{
    OD_NEED(plan != NULL);
    const struct od_expr *column = od_make_column(binder, &plan->schema, index, -1);
    const struct od_expr *literal = od_make_number(binder, OD_TYPE_INT64, number, -1);
    return od_make_filter(binder, plan, od_make_pair(binder, function, column, literal, -1));
}

const struct od_plan *od_make_numbers(struct od_binder *binder, const struct od_plan *plan,
                                      struct od_exprs partitions, const struct od_sort_key *keys,
                                      uint32_t key_count, bool ranks)
{
    struct od_window_frame frame = {
        .start = OD_FRAME_UNBOUNDED_PRECEDING, .end = OD_FRAME_CURRENT_ROW, .unit = OD_FRAME_RANGE};
    struct od_window_call calls[] = {{.function = OD_WINDOW_ROW_NUMBER, .frame = frame},
                                     {.function = OD_WINDOW_RANK, .frame = frame}};
    if (!od_sql_failed(binder))
        od_plan_window(binder->plan_arena, plan, partitions.at, partitions.count, keys, key_count, calls,
                       ranks ? 2 : 1, &plan, binder->error);
    return made(binder, plan);
}

const struct od_plan *od_make_join(struct od_binder *binder, enum od_join_type type, bool correlated,
                                   const struct od_plan *left, const struct od_plan *right,
                                   const struct od_expr *condition, int32_t location)
{
    const struct od_plan *plan = NULL;
    if (!od_sql_failed(binder))
        (correlated ? od_plan_apply : od_plan_join)(binder->plan_arena, type, left, right, condition, &plan,
                                                    binder->error);
    od_sql_locate(binder, location);
    return made(binder, plan);
}

const struct od_plan *od_make_union(struct od_binder *binder, const struct od_plan *left,
                                    const struct od_plan *right)
{
    const struct od_plan *plan = right;
    if (left != NULL && !od_sql_failed(binder))
        od_plan_union(binder->plan_arena, left, right, &plan, binder->error);
    return made(binder, plan);
}
