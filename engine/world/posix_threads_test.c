/* Goal: the threads host carries messages and timers, kills, pauses, heals and ends as its header says, and leaks nothing.
 * Method: small scripted actors. Each test has a script: what an actor does on start, message and timer; its findings are
 * written by one actor's thread only and read after the join. All runs count memory through a locked countdown, which
 * also gives the sweep: the k-th allocation of setup and run is refused. Meant to run under the thread sanitizer too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/world/posix.h"
#include "engine/core/sweep.h"
#include "engine/world/posix_threads.h"

#define MS       UINT64_C(1000000)
#define LIMIT_NS (20000 * MS) /* a run that takes as long has failed */

enum { PING = 1, PONG, DIE, BORN, LATE };

struct scene; /* one test's world: script and findings */

struct player {
    struct scene *scene;
    struct od_world *world;
};

struct script {
    void (*start)(struct player *player);
    void (*message)(struct player *player, const struct od_message *message);
    void (*timer)(struct player *player, uint64_t tag);
};

struct locked_memory {
    struct od_memory memory;
    struct od_countdown countdown;
    pthread_mutex_t lock;
};

struct scene {
    const struct script *script;
    struct locked_memory memory;
    struct od_threads *threads;
    struct od_threads_options options;
    char directory[64];
    enum od_status factory_status; /* not OK: what `make` answers for actor 1 */
    uint32_t made_count;
    uint32_t dressed_count;
    uint64_t event_count; /* the trace sink's, without a lock of its own */
    uint64_t watch_step;
    /* Findings; each is written by one thread. */
    uint32_t pongs;
    uint32_t pings_wanted;
    uint32_t incarnation_seen;
    uint64_t tags[16];
    uint32_t tag_count;
    uint64_t mark_ns;
    enum od_status old_file_status;
};

static void *locked_resize(void *self, void *old, size_t old_bytes, size_t new_bytes)
{
    struct locked_memory *locked = self;
    struct od_memory *inner = &locked->countdown.memory;
    pthread_mutex_lock(&locked->lock);
    void *block = inner->ops->resize(inner->self, old, old_bytes, new_bytes);
    pthread_mutex_unlock(&locked->lock);
    return block;
}

static const struct od_memory_ops locked_ops = {.resize = locked_resize};

/* The actor. */

static void player_start(void *self)
{
    struct player *player = self;
    if (player->scene->script->start != NULL)
        player->scene->script->start(player);
}

static void player_message(void *self, const struct od_message *message)
{
    struct player *player = self;
    player->scene->script->message(player, message);
}

static void player_timer(void *self, uint64_t tag)
{
    struct player *player = self;
    player->scene->script->timer(player, tag);
}

static void player_free(void *self)
{
    struct player *player = self;
    od_give(player->world->memory, player, sizeof(*player));
}

static const struct od_actor_ops player_ops = {player_start, player_message, player_timer, NULL,
                                               player_free};

static enum od_status make_player(void *self, struct od_world *world, struct od_actor *actor_out,
                                  struct od_error *error)
{
    struct scene *scene = self;
    scene->made_count++;
    if (world->actor_id == 1 && scene->factory_status != OD_OK)
        return od_fail(error, scene->factory_status, "making player 1");
    struct player *player = od_take(world->memory, sizeof(*player));
    if (player == NULL)
        return od_fail(error, OD_NO_MEMORY, "making a player");
    *player = (struct player){scene, world};
    *actor_out = (struct od_actor){&player_ops, player};
    return OD_OK;
}

static void send(struct player *player, uint32_t to, uint32_t kind)
{
    struct od_world *world = player->world;
    struct od_message *message = od_message_new(world->net.message_memory, 0);
    if (message == NULL)
        return;
    message->to = to; /* the host fills in who sends */
    message->kind = kind;
    world->net.send(world->net.self, message);
}

static void set_timer(struct player *player, uint64_t delay_ns, uint64_t tag)
{
    player->world->schedule.timer(player->world->schedule.self, delay_ns, tag);
}

static void note_tag(struct scene *scene, uint64_t tag)
{
    if (scene->tag_count < sizeof(scene->tags) / sizeof(scene->tags[0]))
        scene->tags[scene->tag_count++] = tag;
}

/* The scene. */

static void count_event(void *self, const struct od_event *event)
{
    struct scene *scene = self;
    (void)event;
    scene->event_count++;
}

static const struct od_trace_ops count_ops = {.event = count_event};

