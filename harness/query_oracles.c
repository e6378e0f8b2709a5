/* query_oracles: see query_oracles.h. */
#include "harness/query_oracles.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/world/posix.h"
#include "harness/opinion.h"
#include "properties/model.h"
#include "properties/oracle_sqlite.h"

struct od_query_oracles {
    uint32_t wanted; /* bits of enum od_oracle */
    struct od_oracle_sqlite *sqlite;
    struct od_opinion opinions[OD_ORACLE_COUNT]; /* DUCKDB, POSTGRES */
    uint64_t loaded[OD_ORACLE_COUNT];            /* hash of the tables that it has; 0: none */
};

static const struct {
    const char *answer_code;
    const char *error_code;
    const char *setting; /* so that it means the same */
} ways[OD_ORACLE_COUNT] = {
    [OD_ORACLE_MODEL] = {"OM", "EM", NULL},
    [OD_ORACLE_SQLITE] = {"OS", "ES", NULL},
    [OD_ORACLE_DUCKDB] = {"OD", "ED",
                          "SET threads = 1; SET integer_division = true; "
                          "SET default_null_order = 'nulls_last_on_asc_first_on_desc'"},
    [OD_ORACLE_POSTGRES] = {"OP", "EP", "SET statement_timeout = '4s'; SET work_mem = '64MB'"},
};

uint32_t od_query_oracles_of(const char *code)
{
    for (uint32_t i = 0; i < OD_ORACLE_COUNT; i++)
        if (strcmp(ways[i].answer_code, code) == 0 || strcmp(ways[i].error_code, code) == 0)
            return UINT32_C(1) << i;
    return 0;
}

enum od_status od_query_oracles_open(uint32_t wanted, struct od_query_oracles **oracles_out,
                                     struct od_error *error)
{
    struct od_query_oracles *oracles = calloc(1, sizeof(*oracles));
    enum od_status status = OD_OK;
    *oracles_out = oracles;
    if (oracles == NULL)
        return od_fail(error, OD_NO_MEMORY, "opening oracles");
    oracles->wanted = wanted;
    if ((wanted >> OD_ORACLE_SQLITE & 1) != 0) {
        oracles->sqlite = od_oracle_sqlite_new(error);
        status = oracles->sqlite == NULL ? OD_NO_MEMORY : OD_OK;
    }
    for (uint32_t i = OD_ORACLE_DUCKDB; i < OD_ORACLE_COUNT && status == OD_OK; i++) {
        if ((wanted >> i & 1) == 0)
            continue;
        status = od_opinion_open(od_oracle_text((enum od_oracle)i), &oracles->opinions[i], error);
        if (status == OD_OK)
            status = oracles->opinions[i].ops->execute(oracles->opinions[i].self, ways[i].setting, error);
    }
    return status;
}

void od_query_oracles_close(struct od_query_oracles *oracles)
{
    if (oracles == NULL)
        return;
    od_oracle_sqlite_free(oracles->sqlite);
    for (uint32_t i = 0; i < OD_ORACLE_COUNT; i++)
        od_opinion_close(&oracles->opinions[i]);
    free(oracles);
}

/* --- tables
 * ------------------------------------------------------------------------------------------------ */

static uint64_t tables_hash(const struct od_case *test_case)
{
    uint64_t hash = 1;
    for (uint32_t i = 0; i < test_case->table_count; i++) {
        struct od_batch rows = od_table_view(test_case->tables[i]);
        struct od_hash128 checksum = od_batch_checksum(&rows);
        hash = od_mix_two(hash, od_schema_hash(&test_case->tables[i]->schema));
        for (uint32_t j = 0; j < rows.schema->field_count; j++)
            hash = od_mix_two(hash, od_hash_bytes(rows.schema->fields[j].name, 1, 0));
        hash = od_mix_two(od_mix_two(od_mix_two(hash, rows.row_count), checksum.low), checksum.high);
    }
    return hash == 0 ? 1 : hash;
}

