/* type: the types of values, scalars, fields and schemas. */
#ifndef OD_DATA_TYPE_H
#define OD_DATA_TYPE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/core/arena.h"
#include "engine/core/buffer.h"
#include "engine/core/status.h"

/* enum, text (PostgreSQL's name), bytes a value (0: bits or offsets) */
#define OD_TYPE_LIST(X)                                                                                      \
    X(BOOLEAN, "boolean", 0)                                                                                  \
    X(INT64, "bigint", 8)                                                                                     \
    X(FLOAT64, "double precision", 8)                                                                         \
    X(TEXT, "text", 0)                                                                                        \
    X(TIMESTAMP, "timestamp", 8) /* microseconds since 1970-01-01 00:00:00, no time zone */                   \
    X(DATE, "date", 4)           /* days since 1970-01-01 */                                                  \
    X(INT32, "integer", 4)                                                                                    \
    X(DECIMAL, "numeric", 24) /* struct od_decimal */                                                         \
    X(INTERVAL, "interval", 16) /* struct od_interval; in constants only, never a column of a table or an answer */

enum od_type {
#define X(name, text, bytes) OD_TYPE_##name,
    OD_TYPE_LIST(X)
#undef X
        OD_TYPE_COUNT
};
const char *od_type_text(enum od_type type);
/* Bytes of one value in a column's `values`; 0 for boolean (a bit) and text (offsets). */
uint32_t od_type_width_bytes(enum od_type type);

/* coefficient / 10^scale, |coefficient| < 10^38, 0 <= scale <= 38. Each value carries its scale, as PostgreSQL's numeric
 * does: 1.50 prints so, equals 1.5, and division gives as many digits as PostgreSQL would. Where an exact result would
 * need more than 38 digits its fraction is rounded (half away from zero); where its whole part does, that is an error.
 * The halves are the two's complement of the coefficient, so that a column of 24-byte values needs no 16-byte alignment. */
#define OD_DECIMAL_DIGITS_MAX 38
struct od_decimal {
    uint64_t low;
    uint64_t high;
    uint64_t scale;
};
static inline struct od_decimal od_decimal_make(__int128 coefficient, uint32_t scale)
{
    unsigned __int128 bits = (unsigned __int128)coefficient;
    return (struct od_decimal){.low = (uint64_t)bits, .high = (uint64_t)(bits >> 64), .scale = scale};
}
static inline __int128 od_decimal_coefficient(const struct od_decimal *decimal)
{
    return (__int128)((unsigned __int128)decimal->high << 64 | decimal->low);
}

/* PostgreSQL's three parts, added to a timestamp in this order: months (the day is cut to the month's last), days,
 * microseconds. */
struct od_interval {
    int32_t months;
    int32_t days;
    int64_t microseconds;
};

/* A scalar. Timestamps, dates and both integers are in `int64`. Text is borrowed. */
struct od_value {
    enum od_type type;
    bool is_null;
    union {
        bool boolean;
        int64_t int64;
        double float64;
        struct od_decimal decimal;
        struct od_interval interval;
        struct {
            const char *bytes;
            uint32_t size;
        } text;
    };
};

/* PostgreSQL's order: NaN equals NaN and is greater than all numbers, -0.0 equals 0.0, text by bytes
 * (collation "C").
 * Needs equal types and neither NULL. Negative, 0 or positive. */
int od_value_compare(const struct od_value *left, const struct od_value *right);
/* As above, but told apart as far as anyone can see (-0.0 below 0.0; 1.5 below 1.50; every NaN is alike), NULL last: a total
 * order for ties and for canonical answers. */
int od_value_compare_total(const struct od_value *left, const struct od_value *right);

/* Appends the value as PostgreSQL prints it (float64 in the shortest form that reads back, NULL as nothing).
 */
bool od_value_print(const struct od_value *value, struct od_buffer *buffer);
/* Reads `text` as a value of `type`, PostgreSQL's input syntax (ISO dates). False when it is not one.
 * Text values borrow `text`. A date may be written as a timestamp, whose time of day goes (PostgreSQL's date_in). */
bool od_value_parse(enum od_type type, const char *text, uint32_t size, struct od_value *value_out);

/* Days since 1970-01-01 <-> civil date, proleptic Gregorian (Howard Hinnant, "chrono-compatible low-level
 * date algorithms"). month 1..12, day 1..31. */
int64_t od_date_from_civil(int64_t year, uint32_t month, uint32_t day);
void od_date_to_civil(int64_t days, int64_t *year_out, uint32_t *month_out, uint32_t *day_out);
uint32_t od_month_days(int64_t year, uint32_t month);

struct od_field {
    const char *name; /* borrowed from whoever owns the schema */
    enum od_type type;
    bool nullable;
};
struct od_schema {
    uint32_t field_count;
    struct od_field *fields;
};
/* Deep copy into the arena. */
enum od_status od_schema_copy(struct od_arena *arena, const struct od_schema *source, struct od_schema *target_out,
                              struct od_error *error);
/* Of types and their order, not of names: what a block must agree on. */
uint64_t od_schema_hash(const struct od_schema *schema);
/* Index of a field, or OD_FIELD_NONE. */
#define OD_FIELD_NONE UINT32_MAX
uint32_t od_schema_find(const struct od_schema *schema, const char *name);

#endif
