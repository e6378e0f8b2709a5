/* gen_query: whole statements: WITH, set operations, ORDER BY, LIMIT; see gen_query.h. */
#include "properties/gen_query.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SELECTS_MAX 7u
#define SPANS_MAX   (OD_CHOICES_DEPTH_MAX - 4)
#define ROWS_MAX    1500u /* of the product of what one FROM joins */

const char *od_say(struct od_query_gen *g, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    int size = vsnprintf(NULL, 0, format, values);
    va_end(values);
    char *text = od_arena_take(g->gen->arena, (size_t)size + 1);
    if (text == NULL) {
        g->gen->status = od_fail(g->gen->error, OD_NO_MEMORY, "drawing a statement");
        return "";
    }
    va_start(values, format);
    vsnprintf(text, (size_t)size + 1, format, values);
    va_end(values);
    return text;
}

uint64_t od_draw_below(struct od_query_gen *g, uint64_t bound)
{
    return od_choices_below(g->gen->choices, bound);
}

bool od_chance(struct od_query_gen *g, uint32_t part, uint32_t whole)
{
    return od_random_chance(&g->gen->choices->random, part, whole);
}

bool od_may(const struct od_query_gen *g, enum od_query_feature feature)
{
    return feature == OD_QUERY_FEATURE_COUNT || od_query_feature_is_shared(feature, g->audience);
}

void od_note(struct od_query_gen *g, enum od_query_feature feature)
{
    g->query->features[feature] = true;
}

/* Deeper than a recorder takes them, spans are left out. */
void od_open_span(struct od_query_gen *g, const char *label)
{
    if (g->span_depth++ < SPANS_MAX)
        od_choices_begin(g->gen->choices, label);
}

void od_close_span(struct od_query_gen *g)
{
    if (--g->span_depth < SPANS_MAX)
        od_choices_end(g->gen->choices);
}

/* --- bodies
 * ------------------------------------------------------------------------------------------------ */

static void draw_values(struct od_query_gen *g, const struct od_scope *outer, const struct od_wanted *wanted,
                        struct od_select *select)
{
    struct od_scope nothing = {.outer = outer};
    const char *rows = "";
    memset(select, 0, sizeof(*select));
    select->outputs.count = wanted->count > 0 ? wanted->count : 1 + (uint32_t)od_draw_below(g, 2);
    for (uint32_t i = 0; i < select->outputs.count; i++)
        select->outputs.columns[i] =
            (struct od_named){.name = od_say(g, "column%u", i + 1),
                              .type = i < wanted->count ? wanted->types[i] : od_draw_type(g)};
    do {
        od_open_span(g, "values row");
        for (uint32_t i = 0; i < select->outputs.count; i++) {
            enum od_type type = select->outputs.columns[i].type;
            rows = od_say(g, "%s%sCAST(%s AS %s)", rows,
                          i > 0                       ? ", "
                          : select->outputs.rows == 0 ? "("
                                                      : "), (",
                          od_query_expr(g, &nothing, type, 0), od_query_type_text(type));
        }
        select->outputs.rows++;
        od_close_span(g);
    } while (select->outputs.rows < 4 && od_chance(g, 1, 2));
    od_note(g, OD_QUERY_VALUES);
    select->text = od_say(g, "VALUES %s)", rows);
}

/* A SELECT, or rarely VALUES, whose columns others name otherwise (column1, col0), so that only set
 * operations and what does not name them may have it. */
static void draw_side(struct od_query_gen *g, const struct od_scope *outer, const struct od_wanted *wanted,
                      bool may_be_values, struct od_select *select)
{
    if (may_be_values && od_may(g, OD_QUERY_VALUES) && !wanted->is_one_row && od_draw_below(g, 16) == 15)
        draw_values(g, outer, wanted, select);
    else
        od_query_select(g, outer, wanted, select);
}

