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
static const struct od_expr *left_key(struct od_decorrelation *d, uint32_t key)
{
    const struct od_expr *column = d->left[d->columns[key]];
    return d->as_text[key] ? od_new_cast(d->make, column, OD_TYPE_TEXT) : column;
}

static bool make_domain(struct od_decorrelation *d)
{
    const struct od_plan *left = d->apply->inputs[0];
    uint32_t width = left->schema.field_count;
    OD_NEW_LIST(bool, used, d->make, width);
    OD_NEW_LIST(bool, alike, d->make, width);
    OD_NEW_LIST(const struct od_expr *, exprs, d->make, width);
    OD_NEW_LIST(struct od_field, fields, d->make, width);
    OD_NEW(d->columns, d->make, width);
    OD_NEW(d->as_text, d->make, width);
    OD_NEED(d->left != NULL);
    struct usage usage = {used, alike};
    plan_usage(d->apply->inputs[1], &usage);
    for (uint32_t i = 0; i < width; i++) {
        if (!used[i])
            continue;
        uint32_t key = d->key_count++;
        d->columns[key] = i;
        d->as_text[key] = alike[i];
        fields[key] = left->schema.fields[i];
        exprs[key] = left_key(d, key);
    }
    struct od_schema schema = {d->key_count, fields};
    struct od_plan distinct = {.kind = OD_PLAN_AGGREGATE, .aggregate = {.group_count = d->key_count}};
    distinct.inputs[0] = od_new_project(d->make, left, exprs, &schema);
    OD_NEED(distinct.inputs[0] != NULL);
    distinct.aggregate.groups = od_new_columns(d->make, &distinct.inputs[0]->schema, 0);
    d->domain = od_new_plan(d->make, &distinct);
    OD_NEED(od_plan_table_init(d->make, d->apply->inputs[1], &d->nodes));
    OD_NEW(d->pushed, d->make, d->nodes.capacity);
    return true;
}

bool od_decorrelate_keys_equal(struct od_decorrelation *d, const struct od_schema *schema, uint32_t left_first,
                               uint32_t right_first, const struct od_expr **list)
{
    for (uint32_t i = 0; i < d->key_count; i++) {
        const struct od_expr *left =
            left_first == OD_FIELD_NONE ? left_key(d, i) : od_new_column(d->make, schema, left_first + i);
        const struct od_expr *right = od_new_column(d->make, schema, right_first + i);
        OD_NEED(right != NULL);
        bool never_null = !left->nullable && !right->nullable;
        list[i] = od_new_pair(d->make, never_null ? OD_FUNCTION_EQUAL : OD_FUNCTION_IS_NOT_DISTINCT, left, right);
    }
    return d->make->status == OD_OK;
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
    return od_expr_outer(binding->decorrelation->make->arena, &field, leaf->column_index, leaf->outer_depth - 1,
                         expr_out, error);
}

struct od_leaf_rewriter od_decorrelate_leaves(struct od_binding *binding)
{
    return (struct od_leaf_rewriter){rebind, binding};
}

const struct od_plan *od_decorrelate_lower(struct od_decorrelation *d, const struct od_plan *plan)
{
    struct od_binding binding = {.decorrelation = d};
    struct od_leaf_rewriter leaves = od_decorrelate_leaves(&binding);
    const struct od_plan *inputs[2] = {NULL, NULL};
    od_assert((plan->outer_levels & 1) == 0);
    if (plan->outer_levels == 0)
        return plan;
    for (uint32_t i = 0; i < plan->input_count; i++)
        inputs[i] = od_decorrelate_lower(d, plan->inputs[i]);
    return od_new_from(d->make, plan, inputs, &leaves);
}

/* --- the domain pushed through a node ----------------------------------------------------------- */

/* What expressions over `left` ++ `right`, both pushed (NULL: not there), become over `schema`, which is what those give now.
 * Behind the old columns there are the keys, to be had as more columns. */
