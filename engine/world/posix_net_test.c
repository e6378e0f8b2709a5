/* Goal: nodes find each other, carry messages both ways and between executors, within their bounds, through
 * restarts; what is made is gone at the end. Method: nodes in this thread (posix_net_fixture.h), two threads
 * for the million messages. What strangers try is in posix_net_hostile_test.c, real processes in
 * posix_children_test.c. */
#include "engine/world/posix_net_fixture.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/world/posix_net_address.h"

static void two_nodes_talk(void **state)
{
    (void)state;
    char directory[] = "/tmp/posix-net-test-XXXXXX";
    char path[64];
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "unix:%s/driver", directory);
    const char *listens[] = {"tcp:127.0.0.1:0", "tcp:[::1]:0", path};
    int descriptors = 0;
    for (size_t i = 0; i < 3; i++) {
        struct side sides[2];
        struct od_node_options driver = options_of(&sides[0], 0, NULL);
        driver.listen = listens[i];
        begin(&sides[0], &driver);
        struct od_node_options executor = options_of(&sides[1], 1, od_node_address(sides[0].node));
        executor.listen = NULL;
        executor.incarnation = 9;
        begin(&sides[1], &executor);
        say(&sides[1], 0, 3, "waits for the link", 18);
        run_until(sides, 2, &sides[0].here, 1);
        run_until(sides, 2, &sides[1].here, 1);
        assert_int_equal(sides[0].last_incarnation, 9);
        say(&sides[0], 1, 7, "hello", 5);
        run_until(sides, 2, &sides[1].got, 1);
        assert_string_equal(sides[1].body, "hello");
        say(&sides[1], 0, OD_NODE_MAIL_FIRST, NULL, 0);
        say(&sides[1], 0, 8, NULL, 0);
        run_until(sides, 2, &sides[0].got, 2);
        assert_int_equal(sides[0].mail, 1);
        assert_int_equal(sides[0].last_from, 1);
        assert_int_equal(sides[0].last_incarnation, 9);
        assert_int_equal(sides[0].started, 1);
        end(&sides[1]);
        run_until(sides, 1, &sides[0].gone, 1);
        say(&sides[0], 1, 7, "nobody there", 12);
        assert_int_equal(od_node_facts(sides[0].node).dropped_count, 1);
        end(&sides[0]);
        if (i == 0)
            descriptors = open_descriptors(); /* the first loop makes two for the process, for its signals */
    }
    assert_int_equal(open_descriptors(), descriptors);
    assert_int_equal(rmdir(directory), 0); /* no socket is left */
}

static void all_of_a_message_arrives(void **state)
{
    (void)state;
    struct side sides[2];
    begin_cluster(sides, 2, NULL);
    size_t size = (size_t)20 << 20;
    uint8_t *body = malloc(size);
    assert_non_null(body);
    uint64_t sum = 0;
    for (size_t i = 0; i < size; i++)
        sum += body[i] = (uint8_t)(i * 31);
    say(&sides[0], 1, 1, body, size);
    say(&sides[0], 1, 1, "x", 1);
    run_until(sides, 2, &sides[1].got, 2);
    assert_int_equal(sides[1].sum, sum + 'x');
    free(body);
    end_all(sides, 2);
}

/* Executors get each other's address from the driver, and dial when there is something to say. */
static void executors_reach_each_other(void **state)
{
    (void)state;
    struct od_secret secret;
    assert_int_equal(od_secret_from_text("0123456789abcdef", &secret, NULL), OD_OK);
    struct side sides[4];
    begin_cluster(sides, 4, &secret);
    for (uint64_t wait_ms = 0; wait_ms < 20; wait_ms++) {
        for (int i = 0; i < 4; i++)
            run_ms(&sides[i]);
    }
    for (uint32_t from = 1; from < 4; from++) {
        for (uint32_t to = 1; to < 4; to++)
            say(&sides[from], to, 1, &(uint8_t){(uint8_t)(1 << from)},
                1); /* all at once: both sides dial; to itself too */
    }
    for (int i = 1; i < 4; i++) {
        run_until(sides, 4, &sides[i].got, 3);
        assert_int_equal(sides[i].sum, 2 + 4 + 8);
    }
    say(&sides[1], 77, 1, NULL, 0);
    assert_int_equal(od_node_facts(sides[1].node).dropped_count, 1);
    end_all(sides, 4);
}

