/* report: loading one or more run directories, and writing renderings to files. The renderings themselves are
 * in html.c, junit.c, markdown.c and terminal.c. */
#include "reports/report.h"

#include "reports/record_shape.h"
#include "reports/whole_file.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* Where the events of a record lie: beside it. */
static bool events_path(char *path, size_t size, const char *given)
{
    size_t length = strlen(given);
    const char *ending = ".json";
    bool is_file = length > strlen(ending) && strcmp(given + length - strlen(ending), ending) == 0;
    const char *slash = is_file ? strrchr(given, '/') : NULL;
    int written;
    if (!is_file)
        written = snprintf(path, size, "%s", given);
    else if (slash == NULL)
        written = snprintf(path, size, ".");
    else
        written = snprintf(path, size, "%.*s", (int)(slash - given) + 1, given);
    return written >= 0 && (size_t)written < size;
}

static void note(struct od_report *report, const char *format, const char *path)
{
    char *text = NULL;
    od_record_print(report->record, &text, format, path);
    if (text != NULL)
        od_record_line(report->record, &report->notes, text);
}

static void note_condition(struct od_report *report, const struct od_record *record, bool torn,
                           const char *path)
{
    if (record->state == OD_RECORD_RUNNING)
        note(report,
             "This run has not ended: it is still going on, or it was killed. What follows is what was "
             "recorded up to then. (%s)",
             path);
    if (record->state == OD_RECORD_INTERRUPTED)
        note(report, "This run was interrupted by its user; queries may be missing. (%s)", path);
    if (torn)
        note(report, "The last line of events.jsonl was cut off and is left out. (%s)", path);
}

static enum od_status load_part(struct od_report *report, const char *path, struct od_report_part *part,
                                struct od_error *error)
{
    char where[PATH_MAX];
    enum od_status status = od_record_load(report->memory, path, &part->record, error);
    if (status != OD_OK)
        return status;
    if (!events_path(where, sizeof(where), path))
        return od_fail(error, OD_IO, "reading %s: the name is too long", path);
    return od_event_list_load(report->memory, where, &part->events, error);
}

/* Two records number their runs from 0 both; those of later parts move behind those of earlier ones. */
static void shift_runs(struct od_report_part *part, uint64_t offset)
{
    for (uint32_t i = 0; i < part->record->scenarios.count; i++) {
        struct od_record_scenario *scenario = part->record->scenarios.items[i];
        for (uint32_t k = 0; k < scenario->queries.count; k++) {
            struct od_record_query *query = scenario->queries.items[k];
            for (uint32_t m = 0; m < query->runs.count; m++)
                query->runs.items[m]->run_index += offset;
        }
    }
    for (size_t i = 0; i < part->events.count; i++)
        part->events.events[i].run += offset;
    part->record->next_run_index += offset;
}

/* The whole is only as far as its least finished part. */
static enum od_record_state joined_state(enum od_record_state left, enum od_record_state right)
{
    if (left == OD_RECORD_RUNNING || right == OD_RECORD_RUNNING)
        return OD_RECORD_RUNNING;
    return left == OD_RECORD_INTERRUPTED ? left : right;
}

static void join_part(struct od_report *report, struct od_report_part *part)
{
    struct od_record *head = report->record;
    shift_runs(part, head->next_run_index);
    head->next_run_index = part->record->next_run_index;
    head->state = joined_state(head->state, part->record->state);
    for (uint32_t i = 0; i < part->record->scenarios.count; i++)
        od_record_adopt(head, &head->scenarios, part->record->scenarios.items[i]);
}

static enum od_status join_events(struct od_report *report, struct od_error *error)
{
    size_t count = 0;
    for (size_t i = 0; i < report->part_count; i++)
        count += report->parts[i].events.count;
    struct od_event_list *all = &report->events;
    all->events = od_arena_take_array(&all->arena, count, sizeof(*all->events));
    if (all->events == NULL)
        return od_fail(error, OD_NO_MEMORY, "joining events: count=%zu", count);
    all->capacity = count;
    for (size_t i = 0; i < report->part_count; i++) {
        const struct od_event_list *events = &report->parts[i].events;
        if (events->count > 0)
            memcpy(all->events + all->count, events->events, events->count * sizeof(*events->events));
        all->count += events->count;
        all->torn = all->torn || events->torn;
    }
    return OD_OK;
}

