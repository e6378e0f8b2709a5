/* decorrelate_general: any APPLY into joins (Neumann & Kemper, "Unnesting Arbitrary Queries", BTW 2015).
 *
 *   left APPLY right(c)   =   left JOIN right' ON condition AND left.c IS NOT DISTINCT FROM right'.c
 *
 * where the domain D holds each combination of the columns c that the right side reads once, and right' gives for each of
 * them the rows that right(c) would, with c behind. D is pushed down through the right side until a sub-plan reads no c: there
 * a cross join with D begins, which filters above it make a good one.
 *
 *   filter, project, expand   c rides along                  aggregate   by c, too. Without groups, a combination over no
 *   window                    partitioned by c, too                      rows still has its row: D LEFT JOIN, counts 0
 *   limit                     row_number() by c              join        the sides that need it; both: equal c
 *
 * Keys are compared as GROUP BY does, and come out of it in one form: 1.5 for 1.50, 0.0 for -0.0. Where the right side could tell
 * those apart (it does more than compare them), a key is the value's text, which is one to one, and is read back for use. */
#include "engine/plan/decorrelate.h"

#include <string.h>

#include "engine/core/assert.h"
#include "engine/plan/plan_rewrite.h"

/* --- the domain ------------------------------------------------------------------------------- */

struct usage {
    bool *used;  /* by column of the left side */
    bool *alike; /* must be told apart though equal */
};

static bool only_compares(enum od_function function)
{
    return (function >= OD_FUNCTION_EQUAL && function <= OD_FUNCTION_IS_NOT_DISTINCT) ||
           function == OD_FUNCTION_IS_NULL || function == OD_FUNCTION_IS_NOT_NULL;
}

static void note_usage(struct usage *usage, const struct od_expr *expr, bool compared)
{
    if (expr->kind == OD_EXPR_OUTER && expr->outer_depth == 1) {
        bool many_forms = expr->type == OD_TYPE_FLOAT64 || expr->type == OD_TYPE_DECIMAL;
        usage->used[expr->column_index] = true;
        usage->alike[expr->column_index] |= many_forms && !compared;
    }
    for (uint32_t i = 0; expr->kind == OD_EXPR_CALL && i < expr->argument_count; i++)
        note_usage(usage, expr->arguments[i], only_compares(expr->function));
}

static void visit_usage(void *usage, const struct od_expr *expr)
{
    note_usage(usage, expr, false);
}

static void plan_usage(const struct od_plan *plan, struct usage *usage)
{
    if ((plan->outer_levels & 1) == 0)
        return;
    od_plan_exprs(plan, visit_usage, usage);
    for (uint32_t i = 0; i < plan->input_count; i++)
        plan_usage(plan->inputs[i], usage);
}

/* A key over the left side's columns, which are at the same places in `schema`. */
static enum od_status left_key(struct od_decorrelation *d, const struct od_schema *schema, uint32_t key,
                               const struct od_expr **expr_out, struct od_error *error)
{
    OD_TRY(od_expr_column(d->plan_arena, schema, d->columns[key], expr_out, error));
    return d->as_text[key] ? od_expr_cast(d->plan_arena, *expr_out, OD_TYPE_TEXT, expr_out, error) : OD_OK;
}

