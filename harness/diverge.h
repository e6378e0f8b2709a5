/* diverge: two simulations that should be equal and are not: the first event in which they differ, by name.
 *
 *   twice, each run keeping a hash of every n-th event (n doubles when the list is full)  -> the interval
 *   twice more, keeping all of that interval                                              -> the event
 *
 * All of it is done again by whoever has found unequal digests; `again` may simulate several runs one after the other (a case's).
 * What differs seldom may not do so again: that is then said. Between programs of different compilers, od_steps_write makes files
 * that are compared line by line. */
#ifndef OD_HARNESS_DIVERGE_H
#define OD_HARNESS_DIVERGE_H

#include <stdio.h>

#include "chaos/sim.h"
#include "engine/core/buffer.h"

#define OD_DIVERGE_HASHES_MAX 1024

struct od_diverge_again {
    /* Simulates it again; all its runs tell `stepper`. */
    enum od_status (*run)(void *self, struct od_sim_stepper stepper, struct od_error *error);
    void *self;
};
/* Appends one sentence. NO_MEMORY, or what `again` says. */
enum od_status od_diverge_find(struct od_memory *memory, const struct od_diverge_again *again, struct od_buffer *text,
                               struct od_error *error);

/* "at 3.2 ms: message DONE from executor 2 to the driver, task 1.0 attempt 0" */
void od_step_print(const struct od_sim_step *step, struct od_buffer *text);
/* A stepper that writes a line for each step. `file` is borrowed. */
struct od_sim_stepper od_steps_write(FILE *file);

#endif
