/* hunt_lineage: `ordeal hunt SCENARIO... --explore lineage`: every query of the scenarios, until no K faults are left that could break
 * it. (Drawn cases are a campaign's.) */
#ifndef OD_HARNESS_HUNT_LINEAGE_H
#define OD_HARNESS_HUNT_LINEAGE_H

#include "harness/arguments.h"

/* Returns the exit status. */
int od_hunt_lineage(const struct od_arguments *arguments);

#endif
