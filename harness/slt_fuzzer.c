/* slt_fuzzer: any bytes as a sqllogictest file: parsed, run against an engine that answers nothing, and
 * written anew. */
#include <stdint.h>
#include <stdlib.h>

#include "engine/core/sweep.h"
#include "harness/slt.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define RECORDS_MAX 200 /* loops multiply */

struct fuel {
    uint32_t left;
};

static void run_nothing(void *self, struct od_arena *arena, const char *sql, struct od_slt_answer *answer_out)
{
    static const char *const cells[] = {"1", "text", NULL, ""};
    static const enum od_type types[] = {OD_TYPE_INT64, OD_TYPE_TEXT};
    struct fuel *fuel = self;
    (void)arena;
    *answer_out = (struct od_slt_answer){
        .column_count = 2, .row_count = 2, .cells = (const char **)cells, .types = types};
    if (sql[0] == '!' || sql[0] == '\0')
        answer_out->status = od_fail(&answer_out->error, OD_BAD_INPUT, "%s", sql);
    if (fuel->left-- == 0)
        answer_out->status = OD_NO_MEMORY; /* ends the run */
}

static void ignore(void *self, const struct od_slt_report *report)
{
    (void)self;
    (void)report;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct od_arena arena;
    struct od_slt_file file;
    struct od_error error = {0};
    struct fuel fuel = {RECORDS_MAX};
    const struct od_slt_engine engine = {.run = run_nothing, .self = &fuel};
    const struct od_slt_options options = {.name = "ordeal", .sink = {ignore, NULL}};
    od_arena_init(&arena, od_heap_for_tests(), 0);
    enum od_status status = od_slt_parse(&arena, "fuzz", (const char *)bytes, size, &file, &error);
    od_assert(status == OD_OK || (status == OD_BAD_INPUT && error.line > 0 && error.column > 0));
    if (status == OD_OK && file.record_count < RECORDS_MAX)
        od_slt_run(od_heap_for_tests(), &file, &engine, &options, &error);
    od_arena_release(&arena);
    return 0;
}
