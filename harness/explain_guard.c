/* explain_guard: a case explained in a process of its own: an engine that is wrong may end it, above all over tables that nobody has tried.
 *
 *   trial --fork--> explained there --pipe--> text here      died: what had been written, and that it died
 *
 * The trial here stays as it is. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/explain.h"

static _Noreturn void explain_there(struct od_trial *trial, const struct od_explain_options *options, int to, pid_t parent)
{
    const struct rlimit no_core = {0, 0};
    struct od_buffer text;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    setrlimit(RLIMIT_CORE, &no_core);
    od_buffer_init(&text, trial->memory);
    enum od_status status = od_explain_case(trial, options, &text, NULL);
    size_t written = 0;
    while (written < text.size) {
        ssize_t count = write(to, text.bytes + written, text.size - written);
        if (count <= 0 && errno != EINTR)
            _exit(1);
        written += count > 0 ? (size_t)count : 0;
    }
    _exit(status == OD_OK ? 0 : 1);
}

static void read_all(int from, struct od_buffer *text)
{
    char bytes[4096];
    ssize_t count = 0;
    while ((count = read(from, bytes, sizeof(bytes))) > 0 || (count < 0 && errno == EINTR))
        if (count > 0)
            od_buffer_append(text, bytes, (size_t)count);
}

enum od_status od_explain_case_guarded(struct od_trial *trial, const struct od_explain_options *options,
                                       struct od_buffer *text, struct od_error *error)
{
    int ends[2];
    int how = 0;
    pid_t parent = getpid();
    if (pipe(ends) != 0)
        return od_fail(error, OD_IO, "starting a process for an explanation: %s", strerror(errno));
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        explain_there(trial, options, ends[1], parent);
    int failure = errno;
    close(ends[1]);
    if (pid > 0)
        read_all(ends[0], text);
    close(ends[0]);
    if (pid < 0)
        return od_fail(error, OD_IO, "starting a process for an explanation: %s", strerror(failure));
    while (waitpid(pid, &how, 0) < 0 && errno == EINTR)
        continue;
    if (!WIFEXITED(how) || WEXITSTATUS(how) != 0)
        od_buffer_append_text(text, "\nno explanation: the process that looked for one died\n");
    return text->failed ? od_fail(error, OD_NO_MEMORY, "explaining a case") : OD_OK;
}