static void count_dress(void *self, struct od_world *world)
{
    struct scene *scene = self;
    (void)world;
    scene->dressed_count++;
}

static void open_scene(struct scene *scene, const struct script *script, uint32_t executor_count)
{
    *scene = (struct scene){.script = script, .directory = "/tmp/ordeal-threads-XXXXXX"};
    assert_non_null(mkdtemp(scene->directory));
    scene->memory.memory = (struct od_memory){&locked_ops, &scene->memory};
    pthread_mutex_init(&scene->memory.lock, NULL);
    od_countdown_init(&scene->memory.countdown, od_posix_memory(), UINT64_MAX, false);
    scene->options = (struct od_threads_options){
        .seed = 7,
        .executor_count = executor_count,
        .directory = scene->directory,
        .trace = {.ops = &count_ops, .self = scene},
        .dress = count_dress,
        .self = scene,
    };
}

static enum od_status play(struct scene *scene, uint64_t limit_ns, struct od_threads_facts *facts_out,
                           struct od_error *error)
{
    struct od_actor_factory factory = {.make = make_player, .self = scene};
    *facts_out = (struct od_threads_facts){0};
    enum od_status status =
        od_threads_new(&scene->memory.memory, &scene->options, &factory, &scene->threads, error);
    if (status != OD_OK) {
        assert_null(scene->threads);
        return status;
    }
    status = od_threads_run(scene->threads, limit_ns, error);
    *facts_out = od_threads_facts(scene->threads);
    od_threads_free(scene->threads);
    return status;
}

static void close_scene(struct scene *scene, const struct od_threads_facts *facts)
{
    assert_int_equal(facts->live_blocks, 0);
    assert_int_equal(facts->open_files, 0);
    assert_int_equal(scene->memory.countdown.live_block_count, 0);
    assert_int_equal(rmdir(scene->directory), 0); /* nothing may be left in it */
    pthread_mutex_destroy(&scene->memory.lock);
}

/* Ping-pong: every executor answers; the driver counts. No ping may be lost, not even one to an
 * actor that is not born yet. */

static void ping_start(struct player *player)
{
    if (player->world->actor_id != 0)
        return;
    for (uint32_t i = 1; i <= player->scene->options.executor_count; i++)
        send(player, i, PING);
}

static void ping_message(struct player *player, const struct od_message *message)
{
    od_world_emit(player->world, (struct od_event){.kind = OD_EVENT_TASK_STARTED, .site = OD_SITE_ANY});
    if (message->kind == PING) {
        send(player, 0, PONG);
    } else if (++player->scene->pongs == player->scene->pings_wanted) {
        od_threads_stop(player->scene->threads);
    } else {
        send(player, message->from, PING);
    }
}

static void test_ping_pong(void **state)
{
    (void)state;
    static const struct script script = {ping_start, ping_message, NULL};
    struct scene scene;
    struct od_threads_facts facts;
    open_scene(&scene, &script, 3);
    scene.pings_wanted = 3000;
    assert_int_equal(play(&scene, LIMIT_NS, &facts, NULL), OD_OK);
    assert_int_equal(scene.pongs, 3000);
    assert_int_equal(scene.made_count, 4);
    assert_int_equal(scene.dressed_count, 4);
    assert_int_equal(facts.life_count, 4);
    assert_true(facts.message_count >= 6000);
    assert_int_equal(scene.event_count, facts.message_count);
    close_scene(&scene, &facts);
}

/* Timers: by time, then by the order of setting; delay 0 comes after the mail that waits. */

static void order_start(struct player *player)
{
    static const uint64_t delays_ms[] = {30, 10, 20, 10, 0, 60};
    for (uint64_t i = 0; i < sizeof(delays_ms) / sizeof(delays_ms[0]); i++)
        set_timer(player, delays_ms[i] * MS, i);
    send(player, 0, PING);
    player->scene->mark_ns = od_world_now_ns(player->world);
}

static void order_message(struct player *player, const struct od_message *message)
{
    note_tag(player->scene, 100 + message->kind);
}

static void order_timer(struct player *player, uint64_t tag)
{
    note_tag(player->scene, tag);
    if (tag == 5) {
        player->scene->mark_ns = od_world_now_ns(player->world) - player->scene->mark_ns;
        od_threads_stop(player->scene->threads);
    }
}

