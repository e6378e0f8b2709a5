/* command_driver: `ordeal driver --listen ADDR ...`: the driver of a cluster, as a process. Clients submit queries and take answers
 * (cluster_mail.h).
 *
 *   client --SUBMIT--> hosted query --od_driver_submit--> the driver ... --outcome--> the hosted query --NEWS--> client
 *
 * A query stays until its client has its answer (FORGET) or is gone. A query whose client is gone is cancelled, as nobody wants it.
 *
 * A life of the driver leaves to the next, in the folder DIR.queries: qN.plan, written before the driver hears of the query, and
 * qN.outcome, written before the driver's journal of the query goes. So the next life submits what has no outcome, and has the outcomes
 * that nobody has taken: a query ends once. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/core/hash.h"
#include "engine/io/table_image.h"
#include "engine/run/driver.h"
#include "engine/run/metrics.h"
#include "engine/run/protocol.h"
#include "engine/world/posix_map.h"
#include "harness/cluster_mail.h"
#include "harness/commands.h"
#include "harness/exit_status.h"
#include "harness/file.h"
#include "harness/kept_file.h"
#include "harness/node_command.h"
#include "harness/node_faults.h"
#include "harness/query_plan.h"

#define TRIES_MAX 40 /* one for each mail that comes: about ten seconds */
#define SILENCE_NS UINT64_C(30000000000) /* of a client about its query, about which it asks many times a second */

struct hosted_query {
    struct hosted_query *next;
    uint32_t client;
    bool unwanted; /* goes when it has ended */
    uint32_t tries; /* to take it up; 0: the driver has it, or never will */
    uint64_t asked_ns; /* when its client last said anything about it */
    struct od_arena arena;
    struct od_query query;
    struct od_buffer answer; /* the image of the answer's table */
    struct od_news news;
};

struct hosted {
    struct od_cluster_options cluster;
    struct od_table_store *store;
    struct od_node_faults faults;
    struct od_node *node;
    struct od_world *world;
    struct od_actor actor;
    struct hosted_query *queries; /* owned; newest first */
    char folder[400];
    bool syncs;                  /* what is kept outlives the machine */
    struct od_disk_ops disk_ops; /* that do not sync, else */
};

static uint64_t now_ns(void)
{
    struct od_clock clock = od_posix_clock();
    return clock.now_ns(clock.self);
}

static struct hosted_query *find_query(const struct hosted *hosted, uint32_t query_id)
{
    struct hosted_query *hosted_query = hosted->queries;
    while (hosted_query != NULL && hosted_query->query.query_id != query_id)
        hosted_query = hosted_query->next;
    return hosted_query;
}

/* --- what the next life will know --------------------------------------------------------------- */

static void print_name(char name[32], uint32_t query_id, const char *ending)
{
    snprintf(name, 32, "q%u.%s", query_id, ending);
}

static enum od_status keep_plan(const struct hosted *hosted, const struct hosted_query *query, struct od_error *error)
{
    const struct od_piece parts[] = {{&query->client, sizeof(query->client)},
                                     {query->query.plan_bytes, query->query.plan_size}};
    char name[32];
    print_name(name, query->query.query_id, "plan");
    return od_kept_put(hosted->folder, name, parts, 2, hosted->syncs, error);
}

static enum od_status keep_outcome(const struct hosted *hosted, const struct hosted_query *query, struct od_error *error)
{
    struct od_news news = query->news;
    struct od_buffer buffer;
    char name[32];
    news.piece = (struct od_piece){query->answer.bytes, news.answer_bytes};
    print_name(name, query->query.query_id, "outcome");
    od_buffer_init(&buffer, od_posix_memory());
    enum od_status status = od_mail_write_news(&buffer, &news)
                                ? od_kept_put(hosted->folder, name, &(struct od_piece){buffer.bytes, buffer.size}, 1,
                                              hosted->syncs, error)
                                : od_fail(error, OD_NO_MEMORY, "keeping an outcome");
    od_buffer_release(&buffer);
    return status;
}

