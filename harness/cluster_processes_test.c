/* Goal: queries on real processes give their answers, whoever is killed, stopped or started again in the middle; the driver goes on
 * where it was. And nothing is left behind: no process, no file, no descriptor, also when the supervisor itself is killed.
 * Method: `ordeal` itself, beside this program. A small query and one of about a second, whose answer the simulation gives; signals
 * from within the supervisor's loop; a child that supervises, and is killed. */
#include "harness/cluster_processes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/file.h"
#include "harness/repair.h"
#include "harness/small_query.h"

#define MS UINT64_C(1000000)
enum { EXECUTORS = 3, LONG_ROWS = 24000, LONG_KEYS = 160 };

static char program[400];
static struct od_small_query small;
static struct od_arena arena; /* of the long query */
static struct od_table *numbers;
static struct od_prepared prepared;
static struct od_table *expected;

static const struct od_run_options run_options = {.cluster.executor_count = EXECUTORS, .codec = OD_CODEC_ZSTD};

static void make_numbers(void)
{
    static struct od_field fields[] = {{"k", OD_TYPE_INT32, true}, {"v", OD_TYPE_INT64, false}};
    numbers = od_table_new(od_posix_memory(), "numbers", &(struct od_schema){2, fields}, NULL);
    for (uint32_t row = 0; row < LONG_ROWS; row++) {
        const struct od_value k = {.type = OD_TYPE_INT32, .is_null = row % 50 == 0, .int64 = row % LONG_KEYS};
        const struct od_value v = {.type = OD_TYPE_INT64, .int64 = row};
        od_batch_builder_append(&numbers->rows, 0, &k, NULL);
        od_batch_builder_append(&numbers->rows, 1, &v, NULL);
        od_batch_builder_end_row(&numbers->rows);
    }
    od_table_finish(numbers);
}

static int make_queries(void **state)
{
    const struct od_plan_options options = {.join_strategy = OD_JOIN_FORCE_PARTITIONED};
    struct od_cluster_result result;
    struct od_error error = {0};
    (void)state;
    ssize_t size = readlink("/proc/self/exe", program, sizeof(program) - 20);
    while (size > 0 && program[size - 1] != '/')
        size--;
    strcpy(program + size, "ordeal");
    od_small_query_make(&small, OD_SMALL_QUERY);
    make_numbers();
    od_arena_init(&arena, od_posix_memory(), 0);
    const struct od_catalog catalog = {1, (const struct od_table *const *)&numbers};
    assert_int_equal(od_prepare_sql(&arena,
                                    "SELECT a.k, count(*), sum(a.v - b.v), max(b.v) FROM numbers a JOIN numbers b "
                                    "ON a.k = b.k GROUP BY a.k ORDER BY a.k",
                                    &catalog, &options, &prepared, &error),
                     OD_OK);
    const struct od_cluster_request request = {.graph = prepared.graph, .options = run_options, .seed = 1};
    assert_int_equal(od_cluster_run(od_posix_memory(), &request, &result, &error), OD_OK);
    assert_int_equal(result.outcome.status, OD_OK);
    expected = result.outcome.answer;
    result.outcome.answer = NULL;
    od_cluster_result_release(&result);
    return 0;
}

static int release_queries(void **state)
{
    (void)state;
    od_small_query_release(&small);
    od_table_free(od_posix_memory(), expected);
    od_table_free(od_posix_memory(), numbers);
    od_arena_release(&arena);
    return 0;
}

/* --- what is there ------------------------------------------------------------------------------ */

