/* rows: the loop around functions that work on one row, for all that is not worth a loop of its own.
 *
 *   columns --- od_column_value ---> values of one row ---> function ---> value, or bytes behind the last row's
 *
 * Text grows in a buffer and is copied once, when its size is known: an arena cannot grow what it gave. */
#include <string.h>

#include "engine/core/assert.h"
#include "engine/expr/kernel.h"

#define ARGUMENTS_ON_STACK 8

/* Text behind text, and where each row's ends. */
struct text_results {
    struct od_buffer buffer;
    int32_t *offsets;
};

static enum od_status text_column(const struct od_kernel_call *call, const struct text_results *text,
                                  struct od_column *column)
{
    OD_TAKE_LIST(uint8_t, bytes, call->batch_arena, text->buffer.size, call->error);
    if (text->buffer.size != 0)
        memcpy(bytes, text->buffer.bytes, text->buffer.size);
    column->offsets = text->offsets;
    column->bytes = bytes;
    return OD_OK;
}

static enum od_status run_rows(const struct od_kernel_call *call, od_row_function function,
                               struct od_value *arguments, struct text_results *text, uint8_t *validity,
                               struct od_column *column)
{
    uint32_t argument_count = call->expr->argument_count;
    struct od_row row = {
        .expr = call->expr, .arguments = arguments, .text = &text->buffer, .error = call->error};
    for (uint32_t i = 0; i < call->row_count; i++) {
        if (od_call_row_is_valid(call, i)) {
            for (uint32_t k = 0; k < argument_count; k++)
                if (i == 0 || call->validity != NULL || call->arguments[k].step != 0)
                    arguments[k] = od_column_value(&call->arguments[k].column, i * call->arguments[k].step);
            row.result = (struct od_value){.type = call->expr->type};
            OD_TRY(function(&row));
            if (!row.result.is_null && text->offsets == NULL)
                od_value_put(&row.result, call->results, i);
            if (validity != NULL)
                od_bitmap_put(validity, i, !row.result.is_null);
        }
        if (text->offsets != NULL) {
            if (text->buffer.failed)
                return od_kernel_no_memory(call->error);
            if (text->buffer.size > INT32_MAX)
                return od_fail(call->error, OD_NO_MEMORY,
                               "evaluating an expression: a text column beyond 2 GiB");
            text->offsets[i + 1] = (int32_t)text->buffer.size;
        }
    }
    return text->offsets == NULL ? OD_OK : text_column(call, text, column);
}

enum od_status od_run_rows(const struct od_kernel_call *call, od_row_function function)
{
    struct od_value on_stack[ARGUMENTS_ON_STACK];
    struct od_value *arguments = on_stack;
    struct text_results text = {.offsets = NULL};
    uint8_t *validity = NULL;
    bool is_strict = od_function_style(call->expr->function) == OD_STYLE_STRICT;
    struct od_column column = {
        .type = call->expr->type, .row_count = call->row_count, .values = call->results};
    if (call->expr->argument_count > ARGUMENTS_ON_STACK)
        OD_TAKE(arguments, call->batch_arena, call->expr->argument_count, call->error);
    if (!is_strict)
        OD_TAKE(validity, call->batch_arena, od_bitmap_bytes(call->row_count), call->error);
    if (column.type == OD_TYPE_TEXT)
        OD_TAKE(text.offsets, call->batch_arena, (size_t)call->row_count + 1, call->error);
    od_buffer_init(&text.buffer, call->batch_arena->memory);
    enum od_status status = run_rows(call, function, arguments, &text, validity, &column);
    od_buffer_release(&text.buffer);
    if (status == OD_OK) {
        column.validity = od_validity_or_null(validity, call->row_count);
        *call->column_out = column;
    }
    return status;
}
