/* batch_builder: rows that grow, column by column.
 *
 *   columns  [ builders of all columns | views of all columns ]                       one allocation, at init
 *   block    [ values 0 | validity 0 | values 1 | validity 1 | ... ]                  one allocation, all columns alike
 *   bytes    [ text of one column ]                                                   one allocation per text column
 *
 * All columns have room for row_capacity rows, so a builder of a few numbers costs two allocations in all,
 * and growing is one new block into which the used part of each column is copied. Capacities double.
 *
 * Bitmaps. Boolean values and validity are zero behind the used bits, so appending ORs a bit in and a view's
 * last byte is always the same. A column without NULL never touches its validity: the first NULL sets the
 * bits of all rows before it.
 *
 * Failure. Room is made before anything is written, so a refused allocation leaves each column as it was; but
 * columns before it may already have grown by rows that others lack. That is why only _reset and _release are
 * allowed then. */
#include "engine/data/batch.h"

#include <string.h>

#include "engine/core/assert.h"

#define ROW_CAPACITY_MIN 16u
#define ROW_CAPACITY_MAX (UINT32_C(1) << 30)
#define RANGE_ROWS       256 /* of a range, whose numbers are on the stack at a time */

/* What empty columns point to: consumers may copy zero bytes from it and read offsets[0]. */
static const int32_t nothing[4];

/* --- layout of the block -------------------------------------------------------------------------------- */

static size_t aligned(size_t bytes)
{
    return (bytes + 15) & ~(size_t)15;
}

static size_t block_bytes_for(const struct od_schema *schema, uint32_t row_capacity)
{
    size_t total = 0;
    for (uint32_t i = 0; i < schema->field_count; i++)
        total += aligned(od_values_bytes(schema->fields[i].type, row_capacity)) +
                 aligned(od_bitmap_bytes(row_capacity));
    return total;
}

/* Moves a column into its part of a new block; returns the end of that part. */
static uint8_t *column_move(struct od_column_builder *column, uint32_t row_capacity, uint8_t *part)
{
    uint8_t *old_values = column->type == OD_TYPE_TEXT ? (uint8_t *)column->offsets : column->values;
    size_t used_bytes = old_values == NULL ? 0 : od_values_bytes(column->type, column->row_count);
    size_t part_bytes = aligned(od_values_bytes(column->type, row_capacity));
    if (used_bytes > 0)
        memcpy(part, old_values, used_bytes);
    if (column->type == OD_TYPE_BOOLEAN)
        memset(part + used_bytes, 0, part_bytes - used_bytes);
    if (column->type == OD_TYPE_TEXT) {
        column->offsets = (int32_t *)(void *)part;
        column->offsets[0] = 0;
    } else {
        column->values = part;
    }

    uint8_t *validity = part + part_bytes;
    size_t validity_bytes = aligned(od_bitmap_bytes(row_capacity));
    size_t used_validity_bytes = column->null_count > 0 ? od_bitmap_bytes(column->row_count) : 0;
    if (used_validity_bytes > 0)
        memcpy(validity, column->validity, used_validity_bytes);
    memset(validity + used_validity_bytes, 0, validity_bytes - used_validity_bytes);
    column->validity = validity;
    return validity + validity_bytes;
}

static enum od_status builder_grow(struct od_batch_builder *builder, uint64_t rows_needed,
                                   struct od_error *error)
{
    if (rows_needed > ROW_CAPACITY_MAX)
        return od_fail(error, OD_UNSUPPORTED, "growing a batch beyond %u rows", ROW_CAPACITY_MAX);
    uint32_t capacity = builder->row_capacity == 0 ? ROW_CAPACITY_MIN : builder->row_capacity;
    while (capacity < rows_needed)
        capacity *= 2;
    size_t block_bytes = block_bytes_for(builder->schema, capacity);
    uint8_t *block = od_resize(builder->memory, NULL, 0, block_bytes);
    if (block == NULL && block_bytes != 0)
        return od_fail(error, OD_NO_MEMORY, "growing a batch: rows=%u bytes=%zu", capacity, block_bytes);
    uint8_t *part = block;
    for (uint32_t i = 0; i < builder->schema->field_count; i++)
        part = column_move(&builder->columns[i], capacity, part);
    od_assert(block == NULL || part == block + block_bytes);
    od_give(builder->memory, builder->block, builder->block_bytes);
    builder->block = block;
    builder->block_bytes = block_bytes;
    builder->row_capacity = capacity;
    return OD_OK;
}