static enum od_status make_domain(struct od_decorrelation *d, struct od_error *error)
{
    const struct od_plan *left = d->apply->inputs[0];
    uint32_t width = left->schema.field_count;
    OD_TAKE_LIST(bool, used, d->plan_arena, width, error);
    OD_TAKE_LIST(bool, alike, d->plan_arena, width, error);
    OD_TAKE_LIST(const struct od_expr *, exprs, d->plan_arena, width, error);
    OD_TAKE_LIST(const char *, names, d->plan_arena, width, error);
    OD_TAKE(d->columns, d->plan_arena, width, error);
    OD_TAKE(d->as_text, d->plan_arena, width, error);
    struct usage usage = {used, alike};
    plan_usage(d->apply->inputs[1], &usage);
    for (uint32_t i = 0; i < width; i++) {
        if (!usage.used[i])
            continue;
        uint32_t key = d->key_count++;
        d->columns[key] = i;
        d->as_text[key] = usage.alike[i];
        names[key] = left->schema.fields[i].name;
        OD_TRY(left_key(d, &left->schema, key, &exprs[key], error));
    }
    OD_TRY(od_plan_project(d->plan_arena, left, exprs, names, d->key_count, &d->domain, error));
    OD_TRY(od_plan_distinct(d->plan_arena, d->domain, &d->domain, error));
    return od_plan_table_init(d->plan_arena, d->apply->inputs[1], &d->pushed, error);
}

enum od_status od_decorrelate_keys_equal(struct od_decorrelation *d, const struct od_schema *schema,
                                         uint32_t left_first, uint32_t right_first, const struct od_expr **list,
                                         struct od_error *error)
{
    for (uint32_t i = 0; i < d->key_count; i++) {
        const struct od_expr *sides[2] = {NULL, NULL};
        if (left_first == OD_FIELD_NONE)
            OD_TRY(left_key(d, schema, i, &sides[0], error));
        else
            OD_TRY(od_expr_column(d->plan_arena, schema, left_first + i, &sides[0], error));
        OD_TRY(od_expr_column(d->plan_arena, schema, right_first + i, &sides[1], error));
        bool never_null = !sides[0]->nullable && !sides[1]->nullable;
        OD_TRY(od_expr_call(d->plan_arena, never_null ? OD_FUNCTION_EQUAL : OD_FUNCTION_IS_NOT_DISTINCT, sides, 2,
                            &list[i], error));
    }
    return OD_OK;
}

/* --- expressions in their new place ------------------------------------------------------------ */

static enum od_status outer_leaf(struct od_binding *binding, const struct od_expr *leaf,
                                 const struct od_expr **expr_out, struct od_error *error)
{
    struct od_decorrelation *d = binding->decorrelation;
    uint32_t key = 0;
    if (leaf->outer_depth > 1) {
        struct od_field field = {"", leaf->type, leaf->nullable};
        return od_expr_outer(d->plan_arena, &field, leaf->column_index, leaf->outer_depth - 1, expr_out, error);
    }
    if (binding->key_first == OD_FIELD_NONE)
        return od_expr_column(d->plan_arena, binding->schema, leaf->column_index, expr_out, error);
    while (d->columns[key] != leaf->column_index)
        key++;
    OD_TRY(od_expr_column(d->plan_arena, binding->schema, binding->key_first + key, expr_out, error));
    return d->as_text[key] ? od_expr_cast(d->plan_arena, *expr_out, leaf->type, expr_out, error) : OD_OK;
}

enum od_status od_decorrelate_leaf(void *self, const struct od_expr *leaf, const struct od_expr **expr_out,
                                   struct od_error *error)
{
    struct od_binding *binding = self;
    *expr_out = leaf;
    if (leaf->kind == OD_EXPR_OUTER)
        return outer_leaf(binding, leaf, expr_out, error);
    if (leaf->kind != OD_EXPR_COLUMN || binding->schema == NULL)
        return OD_OK;
    if (binding->map != NULL) {
        *expr_out = binding->map[leaf->column_index];
        return OD_OK;
    }
    uint32_t moved = leaf->column_index + (leaf->column_index >= binding->split ? binding->shift : 0);
    return od_expr_column(binding->decorrelation->plan_arena, binding->schema, moved, expr_out, error);
}

enum od_status od_decorrelate_expr(void *self, const struct od_expr *expr, const struct od_expr **expr_out,
                                   struct od_error *error)
{
    struct od_binding *binding = self;
    struct od_leaf_rewriter leaves = {od_decorrelate_leaf, binding};
    return od_expr_rewrite(binding->decorrelation->plan_arena, expr, &leaves, expr_out, error);
}

