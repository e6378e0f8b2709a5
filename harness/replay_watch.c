/* replay_watch: see replay_watch.h. */
#include "harness/replay_watch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/run/driver.h"
#include "harness/event_write.h"
#include "harness/explain.h"
#include "harness/explain_timeline.h"
#include "harness/file.h"
#include "reports/chrome_trace.h"

#define EVENTS_BEFORE 12 /* told when it stops */

/* --- EVENT ---------------------------------------------------------------------------------------------------------- */

static const char *const field_names[OD_UNTIL_FIELDS] = {"stage", "task", "attempt", "executor", "partition", "value"};

static void read_fields(const struct od_event *event, uint64_t fields_out[OD_UNTIL_FIELDS])
{
    const uint64_t fields[OD_UNTIL_FIELDS] = {event->site.stage,    event->site.task,      event->site.attempt,
                                              event->site.executor, event->site.partition, event->value};
    memcpy(fields_out, fields, sizeof(fields));
}

/* "3ms", "20us", "5ns", "2s"; without a unit it is no time. */
static bool parse_time(const char *text, uint64_t *ns_out)
{
    static const struct {
        const char *text;
        uint64_t ns;
    } units[] = {{"ns", 1}, {"us", 1000}, {"ms", 1000000}, {"s", 1000000000}};
    char *end = NULL;
    double number = strtod(text, &end);
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (end != text && number >= 0 && number < 1e9 && strcmp(end, units[i].text) == 0) {
            *ns_out = (uint64_t)(number * (double)units[i].ns);
            return true;
        }
    return false;
}

static bool parse_number(const char *text, uint64_t *number_out)
{
    char *end = NULL;
    bool is_digit = text[0] >= '0' && text[0] <= '9';
    *number_out = is_digit ? strtoull(text, &end, 10) : 0;
    return is_digit && *end == '\0';
}

static bool parse_word(const char *word, struct od_until *until)
{
    uint64_t number = 0;
    const char *value = strchr(word, '=');
    if (word[0] == '#' && parse_number(word + 1, &number) && number < OD_ANY) {
        until->number = (uint32_t)number;
        return true;
    }
    for (uint32_t i = 0; value == NULL && i < OD_EVENT_COUNT; i++)
        if (strcmp(word, od_event_text((enum od_event_kind)i)) == 0) {
            until->kind = i;
            return true;
        }
    if (value == NULL)
        return false;
    size_t size = (size_t)(value++ - word);
    if (size == 4 && memcmp(word, "time", 4) == 0)
        return parse_time(value, &until->time_ns);
    if (!parse_number(value, &number))
        return false;
    if (size == 3 && memcmp(word, "nth", 3) == 0) {
        until->nth = number;
        return number > 0;
    }
    for (size_t i = 0; i < OD_UNTIL_FIELDS; i++)
        if (strlen(field_names[i]) == size && memcmp(word, field_names[i], size) == 0) {
            until->fields[i] = number;
            return true;
        }
    return false;
}

enum od_status od_until_parse(const char *text, struct od_until *until_out, struct od_error *error)
{
    char word[80];
    bool is_fine = text[strspn(text, " ")] != '\0';
    *until_out = (struct od_until){.kind = OD_ANY, .number = OD_ANY, .nth = 1};
    memset(until_out->fields, 0xff, sizeof(until_out->fields));
    while (is_fine && *(text += strspn(text, " ")) != '\0') {
        size_t size = strcspn(text, " ");
        snprintf(word, sizeof(word), "%.*s", (int)(size < sizeof(word) ? size : sizeof(word) - 1), text);
        is_fine = size < sizeof(word) && parse_word(word, until_out);
        text += size;
    }
    return is_fine ? OD_OK
                   : od_fail(error, OD_BAD_INPUT,
                             "--until: expected an event such as \"task_failed stage=1 task=0\", \"fault_fired nth=2\", \"#29\" or "
                             "\"time=3ms\"; kinds are those of events.jsonl");
}

bool od_until_fits(const struct od_until *until, const struct od_event *event, uint32_t index)
{
    uint64_t fields[OD_UNTIL_FIELDS];
    read_fields(event, fields);
    for (size_t i = 0; i < OD_UNTIL_FIELDS; i++)
        if (until->fields[i] != UINT64_MAX && until->fields[i] != fields[i])
            return false;
    return (until->kind == OD_ANY || until->kind == event->kind) && (until->number == OD_ANY || until->number == index) &&
           event->time_ns >= until->time_ns;
}

/* --- the run -------------------------------------------------------------------------------------------------------- */

struct watching {
    struct od_trial *trial;
    const struct od_replay_watch *watch;
    uint32_t run_index;
    struct od_explained explained; /* for words: only the request, and the events so far */
    uint32_t event_count;
    uint64_t fit_count;
    bool has_stopped;
    uint32_t stopped_at;
    struct od_buffer state; /* what the driver knew then */
    enum od_status status;
    struct od_error error;
};

__attribute__((noinline)) void od_replay_stop_here(const struct od_event *event)
{
    __asm__ volatile("" : : "r"(event) : "memory");
}

