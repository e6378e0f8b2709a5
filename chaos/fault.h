/* fault: what can go wrong, where, and for how long, as data that can be parsed, printed, drawn, shrunk
 * and replayed.
 *
 * One line of text a fault, canonical (parse(print(f)) == f):
 *   task.error_middle at task_step stage=1 task=0 attempt=0 nth=2
 *   executor.crash at task_end stage=0 task=1 for=40ms
 *   executor.pause at time=3ms executor=2 for=150ms
 *   shuffle.block_bit_flip at block_write stage=0 task=2 partition=1 bit=77
 *   network.delay at message_send executor=1 nth=3 for=20ms times=2
 *   shuffle.block_truncated at block_receive stage=0 cut=8
 *   executor.crash at time=2ms executor=1 for=never
 *   driver.crash at journal_write nth=2 for=5ms keep=17 lost=1
 *   executor.slow at time=1ms executor=3 for=60ms factor=100
 *   executor.decommission at task_end stage=0 task=1
 *   executor.add at time=2ms
 *   driver.cancel_query at time=4ms query=1
 *   heal at=2s
 * Site fields (query stage task attempt executor partition nth message_kind) that are not given match
 * anything. `times` is how often it fires (default 1; `times=always`). Durations are whole numbers of ns,
 * us, ms or s.
 *
 * `nth`: at task_step the number of the step; elsewhere hits of the point that match the other fields are
 * counted from 0 over the run, and the fault fires at the nth and, while `times` lasts, at the ones behind
 * it. `executor` at message_send: the sender; for messages of the driver the receiver.
 *
 * `keep` and `lost`, where the driver dies: of the bytes that it wrote and did not sync the first `keep` stay, in the order
 * of writing; the `lost`-th of these writes (from 1) goes although later ones may stay. */
#ifndef OD_CHAOS_FAULT_H
#define OD_CHAOS_FAULT_H

#include "chaos/fault_list.h"
#include "engine/core/arena.h"
#include "engine/core/buffer.h"
#include "engine/core/random.h"
#include "engine/world/point.h"

enum od_fault_kind {
#define X(name, text, promise, sentence, ...) OD_FAULT_##name,
    OD_FAULT_LIST(X)
#undef X
        OD_FAULT_KIND_COUNT
};
const char *od_fault_kind_text(enum od_fault_kind kind);
const char *od_fault_kind_sentence(enum od_fault_kind kind);

/* What the engine owes its user under a kind, within its budgets: see fault_list.h. */
enum od_fault_promise { OD_FAULT_RECOVERS, OD_FAULT_MAY_FAIL, OD_FAULT_ENDS };
enum od_fault_promise od_fault_kind_promise(enum od_fault_kind kind);
const char *od_fault_promise_text(enum od_fault_promise promise);
/* Of a network and of disks that only a simulation has: in other hosts such a fault changes nothing. */
bool od_fault_kind_needs_sim(enum od_fault_kind kind);
/* For lists of kinds: which property would notice a wrong reaction ("F10"), which test of this folder proves that it takes
 * effect ("kinds_test"), where it may act ("task_start, a time") and what it takes besides a site ("for factor times"). */
const char *od_fault_kind_property(enum od_fault_kind kind);
const char *od_fault_kind_test(enum od_fault_kind kind);
bool od_fault_kind_print_places(enum od_fault_kind kind, struct od_buffer *buffer);
bool od_fault_kind_print_parameters(enum od_fault_kind kind, struct od_buffer *buffer);

/* A set of kinds. */
#define OD_FAULT_KIND_WORDS 4
struct od_fault_kinds {
    uint64_t words[OD_FAULT_KIND_WORDS];
};
static inline bool od_fault_kinds_has(const struct od_fault_kinds *kinds, enum od_fault_kind kind)
{
    return (kinds->words[kind / 64] >> kind % 64 & 1) != 0;
}
static inline void od_fault_kinds_add(struct od_fault_kinds *kinds, enum od_fault_kind kind)
{
    kinds->words[kind / 64] |= UINT64_C(1) << kind % 64;
}
static inline void od_fault_kinds_drop(struct od_fault_kinds *kinds, enum od_fault_kind kind)
{
    kinds->words[kind / 64] &= ~(UINT64_C(1) << kind % 64);
}
uint32_t od_fault_kinds_count(const struct od_fault_kinds *kinds);
/* All but those that end a query. */
struct od_fault_kinds od_fault_kinds_survivable(void);
/* "task,network.loss,-task.hang": subjects and kinds, in order, each added, or with '-' left out; a list that begins with one that
 * is left out begins with all survivable ones. BAD_INPUT for a word that is neither, and for an empty set. */
