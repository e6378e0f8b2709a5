/* text: ||, lower, upper, length, substring.
 *
 * Text is UTF-8 and collation is "C": letters other than ASCII have no case, characters are counted by their
 * first bytes (those that are not 10xxxxxx). Results are written behind each other into one run of bytes
 * whose size is bounded before, since an arena cannot grow what it gave. */
#include "engine/expr/text.h"

#include <string.h>

#include "engine/core/assert.h"

enum od_status od_text_writer_init(struct od_text_writer *writer, const struct od_kernel_call *call,
                                   uint64_t capacity)
{
    *writer = (struct od_text_writer){.capacity = capacity};
    if (capacity > INT32_MAX)
        return od_fail(call->error, OD_NO_MEMORY, "evaluating an expression: a text column beyond 2 GiB");
    writer->offsets = od_arena_take_raw(call->batch_arena, ((size_t)call->row_count + 1) * sizeof(int32_t));
    writer->bytes = od_arena_take_raw(call->batch_arena, capacity);
    if (writer->offsets == NULL || writer->bytes == NULL)
        return od_kernel_no_memory(call->error);
    writer->offsets[0] = 0;
    return OD_OK;
}

struct od_column od_text_writer_column(const struct od_text_writer *writer, const struct od_kernel_call *call)
{
    od_assert(writer->row_count == call->row_count);
    od_assert((uint64_t)writer->offsets[writer->row_count] <= writer->capacity);
    return (struct od_column){.type = OD_TYPE_TEXT,
                              .row_count = writer->row_count,
                              .offsets = writer->offsets,
                              .bytes = writer->bytes};
}

/* Bytes of an argument over all rows of the call. */
static uint64_t argument_bytes(const struct od_kernel_call *call, uint32_t k)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < call->row_count; i++) {
        uint32_t size = 0;
        if (od_call_row_is_valid(call, i))
            od_operand_text(&call->arguments[k], i, &size);
        total += size;
    }
    return total;
}

static void copy(uint8_t *target, const char *source, uint32_t size)
{
    if (size != 0)
        memcpy(target, source, size);
}

enum od_status od_kernel_concatenate(const struct od_kernel_call *call, struct od_column *column_out)
{
    struct od_text_writer writer;
    enum od_status status =
        od_text_writer_init(&writer, call, argument_bytes(call, 0) + argument_bytes(call, 1));
    for (uint32_t i = 0; status == OD_OK && i < call->row_count; i++) {
        uint32_t left_size = 0;
        uint32_t right_size = 0;
        if (od_call_row_is_valid(call, i)) {
            const char *left = od_operand_text(&call->arguments[0], i, &left_size);
            const char *right = od_operand_text(&call->arguments[1], i, &right_size);
            copy(od_text_writer_at(&writer), left, left_size);
            copy(od_text_writer_at(&writer) + left_size, right, right_size);
        }
        od_text_writer_end_row(&writer, left_size + right_size);
    }
    if (status == OD_OK)
        *column_out = od_text_writer_column(&writer, call);
    return status;
}

/* lower, upper */
enum od_status od_kernel_change_case(const struct od_kernel_call *call, struct od_column *column_out)
{
    struct od_text_writer writer;
    char first = call->expr->function == OD_FUNCTION_LOWER ? 'A' : 'a';
    enum od_status status = od_text_writer_init(&writer, call, argument_bytes(call, 0));
    for (uint32_t i = 0; status == OD_OK && i < call->row_count; i++) {
        uint32_t size = 0;
        if (od_call_row_is_valid(call, i)) {
            const char *text = od_operand_text(&call->arguments[0], i, &size);
            uint8_t *target = od_text_writer_at(&writer);
            for (uint32_t k = 0; k < size; k++)
                target[k] = (uint8_t)(text[k] ^ (text[k] >= first && text[k] <= first + 25 ? 0x20 : 0));
        }
        od_text_writer_end_row(&writer, size);
    }
    if (status == OD_OK)
        *column_out = od_text_writer_column(&writer, call);
    return status;
}

/* --- characters ----------------------------------------------------------------------------------------- */

static bool begins_character(char byte)
{
    return ((unsigned char)byte & 0xc0) != 0x80;
}

enum od_status od_kernel_length(const struct od_kernel_call *call, struct od_column *column_out)
{
    int64_t *lengths = od_arena_take(call->batch_arena, call->row_count * sizeof(*lengths));
    if (lengths == NULL)
        return od_kernel_no_memory(call->error);
    for (uint32_t i = 0; i < call->row_count; i++) {
        uint32_t size = 0;
        const char *text =
            od_call_row_is_valid(call, i) ? od_operand_text(&call->arguments[0], i, &size) : NULL;
        for (uint32_t k = 0; k < size; k++)
            lengths[i] += begins_character(text[k]);
    }
    *column_out = (struct od_column){.type = OD_TYPE_INT64, .row_count = call->row_count, .values = lengths};
    return OD_OK;
}

/* Characters [first, end), counted from 1 (text_substring in PostgreSQL's varlena.c). */
struct character_range {
    int64_t first;
    int64_t end;
};

/* False for a negative length. */
static bool range_of_row(const struct od_kernel_call *call, uint32_t row, struct character_range *range)
{
    const struct od_operand *from = &call->arguments[1];
    range->first = ((const int64_t *)from->column.values)[row * from->step];
    range->end = INT64_MAX;
    if (call->expr->argument_count == 3) {
        const struct od_operand *count = &call->arguments[2];
        int64_t length = ((const int64_t *)count->column.values)[row * count->step];
        if (length < 0)
            return false;
        if (__builtin_add_overflow(range->first, length, &range->end))
            range->end = INT64_MAX; /* to the end of the text */
    }
    if (range->first < 1)
        range->first = 1;
    return true;
}

/* Copies the characters; returns how many bytes they are. */
static uint32_t copy_range(uint8_t *target, const char *text, uint32_t size, struct character_range range)
{
    int64_t character = 0;
    uint32_t copied = 0;
    for (uint32_t k = 0; k < size && character < range.end; k++) {
        character += begins_character(text[k]);
        if (character >= range.first && character < range.end)
            target[copied++] = (uint8_t)text[k];
    }
    return copied;
}

enum od_status od_kernel_substring(const struct od_kernel_call *call, struct od_column *column_out)
{
    struct od_text_writer writer;
    enum od_status status = od_text_writer_init(&writer, call, argument_bytes(call, 0));
    for (uint32_t i = 0; status == OD_OK && i < call->row_count; i++) {
        uint32_t copied = 0;
        if (od_call_row_is_valid(call, i)) {
            struct character_range range;
            uint32_t size = 0;
            const char *text = od_operand_text(&call->arguments[0], i, &size);
            if (!range_of_row(call, i, &range))
                return od_fail(call->error, OD_EVALUATION, "negative substring length not allowed");
            copied = copy_range(od_text_writer_at(&writer), text, size, range);
        }
        od_text_writer_end_row(&writer, copied);
    }
    if (status == OD_OK)
        *column_out = od_text_writer_column(&writer, call);
    return status;
}
