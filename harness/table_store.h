/* table_store: tables between the processes of a machine: a folder of table images (engine/io/table_image.h), each named by what it
 * holds. The writing side puts tables there; the reading side maps them. Both are told which query uses which, and let go
 * of what no query uses, but for the last few: the writer removes the file, the reader unmaps it.
 *
 * Executors on other machines would fetch images here, by their name. */
#ifndef OD_HARNESS_TABLE_STORE_H
#define OD_HARNESS_TABLE_STORE_H

#include "engine/frame/graph_proto.h"

struct od_table_store;

/* `directory` is copied, and must be there. `kept`: how many tables that no query uses stay. NO_MEMORY. */
enum od_status od_table_store_new(struct od_memory *memory, const char *directory, uint32_t kept,
                                  struct od_table_store **store_out, struct od_error *error);
/* Removes no file. */
void od_table_store_free(struct od_table_store *store);
/* What is named or found from now on is for this query. */
void od_table_store_begin(struct od_table_store *store, uint32_t query_id);
void od_table_store_end(struct od_table_store *store, uint32_t query_id);
/* The writing side: IO, NO_MEMORY. */
struct od_table_namer od_table_store_namer(struct od_table_store *store);
/* The reading side: MISSING, IO, CORRUPT, NO_MEMORY. A table lives until the end of the query. */
struct od_table_finder od_table_store_finder(struct od_table_store *store);
/* How many tables are there now. */
uint32_t od_table_store_count(const struct od_table_store *store);

#endif
