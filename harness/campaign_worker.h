/* campaign_worker: the part of a campaign that runs in a worker process, and the page it shares with the parent. */
#ifndef OD_HARNESS_CAMPAIGN_WORKER_H
#define OD_HARNESS_CAMPAIGN_WORKER_H

#include <stdatomic.h>

#include "chaos/fault.h"
#include "harness/campaign.h"
#include "harness/hitting_sets.h"

#define OD_CAMPAIGN_JOBS_MAX  64
#define OD_CAMPAIGN_CODES_MAX 64

/* Written by one worker, read by the parent at any time. */
struct od_campaign_slot {
    _Atomic uint64_t case_index; /* of the running case, plus 1; 0: none */
    _Atomic uint64_t started_ns; /* when it, or the try of its shrinking, began */
    _Atomic uint64_t case_count;
    _Atomic uint64_t count_before; /* case_count when the running case began: more means that it is counted already */
    _Atomic uint64_t failure_count;
    _Atomic uint64_t own_bug_count;
    _Atomic uint64_t disturbed_count;
    _Atomic uint64_t run_count;
    _Atomic uint64_t digest;
    _Atomic uint64_t virtual_ns;
    _Atomic uint64_t explored_count;
    _Atomic uint64_t unbroken_count;
    _Atomic uint64_t property_counts[64];
    _Atomic uint64_t excused_counts[64];
    _Atomic uint64_t kind_counts[OD_FAULT_KIND_COUNT][OD_KIND_COUNTS];
    _Atomic uint64_t status_counts[32];
    _Atomic uint64_t feature_counts[OD_QUERY_FEATURE_COUNT][2];
    _Atomic uint64_t asked_counts[OD_ORACLE_COUNT][OD_ASKED_COUNT];
    uint32_t code_count; /* how often each code was shown; the worker's, and its successors' when it dies */
    struct {
        char code[8];
        uint32_t shown;
    } codes[OD_CAMPAIGN_CODES_MAX];
    _Atomic uint32_t died;  /* 1: the case below has ended a worker; the next one begins with telling it */
    char death[100];        /* how */
    _Atomic uint32_t drawn; /* 1 when `choices` are those of the running case */
    uint32_t fault_count; /* exploring: of the running run of that case */
    struct od_fault faults[OD_HITTING_SIZE_MAX];
    uint32_t choice_bytes;  /* of the running case, for the parent should the worker die */
    uint8_t choices[OD_CHOICES_LIMIT_BYTES];
};
struct od_campaign_page {
    _Atomic uint64_t next_index;
    _Atomic uint32_t stop;
    _Atomic uint32_t hurry; /* somebody wants the end: no more shrinking */
    struct od_campaign_slot slots[OD_CAMPAIGN_JOBS_MAX];
};

/* Runs until there is no case left; reports failures as whole struct od_campaign_failure on `pipe`. Returns the exit status. */
int od_campaign_work(const struct od_campaign_options *options, struct od_campaign_page *page, uint32_t slot_index,
                     int pipe);
uint64_t od_campaign_now_ns(void);

#endif
