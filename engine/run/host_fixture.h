/* host_fixture: the smallest world that a driver and its executors can live in, for the tests of this folder only.
 *
 *   queue of (time, sequence) -> start | message | timer      one thread, virtual time, files in memory
 *
 * Each run may be disturbed by a few disturbances, each aimed by a plain number: the k-th event, message, point, disk
 * call or allocation of the run. A sweep over k then reaches every moment. The simulation of chaos/ is the real thing; this
 * one exists because the engine's folders include nothing outside, and because a test of recovery should rest on little.
 *
 * Included by one test program each: all functions are static. */
#ifndef OD_RUN_HOST_FIXTURE_H
#define OD_RUN_HOST_FIXTURE_H

#include <string.h>

#include "engine/core/assert.h"
#include "engine/core/sweep.h"
#include "engine/run/driver.h"
#include "engine/run/executor.h"
#include "engine/run/protocol.h"

#define HOST_ACTORS_MAX  6
#define HOST_EVENTS_MAX  4096
#define HOST_TRACE_MAX   65536
#define HOST_NEVER       UINT64_MAX
#define HOST_MS          UINT64_C(1000000)
#define HOST_SECOND      (1000 * HOST_MS)
#define HOST_STEPS_LIMIT 400000

enum host_effect {
    HOST_NOTHING,
    HOST_CRASH,     /* event k: the executor (or driver: 0) dies before it, lives again after delay_ns */
    HOST_POWER_CUT, /* event k: the same, and what was not synced is lost */
    HOST_DRAIN,     /* event k: the executor is to be decommissioned */
    HOST_ADD,       /* event k: one more executor, up to executors_max */
    HOST_PAUSE,     /* event k: the executor stands still for delay_ns */
    HOST_LOSE,      /* message k */
    HOST_DELAY,     /* message k, by delay_ns */
    HOST_DUPLICATE, /* message k, the copy later by delay_ns */
    HOST_DAMAGE,    /* message k: one bit of its body */
    HOST_CLOG, /* from message k on for delay_ns: mail of the driver to an executor arrives only at the end */
    HOST_POINT_FAIL, /* point k: TASK_FAILED */
    HOST_POINT_GONE, /* point k: EXECUTOR_GONE, lives again after delay_ns */
    HOST_POINT_FLIP, /* point k: one bit of what passes */
    HOST_POINT_CUT,  /* point k: the last byte of what passes */
    HOST_POINT_MISSING /* point k: MISSING */,
    HOST_DISK_FAIL, /* disk call k: IO */
    HOST_REFUSE,    /* allocation k of the actors */
    HOST_TIMER_TWICE /* timer k comes again, later by delay_ns */
};

struct host_disturbance {
    enum host_effect effect;
    uint64_t at;       /* k */
    uint64_t until;    /* 0: once; else for all k in [at, until) */
    uint32_t executor; /* crash, pause */
    uint64_t delay_ns;
};

struct host_event {
    uint64_t time_ns;
    uint64_t sequence;
    enum { HOST_START, HOST_MESSAGE, HOST_TIMER, HOST_SUBMIT } kind;
    uint32_t actor;
    uint32_t life;
    uint64_t tag;
    struct od_message *message; /* owned */
};

struct od_file {
    struct od_file *next;
    char name[64];
    uint32_t open_count;
    struct od_buffer bytes;
    size_t synced_bytes;
};

struct host;
struct host_actor {
    struct host *host;
    uint32_t id;
    bool alive;
    bool dies; /* at the end of the handler that runs */
    uint64_t restart_ns;
    uint64_t paused_until_ns;
    uint32_t incarnation;
    struct od_actor actor;
    struct od_world world;
    struct od_file *files;
};

