/* slt_run: see slt.h. Walks the records of a file, loops within loops, and judges what the engine gives.
 *
 * Lifetimes: the run_arena for loop variables and labels, the record_arena for one record: its SQL with the
 * variables replaced, the answer, the verdict's text. Once something only another runner can do has been met,
 * the rest of the file is told as skipped, each record with the reason: running on would judge a state that
 * the file's author did not mean. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine/core/assert.h"
#include "harness/slt.h"
#include "harness/slt_compare.h"
#include "harness/slt_dialect.h"

#define INCLUDE_DEPTH_MAX 8
#define LOOP_ROUNDS_MAX   1000000 /* of all loops of a file together */
#define VARIABLES_MAX     64
#define TRANSLATIONS_MAX  100 /* of one text */

struct variable {
    const char *name;
    const char *value;
};
struct label {
    const char *name;
    const char *hash;
    uint32_t line;
    struct label *next;
};
struct run {
    const struct od_slt_file *file; /* the one that is walked; changes for an include */
    const struct od_slt_engine *engine;
    const struct od_slt_options *options;
    struct od_error *error;
    struct od_arena run_arena;
    struct od_arena record_arena;
    uint32_t variable_count;
    struct variable variables[VARIABLES_MAX];
    struct label *labels;
    enum od_slt_sort sort; /* of queries that say none */
    bool value_a_line;
    bool substitutes_environment;
    bool memory_refused;                /* for a verdict's text */
    bool skips;                         /* mode skip */
    bool excused;                       /* the record says that PostgreSQL answers otherwise */
    const char *rest_reason;            /* why the rest is skipped; NULL: it is not */
    const char *connection;             /* that speaks */
    const char *transaction_connection; /* that has a transaction open; NULL: none has */
    bool transaction_is_lost;           /* a record failed in it: the others are skipped up to its end */
    uint32_t include_depth;
    uint32_t loop_rounds;
};

static enum od_status no_memory(struct run *run)
{
    return od_fail(run->error, OD_NO_MEMORY, "running %s", run->file->name);
}

/* --- variables ------------------------------------------------------------------------------------------ */

static const char *find_variable(const struct run *run, const char *name, size_t size)
{
    for (uint32_t i = run->variable_count; i > 0; i--) {
        const struct variable *variable = &run->variables[i - 1];
        if (strlen(variable->name) == size && memcmp(variable->name, name, size) == 0)
            return variable->value;
    }
    return NULL;
}

/* "${name}", "{name}" or, of the environment, "$name" and "${name:otherwise}" -> its value; *size_out: what it is
 * written with, 0: as it is. */
static const char *find_value(struct run *run, const char *at, size_t *size_out)
{
    char name[80];
    if (*at == '{') {
        size_t bare_size = strcspn(at + 1, "}");
        const char *bare = at[1 + bare_size] == '}' ? find_variable(run, at + 1, bare_size) : NULL;
        *size_out = bare == NULL ? 0 : bare_size + 2;
        return bare;
    }
    bool braces = at[1] == '{';
    const char *start = at + (braces ? 2 : 1);
    size_t size = braces ? strcspn(start, "}") : 0;
    *size_out = 0;
    if (braces && start[size] != '}')
        return NULL;
    while (!braces && (isalnum((unsigned char)start[size]) || start[size] == '_'))
        size++;
    *size_out = size + (braces ? 3 : 1);
    const char *value = braces ? find_variable(run, start, size) : NULL;
    if (value != NULL)
        return value;
    const char *colon = memchr(start, ':', size);
    size_t name_size = colon == NULL ? size : (size_t)(colon - start);
    if (run->substitutes_environment && name_size > 0 && name_size < sizeof(name)) {
        memcpy(name, start, name_size);
        name[name_size] = '\0';
        value = getenv(name);
        if (value == NULL && colon != NULL)
            value = od_arena_copy_text(&run->record_arena, colon + 1, size - name_size - 1);
    }
    if (value == NULL)
        *size_out = 0;
    return value;
}

