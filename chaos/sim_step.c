/* sim_step: what somebody is told of each event of a simulation: enough to find the first one in which two runs differ, and to
 * name it. Begun when the event falls due, and anew when one that waited is handled instead; told when that is over. */
#include "chaos/sim_host.h"

static const char *const texts[] = {
    [OD_SIM_MESSAGE] = "message", [OD_SIM_TIMER] = "timer", [OD_SIM_ORDER] = "order", [OD_SIM_START] = "start",
    [OD_SIM_WAKE] = "wake",       [OD_SIM_FAULT] = "fault", [OD_SIM_HEAL] = "heal",
};

void od_sim_step_begin(struct od_sim *sim, const struct od_sim_event *event, bool is_handled)
{
    struct od_sim_step *step = &sim->step;
    if (sim->options.stepper.stepped == NULL)
        return;
    *step = (struct od_sim_step){.number = step->number,
                                 .what = texts[event->kind],
                                 .is_handled = is_handled,
                                 .actor_id = event->kind == OD_SIM_FAULT || event->kind == OD_SIM_HEAL ? OD_ANY : event->actor,
                                 .from = OD_ANY,
                                 .site = OD_SITE_ANY};
    if (event->kind == OD_SIM_MESSAGE) {
        step->from = event->of.message->from;
        step->site = event->of.message->site;
        step->site.message_kind = event->of.message->kind;
    } else if (event->kind == OD_SIM_TIMER) {
        step->value = event->of.tag;
    } else if (event->kind == OD_SIM_ORDER) {
        step->value = event->of.order.kind;
    } else if (event->kind == OD_SIM_FAULT) {
        step->value = event->of.fault_index;
    } else {
        step->value = event->incarnation;
    }
}

void od_sim_step_end(struct od_sim *sim)
{
    const struct od_sim_stepper *stepper = &sim->options.stepper;
    if (stepper->stepped == NULL)
        return;
    sim->step.time_ns = sim->now_ns;
    sim->step.digest = sim->digest.value;
    stepper->stepped(stepper->self, &sim->step);
    sim->step.number++;
}
