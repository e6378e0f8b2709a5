/* rule_projection_pruning: columns that nobody reads are dropped where they would come into being.
 *
 *   prune(node, needed)   needed[i]: does anybody above read output column i?
 *     -> a node that gives at least the needed columns, in their order, and where[i]: its place now
 *
 * In three steps, alike for all kinds of nodes: the node drops what it would make and nobody reads (slim); its inputs are pruned
 * to what it hands on and what its expressions read; it is built anew over them, columns renumbered.
 *
 * A scan gives only what is read (at least one column: rows need one). A project or aggregate drops what is not read, unless it
 * may fail: its error is part of the answer. SORT and LIMIT order by the whole row, so they read everything, as do a WINDOW
 * that tells peers apart by it, and a MAP. Below joins and unions, what a node had to keep for itself is cut off by a project:
 * it need not be shuffled, and both sides of a union must look the same. A sub-plan with several readers gives all it has. */
#include <string.h>

#include "engine/core/assert.h"
#include "engine/plan/plan_rewrite.h"
#include "engine/plan/plan_table.h"
#include "engine/plan/rule.h"

/* What a kind of node does with columns: makes some itself, hands those of its inputs on, needs all of them whoever reads; NARROWS:
 * what an input kept for itself is to be cut off below it. */
enum { MAKES = 1, HANDS_ON = 2, NEEDS_ALL = 4, NARROWS = 8 };
static const uint8_t traits[OD_PLAN_KIND_COUNT] = {
    [OD_PLAN_SCAN] = MAKES,
    [OD_PLAN_PROJECT] = MAKES,
    [OD_PLAN_EXPAND] = MAKES,
    [OD_PLAN_VALUES] = MAKES,
    [OD_PLAN_AGGREGATE] = MAKES,
    [OD_PLAN_WINDOW] = MAKES | HANDS_ON | NARROWS,
    [OD_PLAN_FILTER] = HANDS_ON,
    [OD_PLAN_REPARTITION] = HANDS_ON,
    [OD_PLAN_JOIN] = HANDS_ON | NARROWS,
    [OD_PLAN_UNION] = HANDS_ON | NARROWS,
    [OD_PLAN_SORT] = HANDS_ON | NEEDS_ALL | NARROWS,
    [OD_PLAN_LIMIT] = HANDS_ON | NEEDS_ALL | NARROWS,
    [OD_PLAN_MAP] = NEEDS_ALL | NARROWS,
};

struct pruning {
    struct od_arena *plan_arena;
    const struct od_plan_options *options;
    struct od_plan_table table; /* empty: nothing is shared */
    bool changed;
};

struct pruned {
    const struct od_plan *plan;
    uint32_t *where; /* old column -> new column, or OD_FIELD_NONE */
};

static enum od_status prune(struct pruning *pruning, const struct od_plan *plan, const bool *needed,
                            struct pruned *pruned_out, struct od_error *error);

static void mark_column(void *needed, uint32_t column_index)
{
    ((bool *)needed)[column_index] = true;
}

static void mark_needed(void *needed, const struct od_expr *expr)
{
    od_expr_columns(expr, mark_column, needed);
}

static uint32_t count_needed(const bool *needed, uint32_t count)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += needed[i];
    return sum;
}

/* --- slim: what a node need not make ----------------------------------------------------------- */

/* The list whose items are the node's own columns, which come last; NULL when it has none. Of the plan `node`, a copy. */
static struct od_clause_list *makers(struct od_plan *node, struct od_clause_list lists[OD_CLAUSE_LISTS_MAX],
                                     uint32_t *first_out)
{
    uint32_t list_count = (traits[node->kind] & MAKES) != 0 ? od_plan_clauses(node, lists) : 0;
    if (list_count == 0)
        return NULL;
    struct od_clause_list *list = &lists[list_count - 1];
    *first_out = list->count_place == NULL ? 0 : node->schema.field_count - list->count;
    return list;
}

/* Must output column `i` be made though nobody reads it? Groups and what only passes through are kept by their node; what may
 * fail is, too. */
static bool is_kept(const struct od_plan *plan, uint32_t i)
{
    struct od_clause_list lists[OD_CLAUSE_LISTS_MAX] = {0};
    struct od_plan one = *plan;
    uint32_t first;
    bool may_fail = false;
    struct od_clause_list *list = makers(&one, lists, &first);
    if (list == NULL || i < first)
        return true;
    if (list->count_place == NULL) {
        for (uint32_t row = 0; row < plan->rows.row_count; row++)
            may_fail |= plan->rows.exprs[(size_t)row * plan->schema.field_count + i]->may_fail;
        return may_fail;
    }
    for (struct od_clause_list *other = lists; other < list; other++)
        *other->count_place = 0;
    *list->count_place = 1;
    *list->place = (const char *)list->items + (i - first) * od_clause_item_bytes(list->element);
    return od_plan_node_may_fail(&one);
}

