/* batch: reading columns: single values, slices, row hashes, checksums.
 *
 * Row hashes and checksums are computed column by column over runs of rows: the loop over rows is inside,
 * with the type decided outside, so each inner loop is plain arithmetic.
 *
 *   keys:      hash[row]  = mix(hash[row], word of the value)         -0.0 as 0.0, 1.50 as 1.5, NaNs alike, 1 day as 24 hours
 *   checksum:  two such chains with different seeds, summed over rows modulo 2^128; words are exact bits
 *
 * The two must not share words: partitioning needs SQL's equality, a checksum must see that -0.0 became 0.0.
 */
#include "engine/data/batch.h"

#include <string.h>

#include "engine/core/assert.h"
#include "engine/data/decimal.h"
#include "engine/data/interval.h"

#define HASH_SEED      UINT64_C(0x6f726465616c0001)
#define HASH_NULL      UINT64_C(0xd1b54a32d192ed03)
#define CHECKSUM_LOW   UINT64_C(0x6f726465616c0002)
#define CHECKSUM_HIGH  UINT64_C(0x6f726465616c0003)
#define TEXT_SEED      UINT64_C(0x6f726465616c0004)
#define RUN_ROWS       256 /* whose words and chains are on the stack at a time */
#define FLOAT_NAN_BITS UINT64_C(0x7ff8000000000000)
#define FLOAT_SIGN_BIT (UINT64_C(1) << 63)
#define FLOAT_INFINITY UINT64_C(0x7ff0000000000000)

struct od_value od_column_value(const struct od_column *column, uint32_t row)
{
    od_assert(row < column->row_count);
    struct od_value value = {.type = column->type, .is_null = od_column_is_null(column, row)};
    if (value.is_null)
        return value;
    size_t width = od_type_width_bytes(column->type);
    if (column->type == OD_TYPE_BOOLEAN) {
        value.boolean = od_bit(column->values, row);
    } else if (column->type == OD_TYPE_TEXT) {
        value.text.bytes = (const char *)column->bytes + column->offsets[row];
        value.text.size = (uint32_t)(column->offsets[row + 1] - column->offsets[row]);
    } else if (width == sizeof(int32_t)) {
        value.int64 = ((const int32_t *)column->values)[row];
    } else { /* the union's members begin at one place */
        memcpy((void *)&value.decimal, (const uint8_t *)column->values + row * width, width);
    }
    return value;
}

void od_value_put(const struct od_value *value, void *values, uint32_t row)
{
    size_t width = od_type_width_bytes(value->type);
    if (value->type == OD_TYPE_BOOLEAN) {
        od_bitmap_put(values, row, value->boolean);
    } else if (width == sizeof(int32_t)) {
        od_assert(value->int64 >= INT32_MIN);
        od_assert(value->int64 <= INT32_MAX);
        ((int32_t *)values)[row] = (int32_t)value->int64;
    } else { /* the union's members begin at one place */
        memcpy((uint8_t *)values + row * width, (const void *)&value->decimal, width);
    }
}

size_t od_values_bytes(enum od_type type, uint32_t row_count)
{
    if (type == OD_TYPE_BOOLEAN)
        return od_bitmap_bytes(row_count);
    if (type == OD_TYPE_TEXT)
        return ((size_t)row_count + 1) * sizeof(int32_t);
    return (size_t)row_count * od_type_width_bytes(type);
}

bool od_offsets_are_sound(const int32_t *offsets, uint32_t row_count)
{
    if (offsets[0] != 0)
        return false;
    for (uint32_t i = 0; i < row_count; i++) {
        if (offsets[i + 1] < offsets[i])
            return false;
    }
    return true;
}

/* --- slice ---------------------------------------------------------------------------------------------- */

static const uint8_t *slice_bits(struct od_arena *arena, const uint8_t *source, uint32_t first,
                                 uint32_t count)
{
    uint8_t *bits = od_arena_take(arena, od_bitmap_bytes(count));
    if (bits != NULL)
        od_bitmap_copy(bits, 0, source, first, count);
    return bits;
}

