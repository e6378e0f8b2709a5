/* gen_query_expr: expressions of drawn statements: columns, literals, rows of words, subqueries; see
 * gen_query.h. */
#include "properties/gen_query.h"

#include "engine/core/assert.h"

#include <string.h>

#define ARGUMENTS_MAX 6u

const char *od_query_type_text(enum od_type type)
{
    return od_type_text(type);
}

static bool is_understood(const struct od_query_gen *g, enum od_type type)
{
    bool is_time = type == OD_TYPE_DATE || type == OD_TYPE_TIMESTAMP;
    return (type != OD_TYPE_DECIMAL || od_may(g, OD_QUERY_NUMERIC)) &&
           (!is_time || od_may(g, OD_QUERY_DATES));
}

enum od_type od_draw_type(struct od_query_gen *g)
{
    static const enum od_type types[] = {OD_TYPE_INT32, OD_TYPE_INT64,   OD_TYPE_TEXT,      OD_TYPE_FLOAT64,
                                         OD_TYPE_DATE,  OD_TYPE_DECIMAL, OD_TYPE_TIMESTAMP, OD_TYPE_INT32};
    enum od_type type = types[od_draw_below(g, sizeof(types) / sizeof(types[0]))];
    return is_understood(g, type) ? type : OD_TYPE_INT64;
}

enum od_type od_draw_scope_type(struct od_query_gen *g, const struct od_scope *scope)
{
    if (scope->count == 0)
        return od_draw_type(g);
    enum od_type type = scope->columns[od_draw_below(g, scope->count)].type;
    bool is_fit = type != OD_TYPE_BOOLEAN && (type != OD_TYPE_DECIMAL || od_may(g, OD_QUERY_NUMERIC));
    return is_fit ? type : od_draw_type(g);
}

/* --- columns and literals
 * ---------------------------------------------------------------------------------- */

bool od_query_is_nameable(const struct od_scope *scope, const struct od_named *column)
{
    if (column->name == NULL || strcmp(column->text, column->name) != 0)
        return true;
    uint32_t count = 0;
    for (uint32_t i = 0; i < scope->count; i++)
        count += scope->columns[i].name != NULL && !scope->columns[i].is_hidden &&
                 strcmp(scope->columns[i].name, column->name) == 0;
    return count == 1;
}

/* One of those in [first, end) of the type; NULL: none. */
static const char *pick_between(struct od_query_gen *g, const struct od_scope *scope, uint32_t first,
                                uint32_t end, enum od_type type, bool from_inside)
{
    const char *found[OD_SCOPE_COLUMNS_MAX];
    uint32_t count = 0;
    for (uint32_t i = first; i < end; i++) {
        const struct od_named *column = &scope->columns[i];
        if (column->type == type && (column->is_outer || !from_inside) && od_query_is_nameable(scope, column))
            found[count++] = column->text;
    }
    if (count == 0)
        return NULL;
    if (type == OD_TYPE_DECIMAL)
        od_note(g, OD_QUERY_NUMERIC);
    g->columns_read++;
    return found[od_draw_below(g, count)];
}

static const char *pick_column(struct od_query_gen *g, const struct od_scope *scope, enum od_type type,
                               bool from_inside)
{
    return pick_between(g, scope, 0, scope->count, type, from_inside);
}

const char *od_query_column(struct od_query_gen *g, const struct od_scope *scope, enum od_type type)
{
    return pick_column(g, scope, type, false);
}

const char *od_query_column_between(struct od_query_gen *g, const struct od_scope *scope, uint32_t first,
                                    uint32_t end, enum od_type type)
{
    return pick_between(g, scope, first, end, type, false);
}

/* Of a query around this one; NULL: there is none with such a column. */
static const char *pick_outer(struct od_query_gen *g, const struct od_scope *scope, enum od_type type)
{
    uint32_t depth = 1;
    for (const struct od_scope *outer = scope->outer; outer != NULL; outer = outer->outer, depth++) {
        bool is_last = outer->outer == NULL;
        if (!is_last && od_chance(g, 1, 3))
            continue;
        const char *text = pick_column(g, outer, type, true);
        if (text == NULL)
            continue;
        od_note(g, depth == 1 ? OD_QUERY_CORRELATED : OD_QUERY_CORRELATED_DEEP);
        return text;
    }
    return NULL;
}

static const char *quoted(struct od_query_gen *g, const struct od_value *value)
{
    char text[300];
    uint32_t size = 0;
    for (uint32_t i = 0; i < value->text.size && size + 3 < sizeof(text); i++) {
        text[size++] = value->text.bytes[i];
        if (value->text.bytes[i] == '\'')
            text[size++] = '\'';
    }
    text[size] = '\0';
    return od_say(g, "'%s'", text);
}