static void a_client_speaks_to_the_driver(void **state)
{
    (void)state;
    struct side sides[2];
    struct od_node_options driver = options_of(&sides[0], 0, NULL);
    begin(&sides[0], &driver);
    struct od_node_options client =
        options_of(&sides[1], OD_NODE_CLIENT_FIRST + 5, od_node_address(sides[0].node));
    client.factory = (struct od_actor_factory){0};
    client.listen = NULL;
    begin(&sides[1], &client);
    sides[1].world = od_node_world(sides[1].node);
    run_until(sides, 2, &sides[1].here, 1);
    say(&sides[1], 0, OD_NODE_MAIL_FIRST + 3, "plan", 4);
    run_until(sides, 2, &sides[0].mail, 1);
    say(&sides[0], OD_NODE_CLIENT_FIRST + 5, 4, "any kind is mail without an actor", 33);
    run_until(sides, 2, &sides[1].mail, 1);
    end_all(sides, 2);
}

/* The driver dies and comes back at its address; the executor finds it, and a zombie of the driver's first
 * life is refused. */
static void a_restarted_driver_is_found(void **state)
{
    (void)state;
    struct side sides[3];
    begin_cluster(sides, 2, NULL);
    char address[OD_ADDRESS_BYTES];
    snprintf(address, sizeof(address), "%s", od_node_address(sides[0].node));
    end(&sides[0]);
    run_until(sides, 2, &sides[1].gone, 1);
    for (int i = 0; i < 100; i++)
        run_ms(&sides[1]);
    assert_true(sides[1].refused > 1);  /* it has tried */
    assert_true(sides[1].refused < 12); /* and not all the time */
    struct od_node_options again = options_of(&sides[0], 0, NULL);
    again.listen = address;
    again.incarnation = 2;
    begin(&sides[0], &again);
    run_until(sides, 2, &sides[1].here, 2);
    run_until(sides, 2, &sides[0].here, 1);
    uint32_t incarnation;
    assert_true(od_node_reaches(sides[1].node, 0, &incarnation));
    assert_int_equal(incarnation, 2);
    end_all(sides, 2);
}

static void a_later_incarnation_ends_the_earlier(void **state)
{
    (void)state;
    struct side sides[3];
    begin_cluster(sides, 2, NULL);
    struct od_node_options second = options_of(&sides[2], 1, od_node_address(sides[0].node));
    second.incarnation = 2;
    begin(&sides[2], &second);
    run_until(&sides[0], 1, &sides[0].here, 1);
    struct side *both[] = {&sides[0], &sides[2]};
    uint64_t end_ns = now_ns() + 5000 * MS;
    while ((sides[0].here < 2 || sides[0].gone < 1) && now_ns() < end_ns) {
        for (int i = 0; i < 2; i++)
            run_ms(both[i]);
    }
    assert_int_equal(sides[0].here, 2);
    assert_int_equal(sides[0].gone, 1);
    /* the first life now dials again, and is told that it is of the past */
    struct od_error error = {0};
    enum od_status status = OD_TIMED_OUT;
    while (status == OD_TIMED_OUT && now_ns() < end_ns) {
        status = od_node_run(sides[1].node, MS, &error);
        run_ms(&sides[0]);
    }
    assert_int_equal(status, OD_STALE);
    assert_non_null(strstr(error.text, "later incarnation"));
    end_all(sides, 3);
}

static void two_processes_are_not_one_life(void **state)
{
    (void)state;
    struct side sides[3];
    begin_cluster(sides, 2, NULL);
    struct od_node_options second = options_of(&sides[2], 1, od_node_address(sides[0].node));
    begin(&sides[2], &second);
    struct od_error error = {0};
    enum od_status status = OD_TIMED_OUT;
    for (uint64_t end_ns = now_ns() + 5000 * MS; status == OD_TIMED_OUT && now_ns() < end_ns;) {
        status = od_node_run(sides[2].node, MS, &error);
        run_ms(&sides[0]);
        run_ms(&sides[1]);
    }
    assert_int_equal(status, OD_STALE);
    assert_non_null(strstr(error.text, "a second node 1"));
    assert_int_equal(sides[0].gone, 0);
    end_all(sides, 3);
}