struct host {
    const struct od_query *query; /* that runs, or is about to */
    const struct od_query *first;
    bool is_between; /* the first has ended, the second not begun */
    struct od_query_catalog catalog;
    const struct host_disturbance *disturbances;
    uint32_t disturbance_count;
    struct od_countdown memory;   /* of all actors */
    struct od_countdown messages; /* of messages */
    struct od_stream latency;
    struct od_stream engine;
    struct host_actor actors[HOST_ACTORS_MAX];
    uint32_t actor_count;
    uint32_t started_count; /* those after it may be added */
    struct host_event events[HOST_EVENTS_MAX];
    uint32_t event_count;
    uint64_t now_ns;
    uint64_t sequence;
    uint64_t event_index; /* what sweeps count */
    uint64_t message_index;
    uint64_t point_index;
    uint64_t timer_index;
    uint64_t disk_index;
    uint64_t clogged_until_ns;
    uint32_t clogged_executor;
    bool journal_is_harmed; /* writing it failed, or wrote something else: a next life of the driver may know of nothing */
    uint32_t files_at_end; /* that executors had not removed after the end of the query */
    bool ended;
    struct od_outcome outcome;
    uint32_t trace_count;
    struct od_event trace[HOST_TRACE_MAX];
};

/* What everything of the host is taken from; the test program sets it. */
static struct od_memory *host_memory;
/* Begins when the first query has its answer; then that of this one is the outcome. NULL: there is one query. */
static const struct od_query *host_second;

/* The disturbance of one of `effects` (bits) that is due at index k, or NULL. */
static const struct host_disturbance *host_due(const struct host *host, uint32_t effects, uint64_t k)
{
    for (uint32_t i = 0; i < host->disturbance_count; i++) {
        const struct host_disturbance *disturbance = &host->disturbances[i];
        bool is_due =
            disturbance->until == 0 ? k == disturbance->at : k >= disturbance->at && k < disturbance->until;
        if ((effects & (1u << disturbance->effect)) != 0 && is_due)
            return disturbance;
    }
    return NULL;
}

static void host_push(struct host *host, struct host_event event)
{
    od_assert(host->event_count < HOST_EVENTS_MAX);
    event.sequence = host->sequence++;
    host->events[host->event_count++] = event;
}

/* --- the world's parts ----------------------------------------------------------------------------------------- */

static uint64_t host_now(void *self)
{
    return ((struct host_actor *)self)->host->now_ns;
}

static void host_trace(void *self, const struct od_event *event)
{
    struct host *host = ((struct host_actor *)self)->host;
    od_assert(host->trace_count < HOST_TRACE_MAX);
    host->trace[host->trace_count++] = *event;
}

static struct od_message *host_copy_message(struct host *host, const struct od_message *message)
{
    struct od_message *copy = od_message_new(&host->messages.memory, message->body_bytes);
    uint8_t *body = copy->body;
    *copy = *message;
    copy->body = body;
    memcpy(body, message->body, message->body_bytes);
    return copy;
}

static void host_send(void *self, struct od_message *message)
{
    struct host_actor *actor = self;
    struct host *host = actor->host;
    uint64_t k = host->message_index++;
    uint64_t delay_ns = 50000 + od_random_below(&host->latency.random, 450000);
    const struct host_disturbance *due =
        host_due(host, 1u << HOST_LOSE | 1u << HOST_DELAY | 1u << HOST_DUPLICATE | 1u << HOST_DAMAGE, k);
    bool is_lost =
        actor->dies || (due != NULL && due->effect == HOST_LOSE) || message->to >= host->actor_count;
    if (is_lost) {
        od_message_free(&host->messages.memory, message);
        return;
    }
    struct host_event event = {
        .time_ns = host->now_ns + delay_ns, .kind = HOST_MESSAGE, .actor = message->to};
    const struct host_disturbance *clog = host_due(host, 1u << HOST_CLOG, k);
    if (clog != NULL) {
        host->clogged_until_ns = host->now_ns + clog->delay_ns;
        host->clogged_executor = clog->executor;
    }
    if (message->from == 0 && message->to == host->clogged_executor && event.time_ns < host->clogged_until_ns)
        event.time_ns = host->clogged_until_ns;
    if (due != NULL && due->effect == HOST_DELAY)
        event.time_ns += due->delay_ns;
    if (due != NULL && due->effect == HOST_DAMAGE)
        message->body[(k * 7) % message->body_bytes] ^= 4;
    if (due != NULL && due->effect == HOST_DUPLICATE) {
        struct host_event copy = event;
        copy.time_ns += due->delay_ns;
        copy.message = host_copy_message(host, message);
        host_push(host, copy);
    }
    event.message = message;
    host_push(host, event);
}

