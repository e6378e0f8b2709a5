/* Goal: files are read as SQLite's, DuckDB's and sqllogictest-rs's runners read them; what is no file is told
 * with its place; answers pass exactly where they should. Method: a made-up engine whose SQL is its answer:
 * "int,text:1,a|2,b" gives two rows, "!bad ..." an error, "changed 3" a count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/core/sweep.h"
#include "harness/slt.h"
#include "harness/slt_compare.h"

/* --- the made-up engine --------------------------------------------------------------------------------- */

static enum od_type type_named(const char *name, size_t size)
{
    static const struct {
        const char *name;
        enum od_type type;
    } types[] = {{"int", OD_TYPE_INT64}, {"real", OD_TYPE_FLOAT64}, {"dec", OD_TYPE_DECIMAL},
                 {"text", OD_TYPE_TEXT}, {"bool", OD_TYPE_BOOLEAN}, {"time", OD_TYPE_TIMESTAMP}};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (strlen(types[i].name) == size && memcmp(types[i].name, name, size) == 0)
            return types[i].type;
    }
    return OD_TYPE_TEXT;
}

static void give_rows(struct od_arena *arena, const char *sql, struct od_slt_answer *answer)
{
    enum od_type types[8];
    const char *cells[64];
    uint32_t count = 0;
    while (*sql != ':' && answer->column_count < 8) {
        size_t size = strcspn(sql, ",:");
        types[answer->column_count++] = type_named(sql, size);
        sql += size + (sql[size] == ',');
    }
    for (sql++; *sql != '\0' && count < 64;) {
        size_t size = strcspn(sql, ",|");
        bool is_null = size == 4 && memcmp(sql, "NULL", 4) == 0;
        cells[count] = is_null ? NULL : od_arena_copy_text(arena, sql, size);
        if (cells[count++] == NULL && !is_null)
            answer->status = OD_NO_MEMORY;
        sql += size + (sql[size] != '\0');
    }
    enum od_type *kept_types = od_arena_take(arena, sizeof(types));
    const char **kept_cells = od_arena_take(arena, sizeof(cells));
    if (kept_types == NULL || kept_cells == NULL) {
        answer->status = OD_NO_MEMORY;
        return;
    }
    memcpy(kept_types, types, sizeof(types));
    memcpy(kept_cells, cells, sizeof(cells));
    answer->types = kept_types;
    answer->cells = kept_cells;
    answer->row_count = count / answer->column_count;
}

static void run_sql(void *self, struct od_arena *arena, const char *sql, struct od_slt_answer *answer_out)
{
    bool *in_transaction = self;
    *answer_out = (struct od_slt_answer){0};
    if (sql[0] == '!' || strncmp(sql, "PRAGMA", 6) == 0 || strncmp(sql, "delete", 6) == 0)
        answer_out->status = od_fail(
            &answer_out->error, strncmp(sql, "!no", 3) == 0 ? OD_UNSUPPORTED : OD_BAD_INPUT, "%s", sql + 1);
    else if (*in_transaction && strcmp(sql, "aborted") == 0)
        answer_out->status = od_fail(&answer_out->error, OD_BAD_INPUT, "current transaction is aborted, ...");
    else if (strncmp(sql, "changed ", 8) == 0)
        answer_out->changed_count = strtoull(sql + 8, NULL, 10);
    else if (strcmp(sql, "begin") == 0 || strcmp(sql, "end") == 0 || strcmp(sql, "rollback") == 0)
        *in_transaction = sql[0] == 'b';
    else if (strchr(sql, ':') != NULL)
        give_rows(arena, sql, answer_out);
    answer_out->in_transaction = *in_transaction;
}

static enum od_status refuse(void *self, const char *name, struct od_error *error)
{
    (void)self;
    assert_string_equal(name, "gone");
    return od_fail(error, OD_NO_MEMORY, "refusing");
}