static bool slice_text(struct od_arena *arena, const struct od_column *source, uint32_t first,
                       struct od_column *column)
{
    int32_t *offsets = od_arena_take_raw(arena, ((size_t)column->row_count + 1) * sizeof(*offsets));
    if (offsets == NULL)
        return false;
    for (uint32_t i = 0; i <= column->row_count; i++)
        offsets[i] = source->offsets[first + i] - source->offsets[first];
    column->offsets = offsets;
    column->bytes = source->bytes + source->offsets[first];
    return true;
}

static bool slice_column(struct od_arena *arena, const struct od_column *source, uint32_t first,
                         uint32_t count, struct od_column *column)
{
    *column = (struct od_column){.type = source->type, .row_count = count};
    if (source->validity != NULL && od_bitmap_count_zeros(source->validity, first, count) > 0) {
        column->validity = slice_bits(arena, source->validity, first, count);
        if (column->validity == NULL)
            return false;
    }
    if (source->type == OD_TYPE_TEXT)
        return slice_text(arena, source, first, column);
    if (source->type == OD_TYPE_BOOLEAN)
        column->values = slice_bits(arena, source->values, first, count);
    else
        column->values = (const uint8_t *)source->values + (size_t)first * od_type_width_bytes(source->type);
    return column->values != NULL;
}

enum od_status od_batch_slice(struct od_arena *arena, const struct od_batch *source, uint32_t first,
                              uint32_t count, struct od_batch *batch_out, struct od_error *error)
{
    od_assert(first <= source->row_count);
    od_assert(count <= source->row_count - first);
    *batch_out = (struct od_batch){0};
    OD_TAKE_LIST(struct od_column, columns, arena, source->schema->field_count, error);
    for (uint32_t i = 0; i < source->schema->field_count; i++) {
        if (!slice_column(arena, &source->columns[i], first, count, &columns[i]))
            return od_fail(error, OD_NO_MEMORY, "slicing a batch: rows=%u", count);
    }
    *batch_out = (struct od_batch){.schema = source->schema, .row_count = count, .columns = columns};
    return OD_OK;
}

/* --- words: what of a value goes into a hash ------------------------------------------------------------ */

static uint64_t canonical_float_bits(uint64_t bits)
{
    uint64_t magnitude = bits & ~FLOAT_SIGN_BIT;
    if (magnitude > FLOAT_INFINITY)
        return FLOAT_NAN_BITS;
    return magnitude == 0 ? 0 : bits;
}

/* Of text and of what is wider than a word, the bytes are hashed. */
static bool is_long(enum od_type type)
{
    return type == OD_TYPE_TEXT || od_type_width_bytes(type) > sizeof(uint64_t);
}

static const uint8_t *long_at(const struct od_column *column, uint32_t row, size_t *size_out)
{
    if (column->type == OD_TYPE_TEXT) {
        *size_out = (size_t)(column->offsets[row + 1] - column->offsets[row]);
        return column->bytes + column->offsets[row];
    }
    *size_out = od_type_width_bytes(column->type);
    return (const uint8_t *)column->values + row * *size_out;
}

static uint32_t run_rows(const struct od_batch *batch, uint32_t first)
{
    return batch->row_count - first < RUN_ROWS ? batch->row_count - first : RUN_ROWS;
}

/* Sets words[0..count) for rows from `first` of a column that is not long. NULL rows get any word. */
static void short_words(const struct od_column *column, uint32_t first, uint32_t count, uint64_t *words)
{
    if (column->type == OD_TYPE_BOOLEAN) {
        for (uint32_t i = 0; i < count; i++)
            words[i] = od_bit(column->values, first + i);
    } else if (od_type_width_bytes(column->type) == sizeof(int32_t)) {
        const int32_t *values = (const int32_t *)column->values + first;
        for (uint32_t i = 0; i < count; i++)
            words[i] = (uint64_t)(int64_t)values[i];
    } else if (count > 0) {
        memcpy(words, (const uint64_t *)column->values + first, count * sizeof(*words));
    }
}

/* --- key hashes ----------------------------------------------------------------------------------------- */

