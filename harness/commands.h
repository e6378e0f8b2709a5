/* commands: what `ordeal` can do; a new command is one command_*.c and one row in main.c. */
#ifndef OD_HARNESS_COMMANDS_H
#define OD_HARNESS_COMMANDS_H

#include "harness/arguments.h"

extern const struct od_command od_command_run;
extern const struct od_command od_command_sql;
extern const struct od_command od_command_slt;
extern const struct od_command od_command_hunt;
extern const struct od_command od_command_replay;
extern const struct od_command od_command_shrink;
extern const struct od_command od_command_bench;
extern const struct od_command od_command_report;
extern const struct od_command od_command_engines;
extern const struct od_command od_command_generate;
extern const struct od_command od_command_recover;
extern const struct od_command od_command_impact;
extern const struct od_command od_command_agree;
extern const struct od_command od_command_driver;
extern const struct od_command od_command_executor;

/* What main does; separate so that tests can call it. */
int od_main(int argc, char **argv);

#endif