static void forget_files(const struct hosted *hosted, uint32_t query_id)
{
    static const char *const endings[] = {"plan", "outcome"}; /* in this order: an outcome alone is nothing */
    for (size_t i = 0; i < 2; i++) {
        char path[440];
        char name[32];
        print_name(name, query_id, endings[i]);
        snprintf(path, sizeof(path), "%s/%s", hosted->folder, name);
        unlink(path);
    }
}

/* --- queries ------------------------------------------------------------------------------------ */

static void free_query(struct hosted *hosted, struct hosted_query *gone)
{
    struct hosted_query **at = &hosted->queries;
    while (*at != gone)
        at = &(*at)->next;
    *at = gone->next;
    if (hosted->store != NULL)
        od_table_store_end(hosted->store, gone->query.query_id);
    od_buffer_release(&gone->answer);
    od_arena_release(&gone->arena);
    od_give(od_posix_memory(), gone, sizeof(*gone));
}

/* --- what clients hear -------------------------------------------------------------------------- */

static void tell(struct hosted *hosted, uint32_t client, const struct od_news *news)
{
    struct od_buffer body;
    od_buffer_init(&body, od_posix_memory());
    if (od_mail_write_news(&body, news)) {
        struct od_message *message = od_message_new(hosted->world->net.message_memory, body.size);
        if (message != NULL) { /* else it is as if lost */
            memcpy(message->body, body.bytes, body.size);
            message->to = client;
            message->kind = OD_MAIL_NEWS;
            od_node_send(hosted->node, message);
        }
    }
    od_buffer_release(&body);
}

static void tell_from(struct hosted *hosted, struct hosted_query *query, uint64_t offset)
{
    struct od_news news = query->news;
    if (offset > news.answer_bytes) /* of another life's answer */
        offset = 0;
    uint64_t left = news.answer_bytes - offset;
    news.offset = offset;
    news.piece.size = left < OD_MAIL_PIECE_BYTES ? left : OD_MAIL_PIECE_BYTES;
    news.piece.bytes = left == 0 ? NULL : query->answer.bytes + offset;
    tell(hosted, query->client, &news);
}

/* --- what becomes of queries -------------------------------------------------------------------- */

static enum od_status keep_answer(struct hosted_query *query, const struct od_table *answer, struct od_error *error)
{
    struct od_arena arena;
    struct od_table_image image;
    od_arena_init(&arena, od_posix_memory(), 0);
    enum od_status status = od_table_image_make(answer, &arena, &image, error);
    for (uint32_t i = 0; status == OD_OK && i < image.part_count; i++)
        od_buffer_append(&query->answer, image.parts[i].bytes, image.parts[i].size);
    if (status == OD_OK && query->answer.failed)
        status = od_fail(error, OD_NO_MEMORY, "keeping an answer");
    od_arena_release(&arena);
    return status;
}

static void take_outcome(void *self, uint32_t query_id, struct od_outcome *outcome)
{
    struct hosted *hosted = self;
    struct hosted_query *query = find_query(hosted, query_id);
    if (query != NULL) {
        query->news.state = OD_NEWS_ENDED;
        query->news.status = outcome->status;
        query->news.error = outcome->error;
        query->news.counts = outcome->counts;
        if (outcome->answer != NULL)
            query->news.status = keep_answer(query, outcome->answer, &query->news.error);
        size_t image_bytes = query->answer.size;
        if (query->news.status == OD_OK && !od_query_metrics_write(&query->answer, outcome->metrics))
            query->news.status = od_fail(&query->news.error, OD_NO_MEMORY, "keeping an answer");
        query->news.metrics_bytes = query->news.status == OD_OK ? query->answer.size - image_bytes : 0;
        query->news.answer_bytes = query->news.status == OD_OK ? query->answer.size : 0;
        if (query->news.answer_bytes > 0)
            query->news.answer_id = od_hash_bytes(query->answer.bytes, (size_t)query->news.answer_bytes, 1);
        struct od_error error = {0};
        enum od_status status = keep_outcome(hosted, query, &error);
        if (status != OD_OK) { /* a next life might find another one */
            query->news.status = status;
            query->news.error = error;
            query->news.answer_bytes = query->news.metrics_bytes = query->news.answer_id = 0;
        }
        tell_from(hosted, query, 0);
    }
    od_table_free(hosted->world->memory, outcome->answer);
    outcome->answer = NULL;
}

