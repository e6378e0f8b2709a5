/* Goal: rows leave and enter by Arrow's interfaces as they are; whatever breaks the interface's rules is refused; nothing
 * leaks, whoever releases what first.
 * Method: drawn rows of all types go out, whole and in chunks, and come back; a consumer that moves children out; one broken
 * part of a struct at a time; arrays of foreign types by hand; every allocation refused once. */
#include "engine/io/arrow.h"

#include "engine/core/sweep.h"
#include "engine/io/io_fixture.h"

static const struct od_schema drawn_schema = {DRAWN_FIELDS, drawn_fields};

/* Scales may have grown: equal by value. */
static void assert_equal_values(const struct od_batch *left, const struct od_batch *right)
{
    assert_int_equal(left->row_count, right->row_count);
    for (uint32_t i = 0; i < left->schema->field_count; i++) {
        assert_string_equal(left->schema->fields[i].name, right->schema->fields[i].name);
        for (uint32_t row = 0; row < left->row_count; row++) {
            struct od_value a = od_column_value(&left->columns[i], row);
            struct od_value b = od_column_value(&right->columns[i], row);
            assert_int_equal(a.type, b.type);
            assert_int_equal(a.is_null, b.is_null);
            assert_true(a.is_null || od_value_compare(&a, &b) == 0);
        }
    }
}

/* Numerics that fit at one scale. */
static void draw_fitting(struct od_batch_builder *builder)
{
    struct od_batch_builder source;
    draw_rows(&source, &drawn_schema, 5);
    struct od_batch batch = od_batch_builder_view(&source);
    assert_int_equal(od_batch_builder_init(builder, od_posix_memory(), &drawn_schema, NULL), OD_OK);
    for (uint32_t row = 0; row < batch.row_count; row++) {
        for (uint32_t i = 0; i < DRAWN_FIELDS; i++) {
            struct od_value value = od_column_value(&batch.columns[i], row);
            if (value.type == OD_TYPE_DECIMAL)
                value.decimal.scale %= 15;
            assert_int_equal(od_batch_builder_append(builder, i, &value, NULL), OD_OK);
        }
        od_batch_builder_end_row(builder);
    }
    od_batch_builder_release(&source);
}

static void rows_go_out_and_come_back(void **state)
{
    (void)state;
    static const uint32_t chunks[] = {1, 7, 64, 1000};
    struct od_batch_builder builder;
    struct od_error error = {0};
    struct od_table *table;
    draw_fitting(&builder);
    struct od_batch batch = od_batch_builder_view(&builder);
    for (size_t i = 0; i < 4; i++) {
        struct od_countdown countdown;
        struct ArrowArrayStream stream;
        od_countdown_init(&countdown, od_posix_memory(), UINT64_MAX, false);
        assert_int_equal(od_arrow_export_stream(&countdown.memory, &batch, chunks[i], &stream, NULL), OD_OK);
        if (od_arrow_import_stream(od_posix_memory(), "t", &stream, &table, &error) != OD_OK)
            fail_msg("%s", error.text);
        assert_null(stream.release);
        assert_int_equal(countdown.live_block_count, 0);
        struct od_batch again = od_table_view(table);
        assert_equal_values(&batch, &again);
        od_table_free(od_posix_memory(), table);
    }
    od_batch_builder_release(&builder);
}

static void nothing_is_copied_but_numerics(void **state)
{
    (void)state;
    struct od_batch_builder builder;
    struct ArrowSchema schema;
    struct ArrowArray array;
    draw_fitting(&builder);
    struct od_batch batch = od_batch_builder_view(&builder);
    assert_int_equal(od_arrow_export(od_posix_memory(), &batch, &schema, &array, NULL), OD_OK);
    static const char *const formats[] = {"b", "l", "g", "u", "tsu:", "tdD", "i", "d:38,14"};
    for (uint32_t i = 0; i < DRAWN_FIELDS; i++) {
        const void *values = batch.columns[i].type == OD_TYPE_TEXT ? (const void *)batch.columns[i].offsets
                                                                   : batch.columns[i].values;
        assert_string_equal(schema.children[i]->format, formats[i]);
        assert_int_equal(array.children[i]->buffers[1] == values, batch.columns[i].type != OD_TYPE_DECIMAL);
    }
    schema.release(&schema);
    array.release(&array);
    od_batch_builder_release(&builder);
}

