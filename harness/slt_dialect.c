/* slt_dialect: PostgreSQL's words for what other engines write.
 *
 *   CREATE TABLE t (a INT) AS VALUES (1)      CREATE TABLE t (a INT); INSERT INTO t VALUES (1)     DataFusion
 *   CREATE OR REPLACE TABLE t ...             DROP TABLE IF EXISTS t; CREATE TABLE t ...           DuckDB
 *   FROM (SELECT ...)                         FROM (SELECT ...) AS unnamed_1              PostgreSQL 16, too
 *   (a INT,)                                  (a INT )                                           DataFusion
 *   INTERVAL 5 DAY, INTERVAL (a) DAY          INTERVAL '5 DAY', ((a) * INTERVAL '1 DAY')  DuckDB, DataFusion
 *   ORDER BY ALL DESC                         ORDER BY 1 DESC, 2 DESC                                DuckDB
 *   FROM range(5) t                           FROM generate_series(0::bigint, (5) - 1) t(range)              DuckDB
 *   FROM generate_series(5)                   FROM generate_series(0::bigint, 5)             DuckDB, DataFusion
 *   FROM VALUES (1), (2) t(a)                 FROM (VALUES (1), (2)) t(a)                                  DataFusion
 *   LIMIT 2, 3                                LIMIT 3 OFFSET 2                       DataFusion, SQLite, MySQL
 *   a == b                                    a = b                                          DuckDB, DataFusion
 *
 * A text is translated only after PostgreSQL's grammar has refused it (or the binder something that PostgreSQL does not have),
 * at the place that the error tells, and one thing at a time: the caller tries again. So whatever PostgreSQL takes keeps
 * PostgreSQL's meaning, and a refused text has run nothing. */
#include "harness/slt_dialect.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "engine/core/buffer.h"

/* --- tokens --------------------------------------------------------------------------------------------- */

struct token {
    const char *at;
    size_t size; /* 0: the end of the text */
};

static const char *skip_blanks(const char *at)
{
    for (;;) {
        at += strspn(at, " \t\r\n\f\v");
        if (at[0] == '-' && at[1] == '-') {
            at += strcspn(at, "\n");
        } else if (at[0] == '/' && at[1] == '*') {
            const char *end = strstr(at + 2, "*/");
            at = end == NULL ? at + strlen(at) : end + 2;
        } else {
            return at;
        }
    }
}

/* A word, a quoted text (doubled quotes are two of them), or one other byte. */
static struct token next_token(const char *at)
{
    struct token token = {skip_blanks(at), 1};
    if (*token.at == '\0')
        token.size = 0;
    else if (*token.at == '\'' || *token.at == '"')
        token.size = 1 + strcspn(token.at + 1, *token.at == '"' ? "\"" : "'") + 1;
    else
        while ((isalnum((unsigned char)*token.at) || *token.at == '_') &&
               (isalnum((unsigned char)token.at[token.size]) || token.at[token.size] == '_'))
            token.size++;
    size_t rest = strlen(token.at);
    token.size = token.size < rest ? token.size : rest;
    return token;
}

static bool is_word(struct token token, const char *word)
{
    return token.size == strlen(word) && strncasecmp(token.at, word, token.size) == 0;
}

/* Goes past the token if it is the word. */
static bool take_word(const char **at, const char *word)
{
    struct token token = next_token(*at);
    if (!is_word(token, word))
        return false;
    *at = token.at + token.size;
    return true;
}

/* Behind the parenthesis that closes the one at `open`; NULL: there is none. */
static const char *behind_parentheses(const char *open)
{
    const char *at = open;
    size_t depth = 0;
    do {
        struct token token = next_token(at);
        if (token.size == 0)
            return NULL;
        depth += *token.at == '(';
        depth -= *token.at == ')';
        at = token.at + token.size;
    } while (depth > 0);
    return at;
}

/* --- CREATE --------------------------------------------------------------------------------------------- */

struct create {
    const char *replace; /* "OR REPLACE", or NULL */
    const char *replace_end;
    bool is_table;
    struct token name;
};

