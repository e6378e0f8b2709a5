/* event: what the engine decided, for traces, the record and the checks of properties.
 *
 * One flat struct for all kinds: unused fields are 0 (numbers) or OD_ANY (site). The list is the contract between the
 * runtime, which emits, and properties and reports, which read. */
#ifndef OD_WORLD_EVENT_H
#define OD_WORLD_EVENT_H

#include "engine/core/hash.h"
#include "engine/world/point.h"

/* What `value` says, so that a reader can put it in words. */
enum od_event_value {
    OD_EVENT_VALUE_NONE,
    OD_EVENT_VALUE_COUNT,
    OD_EVENT_VALUE_STATUS, /* od_status */
    OD_EVENT_VALUE_GENERATION,
    OD_EVENT_VALUE_INCARNATION,
    OD_EVENT_VALUE_NS,
    OD_EVENT_VALUE_EXECUTOR,
    OD_EVENT_VALUE_FAULT, /* index in the schedule */
    OD_EVENT_VALUE_ADAPTATION
};

/* How the driver changed what the tasks of a stage read. */
#define OD_ADAPTATION_LIST(X)                                                                                \
    X(COALESCED, "coalesced", "a task reads several small partitions")                                       \
    X(SPLIT, "split", "several tasks share one large partition")                                             \
    X(BROADCAST, "broadcast", "every task reads all of the small side, and the other side where it lies")

enum od_adaptation {
#define X(name, text, sentence) OD_ADAPTATION_##name,
    OD_ADAPTATION_LIST(X)
#undef X
        OD_ADAPTATION_COUNT
};

