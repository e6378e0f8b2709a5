/* Goal: children are started, watched, started again and ended; nobody is left behind, whoever dies first; a
 * cluster of processes survives the loss of any of them and leaves no file, process or descriptor. Method:
 * this program is its own children: its first argument says what it plays (see `roles`). It is made the
 * reaper of orphans, so that it can tell how each ended. */
#include "engine/world/posix_children.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "engine/world/posix_net_fixture.h"

enum { CHILDREN_MAX = 4, ENDS_MAX = 32, LINES_MAX = 32 };

/* What a parent sees. */
struct parent {
    struct od_children *children;
    const char *role;
    const char *address;   /* of the driver, for nodes */
    const char *directory; /* of the nodes' disks */
    bool restarts;
    uint64_t end_count, line_count;
    struct od_child_end ends[ENDS_MAX];
    char lines[LINES_MAX][64];
    char incarnation[16], id[16], disk[96];
    const char *arguments[8];
};

static const char *const *arguments_of(void *self, uint32_t child, uint32_t life)
{
    struct parent *parent = self;
    snprintf(parent->id, sizeof(parent->id), "%u", child + 1);
    snprintf(parent->incarnation, sizeof(parent->incarnation), "%u", life);
    snprintf(parent->disk, sizeof(parent->disk), "%s/%u", parent->directory, child + 1);
    const char *arguments[] = {"/proc/self/exe", parent->role, parent->id, parent->incarnation,
                               parent->address,  parent->disk, NULL};
    memcpy(parent->arguments, arguments, sizeof(arguments));
    return parent->arguments;
}

static bool on_end(void *self, const struct od_child_end *end_of)
{
    struct parent *parent = self;
    assert_true(parent->end_count < ENDS_MAX);
    parent->ends[parent->end_count++] = *end_of;
    return parent->restarts;
}

static void on_line(void *self, uint32_t child, const char *line)
{
    struct parent *parent = self;
    (void)child;
    assert_true(parent->line_count < LINES_MAX);
    snprintf(parent->lines[parent->line_count++], sizeof(parent->lines[0]), "%.63s", line);
}

static struct od_children_options children_options(struct parent *parent, uv_loop_t *loop)
{
    return (struct od_children_options){.loop = loop,
                                        .grace_ns = 300 * MS,
                                        .arguments = arguments_of,
                                        .on_end = on_end,
                                        .on_line = on_line,
                                        .self = parent};
}

static void begin_children(struct parent *parent, uv_loop_t *loop, uint32_t count)
{
    struct od_children_options options = children_options(parent, loop);
    assert_int_equal(od_children_new(od_heap_for_tests(), &options, &parent->children, NULL), OD_OK);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t child;
        assert_int_equal(od_children_start(parent->children, &child, NULL), OD_OK);
        assert_int_equal(child, i);
    }
}

static void run_loop_until(uv_loop_t *loop, const uint64_t *number, uint64_t wanted)
{
    uint64_t end_ns = now_ns() + 10000 * MS;
    while (*number < wanted && now_ns() < end_ns) {
        uv_run(loop, UV_RUN_NOWAIT);
        usleep(500);
    }
    assert_int_equal(*number, wanted);
}

/* --- roles --- */

static int play_talker(char **arguments)
{
    printf("life %s\n", arguments[3]);
    for (int i = 0; i < 5000; i++)
        putchar('x');
    printf("\nlast words");
    return 3;
}

static int play_deaf(char **arguments)
{
    (void)arguments;
    signal(SIGTERM, SIG_IGN);
    printf("deaf\n");
    fflush(stdout);
    while (pause() != 0)
        continue;
    return 0;
}

static int play_patient(char **arguments)
{
    (void)arguments;
    while (pause() != 0)
        continue;
    return 0;
}

/* A node whose actor keeps a file open, and greets the driver; or, as "stuck", never returns from its first
 * message. */
static bool is_stuck;