struct counts {
    uint32_t by_verdict[3];
    uint32_t lenient;
    char last_text[400];
};

static void count_report(void *self, const struct od_slt_report *report)
{
    struct counts *counts = self;
    counts->by_verdict[report->verdict]++;
    counts->lenient += report->leniently;
    if (report->verdict != OD_SLT_PASSED)
        snprintf(counts->last_text, sizeof(counts->last_text), "%s", report->text);
}

static enum od_status read_included(void *self, struct od_arena *arena, const char *path,
                                    const char **bytes_out, size_t *size_out, struct od_error *error)
{
    (void)self;
    (void)arena;
    *bytes_out = strcmp(path, "dir/itself") == 0 ? "include itself\n" : "statement ok\nx\n";
    *size_out = strlen(*bytes_out);
    return strcmp(path, "dir/missing") == 0 ? od_fail(error, OD_MISSING, "none") : OD_OK;
}

static enum od_status run_text(struct od_memory *memory, const char *text, struct od_slt_options options,
                               struct counts *counts, struct od_error *error)
{
    struct od_arena arena;
    struct od_slt_file file;
    bool in_transaction = false;
    const struct od_slt_engine engine = {run_sql, refuse, &in_transaction};
    *counts = (struct counts){0};
    *error = (struct od_error){0};
    options.name = "ordeal";
    options.sink = (struct od_slt_sink){count_report, counts};
    options.read = read_included;
    od_arena_init(&arena, memory, 0);
    enum od_status status = od_slt_parse(&arena, "dir/file.test", text, strlen(text), &file, error);
    if (status == OD_OK)
        status = od_slt_run(memory, &file, &engine, &options, error);
    od_arena_release(&arena);
    return status;
}

/* --- files ---------------------------------------------------------------------------------------------- */

