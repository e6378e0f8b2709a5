/* batch: rows as columns, in Arrow's memory layout (https://arrow.apache.org/docs/format/Columnar.html).
 *
 *   column:  validity  bitmap, bit i of byte i/8 (least significant first); NULL pointer: every row is valid
 *            values    8-byte (bigint, double precision, timestamp), 4-byte (integer, date), 24-byte (numeric: a layout of
 *                      our own, because each value carries its scale) values, or a bitmap (boolean)
 *            offsets   text: row_count + 1 32-bit offsets into bytes
 *
 * `values` (or `offsets` and `bytes`) point somewhere even when there are no rows; offsets[0] can always be
 * read.
 * A column or a batch is a *view*: plain pointers, owned by whoever made it; each function says how long a
 * view lives. What a NULL row holds in `values` is zero, so that equal columns have equal bytes.
 * A builder owns growing columns and shows them as a view. A table owns rows for as long as queries may scan
 * them. */
#ifndef OD_DATA_BATCH_H
#define OD_DATA_BATCH_H

#include "engine/core/hash.h"
#include "engine/data/bitmap.h"
#include "engine/data/type.h"

struct od_column {
    enum od_type type;
    uint32_t row_count;
    const uint8_t *validity;
    const void *values;
    const int32_t *offsets;
    const uint8_t *bytes;
};

struct od_batch {
    const struct od_schema *schema; /* borrowed */
    uint32_t row_count;
    const struct od_column *columns; /* schema->field_count */
};

static inline bool od_column_is_null(const struct od_column *column, uint32_t row)
{
    return column->validity != NULL && !od_bit(column->validity, row);
}
/* Text borrows from the column. */
struct od_value od_column_value(const struct od_column *column, uint32_t row);
/* The other way, into cell `row` of `values`: of any type but text, and not NULL. A boolean's bit must be zero before. */
void od_value_put(const struct od_value *value, void *values, uint32_t row);
/* What `values` (of text: `offsets`) take. */
size_t od_values_bytes(enum od_type type, uint32_t row_count);

/* From 0, none less than the one before: what offsets of text must be that others have made. */
bool od_offsets_are_sound(const int32_t *offsets, uint32_t row_count);

/* A view of rows [first, first + count): of the source's own values, so it lives as long as those. What cannot start in the
 * middle is made anew in the arena: bitmaps (they start at bit 0) and the offsets of text (they start at 0). */
enum od_status od_batch_slice(struct od_arena *arena, const struct od_batch *source, uint32_t first, uint32_t count,
                              struct od_batch *batch_out, struct od_error *error);

/* --- gathers -------------------------------------------------------------------------------------------- */

/* Rows picked from columns of one type: row i is row rows[i] of columns[picks[i]], or NULL where rows[i] is OD_ROW_NULL. All
 * borrowed. Functions write `count` rows. */
#define OD_ROW_NULL UINT32_MAX
struct od_gather {
    enum od_type type;
    uint32_t count;
    const struct od_column *columns;
    const uint32_t *picks; /* NULL: all of the first column */
    const uint32_t *rows;
    uint32_t null_count; /* by od_gather_count_nulls, which comes before all others */
};
void od_gather_count_nulls(struct od_gather *gather);
/* Bits from `first` on, which must be zero before. */
void od_gather_validity(const struct od_gather *gather, uint8_t *validity, uint32_t first);
/* From row `first` of `values` on (a boolean's bits must be zero before); not of text. */
void od_gather_values(const struct od_gather *gather, void *values, uint32_t first);
uint64_t od_gather_text_bytes(const struct od_gather *gather);
/* The bytes go behind bytes[offsets[0]]; sets offsets[1..count]. */
void od_gather_text(const struct od_gather *gather, int32_t *offsets, uint8_t *bytes);
/* All of the above, into an arena; counts the NULLs itself. NO_MEMORY. The others: rows rows[0..count) of one column or batch. */
enum od_status od_gather_column(struct od_gather *gather, struct od_arena *arena, struct od_column *column_out,
                                struct od_error *error);
enum od_status od_column_gather(const struct od_column *source, const uint32_t *rows, uint32_t count,
                                struct od_arena *arena, struct od_column *column_out, struct od_error *error);
enum od_status od_batch_gather(const struct od_batch *source, const uint32_t *rows, uint32_t count,
                               struct od_arena *arena, struct od_batch *batch_out, struct od_error *error);

/* --- builder -------------------------------------------------------------------------------------------- */

struct od_column_builder {
    enum od_type type;
    uint32_t row_count;
    uint32_t null_count;
    uint32_t bytes_capacity;
    uint8_t *validity; /* in the builder's block; written only once null_count > 0 */
    void *values;      /* in the builder's block */
    int32_t *offsets;  /* in the builder's block; text only */
    uint8_t *bytes;    /* owned; text only */
};

