/* wrap_net: what becomes of a message, and of a timer.
 *
 *   send -> a fault that fires at this message, or waits for this report   -> lost, later, twice
 *        -> windows of the sender (what it sends), of the receiver (what it is sent) -> lost, later
 *        -> net.send below, or the host's send_later
 *
 * Delays add up. A window is asked when the message is sent: what was under way when it opened arrives. */
#include <string.h>

#include "chaos/wrap_parts.h"
#include "engine/core/assert.h"
#include "engine/core/hash.h"

#define MS           UINT64_C(1000000)
#define US           UINT64_C(1000)
#define OVERTAKEN_NS (3 * MS)
#define SHUFFLE_STEPS 16
#define SHUFFLE_NS   (500 * US)
#define JITTER_NS    (2 * MS)
#define ECHO_NS      (20 * MS)
#define TAIL_NS      (200 * MS)
#define KIB          UINT64_C(1024)

static uint64_t add(uint64_t left, uint64_t right)
{
    return right > UINT64_MAX - left ? UINT64_MAX : left + right;
}

/* --- messages ---------------------------------------------------------------------------------- */

struct fate {
    bool is_lost;
    uint64_t delay_ns;
    bool has_copy;
    uint64_t copy_delay_ns; /* behind the message itself */
};

static void hold_back(struct fate *fate, uint64_t delay_ns)
{
    fate->delay_ns = add(fate->delay_ns, delay_ns);
}

static void befall(struct od_wrap_world *wrap, const struct od_fault *fault, struct fate *fate)
{
    uint64_t duration_ns = od_wrap_duration_ns(wrap, fault);
    switch (od_fault_effect_of(fault)) {
    case OD_EFFECT_LOSE:
    case OD_EFFECT_NEXT_LOSE:
    case OD_EFFECT_KILL:
        fate->is_lost = true;
        break;
    case OD_EFFECT_DELAY:
    case OD_EFFECT_NEXT_DELAY:
        hold_back(fate, duration_ns);
        break;
    case OD_EFFECT_DUPLICATE:
    case OD_EFFECT_NEXT_DUPLICATE:
        fate->has_copy = true;
        fate->copy_delay_ns = duration_ns;
        break;
    default:
        break; /* the host's, or a window */
    }
}

/* Seven of eight messages a little late, the eighth up to all of the tail. */
static uint64_t tail_ns(uint64_t number)
{
    uint64_t drawn = od_mix_two(number, 0x7461696c);
    return drawn % 8 == 0 ? (drawn >> 8) % TAIL_NS : (drawn >> 8) % MS;
}

/* Bytes queue for the link; when it is as wide as ever again, all at once goes. */
static uint64_t queue_ns(struct od_window *window, const struct od_fault *fault, uint64_t now_ns, uint64_t left_ns,
                         size_t byte_count)
{
    uint64_t free_ns = window->state > now_ns ? window->state : now_ns;
    window->state = free_ns + byte_count * UINT64_C(1000000000) / (fault->amount * KIB);
    return window->state - now_ns < left_ns ? window->state - now_ns : left_ns;
}

/* Another time for each message, and each timer. */
static uint64_t jitter_ns(const struct od_fault *fault, struct od_window *window)
{
    return od_mix_two(fault->amount, window->state++) % JITTER_NS;
}

/* A message, as one of its ends sees it. */
struct passing {
    uint32_t actor_id;
    uint32_t other_id;
    uint32_t link;
    enum od_message_role role;
    size_t byte_count;
    uint64_t now_ns;
};

/* Half of the links, the driver's always where the seed is even; each until another eighth of the window is over. */
static uint64_t clogged_ns(const struct od_window *window, const struct od_fault *fault, const struct passing *passing,
                           uint64_t left_ns)
{
    uint64_t drawn = od_mix_two(fault->amount, passing->other_id);
    uint64_t span_ns = passing->now_ns - window->since_ns + left_ns;
    uint64_t end_ns = window->since_ns + span_ns / 8 * (1 + (drawn >> 8) % 8);
    bool is_clogged = drawn % 2 == 0 || (passing->other_id == 0 && fault->amount % 2 == 0);
    return is_clogged && end_ns > passing->now_ns ? end_ns - passing->now_ns : 0;
}