/* The text with its variables replaced, in the record_arena; NULL on refusal. */
static const char *replaced(struct run *run, const char *text)
{
    if (text == NULL || strpbrk(text, "${") == NULL)
        return text;
    struct od_buffer buffer;
    od_buffer_init(&buffer, run->record_arena.memory);
    while (*text != '\0') {
        size_t size = 0;
        const char *value = *text == '$' || *text == '{' ? find_value(run, text, &size) : NULL;
        if (size > 0)
            od_buffer_append_text(&buffer, value);
        else
            od_buffer_append_u8(&buffer, (uint8_t)*text);
        text += size > 0 ? size : 1;
    }
    const char *copy = od_arena_copy_buffer(&run->record_arena, &buffer);
    od_buffer_release(&buffer);
    return copy;
}

/* --- conditions ----------------------------------------------------------------------------------------- */

/* "i=3", "i<>3", "i<3"...: a loop's variable compared. False when it is no such thing. */
static bool compares_variable(const struct run *run, const char *text, bool *holds_out)
{
    size_t size = strcspn(text, "=<>");
    const char *value = text[size] == '\0' ? NULL : find_variable(run, text, size);
    if (value == NULL)
        return false;
    const char *operator= text + size;
    size_t operator_size = strspn(operator, "=<>");
    const char *other = operator+ operator_size;
    long long left = atoll(value);
    long long right = atoll(other);
    bool equal = strcmp(value, other) == 0;
    if (operator_size == 1)
        *holds_out = *operator== '=' ? equal : * operator== '<' ? left < right : left> right;
    else
        *holds_out = operator[1] == '>' ? !equal : * operator== '<' ? left <= right : left >= right;
    return true;
}

static bool is_postgres(const char *name)
{
    return strcasecmp(name, "postgresql") == 0 || strcasecmp(name, "postgres") == 0;
}

/* A query that is not for PostgreSQL ("requires AS when renaming output columns") may be answered all the same, and changes
 * nothing: it is run, and excused. */
static bool conditions_hold(struct run *run, const struct od_slt_record *record)
{
    run->excused = false;
    for (uint32_t i = 0; i < record->condition_count; i++) {
        const struct od_slt_condition *condition = &record->conditions[i];
        bool holds = false;
        if (!compares_variable(run, condition->name, &holds)) {
            bool means_postgres = run->options->is_postgres && is_postgres(condition->name);
            holds = strcasecmp(condition->name, run->options->name) == 0 || means_postgres;
            if (means_postgres && !condition->only && record->kind == OD_SLT_QUERY) {
                run->excused = true;
                continue;
            }
        }
        if (holds != condition->only)
            return false;
    }
    return true;
}

/* --- verdicts ------------------------------------------------------------------------------------------- */

static void tell(struct run *run, struct od_slt_report *report, enum od_slt_verdict verdict,
                 enum od_slt_cause cause, const char *text)
{
    if (verdict == OD_SLT_FAILED && run->excused) {
        verdict = OD_SLT_SKIPPED;
        text = "for other engines than PostgreSQL (skipif), and not answered as there";
    }
    report->verdict = verdict;
    report->cause = cause;
    report->text = text == NULL ? "no memory" : text;
    run->memory_refused |= text == NULL;
    run->options->sink.take(run->options->sink.self, report);
}

static void fail(struct run *run, struct od_slt_report *report, enum od_slt_cause cause, const char *text)
{
    tell(run, report, OD_SLT_FAILED, cause, text);
}

static void pass(struct run *run, struct od_slt_report *report)
{
    tell(run, report, OD_SLT_PASSED, OD_SLT_WRONG, "");
}

static const char *error_with_place(struct run *run, const struct od_error *error)
{
    const char *text = error->text[0] != '\0' ? error->text : od_status_text(error->status);
    return error->line == 0 ? od_arena_print(&run->record_arena, "%s", text)
                            : od_arena_print(&run->record_arena, "%s (line %u, column %u of the SQL)", text,
                                             error->line, error->column);
}

