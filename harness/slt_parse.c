/* slt_parse: see slt.h. A file is lines; a record is a line of words, perhaps SQL below it up to a blank line
 * or "----", and below "----" what is expected.
 *
 * The first word of a line decides, through one table, which kind of record it is and whether SQL follows.
 * Nothing is read twice but the end of a message of several lines: it goes on over a blank line unless a new
 * record (or nothing) begins there, which takes both customs, that of DuckDB (one blank line) and of
 * sqllogictest-rs (two). */
#include "harness/slt.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct parser {
    struct od_arena *arena;
    const char *bytes;
    size_t size;
    size_t offset;     /* of the next line */
    size_t line_start; /* of the line read last */
    uint32_t line;     /* number of the line read last */
    const char *text;  /* the line read last, without its end; in the arena */
    struct od_slt_file *file;
    uint32_t capacity;
    struct od_slt_condition *conditions; /* met and not yet given to a record */
    uint32_t condition_count;
    bool shows_names; /* "show-column-names true": from now on answers begin with a line of them */
    uint32_t loop_depth;
    uint32_t loop_line;
    struct od_error *error;
};

#define LOOP_DEPTH_MAX 16

static const struct {
    const char *word;
    enum od_slt_kind kind;
    uint32_t words_min; /* the first one included */
    const char *wanted;
} kinds[] = {
    {"statement", OD_SLT_STATEMENT, 2, "statement ok|error|count N|maybe"},
    {"query", OD_SLT_QUERY, 1, "query TYPES [nosort|rowsort|valuesort] [label]"},
    {"halt", OD_SLT_HALT, 1, "halt"},
    {"hash-threshold", OD_SLT_IGNORED, 2, "hash-threshold N"},
    {"loop", OD_SLT_LOOP, 4, "loop VARIABLE FIRST END"},
    {"concurrentloop", OD_SLT_LOOP, 4, "concurrentloop VARIABLE FIRST END"},
    {"foreach", OD_SLT_FOREACH, 3, "foreach VARIABLE VALUE..."},
    {"concurrentforeach", OD_SLT_FOREACH, 3, "concurrentforeach VARIABLE VALUE..."},
    {"endloop", OD_SLT_ENDLOOP, 1, "endloop"},
    {"include", OD_SLT_INCLUDE, 2, "include FILE"},
    {"require", OD_SLT_REQUIRE, 2, "require WHAT"},
    {"mode", OD_SLT_MODE, 2, "mode WORD"},
    {"control", OD_SLT_CONTROL, 3, "control sortmode|resultmode|substitution WORD"},
    {"connection", OD_SLT_CONNECTION, 2, "connection NAME"},
    {"subtest", OD_SLT_IGNORED, 1, "subtest NAME"},
    {"sleep", OD_SLT_IGNORED, 2, "sleep TIME"},
    {"show-column-names", OD_SLT_IGNORED, 2, "show-column-names true|false"},
    {"tags", OD_SLT_IGNORED, 1, "tags NAME..."},
    {"retry", OD_SLT_IGNORED, 1, ""}, /* here to "reset-server": CockroachDB's and Materialize's */
    {"skip_on_retry", OD_SLT_IGNORED, 1, ""},
    {"kv-batch-size", OD_SLT_IGNORED, 1, ""},
    {"cluster-opt", OD_SLT_FOREIGN, 1, ""},
    {"user", OD_SLT_FOREIGN, 1, ""},
    {"awaitstatement", OD_SLT_FOREIGN, 1, ""},
    {"awaitquery", OD_SLT_FOREIGN, 1, ""},
    {"simple", OD_SLT_FOREIGN, 1, ""},
    {"copy", OD_SLT_FOREIGN, 1, ""},
    {"reset-server", OD_SLT_FOREIGN, 1, ""},
    {"require-env", OD_SLT_FOREIGN, 1, ""},
    {"test-env", OD_SLT_FOREIGN, 1, ""},
    {"load", OD_SLT_FOREIGN, 1, ""},
    {"restart", OD_SLT_FOREIGN, 1, ""},
    {"reconnect", OD_SLT_IGNORED, 1, ""},
    {"unzip", OD_SLT_FOREIGN, 1, ""},
    {"system", OD_SLT_FOREIGN, 1, ""},
    {"set", OD_SLT_IGNORED, 1, ""}, /* which messages are errors of the runner's own */
    {"reset", OD_SLT_IGNORED, 1, ""},
    {"let", OD_SLT_FOREIGN, 1, ""},
    {"template", OD_SLT_FOREIGN, 1, ""},
};
#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static enum od_status no_memory(struct parser *parser)
{
    return od_fail(parser->error, OD_NO_MEMORY, "reading %s", parser->file->name);
}