static void test_timer_order(void **state)
{
    (void)state;
    static const struct script script = {order_start, order_message, order_timer};
    static const uint64_t expected[] = {100 + PING, 4, 1, 3, 2, 0, 5};
    struct scene scene;
    struct od_threads_facts facts;
    open_scene(&scene, &script, 0);
    assert_int_equal(play(&scene, LIMIT_NS, &facts, NULL), OD_OK);
    assert_int_equal(scene.tag_count, 7);
    assert_memory_equal(scene.tags, expected, sizeof(expected));
    assert_true(scene.mark_ns >= 59 * MS);
    assert_int_equal(facts.timer_count, 6);
    close_scene(&scene, &facts);
}

/* Death and the next life. The executor kills itself in a handler, as a fault point does, and goes on talking. */

static void life_start(struct player *player)
{
    struct od_disk *disk = &player->world->disk;
    struct od_file *file;
    if (player->world->actor_id == 0)
        return;
    if (player->world->incarnation == 2)
        player->scene->old_file_status = disk->ops->open(disk->self, "old", &file, NULL);
    else if (disk->ops->create(disk->self, "old", &file, NULL) == OD_OK)
        disk->ops->close(disk->self, file);
    send(player, 0, BORN);
}

static void life_message(struct player *player, const struct od_message *message)
{
    struct scene *scene = player->scene;
    if (message->kind == BORN) {
        scene->incarnation_seen = message->from_incarnation;
        if (message->from_incarnation == 1) {
            send(player, 1, DIE);
            send(player, 1, PING); /* dies with the mail of that life, or meets nobody */
        } else {
            set_timer(player, 5 * MS, 0);
        }
    } else if (message->kind == DIE) {
        set_timer(player, 0, 9);
        assert_true(od_threads_kill(scene->threads, 1, 2 * MS));
        assert_false(od_threads_kill(scene->threads, 1, 0));
        send(player, 0, PONG);
        set_timer(player, 0, 9);
    } else {
        scene->pongs++;
    }
}

static void life_timer(struct player *player, uint64_t tag)
{
    if (player->world->actor_id == 0)
        od_threads_stop(player->scene->threads);
    else
        note_tag(player->scene, tag); /* no timer of the dead life may fire */
}

static void test_kill_and_restart(void **state)
{
    (void)state;
    static const struct script script = {life_start, life_message, life_timer};
    struct scene scene;
    struct od_threads_facts facts;
    open_scene(&scene, &script, 1);
    assert_int_equal(play(&scene, LIMIT_NS, &facts, NULL), OD_OK);
    assert_int_equal(scene.incarnation_seen, 2);
    assert_int_equal(scene.old_file_status, OD_MISSING);
    assert_int_equal(scene.pongs, 0);
    assert_int_equal(scene.tag_count, 0);
    assert_int_equal(facts.life_count, 3);
    assert_int_equal(scene.dressed_count, 3);
    assert_int_equal(facts.dropped_count, 2); /* the dead one's PONG and the PING to it */
    close_scene(&scene, &facts);
}

/* Killed for good from outside; healing brings it back. */

static uint64_t heal_watch(void *self, uint64_t now_ns)
{
    struct scene *scene = self;
    switch (scene->watch_step++) {
    case 0:
        return now_ns + 20 * MS; /* by then executor 1 is born */
    case 1:
        assert_true(od_threads_kill(scene->threads, 1, OD_THREADS_NEVER));
        od_threads_pause(scene->threads, 2, 3600000 * MS);
        return now_ns + 20 * MS;
    default:
        scene->mark_ns = now_ns;
        od_threads_heal(scene->threads);
        return OD_THREADS_NEVER;
    }
}

static void heal_start(struct player *player)
{
    if (player->world->actor_id == 1)
        send(player, 0, BORN);
    if (player->world->actor_id == 1 && player->world->incarnation == 2)
        send(player, 2, PING); /* 2 answers only if its pause ended as well */
}

static void heal_message(struct player *player, const struct od_message *message)
{
    if (message->kind == PING)
        send(player, 0, PONG);
    else if (message->kind == BORN)
        player->scene->incarnation_seen = message->from_incarnation;
    else
        od_threads_stop(player->scene->threads);
}

static void test_heal(void **state)
{
    (void)state;
    static const struct script script = {heal_start, heal_message, NULL};
    struct scene scene;
    struct od_threads_facts facts;
    open_scene(&scene, &script, 2);
    scene.options.watch = heal_watch;
    assert_int_equal(play(&scene, LIMIT_NS, &facts, NULL), OD_OK);
    assert_int_equal(scene.watch_step, 3);
    assert_int_equal(scene.incarnation_seen, 2);
    assert_int_equal(facts.life_count, 4);
    close_scene(&scene, &facts);
}