static const char *draw_operator(struct od_query_gen *g)
{
    static const struct {
        const char *word;
        enum od_query_feature feature;
    } operators[] = {
        {"UNION ALL", OD_QUERY_UNION_ALL},   {"UNION", OD_QUERY_UNION},
        {"EXCEPT", OD_QUERY_EXCEPT},         {"INTERSECT", OD_QUERY_INTERSECT},
        {"EXCEPT ALL", OD_QUERY_EXCEPT_ALL}, {"INTERSECT ALL", OD_QUERY_INTERSECT_ALL},
    };
    uint64_t index = od_draw_below(g, od_may(g, OD_QUERY_EXCEPT_ALL) ? 6 : 4);
    od_note(g, operators[index].feature);
    od_note(g, OD_QUERY_OPEN_EQUALS);
    return operators[index].word;
}

/* One to three sides; the columns are those of the first. */
static void draw_body(struct od_query_gen *g, const struct od_scope *outer, const struct od_wanted *wanted,
                      struct od_select *body)
{
    struct od_wanted same = *wanted;
    uint32_t operator_count = 0;
    if (!wanted->is_one_row && g->selects_left > 1 && od_chance(g, 1, 7))
        operator_count = od_chance(g, 1, 3) && od_may(g, OD_QUERY_NESTED_SET) ? 2 : 1;
    same.is_alone = operator_count == 0;
    draw_side(g, outer, &same, operator_count > 0 || wanted->is_top, body);
    if (operator_count == 0)
        return;
    same.count = body->outputs.count;
    for (uint32_t i = 0; i < same.count; i++)
        same.types[i] = body->outputs.columns[i].type;
    body->inner = NULL;
    for (uint32_t i = 0; i < operator_count; i++) {
        struct od_select other;
        od_open_span(g, "operator");
        const char *word = draw_operator(g);
        draw_side(g, outer, &same, i == 0 || wanted->is_top, &other);
        if (i > 0)
            od_note(g, OD_QUERY_NESTED_SET);
        bool is_right = i > 0 && od_chance(g, 1, 2);
        body->text = i == 0     ? od_say(g, "%s %s %s", body->text, word, other.text)
                     : is_right ? od_say(g, "%s %s (%s)", other.text, word, body->text)
                                : od_say(g, "(%s) %s %s", body->text, word, other.text);
        if (is_right) /* names are the first side's */
            body->outputs = other.outputs;
        body->outputs.rows += other.outputs.rows;
        od_close_span(g);
    }
}

/* --- ORDER BY, LIMIT
 * --------------------------------------------------------------------------------------- */

/* A key over the inner scope; NULL: it has no column in it. */
static const char *expression_key(struct od_query_gen *g, const struct od_select *body)
{
    uint32_t read_before = g->columns_read;
    uint32_t may_fail_before = g->may_fail_count;
    uint32_t foldable_before = g->foldable_count;
    enum od_query_feature place = g->place;
    g->place = OD_QUERY_IN_ORDER_BY;
    const char *text = od_query_expr(g, body->inner, od_draw_scope_type(g, body->inner), 1);
    g->place = place;
    g->folds_calls |= g->foldable_count != foldable_before;
    od_query_note_folded(g, may_fail_before, foldable_before);
    if (g->columns_read == read_before)
        return NULL;
    od_note(g, OD_QUERY_ORDER_BY_EXPRESSION);
    return text;
}

/* Keys as drawn, then, if it is to be total, all other columns. `keys`: which outputs, up to the first
 * expression; may be NULL. */
static const char *order_by(struct od_query_gen *g, const struct od_select *body, bool is_total,
                            struct od_statement *query)
{
    bool is_used[OD_SCOPE_COLUMNS_MAX] = {false};
    bool all_outputs = true;
    const char *text = "";
    uint32_t count = 0;
    for (bool more = true; more && count < 3; more = od_chance(g, 1, 2)) {
        od_open_span(g, "order key");
        const char *key = NULL;
        bool is_expression =
            body->inner != NULL && !(body->is_distinct_on && count == 0) && od_chance(g, 1, 4);
        if (is_expression)
            key = expression_key(g, body);
        all_outputs &= key == NULL;
        if (key == NULL) {
            uint32_t output =
                body->is_distinct_on && count == 0 ? 0 : (uint32_t)od_draw_below(g, body->outputs.count);
            is_used[output] = true;
            if (all_outputs && query != NULL)
                query->keys[query->key_count++] = output;
            const char *name = body->outputs.columns[output].name;
            bool is_named = name != NULL && body->inner != NULL && od_chance(g, 1, 2);
            key = is_named ? name : od_say(g, "%u", output + 1);
        }
        text = od_say(g, "%s%s%s%s", text, count == 0 ? "" : ", ", key, od_query_direction(g));
        count++;
        od_close_span(g);
    }
    for (uint32_t i = 0; i < body->outputs.count && is_total; i++) {
        if (is_used[i])
            continue;
        text = od_say(g, "%s, %u NULLS LAST", text, i + 1);
        if (all_outputs && query != NULL && query->key_count < OD_QUERY_KEYS_MAX)
            query->keys[query->key_count++] = i;
    }
    od_note(g, OD_QUERY_ORDER_BY);
    return od_say(g, " ORDER BY %s", text);
}