static void greet(void *self)
{
    struct side *side = self;
    struct od_file *file;
    struct od_disk disk = side->world->disk;
    if (disk.ops->create(disk.self, "q1-s0-t0-a0.blocks", &file, NULL) != OD_OK ||
        disk.ops->write(disk.self, file, 0, "block", 5, NULL) != OD_OK)
        _exit(70);
    disk.ops->close(disk.self, file);
    say(side, 0, 1, NULL, 0);
    printf("started\n");
    fflush(stdout);
}

static void reply(void *self, const struct od_message *message)
{
    struct side *side = self;
    volatile bool for_ever = is_stuck;
    if (for_ever) {
        printf("stuck\n");
        fflush(stdout);
    }
    while (for_ever)
        continue;
    say(side, message->from, 2, NULL, 0);
}

static enum od_status make_greeter(void *self, struct od_world *world, struct od_actor *actor_out,
                                   struct od_error *error)
{
    static const struct od_actor_ops ops = {
        .on_start = greet, .on_message = reply, .on_timer = side_timer, .free = side_free};
    (void)error;
    ((struct side *)self)->world = world;
    *actor_out = (struct od_actor){&ops, self};
    return OD_OK;
}

static int play_node(char **arguments)
{
    struct side side;
    struct od_error error = {0};
    struct od_node_options options =
        options_of(&side, (uint32_t)atoi(arguments[2]), arguments[4][0] == '\0' ? NULL : arguments[4]);
    options.incarnation = (uint32_t)atoi(arguments[3]);
    options.directory = arguments[5];
    options.is_child = true;
    options.handle_signals = true;
    options.factory.make = make_greeter;
    if (getenv("ORDEAL_SECRET") != NULL &&
        od_secret_from_environment("ORDEAL_SECRET", &options.secret, &error) != OD_OK)
        return 71;
    enum od_status status = od_node_new(od_posix_memory(), &options, &side.node, &error);
    if (status == OD_OK)
        status = od_node_run(side.node, OD_NODE_NEVER, &error);
    if (status != OD_CANCELLED)
        fprintf(stderr, "%s\n", error.text);
    od_node_free(side.node);
    return status == OD_CANCELLED ? 0 : 72;
}

static int play_stuck_node(char **arguments)
{
    is_stuck = true;
    return play_node(arguments);
}

/* A parent of two nodes that talk to nobody: says their process ids, then waits to be killed. */
static int play_supervisor(char **arguments)
{
    uv_loop_t *loop = uv_default_loop();
    struct parent parent = {
        .role = getenv("ROLE_OF_CHILDREN"), .address = arguments[4], .directory = arguments[5]};
    (void)mkdir(arguments[5], 0700);
    begin_children(&parent, loop, 2);
    run_loop_until(loop, &parent.line_count, 2);
    for (uint32_t i = 0; i < 2; i++)
        printf("%d\n", od_children_process_id(parent.children, i));
    fflush(stdout);
    uv_run(loop, UV_RUN_DEFAULT);
    return 0;
}

static const struct {
    const char *name;
    int (*play)(char **arguments);
} roles[] = {{"talker", play_talker}, {"deaf", play_deaf},        {"patient", play_patient},
             {"node", play_node},     {"stuck", play_stuck_node}, {"supervisor", play_supervisor}};

/* --- children of this process --- */

