/* gen_query_from: what stands behind FROM: tables, derived tables, WITH names, VALUES, joined in every
 * way; see gen_query.h.
 *
 * The scope grows from the left. A join adds the right side's columns; USING and NATURAL hide the columns
 * that they merge and add one that is written by its bare name. The product of the sizes stays below
 * g->rows_max, so that no statement takes long. */
#include "properties/gen_query.h"

#include <string.h>

struct side {
    const char *text; /* "t0 AS q1" */
    struct od_scope scope;
};

static void add_column(struct od_scope *scope, const struct od_named *column)
{
    if (scope->count < OD_SCOPE_COLUMNS_MAX)
        scope->columns[scope->count++] = *column;
}

/* Columns of a relation under an alias. */
static void name_columns(struct od_query_gen *g, const char *alias, const struct od_outputs *outputs,
                         struct od_scope *scope)
{
    for (uint32_t i = 0; i < outputs->count; i++) {
        const struct od_named *output = &outputs->columns[i];
        add_column(scope, &(struct od_named){.text = od_say(g, "%s.%s", alias, output->name),
                                             .name = output->name,
                                             .type = output->type,
                                             .is_outer = true});
    }
    scope->rows = outputs->rows;
}

/* --- relations
 * --------------------------------------------------------------------------------------------- */

static void take_table(struct od_query_gen *g, const char *alias, struct side *side)
{
    const struct od_table *table = g->gen->tables[od_draw_below(g, g->gen->table_count)];
    struct od_outputs outputs = {.rows = od_table_row_count(table)};
    for (uint32_t i = 0; i < table->schema.field_count; i++)
        outputs.columns[outputs.count++] =
            (struct od_named){.name = table->schema.fields[i].name, .type = table->schema.fields[i].type};
    side->text = od_say(g, "%s AS %s", table->name, alias);
    name_columns(g, alias, &outputs, &side->scope);
}

static void take_values(struct od_query_gen *g, const char *alias, struct side *side)
{
    static const struct od_scope nothing;
    struct od_outputs outputs = {.count = 1 + (uint32_t)od_draw_below(g, 2)};
    const char *rows = "";
    const char *names = "";
    for (uint32_t i = 0; i < outputs.count; i++) {
        outputs.columns[i] = (struct od_named){.name = od_say(g, "v%u", i), .type = od_draw_type(g)};
        names = od_say(g, "%s%s%s", names, i == 0 ? "" : ", ", outputs.columns[i].name);
    }
    do {
        od_open_span(g, "values row");
        for (uint32_t i = 0; i < outputs.count; i++) {
            const char *cell = od_query_expr(g, &nothing, outputs.columns[i].type, 0);
            /* unknown literals would become text, and a first small number integer */
            rows = od_say(g, "%s%sCAST(%s AS %s)", rows,
                          i > 0              ? ", "
                          : outputs.rows > 0 ? "), ("
                                             : "",
                          cell, od_query_type_text(outputs.columns[i].type));
        }
        outputs.rows++;
        od_close_span(g);
    } while (outputs.rows < 5 && od_chance(g, 3, 4));
    od_note(g, OD_QUERY_FROM_VALUES);
    side->text = od_say(g, "(VALUES (%s)) AS %s(%s)", rows, alias, names);
    name_columns(g, alias, &outputs, &side->scope);
}

static void take_cte(struct od_query_gen *g, const char *alias, struct side *side)
{
    uint32_t index = (uint32_t)od_draw_below(g, g->cte_count);
    if (g->ctes[index].is_read)
        od_note(g, OD_QUERY_CTE_TWICE);
    g->ctes[index].is_read = true;
    side->text = od_say(g, "%s AS %s", g->ctes[index].name, alias);
    name_columns(g, alias, &g->ctes[index].outputs, &side->scope);
}

/* `seen`: what a LATERAL one may read; NULL: it is not. */
static void take_derived(struct od_query_gen *g, const char *alias, const struct od_scope *seen,
                         struct side *side)
{
    const struct od_wanted wanted = {0};
    struct od_outputs outputs;
    enum od_query_feature place = g->place;
    uint32_t rows_max = g->rows_max;
    g->rows_max = seen == NULL ? rows_max : rows_max / (seen->rows + 1) + 1;
    const char *text = od_query_query(g, seen, &wanted, 0, &outputs);
    g->rows_max = rows_max;
    g->place = place;
    od_note(g, seen != NULL ? OD_QUERY_LATERAL : OD_QUERY_DERIVED);
    side->text = od_say(g, "%s(%s) AS %s", seen != NULL ? "LATERAL " : "", text, alias);
    name_columns(g, alias, &outputs, &side->scope);
}