/* Every value as a quoted text, which the column's type reads. */
static bool put_value(const struct od_value *value, struct od_buffer *sql)
{
    struct od_buffer text;
    if (value->is_null)
        return od_buffer_append_text(sql, "NULL");
    od_buffer_init(&text, od_posix_memory());
    bool fits = od_value_print(value, &text) && od_buffer_append_text(sql, "'");
    for (size_t i = 0; fits && i < text.size; i++) {
        if (text.bytes[i] == '\'')
            od_buffer_append_text(sql, "'");
        fits = od_buffer_append(sql, &text.bytes[i], 1);
    }
    od_buffer_release(&text);
    return fits && od_buffer_append_text(sql, "'");
}

static void put_table(const struct od_table *table, bool has_numerics, struct od_buffer *sql)
{
    struct od_batch rows = od_table_view(table);
    od_buffer_print(sql, "DROP TABLE IF EXISTS %s; CREATE TABLE %s (", table->name, table->name);
    for (uint32_t i = 0; i < table->schema.field_count; i++) {
        const struct od_field *field = &table->schema.fields[i];
        bool is_foreign = field->type == OD_TYPE_DECIMAL && !has_numerics;
        od_buffer_print(sql, "%s%s %s", i == 0 ? "" : ", ", field->name,
                        is_foreign ? "text" : od_type_text(field->type));
    }
    od_buffer_append_text(sql, "); ");
    for (uint32_t row = 0; row < rows.row_count; row++) {
        if (row == 0)
            od_buffer_print(sql, "INSERT INTO %s VALUES ", table->name);
        for (uint32_t i = 0; i < table->schema.field_count; i++) {
            struct od_value value = od_column_value(&rows.columns[i], row);
            od_buffer_append_text(sql, i > 0 ? ", " : row == 0 ? "(" : ", (");
            put_value(&value, sql);
        }
        od_buffer_append_text(sql, row + 1 == rows.row_count ? "); " : ")");
    }
}

static enum od_status load(struct od_query_oracles *oracles, enum od_oracle oracle,
                           const struct od_case *test_case, struct od_error *error)
{
    uint64_t hash = tables_hash(test_case);
    struct od_opinion *opinion = &oracles->opinions[oracle];
    struct od_buffer sql;
    if (oracles->loaded[oracle] == hash)
        return OD_OK;
    oracles->loaded[oracle] = 0;
    if (oracle == OD_ORACLE_SQLITE) {
        OD_TRY(od_oracle_sqlite_load(oracles->sqlite, &test_case->catalog, error));
        oracles->loaded[oracle] = hash;
        return OD_OK;
    }
    od_buffer_init(&sql, od_posix_memory());
    for (uint32_t i = 0; i < test_case->table_count; i++)
        put_table(test_case->tables[i], oracle == OD_ORACLE_POSTGRES, &sql);
    enum od_status status = sql.failed ? od_fail(error, OD_NO_MEMORY, "loading tables")
                                       : opinion->ops->execute(opinion->self, od_buffer_text(&sql), error);
    od_buffer_release(&sql);
    if (status == OD_OK)
        oracles->loaded[oracle] = hash;
    return status;
}

/* --- comparing
 * --------------------------------------------------------------------------------------------- */

/* The digits behind the point that change nothing; a -0 of a double is 0. */
static void canonical_number(struct od_value *value)
{
    const char *point = memchr(value->text.bytes, '.', value->text.size);
    while (point != NULL && value->text.size > 0 && value->text.bytes[value->text.size - 1] == '0')
        value->text.size--;
    if (point != NULL && value->text.bytes[value->text.size - 1] == '.')
        value->text.size--;
}

static void canonical_numbers(struct od_answer *answer, const struct od_schema *schema)
{
    for (uint32_t column = 0; column < answer->column_count; column++)
        for (uint32_t row = 0; row < answer->row_count; row++) {
            struct od_value *cell = &answer->cells[(size_t)row * answer->column_count + column];
            bool is_numeric = schema->fields[column].type == OD_TYPE_DECIMAL && cell->type == OD_TYPE_TEXT;
            if (is_numeric && !cell->is_null)
                canonical_number(cell);
            if (cell->type == OD_TYPE_FLOAT64 && cell->float64 == 0)
                cell->float64 = 0;
        }
}

