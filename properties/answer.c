/* answer: comparison of two sets of rows. See answer.h.
 *
 * Multisets are compared by sorting copies of both and walking them side by side; the first place where they
 * part tells the first row that one side has and the other has not. Close comparison sorts by an order that
 * puts doubles last, so that a tiny difference in one of them does not pair up the wrong rows unless the rest
 * of the row is ambiguous. */
#include "properties/answer.h"

#include "engine/core/assert.h"
#include "properties/model_decimal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static enum od_status no_memory(struct od_error *error)
{
    return od_fail(error, OD_NO_MEMORY, "handling an answer");
}

enum od_status od_answer_from_table(struct od_arena *arena, const struct od_table *table,
                                    struct od_answer *answer_out, struct od_error *error)
{
    struct od_batch rows = od_table_view(table);
    uint32_t column_count = table->schema.field_count;
    memset(answer_out, 0, sizeof(*answer_out));
    struct od_value *cells =
        od_arena_take_array(arena, (size_t)rows.row_count * column_count + 1, sizeof(*cells));
    if (cells == NULL)
        return no_memory(error);
    for (uint32_t row = 0; row < rows.row_count; row++)
        for (uint32_t column = 0; column < column_count; column++)
            cells[(size_t)row * column_count + column] = od_column_value(&rows.columns[column], row);
    *answer_out = (struct od_answer){column_count, rows.row_count, cells};
    return OD_OK;
}

struct od_table *od_answer_to_table(struct od_memory *memory, const struct od_answer *answer,
                                    const struct od_schema *schema, struct od_error *error)
{
    od_assert(schema->field_count == answer->column_count);
    struct od_table *table = od_table_new(memory, "answer", schema, error);
    if (table == NULL)
        return NULL;
    for (uint32_t row = 0; row < answer->row_count; row++) {
        for (uint32_t column = 0; column < answer->column_count; column++)
            if (od_batch_builder_append(&table->rows, column, &od_answer_row(answer, row)[column], error) !=
                OD_OK) {
                od_table_free(memory, table);
                return NULL;
            }
        od_batch_builder_end_row(&table->rows);
    }
    od_table_finish(table);
    return table;
}

/* --- order ---------------------------------------------------------------------------------------------- */

static int compare_integers(int64_t left, int64_t right)
{
    return (left > right) - (left < right);
}

static int compare_floats(double left, double right)
{
    if (isnan(left) || isnan(right))
        return (isnan(left) ? 1 : 0) - (isnan(right) ? 1 : 0);
    if (left != right)
        return left < right ? -1 : 1;
    return (signbit(left) ? 0 : 1) - (signbit(right) ? 0 : 1);
}

static int compare_texts(const struct od_value *left, const struct od_value *right)
{
    uint32_t shorter = left->text.size < right->text.size ? left->text.size : right->text.size;
    int order = shorter == 0 ? 0 : memcmp(left->text.bytes, right->text.bytes, shorter);
    return order != 0 ? order : compare_integers(left->text.size, right->text.size);
}

int od_answer_compare_values(const struct od_value *left, const struct od_value *right)
{
    if (left->is_null || right->is_null)
        return (left->is_null ? 1 : 0) - (right->is_null ? 1 : 0);
    if (left->type != right->type)
        return left->type < right->type ? -1 : 1;
    switch (left->type) {
    case OD_TYPE_BOOLEAN:
        return compare_integers(left->boolean, right->boolean);
    case OD_TYPE_FLOAT64:
        return compare_floats(left->float64, right->float64);
    case OD_TYPE_TEXT:
        return compare_texts(left, right);
    case OD_TYPE_DECIMAL: {
        int order = od_model_decimal_compare(&left->decimal, &right->decimal);
        return order != 0 ? order : compare_integers((int64_t)left->decimal.scale, (int64_t)right->decimal.scale);
    }
    default: /* whole numbers and times; intervals never come out */
        return compare_integers(left->int64, right->int64);
    }
}

int od_answer_compare_rows(const struct od_value *left, const struct od_value *right, uint32_t column_count)
{
    int order = 0;
    for (uint32_t i = 0; i < column_count && order == 0; i++)
        order = od_answer_compare_values(&left[i], &right[i]);
    return order;
}

/* All but the doubles first, then the doubles. */
static int compare_rows_floats_last(const struct od_value *left, const struct od_value *right,
                                    uint32_t column_count)
{
    int order = 0;
    for (uint32_t pass = 0; pass < 2; pass++)
        for (uint32_t i = 0; i < column_count && order == 0; i++)
            if ((left[i].type == OD_TYPE_FLOAT64) == (pass == 1))
                order = od_answer_compare_values(&left[i], &right[i]);
    return order;
}

