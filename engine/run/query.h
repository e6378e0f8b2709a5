/* query: what a driver runs and what it gives back, and the cluster on which it does.
 *
 * The driver and the executors share `struct od_query` read-only: in one process by pointer, else as plan bytes that each
 * executor's catalog turns into one of its own. All results are the driver's. */
#ifndef OD_RUN_QUERY_H
#define OD_RUN_QUERY_H

#include "engine/plan/physical.h"
#include "engine/shuffle/block.h"
#include "engine/world/world.h"

/* Zero means the default in brackets. Times are the world's. */
struct od_cluster_options {
    uint32_t executor_count;        /* [3] actors 1..N that are there from the start */
    uint32_t executors_max;         /* [executor_count] actors up to this one may be added while queries run */
    uint32_t slots_per_executor;    /* [1] attempts that run at once on one executor */
    uint32_t backlog_per_slot;      /* [0] attempts that wait there for one of them to end */
    uint64_t heartbeat_ns;          /* [20 ms] */
    uint64_t lease_ns;              /* [100 ms] silence after which an executor counts as lost */
    uint64_t resend_ns;             /* [30 ms] until an unanswered request is sent again */
    uint64_t executor_memory_bytes; /* [0: no limit] */
    bool journal; /* [no] the driver writes down what it decides, for a next life of its own (driver_restart.c) */
    /* A breaker opens after so many failures within a window; for that long, doubled each time (breaker.h): */
    uint32_t breaker_failures;  /* [3] */
    uint64_t breaker_window_ns; /* [1 s] */
    uint64_t breaker_open_ns;   /* [200 ms] */
    uint64_t drain_grace_ns; /* [500 ms] that a decommissioned executor's attempts, then its readers, get to finish */
    uint64_t cache_bytes;    /* [256 MiB] of outputs that outlive their query, on each executor */
    uint32_t drop_on_drain;  /* [0] 1: its outputs are not copied elsewhere but lost, and computed again where needed */
};
struct od_run_options {
    struct od_cluster_options cluster;
    uint32_t slots_max;    /* [0: all] attempts of this query that run at once */
    uint32_t batch_rows;   /* [1024] */
    uint32_t attempts_max; /* [4] failures of one task before the query fails; lost executors and lost
                                     blocks do not count: the task was not at fault */
    uint32_t recoveries_max;   /* [1000] tasks run again through nobody's fault: a bound on loops */
    uint64_t retry_backoff_ns; /* [5 ms] doubled per failure, plus jitter from the world's random */
    /* Failures of so many tasks within this time are one failure of what is around them, and not the tasks': */
    uint32_t burst_tasks; /* [4] */
    uint64_t burst_ns;    /* [20 ms] */
    /* A second attempt runs once this share of the stage is committed and the first has taken this much of their median: */
    uint32_t speculation_share;   /* [75] percent */
    uint32_t speculation_percent; /* [150]; UINT32_MAX: never */
    uint64_t speculation_min_ns;  /* [100 ms] and not less than this */
    uint64_t deadline_ns;      /* [60 s] then the query fails with TIMED_OUT */
    /* Rows that are held before some go to disk: */
    uint64_t operator_memory_bytes; /* [0: no limit] by one operator */
    uint64_t query_memory_bytes;    /* [0: no limit] by all of the query: an equal share for each slot */
    /* What tasks read is fitted to the sizes of their inputs, once these are known (reading.h): */
    uint64_t partition_bytes; /* [0: read as planned] that a task should read. ORDEAL's commands ask for 1 MiB: a task takes
                                 milliseconds then, and starting it is a small part of that */
    uint64_t broadcast_bytes; /* [0: none] small sides up to this are read by every task. ORDEAL's commands ask for 256 KiB:
                                 what a task can fetch again without it being noticed */
    uint32_t coalesce_off;    /* [0] 1: small partitions are not read together */
    uint32_t split_off;       /* [0] 1: a large partition is not shared out */
    uint32_t broadcast_off;   /* [0] 1: no side is read whole that was planned to be read in partitions */
    uint32_t trace_operators; /* [0] 1: every attempt tells what each of its operators gave: OPERATOR_OUTPUT */
    uint64_t
        hash_bits_off;   /* [0] cleared in every hash of keys, to make them collide: answers stay the same */
    uint64_t link_bytes_per_s; /* [0: as if infinitely slow] what blocks travel at: see partition_writer.h */
    enum od_codec codec; /* [STORED] wanted for blocks; ORDEAL's commands ask for ZSTD */
};
/* The options with every 0 replaced by its default. */
struct od_run_options od_run_options_resolve(const struct od_run_options *options);
/* "attempts_max=6", "heartbeat=5ms": any of them but codec and hash_bits_off, times without their _ns. BAD_INPUT. */
enum od_status od_run_options_set(struct od_run_options *options, const char *assignment, struct od_error *error);
/* The assignment for the index'th of them, if it is one of the cluster's and set, else ""; false: there is no such index. */
enum { OD_OPTION_TEXT_BYTES = 80 };
bool od_run_options_assignment(const struct od_run_options *options, size_t index, char text[OD_OPTION_TEXT_BYTES]);
/* Takes over from `by` every one of these that is not 0. */
void od_run_options_override(struct od_run_options *options, const struct od_run_options *by);
/* As bytes, for other processes of the same machine type. Read: they come out resolved; false: nothing could run with them. */
#define OD_BATCH_ROWS_MAX (UINT32_C(1) << 20)
#define OD_EXECUTORS_MAX  UINT32_C(4096)
bool od_run_options_write(const struct od_run_options *options, struct od_buffer *buffer);
bool od_run_options_read(struct od_reader *reader, struct od_run_options *options_out);

