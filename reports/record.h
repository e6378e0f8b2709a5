/* record: what one `ordeal run` was, found and measured; the content of record.json.
 *
 *   record -> scenarios -> tables
 *                       -> queries -> stages (the graph)
 *                                  -> runs (one per deployment and schedule)
 *                                  -> curves (what faults cost it, over when and how many) -> points
 *
 * Call order: od_record_new, fill the top fields, od_record_save at once (state "running"); then add
 * scenarios, queries and runs as they come and save again whenever a reader should see them;
 * od_record_finish, a last od_record_save.
 *
 * Everything dies together: structs, lists and texts live in the record's arena. Texts are copied in by
 * od_record_text and od_record_line, which also make them valid UTF-8 (bad bytes become U+FFFD), so that a
 * record can always be written. Numbers may be assigned to the fields directly. A refused allocation is
 * remembered: builders then return NULL, accept NULL parents, and od_record_save fails with NO_MEMORY; so a
 * caller checks once. Not thread-safe.
 *
 * NULL texts are left out of the file, as are zero numbers; a reader sees them as NULL and 0 again. */
#ifndef OD_REPORTS_RECORD_H
#define OD_REPORTS_RECORD_H

#include "engine/core/arena.h"
#include "engine/core/status.h"

#define OD_RECORD_SCHEMA_VERSION 3 /* 1 and 2 lack fields, which then read as 0 */
#define OD_RECORD_FILE_NAME      "record.json"

/* A growable list of pointers; every list of a record has this layout. Read it freely; grow it only by the
 * builders. */
#define OD_RECORD_LIST(type)                                                                                 \
    struct {                                                                                                 \
        type **items; /* in the record's arena */                                                            \
        uint32_t count;                                                                                      \
        uint32_t capacity;                                                                                   \
    }
struct od_record_texts {
    char **items;
    uint32_t count;
    uint32_t capacity;
};

enum od_record_state {
    OD_RECORD_RUNNING, /* also what a killed run leaves behind */
    OD_RECORD_FINISHED,
    OD_RECORD_INTERRUPTED, /* the user asked for the end */
    OD_RECORD_STATE_COUNT
};

enum od_record_verdict {
    OD_RECORD_HELD,
    OD_RECORD_FAILED,    /* a property failed */
    OD_RECORD_UNDECIDED, /* it could not be judged; the message says why */
    OD_RECORD_VERDICT_COUNT
};

/* What is measured: X(field, name, unit, how several make one, sentence); all are uint64_t. The names are those of the store and,
 * with "ordeal_" and a unit, of the Prometheus text. A new measure is one line here. */
#define OD_RECORD_UNITS(X) X(COUNT, "count") X(BYTES, "bytes") X(NS, "ns") X(PPM, "ppm") /* millionths */
enum od_record_unit {
#define X(name, text) OD_RECORD_UNIT_##name,
    OD_RECORD_UNITS(X)
#undef X
        OD_RECORD_UNIT_END
};
enum od_record_fold { OD_RECORD_SUM, OD_RECORD_MAX };
#define OD_RECORD_RUN_MEASURES(X)                                                                            \
    X(faults_fired, faults_fired, COUNT, SUM, "faults that took effect")                                     \
    X(virtual_ns, virtual, NS, SUM, "virtual time, in sim")                                                  \
    X(wall_ns, wall, NS, SUM, "time on the wall")                                                            \
    X(recovery_ns, recovery, NS, MAX, "time beyond the undisturbed run of the same query and deployment")    \
    X(repair_ns, repair, NS, SUM, "time in which something lost was not yet made good, by events")           \
    X(repair_longest_ns, repair_longest, NS, MAX, "the longest such time without a break")                   \
    X(tasks, tasks, COUNT, SUM, "tasks of the plan")                                                         \
    X(tasks_run, tasks_run, COUNT, SUM, "attempts at tasks that were started")                               \
    X(retries, retries, COUNT, SUM, "attempts that failed")                                                  \
    X(refused_attempts, refused_attempts, COUNT, SUM, "attempts that succeeded too late")                    \
    X(recomputed_tasks, recomputed_tasks, COUNT, SUM, "tasks run again because their output was lost")       \
    X(recomputed_ppm, recomputed_share, PPM, MAX, "recomputed tasks by tasks of the plan")                   \
    X(speculations, speculations, COUNT, SUM, "second attempts of stragglers")                               \
    X(steals, steals, COUNT, SUM, "waiting attempts that went to another executor")                          \
    X(adoptions, adoptions, COUNT, SUM, "attempts that ran on while the driver was away")                    \
    X(breakers_opened, breakers_opened, COUNT, SUM, "ways between executors that were given up for a while") \
    X(rollbacks, rollbacks, COUNT, SUM, "stages begun again because what they read may have changed")        \
    X(adaptations, adaptations, COUNT, SUM,                                                                  \
      "stages whose tasks were dealt out anew for the sizes that were seen")                                 \
    X(outputs_moved, outputs_moved, COUNT, SUM, "outputs copied to another executor")                        \
    X(outputs_reused, outputs_reused, COUNT, SUM, "outputs of earlier queries that counted")                 \
    X(checkpoints, checkpoints, COUNT, SUM, "outputs copied to the driver")                                  \
    X(executors_lost, executors_lost, COUNT, SUM, "executors lost")                                          \
    X(exclusions, exclusions, COUNT, SUM, "times that a failing executor got no more tasks for a while")     \
    X(decommissions, decommissions, COUNT, SUM, "executors that left in good order")                         \
    X(driver_restarts, driver_restarts, COUNT, SUM, "lives of the driver after its first")                   \
    X(alerts, alerts, COUNT, SUM, "budgets that were used up, or nearly")                                    \
    X(memory_peak_bytes, memory_peak, BYTES, MAX,                                                            \
      "the least memory limit with which no rows would have gone to disk")                                   \
    X(spilled_bytes, spilled, BYTES, SUM, "rows that operators set aside on disk")                           \
    X(shuffle_rows, shuffle_rows, COUNT, SUM, "rows written for other tasks")                                \
    X(shuffle_bytes, shuffle, BYTES, SUM, "blocks written for other tasks")