static void lines_and_ends_are_told(void **state)
{
    (void)state;
    uv_loop_t loop;
    struct parent parent = {.role = "talker", .address = "", .directory = ""};
    int descriptors = open_descriptors();
    assert_int_equal(uv_loop_init(&loop), 0);
    begin_children(&parent, &loop, 1);
    run_loop_until(&loop, &parent.end_count, 1);
    run_loop_until(&loop, &parent.line_count, 3);
    assert_string_equal(parent.lines[0], "life 1");
    assert_int_equal(strlen(parent.lines[1]), 63); /* of 4095 of 5000 */
    assert_string_equal(parent.lines[2], "last words");
    assert_int_equal(parent.ends[0].exit_status, 3);
    assert_int_equal(parent.ends[0].signal, 0);
    assert_int_equal(od_children_count(parent.children), 0);
    assert_int_equal(od_children_process_id(parent.children, 0), -1);
    assert_false(od_children_signal(parent.children, 0, SIGTERM));
    parent.role = "no such role";
    uint32_t child;
    assert_int_equal(od_children_start(parent.children, &child, NULL), OD_OK);
    run_loop_until(&loop, &parent.end_count, 2);
    assert_int_equal(parent.ends[1].exit_status, 64);
    od_children_free(parent.children);
    assert_int_equal(uv_loop_close(&loop), 0);
    assert_int_equal(open_descriptors(), descriptors);
}

