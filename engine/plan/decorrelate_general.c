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
 * A node that the domain has been pushed through says where its own columns are now, and from where on the keys: nothing is put
 * back in order but the two sides of a union.
 *
 * Keys are compared as GROUP BY does, and come out of it in one form: 1.5 for 1.50, 0.0 for -0.0. Where the right side could tell
 * those apart (it does more than compare them), a key is the value's text, which is one to one, and is read back for use. */
#include "engine/plan/decorrelate.h"

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

/* A key over the left side's columns. */
static enum od_status left_key(struct od_decorrelation *d, uint32_t key, const struct od_expr **expr_out,
                               struct od_error *error)
{
    *expr_out = d->left[d->columns[key]];
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
        OD_TRY(left_key(d, key, &exprs[key], error));
    }
    OD_TRY(od_plan_project(d->plan_arena, left, exprs, names, d->key_count, &d->domain, error));
    OD_TRY(od_plan_distinct(d->plan_arena, d->domain, &d->domain, error));
    OD_TRY(od_plan_table_init(d->plan_arena, d->apply->inputs[1], &d->nodes, error));
    OD_TAKE(d->pushed, d->plan_arena, d->nodes.capacity, error);
    return OD_OK;
}

enum od_status od_decorrelate_keys_equal(struct od_decorrelation *d, const struct od_schema *schema,
                                         uint32_t left_first, uint32_t right_first, const struct od_expr **list,
                                         struct od_error *error)
{
    for (uint32_t i = 0; i < d->key_count; i++) {
        const struct od_expr *sides[2] = {NULL, NULL};
        if (left_first == OD_FIELD_NONE)
            OD_TRY(left_key(d, i, &sides[0], error));
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

static enum od_status rebind(void *self, const struct od_expr *leaf, const struct od_expr **expr_out,
                             struct od_error *error)
{
    const struct od_binding *binding = self;
    *expr_out = leaf;
    if (leaf->kind == OD_EXPR_COLUMN && binding->columns != NULL)
        *expr_out = binding->columns[leaf->column_index];
    else if (leaf->kind == OD_EXPR_OUTER && leaf->outer_depth == 1)
        *expr_out = binding->outer[leaf->column_index];
    if (leaf->kind != OD_EXPR_OUTER || leaf->outer_depth == 1)
        return OD_OK;
    struct od_field field = {"", leaf->type, leaf->nullable};
    return od_expr_outer(binding->decorrelation->plan_arena, &field, leaf->column_index, leaf->outer_depth - 1, expr_out,
                         error);
}

enum od_status od_decorrelate_expr(void *self, const struct od_expr *expr, const struct od_expr **expr_out,
                                   struct od_error *error)
{
    struct od_binding *binding = self;
    struct od_leaf_rewriter leaves = {rebind, binding};
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

static enum od_status cross(struct od_decorrelation *d, const struct od_plan *plan, struct od_pushed *pushed,
                            struct od_error *error)
{
    const struct od_expr *always = NULL;
    pushed->key_first = plan->schema.field_count;
    OD_TRY(od_decorrelate_lower(d, plan, &plan, error));
    OD_TRY(od_expr_conjunction(d->plan_arena, NULL, 0, &always, error));
    return od_plan_join(d->plan_arena, OD_JOIN_INNER, plan, d->domain, always, &pushed->plan, error);
}

/* What expressions over `left` ++ `right`, both pushed (NULL: not there), become over `schema`, which is what those give now.
 * Behind the old columns there are the keys, to be had as more columns. */
static enum od_status bind(struct od_decorrelation *d, const struct od_schema *schema, const struct od_pushed *left,
                           uint32_t left_count, const struct od_pushed *right, uint32_t right_count,
                           uint32_t key_first, struct od_binding *binding, struct od_error *error)
{
    uint32_t count = left_count + right_count;
    OD_TAKE_LIST(const struct od_expr *, columns, d->plan_arena, count + d->key_count, error);
    OD_TAKE_LIST(const struct od_expr *, outer, d->plan_arena, d->apply->inputs[0]->schema.field_count, error);
    for (uint32_t i = 0; i < count + d->key_count; i++) {
        uint32_t column = i < left_count ? left->where[i]
                          : i < count    ? left->plan->schema.field_count + right->where[i - left_count]
                                         : key_first + i - count;
        OD_TRY(od_expr_column(d->plan_arena, schema, column, &columns[i], error));
    }
    for (uint32_t i = 0; i < d->key_count; i++) {
        enum od_type type = d->left[d->columns[i]]->type;
        OD_TRY(od_expr_cast(d->plan_arena, columns[count + i], type, &outer[d->columns[i]], error));
    }
    *binding = (struct od_binding){d, columns, outer};
    return OD_OK;
}

/* `list` and, behind each `width` of its expressions, the keys of the domain, which `bind` has as columns from `first` on. */
static enum od_status with_keys(struct od_decorrelation *d, const struct od_expr *const *list, uint32_t width,
                                uint32_t rows, uint32_t first, const struct od_expr *const **list_out,
                                struct od_error *error)
{
    uint32_t wide = width + d->key_count;
    OD_TAKE_LIST(const struct od_expr *, longer, d->plan_arena, (size_t)wide * rows, error);
    for (size_t i = 0; i < (size_t)wide * rows; i++) {
        uint32_t key = (uint32_t)(i % wide) - width;
        if (i % wide < width)
            longer[i] = list[i / wide * width + i % wide];
        else
            OD_TRY(od_expr_outer(d->plan_arena, &d->domain->schema.fields[key], first + key, 0, &longer[i], error));
    }
    *list_out = longer;
    return OD_OK;
}

/* The first `width` names of the plan, then the keys'. */
static enum od_status names_with_keys(struct od_decorrelation *d, const struct od_plan *plan, uint32_t width,
                                      const char ***names_out, struct od_error *error)
{
    OD_TAKE(*names_out, d->plan_arena, width + d->key_count, error);
    for (uint32_t i = 0; i < width + d->key_count; i++)
        (*names_out)[i] = i < width ? plan->schema.fields[i].name : d->domain->schema.fields[i - width].name;
    return OD_OK;
}

/* D LEFT JOIN grouped ON equal keys: the combinations over no rows come back, their counts 0. */
static enum od_status add_empty_groups(struct od_decorrelation *d, const struct od_plan *aggregate,
                                       struct od_pushed *pushed, struct od_error *error)
{
    uint32_t count = aggregate->schema.field_count;
    const struct od_expr *condition = NULL;
    const char **names = NULL;
    struct od_schema schema;
    OD_TAKE_LIST(const struct od_expr *, equal, d->plan_arena, d->key_count, error);
    OD_TAKE_LIST(const struct od_expr *, exprs, d->plan_arena, count + d->key_count, error);
    OD_TRY(od_plan_join_schema(d->plan_arena, d->domain, pushed->plan, &schema, error));
    OD_TRY(od_decorrelate_keys_equal(d, &schema, 0, d->key_count, equal, error));
    OD_TRY(od_expr_conjunction(d->plan_arena, equal, d->key_count, &condition, error));
    OD_TRY(od_plan_join(d->plan_arena, OD_JOIN_LEFT, d->domain, pushed->plan, condition, &pushed->plan, error));
    for (uint32_t i = 0; i < count + d->key_count; i++) {
        uint32_t column = i < count ? 2 * d->key_count + i : i - count;
        OD_TRY(od_expr_column(d->plan_arena, &pushed->plan->schema, column, &exprs[i], error));
        if (i < count && !aggregate->schema.fields[i].nullable)
            OD_TRY(od_decorrelate_count(d, exprs[i], &exprs[i], error));
        if (i < count)
            pushed->where[i] = i;
    }
    pushed->key_first = count;
    OD_TRY(names_with_keys(d, aggregate, count, &names, error));
    return od_plan_project(d->plan_arena, pushed->plan, exprs, names, count + d->key_count, &pushed->plan, error);
}

enum od_status od_decorrelate_count(struct od_decorrelation *d, const struct od_expr *count,
                                    const struct od_expr **expr_out, struct od_error *error)
{
    struct od_value zero = {.type = count->type};
    const struct od_expr *arguments[2] = {count, NULL};
    OD_TRY(od_expr_literal(d->plan_arena, &zero, &arguments[1], error));
    return od_expr_call(d->plan_arena, OD_FUNCTION_COALESCE, arguments, 2, expr_out, error);
}

/* A node with one input or, VALUES, none: it becomes an EXPAND of the domain. Where its lists make rows or tell them apart, the
 * keys do so, too. */
static enum od_status push_single(struct od_decorrelation *d, const struct od_plan *plan, struct od_pushed *pushed,
                                  struct od_error *error)
{
    struct od_plan draft = *plan;
    struct od_pushed input = {.plan = d->domain};
    struct od_binding binding;
    struct od_expr_rewriter rewriter = {od_decorrelate_expr, &binding};
    const char **names = NULL;
    uint32_t width = plan->input_count == 0 ? 0 : plan->inputs[0]->schema.field_count;
    uint32_t made = 0; /* columns that are the node's own, before the keys */
    if (plan->input_count > 0)
        OD_TRY(od_decorrelate_push(d, plan->inputs[0], &input, error));
    draft.inputs[0] = input.plan;
    OD_TRY(bind(d, &input.plan->schema, &input, width, NULL, 0, input.key_first, &binding, error));
    switch (plan->kind) {
    case OD_PLAN_AGGREGATE:
        made = plan->aggregate.group_count;
        draft.aggregate.group_count += d->key_count;
        OD_TRY(with_keys(d, plan->aggregate.groups, made, 1, width, &draft.aggregate.groups, error));
        break;
    case OD_PLAN_WINDOW:
        draft.window.partition_count += d->key_count;
        OD_TRY(with_keys(d, plan->window.partitions, plan->window.partition_count, 1, width, &draft.window.partitions,
                         error));
        break;
    case OD_PLAN_PROJECT:
    case OD_PLAN_EXPAND:
    case OD_PLAN_VALUES:
        made = plan->schema.field_count;
        draft.kind = plan->kind == OD_PLAN_VALUES ? OD_PLAN_EXPAND : plan->kind;
        draft.schema = (struct od_schema){made + d->key_count, NULL};
        OD_TRY(with_keys(d, plan->rows.exprs, made, plan->rows.row_count, width, &draft.rows.exprs, error));
        break;
    default:
        break;
    }
    bool makes = plan->kind != OD_PLAN_WINDOW && plan->kind != OD_PLAN_FILTER && plan->kind != OD_PLAN_REPARTITION;
    OD_TRY(names_with_keys(d, plan, made, &names, error));
    OD_TRY(od_plan_make(d->plan_arena, &draft, names, &rewriter, &pushed->plan, error));
    pushed->key_first = makes ? made : input.key_first;
    for (uint32_t i = 0; i < plan->schema.field_count; i++) /* calls and aggregates stand last */
        pushed->where[i] = i < made             ? i
                           : makes || i >= width ? pushed->plan->schema.field_count - plan->schema.field_count + i
                                                 : input.where[i];
    return OD_OK;
}

enum od_status od_decorrelate_group(struct od_decorrelation *d, const struct od_plan *plan,
                                    struct od_pushed *pushed_out, struct od_error *error)
{
    if (d->domain == NULL)
        OD_TRY(make_domain(d, error));
    OD_TAKE(pushed_out->where, d->plan_arena, plan->schema.field_count, error);
    return push_single(d, plan, pushed_out, error);
}

/* LIMIT over SORT: the rows whose number among those of their keys is in [offset, offset + count). */
static enum od_status push_limit(struct od_decorrelation *d, const struct od_plan *plan, struct od_pushed *pushed,
                                 struct od_error *error)
{
    const struct od_plan *sort = plan->inputs[0];
    uint64_t last = plan->limit.count < INT64_MAX - plan->limit.offset && plan->limit.offset < INT64_MAX
                        ? plan->limit.offset + plan->limit.count
                        : INT64_MAX;
    uint64_t bounds[2] = {plan->limit.offset < INT64_MAX ? plan->limit.offset : INT64_MAX, last};
    const struct od_expr *conjuncts[2];
    const struct od_expr *predicate = NULL;
    const struct od_plan *numbered = NULL;
    struct od_window_call call = {.function = OD_WINDOW_ROW_NUMBER, .name = "row_number"};
    od_assert(sort->kind == OD_PLAN_SORT);
    OD_TRY(od_plan_window(d->plan_arena, sort->inputs[0], NULL, 0, sort->sort.keys, sort->sort.key_count, &call, 1,
                          &numbered, error));
    OD_TAKE(pushed->where, d->plan_arena, numbered->schema.field_count, error);
    OD_TRY(push_single(d, numbered, pushed, error));
    for (uint32_t i = 0; i < 2; i++) {
        struct od_value value = {.type = OD_TYPE_INT64, .int64 = (int64_t)bounds[i]};
        const struct od_expr *sides[2];
        OD_TRY(od_expr_column(d->plan_arena, &pushed->plan->schema, pushed->plan->schema.field_count - 1, &sides[0],
                              error));
        OD_TRY(od_expr_literal(d->plan_arena, &value, &sides[1], error));
        OD_TRY(od_expr_call(d->plan_arena, i == 0 ? OD_FUNCTION_GREATER : OD_FUNCTION_LESS_EQUAL, sides, 2,
                            &conjuncts[i], error));
    }
    OD_TRY(od_expr_conjunction(d->plan_arena, conjuncts, 2, &predicate, error));
    return od_plan_filter(d->plan_arena, pushed->plan, predicate, &pushed->plan, error);
}

/* What was pushed with its node's columns in front, as they were, and the keys behind. */
static enum od_status straighten(struct od_decorrelation *d, uint32_t count, struct od_pushed *pushed,
                                 struct od_error *error)
{
    OD_TAKE_LIST(uint32_t, columns, d->plan_arena, count + d->key_count, error);
    for (uint32_t i = 0; i < count + d->key_count; i++)
        columns[i] = i < count ? pushed->where[i] : pushed->key_first + i - count;
    pushed->key_first = count;
    return od_plan_pick(d->plan_arena, pushed->plan, columns, count + d->key_count, &pushed->plan, error);
}

static enum od_status push_union(struct od_decorrelation *d, const struct od_plan *plan, struct od_pushed *pushed,
                                 struct od_error *error)
{
    struct od_plan draft = *plan;
    pushed->key_first = plan->schema.field_count;
    for (uint32_t i = 0; i < 2; i++) {
        struct od_pushed input;
        OD_TRY(od_decorrelate_push(d, plan->inputs[i], &input, error));
        OD_TRY(straighten(d, plan->schema.field_count, &input, error));
        draft.inputs[i] = input.plan;
    }
    return od_plan_make(d->plan_arena, &draft, NULL, NULL, &pushed->plan, error);
}

/* What comes out of a FULL join has its keys on either side: `pushed` has the left ones. */
static enum od_status coalesce_keys(struct od_decorrelation *d, const struct od_plan *plan, uint32_t right_first,
                                    struct od_pushed *pushed, struct od_error *error)
{
    uint32_t count = plan->schema.field_count;
    const struct od_schema *schema = &pushed->plan->schema;
    const char **names = NULL;
    OD_TAKE_LIST(const struct od_expr *, exprs, d->plan_arena, count + d->key_count, error);
    for (uint32_t i = 0; i < count + d->key_count; i++) {
        const struct od_expr *both[2];
        uint32_t column = i < count ? pushed->where[i] : pushed->key_first + i - count;
        OD_TRY(od_expr_column(d->plan_arena, schema, column, &exprs[i], error));
        if (i < count) {
            pushed->where[i] = i;
            continue;
        }
        both[0] = exprs[i];
        OD_TRY(od_expr_column(d->plan_arena, schema, right_first + i - count, &both[1], error));
        OD_TRY(od_expr_call(d->plan_arena, OD_FUNCTION_COALESCE, both, 2, &exprs[i], error));
    }
    pushed->key_first = count;
    OD_TRY(names_with_keys(d, plan, count, &names, error));
    return od_plan_project(d->plan_arena, pushed->plan, exprs, names, count + d->key_count, &pushed->plan, error);
}

/* An input of a join: with the keys or, where it needs none, as it is. */
static enum od_status push_side(struct od_decorrelation *d, const struct od_plan *plan, bool with, struct od_pushed *side,
                                struct od_error *error)
{
    if (with)
        return od_decorrelate_push(d, plan, side, error);
    OD_TAKE(side->where, d->plan_arena, plan->schema.field_count, error);
    for (uint32_t i = 0; i < plan->schema.field_count; i++)
        side->where[i] = i;
    return od_decorrelate_lower(d, plan, &side->plan, error);
}

/* The keys come from the side that every output row has a part of; INNER takes them where they are needed anyway. */
static enum od_status push_join(struct od_decorrelation *d, const struct od_plan *plan, struct od_pushed *pushed,
                                struct od_error *error)
{
    enum od_join_type type = plan->join.type;
    uint32_t left_count = plan->inputs[0]->schema.field_count;
    uint32_t right_count = plan->inputs[1]->schema.field_count;
    bool left_reads = (plan->inputs[0]->outer_levels & 1) != 0;
    bool right_reads = (plan->inputs[1]->outer_levels & 1) != 0;
    bool push_left = left_reads || type == OD_JOIN_FULL ||
                     (type == OD_JOIN_INNER ? !right_reads : type != OD_JOIN_RIGHT);
    bool push_right = right_reads || od_join_pads_left(type);
    struct od_plan draft = *plan;
    struct od_pushed left;
    struct od_pushed right;
    struct od_binding binding;
    struct od_schema schema;
    OD_TRY(push_side(d, plan->inputs[0], push_left, &left, error));
    OD_TRY(push_side(d, plan->inputs[1], push_right, &right, error));
    draft.inputs[0] = left.plan;
    draft.inputs[1] = right.plan;
    uint32_t base = left.plan->schema.field_count;
    OD_TRY(od_plan_join_schema(d->plan_arena, left.plan, right.plan, &schema, error));
    OD_TRY(bind(d, &schema, &left, left_count, &right, right_count, push_left ? left.key_first : base + right.key_first,
                &binding, error));
    OD_TAKE_LIST(const struct od_expr *, conjuncts, d->plan_arena, d->key_count + 1, error);
    uint32_t count = push_left && push_right ? d->key_count : 0;
    if (count > 0)
        OD_TRY(od_decorrelate_keys_equal(d, &schema, left.key_first, base + right.key_first, conjuncts, error));
    OD_TRY(od_decorrelate_expr(&binding, plan->join.condition, &conjuncts[count], error));
    OD_TRY(od_expr_conjunction(d->plan_arena, conjuncts, count + 1, &draft.join.condition, error));
    OD_TRY(od_plan_make(d->plan_arena, &draft, NULL, NULL, &pushed->plan, error));
    for (uint32_t i = 0; i < plan->schema.field_count; i++)
        pushed->where[i] = i < left_count              ? left.where[i]
                           : od_join_gives_right(type) ? base + right.where[i - left_count]
                                                       : base; /* MARK */
    pushed->key_first = !push_left || type == OD_JOIN_RIGHT ? base + right.key_first : left.key_first;
    return type == OD_JOIN_FULL ? coalesce_keys(d, plan, base + right.key_first, pushed, error) : OD_OK;
}

static enum od_status push_node(struct od_decorrelation *d, const struct od_plan *plan, struct od_pushed *pushed,
                                struct od_error *error)
{
    if ((plan->outer_levels & 1) == 0)
        return cross(d, plan, pushed, error);
    switch (plan->kind) {
    case OD_PLAN_FILTER:
    case OD_PLAN_PROJECT:
    case OD_PLAN_EXPAND:
    case OD_PLAN_VALUES:
    case OD_PLAN_REPARTITION:
    case OD_PLAN_WINDOW:
        return push_single(d, plan, pushed, error);
    case OD_PLAN_AGGREGATE:
        OD_TRY(push_single(d, plan, pushed, error));
        return plan->aggregate.group_count == 0 ? add_empty_groups(d, plan, pushed, error) : OD_OK;
    case OD_PLAN_JOIN:
        return push_join(d, plan, pushed, error);
    case OD_PLAN_SORT: /* without a LIMIT above it an order inside a subquery means nothing */
        return od_decorrelate_push(d, plan->inputs[0], pushed, error);
    case OD_PLAN_LIMIT:
        return push_limit(d, plan, pushed, error);
    case OD_PLAN_UNION:
        return push_union(d, plan, pushed, error);
    default:
        return od_fail(error, OD_UNSUPPORTED, "a subquery that reads outer columns below a %s is not supported",
                       od_plan_kind_text(plan->kind));
    }
}

enum od_status od_decorrelate_push(struct od_decorrelation *d, const struct od_plan *plan,
                                   struct od_pushed *pushed_out, struct od_error *error)
{
    if (d->domain == NULL)
        OD_TRY(make_domain(d, error));
    struct od_pushed *pushed = &d->pushed[od_plan_table_find(&d->nodes, plan) - d->nodes.entries];
    if (pushed->plan == NULL) {
        struct od_pushed made = {0};
        OD_TAKE(made.where, d->plan_arena, plan->schema.field_count, error);
        for (uint32_t i = 0; i < plan->schema.field_count; i++)
            made.where[i] = i;
        OD_TRY(push_node(d, plan, &made, error));
        *pushed = made;
    }
    *pushed_out = *pushed;
    return OD_OK;
}