static inline enum od_status builder_room(struct od_batch_builder *builder, uint32_t row_count,
                                          uint32_t extra, struct od_error *error)
{
    uint64_t needed = (uint64_t)row_count + extra;
    if (__builtin_expect(needed <= builder->row_capacity, 1))
        return OD_OK;
    return builder_grow(builder, needed, error);
}

static enum od_status bytes_room(struct od_memory *memory, struct od_column_builder *column, uint64_t extra,
                                 struct od_error *error)
{
    uint64_t needed = (uint64_t)column->offsets[column->row_count] + extra;
    if (needed <= column->bytes_capacity)
        return OD_OK;
    if (needed > INT32_MAX)
        return od_fail(error, OD_UNSUPPORTED, "growing a text column beyond 2 GiB");
    if (!od_grow(memory, &column->bytes, &column->bytes_capacity, needed, 1))
        return od_fail(error, OD_NO_MEMORY, "growing a text column: bytes=%llu", (unsigned long long)needed);
    return OD_OK;
}

/* --- life ----------------------------------------------------------------------------------------------- */

static size_t columns_bytes(const struct od_schema *schema)
{
    return schema->field_count * (sizeof(struct od_column_builder) + sizeof(struct od_column));
}

enum od_status od_batch_builder_init(struct od_batch_builder *builder, struct od_memory *memory,
                                     const struct od_schema *schema, struct od_error *error)
{
    *builder = (struct od_batch_builder){.memory = memory, .schema = schema};
    builder->columns = od_take(memory, columns_bytes(schema));
    if (builder->columns == NULL && schema->field_count != 0)
        return od_fail(error, OD_NO_MEMORY, "starting a batch: columns=%u", schema->field_count);
    if (builder->columns != NULL)
        builder->views = (struct od_column *)(void *)(builder->columns + schema->field_count);
    for (uint32_t i = 0; i < schema->field_count; i++)
        builder->columns[i].type = schema->fields[i].type;
    return OD_OK;
}

void od_batch_builder_release(struct od_batch_builder *builder)
{
    if (builder->columns != NULL) {
        for (uint32_t i = 0; i < builder->schema->field_count; i++)
            od_give(builder->memory, builder->columns[i].bytes, builder->columns[i].bytes_capacity);
        od_give(builder->memory, builder->block, builder->block_bytes);
        od_give(builder->memory, builder->columns, columns_bytes(builder->schema));
    }
    *builder = (struct od_batch_builder){0};
}

void od_batch_builder_reset(struct od_batch_builder *builder)
{
    for (uint32_t i = 0; i < builder->schema->field_count; i++) {
        struct od_column_builder *column = &builder->columns[i];
        size_t used_bytes = od_bitmap_bytes(column->row_count);
        if (column->type == OD_TYPE_BOOLEAN && used_bytes > 0)
            memset(column->values, 0, used_bytes);
        if (column->null_count > 0)
            memset(column->validity, 0, used_bytes);
        column->row_count = 0;
        column->null_count = 0;
    }
    builder->row_count = 0;
}

/* --- validity ------------------------------------------------------------------------------------------- */

/* Called before the column's first NULL: all rows so far are valid. */
static void validity_begin(struct od_column_builder *column)
{
    if (column->null_count == 0)
        od_bitmap_set_run(column->validity, 0, column->row_count);
}

/* `count` valid rows behind the last one. */
static void validity_append_run(struct od_column_builder *column, uint32_t count)
{
    if (column->null_count > 0)
        od_bitmap_set_run(column->validity, column->row_count, count);
}

/* --- one value ------------------------------------------------------------------------------------------ */

static enum od_status put_text(struct od_memory *memory, struct od_column_builder *column,
                               const struct od_value *value, struct od_error *error)
{
    uint32_t size = value->is_null ? 0 : value->text.size;
    OD_TRY(bytes_room(memory, column, size, error));
    int32_t start = column->offsets[column->row_count];
    if (size != 0)
        memcpy(column->bytes + start, value->text.bytes, size);
    column->offsets[column->row_count + 1] = start + (int32_t)size;
    return OD_OK;
}

enum od_status od_batch_builder_append(struct od_batch_builder *builder, uint32_t column_index,
                                       const struct od_value *value, struct od_error *error)
{
    od_assert(column_index < builder->schema->field_count);
    struct od_column_builder *column = &builder->columns[column_index];
    od_assert(value->is_null || value->type == column->type);
    OD_TRY(builder_room(builder, column->row_count, 1, error));
    size_t width = od_type_width_bytes(column->type);
    if (column->type == OD_TYPE_TEXT)
        OD_TRY(put_text(builder->memory, column, value, error));
    else if (value->is_null)
        memset((uint8_t *)column->values + column->row_count * width, 0, width);
    else
        od_value_put(value, column->values, column->row_count);
    if (value->is_null) {
        validity_begin(column);
        column->null_count++;
    } else {
        validity_append_run(column, 1);
    }
    column->row_count++;
    return OD_OK;
}