/* Is there a numeric of more digits than this engine's can have? */
static bool has_long_numeric(const struct od_answer *answer, const struct od_schema *schema)
{
    bool found = false;
    for (size_t i = 0; i < (size_t)answer->row_count * answer->column_count; i++) {
        const struct od_value *cell = &answer->cells[i];
        uint32_t digits = 0;
        if (schema->fields[i % answer->column_count].type != OD_TYPE_DECIMAL || cell->is_null ||
            cell->type != OD_TYPE_TEXT)
            continue;
        for (uint32_t at = 0; at < cell->text.size; at++)
            digits += cell->text.bytes[at] >= (digits == 0 ? '1' : '0') && cell->text.bytes[at] <= '9';
        const char *point = memchr(cell->text.bytes, '.', cell->text.size);
        uint32_t fraction = point == NULL ? 0 : cell->text.size - 1 - (uint32_t)(point - cell->text.bytes);
        found |= digits > OD_DECIMAL_DIGITS_MAX || fraction > OD_DECIMAL_DIGITS_MAX;
    }
    return found;
}

static struct od_answer key_columns(struct od_arena *arena, const struct od_statement *query,
                                    const struct od_answer *answer, uint32_t row)
{
    struct od_answer keys = {query->key_count, 1, NULL};
    keys.cells = od_arena_take_array(arena, query->key_count + 1, sizeof(struct od_value));
    for (uint32_t i = 0; i < query->key_count && keys.cells != NULL; i++)
        keys.cells[i] = od_answer_row(answer, row)[query->keys[i]];
    return keys;
}

/* The columns that the statement orders by are in the same sequence, whatever the others do. */
static enum od_status compare_order(struct od_arena *arena, const struct od_statement *query,
                                    const struct od_answer *expected, const struct od_answer *actual,
                                    uint32_t *row_out, bool *equal_out, struct od_error *error)
{
    char text[100];
    *equal_out = true;
    for (uint32_t row = 0; row < expected->row_count && *equal_out && query->key_count > 0; row++) {
        const struct od_answer theirs = key_columns(arena, query, expected, row);
        const struct od_answer ours = key_columns(arena, query, actual, row);
        if (theirs.cells == NULL || ours.cells == NULL)
            return od_fail(error, OD_NO_MEMORY, "comparing an order");
        *row_out = row;
        OD_TRY(
            od_answer_compare(arena, &theirs, &ours, OD_COMPARE_CLOSE, equal_out, text, sizeof(text), error));
    }
    return OD_OK;
}

/* `schema`: the cells are expressed as an opinion's, where numerics are texts; NULL: they are values. */
static enum od_status compare(struct od_arena *arena, enum od_oracle oracle, const struct od_statement *query,
                              const struct od_schema *schema, struct od_answer *expected,
                              struct od_answer *actual, enum od_compare how, struct od_finding *finding,
                              struct od_error *error)
{
    if (schema != NULL && query->features[OD_QUERY_OPEN_EQUALS]) {
        canonical_numbers(expected, schema);
        canonical_numbers(actual, schema);
    }
    char text[600] = "";
    bool equal = false;
    uint32_t row = 0;
    OD_TRY(od_answer_compare(arena, expected, actual, how, &equal, text, sizeof(text), error));
    if (!equal) {
        od_finding_set(finding, ways[oracle].answer_code, "the answer differs from %s's: %s",
                       od_oracle_text(oracle), text);
        return OD_OK;
    }
    if (schema != NULL) {
        canonical_numbers(expected, schema); /* 1.5 and 1.50 stand in any order */
        canonical_numbers(actual, schema);
        OD_TRY(compare_order(arena, query, expected, actual, &row, &equal, error));
    }
    if (!equal)
        od_finding_set(finding, ways[oracle].answer_code, "row %u is not the one that %s has there", row + 1,
                       od_oracle_text(oracle));
    return OD_OK;
}

/* Where failing is open: which rows an expression meets depends on the order of filters and joins, which
 * is the planner's; but the model evaluates a plan as we do, other than sub-selects and arguments of
 * window functions, which it asks only when a row wants to know, and the keys of joins, only where there are pairs. */
static bool has_open_errors(enum od_oracle oracle, const struct od_statement *query)
{
    static const enum od_query_feature asked_late[] = {
        OD_QUERY_SCALAR_SUBQUERY, OD_QUERY_IN_SUBQUERY, OD_QUERY_EXISTS_SUBQUERY, OD_QUERY_QUANTIFIED,
        OD_QUERY_LATERAL,         OD_QUERY_WINDOW,      OD_QUERY_FAILING_ON};
    bool is_late = oracle != OD_ORACLE_MODEL;
    for (uint32_t i = 0; i < sizeof(asked_late) / sizeof(asked_late[0]); i++)
        is_late |= query->features[asked_late[i]];
    return query->features[OD_QUERY_MAY_FAIL] && is_late && !query->features[OD_QUERY_FAILS_SURELY];
}