/* As short_words, of any type, and alike for equal values. */
static void key_words(const struct od_column *column, uint32_t first, uint32_t count, uint64_t *words)
{
    if (column->type == OD_TYPE_DECIMAL) {
        const struct od_decimal *values = (const struct od_decimal *)column->values + first;
        for (uint32_t i = 0; i < count; i++)
            words[i] = od_decimal_hash(&values[i]);
        return;
    }
    if (column->type == OD_TYPE_INTERVAL) {
        const struct od_interval *values = (const struct od_interval *)column->values + first;
        for (uint32_t i = 0; i < count; i++)
            words[i] = od_interval_hash(&values[i]);
        return;
    }
    if (is_long(column->type)) {
        for (uint32_t i = 0; i < count; i++) {
            size_t size;
            const uint8_t *bytes = long_at(column, first + i, &size);
            words[i] = od_hash_bytes(bytes, size, TEXT_SEED);
        }
        return;
    }
    short_words(column, first, count, words);
    for (uint32_t i = 0; column->type == OD_TYPE_FLOAT64 && i < count; i++)
        words[i] = canonical_float_bits(words[i]);
}

/* Takes the words of rows from `first` on into their hashes. */
static void chain(const struct od_column *column, uint32_t first, uint32_t count, const uint64_t *words,
                  uint64_t *hashes)
{
    if (column->validity == NULL) {
        for (uint32_t i = 0; i < count; i++)
            hashes[i] = od_mix_two(hashes[i], words[i]);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        bool is_valid = od_bit(column->validity, first + i);
        hashes[i] = is_valid ? od_mix_two(hashes[i], words[i]) : od_mix(hashes[i] ^ HASH_NULL);
    }
}

void od_batch_hash_keys(const struct od_batch *batch, const uint32_t *column_indexes, uint32_t column_count,
                        uint64_t *hashes_out)
{
    uint64_t words[RUN_ROWS];
    for (uint32_t i = 0; i < batch->row_count; i++)
        hashes_out[i] = HASH_SEED;
    for (uint32_t k = 0; k < column_count; k++) {
        uint32_t index = column_indexes == NULL ? k : column_indexes[k];
        od_assert(index < batch->schema->field_count);
        const struct od_column *column = &batch->columns[index];
        for (uint32_t first = 0; first < batch->row_count; first += RUN_ROWS) {
            uint32_t count = run_rows(batch, first);
            key_words(column, first, count, words);
            chain(column, first, count, words, hashes_out + first);
        }
    }
}

/* --- checksum ------------------------------------------------------------------------------------------- */

/* The exact bits of each value, twice: of what is not long these are the same. */
static void exact_words(const struct od_column *column, uint32_t first, uint32_t count, uint64_t *low,
                        uint64_t *high)
{
    if (!is_long(column->type)) {
        short_words(column, first, count, low);
        memcpy(high, low, count * sizeof(*high));
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        size_t size;
        const uint8_t *bytes = long_at(column, first + i, &size);
        struct od_hash128 hash = od_hash128_bytes(bytes, size, TEXT_SEED);
        low[i] = hash.low;
        high[i] = hash.high;
    }
}

struct od_hash128 od_batch_checksum(const struct od_batch *batch)
{
    uint64_t words[2][RUN_ROWS];
    uint64_t low[RUN_ROWS];
    uint64_t high[RUN_ROWS];
    struct od_hash128 sum = {0, 0};
    for (uint32_t first = 0; first < batch->row_count; first += RUN_ROWS) {
        uint32_t count = run_rows(batch, first);
        for (uint32_t i = 0; i < count; i++) {
            low[i] = CHECKSUM_LOW;
            high[i] = CHECKSUM_HIGH;
        }
        for (uint32_t k = 0; k < batch->schema->field_count; k++) {
            exact_words(&batch->columns[k], first, count, words[0], words[1]);
            chain(&batch->columns[k], first, count, words[0], low);
            chain(&batch->columns[k], first, count, words[1], high);
        }
        for (uint32_t i = 0; i < count; i++)
            sum = od_hash128_add(sum, (struct od_hash128){low[i], high[i]});
    }
    return sum;
}