struct od_query {
    uint32_t query_id;                  /* not 0; never used again in the life of a cluster */
    const struct od_stage_graph *graph; /* borrowed; outlives the run */
    struct od_run_options options;      /* resolved */
    const uint8_t *plan_bytes;          /* borrowed: what an executor's catalog makes a query of; NULL: it knows */
    size_t plan_size;
};

/* The queries that an executor's host knows. In one process `find` knows them all by pointer, and the others are NULL. */
struct od_query_catalog {
    /* NULL: not known (yet). What is found stays until `remove`. */
    const struct od_query *(*find)(void *self, uint32_t query_id);
    /* Of plan_bytes. BAD_INPUT, CORRUPT, UNSUPPORTED, MISSING (a table), NO_MEMORY. */
    enum od_status (*add)(void *self, uint32_t query_id, const uint8_t *bytes, size_t size,
                          struct od_error *error);
    void (*remove)(void *self, uint32_t query_id); /* nothing of the query is in use any more */
    void (*left)(void *self); /* the executor was decommissioned: holds nothing, may be ended */
    void *self;
};

/* How many attempts may run at once. */
static inline uint64_t od_run_slots(const struct od_query *query)
{
    return (uint64_t)query->options.cluster.executors_max * query->options.cluster.slots_per_executor;
}

/* Counted by the driver; exact. */
struct od_run_counts {
    uint32_t attempts_launched;
    uint32_t attempts_failed;
    uint32_t attempts_refused; /* successes that came too late */
    uint32_t tasks_recomputed; /* committed once before, run again because their output was lost */
    uint32_t blocks_bad;       /* damage that readers reported */
    uint32_t executors_lost;
    uint64_t shuffle_bytes; /* of committed attempts */
    uint64_t shuffle_rows;
    uint64_t spilled_bytes;     /* likewise */
    uint64_t memory_peak_bytes; /* the least query_memory_bytes with which none of them would have spilled */
    uint64_t started_ns;
    uint64_t ended_ns;
};

struct od_query_metrics;
/* What the driver ends with. Answer rows are in final order, in one table owned by whoever takes the outcome. */
struct od_outcome {
    enum od_status
        status; /* OK: `answer` is complete; else NULL and `error` says why. Nothing partial is ever shown */
    struct od_error error;
    struct od_table *answer; /* owned; free with od_table_free(memory, ...) */
    struct od_run_counts counts;
    struct od_query_metrics *metrics; /* metrics.h; the driver's for the call of the sink, which may copy it */
};

#endif
