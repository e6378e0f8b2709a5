/* gen_table: tables that break engines.
 *
 * A column has a profile, drawn before its rows: type, share of NULLs (none ... all) and a pool. A small pool
 * gives duplicates and skew (one value is drawn as often as all others together), no pool gives a fresh value
 * per row. Half of the columns of later tables take type and pool from a column of an earlier one, so that joins find
 * partners. Rows are drawn one at a time behind a draw "one more?", so that deleting a row's span deletes the
 * row. */
#include "properties/generate.h"

#include "engine/core/assert.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define POOL_MAX 5u

struct profile {
    enum od_type type;
    uint32_t null_part; /* of 8 */
    uint32_t pool_size; /* 0: fresh values */
    struct od_value pool[POOL_MAX];
};

static const int64_t wild_integers[] = {
    INT64_MAX,
    INT64_MIN,
    INT64_MAX - 1,
    INT64_MIN + 1,
    INT64_C(1) << 53,
    (INT64_C(1) << 53) + 1,
    INT64_C(1) << 32,
    -(INT64_C(1) << 31),
    255,
    256,
    65536,
    INT64_C(4294967295),
};
static const int32_t wild_narrow_integers[] = {
    INT32_MAX, INT32_MIN, INT32_MAX - 1, INT32_MIN + 1, 46341, -46341, 65536, 255,
};
/* Of 10^scale; several scales for one value. */
struct number {
    int64_t coefficient;
    uint32_t scale;
    bool nines; /* 38 of them, the coefficient aside */
};
static const struct number plain_numbers[] = {
    {0, 0, false}, {15, 1, false},  {150, 2, false}, {0, 2, false},     {-25, 1, false},
    {1, 0, false}, {100, 2, false}, {333, 2, false}, {-7125, 3, false}, {1999, 2, false},
};
static const struct number special_numbers[] = {
    {1, 6, false},     {123456789, 3, false}, {5, 1, false},     {-5, 1, false},
    {10000, 0, false}, {9999, 0, false},      {99995, 4, false}, {-1, 10, false},
};
static const struct number wild_numbers[] = {
    {1, 0, true},   {-1, 0, true},         {1, 38, true},         {1, 19, true},
    {1, 38, false}, {INT64_MAX, 0, false}, {INT64_MIN, 0, false}, {INT64_MAX, 18, false},
};
static const double special_floats[] = {
    0.0, -0.0, NAN, INFINITY, -INFINITY, 0.5, -0.5, 1.5, 2.5, 0.1, 0.2, 0.3, -NAN, 1e15, 123456.789,
};
static const double plain_floats[] = {0.0, 0.5, -0.5, 1.5, 2.5, 0.125, -3.75, 1024.0};
static const double wild_floats[] = {
    DBL_MAX,
    -DBL_MAX,
    DBL_MIN,
    4.9406564584124654e-324,
    1e300,
    -1e300,
    9007199254740993.0,
    1e-300,
    1e16,
    9.3e18,
    -9.3e18,
    9223372036854775807.0,
    -9223372036854775808.0,
    3.0,
};
#define TEXT_16  "sixteen letters "
#define TEXT_128 TEXT_16 TEXT_16 TEXT_16 TEXT_16 TEXT_16 TEXT_16 TEXT_16 TEXT_16
#define KIB_TEXT TEXT_128 TEXT_128 TEXT_128 TEXT_128 TEXT_128 TEXT_128 TEXT_128 TEXT_128
static const char *const texts[] = {
    "",
    "a",
    "b",
    "ab",
    "A",
    "B",
    "aa",
    "abc",
    "a b",
    " a",
    "a%",
    "_",
    "\xc3\xa9",
    "\xe6\x97\xa5\xe6\x9c\xac",
    "\xf0\x9f\x98\x80x",
    "10",
    "-7",
    "1.5",
    "true",
    "2020-02-29",
    "it's",
    "\\",
    "Zz\xc3\x89",
    "a rather long text that does not fit where a short one would have been put",
    KIB_TEXT, /* two of them make a block that is worth compressing */
};
/* Microseconds: the epoch, its neighbours, leap days, ends of years, far past and future. */
static const int64_t timestamps[] = {
    0,
    1,
    -1,
    951782400000000,
    951868799999999,
    1577836800000000,
    1583020799500000,
    946684799999999,
    -2208988800000000,
    86400000000,
    -86400000000,
    4102444800000000,
    1709164800123456,
};
static const int32_t dates[] = {0, 1, -1, 11016, 11017, 18262, 18321, 10956, -25567, 47482, 19782, 365, 364};

#define PICK(table) ((table)[od_choices_below(gen->choices, sizeof(table) / sizeof((table)[0]))])
/* Half of the time one of the first four, so that values of different columns and tables meet. */
#define PICK_NEAR(table)                                                                                     \
    ((table)[od_choices_below(gen->choices, 2) == 0                                                          \
                 ? od_choices_below(gen->choices, 4)                                                         \
                 : od_choices_below(gen->choices, sizeof(table) / sizeof((table)[0]))])

