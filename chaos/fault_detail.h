/* fault_detail: what a fault says beyond its kind and its place, one detail at a time; for whoever asks how much of it matters. */
#ifndef OD_CHAOS_FAULT_DETAIL_H
#define OD_CHAOS_FAULT_DETAIL_H

#include "chaos/fault.h"

#define OD_FAULT_DETAIL_LIST(X)                                                                              \
    X(TIMES, "times") X(DURATION, "duration") X(AMOUNT, "amount") X(LOST_WRITE, "lost write") X(TIME, "time") \
    X(STAGE, "stage") X(TASK, "task") X(ATTEMPT, "attempt") X(EXECUTOR, "executor") X(PARTITION, "partition") \
    X(NTH, "nth") X(MESSAGE_KIND, "message kind")

enum od_fault_detail {
#define X(name, text) OD_FAULT_DETAIL_##name,
    OD_FAULT_DETAIL_LIST(X)
#undef X
        OD_FAULT_DETAIL_COUNT
};
const char *od_fault_detail_text(enum od_fault_detail detail);
/* As if it had not been said: the default in its place, for a site anything. False: it was not said, or must be. */
bool od_fault_drop_detail(struct od_fault *fault, enum od_fault_detail detail);

#endif