/* A paused actor reads nothing, loses nothing, and keeps the order. */

static void pause_start(struct player *player)
{
    if (player->world->actor_id == 1)
        send(player, 0, BORN);
}

static void pause_message(struct player *player, const struct od_message *message)
{
    struct scene *scene = player->scene;
    if (message->kind == BORN) {
        scene->mark_ns = od_world_now_ns(player->world);
        od_threads_pause(scene->threads, 1, 40 * MS);
        od_threads_pause(scene->threads, 1, 1 * MS); /* the longer one wins */
        for (uint32_t kind = 10; kind < 15; kind++)
            send(player, 1, kind);
    } else if (player->world->actor_id == 1) {
        send(player, 0, message->kind);
    } else {
        note_tag(scene, message->kind);
        if (scene->tag_count == 1)
            scene->mark_ns = od_world_now_ns(player->world) - scene->mark_ns;
        if (scene->tag_count == 5)
            od_threads_stop(scene->threads);
    }
}

static void test_pause(void **state)
{
    (void)state;
    static const struct script script = {pause_start, pause_message, NULL};
    static const uint64_t expected[] = {10, 11, 12, 13, 14};
    struct scene scene;
    struct od_threads_facts facts;
    open_scene(&scene, &script, 1);
    assert_int_equal(play(&scene, LIMIT_NS, &facts, NULL), OD_OK);
    assert_true(scene.mark_ns >= 40 * MS);
    assert_memory_equal(scene.tags, expected, sizeof(expected));
    close_scene(&scene, &facts);
}

/* A delayed message is the network's: its sender dies for good, and it arrives all the same. */

static void late_start(struct player *player)
{
    struct scene *scene = player->scene;
    if (player->world->actor_id != 1)
        return;
    scene->mark_ns = od_world_now_ns(player->world);
    struct od_message *message = od_message_new(player->world->net.message_memory, 8);
    assert_non_null(message);
    message->from = 1;
    message->to = 0;
    message->kind = LATE;
    od_threads_send_later(scene->threads, message, 20 * MS);
    assert_true(od_threads_kill(scene->threads, 1, OD_THREADS_NEVER));
}

static void late_message(struct player *player, const struct od_message *message)
{
    player->scene->tags[0] = message->kind;
    player->scene->tags[1] = od_world_now_ns(player->world);
    od_threads_stop(player->scene->threads);
}

static void test_send_later(void **state)
{
    (void)state;
    static const struct script script = {late_start, late_message, NULL};
    struct scene scene;
    struct od_threads_facts facts;
    open_scene(&scene, &script, 1);
    assert_int_equal(play(&scene, LIMIT_NS, &facts, NULL), OD_OK);
    assert_int_equal(scene.tags[0], LATE);
    assert_true(scene.tags[1] - scene.mark_ns >= 20 * MS);
    close_scene(&scene, &facts);
}

/* Ends other than stop. */

static void leave_start(struct player *player)
{
    send(player, 0, PING); /* to be left unread by a run that ends at once, and freed */
    send(player, 77, PING);
    set_timer(player, 3600000 * MS, 1);
}

static void ignore_message(struct player *player, const struct od_message *message)
{
    (void)player;
    (void)message;
}

static void test_limit(void **state)
{
    (void)state;
    static const struct script script = {leave_start, ignore_message, NULL};
    struct scene scene;
    struct od_threads_facts facts;
    struct od_error error = {0};
    open_scene(&scene, &script, 2);
    assert_int_equal(play(&scene, 20 * MS, &facts, &error), OD_TIMED_OUT);
    assert_int_equal(error.status, OD_TIMED_OUT);
    assert_int_equal(facts.dropped_count + facts.message_count, 6);
    close_scene(&scene, &facts);
}

static void test_first_life_cannot_be_made(void **state)
{
    (void)state;
    static const struct script script = {leave_start, ignore_message, NULL};
    struct scene scene;
    struct od_threads_facts facts;
    struct od_error error = {0};
    open_scene(&scene, &script, 2);
    scene.factory_status = OD_NO_MEMORY;
    assert_int_equal(play(&scene, LIMIT_NS, &facts, &error), OD_NO_MEMORY);
    assert_string_equal(error.text, "making player 1");
    close_scene(&scene, &facts);
}

