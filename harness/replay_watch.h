/* replay_watch: one run of a case again, to be looked at: written as a trace, or stopped at an event.
 *
 *   the case again, up to the run that explain.h explains -> that run once more, with everything told
 *        --trace FILE    Chrome's trace-event JSON (reports/chrome_trace.h)
 *        --until EVENT   stops there: what had just happened, what the driver knows; od_replay_stop_here for a debugger
 *
 * EVENT is words that must all fit: the kind of an event, stage=, task=, attempt=, executor=, partition=, value= with a number, `#n` for
 * the n-th event of the run (from 0, as the timeline numbers them), time=3ms for the first event from then on, nth=2 for the second
 * one that fits. */
#ifndef OD_HARNESS_REPLAY_WATCH_H
#define OD_HARNESS_REPLAY_WATCH_H

#include "harness/trial.h"

#define OD_UNTIL_FIELDS 6
struct od_until {
    uint32_t kind;   /* OD_ANY: any */
    uint32_t number; /* OD_ANY: any */
    uint64_t time_ns;
    uint64_t fields[OD_UNTIL_FIELDS]; /* UINT64_MAX: any */
    uint64_t nth; /* from 1 */
};
/* BAD_INPUT says what was expected. */
enum od_status od_until_parse(const char *text, struct od_until *until_out, struct od_error *error);
/* Does the index'th event of a run fit? nth is not looked at. */
bool od_until_fits(const struct od_until *until, const struct od_event *event, uint32_t index);

struct od_replay_watch {
    const uint8_t *choices; /* the case; borrowed */
    uint32_t choices_bytes;
    const char *trace_path;       /* borrowed; NULL: no trace */
    const struct od_until *until; /* borrowed; NULL: to the end */
    struct od_buffer *text;       /* what is to be told where it stops; borrowed */
};
/* Leaves the trial as the case does. BAD_INPUT: no such event; UNSUPPORTED: the case ends its process; IO. */
enum od_status od_replay_watched(struct od_trial *trial, const struct od_replay_watch *watch, struct od_error *error);
/* Does nothing: called where --until stops, for a debugger to break at. */
void od_replay_stop_here(const struct od_event *event);

#endif
