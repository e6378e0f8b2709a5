/* bind_aggregate: calls of aggregates and of window functions, both of which become slots.
 *
 *   sum(DISTINCT a) FILTER (WHERE p)      percentile_cont(0.5) WITHIN GROUP (ORDER BY a)      rank() OVER (w
 * ORDER BY b)
 *
 * Windows of equal partition and order are one WINDOW node (od_put_windows); equal aggregates are computed
 * once. */
#include <string.h>

#include "engine/core/assert.h"
#include "engine/sql/binder.h"

/* --- aggregates ------------------------------------------------------------------------------- */

static bool both_equal(const struct od_expr *left, const struct od_expr *right)
{
    return left == NULL || right == NULL ? left == right : od_expr_equal(left, right);
}

static bool keys_equal(const struct od_sort_key *left, uint32_t left_count, const struct od_sort_key *right,
                       uint32_t right_count)
{
    bool equal = left_count == right_count;
    for (uint32_t i = 0; i < left_count && equal; i++)
        equal = left[i].descending == right[i].descending && left[i].nulls_first == right[i].nulls_first &&
                od_expr_equal(left[i].expr, right[i].expr);
    return equal;
}

static bool aggregates_equal(const struct od_aggregate *left, const struct od_aggregate *right)
{
    return left->function == right->function && left->distinct == right->distinct &&
           both_equal(left->argument, right->argument) && both_equal(left->second, right->second) &&
           both_equal(left->filter, right->filter) &&
           keys_equal(left->keys, left->key_count, right->keys, right->key_count);
}

static enum od_status bind_keys(struct od_binder *binder, const struct od_place *place,
                                PgQuery__Node *const *nodes, size_t count, struct od_sort_key **keys_out)
{
    *keys_out = od_arena_take_array(binder->plan_arena, count, sizeof(**keys_out));
    if (*keys_out == NULL)
        return od_sql_no_memory(binder);
    for (size_t i = 0; i < count; i++) {
        struct od_bound bound = {0};
        OD_TRY(od_sort_direction(binder, nodes[i]->sort_by, &(*keys_out)[i]));
        OD_TRY(od_bind_expr(binder, place, nodes[i]->sort_by->node, &bound));
        (*keys_out)[i].expr = bound.expr;
    }
    return OD_OK;
}

/* The arguments get the types that the catalogue wants. */
static enum od_status type_arguments(struct od_binder *binder, const PgQuery__FuncCall *call,
                                     const char *name, struct od_bound *arguments, uint32_t count,
                                     struct od_aggregate *aggregate)
{
    enum od_type types[2] = {OD_TYPE_TEXT, OD_TYPE_TEXT};
    for (uint32_t i = 0; i < count; i++)
        types[i] = arguments[i].expr->type;
    if (types[0] == OD_TYPE_INTERVAL)
        return od_sql_fail(binder, OD_UNSUPPORTED, call->location,
                           "an aggregate of intervals is not supported");
    if (!od_aggregate_resolve(aggregate->function, count, types, &aggregate->type))
        return od_sql_fail(binder, OD_BAD_INPUT, call->location, "function %s(%s%s%s) does not exist", name,
                           count == 0             ? ""
                           : arguments[0].unknown ? "unknown"
                                                  : od_type_text(arguments[0].expr->type),
                           count > 1 ? ", " : "", count > 1 ? od_type_text(arguments[1].expr->type) : "");
    for (uint32_t i = 0; i < count; i++) {
        struct od_sql_type type = {.type = types[i]};
        OD_TRY(od_bind_cast_to(binder, &arguments[i], &type, call->location,
                               i == 0 ? &aggregate->argument : &aggregate->second));
    }
    return OD_OK;
}

