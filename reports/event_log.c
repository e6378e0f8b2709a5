/* event_log: lines of JSON, written one by one and read with jansson. The fields are one table for both
 * ways. */
#include "reports/event_log.h"

#include "reports/json_write.h"
#include "reports/text.h"
#include "reports/whole_file.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum event_field_kind { EVENT_PLACE, EVENT_MEASURE, EVENT_TEXT };
struct event_field {
    const char *name;
    enum event_field_kind kind;
    size_t offset;
};
#define FIELD(member, kind)                                                                                  \
    {                                                                                                        \
#member, kind, offsetof(struct od_report_event, member)                                              \
    }
static const struct event_field event_fields[] = {
    FIELD(run, EVENT_MEASURE),        FIELD(time_ns, EVENT_MEASURE),   FIELD(kind, EVENT_TEXT),
    FIELD(query, EVENT_PLACE),        FIELD(stage, EVENT_PLACE),       FIELD(task, EVENT_PLACE),
    FIELD(attempt, EVENT_PLACE),      FIELD(executor, EVENT_PLACE),    FIELD(partition, EVENT_PLACE),
    FIELD(source_stage, EVENT_PLACE), FIELD(source_task, EVENT_PLACE), FIELD(source_attempt, EVENT_PLACE),
    FIELD(rows, EVENT_MEASURE),       FIELD(bytes, EVENT_MEASURE),     FIELD(value, EVENT_MEASURE),
    FIELD(text, EVENT_TEXT),
};
#define EVENT_FIELD_COUNT (sizeof(event_fields) / sizeof(event_fields[0]))

struct od_event_log {
    struct od_memory *memory; /* borrowed */
    int file;
    struct od_buffer line; /* the one at hand */
    struct od_error first; /* the first failure; status OK: none */
};

struct od_report_event od_report_event_none(void)
{
    struct od_report_event event;
    memset(&event, 0, sizeof(event));
    event.query = event.stage = event.task = event.attempt = event.executor = event.partition =
        OD_REPORT_NONE;
    event.source_stage = event.source_task = event.source_attempt = OD_REPORT_NONE;
    return event;
}

enum od_status od_event_log_open_file(struct od_memory *memory, const char *path,
                                      struct od_event_log **log_out, struct od_error *error)
{
    struct od_event_log *log = od_take(memory, sizeof(*log));
    *log_out = NULL;
    if (log == NULL)
        return od_fail(error, OD_NO_MEMORY, "opening the event log: %s", path);
    log->memory = memory;
    od_buffer_init(&log->line, memory);
    log->file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
    if (log->file < 0) {
        od_give(memory, log, sizeof(*log));
        return od_fail(error, OD_IO, "opening the event log: %s: %s", path, strerror(errno));
    }
    *log_out = log;
    return OD_OK;
}

enum od_status od_event_log_open(struct od_memory *memory, const char *directory,
                                 struct od_event_log **log_out, struct od_error *error)
{
    char path[PATH_MAX];
    *log_out = NULL;
    OD_TRY(od_whole_file_make_directory(directory, 0777, error));
    int length = snprintf(path, sizeof(path), "%s/%s", directory, OD_EVENT_LOG_FILE_NAME);
    if (length < 0 || (size_t)length >= sizeof(path))
        return od_fail(error, OD_IO, "opening the event log: the name is too long: %s", directory);
    return od_event_log_open_file(memory, path, log_out, error);
}

enum od_status od_event_log_status(const struct od_event_log *log, struct od_error *error)
{
    if (log == NULL)
        return OD_OK;
    if (log->first.status != OD_OK && error != NULL && error != &log->first)
        *error = log->first;
    return log->first.status;
}

static enum od_status write_line(struct od_event_log *log, struct od_error *error)
{
    if (log->line.failed)
        od_fail(&log->first, OD_NO_MEMORY, "writing the event log");
    for (size_t done = 0; log->first.status == OD_OK && done < log->line.size;) {
        ssize_t count = write(log->file, log->line.bytes + done, log->line.size - done);
        if (count >= 0)
            done += (size_t)count;
        else if (errno != EINTR)
            od_fail(&log->first, OD_IO, "writing the event log: %s", strerror(errno));
    }
    return od_event_log_status(log, error);
}

static void write_field(struct od_json *json, const struct event_field *field, const void *place)
{
    switch (field->kind) {
    case EVENT_PLACE:
        if (*(const uint32_t *)place != OD_REPORT_NONE)
            od_json_number(json, field->name, *(const uint32_t *)place);
        break;
    case EVENT_MEASURE:
        if (*(const uint64_t *)place != 0)
            od_json_number(json, field->name, *(const uint64_t *)place);
        break;
    case EVENT_TEXT:
        if (*(const char *const *)place != NULL)
            od_json_text(json, field->name, *(const char *const *)place);
        break;
    }
}

enum od_status od_event_log_write(struct od_event_log *log, const struct od_report_event *event,
                                  struct od_error *error)
{
    if (log == NULL || log->first.status != OD_OK)
        return od_event_log_status(log, error);
    od_buffer_reset(&log->line);
    struct od_json json = {.out = &log->line};
    od_json_open(&json, NULL, '{');
    for (size_t i = 0; i < EVENT_FIELD_COUNT; i++)
        write_field(&json, &event_fields[i], (const uint8_t *)event + event_fields[i].offset);
    od_json_close(&json, '}');
    od_buffer_append_text(&log->line, "\n");
    return write_line(log, error);
}