enum od_status od_fault_kinds_parse(const char *text, struct od_fault_kinds *kinds_out, struct od_error *error);

#define OD_FAULT_ALWAYS UINT32_MAX

struct od_fault {
    enum od_fault_kind kind;
    bool at_time;         /* else at `point` */
    uint64_t time_ns;     /* at_time: a kind that acts on an executor then names site.executor, one on a query
                             site.query */
    enum od_point point;  /* which points a kind may use: od_fault_kind_allows */
    struct od_site site;  /* OD_ANY matches all */
    uint64_t duration_ns; /* crash: until the new life; else how long. 0: 20 ms; UINT64_MAX: until healed */
    uint32_t amount; /* what the kind takes: enum od_fault_amount */
    uint32_t lost_write;  /* driver.crash; 0: none */
    uint32_t times;       /* 1..OD_FAULT_ALWAYS */
};
bool od_fault_kind_allows(enum od_fault_kind kind, enum od_point point);
/* duration_ns with the default put in. */
uint64_t od_fault_duration_ns(const struct od_fault *fault);

/* A schedule is a list of faults; all are off from heal_ns (the world's time since the start) on, and what
 * is dead or paused then comes back at once. heal_ns 0: never healed. */
struct od_schedule {
    uint32_t fault_count;
    const struct od_fault *faults; /* lives where the schedule was made */
    uint64_t heal_ns;
};

/* Text of many lines; '#' starts a comment; `heal at=2s` sets heal_ns. BAD_INPUT with line and column and
 * what was expected. */
enum od_status od_schedule_parse(struct od_arena *arena, const char *source_name, const char *text,
                                 size_t size, struct od_schedule *schedule_out, struct od_error *error);
bool od_fault_print(const struct od_fault *fault, struct od_buffer *buffer); /* one line, no newline */
bool od_schedule_print(const struct od_schedule *schedule, struct od_buffer *buffer);
/* "executor 2 dies after writing its output in stage 1 task 0, attempt 0; a new one starts after 40 ms" */
bool od_fault_explain(const struct od_fault *fault, struct od_buffer *buffer);

/* What a schedule can be aimed at. */
struct od_schedule_shape {
    uint32_t executor_count;
    uint32_t stage_count;
    const uint32_t *task_counts;      /* per stage */
    const uint32_t *partition_counts; /* per stage */
    uint32_t fault_count_max;
    uint64_t span_ns; /* how long an undisturbed run takes about; times are drawn within */
    struct od_fault_kinds kinds; /* that may be drawn */
    uint32_t query; /* whose id a cancelling at a time names */
};
/* Draws a schedule; smaller draws are plainer (fewer faults, earlier kinds of the list, shorter, first
 * stage and task). Aimed so that most faults fire: see schedule_draw.c. Each fault fires a bounded number of times unless the draw says `always` (rare):
 * od_schedule_may_exhaust tells. */
enum od_status od_schedule_draw(struct od_arena *arena, struct od_random *draws,
                                const struct od_schedule_shape *shape, struct od_schedule *schedule_out,
                                struct od_error *error);
/* True when the schedule alone could use up a task's retry budget of attempts_max failures: the query may
 * then fail with RETRIES_EXHAUSTED without breaking property F1. Also true for any other fault that fires
 * `always`, and so often (each recovery can be undone again). Finite crashes and lost blocks are not counted: give
 * queries a recoveries_max beyond what a schedule can cause. `fired`: how often each fault did in a run, which then
 * has no excuse in those that did not (NULL: in any run). */
bool od_schedule_may_exhaust(const struct od_schedule *schedule, const uint32_t *fired, uint32_t attempts_max);
/* True when some fault, that fired, is of a kind under which a query may fail with any typed error (promise MAY_FAIL). `fired` as above. */
bool od_schedule_may_fail(const struct od_schedule *schedule, const uint32_t *fired);
/* True when a file may be there at the end: its removal was refused, or the driver that knew of it could write no journal and died. */
bool od_schedule_may_leave_files(const struct od_schedule *schedule);
/* True when some fault ends a life of the driver. `schedule` may be NULL. */
bool od_schedule_kills_driver(const struct od_schedule *schedule);
/* True when some fault does, or waits where only a driver with a journal gets to. `schedule` may be NULL. */
bool od_schedule_wants_journal(const struct od_schedule *schedule);

#endif