/* Texts of a kilobyte are for tables. */
static struct od_value literal_value(struct od_query_gen *g, enum od_type type)
{
    struct od_value value = od_gen_value(g->gen, type);
    bool is_whole = type == OD_TYPE_INT32 || type == OD_TYPE_INT64;
    if (is_whole && od_chance(g, 1, 2)) /* as the tables' pool: something equals it */
        value.int64 = (int64_t)od_draw_below(g, 4);
    if (type == OD_TYPE_TEXT && value.text.size > 80)
        value.text.size = 0;
    return value;
}

const char *od_query_literal(struct od_query_gen *g, enum od_type type)
{
    struct od_value value = literal_value(g, type);
    struct od_buffer printed;
    bool is_null = od_chance(g, 1, 10) || !is_understood(g, type);
    g->literal_count++;
    g->foldable_count += is_null || type == OD_TYPE_BOOLEAN;
    if (is_null)
        return od_say(g, "CAST(NULL AS %s)", od_query_type_text(type));
    if (type == OD_TYPE_TEXT)
        return g->casts_texts ? od_say(g, "CAST(%s AS text)", quoted(g, &value)) : quoted(g, &value);
    od_buffer_init(&printed, g->gen->memory);
    od_value_print(&value, &printed);
    const char *text = od_say(g, "%s", od_buffer_text(&printed));
    od_buffer_release(&printed);
    if (type == OD_TYPE_BOOLEAN)
        return value.boolean ? "true" : "false";
    if (type == OD_TYPE_DATE || type == OD_TYPE_TIMESTAMP) {
        od_note(g, OD_QUERY_DATES);
        return od_say(g, "%s '%s'", od_query_type_text(type), text);
    }
    bool is_plain = (type == OD_TYPE_INT32 || type == OD_TYPE_INT64) && value.int64 >= 0;
    if (is_plain)
        return text;
    if (type == OD_TYPE_DECIMAL)
        od_note(g, OD_QUERY_NUMERIC);
    return od_say(g, "CAST('%s' AS %s)", text, od_query_type_text(type));
}

/* --- rows of words
 * ----------------------------------------------------------------------------------------- */

static const char *argument(struct od_query_gen *g, const struct od_scope *scope, char letter,
                            enum od_type chosen, uint32_t depth)
{
    if (letter == 'k')
        return od_say(g, "%u", 1 + (unsigned)od_draw_below(g, 3));
    enum od_type type = od_letter_type(letter);
    if (type == OD_TYPE_COUNT)
        type = letter == 'T' ? chosen : od_draw_scope_type(g, scope);
    return od_query_expr(g, scope, type, depth);
}

/* %s becomes the next argument, %% a %. */
static const char *put_in(struct od_query_gen *g, const char *format, const char *const *arguments)
{
    struct od_buffer text;
    od_buffer_init(&text, g->gen->memory);
    for (const char *at = format; *at != '\0'; at++) {
        bool is_argument = at[0] == '%' && at[1] == 's';
        if (is_argument)
            od_buffer_append_text(&text, *arguments++);
        else
            od_buffer_append(&text, at, 1);
        at += is_argument || (at[0] == '%' && at[1] == '%');
    }
    const char *made = od_say(g, "%s", od_buffer_text(&text));
    od_buffer_release(&text);
    return made;
}

bool od_query_suits(const struct od_scope *scope, const struct od_words *words)
{
    for (const char *letter = words->arguments; *letter != '\0'; letter++) {
        enum od_type type = od_letter_type(*letter);
        uint32_t i = 0;
        while (i < scope->count && scope->columns[i].type != type)
            i++;
        if (type != OD_TYPE_COUNT && i == scope->count)
            return false;
    }
    return true;
}

const char *od_query_fill(struct od_query_gen *g, const struct od_scope *scope, const struct od_words *words,
                          enum od_type chosen, uint32_t depth, enum od_type *type_out)
{
    const char *arguments[ARGUMENTS_MAX];
    uint32_t count = (uint32_t)strlen(words->arguments);
    uint32_t read_before = g->columns_read;
    od_assert(count <= ARGUMENTS_MAX);
    if (chosen == OD_TYPE_COUNT)
        chosen = od_draw_scope_type(g, scope);
    for (uint32_t i = 0; i < count; i++)
        arguments[i] = words->arguments[i] == '=' ? arguments[i - 1]
                                                  : argument(g, scope, words->arguments[i], chosen, depth);
    if (words->feature != OD_QUERY_FEATURE_COUNT)
        od_note(g, words->feature);
    if (words->may_fail)
        od_note(g, OD_QUERY_MAY_FAIL);
    g->may_fail_count += words->may_fail;
    g->foldable_count += count > 0 && g->columns_read == read_before;
    *type_out = words->type == OD_TYPE_COUNT ? chosen : words->type;
    return put_in(g, words->text, arguments);
}