/* f(fraction) WITHIN GROUP (ORDER BY a), and median(a), which is percentile_cont of a half. */
static enum od_status bind_within_group(struct od_binder *binder, const struct od_place *place,
                                        const PgQuery__FuncCall *call, const char *name,
                                        struct od_aggregate *aggregate)
{
    bool is_median = strcmp(name, "median") == 0;
    uint32_t count = od_aggregate_argument_count(aggregate->function);
    struct od_value half = {.type = OD_TYPE_FLOAT64, .float64 = 0.5};
    struct od_bound arguments[2] = {{0}, {0}};
    struct od_sort_key *keys = NULL;
    if (!is_median && !call->agg_within_group)
        return od_sql_fail(binder, OD_BAD_INPUT, call->location,
                           "WITHIN GROUP is required for ordered-set aggregate %s", name);
    if (call->n_args != (is_median ? 1 : count - 1) || (!is_median && call->n_agg_order != 1) ||
        call->agg_distinct)
        return od_sql_fail(binder, OD_BAD_INPUT, call->location,
                           "function %s with these arguments does not exist", name);
    if (is_median) {
        keys = od_arena_take_array(binder->plan_arena, 1, sizeof(*keys));
        if (keys == NULL)
            return od_sql_no_memory(binder);
        OD_TRY(od_bind_expr(binder, place, call->args[0], &arguments[0]));
    } else {
        OD_TRY(bind_keys(binder, place, call->agg_order, 1, &keys));
        arguments[0].expr = keys[0].expr;
        if (count == 2) {
            struct od_place fraction = *place;
            fraction.clause = "the fraction of a percentile";
            OD_TRY(od_bind_constant(binder, &fraction, call->args[0], OD_TYPE_FLOAT64, &half));
        }
    }
    if (count == 2)
        OD_TRY(od_bind_literal(binder, &half, call->location, &arguments[1]));
    OD_TRY(type_arguments(binder, call, name, arguments, count, aggregate));
    keys[0].expr = aggregate->argument;
    aggregate->keys = keys;
    aggregate->key_count = 1;
    return OD_OK;
}

/* DISTINCT sorts by its arguments, so an order must be of them. */
static enum od_status bind_aggregate_order(struct od_binder *binder, const struct od_place *place,
                                           const PgQuery__FuncCall *call, struct od_aggregate *aggregate)
{
    struct od_sort_key *keys = NULL;
    OD_TRY(bind_keys(binder, place, call->agg_order, call->n_agg_order, &keys));
    for (size_t i = 0; i < call->n_agg_order && call->agg_distinct; i++)
        if (!both_equal(keys[i].expr, aggregate->argument) && !both_equal(keys[i].expr, aggregate->second))
            return od_sql_fail(
                binder, OD_BAD_INPUT, od_sql_location(call->agg_order[i]),
                "in an aggregate with DISTINCT, ORDER BY expressions must appear in argument list");
    if (aggregate->function != OD_AGGREGATE_STRING_AGG)
        return OD_OK; /* the others do not depend on any order */
    aggregate->keys = keys;
    aggregate->key_count = (uint32_t)call->n_agg_order;
    return OD_OK;
}

/* Everything between the name and OVER. */
static enum od_status bind_aggregate_call(struct od_binder *binder, const struct od_place *place,
                                          const PgQuery__FuncCall *call, const char *name,
                                          enum od_aggregate_function function, struct od_aggregate *aggregate)
{
    uint32_t count = od_aggregate_argument_count(function);
    struct od_bound arguments[2] = {{0}, {0}};
    *aggregate = (struct od_aggregate){.function = function, .distinct = call->agg_distinct};
    aggregate->name = od_arena_copy_text(binder->plan_arena, name, strlen(name));
    if (aggregate->name == NULL)
        return od_sql_no_memory(binder);
    if (call->func_variadic)
        return od_sql_fail(binder, OD_UNSUPPORTED, call->location, "VARIADIC is not supported");
    if (od_aggregate_is_within_group(function)) {
        OD_TRY(bind_within_group(binder, place, call, name, aggregate));
    } else if (call->agg_star && function == OD_AGGREGATE_COUNT) {
        aggregate->function = OD_AGGREGATE_COUNT_STAR;
        aggregate->type = OD_TYPE_INT64;
    } else if (call->agg_star || call->agg_within_group || call->n_args != count) {
        return od_sql_fail(binder, OD_BAD_INPUT, call->location,
                           "function %s with %zu arguments does not exist", name, call->n_args);
    } else {
        for (uint32_t i = 0; i < count; i++)
            OD_TRY(od_bind_expr(binder, place, call->args[i], &arguments[i]));
        OD_TRY(type_arguments(binder, call, name, arguments, count, aggregate));
        OD_TRY(bind_aggregate_order(binder, place, call, aggregate));
    }
    if (call->agg_filter == NULL)
        return OD_OK;
    struct od_place inside = *place;
    inside.clause = "FILTER";
    return od_bind_condition(binder, &inside, call->agg_filter, &aggregate->filter);
}

