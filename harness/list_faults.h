/* list_faults: `ordeal run --list-faults`: every kind of fault as a table, or as JSON. */
#ifndef OD_HARNESS_LIST_FAULTS_H
#define OD_HARNESS_LIST_FAULTS_H

#include <stdio.h>

#include "engine/core/status.h"

/* One row a kind: what it is called, what is owed under it, which property would notice a wrong reaction, which test proves that it
 * takes effect, what it takes, where it may act, what happens; last their number. NO_MEMORY. */
enum od_status od_list_faults_print(FILE *stream, struct od_error *error);
enum od_status od_list_faults_print_json(FILE *stream, struct od_error *error);

#endif