static uint32_t count_descriptors(void)
{
    uint32_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

static struct od_processes *start(void)
{
    const struct od_processes_options options = {
        .executor_count = EXECUTORS, .program = program, .tells_events = true};
    struct od_processes *processes;
    struct od_error error = {0};
    od_processes_start(od_posix_memory(), &options, &processes, &error);
    assert_string_equal(error.text, "");
    return processes;
}

/* Ends the cluster: its processes are gone, and its folder. */
static void end(struct od_processes *processes)
{
    char folder[200];
    int ids[EXECUTORS + 1];
    snprintf(folder, sizeof(folder), "%s", od_processes_folder(processes));
    for (uint32_t i = 0; i <= EXECUTORS; i++)
        ids[i] = od_processes_id(processes, i);
    assert_int_equal(access(folder, F_OK), 0);
    od_processes_end(processes);
    for (uint32_t i = 0; i <= EXECUTORS; i++)
        assert_true(ids[i] == -1 || (kill(ids[i], 0) != 0 && errno == ESRCH));
    assert_true(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
    assert_int_equal(access(folder, F_OK), -1);
}

static void run(struct od_processes *processes, const struct od_stage_graph *graph, struct od_cluster_result *result)
{
    struct od_error error = {0};
    *result = (struct od_cluster_result){.memory = od_posix_memory()};
    enum od_status status = od_processes_run(processes, graph, &run_options, 60000 * MS, result, &error);
    assert_string_equal(error.text, "");
    assert_int_equal(status, OD_OK);
    assert_true(result->ended);
    assert_string_equal(result->outcome.error.text, "");
    assert_int_equal(result->outcome.status, OD_OK);
}

static void run_small(struct od_processes *processes)
{
    struct od_cluster_result result;
    run(processes, small.prepared.graph, &result);
    assert_string_equal(od_small_csv(&small, result.outcome.answer), OD_SMALL_ANSWER);
    od_cluster_result_release(&result);
}

static struct od_run_counts run_long(struct od_processes *processes)
{
    struct od_cluster_result result;
    run(processes, prepared.graph, &result);
    assert_string_equal(od_small_csv(&small, result.outcome.answer), od_small_csv(&small, expected));
    struct od_run_counts counts = result.outcome.counts;
    od_cluster_result_release(&result);
    return counts;
}

/* --- tests -------------------------------------------------------------------------------------- */

static void queries_have_their_answers(void **state)
{
    (void)state;
    end(start()); /* libuv keeps two descriptors of the first loop with children */
    uint32_t descriptors = count_descriptors();
    struct od_processes *processes = start();
    for (uint32_t i = 0; i < 50; i++)
        run_small(processes);
    run_long(processes);
    assert_int_equal(od_processes_restarts(processes), 0);
    end(processes);
    assert_int_equal(count_descriptors(), descriptors);
}

/* Signals to actors, in order; 0 ends the list. */
struct blow {
    uint32_t actor;
    int signal;
};
struct blows {
    struct od_processes *processes;
    const struct blow *next;
    uint32_t tick_count;
};

static void strike(void *self)
{
    struct blows *blows = self;
    int id = od_processes_id(blows->processes, blows->next->actor);
    if (++blows->tick_count % 3 != 0 || blows->next->signal == 0 || id <= 0)
        return;
    assert_int_equal(kill(id, blows->next->signal), 0);
    blows->next++;
}

static void the_killed_come_back(void **state)
{
    static const struct blow all[][8] = {
        {{2, SIGKILL}},
        {{1, SIGKILL}, {3, SIGKILL}, {2, SIGKILL}},
        {{2, SIGSTOP}, {1, SIGKILL}, {2, SIGCONT}},
        {{0, SIGKILL}},
        {{0, SIGKILL}, {1, SIGKILL}, {0, SIGKILL}, {3, SIGTERM}},
        {{0, SIGSTOP}, {0, SIGCONT}},
    };
    (void)state;
    uint32_t descriptors = count_descriptors();
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        struct blows blows = {.processes = start(), .next = all[i]};
        run_small(blows.processes); /* all are up */
        od_processes_watch(blows.processes, 25 * MS, strike, &blows);
        run_long(blows.processes);
        od_processes_watch(blows.processes, 0, NULL, NULL);
        assert_true(blows.next > all[i]); /* it took long enough for one at least */
        run_small(blows.processes);
        end(blows.processes);
    }
    assert_int_equal(count_descriptors(), descriptors);
}

static struct od_event told[20000];
static uint32_t told_count;
static void take_event(void *self, const struct od_event *event)
{
    (void)self;
    assert_true(told_count < sizeof(told) / sizeof(told[0]));
    told[told_count++] = *event;
}
static uint32_t count_told(enum od_event_kind kind)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < told_count; i++)
        count += told[i].kind == kind;
    return count;
}