static int64_t integer_value(struct od_gen *gen, enum od_type type)
{
    uint64_t kind = od_choices_below(gen->choices, gen->flavour == OD_FLAVOUR_WILD ? 5 : 4);
    if (kind <= 2)
        return (int64_t)od_choices_below(gen->choices, kind == 2 ? 10 : 4);
    if (kind == 3)
        return od_random_between(&gen->choices->random, 0, 2000) - 1000;
    return type == OD_TYPE_INT32 ? PICK(wild_narrow_integers) : PICK(wild_integers);
}

static double float_value(struct od_gen *gen)
{
    static const uint64_t kinds[OD_FLAVOUR_COUNT] = {4, 6, 7};
    uint64_t kind = od_choices_below(gen->choices, kinds[gen->flavour]);
    if (kind <= 1)
        return (double)od_choices_below(gen->choices, 4);
    if (kind == 2)
        return PICK(plain_floats);
    if (kind == 3)
        return (double)(od_random_between(&gen->choices->random, 0, 2000) - 1000) / 4;
    return kind <= 5 ? PICK_NEAR(special_floats) : PICK(wild_floats);
}

static struct od_decimal decimal_of(struct number number)
{
    __int128 coefficient = number.nines ? 0 : 1;
    for (int i = 0; i < 38 && number.nines; i++)
        coefficient = coefficient * 10 + 9;
    return od_decimal_make(coefficient * number.coefficient, number.scale);
}

static struct od_decimal decimal_value(struct od_gen *gen)
{
    static const uint64_t kinds[OD_FLAVOUR_COUNT] = {4, 5, 6};
    uint64_t kind = od_choices_below(gen->choices, kinds[gen->flavour]);
    if (kind == 0)
        return od_decimal_make((__int128)od_choices_below(gen->choices, 4), 0);
    if (kind == 1)
        return decimal_of(PICK_NEAR(plain_numbers));
    if (kind <= 3)
        return od_decimal_make(od_random_between(&gen->choices->random, 0, 20000) - 10000, (uint32_t)kind);
    return decimal_of(kind == 4 ? PICK(special_numbers) : PICK(wild_numbers));
}

static void text_value(struct od_gen *gen, struct od_value *value)
{
    const char *text = PICK_NEAR(texts);
    value->text.bytes = text;
    value->text.size = (uint32_t)strlen(text);
}

static int64_t timestamp_value(struct od_gen *gen)
{
    if (od_choices_below(gen->choices, 4) != 3)
        return PICK_NEAR(timestamps);
    return od_random_between(&gen->choices->random, 0, 4000000) * INT64_C(1800000000) + INT64_C(1000000);
}

static int64_t date_value(struct od_gen *gen)
{
    if (od_choices_below(gen->choices, 4) != 3)
        return PICK_NEAR(dates);
    return od_random_between(&gen->choices->random, 0, 60000) - 20000;
}

struct od_value od_gen_value(struct od_gen *gen, enum od_type type)
{
    struct od_value value;
    memset(&value, 0, sizeof(value));
    value.type = type;
    switch (type) {
    case OD_TYPE_BOOLEAN:
        value.boolean = od_choices_below(gen->choices, 2) != 0;
        break;
    case OD_TYPE_INT32:
    case OD_TYPE_INT64:
        value.int64 = integer_value(gen, type);
        break;
    case OD_TYPE_DECIMAL:
        value.decimal = decimal_value(gen);
        break;
    case OD_TYPE_FLOAT64:
        value.float64 = float_value(gen);
        break;
    case OD_TYPE_TEXT:
        text_value(gen, &value);
        break;
    case OD_TYPE_TIMESTAMP:
        value.int64 = timestamp_value(gen);
        break;
    case OD_TYPE_DATE:
        value.int64 = date_value(gen);
        break;
    case OD_TYPE_INTERVAL:
    case OD_TYPE_COUNT:
        od_unreachable();
    }
    return value;
}

/* Type and pool of a column that is already there, of the same name where there is one. Its text lives as long as
 * the case. */
static void follow_column(struct od_gen *gen, uint32_t index, struct profile *profile)
{
    const struct od_table *table = gen->tables[od_choices_below(gen->choices, gen->table_count)];
    struct od_batch rows = od_table_view(table);
    uint32_t column = index < table->schema.field_count ? index : 0;
    profile->type = table->schema.fields[column].type;
    profile->pool_size = 1 + (uint32_t)od_choices_below(gen->choices, POOL_MAX);
    for (uint32_t i = 0; i < profile->pool_size; i++) {
        profile->pool[i].is_null = true;
        if (rows.row_count > 0)
            profile->pool[i] = od_column_value(&rows.columns[column],
                                               (uint32_t)od_choices_below(gen->choices, rows.row_count));
        if (profile->pool[i].is_null)
            profile->pool[i] = od_gen_value(gen, profile->type);
    }
}

