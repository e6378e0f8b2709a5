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
/* Zeroed room in the arena; NULL once there is an error, NO_MEMORY among them. */
void *od_frames_take(struct od_frames *f, size_t count, size_t bytes);
/* NULL once there is an error. */
const struct od_expr *od_term_bind(struct od_frames *f, const struct od_term_scope *scope,
                                   const struct od_term *term);
/* The column of that name; BAD_INPUT when there is none, or more than one. */
enum od_status od_term_find(struct od_frames *f, const struct od_term_scope *scope, const char *name,
                            uint32_t *column_out);
/* Puts "call: " before the text of the error that has stuck. */
void od_term_locate(struct od_frames *f, const char *call);
/* "a, b, c" as text in the arena, for an error; "" without memory. */
const char *od_term_list_fields(struct od_frames *f, const struct od_schema *schema);

#endif
