/* bind_window: calls of window functions, which become slots, and the stage that computes them.
 *
 *   rank() OVER (w ORDER BY b)
 *
 * Calls of equal partition and order are one WINDOW node (od_put_windows). */
#include <string.h>

#include "engine/sql/binder.h"

/* --- which window ------------------------------------------------------------------------------- */

/* A window's three parts, found along the chain of names that it refers to. */
struct window_parts {
    const PgQuery__WindowDef *partition; /* NULL: none */
    const PgQuery__WindowDef *order;
    const PgQuery__WindowDef *frame;
};

#define FRAME_NONDEFAULT 1

static const PgQuery__WindowDef *find_window(const struct od_place *place, const char *name, int32_t location,
                                             size_t *limit)
{
    for (size_t i = 0; i < *limit; i++) {
        const PgQuery__WindowDef *window = place->block->select->window_clause[i]->window_def;
        if (strcmp(window->name, name) != 0)
            continue;
        *limit = i; /* a window refers to earlier ones only */
        return window;
    }
    return od_sql_wrong(place->binder, location, "window \"%s\" does not exist", name);
}

static bool find_parts(const struct od_place *place, const PgQuery__WindowDef *over,
                       struct window_parts *parts)
{
    size_t limit = place->block->select != NULL ? place->block->select->n_window_clause : 0;
    const PgQuery__WindowDef *at = over;
    *parts = (struct window_parts){0};
    if (od_sql_given(over->name)) /* OVER w: all of w */
        at = find_window(place, over->name, over->location, &limit);
    OD_NEED(at != NULL);
    parts->frame = at;
    for (;;) {
        parts->partition = at->n_partition_clause > 0 ? at : parts->partition;
        parts->order = parts->order == NULL && at->n_order_clause > 0 ? at : parts->order;
        if (!od_sql_given(at->refname))
            return true;
        const PgQuery__WindowDef *base = find_window(place, at->refname, at->location, &limit);
        OD_NEED(base != NULL);
        const char *clash = at->n_partition_clause > 0
                                ? "cannot override PARTITION BY clause of window \"%s\""
                            : at->n_order_clause > 0 && base->n_order_clause > 0
                                ? "cannot override ORDER BY clause of window \"%s\""
                            : base->frame_options & FRAME_NONDEFAULT
                                ? "cannot copy window \"%s\" because it has a frame clause"
                                : NULL;
        if (clash != NULL)
            return od_sql_wrong(place->binder, at->location, clash, at->refname);
        at = base;
    }
}

/* --- the frame ------------------------------------------------------------------------------------ */

/* The bits of PostgreSQL's FRAMEOPTION_*: for each bound, the one of the start; the end's is the next. */
static const struct {
    uint32_t start_bit;
    enum od_frame_bound bound;
} frame_bounds[] = {{0x20, OD_FRAME_UNBOUNDED_PRECEDING},
                    {0x800, OD_FRAME_PRECEDING},
                    {0x200, OD_FRAME_CURRENT_ROW},
                    {0x2000, OD_FRAME_FOLLOWING},
                    {0x80, OD_FRAME_UNBOUNDED_FOLLOWING}};