/* The column of a word of the current line, from 1. */
static enum od_status expected_at(struct parser *parser, uint32_t column, const char *wanted,
                                  const char *found)
{
    return od_fail_at(parser->error, OD_BAD_INPUT, parser->line, column,
                      "%s:%u:%u: expected %s, found '%.60s'", parser->file->name, parser->line, column,
                      wanted, found);
}

static bool at_end(const struct parser *parser)
{
    return parser->offset >= parser->size;
}

/* The next line, without its end and a carriage return before it; a NUL within ends it, too. */
static enum od_status next_line(struct parser *parser)
{
    const char *start = parser->bytes + parser->offset;
    const char *newline = memchr(start, '\n', parser->size - parser->offset);
    size_t size = newline == NULL ? parser->size - parser->offset : (size_t)(newline - start);
    parser->line_start = parser->offset;
    parser->offset += size + (newline != NULL);
    parser->line++;
    if (size > 0 && start[size - 1] == '\r')
        size--;
    parser->text = od_arena_copy_text(parser->arena, start, size);
    return parser->text == NULL ? no_memory(parser) : OD_OK;
}

static bool is_empty(const char *text)
{
    while (is_blank(*text))
        text++;
    return *text == '\0';
}

/* "----" and blanks. */
static bool is_separator(const char *text)
{
    return strncmp(text, "----", 4) == 0 && is_empty(text + 4);
}

/* Index of the kind that a line begins with; KIND_COUNT when none. */
static size_t find_kind(const char *text, size_t size)
{
    size_t i = 0;
    while (i < KIND_COUNT && (strlen(kinds[i].word) != size || memcmp(kinds[i].word, text, size) != 0))
        i++;
    return i;
}

/* Does a record, a comment or the end of the file begin at the next line? Looks, does not read. */
static bool record_begins(const struct parser *parser)
{
    size_t size = 0;
    const char *start = parser->bytes + parser->offset;
    size_t left = parser->size - parser->offset;
    while (size < left && !is_blank(start[size]) && start[size] != '\n' && start[size] != '\r')
        size++;
    return size == 0 || start[0] == '#' || find_kind(start, size) < KIND_COUNT ||
           (size == 6 && (memcmp(start, "skipif", 6) == 0 || memcmp(start, "onlyif", 6) == 0));
}

/* Splits the current line; columns_out[i] is where word i begins, from 1. */
static enum od_status split(struct parser *parser, const char ***words_out, uint32_t **columns_out,
                            uint32_t *count_out)
{
    size_t most = strlen(parser->text) / 2 + 1;
    *words_out = od_arena_take_array(parser->arena, most, sizeof(**words_out));
    *columns_out = od_arena_take_array(parser->arena, most, sizeof(**columns_out));
    *count_out = 0;
    if (*words_out == NULL || *columns_out == NULL)
        return no_memory(parser);
    for (const char *at = parser->text; *at != '\0';) {
        while (is_blank(*at))
            at++;
        size_t size = strcspn(at, " \t");
        if (size == 0)
            break;
        char *word = od_arena_copy_text(parser->arena, at, size);
        if (word == NULL)
            return no_memory(parser);
        (*columns_out)[*count_out] = (uint32_t)(at - parser->text) + 1;
        (*words_out)[(*count_out)++] = word;
        at += size;
    }
    return OD_OK;
}

/* Lines up to a blank one, "----" or a comment with a record behind it, joined; the current line is then that one. Other
 * comments are left out. */
static enum od_status read_sql(struct parser *parser, const char **sql_out)
{
    struct od_buffer sql;
    od_buffer_init(&sql, parser->arena->memory);
    enum od_status status = OD_OK;
    parser->text = "";
    while (!at_end(parser) && (status = next_line(parser)) == OD_OK) {
        bool is_comment = parser->text[0] == '#';
        if (is_empty(parser->text) || is_separator(parser->text) || (is_comment && record_begins(parser)))
            break;
        if (is_comment)
            continue;
        if (sql.size > 0)
            od_buffer_append_u8(&sql, '\n');
        od_buffer_append_text(&sql, parser->text);
    }
    *sql_out = od_arena_copy_buffer(parser->arena, &sql);
    if (status == OD_OK && *sql_out == NULL)
        status = no_memory(parser);
    od_buffer_release(&sql);
    return status;
}