static void children_can_be_moved_out(void **state)
{
    (void)state;
    struct od_batch_builder builder;
    struct od_countdown countdown;
    struct ArrowSchema schema;
    struct ArrowArray array;
    draw_fitting(&builder);
    struct od_batch batch = od_batch_builder_view(&builder);
    od_countdown_init(&countdown, od_posix_memory(), UINT64_MAX, false);
    assert_int_equal(od_arrow_export(&countdown.memory, &batch, &schema, &array, NULL), OD_OK);
    struct ArrowArray numerics = *array.children[7];
    struct ArrowSchema name = *schema.children[2];
    array.children[7]->release = NULL;
    schema.children[2]->release = NULL;
    array.release(&array);
    schema.release(&schema);
    assert_null(array.release);
    assert_int_equal(countdown.live_block_count, 4); /* a piece and its chunk, of the schema and of the array */
    assert_string_equal(name.name, drawn_fields[2].name);
    int64_t first = 0;
    memcpy(&first, numerics.buffers[1], sizeof(first));
    numerics.release(&numerics);
    name.release(&name);
    assert_int_equal(countdown.live_block_count, 0);
    od_batch_builder_release(&builder);
}

static void too_many_digits_are_refused(void **state)
{
    (void)state;
    static struct od_field fields[] = {{"n", OD_TYPE_DECIMAL, true}, {"v", OD_TYPE_INTERVAL, true}};
    static const struct od_decimal values[] = {{1, 0, 38}, {1, 0, 0}};
    static const struct od_schema schema = {1, fields};
    static const struct od_schema interval = {1, fields + 1};
    struct od_column column = {.type = OD_TYPE_DECIMAL, .row_count = 2, .values = values};
    struct od_batch batch = {.schema = &schema, .row_count = 2, .columns = &column};
    struct ArrowSchema out;
    struct ArrowArray array;
    assert_int_equal(od_arrow_export(od_posix_memory(), &batch, &out, &array, NULL), OD_UNSUPPORTED);
    assert_null(out.release);
    assert_null(array.release);
    column.type = OD_TYPE_INTERVAL;
    batch.schema = &interval;
    assert_int_equal(od_arrow_export(od_posix_memory(), &batch, &out, &array, NULL), OD_UNSUPPORTED);
}

/* --- foreign arrays ---------------------------------------------------------------------------------------------- */

static int released;
static void release_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
    released++;
}
static void release_array(struct ArrowArray *array)
{
    array->release = NULL;
    released++;
}

/* One column of rows 1 .. 2 of three, in a struct. */
struct foreign {
    struct ArrowSchema schema, column_schema, *schemas[1];
    struct ArrowArray array, column, *arrays[1];
    const void *no_buffers[1];
    const void *buffers[3];
};

static void make_foreign(struct foreign *foreign, const char *format, const void *values, const void *bytes)
{
    static const uint8_t validity[] = {0x6};
    *foreign = (struct foreign){.schemas = {&foreign->column_schema}, .arrays = {&foreign->column}};
    foreign->column_schema = (struct ArrowSchema){
        .format = format, .name = "c", .flags = ARROW_FLAG_NULLABLE, .release = release_schema};
    foreign->schema = (struct ArrowSchema){
        .format = "+s", .n_children = 1, .children = foreign->schemas, .release = release_schema};
    foreign->buffers[0] = validity;
    foreign->buffers[1] = values;
    foreign->buffers[2] = bytes;
    foreign->column = (struct ArrowArray){.length = 2,
                                          .offset = 1,
                                          .null_count = -1,
                                          .n_buffers = bytes == NULL ? 2 : 3,
                                          .buffers = foreign->buffers,
                                          .release = release_array};
    foreign->array = (struct ArrowArray){.length = 2,
                                         .n_buffers = 1,
                                         .n_children = 1,
                                         .buffers = foreign->no_buffers,
                                         .children = foreign->arrays,
                                         .release = release_array};
}

static enum od_status import_foreign(struct foreign *foreign, struct od_table **table)
{
    released = 0;
    enum od_status status =
        od_arrow_import(od_posix_memory(), "t", &foreign->schema, &foreign->array, table, NULL);
    assert_int_equal(released, 2); /* a child is its parent's to release, and ours here have static lives */
    assert_true((status == OD_OK) == (*table != NULL));
    return status;
}

