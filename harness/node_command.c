/* node_command: see node_command.h. */
#include "harness/node_command.h"

#include <stdio.h>

#include "harness/event_spool.h"
#include "harness/exit_status.h"
#include "harness/file.h"
#include "harness/knobs.h"

#define MS UINT64_C(1000000)

struct od_cluster_options od_node_cluster_defaults(void)
{
    const struct od_run_options options = {.cluster = {.executor_count = 3,
                                                       .slots_per_executor = 1,
                                                       .backlog_per_slot = 1,
                                                       .heartbeat_ns = 50 * MS,
                                                       .lease_ns = 10000 * MS, /* who dies is seen at once: its connection ends */
                                                       .resend_ns = 200 * MS}};
    return od_run_options_resolve(&options).cluster;
}

static enum od_status read_secret(const struct od_arguments *arguments, struct od_secret *secret, struct od_error *error)
{
    const char *path = od_arguments_text(arguments, "secret-file", NULL);
    if (path != NULL)
        return od_secret_from_file(path, secret, error);
    enum od_status status = od_secret_from_environment(OD_SECRET_VARIABLE, secret, error);
    return status == OD_MISSING ? OD_OK : status;
}

static enum od_status need(const struct od_arguments *arguments, const char *name, const char **text_out,
                           struct od_error *error)
{
    *text_out = od_arguments_text(arguments, name, NULL);
    return *text_out != NULL ? OD_OK
                             : od_fail(error, OD_BAD_INPUT, "ordeal %s: expected --%s", arguments->command->name, name);
}

enum od_status od_node_command_read(const struct od_arguments *arguments, struct od_node_options *options_out,
                                    struct od_cluster_options *cluster_out, struct od_error *error)
{
    struct od_run_options run = {.cluster = od_node_cluster_defaults()};
    OD_TRY(od_knobs_read(arguments, &run, error));
    struct od_cluster_options cluster = run.cluster;
    uint64_t incarnation = 1;
    uint64_t executors = cluster.executor_count;
    uint64_t slots = cluster.slots_per_executor;
    const char *tables;
    *options_out = (struct od_node_options){
        .advertise = od_arguments_text(arguments, "advertise", NULL),
        .allow_remote = od_arguments_has(arguments, "allow-remote"),
        .is_child = od_arguments_has(arguments, "child"),
        .handle_signals = true,
        .seed = od_posix_seed(),
    };
    OD_TRY(need(arguments, "listen", &options_out->listen, error));
    OD_TRY(need(arguments, "dir", &options_out->directory, error));
    OD_TRY(need(arguments, "tables", &tables, error));
    OD_TRY(od_arguments_number(arguments, "incarnation", 1, UINT32_MAX, &incarnation, error));
    OD_TRY(od_arguments_number(arguments, "executors", 1, 1000, &executors, error));
    OD_TRY(od_arguments_number(arguments, "slots", 1, 64, &slots, error));
    OD_TRY(od_arguments_duration(arguments, "heartbeat", &cluster.heartbeat_ns, error));
    OD_TRY(od_arguments_duration(arguments, "lease", &cluster.lease_ns, error));
    OD_TRY(od_arguments_duration(arguments, "resend", &cluster.resend_ns, error));
    OD_TRY(read_secret(arguments, &options_out->secret, error));
    cluster.executor_count = (uint32_t)executors;
    cluster.executors_max = cluster.executor_count;
    cluster.slots_per_executor = (uint32_t)slots;
    options_out->incarnation = (uint32_t)incarnation;
    *cluster_out = cluster;
    return OD_OK;
}

int od_node_command_run(const struct od_arguments *arguments, const struct od_node_options *options,
                        struct od_table_store **store, struct od_node **node)
{
    struct od_error error = {0};
    struct od_event_spool spool = {.file = -1};
    struct od_node_options with_trace = *options;
    const char *path = od_arguments_text(arguments, "spool", NULL);
    if (path != NULL && od_event_spool_open(path, &spool, &error) != OD_OK)
        return od_exit_with(&error);
    with_trace.trace = od_event_spool_trace(&spool);
    enum od_status status = od_table_store_new(
        od_posix_memory(), od_arguments_text(arguments, "tables", NULL), OD_TABLES_KEPT, store, &error);
    if (status == OD_OK)
        status = od_node_new(od_posix_memory(), &with_trace, node, &error);
    if (status == OD_OK && !options->is_child)
        fprintf(stderr, "ordeal %s: listening at %s\n", arguments->command->name, od_node_address(*node));
    if (status == OD_OK)
        status = od_node_run(*node, OD_NODE_NEVER, &error);
    od_node_free(*node);
    od_table_store_free(*store);
    *store = NULL;
    od_event_spool_close(&spool);
    return status == OD_OK || status == OD_CANCELLED ? OD_EXIT_HELD : od_exit_with(&error);
}
