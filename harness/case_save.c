/* case_save: see case_save.h. */
#include "harness/case_save.h"

#include <stdio.h>
#include <string.h>

#include "harness/case_parts.h"
#include "harness/explain.h"
#include "harness/file.h"
#include "harness/trial.h"
#include "properties/case_file.h"

static enum od_status explain(struct od_trial *trial, const struct od_case_file *file, struct od_buffer *rendering,
                              struct od_error *error)
{
    const struct od_explain_options options = {
        .is_short = true, .choices = file->choices, .choices_bytes = file->choices_bytes};
    return od_explain_case_guarded(trial, &options, rendering, error);
}

static enum od_status write_case(const char *directory, struct od_memory *memory, struct od_trial *trial,
                                 const struct od_buffer *needs, struct od_case_file *file, char *path_out, size_t path_size,
                                 struct od_error *error)
{
    char cases[4000];
    char path[4100];
    struct od_buffer rendering;
    uint64_t name = od_hash_bytes(file->choices, file->choices_bytes, 0);
    if (file->schedule != NULL)
        name = od_hash_bytes(file->schedule, file->schedule_bytes, name);
    snprintf(cases, sizeof(cases), "%s/cases", directory);
    snprintf(path, sizeof(path), "%s/%s-%012llx.case", cases, file->found, (unsigned long long)(name >> 16));
    od_buffer_init(&rendering, memory);
    od_trial_print(trial, &rendering);
    od_buffer_append(&rendering, needs->bytes, needs->size);
    enum od_status status = OD_OK;
    if (file->has_digest)
        status = explain(trial, file, &rendering, error);
    if (status == OD_OK)
        status = od_folder_make(cases, error);
    if (status == OD_OK)
        status = od_case_file_write(memory, path, file, od_buffer_text(&rendering), error);
    if (status == OD_OK)
        snprintf(path_out, path_size, "%s", path);
    od_buffer_release(&rendering);
    return status;
}

/* The file of the case that the trial holds; borrows from both, and from `schedule`, which may be NULL. */
static struct od_case_file describe(const struct od_trial *trial, const struct od_choices *drawn, const char *code,
                                    struct od_buffer *schedule)
{
    struct od_case_file file = {.engine = "ref", .digest = trial->digest, .pct_depth = trial->pct_depth};
    /* the shrinker's bytes are canonical; zeros at the end are supplied by replay itself */
    file.choices = drawn->bytes;
    file.choices_bytes = od_choices_trimmed_bytes(drawn);
    if (schedule != NULL) {
        file.schedule = (char *)od_buffer_text(schedule);
        file.schedule_bytes = (uint32_t)schedule->size;
    }
    snprintf(file.property, sizeof(file.property), "%s", trial->test_case.property->code);
    snprintf(file.found, sizeof(file.found), "%s", code);
    return file;
}

enum od_status od_case_save(const char *directory, struct od_memory *memory, const struct od_failing_case *failing, bool runs_it,
                            char *path_out, size_t path_size, struct od_error *error)
{
    static struct od_trial trial; /* too large for a stack; one at a time */
    struct od_choices drawn;
    struct od_buffer schedule, needs;
    path_out[0] = '\0';
    od_buffer_init(&schedule, memory);
    od_buffer_init(&needs, memory);
    od_choices_init(&drawn, memory);
    od_choices_from_bytes(&drawn, failing->choices, failing->choice_bytes);
    od_trial_init(&trial, memory);
    trial.only = failing->only;
    trial.given = failing->schedule;
    trial.pct_depth = failing->pct_depth;
    if (failing->kinds != NULL)
        trial.kinds = *failing->kinds;
    trial.guarded = strcmp(failing->code, OD_TRIAL_CRASH) == 0;
    enum od_status status = runs_it ? od_trial_run(&trial, &drawn, error) : od_trial_draw(&trial, &drawn, error);
    bool has_schedule = failing->schedule != NULL || failing->kinds != NULL;
    if (status == OD_OK && has_schedule && !od_schedule_print(&trial.schedule, &schedule))
        status = od_fail(error, OD_NO_MEMORY, "writing a schedule");
    if (status == OD_OK) {
        struct od_case_file file = describe(&trial, &drawn, failing->code, has_schedule ? &schedule : NULL);
        file.has_digest = runs_it;
        od_case_needs_print(&trial, &needs);
        if (failing->needs != NULL)
            od_buffer_append(failing->needs, needs.bytes, needs.size);
        if (failing->sizes != NULL)
            od_case_measure(&trial, failing->sizes);
        status = write_case(directory, memory, &trial, &needs, &file, path_out, path_size, error);
    }
    od_trial_release(&trial);
    od_choices_release(&drawn);
    od_buffer_release(&needs);
    od_buffer_release(&schedule);
    return status;
}

enum od_status od_case_schedule(struct od_arena *arena, const char *path, const struct od_case_file *file,
                                const struct od_schedule **schedule_out, struct od_error *error)
{
    char name[4200];
    *schedule_out = NULL;
    if (file->schedule == NULL)
        return OD_OK;
    struct od_schedule *schedule = od_arena_take(arena, sizeof(*schedule));
    if (schedule == NULL)
        return od_fail(error, OD_NO_MEMORY, "reading a schedule");
    snprintf(name, sizeof(name), "%s, schedule", path);
    *schedule_out = schedule;
    return od_schedule_parse(arena, name, file->schedule, file->schedule_bytes, schedule, error);
}