/* --- asking
 * ------------------------------------------------------------------------------------------------ */

static void judge_errors(enum od_oracle oracle, const struct od_case *test_case,
                         const struct od_statement_outcome *outcome, bool they_answer, const char *text,
                         struct od_query_tally *tally, struct od_finding *finding)
{
    bool we_answer = outcome->status == OD_OK;
    if (we_answer == they_answer) {
        tally->asked[oracle] = OD_ASKED_COMPARED;
        return;
    }
    bool is_open = has_open_errors(oracle, test_case->query) && outcome->status != OD_BAD_INPUT;
    tally->asked[oracle] = is_open ? OD_ASKED_OPEN : OD_ASKED_COMPARED;
    if (!is_open)
        od_finding_set(finding, ways[oracle].error_code, "%s has %s: %.200s; ours: %s: %.200s",
                       od_oracle_text(oracle), they_answer ? "an answer" : "none", text,
                       od_status_text(outcome->status), outcome->text);
}

static enum od_status ask_model(const struct od_case *test_case, const struct od_statement_outcome *outcome,
                                struct od_arena *arena, struct od_query_tally *tally,
                                struct od_finding *finding, struct od_error *error)
{
    struct od_answer expected = {0};
    struct od_error theirs = {0};
    tally->asked[OD_ORACLE_MODEL] = OD_ASKED_OPEN;
    if (outcome->plan == NULL)
        return OD_OK;
    enum od_status status = od_model_run(arena, outcome->plan, &expected, &theirs);
    if (status == OD_NO_MEMORY)
        return od_fail(error, OD_NO_MEMORY, "asking the model");
    if (status != OD_OK && status != OD_EVALUATION)
        return OD_OK;
    judge_errors(OD_ORACLE_MODEL, test_case, outcome, status == OD_OK, theirs.text, tally, finding);
    if (status != OD_OK || outcome->status != OD_OK)
        return OD_OK;
    struct od_answer actual = *outcome->answer;
    return compare(arena, OD_ORACLE_MODEL, test_case->query, NULL, &expected, &actual,
                   od_model_comparison(outcome->plan), finding, error);
}

/* SQLite's errors and refusals are its own (a name merged by USING is ambiguous to it behind a RIGHT
 * JOIN): they are open. */
static enum od_status ask_sqlite(struct od_query_oracles *oracles, const struct od_case *test_case,
                                 const struct od_statement_outcome *outcome, struct od_arena *arena,
                                 struct od_query_tally *tally, struct od_finding *finding,
                                 struct od_error *error)
{
    static const struct od_opinion_ops words = {.name = "sqlite", .decimals_are_exact = false};
    const struct od_opinion opinion = {.ops = &words, .version = "SQLite"};
    struct od_answer rows = {0};
    struct od_answer expected = {0};
    struct od_answer actual = {0};
    struct od_error theirs = {0};
    bool answered = false;
    tally->asked[OD_ORACLE_SQLITE] = OD_ASKED_OPEN;
    if (outcome->status != OD_OK)
        return OD_OK;
    OD_TRY(load(oracles, OD_ORACLE_SQLITE, test_case, error));
    enum od_status status = od_oracle_sqlite_run_text(oracles->sqlite, arena, test_case->sql,
                                                      &outcome->plan->schema, &rows, &answered, &theirs);
    if (status == OD_NO_MEMORY)
        return od_fail(error, OD_NO_MEMORY, "asking SQLite");
    if (status != OD_OK || !answered)
        return OD_OK;
    tally->asked[OD_ORACLE_SQLITE] = OD_ASKED_COMPARED;
    const struct od_schema *schema = &outcome->plan->schema;
    OD_TRY(od_opinion_express(&opinion, &rows, schema, arena, &expected, error));
    OD_TRY(od_opinion_express(&opinion, outcome->answer, schema, arena, &actual, error));
    return compare(arena, OD_ORACLE_SQLITE, test_case->query, schema, &expected, &actual, OD_COMPARE_CLOSE,
                   finding, error);
}