/* Leaves the items of `width` columns that are to be kept. */
static enum od_status pick(struct pruning *pruning, struct od_clause_list *list, uint32_t width, const bool *keep,
                           uint32_t kept, struct od_error *error)
{
    size_t bytes = od_clause_item_bytes(list->element);
    size_t row_count = list->count / width;
    char *at = od_arena_take_array(pruning->plan_arena, row_count * kept, bytes);
    if (at == NULL)
        return od_fail(error, OD_NO_MEMORY, "pruning columns");
    *list->place = at;
    for (uint32_t i = 0; i < list->count; i++) {
        if (!keep[i % width])
            continue;
        memcpy(at, (const char *)list->items + i * bytes, bytes);
        at += bytes;
    }
    if (list->count_place != NULL)
        *list->count_place = kept;
    return OD_OK;
}

/* The node without columns that are neither needed nor kept; at least one stays. Of a WINDOW without calls its input is left, and
 * of a PROJECT of which only the rows matter. */
static enum od_status slim(struct pruning *pruning, const struct od_plan *plan, const bool *needed,
                           struct pruned *slim_out, struct od_error *error)
{
    struct od_clause_list lists[OD_CLAUSE_LISTS_MAX];
    struct od_plan draft = *plan;
    uint32_t width = plan->schema.field_count;
    uint32_t kept = 0;
    uint32_t first = 0;
    OD_TAKE_LIST(bool, keep, pruning->plan_arena, width, error);
    bool nothing_but_rows = plan->kind == OD_PLAN_SCAN && count_needed(needed, width) == 0;
    slim_out->plan = plan;
    OD_TAKE(slim_out->where, pruning->plan_arena, width, error);
    if (plan->kind == OD_PLAN_PROJECT && count_needed(needed, width) == 0 && !od_plan_node_may_fail(plan)) {
        for (uint32_t i = 0; i < width; i++)
            slim_out->where[i] = OD_FIELD_NONE;
        slim_out->plan = plan->inputs[0];
        pruning->changed = true;
        return OD_OK;
    }
    for (uint32_t i = 0; i < width; i++) {
        bool last_chance = kept == 0 && (nothing_but_rows || i == width - 1);
        keep[i] = needed[i] || is_kept(plan, i) || last_chance;
        slim_out->where[i] = keep[i] ? kept : OD_FIELD_NONE;
        kept += keep[i];
    }
    if (kept == width)
        return OD_OK;
    struct od_clause_list *list = makers(&draft, lists, &first);
    od_assert(list != NULL);
    OD_TRY(pick(pruning, list, width - first, keep + first, kept - first, error));
    pruning->changed = true;
    if (plan->kind == OD_PLAN_WINDOW && draft.window.call_count == 0) {
        slim_out->plan = plan->inputs[0];
        return OD_OK;
    }
    OD_TAKE_LIST(struct od_field, fields, pruning->plan_arena, kept, error);
    for (uint32_t i = 0; i < width; i++)
        if (keep[i])
            fields[slim_out->where[i]] = plan->schema.fields[i];
    draft.schema = (struct od_schema){kept, fields};
    return od_plan_make(pruning->plan_arena, &draft, NULL, NULL, &slim_out->plan, error);
}

/* --- inputs ------------------------------------------------------------------------------------ */

static bool calls_tell_peers_apart(const struct od_plan *window)
{
    for (uint32_t i = 0; i < window->window.call_count; i++) {
        const struct od_window_call *call = &window->window.calls[i];
        bool ranks = call->function >= OD_WINDOW_RANK && call->function <= OD_WINDOW_CUME_DIST;
        bool peers = call->function == OD_WINDOW_AGGREGATE && call->frame.unit != OD_FRAME_ROWS;
        if (!ranks && !peers)
            return true;
    }
    return false;
}

/* Which columns of its inputs (left ++ right) the node needs: what it hands on of `needed`, and what it reads. */
static void inner_needs(const struct od_plan *plan, const bool *needed, bool *inner, uint32_t inner_count)
{
    bool all = (traits[plan->kind] & NEEDS_ALL) != 0 ||
               (plan->kind == OD_PLAN_WINDOW && calls_tell_peers_apart(plan));
    uint32_t width = plan->schema.field_count;
    for (uint32_t i = 0; i < inner_count; i++) {
        bool mark = plan->kind == OD_PLAN_JOIN && i >= plan->inputs[0]->schema.field_count &&
                    !od_join_gives_right(plan->join.type);
        uint32_t column = plan->kind == OD_PLAN_UNION ? i % width : i;
        inner[i] = all || ((traits[plan->kind] & HANDS_ON) != 0 && !mark && column < width && needed[column]);
    }
    od_plan_exprs(plan, mark_needed, inner);
}