/* verdicts: passed, failed, skipped */
static const struct {
    const char *text;
    uint32_t verdicts[3];
} runs[] = {
    {"", {0, 0, 0}},
    {"# a comment\n\nstatement ok\nx\n\nstatement ok\r\nx\r\n", {2, 0, 0}},
    {"statement ok\n!bad\n\nstatement error\n!bad\n\nstatement error\nx\n\nstatement maybe\n!bad\n",
     {2, 2, 0}},
    {"statement count 3\nchanged 3\n\nstatement count 4\nchanged 3\n", {1, 1, 0}},
    {"statement error bad (thing|stuff)\n!bad stuff\n\nstatement error good\n!bad\n", {1, 1, 0}},
    {"statement error\n!a message\n----\na message\n\nstatement error\n!a message\n----\nanother\n\n",
     {1, 1, 0}},
    {"statement error\n!first\n----\nfirst\n\nmore\n\n\nstatement ok\nx\n", {1, 1, 0}},
    {"query error DataFusion error: whatever\n!bad\n\nstatement error\n!bad\n----\nBinder Error: whatever\n",
     {0, 2, 0}},
    {"query error\n!bad\n\nquery error no\n!bad\n", {1, 1, 0}},
    {"query I\nint:1|2\n----\n1\n2\n\nquery I\nint:1|2\n----\n2\n1\n\nquery I rowsort\nint:1|2\n----\n2\n1\n",
     {3, 0, 0}},
    {"query T\ntext:1|2| order  BY\n----\n2\n1\norder  BY\n\nquery T\ntext:1|2|( order by )\n----\n2\n1\n( "
     "order by )\n\n"
     "query T\ntext:1|2|'order by'\n----\n2\n1\n'order by'\n\nquery T\ntext:1|2|'\n----\n2\n1\n'\n",
     {3, 1, 0}},
    {"query II\nint,int:1,2|3,4\n----\n1\n2\n3\n4\n\nquery II\nint,int:1,2|3,4\n----\n1 2\n3   4\n\nquery "
     "II\nint,int:1,2\n----\n1\t2\n",
     {3, 0, 0}},
    {"query II\nint,int:1,2|3,4\n----\n1 2\n3 5\n\nquery II\nint,int:1,2|3,4\n----\n1 2\n", {0, 2, 0}},
    {"query II valuesort\nint,int:4,2|3,1\n----\n1\n2\n3\n4\n\nquery II rowsort\nint,int:3,4|1,2\n----\n1 "
     "2\n3 4\n",
     {2, 0, 0}},
    {"query TT\ntext,text:a b,c|NULL,|\n----\na b c\nNULL (empty)\n\nquery TT\ntext,text:a b,c\n----\na\tb "
     "c\n",
     {1, 1, 0}},
    {"query II\nint:1\n----\n1\n\nquery ?\nint:1\n----\n1\n\nquery\nint:1\n----\n1\n\nquery I\nint:1\n",
     {3, 1, 0}},
    {"query I\nint:1\n----\n\nquery I\nint:\n----\n\n", {1, 1, 0}},
    {"query I nosort same\nint:1\n\nquery I nosort same\nint:1\n\nquery I nosort same\nint:2\n", {2, 1, 0}},
    {"query I\nint:1|2|3\n----\n3 values hashing to c0710d6b4f15dfa88f600b0e6b624077\n\nquery "
     "I\nint:1|2|3\n----\n"
     "3 values hashing to 00000000000000000000000000000000\n\nhash-threshold 2\n",
     {1, 1, 0}},
    {"skipif ordeal\nstatement ok\n!bad\n\nonlyif ordeal\nstatement ok\nx\n\nonlyif sqlite # why\nstatement "
     "ok\nx\n\n"
     "skipif sqlite\nskipif ORDEAL\nstatement ok\nx\n",
     {1, 0, 3}},
    {"statement ok\nx\n\nhalt\n\nstatement ok\n!bad\n\nloop i 0 5\n\nstatement ok\n!bad\n\nendloop\n",
     {1, 0, 2}},
    {"loop i 1 4\n\nquery I\nint:${i}\n----\n${i}\n\nendloop\n", {3, 0, 0}},
    {"set ignore_error_messages a b\n\nquery I sort\nint:2|1\n----\n1\n2\n", {1, 0, 0}},
    {"query I c1\nint:1\n----\n1\n\nquery I c1\nint:2\n# and\n# then\nquery I nosort x\nint:3\n# "
     "within\n----\n3\n\nquery I "
     "nosort x\nint:4\n",
     {3, 1, 0}},
    {"foreach i 5 6\n\nquery IT\nint,text:{i},{j}\n----\n{i} {j}\n\nendloop\n", {2, 0, 0}},
    {"foreach a,b 1,2 3,4\n\nforeach c x y\n\nquery III\nint,int,text:${a},${b},${c}\n----\n${a} ${b} "
     "${c}\n\nendloop\n\nendloop\n",
     {4, 0, 0}},
    {"loop i 0 3\n\nonlyif i=1\nstatement ok\nx\n\nskipif i<2\nstatement ok\nx\n\nendloop\n\nloop i 3 "
     "0\n\nendloop\n",
     {2, 0, 4}},
    {"foreach t <unsigned> <odd> x\n\nstatement ok\n${t}\n\nendloop\n\nforeach t <numeric>\n\nonlyif "
     "t=double\n"
     "statement ok\nx\n\nendloop\n",
     {8, 0, 11}},
    {"include other\n\nstatement ok\nx\n", {2, 0, 0}},
    {"require vector_size 1024\n\nstatement ok\nx\n\nrequire parquet\n\nstatement ok\nx\n", {1, 0, 1}},
    {"mode skip\n\nstatement ok\n!bad\n\nmode unskip\n\nstatement ok\nx\n", {1, 0, 1}},
    {"load some.db\n\nstatement ok\nx\n", {0, 0, 1}},
    {"control sortmode rowsort\n\nquery I\nint:2|1\n----\n1\n2\n\ncontrol resultmode valuewise\n\nquery "
     "II\nint,int:1,2\n----\n1 2\n",
     {1, 1, 0}},
    {"connection one\n\nstatement ok\nbegin\n\nconnection two\n\nstatement ok\nx\n", {1, 0, 1}},
    {"statement ok\nbegin\n\nstatement ok\n!bad\n\nstatement ok\nx\n", {1, 1, 1}},
    {"statement ok\nbegin\n\nquery I\n!bad\n\nstatement ok\ndelete from t\n\nstatement "
     "ok\nrollback\n\nstatement ok\nx\n",
     {3, 1, 1}},
    {"statement ok\nbegin\n\nstatement ok\naborted\n\nstatement ok\nx\n\nstatement ok\nrollback\n\nstatement "
     "ok\naborted\n",
     {3, 0, 2}},
    {"statement ok\nbegin\n\nstatement ok\ndelete from t\n\nstatement ok\nend\n\nstatement ok\nx\n",
     {1, 1, 2}},
    {"statement ok one\nbegin\n\nstatement ok one\nend\n\nstatement ok two\nx\n", {3, 0, 0}},
    {"query T\ntext:abc\n----\n<REGEX>:a.*\n\nquery T\ntext:abc\n----\n<!REGEX>:a.*\n\nquery "
     "T\ntext:a1\n----\n<REGEX>:a\\d\n\n"
     "query T\ntext:abc\n----\n<REGEX>:b\n\nquery T\ntext:abc\n----\n<REGEX>:(\n",
     {2, 3, 0}},
    {"query T\ntext:a\n----\n<REGEX>:a{30}{30}{30}{30}{30}{30}{30}{30}\n\nquery "
     "T\ntext:a\n----\n<REGEX>:(a{900}){900}\n\n"
     "query T\ntext:aab+\n----\n<REGEX>:a+a{1,2}\\+*b\\+\n",
     {1, 2, 0}},
    {"query T\ntext:aab\n----\n<REGEX>:a{1}a+b{1,2}\n", {1, 0, 0}},
    /* words of other runners */
    {"show-column-names false\n\nquery a:I,b:T rowsort retry 3 backoff 5s\nint,text:1,x\n----\n1 x\n",
     {1, 0, 0}},
    {"query a:I,b:T\nint:1\n----\n1\n", {0, 1, 0}},
    {"query a:I,b\nint:1\n----\n1\n", {1, 0, 0}},
    {"query T\ntext:a\n----\n1 value hashing to 60b725f10c9c85c70d97880dfe8191b3\n", {1, 0, 0}},
    {"query T\ntext:b\n----\n1 value hashing to 60b725f10c9c85c70d97880dfe8191b3\n", {0, 1, 0}},
    {"query II colnames,rowsort\nint,int:2,3|1,4\n----\n  x    y\n  2    3\n  1    4\n", {1, 0, 0}},
    {"query I rowsort,colnames\nint:1\n----\n1\n", {0, 1, 0}},
    {"query I colnames\nint:1\n----\nx\n1\n\nquery I colnames\nint:2\n----\nx\n2\n", {2, 0, 0}},
    {"query II partialsort(1,2)\nint,int:1,2\n----\n1 2\n", {1, 0, 0}},
    {"query I nosort colnamesrowsort\nint:1\n----\n1\n\nquery I nosort colnamesrowsort\nint:2\n----\n2\n",
     {1, 1, 0}},
    {"query T multiline\ntext:a\n----\na\nEOF\n\nquery T multiline\ntext:a\n----\na\n\nstatement "
     "nonsense\nEOF\n",
     {1, 1, 0}},
    {"statement OK\nx\n\nretry\nstatement ok\nx\n", {2, 0, 0}},
    {"user root\n\nstatement ok\nx\n", {0, 0, 1}},
    {"skipif other\nx\n\nskipif other\n!bad\ntwo lines\n\nonlyif other\nx\n", {1, 1, 1}},
    {"query multiline\nint:1\n----\n+---+\n| 1 |\n\nquery I\nint:1\n----\n1\n", {1, 0, 0}},
    {"system ok\necho x\n----\nx\n\nquery I\nint:1\n----\n1\n", {0, 0, 1}},
    {"simple conn=a,user=a\nx\n----\nCOMPLETE 0\n\nquery I\nint:1\n----\n1\n", {1, 0, 0}},
    {"let a\nselect 1\n\nquery I\nint:1\n----\n1\n", {0, 0, 1}},
    {"show-column-names true\n\nquery I\nint:1\n----\na\n1\n", {1, 0, 0}},
    {"statement ok\n!not here\n\nstatement error\n!not here\n", {1, 1, 0}},
    {"query I\nint:1\n----\n<FILE>:somewhere/answer.csv\n", {0, 0, 1}},
};