/* CREATE [OR REPLACE] [words] TABLE|VIEW [IF NOT EXISTS] name. The other words: TEMP, EXTERNAL, and so on. */
static bool read_create(const char *sql, struct create *create)
{
    const char *at = sql;
    *create = (struct create){0};
    if (!take_word(&at, "create"))
        return false;
    const char *start = at;
    if (take_word(&at, "or") && take_word(&at, "replace")) {
        create->replace = start;
        create->replace_end = at;
    }
    for (int words = 0; words < 4; words++) {
        struct token token = next_token(at);
        at = token.at + token.size;
        create->is_table = is_word(token, "table");
        if (!create->is_table && !is_word(token, "view"))
            continue;
        if (take_word(&at, "if") && !(take_word(&at, "not") && take_word(&at, "exists")))
            return false;
        create->name = next_token(at);
        return create->name.size > 0;
    }
    return false;
}

/* Does the token begin a statement that changes a relation, or stand between that word and the relation's name? */
static bool leads_to_name(struct token token, bool begins)
{
    static const char *const words[] = {
        "insert",   "replace", "upsert", "update", "delete",    "merge",        "copy",    "create", "alter",
        "truncate", "into",    "or",     "ignore", "abort",     "from",         "table",   "view",   "temp",
        "only",     "if",      "not",    "exists", "temporary", "materialized", "external"};
    for (size_t i = 0; i < (begins ? 10 : sizeof(words) / sizeof(words[0])); i++) {
        if (is_word(token, words[i]))
            return true;
    }
    return false;
}

const char *od_slt_changed_name(struct od_arena *arena, const char *sql)
{
    struct token token = next_token(sql);
    bool is_relation = !is_word(token, "create") && !is_word(token, "alter"); /* else a table or a view? */
    bool is_read = is_word(token, "copy") && strcasestr(sql, " from ") == NULL;
    if (!leads_to_name(token, true) || is_read)
        return NULL;
    for (; leads_to_name(token, false); token = next_token(token.at + token.size))
        is_relation |= is_word(token, "table") || is_word(token, "view");
    bool quoted = token.size > 2 && token.at[0] == '"';
    bool is_name = quoted || (token.size > 0 && (isalpha((unsigned char)*token.at) || *token.at == '_'));
    char *name = is_name && is_relation
                     ? od_arena_copy_text(arena, token.at + quoted, token.size - 2 * (size_t)quoted)
                     : NULL;
    for (char *at = name; at != NULL && *at != '\0' && !quoted; at++)
        *at = (char)tolower((unsigned char)*at);
    return name;
}

/* Columns with types and a query both: a table, then rows. */
static const char *split_create(struct od_arena *arena, const char *sql)
{
    struct create create;
    if (!read_create(sql, &create) || !create.is_table)
        return NULL;
    struct token open = next_token(create.name.at + create.name.size);
    const char *end = is_word(open, "(") ? behind_parentheses(open.at) : NULL;
    const char *query = end;
    if (query == NULL || !take_word(&query, "as"))
        return NULL;
    return od_arena_print(arena, "%.*s; INSERT INTO %.*s %s", (int)(end - sql), sql, (int)create.name.size,
                          create.name.at, query);
}

static const char *drop_first(struct od_arena *arena, const char *sql)
{
    struct create create;
    if (!read_create(sql, &create) || create.replace == NULL || !create.is_table)
        return NULL;
    return od_arena_print(arena, "DROP TABLE IF EXISTS %.*s; %.*s%s", (int)create.name.size, create.name.at,
                          (int)(create.replace - sql), sql, create.replace_end);
}

/* --- sub-selects without a name -------------------------------------------------------------------------- */

static const char *place_of(const char *sql, const struct od_error *error)
{
    const char *at = sql;
    for (uint32_t line = 1; line < error->line && at != NULL; line++) {
        at = strchr(at, '\n');
        at = at == NULL ? NULL : at + 1;
    }
    for (uint32_t column = 1; at != NULL && column < error->column; column++) { /* in characters */
        if (*at == '\0')
            return NULL;
        do
            at++;
        while (((unsigned char)*at & 0xc0) == 0x80);
    }
    return at;
}