static void events_are_of_their_query_and_tell_of_repairs(void **state)
{
    static const struct od_trace_ops ops = {.event = take_event};
    static const struct blow driver_dies[] = {{0, SIGKILL}, {0, 0}};
    (void)state;
    struct od_clock clock = od_posix_clock();
    struct od_repair repair;
    struct blows blows = {.processes = start(), .next = driver_dies};
    told_count = 0;
    od_processes_trace(blows.processes, (struct od_trace){&ops, NULL});
    run_small(blows.processes);
    assert_int_equal(count_told(OD_EVENT_QUERY_ENDED), 1);
    assert_true(count_told(OD_EVENT_EXECUTOR_REGISTERED) > 0); /* the beginning of the cluster */
    assert_int_equal(od_repair_measure(od_posix_memory(), small.prepared.graph, told, told_count, &repair, NULL), OD_OK);
    assert_true(repair.total_ns == 0);
    assert_int_equal(kill(od_processes_id(blows.processes, 1), SIGKILL), 0);
    od_processes_wait(blows.processes, 500 * MS);
    assert_int_equal(od_processes_restarts(blows.processes), 1);
    uint64_t start_ns = clock.now_ns(clock.self);
    told_count = 0;
    od_processes_watch(blows.processes, 25 * MS, strike, &blows);
    run_long(blows.processes);
    for (uint32_t i = 0; i < told_count; i++) {
        assert_true(told[i].site.query == 2 || told[i].site.query == OD_ANY);
        assert_true(told[i].time_ns >= start_ns); /* nothing of the executor that came back before */
    }
    assert_int_equal(count_told(OD_EVENT_DRIVER_RESTARTED), 1);
    assert_int_equal(od_repair_measure(od_posix_memory(), prepared.graph, told, told_count, &repair, NULL), OD_OK);
    assert_true(repair.total_ns > 0 && repair.longest_ns > 0);
    end(blows.processes);
}

/* Clocks that a fault makes wrong tell no event its time: by seconds, and less than a lease. */
static void events_have_the_machines_time(void **state)
{
    static const char faults[] = "clock.jump_back at task_start times=3 for=10s ms=5000\n"
                                 "clock.jump_forward at message_send times=always for=10s ms=5000\n";
    static const struct od_trace_ops ops = {.event = take_event};
    (void)state;
    struct od_clock clock = od_posix_clock();
    struct od_schedule schedule;
    struct od_cluster_result result;
    assert_int_equal(od_schedule_parse(&arena, "test", faults, strlen(faults), &schedule, NULL), OD_OK);
    const struct od_processes_options options = {
        .executor_count = EXECUTORS, .program = program, .schedule = &schedule, .tells_events = true};
    struct od_processes *processes;
    told_count = 0;
    uint64_t start_ns = clock.now_ns(clock.self);
    assert_int_equal(od_processes_start(od_posix_memory(), &options, &processes, NULL), OD_OK);
    od_processes_trace(processes, (struct od_trace){&ops, NULL});
    run(processes, small.prepared.graph, &result);
    end(processes);
    od_cluster_result_release(&result);
    assert_true(count_told(OD_EVENT_FAULT_FIRED) > 0 && count_told(OD_EVENT_BLOCK_CONSUMED) > 0);
    for (uint32_t i = 0; i < told_count; i++)
        assert_true(told[i].time_ns >= start_ns && told[i].time_ns <= clock.now_ns(clock.self));
}

/* The driver dies once while its client takes the pieces of an answer, and what it kept of it is lost. */
static void lose_outcome(void *self)
{
    struct blows *blows = self;
    char path[240];
    snprintf(path, sizeof(path), "%s/0.queries/q2.outcome", od_processes_folder(blows->processes));
    if (blows->tick_count > 0 || unlink(path) != 0)
        return;
    blows->tick_count++;
    assert_int_equal(kill(od_processes_id(blows->processes, 0), SIGKILL), 0);
}

static void pieces_of_two_answers_are_not_one(void **state)
{
    (void)state;
    const struct od_plan_options options = {.partition_count = 4};
    const struct od_catalog catalog = {1, (const struct od_table *const *)&numbers};
    struct od_prepared wide;
    struct blows blows = {.processes = start()};
    struct od_cluster_result result;
    assert_int_equal(od_prepare_sql(&arena, "SELECT a.v, b.v FROM numbers a JOIN numbers b ON a.k = b.k WHERE a.v < 9000", &catalog,
                                    &options, &wide, NULL), OD_OK);
    run_small(blows.processes);
    od_processes_watch(blows.processes, 1 * MS, lose_outcome, &blows);
    run(blows.processes, wide.graph, &result);
    int64_t sum = 0;
    struct od_batch rows = od_table_view(result.outcome.answer);
    for (uint32_t row = 0; row < rows.row_count; row++)
        sum += od_column_value(&rows.columns[0], row).int64;
    assert_int_equal(blows.tick_count, 1);
    assert_int_equal(rows.row_count, 720 * 120 + 8100 * 150); /* v in tens but not in fifties: their k has fewer rows */
    assert_int_equal(sum, INT64_C(3240000) * 120 + INT64_C(36450000) * 150);
    od_cluster_result_release(&result);
    end(blows.processes);
}