/* PRECEDING and FOLLOWING by how much: a constant, which must be neither NULL nor negative. */
static const struct od_expr *bind_offset(const struct od_place *place, const PgQuery__Node *node,
                                         const struct od_window_slot *window, const char *which)
{
    struct od_binder *binder = place->binder;
    struct od_place inside = {.binder = binder, .block = place->block, .clause = which};
    struct od_value value = {0};
    bool is_range = window->call.frame.unit == OD_FRAME_RANGE;
    bool is_wide = false; /* a bigint over an integer column */
    enum od_type type = OD_TYPE_INT64;
    int32_t location = od_sql_location(node);
    if (is_range && window->key_count != 1)
        return od_sql_wrong(binder, location,
                            "RANGE with offset PRECEDING/FOLLOWING requires exactly one ORDER BY column");
    if (is_range) {
        type = window->keys[0].expr->type;
        if (type == OD_TYPE_INTERVAL)
            return od_sql_refuse(binder, location, "RANGE with an offset over intervals");
        if (type == OD_TYPE_DATE || type == OD_TYPE_TIMESTAMP)
            type = OD_TYPE_INTERVAL;
        const struct od_expr *given = od_bind_expr(&inside, node);
        OD_NEED(given != NULL);
        is_wide = type == OD_TYPE_INT32 && given->type == OD_TYPE_INT64;
        if (type == OD_TYPE_TEXT || type == OD_TYPE_BOOLEAN ||
            (!given->is_untyped && !od_cast_is_implicit(given->type, type) && !is_wide))
            return od_sql_wrong(binder, location,
                                "RANGE with offset PRECEDING/FOLLOWING is not supported for column type %s "
                                "and offset type %s",
                                od_type_text(window->keys[0].expr->type), od_type_text(given->type));
    }
    OD_NEED(od_bind_constant(&inside, node, is_wide ? OD_TYPE_INT64 : type, &value));
    struct od_value zero = {.type = type};
    value.type = type; /* integers and bigints are kept alike */
    if (is_wide && !value.is_null && value.int64 > INT32_MAX)
        return od_sql_fail(binder, OD_UNSUPPORTED, location,
                           "an offset beyond integer is not supported here");
    if (value.is_null)
        return od_sql_wrong(binder, location, "%s must not be null", which);
    if (od_value_compare(&value, &zero) < 0)
        return od_sql_wrong(binder, location,
                            is_range ? "invalid preceding or following size in window function"
                                     : "%s must not be negative",
                            which);
    return od_make_literal(binder, &value, location);
}

static bool bind_frame(const struct od_place *place, const PgQuery__WindowDef *node,
                       struct od_window_slot *window)
{
    struct od_window_frame *frame = &window->call.frame;
    uint32_t bits = (uint32_t)node->frame_options;
    frame->unit = bits & 4 ? OD_FRAME_ROWS : bits & 8 ? OD_FRAME_GROUPS : OD_FRAME_RANGE;
    frame->exclusion = bits & 0x8000    ? OD_FRAME_EXCLUDE_ROW
                       : bits & 0x10000 ? OD_FRAME_EXCLUDE_GROUP
                       : bits & 0x20000 ? OD_FRAME_EXCLUDE_TIES
                                        : OD_FRAME_EXCLUDE_NOTHING;
    for (size_t i = 0; i < sizeof(frame_bounds) / sizeof(frame_bounds[0]); i++) {
        if (bits & frame_bounds[i].start_bit)
            frame->start = frame_bounds[i].bound;
        if (bits & frame_bounds[i].start_bit << 1)
            frame->end = frame_bounds[i].bound;
    }
    if (frame->unit == OD_FRAME_GROUPS && window->key_count == 0)
        return od_sql_wrong(place->binder, node->location, "GROUPS mode requires an ORDER BY clause");
    if (node->start_offset != NULL)
        frame->start_offset = bind_offset(place, node->start_offset, window, "frame starting offset");
    if (node->end_offset != NULL)
        frame->end_offset = bind_offset(place, node->end_offset, window, "frame ending offset");
    return !od_sql_failed(place->binder);
}

/* --- the call ------------------------------------------------------------------------------------- */

static const struct od_expr *cast_argument(struct od_binder *binder, const struct od_expr *expr,
                                           enum od_type type, const char *name, int32_t location)
{
    if (!expr->is_untyped && !od_cast_is_implicit(expr->type, type))
        return od_sql_wrong(binder, location, "function %s with an argument of type %s does not exist", name,
                            od_type_text(expr->type));
    return od_bind_cast_to(binder, expr, (struct od_sql_type){.type = type}, location);
}

