/* slt: sqllogictest files (https://www.sqlite.org/sqllogictest), with what DuckDB and sqllogictest-rs added.
 *
 *   text --od_slt_parse--> records --od_slt_run--> each record's SQL goes to an engine; its answer is judged
 *                                                  (slt_compare.h) and told to a sink
 *
 * Records are kept as written: loops are walked and "${i}" replaced when they run, because a loop's body is
 * text. The parser knows nothing of SQL, the runner nothing of how a query is run. Everything of a file lives
 * in one arena of the caller. */
#ifndef OD_HARNESS_SLT_H
#define OD_HARNESS_SLT_H

#include "engine/data/type.h"

/* IGNORED: words that change nothing here ("subtest", "sleep"). FOREIGN: what only another runner can do
 * ("load", "system"): the rest of the file is skipped. */
enum od_slt_kind {
    OD_SLT_STATEMENT,
    OD_SLT_QUERY,
    OD_SLT_HALT,
    OD_SLT_LOOP,
    OD_SLT_FOREACH,
    OD_SLT_ENDLOOP,
    OD_SLT_INCLUDE,
    OD_SLT_REQUIRE,
    OD_SLT_MODE,
    OD_SLT_CONTROL,
    OD_SLT_CONNECTION,
    OD_SLT_IGNORED,
    OD_SLT_FOREIGN
};
enum od_slt_expect { OD_SLT_OK, OD_SLT_ERROR, OD_SLT_MAYBE, OD_SLT_COUNT, OD_SLT_ROWS };
enum od_slt_sort { OD_SLT_SORT_DEFAULT, OD_SLT_NOSORT, OD_SLT_ROWSORT, OD_SLT_VALUESORT };

struct od_slt_condition {
    bool only; /* "onlyif NAME", else "skipif NAME" */
    const char *name;
};
struct od_slt_record {
    enum od_slt_kind kind;
    uint32_t line; /* of the word that says what it is, from 1 */
    uint32_t condition_count;
    struct od_slt_condition *conditions;
    uint32_t word_count; /* the words of that line, the first included */
    const char **words;
    enum od_slt_expect expect;
    uint64_t count;    /* OD_SLT_COUNT: rows that the statement must change */
    const char *types; /* OD_SLT_ROWS: a letter a column; NULL: any */
    enum od_slt_sort sort;
    const char *label;      /* queries of one label must agree; NULL: none */
    const char *connection; /* NULL: the usual one */
    const char *sql;
    const char *error_text; /* OD_SLT_ERROR: what the message must contain or match; NULL: anything */
    bool error_is_regex;
    bool is_bare;            /* a statement without a line that says so */
    bool is_multiline;       /* one cell of many lines, up to EOF */
    bool has_names;          /* the first line after "----" is of columns' names */
    bool has_results;        /* there was a "----" */
    uint32_t expected_count; /* lines after it */
    const char **expected;
    uint32_t sql_end_line; /* the last line of the SQL */
    uint32_t end_line;     /* the last line of the record */
};
struct od_slt_file {
    const char *name;
    uint32_t record_count;
    struct od_slt_record *records;
};

/* `bytes` need not be valid anything. BAD_INPUT with line and column (in bytes) and what was expected there;
 * loops match, so that a runner need not look. */
enum od_status od_slt_parse(struct od_arena *arena, const char *name, const char *bytes, size_t size,
                            struct od_slt_file *file_out, struct od_error *error);

/* The file's text with what each query and statement is to give replaced by what `answers` (one a record;
 * NULL: leave it) gave, a row a line, tabs between. NO_MEMORY only. */
struct od_slt_answer;
enum od_status od_slt_complete(const struct od_slt_file *file, const char *bytes, size_t size,
                               const struct od_slt_answer *const *answers, struct od_buffer *text_out,
                               struct od_error *error);

/* --- running -------------------------------------------------------------------------------------------- */

/* What an engine gave. Cells row after row, NULL for SQL's NULL; in the arena of the call. */
struct od_slt_answer {
    enum od_status status;
    struct od_error error;
    uint32_t column_count;
    uint32_t row_count;
    const char **cells;
    const enum od_type *types;
    /* The columns of ORDER BY, when it names no others: rows alike in them may stand in any order. 0: not known. */
    uint32_t order_count;
    const uint32_t *order;
    uint64_t changed_count; /* rows that a statement changed */
    bool in_transaction;    /* after it */
};
struct od_slt_engine {
    /* Runs all statements of the text; the answer is the last one's. Errors of SQL go into the answer;
     * NO_MEMORY and the like too. */
    void (*run)(void *self, struct od_arena *arena, const char *sql, struct od_slt_answer *answer_out);
    /* A statement failed that should have made or changed this relation: what needs it is to be UNSUPPORTED, as its rows are not
     * what the file means. NULL: what fails has just not happened. */
    enum od_status (*refuse)(void *self, const char *name, struct od_error *error);
    void *self;
};

enum od_slt_verdict { OD_SLT_PASSED, OD_SLT_FAILED, OD_SLT_SKIPPED };
/* Why a record failed, for the summary. */
enum od_slt_cause { OD_SLT_WRONG, OD_SLT_REFUSED, OD_SLT_BROKEN, OD_SLT_CAUSE_COUNT };
struct od_slt_report {
    const char *file;
    const struct od_slt_record *record;
    const char *sql; /* with its loop variables replaced */
    enum od_slt_verdict verdict;
    enum od_slt_cause cause;
    const char *text;                   /* why it failed or was skipped; several lines; "" when it passed */
    const struct od_slt_answer *answer; /* NULL when nothing was run */
    bool leniently;                     /* passed though the error's text is another than the file's */
};
struct od_slt_sink {
    void (*take)(void *self, const struct od_slt_report *report);
    void *self;
};

struct od_slt_options {
    const char *name;      /* this engine's, for skipif and onlyif */
    bool skip_unsupported; /* a refusal where success was expected is skipped */
    bool is_postgres;      /* speaks PostgreSQL's dialect: conditions that name it mean this engine, too */
    bool strict_errors;    /* messages must match, not only be there: every engine has its own words */
    struct od_slt_sink sink;
    /* Reads an included file; the text lives in the arena. */
    enum od_status (*read)(void *self, struct od_arena *arena, const char *path, const char **bytes_out,
                           size_t *size_out, struct od_error *error);
    void *read_self;
};
/* Runs a file. BAD_INPUT for an included file that can't be read or parsed, a condition or loop that makes no
 * sense; else what happened is in the reports. */
enum od_status od_slt_run(struct od_memory *memory, const struct od_slt_file *file,
                          const struct od_slt_engine *engine, const struct od_slt_options *options,
                          struct od_error *error);

#endif
