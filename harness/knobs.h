/* knobs: --set NAME=VALUE, of any option of a run by its name (engine/run/README.md lists them). */
#ifndef OD_HARNESS_KNOBS_H
#define OD_HARNESS_KNOBS_H

#include "engine/run/query.h"
#include "harness/arguments.h"

#define OD_KNOB_OPTION {"set", "NAME=VALUE", "an option of the run, e.g. attempts_max=6 or lease=50ms; repeatable", true}

/* Sets what is given into `options`, in order. BAD_INPUT. */
enum od_status od_knobs_read(const struct od_arguments *arguments, struct od_run_options *options,
                             struct od_error *error);

#endif