/* Lines after "----" up to a blank one (see the head for messages), or up to EOF. */
static enum od_status read_expected(struct parser *parser, struct od_slt_record *record, bool is_message)
{
    uint32_t capacity = 0;
    record->has_results = true;
    while (!at_end(parser)) {
        OD_TRY(next_line(parser));
        if (record->is_multiline ? strcmp(parser->text, "EOF") == 0
                                 : is_empty(parser->text) && (!is_message || record_begins(parser)))
            break;
        record->end_line = parser->line;
        if (record->expected_count == capacity) {
            capacity = capacity == 0 ? 8 : 2 * capacity;
            const char **grown = od_arena_take_array(parser->arena, capacity, sizeof(*grown));
            if (grown == NULL)
                return no_memory(parser);
            if (record->expected_count > 0)
                memcpy(grown, record->expected, record->expected_count * sizeof(*grown));
            record->expected = grown;
        }
        record->expected[record->expected_count++] = parser->text;
    }
    return OD_OK;
}

/* The lines as one text; NULL: no memory. */
static const char *join_expected(struct parser *parser, const struct od_slt_record *record)
{
    struct od_buffer text;
    od_buffer_init(&text, parser->arena->memory);
    for (uint32_t i = 0; i < record->expected_count; i++)
        od_buffer_print(&text, "%s%s", i == 0 ? "" : "\n", record->expected[i]);
    const char *joined = od_arena_copy_buffer(parser->arena, &text);
    od_buffer_release(&text);
    return joined;
}

/* --- records -------------------------------------------------------------------------------------------- */

static bool read_number(const char *text, uint64_t *value_out)
{
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    *value_out = strtoull(text, &end, 10);
    return *end == '\0';
}

/* The rest of the line from word `index` on, as written: a regular expression may have blanks. NULL when
 * there is none. */
static const char *rest_of_line(const struct parser *parser, const struct od_slt_record *record,
                                const uint32_t *columns, uint32_t index)
{
    return index < record->word_count ? parser->text + columns[index] - 1 : NULL;
}

static enum od_status read_statement_words(struct parser *parser, struct od_slt_record *record,
                                           const uint32_t *columns)
{
    static const struct {
        const char *word;
        enum od_slt_expect expect;
    } expectations[] = {{"ok", OD_SLT_OK},
                        {"error", OD_SLT_ERROR},
                        {"maybe", OD_SLT_MAYBE},
                        {"count", OD_SLT_COUNT},
                        {"debug", OD_SLT_OK}};
    size_t i = 0;
    while (i < 5 && strcasecmp(expectations[i].word, record->words[1]) != 0)
        i++;
    if (i == 5)
        return expected_at(parser, columns[1], "ok, error, count or maybe", record->words[1]);
    record->expect = expectations[i].expect;
    if (record->expect == OD_SLT_COUNT &&
        (record->word_count < 3 || !read_number(record->words[2], &record->count)))
        return expected_at(parser, record->word_count < 3 ? (uint32_t)strlen(parser->text) + 1 : columns[2],
                           "a number of rows", record->word_count < 3 ? "" : record->words[2]);
    if (record->expect == OD_SLT_ERROR)
        record->error_text = rest_of_line(parser, record, columns, 2);
    else if (record->expect == OD_SLT_OK && record->word_count > 2 && strcmp(record->words[2], "retry") != 0)
        record->connection = record->words[2];
    return OD_OK;
}

/* "rowsort", "colnames,rowsort", "partialsort(1,2)", "multiline": false when it is none of these. */
static bool read_options(const char *options, struct od_slt_record *record)
{
    static const struct {
        const char *word;
        enum od_slt_sort sort;
        bool names;
        bool multiline;
    } words[] = {{"nosort", OD_SLT_NOSORT, false, false},
                 {"rowsort", OD_SLT_ROWSORT, false, false},
                 {"sort", OD_SLT_ROWSORT, false, false},
                 {"valuesort", OD_SLT_VALUESORT, false, false},
                 {"colnames", OD_SLT_SORT_DEFAULT, true, false},
                 {"multiline", OD_SLT_SORT_DEFAULT, false, true},
                 {"partialsort", OD_SLT_SORT_DEFAULT, false, false}};
    size_t size = strcspn(options, ",(");
    size_t i = 0;
    while (i < sizeof(words) / sizeof(words[0]) &&
           (strlen(words[i].word) != size || memcmp(words[i].word, options, size) != 0))
        i++;
    if (i == sizeof(words) / sizeof(words[0]))
        return false;
    if (words[i].sort != OD_SLT_SORT_DEFAULT)
        record->sort = words[i].sort;
    record->has_names |= words[i].names;
    record->is_multiline |= words[i].multiline;
    return options[size] != ',' || read_options(options + size + 1, record);
}

