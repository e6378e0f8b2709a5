/* disturb: matching and the effects that need no host.
 *
 *   hit(point, site) -> for each fault in order: point? site? -> reached[i]++ -> nth? times? -> fired[i]++
 *
 * Two counters per fault: `reached` counts the hits that its site covers whether or not it fires, so that
 * `nth` means the same with and without other faults in the schedule; `fired` bounds it by `times`. Only
 * one fault fires per hit: the first in the schedule's order. A later one with the same site waits for the
 * next hit.
 *
 * Most hits meet no fault at all: `points_used` answers those with one bit test. */
#include "chaos/disturb.h"

#include "chaos/fault_kind.h"
#include "engine/core/assert.h"

static const struct od_schedule no_schedule = {0};

static void note_points(struct od_disturb *disturb)
{
    for (uint32_t i = 0; i < disturb->schedule->fault_count; i++) {
        const struct od_fault *fault = &disturb->schedule->faults[i];
        if (!fault->at_time) {
            od_assert(od_fault_kind_allows(fault->kind, fault->point));
            disturb->points_used |= UINT32_C(1) << fault->point;
        }
    }
}

void od_disturb_share(struct od_disturb *disturb, const struct od_schedule *schedule, uint32_t *fired,
                      uint32_t *reached)
{
    *disturb = (struct od_disturb){
        .schedule = schedule == NULL ? &no_schedule : schedule, .fired = fired, .reached = reached};
    note_points(disturb);
}

enum od_status od_disturb_init(struct od_disturb *disturb, struct od_memory *memory,
                               const struct od_schedule *schedule, struct od_error *error)
{
    *disturb = (struct od_disturb){.schedule = schedule == NULL ? &no_schedule : schedule, .memory = memory};
    uint32_t count = disturb->schedule->fault_count;
    disturb->fired = od_take_array(memory, count, sizeof(*disturb->fired));
    disturb->reached = od_take_array(memory, count, sizeof(*disturb->reached));
    if (count > 0 && (disturb->fired == NULL || disturb->reached == NULL))
        goto no_memory;
    note_points(disturb);
    return OD_OK;
no_memory:
    od_disturb_release(disturb);
    return od_fail(error, OD_NO_MEMORY, "arming a schedule: faults=%u", count);
}

void od_disturb_release(struct od_disturb *disturb)
{
    if (disturb->memory != NULL) {
        size_t count = disturb->schedule->fault_count;
        od_give(disturb->memory, disturb->fired, count * sizeof(*disturb->fired));
        od_give(disturb->memory, disturb->reached, count * sizeof(*disturb->reached));
    }
    *disturb = (struct od_disturb){.schedule = &no_schedule};
}

bool od_disturb_is_healed(const struct od_disturb *disturb, uint64_t now_ns)
{
    return disturb->schedule->heal_ns != 0 && now_ns >= disturb->schedule->heal_ns;
}

static bool field_matches(uint32_t wanted, uint32_t found)
{
    return wanted == OD_ANY || wanted == found;
}

/* All fields but nth. */
static bool site_matches(const struct od_site *wanted, const struct od_site *found)
{
    return field_matches(wanted->query, found->query) && field_matches(wanted->stage, found->stage) &&
           field_matches(wanted->task, found->task) && field_matches(wanted->attempt, found->attempt) &&
           field_matches(wanted->executor, found->executor) &&
           field_matches(wanted->partition, found->partition) &&
           field_matches(wanted->message_kind, found->message_kind);
}

/* `hit_number` counts the hits that match otherwise, from 0. */
static bool nth_matches(const struct od_fault *fault, const struct od_site *found, uint32_t hit_number)
{
    if (fault->site.nth == OD_ANY)
        return true;
    return fault->point == OD_POINT_TASK_STEP ? fault->site.nth == found->nth : hit_number >= fault->site.nth;
}

/* Damage needs bytes, and what happens to an executor does not happen to the driver. */
static bool is_hit_of(const struct od_fault_kind_row *row, uint32_t actor_id, size_t byte_count)
{
    bool is_victim =
        row->victim == OD_FAULT_OF_ANYBODY || (row->victim == OD_FAULT_OF_DRIVER) == (actor_id == 0);
    return is_victim && (byte_count > 0 || !od_fault_amount_row(row->amount)->needs_bytes);
}

void od_disturb_count_fired(struct od_disturb *disturb, const struct od_fault *fault)
{
    size_t index = (size_t)(fault - disturb->schedule->faults);
    od_assert(index < disturb->schedule->fault_count);
    disturb->fired[index]++;
    disturb->total_fired++;
}

