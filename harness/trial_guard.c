/* trial_guard: the check of a trial in a process of its own, so that a case that ends the process is a finding like any other.
 *
 *   drawn here --fork--> checked there ---> shared page: finding, digest       it ended well: as if it had been checked here
 *                                      \--> pipe: what it says of an assertion  it died: code "crash"
 *
 * The digest of a death is of its text alone: the assertion that failed, or else the signal. So equal cases have equal digests, replay and
 * shrinking need nothing more, and the shrinker stays with one assertion. Runs and events of the check stay in the other process. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/trial.h"

/* Written by the child, read by the parent when it has ended. */
struct page {
    bool is_done;
    enum od_status status;
    struct od_error error;
    struct od_finding finding;
    uint64_t digest;
};

static _Noreturn void check_there(struct od_trial *trial, struct page *page, pid_t parent, int said)
{
    const struct rlimit no_core = {0, 0}; /* a shrinker's deaths are many */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    setrlimit(RLIMIT_CORE, &no_core);
    dup2(said, STDERR_FILENO);
    page->status = od_trial_check(trial, &page->error);
    page->finding = trial->finding;
    page->digest = trial->digest;
    page->is_done = true;
    _exit(0);
}

/* The assertion that failed, as it was said; empty when none was. Reads until the other end closes. */
static void read_assertion(int said, char *text_out, size_t text_size)
{
    static const char mark[] = ": assertion failed: ";
    char line[500];
    size_t length = 0;
    FILE *stream = fdopen(said, "r");
    text_out[0] = '\0';
    while (stream != NULL && fgets(line, sizeof(line), stream) != NULL) {
        length = strcspn(line, "\n");
        if (text_out[0] == '\0' && strstr(line, mark) != NULL)
            snprintf(text_out, text_size, "%.*s", (int)length, line);
    }
    if (stream != NULL)
        fclose(stream);
    else
        close(said);
}

static void note_death(struct od_trial *trial, int how, const char *assertion)
{
    if (assertion[0] != '\0')
        od_finding_set(&trial->finding, OD_TRIAL_CRASH, "%s", assertion);
    else if (WIFSIGNALED(how))
        od_finding_set(&trial->finding, OD_TRIAL_CRASH, "died of signal %d (%s)", WTERMSIG(how), strsignal(WTERMSIG(how)));
    else
        od_finding_set(&trial->finding, OD_TRIAL_CRASH, "ended by itself, with status %d", WEXITSTATUS(how));
    trial->digest = od_hash_bytes(trial->finding.text, strlen(trial->finding.text), 1);
}

enum od_status od_trial_check_guarded(struct od_trial *trial, struct od_error *error)
{
    int pipe_ends[2] = {-1, -1};
    int how = 0;
    char assertion[sizeof(trial->finding.text)];
    struct page *page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return od_fail(error, OD_NO_MEMORY, "sharing a page with a check");
    enum od_status status = OD_OK;
    fflush(NULL);
    pid_t parent = getpid();
    pid_t pid = pipe(pipe_ends) == 0 ? fork() : -1;
    if (pid == 0)
        check_there(trial, page, parent, pipe_ends[1]);
    if (pid < 0) {
        status = od_fail(error, OD_IO, "starting a process for a check: %s", strerror(errno));
        if (pipe_ends[0] >= 0)
            close(pipe_ends[0]);
    }
    if (pipe_ends[1] >= 0)
        close(pipe_ends[1]);
    if (pid < 0)
        goto unmap;
    read_assertion(pipe_ends[0], assertion, sizeof(assertion));
    while (waitpid(pid, &how, 0) < 0 && errno == EINTR)
        continue;
    trial->finding = page->finding;
    trial->digest = page->digest;
    status = page->status;
    if (!page->is_done) {
        trial->finding = (struct od_finding){0};
        note_death(trial, how, assertion);
        status = OD_OK;
    } else if (status != OD_OK && error != NULL) {
        *error = page->error;
    }
unmap:
    munmap(page, sizeof(*page));
    return status;
}
