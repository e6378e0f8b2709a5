/* fault_board_test: a schedule over several processes: who fires what, how often, and what becomes of the process.
 *
 * Method: a supervisor (this process) and children made by fork, each of which opens the board by its path, dresses a world of its own
 * with wrap_process, hits points, and tells by its exit status what it met. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "chaos/wrap_process.h"
#include "engine/world/posix.h"

#define MS     UINT64_C(1000000)
#define ACTORS 4

static struct od_arena arena;
static struct od_schedule schedule;
static struct od_fault_board *board;
static char path[64];
static pid_t children[ACTORS];
static uint32_t fired_events;
static struct od_order last_order;
static uint32_t order_count, add_count;

static int set_up(void **state)
{
    (void)state;
    od_arena_init(&arena, od_posix_memory(), 0);
    memset(children, 0, sizeof(children));
    fired_events = order_count = add_count = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    od_fault_board_free(board);
    assert_int_not_equal(access(path, F_OK), 0); /* its maker removes it */
    board = NULL;
    od_arena_release(&arena);
    return 0;
}

static void open_board(const char *text)
{
    struct od_error error = {0};
    snprintf(path, sizeof(path), "/tmp/fault-board-%d", (int)getpid());
    assert_int_equal(od_schedule_parse(&arena, "test", text, strlen(text), &schedule, &error), OD_OK);
    assert_int_equal(od_fault_board_new(od_posix_memory(), path, &schedule, ACTORS, &board, &error), OD_OK);
    od_fault_board_arm(board);
}

/* --- a child ------------------------------------------------------------------------------------------------------ */

static struct od_wrap_process wrap;
static struct od_world world;
static uint32_t sent_count, later_count;

static void send(void *self, struct od_message *message)
{
    (void)self;
    sent_count++;
    od_message_free(od_posix_memory(), message);
}

static void send_later(void *self, struct od_message *message, uint64_t delay_ns)
{
    (void)self;
    later_count += delay_ns == 7 * MS;
    od_message_free(od_posix_memory(), message);
}

static enum od_status hit(enum od_point point, uint32_t stage, uint32_t task)
{
    struct od_site site = OD_SITE_ANY;
    site.query = 1;
    site.stage = stage;
    site.task = task;
    return od_point_hit(&world.points, point, &site, NULL, NULL);
}

static void send_one(void)
{
    struct od_message *message = od_message_new(od_posix_memory(), 8);
    message->site = OD_SITE_ANY;
    message->kind = 3;
    world.net.send(world.net.self, message);
}

typedef int (*life)(void);
static void start(uint32_t actor_id, life body)
{
    fflush(NULL);
    children[actor_id] = fork();
    assert_true(children[actor_id] >= 0);
    if (children[actor_id] != 0)
        return;
    struct od_fault_board *mine;
    if (od_fault_board_open(od_posix_memory(), path, &schedule, ACTORS, &mine, NULL) != OD_OK)
        _exit(99);
    wrap = (struct od_wrap_process){.board = mine, .send_later = send_later};
    world = (struct od_world){.actor_id = actor_id, .incarnation = 1, .net = {send, NULL, od_posix_memory()}};
    od_wrap_process_dress(&wrap, &world);
    _exit(body());
}

/* --- the supervisor ----------------------------------------------------------------------------------------------- */

static bool give_signal(void *self, uint32_t actor_id, int signal)
{
    (void)self;
    return children[actor_id] > 0 && kill(children[actor_id], signal) == 0;
}
static bool give_order(void *self, const struct od_order *order)
{
    (void)self;
    last_order = *order;
    order_count++;
    return true;
}
static bool add(void *self)
{
    (void)self;
    add_count++;
    return true;
}
static void note(void *self, const struct od_event *event)
{
    (void)self;
    fired_events += event->kind == OD_EVENT_FAULT_FIRED;
}
static const struct od_fault_hands hands = {give_signal, give_order, add, note, NULL};

/* Ticks until the child has ended; its status as waitpid has it. */
static int wait_for(uint32_t actor_id)
{
    int status = 0;
    for (int i = 0; i < 5000; i++) {
        (void)od_fault_board_tick(board, &hands);
        if (waitpid(children[actor_id], &status, WNOHANG) == children[actor_id]) {
            children[actor_id] = 0;
            return status;
        }
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    fail_msg("the process of actor %u did not end", actor_id);
    return 0;
}

static void expect_exit(uint32_t actor_id, int code)
{
    int status = wait_for(actor_id);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), code);
}

/* --- tests -------------------------------------------------------------------------------------------------------- */

static int hit_two_tasks(void)
{
    return (hit(OD_POINT_TASK_START, 0, 0) == OD_TASK_FAILED) + 10 * (hit(OD_POINT_TASK_START, 0, 1) == OD_OK);
}