/* PRAGMA and SET say how another engine goes about its work. */
static bool is_setting(const char *sql)
{
    static const char *const words[] = {"pragma ", "set ", "reset "};
    sql += strspn(sql, " \t\r\n");
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strncasecmp(sql, words[i], strlen(words[i])) == 0)
            return true;
    }
    return false;
}

/* An error where there should be none. */
static void judge_error(struct run *run, struct od_slt_report *report, const struct od_slt_answer *answer)
{
    bool refused = answer->status == OD_UNSUPPORTED || od_slt_is_foreign(&answer->error);
    if (answer->status <= OD_EVALUATION && is_setting(report->sql)) {
        tell(run, report, OD_SLT_SKIPPED, OD_SLT_REFUSED, "a setting of another engine");
        return;
    }
    if (answer->in_transaction && strncmp(answer->error.text, "current transaction is aborted", 30) == 0) {
        tell(run, report, OD_SLT_SKIPPED, OD_SLT_WRONG,
             "an error before it ended its transaction"); /* not so in DuckDB */
        return;
    }
    const char *text = error_with_place(run, &answer->error);
    text = text == NULL ? NULL
                        : od_arena_print(&run->record_arena, "%s: %s",
                                         refused ? "refused" : "expected no error, got one", text);
    if (refused && run->options->skip_unsupported)
        tell(run, report, OD_SLT_SKIPPED, OD_SLT_REFUSED, text);
    else
        fail(run, report, refused ? OD_SLT_REFUSED : OD_SLT_BROKEN, text);
}

static enum od_status text_matches(struct run *run, const struct od_slt_record *record, const char *wanted,
                                   const char *actual, bool *matches_out)
{
    bool negated = strncmp(wanted, "<!REGEX>:", 9) == 0;
    if (negated || strncmp(wanted, "<REGEX>:", 8) == 0) {
        OD_TRY(od_slt_match(&run->record_arena, wanted + (negated ? 9 : 8), actual, false, matches_out,
                            run->error));
        *matches_out ^= negated;
        return OD_OK;
    }
    *matches_out = strcasestr(actual, wanted) != NULL;
    return *matches_out || !record->error_is_regex
               ? OD_OK
               : od_slt_match(&run->record_arena, wanted, actual, false, matches_out, run->error);
}

static enum od_status judge_expected_error(struct run *run, struct od_slt_report *report,
                                           const struct od_slt_answer *answer)
{
    const struct od_slt_record *record = report->record;
    const char *wanted = replaced(run, record->error_text);
    bool matches = true;
    if (wanted == NULL && record->error_text != NULL)
        return no_memory(run);
    bool told =
        answer->status == OD_BAD_INPUT || answer->status == OD_UNSUPPORTED || answer->status == OD_EVALUATION;
    if (answer->status == OD_OK) {
        fail(run, report, OD_SLT_WRONG, "expected an error, got none");
        return OD_OK;
    }
    if (!told) { /* the engine broke down, which no file asks for */
        judge_error(run, report, answer);
        return OD_OK;
    }
    if (wanted != NULL && text_matches(run, record, wanted, answer->error.text, &matches) != OD_OK) {
        if (run->error->status != OD_BAD_INPUT)
            return run->error->status;
        matches = false; /* a pattern in a dialect that is not POSIX's: only its words could be compared */
        *run->error = (struct od_error){0};
    }
    report->leniently = !matches && !run->options->strict_errors;
    if (matches || report->leniently)
        pass(run, report);
    else
        fail(run, report, OD_SLT_WRONG,
             od_arena_print(&run->record_arena, "another error than expected\nexpected: %s\nactual: %s",
                            wanted, answer->error.text));
    return OD_OK;
}

/* Queries of one label must agree, wherever they stand in the file. */
static enum od_status check_label(struct run *run, const struct od_slt_record *record, const char *hash,
                                  const char **text_out)
{
    for (const struct label *label = run->labels; label != NULL; label = label->next) {
        if (strcmp(label->name, record->label) != 0)
            continue;
        if (strcmp(label->hash, hash) != 0)
            *text_out =
                od_arena_print(&run->record_arena,
                               "wrong answer: other than that of line %u, which has the same label %s: %s",
                               label->line, label->name, hash);
        return OD_OK;
    }
    struct label *label = od_arena_take(&run->run_arena, sizeof(*label));
    const char *copy = od_arena_copy_text(&run->run_arena, hash, strlen(hash));
    const char *name = od_arena_copy_text(&run->run_arena, record->label, strlen(record->label));
    if (label == NULL || copy == NULL || name == NULL)
        return no_memory(run);
    *label = (struct label){name, copy, record->line, run->labels};
    run->labels = label;
    return OD_OK;
}

