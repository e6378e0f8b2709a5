/* explain_guard: a case explained in a process of its own: an engine that is wrong may end it, above all over tables that nobody has tried.
 *
 *   trial --fork--> explained there --pipe--> text here      died: what had been written, and that it died
 *         --fork--> run there, to die again --pipe--> each event when it happens: a timeline here
 *
 * The trial here stays as it is. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/explain.h"
#include "harness/explain_timeline.h"

struct child {
    pid_t pid;
    int pipe; /* what it tells: the reading end */
};

typedef void (*child_body)(struct od_trial *trial, const struct od_explain_options *options, int to);

/* Runs `body` in a process that ends with it, or with us. */
static enum od_status start(struct od_trial *trial, const struct od_explain_options *options, child_body body,
                            struct child *child_out, struct od_error *error)
{
    const struct rlimit no_core = {0, 0};
    int ends[2];
    pid_t parent = getpid();
    if (pipe(ends) != 0)
        return od_fail(error, OD_IO, "starting a process for an explanation: %s", strerror(errno));
    fflush(NULL);
    *child_out = (struct child){.pid = fork(), .pipe = ends[0]};
    if (child_out->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(1);
        setrlimit(RLIMIT_CORE, &no_core);
        body(trial, options, ends[1]);
        _exit(0);
    }
    int failure = errno;
    close(ends[1]);
    if (child_out->pid > 0)
        return OD_OK;
    close(ends[0]);
    return od_fail(error, OD_IO, "starting a process for an explanation: %s", strerror(failure));
}

/* Whether it ended well. */
static bool end(struct child *child)
{
    int how = 0;
    close(child->pipe);
    while (waitpid(child->pid, &how, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(how) && WEXITSTATUS(how) == 0;
}

static void write_all(int to, const void *bytes, size_t size)
{
    for (size_t written = 0; written < size;) {
        ssize_t count = write(to, (const char *)bytes + written, size - written);
        if (count <= 0 && errno != EINTR)
            _exit(1);
        written += count > 0 ? (size_t)count : 0;
    }
}

static void read_all(int from, struct od_buffer *bytes)
{
    char part[4096];
    ssize_t count = 0;
    while ((count = read(from, part, sizeof(part))) > 0 || (count < 0 && errno == EINTR))
        if (count > 0)
            od_buffer_append(bytes, part, (size_t)count);
}

/* --- a case that fails ------------------------------------------------------------------------------------------- */

static void explain_there(struct od_trial *trial, const struct od_explain_options *options, int to)
{
    struct od_buffer text;
    od_buffer_init(&text, trial->memory);
    if (od_explain_case(trial, options, &text, NULL) != OD_OK)
        _exit(1);
    write_all(to, text.bytes, text.size);
}

/* --- a case that ends its process -------------------------------------------------------------------------------- */

/* Behind the events of each run that did not. */
static const struct od_event end_of_run = {.kind = OD_EVENT_COUNT};

static void tell_event(void *self, const struct od_event *event)
{
    write_all(*(const int *)self, event, sizeof(*event));
}

static void tell_end(void *self, const struct od_run_request *asked, const struct od_cluster_request *request)
{
    (void)asked;
    (void)request;
    tell_event(self, &end_of_run);
}

static void die_there(struct od_trial *trial, const struct od_explain_options *options, int to)
{
    static const struct od_trace_ops ops = {.event = tell_event};
    struct od_choices choices;
    int nowhere = open("/dev/null", O_WRONLY);
    dup2(nowhere, STDERR_FILENO); /* what it says then is known */
    trial->guarded = false;
    trial->trace = (struct od_trace){&ops, &to};
    trial->ran = tell_end;
    trial->ran_self = &to;
    od_choices_init(&choices, trial->memory);
    od_choices_from_bytes(&choices, options->choices, options->choices_bytes);
    od_trial_run(trial, &choices, NULL);
}

/* The events of the last run, the one that was not over. */
static enum od_status explain_death(struct od_trial *trial, const struct od_explain_options *options,
                                    const struct od_buffer *told, struct od_buffer *text, struct od_error *error)
{
    struct od_event *events = (struct od_event *)(void *)told->bytes;
    uint32_t count = (uint32_t)(told->size / sizeof(*events));
    uint32_t first = 0;
    uint32_t run_index = 0;
    for (uint32_t i = 0; i < count; i++)
        if (events[i].kind == OD_EVENT_COUNT) {
            first = i + 1;
            run_index++;
        }
    const struct od_cluster_request request = {.schedule = &trial->schedule};
    const struct od_explained explained = {
        .request = &request, .run_result = {.events = count == first ? NULL : events + first, .event_count = count - first}};
    od_buffer_print(text, "\nexplanation, of run %u, which ended its process after %u events\n", run_index + 1,
                    explained.run_result.event_count);
    if (!options->is_short)
        return od_explain_timeline(&explained, options->is_verbose, text, error);
    for (uint32_t i = count - first > 3 ? count - first - 3 : 0; i < count - first; i++)
        od_explain_event(&explained, i, text);
    return OD_OK;
}

/* --- either ------------------------------------------------------------------------------------------------------- */

enum od_status od_explain_case_guarded(struct od_trial *trial, const struct od_explain_options *options,
                                       struct od_buffer *text, struct od_error *error)
{
    struct child child = {.pid = -1, .pipe = -1};
    struct od_buffer told;
    OD_TRY(start(trial, options, trial->guarded ? die_there : explain_there, &child, error));
    od_buffer_init(&told, trial->memory);
    read_all(child.pipe, &told);
    bool ended_well = end(&child);
    enum od_status status = OD_OK;
    if (trial->guarded)
        status = explain_death(trial, options, &told, text, error);
    else if (ended_well)
        od_buffer_append(text, told.bytes, told.size);
    else
        od_buffer_append_text(text, "\nno explanation: the process that looked for one died\n");
    bool has_failed = told.failed || text->failed;
    od_buffer_release(&told);
    return status == OD_OK && has_failed ? od_fail(error, OD_NO_MEMORY, "explaining a case") : status;
}