static void foreign_types_are_read(void **state)
{
    (void)state;
    static const int8_t bytes[] = {0, -3, 4};
    static const uint16_t words[] = {0, 65535, 4};
    static const uint32_t unsigned_words[] = {0, UINT32_MAX, 4};
    static const uint64_t longs[] = {0, UINT64_MAX, 4};
    static const float floats[] = {0, 1.5f, -0.25f};
    static const int64_t seconds[] = {0, 1, -1};
    static const int64_t nanoseconds[] = {0, 1500000000, -1000};
    static const int64_t wide_offsets[] = {0, 0, 2, 3};
    static const int64_t decimals[] = {0, 0, 150, 0, -7, -1};
    static const struct {
        const char *format;
        const void *values;
        const void *text;
        const char *described;
    } rows[] = {
        {"b", "\x02", NULL, "c boolean?\nt\nf"},
        {"c", bytes, NULL, "c integer?\n-3\n4"},
        {"S", words, NULL, "c integer?\n65535\n4"},
        {"I", unsigned_words, NULL, "c bigint?\n4294967295\n4"},
        {"L", longs, NULL, "c numeric?\n18446744073709551615\n4"},
        {"f", floats, NULL, "c double precision?\n1.5\n-0.25"},
        {"tss:", seconds, NULL, "c timestamp?\n1970-01-01 00:00:01\n1969-12-31 23:59:59"},
        {"tsn:", nanoseconds, NULL, "c timestamp?\n1970-01-01 00:00:01.5\n1969-12-31 23:59:59.999999"},
        {"U", wide_offsets, "abc", "c text?\nab\nc"},
        {"d:10,2", decimals, NULL, "c numeric?\n1.50\n-0.07"},
        {"d:38,0,128", decimals, NULL, "c numeric?\n150\n-7"},
    };
    struct od_buffer buffer;
    od_buffer_init(&buffer, od_posix_memory());
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct foreign foreign;
        struct od_table *table;
        make_foreign(&foreign, rows[i].format, rows[i].values, rows[i].text);
        if (import_foreign(&foreign, &table) != OD_OK)
            fail_msg("format %s was refused", rows[i].format);
        assert_string_equal(described(table, &buffer), rows[i].described);
        od_table_free(od_posix_memory(), table);
    }
    od_buffer_release(&buffer);
}

/* What breaks a sound text column, one thing at a time. */
static void spoil(struct foreign *foreign, int what)
{
    static const int32_t falling[] = {0, 2, 1, 3};
    static const int32_t negative[] = {0, -1, 1, 3};
    static struct ArrowSchema dictionary;
    static struct ArrowArray values;
    switch (what) {
    case 0:
        foreign->schema.format = NULL;
        break;
    case 1:
        foreign->schema.children = NULL;
        break;
    case 2:
        foreign->schemas[0] = NULL;
        break;
    case 3:
        foreign->schema.n_children = -1;
        break;
    case 4:
        foreign->column_schema.format = NULL;
        break;
    case 5:
        foreign->column_schema.name = "\xff";
        break;
    case 6:
        foreign->array.n_children = 0;
        break;
    case 7:
        foreign->array.children = NULL;
        break;
    case 8:
        foreign->arrays[0] = NULL;
        break;
    case 9:
        foreign->array.length = -1;
        break;
    case 10:
        foreign->array.length = 3;
        break; /* more than the column's */
    case 11:
        foreign->array.offset = INT64_MAX;
        break;
    case 12:
        foreign->array.n_buffers = 2;
        break;
    case 13:
        foreign->array.buffers = NULL;
        break;
    case 14:
        foreign->column.length = 1;
        break;
    case 15:
        foreign->column.offset = -1;
        break;
    case 16:
        foreign->column.n_buffers = 2;
        break;
    case 17:
        foreign->column.buffers = NULL;
        break;
    case 18:
        foreign->column.release = NULL;
        break;
    case 19:
        foreign->buffers[1] = NULL;
        break;
    case 20:
        foreign->buffers[2] = NULL;
        break;
    case 21:
        foreign->buffers[1] = falling;
        break;
    case 22:
        foreign->buffers[1] = negative;
        break;
    case 23:
        foreign->buffers[2] = "a\xff"
                              "c";
        break;
    case 24:
        foreign->buffers[2] = "a\0c";
        break;
    case 25:
        foreign->buffers[0] = NULL;
        foreign->column.null_count = 1;
        break;
    case 26:
        foreign->column.null_count = 3;
        break;
    case 27:
        foreign->column_schema.flags = 0;
        foreign->buffers[0] = "\x2";
        break; /* a NULL where none may be */
    /* unsupported from here on */
    case 28:
        foreign->schema.format = "i";
        break;
    case 29:
        foreign->column_schema.format = "z";
        break;
    case 30:
        foreign->column_schema.dictionary = &dictionary;
        break;
    case 31:
        foreign->no_buffers[0] = "\x1";
        foreign->array.null_count = 1;
        break;
    case 32:
        foreign->schema.n_children = 5000;
        break;
    case 33:
        foreign->column_schema.format = "d:39,2";
        break;
    case 34:
        foreign->column_schema.format = "d:10,-2";
        break;
    case 35:
        foreign->column_schema.format = "d:10,2,256";
        break;
    case 36:
        foreign->column_schema.format = "tsu:UTC";
        break;
    case 37:
        foreign->column_schema.format = "+l";
        break;
    default:
        foreign->column.dictionary = &values;
        break; /* of an array only: broken */
    }
}