static bool bind_window_function(const struct od_place *place, const PgQuery__FuncCall *call,
                                 const char *name, struct od_window_call *window)
{
    struct od_binder *binder = place->binder;
    const struct od_window_function_info *info = od_window_function_info(window->function);
    if (call->agg_filter != NULL)
        return od_sql_wrong(binder, call->location,
                            "FILTER is not implemented for non-aggregate window functions");
    if (call->agg_star || call->n_args < info->least || call->n_args > info->most)
        return od_sql_wrong(binder, call->location, "function %s with %zu arguments does not exist", name,
                            call->n_args);
    struct od_exprs arguments = od_bind_list(place, call->args, call->n_args);
    OD_NEED(!od_sql_failed(binder));
    window->argument_count = arguments.count;
    window->type = info->type;
    if (window->type == OD_TYPE_COUNT) { /* the first argument's */
        const struct od_expr *values[] = {arguments.at[0], arguments.at[arguments.count == 3 ? 2 : 0]};
        if (!od_expr_common_type(values, 2, &window->type))
            return od_sql_wrong(binder, call->location, "function %s(%s, integer, %s) does not exist", name,
                                od_type_text(values[0]->type), od_type_text(values[1]->type));
    }
    for (uint32_t i = 0; i < arguments.count; i++) {
        bool is_count = i == 1 || window->function == OD_WINDOW_NTILE;
        window->arguments[i] = cast_argument(binder, arguments.at[i], is_count ? OD_TYPE_INT32 : window->type,
                                             name, call->location);
        OD_NEED(window->arguments[i] != NULL);
    }
    return true;
}

static bool bind_window_call(const struct od_place *place, const PgQuery__FuncCall *call, const char *name,
                             struct od_window_call *window, bool *nullable_out)
{
    enum od_aggregate_function function = OD_AGGREGATE_PERCENTILE_CONT;
    window->name = name;
    for (uint32_t i = OD_WINDOW_AGGREGATE + 1; i < OD_WINDOW_FUNCTION_COUNT; i++) {
        window->function = (enum od_window_function)i;
        *nullable_out = od_window_function_info(window->function)->is_nullable;
        if (strcmp(od_window_function_text(window->function), name) == 0)
            return bind_window_function(place, call, name, window);
    }
    if (!od_aggregate_find(name, &function))
        return od_sql_refuse(place->binder, call->location, "function %s with OVER", name);
    if (od_aggregate_is_within_group(function))
        return od_sql_fail(place->binder, strcmp(name, "median") == 0 ? OD_UNSUPPORTED : OD_BAD_INPUT,
                           call->location, "OVER is not supported for ordered-set aggregate %s", name);
    OD_NEED(od_bind_aggregate_call(place, call, name, function, &window->aggregate));
    window->aggregate.name = NULL; /* the call's is enough */
    window->function = OD_WINDOW_AGGREGATE;
    window->type = window->aggregate.type;
    *nullable_out = od_aggregate_is_nullable(window->aggregate.function);
    return true;
}

static bool may_stand(const struct od_place *place, const PgQuery__FuncCall *call)
{
    const char *why = place->in_aggregate  ? "aggregate function calls cannot contain window function calls"
                      : place->in_window   ? "window function calls cannot be nested"
                      : call->agg_distinct ? "DISTINCT is not implemented for window functions"
                      : call->n_agg_order > 0 && !call->agg_within_group
                          ? "aggregate ORDER BY is not implemented for window functions"
                          : NULL;
    if (why != NULL)
        return od_sql_wrong(place->binder, call->location, "%s", why);
    if (!place->windows)
        return od_sql_wrong(place->binder, call->location, "window functions are not allowed in %s",
                            place->clause);
    return true;
}

/* `inside`: of the window, where no other window may stand. */
static bool bind_definition(const struct od_place *inside, const PgQuery__WindowDef *over, struct od_window_slot *window)
{
    struct window_parts parts;
    OD_NEED(find_parts(inside, over, &parts));
    if (parts.partition != NULL)
        window->partitions =
            od_bind_list(inside, parts.partition->partition_clause, parts.partition->n_partition_clause);
    if (parts.order != NULL) {
        window->key_count = (uint32_t)parts.order->n_order_clause;
        window->keys = od_bind_keys(inside, parts.order->order_clause, window->key_count);
    }
    return !od_sql_failed(inside->binder) && bind_frame(inside, parts.frame, window);
}

