/* command_engines: `ordeal engines`: what can be driven and what answers are compared with, with versions. */
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "harness/commands.h"
#include "harness/engines.h"
#include "harness/exit_status.h"
#include "harness/version.h"

enum od_status od_engine_check(const char *name, struct od_error *error)
{
    if (strcmp(name, "ref") == 0)
        return OD_OK;
    return od_fail(error, OD_BAD_INPUT, "unknown engine %s; expected ref (the reference engine)", name);
}

static int run(const struct od_arguments *arguments)
{
    (void)arguments;
    printf("ref     %-10s the reference engine; deployments sim, threads\n", OD_VERSION);
    printf("sqlite  %-10s oracle only: answers of `run` and `hunt` are compared with it\n", sqlite3_libversion());
    return OD_EXIT_HELD;
}

static const struct od_option options[] = {{NULL, NULL, NULL, false}};
const struct od_command od_command_engines = {
    .name = "engines",
    .sentence = "lists the engines it can drive here and the oracles",
    .options = options,
    .run = run,
};