enum od_status od_decorrelate_lower(struct od_decorrelation *d, const struct od_plan *plan,
                                    const struct od_plan **plan_out, struct od_error *error)
{
    struct od_binding binding = {.decorrelation = d};
    struct od_expr_rewriter rewriter = {od_decorrelate_expr, &binding};
    const struct od_plan *inputs[2] = {NULL, NULL};
    *plan_out = plan;
    od_assert((plan->outer_levels & 1) == 0);
    if (plan->outer_levels == 0)
        return OD_OK;
    for (uint32_t i = 0; i < plan->input_count; i++)
        OD_TRY(od_decorrelate_lower(d, plan->inputs[i], &inputs[i], error));
    return od_plan_rebuild(d->plan_arena, plan, inputs, &rewriter, plan_out, error);
}

/* --- the domain pushed through a node ----------------------------------------------------------- */

/* A plan's columns in another order: `count` ranges of its columns. */
struct range {
    uint32_t first;
    uint32_t count;
};
static enum od_status pick_ranges(struct od_decorrelation *d, const struct od_plan *plan, const struct range *ranges,
                                  uint32_t range_count, const struct od_plan **plan_out, struct od_error *error)
{
    uint32_t count = 0;
    OD_TAKE_LIST(uint32_t, columns, d->plan_arena, plan->schema.field_count, error);
    for (uint32_t r = 0; r < range_count; r++)
        for (uint32_t i = 0; i < ranges[r].count; i++)
            columns[count++] = ranges[r].first + i;
    return od_plan_pick(d->plan_arena, plan, columns, count, plan_out, error);
}

static enum od_status cross(struct od_decorrelation *d, const struct od_plan *plan, const struct od_plan **plan_out,
                            struct od_error *error)
{
    const struct od_expr *always = NULL;
    OD_TRY(od_decorrelate_lower(d, plan, &plan, error));
    OD_TRY(od_expr_conjunction(d->plan_arena, NULL, 0, &always, error));
    return od_plan_join(d->plan_arena, OD_JOIN_INNER, plan, d->domain, always, plan_out, error);
}

/* `list` and, behind each `width` of its `count` expressions, the keys of the domain, which are columns of `schema` from
 * `first` on. NULL: no memory. */
static enum od_status with_keys(struct od_decorrelation *d, const struct od_expr *const *list, uint32_t width,
                                uint32_t rows, const struct od_schema *schema, uint32_t first,
                                const struct od_expr *const **list_out, struct od_error *error)
{
    uint32_t wide = width + d->key_count;
    OD_TAKE_LIST(const struct od_expr *, longer, d->plan_arena, (size_t)wide * rows, error);
    for (uint32_t row = 0; row < rows; row++) {
        if (width > 0)
            memcpy(longer + (size_t)row * wide, list + (size_t)row * width, width * sizeof(*longer));
        for (uint32_t i = 0; i < d->key_count; i++)
            OD_TRY(od_expr_column(d->plan_arena, schema, first + i, &longer[(size_t)row * wide + width + i], error));
    }
    *list_out = longer;
    return OD_OK;
}

/* The first `width` names of the plan, then the keys'. */
static enum od_status names_with_keys(struct od_decorrelation *d, const struct od_plan *plan, uint32_t width,
                                      const char ***names_out, struct od_error *error)
{
    OD_TAKE_LIST(const char *, names, d->plan_arena, width + d->key_count, error);
    for (uint32_t i = 0; i < width + d->key_count; i++)
        names[i] = i < width ? plan->schema.fields[i].name : d->domain->schema.fields[i - width].name;
    *names_out = names;
    return OD_OK;
}