const struct od_fault *od_disturb_match(struct od_disturb *disturb, enum od_point point,
                                        const struct od_site *site, uint32_t actor_id, size_t byte_count,
                                        uint64_t now_ns)
{
    const struct od_fault *found = NULL;
    if ((disturb->points_used >> point & 1) == 0 || od_disturb_is_healed(disturb, now_ns))
        return NULL;
    for (uint32_t i = 0; i < disturb->schedule->fault_count; i++) {
        const struct od_fault *fault = &disturb->schedule->faults[i];
        if (fault->at_time || fault->point != point || !site_matches(&fault->site, site))
            continue;
        if (!is_hit_of(od_fault_kind_row(fault->kind), actor_id, byte_count))
            continue;
        uint32_t hit_number = disturb->reached[i]++;
        bool may_fire = fault->times == OD_FAULT_ALWAYS || disturb->fired[i] < fault->times;
        if (found == NULL && may_fire && nth_matches(fault, site, hit_number))
            found = fault;
    }
    if (found != NULL)
        od_disturb_count_fired(disturb, found);
    return found;
}

/* --- effects ---------------------------------------------------------------------------------- */

/* What the operation at the point fails with; the kinds that let it go on have no row. */
static const enum od_status fault_statuses[OD_FAULT_KIND_COUNT] = {
    [OD_FAULT_TASK_ERROR_BEFORE] = OD_TASK_FAILED, [OD_FAULT_TASK_ERROR_MIDDLE] = OD_TASK_FAILED,
    [OD_FAULT_TASK_ERROR_AFTER] = OD_TASK_FAILED,  [OD_FAULT_EXECUTOR_CRASH] = OD_EXECUTOR_GONE,
    [OD_FAULT_SHUFFLE_BLOCK_MISSING] = OD_MISSING, [OD_FAULT_DRIVER_CRASH] = OD_EXECUTOR_GONE,
};

static void damage(const struct od_fault *fault, struct od_point_bytes *bytes)
{
    if (fault->kind == OD_FAULT_SHUFFLE_BLOCK_BIT_FLIP) {
        uint64_t bit = fault->amount % ((uint64_t)bytes->size * 8);
        bytes->bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    } else if (fault->kind == OD_FAULT_SHUFFLE_BLOCK_TRUNCATED) {
        size_t cut = fault->amount == 0 ? 1 : fault->amount;
        bytes->size -= cut < bytes->size ? cut : bytes->size;
    }
}

enum od_status od_disturb_act(const struct od_fault *fault, enum od_point point, const struct od_site *site,
                              struct od_point_bytes *bytes, struct od_error *error)
{
    if (bytes != NULL && bytes->size > 0)
        damage(fault, bytes);
    enum od_status status = fault_statuses[fault->kind];
    if (status == OD_OK)
        return OD_OK;
    od_fail(error, status, "injected: %s at %s, stage=%d task=%d attempt=%d", od_fault_kind_text(fault->kind),
            od_point_text(point), (int)site->stage, (int)site->task, (int)site->attempt);
    if (error != NULL)
        error->injected = true;
    return status;
}

bool od_disturb_order(const struct od_fault *fault, const struct od_site *site, struct od_order *order_out)
{
    static const enum od_order_kind kinds[OD_FAULT_KIND_COUNT] = {
        [OD_FAULT_EXECUTOR_DECOMMISSION] = OD_ORDER_DECOMMISSION,
        [OD_FAULT_DRIVER_CANCEL_QUERY] = OD_ORDER_CANCEL_QUERY,
    };
    *order_out = (struct od_order){.kind = kinds[fault->kind], .query = site->query, .executor = site->executor};
    return kinds[fault->kind] != 0;
}

enum od_status od_disturb_gone(struct od_error *error)
{
    od_fail(error, OD_EXECUTOR_GONE, "injected: this executor has died");
    if (error != NULL)
        error->injected = true;
    return OD_EXECUTOR_GONE;
}

struct od_site od_disturb_message_site(const struct od_message *message)
{
    struct od_site site = message->site;
    site.executor = message->from != 0 ? message->from : message->to;
    site.message_kind = message->kind;
    return site;
}

struct od_event od_disturb_fired_event(const struct od_disturb *disturb, const struct od_fault *fault,
                                       const struct od_site *site)
{
    return (struct od_event){
        .kind = OD_EVENT_FAULT_FIRED,
        .site = *site,
        .value = (uint64_t)(fault - disturb->schedule->faults),
    };
}