/* Killed again and again, it comes back, later each time; its lives are counted. */
static void the_killed_come_back(void **state)
{
    (void)state;
    uv_loop_t loop;
    struct parent parent = {.role = "patient", .address = "", .directory = "", .restarts = true};
    int descriptors = open_descriptors();
    assert_int_equal(uv_loop_init(&loop), 0);
    begin_children(&parent, &loop, 2);
    uint64_t start_ns = now_ns();
    for (uint64_t life = 1; life <= 5; life++) {
        assert_true(od_children_signal(parent.children, 1, SIGKILL));
        run_loop_until(&loop, &parent.end_count, life);
        assert_int_equal(parent.ends[life - 1].child, 1);
        assert_int_equal(parent.ends[life - 1].life, life);
        assert_int_equal(parent.ends[life - 1].signal, SIGKILL);
        while (od_children_process_id(parent.children, 1) < 0)
            uv_run(&loop, UV_RUN_ONCE);
    }
    assert_true(now_ns() - start_ns >= (10 + 20 + 40 + 80 + 160) * MS); /* the halves of its delays */
    assert_int_equal(od_children_count(parent.children), 2);
    od_children_end(parent.children, 1);
    while (od_children_count(parent.children) == 2)
        uv_run(&loop, UV_RUN_ONCE);
    assert_int_equal(parent.end_count, 5); /* it was asked for */
    od_children_free(parent.children);
    assert_int_equal(uv_loop_close(&loop), 0);
    assert_int_equal(open_descriptors(), descriptors);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

/* Ends that need more than a word: the deaf, and the stopped. */
static void the_deaf_and_the_stopped_are_ended(void **state)
{
    (void)state;
    uv_loop_t loop;
    struct parent parent = {.role = "deaf", .address = "", .directory = ""};
    assert_int_equal(uv_loop_init(&loop), 0);
    struct od_children_options options = children_options(&parent, &loop);
    uint32_t child;
    options.grace_ns = 1500 * MS;
    assert_int_equal(od_children_new(od_heap_for_tests(), &options, &parent.children, NULL), OD_OK);
    assert_int_equal(od_children_start(parent.children, &child, NULL), OD_OK);
    run_loop_until(&loop, &parent.line_count, 1);
    parent.role = "patient";
    assert_int_equal(od_children_start(parent.children, &child, NULL), OD_OK);
    assert_true(od_children_signal(parent.children, child, SIGSTOP));
    siginfo_t info; /* until it has stopped, it would hear SIGTERM all the same */
    assert_int_equal(waitid(P_PID, (id_t)od_children_process_id(parent.children, child), &info, WSTOPPED), 0);
    uint64_t start_ns = now_ns();
    od_children_end(parent.children, child);
    while (od_children_count(parent.children) > 1)
        uv_run(&loop, UV_RUN_ONCE);
    assert_true(now_ns() - start_ns < 1000 * MS); /* a stopped one hears it */
    start_ns = now_ns();
    od_children_free(parent.children);
    assert_true(now_ns() - start_ns >= 1400 * MS);
    assert_int_equal(uv_loop_close(&loop), 0);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static enum od_status start_one(struct od_memory *memory, void *context)
{
    uv_loop_t loop;
    struct parent parent = {.role = "patient", .address = "", .directory = ""};
    struct od_children_options options = children_options(&parent, &loop);
    uint32_t child;
    (void)context;
    assert_int_equal(uv_loop_init(&loop), 0);
    enum od_status status = od_children_new(memory, &options, &parent.children, NULL);
    if (status == OD_OK)
        status = od_children_start(parent.children, &child, NULL);
    assert_true(status == OD_OK || parent.children == NULL || child == OD_CHILD_NONE);
    od_children_free(parent.children);
    assert_int_equal(uv_loop_close(&loop), 0);
    return status;
}

static void refused_allocations_start_nothing(void **state)
{
    (void)state;
    assert_int_equal(od_sweep(start_one, NULL), 4);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

/* --- orphans --- */

/* How an orphan ended, which this process inherits; -1: not within 6 s. */
static int wait_for_orphan(int process_id)
{
    int status;
    for (int i = 0; i < 6000; i++) {
        if (waitpid(process_id, &status, WNOHANG) == process_id)
            return status;
        usleep(1000);
    }
    return -1;
}

/* The supervisor is killed; one of its nodes had been stopped. Both end in order and leave no file. */
static void orphans_end(const char *role, bool stop_one, int status_wanted)
{
    char directory[] = "/tmp/posix-children-test-XXXXXX";
    char disks[64];
    struct side driver;
    struct parent parent = {.role = "supervisor", .directory = directory};
    uv_loop_t loop;
    uint32_t child;
    assert_non_null(mkdtemp(directory));
    assert_int_equal(uv_loop_init(&loop), 0);
    struct od_node_options options = options_of(&driver, 0, NULL);
    begin(&driver, &options);
    parent.address = od_node_address(driver.node);
    struct od_children_options children = children_options(&parent, &loop);
    assert_int_equal(od_children_new(od_heap_for_tests(), &children, &parent.children, NULL), OD_OK);
    snprintf(disks, sizeof(disks), "%s/1", directory);
    setenv("ROLE_OF_CHILDREN", role, 1);
    assert_int_equal(od_children_start(parent.children, &child, NULL), OD_OK);
    uint64_t end_ns = now_ns() + 10000 * MS;
    while ((parent.line_count < 2 || driver.got < 2) && now_ns() < end_ns) {
        uv_run(&loop, UV_RUN_NOWAIT);
        run_ms(&driver);
    }
    assert_int_equal(driver.got, 2); /* both nodes greeted */
    int nodes[2] = {atoi(parent.lines[0]), atoi(parent.lines[1])};
    assert_true(nodes[0] > 1);
    assert_true(nodes[1] > 1);
    for (uint32_t i = 1; i < 3; i++)
        say(&driver, i, 1, NULL, 0);
    for (int i = 0; i < 50; i++)
        run_ms(&driver);
    if (stop_one)
        assert_int_equal(kill(nodes[1], SIGSTOP), 0);
    assert_true(od_children_signal(parent.children, 0, SIGKILL));
    for (int i = 0; i < 2; i++) {
        int status = wait_for_orphan(nodes[i]);
        assert_int_not_equal(status, -1);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), status_wanted);
    }
    od_children_free(parent.children);
    assert_int_equal(uv_loop_close(&loop), 0);
    end(&driver);
    if (status_wanted == 0) {
        assert_int_equal(rmdir(disks), 0);
        assert_int_equal(rmdir(directory), 0);
    } else {
        char command[128];
        snprintf(command, sizeof(command), "rm -r '%s'", directory);
        assert_int_equal(system(command), 0);
    }
}

static void orphans_end_in_order(void **state)
{
    (void)state;
    orphans_end("node", false, 0);
}

static void stopped_orphans_end(void **state)
{
    (void)state;
    orphans_end("node", true, 0);
}

static void stuck_orphans_are_ended(void **state)
{
    (void)state;
    orphans_end("stuck", false, 125);
}

/* --- a cluster of processes --- */

/* This process is the driver; three executors are killed, stopped, continued and end. */
static void a_cluster_survives_its_losses(void **state)
{
    (void)state;
    char directory[] = "/tmp/posix-children-test-XXXXXX";
    char secret[OD_SECRET_TEXT_BYTES];
    struct side driver;
    struct parent parent = {.role = "node", .directory = directory, .restarts = true};
    assert_non_null(mkdtemp(directory));
    int descriptors = open_descriptors();
    od_secret_make(secret);
    setenv("ORDEAL_SECRET", secret, 1);
    struct od_node_options options = options_of(&driver, 0, NULL);
    assert_int_equal(od_secret_from_environment("ORDEAL_SECRET", &options.secret, NULL), OD_OK);
    assert_null(getenv("ORDEAL_SECRET"));
    begin(&driver, &options);
    parent.address = od_node_address(driver.node);
    char entry[sizeof(secret) + 32];
    snprintf(entry, sizeof(entry), "ORDEAL_SECRET=%s", secret);
    const char *environment[] = {entry, NULL};
    struct od_children_options children = children_options(&parent, od_node_loop(driver.node));
    children.environment = environment;
    assert_int_equal(od_children_new(od_heap_for_tests(), &children, &parent.children, NULL), OD_OK);
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t child;
        assert_int_equal(od_children_start(parent.children, &child, NULL), OD_OK);
    }
    run_until(&driver, 1, &driver.got, 3);
    for (uint64_t k = 1; k <= 6; k++) {
        assert_true(od_children_signal(parent.children, (uint32_t)k % 3, SIGKILL));
        run_until(&driver, 1, &driver.gone, k);
        run_until(&driver, 1, &driver.here, 3 + k);
        run_until(&driver, 1, &driver.got, 3 + k);
        assert_int_equal(driver.last_incarnation, 1 + (k + 2) / 3);
    }
    /* a stopped one answers when it goes on */
    assert_true(od_children_signal(parent.children, 0, SIGSTOP));
    for (uint32_t to = 1; to <= 3; to++)
        say(&driver, to, 1, NULL, 0);
    run_until(&driver, 1, &driver.got, 11);
    for (int i = 0; i < 50; i++)
        run_ms(&driver);
    assert_int_equal(driver.got, 11);
    assert_true(od_children_signal(parent.children, 0, SIGCONT));
    run_until(&driver, 1, &driver.got, 12);
    parent.restarts = false;
    for (int i = 0; i < 3; i++)
        assert_true(od_children_signal(parent.children, (uint32_t)i, i == 0 ? SIGINT : SIGTERM));
    run_until(&driver, 1, &parent.end_count, 9);
    for (int i = 6; i < 9; i++) {
        assert_int_equal(parent.ends[i].signal, 0);
        assert_int_equal(parent.ends[i].exit_status, 0);
    }
    od_children_free(parent.children);
    end(&driver);
    assert_int_equal(open_descriptors(), descriptors);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(rmdir(directory),
                     0); /* the disks and their files are gone, also those of killed lives */
}

int main(int count, char **arguments)
{
    for (size_t i = 0; count > 1 && i < sizeof(roles) / sizeof(roles[0]); i++) {
        if (strcmp(arguments[1], roles[i].name) == 0)
            return roles[i].play(arguments);
    }
    if (count > 1)
        return 64;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    uv_loop_close(uv_default_loop()); /* what libuv makes once for the process is there from here on */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_and_ends_are_told),
        cmocka_unit_test(the_killed_come_back),
        cmocka_unit_test(the_deaf_and_the_stopped_are_ended),
        cmocka_unit_test(refused_allocations_start_nothing),
        cmocka_unit_test(orphans_end_in_order),
        cmocka_unit_test(stopped_orphans_end),
        cmocka_unit_test(stuck_orphans_are_ended),
        cmocka_unit_test(a_cluster_survives_its_losses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