static void supervisor_ends_by(int number)
{
    char folder[200] = "";
    int ids[EXECUTORS + 1];
    int pipes[2];
    int status;
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0) {
        const struct od_processes_options options = {.executor_count = EXECUTORS, .program = program};
        struct od_processes *processes;
        struct od_cluster_result result = {.memory = od_posix_memory()};
        if (od_processes_start(od_posix_memory(), &options, &processes, NULL) != OD_OK ||
            od_processes_run(processes, small.prepared.graph, &run_options, 60000 * MS, &result, NULL) != OD_OK)
            _exit(1);
        for (uint32_t i = 0; i <= EXECUTORS; i++)
            ids[i] = od_processes_id(processes, i);
        snprintf(folder, sizeof(folder), "%s", od_processes_folder(processes));
        if (write(pipes[1], ids, sizeof(ids)) != sizeof(ids) || write(pipes[1], folder, sizeof(folder)) <= 0)
            _exit(1);
        for (;;)
            od_processes_wait(processes, 60000 * MS);
    }
    assert_int_equal(read(pipes[0], ids, sizeof(ids)), sizeof(ids));
    assert_int_equal(read(pipes[0], folder, sizeof(folder)), sizeof(folder));
    kill(child, number);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), number);
    for (uint32_t i = 0; i <= EXECUTORS; i++) { /* not ours: the system adopts and reaps them */
        for (uint32_t wait = 0; wait < 1000 && kill(ids[i], 0) == 0; wait++)
            nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    assert_int_equal(access(folder, F_OK), number == SIGKILL ? 0 : -1);
    end(start());
    assert_int_equal(access(folder, F_OK), -1);
    close(pipes[0]);
    close(pipes[1]);
}

static void an_ended_supervisor_leaves_nothing_for_long(void **state)
{
    static const int signals[] = {SIGKILL, SIGINT, SIGTERM, SIGHUP};
    (void)state;
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        supervisor_ends_by(signals[i]);
}

/* The number of a process that is none here may be one of another container. */
static void the_folder_of_the_living_stays(void **state)
{
    char folder[200], name[220];
    (void)state;
    snprintf(folder, sizeof(folder), "%s/ordeal-cluster-2147483647-x", getenv("TMPDIR"));
    snprintf(name, sizeof(name), "%s/lock", folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    int lock = open(name, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    assert_int_equal(flock(lock, LOCK_EX | LOCK_NB), 0);
    end(start());
    assert_int_equal(access(name, F_OK), 0);
    close(lock);
    end(start());
    assert_int_equal(access(folder, F_OK), -1);
}

static void a_cluster_that_can_not_be_is_told(void **state)
{
    (void)state;
    const struct od_processes_options options = {.executor_count = 1, .program = "/bin/false"};
    struct od_processes *processes;
    struct od_error error = {0};
    struct od_cluster_result result = {.memory = od_posix_memory()};
    assert_int_equal(od_processes_start(od_posix_memory(), &options, &processes, &error), OD_OK);
    assert_int_equal(
        od_processes_run(processes, small.prepared.graph, &run_options, 60000 * MS, &result, &error),
        OD_UNREACHABLE);
    od_processes_end(processes);
    const struct od_processes_options nowhere = {.executor_count = 1, .program = "/nowhere/at/all"};
    assert_int_equal(od_processes_start(od_posix_memory(), &nowhere, &processes, &error), OD_IO);
    assert_null(processes);
}

/* How many names are left in the test's folder, which are told. A process that is killed while the thread sanitizer begins in it
 * leaves that one's file of constants, which it makes and unlinks at once: not ours. */
static int count_left(const char *path)
{
    int count = 0;
    DIR *folder = opendir(path);
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (strncmp(entry->d_name, "tsan.rodata.", 12) == 0) {
            unlinkat(dirfd(folder), entry->d_name, 0);
        } else if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            print_error("left behind: %s/%s\n", path, entry->d_name);
            count++;
        }
    }
    closedir(folder);
    return count;
}

int main(void)
{
    /* Clusters sweep what dead ones left beside them: those of others must not, before this test has looked. */
    char folder[] = "/tmp/ordeal-test-XXXXXX";
    if (mkdtemp(folder) == NULL || setenv("TMPDIR", folder, 1) != 0)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queries_have_their_answers),
        cmocka_unit_test(the_killed_come_back),
        cmocka_unit_test(events_are_of_their_query_and_tell_of_repairs),
        cmocka_unit_test(events_have_the_machines_time),
        cmocka_unit_test(pieces_of_two_answers_are_not_one),
        cmocka_unit_test(an_ended_supervisor_leaves_nothing_for_long),
        cmocka_unit_test(the_folder_of_the_living_stays),
        cmocka_unit_test(a_cluster_that_can_not_be_is_told),
    };
    int failed = cmocka_run_group_tests(tests, make_queries, release_queries);
    int left = count_left(folder);
    if (left == 0)
        rmdir(folder);
    return failed + left;
}
