/* expr: typed expression trees. Built bottom-up in a plan_arena; never changed after, so sub-trees may be
 * shared. */
#ifndef OD_PLAN_EXPR_H
#define OD_PLAN_EXPR_H

#include "engine/plan/function.h"

/* OUTER: column `column_index` of the left input of the APPLY `outer_depth` levels up (1: the nearest), in the right input of
 * which this expression stands. Gone after decorrelation. */
enum od_expr_kind { OD_EXPR_COLUMN, OD_EXPR_LITERAL, OD_EXPR_CALL, OD_EXPR_OUTER };

struct od_expr {
    enum od_expr_kind kind;
    enum od_type type;
    bool nullable;
    bool may_fail;           /* this or anything below can raise EVALUATION */
    bool is_untyped;         /* LITERAL of type text: in quotes, or NULL, and nobody has said its type yet */
    uint32_t sql_offset;     /* byte offset in the SQL text plus 1; 0 unknown. For error texts only */
    uint32_t column_index;   /* COLUMN: field of the input schema; OUTER: see above */
    uint32_t outer_depth;    /* OUTER */
    struct od_value literal; /* LITERAL: text lives in the plan_arena */
    enum od_function function;
    uint32_t overload; /* which of the function's signatures; 0 for CAST */
    uint32_t argument_count;
    const struct od_expr *const *arguments;
};

/* All fail with NO_MEMORY only, except where said. *expr_out is NULL on failure. */
enum od_status od_expr_column(struct od_arena *plan_arena, const struct od_schema *schema,
                              uint32_t column_index, const struct od_expr **expr_out, struct od_error *error);
/* `field` of the APPLY's left input; outer_depth 0: a COLUMN, of a schema that need not be made yet. */
enum od_status od_expr_outer(struct od_arena *plan_arena, const struct od_field *field, uint32_t column_index,
                             uint32_t outer_depth, const struct od_expr **expr_out, struct od_error *error);
enum od_status od_expr_literal(struct od_arena *plan_arena, const struct od_value *value,
                               const struct od_expr **expr_out, struct od_error *error);
/* Chooses among the function's signatures and writes PostgreSQL's implicit casts out (integer -> bigint -> numeric -> double
 * precision, date -> timestamp). An untyped literal, or a NULL of type text, is unknown: it becomes whatever is needed; the type
 * that it has in the call tells a binder how to read a quoted literal. BAD_INPUT ("operator does not exist: text + bigint") when no
 * signature fits, UNSUPPORTED when the one that does is not built. */
enum od_status od_expr_call(struct od_arena *plan_arena, enum od_function function,
                            const struct od_expr *const *arguments, uint32_t argument_count,
                            const struct od_expr **expr_out, struct od_error *error);
enum od_status od_expr_cast(struct od_arena *plan_arena, const struct od_expr *input, enum od_type type,
                            const struct od_expr **expr_out, struct od_error *error);
/* The type to which PostgreSQL would bring these by implicit casts, as in CASE, COALESCE and comparisons. Unknown literals
 * (see od_expr_call) have no say; text when there is nothing else. False when there is none. */
bool od_expr_common_type(const struct od_expr *const *arguments, uint32_t argument_count,
                         enum od_type *type_out);
/* The same expression with another sql_offset (a shallow copy). */
enum od_status od_expr_located(struct od_arena *plan_arena, const struct od_expr *expr, uint32_t sql_offset,
                               const struct od_expr **expr_out, struct od_error *error);
/* A copy in which every part, a call behind its arguments, is what `leaf` gives for it, of the same type; shared where nothing
 * changes. Most are after leaves: columns, outer columns, literals. */
struct od_leaf_rewriter {
    enum od_status (*leaf)(void *self, const struct od_expr *part, const struct od_expr **expr_out,
                           struct od_error *error);
    void *self;
};
enum od_status od_expr_rewrite(struct od_arena *plan_arena, const struct od_expr *expr,
                               const struct od_leaf_rewriter *leaves, const struct od_expr **expr_out,
                               struct od_error *error);
/* Column i becomes map[i], which must not be NULL if used. */
struct od_leaf_rewriter od_column_map(const struct od_expr *const *map);
/* A copy in which column i becomes map[i] (a shared sub-tree where nothing changes). */
enum od_status od_expr_substitute(struct od_arena *plan_arena, const struct od_expr *expr,
                                  const struct od_expr *const *map, const struct od_expr **expr_out,
                                  struct od_error *error);
bool od_expr_equal(const struct od_expr *left, const struct od_expr *right);
/* The literal TRUE? */
bool od_expr_is_true(const struct od_expr *expr);
/* No column below, outer ones included. */
bool od_expr_is_constant(const struct od_expr *expr);
/* Bit d - 1: it reads OUTER columns of depth d. */
uint32_t od_expr_outer_levels(const struct od_expr *expr);
/* Appends the arguments of nested ANDs (or the expression itself) to `list`, which has room for
 * list_capacity; returns how many there are, which may be more than were stored: call with capacity 0 to
 * count. */
uint32_t od_expr_conjuncts(const struct od_expr *expr, const struct od_expr **list, uint32_t list_capacity);
/* AND of the list; the TRUE literal for none, the expression itself for one. */
enum od_status od_expr_conjunction(struct od_arena *plan_arena, const struct od_expr *const *list,
                                   uint32_t count, const struct od_expr **expr_out, struct od_error *error);
/* Calls visit(self, column_index) for every COLUMN below. */
void od_expr_columns(const struct od_expr *expr, void (*visit)(void *self, uint32_t column_index),
                     void *self);
/* For people: "(delay + 1) > 15", columns by name when `schema` is given, else #index. */
bool od_expr_print(const struct od_expr *expr, const struct od_schema *schema, struct od_buffer *buffer);

#endif
