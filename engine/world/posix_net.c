/* posix_net: the node itself: its loop, its actor's world, its start and end.
 *
 *   a round:  prepare  late handshakes, dialling; flush links; set the alarm for what is due next
 *             poll     libuv: bytes, connections, signals, a stop from another thread
 *             check    departures, a burst of mail, timers that were due and known by then
 *
 * Mail and timers thus share the loop fairly, and a timer of delay 0 runs after what is waiting. A handler
 * that sends to its own node only queues: nothing is nested.
 *
 * End: od_node_free frees the actor first (its files are closed), sends what is queued for a short while,
 * closes all handles, and runs the loop until libuv has let go of each. */
#include "engine/world/posix_net.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/core/assert.h"
#include "engine/world/posix_net_state.h"

enum { MAIL_BURST = 64 };
#define MIB             ((size_t)1 << 20)
#define MILLISECOND     UINT64_C(1000000)
#define ORPHAN_GRACE_NS (3000 * MILLISECOND)

static uint64_t after_ns(const struct od_node *node, uint64_t delay_ns)
{
    uint64_t now_ns = od_node_now_ns(node);
    return delay_ns > UINT64_MAX - now_ns ? UINT64_MAX : now_ns + delay_ns;
}

static struct od_node_limits with_defaults(struct od_node_limits limits)
{
#define DEFAULT(field, value) limits.field = limits.field == 0 ? (value) : limits.field
    DEFAULT(frame_bytes, 64 * MIB);
    DEFAULT(mail_bytes, 64 * MIB);
    DEFAULT(send_bytes, 256 * MIB);
    DEFAULT(send_count, 65536);
    DEFAULT(peer_count, 1024);
    DEFAULT(stranger_count, 16);
    DEFAULT(handshake_ns, 2000 * MILLISECOND);
    DEFAULT(redial_first_ns, 20 * MILLISECOND);
    DEFAULT(redial_last_ns, 1000 * MILLISECOND);
    DEFAULT(goodbye_ns, 500 * MILLISECOND);
#undef DEFAULT
    return limits;
}

/* --- ends of a run --- */

/* Any thread. The first reason counts. */
static void end_run(struct od_node *node, enum od_node_end end)
{
    int running = OD_NODE_RUNS;
    atomic_compare_exchange_strong(&node->end, &running, end);
    (void)uv_async_send(&node->wake);
}

void od_node_stop(struct od_node *node)
{
    end_run(node, OD_NODE_STOPPED);
}

static void on_orphaned(void *self)
{
    end_run(self, OD_NODE_ENDED);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct od_node *node = handle->data;
    node->signal = number;
    end_run(node, OD_NODE_ENDED);
}

void od_node_fail(struct od_node *node, enum od_status status, const struct od_error *error)
{
    od_assert(status != OD_OK);
    if (node->end_status == OD_OK) {
        node->end_status = status;
        node->end_error = *error;
    }
    end_run(node, OD_NODE_FAILED);
}

static bool is_stopping(const struct od_node *node)
{
    return atomic_load(&node->end) != OD_NODE_RUNS;
}

/* --- the actor's world --- */

void od_node_drop(struct od_node *node, struct od_message *message)
{
    node->facts.dropped_count++;
    od_message_free(node->memory, message);
}

static void set_paused(struct od_node *node, bool is_paused)
{
    node->is_paused = is_paused;
    for (struct od_link *link = node->links; link != NULL; link = link->next) {
        if (link->state == OD_LINK_OPEN)
            od_link_set_reading(link, !is_paused);
    }
}

void od_node_deliver(struct od_node *node, struct od_message *message)
{
    od_mail_push(&node->mail, message);
    if (node->mail.bytes > node->facts.mail_bytes_peak)
        node->facts.mail_bytes_peak = node->mail.bytes;
    if (!node->is_paused && node->mail.bytes > node->options.limits.mail_bytes)
        set_paused(node, true);
}