/* A query that is known from now on; NULL on refusal. */
static struct hosted_query *add_query(struct hosted *hosted, uint32_t client, uint32_t query_id, const uint8_t *bytes,
                                      size_t size)
{
    struct hosted_query *query = od_take(od_posix_memory(), sizeof(*query));
    if (query == NULL)
        return NULL;
    od_arena_init(&query->arena, od_posix_memory(), 0);
    od_buffer_init(&query->answer, od_posix_memory());
    query->client = client;
    query->asked_ns = now_ns();
    query->news = (struct od_news){.query_id = query_id, .state = OD_NEWS_RUNS};
    uint8_t *copy = od_arena_take_raw(&query->arena, size);
    if (copy == NULL) {
        od_arena_release(&query->arena);
        od_give(od_posix_memory(), query, sizeof(*query));
        return NULL;
    }
    memcpy(copy, bytes, size);
    query->query = (struct od_query){.query_id = query_id, .plan_bytes = copy, .plan_size = size};
    query->next = hosted->queries;
    hosted->queries = query;
    return query;
}

static enum od_status begin(struct hosted *hosted, struct hosted_query *query, struct od_error *error)
{
    struct od_table_finder finder = od_table_store_finder(hosted->store);
    od_table_store_begin(hosted->store, query->query.query_id);
    OD_TRY(od_query_plan_read(&query->arena, &finder, query->query.plan_bytes, query->query.plan_size,
                              query->query.query_id, &query->query, error));
    query->query.options.cluster = hosted->cluster; /* whatever the client thinks */
    return od_driver_submit(&hosted->actor, &query->query, error);
}

/* One that an earlier life had begun waits where only means are wanting: what is written of it may be read another time. */
static void submit(struct hosted *hosted, struct hosted_query *query)
{
    struct od_error error = {0};
    enum od_status status = begin(hosted, query, &error);
    bool may_wait = query->tries != 0 && query->tries < TRIES_MAX && (status == OD_IO || status == OD_NO_MEMORY);
    query->tries = may_wait ? query->tries + 1 : 0;
    if (status == OD_OK || may_wait)
        return;
    query->news.state = OD_NEWS_ENDED;
    query->news.status = status;
    query->news.error = error;
}

static void take_query(struct hosted *hosted, uint32_t client, uint32_t query_id, const uint8_t *bytes, size_t size)
{
    struct hosted_query *query = add_query(hosted, client, query_id, bytes, size);
    if (query == NULL)
        return; /* as if lost */
    query->news.status = keep_plan(hosted, query, &query->news.error);
    if (query->news.status == OD_OK)
        submit(hosted, query);
    else
        query->news.state = OD_NEWS_ENDED;
    if (query->news.state == OD_NEWS_ENDED)
        tell_from(hosted, query, 0);
}

static void submit_again(struct hosted *hosted)
{
    for (struct hosted_query *query = hosted->queries; query != NULL; query = query->next) {
        if (query->tries == 0)
            continue;
        submit(hosted, query);
        if (query->news.state == OD_NEWS_ENDED)
            tell_from(hosted, query, 0);
    }
}

static void cancel(struct hosted *hosted, struct hosted_query *query)
{
    if (query->tries != 0) {
        query->tries = 0;
        query->news.state = OD_NEWS_ENDED;
        query->news.status = od_fail(&query->news.error, OD_CANCELLED, "taking up a query: cancelled");
    }
    const struct od_order order = {.kind = OD_ORDER_CANCEL_QUERY, .query = query->query.query_id};
    if (query->news.state == OD_NEWS_RUNS && hosted->actor.ops->on_order != NULL)
        hosted->actor.ops->on_order(hosted->actor.self, &order);
}

static void drop(struct hosted *hosted, struct hosted_query *query)
{
    query->unwanted = true;
    cancel(hosted, query);
}

/* Those that have ended and that nobody wants; whose client came with an earlier life only may be gone since. Not while the driver
 * works on one. */
static void sweep(struct hosted *hosted)
{
    for (struct hosted_query *next, *at = hosted->queries; at != NULL; at = next) {
        next = at->next;
        if (!at->unwanted && now_ns() - at->asked_ns > SILENCE_NS)
            drop(hosted, at);
        if (!at->unwanted || at->news.state != OD_NEWS_ENDED)
            continue;
        forget_files(hosted, at->query.query_id);
        free_query(hosted, at);
    }
}