static const char *name_subselect(struct od_arena *arena, const char *sql, const struct od_error *error)
{
    const char *at = place_of(sql, error);
    const char *open = at == NULL ? NULL : strchr(at, '(');
    const char *end = open == NULL ? NULL : behind_parentheses(open);
    if (end == NULL)
        return NULL;
    return od_arena_print(arena, "%.*s AS unnamed_%zu%s", (int)(end - sql), sql, (size_t)(open - sql), end);
}

/* A comma after the last of a list: "(a INT,)", "SELECT a, FROM t". */
static const char *drop_comma(struct od_arena *arena, const char *sql, const struct od_error *error)
{
    const char *at = place_of(sql, error);
    const char *comma = at;
    while (comma != NULL && comma > sql && strchr(" \t\r\n", comma[-1]) != NULL)
        comma--;
    if (comma == NULL || comma == sql || *--comma != ',')
        return NULL;
    return od_arena_print(arena, "%.*s %s", (int)(comma - sql), sql, comma + 1);
}

/* --- intervals, ORDER BY ALL ----------------------------------------------------------------------------- */

static bool is_unit(struct token token)
{
    static const char *const units[] = {"year",   "month",  "week",   "day",         "hour",
                                        "minute", "second", "decade", "millisecond", "microsecond"};
    size_t size = token.size;
    if (size > 1 && tolower((unsigned char)token.at[size - 1]) == 's')
        size--;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strlen(units[i]) == size && strncasecmp(token.at, units[i], size) == 0)
            return true;
    }
    return false;
}

/* The first INTERVAL with a bare number, or with anything in parentheses, and a unit behind it. Such a number may have a
 * fraction, which is three tokens. */
static const char *quote_interval(struct od_arena *arena, const char *sql)
{
    for (struct token token = next_token(sql); token.size > 0; token = next_token(token.at + token.size)) {
        struct token value = next_token(token.at + token.size);
        if (!is_word(token, "interval"))
            continue;
        size_t digits = strspn(value.at, "0123456789.");
        const char *end = *value.at == '(' ? behind_parentheses(value.at) : value.at + digits;
        struct token unit = next_token(end == NULL ? value.at : end);
        if (end == NULL || end == value.at || !is_unit(unit))
            continue;
        int before = (int)(token.at - sql);
        int size = (int)(end - value.at);
        return *value.at == '(' ? od_arena_print(arena, "%.*s(%.*s * INTERVAL '1 %.*s')%s", before, sql, size,
                                                 value.at, (int)unit.size, unit.at, unit.at + unit.size)
                                : od_arena_print(arena, "%.*sINTERVAL '%.*s %.*s'%s", before, sql, size,
                                                 value.at, (int)unit.size, unit.at, unit.at + unit.size);
    }
    return NULL;
}

/* The text's own ORDER BY ALL: as many columns as the answer is said to have. */
static const char *number_columns(struct od_arena *arena, const char *sql, uint32_t column_count)
{
    static const char *const words[] = {"asc", "desc", "nulls", "first", "last"};
    const char *at = sql;
    for (struct token token = next_token(at); token.size > 0; token = next_token(at)) {
        at = token.at + token.size;
        if (*token.at == '(')
            at = behind_parentheses(token.at);
        if (at == NULL)
            return NULL;
        const char *start = token.at;
        if (!is_word(token, "order") || !take_word(&at, "by") || !take_word(&at, "all") || column_count == 0)
            continue;
        const char *direction = at;
        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
            take_word(&at, words[i]);
        const char *text = od_arena_print(arena, "%.*sORDER BY", (int)(start - sql), sql);
        for (uint32_t i = 1; i <= column_count && text != NULL; i++)
            text = od_arena_print(arena, "%s%s%u%.*s", text, i == 1 ? " " : ", ", i, (int)(at - direction),
                                  direction);
        return text == NULL ? NULL : od_arena_print(arena, "%s%s", text, at);
    }
    return NULL;
}

