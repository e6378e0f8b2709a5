/* generate: built-in tables, made from a seed: the same rows on every machine and in every run.
 *
 * Each generator makes one table with the schema of the CSV file it stands for, with what real data has: skew (Zipf), NULLs,
 * late and duplicate rows, hot keys, daily rhythm. Generators that belong together (flights, airports) agree on their keys. */
#ifndef OD_SCENARIOS_GENERATE_H
#define OD_SCENARIOS_GENERATE_H

#include "engine/data/batch.h"

struct od_generator {
    const char *name;
    const char *sentence;
    uint64_t rows_default;
    bool rows_are_fixed; /* the same at every scale */
    /* *table_out is finished and the caller's (od_table_free); NULL on failure. NO_MEMORY. */
    enum od_status (*make)(struct od_memory *memory, const char *table_name, uint64_t row_count, uint64_t seed,
                           struct od_table **table_out, struct od_error *error);
};
extern const struct od_generator od_generators[];
extern const uint32_t od_generator_count;
const struct od_generator *od_generator_find(const char *name); /* NULL: none */

#endif