static const char *call(struct od_query_gen *g, const struct od_scope *scope, enum od_type type,
                        uint32_t depth)
{
    uint32_t first = 0;
    while (first < od_expr_word_count && od_expr_words[first].type != type)
        first++;
    uint32_t end = first;
    while (end < od_expr_word_count && od_expr_words[end].type == type)
        end++;
    uint32_t index = first + (uint32_t)od_draw_below(g, end - first);
    bool is_picky = od_chance(g, 2, 3); /* else words of constants, too */
    for (uint32_t i = first; i < end && (!od_may(g, od_expr_words[index].feature) ||
                                         (is_picky && !od_query_suits(scope, &od_expr_words[index])));
         i++)
        index = index + 1 < end ? index + 1 : first;
    if (!od_may(g, od_expr_words[index].feature))
        return od_query_expr(g, scope, type, 0);
    const struct od_words *words = &od_expr_words[index];
    /* Extremes overflow nearly always: most statements shall have an answer. */
    if (words->may_fail && g->gen->flavour == OD_FLAVOUR_WILD && !od_chance(g, 1, 4))
        words = &od_expr_words[first + (type == OD_TYPE_BOOLEAN ? 0 : end - first - 1)];
    enum od_type made;
    return od_query_fill(g, scope, words, OD_TYPE_COUNT, depth - 1, &made);
}

/* --- subqueries
 * -------------------------------------------------------------------------------------------- */

/* A subquery is asked for each row of `scope`: what it may read is bounded accordingly. */
static const char *subquery(struct od_query_gen *g, const struct od_scope *scope,
                            const struct od_wanted *wanted, uint32_t limit)
{
    struct od_outputs outputs;
    uint32_t rows_max = g->rows_max;
    enum od_query_feature place = g->place;
    g->rows_max = rows_max / (scope->rows / 8 + 1);
    od_note(g, place);
    const char *text = od_query_query(g, scope, wanted, limit, &outputs);
    g->rows_max = rows_max;
    g->place = place;
    return text;
}

static const char *scalar_subquery(struct od_query_gen *g, const struct od_scope *scope, enum od_type type)
{
    struct od_wanted wanted = {.count = 1, .types = {type}};
    od_note(g, OD_QUERY_SCALAR_SUBQUERY);
    switch (od_draw_below(g, od_may(g, OD_QUERY_MANY_ROWS_SUBQUERY) ? 8 : 7)) {
    case 5:
    case 6:
        od_note(g, OD_QUERY_LIMITED_SUBQUERY);
        return od_say(g, "(%s)", subquery(g, scope, &wanted, 1));
    case 7:
        od_note(g, OD_QUERY_MANY_ROWS_SUBQUERY);
        od_note(g, OD_QUERY_MAY_FAIL);
        g->may_fail_count++;
        return od_say(g, "(%s)", subquery(g, scope, &wanted, 0));
    default:
        wanted.is_one_row = true;
        return od_say(g, "(%s)", subquery(g, scope, &wanted, 0));
    }
}

static const char *membership(struct od_query_gen *g, const struct od_scope *scope)
{
    static const char *const operators[] = {"=", "<>", "<", ">="};
    struct od_wanted wanted = {.count = 1, .types = {od_draw_scope_type(g, scope)}};
    const char *negation = od_chance(g, 1, 2) ? "NOT " : "";
    uint64_t kind = od_draw_below(g, od_may(g, OD_QUERY_QUANTIFIED) ? 4 : 3);
    bool is_row = kind == 2 && od_may(g, OD_QUERY_ROWS);
    const char *left = od_query_expr(g, scope, wanted.types[0], 0);
    if (is_row) {
        od_note(g, OD_QUERY_ROWS);
        wanted.count = 2;
        wanted.types[1] = od_draw_scope_type(g, scope);
        left = od_say(g, "(%s, %s)", left, od_query_expr(g, scope, wanted.types[1], 0));
    }
    const char *inner = subquery(g, scope, &wanted, 0);
    if (kind <= 2) {
        od_note(g, OD_QUERY_IN_SUBQUERY);
        return od_say(g, "(%s %sIN (%s))", left, negation, inner);
    }
    od_note(g, OD_QUERY_QUANTIFIED);
    const char *operator= operators[od_draw_below(g, 4)];
    return od_say(g, "(%s%s %s %s (%s))", negation, left, operator, od_chance(g, 1, 2) ? "ALL" : "ANY",
                  inner);
}

