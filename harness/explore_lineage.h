/* explore_lineage: looks for small sets of faults that break a query, after what its right answer rests on ("Lineage-driven Fault
 * Injection", Alvaro, Rosen, Hellerstein, SIGMOD 2015).
 *
 *   undisturbed run -> support of the answer: attempts, blocks, messages, records -> faults that take a part of it away
 *        each of them alone, then the smallest sets of them that leave none of the supports found so far whole
 *             -> run: a violation, found | the right answer: what it rests on this time is one support more -> again
 *        none of at most K faults is left: no K faults (of those known here) break this query
 *
 * In the paper one fault of a support stands for all of them. Here every single one is tried, as the engine reacts otherwise to each:
 * an attempt that comes after a crash says nothing about a block that is damaged. Sets of two and more follow the paper.
 * The engine repairs by trying again, and what it does twice can do harm, so more is taken for support than the answer rests on: the
 * attempts that did not count, of tasks that did (rivals), and the answers that tell a sender to be silent. The lineage itself
 * (od_lineage_find) is worked out from the events: results, the attempts committed, the attempts whose blocks these have read. */
#ifndef OD_HARNESS_EXPLORE_LINEAGE_H
#define OD_HARNESS_EXPLORE_LINEAGE_H

#include "harness/explore_subject.h"

/* --- the support of an answer ------------------------------------------------------------------------------------- */

struct od_attempt_key {
    uint32_t stage;
    uint32_t task;
    uint32_t attempt;
};
struct od_lineage {
    struct od_memory *memory;        /* borrowed */
    struct od_attempt_key *attempts; /* owned; that the answer rests on, in the order in which they were found: from the last event back */
    uint32_t count;
    uint32_t capacity;
};
/* NO_MEMORY. What was found in `lineage` before is forgotten; zeroed is fine but for its memory. */
enum od_status od_lineage_find(struct od_lineage *lineage, const struct od_event *events, uint32_t event_count,
                               struct od_error *error);
bool od_lineage_has(const struct od_lineage *lineage, const struct od_attempt_key *attempt);
void od_lineage_release(struct od_lineage *lineage);

/* --- faults that break supports ----------------------------------------------------------------------------------- */

enum od_lineage_trait {
    OD_TRAIT_PLAIN,   /* stages with several tasks, executors, and rows to lose */
    OD_TRAIT_VARIES,  /* a stage that may give other rows when it is computed again */
    OD_TRAIT_WAITS,   /* more tasks than slots */
    OD_TRAIT_TWINS,   /* second attempts soon */
    OD_TRAIT_BACKLOG, /* attempts wait at executors, and are taken away */
    OD_TRAIT_POOR,    /* nothing of it */
    OD_TRAIT_COUNT
};

/* What was tried in the cases before. */
struct od_lineage_memory {
    uint64_t spent[OD_TRAIT_COUNT]; /* runs of cases with that trait */
    uint32_t passed_over;           /* cases since the last that was due */
    uint32_t counts[1 << 16];       /* tries, by a hash of what is done to which part of which kind of stage */
};

struct od_lineage_options {
    uint32_t faults_max; /* K: 1..OD_HITTING_SIZE_MAX */
    uint64_t runs_max;   /* 0: any number */
    /* Asked before each run: false ends it all. NULL: always true. */
    bool (*goes_on)(void *self, const struct od_schedule *next);
    void *self;
    uint32_t due;        /* what the case is due for; where that is rivals and it has none, it is not run any further; 0: for itself */
    struct od_lineage_memory *memory; /* borrowed; what was tried least has its turn first; NULL: nothing is known */
};

struct od_lineage_result {
    uint64_t runs;      /* of the cluster, without the undisturbed one */
    uint32_t faults;    /* known here */
    uint32_t supports;  /* derivations of the right answer that were found */
    bool is_done;       /* no set of up to K faults is left */
    bool is_broken;     /* a set was found: `schedule`, which lives in the caller's arena, and what it violates */
    struct od_schedule schedule;
    struct od_finding finding;
    uint64_t digest; /* of all runs */
};

/* `subject` was opened, and its undisturbed run has held. NO_MEMORY, and whatever the harness fails with. */
enum od_status od_lineage_explore(const struct od_explore_subject *subject, const struct od_lineage_options *options,
                                  struct od_arena *arena, struct od_lineage_result *result_out, struct od_error *error);
/* Is it the turn of a case with these stages, this cluster and so many rows: the traits that it is due for, those that got least of the
 * runs so far, as bits; 0: it is not. Nothing is run to know. */
uint32_t od_lineage_due(const struct od_cluster_request *request, uint32_t row_count, struct od_lineage_memory *memory);
/* `runs` were made for them. */
void od_lineage_spend(struct od_lineage_memory *memory, uint32_t due, uint64_t runs);

#endif