enum od_status od_bind_aggregate(struct od_binder *binder, const struct od_place *place,
                                 const PgQuery__FuncCall *call, const char *name,
                                 enum od_aggregate_function function, struct od_bound *bound_out)
{
    struct od_place inside = {.block = place->block, .clause = place->clause, .in_aggregate = true};
    struct od_aggregate aggregate;
    uint32_t number = 0;
    uint32_t own_reads = place->block->own_reads;
    uint32_t foreign_reads = place->block->foreign_reads;
    if (place->in_aggregate)
        return od_sql_fail(binder, OD_BAD_INPUT, call->location, "aggregate function calls cannot be nested");
    OD_TRY(bind_aggregate_call(binder, &inside, call, name, function, &aggregate));
    /* Whose columns it reads, FILTER and sub-selects included, is the query that it belongs to. */
    if (place->block->foreign_reads > foreign_reads && place->block->own_reads == own_reads)
        return od_sql_fail(binder, OD_UNSUPPORTED, call->location,
                           "an aggregate of the rows of an outer query is not supported");
    if (!place->aggregates)
        return od_sql_fail(binder, OD_BAD_INPUT, call->location, "aggregate functions are not allowed in %s",
                           place->clause);
    bool is_known = false;
    for (uint32_t i = 0; i < place->block->slot_count && !is_known; i++) {
        const struct od_slot *slot = &place->block->slots[i];
        is_known = slot->kind == OD_SLOT_AGGREGATE && aggregates_equal(&slot->aggregate, &aggregate);
        number = OD_SLOT_BASE + i;
    }
    if (!is_known) {
        struct od_slot *slot = od_new_slot(binder, place->block, OD_SLOT_AGGREGATE, &number);
        if (slot == NULL)
            return od_sql_no_memory(binder);
        slot->aggregate = aggregate;
    }
    return od_slot_column(binder, number, aggregate.type, od_aggregate_is_nullable(aggregate.function),
                          call->location, &bound_out->expr);
}

/* --- windows: which one ------------------------------------------------------------------------- */

/* A window's three parts, found along the chain of names that it refers to. */
struct window_parts {
    const PgQuery__WindowDef *partition; /* NULL: none */
    const PgQuery__WindowDef *order;
    const PgQuery__WindowDef *frame;
};

#define FRAME_NONDEFAULT 1

static enum od_status find_window(struct od_binder *binder, const struct od_block *block, const char *name,
                                  int32_t location, size_t *limit, const PgQuery__WindowDef **window_out)
{
    for (size_t i = 0; i < *limit; i++) {
        *window_out = block->select->window_clause[i]->window_def;
        if (strcmp((*window_out)->name, name) == 0) {
            *limit = i; /* a window refers to earlier ones only */
            return OD_OK;
        }
    }
    return od_sql_fail(binder, OD_BAD_INPUT, location, "window \"%s\" does not exist", name);
}

static enum od_status find_parts(struct od_binder *binder, const struct od_block *block,
                                 const PgQuery__WindowDef *over, struct window_parts *parts)
{
    size_t limit = block->select != NULL ? block->select->n_window_clause : 0;
    const PgQuery__WindowDef *at = over;
    *parts = (struct window_parts){0};
    if (over->name != NULL && over->name[0] != '\0') /* OVER w: all of w */
        OD_TRY(find_window(binder, block, over->name, over->location, &limit, &at));
    parts->frame = at;
    for (;;) {
        parts->partition = at->n_partition_clause > 0 ? at : parts->partition;
        parts->order = parts->order == NULL && at->n_order_clause > 0 ? at : parts->order;
        if (at->refname == NULL || at->refname[0] == '\0')
            return OD_OK;
        const PgQuery__WindowDef *base = NULL;
        OD_TRY(find_window(binder, block, at->refname, at->location, &limit, &base));
        const char *clash = at->n_partition_clause > 0
                                ? "cannot override PARTITION BY clause of window \"%s\""
                            : at->n_order_clause > 0 && base->n_order_clause > 0
                                ? "cannot override ORDER BY clause of window \"%s\""
                            : base->frame_options & FRAME_NONDEFAULT
                                ? "cannot copy window \"%s\" because it has a frame clause"
                                : NULL;
        if (clash != NULL)
            return od_sql_fail(binder, OD_BAD_INPUT, at->location, clash, at->refname);
        at = base;
    }
}

