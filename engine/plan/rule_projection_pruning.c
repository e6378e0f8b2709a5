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
    [OD_PLAN_KEEP] = HANDS_ON | NEEDS_ALL | NARROWS,
    [OD_PLAN_MAP] = NEEDS_ALL | NARROWS,
};

struct pruning {
    struct od_maker *make;
    struct od_plan_table table; /* empty: nothing is shared */
};

struct pruned {
    const struct od_plan *plan;
    uint32_t *where; /* old column -> new column, or OD_FIELD_NONE */
};

/* These and all that call them are makers: false when something has failed. */
static bool prune(struct pruning *pruning, const struct od_plan *plan, const bool *needed, struct pruned *pruned_out);

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

/* The list whose items are the node's own columns, which come last; NULL when it has none. */
static struct od_clause_list *makers(const struct od_plan *node, struct od_clause_list lists[OD_CLAUSE_LISTS_MAX],
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
    struct od_clause_list lists[OD_CLAUSE_LISTS_MAX];
    uint32_t first;
    bool may_fail = false;
    const struct od_clause_list *list = makers(plan, lists, &first);
    if (list == NULL || i < first)
        return true;
    for (uint32_t item = i - first; item < list->count; item += plan->schema.field_count - first) /* in each row */
        may_fail |= od_clause_item_may_fail(list, item);
    return may_fail;
}

/* Leaves the items of `width` columns that are to be kept. */
static bool pick(struct od_maker *make, struct od_clause_list *list, uint32_t width, const bool *keep, uint32_t kept)
{
    size_t bytes = od_clause_item_bytes(list->element);
    char *at = od_new(make, list->count / width * (size_t)kept, bytes);
    OD_NEED(at != NULL);
    *list->place = at;
    for (uint32_t i = 0; i < list->count; i++) {
        if (!keep[i % width])
            continue;
        memcpy(at, (const char *)list->items + i * bytes, bytes);
        at += bytes;
    }
    if (list->count_place != NULL)
        *list->count_place = kept;
    return true;
}

/* The node without columns that are neither needed nor kept; at least one stays. Of a WINDOW without calls its input is left, and
 * of a PROJECT of which only the rows matter. */
static bool slim(struct od_maker *make, const struct od_plan *plan, const bool *needed, struct pruned *slim_out)
{
    struct od_clause_list lists[OD_CLAUSE_LISTS_MAX];
    struct od_plan draft = *plan;
    uint32_t width = plan->schema.field_count;
    uint32_t kept = 0;
    uint32_t first = 0;
    bool only_rows = count_needed(needed, width) == 0;
    bool drops_all = only_rows && plan->kind == OD_PLAN_PROJECT && !od_plan_node_may_fail(plan);
    slim_out->plan = plan;
    OD_NEW(slim_out->where, make, width);
    OD_NEW_LIST(bool, keep, make, width);
    OD_NEW_LIST(struct od_field, fields, make, width);
    for (uint32_t i = 0; i < width; i++) {
        bool last_chance = kept == 0 && ((only_rows && plan->kind == OD_PLAN_SCAN) || i == width - 1);
        keep[i] = !drops_all && (needed[i] || is_kept(plan, i) || last_chance);
        slim_out->where[i] = keep[i] ? kept : OD_FIELD_NONE;
        fields[kept] = plan->schema.fields[i];
        kept += keep[i];
    }
    if (kept == width)
        return true;
    make->changed = true;
    if (!drops_all) {
        struct od_clause_list *list = makers(&draft, lists, &first);
        od_assert(list != NULL);
        OD_NEED(pick(make, list, width - first, keep + first, kept - first));
    }
    draft.schema = (struct od_schema){kept, fields};
    bool is_input = drops_all || (plan->kind == OD_PLAN_WINDOW && draft.window.call_count == 0);
    slim_out->plan = is_input ? plan->inputs[0] : od_new_plan(make, &draft);
    return slim_out->plan != NULL;
}

/* --- inputs ------------------------------------------------------------------------------------ */

