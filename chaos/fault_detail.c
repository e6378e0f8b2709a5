/* fault_detail: see fault_detail.h. */
#include "chaos/fault_detail.h"

#include <stddef.h>

#include "chaos/fault_kind.h"

const char *od_fault_detail_text(enum od_fault_detail detail)
{
    static const char *const texts[] = {
#define X(name, text) text,
        OD_FAULT_DETAIL_LIST(X)
#undef X
    };
    return texts[detail];
}

/* The numbers that stand for nothing said; those of a site must be said where a fault acts at a time. */
static const struct {
    size_t offset;
    uint32_t plain;
    bool is_of_point;
} numbers[OD_FAULT_DETAIL_COUNT] = {
    [OD_FAULT_DETAIL_TIMES] = {offsetof(struct od_fault, times), 1, false},
    [OD_FAULT_DETAIL_LOST_WRITE] = {offsetof(struct od_fault, lost_write), 0, false},
    [OD_FAULT_DETAIL_STAGE] = {offsetof(struct od_fault, site.stage), OD_ANY, true},
    [OD_FAULT_DETAIL_TASK] = {offsetof(struct od_fault, site.task), OD_ANY, true},
    [OD_FAULT_DETAIL_ATTEMPT] = {offsetof(struct od_fault, site.attempt), OD_ANY, true},
    [OD_FAULT_DETAIL_EXECUTOR] = {offsetof(struct od_fault, site.executor), OD_ANY, true},
    [OD_FAULT_DETAIL_PARTITION] = {offsetof(struct od_fault, site.partition), OD_ANY, true},
    [OD_FAULT_DETAIL_MESSAGE_KIND] = {offsetof(struct od_fault, site.message_kind), OD_ANY, true},
};

static bool drop_number(uint32_t *number, uint32_t plain)
{
    bool is_said = *number != plain;
    *number = plain;
    return is_said;
}

static bool drop_nanoseconds(uint64_t *ns, uint64_t plain)
{
    bool is_said = *ns != plain;
    *ns = plain;
    return is_said;
}

bool od_fault_drop_detail(struct od_fault *fault, enum od_fault_detail detail)
{
    switch (detail) {
    case OD_FAULT_DETAIL_DURATION: {
        struct od_fault plain = *fault;
        plain.duration_ns = 0;
        return od_fault_kind_row(fault->kind)->has_duration &&
               drop_nanoseconds(&fault->duration_ns, od_fault_duration_ns(&plain));
    }
    case OD_FAULT_DETAIL_AMOUNT:
        return drop_number(&fault->amount, od_fault_amount_row(od_fault_kind_row(fault->kind)->amount)->plain);
    case OD_FAULT_DETAIL_NTH: { /* of steps a number; of hits the first that counts, and all count from number 0 on */
        bool is_first = fault->site.nth == 0 && fault->point != OD_POINT_TASK_STEP;
        return !fault->at_time && drop_number(&fault->site.nth, OD_ANY) && !is_first;
    }
    case OD_FAULT_DETAIL_TIME:
        return fault->at_time && drop_nanoseconds(&fault->time_ns, 0);
    default:
        if (numbers[detail].is_of_point && fault->at_time)
            return false;
        return drop_number((uint32_t *)(void *)((char *)fault + numbers[detail].offset), numbers[detail].plain);
    }
}