void od_node_note(struct od_node *node, uint32_t kind, uint32_t peer_id, uint32_t incarnation)
{
    struct od_message *note = od_message_new(node->memory, 0);
    if (note == NULL)
        return;
    note->kind = kind;
    note->from = peer_id;
    note->from_incarnation = incarnation;
    note->to = node->options.actor_id;
    od_mail_push(&node->mail, note);
}

void od_node_send(struct od_node *node, struct od_message *message)
{
    message->from = node->options.actor_id;
    message->from_incarnation = node->options.incarnation;
    if (node->is_ending) {
        od_node_drop(node, message);
    } else if (message->to == node->options.actor_id) {
        node->facts.sent_count++;
        od_node_deliver(node, message);
    } else {
        od_peer_send(node, message);
    }
}

void od_node_send_later(struct od_node *node, struct od_message *message, uint64_t delay_ns)
{
    if (!od_timers_add(&node->departures, after_ns(node, delay_ns), 0, message))
        od_node_drop(node, message);
}

void od_node_order(struct od_node *node, const struct od_order *order)
{
    if (node->has_actor && node->actor.ops->on_order != NULL)
        node->actor.ops->on_order(node->actor.self, order);
}

static void world_send(void *self, struct od_message *message)
{
    od_node_send(self, message);
}

/* An actor whose timer can't be remembered would wait for ever: the process ends, and its parent starts
 * another one. */
static void world_timer(void *self, uint64_t delay_ns, uint64_t tag)
{
    struct od_node *node = self;
    struct od_error error;
    if (!node->is_ending && !od_timers_add(&node->timers, after_ns(node, delay_ns), tag, NULL))
        od_node_fail(node, od_fail(&error, OD_NO_MEMORY, "setting a timer"), &error);
}

/* By the machine's clock: the actor's may be wrong. */
static void world_event(void *self, const struct od_event *event)
{
    const struct od_node *node = self;
    const struct od_clock clock = od_posix_clock();
    struct od_event told = *event;
    told.time_ns = clock.now_ns(clock.self);
    node->options.trace.ops->event(node->options.trace.self, &told);
}

static void make_world(struct od_node *node)
{
    static const struct od_trace_ops trace_ops = {.event = world_event};
    const struct od_node_options *options = &node->options;
    char name[64];
    snprintf(name, sizeof(name), "engine actor %u life %u", options->actor_id, options->incarnation);
    od_stream_init(&node->stream, options->seed, name);
    snprintf(name, sizeof(name), "dialling of actor %u life %u", options->actor_id, options->incarnation);
    od_stream_init(&node->dial_stream, options->seed, name);
    od_budget_init(&node->budget, node->memory, options->memory_bytes);
    node->world = (struct od_world){
        .actor_id = options->actor_id,
        .incarnation = options->incarnation,
        .clock = od_posix_clock(),
        .random = node->stream.random,
        .memory = &node->budget.memory,
        .net = {.send = world_send, .self = node, .message_memory = node->memory},
        .schedule = {.timer = world_timer, .self = node},
        .trace = {options->trace.ops == NULL ? NULL : &trace_ops, node},
    };
}

/* --- the round --- */

static void dispatch(struct od_node *node, const struct od_message *message)
{
    const struct od_node_ops *ops = &node->options.ops;
    void *self = node->options.self;
    if (message->kind == OD_NET_NOTE_HERE || message->kind == OD_NET_NOTE_GONE) {
        if (ops->on_peer != NULL)
            ops->on_peer(self, message->from, message->from_incarnation, message->kind == OD_NET_NOTE_HERE);
        return;
    }
    node->facts.message_count++;
    if (node->has_actor && message->kind < OD_NODE_MAIL_FIRST)
        node->actor.ops->on_message(node->actor.self, message);
    else if (ops->on_mail != NULL)
        ops->on_mail(self, message);
}

static void read_mail(struct od_node *node)
{
    for (int i = 0; i < MAIL_BURST && !is_stopping(node); i++) {
        struct od_message *message = od_mail_pop(&node->mail);
        if (message == NULL)
            break;
        dispatch(node, message);
        od_message_free(node->memory, message);
    }
    if (node->is_paused && node->mail.bytes <= node->options.limits.mail_bytes / 2)
        set_paused(node, false);
}