/* Does the query itself say ORDER BY: outside of parentheses, quotes and comments to the end of a line? */
static bool says_order(const char *sql)
{
    int depth = 0;
    for (; *sql != '\0'; sql++) {
        const char *end = *sql == '\'' || *sql == '"'  ? strchr(sql + 1, *sql)
                          : strncmp(sql, "--", 2) == 0 ? strchr(sql, '\n')
                                                       : sql;
        if (end == NULL)
            return false;
        sql = end;
        depth += (*sql == '(') - (*sql == ')');
        if (depth == 0 && strncasecmp(sql, "order", 5) == 0 && isspace((unsigned char)sql[5]) &&
            strncasecmp(sql + 5 + strspn(sql + 5, " \t\r\n"), "by", 2) == 0)
            return true;
    }
    return false;
}

static enum od_status judge_rows(struct run *run, struct od_slt_report *report,
                                 const struct od_slt_answer *answer)
{
    const struct od_slt_record *record = report->record;
    uint32_t names = record->has_names && record->expected_count > 0; /* not compared: each engine has its own */
    struct od_slt_expected expected = {
        .types = record->types,
        .sort = record->sort != OD_SLT_SORT_DEFAULT ? record->sort : run->sort,
        .has_results = record->has_results,
        .value_a_line = run->value_a_line,
        .line_count = record->expected_count - names,
    };
    const char *text = "";
    const char **lines = od_arena_take_array(&run->record_arena, expected.line_count, sizeof(*lines));
    if (lines == NULL)
        return no_memory(run);
    for (uint32_t i = 0; i < expected.line_count; i++) {
        lines[i] = replaced(run, record->expected[names + i]);
        if (lines[i] == NULL)
            return no_memory(run);
    }
    expected.lines = lines;
    if (expected.line_count == 1 && strncmp(lines[0], "<FILE>:", 7) == 0) {
        tell(run, report, OD_SLT_SKIPPED, OD_SLT_WRONG, "an answer in another file");
        return OD_OK;
    }
    struct od_slt_expected compared = expected;
    bool is_hash = expected.line_count == 1 && strstr(lines[0], " hashing to ") != NULL;
    if (expected.sort == OD_SLT_NOSORT && !is_hash && !says_order(report->sql))
        compared.sort = OD_SLT_ROWSORT; /* SQL leaves the order open, whatever the file says of it */
    enum od_status status = od_slt_compare(&run->record_arena, &compared, answer, &text, run->error);
    if (status == OD_BAD_INPUT) { /* a pattern that is none */
        fail(run, report, OD_SLT_WRONG, od_arena_print(&run->record_arena, "%s", run->error->text));
        *run->error = (struct od_error){0};
        return OD_OK;
    }
    if (status == OD_OK && *text == '\0' && record->label != NULL) {
        const char *hash = od_slt_hash(&run->record_arena, &expected, answer);
        status = hash == NULL ? no_memory(run) : check_label(run, record, hash, &text);
    }
    if (status != OD_OK)
        return status;
    const char *start = report->sql + strspn(report->sql, " \t\r\n");
    if (text != NULL && *text == '\0')
        pass(run, report);
    else if (strncasecmp(start, "explain", 7) == 0)
        tell(run, report, OD_SLT_SKIPPED, OD_SLT_REFUSED, "a plan in another engine's words");
    else
        fail(run, report, OD_SLT_WRONG, text);
    return OD_OK;
}