/* D LEFT JOIN grouped ON equal keys: the combinations over no rows come back, their counts 0. */
static enum od_status add_empty_groups(struct od_decorrelation *d, const struct od_plan *grouped,
                                       const struct od_plan *aggregate, const struct od_plan **plan_out,
                                       struct od_error *error)
{
    uint32_t count = aggregate->aggregate.aggregate_count;
    const struct od_plan *joined = NULL;
    const struct od_expr *condition = NULL;
    const char **names = NULL;
    struct od_schema schema;
    OD_TAKE_LIST(const struct od_expr *, equal, d->plan_arena, d->key_count, error);
    OD_TAKE_LIST(const struct od_expr *, exprs, d->plan_arena, count + d->key_count, error);
    OD_TRY(od_plan_join_schema(d->plan_arena, d->domain, grouped, &schema, error));
    OD_TRY(od_decorrelate_keys_equal(d, &schema, 0, d->key_count, equal, error));
    OD_TRY(od_expr_conjunction(d->plan_arena, equal, d->key_count, &condition, error));
    OD_TRY(od_plan_join(d->plan_arena, OD_JOIN_LEFT, d->domain, grouped, condition, &joined, error));
    for (uint32_t i = 0; i < count + d->key_count; i++) {
        uint32_t column = i < count ? 2 * d->key_count + i : i - count;
        OD_TRY(od_expr_column(d->plan_arena, &joined->schema, column, &exprs[i], error));
        if (i < count && !aggregate->schema.fields[i].nullable)
            OD_TRY(od_decorrelate_count(d, exprs[i], &exprs[i], error));
    }
    OD_TRY(names_with_keys(d, aggregate, count, &names, error));
    return od_plan_project(d->plan_arena, joined, exprs, names, count + d->key_count, plan_out, error);
}

enum od_status od_decorrelate_count(struct od_decorrelation *d, const struct od_expr *count,
                                    const struct od_expr **expr_out, struct od_error *error)
{
    struct od_value zero = {.type = count->type};
    const struct od_expr *arguments[2] = {count, NULL};
    OD_TRY(od_expr_literal(d->plan_arena, &zero, &arguments[1], error));
    return od_expr_call(d->plan_arena, OD_FUNCTION_COALESCE, arguments, 2, expr_out, error);
}

enum od_status od_decorrelate_aggregate(struct od_decorrelation *d, const struct od_plan *plan,
                                        const struct od_plan **plan_out, struct od_error *error)
{
    struct od_plan draft = *plan;
    uint32_t width = plan->inputs[0]->schema.field_count;
    uint32_t group_count = plan->aggregate.group_count;
    const char **names = NULL;
    OD_TRY(od_decorrelate_push(d, plan->inputs[0], &draft.inputs[0], error));
    struct od_binding binding = {
        .decorrelation = d, .schema = &draft.inputs[0]->schema, .split = width, .key_first = width};
    struct od_expr_rewriter rewriter = {od_decorrelate_expr, &binding};
    OD_TRY(with_keys(d, plan->aggregate.groups, group_count, 1, binding.schema, width, &draft.aggregate.groups, error));
    OD_TRY(names_with_keys(d, plan, group_count, &names, error));
    draft.aggregate.group_count += d->key_count;
    return od_plan_make(d->plan_arena, &draft, names, &rewriter, plan_out, error);
}

static enum od_status push_aggregate(struct od_decorrelation *d, const struct od_plan *plan,
                                     const struct od_plan **plan_out, struct od_error *error)
{
    const struct od_plan *grouped = NULL;
    uint32_t group_count = plan->aggregate.group_count;
    OD_TRY(od_decorrelate_aggregate(d, plan, &grouped, error));
    struct range ranges[] = {{0, group_count},
                             {group_count + d->key_count, plan->aggregate.aggregate_count},
                             {group_count, d->key_count}};
    return group_count == 0 ? add_empty_groups(d, grouped, plan, plan_out, error)
                            : pick_ranges(d, grouped, ranges, 3, plan_out, error);
}

