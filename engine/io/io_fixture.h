/* io_fixture: drawn rows of every type, and how tests look at tables. */
#ifndef OD_IO_FIXTURE_H
#define OD_IO_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "engine/core/random.h"
#include "engine/data/batch.h"
#include "engine/world/posix.h"

/* "name type[?], ..." and one line of values for each row, NULL as ~. */
static inline const char *described(const struct od_table *table, struct od_buffer *buffer)
{
    struct od_batch view = od_table_view(table);
    od_buffer_reset(buffer);
    for (uint32_t i = 0; i < table->schema.field_count; i++) {
        const struct od_field *field = &table->schema.fields[i];
        od_buffer_print(buffer, "%s%s %s%s", i > 0 ? ", " : "", field->name, od_type_text(field->type),
                        field->nullable ? "?" : "");
    }
    for (uint32_t row = 0; row < view.row_count; row++) {
        for (uint32_t i = 0; i < view.schema->field_count; i++) {
            struct od_value value = od_column_value(&view.columns[i], row);
            od_buffer_append_text(buffer, i > 0 ? "|" : "\n");
            od_buffer_append_text(buffer, value.is_null ? "~" : "");
            od_value_print(&value, buffer);
        }
    }
    return od_buffer_text(buffer);
}

static struct od_field drawn_fields[] = {
    {"boolean", OD_TYPE_BOOLEAN, true},       {"int64", OD_TYPE_INT64, true},
    {"float, \"64\"", OD_TYPE_FLOAT64, true}, {"\xef\xbb\xbftext", OD_TYPE_TEXT, true},
    {"time\nstamp", OD_TYPE_TIMESTAMP, true}, {"date", OD_TYPE_DATE, true},
    {"int32", OD_TYPE_INT32, true},           {"numeric", OD_TYPE_DECIMAL, true},
};
#define DRAWN_FIELDS (sizeof(drawn_fields) / sizeof(drawn_fields[0]))

static inline struct od_value drawn_value(struct od_random *draws, enum od_type type)
{
    static const char *const texts[] = {"",     "a",   ",",  "\"",           "\"\"", "\n",
                                        "\r\n", " x ", "12", "\xef\xbb\xbf", "NULL"};
    struct od_value value = {.type = type, .is_null = od_random_chance(draws, 1, 5)};
    uint64_t bits = od_random_below(draws, UINT64_MAX);
    if (value.is_null)
        return value;
    if (type == OD_TYPE_BOOLEAN) {
        value.boolean = bits & 1;
    } else if (type == OD_TYPE_TEXT) {
        value.text.bytes = texts[bits % (sizeof(texts) / sizeof(texts[0]))];
        value.text.size = (uint32_t)strlen(value.text.bytes);
    } else if (type == OD_TYPE_FLOAT64) {
        if (bits % 8 == 0)
            bits = UINT64_C(1) << 63; /* -0.0 */
        if ((bits >> 52 & 0x7ff) == 0x7ff)
            bits = UINT64_C(0x7ff) << 52; /* infinity; NaN has one spelling and many bits */
        memcpy(&value.float64, &bits, sizeof(bits));
    } else if (type == OD_TYPE_DECIMAL) {
        value.decimal = od_decimal_make((int64_t)bits, (uint32_t)od_random_below(draws, 39));
    } else {
        value.int64 = type == OD_TYPE_DATE || type == OD_TYPE_INT32 ? (int32_t)bits : (int64_t)bits;
    }
    return value;
}

/* The builder is made here; 500 rows. */
static inline void draw_rows(struct od_batch_builder *builder, const struct od_schema *schema, uint64_t seed)
{
    struct od_stream stream;
    od_stream_init(&stream, seed, "csv");
    assert_int_equal(od_batch_builder_init(builder, od_posix_memory(), schema, NULL), OD_OK);
    for (int row = 0; row < 500; row++) {
        for (uint32_t i = 0; i < schema->field_count; i++) {
            struct od_value value = drawn_value(&stream.random, schema->fields[i].type);
            assert_int_equal(od_batch_builder_append(builder, i, &value, NULL), OD_OK);
        }
        od_batch_builder_end_row(builder);
    }
}

static inline void assert_same_rows(const struct od_batch *left, const struct od_batch *right)
{
    struct od_hash128 a = od_batch_checksum(left);
    struct od_hash128 b = od_batch_checksum(right);
    assert_int_equal(left->row_count, right->row_count);
    assert_memory_equal(&a, &b, sizeof(a));
}

#endif
