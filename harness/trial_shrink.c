/* trial_shrink: see trial_shrink.h. */
#include "harness/trial_shrink.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/core/assert.h"
#include "harness/campaign_worker.h"

#define DEATHS_MAX 200u

enum outcome { UNKNOWN, FAILS, HOLDS };

/* Written by the shrinkers, read by the parent when one has ended. */
struct page {
    uint32_t tried; /* cases, by the shrinker that runs */
    bool is_done;
    bool has_sizes;
    struct od_case_sizes sizes;
    enum od_status status;
    struct od_error error;
    struct od_shrunk shrunk;
    uint8_t bytes[OD_CHOICES_LIMIT_BYTES]; /* of `shrunk` */
    uint8_t outcomes[OD_TRIAL_EVALUATIONS_MAX];
};

struct shrinker {
    struct od_trial *trial;
    const struct od_trial_shrinking *shrinking;
    struct page *page;
};

static bool runs_and_fails(struct shrinker *shrinker, struct od_choices *choices)
{
    const struct od_trial_shrinking *shrinking = shrinker->shrinking;
    bool is_late = od_campaign_now_ns() > shrinking->until_ns || (shrinking->hurry != NULL && atomic_load(shrinking->hurry) != 0);
    if (is_late && shrinker->page->tried == 0)
        od_trial_draw(shrinker->trial, choices, NULL); /* what is not shrunk is told as it is */
    return !is_late && od_trial_run(shrinker->trial, choices, NULL) == OD_OK &&
           od_trial_fails_with(shrinker->trial, shrinking->code, shrinking->digest);
}

static bool still_fails(void *self, struct od_choices *choices)
{
    struct shrinker *shrinker = self;
    struct page *page = shrinker->page;
    od_assert(page->tried < OD_TRIAL_EVALUATIONS_MAX);
    uint8_t *outcome = &page->outcomes[page->tried];
    bool fails = *outcome == FAILS;
    if (*outcome == UNKNOWN)
        fails = runs_and_fails(shrinker, choices);
    else if (od_trial_draw(shrinker->trial, choices, NULL) != OD_OK)
        fails = false;
    *outcome = fails ? FAILS : HOLDS;
    page->tried++;
    if (fails && !page->has_sizes) { /* the first one is the case as it is */
        od_case_measure(shrinker->trial, &page->sizes);
        page->has_sizes = true;
    }
    return fails;
}

static void progress(void *self, uint32_t evaluations, uint32_t bytes)
{
    const struct od_trial_shrinking *shrinking = ((struct shrinker *)self)->shrinking;
    if (shrinking->progress != NULL)
        shrinking->progress(shrinking->self, evaluations, bytes);
}

static enum od_status shrink_here(struct shrinker *shrinker, const uint8_t *bytes, uint32_t size, struct od_shrunk *shrunk_out,
                                  struct od_error *error)
{
    const struct od_shrink_test test = {still_fails, shrinker, progress, shrinker->trial->guarded ? 0 : OD_TRIAL_RESAMPLES};
    shrinker->page->tried = 0;
    return od_shrink(shrinker->trial->memory, bytes, size, &test, OD_TRIAL_EVALUATIONS_MAX, shrunk_out, error);
}

/* What it says while it dies is of no interest; a terminal may still be shown how it goes. */
static _Noreturn void shrink_there(struct shrinker *shrinker, const uint8_t *bytes, uint32_t size, pid_t parent)
{
    const struct rlimit no_core = {0, 0};
    struct page *page = shrinker->page;
    int nowhere = isatty(STDERR_FILENO) ? -1 : open("/dev/null", O_WRONLY | O_CLOEXEC);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    setrlimit(RLIMIT_CORE, &no_core);
    if (nowhere >= 0)
        dup2(nowhere, STDERR_FILENO);
    page->status = shrink_here(shrinker, bytes, size, &page->shrunk, &page->error);
    if (page->status == OD_OK)
        memcpy(page->bytes, page->shrunk.bytes, page->shrunk.size);
    page->is_done = true;
    _exit(0);
}

/* One process; whether it came to its end is in the page. */
static enum od_status run_shrinker(struct shrinker *shrinker, const uint8_t *bytes, uint32_t size, struct od_error *error)
{
    int how = 0;
    fflush(NULL);
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        shrink_there(shrinker, bytes, size, parent);
    if (pid < 0)
        return od_fail(error, OD_IO, "starting a process for shrinking: %s", strerror(errno));
    while (waitpid(pid, &how, 0) < 0 && errno == EINTR)
        continue;
    return OD_OK;
}

/* The page's result, in memory of the caller's. */
static enum od_status take_over(const struct page *page, struct od_memory *memory, struct od_shrunk *shrunk_out, struct od_error *error)
{
    if (page->status != OD_OK && error != NULL)
        *error = page->error;
    if (page->status != OD_OK)
        return page->status;
    *shrunk_out = page->shrunk;
    shrunk_out->capacity = page->shrunk.size + 1;
    shrunk_out->bytes = od_take(memory, shrunk_out->capacity);
    if (shrunk_out->bytes == NULL)
        return od_fail(error, OD_NO_MEMORY, "shrinking");
    memcpy(shrunk_out->bytes, page->bytes, page->shrunk.size);
    return OD_OK;
}

enum od_status od_trial_shrink(struct od_trial *trial, const uint8_t *bytes, uint32_t size, const struct od_trial_shrinking *shrinking,
                               struct od_shrunk *shrunk_out, struct od_error *error)
{
    struct page *page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    *shrunk_out = (struct od_shrunk){0};
    if (page == MAP_FAILED)
        return od_fail(error, OD_NO_MEMORY, "sharing a page with a shrinker");
    struct shrinker shrinker = {trial, shrinking, page};
    enum od_status status = OD_OK;
    if (trial->oracles != NULL) {
        status = shrink_here(&shrinker, bytes, size, shrunk_out, error);
    } else {
        for (uint32_t deaths = 0; status == OD_OK && !page->is_done; deaths++) {
            status = run_shrinker(&shrinker, bytes, size, error);
            if (status == OD_OK && !page->is_done && deaths == DEATHS_MAX)
                status = od_fail(error, OD_IO, "shrinking: more than %u cases ended its process", DEATHS_MAX);
            if (status == OD_OK && !page->is_done && page->tried < OD_TRIAL_EVALUATIONS_MAX)
                page->outcomes[page->tried] = HOLDS;
        }
        if (status == OD_OK)
            status = take_over(page, trial->memory, shrunk_out, error);
    }
    if (shrinking->sizes != NULL)
        *shrinking->sizes = page->sizes;
    munmap(page, sizeof(*page));
    return status;
}