enum od_status od_event_log_close(struct od_event_log *log, struct od_error *error)
{
    if (log == NULL)
        return OD_OK;
    enum od_status status = od_event_log_status(log, error);
    if (close(log->file) != 0 && status == OD_OK)
        status = od_fail(error, OD_IO, "closing the event log: %s", strerror(errno));
    struct od_memory *memory = log->memory;
    od_buffer_release(&log->line);
    od_give(memory, log, sizeof(*log));
    return status;
}

/* False: the value does not fit the field. A refusal sets *refused. */
static bool read_field(struct od_arena *arena, const struct event_field *field, const json_t *value,
                       void *place, bool *refused)
{
    json_int_t number = json_integer_value(value);
    if (field->kind == EVENT_TEXT) {
        if (!json_is_string(value))
            return false;
        char *copy = od_text_clean(arena, json_string_value(value));
        *refused = *refused || copy == NULL;
        *(const char **)place = copy;
        return true;
    }
    if (!json_is_integer(value) || number < 0 || (field->kind == EVENT_PLACE && number > UINT32_MAX))
        return false;
    if (field->kind == EVENT_PLACE)
        *(uint32_t *)place = (uint32_t)number;
    else
        *(uint64_t *)place = (uint64_t)number;
    return true;
}

static bool list_grow(struct od_event_list *list)
{
    if (list->count < list->capacity)
        return true;
    size_t capacity = list->capacity == 0 ? 256 : list->capacity * 2;
    struct od_report_event *events = od_arena_take_array(&list->arena, capacity, sizeof(*events));
    if (events == NULL)
        return false;
    if (list->count > 0)
        memcpy(events, list->events, list->count * sizeof(*events));
    list->events = events;
    list->capacity = capacity;
    return true;
}

struct line {
    const char *name;
    uint32_t number;
    const char *bytes;
    size_t size;
};

static enum od_status parse_line(struct od_event_list *list, const struct line *line, struct od_error *error)
{
    json_error_t mistake;
    json_t *root = json_loadb(line->bytes, line->size, JSON_REJECT_DUPLICATES, &mistake);
    if (root == NULL && json_error_code(&mistake) == json_error_out_of_memory)
        return od_fail(error, OD_NO_MEMORY, "reading %s", line->name);
    if (root == NULL)
        return od_fail_at(error, OD_BAD_INPUT, line->number,
                          (uint32_t)(mistake.column > 0 ? mistake.column : 0), "%s:%u:%d: not JSON: %s",
                          line->name, line->number, mistake.column, mistake.text);
    enum od_status status = OD_OK;
    bool refused = !list_grow(list);
    struct od_report_event event = od_report_event_none();
    for (size_t i = 0; i < EVENT_FIELD_COUNT && status == OD_OK && !refused; i++) {
        const struct event_field *field = &event_fields[i];
        const json_t *value = json_object_get(root, field->name);
        if (value != NULL &&
            !read_field(&list->arena, field, value, (uint8_t *)&event + field->offset, &refused))
            status = od_fail_at(error, OD_BAD_INPUT, line->number, 0, "%s:%u: %s: expected %s", line->name,
                                line->number, field->name,
                                field->kind == EVENT_TEXT ? "a text" : "a whole number");
    }
    if (refused)
        status = od_fail(error, OD_NO_MEMORY, "reading %s", line->name);
    else if (status == OD_OK && event.kind == NULL)
        status = od_fail_at(error, OD_BAD_INPUT, line->number, 0, "%s:%u: kind: expected a text", line->name,
                            line->number);
    if (status == OD_OK)
        list->events[list->count++] = event;
    json_decref(root);
    return status;
}

enum od_status od_event_list_parse(struct od_memory *memory, const char *name, const char *bytes, size_t size,
                                   struct od_event_list *list_out, struct od_error *error)
{
    memset(list_out, 0, sizeof(*list_out));
    od_arena_init(&list_out->arena, memory, 64 * 1024);
    struct line line = {.name = name};
    enum od_status status = OD_OK;
    for (size_t at = 0; at < size && status == OD_OK;) {
        const char *end = memchr(bytes + at, '\n', size - at);
        line.number++;
        line.bytes = bytes + at;
        line.size = end == NULL ? size - at : (size_t)(end - line.bytes);
        at += line.size + 1;
        if (end == NULL)
            list_out->torn = true; /* even if it parses: a number may have lost digits */
        else if (line.size > 0)
            status = parse_line(list_out, &line, error);
    }
    if (status != OD_OK)
        od_event_list_release(list_out);
    return status;
}

enum od_status od_event_list_load(struct od_memory *memory, const char *path, struct od_event_list *list_out,
                                  struct od_error *error)
{
    struct od_buffer file;
    struct od_buffer bytes;
    memset(list_out, 0, sizeof(*list_out));
    od_buffer_init(&file, memory);
    od_buffer_init(&bytes, memory);
    od_whole_file_inside(&file, path, OD_EVENT_LOG_FILE_NAME);
    const char *name = od_buffer_text(&file);
    struct od_error failure = {0};
    enum od_status status = file.failed ? od_fail(&failure, OD_NO_MEMORY, "reading %s", path)
                                        : od_whole_file_read(name, &bytes, &failure);
    if (status == OD_OK || status == OD_MISSING)
        status = od_event_list_parse(memory, name, (const char *)bytes.bytes, bytes.size, list_out, error);
    else if (error != NULL)
        *error = failure;
    od_buffer_release(&bytes);
    od_buffer_release(&file);
    return status;
}

void od_event_list_release(struct od_event_list *list)
{
    od_arena_release(&list->arena);
    memset(list, 0, sizeof(*list));
}