static void host_timer(void *self, uint64_t delay_ns, uint64_t tag)
{
    struct host_actor *actor = self;
    struct host_event event = {.time_ns = actor->host->now_ns + delay_ns,
                               .kind = HOST_TIMER,
                               .actor = actor->id,
                               .life = actor->incarnation,
                               .tag = tag};
    host_push(actor->host, event);
    const struct host_disturbance *due = host_due(actor->host, 1u << HOST_TIMER_TWICE, actor->host->timer_index++);
    if (due == NULL)
        return;
    event.time_ns += due->delay_ns;
    host_push(actor->host, event);
}

static enum od_status host_point(void *self, enum od_point point, const struct od_site *site,
                                 struct od_point_bytes *bytes, struct od_error *error)
{
    struct host_actor *actor = self;
    struct host *host = actor->host;
    uint64_t k = host->point_index++;
    const struct host_disturbance *due =
        host_due(host,
                 1u << HOST_POINT_FAIL | 1u << HOST_POINT_GONE | 1u << HOST_POINT_FLIP |
                     1u << HOST_POINT_CUT | 1u << HOST_POINT_MISSING,
                 k);
    (void)site;
    if (due == NULL || (due->effect == HOST_POINT_GONE && actor->id == 0))
        return OD_OK;
    host->journal_is_harmed =
        host->journal_is_harmed || point == OD_POINT_JOURNAL_WRITE || point == OD_POINT_JOURNAL_SYNC;
    enum od_status status = OD_OK;
    if (due->effect == HOST_POINT_FLIP && bytes != NULL && bytes->size != 0)
        bytes->bytes[(k * 13) % bytes->size] ^= 16;
    if (due->effect == HOST_POINT_CUT && bytes != NULL && bytes->size != 0)
        bytes->size--;
    if (due->effect == HOST_POINT_FAIL)
        status = OD_TASK_FAILED;
    if (due->effect == HOST_POINT_MISSING && point == OD_POINT_BLOCK_SERVE)
        status = OD_MISSING;
    if (due->effect == HOST_POINT_GONE) {
        status = OD_EXECUTOR_GONE;
        actor->dies = true;
        actor->restart_ns = due->delay_ns;
    }
    if (status != OD_OK) {
        od_fail(error, status, "injected at %s", od_point_text(point));
        if (error != NULL)
            error->injected = true;
    }
    return status;
}

/* --- files ----------------------------------------------------------------------------------------------------- */

static enum od_status host_disk_call(struct host_actor *actor, struct od_error *error)
{
    od_assert(!actor->dies); /* a dead executor must not touch its disk */
    if (host_due(actor->host, 1u << HOST_DISK_FAIL, actor->host->disk_index++) == NULL)
        return OD_OK;
    return od_fail(error, OD_IO, "injected");
}

static struct od_file **host_find_file(struct host_actor *actor, const char *name)
{
    struct od_file **link = &actor->files;
    while (*link != NULL && strcmp((*link)->name, name) != 0)
        link = &(*link)->next;
    return link;
}

static void host_remove_file(struct od_file **link)
{
    struct od_file *file = *link;
    od_assert(file->open_count == 0);
    *link = file->next;
    od_buffer_release(&file->bytes);
    od_give(host_memory, file, sizeof(*file));
}

static enum od_status host_create(void *self, const char *name, struct od_file **file_out,
                                  struct od_error *error)
{
    struct host_actor *actor = self;
    *file_out = NULL;
    enum od_status status = host_disk_call(actor, error);
    if (status != OD_OK)
        return status;
    struct od_file **link = host_find_file(actor, name);
    if (*link == NULL) {
        *link = od_take(host_memory, sizeof(**link));
        od_buffer_init(&(*link)->bytes, host_memory);
        strncpy((*link)->name, name, sizeof((*link)->name) - 1);
    }
    od_buffer_reset(&(*link)->bytes);
    (*link)->synced_bytes = 0;
    (*link)->open_count++;
    *file_out = *link;
    return OD_OK;
}

