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

#include <string.h>

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

static bool opens_windows(const struct od_schedule *schedule)
{
    for (uint32_t i = 0; i < schedule->fault_count; i++)
        if (od_effect_is_window(od_fault_kind_row(schedule->faults[i].kind)->effect))
            return true;
    return false;
}

static size_t window_count(const struct od_disturb *disturb)
{
    return (size_t)disturb->actor_count * disturb->schedule->fault_count;
}

void od_disturb_share(struct od_disturb *disturb, const struct od_schedule *schedule, uint32_t *fired,
                      uint32_t *reached, struct od_window *windows, uint32_t actor_count)
{
    *disturb = (struct od_disturb){.schedule = schedule == NULL ? &no_schedule : schedule,
                                   .fired = fired,
                                   .reached = reached,
                                   .windows = windows,
                                   .actor_count = actor_count};
    note_points(disturb);
}

enum od_status od_disturb_init(struct od_disturb *disturb, struct od_memory *memory,
                               const struct od_schedule *schedule, uint32_t actor_count, struct od_error *error)
{
    *disturb = (struct od_disturb){
        .schedule = schedule == NULL ? &no_schedule : schedule, .memory = memory, .actor_count = actor_count};
    uint32_t count = disturb->schedule->fault_count;
    disturb->fired = od_take_array(memory, count, sizeof(*disturb->fired));
    disturb->reached = od_take_array(memory, count, sizeof(*disturb->reached));
    if (opens_windows(disturb->schedule))
        disturb->windows = od_take_array(memory, window_count(disturb), sizeof(*disturb->windows));
    if (count > 0 && (disturb->fired == NULL || disturb->reached == NULL))
        goto no_memory;
    if (disturb->windows == NULL && opens_windows(disturb->schedule))
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
        od_give(disturb->memory, disturb->windows, window_count(disturb) * sizeof(*disturb->windows));
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

/* Damage needs bytes, what happens to an executor does not happen to the driver, and messages have links. Where a window opens,
 * links are what it cuts, not which messages open it. */
static bool is_hit_of(const struct od_fault_kind_row *row, const struct od_hit *hit)
{
    bool is_victim =
        row->victim == OD_FAULT_OF_ANYBODY || (row->victim == OD_FAULT_OF_DRIVER) == (hit->actor_id == 0);
    bool has_link = hit->link == 0 || od_effect_is_window(row->effect) ||
                    ((row->links == 0 || (row->links & hit->link) != 0) && od_fault_has_role(row, hit->role));
    return is_victim && has_link && (hit->byte_count > 0 || !od_fault_needs_bytes(row));
}

bool od_fault_strikes_both(const struct od_fault *fault, uint32_t left, uint32_t right)
{
    uint32_t group = od_fault_kind_row(fault->kind)->group;
    return group != 0 && left != 0 && right != 0 && (left - 1) / group == (right - 1) / group;
}

/* --- windows ---------------------------------------------------------------------------------- */

void od_disturb_open(struct od_disturb *disturb, const struct od_fault *fault, uint32_t actor_id, uint64_t now_ns)
{
    const struct od_schedule *schedule = disturb->schedule;
    if (!od_effect_is_window(od_fault_kind_row(fault->kind)->effect))
        return;
    od_assert(actor_id < disturb->actor_count);
    uint64_t duration_ns = od_fault_duration_ns(fault);
    for (uint32_t i = 0; i < disturb->actor_count; i++)
        if (i == actor_id || od_fault_strikes_both(fault, i, actor_id))
            disturb->windows[(size_t)i * schedule->fault_count + (size_t)(fault - schedule->faults)] = (struct od_window){
                .since_ns = now_ns,
                .until_ns = duration_ns > UINT64_MAX - now_ns ? UINT64_MAX : now_ns + duration_ns,
            };
}

struct od_window *od_disturb_window(struct od_disturb *disturb, uint32_t actor_id, uint64_t now_ns, uint32_t *index)
{
    uint32_t fault_count = disturb->schedule->fault_count;
    if (disturb->windows == NULL || od_disturb_is_healed(disturb, now_ns))
        return NULL;
    od_assert(actor_id < disturb->actor_count);
    for (; *index < fault_count; ++*index) {
        struct od_window *window = &disturb->windows[(size_t)actor_id * fault_count + *index];
        if (now_ns < window->until_ns)
            return window;
    }
    return NULL;
}

uint32_t od_fault_victim_id(const struct od_fault *fault)
{
    enum od_fault_target target = od_fault_kind_row(fault->kind)->target;
    bool names_actor = target == OD_FAULT_TARGET_EXECUTOR || target == OD_FAULT_TARGET_ACTOR;
    return names_actor ? fault->site.executor : 0;
}

/* --- hits ------------------------------------------------------------------------------------- */

void od_disturb_count_fired(struct od_disturb *disturb, const struct od_fault *fault)
{
    size_t index = (size_t)(fault - disturb->schedule->faults);
    od_assert(index < disturb->schedule->fault_count);
    disturb->fired[index]++;
    disturb->total_fired++;
}

const struct od_fault *od_disturb_match(struct od_disturb *disturb, const struct od_hit *hit, uint64_t now_ns)
{
    const struct od_fault *found = NULL;
    if ((disturb->points_used >> hit->point & 1) == 0 || od_disturb_is_healed(disturb, now_ns))
        return NULL;
    for (uint32_t i = 0; i < disturb->schedule->fault_count; i++) {
        const struct od_fault *fault = &disturb->schedule->faults[i];
        if (fault->at_time || fault->point != hit->point || !site_matches(&fault->site, &hit->site))
            continue;
        if (!is_hit_of(od_fault_kind_row(fault->kind), hit))
            continue;
        uint32_t hit_number = disturb->reached[i]++;
        bool may_fire = fault->times == OD_FAULT_ALWAYS || disturb->fired[i] < fault->times;
        if (found == NULL && may_fire && nth_matches(fault, &hit->site, hit_number))
            found = fault;
    }
    if (found == NULL)
        return NULL;
    od_disturb_count_fired(disturb, found);
    od_disturb_open(disturb, found, hit->actor_id, now_ns);
    return found;
}

/* --- effects ---------------------------------------------------------------------------------- */

#define HEADER_BYTES 64

static void flip(struct od_point_bytes *bytes, size_t size, uint32_t bit_number)
{
    uint64_t bit = bit_number % ((uint64_t)size * 8);
    bytes->bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
}

/* Bytes that are all alike have no two to swap: one bit changes. */
static void swap_bytes(struct od_point_bytes *bytes)
{
    for (size_t i = 1; i < bytes->size; i++) {
        uint8_t left = bytes->bytes[i - 1];
        if (left == bytes->bytes[i])
            continue;
        bytes->bytes[i - 1] = bytes->bytes[i];
        bytes->bytes[i] = left;
        return;
    }
    flip(bytes, bytes->size, 0);
}

static void damage(const struct od_fault *fault, struct od_point_bytes *bytes)
{
    size_t cut = fault->amount == 0 ? 1 : fault->amount;
    switch (od_fault_kind_row(fault->kind)->damage) {
    case OD_DAMAGE_FLIP:
        flip(bytes, bytes->size, fault->amount);
        break;
    case OD_DAMAGE_CUT:
        bytes->size -= cut < bytes->size ? cut : bytes->size;
        break;
    case OD_DAMAGE_ZERO:
        memset(bytes->bytes, 0, bytes->size);
        break;
    case OD_DAMAGE_EMPTY:
        bytes->size = 0;
        break;
    case OD_DAMAGE_HEADER:
        flip(bytes, bytes->size < HEADER_BYTES ? bytes->size : HEADER_BYTES, fault->amount);
        break;
    case OD_DAMAGE_SWAP_BYTES:
        swap_bytes(bytes);
        break;
    case OD_DAMAGE_OTHER: /* the wrapper's, who knows what was before */
    case OD_DAMAGE_COUNT:
        break;
    }
}

enum od_status od_disturb_act(const struct od_fault *fault, enum od_point point, const struct od_site *site,
                              struct od_point_bytes *bytes, struct od_error *error)
{
    const struct od_fault_kind_row *row = od_fault_kind_row(fault->kind);
    if (row->effect == OD_EFFECT_DAMAGE && bytes != NULL && bytes->size > 0)
        damage(fault, bytes);
    enum od_status status = row->effect == OD_EFFECT_KILL ? OD_EXECUTOR_GONE : row->status;
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
    const struct od_fault_kind_row *row = od_fault_kind_row(fault->kind);
    *order_out = (struct od_order){.kind = row->order, .query = site->query, .executor = site->executor};
    return row->effect == OD_EFFECT_ORDER;
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

uint32_t od_disturb_message_link(const struct od_message *message, bool is_receiver)
{
    if (message->from == 0)
        return OD_LINK_FROM_DRIVER;
    if (message->to == 0)
        return OD_LINK_TO_DRIVER;
    return is_receiver ? OD_LINK_FROM_PEER : OD_LINK_TO_PEER;
}