/* What a failed statement would have changed is not what the file means from now on; a transaction is lost, and undone. */
static enum od_status forget_changed(struct run *run, const struct od_slt_report *report,
                                     const struct od_slt_answer *answer)
{
    const char *name = report->record->kind == OD_SLT_STATEMENT && !answer->in_transaction
                           ? od_slt_changed_name(&run->record_arena, report->sql)
                           : NULL;
    run->transaction_is_lost = answer->in_transaction;
    return run->engine->refuse == NULL || name == NULL
               ? OD_OK
               : run->engine->refuse(run->engine->self, name, run->error);
}

static enum od_status judge(struct run *run, struct od_slt_report *report, const struct od_slt_answer *answer)
{
    const struct od_slt_record *record = report->record;
    if (record->expect == OD_SLT_ERROR)
        return judge_expected_error(run, report, answer);
    if (answer->status != OD_OK && !(record->expect == OD_SLT_MAYBE && answer->status <= OD_EVALUATION)) {
        judge_error(run, report, answer);
        return forget_changed(run, report, answer);
    }
    if (record->expect == OD_SLT_ROWS)
        return judge_rows(run, report, answer);
    if (record->expect == OD_SLT_COUNT && answer->changed_count != record->count)
        fail(run, report, OD_SLT_WRONG,
             od_arena_print(&run->record_arena, "expected %llu rows to change, got %llu",
                            (unsigned long long)record->count, (unsigned long long)answer->changed_count));
    else
        pass(run, report);
    return OD_OK;
}

/* --- records -------------------------------------------------------------------------------------------- */

/* One session stands for all connections, which shows as soon as one of them has a transaction of its own. */
static void follow_connection(struct run *run, const struct od_slt_record *record)
{
    const char *speaker = record->connection != NULL ? record->connection : run->connection;
    if (run->transaction_connection != NULL && strcmp(run->transaction_connection, speaker) != 0)
        run->rest_reason = "several connections, one of them within a transaction";
}

/* A lost transaction is as if it had not been where the file rolls it back; one that it commits leaves other tables than it
 * means. */
static void follow_lost_transaction(struct run *run, const char *sql)
{
    sql += strspn(sql, " \t\r\n");
    bool back = strncasecmp(sql, "rollback", 8) == 0 || strncasecmp(sql, "abort", 5) == 0;
    if (strncasecmp(sql, "commit", 6) == 0 || strncasecmp(sql, "end", 3) == 0)
        run->rest_reason = "a transaction was committed in which a statement failed";
    run->transaction_is_lost &= !back;
}

static enum od_status run_sql(struct run *run, const struct od_slt_record *record)
{
    struct od_slt_report report = {.file = run->file->name, .record = record, .sql = record->sql};
    struct od_slt_answer answer = {0};
    od_arena_reset(&run->record_arena);
    follow_connection(run, record);
    if (run->transaction_is_lost && !run->skips)
        follow_lost_transaction(run, record->sql);
    if (run->rest_reason != NULL || run->skips || run->transaction_is_lost) {
        tell(run, &report, OD_SLT_SKIPPED, OD_SLT_WRONG,
             run->rest_reason != NULL ? run->rest_reason
             : run->skips             ? "mode skip"
                                      : "a record failed before it in its transaction");
        return OD_OK;
    }
    if (!conditions_hold(run, record)) {
        tell(run, &report, OD_SLT_SKIPPED, OD_SLT_WRONG, "for other engines (skipif, onlyif)");
        return OD_OK;
    }
    report.sql = replaced(run, record->sql);
    if (report.sql == NULL)
        return no_memory(run);
    const char *sql = report.sql;
    bool is_translated = false;
    uint32_t column_count = record->types == NULL ? 0 : (uint32_t)strlen(record->types);
    const char *misread = od_slt_misread(sql);
    if (misread != NULL) {
        answer.status = od_fail(&answer.error, OD_UNSUPPORTED, "%s is not supported", misread);
        answer.in_transaction = run->transaction_connection != NULL;
    }
    for (uint32_t i = 0; misread == NULL && sql != NULL && i < TRANSLATIONS_MAX; i++) {
        run->engine->run(run->engine->self, &run->record_arena, sql, &answer);
        bool is_told = answer.status == OD_BAD_INPUT || answer.status == OD_UNSUPPORTED;
        sql = is_told && record->expect != OD_SLT_ERROR
                  ? od_slt_translate(&run->record_arena, sql, column_count, &answer.error)
                  : NULL;
        is_translated |= sql != NULL;
    }
    if (is_translated && strncasecmp(report.sql, "create", 6) == 0)
        answer.changed_count = 0; /* the rows of CREATE TABLE t (a INT) AS are not said to be changed */
    report.answer = &answer;
    if (answer.status == OD_NO_MEMORY)
        return od_fail(run->error, OD_NO_MEMORY, "%s:%u: %s", run->file->name, record->line,
                       answer.error.text);
    run->transaction_connection = !answer.in_transaction       ? NULL
                                  : record->connection != NULL ? record->connection
                                                               : run->connection;
    OD_TRY(judge(run, &report, &answer));
    return run->memory_refused ? no_memory(run) : OD_OK;
}