static enum od_status host_open(void *self, const char *name, struct od_file **file_out,
                                struct od_error *error)
{
    struct host_actor *actor = self;
    *file_out = NULL;
    enum od_status status = host_disk_call(actor, error);
    if (status != OD_OK)
        return status;
    struct od_file *file = *host_find_file(actor, name);
    if (file == NULL)
        return od_fail(error, OD_MISSING, "no file %s", name);
    file->open_count++;
    *file_out = file;
    return OD_OK;
}

static enum od_status host_write(void *self, struct od_file *file, uint64_t offset, const void *bytes,
                                 size_t size, struct od_error *error)
{
    enum od_status status = host_disk_call(self, error);
    if (status != OD_OK)
        return status;
    od_assert(offset <= file->bytes.size);
    if (offset + size > file->bytes.size)
        od_buffer_append_zeros(&file->bytes, offset + size - file->bytes.size);
    memcpy(file->bytes.bytes + offset, bytes, size);
    return OD_OK;
}

static enum od_status host_read(void *self, struct od_file *file, uint64_t offset, void *bytes, size_t size,
                                struct od_error *error)
{
    enum od_status status = host_disk_call(self, error);
    if (status != OD_OK)
        return status;
    if (offset + size > file->bytes.size)
        return od_fail(error, OD_CORRUPT, "file ends");
    memcpy(bytes, file->bytes.bytes + offset, size);
    return OD_OK;
}

static enum od_status host_sync(void *self, struct od_file *file, struct od_error *error)
{
    enum od_status status = host_disk_call(self, error);
    if (status == OD_OK)
        file->synced_bytes = file->bytes.size;
    return status;
}

static enum od_status host_size(void *self, struct od_file *file, uint64_t *bytes_out, struct od_error *error)
{
    *bytes_out = file->bytes.size;
    return host_disk_call(self, error);
}

static void host_close(void *self, struct od_file *file)
{
    (void)self;
    if (file != NULL)
        file->open_count--;
}

static enum od_status host_remove(void *self, const char *name, struct od_error *error)
{
    struct od_file **link = host_find_file(self, name);
    if (*link == NULL)
        return od_fail(error, OD_MISSING, "no file %s", name);
    host_remove_file(link);
    return OD_OK;
}

static const struct od_disk_ops host_disk_ops = {host_create, host_open, host_write, host_read,
                                                 host_sync,   host_size, host_close, host_remove};
static const struct od_points_ops host_points_ops = {host_point};
static const struct od_trace_ops host_trace_ops = {host_trace};

/* --- lives ----------------------------------------------------------------------------------------------------- */

static void host_ended(void *self, uint32_t query_id, struct od_outcome *outcome)
{
    struct host *host = self;
    od_assert(query_id == host->query->query_id);
    od_assert(!host->ended);
    if (host_second != NULL && host->query != host_second && outcome->status == OD_OK) {
        od_table_free(&host->memory.memory, outcome->answer);
        host->query = host_second;
        host->is_between = true;
        host_push(host, (struct host_event){.time_ns = host->now_ns + 3 * HOST_MS, .kind = HOST_SUBMIT});
        return;
    }
    host->ended = true;
    host->outcome = *outcome;
}

static const struct od_query *host_find_query(void *self, uint32_t query_id)
{
    struct host *host = self;
    if (query_id == host->first->query_id)
        return host->first;
    return query_id == host->query->query_id ? host->query : NULL;
}

static enum od_status host_make_actor(struct host *host, struct host_actor *actor)
{
    const struct od_cluster_options *options = &host->query->options.cluster;
    if (actor->id != 0)
        return od_executor_new(&actor->world, options, &host->catalog, &actor->actor, NULL);
    const struct od_outcome_sink sink = {host_ended, host};
    enum od_status status = od_driver_new(&actor->world, options, sink, &actor->actor, NULL);
    if (status != OD_OK)
        return status;
    if (!host->ended && !host->is_between)
        status = od_driver_submit(&actor->actor, host->query, NULL);
    od_assert(status != OD_CORRUPT); /* whatever is refused, the journal is its own */
    if (status != OD_OK)
        actor->actor.ops->free(actor->actor.self);
    return status;
}

