/* metrics: what a query took, by stage and operator.
 *
 *   operator --DONE--> driver, at each commit --> od_query_metrics in the outcome --> EXPLAIN ANALYZE, record, Prometheus
 *
 * Sums are over committed attempts: what failed or came too late is in the counts of attempts only, and a task whose output was
 * lost and made again counts as often as it was committed. A driver that was restarted knows of its own life only. Rows and counts are exact and, in a simulation, the same every time;
 * so are times, which are the world's. Nothing here reaches an answer or a decision. */
#ifndef OD_RUN_METRICS_H
#define OD_RUN_METRICS_H

#include "engine/op/op.h"
#include "engine/run/query.h"

/* Of one attempt, or summed over some. All fields are uint64_t: they travel as they stand here. */
struct od_attempt_metrics {
    uint64_t steps;
    uint64_t run_ns;         /* in steps; 0 where the clock stands still during a handler */
    uint64_t wait_ns;        /* blocked: no input had arrived */
    uint64_t fetched_blocks; /* read from other tasks' outputs, and sound */
    uint64_t fetched_bytes;  /* as they came */
};

struct od_stage_metrics {
    uint32_t attempts_launched;
    uint32_t attempts_failed;
    uint32_t tasks_recomputed;
    uint32_t commits;
    uint32_t adaptations;   /* bits 1 << enum od_adaptation; 0: its tasks read as planned */
    uint32_t adapted_tasks; /* then: how many there are */
    uint64_t rows;          /* of the output */
    uint64_t bytes;
    uint64_t spilled_bytes;
    uint64_t peak_bytes; /* of rows held by one attempt, at most */
    uint64_t submitted_ns;
    uint64_t completed_ns; /* 0: not yet */
    struct od_attempt_metrics attempts;
    uint32_t operator_count;
    uint32_t operator_first; /* in the list of all */
};

/* One block of memory, without pointers: a copy of its bytes is a copy. */
struct od_query_metrics {
    size_t size; /* of the block */
    uint32_t stage_count;
    uint32_t operator_count;
    struct od_stage_metrics stages[]; /* the operators' are behind them */
};

/* All 0. NULL on refusal. Freed with od_give(memory, metrics, metrics->size). */
struct od_query_metrics *od_query_metrics_new(struct od_memory *memory, const struct od_stage_graph *graph);
/* NULL of NULL, and on refusal. */
struct od_query_metrics *od_query_metrics_copy(struct od_memory *memory,
                                               const struct od_query_metrics *source);
void od_query_metrics_free(struct od_memory *memory, struct od_query_metrics *metrics); /* NULL is fine */
/* Of a stage, in printing order: an operator, then its inputs. */
struct od_op_metrics *od_stage_operators(struct od_query_metrics *metrics, uint32_t stage);

/* As bytes, for another process: numbers in the order of the structs. Reading fills metrics of the same graph; false when the
 * bytes are not theirs. */
bool od_query_metrics_write(struct od_buffer *buffer, const struct od_query_metrics *metrics);
bool od_query_metrics_read(struct od_reader *reader, struct od_query_metrics *metrics);

void od_attempt_metrics_add(struct od_attempt_metrics *sum, const struct od_attempt_metrics *more);
/* Sums, and of peak_bytes the larger one. */
void od_op_metrics_add(struct od_op_metrics *sum, const struct od_op_metrics *more);

/* The stage graph as od_stage_graph_print shows it, with what each stage and operator did, and the whole. */
bool od_query_metrics_print(const struct od_query_metrics *metrics, const struct od_stage_graph *graph,
                            const struct od_run_counts *counts, struct od_buffer *buffer);

#endif