/* What `rows`, `bytes`, `checksum`, `value`, `why` mean is said per kind. New kinds go to the end: numbers are in traces. */
#define OD_EVENT_LIST(X)                                                                                     \
    X(QUERY_STARTED, COUNT, "query_started", "value: number of stages")                                      \
    X(QUERY_ENDED, STATUS, "query_ended", "rows: of the answer; value: od_status")                           \
    X(STAGE_SUBMITTED, COUNT, "stage_submitted", "value: tasks to run now")                                  \
    X(STAGE_COMPLETED, NONE, "stage_completed", "every task of the stage has a committed attempt")           \
    X(TASK_LAUNCHED, GENERATION, "task_launched",                                                            \
      "driver: attempt handed to an executor; value: generation")                                            \
    X(TASK_STARTED, GENERATION, "task_started", "executor: the attempt begins")                              \
    X(TASK_INPUT, NONE, "task_input", "executor, at the end: rows read from tables")                         \
    X(TASK_OUTPUT, NONE, "task_output", "executor: rows and checksum (order-free) handed to the exchange")   \
    X(TASK_SUCCEEDED, NONE, "task_succeeded", "executor: the attempt is done and reports")                   \
    X(TASK_FAILED, STATUS, "task_failed", "executor: the attempt failed; value: od_status")                  \
    X(TASK_COMMITTED, GENERATION, "task_committed",                                                          \
      "driver: this attempt is the one that counts; rows, bytes; value: gen")                                \
    X(TASK_REFUSED, STATUS, "task_refused",                                                                  \
      "driver: a success came too late and was dropped; value: why (od_status)")                             \
    X(TASK_RETRIED, STATUS, "task_retried",                                                                  \
      "driver: a new attempt is planned; value: od_status that caused it")                                   \
    X(TASK_CANCELLED, NONE, "task_cancelled", "driver: told an executor to drop an attempt")                 \
    X(BLOCK_WRITTEN, NONE, "block_written",                                                                  \
      "executor: one reduce partition of a map attempt; rows, bytes, checksum")                              \
    X(BLOCK_CONSUMED, NONE, "block_consumed",                                                                \
      "reader: site names the reading task; source_* the block; rows, checksum")                             \
    X(BLOCK_BAD, STATUS, "block_bad",                                                                        \
      "reader: a block was missing, damaged or unreachable; value: od_status")                               \
    X(OUTPUT_LOST, STATUS, "output_lost",                                                                    \
      "driver: a committed map output is gone and will be recomputed; value: why")                           \
    X(RESULT_COMMITTED, NONE, "result_committed", "driver: rows and checksum of one result task's rows")     \
    X(EXECUTOR_REGISTERED, INCARNATION, "executor_registered", "value: incarnation")                         \
    X(EXECUTOR_LOST, INCARNATION, "executor_lost",                                                           \
      "driver: no heartbeat within the lease; value: incarnation")                                           \
    X(FAULT_FIRED, FAULT, "fault_fired", "chaos: a fault took effect; value: index in its schedule")         \
    X(HEALED, NONE, "healed", "chaos: faults are off from here on")                                          \
    X(QUERY_CANCELLED, NONE, "query_cancelled",                                                              \
      "driver: asked for by a person, or `why`: its deadline, its budget; ends it")                          \
    X(QUERY_RESUMED, COUNT, "query_resumed",                                                                 \
      "driver, restarted: goes on from the journal; value: tasks committed there")                           \
    X(STAGE_ROLLED_BACK, GENERATION, "stage_rolled_back",                                                    \
      "driver: begins again; value: new gen; source_*: the task recomputed; why")                            \
    X(TASK_DELAYED, NS, "task_delayed",                                                                      \
      "driver: the next attempt waits (backoff); value: ns; why: what failed")                               \
    X(TASK_SPECULATED, NS, "task_speculated",                                                                \
      "driver: a second attempt of a straggler; value: ns that the first has run")                           \
    X(TASK_STOLEN, EXECUTOR, "task_stolen",                                                                  \
      "driver: a waiting attempt goes to site.executor; value: from which")                                  \
    X(TASK_ADOPTED, GENERATION, "task_adopted",                                                              \
      "driver, restarted: an attempt that an executor still runs counts again")                              \
    X(OUTPUT_MOVED, EXECUTOR, "output_moved",                                                                \
      "driver: a committed output was copied; value: from which; bytes; why")                                \
    X(OUTPUT_REUSED, EXECUTOR, "output_reused",                                                              \
      "driver: a cached output of an earlier query counts as committed; value: whose")                       \
    X(OUTPUT_CACHED, NONE, "output_cached", "driver: a stage's outputs outlive their query; bytes")          \
    X(OUTPUT_EVICTED, NONE, "output_evicted", "executor: cached outputs made room for others; bytes")        \
    X(CHECKPOINTED, NONE, "checkpointed",                                                                    \
      "driver: a task's output is on the driver's disk too, its lineage ends there; bytes")                  \
    X(PLAN_ADAPTED, ADAPTATION, "plan_adapted",                                                              \
      "driver: a stage's read ranges; value: od_adaptation; rows: tasks now; bytes")                         \
    X(BUDGET_EXHAUSTED, COUNT, "budget_exhausted",                                                           \
      "driver, alert: value: what was allowed; why: the last failure")                                       \
    X(BREAKER_OPENED, NS, "breaker_opened",                                                                  \
      "driver: site.executor is to read no more from executor `rows`; value: ns until a probe; why")         \
    X(BREAKER_CLOSED, NONE, "breaker_closed", "driver: a probe succeeded")                                   \
    X(EXECUTOR_EXCLUDED, NS, "executor_excluded",                                                            \
      "driver: gets no tasks; value: ns until it may; why: what failed there")                               \
    X(EXECUTOR_READMITTED, NONE, "executor_readmitted", "driver: an excluded executor gets tasks again")     \
    X(EXECUTOR_DRAINING, COUNT, "executor_draining",                                                         \
      "driver: is being decommissioned; value: outputs to move")                                             \
    X(EXECUTOR_DECOMMISSIONED, INCARNATION, "executor_decommissioned",                                       \
      "driver: holds nothing that is needed, may stop; value: incarnation")                                  \
    X(DRIVER_RESTARTED, INCARNATION, "driver_restarted",                                                     \
      "value: incarnation; rows: records read from the journal")                                             \
    X(BUDGET_LOW, COUNT, "budget_low",                                                                       \
      "driver, alert: four fifths are spent, or one is left; value: what is allowed; why")                  \
    X(OPERATOR_OUTPUT, COUNT, "operator_output",                                                             \
      "executor, at the end, where asked for: what an operator gave; bytes: held at most; value: its node")

enum od_event_kind {
#define X(name, meaning, text, sentence) OD_EVENT_##name,
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
    enum od_status why; /* the failure behind a decision; OK: none is named, or `value` is it */
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
enum od_event_value od_event_value_of(enum od_event_kind kind);
const char *od_adaptation_text(enum od_adaptation adaptation);

#endif
