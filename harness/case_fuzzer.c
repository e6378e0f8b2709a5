/* case_fuzzer: the choice sequence as libFuzzer sees it: any bytes are a case; it is drawn, disturbed, run and judged like a case of
 * `ordeal hunt`. A finding aborts, so that libFuzzer keeps the bytes; `ordeal replay` wants them in a case file, which is written
 * beside: crash-case/cases/. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/world/posix.h"
#include "harness/case_save.h"
#include "harness/trial.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct od_trial trial;
    static struct od_choices choices;
    static bool ready;
    if (!ready) {
        od_trial_init(&trial, od_posix_memory());
        od_choices_init(&choices, od_posix_memory());
        ready = true;
    }
    if (size > OD_CHOICES_LIMIT_BYTES)
        return 0;
    od_choices_from_bytes(&choices, bytes, size);
    struct od_error error = {0};
    if (od_trial_run(&trial, &choices, &error) != OD_OK) {
        fprintf(stderr, "the harness failed: %s\n", error.text);
        abort();
    }
    if (trial.finding.found) {
        char path[300];
        fprintf(stderr, "%s: %s\n", trial.finding.code, trial.finding.text);
        const struct od_failing_case failing = {
            .choices = choices.bytes, .choice_bytes = od_choices_trimmed_bytes(&choices), .code = trial.finding.code};
        od_case_save("crash-case", od_posix_memory(), &failing, true, path, sizeof(path), NULL);
        fprintf(stderr, "ordeal replay %s\n", path);
        abort();
    }
    return 0;
}