static enum od_status ask_opinion(struct od_query_oracles *oracles, enum od_oracle oracle,
                                  const struct od_case *test_case, const struct od_statement_outcome *outcome,
                                  struct od_arena *arena, struct od_query_tally *tally,
                                  struct od_finding *finding, struct od_error *error)
{
    struct od_opinion *opinion = &oracles->opinions[oracle];
    struct od_answer expected = {0};
    struct od_answer actual = {0};
    struct od_error theirs = {0};
    tally->asked[oracle] = OD_ASKED_OPEN;
    bool is_postgres = oracle == OD_ORACLE_POSTGRES;
    if (outcome->status != OD_OK && !is_postgres)
        return OD_OK;
    OD_TRY(load(oracles, oracle, test_case, error));
    static const struct od_schema unknown;
    const struct od_schema *schema = outcome->plan != NULL ? &outcome->plan->schema : &unknown;
    enum od_status status = od_opinion_ask(opinion, test_case->sql, schema, arena, &expected, &theirs);
    if (status == OD_NO_MEMORY || status == OD_IO)
        return od_fail(error, status, "%s: %s", opinion->version, theirs.text);
    if (status == OD_BAD_INPUT)
        od_finding_set(finding, ways[oracle].answer_code, "%s", theirs.text);
    if (status == OD_BAD_INPUT || status == OD_TIMED_OUT || (status != OD_OK && !is_postgres))
        return OD_OK;
    if (status == OD_OK && has_long_numeric(&expected, schema)) /* stays open: ours are rounded */
        return OD_OK;
    judge_errors(oracle, test_case, outcome, status == OD_OK, theirs.text, tally, finding);
    if (status != OD_OK || outcome->status != OD_OK)
        return OD_OK;
    OD_TRY(od_opinion_express(opinion, outcome->answer, schema, arena, &actual, error));
    return compare(arena, oracle, test_case->query, schema, &expected, &actual, OD_COMPARE_CLOSE, finding,
                   error);
}

static enum od_status ask_one(struct od_query_oracles *oracles, enum od_oracle oracle,
                              const struct od_case *test_case, const struct od_statement_outcome *outcome,
                              struct od_query_tally *tally, struct od_finding *finding,
                              struct od_error *error)
{
    struct od_arena arena;
    enum od_query_feature foreign;
    if (!od_query_is_shared(test_case->query, oracle, &foreign)) {
        tally->asked[oracle] = OD_ASKED_FOREIGN;
        return OD_OK;
    }
    od_arena_init(&arena, od_posix_memory(), 64 * 1024);
    enum od_status status =
        oracle == OD_ORACLE_MODEL ? ask_model(test_case, outcome, &arena, tally, finding, error)
        : oracle == OD_ORACLE_SQLITE
            ? ask_sqlite(oracles, test_case, outcome, &arena, tally, finding, error)
            : ask_opinion(oracles, oracle, test_case, outcome, &arena, tally, finding, error);
    od_arena_release(&arena);
    return status;
}

/* The nearest to the truth first: what it finds stands. */
enum od_status od_query_oracles_ask(struct od_query_oracles *oracles, const struct od_case *test_case,
                                    const struct od_statement_outcome *outcome, struct od_query_tally *tally,
                                    struct od_finding *finding, struct od_error *error)
{
    static const enum od_oracle order[] = {OD_ORACLE_POSTGRES, OD_ORACLE_MODEL, OD_ORACLE_DUCKDB,
                                           OD_ORACLE_SQLITE};
    for (uint32_t i = 0; i < OD_ORACLE_COUNT; i++) {
        enum od_oracle oracle = order[i];
        struct od_finding theirs = {0};
        bool has_witness = tally->asked[OD_ORACLE_POSTGRES] == OD_ASKED_COMPARED && !finding->found;
        if ((oracles->wanted >> oracle & 1) == 0)
            continue;
        OD_TRY(ask_one(oracles, oracle, test_case, outcome, tally, &theirs, error));
        bool is_outvoted = theirs.found && has_witness && oracle != OD_ORACLE_MODEL;
        if (is_outvoted)
            tally->asked[oracle] = OD_ASKED_OUTVOTED;
        else if (!finding->found)
            *finding = theirs;
    }
    return OD_OK;
}
