/* driver_state: what the files of the driver share. Private to driver*.c.
 *
 *   driver.c            the actor: handlers, timers, the end
 *   driver_executors.c  registrations, leases, losses of executors
 *   driver_tasks.c      launches, reports, commits, retries
 *   driver_lineage.c    lost outputs: who still needs them, what is run again
 *   driver_results.c    blocks of the answer
 *
 * All memory is the driver's: structures in driver_arena, what is replaced in a run by od_take. */
#ifndef OD_RUN_DRIVER_STATE_H
#define OD_RUN_DRIVER_STATE_H

#include "engine/run/driver.h"
#include "engine/run/protocol.h"

/* What a timer of the driver is for. */
enum od_driver_timer { OD_TIMER_TICK, OD_TIMER_PUMP, OD_TIMER_DEADLINE };

/* WAITING -> RUNNING -> COMMITTED -> LOST -> WAITING (next generation); RUNNING -> WAITING when an attempt fails or its
 * executor is lost. A result task never becomes LOST: its rows are here. */
enum od_task_state { OD_TASK_WAITING, OD_TASK_RUNNING, OD_TASK_COMMITTED, OD_TASK_LOST };

struct od_result_part {
    uint8_t *bytes; /* owned; NULL: not arrived */
    uint32_t size;
};

struct od_driver_stage;
struct od_driver_task {
    struct od_driver_stage *stage;
    uint32_t index; /* in its stage */
    enum od_task_state state;
    uint32_t next_attempt; /* never used twice */
    uint32_t attempt;      /* RUNNING: that one. COMMITTED, LOST: the one that counted */
    uint32_t executor;     /* of this attempt */
    uint32_t epoch;
    uint32_t generation;     /* counts the times that the output was lost and planned again */
    uint32_t failure_count;  /* of the task itself */
    uint32_t avoid_executor; /* 0: none */
    uint64_t ready_ns;       /* WAITING: not launched before */
    uint64_t launched_ns;    /* when LAUNCH was sent last */
    uint32_t launch_resends;
    bool is_needed; /* somebody still has to read what it gives */
    enum od_status lost_why;
    bool has_index;                 /* `done` and its entries are of `attempt`, or of the last that counted */
    struct od_body_done done;       /* its list is used up: see entries */
    struct od_block_entry *entries; /* owned; done.block_count, in order of (partition, offset) */
    bool done_heard;                /* result task: DONE came, parts may be missing */
    uint32_t part_count;
    struct od_result_part *parts; /* owned; result task: blocks of the answer by sequence */
};

struct od_driver_stage {
    const struct od_stage *plan;
    uint32_t committed_count;
    bool submitted;
    struct od_driver_task *tasks; /* plan->task_count of the driver's */
};

struct od_driver_executor {
    bool alive;
    struct od_body_registered told; /* what it was told last; epoch 0: nothing */
    uint32_t running_count;
    uint64_t heard_ns;
};

struct od_driver {
    struct od_world *world;       /* borrowed */
    const struct od_query *query; /* borrowed */
    struct od_outcome_sink sink;
    struct od_outbox outbox;
    struct od_block_codec *codec;
    struct od_arena driver_arena;
    struct od_arena block_arena; /* one decoded result block at a time */
    uint32_t stage_count;
    struct od_driver_stage *stages;
    uint32_t task_count;
    struct od_driver_task *tasks;         /* of all stages, in their order */
    struct od_driver_executor *executors; /* by actor id; [0] unused */
    uint32_t last_epoch;
    uint32_t recovery_count;
    bool loss_happened; /* from then on, `is_needed` is worked out before launching */
    bool ended;
    bool told; /* the sink has been called */
    struct od_outcome outcome;
};

/* --- driver.c */
/* OD_ANY: of the query as a whole. */
struct od_site od_driver_site(const struct od_driver *driver, uint32_t executor);
struct od_site od_driver_task_site(const struct od_driver *driver, const struct od_driver_task *task);
/* Nothing is said of a query that has ended, but its end. The second: `value` is all that there is. */
void od_driver_emit_event(const struct od_driver *driver, struct od_event event);
void od_driver_emit(const struct od_driver *driver, enum od_event_kind kind, struct od_site site,
                    uint64_t value);
/* Ends the query; nothing happens after the first call. `error` NULL only for OK. */
void od_driver_end(struct od_driver *driver, enum od_status status, const struct od_error *error);
/* NULL when there is no such task in the query. */
struct od_driver_task *od_driver_find_task(struct od_driver *driver, uint32_t stage, uint32_t task);
/* The task whose running attempt a message from a registration speaks of; NULL: it is of another. */
struct od_driver_task *od_driver_find_running(struct od_driver *driver, const struct od_message *message,
                                              uint32_t epoch);
static inline bool od_driver_gives_result(const struct od_driver_task *task)
{
    return task->stage->plan->exchange == OD_EXCHANGE_RESULT;
}

static inline struct od_attempt_name od_driver_task_name(const struct od_driver_task *task)
{
    return (struct od_attempt_name){task->stage->plan->stage_index, task->index, task->attempt};
}

/* --- driver_executors.c */
void od_driver_handle_register(struct od_driver *driver, const struct od_message *message);
void od_driver_handle_heartbeat(struct od_driver *driver, const struct od_message *message);
/* The sender when it speaks for its current registration (and then it counts as heard), else NULL; one that was given up is
 * told to start over. */
struct od_driver_executor *od_driver_current_sender(struct od_driver *driver,
                                                    const struct od_message *message, uint32_t epoch);
void od_driver_check_leases(struct od_driver *driver);

/* --- driver_tasks.c */
void od_driver_handle_done(struct od_driver *driver, const struct od_message *message);
void od_driver_handle_failed(struct od_driver *driver, const struct od_message *message);
/* Launches whatever can run now. */
void od_driver_pump(struct od_driver *driver);
/* LAUNCH was lost, it seems: again, or elsewhere. */
void od_driver_launch_again(struct od_driver *driver, struct od_driver_task *task);
/* The running attempt is no more, for a reason that is not the task's. */
void od_driver_abandon(struct od_driver *driver, struct od_driver_task *task, enum od_status why);
/* Counts one recovery; ends the query when there were too many. */
void od_driver_count_recovery(struct od_driver *driver, const struct od_error *cause);
void od_driver_commit(struct od_driver *driver, struct od_driver_task *task);

/* --- driver_lineage.c */
/* The reduce partition of `source` that a task of a stage reading it reads. */
uint32_t od_driver_partition_read(const struct od_driver_stage *source, uint32_t reader_task);
/* The entries of one partition: [*first_out, *first_out + result). */
uint32_t od_driver_partition_entries(const struct od_driver_task *task, uint32_t partition,
                                     uint32_t *first_out);
bool od_driver_inputs_ready(const struct od_driver *driver, const struct od_driver_task *task);
/* A committed output cannot be had any more. */
void od_driver_lose_output(struct od_driver *driver, struct od_driver_task *task, enum od_status why);
/* Works out what is needed, and plans lost outputs again that are. */
void od_driver_plan_recomputes(struct od_driver *driver);

/* --- driver_results.c */
void od_driver_handle_result(struct od_driver *driver, const struct od_message *message);
/* Commits a result task whose DONE came when all its parts are here; else, when `ask`, asks for those that are not. */
void od_driver_try_results(struct od_driver *driver, struct od_driver_task *task, bool ask);
void od_driver_drop_parts(struct od_driver *driver, struct od_driver_task *task);
/* The answer, in task order, as one table. */
enum od_status od_driver_collect(struct od_driver *driver, struct od_table **answer_out,
                                 struct od_error *error);

#endif