/* "name:I,other:T" -> "IT"; the names are not looked at. */
static const char *letters_of(struct parser *parser, const char *words)
{
    char *letters = od_arena_copy_text(parser->arena, words, strlen(words));
    size_t count = 0;
    for (const char *at = strchr(words, ':'); letters != NULL && at != NULL; at = strchr(at + 1, ':'))
        if (at[1] != '\0')
            letters[count++] = at[1];
    if (letters != NULL)
        letters[count] = '\0';
    return letters;
}

static enum od_status read_query_words(struct parser *parser, struct od_slt_record *record,
                                       const uint32_t *columns)
{
    record->expect = OD_SLT_ROWS;
    if (record->word_count < 2)
        return OD_OK;
    if (strcmp(record->words[1], "error") == 0) {
        record->expect = OD_SLT_ERROR;
        record->error_text = rest_of_line(parser, record, columns, 2);
        return OD_OK;
    }
    record->types =
        strchr(record->words[1], ':') == NULL ? record->words[1] : letters_of(parser, record->words[1]);
    if (record->types == NULL)
        return no_memory(parser);
    for (const char *at = record->types; *at != '\0'; at++) {
        if (!((*at >= 'A' && *at <= 'Z') || (*at >= 'a' && *at <= 'z') || *at == '?'))
            return expected_at(parser, columns[1], "one letter (T, I, R) or ? a column", record->words[1]);
    }
    for (uint32_t i = 2; i < record->word_count; i++) {
        if (strcmp(record->words[i], "retry") == 0 || record->words[i][0] == '#')
            break;
        if (read_options(record->words[i], record))
            continue;
        if (i == 2)
            record->connection = record->words[i]; /* a label stands behind the way to sort */
        else
            record->label = record->words[i];
    }
    return OD_OK;
}

static enum od_status read_body(struct parser *parser, struct od_slt_record *record, const uint32_t *columns)
{
    record->error_is_regex = true;
    if (record->kind == OD_SLT_STATEMENT)
        OD_TRY(read_statement_words(parser, record, columns));
    else
        OD_TRY(read_query_words(parser, record, columns));
    OD_TRY(read_sql(parser, &record->sql));
    if (record->sql[0] == '\0')
        return expected_at(parser, 1, "SQL", parser->text);
    bool ended = is_empty(parser->text) || is_separator(parser->text) ||
                 parser->text[0] == '#'; /* else the file did */
    record->sql_end_line = parser->line - ended;
    record->end_line = record->sql_end_line;
    if (!is_separator(parser->text))
        return OD_OK;
    record->end_line = parser->line;
    bool is_error = record->expect == OD_SLT_ERROR;
    OD_TRY(read_expected(parser, record, is_error));
    if ((!is_error && !record->is_multiline) || record->expected_count == 0)
        return OD_OK;
    const char *joined = join_expected(parser, record);
    if (joined == NULL)
        return no_memory(parser);
    if (is_error) {
        record->error_text = joined;
        record->error_is_regex = false;
    } else {
        record->expected[0] = joined;
        record->expected_count = 1;
    }
    return OD_OK;
}

static enum od_status add_record(struct parser *parser, const struct od_slt_record *record)
{
    struct od_slt_file *file = parser->file;
    if (file->record_count == parser->capacity) {
        uint32_t capacity = parser->capacity == 0 ? 64 : 2 * parser->capacity;
        struct od_slt_record *grown = od_arena_take_array(parser->arena, capacity, sizeof(*grown));
        if (grown == NULL)
            return no_memory(parser);
        if (file->record_count > 0)
            memcpy(grown, file->records, file->record_count * sizeof(*grown));
        file->records = grown;
        parser->capacity = capacity;
    }
    file->records[file->record_count++] = *record;
    return OD_OK;
}

