/* command_executor: `ordeal executor --connect ADDR ...`: one executor of a cluster, as a process.
 *
 *   PLAN bytes --query_plan, table_store--> queries, which the executor runs tasks of until the driver ends them */
#include <string.h>

#include "engine/run/executor.h"
#include "harness/commands.h"
#include "harness/exit_status.h"
#include "harness/node_command.h"
#include "harness/node_faults.h"
#include "harness/query_plan.h"

struct planned {
    struct planned *next;
    struct od_arena arena; /* of the plan, and of its bytes */
    struct od_query query;
};

struct hosted {
    struct od_cluster_options cluster;
    struct od_table_store *store;
    struct od_node_faults faults;
    struct od_node *node;
    struct planned *queries; /* owned; newest first */
    struct od_query_catalog catalog;
};

/* --- the catalog -------------------------------------------------------------------------------- */

static const struct od_query *find_query(void *self, uint32_t query_id)
{
    for (const struct planned *planned = ((struct hosted *)self)->queries; planned != NULL; planned = planned->next)
        if (planned->query.query_id == query_id)
            return &planned->query;
    return NULL;
}

static void free_planned(struct planned *planned)
{
    od_arena_release(&planned->arena);
    od_give(od_posix_memory(), planned, sizeof(*planned));
}

static enum od_status add_query(void *self, uint32_t query_id, const uint8_t *bytes, size_t size, struct od_error *error)
{
    struct hosted *hosted = self;
    struct od_table_finder finder = od_table_store_finder(hosted->store);
    struct planned *planned = od_take(od_posix_memory(), sizeof(*planned));
    if (planned == NULL)
        return od_fail(error, OD_NO_MEMORY, "taking a plan");
    od_arena_init(&planned->arena, od_posix_memory(), 0);
    od_table_store_begin(hosted->store, query_id);
    uint8_t *copy = od_arena_take_raw(&planned->arena, size);
    enum od_status status = copy == NULL ? od_fail(error, OD_NO_MEMORY, "taking a plan") : OD_OK;
    if (status == OD_OK) {
        memcpy(copy, bytes, size);
        status = od_query_plan_read(&planned->arena, &finder, copy, size, query_id, &planned->query, error);
        planned->query.options.cluster = hosted->cluster; /* whatever the client thinks */
    }
    if (status != OD_OK) {
        od_table_store_end(hosted->store, query_id);
        free_planned(planned);
        return status;
    }
    planned->next = hosted->queries;
    hosted->queries = planned;
    return OD_OK;
}

static void remove_query(void *self, uint32_t query_id)
{
    struct hosted *hosted = self;
    for (struct planned **at = &hosted->queries; *at != NULL; at = &(*at)->next) {
        struct planned *planned = *at;
        if (planned->query.query_id != query_id)
            continue;
        *at = planned->next;
        free_planned(planned);
        od_table_store_end(hosted->store, query_id);
        return;
    }
}

/* Decommissioned: the process ends well. */
static void leave_cluster(void *self)
{
    od_node_stop(((struct hosted *)self)->node);
}

/* --- the command -------------------------------------------------------------------------------- */

static enum od_status make_executor(void *self, struct od_world *world, struct od_actor *actor_out, struct od_error *error)
{
    struct hosted *hosted = self;
    hosted->catalog = (struct od_query_catalog){find_query, add_query, remove_query, leave_cluster, hosted};
    od_node_faults_dress(&hosted->faults, world);
    return od_executor_new(world, &hosted->cluster, &hosted->catalog, actor_out, error);
}

static int run(const struct od_arguments *arguments)
{
    struct hosted hosted = {0};
    struct od_node_options options;
    struct od_error error = {0};
    uint64_t id = 0;
    enum od_status status = od_node_command_read(arguments, &options, &hosted.cluster, &error);
    if (status == OD_OK)
        status = od_arguments_number(arguments, "id", 1, 1000, &id, &error);
    options.driver = od_arguments_text(arguments, "connect", NULL);
    if (status == OD_OK && (options.driver == NULL || id == 0))
        status = od_fail(&error, OD_BAD_INPUT, "ordeal executor: expected --connect ADDR and --id N");
    if (status == OD_OK)
        status = od_node_faults_read(&hosted.faults, arguments, hosted.cluster.executors_max + 1, &hosted.node, &error);
    if (status != OD_OK) {
        od_node_faults_release(&hosted.faults);
        return od_exit_with(&error);
    }
    options.actor_id = (uint32_t)id;
    options.factory = (struct od_actor_factory){make_executor, &hosted};
    int result = od_node_command_run(arguments, &options, &hosted.store, &hosted.node);
    while (hosted.queries != NULL) {
        struct planned *planned = hosted.queries;
        hosted.queries = planned->next;
        free_planned(planned);
    }
    od_node_faults_release(&hosted.faults);
    return result;
}

static const struct od_option options[] = {
    {"connect", "ADDR", "the driver's address", false},
    {"id", "N", "which of the cluster's executors it is: 1, 2...", false},
    OD_NODE_COMMAND_OPTIONS,
    OD_NODE_FAULTS_OPTIONS,
    {NULL, NULL, NULL, false},
};
const struct od_command od_command_executor = {
    .name = "executor",
    .sentence = "is an executor of a cluster of processes",
    .more = "`--deploy processes` starts them by itself.\n"
            "example: ordeal executor --id 1 --connect unix:/tmp/c/driver --listen unix:/tmp/c/1.socket \\\n"
            "             --dir /tmp/c/1 --tables /tmp/c/tables",
    .options = options,
    .run = run,
};