/* Of the undisturbed run. */
#define OD_RECORD_STAGE_MEASURES(X)                                                                          \
    X(tasks, tasks, COUNT, MAX, "tasks of the stage")                                                        \
    X(partitions, partitions, COUNT, MAX, "parts of its output")                                             \
    X(attempts, attempts, COUNT, MAX, "attempts at its tasks that were started")                             \
    X(failed_attempts, failed_attempts, COUNT, MAX, "those that failed")                                     \
    X(rows, rows, COUNT, MAX, "rows of its output")                                                          \
    X(bytes, output, BYTES, MAX, "its output as written")                                                    \
    X(fetched_blocks, fetched_blocks, COUNT, MAX, "blocks its tasks read")                                   \
    X(fetched_bytes, fetched, BYTES, MAX, "blocks its tasks read")                                           \
    X(spilled_bytes, spilled, BYTES, MAX, "rows set aside on disk")                                          \
    X(memory_peak_bytes, memory_peak, BYTES, MAX, "rows held by one of its tasks, at most")                  \
    X(elapsed_ns, elapsed, NS, MAX, "from its first task to its last")                                       \
    X(run_ns, run, NS, MAX, "its tasks at work, all together")                                               \
    X(wait_ns, wait, NS, MAX, "its tasks waiting for input, all together")
#define OD_RECORD_OPERATOR_MEASURES(X)                                                                       \
    X(rows_in, rows_in, COUNT, MAX, "rows it got from other operators")                                      \
    X(rows, rows, COUNT, MAX, "rows it gave")                                                                \
    X(batches, batches, COUNT, MAX, "batches they came in")                                                  \
    X(bytes, output, BYTES, MAX, "what they took in memory")                                                 \
    X(spilled_bytes, spilled, BYTES, MAX, "rows it set aside on disk")                                       \
    X(memory_peak_bytes, memory_peak, BYTES, MAX, "rows it held at once in one task, at most")               \
    X(time_ns, time, NS, MAX, "its own work, in all tasks together")
/* Of one point of a curve, over its runs. */
#define OD_RECORD_POINT_MEASURES(X)                                                                          \
    X(runs, runs, COUNT, SUM, "runs that gave an answer")                                                    \
    X(failed_runs, failed_runs, COUNT, SUM, "runs that gave none")                                           \
    X(missed_runs, missed_runs, COUNT, SUM, "runs in which no fault took effect")                            \
    X(faults_fired, faults_fired, COUNT, SUM, "faults that took effect")                                     \
    X(elapsed_ns, elapsed, NS, MAX, "time of a run, the median")                                             \
    X(slowdown_low_ppm, slowdown_low, PPM, MAX, "time by that of the undisturbed run, the lower quartile")   \
    X(slowdown_ppm, slowdown, PPM, MAX, "the same, the median")                                              \
    X(slowdown_high_ppm, slowdown_high, PPM, MAX, "the same, the upper quartile")                            \
    X(recovery_ns, recovery, NS, MAX, "time beyond the undisturbed run, the median")                         \
    X(repair_ns, repair, NS, MAX, "time in which something lost was not yet made good, the median")          \
    X(recomputed_ppm, recomputed_share, PPM, MAX, "recomputed tasks by tasks of the plan, the mean")