static void files_run_as_they_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
        struct counts counts;
        struct od_error error;
        char *text = strdup(runs[i].text);
        uint32_t wanted[3] = {runs[i].verdicts[0], runs[i].verdicts[1], runs[i].verdicts[2]};
        enum od_status status = run_text(od_heap_for_tests(), text,
                                         (struct od_slt_options){.strict_errors = true}, &counts, &error);
        if (status != OD_OK || memcmp(counts.by_verdict, wanted, sizeof(wanted)) != 0)
            fail_msg("run %zu: status %d %s: %u passed, %u failed, %u skipped: %s\n%s", i, status, error.text,
                     counts.by_verdict[0], counts.by_verdict[1], counts.by_verdict[2], counts.last_text,
                     text);
        free(text);
    }
}

static const struct {
    const char *text;
    uint32_t line;
    uint32_t column;
} mistakes[] = {
    {"nonsense\n", 1, 1},
    {"\n\nstatement\n", 3, 10},
    {"statement okay\n", 1, 11},
    {"statement count x\nx\n", 1, 17},
    {"statement ok\n", 1, 1},
    {"query I-\nx\n", 1, 7},
    {"loop i 0\n", 1, 9},
    {"loop i 0 1\n\nstatement ok\nx\n", 1, 1},
    {"endloop\n", 1, 1},
    {"skipif\n", 1, 7},
    {"include\n", 1, 8},
    {"control sortmode\n", 1, 17},
    {"include itself\n", 1, 1},
    {"include missing\n", 1, 1},
    {"foreach a,b 1\n\nendloop\n", 1, 1},
    {"loop i 0 100000000\n\nendloop\n", 1, 1},
    {"control sortmode sideways\n", 1, 1},
};

