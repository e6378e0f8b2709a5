/* Goal: the catalogue takes exactly the argument types that PostgreSQL's types allow, and says exactly which
 * calls can fail. Method: every function is asked for every list of one, two and three types; what it takes,
 * with result and failure, must be the list below, no more and no less. Casts and aggregates likewise. '!'
 * marks what may fail. */
#include "engine/plan/function.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/core/sweep.h"

static const char type_letters[] =
    "bifTtd"; /* boolean, int64, float64, Text, timestamp, date: in enum order */

/* b boolean, i bigint, f double, T text, t timestamp, d date; "*" any one type, the same throughout; n: more
 * of the last kind */
static const char *const expected_calls =
    "+ ii=i! ff=f! di=d!\n"
    "- ii=i! ff=f! di=d! dd=i\n"
    "* ii=i! ff=f!\n"
    "/ ii=i! ff=f!\n"
    "% ii=i!\n"
    "neg i=i! f=f\n"
    "= bb=b ii=b ff=b TT=b tt=b dd=b\n"
    "<> bb=b ii=b ff=b TT=b tt=b dd=b\n"
    "< bb=b ii=b ff=b TT=b tt=b dd=b\n"
    "<= bb=b ii=b ff=b TT=b tt=b dd=b\n"
    "> bb=b ii=b ff=b TT=b tt=b dd=b\n"
    ">= bb=b ii=b ff=b TT=b tt=b dd=b\n"
    "is distinct from bb=b ii=b ff=b TT=b tt=b dd=b\n"
    "is not distinct from bb=b ii=b ff=b TT=b tt=b dd=b\n"
    "and bb=b bbb=b\n"
    "or bb=b bbb=b\n"
    "not b=b\n"
    "is null b=b i=b f=b T=b t=b d=b\n"
    "is not null b=b i=b f=b T=b t=b d=b\n"
    "is true b=b\n"
    "is false b=b\n"
    "case bbb=b bii=i bff=f bTT=T btt=t bdd=d\n"
    "coalesce b=b i=i f=f T=T t=t d=d bb=b ii=i ff=f TT=T tt=t dd=d bbb=b iii=i fff=f TTT=T ttt=t ddd=d\n"
    "nullif bb=b ii=i ff=f TT=T tt=t dd=d\n"
    "greatest b=b i=i f=f T=T t=t d=d bb=b ii=i ff=f TT=T tt=t dd=d bbb=b iii=i fff=f TTT=T ttt=t ddd=d\n"
    "least b=b i=i f=f T=T t=t d=d bb=b ii=i ff=f TT=T tt=t dd=d bbb=b iii=i fff=f TTT=T ttt=t ddd=d\n"
    "cast\n"
    "like TT=b!\n"
    "|| TT=T\n"
    "lower T=T\n"
    "upper T=T\n"
    "length T=i\n"
    "substring Ti=T Tii=T!\n"
    "abs i=i! f=f\n"
    "floor f=f\n"
    "ceil f=f\n"
    "round f=f\n"
    "sqrt f=f!\n"
    "extract Tt=i Td=i\n"
    "date_trunc Tt=t!\n";

static void add_call(struct od_buffer *buffer, enum od_function function, const enum od_type *types,
                     uint32_t count)
{
    enum od_type result;
    bool may_fail;
    if (!od_function_resolve(function, types, count, &result, &may_fail))
        return;
    od_buffer_append_text(buffer, " ");
    for (uint32_t i = 0; i < count; i++)
        od_buffer_append(buffer, &type_letters[types[i]], 1);
    od_buffer_print(buffer, "=%c%s", type_letters[result], may_fail ? "!" : "");
}

static void every_call_is_as_listed(void **state)
{
    struct od_buffer buffer;
    (void)state;
    od_buffer_init(&buffer, od_heap_for_tests());
    for (uint32_t function = 0; function < OD_FUNCTION_COUNT; function++) {
        uint32_t lists = 1;
        od_buffer_append_text(&buffer, od_function_text((enum od_function)function));
        for (uint32_t count = 1; count <= 3; count++) {
            lists *= OD_TYPE_COUNT;
            for (uint32_t list = 0; list < lists; list++) {
                enum od_type types[3];
                uint32_t rest = list;
                for (uint32_t i = count; i-- > 0; rest /= OD_TYPE_COUNT)
                    types[i] = (enum od_type)(rest % OD_TYPE_COUNT);
                add_call(&buffer, (enum od_function)function, types, count);
            }
        }
        od_buffer_append_text(&buffer, "\n");
    }
    assert_string_equal(od_buffer_text(&buffer), expected_calls);
    od_buffer_release(&buffer);
}

static void every_cast_is_as_listed(void **state)
{
    /* from each type: to boolean, bigint, double, text, timestamp, date. y can not fail, ! may fail, - does
     * not exist */
    static const char *const expected[] = {
        "yy-y--", "yyyy--", "-!yy--", "!!!y!!", "---yyy", "---y!y",
    };
    (void)state;
    for (uint32_t from = 0; from < OD_TYPE_COUNT; from++) {
        char row[OD_TYPE_COUNT + 1] = "";
        for (uint32_t to = 0; to < OD_TYPE_COUNT; to++) {
            bool may_fail = false;
            bool exists = od_cast_exists((enum od_type)from, (enum od_type)to, &may_fail);
            row[to] = !exists ? '-' : may_fail ? '!' : 'y';
        }
        assert_string_equal(row, expected[from]);
    }
}

static void time_fields_are_found_as_postgresql_finds_them(void **state)
{
    enum od_time_field field;
    (void)state;
    for (uint32_t i = 0; i < OD_TIME_FIELD_COUNT; i++) {
        const char *text = od_time_field_text((enum od_time_field)i);
        assert_true(od_time_field_find(text, (uint32_t)strlen(text), &field));
        assert_int_equal(field, i);
    }
    assert_true(od_time_field_find("YEARS", 5, &field));
    assert_int_equal(field, OD_TIME_FIELD_YEAR);
    assert_false(od_time_field_find("dows", 4, &field));
    assert_false(od_time_field_find("yea", 3, &field));
    assert_false(od_time_field_find("", 0, &field));
    assert_false(od_time_field_find("fortnight", 9, &field));
    assert_false(od_time_field_of_date(OD_TIME_FIELD_HOUR));
    assert_false(od_time_field_truncates(OD_TIME_FIELD_DOW));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_is_as_listed),
        cmocka_unit_test(every_cast_is_as_listed),
        cmocka_unit_test(time_fields_are_found_as_postgresql_finds_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
