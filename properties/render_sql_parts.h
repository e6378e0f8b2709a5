/* render_sql_parts: what render_sql.c (plans) and render_sql_expr.c (expressions) share. Memory refusal is sticky (`failed`):
 * texts are then "" and the end reports it. */
#ifndef OD_PROPERTIES_RENDER_SQL_PARTS_H
#define OD_PROPERTIES_RENDER_SQL_PARTS_H

#include "properties/render_sql.h"

#define OD_RENDER_LIST_MAX 64u

/* What the left row of an APPLY is called where its right side is written; the next one belongs to the APPLY around it. */
struct od_render_outer {
    const char *const *refs;
    const struct od_render_outer *next;
};

struct od_render {
    struct od_arena *arena;
    enum od_dialect dialect;
    uint32_t alias_count;
    bool failed;
    const struct od_render_outer *outer;   /* NULL: no APPLY around */
    const char *spare[OD_RENDER_LIST_MAX]; /* what a refused list is replaced by, so that writers need not look */
};

#define OD_RENDER_TEXT(...) od_render_checked(render, od_arena_print(render->arena, __VA_ARGS__))

/* "" for NULL, which is remembered. */
const char *od_render_checked(struct od_render *render, const char *text);
const char **od_render_list(struct od_render *render, uint32_t count);
const char *od_render_joined(struct od_render *render, const char *const *list, uint32_t count);
/* refs: what the columns of the expression's row are called. */
const char *od_render_expr(struct od_render *render, const struct od_expr *expr, const char *const *refs);

#endif
