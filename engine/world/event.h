/* event: what the engine decided, for traces, the record and the checks of properties.
 *
 * One flat struct for all kinds: unused fields are 0 (numbers) or OD_ANY (site). The list is the contract between the
 * runtime, which emits, and properties and reports, which read. */
#ifndef OD_WORLD_EVENT_H
#define OD_WORLD_EVENT_H

#include "engine/core/hash.h"
#include "engine/world/point.h"

/* What `rows`, `bytes`, `checksum`, `value` mean is said per kind. */
#define OD_EVENT_LIST(X)                                                                                     \
    X(QUERY_STARTED, "query_started", "value: number of stages")                                              \
    X(QUERY_ENDED, "query_ended", "rows: of the answer; value: od_status")                                    \
    X(STAGE_SUBMITTED, "stage_submitted", "value: tasks to run now")                                          \
    X(STAGE_COMPLETED, "stage_completed", "every task of the stage has a committed attempt")                  \
    X(TASK_LAUNCHED, "task_launched", "driver: attempt handed to an executor; value: generation")             \
    X(TASK_STARTED, "task_started", "executor: the attempt begins")                                           \
    X(TASK_INPUT, "task_input", "executor, at the end: rows read from tables")                                \
    X(TASK_OUTPUT, "task_output", "executor: rows and checksum (order-free) handed to the exchange")          \
    X(TASK_SUCCEEDED, "task_succeeded", "executor: the attempt is done and reports")                          \
    X(TASK_FAILED, "task_failed", "executor: the attempt failed; value: od_status")                           \
    X(TASK_COMMITTED, "task_committed", "driver: this attempt is the one that counts; rows, bytes; value: gen") \
    X(TASK_REFUSED, "task_refused", "driver: a success came too late and was dropped; value: why (od_status)") \
    X(TASK_RETRIED, "task_retried", "driver: a new attempt is planned; value: od_status that caused it")      \
    X(TASK_CANCELLED, "task_cancelled", "driver: told an executor to drop an attempt")                        \
    X(BLOCK_WRITTEN, "block_written", "executor: one reduce partition of a map attempt; rows, bytes, checksum") \
    X(BLOCK_CONSUMED, "block_consumed", "reader: site names the reading task; source_* the block; rows, checksum") \
    X(BLOCK_BAD, "block_bad", "reader: a block was missing, damaged or unreachable; value: od_status")        \
    X(OUTPUT_LOST, "output_lost", "driver: a committed map output is gone and will be recomputed; value: why") \
    X(RESULT_COMMITTED, "result_committed", "driver: rows and checksum of one result task's rows")            \
    X(EXECUTOR_REGISTERED, "executor_registered", "value: incarnation")                                       \
    X(EXECUTOR_LOST, "executor_lost", "driver: no heartbeat within the lease; value: incarnation")            \
    X(FAULT_FIRED, "fault_fired", "chaos: a fault took effect; value: index in its schedule")                 \
    X(HEALED, "healed", "chaos: faults are off from here on")

enum od_event_kind {
#define X(name, text, sentence) OD_EVENT_##name,
    OD_EVENT_LIST(X)
#undef X
        OD_EVENT_COUNT
};

struct od_event {
    uint64_t time_ns; /* the world's clock */
    enum od_event_kind kind;
    struct od_site site;
    uint32_t source_stage; /* BLOCK_CONSUMED, BLOCK_BAD: whose block */
    uint32_t source_task;
    uint32_t source_attempt;
    uint64_t rows;
    uint64_t bytes;
    uint64_t value;
    struct od_hash128 checksum;
};

struct od_trace_ops {
    void (*event)(void *self, const struct od_event *event);
};
struct od_trace {
    const struct od_trace_ops *ops; /* NULL: nobody listens */
    void *self;
};
const char *od_event_text(enum od_event_kind kind);

#endif