static void on_mail(void *self, const struct od_message *message)
{
    struct hosted *hosted = self;
    struct od_reader reader = {.bytes = message->body, .size = message->body_bytes};
    uint32_t query_id;
    uint64_t number;
    sweep(hosted);
    submit_again(hosted);
    if (!od_mail_read(&reader, &query_id, &number))
        return;
    if (message->kind == OD_MAIL_ORDER) {
        const struct od_order order = {.kind = OD_ORDER_DECOMMISSION, .executor = (uint32_t)number};
        hosted->actor.ops->on_order(hosted->actor.self, &order);
        return;
    }
    struct hosted_query *query = find_query(hosted, query_id);
    if (query == NULL && message->kind == OD_MAIL_SUBMIT)
        take_query(hosted, message->from, query_id, reader.bytes + reader.offset, reader.size - reader.offset);
    else if (query == NULL && message->kind == OD_MAIL_ASK)
        tell(hosted, message->from, &(struct od_news){.query_id = query_id, .state = OD_NEWS_UNKNOWN});
    if (query == NULL || query->client != message->from)
        return;
    query->asked_ns = now_ns();
    if (message->kind == OD_MAIL_SUBMIT || message->kind == OD_MAIL_ASK)
        tell_from(hosted, query, message->kind == OD_MAIL_ASK ? number : 0);
    else if (message->kind == OD_MAIL_CANCEL || message->kind == OD_MAIL_FORGET)
        cancel(hosted, query);
    if (message->kind == OD_MAIL_FORGET) {
        query->unwanted = true;
        sweep(hosted);
    }
}

/* --- peers -------------------------------------------------------------------------------------- */

/* Tells the driver that an executor's life seems to be over. */
static void report_gone(struct hosted *hosted, uint32_t id, uint32_t incarnation)
{
    struct od_buffer body;
    od_buffer_init(&body, od_posix_memory());
    od_write_peer_gone(&body, &(struct od_body_peer_gone){.incarnation = incarnation});
    od_body_seal(&body, OD_MESSAGE_PEER_GONE);
    const struct od_message message = {.from = id,
                                       .from_incarnation = incarnation,
                                       .kind = OD_MESSAGE_PEER_GONE,
                                       .body_bytes = body.size,
                                       .body = body.bytes};
    if (!body.failed)
        hosted->actor.ops->on_message(hosted->actor.self, &message);
    od_buffer_release(&body);
}

static void on_peer(void *self, uint32_t id, uint32_t incarnation, bool here)
{
    struct hosted *hosted = self;
    sweep(hosted);
    if (here)
        return;
    if (id < OD_NODE_CLIENT_FIRST) {
        report_gone(hosted, id, incarnation);
        return;
    }
    for (struct hosted_query *query = hosted->queries; query != NULL; query = query->next) {
        if (query->client != id)
            continue;
        drop(hosted, query);
    }
    sweep(hosted);
}

/* --- a next life -------------------------------------------------------------------------------- */

/* An outcome that was kept; false: there is none. */
static bool find_outcome(const struct hosted *hosted, struct hosted_query *query)
{
    struct od_kept_file file;
    struct od_news news;
    char name[32];
    print_name(name, query->query.query_id, "outcome");
    if (od_kept_open(hosted->folder, name, &file, NULL) != OD_OK)
        return false;
    bool found = od_mail_read_news(&file.reader, &news) && news.query_id == query->query.query_id &&
                 news.piece.size == news.answer_bytes &&
                 od_buffer_append(&query->answer, news.piece.bytes, news.piece.size);
    news.piece = (struct od_piece){0};
    if (found)
        query->news = news;
    od_kept_close(&file);
    return found;
}