static void mistakes_have_places(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        struct counts counts;
        struct od_error error;
        enum od_status status =
            run_text(od_heap_for_tests(), mistakes[i].text, (struct od_slt_options){0}, &counts, &error);
        if (status != OD_BAD_INPUT || error.line != mistakes[i].line || error.column != mistakes[i].column ||
            strstr(error.text, "expected") == NULL)
            fail_msg("mistake %zu: status %d at %u:%u: %s", i, status, error.line, error.column, error.text);
    }
}

static void options_change_verdicts(void **state)
{
    static const char refused[] = "statement ok\n!not here\n";
    static const char foreign[] = "statement error other words than ours\n!bad\n";
    static const char excused[] = "skipif postgresql\nquery I\n!not here\n----\n1\n\n"
                                  "skipif postgres\nstatement ok\n!not here\n\nonlyif postgresql\nhalt\n\n"
                                  "statement ok\n!not here\n";
    static const char changing[] = "query\ndelete from t\n\nstatement ok\ndelete from gone\n";
    static const char setting[] = "statement ok\nPRAGMA x\n";
    struct counts counts;
    struct od_error error;
    (void)state;
    run_text(od_heap_for_tests(), refused, (struct od_slt_options){.skip_unsupported = true}, &counts,
             &error);
    assert_int_equal(counts.by_verdict[OD_SLT_SKIPPED], 1);
    run_text(od_heap_for_tests(), foreign, (struct od_slt_options){0}, &counts, &error);
    assert_int_equal(counts.lenient, 1);
    assert_int_equal(run_text(od_heap_for_tests(), changing, (struct od_slt_options){0}, &counts, &error),
                     OD_NO_MEMORY);
    run_text(od_heap_for_tests(), foreign, (struct od_slt_options){.strict_errors = true}, &counts, &error);
    assert_int_equal(counts.by_verdict[OD_SLT_FAILED], 1);
    run_text(od_heap_for_tests(), setting, (struct od_slt_options){0}, &counts, &error);
    assert_int_equal(counts.by_verdict[OD_SLT_SKIPPED], 1);
    run_text(od_heap_for_tests(), excused, (struct od_slt_options){0}, &counts, &error);
    assert_int_equal(counts.by_verdict[OD_SLT_FAILED], 3);
    run_text(od_heap_for_tests(), excused, (struct od_slt_options){.is_postgres = true}, &counts, &error);
    assert_int_equal(counts.by_verdict[OD_SLT_SKIPPED], 3);
}