static bool bind(struct od_decorrelation *d, const struct od_schema *schema, const struct od_pushed *left,
                 uint32_t left_count, const struct od_pushed *right, uint32_t right_count, uint32_t key_first,
                 struct od_binding *binding)
{
    uint32_t count = left_count + right_count;
    OD_NEW_LIST(const struct od_expr *, columns, d->make, count + d->key_count);
    OD_NEW_LIST(const struct od_expr *, outer, d->make, d->apply->inputs[0]->schema.field_count);
    for (uint32_t i = 0; i < count + d->key_count; i++) {
        uint32_t column = i < left_count ? left->where[i]
                          : i < count    ? left->plan->schema.field_count + right->where[i - left_count]
                                         : key_first + i - count;
        columns[i] = od_new_column(d->make, schema, column);
    }
    for (uint32_t i = 0; i < d->key_count; i++) {
        const struct od_expr *key = d->left[d->columns[i]];
        outer[d->columns[i]] = od_new_cast(d->make, columns[count + i], key->type);
    }
    *binding = (struct od_binding){d, columns, outer};
    return d->make->status == OD_OK;
}

/* `list` and, behind each `width` of its expressions, the keys of the domain, which `bind` has as columns from `first` on. */
static const struct od_expr *const *with_keys(struct od_decorrelation *d, const struct od_expr *const *list,
                                              uint32_t width, uint32_t rows, uint32_t first)
{
    uint32_t wide = width + d->key_count;
    OD_NEW_LIST(const struct od_expr *, longer, d->make, (size_t)wide * rows);
    for (size_t i = 0; i < (size_t)wide * rows; i++) {
        uint32_t key = (uint32_t)(i % wide) - width;
        longer[i] = i % wide < width ? list[i / wide * width + i % wide]
                                     : od_new_outer(d->make, &d->domain->schema.fields[key], first + key, 0);
    }
    return longer;
}

/* The first `width` fields of the plan, then the keys'. */
static struct od_schema schema_with_keys(struct od_decorrelation *d, const struct od_plan *plan, uint32_t width)
{
    struct od_schema schema = {width + d->key_count, od_new(d->make, width + d->key_count, sizeof(*schema.fields))};
    for (uint32_t i = 0; i < schema.field_count && schema.fields != NULL; i++)
        schema.fields[i] = i < width ? plan->schema.fields[i] : d->domain->schema.fields[i - width];
    return schema;
}

/* Where the node's columns and then the keys are in what was pushed. */
static uint32_t *straight_places(struct od_decorrelation *d, uint32_t count, const struct od_pushed *pushed)
{
    OD_NEW_LIST(uint32_t, places, d->make, count + d->key_count);
    for (uint32_t i = 0; i < count + d->key_count; i++)
        places[i] = i < count ? pushed->where[i] : pushed->key_first + i - count;
    return places;
}

/* The same as columns. */
static const struct od_expr **straight_columns(struct od_decorrelation *d, uint32_t count, const struct od_pushed *pushed)
{
    const uint32_t *places = straight_places(d, count, pushed);
    OD_NEW_LIST(const struct od_expr *, exprs, d->make, count + d->key_count);
    for (uint32_t i = 0; i < count + d->key_count; i++)
        exprs[i] = od_new_column(d->make, &pushed->plan->schema, places[i]);
    return exprs;
}

/* What was pushed becomes a project to these expressions: the node's columns and then the keys. */
static bool straighten(struct od_decorrelation *d, const struct od_plan *node, const struct od_expr *const *exprs,
                       struct od_pushed *pushed)
{
    struct od_schema schema = schema_with_keys(d, node, node->schema.field_count);
    pushed->key_first = node->schema.field_count;
    pushed->where = od_new_numbers(d->make, 0, node->schema.field_count);
    pushed->plan = od_new_project(d->make, pushed->plan, exprs, &schema);
    return pushed->plan != NULL;
}