static void fire_timers(struct od_node *node)
{
    struct od_timer timer;
    uint64_t now_ns = od_node_now_ns(node);
    uint64_t sequence_end = node->timers.sequence_next;
    while (!is_stopping(node) && od_timers_take_due(&node->timers, now_ns, sequence_end, &timer)) {
        node->facts.timer_count++;
        node->actor.ops->on_timer(node->actor.self, timer.tag);
    }
}

static void let_depart(struct od_node *node)
{
    struct od_timer departure;
    uint64_t now_ns = od_node_now_ns(node);
    while (od_timers_take_due(&node->departures, now_ns, UINT64_MAX, &departure))
        od_node_send(node, departure.message);
}

/* Ends handshakes whose time is over; returns when the next one's is. */
static uint64_t end_late_handshakes(struct od_node *node, uint64_t now_ns)
{
    uint64_t next_ns = OD_NODE_NEVER;
    struct od_error error;
    for (struct od_link *link = node->links; link != NULL; link = link->next) {
        if (link->state == OD_LINK_OPEN || link->state == OD_LINK_CLOSED)
            continue;
        if (now_ns >= link->deadline_ns) {
            od_fail(&error, OD_TIMED_OUT, "a handshake with node %u was not done in time", link->peer_id);
            od_link_close(link, &error);
        } else if (link->deadline_ns < next_ns) {
            next_ns = link->deadline_ns;
        }
    }
    return next_ns;
}

static uint64_t earlier(uint64_t left_ns, uint64_t right_ns)
{
    return left_ns < right_ns ? left_ns : right_ns;
}

static void on_check(uv_check_t *check)
{
    struct od_node *node = check->data;
    if (node->is_ending)
        return;
    if (node->wants_accept)
        od_link_accept(node);
    let_depart(node);
    read_mail(node);
    fire_timers(node);
}

static void do_nothing_idle(uv_idle_t *idle)
{
    (void)idle;
}

static void do_nothing_timer(uv_timer_t *timer)
{
    (void)timer;
}

static void on_wake(uv_async_t *wake)
{
    (void)wake;
}

/* How long may the loop sleep? */
static void on_prepare(uv_prepare_t *prepare)
{
    struct od_node *node = prepare->data;
    uint64_t now_ns = od_node_now_ns(node);
    uint64_t due_ns = earlier(end_late_handshakes(node, now_ns), node->run_end_ns);
    if (!node->is_ending) {
        due_ns = earlier(due_ns, od_peers_dial(node, now_ns));
        due_ns = earlier(due_ns, od_timers_next_ns(&node->timers));
        due_ns = earlier(due_ns, od_timers_next_ns(&node->departures));
    }
    for (struct od_link *link = node->links; link != NULL; link = link->next)
        od_link_flush(link);
    bool is_due = due_ns <= now_ns ||
                  (!node->is_ending && (is_stopping(node) || node->wants_accept || node->mail.count > 0));
    (void)uv_timer_stop(&node->alarm);
    (void)(is_due ? uv_idle_start(&node->idle, do_nothing_idle) : uv_idle_stop(&node->idle));
    if (is_due || due_ns == OD_NODE_NEVER)
        return;
    uv_update_time(&node->loop);
    (void)uv_timer_start(&node->alarm, do_nothing_timer, (due_ns - now_ns + MILLISECOND - 1) / MILLISECOND,
                         0);
}