/* --- range, == --------------------------------------------------------------------------------------------- */

/* The end of an argument: at the comma or parenthesis behind it; NULL: there is none. */
static const char *behind_argument(const char *at)
{
    for (struct token token = next_token(at); token.size > 0; token = next_token(at)) {
        if (*token.at == ',' || *token.at == ')')
            return token.at;
        at = *token.at == '(' ? behind_parentheses(token.at) : token.at + token.size;
        if (at == NULL)
            return NULL;
    }
    return NULL;
}

/* "(range)", behind the alias that stands at *at, or an alias with it; "" where columns are named. */
static const char *column_of_range(const char **at)
{
    static const char *const followers[] = {
        "where", "join",  "inner", "left",   "right", "full",      "cross",  "natural", "on",     "using",
        "group", "order", "limit", "offset", "union", "intersect", "except", "having",  "window", "fetch"};
    const char *behind = *at;
    take_word(&behind, "as");
    struct token alias = next_token(behind);
    bool is_alias =
        alias.size > 0 && (isalpha((unsigned char)*alias.at) || *alias.at == '_' || *alias.at == '"');
    for (size_t i = 0; i < sizeof(followers) / sizeof(followers[0]); i++)
        is_alias &= !is_word(alias, followers[i]);
    if (!is_alias)
        return " AS range(range)";
    *at = alias.at + alias.size;
    return *next_token(*at).at == '(' ? "" : "(range)";
}

/* range(end), range(start, end), range(start, end, step): as generate_series, but the end is left out, and of bigint. */
static const char *series_of_range(struct od_arena *arena, const char *sql, const struct od_error *error)
{
    const char *call = place_of(sql, error);
    const char *at = call == NULL ? "" : call;
    const char *arguments[4] = {NULL};
    size_t count = 0;
    bool is_series = take_word(&at, "generate_series");
    if ((!is_series && !take_word(&at, "range")) || *next_token(at).at != '(')
        return NULL;
    arguments[0] = next_token(at).at + 1;
    if (is_series && *next_token(arguments[0]).at != ')') {
        const char *end = behind_argument(arguments[0]);
        return end == NULL || *end != ')'
                   ? NULL
                   : od_arena_print(arena, "%.*s0::bigint, %s", (int)(arguments[0] - sql), sql, arguments[0]);
    }
    for (const char *end = arguments[0]; count < 3; count++) {
        end = behind_argument(arguments[count]);
        if (end == NULL)
            return NULL;
        arguments[count + 1] = end + 1;
        if (*end == ')')
            break;
    }
    if (count == 3 || *next_token(arguments[0]).at == ')')
        return NULL;
    const char *last = count == 0 ? arguments[0] : arguments[1];
    const char *last_end = count == 0 ? arguments[1] : arguments[2];
    const char *behind = arguments[count + 1];
    bool down = count == 2 && *next_token(arguments[2]).at == '-';
    int first_size = count == 0 ? 1 : (int)(arguments[1] - 1 - arguments[0]);
    int step_size = count == 2 ? (int)(behind - 1 - arguments[2]) : 0;
    const char *columns_at = behind;
    const char *column = column_of_range(&columns_at);
    return od_arena_print(arena, "%.*sgenerate_series((%.*s)::bigint, (%.*s) %c 1%s%.*s)%.*s%s%s",
                          (int)(call - sql), sql, first_size, count == 0 ? "0" : arguments[0],
                          (int)(last_end - 1 - last), last, down ? '+' : '-', count == 2 ? ", " : "",
                          step_size, count == 2 ? arguments[2] : "", (int)(columns_at - behind), behind,
                          column, columns_at);
}