typedef int (*compare_function)(const struct od_value *left, const struct od_value *right,
                                uint32_t column_count);

/* Bottom-up merge sort of row pointers: stable, and no comparator needs a global. */
static enum od_status sort_rows(struct od_arena *scratch, const struct od_answer *answer,
                                compare_function compare, const struct od_value ***rows_out,
                                struct od_error *error)
{
    uint32_t count = answer->row_count;
    const struct od_value **rows = od_arena_take_array(scratch, (size_t)count + 1, sizeof(*rows));
    const struct od_value **other = od_arena_take_array(scratch, (size_t)count + 1, sizeof(*other));
    if (rows == NULL || other == NULL)
        return no_memory(error);
    for (uint32_t i = 0; i < count; i++)
        rows[i] = od_answer_row(answer, i);
    for (uint32_t width = 1; width < count; width *= 2) {
        for (uint32_t first = 0; first < count; first += 2 * width) {
            uint32_t middle = first + width < count ? first + width : count;
            uint32_t end = first + 2 * width < count ? first + 2 * width : count;
            uint32_t left = first, right = middle;
            for (uint32_t i = first; i < end; i++) {
                bool take_left = right == end || (left < middle && compare(rows[left], rows[right],
                                                                           answer->column_count) <= 0);
                other[i] = take_left ? rows[left++] : rows[right++];
            }
        }
        const struct od_value **swap = rows;
        rows = other;
        other = swap;
    }
    *rows_out = rows;
    return OD_OK;
}

enum od_status od_answer_sort(struct od_arena *scratch, struct od_answer *answer, struct od_error *error)
{
    const struct od_value **rows;
    size_t cell_count = (size_t)answer->row_count * answer->column_count;
    enum od_status status = sort_rows(scratch, answer, od_answer_compare_rows, &rows, error);
    struct od_value *copy =
        status == OD_OK ? od_arena_take_array(scratch, cell_count + 1, sizeof(*copy)) : NULL;
    if (status != OD_OK || copy == NULL)
        return status != OD_OK ? status : no_memory(error);
    for (uint32_t i = 0; i < answer->row_count; i++)
        memcpy(copy + (size_t)i * answer->column_count, rows[i], answer->column_count * sizeof(*copy));
    memcpy(answer->cells, copy, cell_count * sizeof(*copy));
    return OD_OK;
}

/* --- for people ----------------------------------------------------------------------------------------- */

static void print_value(struct od_buffer *buffer, const struct od_value *value)
{
    if (value->is_null)
        od_buffer_append_text(buffer, "NULL");
    else if (value->type == OD_TYPE_FLOAT64)
        od_buffer_print(buffer, isnan(value->float64) ? "NaN" : "%.17g", value->float64);
    else if (value->type == OD_TYPE_TEXT)
        od_buffer_print(buffer, "'%.*s'", (int)value->text.size,
                        value->text.size == 0 ? "" : value->text.bytes);
    else
        od_value_print(value, buffer);
}

void od_answer_print_row(struct od_buffer *buffer, const struct od_value *row, uint32_t column_count)
{
    od_buffer_append_text(buffer, "(");
    for (uint32_t i = 0; i < column_count; i++) {
        if (i > 0)
            od_buffer_append_text(buffer, ", ");
        print_value(buffer, &row[i]);
    }
    od_buffer_append_text(buffer, ")");
}

void od_answer_print(struct od_buffer *buffer, const struct od_answer *answer, const struct od_schema *schema,
                     uint32_t rows_max)
{
    for (uint32_t i = 0; i < answer->column_count; i++)
        od_buffer_print(buffer, "%s%s %s", i == 0 ? "  " : " | ", schema->fields[i].name,
                        od_type_text(schema->fields[i].type));
    od_buffer_append_text(buffer, "\n");
    for (uint32_t row = 0; row < answer->row_count && row < rows_max; row++) {
        od_buffer_append_text(buffer, "  ");
        for (uint32_t i = 0; i < answer->column_count; i++) {
            if (i > 0)
                od_buffer_append_text(buffer, " | ");
            print_value(buffer, &od_answer_row(answer, row)[i]);
        }
        od_buffer_append_text(buffer, "\n");
    }
    if (answer->row_count > rows_max)
        od_buffer_print(buffer, "  ... %u rows more\n", answer->row_count - rows_max);
}