static const char *limit_text(struct od_query_gen *g, uint32_t limit)
{
    od_note(g, OD_QUERY_LIMIT);
    od_note(g, OD_QUERY_OPEN_EQUALS);
    uint64_t count = limit != 0 ? limit : od_draw_below(g, 6);
    if (!od_chance(g, 1, 3))
        return od_say(g, " LIMIT %u", (unsigned)count);
    if (od_may(g, OD_QUERY_FETCH_FIRST) && od_chance(g, 1, 3)) {
        od_note(g, OD_QUERY_FETCH_FIRST);
        return od_say(g, " OFFSET %u ROWS FETCH FIRST %u ROWS ONLY", (unsigned)od_draw_below(g, 4),
                      (unsigned)count);
    }
    od_note(g, OD_QUERY_OFFSET);
    return od_say(g, " LIMIT %u OFFSET %u", (unsigned)count, (unsigned)od_draw_below(g, 4));
}

/* The end of a query: nothing, an order, or rows cut off at one. `query`: NULL unless it is the outermost. */
static const char *ending(struct od_query_gen *g, const struct od_select *body, uint32_t limit,
                          struct od_statement *query)
{
    bool has_limit = !g->is_sure && (limit != 0 || od_chance(g, 1, 8));
    bool has_order = has_limit || body->is_distinct_on || (query != NULL && od_chance(g, 1, 2));
    bool is_open = has_limit && limit == 0 && !body->is_distinct_on && od_chance(g, 1, 8) &&
                   od_may(g, OD_QUERY_OPEN_LIMIT);
    if (is_open) {
        od_note(g, OD_QUERY_OPEN_LIMIT);
        return limit_text(g, limit);
    }
    if (!has_order)
        return "";
    const char *order = order_by(g, body, has_limit || body->is_distinct_on, query);
    return has_limit ? od_say(g, "%s%s", order, limit_text(g, limit)) : order;
}

const char *od_query_query(struct od_query_gen *g, const struct od_scope *outer,
                           const struct od_wanted *wanted, uint32_t limit, struct od_outputs *outputs_out)
{
    struct od_select body;
    od_open_span(g, "query");
    draw_body(g, outer, wanted, &body);
    *outputs_out = body.outputs;
    bool is_plain = body.outputs.count == 0 || (wanted->is_one_row && limit == 0);
    const char *text =
        is_plain ? body.text
                 : od_say(g, "%s%s", body.text, ending(g, &body, limit, wanted->is_top ? g->query : NULL));
    od_close_span(g);
    return text;
}

/* --- statements
 * -------------------------------------------------------------------------------------------- */

static const char *draw_ctes(struct od_query_gen *g)
{
    static const char *const hints[] = {"", "", "MATERIALIZED ", "NOT MATERIALIZED "};
    const struct od_wanted anything = {0};
    const char *text = "";
    bool more = true;
    while (more) {
        od_open_span(g, "with");
        more = od_chance(g, 1, 6) && g->cte_count < OD_CTES_MAX;
        if (more) {
            struct od_outputs outputs;
            uint64_t hint = od_draw_below(g, 4);
            const char *name = od_say(g, "s%u", ++g->alias_count);
            const char *inner = od_query_query(g, NULL, &anything, 0, &outputs);
            text = od_say(g, "%s%s%s AS %s(%s)", text, text[0] == '\0' ? "WITH " : ", ", name, hints[hint],
                          inner);
            g->ctes[g->cte_count].name = name;
            g->ctes[g->cte_count++].outputs = outputs;
            od_note(g, hint >= 2 ? OD_QUERY_CTE_MATERIALIZED : OD_QUERY_CTE);
            od_note(g, OD_QUERY_CTE);
        }
        od_close_span(g);
    }
    return text[0] == '\0' ? "" : od_say(g, "%s ", text);
}

