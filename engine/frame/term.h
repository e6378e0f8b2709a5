/* term: an expression whose columns are still names, and its binding. Private to engine/frame. */
#ifndef OD_FRAME_TERM_H
#define OD_FRAME_TERM_H

#include "engine/frame/frame.h"

/* What names mean: the fields of one frame, or of a join's two (left_count of them are the left one's). */
struct od_term_scope {
    const char *call; /* "filter": begins every error */
    const struct od_schema *schema;
    bool is_join;
    uint32_t left_count;
};
/* All record the first error in `f`; they give it back, too. */
enum od_status od_term_bind(struct od_frames *f, const struct od_term_scope *scope,
                            const struct od_term *term, const struct od_expr **expr_out);
/* The column of that name; BAD_INPUT when there is none, or more than one. */
enum od_status od_term_find(struct od_frames *f, const struct od_term_scope *scope, const char *name,
                            uint32_t *column_out);
/* Puts "call: " before the text of the error that has stuck. */
void od_term_locate(struct od_frames *f, const char *call);
/* "a, b, c" as text in the arena; NULL: no memory. */
const char *od_term_list_fields(struct od_frames *f, const struct od_schema *schema);

#endif