/* --- comparison ----------------------------------------------------------------------------------------- */

static bool floats_are_close(double left, double right)
{
    if (isnan(left) || isnan(right) || isinf(left) || isinf(right))
        return (isnan(left) && isnan(right)) || left == right;
    double larger = fabs(left) > fabs(right) ? fabs(left) : fabs(right);
    return fabs(left - right) <= 1e-9 * larger || fabs(left - right) <= 1e-9;
}

static int close_rows(const struct od_value *left, const struct od_value *right, uint32_t column_count)
{
    for (uint32_t i = 0; i < column_count; i++) {
        bool floats = left[i].type == OD_TYPE_FLOAT64 && right[i].type == OD_TYPE_FLOAT64 &&
                      !left[i].is_null && !right[i].is_null;
        if (floats ? !floats_are_close(left[i].float64, right[i].float64)
                   : od_answer_compare_values(&left[i], &right[i]) != 0)
            return 1;
    }
    return 0;
}

static void copy_text(char *text, size_t text_size, const char *source)
{
    if (text_size > 0)
        snprintf(text, text_size, "%s", source);
}

/* Says what is different: counts, and the first row that only one side has. NULL row: that side has ended. */
static enum od_status explain(struct od_arena *scratch, const struct od_answer *expected,
                              const struct od_answer *actual, const struct od_value *expected_row,
                              const struct od_value *actual_row, char *text, size_t text_size)
{
    struct od_buffer buffer;
    od_buffer_init(&buffer, scratch->memory);
    od_buffer_print(&buffer, "expected %u rows, got %u; ", expected->row_count, actual->row_count);
    if (expected_row != NULL) {
        od_buffer_append_text(&buffer, "first row expected and not there: ");
        od_answer_print_row(&buffer, expected_row, expected->column_count);
    }
    if (actual_row != NULL) {
        od_buffer_append_text(&buffer, expected_row != NULL ? "; first row there and not expected: "
                                                            : "first row there and not expected: ");
        od_answer_print_row(&buffer, actual_row, actual->column_count);
    }
    copy_text(text, text_size, od_buffer_text(&buffer));
    od_buffer_release(&buffer);
    return OD_OK;
}

enum od_status od_answer_compare(struct od_arena *scratch, const struct od_answer *expected,
                                 const struct od_answer *actual, enum od_compare how, bool *equal_out,
                                 char *text, size_t text_size, struct od_error *error)
{
    compare_function order = how == OD_COMPARE_CLOSE ? compare_rows_floats_last : od_answer_compare_rows;
    compare_function same = how == OD_COMPARE_CLOSE ? close_rows : od_answer_compare_rows;
    const struct od_value **left = NULL, **right = NULL;
    *equal_out = false;
    if (expected->column_count != actual->column_count) {
        if (text_size > 0)
            snprintf(text, text_size, "expected %u columns, got %u", expected->column_count,
                     actual->column_count);
        return OD_OK;
    }
    if (how != OD_COMPARE_ORDERED) {
        enum od_status status = sort_rows(scratch, expected, order, &left, error);
        if (status == OD_OK)
            status = sort_rows(scratch, actual, order, &right, error);
        if (status != OD_OK)
            return status;
    }
    uint32_t row = 0;
    for (; row < expected->row_count && row < actual->row_count; row++) {
        const struct od_value *wanted = left != NULL ? left[row] : od_answer_row(expected, row);
        const struct od_value *got = right != NULL ? right[row] : od_answer_row(actual, row);
        if (same(wanted, got, expected->column_count) == 0)
            continue;
        /* Of two sorted lists the smaller one is what the other lacks. */
        bool multiset = how == OD_COMPARE_MULTISET;
        bool wanted_first = !multiset || order(wanted, got, expected->column_count) < 0;
        return explain(scratch, expected, actual, wanted_first ? wanted : NULL,
                       multiset && wanted_first ? NULL : got, text, text_size);
    }
    if (expected->row_count != actual->row_count) {
        bool missing = row < expected->row_count;
        const struct od_answer *longer = missing ? expected : actual;
        const struct od_value **sorted = missing ? left : right;
        const struct od_value *first = sorted != NULL ? sorted[row] : od_answer_row(longer, row);
        return explain(scratch, expected, actual, missing ? first : NULL, missing ? NULL : first, text,
                       text_size);
    }
    *equal_out = true;
    return OD_OK;
}