static void queues_have_bounds(void **state)
{
    (void)state;
    enum { SENT = 100000, BODY = 1000 };
    struct side sides[2];
    struct od_node_options driver = options_of(&sides[0], 0, NULL);
    driver.limits.send_count = 5000;
    driver.limits.send_bytes = 3 << 20;
    begin(&sides[0], &driver);
    struct od_node_options executor = options_of(&sides[1], 1, od_node_address(sides[0].node));
    executor.limits.mail_bytes = 1 << 20;
    begin(&sides[1], &executor);
    run_until(sides, 2, &sides[0].here, 1);
    for (int i = 0; i < SENT; i++) { /* the executor does not read */
        say(&sides[0], 1, 1, NULL, BODY);
        if (i % 1000 == 0)
            run_ms(&sides[0]);
    }
    struct od_node_facts facts = od_node_facts(sides[0].node);
    assert_true(facts.dropped_count > SENT / 2);
    assert_true(facts.send_bytes_peak <= 3 << 20);
    uint64_t arrive = SENT - facts.dropped_count;
    run_until(sides, 2, &sides[1].got, arrive);
    facts = od_node_facts(sides[1].node);
    assert_true(facts.mail_bytes_peak > (1 << 20) / 2);
    assert_true(facts.mail_bytes_peak < (1 << 20) + 2 * 65536 * 2);
    say(&sides[0], 1, 1, NULL, ((size_t)64 << 20) + 1);
    assert_int_equal(od_node_facts(sides[0].node).dropped_count, SENT - arrive + 1);
    end_all(sides, 2);
}

static void timers_and_own_mail_take_turns(void **state)
{
    (void)state;
    struct side side;
    struct od_node_options options = options_of(&side, 0, NULL);
    begin(&side, &options);
    struct od_schedule_part schedule = side.world->schedule;
    for (int i = 0; i < 1000; i++)
        say(&side, 0, 1, "mail", 4);
    schedule.timer(schedule.self, 0, 1);
    schedule.timer(schedule.self, 30 * MS, 10);
    struct od_message *late = od_message_new(side.world->net.message_memory, 0);
    od_node_send_later(side.node, late, 15 * MS);
    uint64_t start_ns = now_ns();
    run_until(&side, 1, &side.got, 1001);
    assert_in_range(side.got_at_timer, 1, 999); /* a timer does not wait for all mail, nor mail for a timer */
    assert_true(now_ns() - start_ns >= 15 * MS);
    run_until(&side, 1, &side.timers, 11);
    assert_true(now_ns() - start_ns >= 30 * MS);
    assert_int_equal(od_node_facts(side.node).timer_count, 2);
    end(&side);
}

/* --- ends of a run --- */

static void *stop_soon(void *node)
{
    usleep(20000);
    od_node_stop(node);
    return NULL;
}

static void a_run_ends_and_goes_on(void **state)
{
    (void)state;
    struct side side;
    struct od_node_options options = options_of(&side, 0, NULL);
    options.handle_signals = true;
    begin(&side, &options);
    for (int i = 0; i < 2; i++) {
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, stop_soon, side.node), 0);
        assert_int_equal(od_node_run(side.node, OD_NODE_NEVER, NULL), OD_OK);
        pthread_join(thread, NULL);
    }
    assert_int_equal(side.started, 1);
    kill(getpid(), SIGTERM);
    assert_int_equal(od_node_run(side.node, OD_NODE_NEVER, NULL), OD_CANCELLED);
    assert_int_equal(od_node_run(side.node, OD_NODE_NEVER, NULL), OD_CANCELLED);
    end(&side);
}

/* What the actor says as its last words is sent. */
static void what_is_queued_is_sent_at_the_end(void **state)
{
    (void)state;
    struct side sides[2];
    begin_cluster(sides, 2, NULL);
    for (int i = 0; i < 500; i++)
        say(&sides[1], 0, 1, NULL, 10);
    end(&sides[1]);
    run_until(sides, 1, &sides[0].got, 500);
    end(&sides[0]);
}