#define OD_RECORD_MEASURE_FIELD(field, name, unit, fold, sentence) uint64_t field;

/* One execution of a query: undisturbed or under one schedule of faults. Times are of the run's own clock:
 * virtual time in sim, wall time in threads. */
struct od_record_run {
    uint64_t run_index; /* unique in the record, from 0; the `run` of its events */
    char *deployment;   /* "sim", "threads" */
    uint64_t schedule_index;
    bool disturbed; /* false: no fault was planned */
    uint64_t seed;
    struct od_record_texts schedule; /* one fault a line, in words */
    enum od_record_verdict verdict;
    char *property; /* code of the property that failed: "H1" */
    char *message;  /* why it failed or is undecided */
    OD_RECORD_RUN_MEASURES(OD_RECORD_MEASURE_FIELD)
    uint64_t memory_limit_bytes; /* rows that the query may hold; 0: any number */
    uint64_t answer_rows;
    char *digest;       /* of the answer, hex */
    char *trace_digest; /* of all that crossed the seam, hex */
    char *replay;       /* the command that repeats it */
    char *case_file;    /* relative to the run directory */
    bool timeline;      /* worth a look: the page shows it, from its events */
};

struct od_record_parent {
    uint64_t stage;
};

/* In the order of the stage's `operators`. */
struct od_record_operator {
    char *text;
    OD_RECORD_OPERATOR_MEASURES(OD_RECORD_MEASURE_FIELD)
};

struct od_record_stage {
    uint64_t stage; /* its number in events */
    char *name;
    struct od_record_texts operators; /* from input to output */
    char *exchange; /* how its output leaves: "hash", "broadcast", "range", "single", "result" */
    OD_RECORD_STAGE_MEASURES(OD_RECORD_MEASURE_FIELD)
    bool indeterminate;
    OD_RECORD_LIST(struct od_record_parent) parents;
    OD_RECORD_LIST(struct od_record_operator) measured; /* its operators; none: not measured */
};

struct od_record_row {
    struct od_record_texts cells; /* a NULL value is the text "NULL" */
};

struct od_record_point {
    uint64_t at; /* over "moment": per cent of the undisturbed time; over "rate": faults in that time */
    OD_RECORD_POINT_MEASURES(OD_RECORD_MEASURE_FIELD)
};
/* What one kind of fault costs a query. */
struct od_record_curve {
    char *over; /* "moment": of one fault; "rate" */
    char *kind; /* "executor.crash" */
    char *deployment;
    uint64_t undisturbed_ns; /* the median */
    OD_RECORD_LIST(struct od_record_point) points;
};

struct od_record_query {
    char *name;
    char *question; /* for people, one sentence */
    char *sql;
    struct od_record_texts columns;
    OD_RECORD_LIST(struct od_record_row) rows; /* the first of the answer */
    uint64_t answer_rows;
    char *answer_digest;
    char *oracle;  /* what the answer was compared with, in words */
    char *explain; /* the plan, several lines */
    OD_RECORD_LIST(struct od_record_stage) stages;
    OD_RECORD_LIST(struct od_record_run) runs;
    OD_RECORD_LIST(struct od_record_curve) curves;
};

struct od_record_table {
    char *name;
    char *source; /* "generator web_access", "file access.log" */
    uint64_t rows;
    struct od_record_texts columns; /* "name type" */
};

struct od_record_scenario {
    char *name;
    char *title;
    char *description;
    char *file;    /* the YAML */
    uint64_t seed; /* of its tables and drawn faults: given for the run, or its own */
    OD_RECORD_LIST(struct od_record_table) tables;
    OD_RECORD_LIST(struct od_record_query) queries;
};

struct od_record {
    uint64_t schema_version;
    enum od_record_state state;
    char *id; /* unique over runs: the store's key */
    char *command;
    char *version;
    char *build_id; /* hex; of the binary, whatever its source tree */
    char *compiler;
    char *host;
    char *os;
    uint64_t cores;
    char *engine; /* with its version */
    struct od_record_texts deployments;
    uint64_t seed;
    uint64_t started_unix_ms;
    uint64_t ended_unix_ms; /* 0 while running */
    uint64_t runs_planned;  /* 0: unknown */
    OD_RECORD_LIST(struct od_record_scenario) scenarios;

    struct od_arena arena;    /* owned: all of the above, and this struct's texts */
    struct od_memory *memory; /* borrowed; for the struct itself and passing buffers */
    uint64_t next_run_index;
    bool failed; /* an allocation was refused */
};

