/* node_command: what `ordeal driver` and `ordeal executor` have in common: their options, their secret, their end. */
#ifndef OD_HARNESS_NODE_COMMAND_H
#define OD_HARNESS_NODE_COMMAND_H

#include "engine/run/query.h"
#include "engine/world/posix_net.h"
#include "harness/arguments.h"
#include "harness/knobs.h"
#include "harness/table_store.h"

/* Where a supervisor puts the secret for its children. */
#define OD_SECRET_VARIABLE "ORDEAL_SECRET"
/* Tables that stay mapped though no query uses them. */
#define OD_TABLES_KEPT 16

#define OD_NODE_COMMAND_OPTIONS                                                                              \
    {"listen", "ADDR", "where others reach it: tcp:HOST:PORT or unix:PATH", false},                          \
        {"dir", "DIR", "a folder for its files, for it alone", false},                                       \
        {"tables", "DIR", "the folder of the tables that queries read", false},                              \
        {"secret-file", "FILE", "the cluster's secret; or in the environment, as " OD_SECRET_VARIABLE, false}, \
        {"allow-remote", NULL, "addresses of other machines are fine; needs a secret", false},               \
        {"advertise", "ADDR", "what others dial, if it is not the address listened to", false},              \
        {"incarnation", "N", "its life: larger than that of any earlier process in its place (default 1)", false}, \
        {"executors", "N", "how many executors the cluster begins with (default 3)", false},                 \
        {"slots", "N", "tasks that run at once on an executor (default 1)", false},                          \
        {"heartbeat", "TIME", "between an executor's signs of life (default 50ms)", false},                  \
        {"lease", "TIME", "silence after which an executor is given up (default 10s)", false},                \
        OD_KNOB_OPTION,                                                                                      \
        {"spool", "FILE", "where its events go, for a supervisor to read", false},                           \
        {"resend", "TIME", "until an unanswered request is sent again (default 200ms)", false},              \
    {                                                                                                        \
        "child", NULL, "end when standard input ends: how a supervisor starts it", false                     \
    }

/* Processes answer more slowly than threads. */
struct od_cluster_options od_node_cluster_defaults(void);
/* Of the options above; texts are borrowed from the arguments. `actor_id`, `driver`, factory and ops are the caller's. */
enum od_status od_node_command_read(const struct od_arguments *arguments, struct od_node_options *options_out,
                                    struct od_cluster_options *cluster_out, struct od_error *error);
/* Makes the store, runs the node to its end. `store` is set before the factory is called. The exit status. */
int od_node_command_run(const struct od_arguments *arguments, const struct od_node_options *options,
                        struct od_table_store **store, struct od_node **node);

#endif