static void hostile_structs_are_refused(void **state)
{
    (void)state;
    static const int32_t offsets[] = {0, 1, 2, 3};
    for (int what = 0; what <= 38; what++) {
        struct foreign foreign;
        struct od_table *table;
        make_foreign(&foreign, "u", offsets, "abc");
        spoil(&foreign, what);
        enum od_status status = import_foreign(&foreign, &table);
        if (status != (what >= 28 && what <= 37 ? OD_UNSUPPORTED : OD_BAD_INPUT))
            fail_msg("spoilt %d: %s", what, od_status_text(status));
    }
    static const int64_t large[] = {0, INT64_MAX, 1};
    static const uint64_t digits[] = {0, 0, UINT64_MAX, INT64_MAX, 0, 0};
    static const struct {
        const char *format;
        const void *values;
    } beyond[] = {{"tss:", large}, {"tsn:", large}, {"d:38,0", digits}};
    for (size_t i = 0; i < 3; i++) {
        struct foreign foreign;
        struct od_table *table;
        make_foreign(&foreign, beyond[i].format, beyond[i].values, NULL);
        assert_int_equal(import_foreign(&foreign, &table), OD_UNSUPPORTED);
    }
}

static int failing_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    (void)stream;
    *out = (struct ArrowArray){0};
    return 5;
}

static void failing_streams_say_why(void **state)
{
    (void)state;
    struct od_batch_builder builder;
    struct ArrowArrayStream stream;
    struct od_table *table;
    struct od_error error = {0};
    draw_fitting(&builder);
    struct od_batch batch = od_batch_builder_view(&builder);
    assert_int_equal(od_arrow_export_stream(od_posix_memory(), &batch, 9, &stream, NULL), OD_OK);
    stream.get_next = failing_next;
    assert_int_equal(od_arrow_import_stream(od_posix_memory(), "t", &stream, &table, &error), OD_IO);
    assert_null(stream.release);
    assert_non_null(strstr(error.text, "failed with 5"));
    assert_int_equal(od_arrow_import_stream(od_posix_memory(), "t", &stream, &table, &error), OD_BAD_INPUT);
    od_batch_builder_release(&builder);
}

static enum od_status out_and_in(struct od_memory *memory, void *context)
{
    struct ArrowSchema schema;
    struct ArrowArray array;
    struct od_table *table = NULL;
    enum od_status status = od_arrow_export(memory, context, &schema, &array, NULL);
    if (status == OD_OK)
        status = od_arrow_import(memory, "t", &schema, &array, &table, NULL);
    od_table_free(memory, table);
    return status;
}

static void every_refusal_is_survived(void **state)
{
    (void)state;
    struct od_batch_builder builder;
    draw_fitting(&builder);
    struct od_batch batch = od_batch_builder_view(&builder);
    assert_true(od_sweep(out_and_in, &batch) >= 8);
    od_batch_builder_release(&builder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_go_out_and_come_back), cmocka_unit_test(nothing_is_copied_but_numerics),
        cmocka_unit_test(children_can_be_moved_out), cmocka_unit_test(too_many_digits_are_refused),
        cmocka_unit_test(foreign_types_are_read),    cmocka_unit_test(hostile_structs_are_refused),
        cmocka_unit_test(failing_streams_say_why),   cmocka_unit_test(every_refusal_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