static void host_start(struct host *host, struct host_actor *actor)
{
    actor->alive = true;
    actor->dies = false;
    actor->paused_until_ns = 0;
    actor->incarnation++;
    actor->world = (struct od_world){.actor_id = actor->id,
                                     .incarnation = actor->incarnation,
                                     .clock = {host_now, actor},
                                     .random = host->engine.random,
                                     .memory = &host->memory.memory,
                                     .disk = {&host_disk_ops, actor},
                                     .net = {host_send, actor, &host->messages.memory},
                                     .schedule = {host_timer, actor},
                                     .points = {&host_points_ops, actor},
                                     .trace = {&host_trace_ops, actor}};
    if (host_make_actor(host, actor) == OD_OK) {
        actor->actor.ops->on_start(actor->actor.self);
        return;
    }
    actor->alive = false; /* memory was refused: try again, as a supervisor would */
    host_push(host,
              (struct host_event){.time_ns = host->now_ns + HOST_MS, .kind = HOST_START, .actor = actor->id});
}

static void host_end_life(struct host_actor *actor, bool with_files)
{
    if (!actor->alive)
        return;
    actor->alive = false;
    actor->dies = false; /* its disk may be spoken to while it is freed: the answers do not matter */
    actor->actor.ops->free(actor->actor.self);
    while (with_files && actor->files != NULL)
        host_remove_file(&actor->files);
}

/* The driver's disk outlives it. */
static void host_kill(struct host *host, struct host_actor *actor, uint64_t delay_ns)
{
    host_end_life(actor, actor->id != 0);
    if (delay_ns != HOST_NEVER)
        host_push(host, (struct host_event){
                            .time_ns = host->now_ns + delay_ns, .kind = HOST_START, .actor = actor->id});
}

/* --- running --------------------------------------------------------------------------------------------------- */

static struct host_event host_pop(struct host *host)
{
    uint32_t first = 0;
    for (uint32_t i = 1; i < host->event_count; i++) {
        const struct host_event *event = &host->events[i];
        const struct host_event *best = &host->events[first];
        if (event->time_ns < best->time_ns ||
            (event->time_ns == best->time_ns && event->sequence < best->sequence))
            first = i;
    }
    struct host_event event = host->events[first];
    host->events[first] = host->events[--host->event_count];
    return event;
}

static void host_disturb_actors(struct host *host, uint64_t k)
{
    const struct host_disturbance *due = host_due(host, 1u << HOST_CRASH | 1u << HOST_POWER_CUT, k);
    if (due != NULL && host->actors[due->executor].alive)
        host_kill(host, &host->actors[due->executor], due->delay_ns);
    if (due != NULL && due->effect == HOST_POWER_CUT)
        for (struct od_file *file = host->actors[due->executor].files; file != NULL; file = file->next)
            file->bytes.size = file->synced_bytes;
    due = host_due(host, 1u << HOST_DRAIN, k);
    if (due != NULL && host->actors[0].alive)
        host->actors[0].actor.ops->on_order(
            host->actors[0].actor.self,
            &(struct od_order){.kind = OD_ORDER_DECOMMISSION, .executor = due->executor});
    if (host_due(host, 1u << HOST_ADD, k) != NULL && host->started_count < host->actor_count)
        host_push(host, (struct host_event){.time_ns = host->now_ns, .kind = HOST_START, .actor = host->started_count++});
    due = host_due(host, 1u << HOST_PAUSE, k);
    if (due != NULL && host->actors[due->executor].alive)
        host->actors[due->executor].paused_until_ns = host->now_ns + due->delay_ns;
}

/* Again, as long as it can't be: the driver is dead, or short of memory. */
static void host_submit(struct host *host, struct host_event *event)
{
    host->is_between = false;
    if (host->actors[0].alive && od_driver_submit(&host->actors[0].actor, host->query, NULL) == OD_OK)
        return;
    host->is_between = true;
    event->time_ns = host->now_ns + HOST_MS;
    host_push(host, *event);
}