enum od_status od_node_run(struct od_node *node, uint64_t limit_ns, struct od_error *error)
{
    node->run_end_ns = after_ns(node, limit_ns);
    if (!node->has_started && node->has_actor)
        node->actor.ops->on_start(node->actor.self);
    node->has_started = true;
    while (!is_stopping(node) && od_node_now_ns(node) < node->run_end_ns)
        (void)uv_run(&node->loop, UV_RUN_ONCE);
    int end = atomic_load(&node->end);
    if (end == OD_NODE_STOPPED)
        atomic_store(&node->end, OD_NODE_RUNS); /* the next run is a new one; other ends are for good */
    node->run_end_ns = OD_NODE_NEVER;
    if (end == OD_NODE_FAILED && error != NULL)
        *error = node->end_error;
    switch (end) {
    case OD_NODE_STOPPED:
        return OD_OK;
    case OD_NODE_FAILED:
        return node->end_status;
    case OD_NODE_ENDED:
        return od_fail(error, OD_CANCELLED, "the node was asked to end");
    default:
        return od_fail(error, OD_TIMED_OUT, "running a node: not ended after %llu ms",
                       (unsigned long long)(limit_ns / MILLISECOND));
    }
}

/* --- the start --- */

static void on_connection(uv_stream_t *server, int status)
{
    if (status == 0)
        od_link_accept(server->data);
}

/* A path that nobody listens to any more, left by a life that was killed. */
static void remove_stale_path(const struct od_address *address)
{
    struct stat info;
    const char *path = address->as.path.sun_path;
    if (lstat(path, &info) != 0 || !S_ISSOCK(info.st_mode))
        return;
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (probe < 0)
        return;
    if (connect(probe, &address->as.any, sizeof(address->as.path)) != 0 && errno == ECONNREFUSED)
        (void)unlink(path);
    close(probe);
}

static int listen_path(struct od_node *node)
{
    const char *path = node->address.as.path.sun_path;
    int result = uv_pipe_init(&node->loop, &node->server.pipe, 0);
    if (result != 0)
        return result;
    node->has_server = true;
    remove_stale_path(&node->address);
    result = uv_pipe_bind(&node->server.pipe, path);
    if (result == 0 && chmod(path, 0600) != 0)
        result = uv_translate_sys_error(errno);
    return result;
}

static int listen_tcp(struct od_node *node)
{
    int result = uv_tcp_init(&node->loop, &node->server.tcp);
    if (result != 0)
        return result;
    node->has_server = true;
    result = uv_tcp_bind(&node->server.tcp, &node->address.as.any, 0);
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } bound;
    int size = sizeof(bound);
    if (result == 0)
        result = uv_tcp_getsockname(&node->server.tcp, &bound.any, &size);
    if (result == 0)
        od_address_set_port(&node->address,
                            ntohs(bound.any.sa_family == AF_INET6 ? bound.v6.sin6_port : bound.v4.sin_port));
    return result;
}

static enum od_status check_address(const struct od_node *node, const char *text,
                                    struct od_address *address_out, struct od_error *error)
{
    OD_TRY(od_address_parse(text, address_out, error));
    if (od_address_is_local(address_out) || (node->options.allow_remote && node->options.secret.is_set))
        return OD_OK;
    return od_fail(error, OD_BAD_INPUT, "address '%s' can be reached from other machines: %s", text,
                   node->options.allow_remote ? "that needs a secret" : "that must be allowed explicitly");
}

/* Whoever named the address has to name another one; else the machine has too little of something. */
static enum od_status status_of_listening(int result)
{
    return result == UV_ENOMEM || result == UV_EMFILE || result == UV_ENFILE || result == UV_ENOBUFS ? OD_IO : OD_BAD_INPUT;
}

static enum od_status start_server(struct od_node *node, struct od_error *error)
{
    const struct od_node_options *options = &node->options;
    if (options->listen == NULL)
        return OD_OK;
    OD_TRY(check_address(node, options->listen, &node->address, error));
    if (od_address_is_wildcard(&node->address) && options->advertise == NULL)
        return od_fail(error, OD_BAD_INPUT, "address '%s' stands for many: say which one others are to dial",
                       options->listen);
    int result = node->address.as.any.sa_family == AF_UNIX ? listen_path(node) : listen_tcp(node);
    node->server.handle.data = node;
    if (result == 0)
        result = uv_listen(&node->server.stream, 128, on_connection);
    if (result != 0)
        return od_fail(error, status_of_listening(result), "listening at '%s': %s", options->listen, uv_strerror(result));
    struct od_address advertised = node->address;
    if (options->advertise != NULL)
        OD_TRY(check_address(node, options->advertise, &advertised, error));
    memcpy(node->advertised, advertised.text, sizeof(node->advertised));
    return OD_OK;
}