/* --- cells ---------------------------------------------------------------------------------------------- */

static const struct {
    char letter;
    const char *type;
    const char *actual;
    const char *expected;
    bool equal;
} cells[] = {
    {'I', "int", "1", "1", true},
    {'I', "int", "1", "2", false},
    {'I', "int", "9007199254740993", "9007199254740992", false},
    {'R', "int", "1", "1.000", true},
    {'R', "dec", "1.50", "1.5", true},
    {'R', "dec", "1.50", "1.51", false},
    {'R', "dec", "2.3333333333333333", "2.333", true},
    {'R', "dec", "2.3333333333333333", "2.33", false}, /* two digits may be all there is */
    {'R', "dec", "2.3336", "2.333", false},
    {'R', "dec", "-0.00", "0.0", true},
    {'R', "dec", "1.5", "1.50 ", true},
    {'R', "dec", "3.00", "   3", true},
    {'I', "int", "10", "10 ", true},
    {'I', "int", "10", "1 0", false},
    {'T', "text", "x", "x ", false},
    {'R', "dec", "-16100.6666666666666667", "-16100.666666666666", true}, /* a double's digits */
    {'R', "dec", "2.3333333333333333", "2.333333333333334", true},
    {'R', "dec", "2.3333333333333333", "2.333333333533333", false},
    {'R', "dec", "2.3333333333333333", "2.333333333333333334", false}, /* more digits than a double's */
    {'R', "dec", "12345678901234567", "12345678901234568", false},
    {'R', "dec", "0.00012", "0.00013", false},
    {'R', "real", "0.30000000000000004", "0.3", true},
    {'R', "real", "0.31", "0.3", false},
    {'R', "real", "1e+20", "100000000000000000000", true},
    {'R', "real", "NaN", "nan", true},
    {'R', "real", "Infinity", "inf", true},
    {'R', "real", "Infinity", "-inf", false},
    {'I', "real", "3.7", "3", true},
    {'I', "real", "3.7", "4", false},
    {'T', "real", "3.7", "3", false},
    {'I', "text", "12abc", "12", true},
    {'I', "text", "abc", "0", true},
    {'I', "text", "abc", "abc", true},
    {'T', "text", "abc", "abd", false},
    {'T', "text", "1.0", "1", false},
    {'T', "text", "a\tb", "a@b", true},
    {'T', "text", "a@b", "a\tb", false},
    {'I', "bool", "t", "1", true},
    {'T', "bool", "t", "true", true},
    {'T', "bool", "f", "True", false},
    {'T', "bool", "f", "0", true},
    {'T', "time", "2020-01-01 10:00:00", "2020-01-01T10:00:00", true},
    {'T', "time", "2020-01-01 10:00:00", "2020-01-01T10:00:01", false},
    {'P', "time", "2020-01-01 10:00:00.5", "2020-01-01T10:00:00.500", true},
    {'P', "time", "2020-01-01 10:00:00.5", "2020-01-01T10:00:00.501", false},
    {'D', "time", "2020-01-01 00:00:00", "2020-01-01", true},
    {'D', "time", "2020-01-01 00:00:01", "2020-01-01", false},
    {'D', "time", "2020-01-01 00:00:00", "x", false},
    {'T', "text", "NULL", "NULL", true},
    {'T', "text", "", "(empty)", true},
    {'T', "text", "x", "(empty)", false},
    {'I', "int", "0", "NULL", false},
};