static void files_of_earlier_lives(void **state)
{
    (void)state;
    char root[] = "/tmp/posix-net-test-XXXXXX";
    char directory[64], name[80], marker[80];
    assert_non_null(mkdtemp(root));
    snprintf(directory, sizeof(directory), "%s/k", root);
    snprintf(name, sizeof(name), "%s/old.blocks", directory);
    snprintf(marker, sizeof(marker), "%s/.ordeal-disk", directory);
    for (int keep = 0; keep < 2; keep++) {
        struct side side;
        struct od_node_options options = options_of(&side, 0, NULL);
        options.directory = directory;
        options.keep_files = keep == 1;
        assert_int_equal(mkdir(directory, 0700), 0);
        fclose(fopen(name, "w"));
        fclose(fopen(marker, "w"));
        begin(&side, &options);
        struct od_file *file;
        enum od_status status = side.world->disk.ops->open(side.world->disk.self, "old.blocks", &file, NULL);
        assert_int_equal(status, keep ? OD_OK : OD_MISSING);
        side.world->disk.ops->close(side.world->disk.self, file);
        assert_int_equal(od_node_facts(side.node).open_files, 0);
        end(&side);
        assert_int_not_equal(access(directory, F_OK), 0);
    }
    assert_int_equal(rmdir(root), 0);
}

/* A directory that holds something else, or that a living node has, is left as it is. */
static void a_directory_of_others_is_refused(void **state)
{
    (void)state;
    char root[] = "/tmp/posix-net-test-XXXXXX";
    char name[80];
    struct side first, second;
    struct od_error error = {0};
    assert_non_null(mkdtemp(root));
    struct od_node_options options = options_of(&first, 0, NULL);
    struct od_node_options same = options_of(&second, 0, NULL);
    options.directory = same.directory = root;
    snprintf(name, sizeof(name), "%s/letter", root);
    fclose(fopen(name, "w"));
    assert_int_equal(od_node_new(od_posix_memory(), &same, &second.node, &error), OD_BAD_INPUT);
    assert_non_null(strstr(error.text, "is not empty and no disk of ordeal"));
    assert_int_equal(unlink(name), 0);
    begin(&first, &options);
    fclose(fopen(name, "w"));
    assert_int_equal(od_node_new(od_posix_memory(), &same, &second.node, &error), OD_BAD_INPUT);
    assert_non_null(strstr(error.text, "is used by another process"));
    end(&first);
    assert_int_equal(unlink(name), 0); /* is there still, as it came after the node's start */
    assert_int_equal(rmdir(root), 0);
}

static enum od_status make_one(struct od_memory *memory, void *context)
{
    struct side side;
    struct od_node_options options = options_of(&side, 1, "unix:/nowhere");
    struct od_node *node;
    options.directory = context;
    enum od_status status = od_node_new(memory, &options, &node, NULL);
    od_node_free(node);
    return status;
}

static void a_refused_allocation_leaves_nothing(void **state)
{
    (void)state;
    char directory[] = "/tmp/posix-net-test-XXXXXX";
    assert_non_null(mkdtemp(directory));
    int descriptors = open_descriptors();
    assert_true(od_sweep(make_one, directory) >= 3);
    assert_int_equal(open_descriptors(), descriptors);
    (void)rmdir(directory);
}

/* Any allocation of a whole talk is refused: the nodes come together all the same, for what is lost is tried
 * again. */
static void talks_survive_refused_allocations(void **state)
{
    (void)state;
    for (uint64_t k = 0; k < 40; k++) {
        struct od_countdown countdown;
        struct side sides[2];
        struct od_node_options driver = options_of(&sides[0], 0, NULL);
        od_countdown_init(&countdown, od_heap_for_tests(), UINT64_MAX, false);
        driver.limits.handshake_ns = 20 * MS;
        assert_int_equal(od_node_new(&countdown.memory, &driver, &sides[0].node, NULL), OD_OK);
        struct od_node_options executor = options_of(&sides[1], 1, od_node_address(sides[0].node));
        assert_int_equal(od_node_new(&countdown.memory, &executor, &sides[1].node, NULL), OD_OK);
        countdown.refuse_at = countdown.call_count + k;
        uint64_t end_ns = now_ns() + 10000 * MS;
        uint32_t incarnation;
        while ((!od_node_reaches(sides[0].node, 1, &incarnation) ||
                !od_node_reaches(sides[1].node, 0, &incarnation) || sides[0].got == 0) &&
               now_ns() < end_ns) {
            run_ms(&sides[0]);
            run_ms(&sides[1]);
            struct od_message *message = od_message_new(&countdown.memory, 3);
            if (message != NULL)
                od_node_send(sides[1].node, message);
        }
        assert_true(sides[0].got > 0);
        end_all(sides, 2);
        assert_int_equal(countdown.live_block_count, 0);
    }
}

/* --- much mail --- */

enum { MILLION = 1000000 };
struct flood {
    struct side side;
    uint64_t sent, acknowledged;
};

