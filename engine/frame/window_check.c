/* window_check: arguments by a table, frames by PostgreSQL's rules. */
#include "engine/frame/window_check.h"

enum od_type od_window_argument_type(const struct od_window_call *call, uint32_t index)
{
    if (index == 1 || call->function == OD_WINDOW_NTILE)
        return OD_TYPE_INT32;
    return index == 2 ? call->arguments[0]->type : OD_TYPE_COUNT;
}

static enum od_status check_offset(const struct od_window_frame *frame, enum od_frame_bound bound,
                                   const struct od_expr *offset, const struct od_sort_key *keys,
                                   uint32_t key_count, struct od_error *error)
{
    bool wanted = bound == OD_FRAME_PRECEDING || bound == OD_FRAME_FOLLOWING;
    enum od_type type = OD_TYPE_INT64;
    if (!wanted)
        return offset == NULL ? OD_OK
                              : od_fail(error, OD_BAD_INPUT, "a frame bound that takes no offset has one");
    if (offset == NULL || offset->kind != OD_EXPR_LITERAL || offset->literal.is_null)
        return od_fail(error, OD_BAD_INPUT, "a frame's offset must be a constant, not NULL");
    if (frame->unit == OD_FRAME_RANGE) {
        if (key_count != 1)
            return od_fail(error, OD_BAD_INPUT, "RANGE with an offset needs exactly one order key");
        type = keys[0].expr->type;
        if (type == OD_TYPE_TEXT || type == OD_TYPE_BOOLEAN)
            return od_fail(error, OD_BAD_INPUT, "RANGE with an offset is not for keys of type %s",
                           od_type_text(type));
        type = type == OD_TYPE_DATE || type == OD_TYPE_TIMESTAMP ? OD_TYPE_INTERVAL : type;
    }
    if (offset->type != type)
        return od_fail(error, OD_BAD_INPUT, "a frame's offset is of type %s: expected %s",
                       od_type_text(offset->type), od_type_text(type));
    struct od_value zero = {.type = type};
    return od_value_compare(&offset->literal, &zero) < 0
               ? od_fail(error, OD_BAD_INPUT, "a frame's offset must not be negative")
               : OD_OK;
}

enum od_status od_window_check(const struct od_window_call *call, const struct od_sort_key *keys,
                               uint32_t key_count, struct od_error *error)
{
    const struct od_window_frame *frame = &call->frame;
    const struct od_window_function_info *info = od_window_function_info(call->function);
    uint32_t count = call->argument_count;
    if (count < info->least || count > info->most)
        return od_fail(error, OD_BAD_INPUT, "%s with %u arguments does not exist", info->text, count);
    for (uint32_t i = 0; i < count; i++) {
        enum od_type type = od_window_argument_type(call, i);
        if (type != OD_TYPE_COUNT && call->arguments[i]->type != type)
            return od_fail(error, OD_BAD_INPUT, "argument %u of %s is of type %s: expected %s", i + 1, info->text,
                           od_type_text(call->arguments[i]->type), od_type_text(type));
    }
    if (call->function == OD_WINDOW_AGGREGATE && (call->aggregate.distinct || call->aggregate.key_count > 0))
        return od_fail(error, OD_UNSUPPORTED, "DISTINCT and ORDER BY inside a window's aggregate");
    if (frame->start > frame->end || frame->start == OD_FRAME_UNBOUNDED_FOLLOWING ||
        frame->end == OD_FRAME_UNBOUNDED_PRECEDING)
        return od_fail(error, OD_BAD_INPUT, "a window frame that begins behind its end");
    if (frame->unit == OD_FRAME_GROUPS && key_count == 0)
        return od_fail(error, OD_BAD_INPUT, "a frame of GROUPS needs order keys");
    OD_TRY(check_offset(frame, frame->start, frame->start_offset, keys, key_count, error));
    return check_offset(frame, frame->end, frame->end_offset, keys, key_count, error);
}