bool od_bind_named_windows(struct od_binder *binder, struct od_block *block)
{
    const struct od_place inside = {
        .binder = binder, .block = block, .clause = "window definitions", .aggregates = true, .in_window = true};
    for (size_t i = 0; i < block->select->n_window_clause; i++) {
        struct od_window_slot window = {0};
        OD_NEED(bind_definition(&inside, block->select->window_clause[i]->window_def, &window));
    }
    return true;
}

static bool windows_share(const struct od_window_slot *left, const struct od_window_slot *right)
{
    bool equal = left->partitions.count == right->partitions.count &&
                 od_sort_keys_equal(left->keys, left->key_count, right->keys, right->key_count);
    for (uint32_t i = 0; i < left->partitions.count && equal; i++)
        equal = od_expr_equal(left->partitions.at[i], right->partitions.at[i]);
    return equal;
}

const struct od_expr *od_bind_window(const struct od_place *place, const PgQuery__FuncCall *call,
                                     const char *name)
{
    struct od_place inside = *place;
    struct od_slot slot = {.kind = OD_SLOT_WINDOW};
    struct od_window_slot *window = &slot.window;
    bool nullable = true;
    inside.windows = false;
    inside.in_window = true;
    OD_NEED(may_stand(place, call));
    OD_NEED(bind_window_call(&inside, call, name, &window->call, &nullable));
    inside.clause = "window definitions";
    OD_NEED(bind_definition(&inside, call->over, window));
    for (uint32_t i = 0; i < place->block->slot_count; i++) {
        const struct od_slot *other = &place->block->slots[i];
        if (other->kind == OD_SLOT_WINDOW && windows_share(&other->window, window) &&
            od_window_call_equal(&other->window.call, &window->call))
            return od_make_stand_in(place->binder, OD_SLOT_BASE + i, window->call.type, nullable, call->location);
    }
    return od_add_slot(place->binder, place->block, slot, window->call.type, nullable, call->location);
}

/* --- the stage ------------------------------------------------------------------------------------ */

/* The window of slot `first`, and every call that shares it. */
static bool put_window(struct od_binder *binder, struct od_block *block, uint32_t first)
{
    struct od_window_slot *window = &block->slots[first].window;
    struct od_exprs partitions = od_lower_list(binder, block, window->partitions);
    struct od_sort_key *keys = od_lower_keys(binder, block, window->keys, window->key_count);
    struct od_window_call *calls = od_sql_take(binder, block->slot_count, sizeof(*calls));
    uint32_t call_count = 0;
    for (uint32_t i = first; i < block->slot_count && calls != NULL; i++) {
        struct od_slot *slot = &block->slots[i];
        if (slot->kind != OD_SLOT_WINDOW || !windows_share(&slot->window, window))
            continue;
        struct od_window_call *call = &calls[call_count];
        *call = slot->window.call;
        for (uint32_t k = 0; k < call->argument_count; k++)
            call->arguments[k] = od_lower(binder, block, call->arguments[k]);
        OD_NEED(od_lower_aggregate(binder, block, &call->aggregate));
        slot->column = call_count++; /* of the window's; the stage's below, when it no longer grows */
    }
    OD_NEED(!od_sql_failed(binder));
    for (uint32_t i = first; i < block->slot_count; i++)
        if (block->slots[i].kind == OD_SLOT_WINDOW && windows_share(&block->slots[i].window, window))
            block->slots[i].column += block->plan->schema.field_count;
    return od_plan_window(binder->plan_arena, block->plan, partitions.at, partitions.count, keys,
                          window->key_count, calls, call_count, &block->plan, binder->error) == OD_OK;
}

bool od_put_windows(struct od_binder *binder, struct od_block *block)
{
    for (uint32_t i = 0; i < block->slot_count; i++)
        if (block->slots[i].kind == OD_SLOT_WINDOW && block->slots[i].column == OD_NO_COLUMN)
            OD_NEED(put_window(binder, block, i));
    return true;
}
