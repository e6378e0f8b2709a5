/* case: everything random about one trial, drawn from one choice sequence in a fixed order:
 *   property -> tables -> plan -> cluster -> (harness: fault schedule, from the same sequence)
 * Same choices, same case. Lives in case_arena; tables are owned by the case. */
#ifndef OD_PROPERTIES_CASE_H
#define OD_PROPERTIES_CASE_H

#include "properties/choice.h"
#include "properties/subject.h"

struct od_property;
struct od_statement;

struct od_case {
    struct od_memory *memory;   /* borrowed */
    struct od_arena case_arena; /* owned */
    const struct od_property *property;
    uint32_t table_count;
    struct od_table **tables; /* owned */
    struct od_catalog catalog;
    const struct od_plan *plan;   /* NULL: the case is a statement */
    const struct od_statement *query; /* NULL: the case is a plan */
    const char *sql; /* of the statement; NULL: a plan is rendered where somebody wants its SQL */
    struct od_case_cluster cluster;
};

/* Draws a case. `only` restricts to one property (NULL: drawn by weight). NO_MEMORY. */
enum od_status od_case_draw(struct od_case *test_case, struct od_memory *memory, struct od_choices *choices,
                            const struct od_property *only, struct od_error *error);
void od_case_release(struct od_case *test_case); /* zeroed or half-drawn is fine */
/* The same plan over other tables of equal schemas (for A2 permuted rows, J9 copies...): scans are replaced
 * by table index. */
enum od_status od_case_replan(struct od_arena *arena, const struct od_case *test_case,
                              struct od_table *const *tables, const struct od_plan **plan_out,
                              struct od_error *error);

#endif