static enum od_status load_all(struct od_report *report, const char *const *paths, struct od_error *error)
{
    for (size_t i = 0; i < report->part_count; i++) {
        struct od_report_part *part = &report->parts[i];
        enum od_status status = load_part(report, paths[i], part, error);
        if (status != OD_OK)
            return status;
        if (i == 0)
            report->record = part->record;
        note_condition(report, part->record, part->events.torn, paths[i]);
        if (i > 0)
            join_part(report, part);
        if (report->record->failed)
            return od_fail(error, OD_NO_MEMORY, "joining %s", paths[i]);
    }
    return join_events(report, error);
}

enum od_status od_report_load(struct od_memory *memory, const char *const *paths, size_t path_count,
                              struct od_report **report_out, struct od_error *error)
{
    *report_out = NULL;
    if (path_count == 0)
        return od_fail(error, OD_BAD_INPUT, "report: expected a run directory or a record file");
    enum od_status status = OD_OK;
    struct od_report *report = od_take(memory, sizeof(*report));
    if (report == NULL)
        return od_fail(error, OD_NO_MEMORY, "loading a report");
    report->memory = memory;
    od_arena_init(&report->events.arena, memory, 0);
    report->parts = od_take_array(memory, path_count, sizeof(*report->parts));
    if (report->parts == NULL) {
        status = od_fail(error, OD_NO_MEMORY, "loading a report");
        goto done;
    }
    report->part_count = path_count;
    status = load_all(report, paths, error);
    if (status != OD_OK)
        goto done;
    *report_out = report;
    report = NULL;
done:
    od_report_free(report);
    return status;
}

void od_report_free(struct od_report *report)
{
    if (report == NULL)
        return;
    od_event_list_release(&report->events);
    for (size_t i = 0; i < report->part_count; i++) {
        od_event_list_release(&report->parts[i].events);
        od_record_free(report->parts[i].record);
    }
    od_give(report->memory, report->parts, report->part_count * sizeof(*report->parts));
    od_give(report->memory, report, sizeof(*report));
}

typedef enum od_status renderer(const struct od_report *report, struct od_buffer *out,
                                struct od_error *error);

static enum od_status write_one(const struct od_report *report, renderer *render, const char *path,
                                struct od_error *error)
{
    if (path == NULL)
        return OD_OK;
    struct od_buffer out;
    od_buffer_init(&out, report->memory);
    enum od_status status = render(report, &out, error);
    if (status == OD_OK)
        status = od_whole_file_replace(path, out.bytes, out.size, error);
    od_buffer_release(&out);
    return status;
}

enum od_status od_report_write(const struct od_report *report, const struct od_report_outputs *outputs,
                               struct od_error *error)
{
    enum od_status status = write_one(report, od_report_html, outputs->html, error);
    if (status == OD_OK)
        status = write_one(report, od_report_junit, outputs->junit, error);
    if (status == OD_OK)
        status = write_one(report, od_report_markdown, outputs->markdown, error);
    return status;
}

enum od_status od_report_write_directory(struct od_memory *memory, const char *directory,
                                         struct od_error *error)
{
    char html[PATH_MAX];
    char junit[PATH_MAX];
    if (snprintf(html, sizeof(html), "%s/report.html", directory) >= (int)sizeof(html) ||
        snprintf(junit, sizeof(junit), "%s/junit.xml", directory) >= (int)sizeof(junit))
        return od_fail(error, OD_IO, "writing reports: the name is too long: %s", directory);
    struct od_report *report = NULL;
    enum od_status status = od_report_load(memory, &directory, 1, &report, error);
    if (status == OD_OK)
        status = od_report_write(report, &(struct od_report_outputs){.html = html, .junit = junit}, error);
    od_report_free(report);
    return status;
}