/* Prunes an input for a reader that needs these columns and nothing else: what the input kept for itself is
 * cut off. */
static enum od_status prune_narrow(struct pruning *pruning, const struct od_plan *input, const bool *needed,
                                   struct pruned *pruned_out, struct od_error *error)
{
    uint32_t count = input->schema.field_count;
    uint32_t kept = 0;
    uint32_t wanted = count_needed(needed, count);
    OD_TAKE_LIST(uint32_t, columns, pruning->plan_arena, count, error);
    OD_TRY(prune(pruning, input, needed, pruned_out, error));
    if (wanted == 0 || pruned_out->plan->schema.field_count == wanted)
        return OD_OK;
    for (uint32_t i = 0; i < count; i++) {
        if (needed[i])
            columns[kept] = pruned_out->where[i];
        pruned_out->where[i] = needed[i] ? kept++ : OD_FIELD_NONE;
    }
    pruning->changed = true;
    return od_plan_pick(pruning->plan_arena, pruned_out->plan, columns, kept, &pruned_out->plan, error);
}

/* Both inputs of a union give the same columns: the needed ones, or the first. */
static enum od_status prune_inputs(struct pruning *pruning, const struct od_plan *plan, bool *inner,
                                   struct pruned *inputs, struct od_error *error)
{
    uint32_t left = plan->input_count == 0 ? 0 : plan->inputs[0]->schema.field_count;
    /* raw rows cross the exchange below what is computed in one piece: then what they carry matters */
    bool raw = plan->kind == OD_PLAN_AGGREGATE && !od_rule_is_on(pruning->options, OD_RULE_PARTIAL_AGGREGATION);
    bool narrow = raw || (traits[plan->kind] & NARROWS) != 0;
    if (plan->kind == OD_PLAN_UNION && count_needed(inner, left) == 0)
        inner[0] = inner[left] = true;
    for (uint32_t i = 0; i < plan->input_count; i++)
        OD_TRY((narrow ? prune_narrow : prune)(pruning, plan->inputs[i], inner + i * left, &inputs[i], error));
    return OD_OK;
}

/* --- the node over its new inputs --------------------------------------------------------------- */

struct renumbering {
    struct od_arena *plan_arena;
    const struct od_expr **map;
};

static enum od_status renumber(void *self, const struct od_expr *expr, const struct od_expr **expr_out,
                               struct od_error *error)
{
    const struct renumbering *renumbering = self;
    return od_expr_substitute(renumbering->plan_arena, expr, renumbering->map, expr_out, error);
}

/* New columns for the old ones of left ++ right; `places` are their numbers there. */
static enum od_status make_map(struct pruning *pruning, const struct od_plan *plan, const struct pruned *inputs,
                               const struct od_expr **map, uint32_t *places, struct od_error *error)
{
    uint32_t old_base = 0;
    uint32_t new_base = 0;
    for (uint32_t side = 0; side < plan->input_count; side++) {
        const struct od_schema *schema = &inputs[side].plan->schema;
        for (uint32_t i = 0; i < plan->inputs[side]->schema.field_count; i++) {
            uint32_t where = inputs[side].where[i];
            places[old_base + i] = where == OD_FIELD_NONE ? where : new_base + where;
            if (where == OD_FIELD_NONE)
                continue;
            OD_TRY(od_expr_outer(pruning->plan_arena, &schema->fields[where], new_base + where, 0,
                                 &map[old_base + i], error));
        }
        old_base += plan->inputs[side]->schema.field_count;
        new_base += schema->field_count;
    }
    return OD_OK;
}

/* Where the node's output columns are now, if they are those of its inputs. */
static void place_outputs(const struct od_plan *plan, const struct od_plan *rebuilt, const uint32_t *places,
                          uint32_t inner_count, uint32_t *where)
{
    bool mark = plan->kind == OD_PLAN_JOIN && plan->join.type == OD_JOIN_MARK;
    uint32_t count = plan->schema.field_count;
    uint32_t passed = mark ? count - 1 : plan->kind == OD_PLAN_WINDOW ? inner_count : count;
    if ((traits[plan->kind] & HANDS_ON) == 0)
        passed = 0;
    for (uint32_t i = 0; i < count; i++)
        where[i] = i < passed ? places[i] : rebuilt->schema.field_count - (count - i);
}