static const char *test_with_subquery(struct od_query_gen *g, const struct od_scope *scope)
{
    struct od_wanted wanted = {.count = 1, .types = {OD_TYPE_INT32}};
    switch (od_draw_below(g, 3)) {
    case 0:
        od_note(g, OD_QUERY_EXISTS_SUBQUERY);
        const char *negation = od_chance(g, 1, 2) ? "NOT " : "";
        return od_say(g, "(%sEXISTS (%s))", negation, subquery(g, scope, &wanted, 0));
    case 1:
        return membership(g, scope);
    default:
        wanted.types[0] = od_draw_scope_type(g, scope);
        const char *left = od_query_expr(g, scope, wanted.types[0], 0);
        const char *operator= od_chance(g, 1, 2) ? "<" : "=";
        return od_say(g, "(%s %s %s)", left, operator, scalar_subquery(g, scope, wanted.types[0]));
    }
}

/* --- expressions
 * ------------------------------------------------------------------------------------------- */

static const char *leaf(struct od_query_gen *g, const struct od_scope *scope, enum od_type type)
{
    const char *text = NULL;
    uint64_t kind = g->is_sure ? 0 : od_draw_below(g, 8);
    if (kind >= 5 && scope->outer != NULL)
        text = pick_outer(g, scope, type);
    if (text == NULL && kind != 4)
        text = pick_column(g, scope, type, false);
    if (text == NULL && g->is_sure && type == OD_TYPE_BOOLEAN && scope->count > 0)
        text = od_say(g, "(%s IS NULL)", pick_column(g, scope, scope->columns[0].type, false));
    return text != NULL ? text : od_query_literal(g, type);
}

const char *od_query_expr(struct od_query_gen *g, const struct od_scope *scope, enum od_type type,
                          uint32_t depth)
{
    od_open_span(g, "expression");
    uint64_t kind = od_draw_below(g, 12);
    bool may_ask = g->place != OD_QUERY_FEATURE_COUNT && g->selects_left > 0 && depth > 0;
    const char *text;
    if (kind >= 11 && may_ask)
        text = type == OD_TYPE_BOOLEAN ? test_with_subquery(g, scope) : scalar_subquery(g, scope, type);
    else if (kind >= 6 && depth > 0)
        text = call(g, scope, type, depth);
    else
        text = leaf(g, scope, type);
    od_close_span(g);
    return text;
}

static const char *comparison(struct od_query_gen *g, const struct od_scope *scope, uint32_t depth)
{
    static const char *const operators[] = {"=", "<", ">", "<>", ">=", "="};
    enum od_type type = od_draw_scope_type(g, scope);
    const char *operator= operators[od_draw_below(g, 6)];
    const char *left = od_query_expr(g, scope, type, 0);
    const char *right = od_query_expr(g, scope, type, depth);
    if (strcmp(left, right) == 0 && od_chance(g, 3, 4)) /* says little */
        right = od_query_literal(g, type);
    return od_say(g, "%s %s %s", left, operator, right);
}

static const char *null_test(struct od_query_gen *g, const struct od_scope *scope)
{
    const struct od_named *column = &scope->columns[od_draw_below(g, scope->count)];
    const char *text = od_query_column(g, scope, column->type);
    return od_say(g, "%s IS%s NULL", text != NULL ? text : "NULL", od_chance(g, 1, 4) ? " NOT" : "");
}

/* Comparisons mostly, with the columns of queries around, and what is true of padded rows, too. */
const char *od_query_predicate(struct od_query_gen *g, const struct od_scope *scope)
{
    od_open_span(g, "predicate");
    const char *text;
    uint64_t kind = od_draw_below(g, 12);
    bool may_ask = g->selects_left > 0 && g->place != OD_QUERY_FEATURE_COUNT;
    if (kind >= 10 && scope->count > 0) {
        text = null_test(g, scope);
    } else if (kind >= 8 && scope->count > 0) {
        const char *left = comparison(g, scope, 0);
        text = od_say(g, "(%s OR %s)", left, kind == 8 ? comparison(g, scope, 0) : null_test(g, scope));
    } else if (kind >= 5 && may_ask) {
        text = test_with_subquery(g, scope);
    } else if (kind >= 3) {
        text = od_query_expr(g, scope, OD_TYPE_BOOLEAN, 2);
    } else {
        text = comparison(g, scope, 1);
    }
    od_close_span(g);
    return text;
}