/* Index of the endloop of the loop at `first`; the parser has seen to it that there is one. */
static uint32_t end_of_loop(const struct od_slt_file *file, uint32_t first)
{
    uint32_t depth = 1;
    uint32_t i = first + 1;
    for (; depth > 0; i++) {
        od_assert(i < file->record_count);
        depth += file->records[i].kind == OD_SLT_LOOP || file->records[i].kind == OD_SLT_FOREACH;
        depth -= file->records[i].kind == OD_SLT_ENDLOOP;
    }
    return i - 1;
}

static enum od_status run_records(struct run *run, uint32_t first, uint32_t end);

/* "a,b" and "1,2": a variable each. */
static enum od_status set_variables(struct run *run, const struct od_slt_record *record, const char *names,
                                    const char *values)
{
    for (;;) {
        size_t name_size = strcspn(names, ",");
        bool last = names[name_size] == '\0';
        size_t value_size = last ? strlen(values) : strcspn(values, ",");
        if (run->variable_count == VARIABLES_MAX || (!last && values[value_size] == '\0'))
            return od_fail_at(run->error, OD_BAD_INPUT, record->line, 1,
                              "%s:%u:1: expected a value for each variable of a loop", run->file->name,
                              record->line);
        struct variable *variable = &run->variables[run->variable_count++];
        variable->name = od_arena_copy_text(&run->run_arena, names, name_size);
        variable->value = od_arena_copy_text(&run->run_arena, values, value_size);
        if (variable->name == NULL || variable->value == NULL)
            return no_memory(run);
        if (last)
            return OD_OK;
        names += name_size + 1;
        values += value_size + 1;
    }
}

static enum od_status run_round(struct run *run, uint32_t first, const char *value)
{
    uint32_t variable_count = run->variable_count;
    const struct od_slt_record *record = &run->file->records[first];
    if (++run->loop_rounds > LOOP_ROUNDS_MAX)
        return od_fail_at(run->error, OD_BAD_INPUT, record->line, 1,
                          "%s:%u:1: expected loops of at most %d rounds in all", run->file->name,
                          record->line, LOOP_ROUNDS_MAX);
    OD_TRY(set_variables(run, record, record->words[1], value));
    OD_TRY(run_records(run, first + 1, end_of_loop(run->file, first)));
    run->variable_count = variable_count;
    return OD_OK;
}

/* A value of foreach; "<integral>" and its like are sets of types that DuckDB's runner knows. */
static enum od_status run_value(struct run *run, uint32_t first, const char *value)
{
#define UNSIGNED_TYPES "utinyint usmallint uinteger ubigint uhugeint "
#define SIGNED_TYPES   "tinyint smallint integer bigint hugeint "
    static const char *const sets[][2] = {
        {"<signed>", SIGNED_TYPES},
        {"<unsigned>", UNSIGNED_TYPES},
        {"<integral>", SIGNED_TYPES UNSIGNED_TYPES},
        {"<numeric>", SIGNED_TYPES UNSIGNED_TYPES "float double "},
        {"<alltypes>", SIGNED_TYPES UNSIGNED_TYPES "float double bool interval varchar "},
    };
    size_t i = 0;
    while (i < sizeof(sets) / sizeof(sets[0]) && strcmp(sets[i][0], value) != 0)
        i++;
    if (i == sizeof(sets) / sizeof(sets[0]))
        return run_round(run, first, value);
    for (const char *at = sets[i][1]; *at != '\0'; at += strcspn(at, " ") + 1) {
        const char *type = od_arena_copy_text(&run->run_arena, at, strcspn(at, " "));
        OD_TRY(type == NULL ? no_memory(run) : run_round(run, first, type));
    }
    return OD_OK;
}

