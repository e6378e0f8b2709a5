/* gen_relation: what the files that draw plan nodes share: gen_plan.c (rows, sets, order, the choice), gen_join.c, gen_group.c,
 * gen_window.c. */
#ifndef OD_PROPERTIES_GEN_RELATION_H
#define OD_PROPERTIES_GEN_RELATION_H

#include "properties/generate.h"

#define OD_GEN_FIELDS_MAX 10u

struct od_relation {
    const struct od_plan *plan; /* NULL: failed, see gen->status */
    uint64_t rows_max;          /* an upper estimate */
};
typedef struct od_relation (*od_grow_relation)(struct od_gen *gen, uint32_t depth);

struct od_relation od_relation_built(struct od_gen *gen, enum od_status status, const struct od_plan *plan,
                                     uint64_t rows_max);
struct od_relation od_relation_failed(void);

/* Any relation, at most `depth` nodes deep. */
struct od_relation od_gen_relation(struct od_gen *gen, uint32_t depth);
/* A relation below something that may drop rows or columns: there nothing may fail. */
struct od_relation od_gen_safe(struct od_gen *gen, od_grow_relation make, uint32_t depth);
struct od_relation od_gen_scan(struct od_gen *gen, uint32_t depth);
/* An expression of any type, most often a bare column. */
const struct od_expr *od_gen_any(struct od_gen *gen, const struct od_schema *schema, uint32_t depth);
/* As above, but never a constant: a bare number (or -6) in GROUP BY or ORDER BY of SQL would name a position. */
const struct od_expr *od_gen_key(struct od_gen *gen, const struct od_schema *schema);

/* gen_join.c */
struct od_relation od_gen_join(struct od_gen *gen, uint32_t depth);
struct od_relation od_gen_apply(struct od_gen *gen, uint32_t depth);
struct od_relation od_gen_join_typed(struct od_gen *gen, enum od_join_type type, uint32_t depth);
/* Of these two; the left one alone when a join would be too large. */
struct od_relation od_gen_join_of(struct od_gen *gen, enum od_join_type type, struct od_relation left,
                                  struct od_relation right);

/* gen_group.c */
bool od_gen_aggregate(struct od_gen *gen, const struct od_schema *schema, uint32_t index, bool in_window,
                      struct od_aggregate *aggregate);
enum od_grouping { OD_GEN_GROUPED, OD_GEN_GROUPED_OR_NOT, OD_GEN_GLOBAL };
struct od_relation od_gen_groups(struct od_gen *gen, struct od_relation input, enum od_grouping grouping);
struct od_relation od_gen_grouped(struct od_gen *gen, uint32_t depth);
struct od_relation od_gen_grouping_sets(struct od_gen *gen, uint32_t depth);
struct od_relation od_gen_expand(struct od_gen *gen, uint32_t depth);
struct od_relation od_gen_distinct(struct od_gen *gen, uint32_t depth);

/* gen_window.c */
struct od_relation od_gen_window(struct od_gen *gen, uint32_t depth);

#endif