/* D LEFT JOIN grouped ON equal keys: the combinations over no rows come back, their counts 0. */
static bool add_empty_groups(struct od_decorrelation *d, const struct od_plan *aggregate, struct od_pushed *pushed)
{
    uint32_t count = aggregate->schema.field_count;
    OD_NEW_LIST(const struct od_expr *, equal, d->make, d->key_count);
    struct od_schema schema = od_new_join_schema(d->make, d->domain, pushed->plan);
    OD_NEED(schema.fields != NULL &&
            od_decorrelate_keys_equal(d, &schema, 0, pushed->key_first + d->key_count, equal));
    pushed->plan = od_new_join(d->make, OD_JOIN_LEFT, d->domain, pushed->plan,
                               od_new_conjunction(d->make, equal, d->key_count));
    OD_NEED(pushed->plan != NULL);
    for (uint32_t i = 0; i < count; i++)
        pushed->where[i] += d->key_count;
    pushed->key_first = 0;
    const struct od_expr **exprs = straight_columns(d, count, pushed);
    for (uint32_t i = 0; i < count && exprs != NULL; i++)
        if (!aggregate->schema.fields[i].nullable)
            exprs[i] = od_decorrelate_count(d, exprs[i]);
    return straighten(d, aggregate, exprs, pushed);
}

const struct od_expr *od_decorrelate_count(struct od_decorrelation *d, const struct od_expr *count)
{
    OD_NEED(count != NULL);
    struct od_value zero = {.type = count->type};
    return od_new_pair(d->make, OD_FUNCTION_COALESCE, count, od_new_literal(d->make, &zero));
}

/* A node with one input or, VALUES, none: it becomes an EXPAND of the domain. Where its lists make rows or tell them apart, the
 * keys do so, too. */
static bool push_single(struct od_decorrelation *d, const struct od_plan *plan, struct od_pushed *pushed)
{
    struct od_plan draft = *plan;
    struct od_pushed input = {.plan = d->domain};
    struct od_binding binding;
    struct od_leaf_rewriter leaves = od_decorrelate_leaves(&binding);
    uint32_t width = plan->input_count == 0 ? 0 : plan->inputs[0]->schema.field_count;
    uint32_t made = 0; /* columns that are the node's own, before the keys */
    OD_NEED(plan->input_count == 0 || od_decorrelate_push(d, plan->inputs[0], &input));
    draft.inputs[0] = input.plan;
    OD_NEED(bind(d, &input.plan->schema, &input, width, NULL, 0, input.key_first, &binding));
    switch (plan->kind) {
    case OD_PLAN_AGGREGATE:
        made = plan->aggregate.group_count;
        draft.aggregate.group_count += d->key_count;
        draft.aggregate.groups = with_keys(d, plan->aggregate.groups, made, 1, width);
        break;
    case OD_PLAN_WINDOW:
        draft.window.partition_count += d->key_count;
        draft.window.partitions = with_keys(d, plan->window.partitions, plan->window.partition_count, 1, width);
        break;
    case OD_PLAN_PROJECT:
    case OD_PLAN_EXPAND:
    case OD_PLAN_VALUES:
        made = plan->schema.field_count;
        draft.kind = plan->kind == OD_PLAN_VALUES ? OD_PLAN_EXPAND : plan->kind;
        draft.rows.exprs = with_keys(d, plan->rows.exprs, made, plan->rows.row_count, width);
        break;
    default:
        break;
    }
    bool makes = plan->kind != OD_PLAN_WINDOW && plan->kind != OD_PLAN_FILTER && plan->kind != OD_PLAN_REPARTITION;
    draft.schema = schema_with_keys(d, plan, made);
    od_draft_rewrite(d->make, &draft, &leaves);
    pushed->plan = od_new_plan(d->make, &draft);
    OD_NEED(pushed->plan != NULL);
    pushed->key_first = makes ? made : input.key_first;
    for (uint32_t i = 0; i < plan->schema.field_count; i++) /* calls and aggregates stand last */
        pushed->where[i] = i < made             ? i
                           : makes || i >= width ? pushed->plan->schema.field_count - plan->schema.field_count + i
                                                 : input.where[i];
    return true;
}

bool od_decorrelate_group(struct od_decorrelation *d, const struct od_plan *plan, struct od_pushed *pushed_out)
{
    OD_NEED(d->domain != NULL || make_domain(d));
    OD_NEW(pushed_out->where, d->make, plan->schema.field_count);
    return push_single(d, plan, pushed_out);
}