struct od_batch_builder {
    struct od_memory *memory;          /* borrowed */
    const struct od_schema *schema;    /* borrowed; outlives the builder */
    struct od_column_builder *columns; /* owned, one allocation with the views */
    struct od_column *views;           /* what od_batch_builder_view shows */
    uint8_t *block;                    /* owned; rows of all columns in one allocation */
    size_t block_bytes;
    uint32_t row_capacity; /* of every column */
    uint32_t row_count;    /* finished rows; see od_batch_builder_end_row */
};

/* Fails with NO_MEMORY and leaves a builder that _release accepts. */
enum od_status od_batch_builder_init(struct od_batch_builder *builder, struct od_memory *memory,
                                     const struct od_schema *schema, struct od_error *error);
void od_batch_builder_release(struct od_batch_builder *builder);
void od_batch_builder_reset(struct od_batch_builder *builder); /* empty, keeps the memory */
/* One value for one column of the unfinished row. Copies text. The value's type must be the column's (NULL
 * excepted).
 * Fails with NO_MEMORY, or UNSUPPORTED when a text column would pass 2 GiB. */
enum od_status od_batch_builder_append(struct od_batch_builder *builder, uint32_t column_index,
                                       const struct od_value *value, struct od_error *error);
/* Ends a row: asserts that every column got exactly one value. */
void od_batch_builder_end_row(struct od_batch_builder *builder);
/* Appends rows of `source` (same types): rows[0..count) when `rows` is given, else first `count` rows from
 * `first`.
 * Column-wise and fast. After a failure the builder may only be reset or released. */
enum od_status od_batch_builder_append_rows(struct od_batch_builder *builder, const struct od_batch *source,
                                            const uint32_t *rows, uint32_t first, uint32_t count,
                                            struct od_error *error);
/* Forgets all rows but these, and the memory of the others. On failure nothing has changed. */
enum od_status od_batch_builder_keep(struct od_batch_builder *builder, const uint32_t *rows, uint32_t first,
                                     uint32_t count, struct od_error *error);
/* As append_rows for a single column, for operators that stitch rows from two inputs; `rows[i] == OD_ROW_NULL`
 * appends NULL. The caller sets builder->row_count when every column has got as many rows
 * (od_batch_builder_end_rows asserts it). */
enum od_status od_batch_builder_append_column(struct od_batch_builder *builder, uint32_t column_index,
                                              const struct od_column *source, const uint32_t *rows, uint32_t count,
                                              struct od_error *error);
void od_batch_builder_end_rows(struct od_batch_builder *builder, uint32_t row_count);
/* All rows, none of them half-way in; valid until the builder changes. */
struct od_batch od_batch_builder_view(struct od_batch_builder *builder);

/* --- row hashes ----------------------------------------------------------------------------------------- */

/* 64-bit hash of chosen columns (column_indexes NULL: of the first ones) for every row, canonical for equality: -0.0 as 0.0, 1.50 as 1.5, every NaN
 * alike, NULL its own value.
 * Used for partitioning and hash tables; stable across processes. hashes_out has batch->row_count entries. */
void od_batch_hash_keys(const struct od_batch *batch, const uint32_t *column_indexes, uint32_t column_count,
                        uint64_t *hashes_out);
/* Order-free 128-bit checksum of whole rows, exact to the bit (-0.0 differs from 0.0). Adding the checksums
 * of two batches gives that of their union. */
struct od_hash128 od_batch_checksum(const struct od_batch *batch);

/* --- table ---------------------------------------------------------------------------------------------- */

/* Immutable once filled; scanned by many tasks at once. */
struct od_table {
    const char *name; /* owned by table_arena */
    struct od_schema schema;
    struct od_arena table_arena;
    struct od_batch_builder rows;
};
/* Copies name and schema. NULL and error on refusal. */
struct od_table *od_table_new(struct od_memory *memory, const char *name, const struct od_schema *schema,
                              struct od_error *error);
/* A table over columns that others own, one a field, and that outlive it. It is finished, and never appended to. */
struct od_table *od_table_borrow(struct od_memory *memory, const char *name, const struct od_schema *schema,
                                 const struct od_column *columns, uint32_t row_count, struct od_error *error);
void od_table_free(struct od_memory *memory, struct od_table *table);
uint32_t od_table_row_count(const struct od_table *table);
/* All rows; valid as long as the table and not changed by it being scanned. Thread-safe on a filled table:
 * call od_table_finish once after the last append. */
void od_table_finish(struct od_table *table);
struct od_batch od_table_view(const struct od_table *table);

/* A name -> table list that SQL binds against; borrowed tables. */
struct od_catalog {
    uint32_t table_count;
    const struct od_table *const *tables;
};
const struct od_table *od_catalog_find(const struct od_catalog *catalog, const char *name);

#endif