static void host_deliver(struct host *host, struct host_event *event)
{
    struct host_actor *actor = &host->actors[event->actor];
    if (event->kind == HOST_SUBMIT) {
        host_submit(host, event);
        return;
    }
    if (event->kind == HOST_START && !actor->alive) {
        host_start(host, actor);
        return;
    }
    if (!actor->alive || event->kind == HOST_START)
        return;
    if (event->kind == HOST_MESSAGE)
        actor->actor.ops->on_message(actor->actor.self, event->message);
    else if (event->life == actor->incarnation)
        actor->actor.ops->on_timer(actor->actor.self, event->tag);
    if (actor->dies)
        host_kill(host, actor, actor->restart_ns);
}

static void host_step(struct host *host)
{
    struct host_event event = host_pop(host);
    if (event.time_ns > host->now_ns)
        host->now_ns = event.time_ns;
    host->now_ns += 1000;
    host_disturb_actors(host, host->event_index++);
    struct host_actor *actor = &host->actors[event.actor];
    if (actor->alive && actor->paused_until_ns > host->now_ns) {
        event.time_ns = actor->paused_until_ns;
        host_push(host, event);
        return;
    }
    host_deliver(host, &event);
    od_message_free(&host->messages.memory, event.message);
}

static uint32_t host_files_left(const struct host *host)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < host->actor_count; i++) {
        for (const struct od_file *file = host->actors[i].files; file != NULL; file = file->next)
            count++;
    }
    return count;
}

/* Runs the query to its end and ends all lives. What is left then is a leak. */
static void host_run(struct host *host, const struct od_query *query,
                     const struct host_disturbance *disturbances, uint32_t disturbance_count, uint64_t seed)
{
    memset(host, 0, offsetof(struct host, events));
    host->event_count = host->trace_count = 0;
    host->now_ns = host->sequence = host->event_index = host->message_index = 0;
    host->point_index = host->timer_index = host->disk_index = 0;
    host->ended = host->journal_is_harmed = false;
    host->clogged_until_ns = host->clogged_executor = 0;
    host->outcome = (struct od_outcome){0};
    host->query = host->first = query;
    host->is_between = false;
    host->catalog = (struct od_query_catalog){.find = host_find_query, .self = host};
    host->disturbances = disturbances;
    host->disturbance_count = disturbance_count;
    const struct host_disturbance *refuse = NULL;
    for (uint32_t i = 0; i < disturbance_count; i++)
        refuse = disturbances[i].effect == HOST_REFUSE ? &disturbances[i] : refuse;
    od_countdown_init(&host->memory, host_memory, refuse == NULL ? UINT64_MAX : refuse->at,
                      refuse != NULL && refuse->until != 0);
    od_countdown_init(&host->messages, host_memory, UINT64_MAX, false);
    od_stream_init(&host->latency, seed, "latency");
    od_stream_init(&host->engine, seed, "engine");
    host->actor_count = query->options.cluster.executors_max + 1;
    host->started_count = query->options.cluster.executor_count + 1;
    od_assert(host->actor_count <= HOST_ACTORS_MAX);
    for (uint32_t i = 0; i < host->actor_count; i++) {
        host->actors[i] = (struct host_actor){.host = host, .id = i};
        if (i < host->started_count)
            host_push(host, (struct host_event){.kind = HOST_START, .actor = i});
    }
    for (uint64_t steps = 0; !host->ended && host->event_count > 0 && steps < HOST_STEPS_LIMIT; steps++)
        host_step(host);
    uint64_t until_ns = host->now_ns + HOST_SECOND; /* END_QUERY arrives, if need be again */
    while (host->event_count > 0 && host->ended && host->now_ns < until_ns)
        host_step(host);
    host->files_at_end = host->ended ? host_files_left(host) : 0;
    for (uint32_t i = 0; i < host->event_count; i++)
        od_message_free(&host->messages.memory, host->events[i].message);
    for (uint32_t i = 0; i < host->actor_count; i++)
        host_end_life(&host->actors[i], false);
}

#endif
