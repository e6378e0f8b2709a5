/* fault_kind: what each kind of fault may be combined with; the one table behind parsing, drawing and
 * explaining. Inside chaos/ only. */
#ifndef OD_CHAOS_FAULT_KIND_H
#define OD_CHAOS_FAULT_KIND_H

#include "chaos/fault.h"

enum od_fault_amount {
    OD_FAULT_AMOUNT_NONE,
    OD_FAULT_AMOUNT_BIT, /* `bit=`: which one is changed; default 0 */
    OD_FAULT_AMOUNT_CUT  /* `cut=`: bytes that go; default 1 */
};

struct od_fault_kind_row {
    const char *text;
    const char *sentence;
    uint32_t points;   /* one bit per od_point */
    bool at_time;      /* may be addressed by time instead of a point */
    bool has_duration; /* `for=` means something */
    bool may_last;     /* `for=never`: until the schedule heals */
    enum od_fault_amount amount;
};

/* `kind` must be one of the list. */
const struct od_fault_kind_row *od_fault_kind_row(enum od_fault_kind kind);

#endif