/* The event that it stops at is the last of those that were told so far. */
static bool stops_at(void *self, const struct od_event *event, const struct od_actor *driver)
{
    struct watching *watching = self;
    const struct od_until *until = watching->watch->until;
    uint32_t index = watching->event_count++;
    if (watching->has_stopped || !od_until_fits(until, event, index) || ++watching->fit_count < until->nth)
        return watching->has_stopped;
    watching->has_stopped = true;
    watching->stopped_at = index;
    if (driver == NULL)
        od_buffer_append_text(&watching->state, "the driver is dead\n");
    else
        od_driver_print(driver, &watching->state);
    od_replay_stop_here(event);
    return true;
}

/* What had happened, before what the driver knew then. */
static void print_stop(struct watching *watching)
{
    struct od_buffer *text = watching->watch->text;
    uint32_t count = watching->stopped_at + 1; /* the rest of the handler may have told more */
    od_buffer_print(text, "\nrun %u of %u, stopped at event #%u\n", watching->run_index + 1, watching->trial->run_count,
                    count - 1);
    for (uint32_t i = count > EVENTS_BEFORE ? count - EVENTS_BEFORE : 0; i < count; i++)
        od_explain_event(&watching->explained, i, text);
    od_buffer_append(text, watching->state.bytes, watching->state.size);
}

static enum od_status write_trace(const struct watching *watching, const struct od_cluster_request *request,
                                  struct od_error *error)
{
    const struct od_cluster_result *result = &watching->explained.run_result;
    struct od_event_list list = {0};
    struct od_buffer out;
    struct od_buffer words;
    const struct od_event_writer writer = {.schedule = request->schedule};
    od_buffer_init(&out, watching->trial->memory);
    od_buffer_init(&words, watching->trial->memory);
    od_arena_init(&list.arena, watching->trial->memory, 0);
    list.events = od_arena_take_array(&list.arena, (size_t)result->event_count + 1, sizeof(*list.events));
    enum od_status status = list.events == NULL ? od_fail(error, OD_NO_MEMORY, "writing a trace") : OD_OK;
    for (uint32_t i = 0; i < result->event_count && status == OD_OK; i++) {
        od_buffer_reset(&words);
        struct od_report_event *line = &list.events[list.count++];
        *line = od_event_line(&writer, &result->events[i], &words);
        if (line->text != NULL) /* of the buffer, perhaps */
            line->text = od_arena_print(&list.arena, "%s", line->text);
    }
    if (status == OD_OK)
        status = od_chrome_trace_print(watching->trial->memory, &list, 0, &out, error);
    if (status == OD_OK)
        status = od_file_write(watching->watch->trace_path, out.bytes, out.size, error);
    od_event_list_release(&list);
    od_buffer_release(&words);
    od_buffer_release(&out);
    return status;
}

static enum od_status run_watched(struct watching *watching, const struct od_cluster_request *request, struct od_error *error)
{
    const struct od_replay_watch *watch = watching->watch;
    struct od_cluster_result *result = &watching->explained.run_result;
    struct od_cluster_request again = *request;
    again.options.trace_operators = 1;
    again.keep_events = true;
    watching->explained.request = request;
    again.stops_at = watch->until == NULL ? NULL : stops_at;
    again.stops_at_self = watching;
    od_buffer_init(&watching->state, watching->trial->memory);
    enum od_status status = od_cluster_run(watching->trial->memory, &again, result, error);
    if (status == OD_OK && watching->has_stopped)
        print_stop(watching);
    od_buffer_release(&watching->state);
    if (status == OD_OK && watch->until != NULL && !watching->has_stopped)
        status = od_fail(error, OD_BAD_INPUT, "--until: run %u of the case has no such event; it has %u events",
                         watching->run_index + 1, result->event_count);
    if (status == OD_OK && watch->trace_path != NULL)
        status = write_trace(watching, request, error);
    od_cluster_result_release(result);
    return status;
}

static void on_run(void *self, const struct od_run_request *asked, const struct od_cluster_request *request)
{
    struct watching *watching = self;
    (void)asked;
    if (watching->trial->run_count - 1 == watching->run_index)
        watching->status = run_watched(watching, request, &watching->error);
}

enum od_status od_replay_watched(struct od_trial *trial, const struct od_replay_watch *watch, struct od_error *error)
{
    struct watching watching = {.trial = trial, .watch = watch};
    struct od_choices choices;
    const struct od_explain_options options = {.choices = watch->choices, .choices_bytes = watch->choices_bytes};
    if (trial->guarded)
        return od_fail(error, OD_UNSUPPORTED, "--until, --trace: the case ends its process, and nothing is told after that");
    OD_TRY(od_explain_which(trial, &options, &watching.run_index, error));
    od_choices_init(&choices, trial->memory);
    od_choices_from_bytes(&choices, watch->choices, watch->choices_bytes);
    trial->ran = on_run;
    trial->ran_self = &watching;
    enum od_status status = od_trial_run(trial, &choices, error);
    trial->ran = NULL;
    od_choices_release(&choices);
    if (status == OD_OK && watching.status != OD_OK && error != NULL)
        *error = watching.error;
    return status == OD_OK ? watching.status : status;
}