static void take_up(struct hosted *hosted, const char *name)
{
    struct od_kept_file file;
    uint32_t client;
    unsigned query_id;
    char ending[8];
    if (sscanf(name, "q%u.%7s", &query_id, ending) != 2 || strcmp(ending, "plan") != 0 ||
        od_kept_open(hosted->folder, name, &file, NULL) != OD_OK)
        return;
    client = od_reader_u32(&file.reader);
    if (query_id != 0 && file.reader.offset < file.reader.size) {
        struct hosted_query *query = add_query(hosted, client, query_id, file.reader.bytes + file.reader.offset,
                                               file.reader.size - file.reader.offset);
        if (query != NULL && !find_outcome(hosted, query)) {
            query->tries = 1;
            submit(hosted, query);
        }
    }
    od_kept_close(&file);
}

static enum od_status take_up_all(struct hosted *hosted, struct od_error *error)
{
    OD_TRY(od_folder_make(hosted->folder, error));
    OD_TRY(od_posix_file_sweep(hosted->folder, error));
    DIR *folder = opendir(hosted->folder);
    if (folder == NULL)
        return od_fail(error, OD_IO, "reading folder %s", hosted->folder);
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder))
        take_up(hosted, entry->d_name);
    closedir(folder);
    return OD_OK;
}

/* --- the command -------------------------------------------------------------------------------- */

static enum od_status make_driver(void *self, struct od_world *world, struct od_actor *actor_out, struct od_error *error)
{
    struct hosted *hosted = self;
    hosted->world = world;
    od_node_faults_dress(&hosted->faults, world);
    OD_TRY(od_driver_new(world, &hosted->cluster, (struct od_outcome_sink){take_outcome, hosted}, actor_out, error));
    hosted->actor = *actor_out;
    enum od_status status = take_up_all(hosted, error);
    if (status != OD_OK) {
        actor_out->ops->free(actor_out->self);
        *actor_out = (struct od_actor){0};
    }
    return status;
}

static enum od_status do_not_sync(void *self, struct od_file *file, struct od_error *error)
{
    (void)self;
    (void)file;
    (void)error;
    return OD_OK;
}

/* Executors keep nothing for the end of the machine; unless the driver is asked to, it does not wait for the disk either. */
static void dress(void *self, struct od_world *world)
{
    struct hosted *hosted = self;
    hosted->disk_ops = *world->disk.ops;
    hosted->disk_ops.sync = do_not_sync;
    world->disk.ops = &hosted->disk_ops;
}

static int run(const struct od_arguments *arguments)
{
    struct hosted hosted = {0};
    struct od_node_options options;
    struct od_error error = {0};
    enum od_status status = od_node_command_read(arguments, &options, &hosted.cluster, &error);
    if (status == OD_OK)
        status = od_node_faults_read(&hosted.faults, arguments, hosted.cluster.executors_max + 1, &hosted.node, &error);
    if (status != OD_OK) {
        od_node_faults_release(&hosted.faults);
        return od_exit_with(&error);
    }
    hosted.cluster.journal = true;
    options.keep_files = true;
    snprintf(hosted.folder, sizeof(hosted.folder), "%s.queries", options.directory);
    options.factory = (struct od_actor_factory){make_driver, &hosted};
    options.ops = (struct od_node_ops){.on_mail = on_mail, .on_peer = on_peer};
    options.self = &hosted;
    hosted.syncs = od_arguments_has(arguments, "sync");
    options.dress = hosted.syncs ? NULL : dress;
    int result = od_node_command_run(arguments, &options, &hosted.store, &hosted.node);
    while (hosted.queries != NULL)
        free_query(&hosted, hosted.queries);
    if (hosted.world != NULL) /* else it is maybe another driver's */
        rmdir(hosted.folder); /* unless somebody still wants what is in it */
    od_node_faults_release(&hosted.faults);
    return result;
}

static const struct od_option options[] = {
    OD_NODE_COMMAND_OPTIONS,
    OD_NODE_FAULTS_OPTIONS,
    {"sync", NULL, "what the driver writes down is on the disk before it goes on: for the end of the machine", false},
    {NULL, NULL, NULL, false},
};
const struct od_command od_command_driver = {
    .name = "driver",
    .sentence = "is the driver of a cluster of processes",
    .more = "`--deploy processes` starts one by itself.\n"
            "example: ordeal driver --listen unix:/tmp/c/driver --dir /tmp/c/0 --tables /tmp/c/tables --executors 3",
    .options = options,
    .run = run,
};