static enum od_status prune_node(struct pruning *pruning, const struct od_plan *plan, const bool *needed,
                                 struct pruned *pruned_out, struct od_error *error)
{
    uint32_t count = plan->schema.field_count;
    uint32_t inner_count = 0;
    struct pruned inputs[2] = {0};
    for (uint32_t i = 0; i < plan->input_count; i++)
        inner_count += plan->inputs[i]->schema.field_count;
    OD_TAKE_LIST(const struct od_expr *, map, pruning->plan_arena, inner_count, error);
    OD_TAKE_LIST(bool, inner, pruning->plan_arena, inner_count + 1, error);
    OD_TAKE_LIST(uint32_t, places, pruning->plan_arena, inner_count, error);
    OD_TAKE(pruned_out->where, pruning->plan_arena, count, error);
    struct renumbering renumbering = {pruning->plan_arena, map};
    struct od_expr_rewriter rewriter = {renumber, &renumbering};
    inner_needs(plan, needed, inner, inner_count);
    OD_TRY(prune_inputs(pruning, plan, inner, inputs, error));
    OD_TRY(make_map(pruning, plan, inputs, renumbering.map, places, error));
    const struct od_plan *new_inputs[2] = {inputs[0].plan, inputs[1].plan};
    OD_TRY(od_plan_rebuild(pruning->plan_arena, plan, new_inputs, &rewriter, &pruned_out->plan, error));
    place_outputs(plan, pruned_out->plan, places, inner_count, pruned_out->where);
    return OD_OK;
}

static enum od_status prune_shared(struct pruning *pruning, struct od_plan_entry *entry, struct pruned *pruned_out,
                                   struct od_error *error)
{
    uint32_t count = entry->plan->schema.field_count;
    OD_TAKE_LIST(bool, all, pruning->plan_arena, count, error);
    OD_TAKE_LIST(uint32_t, where, pruning->plan_arena, count, error);
    for (uint32_t i = 0; i < count; i++) {
        all[i] = true;
        where[i] = i;
    }
    if (entry->result == NULL) {
        OD_TRY(prune_node(pruning, entry->plan, all, pruned_out, error));
        OD_TRY(od_plan_pick(pruning->plan_arena, pruned_out->plan, pruned_out->where, count, &entry->result,
                            error));
    }
    *pruned_out = (struct pruned){entry->result, where};
    return OD_OK;
}

static enum od_status prune(struct pruning *pruning, const struct od_plan *plan, const bool *needed,
                            struct pruned *pruned_out, struct od_error *error)
{
    struct od_plan_entry *shared = od_plan_table_shared(&pruning->table, plan);
    struct pruned slimmed = {0};
    uint32_t count = plan->schema.field_count;
    if (shared != NULL)
        return prune_shared(pruning, shared, pruned_out, error);
    OD_TRY(slim(pruning, plan, needed, &slimmed, error));
    OD_TAKE_LIST(bool, rest, pruning->plan_arena, slimmed.plan->schema.field_count, error);
    for (uint32_t i = 0; i < count; i++)
        if (slimmed.where[i] != OD_FIELD_NONE)
            rest[slimmed.where[i]] = needed[i];
    if (slimmed.plan == plan->inputs[0])
        OD_TRY(prune(pruning, slimmed.plan, rest, pruned_out, error));
    else
        OD_TRY(prune_node(pruning, slimmed.plan, rest, pruned_out, error));
    for (uint32_t i = 0; i < count; i++)
        if (slimmed.where[i] != OD_FIELD_NONE)
            slimmed.where[i] = pruned_out->where[slimmed.where[i]];
    pruned_out->where = slimmed.where;
    return OD_OK;
}

enum od_status od_rule_projection_pruning(const struct od_rule_context *context, const struct od_plan *plan,
                                          const struct od_plan **plan_out, bool *changed_out,
                                          struct od_error *error)
{
    struct pruning pruning = {.plan_arena = context->plan_arena, .options = context->options};
    struct pruned pruned = {0};
    uint32_t count = plan->schema.field_count;
    OD_TAKE_LIST(bool, all, context->plan_arena, count, error);
    *plan_out = NULL;
    for (uint32_t i = 0; i < count; i++)
        all[i] = true;
    if (od_rule_is_on(context->options, OD_RULE_COMMON_SUBPLANS))
        OD_TRY(od_plan_table_init(context->plan_arena, plan, &pruning.table, error));
    OD_TRY(prune_narrow(&pruning, plan, all, &pruned, error));
    for (uint32_t i = 0; i < count; i++)
        od_assert(pruned.where[i] == i);
    *plan_out = pruned.plan;
    *changed_out = pruning.changed;
    return OD_OK;
}