static enum od_status run_loop(struct run *run, uint32_t first)
{
    const struct od_slt_record *record = &run->file->records[first];
    const char *start_text = replaced(run, record->words[2]);
    const char *end_text = record->kind == OD_SLT_LOOP ? replaced(run, record->words[3]) : "";
    if (start_text == NULL || end_text == NULL)
        return no_memory(run);
    long long start = strtoll(start_text, NULL, 10);
    long long end = strtoll(end_text, NULL, 10);
    uint32_t value_count = record->word_count - 2;
    if (run->rest_reason != NULL || !conditions_hold(run, record))
        return run_records(run, first + 1, end_of_loop(run->file, first)); /* told once, as skipped */
    for (long long i = start; record->kind == OD_SLT_LOOP && i < end; i++) {
        char text[24];
        snprintf(text, sizeof(text), "%lld", i);
        OD_TRY(run_round(run, first, text));
    }
    for (uint32_t i = 0; record->kind == OD_SLT_FOREACH && i < value_count; i++)
        OD_TRY(run_value(run, first, record->words[2 + i]));
    return OD_OK;
}

static enum od_status run_include(struct run *run, const struct od_slt_record *record)
{
    const struct od_slt_file *file = run->file;
    const char *slash = strrchr(file->name, '/');
    const char *given = replaced(run, record->words[1]);
    const char *bytes = NULL;
    size_t size = 0;
    struct od_slt_file included;
    if (run->options->read == NULL || strpbrk(record->words[1], "*?[") != NULL) {
        run->rest_reason = "an include of files by a pattern";
        return OD_OK;
    }
    if (run->include_depth == INCLUDE_DEPTH_MAX)
        return od_fail_at(run->error, OD_BAD_INPUT, record->line, 1,
                          "%s:%u:1: expected at most %d includes within each other", file->name, record->line,
                          INCLUDE_DEPTH_MAX);
    const char *path =
        given == NULL ? NULL
        : given[0] == '/' || slash == NULL
            ? od_arena_copy_text(&run->run_arena, given, strlen(given))
            : od_arena_print(&run->run_arena, "%.*s/%s", (int)(slash - file->name), file->name, given);
    if (path == NULL)
        return no_memory(run);
    enum od_status status =
        run->options->read(run->options->read_self, &run->run_arena, path, &bytes, &size, run->error);
    if (status != OD_OK)
        return od_fail_at(run->error, status == OD_MISSING ? OD_BAD_INPUT : status, record->line, 1,
                          "%s:%u:1: expected a file to include, found none: %s", file->name, record->line,
                          path);
    OD_TRY(od_slt_parse(&run->run_arena, path, bytes, size, &included, run->error));
    run->file = &included;
    run->include_depth++;
    status = run_records(run, 0, included.record_count);
    run->include_depth--;
    run->file = file;
    return status;
}

static enum od_status set_control(struct run *run, const struct od_slt_record *record)
{
    static const struct {
        const char *what;
        const char *word;
        int value;
    } settings[] = {{"sortmode", "nosort", OD_SLT_NOSORT},
                    {"sortmode", "rowsort", OD_SLT_ROWSORT},
                    {"sortmode", "valuesort", OD_SLT_VALUESORT},
                    {"resultmode", "rowwise", false},
                    {"resultmode", "valuewise", true},
                    {"substitution", "on", true},
                    {"substitution", "off", false}};
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        if (strcmp(settings[i].what, record->words[1]) != 0 ||
            strcmp(settings[i].word, record->words[2]) != 0)
            continue;
        if (settings[i].what[0] == 'r')
            run->value_a_line = settings[i].value;
        else if (settings[i].what[1] == 'u')
            run->substitutes_environment = settings[i].value;
        else
            run->sort = (enum od_slt_sort)settings[i].value;
        return OD_OK;
    }
    return od_fail_at(
        run->error, OD_BAD_INPUT, record->line, 1,
        "%s:%u:1: expected control sortmode|resultmode|substitution and a mode, found '%.40s %.40s'",
        run->file->name, record->line, record->words[1], record->words[2]);
}