void od_batch_builder_end_rows(struct od_batch_builder *builder, uint32_t row_count)
{
    for (uint32_t i = 0; i < builder->schema->field_count; i++)
        od_assert(builder->columns[i].row_count == row_count);
    builder->row_count = row_count;
}

void od_batch_builder_end_row(struct od_batch_builder *builder)
{
    od_batch_builder_end_rows(builder, builder->row_count + 1);
}

/* --- rows of batches ------------------------------------------------------------------------------------- */

enum od_status od_batch_builder_append_column(struct od_batch_builder *builder, uint32_t column_index,
                                              const struct od_column *source, const uint32_t *rows,
                                              uint32_t count, struct od_error *error)
{
    od_assert(column_index < builder->schema->field_count);
    struct od_column_builder *column = &builder->columns[column_index];
    od_assert(source->type == column->type);
    OD_TRY(builder_room(builder, column->row_count, count, error));
    struct od_gather gather = {.type = column->type, .count = count, .columns = source, .rows = rows};
    od_gather_count_nulls(&gather);
    if (count > 0 && column->type == OD_TYPE_TEXT) {
        OD_TRY(bytes_room(builder->memory, column, od_gather_text_bytes(&gather), error));
        od_gather_text(&gather, column->offsets + column->row_count, column->bytes);
    } else if (count > 0) {
        od_gather_values(&gather, column->values, column->row_count);
    }
    if (gather.null_count > 0) {
        validity_begin(column);
        od_gather_validity(&gather, column->validity, column->row_count);
    } else {
        validity_append_run(column, count);
    }
    column->null_count += gather.null_count;
    column->row_count += count;
    return OD_OK;
}

enum od_status od_batch_builder_append_rows(struct od_batch_builder *builder, const struct od_batch *source,
                                            const uint32_t *rows, uint32_t first, uint32_t count,
                                            struct od_error *error)
{
    uint32_t range[RANGE_ROWS];
    od_assert(source->schema->field_count == builder->schema->field_count);
    od_assert(rows != NULL || (first <= source->row_count && count <= source->row_count - first));
    OD_TRY(builder_room(builder, builder->row_count, count, error));
    for (uint32_t done = 0, now; done < count; done += now) {
        now = rows != NULL || count - done < RANGE_ROWS ? count - done : RANGE_ROWS;
        for (uint32_t i = 0; rows == NULL && i < now; i++)
            range[i] = first + done + i;
        for (uint32_t i = 0; i < builder->schema->field_count; i++)
            OD_TRY(od_batch_builder_append_column(builder, i, &source->columns[i],
                                                  rows == NULL ? range : rows, now, error));
    }
    od_batch_builder_end_rows(builder, builder->row_count + count);
    return OD_OK;
}

enum od_status od_batch_builder_keep(struct od_batch_builder *builder, const uint32_t *rows, uint32_t first,
                                     uint32_t count, struct od_error *error)
{
    struct od_batch_builder kept;
    struct od_batch all = od_batch_builder_view(builder);
    if (rows == NULL && count == all.row_count)
        return OD_OK;
    enum od_status status = od_batch_builder_init(&kept, builder->memory, builder->schema, error);
    if (status == OD_OK)
        status = od_batch_builder_append_rows(&kept, &all, rows, first, count, error);
    od_batch_builder_release(status == OD_OK ? builder : &kept);
    if (status == OD_OK)
        *builder = kept;
    return status;
}

/* --- view ----------------------------------------------------------------------------------------------- */

static struct od_column column_view(const struct od_column_builder *column, uint32_t row_count)
{
    bool has_block = column->validity != NULL;
    struct od_column view = {.type = column->type, .row_count = row_count};
    if (column->null_count > 0)
        view.validity = column->validity;
    if (column->type == OD_TYPE_TEXT) {
        view.offsets = has_block ? column->offsets : nothing;
        view.bytes = column->bytes != NULL ? column->bytes : (const uint8_t *)nothing;
    } else {
        view.values = has_block ? column->values : (const void *)nothing;
    }
    return view;
}

struct od_batch od_batch_builder_view(struct od_batch_builder *builder)
{
    for (uint32_t i = 0; i < builder->schema->field_count; i++) {
        od_assert(builder->columns[i].row_count == builder->row_count); /* no row is half-way in */
        builder->views[i] = column_view(&builder->columns[i], builder->row_count);
    }
    return (struct od_batch){
        .schema = builder->schema, .row_count = builder->row_count, .columns = builder->views};
}