/* One table, no conditions, few constants: most of these are statements that fail surely if at all. */
static const char *draw_sure(struct od_query_gen *g)
{
    struct od_outputs outputs;
    const struct od_wanted wanted = {.is_top = true};
    g->selects_left = 0;
    g->rows_max = 0;
    g->place = OD_QUERY_FEATURE_COUNT;
    g->is_sure = true;
    return od_query_query(g, NULL, &wanted, 0, &outputs);
}

/* Two in five statements are in everybody's words, one in DuckDB's and PostgreSQL's; tables may rule some
 * out. */
static uint32_t draw_audience(struct od_query_gen *g)
{
    enum { EVERYBODY = 1 << OD_ORACLE_SQLITE | 1 << OD_ORACLE_DUCKDB | 1 << OD_ORACLE_POSTGRES };
    static const uint32_t audiences[] = {EVERYBODY, 1 << OD_ORACLE_DUCKDB | 1 << OD_ORACLE_POSTGRES, 0,
                                         EVERYBODY, 0};
    static const uint32_t tables_allow[OD_FLAVOUR_COUNT] = {
        [OD_FLAVOUR_PLAIN] = UINT32_MAX,
        [OD_FLAVOUR_SPECIAL] = 1 << OD_ORACLE_DUCKDB | 1 << OD_ORACLE_POSTGRES,
        [OD_FLAVOUR_WILD] = 1 << OD_ORACLE_POSTGRES,
    };
    return audiences[od_draw_below(g, 5)] & tables_allow[g->gen->flavour];
}

/* Digits that are open: few must be compared, and none decide which rows there are. */
static void note_open_digits(struct od_query_gen *g)
{
    static const enum od_query_feature deciding[] = {
        OD_QUERY_DISTINCT,    OD_QUERY_DISTINCT_ON, OD_QUERY_UNION,      OD_QUERY_EXCEPT,
        OD_QUERY_INTERSECT,   OD_QUERY_LIMIT,       OD_QUERY_EXCEPT_ALL, OD_QUERY_INTERSECT_ALL,
        OD_QUERY_HAVING,      OD_QUERY_DERIVED,     OD_QUERY_CTE,        OD_QUERY_SCALAR_SUBQUERY,
        OD_QUERY_IN_SUBQUERY, OD_QUERY_WINDOW,      OD_QUERY_LATERAL};
    for (size_t i = 0; i < sizeof(deciding) / sizeof(deciding[0]) && g->query->features[OD_QUERY_STATISTICS];
         i++)
        if (g->query->features[deciding[i]])
            od_note(g, OD_QUERY_INEXACT_KEYS);
    bool is_wild = g->query->features[OD_QUERY_NUMERIC] && g->gen->flavour == OD_FLAVOUR_WILD;
    if (is_wild || (g->query->features[OD_QUERY_NUMERIC_OF_DOUBLE] && g->gen->flavour != OD_FLAVOUR_PLAIN))
        od_note(g, OD_QUERY_LONG_NUMERIC);
    if (g->query->features[OD_QUERY_STATISTICS] && g->gen->flavour != OD_FLAVOUR_PLAIN)
        od_note(g, OD_QUERY_FLOAT_SUM_HARD);
}

void od_query_note_spared(struct od_query_gen *g, uint32_t before)
{
    g->may_be_spared |= g->may_fail_count != before;
}

void od_query_note_folded(struct od_query_gen *g, uint32_t may_fail_before, uint32_t foldable_before)
{
    g->may_be_spared |= g->may_fail_count != may_fail_before && g->foldable_count != foldable_before;
}

