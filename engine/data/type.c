/* type: names and widths of types, the order of values, schemas.
 *
 * Two orders. `compare` is SQL's: -0.0 equals 0.0 and every NaN is alike.
 * `compare_total` goes on where that one says "equal" for zeros of unlike sign and for numerics of unlike scale,
 * so that it can put answers into one canonical order. NaN has no sign nor payload in SQL: which of its bit
 * patterns arithmetic leaves must not show. */
#include "engine/data/type.h"

#include <math.h>
#include <string.h>

#include "engine/core/assert.h"
#include "engine/core/enum_text.h"
#include "engine/core/hash.h"
#include "engine/data/decimal.h"
#include "engine/data/interval.h"

OD_ENUM_TEXT(od_type_text, enum od_type, OD_TYPE_LIST)

uint32_t od_type_width_bytes(enum od_type type)
{
#define X(name, text, bytes) bytes,
    static const uint8_t widths[] = {OD_TYPE_LIST(X)};
#undef X
    od_assert((unsigned)type < OD_TYPE_COUNT);
    return widths[type];
}

/* --- order ---------------------------------------------------------------------------------------------- */

static int compare_floats(double left, double right)
{
    if (isnan(left) || isnan(right))
        return (int)isnan(left) - (int)isnan(right);
    return (left > right) - (left < right);
}

static int compare_texts(const struct od_value *left, const struct od_value *right)
{
    uint32_t shorter = left->text.size < right->text.size ? left->text.size : right->text.size;
    int order = shorter == 0 ? 0 : memcmp(left->text.bytes, right->text.bytes, shorter);
    if (order != 0)
        return order;
    return (left->text.size > right->text.size) - (left->text.size < right->text.size);
}

int od_value_compare(const struct od_value *left, const struct od_value *right)
{
    od_assert(left->type == right->type);
    od_assert(!left->is_null);
    od_assert(!right->is_null);
    switch (left->type) {
    case OD_TYPE_BOOLEAN:
        return (int)left->boolean - (int)right->boolean;
    case OD_TYPE_FLOAT64:
        return compare_floats(left->float64, right->float64);
    case OD_TYPE_TEXT:
        return compare_texts(left, right);
    case OD_TYPE_DECIMAL:
        return od_decimal_compare(&left->decimal, &right->decimal);
    case OD_TYPE_INTERVAL:
        return od_interval_compare(&left->interval, &right->interval);
    default:
        return (left->int64 > right->int64) - (left->int64 < right->int64);
    }
}

/* Of two floats that compare equal: -0.0 comes first. Every NaN is alike here too: nobody can see its bits, so
 * they may not decide between rows. */
static int compare_zero_signs(double left, double right)
{
    if (isnan(left))
        return 0;
    return (int)!signbit(left) - (int)!signbit(right);
}

int od_value_compare_total(const struct od_value *left, const struct od_value *right)
{
    od_assert(left->type == right->type);
    if (left->is_null || right->is_null)
        return (int)left->is_null - (int)right->is_null;
    int order = od_value_compare(left, right);
    if (order == 0 && left->type == OD_TYPE_FLOAT64)
        order = compare_zero_signs(left->float64, right->float64);
    if (order == 0 && left->type == OD_TYPE_DECIMAL)
        order = (left->decimal.scale > right->decimal.scale) - (left->decimal.scale < right->decimal.scale);
    return order;
}

/* --- schemas -------------------------------------------------------------------------------------------- */

enum od_status od_schema_copy(struct od_arena *arena, const struct od_schema *source,
                              struct od_schema *target_out, struct od_error *error)
{
    *target_out = (struct od_schema){0};
    OD_TAKE_LIST(struct od_field, fields, arena, source->field_count, error);
    for (uint32_t i = 0; i < source->field_count; i++) {
        fields[i] = source->fields[i];
        fields[i].name = od_arena_copy_text(arena, source->fields[i].name, strlen(source->fields[i].name));
        if (fields[i].name == NULL)
            return od_fail(error, OD_NO_MEMORY, "copying a schema: fields=%u", source->field_count);
    }
    *target_out = (struct od_schema){.field_count = source->field_count, .fields = fields};
    return OD_OK;
}

uint64_t od_schema_hash(const struct od_schema *schema)
{
    uint64_t hash = od_mix(schema->field_count);
    for (uint32_t i = 0; i < schema->field_count; i++)
        hash = od_mix_two(hash, (uint64_t)schema->fields[i].type);
    return hash;
}

uint32_t od_schema_find(const struct od_schema *schema, const char *name)
{
    for (uint32_t i = 0; i < schema->field_count; i++) {
        if (strcmp(schema->fields[i].name, name) == 0)
            return i;
    }
    return OD_FIELD_NONE;
}