/* LIMIT over SORT: the rows whose number among those of their keys is in [offset, offset + count). */
static bool push_limit(struct od_decorrelation *d, const struct od_plan *plan, struct od_pushed *pushed)
{
    const struct od_plan *sort = plan->inputs[0];
    uint64_t last = plan->limit.count < INT64_MAX - plan->limit.offset && plan->limit.offset < INT64_MAX
                        ? plan->limit.offset + plan->limit.count
                        : INT64_MAX;
    uint64_t bounds[2] = {plan->limit.offset < INT64_MAX ? plan->limit.offset : INT64_MAX, last};
    const struct od_expr *conjuncts[2];
    struct od_window_call call = {
        .function = OD_WINDOW_ROW_NUMBER, .name = "row_number", .frame.end = OD_FRAME_UNBOUNDED_FOLLOWING};
    od_assert(sort->kind == OD_PLAN_SORT);
    struct od_plan draft = {.kind = OD_PLAN_WINDOW,
                            .inputs = {sort->inputs[0]},
                            .window = {0, NULL, sort->sort.key_count, sort->sort.keys, 1, &call}};
    const struct od_plan *numbered = od_new_plan(d->make, &draft);
    OD_NEED(numbered != NULL);
    OD_NEW(pushed->where, d->make, numbered->schema.field_count);
    OD_NEED(push_single(d, numbered, pushed));
    for (uint32_t i = 0; i < 2; i++) {
        struct od_value bound = {.type = OD_TYPE_INT64, .int64 = (int64_t)bounds[i]};
        conjuncts[i] = od_new_pair(d->make, i == 0 ? OD_FUNCTION_GREATER : OD_FUNCTION_LESS_EQUAL,
                                   od_new_column(d->make, &pushed->plan->schema, pushed->plan->schema.field_count - 1),
                                   od_new_literal(d->make, &bound));
    }
    pushed->plan = od_new_filter(d->make, pushed->plan, od_new_conjunction(d->make, conjuncts, 2));
    return pushed->plan != NULL;
}

static bool push_union(struct od_decorrelation *d, const struct od_plan *plan, struct od_pushed *pushed)
{
    struct od_plan draft = *plan;
    pushed->key_first = plan->schema.field_count;
    for (uint32_t i = 0; i < 2; i++) {
        struct od_pushed input;
        OD_NEED(od_decorrelate_push(d, plan->inputs[i], &input));
        const uint32_t *places = straight_places(d, plan->schema.field_count, &input);
        draft.inputs[i] = od_new_pick(d->make, input.plan, places, plan->schema.field_count + d->key_count);
    }
    pushed->plan = od_new_plan(d->make, &draft);
    return pushed->plan != NULL;
}

/* What comes out of a FULL join has its keys on either side: `pushed` has the left ones. */
static bool coalesce_keys(struct od_decorrelation *d, const struct od_plan *plan, uint32_t right_first,
                          struct od_pushed *pushed)
{
    uint32_t count = plan->schema.field_count;
    const struct od_expr **exprs = straight_columns(d, count, pushed);
    OD_NEED(exprs != NULL);
    for (uint32_t i = 0; i < d->key_count; i++)
        exprs[count + i] = od_new_pair(d->make, OD_FUNCTION_COALESCE, exprs[count + i],
                                       od_new_column(d->make, &pushed->plan->schema, right_first + i));
    return straighten(d, plan, exprs, pushed);
}

/* An input of a join: with the keys or, where it needs none, as it is. */
static bool push_side(struct od_decorrelation *d, const struct od_plan *plan, bool with, struct od_pushed *side)
{
    if (with)
        return od_decorrelate_push(d, plan, side);
    side->where = od_new_numbers(d->make, 0, plan->schema.field_count);
    side->plan = od_decorrelate_lower(d, plan);
    return side->plan != NULL;
}

