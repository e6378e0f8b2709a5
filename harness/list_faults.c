/* list_faults: see list_faults.h. Both forms are made from the same rows. */
#include "harness/list_faults.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "chaos/fault.h"
#include "engine/world/posix.h"
#include "reports/terminal.h"

enum { COLUMN_KIND, COLUMN_PROMISE, COLUMN_PROPERTY, COLUMN_TEST, COLUMN_TAKES, COLUMN_PLACES, COLUMN_EFFECT, COLUMN_COUNT };
static const char *const heads[COLUMN_COUNT] = {"kind", "promise", "property", "test", "takes", "acts at", "what happens"};

/* What is printed rather than known: in the arena. */
static const char *printed(struct od_arena *arena, enum od_fault_kind kind,
                           bool (*print)(enum od_fault_kind kind, struct od_buffer *buffer))
{
    struct od_buffer buffer;
    const char *text = NULL;
    od_buffer_init(&buffer, od_posix_memory());
    if (print(kind, &buffer))
        text = od_arena_copy_buffer(arena, &buffer);
    od_buffer_release(&buffer);
    return text;
}

static enum od_status fill(struct od_arena *arena, const char **cells, struct od_error *error)
{
    for (unsigned i = 0; i < OD_FAULT_KIND_COUNT; i++) {
        enum od_fault_kind kind = (enum od_fault_kind)i;
        const char **row = &cells[(size_t)i * COLUMN_COUNT];
        row[COLUMN_KIND] = od_fault_kind_text(kind);
        row[COLUMN_PROMISE] = od_fault_promise_text(od_fault_kind_promise(kind));
        row[COLUMN_PROPERTY] = od_fault_kind_property(kind);
        row[COLUMN_TEST] = od_fault_kind_test(kind);
        row[COLUMN_TAKES] = printed(arena, kind, od_fault_kind_print_parameters);
        row[COLUMN_PLACES] = printed(arena, kind, od_fault_kind_print_places);
        row[COLUMN_EFFECT] = od_fault_kind_sentence(kind);
        if (row[COLUMN_TAKES] == NULL || row[COLUMN_PLACES] == NULL)
            return od_fail(error, OD_NO_MEMORY, "listing faults");
    }
    return OD_OK;
}

static enum od_status with_cells(FILE *stream, struct od_error *error,
                                 enum od_status (*print)(FILE *stream, const char *const *cells, struct od_error *error))
{
    static const char *cells[OD_FAULT_KIND_COUNT * COLUMN_COUNT];
    struct od_arena arena;
    od_arena_init(&arena, od_posix_memory(), 0);
    enum od_status status = fill(&arena, cells, error);
    if (status == OD_OK)
        status = print(stream, cells, error);
    od_arena_release(&arena);
    return status;
}

#define INDENT 42 /* of texts: behind name, promise and property */

/* Words from `column` on, in lines of at most `width`; begins at the column. */
static void print_wrapped(FILE *stream, const char *text, uint32_t column, uint32_t width)
{
    uint32_t at = column;
    while (*text != '\0') {
        uint32_t size = (uint32_t)strcspn(text, " ");
        if (at > column && at + 1 + size > width) {
            fprintf(stream, "\n%*s", (int)column, "");
            at = column;
        }
        at += (uint32_t)fprintf(stream, "%s%.*s", at > column ? " " : "", (int)size, text);
        text += size;
        text += strspn(text, " ");
    }
    fputc('\n', stream);
}

/* Two texts a kind; its subject's test where the subject begins. */
static enum od_status print_table(FILE *stream, const char *const *cells, struct od_error *error)
{
    struct od_terminal terminal;
    const char *subject = "";
    (void)error;
    od_terminal_init(&terminal, stream);
    for (unsigned i = 0; i < OD_FAULT_KIND_COUNT; i++) {
        const char *const *row = &cells[(size_t)i * COLUMN_COUNT];
        size_t subject_bytes = strcspn(row[COLUMN_KIND], ".");
        char places[600];
        if (strncmp(subject, row[COLUMN_KIND], subject_bytes) != 0) {
            subject = row[COLUMN_KIND];
            fprintf(stream, "%s%.*s: proven by chaos/%s%s\n", od_terminal_start(&terminal, OD_STYLE_BOLD), (int)subject_bytes,
                    subject, row[COLUMN_TEST], od_terminal_end(&terminal));
        }
        fprintf(stream, "  %-25s %-9s %-3s ", row[COLUMN_KIND], row[COLUMN_PROMISE], row[COLUMN_PROPERTY]);
        print_wrapped(stream, row[COLUMN_EFFECT], INDENT, terminal.width);
        snprintf(places, sizeof(places), "at %s%s%s", row[COLUMN_PLACES], row[COLUMN_TAKES][0] == '\0' ? "" : "; takes ",
                 row[COLUMN_TAKES]);
        fprintf(stream, "%*s", INDENT, "");
        print_wrapped(stream, places, INDENT, terminal.width);
    }
    fprintf(stream,
            "%u kinds of faults: what the engine owes under each, and which property of\n"
            "PROPERTIES.md would notice if it did not. A schedule for --faults has one a line:\n"
            "  task.error_middle at task_step stage=1 task=0 nth=2 times=2\n"
            "  executor.crash at time=3ms executor=2 for=40ms     # for=never: until all heals\n"
            "  heal at=2s                                         # all faults end\n"
            "stage, task, attempt, executor, partition, query, nth, message_kind: where; else anywhere.\n",
            (unsigned)OD_FAULT_KIND_COUNT);
    return OD_OK;
}

static enum od_status print_json(FILE *stream, const char *const *cells, struct od_error *error)
{
    json_t *rows = json_array();
    for (unsigned i = 0; i < OD_FAULT_KIND_COUNT; i++) {
        json_t *row = json_object();
        for (unsigned k = 0; k < COLUMN_COUNT; k++)
            json_object_set_new(row, heads[k], json_string(cells[(size_t)i * COLUMN_COUNT + k]));
        json_array_append_new(rows, row);
    }
    json_t *root = json_pack("{sI so}", "count", (json_int_t)OD_FAULT_KIND_COUNT, "kinds", rows);
    char *text = root == NULL ? NULL : json_dumps(root, JSON_INDENT(1));
    json_decref(root);
    if (text == NULL)
        return od_fail(error, OD_NO_MEMORY, "listing faults");
    fprintf(stream, "%s\n", text);
    free(text);
    return OD_OK;
}

enum od_status od_list_faults_print(FILE *stream, struct od_error *error)
{
    return with_cells(stream, error, print_table);
}

enum od_status od_list_faults_print_json(FILE *stream, struct od_error *error)
{
    return with_cells(stream, error, print_json);
}