/* What DuckDB's files ask for and any engine here has. */
static bool is_there(const char *what)
{
    static const char *const always[] = {"notwindows",
                                         "notmusl",
                                         "notmingw",
                                         "vector_size",
                                         "block_size",
                                         "skip_reload",
                                         "64bit",
                                         "longdouble",
                                         "noforcestorage",
                                         "no_alternative_verify",
                                         "noalternativeverify",
                                         "no_vector_verification",
                                         "no_extension_autoloading",
                                         "allow_unsigned_extensions",
                                         "no_block_verification",
                                         "exact_vector_size",
                                         "strinline",
                                         "nothreadsan"};
    for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++) {
        if (strcasecmp(always[i], what) == 0)
            return true;
    }
    return false;
}

static enum od_status skip_rest(struct run *run, const char *format, const struct od_slt_record *record)
{
    run->rest_reason =
        od_arena_print(&run->run_arena, "%s %s%s%s", format, record->words[0],
                       record->word_count > 1 ? " " : "", record->word_count > 1 ? record->words[1] : "");
    return run->rest_reason == NULL ? no_memory(run) : OD_OK;
}

/* Records that run no SQL. */
static enum od_status obey(struct run *run, const struct od_slt_record *record)
{
    if (run->rest_reason != NULL || !conditions_hold(run, record))
        return OD_OK;
    switch (record->kind) {
    case OD_SLT_HALT:
        run->rest_reason = "halt";
        return OD_OK;
    case OD_SLT_INCLUDE:
        return run_include(run, record);
    case OD_SLT_REQUIRE:
        return is_there(record->words[1]) ? OD_OK : skip_rest(run, "not here:", record);
    case OD_SLT_FOREIGN:
        return skip_rest(run, "for another runner:", record);
    case OD_SLT_MODE:
        if (strcmp(record->words[1], "skip") == 0 || strcmp(record->words[1], "unskip") == 0)
            run->skips = record->words[1][0] == 's';
        return OD_OK;
    case OD_SLT_CONTROL:
        return set_control(run, record);
    case OD_SLT_CONNECTION:
        run->connection = record->words[1];
        return OD_OK;
    default:
        return OD_OK;
    }
}

static enum od_status run_records(struct run *run, uint32_t first, uint32_t end)
{
    for (uint32_t i = first; i < end; i++) {
        const struct od_slt_record *record = &run->file->records[i];
        if (record->kind == OD_SLT_STATEMENT || record->kind == OD_SLT_QUERY) {
            OD_TRY(run_sql(run, record));
        } else if (record->kind == OD_SLT_LOOP || record->kind == OD_SLT_FOREACH) {
            OD_TRY(run_loop(run, i));
            i = end_of_loop(run->file, i);
        } else {
            OD_TRY(obey(run, record));
        }
    }
    return OD_OK;
}

enum od_status od_slt_run(struct od_memory *memory, const struct od_slt_file *file,
                          const struct od_slt_engine *engine, const struct od_slt_options *options,
                          struct od_error *error)
{
    struct od_error own_error = {0};
    struct run run = {
        .file = file,
        .engine = engine,
        .options = options,
        .error = error != NULL ? error : &own_error,
        .sort = OD_SLT_NOSORT,
        .connection = "",
    };
    od_arena_init(&run.run_arena, memory, 0);
    od_arena_init(&run.record_arena, memory, 0);
    enum od_status status = run_records(&run, 0, file->record_count);
    od_arena_release(&run.record_arena);
    od_arena_release(&run.run_arena);
    return status;
}