/* FROM VALUES (1), (2): its rows in parentheses. The grammar takes VALUES for a table and refuses the first row. */
static const char *enclose_values(struct od_arena *arena, const char *sql, const struct od_error *error)
{
    const char *row = place_of(sql, error);
    struct token token = next_token(sql);
    while (token.size > 0 && next_token(token.at + token.size).at != row)
        token = next_token(token.at + token.size);
    if (row == NULL || *row != '(' || !is_word(token, "values"))
        return NULL;
    const char *end = row;
    for (bool more = true; more;) {
        end = behind_parentheses(row);
        if (end == NULL)
            return NULL;
        const char *at = end;
        more = take_word(&at, ",") && *(row = next_token(at).at) == '(';
    }
    return od_arena_print(arena, "%.*s(%.*s)%s", (int)(token.at - sql), sql, (int)(end - token.at), token.at,
                          end);
}

static const char *swap_limit(struct od_arena *arena, const char *sql, const struct od_error *error)
{
    const char *limit = place_of(sql, error);
    const char *first = limit;
    const char *comma = first != NULL && take_word(&first, "limit") ? behind_argument(first) : NULL;
    if (comma == NULL || *comma != ',')
        return NULL;
    struct token count = next_token(comma + 1);
    return od_arena_print(arena, "%.*sLIMIT %.*s OFFSET%.*s%s", (int)(limit - sql), sql, (int)count.size,
                          count.at, (int)(comma - first), first, count.at + count.size);
}

static const char *single_equal(struct od_arena *arena, const char *sql, const struct od_error *error)
{
    const char *at = place_of(sql, error);
    return at == NULL || strncmp(at, "==", 2) != 0
               ? NULL
               : od_arena_print(arena, "%.*s%s", (int)(at - sql), sql, at + 1);
}

/* --- what is known -------------------------------------------------------------------------------------- */

static bool begins(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

const char *od_slt_misread(const char *sql)
{
    static const struct {
        const char *word;
        const char *join;
    } joins[] = {{"semi", "SEMI JOIN"},
                 {"anti", "ANTI JOIN"},
                 {"asof", "ASOF JOIN"},
                 {"positional", "POSITIONAL JOIN"}};
    struct token before = {sql, 0};
    for (struct token token = next_token(sql); token.size > 0; token = next_token(token.at + token.size)) {
        const char *at = token.at + token.size;
        for (size_t i = 0; i < sizeof(joins) / sizeof(joins[0]); i++) {
            if (is_word(token, joins[i].word) && !is_word(before, "as") && take_word(&at, "join"))
                return joins[i].join;
        }
        before = token;
    }
    return NULL;
}

bool od_slt_is_foreign(const struct od_error *error)
{
    return error->status == OD_BAD_INPUT &&
           (begins(error->text, "syntax error") || begins(error->text, "LIMIT #,# syntax") ||
            begins(error->text, "trailing junk after numeric literal") || /* 0x1F, 1_000, INTERVAL 5day */
            begins(error->text, "subquery in FROM must have an alias") ||
            begins(error->text, "VALUES in FROM must have an alias"));
}

const char *od_slt_translate(struct od_arena *arena, const char *sql, uint32_t column_count,
                             const struct od_error *error)
{
    if (error->status == OD_UNSUPPORTED && begins(error->text, "a function in FROM"))
        return series_of_range(arena, sql, error);
    if (error->status == OD_UNSUPPORTED && begins(error->text, "operator == "))
        return single_equal(arena, sql, error);
    if (!od_slt_is_foreign(error))
        return NULL;
    if (begins(error->text, "LIMIT"))
        return swap_limit(arena, sql, error);
    if (strstr(error->text, "must have an alias") != NULL)
        return name_subselect(arena, sql, error);
    const char *translated = drop_comma(arena, sql, error);
    if (translated == NULL)
        translated = enclose_values(arena, sql, error);
    if (translated == NULL)
        translated = drop_first(arena, sql);
    if (translated == NULL)
        translated = quote_interval(arena, sql);
    if (translated == NULL)
        translated = number_columns(arena, sql, column_count);
    return translated != NULL ? translated : split_create(arena, sql);
}
