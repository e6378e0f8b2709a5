/* fault_kind: what each kind of fault may be combined with; the one table behind parsing, drawing and
 * explaining. Inside chaos/ only. */
#ifndef OD_CHAOS_FAULT_KIND_H
#define OD_CHAOS_FAULT_KIND_H

#include "chaos/fault.h"

enum od_fault_amount {
    OD_FAULT_AMOUNT_NONE,
    OD_FAULT_AMOUNT_BIT,   /* `bit=`: which one is changed; default 0 */
    OD_FAULT_AMOUNT_CUT,   /* `cut=`: bytes that go; default 1 */
    OD_FAULT_AMOUNT_KEEP,  /* `keep=`: bytes that stay; default 0; and `lost=`: one write that does not */
    OD_FAULT_AMOUNT_FACTOR /* `factor=`: default 10 */
};
struct od_fault_amount_row {
    const char *key; /* NULL: the kind takes none */
    uint32_t least;
    uint32_t plain;   /* the default: not printed */
    bool needs_bytes; /* it acts on what passes a point: a hit without any is none */
};
const struct od_fault_amount_row *od_fault_amount_row(enum od_fault_amount amount);

/* Whose hits of a point count. */
enum od_fault_victim { OD_FAULT_OF_ANYBODY, OD_FAULT_OF_EXECUTOR, OD_FAULT_OF_DRIVER };
/* What a fault at a time must name. */
enum od_fault_target { OD_FAULT_TARGET_NONE, OD_FAULT_TARGET_EXECUTOR, OD_FAULT_TARGET_QUERY };

struct od_fault_kind_row {
    const char *text;
    const char *sentence;
    uint32_t points;   /* one bit per od_point */
    bool at_time;      /* may be addressed by time instead of a point */
    bool has_duration; /* `for=` means something */
    bool may_last;     /* `for=never`: until the schedule heals */
    enum od_fault_amount amount;
    enum od_fault_victim victim;
    enum od_fault_target target;
};

/* `kind` must be one of the list. */
const struct od_fault_kind_row *od_fault_kind_row(enum od_fault_kind kind);

#endif