/* `left`: what stands to the left, with what stands around as its outer scope; NULL: nothing that may be
 * read. */
static void take_relation(struct od_query_gen *g, const struct od_scope *left, struct side *side)
{
    const char *alias = od_say(g, "q%u", ++g->alias_count);
    memset(side, 0, sizeof(*side));
    uint64_t kind = od_draw_below(g, 10);
    if (kind == 9 && od_may(g, OD_QUERY_LATERAL) && left != NULL && g->selects_left > 0)
        take_derived(g, alias, left, side);
    else if (kind >= 8 && g->selects_left > 0)
        take_derived(g, alias, NULL, side);
    else if (kind >= 6 && g->cte_count > 0)
        take_cte(g, alias, side);
    else if (kind == 5 && od_may(g, OD_QUERY_FROM_VALUES))
        take_values(g, alias, side);
    else
        take_table(g, alias, side);
}

/* --- joins
 * ------------------------------------------------------------------------------------------------- */

/* The one visible column of that name; NULL: none or several. */
static struct od_named *visible(struct od_scope *scope, const char *name)
{
    struct od_named *found = NULL;
    for (uint32_t i = 0; i < scope->count; i++) {
        struct od_named *column = &scope->columns[i];
        if (column->is_hidden || strcmp(column->name, name) != 0)
            continue;
        if (found != NULL)
            return NULL;
        found = column;
    }
    return found;
}

static bool is_whole(enum od_type type)
{
    return type == OD_TYPE_INT32 || type == OD_TYPE_INT64;
}

/* Names that both sides have once, of types that can be merged. False: some common name cannot be, so
 * NATURAL is out. */
static bool find_common(struct od_scope *left, struct od_scope *right, const char **names, uint32_t *count)
{
    bool all_fit = true;
    *count = 0;
    for (uint32_t i = 0; i < right->count; i++) {
        const char *name = right->columns[i].name;
        bool is_known = false;
        for (uint32_t j = 0; j < left->count; j++)
            is_known |= !left->columns[j].is_hidden && strcmp(left->columns[j].name, name) == 0;
        if (!is_known)
            continue;
        struct od_named *ours = visible(left, name);
        struct od_named *theirs = visible(right, name);
        bool fits = ours != NULL && theirs != NULL &&
                    (ours->type == theirs->type || (is_whole(ours->type) && is_whole(theirs->type)));
        if (fits)
            names[(*count)++] = name;
        all_fit &= fits;
    }
    return all_fit && *count > 0;
}

static void merge_column(struct od_query_gen *g, struct od_scope *left, struct od_scope *right,
                         const char *name)
{
    struct od_named *ours = visible(left, name);
    struct od_named *theirs = visible(right, name);
    struct od_named merged = {.text = name, .name = name, .type = ours->type};
    if (theirs->type == OD_TYPE_INT64 && ours->type == OD_TYPE_INT32)
        merged.type = OD_TYPE_INT64;
    if (merged.type == OD_TYPE_DECIMAL)
        od_note(g, OD_QUERY_NUMERIC);
    od_note(g, OD_QUERY_OPEN_EQUALS); /* a full join gives either side's */
    ours->is_hidden = true;
    theirs->is_hidden = true;
    add_column(left, &merged);
}

/* "ON ...": equalities mostly, which PostgreSQL demands of full joins. Both sides' columns are in `both`. */
static const char *condition(struct od_query_gen *g, uint32_t left_count, const struct od_scope *both,
                             bool is_full)
{
    const char *text = NULL;
    enum od_query_feature place = g->place;
    g->place = is_full || g->place == OD_QUERY_FEATURE_COUNT || !od_may(g, OD_QUERY_IN_ON)
                   ? OD_QUERY_FEATURE_COUNT
                   : OD_QUERY_IN_ON;
    uint32_t may_fail_before = g->may_fail_count;
    for (uint32_t count = 0; count < 3 && (count == 0 || od_chance(g, 1, 3)); count++) {
        od_open_span(g, "conjunct");
        const char *part = NULL;
        enum od_type type = both->columns[left_count + od_draw_below(g, both->count - left_count)].type;
        const char *ours = od_query_column_between(g, both, 0, left_count, type);
        const char *theirs = od_query_column_between(g, both, left_count, both->count, type);
        if (ours != NULL && theirs != NULL && od_draw_below(g, 5) < 4) {
            part = od_say(g, "%s = %s", ours, theirs);
        } else {
            part = od_query_predicate(g, both);
            od_note(g, is_full ? OD_QUERY_FULL_JOIN_ANY : OD_QUERY_JOIN_ANY);
        }
        text = text == NULL ? part : od_say(g, "%s AND %s", text, part);
        od_close_span(g);
    }
    od_query_note_spared(g, may_fail_before);
    if (g->may_fail_count != may_fail_before)
        od_note(g, OD_QUERY_FAILING_ON);
    g->place = place;
    return text;
}

