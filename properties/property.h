/* property: what must hold, as a check over one case and the subject. One file each, one row each in
 * property.c. */
#ifndef OD_PROPERTIES_PROPERTY_H
#define OD_PROPERTIES_PROPERTY_H

#include "properties/case.h"
#include "properties/generate.h"

/* A violated property. The first one found stands. `code` may differ from the drawn property's: invariants of
 * the runtime (H1, H5, F5, F10...) and the model (R1) are checked on every run. */
struct od_finding {
    bool found;
    char code[8];
    char text[1000];       /* what was expected, what was seen: first differing row and so on */
    struct od_error error; /* of the run, if it failed */
    /* The property itself could not be judged, only the invariants of the runs: a run failed as its schedule or its
     * plan allows, or the oracle does not speak this plan. Campaigns count these apart. */
    bool excused;
};
/* Sets the finding unless one is there already. */
void od_finding_set(struct od_finding *finding, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

struct od_property {
    const char *code;     /* "F1" */
    const char *sentence; /* what must hold */
    uint32_t weight;      /* how often it is drawn */
    enum od_root root;    /* what the plan's root must be */
    bool plain_numbers;   /* tables without NaN, infinities, -0.0 and extremes */
    /* Returns other than OK only for trouble of the harness (NO_MEMORY). What is wrong with the subject goes
     * to the finding. */
    enum od_status (*check)(const struct od_case *test_case, struct od_subject *subject,
                            struct od_finding *finding, struct od_error *error);
};
extern const struct od_property od_properties[];
extern const uint32_t od_property_count;
/* Statements in SQL, "SQL" by name; not in the table, so that plans are hunted as before. */
extern const struct od_property od_property_statement;
const struct od_property *od_property_find(const char *code); /* NULL: none */

/* Checks on every observation, called by the properties through od_check_run: runtime invariants over the
 * events. */
void od_check_invariants(const struct od_observation *observation, struct od_finding *finding);
/* The part of them that needs the stage graph: nothing is said where the observation has none. */
void od_check_lineage(const struct od_observation *observation, struct od_finding *finding);
/* May a stage give other rows in another generation: is it, or one that it reads of directly or not, indeterminate? */
bool od_lineage_varies(const struct od_stage_graph *graph, uint32_t stage);

#endif
