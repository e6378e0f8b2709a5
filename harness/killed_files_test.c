/* Goal: kill -9 at any moment leaves the files of runs, cases and kept answers old or new, never mixed or lost.
 *
 * Method: a child replaces (or adds to) one of them, and is stopped at each of its system calls by ptrace; for every k it is killed in
 * front of the k-th, and what is there is read. That are all the states there are, but for writes that the system itself does in part:
 * those of lines at the end of an event log, which is cut at every byte. The old content is made anew for every k. Where processes may
 * not trace their children the test is skipped. Under ctest the store, which makes many calls, is not killed at each: `--full` does. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/world/posix.h"
#include "harness/file.h"
#include "harness/kept_file.h"
#include "properties/case_file.h"
#include "reports/event_log.h"
#include "reports/record.h"
#include "reports/store.h"

#define CALLS_MAX 2000u

static bool is_full;
static char folder[] = "/tmp/killed_files_test_XXXXXX";
static char path[64]; /* in it */

enum content { NEITHER, OLD, NEW };
struct subject {
    const char *name;
    enum od_status (*write)(enum content content); /* OLD makes it from nothing, NEW replaces it or adds to it */
    enum content (*read)(void);
    uint32_t calls_min; /* system calls that writing the new one takes at least */
    uint32_t step;      /* of k, where not all are tried */
};

/* --- subjects --------------------------------------------------------------------------------------------------------- */

static enum od_status write_case(enum content content)
{
    static uint8_t choices[9000];
    struct od_case_file file = {.property = "A2",
                                .found = "A2",
                                .engine = "ref",
                                .has_digest = true,
                                .digest = content,
                                .choices = choices,
                                .choices_bytes = content == OLD ? 7 : sizeof(choices)};
    memset(choices, content, sizeof(choices));
    return od_case_file_write(od_posix_memory(), path, &file, "for people", NULL);
}
static enum content read_case(void)
{
    struct od_case_file file;
    if (od_case_file_read(od_posix_memory(), path, &file, NULL) != OD_OK)
        return NEITHER;
    enum content content = (enum content)file.digest;
    bool is_whole = file.choices_bytes == (content == OLD ? 7 : 9000) && file.choices[0] == content &&
                    file.choices[file.choices_bytes - 1] == content;
    od_case_file_release(od_posix_memory(), &file);
    return is_whole ? content : NEITHER;
}

static struct od_record *make_record(enum content content)
{
    struct od_record *record = od_record_new(od_posix_memory());
    od_record_text(record, &record->id, content == OLD ? "old" : "new");
    struct od_record_scenario *scenario = od_record_add_scenario(record, "scenario");
    for (uint32_t i = 0; i < (content == OLD ? 1 : 40); i++)
        od_record_add_run(record, od_record_add_query(record, scenario, "query"), "sim");
    od_record_finish(record, OD_RECORD_FINISHED);
    return record;
}

static enum od_status write_record(enum content content)
{
    struct od_record *record = make_record(content);
    enum od_status status = od_record_save(record, path, NULL);
    od_record_free(record);
    return status;
}
static enum content read_record(void)
{
    struct od_record *record;
    if (od_record_load(od_posix_memory(), path, &record, NULL) != OD_OK)
        return NEITHER;
    enum content content = strcmp(record->id, "old") == 0 ? OLD : NEW;
    bool is_whole = record->scenarios.count == 1 && record->scenarios.items[0]->queries.count == (content == OLD ? 1 : 40);
    od_record_free(record);
    return is_whole ? content : NEITHER;
}

static enum od_status write_kept(enum content content)
{
    char bytes[5000];
    memset(bytes, (int)content, sizeof(bytes));
    const struct od_piece parts[] = {{bytes, 100}, {bytes, content == OLD ? 10 : 4900}};
    return od_kept_put(folder, "subject", parts, 2, true, NULL);
}
static enum content read_kept(void)
{
    struct od_kept_file file;
    if (od_kept_open(folder, "subject", &file, NULL) != OD_OK)
        return NEITHER;
    enum content content = (enum content)file.reader.bytes[0];
    bool is_whole = file.reader.size == (content == OLD ? 110 : 5000) && file.reader.bytes[file.reader.size - 1] == content;
    od_kept_close(&file);
    return is_whole ? content : NEITHER;
}

static enum od_status write_store(enum content content)
{
    struct od_store *store;
    struct od_record *record = make_record(content);
    enum od_status status = od_store_open(od_posix_memory(), path, &store, NULL);
    if (status == OD_OK)
        status = od_store_put(store, record, "/runs/1", NULL);
    od_store_close(store);
    od_record_free(record);
    return status;
}

struct stored {
    uint32_t old_runs;
    uint32_t new_runs;
    uint32_t records;
};
static void count_stored(void *self, const struct od_store_run *run)
{
    struct stored *stored = self;
    *(strcmp(run->id, "old") == 0 ? &stored->old_runs : &stored->new_runs) += (uint32_t)run->runs;
    stored->records++;
}
/* The old record stays. */
static enum content read_store(void)
{
    struct od_store *store;
    struct stored stored = {0};
    if (od_store_open(od_posix_memory(), path, &store, NULL) != OD_OK)
        return NEITHER;
    enum od_status status = od_store_list(store, 10, count_stored, &stored, NULL);
    od_store_close(store);
    if (status != OD_OK || stored.old_runs != 1)
        return NEITHER;
    return stored.records == 1 ? OLD : stored.records == 2 && stored.new_runs == 40 ? NEW : NEITHER;
}

