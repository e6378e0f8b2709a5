/* timeline: what each executor did when, put together from the events of one run.
 *
 *   executor 1   [0.0][0.2]    [1.0 x]        [1.0 again]
 *   executor 2   [0.1]  [1.1 ...... lost|
 *                              ^ fault            ^ healed
 *
 * A span is one attempt of a task on one executor, from its start to whatever ended it. Internal to reports.
 */
#ifndef OD_REPORTS_TIMELINE_H
#define OD_REPORTS_TIMELINE_H

#include "engine/core/arena.h"
#include "reports/event_log.h"

enum od_span_outcome {
    OD_SPAN_DONE,       /* first attempt, succeeded */
    OD_SPAN_AGAIN,      /* a retry or a recompute, succeeded */
    OD_SPAN_FAILED,     /* reported a failure */
    OD_SPAN_LOST,       /* its executor was lost */
    OD_SPAN_REFUSED,    /* succeeded too late; dropped by the driver */
    OD_SPAN_CANCELLED,  /* the driver told it to stop */
    OD_SPAN_UNFINISHED, /* no event says how it ended */
    OD_SPAN_OUTCOME_COUNT
};
const char *od_span_outcome_text(enum od_span_outcome outcome);

struct od_span {
    uint64_t start_ns;
    uint64_t end_ns;
    uint32_t executor; /* OD_REPORT_NONE: unknown */
    uint32_t stage;
    uint32_t task;
    uint32_t attempt;
    uint32_t lane; /* from 0; spans of one executor that overlap lie in different lanes */
    enum od_span_outcome outcome;
    const char *text; /* why it failed; may be NULL; borrowed from the event */
    bool open;
    bool committed;
};

/* A moment worth a mark: a fault, a lost executor, lost output, a bad block, the end of faults. */
struct od_mark {
    uint64_t time_ns;
    uint32_t executor;
    const char *kind; /* of the event */
    char *text;       /* in words, in the arena */
};

struct od_timeline {
    struct od_span *spans; /* in the order of their starts */
    size_t span_count;
    struct od_mark *marks;
    size_t mark_count;
    uint32_t executor_last; /* executors count from 1; 0: none seen */
    uint64_t start_ns;
    uint64_t end_ns;
};

/* Takes only the events of `run`, in their order. Everything lies in `arena`. NO_MEMORY. */
enum od_status od_timeline_build(struct od_arena *arena, const struct od_event_list *events, uint64_t run,
                                 struct od_timeline *timeline_out, struct od_error *error);

#endif