/* Every expression that may fail is evaluated for the rows that the tables, joins and conditions give, whatever
 * the plan: who fails here and who answers must agree. A constant may be folded with what stands around it, and
 * a part of a query may go unread. */
static void note_failing(struct od_query_gen *g)
{
    static const enum od_query_feature sparing[] = {
        OD_QUERY_LATERAL,      OD_QUERY_DERIVED,         OD_QUERY_CTE,         OD_QUERY_FROM_VALUES,
        OD_QUERY_VALUES,       OD_QUERY_SCALAR_SUBQUERY, OD_QUERY_IN_SUBQUERY, OD_QUERY_EXISTS_SUBQUERY,
        OD_QUERY_QUANTIFIED,   OD_QUERY_LIMIT,           OD_QUERY_EXCEPT,      OD_QUERY_INTERSECT,
        OD_QUERY_EXCEPT_ALL,   OD_QUERY_INTERSECT_ALL,   OD_QUERY_IN_LIST,     OD_QUERY_ROWS,
        OD_QUERY_ROWS_DISTINCT};
    bool has_having = g->query->features[OD_QUERY_HAVING] || g->query->features[OD_QUERY_HAVING_ALONE];
    bool spares_calls = g->folds_calls || has_having; /* which may be asked of the keys first */
    bool spares = g->may_be_spared || (g->calls_may_fail && spares_calls) || g->may_fail_count == 0;
    for (size_t i = 0; i < sizeof(sparing) / sizeof(sparing[0]); i++)
        spares |= g->query->features[sparing[i]];
    if (!spares)
        od_note(g, OD_QUERY_FAILS_SURELY);
}

static void note_correlated_sets(struct od_query_gen *g)
{
    const bool *has = g->query->features;
    if (has[OD_QUERY_CORRELATED] &&
        (has[OD_QUERY_GROUPING_SETS] || has[OD_QUERY_ROLLUP] || has[OD_QUERY_CUBE]))
        od_note(g, OD_QUERY_CORRELATED_SETS);
}

static void note_tables(struct od_query_gen *g)
{
    if (g->gen->flavour == OD_FLAVOUR_SPECIAL)
        od_note(g, OD_QUERY_SPECIAL_VALUES);
    if (g->gen->flavour == OD_FLAVOUR_WILD)
        od_note(g, OD_QUERY_WILD_VALUES);
    for (uint32_t i = 0; i < g->gen->table_count; i++) {
        struct od_batch rows = od_table_view(g->gen->tables[i]);
        if (rows.row_count == 0)
            od_note(g, OD_QUERY_EMPTY_TABLE);
        for (uint32_t j = 0; j < rows.schema->field_count; j++) {
            bool all_null = rows.row_count > 0;
            for (uint32_t row = 0; row < rows.row_count; row++)
                all_null &= od_column_is_null(&rows.columns[j], row);
            if (all_null)
                od_note(g, OD_QUERY_ALL_NULL_COLUMN);
        }
    }
}

const struct od_statement *od_gen_query(struct od_gen *gen)
{
    struct od_query_gen *g = od_arena_take(gen->arena, sizeof(*g));
    struct od_statement *query = od_arena_take(gen->arena, sizeof(*query));
    struct od_outputs outputs;
    if (g == NULL || query == NULL) {
        gen->status = od_fail(gen->error, OD_NO_MEMORY, "drawing a statement");
        return NULL;
    }
    *g = (struct od_query_gen){.gen = gen,
                               .query = query,
                               .rows_max = ROWS_MAX,
                               .selects_left = SELECTS_MAX,
                               .place = OD_QUERY_FEATURE_COUNT};
    const struct od_wanted wanted = {.is_top = true};
    note_tables(g);
    g->audience = draw_audience(g);
    if (od_draw_below(g, 16) == 15) {
        query->sql = draw_sure(g);
    } else {
        g->selects_left = 1 + (uint32_t)od_draw_below(g, SELECTS_MAX);
        const char *ctes = draw_ctes(g);
        query->sql = od_say(g, "%s%s", ctes, od_query_query(g, NULL, &wanted, 0, &outputs));
    }
    note_open_digits(g);
    note_failing(g);
    note_correlated_sets(g);
    return gen->status == OD_OK ? query : NULL;
}