/* One window of an actor: what it does to this message. `left_ns` is how long it stays open. */
static void pass_window(struct od_window *window, const struct od_fault *fault, const struct passing *passing,
                        uint64_t left_ns, struct fate *fate)
{
    uint64_t number = window->state;
    switch (od_fault_effect_of(fault)) {
    case OD_EFFECT_CUT:
        fate->is_lost = fate->is_lost || !od_fault_strikes_both(fault, passing->actor_id, passing->other_id);
        break;
    case OD_EFFECT_CLOG_SOME:
        hold_back(fate, clogged_ns(window, fault, passing, left_ns));
        break;
    case OD_EFFECT_LOSSY:
        fate->is_lost = fate->is_lost || od_mix_two(fault->amount, number) % 3 == 0;
        window->state++;
        break;
    case OD_EFFECT_ECHO:
        fate->has_copy = true;
        fate->copy_delay_ns = MS + od_mix_two(fault->amount, number) % ECHO_NS;
        window->state++;
        break;
    case OD_EFFECT_CLOG:
        hold_back(fate, left_ns);
        break;
    case OD_EFFECT_CLOG_SHUFFLED:
        hold_back(fate, add(left_ns, od_mix_two(number, 0x636c6f67) % SHUFFLE_STEPS * SHUFFLE_NS));
        window->state++;
        break;
    case OD_EFFECT_TAIL:
        hold_back(fate, tail_ns(number));
        window->state++;
        break;
    case OD_EFFECT_JITTER:
        hold_back(fate, jitter_ns(fault, window));
        break;
    case OD_EFFECT_SWAP:
        hold_back(fate, number % 2 == 0 ? OVERTAKEN_NS : 0);
        window->state++;
        break;
    case OD_EFFECT_BANDWIDTH:
        hold_back(fate, queue_ns(window, fault, passing->now_ns, left_ns, passing->byte_count));
        break;
    default:
        break; /* no message's */
    }
}

/* The windows of one end of the message. */
static void pass_windows(struct od_disturb *disturb, const struct passing *passing, struct fate *fate)
{
    uint64_t now_ns = passing->now_ns;
    uint64_t heal_ns = disturb->schedule->heal_ns;
    struct od_window *window;
    for (uint32_t i = 0; (window = od_disturb_window(disturb, passing->actor_id, now_ns, &i)) != NULL; i++) {
        const struct od_fault *fault = &disturb->schedule->faults[i];
        uint64_t end_ns = heal_ns != 0 && heal_ns < window->until_ns ? heal_ns : window->until_ns;
        const struct od_fault_kind_row *row = od_fault_kind_row(fault->kind);
        if ((row->links & passing->link) != 0 && od_fault_has_role(row, passing->role))
            pass_window(window, fault, passing, end_ns - now_ns, fate);
    }
}

static void pass_both_ends(struct od_wrap_world *wrap, const struct od_message *message, struct fate *fate)
{
    const struct od_wrap_host *host = wrap->host;
    struct od_disturb *disturb = host->enter(host->self);
    if (disturb == NULL)
        return;
    struct passing sent = {.actor_id = message->from,
                           .other_id = message->to,
                           .link = od_disturb_message_link(message, false),
                           .role = message->role,
                           .byte_count = message->body_bytes,
                           .now_ns = host->now_ns(host->self)};
    struct passing received = sent;
    received.actor_id = message->to;
    received.other_id = message->from;
    received.link = od_disturb_message_link(message, true);
    if (sent.actor_id != 0)
        pass_windows(disturb, &sent, fate);
    if (received.actor_id != 0)
        pass_windows(disturb, &received, fate);
    host->leave(host->self);
}

static bool is_report(const struct od_wrap_world *wrap, const struct od_message *message)
{
    return wrap->report != NULL && message->to == 0 && message->site.query == wrap->reported.query &&
           message->site.stage == wrap->reported.stage &&
           message->site.task == wrap->reported.task && message->site.attempt == wrap->reported.attempt;
}