/* LIMIT over SORT: the rows whose number among those of their keys is in [offset, offset + count). */
static enum od_status push_limit(struct od_decorrelation *d, const struct od_plan *plan,
                                 const struct od_plan **plan_out, struct od_error *error)
{
    const struct od_plan *sort = plan->inputs[0];
    uint32_t width = sort->schema.field_count;
    uint64_t last = plan->limit.count < INT64_MAX - plan->limit.offset && plan->limit.offset < INT64_MAX
                        ? plan->limit.offset + plan->limit.count
                        : INT64_MAX;
    uint64_t bounds[2] = {plan->limit.offset < INT64_MAX ? plan->limit.offset : INT64_MAX, last};
    const struct od_expr *conjuncts[2];
    const struct od_expr *predicate = NULL;
    struct od_window_call call = {.function = OD_WINDOW_ROW_NUMBER, .name = "row_number"};
    struct od_plan draft = {.kind = OD_PLAN_WINDOW};
    od_assert(sort->kind == OD_PLAN_SORT);
    OD_TRY(od_decorrelate_push(d, sort->inputs[0], &draft.inputs[0], error));
    struct od_binding binding = {
        .decorrelation = d, .schema = &draft.inputs[0]->schema, .split = width, .key_first = width};
    struct od_expr_rewriter rewriter = {od_decorrelate_expr, &binding};
    draft.window.partition_count = d->key_count;
    OD_TRY(with_keys(d, NULL, 0, 1, binding.schema, width, &draft.window.partitions, error));
    draft.window.key_count = sort->sort.key_count;
    draft.window.keys = sort->sort.keys;
    draft.window.call_count = 1;
    draft.window.calls = &call;
    OD_TRY(od_plan_make(d->plan_arena, &draft, NULL, &rewriter, plan_out, error));
    for (uint32_t i = 0; i < 2; i++) {
        struct od_value value = {.type = OD_TYPE_INT64, .int64 = (int64_t)bounds[i]};
        const struct od_expr *sides[2];
        OD_TRY(od_expr_column(d->plan_arena, &(*plan_out)->schema, width + d->key_count, &sides[0], error));
        OD_TRY(od_expr_literal(d->plan_arena, &value, &sides[1], error));
        OD_TRY(od_expr_call(d->plan_arena, i == 0 ? OD_FUNCTION_GREATER : OD_FUNCTION_LESS_EQUAL, sides, 2,
                            &conjuncts[i], error));
    }
    struct range ranges[] = {{0, width + d->key_count}};
    OD_TRY(od_expr_conjunction(d->plan_arena, conjuncts, 2, &predicate, error));
    OD_TRY(od_plan_filter(d->plan_arena, *plan_out, predicate, plan_out, error));
    return pick_ranges(d, *plan_out, ranges, 1, plan_out, error);
}

static enum od_status push_window(struct od_decorrelation *d, const struct od_plan *plan,
                                  const struct od_plan **plan_out, struct od_error *error)
{
    struct od_plan draft = *plan;
    uint32_t width = plan->inputs[0]->schema.field_count;
    OD_TRY(od_decorrelate_push(d, plan->inputs[0], &draft.inputs[0], error));
    struct od_binding binding = {
        .decorrelation = d, .schema = &draft.inputs[0]->schema, .split = width, .key_first = width};
    struct od_expr_rewriter rewriter = {od_decorrelate_expr, &binding};
    OD_TRY(with_keys(d, plan->window.partitions, plan->window.partition_count, 1, binding.schema, width,
                     &draft.window.partitions, error));
    draft.window.partition_count += d->key_count;
    OD_TRY(od_plan_make(d->plan_arena, &draft, NULL, &rewriter, plan_out, error));
    struct range ranges[] = {{0, width}, {width + d->key_count, plan->window.call_count}, {width, d->key_count}};
    return pick_ranges(d, *plan_out, ranges, 3, plan_out, error);
}

