/* explore_faults: every fault that can meet a run: from the points that it reached, and moments of it.
 *
 *   hit x kind that may act there x variant  ->  fault, addressed so that it fires at that hit and no other
 *   moment x executor x kind that may act at a time x variant  ->  fault
 *
 * These are more than can be run, and most are alike. A grain says which differences count; of the faults of one class, which differ in
 * nothing that counts, the first is kept. Grain 0 keeps all; each coarser one forgets something more (see od_explore_grain_text).
 * Deterministic: the order is that of the run. */
#ifndef OD_HARNESS_EXPLORE_FAULTS_H
#define OD_HARNESS_EXPLORE_FAULTS_H

#include "harness/explore_subject.h"

#define OD_EXPLORE_VARIANTS 2 /* of duration and amount: mild, and beyond what is tolerated without a recovery */
enum { OD_EXPLORE_GRAIN_COUNT = 7 };
const char *od_explore_grain_text(uint32_t grain); /* "one task of each role", what it forgets beyond the one before */

/* What a subject has that faults can be aimed at. */
struct od_explore_target {
    uint32_t executor_count;
    uint64_t lease_ns;
    uint32_t stage_count;
    uint32_t *task_counts; /* owned; per stage */
    uint32_t moment_count;
    uint64_t *moments_ns; /* owned: the start, the middle of each stage, the end */
    struct od_memory *memory; /* borrowed */
};
enum od_status od_explore_target_init(struct od_explore_target *target, const struct od_explore_subject *subject,
                                      struct od_error *error);
void od_explore_target_release(struct od_explore_target *target); /* zeroed is fine */

struct od_explore_fault {
    struct od_fault fault;
    uint64_t identity; /* of all its fields */
    uint64_t class;    /* of the fields that count at the grain it was listed with */
};
/* One number for two faults, whichever comes first. */
static inline uint64_t od_explore_pair_identity(uint64_t first, uint64_t second)
{
    return od_mix_two(first < second ? first : second, first < second ? second : first);
}

/* A set of numbers other than 0, or a map from them to indexes. */
struct od_explore_set {
    struct od_memory *memory; /* borrowed */
    uint64_t *keys;           /* owned */
    uint32_t *values;         /* owned */
    uint32_t slot_count;
    uint32_t count;
};
void od_explore_set_init(struct od_explore_set *set, struct od_memory *memory);
void od_explore_set_release(struct od_explore_set *set);
void od_explore_set_reset(struct od_explore_set *set);
/* *is_new_out: it was not there, and now is, with `value`. NO_MEMORY. */
enum od_status od_explore_set_add(struct od_explore_set *set, uint64_t key, uint32_t value, bool *is_new_out,
                                  struct od_error *error);
bool od_explore_set_find(const struct od_explore_set *set, uint64_t key, uint32_t *value_out);

struct od_explore_faults {
    struct od_memory *memory; /* borrowed */
    struct od_explore_fault *items; /* owned */
    uint32_t count;
    uint32_t capacity;
    uint64_t candidate_count; /* at grain 0 */
    struct od_explore_set classes;
};
void od_explore_faults_init(struct od_explore_faults *faults, struct od_memory *memory);
void od_explore_faults_release(struct od_explore_faults *faults);

/* Lists the faults of a run that reached `hits`, in place of what was listed; of each class the first. `skip`: classes of which one is
 * there already; NULL: none. NO_MEMORY. */
enum od_status od_explore_faults_list(struct od_explore_faults *faults, const struct od_explore_target *target,
                                      const struct od_explore_hits *hits, uint32_t grain, const struct od_explore_set *skip,
                                      struct od_error *error);
/* The finest grain at which there are at most `most`; the coarsest where all are more. */
enum od_status od_explore_faults_grain(struct od_explore_faults *faults, const struct od_explore_target *target,
                                       const struct od_explore_hits *hits, uint64_t most, uint32_t *grain_out,
                                       struct od_error *error);
/* What all of these are made of: may a fault of the kind strike who was hit; where it is then aimed; a number for a fault. */
bool od_explore_concerns(enum od_fault_kind kind, const struct od_explore_hit *hit);
struct od_site od_explore_site(const struct od_explore_hit *hit);
uint64_t od_explore_identity(const struct od_fault *fault);
/* Calls back for every fault at grain 0, without memory. */
void od_explore_faults_each(const struct od_explore_target *target, const struct od_explore_hits *hits,
                            void (*visit)(void *self, const struct od_fault *fault, uint64_t identity), void *self);

#endif