static const struct subject subjects[] = {
    {"case", write_case, read_case, 5, 1},
    {"record", write_record, read_record, 5, 1},
    {"kept", write_kept, read_kept, 5, 1},
    {"store", write_store, read_store, 20, 7},
};

/* --- killing ---------------------------------------------------------------------------------------------------------- */

/* False: the child may not be traced. */
static bool is_traceable(pid_t child)
{
    int status;
    return waitpid(child, &status, 0) == child && WIFSTOPPED(status) &&
           ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) == 0;
}

/* A child writes the new content and is killed in front of its k-th system call. True: it had ended before, well. */
static bool write_until(const struct subject *subject, uint32_t k)
{
    pid_t child = fork();
    int status = 0;
    assert_true(child >= 0);
    if (child == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
            _exit(2);
        raise(SIGSTOP);
        _exit(subject->write(NEW) == OD_OK ? 0 : 1);
    }
    if (!is_traceable(child)) {
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
        skip();
    }
    for (uint32_t stops = 0; stops < 2 * k + 1; stops++) { /* a call stops at its beginning and at its end */
        ptrace(PTRACE_SYSCALL, child, NULL, NULL);
        assert_int_equal(waitpid(child, &status, 0), child);
        if (WIFEXITED(status)) {
            assert_int_equal(WEXITSTATUS(status), 0);
            return true;
        }
        assert_true(WIFSTOPPED(status));
    }
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    return false;
}

static void remove_all(void)
{
    assert_int_equal(od_folder_remove(folder, NULL), OD_OK);
    assert_int_equal(od_folder_make(folder, NULL), OD_OK);
}

static void a_killed_writer_leaves_old_or_new(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++) {
        const struct subject *subject = &subjects[i];
        uint32_t counts[3] = {0};
        bool has_ended = false;
        uint32_t k = 0;
        snprintf(path, sizeof(path), "%s/subject", folder);
        for (; !has_ended && k < CALLS_MAX; k += is_full ? 1 : subject->step) {
            remove_all();
            assert_int_equal(subject->write(OLD), OD_OK);
            assert_int_equal(subject->read(), OLD);
            has_ended = write_until(subject, k);
            enum content content = subject->read();
            if (content == NEITHER || (has_ended && content != NEW))
                fail_msg("%s, killed in front of system call %u: neither old nor new", subject->name, k);
            counts[content]++;
            assert_int_equal(subject->write(NEW), OD_OK); /* whoever comes later can go on */
            assert_int_equal(subject->read(), NEW);
        }
        assert_true(has_ended);
        assert_in_range(k, subject->calls_min, CALLS_MAX);
        assert_true(counts[OLD] > 0);
        print_message("%s: killed at %u moments: %u times old, %u times new\n", subject->name,
                      counts[OLD] + counts[NEW] - 1, counts[OLD], counts[NEW] - 1);
    }
}

static void an_event_log_loses_its_last_line_at_most(void **state)
{
    struct od_event_log *log;
    struct od_buffer whole;
    (void)state;
    remove_all();
    snprintf(path, sizeof(path), "%s/events.jsonl", folder);
    assert_int_equal(od_event_log_open_file(od_posix_memory(), path, &log, NULL), OD_OK);
    od_buffer_init(&whole, od_posix_memory());
    for (uint32_t i = 0; i < 4; i++) {
        struct od_report_event event = od_report_event_none();
        event.kind = "task_started";
        event.task = i;
        assert_int_equal(od_event_log_write(log, &event, NULL), OD_OK);
    }
    assert_int_equal(od_file_read(path, &whole, NULL), OD_OK); /* before it is closed: each line is handed over at once */
    assert_int_equal(od_event_log_close(log, NULL), OD_OK);
    uint32_t lines = 0;
    for (size_t cut = 0; cut <= whole.size; cut++) {
        struct od_event_list list;
        lines += cut > 0 && whole.bytes[cut - 1] == '\n';
        bool is_whole = cut == 0 || whole.bytes[cut - 1] == '\n';
        assert_int_equal(od_file_write(path, whole.bytes, cut, NULL), OD_OK);
        assert_int_equal(od_event_list_load(od_posix_memory(), path, &list, NULL), OD_OK);
        bool may_be_whole = !is_whole && list.count == lines + 1; /* but for its line end */
        assert_true(list.count == lines || (may_be_whole && whole.bytes[cut] == '\n'));
        for (uint32_t i = 0; i < list.count; i++)
            assert_int_equal(list.events[i].task, i);
        od_event_list_release(&list);
    }
    assert_int_equal(lines, 4);
    od_buffer_release(&whole);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL;
}
static int remove_folder(void **state)
{
    (void)state;
    return od_folder_remove(folder, NULL) != OD_OK;
}

int main(int argument_count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_killed_writer_leaves_old_or_new),
        cmocka_unit_test(an_event_log_loses_its_last_line_at_most),
    };
    is_full = argument_count == 2 && strcmp(arguments[1], "--full") == 0;
    return cmocka_run_group_tests_name("killed_files", tests, make_folder, remove_folder);
}