static void cells_match_or_do_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
        struct od_arena arena;
        const char *text = NULL;
        const enum od_type type = type_named(cells[i].type, strlen(cells[i].type));
        const char types[2] = {cells[i].letter, '\0'};
        const struct od_slt_answer answer = {
            .column_count = 1, .row_count = 1, .cells = (const char **)&cells[i].actual, .types = &type};
        const struct od_slt_expected expected = {
            .types = types, .has_results = true, .line_count = 1, .lines = &cells[i].expected};
        od_arena_init(&arena, od_heap_for_tests(), 0);
        assert_int_equal(od_slt_compare(&arena, &expected, &answer, &text, NULL), OD_OK);
        if ((*text == '\0') != cells[i].equal)
            fail_msg("cell %zu: %s as %s: %s", i, cells[i].actual, cells[i].expected,
                     *text == '\0' ? "equal" : text);
        od_arena_release(&arena);
    }
}

/* The example of sqlite.org/sqllogictest: values sorted, rendered, each with a newline behind. */
static void hashes_are_sqlites(void **state)
{
    static const char *const values[] = {"3", "1", "2"};
    static const enum od_type type = OD_TYPE_INT64;
    const struct od_slt_answer answer = {
        .column_count = 1, .row_count = 3, .cells = (const char **)values, .types = &type};
    const struct od_slt_expected expected = {.types = "I", .sort = OD_SLT_ROWSORT};
    const struct od_slt_expected real = {.types = "R", .sort = OD_SLT_VALUESORT};
    struct od_arena arena;
    (void)state;
    od_arena_init(&arena, od_heap_for_tests(), 0);
    /* printf '1\n2\n3\n' | md5sum; printf '1.000\n2.000\n3.000\n' | md5sum */
    assert_string_equal(od_slt_hash(&arena, &expected, &answer),
                        "3 values hashing to c0710d6b4f15dfa88f600b0e6b624077");
    assert_string_equal(od_slt_hash(&arena, &real, &answer),
                        "3 values hashing to 11fe0fa41b32524f530c99296441585d");
    od_arena_release(&arena);
}

/* --- completing ----------------------------------------------------------------------------------------- */