/* --- windows: the frame --------------------------------------------------------------------------- */

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
static enum od_status bind_offset(struct od_binder *binder, const struct od_place *place,
                                  const PgQuery__Node *node, const struct od_window_slot *window,
                                  const char *which, const struct od_expr **offset_out)
{
    struct od_value value = {0};
    struct od_value zero = {0};
    struct od_bound bound = {0};
    struct od_place inside = {.block = place->block, .clause = which};
    enum od_type type = OD_TYPE_INT64;
    bool is_wide = false;
    int32_t location = od_sql_location(node);
    if (window->call.frame.unit == OD_FRAME_RANGE) {
        if (window->key_count != 1)
            return od_sql_fail(binder, OD_BAD_INPUT, location,
                               "RANGE with offset PRECEDING/FOLLOWING requires exactly one ORDER BY column");
        type = window->keys[0].expr->type;
        if (type == OD_TYPE_DATE || type == OD_TYPE_TIMESTAMP)
            type = OD_TYPE_INTERVAL;
        OD_TRY(od_bind_expr(binder, &inside, node, &bound));
        enum od_type given = bound.expr->type;
        is_wide = type == OD_TYPE_INT32 && given == OD_TYPE_INT64 && !bound.unknown;
        if (type == OD_TYPE_TEXT || type == OD_TYPE_BOOLEAN ||
            (!bound.unknown && given != type && !od_cast_is_implicit(given, type) && !is_wide))
            return od_sql_fail(
                binder, OD_BAD_INPUT, location,
                "RANGE with offset PRECEDING/FOLLOWING is not supported for column type %s and offset "
                "type %s",
                od_type_text(window->keys[0].expr->type), od_type_text(given));
    }
    OD_TRY(od_bind_constant(binder, &inside, node, is_wide ? OD_TYPE_INT64 : type, &value));
    if (is_wide && !value.is_null && value.int64 > INT32_MAX)
        return od_sql_fail(binder, OD_UNSUPPORTED, location,
                           "an offset beyond integer is not supported here");
    value.type = zero.type = type; /* integers and bigints are kept alike */
    if (value.is_null || od_value_compare(&value, &zero) < 0)
        return od_sql_fail(binder, OD_BAD_INPUT, location,
                           window->call.frame.unit == OD_FRAME_RANGE && !value.is_null
                               ? "invalid preceding or following size in window function"
                               : "%s must not be %s",
                           which, value.is_null ? "null" : "negative");
    OD_TRY(od_bind_literal(binder, &value, location, &bound));
    *offset_out = bound.expr;
    return OD_OK;
}

static enum od_status bind_frame(struct od_binder *binder, const struct od_place *place,
                                 const PgQuery__WindowDef *node, struct od_window_slot *window)
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
        return od_sql_fail(binder, OD_BAD_INPUT, node->location, "GROUPS mode requires an ORDER BY clause");
    if (node->start_offset != NULL)
        OD_TRY(bind_offset(binder, place, node->start_offset, window, "frame starting offset",
                           &frame->start_offset));
    if (node->end_offset != NULL)
        OD_TRY(
            bind_offset(binder, place, node->end_offset, window, "frame ending offset", &frame->end_offset));
    return OD_OK;
}

/* --- windows: the call ---------------------------------------------------------------------------- */

static enum od_status cast_argument(struct od_binder *binder, struct od_bound *bound, enum od_type type,
                                    const char *name, int32_t location)
{
    struct od_sql_type target = {.type = type};
    if (!bound->unknown && bound->expr->type != type && !od_cast_is_implicit(bound->expr->type, type))
        return od_sql_fail(binder, OD_BAD_INPUT, location,
                           "function %s with an argument of type %s does not exist", name,
                           od_type_text(bound->expr->type));
    OD_TRY(od_bind_cast_to(binder, bound, &target, location, &bound->expr));
    bound->unknown = false;
    return OD_OK;
}