/* True when all scenarios ran with record->seed, so that one number says it. */
bool od_record_has_one_seed(const struct od_record *record);
/* NULL on refusal. `memory` is borrowed and must outlive the record. Fills version, state, host, os, cores,
 * compiler, id and the start time from this process; all may be overwritten. */
struct od_record *od_record_new(struct od_memory *memory);
/* NULL is fine. */
void od_record_free(struct od_record *record);

/* Builders: NULL once an allocation was refused, or when the parent is NULL. The result lives as long as the
 * record. */
struct od_record_scenario *od_record_add_scenario(struct od_record *record, const char *name);
struct od_record_table *od_record_add_table(struct od_record *record, struct od_record_scenario *scenario,
                                            const char *name);
struct od_record_query *od_record_add_query(struct od_record *record, struct od_record_scenario *scenario,
                                            const char *name);
struct od_record_stage *od_record_add_stage(struct od_record *record, struct od_record_query *query,
                                            uint64_t stage);
void od_record_add_parent(struct od_record *record, struct od_record_stage *stage, uint64_t parent_stage);
struct od_record_operator *od_record_add_operator(struct od_record *record, struct od_record_stage *stage,
                                                  const char *text);
struct od_record_row *od_record_add_row(struct od_record *record, struct od_record_query *query);
/* Gives the run its run_index. */
struct od_record_run *od_record_add_run(struct od_record *record, struct od_record_query *query,
                                        const char *deployment);
struct od_record_curve *od_record_add_curve(struct od_record *record, struct od_record_query *query, const char *over);
struct od_record_point *od_record_add_point(struct od_record *record, struct od_record_curve *curve, uint64_t at);

/* target: any text field, e.g. od_record_text(record, &run->digest, hex). Copies; NULL text clears. A NULL
 * target does nothing. */
void od_record_text(struct od_record *record, char **target, const char *text);
/* As od_record_text for parents that may be NULL after a refusal: OD_RECORD_SET(record, query, sql, text). */
#define OD_RECORD_SET(record, parent, field, text)                                                           \
    od_record_text((record), (parent) == NULL ? NULL : &(parent)->field, (text))
/* Appends to a list of texts: od_record_line(record, &run->schedule, "executor 2 crashes ..."). NULL target:
 * nothing. */
void od_record_line(struct od_record *record, struct od_record_texts *target, const char *text);
/* As od_record_text with printf. */
void od_record_print(struct od_record *record, char **target, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* State and end time; afterwards only od_record_save. */
void od_record_finish(struct od_record *record, enum od_record_state state);

/* Writes DIRECTORY/record.json: temporary file, fsync, rename, fsync of the directory. A reader sees the old
 * or the new record, never a mixture, whenever this process is killed. Makes the directory when it is
 * missing. IO, NO_MEMORY. */
enum od_status od_record_save(const struct od_record *record, const char *directory, struct od_error *error);

/* Reads a record file, or the record.json of a directory. MISSING: no such file; BAD_INPUT: not JSON or not a
 * record of a known schema (the text names the file; error->line and column are set); IO; NO_MEMORY.
 * *record_out is NULL on failure. */
enum od_status od_record_load(struct od_memory *memory, const char *path, struct od_record **record_out,
                              struct od_error *error);
/* As od_record_load from memory; `name` is for messages. */
enum od_status od_record_parse(struct od_memory *memory, const char *name, const char *bytes, size_t size,
                               struct od_record **record_out, struct od_error *error);

/* Counts over a whole record, or one query when `query` is not NULL. */
struct od_record_counts {
    uint64_t scenarios;
    uint64_t queries;
    uint64_t runs;
    uint64_t undisturbed;
    uint64_t verdicts[OD_RECORD_VERDICT_COUNT];
    uint64_t faults_fired;
    uint64_t retries;
    uint64_t recomputed_tasks;
    uint64_t repair_ns;         /* of all runs */
    uint64_t recovery_worst_ns; /* of one run */
    uint64_t repair_worst_ns;   /* the longest repair without a break */
};
struct od_record_counts od_record_count(const struct od_record *record);
struct od_record_counts od_record_count_query(const struct od_record_query *query);
/* FAILED if any run failed; else UNDECIDED if any is, or there is none, or the record is not finished; else
 * HELD. */
enum od_record_verdict od_record_overall(const struct od_record *record);

/* "running"..., "held"..., "bytes"...: never NULL. */
const char *od_record_unit_text(enum od_record_unit unit);
const char *od_record_state_text(enum od_record_state state);
const char *od_record_verdict_text(enum od_record_verdict verdict);

#endif
