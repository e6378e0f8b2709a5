/* explore_case: see explore_case.h. */
#include "harness/explore_case.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/world/posix.h"
#include "harness/arguments.h"
#include "harness/diverge.h"
#include "harness/exit_status.h"
#include "harness/explain.h"
#include "harness/file.h"
#include "harness/scenario_plan.h"

#define FIRST_LINE "ordeal query case 1"

bool od_explore_case_is(const char *text, size_t size)
{
    size_t length = strlen(FIRST_LINE);
    return size > length && memcmp(text, FIRST_LINE, length) == 0 && (text[length] == '\n' || text[length] == '\r');
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

struct reader {
    struct od_arena *arena;
    const char *path;
    const char *at;
    const char *end;
    uint32_t line;
    struct od_error *error;
};

static enum od_status expected(const struct reader *reader, const char *what)
{
    return od_fail_at(reader->error, OD_BAD_INPUT, reader->line, 1, "%s: expected %s", reader->path, what);
}

/* The end of the line that begins here. */
static const char *line_end(const struct reader *reader)
{
    const char *end = memchr(reader->at, '\n', (size_t)(reader->end - reader->at));
    return end == NULL ? reader->end : end;
}

static void next_line(struct reader *reader)
{
    const char *end = line_end(reader);
    reader->at = end == reader->end ? end : end + 1;
    reader->line++;
}

/* The value of a line "KEY VALUE", copied; NULL when this line has another key. */
static const char *take_value(struct reader *reader, const char *key)
{
    size_t length = strlen(key);
    const char *end = line_end(reader);
    if ((size_t)(end - reader->at) <= length || memcmp(reader->at, key, length) != 0 || reader->at[length] != ' ')
        return NULL;
    const char *value = od_arena_copy_text(reader->arena, reader->at + length + 1, (size_t)(end - reader->at) - length - 1);
    next_line(reader);
    return value;
}

static enum od_status take_text(struct reader *reader, const char *key, const char **text_out)
{
    char what[60];
    *text_out = take_value(reader, key);
    snprintf(what, sizeof(what), "\"%s\" and a value", key);
    return *text_out == NULL ? expected(reader, what) : OD_OK;
}

static enum od_status take_number(struct reader *reader, const char *key, uint64_t most, uint64_t *number_out)
{
    char what[80];
    char *rest = NULL;
    const char *value = take_value(reader, key);
    *number_out = value == NULL ? 0 : strtoull(value, &rest, 10);
    if (value != NULL && rest != value && *rest == '\0' && *value != '-' && *number_out <= most)
        return OD_OK;
    reader->line -= value != NULL;
    snprintf(what, sizeof(what), "\"%s\" and a number up to %" PRIu64, key, most);
    return expected(reader, what);
}

/* "KEY N" and the N lines behind it, with their ends. */
static enum od_status take_lines(struct reader *reader, const char *key, const char **text_out, size_t *size_out)
{
    uint64_t count = 0;
    OD_TRY(take_number(reader, key, 1000000, &count));
    *text_out = reader->at;
    for (uint64_t i = 0; i < count; i++) {
        if (reader->at == reader->end)
            return expected(reader, "more lines");
        next_line(reader);
    }
    *size_out = (size_t)(reader->at - *text_out);
    return OD_OK;
}

static enum od_status take_digest(struct reader *reader, struct od_explore_case *explore_case)
{
    char *rest = NULL;
    const char *value = take_value(reader, "digest");
    if (value == NULL)
        return OD_OK;
    explore_case->digest = strtoull(value, &rest, 16);
    explore_case->has_digest = strlen(value) == 16 && *rest == '\0';
    reader->line -= !explore_case->has_digest;
    return explore_case->has_digest ? OD_OK : expected(reader, "\"digest\" and 16 hexadecimal digits");
}

enum od_status od_explore_case_parse(struct od_arena *arena, const char *path, const char *text, size_t size,
                                     struct od_explore_case *case_out, struct od_error *error)
{
    struct reader reader = {.arena = arena, .path = path, .at = text, .end = text + size, .line = 1, .error = error};
    struct od_explore_source *source = &case_out->source;
    const char *found;
    const char *schedule;
    size_t schedule_bytes;
    *case_out = (struct od_explore_case){.source.path = path};
    if (!od_explore_case_is(text, size))
        return expected(&reader, "\"" FIRST_LINE "\"");
    next_line(&reader);
    OD_TRY(take_text(&reader, "found", &found));
    snprintf(case_out->found, sizeof(case_out->found), "%s", found);
    OD_TRY(take_digest(&reader, case_out));
    OD_TRY(take_text(&reader, "query", &source->query));
    OD_TRY(take_number(&reader, "seed", UINT64_MAX, &source->seed));
    OD_TRY(take_number(&reader, "rows", UINT32_MAX, &source->rows_max));
    OD_TRY(take_number(&reader, "executors", 64, &source->executors));
    OD_TRY(take_number(&reader, "tasks", 1024, &source->tasks_max));
    OD_TRY(take_lines(&reader, "schedule", &schedule, &schedule_bytes));
    OD_TRY(od_schedule_parse(arena, path, schedule, schedule_bytes, &case_out->schedule, error));
    return take_lines(&reader, "scenario", &source->text, &source->text_bytes);
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

/* The text, with an end to its last line. */
static void print_lines(struct od_buffer *buffer, const char *key, const char *text, size_t size)
{
    uint64_t count = size > 0 && text[size - 1] != '\n';
    for (size_t i = 0; i < size; i++)
        count += text[i] == '\n';
    od_buffer_print(buffer, "%s %" PRIu64 "\n", key, count);
    od_buffer_append(buffer, text, size);
    if (size > 0 && text[size - 1] != '\n')
        od_buffer_append_text(buffer, "\n");
}

static void print_for_people(struct od_buffer *buffer, const struct od_explore_case *explore_case, const char *text)
{
    od_buffer_print(buffer, "---\n%s: %s\n", explore_case->found, text);
    for (uint32_t i = 0; i < explore_case->schedule.fault_count; i++) {
        od_fault_explain(&explore_case->schedule.faults[i], buffer);
        od_buffer_append_text(buffer, "\n");
    }
}

enum od_status od_explore_case_save(const char *directory, const struct od_explore_case *explore_case, const char *text,
                                    char *path_out, size_t path_size, struct od_error *error)
{
    const struct od_explore_source *source = &explore_case->source;
    struct od_buffer file;
    struct od_buffer schedule;
    char cases[4000];
    char path[4100];
    path_out[0] = '\0';
    od_buffer_init(&file, od_posix_memory());
    od_buffer_init(&schedule, od_posix_memory());
    od_schedule_print(&explore_case->schedule, &schedule);
    od_buffer_print(&file, "%s\nfound %s\n", FIRST_LINE, explore_case->found);
    if (explore_case->has_digest)
        od_buffer_print(&file, "digest %016" PRIx64 "\n", explore_case->digest);
    od_buffer_print(&file, "query %s\nseed %" PRIu64 "\nrows %" PRIu64 "\nexecutors %" PRIu64 "\ntasks %" PRIu64 "\n", source->query,
                    source->seed, source->rows_max, source->executors, source->tasks_max);
    print_lines(&file, "schedule", od_buffer_text(&schedule), schedule.size);
    print_lines(&file, "scenario", source->text, source->text_bytes);
    uint64_t name = od_hash_bytes(file.bytes, file.size, 0);
    print_for_people(&file, explore_case, text);
    snprintf(cases, sizeof(cases), "%s/cases", directory);
    snprintf(path, sizeof(path), "%s/%s-%012" PRIx64 ".case", cases, explore_case->found, name >> 16);
    enum od_status status = file.failed || schedule.failed ? od_fail(error, OD_NO_MEMORY, "writing a case") : OD_OK;
    if (status == OD_OK)
        status = od_folder_make(cases, error);
    if (status == OD_OK)
        status = od_file_write(path, file.bytes, file.size, error);
    if (status == OD_OK)
        snprintf(path_out, path_size, "%s", path);
    od_buffer_release(&file);
    od_buffer_release(&schedule);
    return status;
}

/* --- running one again -------------------------------------------------------------------------------------------- */

static enum od_status find_query(const struct od_scenario_run *scenario, const struct od_explore_source *source, uint32_t *index_out,
                                 struct od_error *error)
{
    for (*index_out = 0; *index_out < scenario->scenario->queries_count; ++*index_out)
        if (strcmp(scenario->scenario->queries[*index_out].name, source->query) == 0)
            return OD_OK;
    return od_fail(error, OD_BAD_INPUT, "%s: query %s: its scenario has no such query", source->path, source->query);
}

enum od_status od_explore_source_open(const struct od_explore_source *source, struct od_scenario_run_options *options,
                                      struct od_scenario_run **scenario_out, struct od_explore_subject *subject,
                                      struct od_error *error)
{
    uint32_t index = 0;
    *subject = (struct od_explore_subject){0};
    *options = (struct od_scenario_run_options){.has_seed = true,
                                                .seed = source->seed,
                                                .rows_max = source->rows_max,
                                                .tasks_max = (uint32_t)source->tasks_max,
                                                .executors = source->executors};
    OD_TRY(od_scenario_open_text(source->path, source->text, source->text_bytes, options, scenario_out, error));
    OD_TRY(find_query(*scenario_out, source, &index, error));
    return od_explore_open_query(subject, od_posix_memory(), *scenario_out, index, error);
}

static void print_case(const struct od_explore_case *explore_case, const struct od_explore_subject *subject,
                       const struct od_explore_run *run)
{
    struct od_buffer text;
    od_buffer_init(&text, od_posix_memory());
    od_buffer_print(&text, "query %s, undisturbed answer: %s\n", subject->name, subject->oracle);
    for (uint32_t i = 0; i < explore_case->schedule.fault_count; i++) {
        od_buffer_append_text(&text, "  ");
        od_fault_print(&explore_case->schedule.faults[i], &text);
        od_buffer_print(&text, "   (fired: %u)\n      ", run->result.fault_count > i ? run->result.fired[i] : 0);
        od_fault_explain(&explore_case->schedule.faults[i], &text);
        od_buffer_append_text(&text, "\n");
    }
    if (run->finding.found)
        od_buffer_print(&text, "\n%s violated\n  %s\n", run->finding.code, run->finding.text);
    fwrite(text.bytes, 1, text.size, stdout);
    od_buffer_release(&text);
}

/* The run of a case with somebody who is told its steps. */
struct stepped {
    const struct od_explore_case *explore_case;
    struct od_explore_subject *subject;
};

static enum od_status run_stepped(void *self, struct od_sim_stepper stepper, struct od_error *error)
{
    const struct stepped *stepped = self;
    struct od_explore_run run = {0};
    stepped->subject->request.stepper = stepper;
    enum od_status status = od_explore_run(stepped->subject, &stepped->explore_case->schedule, false, &run, error);
    stepped->subject->request.stepper = (struct od_sim_stepper){0};
    od_explore_run_release(&run);
    return status;
}

static void tell_divergence(const struct od_explore_case *explore_case, struct od_explore_subject *subject)
{
    struct stepped stepped = {explore_case, subject};
    struct od_buffer text;
    od_buffer_init(&text, od_posix_memory());
    if (od_diverge_find(od_posix_memory(), &(struct od_diverge_again){run_stepped, &stepped}, &text, NULL) == OD_OK)
        printf("%s\n", od_buffer_text(&text));
    od_buffer_release(&text);
}

static int tell(const struct od_explore_case *explore_case, struct od_explore_subject *subject, const struct od_explore_run *run,
                uint64_t first_digest)
{
    printf("\ndigest %016" PRIx64, run->result.digest);
    if (first_digest != run->result.digest) {
        printf(", but %016" PRIx64 " the first time: equal cases must have equal digests; this is a bug of ordeal's\n", first_digest);
        tell_divergence(explore_case, subject);
        return OD_EXIT_OWN_BUG;
    }
    if (explore_case->has_digest)
        printf(", %s", explore_case->digest == run->result.digest
                           ? "as in the case file"
                           : "other than in the case file: the engine or this program has changed");
    printf("\n%s %s\n", run->finding.found ? "reproduced:" : "held: the case no longer fails with",
           run->finding.found ? run->finding.code : explore_case->found);
    return run->finding.found ? OD_EXIT_FAILED : OD_EXIT_HELD;
}

/* What the run did, when it was wrong and the one without faults was not. */
static enum od_status explain(const struct od_explore_case *explore_case, const struct od_explore_subject *subject,
                              const struct od_explore_run *run, struct od_error *error)
{
    struct od_cluster_request request = subject->request;
    const struct od_explain_options options = {.is_short = false};
    struct od_buffer text;
    if (run->verdict != OD_EXPLORE_VIOLATED || subject->undisturbed.verdict == OD_EXPLORE_VIOLATED)
        return OD_OK;
    request.schedule = &explore_case->schedule;
    od_buffer_init(&text, od_posix_memory());
    enum od_status status =
        od_explain_query(od_posix_memory(), subject->plan, &request, &run->finding, &options, &text, error);
    fwrite(text.bytes, 1, text.size, stdout);
    od_buffer_release(&text);
    return status;
}

static int replay(const char *path, const char *text, size_t size)
{
    struct od_error error = {0};
    struct od_explore_case explore_case;
    struct od_explore_subject subject = {0};
    struct od_explore_run run = {0};
    struct od_scenario_run_options options;
    struct od_scenario_run *scenario = NULL;
    struct od_arena arena;
    int result;
    od_arena_init(&arena, od_posix_memory(), 0);
    enum od_status status = od_explore_case_parse(&arena, path, text, size, &explore_case, &error);
    if (status == OD_OK)
        status = od_explore_source_open(&explore_case.source, &options, &scenario, &subject, &error);
    if (status == OD_OK)
        status = od_explore_run(&subject, &explore_case.schedule, false, &run, &error);
    uint64_t first_digest = run.result.digest;
    if (status == OD_OK)
        status = od_explore_run(&subject, &explore_case.schedule, false, &run, &error);
    if (subject.undisturbed.verdict == OD_EXPLORE_VIOLATED)
        run.finding = subject.undisturbed.finding;
    if (status == OD_OK) {
        print_case(&explore_case, &subject, &run);
        if (explain(&explore_case, &subject, &run, &error) != OD_OK)
            od_exit_with(&error);
        result = tell(&explore_case, &subject, &run, first_digest);
    } else {
        result = od_exit_with(&error);
    }
    od_explore_run_release(&run);
    od_explore_release(&subject);
    od_scenario_close(scenario);
    od_arena_release(&arena);
    return result;
}

static bool read_case(const char *path, struct od_buffer *text)
{
    od_buffer_init(text, od_posix_memory());
    return strcmp(path, "-") != 0 && od_file_read(path, text, NULL) == OD_OK &&
           od_explore_case_is((const char *)text->bytes, text->size);
}

bool od_explore_case_at(const char *path)
{
    struct od_buffer text;
    bool is_one = read_case(path, &text);
    od_buffer_release(&text);
    return is_one;
}

bool od_explore_case_replay(const char *path, int *exit_out)
{
    struct od_buffer text;
    bool is_one = read_case(path, &text);
    if (is_one)
        *exit_out = replay(path, (const char *)text.bytes, text.size);
    od_buffer_release(&text);
    return is_one;
}