/* PROJECT and EXPAND: the keys behind each list. VALUES: an EXPAND of the domain. FILTER, REPARTITION: as they are. */
static enum od_status push_rows(struct od_decorrelation *d, const struct od_plan *plan,
                                const struct od_plan **plan_out, struct od_error *error)
{
    struct od_plan draft = *plan;
    const char **names = NULL;
    uint32_t width = plan->kind == OD_PLAN_VALUES ? 0 : plan->inputs[0]->schema.field_count;
    if (plan->kind == OD_PLAN_VALUES)
        draft.inputs[0] = d->domain;
    else
        OD_TRY(od_decorrelate_push(d, plan->inputs[0], &draft.inputs[0], error));
    struct od_binding binding = {
        .decorrelation = d, .schema = &draft.inputs[0]->schema, .split = width, .key_first = width};
    struct od_expr_rewriter rewriter = {od_decorrelate_expr, &binding};
    if (plan->kind == OD_PLAN_FILTER || plan->kind == OD_PLAN_REPARTITION)
        return od_plan_make(d->plan_arena, &draft, NULL, &rewriter, plan_out, error);
    uint32_t field_count = plan->schema.field_count;
    OD_TRY(with_keys(d, plan->rows.exprs, field_count, plan->rows.row_count, binding.schema, width, &draft.rows.exprs, error));
    OD_TRY(names_with_keys(d, plan, field_count, &names, error));
    draft.schema = (struct od_schema){field_count + d->key_count, NULL};
    if (plan->kind == OD_PLAN_VALUES)
        draft.kind = OD_PLAN_EXPAND;
    return od_plan_make(d->plan_arena, &draft, names, &rewriter, plan_out, error);
}

/* What comes out of a FULL join has its keys on either side. */
static enum od_status coalesce_keys(struct od_decorrelation *d, const struct od_plan *joined, uint32_t left,
                                    uint32_t right, const struct od_plan **plan_out, struct od_error *error)
{
    uint32_t count = left + right + d->key_count;
    const char **names = NULL;
    OD_TAKE_LIST(const struct od_expr *, exprs, d->plan_arena, count, error);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t key = i - left - right;
        uint32_t column = i < left ? i : i < left + right ? i + d->key_count : left + key;
        OD_TRY(od_expr_column(d->plan_arena, &joined->schema, column, &exprs[i], error));
        if (i < left + right)
            continue;
        const struct od_expr *both[2] = {exprs[i], NULL};
        OD_TRY(od_expr_column(d->plan_arena, &joined->schema, left + d->key_count + right + key, &both[1], error));
        OD_TRY(od_expr_call(d->plan_arena, OD_FUNCTION_COALESCE, both, 2, &exprs[i], error));
    }
    OD_TRY(names_with_keys(d, joined, 0, &names, error));
    OD_TAKE_LIST(const char *, all, d->plan_arena, count, error);
    for (uint32_t i = 0; i < count; i++)
        all[i] = i < left + right ? joined->schema.fields[i < left ? i : i + d->key_count].name : names[i - left - right];
    return od_plan_project(d->plan_arena, joined, exprs, all, count, plan_out, error);
}

