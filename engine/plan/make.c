/* make: see make.h. Each asks the builder that others call, unless something has failed. */
#include "engine/plan/make.h"

#include "engine/core/assert.h"

bool od_rule_is_on(const struct od_maker *make, enum od_rule rule)
{
    return (make->options->rules_off & (UINT32_C(1) << rule)) == 0;
}

void od_rule_fired(struct od_maker *make, enum od_rule rule)
{
    make->fired |= UINT32_C(1) << rule;
}

void *od_make_fail(struct od_maker *make, enum od_status status, const char *text)
{
    if (make->status == OD_OK)
        make->status = od_fail(make->error, status, "%s", text);
    return NULL;
}

void *od_new(struct od_maker *make, size_t count, size_t bytes)
{
    void *list = make->status == OD_OK ? od_arena_take_array(make->arena, count, bytes) : NULL;
    return list != NULL ? list : od_make_fail(make, OD_NO_MEMORY, "making a plan");
}

const char *od_new_name(struct od_maker *make, const char *prefix, uint32_t number)
{
    const char *name = make->status == OD_OK ? od_arena_print(make->arena, "%s%u", prefix, number) : NULL;
    return name != NULL || make->status != OD_OK ? name : od_make_fail(make, OD_NO_MEMORY, "naming a column");
}

/* Declares `made`: what the builder gives, which is asked only if nothing has failed. */
#define MADE(type, builder, ...)                                                                             \
    const struct type *made = NULL;                                                                          \
    if (make->status == OD_OK)                                                                               \
    make->status = builder(make->arena, __VA_ARGS__, &made, make->error)

/* --- expressions ---------------------------------------------------------------------------------- */

const struct od_expr *od_new_column(struct od_maker *make, const struct od_schema *schema, uint32_t column_index)
{
    MADE(od_expr, od_expr_column, schema, column_index);
    return made;
}

const struct od_expr *od_new_outer(struct od_maker *make, const struct od_field *field, uint32_t column_index,
                                   uint32_t outer_depth)
{
    MADE(od_expr, od_expr_outer, field, column_index, outer_depth);
    return made;
}

const struct od_expr *od_new_literal(struct od_maker *make, const struct od_value *value)
{
    MADE(od_expr, od_expr_literal, value);
    return made;
}

const struct od_expr *od_new_boolean(struct od_maker *make, bool value)
{
    return od_new_literal(make, &(struct od_value){.type = OD_TYPE_BOOLEAN, .boolean = value});
}

const struct od_expr *od_new_call(struct od_maker *make, enum od_function function,
                                  const struct od_expr *const *arguments, uint32_t count)
{
    MADE(od_expr, od_expr_call, function, arguments, count);
    return made;
}

const struct od_expr *od_new_pair(struct od_maker *make, enum od_function function, const struct od_expr *left,
                                  const struct od_expr *right)
{
    return od_new_call(make, function, (const struct od_expr *[]){left, right}, 2);
}

const struct od_expr *od_new_cast(struct od_maker *make, const struct od_expr *expr, enum od_type type)
{
    MADE(od_expr, od_expr_cast, expr, type);
    return made;
}

const struct od_expr *od_new_conjunction(struct od_maker *make, const struct od_expr *const *list, uint32_t count)
{
    MADE(od_expr, od_expr_conjunction, list, count);
    return made;
}

const struct od_expr *od_new_rewritten(struct od_maker *make, const struct od_expr *expr,
                                       const struct od_leaf_rewriter *leaves)
{
    MADE(od_expr, od_expr_rewrite, expr, leaves);
    return made;
}

const struct od_expr *od_new_substitute(struct od_maker *make, const struct od_expr *expr,
                                        const struct od_expr *const *map)
{
    MADE(od_expr, od_expr_substitute, expr, map);
    return made;
}