static void draw_profile(struct od_gen *gen, uint32_t index, struct profile *profile)
{
    static const enum od_type types[] = {
        OD_TYPE_INT64, OD_TYPE_INT32,     OD_TYPE_TEXT, OD_TYPE_FLOAT64, OD_TYPE_INT64,   OD_TYPE_BOOLEAN,
        OD_TYPE_DATE,  OD_TYPE_TIMESTAMP, OD_TYPE_TEXT, OD_TYPE_DECIMAL, OD_TYPE_FLOAT64, OD_TYPE_INT32,
    };
    static const uint32_t null_parts[] = {0, 0, 0, 1, 1, 2, 4, 8};
    static const uint32_t pool_sizes[] = {0, 1, 2, 3, 3, 5};
    profile->null_part = PICK(null_parts);
    /* drawn for the first table too: any of them can go */
    bool follows = od_random_chance(&gen->choices->random, 1, 2);
    if (follows && gen->table_count > 0) {
        follow_column(gen, index, profile);
        return;
    }
    profile->type = PICK(types);
    if (profile->type == OD_TYPE_DECIMAL && gen->flavour == OD_FLAVOUR_PLAIN)
        profile->type = OD_TYPE_INT64; /* SQLite has no numerics */
    profile->pool_size = PICK(pool_sizes);
    for (uint32_t i = 0; i < profile->pool_size; i++)
        profile->pool[i] = od_gen_value(gen, profile->type);
}

static struct od_value draw_cell(struct od_gen *gen, const struct profile *profile)
{
    if (profile->null_part > 0 && od_random_chance(&gen->choices->random, profile->null_part, 8)) {
        struct od_value null;
        memset(&null, 0, sizeof(null));
        null.type = profile->type;
        null.is_null = true;
        return null;
    }
    if (profile->pool_size == 0)
        return od_gen_value(gen, profile->type);
    uint64_t index =
        od_choices_below(gen->choices, 2 * profile->pool_size); /* skew: half of it is the first */
    return profile->pool[index < profile->pool_size ? index : 0];
}

static enum od_status draw_row(struct od_gen *gen, struct od_table *table, const struct profile *profiles)
{
    for (uint32_t i = 0; i < table->schema.field_count; i++) {
        od_choices_begin(gen->choices, "cell");
        struct od_value value = draw_cell(gen, &profiles[i]);
        od_choices_end(gen->choices);
        enum od_status status = od_batch_builder_append(&table->rows, i, &value, gen->error);
        if (status != OD_OK)
            return status;
    }
    od_batch_builder_end_row(&table->rows);
    return OD_OK;
}

static enum od_status draw_rows(struct od_gen *gen, struct od_table *table, const struct profile *profiles)
{
    static const uint32_t means[] = {1, 4, 6, 8, 8, 12, 16, 24}; /* of the number of rows */
    uint32_t mean = PICK(means);
    for (uint32_t row = 0;; row++) { /* "no more" is drawn behind the last one that fits, too */
        od_choices_begin(gen->choices, "row");
        bool more = od_random_chance(&gen->choices->random, mean, mean + 1) && row < OD_GEN_ROWS_MAX;
        enum od_status status = more ? draw_row(gen, table, profiles) : OD_OK;
        od_choices_end(gen->choices);
        if (!more || status != OD_OK)
            return status;
    }
    return OD_OK;
}

struct od_table *od_gen_table(struct od_gen *gen, uint32_t table_index)
{
    static const char *const table_names[OD_GEN_TABLES_MAX] = {"t0", "t1", "t2"};
    static const char *const column_names[OD_GEN_COLUMNS_MAX] = {"a", "b", "c", "d", "e"};
    struct profile profiles[OD_GEN_COLUMNS_MAX];
    struct od_field fields[OD_GEN_COLUMNS_MAX];
    uint32_t count = 0;
    od_assert(table_index < OD_GEN_TABLES_MAX);
    for (bool more = true; more;) {
        od_choices_begin(gen->choices, "column"); /* with its "one more?": any of them can go */
        more = od_random_chance(&gen->choices->random, 2, 3);
        more = (more || count == 0) && count < OD_GEN_COLUMNS_MAX;
        if (more) {
            draw_profile(gen, count, &profiles[count]);
            fields[count] = (struct od_field){column_names[count], profiles[count].type, true};
            count++;
        }
        od_choices_end(gen->choices);
    }

    struct od_schema schema = {count, fields};
    struct od_table *table = od_table_new(gen->memory, table_names[table_index], &schema, gen->error);
    gen->status = table == NULL ? OD_NO_MEMORY : draw_rows(gen, table, profiles);
    if (gen->status == OD_OK) {
        od_table_finish(table);
        return table;
    }
    od_table_free(gen->memory, table);
    return NULL;
}
