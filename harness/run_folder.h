/* run_folder: where a command puts what it found, and the record that it begins there. */
#ifndef OD_HARNESS_RUN_FOLDER_H
#define OD_HARNESS_RUN_FOLDER_H

#include "harness/arguments.h"
#include "reports/record.h"

struct od_run_folder {
    char path[4000];
    int claim; /* held while the command writes there, to the end of the process */
};

/* Made, and claimed: --out, else ordeal-out/NAME-TIME-PID. BAD_INPUT when another process writes there; IO. */
enum od_status od_run_folder_open(const struct od_arguments *arguments, const char *name, struct od_run_folder *folder,
                                  struct od_error *error);
/* A new record with the command as it was typed, the version and the engine. NO_MEMORY. */
enum od_status od_run_folder_record(const struct od_arguments *arguments, struct od_record **record_out, struct od_error *error);

#endif