const struct od_expr **od_new_columns(struct od_maker *make, const struct od_schema *schema, uint32_t extra)
{
    OD_NEW_LIST(const struct od_expr *, list, make, (size_t)schema->field_count + extra);
    for (uint32_t i = 0; i < schema->field_count; i++)
        list[i] = od_new_column(make, schema, i);
    return list;
}

uint32_t *od_new_numbers(struct od_maker *make, uint32_t first, uint32_t count)
{
    OD_NEW_LIST(uint32_t, list, make, count);
    for (uint32_t i = 0; i < count; i++)
        list[i] = first + i;
    return list;
}

/* --- plans ---------------------------------------------------------------------------------------- */

const struct od_plan *od_new_plan(struct od_maker *make, const struct od_plan *draft)
{
    MADE(od_plan, od_plan_make, draft, NULL);
    return made;
}

const struct od_plan *od_new_filter(struct od_maker *make, const struct od_plan *input, const struct od_expr *predicate)
{
    MADE(od_plan, od_plan_filter, input, predicate);
    return made;
}

const struct od_plan *od_new_project(struct od_maker *make, const struct od_plan *input,
                                     const struct od_expr *const *exprs, const struct od_schema *schema)
{
    struct od_plan draft = {.kind = OD_PLAN_PROJECT, .inputs = {input}, .schema = *schema, .rows = {1, exprs}};
    return od_new_plan(make, &draft);
}

const struct od_plan *od_new_join(struct od_maker *make, enum od_join_type type, const struct od_plan *left,
                                  const struct od_plan *right, const struct od_expr *condition)
{
    MADE(od_plan, od_plan_join, type, left, right, condition);
    return made;
}

struct od_schema od_new_join_schema(struct od_maker *make, const struct od_plan *left, const struct od_plan *right)
{
    struct od_schema schema = {0};
    if (make->status == OD_OK)
        make->status = od_plan_join_schema(make->arena, left, right, &schema, make->error);
    return schema;
}

const struct od_plan *od_new_pick(struct od_maker *make, const struct od_plan *input, const uint32_t *columns,
                                  uint32_t count)
{
    OD_NEW_LIST(const struct od_expr *, exprs, make, count);
    OD_NEED(input != NULL);
    bool all = count == input->schema.field_count;
    for (uint32_t i = 0; i < count; i++) {
        all = all && columns[i] == i;
        exprs[i] = od_new_column(make, &input->schema, columns[i]);
    }
    struct od_schema unnamed = {count, NULL};
    return all ? input : od_new_project(make, input, exprs, &unnamed);
}

/* --- the same node with something else ---------------------------------------------------------- */

struct place_rewriter {
    struct od_maker *make;
    const struct od_leaf_rewriter *leaves;
    bool changed;
};

static void rewrite_place(void *self, const struct od_expr **place)
{
    struct place_rewriter *rewriter = self;
    const struct od_expr *rewritten = od_new_rewritten(rewriter->make, *place, rewriter->leaves);
    rewriter->changed |= rewritten != *place;
    *place = rewritten;
}

bool od_draft_rewrite(struct od_maker *make, struct od_plan *draft, const struct od_leaf_rewriter *leaves)
{
    struct place_rewriter rewriter = {make, leaves, false};
    if (make->status == OD_OK)
        make->status = od_plan_copy_lists(make->arena, draft, make->error);
    if (make->status == OD_OK)
        od_plan_places(draft, rewrite_place, &rewriter);
    return rewriter.changed;
}

const struct od_plan *od_new_from(struct od_maker *make, const struct od_plan *plan,
                                  const struct od_plan *const *inputs, const struct od_leaf_rewriter *leaves)
{
    struct od_plan draft = *plan;
    bool changed = leaves != NULL && od_draft_rewrite(make, &draft, leaves);
    for (uint32_t i = 0; i < plan->input_count; i++) {
        changed |= inputs[i] != plan->inputs[i];
        draft.inputs[i] = inputs[i];
    }
    return changed || make->status != OD_OK ? od_new_plan(make, &draft) : plan;
}
