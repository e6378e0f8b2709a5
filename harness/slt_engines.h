/* slt_engines: other engines that sqllogictest files can be run against, to see whether a file says what they
 * say. */
#ifndef OD_HARNESS_SLT_ENGINES_H
#define OD_HARNESS_SLT_ENGINES_H

#include "harness/slt.h"

/* A fresh, empty database each. MISSING when the engine is not there; the text says what to do. */
struct od_slt_other {
    enum od_status (*open)(void **self_out, struct od_error *error);
    void (*run)(void *self, struct od_arena *arena, const char *sql, struct od_slt_answer *answer_out);
    void (*close)(void *self); /* NULL is fine */
};
extern const struct od_slt_other
    od_slt_postgres; /* the server that the environment names: ORDEAL_POSTGRES, a libpq connection text */
extern const struct od_slt_other od_slt_sqlite; /* in memory */

#endif