static void test_directory_refused(void **state)
{
    (void)state;
    static const struct script script = {NULL, ignore_message, NULL};
    struct scene scene;
    struct od_threads_facts facts;
    struct od_error error = {0};
    open_scene(&scene, &script, 2);
    scene.options.directory = "/nowhere/at/all";
    assert_int_equal(play(&scene, LIMIT_NS, &facts, &error), OD_BAD_INPUT);
    assert_non_null(strstr(error.text, "/nowhere/at/all"));
    close_scene(&scene, &facts);
}

/* The sweep's actors: lost messages are asked for again, as a real engine would, so that a run with one refusal ends. */

static void sweep_start(struct player *player)
{
    if (player->world->actor_id == 0)
        set_timer(player, 0, 0);
}

static void sweep_message(struct player *player, const struct od_message *message)
{
    if (message->kind == PING)
        send(player, 0, PONG);
    else if (++player->scene->pongs == player->scene->pings_wanted)
        od_threads_stop(player->scene->threads);
}

static void sweep_timer(struct player *player, uint64_t tag)
{
    (void)tag;
    send(player, 1, PING);
    set_timer(player, MS / 2, 0);
}

static void test_allocation_sweep(void **state)
{
    (void)state;
    static const struct script script = {sweep_start, sweep_message, sweep_timer};
    for (uint64_t k = 0;; k++) {
        struct scene scene;
        struct od_threads_facts facts;
        open_scene(&scene, &script, 1);
        scene.pings_wanted = 3;
        scene.memory.countdown.refuse_at = k;
        enum od_status status = play(&scene, LIMIT_NS, &facts, NULL);
        bool refused = scene.memory.countdown.refused_count > 0;
        close_scene(&scene, &facts);
        /* The first six are the host, its directory, the actors, two disks, and whichever player is made first. After
         * these the threads race: a lost message is asked for again, a lost player or timer of the driver is the end. */
        if (k < 6)
            assert_int_equal(status, OD_NO_MEMORY);
        assert_true(status == OD_OK || status == OD_NO_MEMORY);
        if (!refused) {
            assert_int_equal(status, OD_OK);
            return;
        }
    }
}

/* A timer that can't be remembered: without the driver's there is no run; an executor dies of it and lives again. */

static void arm_start(struct player *player)
{
    bool alone = player->scene->options.executor_count == 0;
    if (player->world->actor_id == 0 && alone)
        set_timer(player, 0, 0);
    else if (player->world->actor_id == 0)
        send(player, 1, PING);
    else if (player->world->incarnation == 2)
        send(player, 0, BORN);
}

static void arm_message(struct player *player, const struct od_message *message)
{
    if (message->kind == PING)
        set_timer(player, 0, 0);
    else
        od_threads_stop(player->scene->threads);
}

static void arm_timer(struct player *player, uint64_t tag)
{
    od_threads_stop(player->scene->threads); /* the timer was not refused: the counts below say so */
    (void)tag;
}

static void test_timer_refused(void **state)
{
    (void)state;
    static const struct script script = {arm_start, arm_message, arm_timer};
    for (uint32_t executor_count = 0; executor_count < 2; executor_count++) {
        struct scene scene;
        struct od_threads_facts facts;
        struct od_error error = {0};
        open_scene(&scene, &script, executor_count);
        /* The host's three, the disks, the players, and the driver's message that makes the executor arm its timer. */
        scene.memory.countdown.refuse_at = executor_count == 0 ? 5 : 8;
        enum od_status status = play(&scene, LIMIT_NS, &facts, &error);
        assert_int_equal(scene.memory.countdown.refused_count, 1);
        if (executor_count == 0) {
            assert_int_equal(status, OD_NO_MEMORY);
            assert_string_equal(error.text, "setting a timer of the driver");
        } else {
            assert_int_equal(status, OD_OK);
            assert_int_equal(facts.life_count, 3);
        }
        close_scene(&scene, &facts);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ping_pong),
        cmocka_unit_test(test_timer_order),
        cmocka_unit_test(test_kill_and_restart),
        cmocka_unit_test(test_heal),
        cmocka_unit_test(test_pause),
        cmocka_unit_test(test_send_later),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_first_life_cannot_be_made),
        cmocka_unit_test(test_directory_refused),
        cmocka_unit_test(test_allocation_sweep),
        cmocka_unit_test(test_timer_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