static enum od_status bind_window_function(struct od_binder *binder, const struct od_place *place,
                                           const PgQuery__FuncCall *call, const char *name,
                                           struct od_window_call *window, bool *nullable_out)
{
    struct od_bound arguments[3] = {{0}, {0}, {0}};
    const struct od_window_function_info *info = od_window_function_info(window->function);
    if (call->agg_filter != NULL)
        return od_sql_fail(binder, OD_BAD_INPUT, call->location,
                           "FILTER is not implemented for non-aggregate window functions");
    if (call->agg_star || call->n_args < info->least || call->n_args > info->most)
        return od_sql_fail(binder, OD_BAD_INPUT, call->location,
                           "function %s with %zu arguments does not exist", name, call->n_args);
    window->argument_count = (uint32_t)call->n_args;
    for (uint32_t i = 0; i < call->n_args; i++)
        OD_TRY(od_bind_expr(binder, place, call->args[i], &arguments[i]));
    enum od_type type = info->type;
    if (type == OD_TYPE_COUNT) { /* the first argument's */
        const struct od_expr *values[2] = {arguments[0].expr, arguments[2].expr};
        type = arguments[0].expr->type;
        if (call->n_args == 3 && arguments[0].unknown)
            type = arguments[2].expr->type;
        else if (call->n_args == 3 && !arguments[2].unknown && !od_expr_common_type(values, 2, &type))
            return od_sql_fail(binder, OD_BAD_INPUT, call->location,
                               "function %s(%s, integer, %s) does not exist", name,
                               od_type_text(values[0]->type), od_type_text(values[1]->type));
    }
    for (uint32_t i = 0; i < call->n_args; i++) {
        bool is_count = i == 1 || window->function == OD_WINDOW_NTILE;
        OD_TRY(cast_argument(binder, &arguments[i], is_count ? OD_TYPE_INT32 : type, name, call->location));
        window->arguments[i] = arguments[i].expr;
    }
    window->type = type;
    *nullable_out = info->is_nullable;
    return OD_OK;
}

static enum od_status bind_window_call(struct od_binder *binder, const struct od_place *place,
                                       const PgQuery__FuncCall *call, const char *name,
                                       struct od_window_call *window, bool *nullable_out)
{
    enum od_aggregate_function function = OD_AGGREGATE_PERCENTILE_CONT;
    window->name = od_arena_copy_text(binder->plan_arena, name, strlen(name));
    if (window->name == NULL)
        return od_sql_no_memory(binder);
    for (uint32_t i = OD_WINDOW_AGGREGATE + 1; i < OD_WINDOW_FUNCTION_COUNT; i++) {
        window->function = (enum od_window_function)i;
        if (strcmp(od_window_function_text(window->function), name) == 0)
            return bind_window_function(binder, place, call, name, window, nullable_out);
    }
    bool is_aggregate = od_aggregate_find(name, &function);
    if (!is_aggregate && strcmp(name, "median") != 0)
        return od_sql_fail(binder, OD_UNSUPPORTED, call->location, "function %s with OVER is not supported",
                           name);
    if (od_aggregate_is_within_group(function))
        return od_sql_fail(binder, is_aggregate ? OD_BAD_INPUT : OD_UNSUPPORTED, call->location,
                           "OVER is not supported for ordered-set aggregate %s", name);
    OD_TRY(bind_aggregate_call(binder, place, call, name, function, &window->aggregate));
    window->function = OD_WINDOW_AGGREGATE;
    window->type = window->aggregate.type;
    *nullable_out = od_aggregate_is_nullable(window->aggregate.function);
    return OD_OK;
}

static enum od_status refuse_window(struct od_binder *binder, const struct od_place *place,
                                    const PgQuery__FuncCall *call)
{
    const char *why = place->in_aggregate  ? "aggregate function calls cannot contain window function calls"
                      : place->in_window   ? "window function calls cannot be nested"
                      : call->agg_distinct ? "DISTINCT is not implemented for window functions"
                      : call->n_agg_order > 0 && !call->agg_within_group
                          ? "aggregate ORDER BY is not implemented for window functions"
                          : NULL;
    if (why != NULL)
        return od_sql_fail(binder, OD_BAD_INPUT, call->location, "%s", why);
    if (!place->windows)
        return od_sql_fail(binder, OD_BAD_INPUT, call->location, "window functions are not allowed in %s",
                           place->clause);
    return OD_OK;
}

