/* store: results of many runs in one SQLite file, so that a run can be compared with what was before it.
 *
 *   runs (one per record) -> queries -> verdicts (one per executed run) -> measures (name, value, unit)
 *
 * Write-ahead log, a busy timeout of 10 s, one transaction per record: several processes may write, and after
 * kill -9 the file opens with every committed record whole. Records are keyed by their id; putting one again
 * replaces it. A file of a newer schema is refused, not guessed at. */
#ifndef OD_REPORTS_STORE_H
#define OD_REPORTS_STORE_H

#include "reports/record.h"

#define OD_STORE_SCHEMA_VERSION 1

struct od_store;

/* path NULL: $XDG_STATE_HOME/ordeal/results.sqlite, or ~/.local/state/ordeal/results.sqlite. Makes the
 * directories (mode 700) and the file as needed. IO; BAD_INPUT when the file is no database or of a newer
 * schema. NULL on failure. */
enum od_status od_store_open(struct od_memory *memory, const char *path, struct od_store **store_out,
                             struct od_error *error);
/* NULL is fine. */
void od_store_close(struct od_store *store);
/* The path that was opened; lives as long as the store. */
const char *od_store_path(const struct od_store *store);

/* Puts a record, finished or not, in one transaction. `directory` is where it lies, may be NULL. IO. */
enum od_status od_store_put(struct od_store *store, const struct od_record *record, const char *directory,
                            struct od_error *error);

/* What is known of one stored run; texts live until the callback returns. */
struct od_store_run {
    const char *id;
    const char *state;
    const char *verdict;
    const char *engine;
    const char *build_id;
    const char *directory;
    uint64_t started_unix_ms;
    uint64_t runs;
    uint64_t failed;
};
/* Calls back for the newest `limit` runs, newest first. */
enum od_status od_store_list(struct od_store *store, uint32_t limit,
                             void (*found)(void *self, const struct od_store_run *run), void *self,
                             struct od_error *error);

#endif