static void files_are_completed(void **state)
{
    static const char before[] =
        "# head\n\nquery X label\nSELECT\n----\nold\nolder\n\nstatement ok\nbad\n\nquery TT rowsort\nq";
    static const char after[] = "# head\n\nquery I label\nSELECT\n----\n1\n2\n\nstatement "
                                "error\nbad\n\nquery TT rowsort\nq\n----\na\tNULL\n";
    static const enum od_type types[] = {OD_TYPE_INT64, OD_TYPE_TEXT};
    static const char *const numbers[] = {"1", "2"};
    static const char *const row[] = {"a", NULL};
    const struct od_slt_answer two = {
        .column_count = 1, .row_count = 2, .cells = (const char **)numbers, .types = types};
    const struct od_slt_answer broken = {.status = OD_BAD_INPUT};
    const struct od_slt_answer one = {
        .column_count = 2, .row_count = 1, .cells = (const char **)row, .types = types};
    const struct od_slt_answer *answers[] = {&two, &broken, &one};
    struct od_arena arena;
    struct od_slt_file file;
    struct od_buffer text;
    (void)state;
    od_arena_init(&arena, od_heap_for_tests(), 0);
    od_buffer_init(&text, od_heap_for_tests());
    assert_int_equal(od_slt_parse(&arena, "f", before, strlen(before), &file, NULL), OD_OK);
    assert_int_equal(file.record_count, 3);
    /* "X" fits the one column and stays */
    assert_int_equal(od_slt_complete(&file, before, strlen(before), answers, &text, NULL), OD_OK);
    char *wanted = strdup(after);
    *strstr(wanted, "query I") = 'q';
    wanted[strstr(wanted, "query I") - wanted + 6] = 'X';
    assert_string_equal(od_buffer_text(&text), wanted);
    free(wanted);
    od_buffer_release(&text);
    od_arena_release(&arena);
}

/* ORDER BY the first column of 1 a, 1 b, 2 a. */
static void ties_stand_in_any_order(void **state)
{
    static const struct {
        const char *lines[6];
        uint32_t line_count;
        bool passes;
    } rows[] = {
        {{"1 a", "1 b", "2 a"}, 3, true},    {{"1 b", "1 a", "2 a"}, 3, true},
        {{"1\tb", "1\ta", "2\ta"}, 3, true}, {{"1", "b", "1", "a", "2", "a"}, 6, true},
        {{"1 b", "1 b", "2 a"}, 3, false},   {{"2 a", "1 a", "1 b"}, 3, false},
        {{"1 a", "2 a", "1 b"}, 3, false},
    };
    static const char *const tie_cells[] = {"1", "a", "1", "b", "2", "a"};
    static const enum od_type types[] = {OD_TYPE_INT64, OD_TYPE_TEXT};
    static const uint32_t order[] = {0};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct od_arena arena;
        const char *text = NULL;
        const struct od_slt_answer answer = {.column_count = 2,
                                             .row_count = 3,
                                             .cells = (const char **)tie_cells,
                                             .types = types,
                                             .order_count = 1,
                                             .order = order};
        const struct od_slt_expected expected = {.types = "IT",
                                                 .sort = OD_SLT_NOSORT,
                                                 .has_results = true,
                                                 .line_count = rows[i].line_count,
                                                 .lines = rows[i].lines};
        od_arena_init(&arena, od_heap_for_tests(), 0);
        assert_int_equal(od_slt_compare(&arena, &expected, &answer, &text, NULL), OD_OK);
        assert_int_equal(text[0] == '\0', rows[i].passes);
        od_arena_release(&arena);
    }
}

/* --- memory --------------------------------------------------------------------------------------------- */

static enum od_status run_all_kinds(struct od_memory *memory, void *context)
{
    static const char text[] =
        "loop i 0 2\n\nquery IT rowsort l${i}\nint,text:1,${i}|2,b c\n----\n1 ${i}\n2 b c\n\nendloop\n\n"
        "include other\n\nstatement error b(a)d\n!bad\n----\nbad\n\nquery I valuesort "
        "same\nint:2|1\n----\n2\n1\n\n"
        "query T\ntext:x\n----\n<REGEX>:y\n";
    struct counts counts;
    struct od_error error;
    (void)context;
    return run_text(memory, text, (struct od_slt_options){0}, &counts, &error);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    assert_true(od_sweep(run_all_kinds, NULL) > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_run_as_they_say),   cmocka_unit_test(mistakes_have_places),
        cmocka_unit_test(options_change_verdicts), cmocka_unit_test(cells_match_or_do_not),
        cmocka_unit_test(hashes_are_sqlites),      cmocka_unit_test(files_are_completed),
        cmocka_unit_test(ties_stand_in_any_order), cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
