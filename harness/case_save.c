/* case_save: see case_save.h. */
#include "harness/case_save.h"

#include <stdio.h>
#include <string.h>

#include "harness/file.h"
#include "harness/trial.h"
#include "properties/case_file.h"

static enum od_status write_case(const char *directory, struct od_memory *memory, const struct od_trial *trial,
                                 struct od_case_file *file, char *path_out, size_t path_size, struct od_error *error)
{
    char cases[4000];
    char path[4100];
    struct od_buffer rendering;
    uint64_t name = od_hash_bytes(file->choices, file->choices_bytes, 0);
    snprintf(cases, sizeof(cases), "%s/cases", directory);
    snprintf(path, sizeof(path), "%s/%s-%012llx.case", cases, file->found, (unsigned long long)(name >> 16));
    od_buffer_init(&rendering, memory);
    od_trial_print(trial, &rendering);
    enum od_status status = od_folder_make(cases, error);
    if (status == OD_OK)
        status = od_case_file_write(memory, path, file, od_buffer_text(&rendering), error);
    if (status == OD_OK)
        snprintf(path_out, path_size, "%s", path);
    od_buffer_release(&rendering);
    return status;
}

enum od_status od_case_save(const char *directory, struct od_memory *memory, const uint8_t *choices, uint32_t choice_bytes,
                            const struct od_property *only, const char *code, bool runs_it, char *path_out,
                            size_t path_size, struct od_error *error)
{
    static struct od_trial trial; /* too large for a stack; one at a time */
    struct od_choices drawn;
    path_out[0] = '\0';
    od_choices_init(&drawn, memory);
    od_choices_from_bytes(&drawn, choices, choice_bytes);
    od_trial_init(&trial, memory);
    trial.only = only;
    trial.guarded = strcmp(code, OD_TRIAL_CRASH) == 0;
    enum od_status status = runs_it ? od_trial_run(&trial, &drawn, error) : od_trial_draw(&trial, &drawn, error);
    struct od_case_file file = {.engine = "ref", .has_digest = runs_it, .digest = trial.digest};
    if (status == OD_OK) {
        /* the shrinker's bytes are canonical; zeros at the end are supplied by replay itself */
        file.choices = drawn.bytes;
        file.choices_bytes = od_choices_trimmed_bytes(&drawn);
        snprintf(file.property, sizeof(file.property), "%s", trial.test_case.property->code);
        snprintf(file.found, sizeof(file.found), "%s", code);
        status = write_case(directory, memory, &trial, &file, path_out, path_size, error);
    }
    od_trial_release(&trial);
    od_choices_release(&drawn);
    return status;
}