static enum od_status add_condition(struct parser *parser, const char *const *words, uint32_t word_count)
{
    if (word_count < 2)
        return expected_at(parser, (uint32_t)strlen(parser->text) + 1, "the name of an engine", "");
    struct od_slt_condition *grown =
        od_arena_take_array(parser->arena, parser->condition_count + 1, sizeof(*grown));
    if (grown == NULL)
        return no_memory(parser);
    if (parser->condition_count > 0)
        memcpy(grown, parser->conditions, parser->condition_count * sizeof(*grown));
    grown[parser->condition_count++] = (struct od_slt_condition){words[0][0] == 'o', words[1]};
    parser->conditions = grown;
    return OD_OK;
}

static enum od_status count_loops(struct parser *parser, const struct od_slt_record *record)
{
    if (record->kind == OD_SLT_LOOP || record->kind == OD_SLT_FOREACH) {
        parser->loop_line = record->line;
        if (++parser->loop_depth > LOOP_DEPTH_MAX)
            return expected_at(parser, 1, "at most 16 loops within each other", record->words[0]);
    } else if (record->kind == OD_SLT_ENDLOOP && parser->loop_depth-- == 0) {
        return expected_at(parser, 1, "a loop before its end", "endloop");
    }
    return OD_OK;
}

static enum od_status read_record(struct parser *parser)
{
    struct od_slt_record record = {.line = parser->line};
    uint32_t *columns = NULL;
    OD_TRY(split(parser, &record.words, &columns, &record.word_count));
    if (strcmp(record.words[0], "skipif") == 0 || strcmp(record.words[0], "onlyif") == 0)
        return add_condition(parser, record.words, record.word_count);
    size_t kind = find_kind(record.words[0], strlen(record.words[0]));
    bool is_bare = kind == KIND_COUNT && parser->condition_count > 0;
    if (kind == KIND_COUNT && !is_bare)
        return expected_at(parser, columns[0], "a record (statement, query, halt, loop...)", record.words[0]);
    record.kind = is_bare ? OD_SLT_STATEMENT : kinds[kind].kind;
    if (!is_bare && record.word_count < kinds[kind].words_min)
        return expected_at(parser, (uint32_t)strlen(parser->text) + 1, kinds[kind].wanted, parser->text);
    record.conditions = parser->conditions;
    record.condition_count = parser->condition_count;
    parser->conditions = NULL;
    parser->condition_count = 0;
    OD_TRY(count_loops(parser, &record));
    if (strcmp(record.words[0], "show-column-names") == 0)
        parser->shows_names = strcmp(record.words[1], "true") == 0;
    record.has_names = parser->shows_names;
    if (is_bare) { /* SQL at once, as SQLite's files have behind a condition: it must succeed */
        record.is_bare = true;
        parser->offset = parser->line_start;
        parser->line--;
        OD_TRY(read_sql(parser, &record.sql));
        record.sql_end_line = record.end_line = parser->line - (parser->text[0] == '\0');
    } else if (record.kind == OD_SLT_STATEMENT || record.kind == OD_SLT_QUERY) {
        OD_TRY(read_body(parser, &record, columns));
    }
    if (record.kind == OD_SLT_FOREIGN && !record_begins(parser)) { /* "system ok", "let": a command below */
        OD_TRY(read_sql(parser, &record.sql));
        if (is_separator(parser->text))
            OD_TRY(read_expected(parser, &record, false));
        if (record.word_count > 1 && strncmp(record.words[1], "conn=", 5) == 0)
            record.kind = OD_SLT_IGNORED; /* Materialize: another session's settings */
    }
    if (record.kind == OD_SLT_QUERY && record.types != NULL && strcmp(record.types, "multiline") == 0)
        return OD_OK; /* a drawing of the answer, as another runner makes it */
    return add_record(parser, &record);
}

enum od_status od_slt_parse(struct od_arena *arena, const char *name, const char *bytes, size_t size,
                            struct od_slt_file *file_out, struct od_error *error)
{
    struct parser parser = {.arena = arena, .bytes = bytes, .size = size, .file = file_out, .error = error};
    *file_out = (struct od_slt_file){.name = name};
    if (size >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0)
        parser.offset = 3; /* a byte order mark */
    while (!at_end(&parser)) {
        OD_TRY(next_line(&parser));
        if (!is_empty(parser.text) && parser.text[0] != '#')
            OD_TRY(read_record(&parser));
    }
    if (parser.loop_depth > 0)
        return od_fail_at(error, OD_BAD_INPUT, parser.loop_line, 1,
                          "%s:%u:1: expected endloop for this loop, found the end", name, parser.loop_line);
    return OD_OK;
}