static bool calls_tell_peers_apart(const struct od_plan *window)
{
    for (uint32_t i = 0; i < window->window.call_count; i++) {
        const struct od_window_call *call = &window->window.calls[i];
        bool ranks = call->function >= OD_WINDOW_RANK && call->function <= OD_WINDOW_CUME_DIST;
        bool peers = call->function == OD_WINDOW_AGGREGATE && call->frame.unit != OD_FRAME_ROWS &&
                     call->aggregate.function != OD_AGGREGATE_STRING_AGG;
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
static bool prune_narrow(struct pruning *pruning, const struct od_plan *input, const bool *needed,
                         struct pruned *pruned_out)
{
    uint32_t count = input->schema.field_count;
    uint32_t kept = 0;
    uint32_t wanted = count_needed(needed, count);
    OD_NEW_LIST(uint32_t, columns, pruning->make, count);
    OD_NEED(prune(pruning, input, needed, pruned_out));
    if (wanted == 0 || pruned_out->plan->schema.field_count == wanted)
        return true;
    for (uint32_t i = 0; i < count; i++) {
        if (needed[i])
            columns[kept] = pruned_out->where[i];
        pruned_out->where[i] = needed[i] ? kept++ : OD_FIELD_NONE;
    }
    pruning->make->changed = true;
    pruned_out->plan = od_new_pick(pruning->make, pruned_out->plan, columns, kept);
    return pruned_out->plan != NULL;
}

/* Both inputs of a union give the same columns: the needed ones, or the first. */
static bool prune_inputs(struct pruning *pruning, const struct od_plan *plan, bool *inner, struct pruned *inputs)
{
    uint32_t left = plan->input_count == 0 ? 0 : plan->inputs[0]->schema.field_count;
    /* raw rows cross the exchange below what is computed in one piece: then what they carry matters */
    bool raw = plan->kind == OD_PLAN_AGGREGATE && !od_rule_is_on(pruning->make, OD_RULE_PARTIAL_AGGREGATION);
    bool narrow = raw || (traits[plan->kind] & NARROWS) != 0;
    if (plan->kind == OD_PLAN_UNION && count_needed(inner, left) == 0)
        inner[0] = inner[left] = true;
    for (uint32_t i = 0; i < plan->input_count; i++)
        OD_NEED((narrow ? prune_narrow : prune)(pruning, plan->inputs[i], inner + i * left, &inputs[i]));
    return true;
}

/* --- the node over its new inputs --------------------------------------------------------------- */

/* New columns for the old ones of left ++ right; `places` are their numbers there. */
static void renumber(struct od_maker *make, const struct od_plan *plan, const struct pruned *inputs,
                     const struct od_expr **map, uint32_t *places)
{
    uint32_t base = 0;
    for (uint32_t side = 0, column = 0; side < plan->input_count; side++) {
        const struct od_schema *schema = &inputs[side].plan->schema;
        for (uint32_t i = 0; i < plan->inputs[side]->schema.field_count; i++, column++) {
            uint32_t where = inputs[side].where[i];
            places[column] = where == OD_FIELD_NONE ? where : base + where;
            if (where != OD_FIELD_NONE)
                map[column] = od_new_outer(make, &schema->fields[where], base + where, 0);
        }
        base += schema->field_count;
    }
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

static bool prune_node(struct pruning *pruning, const struct od_plan *plan, const bool *needed,
                       struct pruned *pruned_out)
{
    uint32_t inner_count = 0;
    struct pruned inputs[2] = {0};
    for (uint32_t i = 0; i < plan->input_count; i++)
        inner_count += plan->inputs[i]->schema.field_count;
    OD_NEW_LIST(bool, inner, pruning->make, inner_count + 1);
    OD_NEW_LIST(uint32_t, places, pruning->make, inner_count);
    OD_NEW_LIST(const struct od_expr *, map, pruning->make, inner_count);
    OD_NEW(pruned_out->where, pruning->make, plan->schema.field_count);
    inner_needs(plan, needed, inner, inner_count);
    OD_NEED(prune_inputs(pruning, plan, inner, inputs));
    struct od_leaf_rewriter leaves = od_column_map(map);
    const struct od_plan *new_inputs[2] = {inputs[0].plan, inputs[1].plan};
    renumber(pruning->make, plan, inputs, map, places);
    pruned_out->plan = od_new_from(pruning->make, plan, new_inputs, &leaves);
    OD_NEED(pruned_out->plan != NULL);
    place_outputs(plan, pruned_out->plan, places, inner_count, pruned_out->where);
    return true;
}

static bool prune_shared(struct pruning *pruning, struct od_plan_entry *entry, struct pruned *pruned_out)
{
    uint32_t count = entry->plan->schema.field_count;
    OD_NEW_LIST(bool, all, pruning->make, count);
    memset(all, true, count * sizeof(*all));
    if (entry->result == NULL) {
        OD_NEED(prune_node(pruning, entry->plan, all, pruned_out));
        entry->result = od_new_pick(pruning->make, pruned_out->plan, pruned_out->where, count);
    }
    *pruned_out = (struct pruned){entry->result, od_new_numbers(pruning->make, 0, count)};
    return pruned_out->where != NULL;
}

static bool prune(struct pruning *pruning, const struct od_plan *plan, const bool *needed, struct pruned *pruned_out)
{
    struct od_plan_entry *shared = od_plan_table_shared(&pruning->table, plan);
    struct pruned slimmed = {0};
    uint32_t count = plan->schema.field_count;
    if (shared != NULL)
        return prune_shared(pruning, shared, pruned_out);
    OD_NEED(slim(pruning->make, plan, needed, &slimmed));
    OD_NEW_LIST(bool, rest, pruning->make, slimmed.plan->schema.field_count);
    for (uint32_t i = 0; i < count; i++)
        if (slimmed.where[i] != OD_FIELD_NONE)
            rest[slimmed.where[i]] = needed[i];
    OD_NEED((slimmed.plan == plan->inputs[0] ? prune : prune_node)(pruning, slimmed.plan, rest, pruned_out));
    for (uint32_t i = 0; i < count; i++)
        if (slimmed.where[i] != OD_FIELD_NONE)
            slimmed.where[i] = pruned_out->where[slimmed.where[i]];
    pruned_out->where = slimmed.where;
    return true;
}

const struct od_plan *od_rule_projection_pruning(struct od_maker *make, const struct od_plan *plan)
{
    struct pruning pruning = {.make = make};
    struct pruned pruned = {0};
    OD_NEW_LIST(bool, all, make, plan->schema.field_count);
    memset(all, true, plan->schema.field_count * sizeof(*all));
    OD_NEED(od_plan_table_init_shared(make, plan, &pruning.table));
    OD_NEED(prune_narrow(&pruning, plan, all, &pruned));
    for (uint32_t i = 0; i < plan->schema.field_count; i++)
        od_assert(pruned.where[i] == i);
    return pruned.plan;
}