/* The keys come from the side that every output row has a part of; INNER takes them where they are needed anyway. */
static enum od_status push_join(struct od_decorrelation *d, const struct od_plan *plan,
                                const struct od_plan **plan_out, struct od_error *error)
{
    enum od_join_type type = plan->join.type;
    uint32_t left = plan->inputs[0]->schema.field_count;
    uint32_t right = plan->inputs[1]->schema.field_count;
    bool left_reads = (plan->inputs[0]->outer_levels & 1) != 0;
    bool right_reads = (plan->inputs[1]->outer_levels & 1) != 0;
    bool push_left = left_reads || type == OD_JOIN_FULL ||
                     (type == OD_JOIN_INNER ? !right_reads : type != OD_JOIN_RIGHT);
    bool push_right = right_reads || od_join_pads_left(type);
    struct od_plan draft = *plan;
    struct od_schema schema;
    OD_TRY((push_left ? od_decorrelate_push : od_decorrelate_lower)(d, plan->inputs[0], &draft.inputs[0], error));
    OD_TRY((push_right ? od_decorrelate_push : od_decorrelate_lower)(d, plan->inputs[1], &draft.inputs[1], error));
    OD_TRY(od_plan_join_schema(d->plan_arena, draft.inputs[0], draft.inputs[1], &schema, error));
    uint32_t shift = push_left ? d->key_count : 0;
    struct od_binding binding = {.decorrelation = d,
                                 .schema = &schema,
                                 .split = left,
                                 .shift = shift,
                                 .key_first = push_left ? left : left + shift + right};
    OD_TAKE_LIST(const struct od_expr *, conjuncts, d->plan_arena, d->key_count + 1, error);
    uint32_t count = push_left && push_right ? d->key_count : 0;
    if (count > 0)
        OD_TRY(od_decorrelate_keys_equal(d, &schema, left, left + shift + right, conjuncts, error));
    OD_TRY(od_decorrelate_expr(&binding, plan->join.condition, &conjuncts[count], error));
    OD_TRY(od_expr_conjunction(d->plan_arena, conjuncts, count + 1, &draft.join.condition, error));
    OD_TRY(od_plan_make(d->plan_arena, &draft, NULL, NULL, plan_out, error));
    if (type == OD_JOIN_FULL)
        return coalesce_keys(d, *plan_out, left, right, plan_out, error);
    bool from_right = !push_left || type == OD_JOIN_RIGHT;
    uint32_t behind = type == OD_JOIN_MARK ? 1 : od_join_gives_right(type) ? right : 0;
    struct range ranges[] = {
        {0, left}, {left + shift, behind}, {from_right ? left + shift + right : left, d->key_count}};
    return pick_ranges(d, *plan_out, ranges, 3, plan_out, error);
}

static enum od_status push_node(struct od_decorrelation *d, const struct od_plan *plan,
                                const struct od_plan **plan_out, struct od_error *error)
{
    struct od_plan draft = *plan;
    if ((plan->outer_levels & 1) == 0)
        return cross(d, plan, plan_out, error);
    switch (plan->kind) {
    case OD_PLAN_FILTER:
    case OD_PLAN_PROJECT:
    case OD_PLAN_EXPAND:
    case OD_PLAN_VALUES:
    case OD_PLAN_REPARTITION:
        return push_rows(d, plan, plan_out, error);
    case OD_PLAN_JOIN:
        return push_join(d, plan, plan_out, error);
    case OD_PLAN_AGGREGATE:
        return push_aggregate(d, plan, plan_out, error);
    case OD_PLAN_WINDOW:
        return push_window(d, plan, plan_out, error);
    case OD_PLAN_SORT: /* without a LIMIT above it an order inside a subquery means nothing */
        return od_decorrelate_push(d, plan->inputs[0], plan_out, error);
    case OD_PLAN_LIMIT:
        return push_limit(d, plan, plan_out, error);
    case OD_PLAN_UNION:
        for (uint32_t i = 0; i < 2; i++)
            OD_TRY(od_decorrelate_push(d, plan->inputs[i], &draft.inputs[i], error));
        return od_plan_make(d->plan_arena, &draft, NULL, NULL, plan_out, error);
    default:
        return od_fail(error, OD_UNSUPPORTED, "a subquery that reads outer columns below a %s is not supported",
                       od_plan_kind_text(plan->kind));
    }
}

enum od_status od_decorrelate_push(struct od_decorrelation *d, const struct od_plan *plan,
                                   const struct od_plan **plan_out, struct od_error *error)
{
    if (d->domain == NULL)
        OD_TRY(make_domain(d, error));
    struct od_plan_entry *entry = od_plan_table_find(&d->pushed, plan);
    if (entry->result == NULL)
        OD_TRY(push_node(d, plan, &entry->result, error));
    *plan_out = entry->result;
    return OD_OK;
}