/* As under nohup: whoever started us wants no end by it. */
static bool is_ignored(int number)
{
    struct sigaction action;
    return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

static enum od_status start_loop(struct od_node *node, struct od_error *error)
{
    int result = uv_loop_init(&node->loop);
    if (result != 0)
        return od_fail(error, OD_IO, "making a loop: %s", uv_strerror(result));
    node->has_loop = true;
    uv_prepare_init(&node->loop, &node->prepare); /* these can't fail */
    uv_check_init(&node->loop, &node->check);
    uv_idle_init(&node->loop, &node->idle);
    uv_timer_init(&node->loop, &node->alarm);
    node->prepare.data = node->check.data = node;
    uv_prepare_start(&node->prepare, on_prepare);
    uv_check_start(&node->check, on_check);
    result = uv_async_init(&node->loop, &node->wake, on_wake);
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
    for (int i = 0; i < 3 && result == 0 && node->options.handle_signals; i++) {
        result = uv_signal_init(&node->loop, &node->signals[i]);
        node->signals[i].data = node;
        if (result == 0 && !is_ignored(numbers[i]))
            result = uv_signal_start_oneshot(&node->signals[i], on_signal, numbers[i]);
    }
    return result == 0 ? OD_OK : od_fail(error, OD_IO, "starting a loop: %s", uv_strerror(result));
}

static enum od_status start_disk(struct od_node *node, struct od_error *error)
{
    if (node->options.directory == NULL)
        return OD_OK;
    OD_TRY(od_posix_disk_new(node->memory, node->options.directory, &node->disk, error));
    node->world.disk = od_posix_disk_part(node->disk);
    OD_TRY(od_posix_disk_adopt(node->disk, error));
    return node->options.keep_files ? OD_OK : od_posix_disk_empty(node->disk, error);
}

static enum od_status start_actor(struct od_node *node, struct od_error *error)
{
    const struct od_node_options *options = &node->options;
    if (options->dress != NULL)
        options->dress(options->self, &node->world);
    if (options->factory.make == NULL)
        return OD_OK;
    OD_TRY(options->factory.make(options->factory.self, &node->world, &node->actor, error));
    node->has_actor = true;
    return OD_OK;
}

static enum od_status start(struct od_node *node, struct od_error *error)
{
    const struct od_node_options *options = &node->options;
    struct od_address driver;
    OD_TRY(start_loop(node, error));
    if (options->is_child)
        OD_TRY(od_lifeline_new(node->memory, STDIN_FILENO, ORPHAN_GRACE_NS, on_orphaned, node,
                               &node->lifeline, error));
    if (options->driver != NULL)
        OD_TRY(check_address(node, options->driver, &driver, error));
    OD_TRY(od_peers_init(node, options->driver, error));
    OD_TRY(start_server(node, error)); /* first: a second one of the same address must not come to the first one's files */
    OD_TRY(start_disk(node, error));
    return start_actor(node, error);
}

enum od_status od_node_new(struct od_memory *memory, const struct od_node_options *options,
                           struct od_node **node_out, struct od_error *error)
{
    *node_out = NULL;
    od_assert(options->incarnation > 0);
    struct od_node *node = od_take(memory, sizeof(*node));
    if (node == NULL)
        return od_fail(error, OD_NO_MEMORY, "making a node");
    node->memory = memory;
    node->options = *options;
    node->options.limits = with_defaults(options->limits);
    node->run_end_ns = OD_NODE_NEVER;
    atomic_init(&node->end, OD_NODE_RUNS);
    od_timers_init(&node->timers, memory);
    od_timers_init(&node->departures, memory);
    make_world(node);
    (void)signal(SIGPIPE, SIG_IGN);
    enum od_status status = start(node, error);
    node->options.listen = node->options.driver = node->options.advertise = node->options.directory = NULL;
    if (status == OD_OK)
        *node_out = node;
    else
        od_node_free(node);
    return status;
}

/* --- the end --- */

static void free_queue(struct od_node *node, struct od_mail_queue *queue)
{
    struct od_message *message;
    while ((message = od_mail_pop(queue)) != NULL)
        od_message_free(node->memory, message);
}

/* The actor is gone; what it has said is still to be sent. */
static void say_goodbye(struct od_node *node)
{
    node->run_end_ns = after_ns(node, node->options.limits.goodbye_ns);
    bool has_unsent = true;
    while (has_unsent && od_node_now_ns(node) < node->run_end_ns) {
        has_unsent = false;
        for (struct od_link *link = node->links; link != NULL; link = link->next)
            has_unsent |= link->state == OD_LINK_OPEN && link->unsent.count + link->in_flight.count > 0;
        if (has_unsent)
            (void)uv_run(&node->loop, UV_RUN_ONCE);
    }
}

static void close_handle(uv_handle_t *handle)
{
    if (handle->loop != NULL && !uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void close_loop(struct od_node *node)
{
    for (struct od_link *link = node->links; link != NULL; link = link->next)
        od_link_close(link, NULL);
    if (node->has_server)
        close_handle(&node->server.handle); /* libuv removes a Unix path */
    uv_handle_t *handles[] = {(uv_handle_t *)&node->prepare,   (uv_handle_t *)&node->check,
                              (uv_handle_t *)&node->idle,      (uv_handle_t *)&node->alarm,
                              (uv_handle_t *)&node->wake,      (uv_handle_t *)&node->signals[0],
                              (uv_handle_t *)&node->signals[1], (uv_handle_t *)&node->signals[2]};
    for (size_t i = 0; i < sizeof(handles) / sizeof(handles[0]); i++)
        close_handle(handles[i]);
    (void)uv_run(&node->loop, UV_RUN_DEFAULT);
    int result = uv_loop_close(&node->loop);
    od_assert(result == 0);
}

void od_node_free(struct od_node *node)
{
    if (node == NULL)
        return;
    node->is_ending = true;
    if (node->has_actor)
        node->actor.ops->free(node->actor.self);
    od_timers_release(&node->timers);
    struct od_timer departure;
    while (od_timers_take_due(&node->departures, UINT64_MAX, UINT64_MAX, &departure))
        od_node_drop(node, departure.message);
    od_timers_release(&node->departures);
    od_posix_disk_free(node->disk);
    if (node->has_loop)
        say_goodbye(node);
    od_lifeline_free(node->lifeline);
    if (node->has_loop)
        close_loop(node);
    free_queue(node, &node->mail);
    od_give(node->memory, node->peers, node->peer_capacity * sizeof(node->peers[0]));
    od_give(node->memory, node, sizeof(*node));
}

/* --- questions --- */

const char *od_node_address(const struct od_node *node)
{
    return node->address.text;
}

int od_node_signal(const struct od_node *node)
{
    return node->signal;
}

struct uv_loop_s *od_node_loop(struct od_node *node)
{
    return &node->loop;
}

struct od_world *od_node_world(struct od_node *node)
{
    return &node->world;
}

bool od_node_reaches(const struct od_node *node, uint32_t id, uint32_t *incarnation_out)
{
    const struct od_peer *peer = od_peer_find(node, id);
    bool reaches = peer != NULL && peer->link != NULL && peer->link->state == OD_LINK_OPEN;
    *incarnation_out = reaches ? peer->link->peer_incarnation : 0;
    return reaches;
}

struct od_node_facts od_node_facts(const struct od_node *node)
{
    struct od_node_facts facts = node->facts;
    facts.live_blocks = node->budget.live_block_count;
    facts.open_files = node->disk == NULL ? 0 : od_posix_disk_open_files(node->disk);
    return facts;
}