static void add_columns(struct od_scope *scope, const struct od_scope *other)
{
    for (uint32_t i = 0; i < other->count; i++)
        add_column(scope, &other->columns[i]);
}

/* kind: 0 inner, 1 left, 2 right, 3 full */
static const char *join_sides(struct od_query_gen *g, uint32_t kind, const char *text, struct od_scope *scope,
                              struct side *right)
{
    static const char *const words[] = {"JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"};
    static const enum od_query_feature features[] = {OD_QUERY_JOIN, OD_QUERY_LEFT_JOIN, OD_QUERY_RIGHT_JOIN,
                                                     OD_QUERY_FULL_JOIN};
    const char *names[OD_SCOPE_COLUMNS_MAX];
    uint32_t count;
    bool all_fit = find_common(scope, &right->scope, names, &count);
    uint64_t how = od_draw_below(g, 6);
    od_note(g, features[kind]);
    if (kind >= 2 && g->query->features[OD_QUERY_JOIN_ANY])
        od_note(g, OD_QUERY_JOIN_ANY_PADDED);
    if (how == 5 && all_fit) {
        od_note(g, OD_QUERY_JOIN_NATURAL);
        for (uint32_t i = 0; i < count; i++)
            merge_column(g, scope, &right->scope, names[i]);
        add_columns(scope, &right->scope);
        return od_say(g, "%s NATURAL %s %s", text, words[kind], right->text);
    }
    if (how >= 4 && count > 0) {
        const char *list = "";
        od_note(g, OD_QUERY_JOIN_USING);
        for (uint32_t i = 0; i < count; i++) {
            if (i > 0 && !od_chance(g, 1, 3))
                continue;
            merge_column(g, scope, &right->scope, names[i]);
            list = od_say(g, "%s%s%s", list, i == 0 ? "" : ", ", names[i]);
        }
        add_columns(scope, &right->scope);
        return od_say(g, "%s %s %s USING (%s)", text, words[kind], right->text, list);
    }
    uint32_t left_count = scope->count;
    add_columns(scope, &right->scope);
    scope->rows = scope->rows * (right->scope.rows + 1) + 1;
    const char *on = condition(g, left_count, scope, kind == 3);
    return od_say(g, "%s %s %s ON %s", text, words[kind], right->text, on);
}

/* *ends_out: a comma binds less than a join, whose ON could not see what stands before it. */
static const char *join_one(struct od_query_gen *g, const char *text, struct od_scope *scope, bool *ends_out)
{
    struct side right;
    uint64_t kind = od_draw_below(g, 9); /* 0..2 inner, 3 cross, 4 comma, 5, 6 left, 7 right, 8 full */
    uint32_t rows = scope->rows;
    uint32_t rows_max = g->rows_max;
    g->rows_max = rows_max / (rows + 1) + 1; /* of a derived table's own FROM */
    take_relation(g, kind <= 6 ? scope : NULL, &right);
    g->rows_max = rows_max;
    if (rows * (right.scope.rows + 1) > 2 * rows_max)
        return text;
    if (scope->count + right.scope.count > OD_SCOPE_COLUMNS_MAX)
        return text;
    scope->rows = rows * (right.scope.rows + 1) + 1;
    if (kind == 3 || kind == 4) {
        od_note(g, OD_QUERY_CROSS_JOIN);
        *ends_out = kind == 4;
        add_columns(scope, &right.scope);
        return od_say(g, "%s%s%s", text, kind == 3 ? " CROSS JOIN " : ", ", right.text);
    }
    text = join_sides(g, kind <= 2 ? 0 : kind <= 6 ? 1 : kind == 7 ? 2 : 3, text, scope, &right);
    scope->rows = rows * (right.scope.rows + 1) + 1;
    return text;
}

const char *od_query_from(struct od_query_gen *g, const struct od_scope *outer, struct od_scope *scope_out)
{
    struct side side;
    od_open_span(g, "relation");
    take_relation(g, NULL, &side);
    od_close_span(g);
    *scope_out = side.scope;
    scope_out->outer = outer;
    const char *text = side.text;
    uint32_t relations = 1;
    bool more = true;
    bool ends = false;
    while (more && !ends) {
        od_open_span(g, "join");
        more = od_chance(g, 2, 5) && relations < 5 && scope_out->rows * 5 < g->rows_max;
        if (more)
            text = join_one(g, text, scope_out, &ends);
        relations += more;
        od_close_span(g);
    }
    if (relations >= 3)
        od_note(g, OD_QUERY_MANY_RELATIONS);
    return text;
}