static void counts_go_over_all_processes(void **state)
{
    (void)state;
    open_board("task.error_before at task_start stage=0 nth=2 times=1");
    start(1, hit_two_tasks);
    expect_exit(1, 10); /* hits 0 and 1 */
    start(2, hit_two_tasks);
    expect_exit(2, 11); /* hit 2 fires */
    start(1, hit_two_tasks);
    expect_exit(1, 10); /* once is once */
    assert_int_equal(od_fault_board_fired(board, 0), 1);
    assert_int_equal(fired_events, 1);
}

static int die_at_the_end(void)
{
    hit(OD_POINT_TASK_START, 0, 0);
    hit(OD_POINT_TASK_END, 0, 0);
    return 5;
}

static void a_crash_ends_the_process(void **state)
{
    (void)state;
    open_board("executor.crash at task_end stage=0 for=300ms");
    start(3, die_at_the_end);
    int status = wait_for(3);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_true(od_fault_board_take_crash(board, 3, &hands));
    assert_false(od_fault_board_take_crash(board, 3, &hands));
    uint64_t delay_ns = od_fault_board_restart_ns(board, 3, &hands);
    assert_true(delay_ns > 100 * MS && delay_ns <= 300 * MS);
    assert_int_equal(od_fault_board_restart_ns(board, 2, &hands), 0);
    (void)od_fault_board_tick(board, &hands);
    assert_int_equal(fired_events, 1);
    start(3, die_at_the_end);
    expect_exit(3, 5);
}

static int pause_at_the_start(void)
{
    uint64_t before_ns = od_fault_board_now_ns(wrap.board);
    hit(OD_POINT_TASK_START, 0, 0);
    return od_fault_board_now_ns(wrap.board) - before_ns >= 60 * MS ? 6 : 7;
}

static void a_pause_ends(void **state)
{
    (void)state;
    open_board("executor.pause at task_start for=60ms");
    start(1, pause_at_the_start);
    expect_exit(1, 6);
}

static int spin(void)
{
    for (uint64_t until_ns = od_fault_board_now_ns(wrap.board) + 2000 * MS; od_fault_board_now_ns(wrap.board) < until_ns;)
        hit(OD_POINT_TASK_STEP, 0, 0);
    return 8;
}

static void kinds_at_a_time_are_the_supervisors(void **state)
{
    (void)state;
    open_board("executor.pause at time=10ms executor=2 for=50ms\n"
               "executor.slow at time=100ms executor=2 for=60ms factor=4\n"
               "executor.decommission at time=120ms executor=2\n"
               "executor.add at time=130ms\n"
               "executor.crash at time=250ms executor=2 for=never\n"
               "task.error_middle at task_step stage=9\n"
               "heal at=400ms");
    start(2, spin); /* it holds the lock most of the time */
    int status = wait_for(2);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_true(od_fault_board_now_ns(board) >= 250 * MS);
    assert_true(od_fault_board_now_ns(board) < 1900 * MS);
    assert_true(od_fault_board_restart_ns(board, 2, &hands) == UINT64_MAX);
    assert_int_equal(order_count, 1);
    assert_int_equal(last_order.kind, OD_ORDER_DECOMMISSION);
    assert_int_equal(last_order.executor, 2);
    assert_int_equal(add_count, 1);
    assert_int_equal(fired_events, 5);
    while (od_fault_board_now_ns(board) < 410 * MS)
        (void)od_fault_board_tick(board, &hands);
    (void)od_fault_board_tick(board, &hands); /* the loop may have stood still from before the healing on */
    assert_int_equal(od_fault_board_restart_ns(board, 2, &hands), 0);
}

static int send_three(void)
{
    for (int i = 0; i < 3; i++)
        send_one();
    return (int)(10 * sent_count + later_count);
}

static void messages_are_lost_late_and_doubled(void **state)
{
    (void)state;
    open_board("network.loss at message_send nth=0\nnetwork.delay at message_send nth=1 for=7ms\n"
               "network.duplicate at message_send nth=2 for=7ms");
    start(1, send_three);
    expect_exit(1, 12); /* one sent; one delayed and one copy */
}

static void a_board_of_another_schedule_is_refused(void **state)
{
    (void)state;
    struct od_fault_board *other;
    struct od_error error = {0};
    open_board("executor.add at time=130ms");
    assert_int_equal(od_fault_board_open(od_posix_memory(), path, NULL, ACTORS, &other, &error), OD_CORRUPT);
    assert_int_equal(od_fault_board_open(od_posix_memory(), path, &schedule, 50, &other, &error), OD_CORRUPT);
    assert_int_equal(od_fault_board_open(od_posix_memory(), "/tmp/no/board", &schedule, ACTORS, &other, &error),
                     OD_MISSING);
    assert_non_null(strstr(error.text, "/tmp/no/board"));
    assert_int_equal(od_fault_board_new(od_posix_memory(), path, &schedule, ACTORS, &other, &error), OD_IO);
    assert_null(other);
    assert_int_equal(access(path, F_OK), 0); /* not its maker's: left alone */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(counts_go_over_all_processes),        TEST(a_crash_ends_the_process),
        TEST(a_pause_ends),                        TEST(kinds_at_a_time_are_the_supervisors),
        TEST(messages_are_lost_late_and_doubled),  TEST(a_board_of_another_schedule_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