/* When memory is short the message just arrives once. */
static struct od_message *copy_of(struct od_wrap_world *wrap, const struct od_message *message)
{
    struct od_message *copy = od_message_new(wrap->net_below.message_memory, message->body_bytes);
    if (copy == NULL)
        return NULL;
    uint8_t *body = copy->body;
    *copy = *message;
    copy->next = NULL;
    copy->body = body;
    if (message->body_bytes > 0)
        memcpy(body, message->body, message->body_bytes);
    return copy;
}

static void wrapped_send(void *self, struct od_message *message)
{
    struct od_wrap_world *wrap = self;
    const struct od_wrap_host *host = wrap->host;
    struct fate fate = {0};
    struct od_message *copy = NULL;
    message->from = wrap->actor_id;
    message->from_incarnation = wrap->world->incarnation;
    struct od_site site = od_disturb_message_site(message);
    const struct od_fault *fault = od_wrap_fire(wrap, OD_POINT_MESSAGE_SEND, &site, message->body_bytes, message);
    if (fault != NULL)
        befall(wrap, fault, &fate);
    if (is_report(wrap, message)) {
        befall(wrap, wrap->report, &fate);
        wrap->report = NULL;
    }
    pass_both_ends(wrap, message, &fate);
    if (fate.has_copy && !fate.is_lost)
        copy = copy_of(wrap, message);
    if (fate.is_lost)
        od_message_free(wrap->net_below.message_memory, message);
    else if (fate.delay_ns > 0)
        host->send_later(host->self, wrap->actor_id, message, fate.delay_ns);
    else
        wrap->net_below.send(wrap->net_below.self, message);
    if (copy != NULL)
        host->send_later(host->self, wrap->actor_id, copy, add(fate.delay_ns, fate.copy_delay_ns));
}

void od_wrap_dress_net(struct od_wrap_world *wrap, struct od_world *world)
{
    wrap->net_below = world->net;
    world->net.send = wrapped_send;
    world->net.self = wrap;
}

/* --- timers ------------------------------------------------------------------------------------ */

static uint64_t timer_jitter_ns(struct od_wrap_world *wrap)
{
    const struct od_wrap_host *host = wrap->host;
    uint64_t ns = 0;
    struct od_disturb *disturb = host->enter(host->self);
    if (disturb == NULL)
        return 0;
    struct od_window *window;
    uint64_t now_ns = host->now_ns(host->self);
    for (uint32_t i = 0; (window = od_disturb_window(disturb, wrap->actor_id, now_ns, &i)) != NULL; i++)
        if (od_fault_effect_of(&disturb->schedule->faults[i]) == OD_EFFECT_TIMERS_JITTER)
            ns += jitter_ns(&disturb->schedule->faults[i], window);
    host->leave(host->self);
    return ns;
}

static void wrapped_timer(void *self, uint64_t delay_ns, uint64_t tag)
{
    struct od_wrap_world *wrap = self;
    const struct od_fault *fault = od_wrap_fire(wrap, OD_POINT_TIMER_SET, NULL, 0, NULL);
    const struct od_fault *late = od_wrap_window(wrap, OD_EFFECT_TIMERS_LATE);
    const struct od_fault *early = od_wrap_window(wrap, OD_EFFECT_TIMERS_EARLY);
    if (delay_ns == 0 && wrap->hang_ns != 0) {
        delay_ns = wrap->hang_ns;
        wrap->hang_ns = 0;
    }
    if (early != NULL)
        delay_ns /= 2;
    if (late != NULL)
        delay_ns = add(delay_ns, late->amount * MS);
    if (fault != NULL && od_fault_effect_of(fault) == OD_EFFECT_TIMER_LATE)
        delay_ns = add(delay_ns, od_wrap_duration_ns(wrap, fault));
    delay_ns = add(delay_ns, timer_jitter_ns(wrap));
    wrap->timers_below.timer(wrap->timers_below.self, delay_ns, tag);
    if (fault != NULL && od_fault_effect_of(fault) == OD_EFFECT_TIMER_TWICE)
        wrap->timers_below.timer(wrap->timers_below.self, delay_ns, tag);
}

void od_wrap_dress_timers(struct od_wrap_world *wrap, struct od_world *world)
{
    wrap->timers_below = world->schedule;
    world->schedule = (struct od_schedule_part){wrapped_timer, wrap};
}
