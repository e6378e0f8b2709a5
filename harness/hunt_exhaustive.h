/* hunt_exhaustive: `ordeal hunt [SCENARIO...] --explore exhaustive`. */
#ifndef OD_HARNESS_HUNT_EXHAUSTIVE_H
#define OD_HARNESS_HUNT_EXHAUSTIVE_H

#include "harness/arguments.h"

/* Its options, for the table of the command. */
#define OD_HUNT_EXHAUSTIVE_OPTIONS                                                                           \
    {"depth", "N", "exhaustive: 1: every single fault (default); 2: every pair, too. pct: 1 more than changes of priority (default 3)", false},                \
        {"rows", "N",                                                                                        \
         "exhaustive: at most so many in each table of a scenario; default: the fewest of 60, 200, 600, 2000 with an answer", false},    \
        {"singles", "N", "exhaustive: at most so many single faults a query (default 20000)", false},        \
        {"pairs", "N", "exhaustive: about so many pairs a query, beside new ones, and as many at points that only recovery reaches (default 10000)", false}

/* Returns the exit status. */
int od_hunt_exhaustive(const struct od_arguments *arguments);

#endif