enum od_status od_bind_window(struct od_binder *binder, const struct od_place *place,
                              const PgQuery__FuncCall *call, const char *name, struct od_bound *bound_out)
{
    struct od_place inside = {
        .block = place->block, .clause = place->clause, .aggregates = place->aggregates, .in_window = true};
    struct od_window_slot window = {0};
    struct window_parts parts;
    struct od_bound *partitions = NULL;
    uint32_t number;
    bool nullable = true;
    OD_TRY(refuse_window(binder, place, call));
    OD_TRY(bind_window_call(binder, &inside, call, name, &window.call, &nullable));
    OD_TRY(find_parts(binder, place->block, call->over, &parts));
    inside.clause = "window definitions";
    if (parts.partition != NULL) {
        window.partition_count = (uint32_t)parts.partition->n_partition_clause;
        OD_TRY(od_bind_list(binder, &inside, parts.partition->partition_clause, window.partition_count,
                            &partitions));
    }
    window.partitions =
        od_arena_take_array(binder->plan_arena, window.partition_count, sizeof(*window.partitions));
    if (window.partitions == NULL)
        return od_sql_no_memory(binder);
    for (uint32_t i = 0; i < window.partition_count; i++)
        window.partitions[i] = partitions[i].expr;
    if (parts.order != NULL) {
        window.key_count = (uint32_t)parts.order->n_order_clause;
        OD_TRY(bind_keys(binder, &inside, parts.order->order_clause, window.key_count, &window.keys));
    }
    OD_TRY(bind_frame(binder, &inside, parts.frame, &window));
    struct od_slot *slot = od_new_slot(binder, place->block, OD_SLOT_WINDOW, &number);
    if (slot == NULL)
        return od_sql_no_memory(binder);
    slot->window = window;
    return od_slot_column(binder, number, window.call.type, nullable, call->location, &bound_out->expr);
}

/* --- the stage of windows ------------------------------------------------------------------------- */

static bool windows_share(const struct od_window_slot *left, const struct od_window_slot *right)
{
    bool equal = left->partition_count == right->partition_count &&
                 keys_equal(left->keys, left->key_count, right->keys, right->key_count);
    for (uint32_t i = 0; i < left->partition_count && equal; i++)
        equal = od_expr_equal(left->partitions[i], right->partitions[i]);
    return equal;
}

static enum od_status lower_call(struct od_binder *binder, struct od_block *block,
                                 struct od_window_call *call)
{
    const struct od_expr **clauses[] = {&call->aggregate.argument, &call->aggregate.second,
                                        &call->aggregate.filter,   &call->arguments[0],
                                        &call->arguments[1],       &call->arguments[2]};
    for (size_t i = 0; i < sizeof(clauses) / sizeof(clauses[0]); i++)
        if (*clauses[i] != NULL)
            OD_TRY(od_lower(binder, block, *clauses[i], clauses[i]));
    return OD_OK;
}

/* The window of slot `first`, and every call that shares it. */
static enum od_status put_window(struct od_binder *binder, struct od_block *block, uint32_t first)
{
    struct od_window_slot *window = &block->slots[first].window;
    const struct od_expr **partitions =
        od_arena_take_array(binder->plan_arena, window->partition_count, sizeof(*partitions));
    struct od_sort_key *keys = od_arena_take_array(binder->plan_arena, window->key_count, sizeof(*keys));
    struct od_window_call *calls = od_arena_take_array(binder->plan_arena, block->slot_count, sizeof(*calls));
    uint32_t *slots = od_arena_take_array(binder->plan_arena, block->slot_count, sizeof(*slots));
    uint32_t call_count = 0;
    if (partitions == NULL || keys == NULL || calls == NULL || slots == NULL)
        return od_sql_no_memory(binder);
    for (uint32_t i = 0; i < window->partition_count; i++)
        OD_TRY(od_lower(binder, block, window->partitions[i], &partitions[i]));
    for (uint32_t i = 0; i < window->key_count; i++) {
        keys[i] = window->keys[i];
        OD_TRY(od_lower(binder, block, window->keys[i].expr, &keys[i].expr));
    }
    for (uint32_t i = first; i < block->slot_count; i++) {
        if (block->slots[i].kind != OD_SLOT_WINDOW || !windows_share(&block->slots[i].window, window))
            continue;
        slots[call_count] = i;
        calls[call_count] = block->slots[i].window.call;
        OD_TRY(lower_call(binder, block, &calls[call_count++]));
    }
    for (uint32_t i = 0; i < call_count; i++)
        block->slots[slots[i]].column = block->plan->schema.field_count + i;
    return od_plan_window(binder->plan_arena, block->plan, partitions, window->partition_count, keys,
                          window->key_count, calls, call_count, &block->plan, binder->error);
}

enum od_status od_put_windows(struct od_binder *binder, struct od_block *block)
{
    for (uint32_t i = 0; i < block->slot_count; i++)
        if (block->slots[i].kind == OD_SLOT_WINDOW && block->slots[i].column == OD_NO_COLUMN)
            OD_TRY(put_window(binder, block, i));
    return OD_OK;
}