/* The keys come from the side that every output row has a part of; INNER takes them where they are needed anyway. */
static bool push_join(struct od_decorrelation *d, const struct od_plan *plan, struct od_pushed *pushed)
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
    struct od_leaf_rewriter leaves = od_decorrelate_leaves(&binding);
    OD_NEED(push_side(d, plan->inputs[0], push_left, &left));
    OD_NEED(push_side(d, plan->inputs[1], push_right, &right));
    OD_NEW_LIST(const struct od_expr *, conjuncts, d->make, d->key_count + 1);
    draft.inputs[0] = left.plan;
    draft.inputs[1] = right.plan;
    uint32_t base = left.plan->schema.field_count;
    uint32_t count = push_left && push_right ? d->key_count : 0;
    struct od_schema schema = od_new_join_schema(d->make, left.plan, right.plan);
    OD_NEED(bind(d, &schema, &left, left_count, &right, right_count,
                 push_left ? left.key_first : base + right.key_first, &binding));
    OD_NEED(count == 0 || od_decorrelate_keys_equal(d, &schema, left.key_first, base + right.key_first, conjuncts));
    conjuncts[count] = od_new_rewritten(d->make, plan->join.condition, &leaves);
    draft.join.condition = od_new_conjunction(d->make, conjuncts, count + 1);
    pushed->plan = od_new_plan(d->make, &draft);
    OD_NEED(pushed->plan != NULL);
    for (uint32_t i = 0; i < plan->schema.field_count; i++)
        pushed->where[i] = i < left_count              ? left.where[i]
                           : od_join_gives_right(type) ? base + right.where[i - left_count]
                                                       : base; /* MARK */
    pushed->key_first = !push_left || type == OD_JOIN_RIGHT ? base + right.key_first : left.key_first;
    return type != OD_JOIN_FULL || coalesce_keys(d, plan, base + right.key_first, pushed);
}

static bool push_node(struct od_decorrelation *d, const struct od_plan *plan, struct od_pushed *pushed)
{
    if ((plan->outer_levels & 1) == 0) { /* the cross join with the domain */
        pushed->key_first = plan->schema.field_count;
        pushed->plan = od_new_join(d->make, OD_JOIN_INNER, od_decorrelate_lower(d, plan), d->domain,
                                   od_new_conjunction(d->make, NULL, 0));
        return pushed->plan != NULL;
    }
    switch (plan->kind) {
    case OD_PLAN_FILTER:
    case OD_PLAN_PROJECT:
    case OD_PLAN_EXPAND:
    case OD_PLAN_VALUES:
    case OD_PLAN_REPARTITION:
    case OD_PLAN_WINDOW:
        return push_single(d, plan, pushed);
    case OD_PLAN_AGGREGATE:
        return push_single(d, plan, pushed) && (plan->aggregate.group_count > 0 || add_empty_groups(d, plan, pushed));
    case OD_PLAN_JOIN:
        return push_join(d, plan, pushed);
    case OD_PLAN_KEEP: /* other rows than those that are to be kept */
    case OD_PLAN_SORT: /* without a LIMIT above it an order inside a subquery means nothing */
        return od_decorrelate_push(d, plan->inputs[0], pushed);
    case OD_PLAN_LIMIT:
        return push_limit(d, plan, pushed);
    case OD_PLAN_UNION:
        return push_union(d, plan, pushed);
    default:
        d->make->status = od_fail(d->make->error, OD_UNSUPPORTED,
                                  "a subquery that reads outer columns below a %s is not supported",
                                  od_plan_kind_text(plan->kind));
        return false;
    }
}

bool od_decorrelate_push(struct od_decorrelation *d, const struct od_plan *plan, struct od_pushed *pushed_out)
{
    OD_NEED(d->domain != NULL || make_domain(d));
    struct od_pushed *pushed = &d->pushed[od_plan_table_find(&d->nodes, plan) - d->nodes.entries];
    if (pushed->plan == NULL) {
        struct od_pushed made = {.where = od_new_numbers(d->make, 0, plan->schema.field_count)};
        OD_NEED(made.where != NULL && push_node(d, plan, &made));
        *pushed = made;
    }
    *pushed_out = *pushed;
    return true;
}