/* Keeps 2000 messages on the way. */
static void flood_message(void *self, const struct od_message *message)
{
    struct flood *flood = self;
    (void)message;
    flood->acknowledged += 100;
    flood->side.got++;
    for (int i = 0; i < 100 && flood->sent < MILLION; i++, flood->sent++)
        say(&flood->side, 1, 1, "0123456789", 10);
    if (flood->acknowledged >= MILLION)
        od_node_stop(flood->side.node);
}

static void flood_peer(void *self, uint32_t id, uint32_t incarnation, bool here)
{
    struct flood *flood = self;
    (void)incarnation;
    for (int i = 0; i < 2000 && here && id == 1; i++, flood->sent++)
        say(&flood->side, 1, 1, "0123456789", 10);
}

static void count_message(void *self, const struct od_message *message)
{
    struct side *side = self;
    side_message(self, message);
    if (side->got % 100 == 0)
        say(side, 0, 2, NULL, 0);
}

static enum od_status make_flood(void *self, struct od_world *world, struct od_actor *actor_out,
                                 struct od_error *error)
{
    static const struct od_actor_ops ops = {
        .on_start = side_start, .on_message = flood_message, .on_timer = side_timer, .free = side_free};
    static const struct od_actor_ops count_ops = {
        .on_start = side_start, .on_message = count_message, .on_timer = side_timer, .free = side_free};
    (void)error;
    ((struct side *)self)->world = world; /* a flood begins with its side */
    *actor_out = (struct od_actor){world->actor_id == 0 ? &ops : &count_ops, self};
    return OD_OK;
}

static void *run_counter(void *node)
{
    assert_int_equal(od_node_run(node, OD_NODE_NEVER, NULL), OD_OK);
    return NULL;
}

static void a_million_messages(void **state)
{
    (void)state;
    struct flood flood = {0};
    struct side counter;
    struct od_error error = {0};
    struct od_node_options driver = options_of(&flood.side, 0, NULL);
    driver.factory.make = make_flood;
    driver.ops.on_peer = flood_peer;
    begin(&flood.side, &driver);
    struct od_node_options executor = options_of(&counter, 1, od_node_address(flood.side.node));
    executor.factory.make = make_flood;
    begin(&counter, &executor);
    pthread_t thread;
    uint64_t start_ns = now_ns();
    assert_int_equal(pthread_create(&thread, NULL, run_counter, counter.node), 0);
    enum od_status status = od_node_run(flood.side.node, 100000 * MS, &error);
    uint64_t lasted_ns = now_ns() - start_ns;
    od_node_stop(counter.node);
    pthread_join(thread, NULL);
    struct od_node_facts facts = od_node_facts(counter.node);
    struct od_node_facts sender = od_node_facts(flood.side.node);
    print_message("%.0f messages/s, peaks: unsent %llu bytes, mail %llu bytes\n",
                  MILLION * 1e9 / (double)lasted_ns, (unsigned long long)sender.send_bytes_peak,
                  (unsigned long long)facts.mail_bytes_peak);
    assert_int_equal(status, OD_OK);
    assert_int_equal(counter.got, MILLION);
    assert_int_equal(counter.sum, MILLION * UINT64_C(525));
    assert_int_equal(sender.dropped_count + facts.dropped_count, 0);
    assert_true(sender.send_bytes_peak < 1 << 20);
    assert_true(facts.mail_bytes_peak < 1 << 20);
    end(&counter);
    end(&flood.side);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_nodes_talk),
        cmocka_unit_test(all_of_a_message_arrives),
        cmocka_unit_test(executors_reach_each_other),
        cmocka_unit_test(a_client_speaks_to_the_driver),
        cmocka_unit_test(a_restarted_driver_is_found),
        cmocka_unit_test(a_later_incarnation_ends_the_earlier),
        cmocka_unit_test(two_processes_are_not_one_life),
        cmocka_unit_test(queues_have_bounds),
        cmocka_unit_test(timers_and_own_mail_take_turns),
        cmocka_unit_test(a_run_ends_and_goes_on),
        cmocka_unit_test(what_is_queued_is_sent_at_the_end),
        cmocka_unit_test(files_of_earlier_lives),
        cmocka_unit_test(a_directory_of_others_is_refused),
        cmocka_unit_test(a_refused_allocation_leaves_nothing),
        cmocka_unit_test(talks_survive_refused_allocations),
        cmocka_unit_test(a_million_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
