/* task: one attempt at a task on an executor: an operator tree, its inputs, and its output on the way to the exchange. */
#ifndef OD_RUN_TASK_H
#define OD_RUN_TASK_H

#include "engine/run/fetch.h"

/* "q-s-t-a-spill" with four 32-bit numbers. */
#define OD_SPILL_NAME_BYTES 64

enum od_attempt_state {
    OD_ATTEMPT_WAITING, /* for a slot */
    OD_ATTEMPT_RUNNING,
    OD_ATTEMPT_SUCCEEDED, /* until the driver acknowledges */
    OD_ATTEMPT_FAILED     /* likewise */
};

struct od_attempt {
    struct od_attempt *next; /* list of the executor */
    struct od_life *life;    /* borrowed */
    const struct od_query *query; /* borrowed */
    struct od_attempt_name name;
    const struct od_stage *stage; /* borrowed from the plan */
    uint32_t generation;
    uint32_t task_count; /* of the stage, as it runs */
    enum od_attempt_state state;
    uint64_t step_timer; /* of the step that is due; RUNNING and 0: none is until a block arrives */
    uint32_t step_count;
    uint64_t since_ns; /* the step at hand began, or it has been blocked */
    struct od_attempt_metrics metrics;
    uint32_t operator_count;
    struct od_op_metrics *operators; /* in attempt_arena; after success */
    struct od_op_account account;
    char spill_name[OD_SPILL_NAME_BYTES]; /* begins the names of its spill files */
    struct od_arena attempt_arena;
    struct od_op *op;
    struct od_partition_writer writer; /* after success: the index */
    uint64_t output_checksum;          /* likewise */
    struct od_fetch fetch;
    struct od_error error;
    uint64_t reported_ns;
};

/* Takes a LAUNCH that is meant for this life. Nothing is hit or emitted yet. NO_MEMORY, CORRUPT; *attempt_out is then NULL. */
enum od_status od_attempt_new(struct od_life *life, const struct od_query *query,
                              const struct od_attempt_name *name, const struct od_body_launch *launch,
                              struct od_attempt **attempt_out, struct od_error *error);
/* NULL is fine. Leaves the stored output alone. */
void od_attempt_free(struct od_attempt *attempt);
/* Begins one that waits. Like the two below it may find the life gone: the caller then returns and touches nothing. */
void od_attempt_start(struct od_attempt *attempt);
/* One step of the operators; ends the attempt or sees to the next step. Only when it runs. */
void od_attempt_step(struct od_attempt *attempt);
/* Sends DONE or FAILED (again). Only when it has ended. */
void od_attempt_report(struct od_attempt *attempt);
/* Steps again soon, when it waits for a block. */
void od_attempt_wake(struct od_attempt *attempt);

#endif
