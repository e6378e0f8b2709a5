/* event_log: events.jsonl, one JSON object a line, appended while a run goes on.
 *
 * Every line is handed to the system when it is written, so that a kill loses nothing but, at worst, the end
 * of the line at hand. The reader keeps every whole line and says whether a torn one followed: that is normal
 * after kill -9 and no error. A malformed line that is not the last is BAD_INPUT with its line number.
 *
 * Fields that do not apply are OD_REPORT_NONE (places) or 0 (measures) and are left out of the line. */
#ifndef OD_REPORTS_EVENT_LOG_H
#define OD_REPORTS_EVENT_LOG_H

#include "engine/core/arena.h"
#include "engine/core/buffer.h"
#include "engine/core/status.h"

#define OD_EVENT_LOG_FILE_NAME "events.jsonl"
#define OD_REPORT_NONE         UINT32_MAX

/* Kinds that the timeline understands; others are kept and listed. The names are those of
 * engine/world/event.h. */
struct od_report_event {
    uint64_t run;     /* run_index of the record */
    uint64_t time_ns; /* the run's clock */
    const char *kind; /* "task_started"; borrowed when written, in the log's arena when read */
    uint32_t query;   /* of several that a driver runs */
    uint32_t stage;
    uint32_t task;
    uint32_t attempt;
    uint32_t executor;
    uint32_t partition;
    uint32_t source_stage;
    uint32_t source_task;
    uint32_t source_attempt;
    uint64_t rows;
    uint64_t bytes;
    uint64_t value;
    const char *text; /* may be NULL: a fault in words, a status in words */
};
/* All places OD_REPORT_NONE, all measures 0. */
struct od_report_event od_report_event_none(void);

struct od_event_log; /* the writer; not thread-safe */

/* Opens DIRECTORY/events.jsonl, emptied; makes the directory. The log is NULL on failure. */
enum od_status od_event_log_open(struct od_memory *memory, const char *directory,
                                 struct od_event_log **log_out, struct od_error *error);
/* The same with any name for the file. */
enum od_status od_event_log_open_file(struct od_memory *memory, const char *path,
                                      struct od_event_log **log_out, struct od_error *error);
/* IO errors are remembered and returned by every later call. A NULL log does nothing. */
enum od_status od_event_log_write(struct od_event_log *log, const struct od_report_event *event,
                                  struct od_error *error);
/* The first failure so far. NULL is fine. */
enum od_status od_event_log_status(const struct od_event_log *log, struct od_error *error);
/* NULL is fine. */
enum od_status od_event_log_close(struct od_event_log *log, struct od_error *error);

struct od_event_list {
    struct od_arena arena; /* owned: everything below */
    struct od_report_event *events;
    size_t count;
    size_t capacity;
    bool torn; /* the last line was cut and has been dropped */
};
/* `path` is a file or a run directory. A missing file gives an empty list and OK: runs may write none. */
enum od_status od_event_list_load(struct od_memory *memory, const char *path, struct od_event_list *list_out,
                                  struct od_error *error);
enum od_status od_event_list_parse(struct od_memory *memory, const char *name, const char *bytes, size_t size,
                                   struct od_event_list *list_out, struct od_error *error);
void od_event_list_release(struct od_event_list *list);

#endif
