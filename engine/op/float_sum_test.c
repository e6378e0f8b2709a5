/* Goal: a sum of doubles is the exact total rounded once, in whatever order and pieces the numbers came; its
 * encoding is canonical; broken encodings are refused.
 * Method: numbers of all magnitudes are drawn and summed in several orders, whole and in encoded pieces, and
 * compared with an independent method: Shewchuk's non-overlapping partials with the final rounding of
 * CPython's math.fsum ("Adaptive Precision Floating-Point Arithmetic", 1997); centred sums of scaled integers with 128-bit
 * arithmetic. Rounding ties, subnormals,
 * cancellation and overflow are enumerated by hand. Every allocation is refused once. */
#include "engine/op/float_sum.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "engine/core/random.h"
#include "engine/core/sweep.h"

#define NUMBERS_MAX 200

/* --- the independent method ----------------------------------------------------------------------------- */

/* Exact while nothing overflows; rounds half to even at the end. */
static double shewchuk_sum(const double *numbers, uint32_t count)
{
    double partials[NUMBERS_MAX + 1];
    uint32_t kept = 0;
    for (uint32_t n = 0; n < count; n++) {
        volatile double x = numbers[n];
        uint32_t next = 0;
        for (uint32_t i = 0; i < kept; i++) {
            volatile double y = partials[i];
            if (fabs(x) < fabs(y)) {
                double swap = x;
                x = y;
                y = swap;
            }
            volatile double high = x + y;
            volatile double rest = high - x;
            volatile double low = y - rest;
            if (low != 0)
                partials[next++] = low;
            x = high;
        }
        partials[next++] = x;
        kept = next;
    }
    if (kept == 0)
        return 0;
    volatile double high = partials[--kept];
    volatile double low = 0;
    while (kept > 0) {
        volatile double x = high;
        volatile double y = partials[--kept];
        high = x + y;
        volatile double rest = high - x;
        low = y - rest;
        if (low != 0)
            break;
    }
    /* A tie is decided by what lies below it. */
    if (kept > 0 && ((low < 0 && partials[kept - 1] < 0) || (low > 0 && partials[kept - 1] > 0))) {
        volatile double twice = low * 2;
        volatile double above = high + twice;
        if (twice == above - high)
            high = above;
    }
    return high;
}

/* --- making sums ---------------------------------------------------------------------------------------- */

static void add_all(struct od_float_sum *sum, const double *numbers, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(od_float_sum_add(sum, od_heap_for_tests(), numbers[i], NULL), OD_OK);
}

static double rounded(struct od_float_sum *sum)
{
    double number = -1;
    assert_int_equal(od_float_sum_round(sum, &number, NULL), OD_OK);
    return number;
}

static double sum_of(const double *numbers, uint32_t count)
{
    struct od_float_sum sum = {0};
    add_all(&sum, numbers, count);
    double number = rounded(&sum);
    od_float_sum_release(&sum, od_heap_for_tests());
    return number;
}

static uint32_t encode(struct od_float_sum *sum, uint8_t *bytes)
{
    uint32_t size;
    assert_int_equal(od_float_sum_encode(sum, bytes, &size, NULL), OD_OK);
    assert_true(size <= OD_FLOAT_SUM_BYTES_MAX);
    return size;
}

static void assert_same_double(double left, double right)
{
    uint64_t left_bits;
    uint64_t right_bits;
    memcpy(&left_bits, &left, sizeof(left_bits));
    memcpy(&right_bits, &right, sizeof(right_bits));
    if (left_bits != right_bits && !(isnan(left) && isnan(right)))
        print_error("%a is not %a\n", left, right);
    assert_true(left_bits == right_bits || (isnan(left) && isnan(right)));
}

static double drawn_number(struct od_random *draws, int exponent_span)
{
    double mantissa = (double)od_random_between(draws, -(INT64_C(1) << 53), INT64_C(1) << 53);
    return ldexp(mantissa, (int)od_random_between(draws, -exponent_span, exponent_span) - 53);
}

static void shuffle(struct od_random *draws, double *numbers, uint32_t count)
{
    for (uint32_t i = count; i > 1; i--) {
        uint32_t k = (uint32_t)od_random_below(draws, i);
        double swap = numbers[i - 1];
        numbers[i - 1] = numbers[k];
        numbers[k] = swap;
    }
}

/* --- tests ---------------------------------------------------------------------------------------------- */

/* The numbers in pieces: each summed alone, encoded, and the encodings added. */
static void sum_in_pieces(struct od_random *draws, const double *numbers, uint32_t count,
                          struct od_float_sum *sum)
{
    for (uint32_t first = 0; first < count;) {
        uint32_t size = 1 + (uint32_t)od_random_below(draws, count - first);
        struct od_float_sum piece = {0};
        uint8_t bytes[OD_FLOAT_SUM_BYTES_MAX];
        add_all(&piece, numbers + first, size);
        uint32_t byte_count = encode(&piece, bytes);
        assert_int_equal(od_float_sum_add_encoded(sum, od_heap_for_tests(), bytes, byte_count, NULL), OD_OK);
        od_float_sum_release(&piece, od_heap_for_tests());
        first += size;
    }
}

static void orders_and_pieces_do_not_matter(void **state)
{
    (void)state;
    static const int spans[] = {0, 3, 20, 60, 200, 900};
    struct od_stream stream;
    od_stream_init(&stream, 1, "float_sum");
    for (uint32_t round = 0; round < 600; round++) {
        double numbers[NUMBERS_MAX];
        uint32_t count = (uint32_t)od_random_below(&stream.random, round % 10 == 0 ? NUMBERS_MAX : 12) + 1;
        for (uint32_t i = 0; i < count; i++)
            numbers[i] = drawn_number(&stream.random, spans[round % 6]);
        if (round % 3 == 0) { /* cancellation */
            for (uint32_t i = 0; i + 1 < count; i += 2)
                numbers[i + 1] = -numbers[i] * (od_random_chance(&stream.random, 1, 8) ? 1 + DBL_EPSILON : 1);
        }
        double expected = shewchuk_sum(numbers, count);
        uint8_t first_bytes[OD_FLOAT_SUM_BYTES_MAX];
        uint32_t first_size = 0;
        for (uint32_t order = 0; order < 4; order++) {
            struct od_float_sum sum = {0};
            uint8_t bytes[OD_FLOAT_SUM_BYTES_MAX];
            shuffle(&stream.random, numbers, count);
            if (order % 2 == 0)
                add_all(&sum, numbers, count);
            else
                sum_in_pieces(&stream.random, numbers, count, &sum);
            assert_true(rounded(&sum) == expected);
            uint32_t size = encode(&sum, bytes);
            if (order == 0) {
                memcpy(first_bytes, bytes, size);
                first_size = size;
            }
            assert_int_equal(size, first_size);
            assert_memory_equal(bytes, first_bytes, size);
            od_float_sum_release(&sum, od_heap_for_tests());
        }
    }
}

static void rounds_half_to_even(void **state)
{
    (void)state;
    const double ulp = DBL_EPSILON; /* spacing above 1 */
    static const double tiny = 5e-324;
    const double cases[][5] = {
        /* numbers..., expected; zeros fill up */
        {1, ulp / 2, 0, 0, 1},                    /* tie, to even */
        {1, ulp, ulp / 2, 0, 1 + 2 * ulp},        /* tie, to even, upwards */
        {1, ulp / 2, tiny, 0, 1 + ulp},           /* just above the tie */
        {1, ulp / 2, -tiny, 0, 1},                /* just below */
        {-1, -ulp / 2, -tiny, 0, -1 - ulp},       /* mirrored */
        {2, -ulp / 2, 0, 0, 2},                   /* below a power of two: a tie of the finer spacing */
        {2, -ulp, 0, 0, 2 - ulp},                 /* representable there */
        {tiny, tiny, tiny, 0, 3 * tiny},          /* subnormals are exact */
        {DBL_MIN, -tiny, 0, 0, DBL_MIN - tiny},   /* the largest subnormal */
        {DBL_MIN - tiny, tiny, 0, 0, DBL_MIN},    /* and out again */
        {DBL_MAX, DBL_MAX, -DBL_MAX, 0, DBL_MAX}, /* beyond all doubles on the way */
        {DBL_MAX, 1, -DBL_MAX, 0, 1},             /* what plain addition loses */
        {1e308, 1e-308, -1e308, 0, 1e-308},       /* the whole width */
        {9007199254740992.0, 1, 0, 0, 9007199254740992.0}, /* 2^53 + 1: tie, to even */
        {9007199254740992.0, 1, 1, 0, 9007199254740994.0}, /* two ones make it */
        {9007199254740992.0, 3, 0, 0, 9007199254740996.0}, /* 2^53 + 3: tie, upwards */
        {-4294967296.0, 1, 0, 0, -4294967295.0},           /* borrow over a limb */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_same_double(sum_of(cases[i], 4), cases[i][4]);
}

static void special_values(void **state)
{
    (void)state;
    const double inf = (double)INFINITY;
    assert_same_double(sum_of((const double[]){1, inf, -1e308}, 3), inf);
    assert_same_double(sum_of((const double[]){-inf, 5}, 2), -inf);
    assert_true(isnan(sum_of((const double[]){-inf, inf}, 2)));
    assert_true(isnan(sum_of((const double[]){(double)NAN, inf}, 2)));
    assert_same_double(sum_of((const double[]){DBL_MAX, DBL_MAX, inf}, 3), inf); /* no overflow: it is inf */
    assert_same_double(sum_of((const double[]){-0.0, -0.0}, 2), -0.0);
    assert_same_double(sum_of((const double[]){-0.0, 0.0}, 2), 0.0);
    assert_same_double(sum_of((const double[]){3, -3, -0.0}, 3), 0.0);
}

/* Sums that are equal in value and kind are equal in bytes; -0.0 and 0.0, NaN and infinity are told apart. */
static void encodings_are_canonical(void **state)
{
    (void)state;
    static const double inf = (double)INFINITY;
    const double sums[][3] = {{0.0, 0.0, 0.0}, {-0.0, -0.0, -0.0}, {1, -1, 0.0},        {0.5, 0.5, 0.0},
                              {1, -0.0, 0.0},  {1e300, -1e300, 1}, {inf, -1, 2},        {inf, 7, -0.0},
                              {-inf, 1, 1},    {inf, -inf, 1},     {(double)NAN, 1, 1}, {-0.5, -0.25, -0.25}};
    static const int kinds[] = {0, 1, 0, 2, 2, 2, 3, 3, 4, 5, 5, 6};
    enum { COUNT = sizeof(sums) / sizeof(sums[0]) };
    uint8_t bytes[COUNT][OD_FLOAT_SUM_BYTES_MAX];
    uint32_t sizes[COUNT];
    for (uint32_t i = 0; i < COUNT; i++) {
        struct od_float_sum sum = {0};
        add_all(&sum, sums[i], 3);
        sizes[i] = encode(&sum, bytes[i]);
        struct od_float_sum again = {0};
        assert_int_equal(od_float_sum_add_encoded(&again, od_heap_for_tests(), bytes[i], sizes[i], NULL),
                         OD_OK);
        assert_same_double(rounded(&again), rounded(&sum));
        od_float_sum_release(&sum, od_heap_for_tests());
        od_float_sum_release(&again, od_heap_for_tests());
    }
    for (uint32_t i = 0; i < COUNT; i++) {
        for (uint32_t k = 0; k < COUNT; k++) {
            bool same = sizes[i] == sizes[k] && memcmp(bytes[i], bytes[k], sizes[i]) == 0;
            assert_int_equal(same, kinds[i] == kinds[k]);
        }
    }
    assert_true(sizes[3] <= 7); /* ordinary sums are a few bytes */
}

static void a_total_beyond_doubles_fails(void **state)
{
    (void)state;
    const double half_ulp = ldexp(1, 1023 - 53); /* DBL_MAX + this is the tie towards 2^1024 */
    const double cases[][3] = {{DBL_MAX, DBL_MAX, 0}, {-DBL_MAX, -DBL_MAX, 0}, {DBL_MAX, half_ulp, 0}};
    for (uint32_t i = 0; i < 3; i++) {
        struct od_float_sum sum = {0};
        struct od_error error = {0};
        double number;
        add_all(&sum, cases[i], 3);
        assert_int_equal(od_float_sum_round(&sum, &number, &error), OD_EVALUATION);
        assert_string_equal(error.text, "value out of range: overflow");
        od_float_sum_release(&sum, od_heap_for_tests());
    }
    assert_same_double(sum_of((const double[]){DBL_MAX, half_ulp, -5e-324}, 3), DBL_MAX);
}

static void many_numbers_carry(void **state)
{
    (void)state;
    struct od_float_sum sum = {0};
    for (uint32_t i = 0; i < 3; i++) {
        sum.added_count = (UINT32_C(1) << 30) - 2; /* as if so many had been added: the next ones carry */
        add_all(&sum, (const double[]){DBL_MAX, DBL_MAX, 1.5}, 3);
        assert_true(sum.added_count < 2);
    }
    add_all(&sum, (const double[]){-DBL_MAX, -DBL_MAX, -DBL_MAX, -DBL_MAX, -DBL_MAX, -DBL_MAX}, 6);
    assert_same_double(rounded(&sum), 4.5);
    struct od_float_sum other = {0};
    add_all(&other, (const double[]){1.5}, 1);
    sum.added_count = other.added_count = (UINT32_C(1) << 29) + 1; /* and so do as many from two sums */
    assert_int_equal(od_float_sum_combine(&sum, od_heap_for_tests(), &other, NULL), OD_OK);
    assert_int_equal(sum.added_count, 0);
    assert_same_double(rounded(&sum), 6.0);
    od_float_sum_release(&sum, od_heap_for_tests());
}

static void broken_encodings_are_refused(void **state)
{
    (void)state;
    static const struct {
        uint32_t size;
        uint8_t bytes[12];
    } cases[] = {
        {0, {0}},
        {2, {8, 0}},
        {3, {8, 0, 1}},              /* a limb is missing */
        {4, {8, 0, 0, 0}},           /* a byte too many */
        {3, {3, 0, 0}},              /* NaN and infinity at once */
        {3, {32, 0, 0}},             /* an unknown flag */
        {3, {16 | 8, 0, 0}},         /* a negative zero of numbers */
        {3, {8, 1, 0}},              /* zero at a place */
        {7, {8, 136, 1, 1, 0, 0, 0}}, /* beyond the uppermost limb */
        {7, {8, 0, 1, 0, 0, 0, 0}},  /* an outermost limb that is zero */
        {11, {8, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0}},
        {7, {0, 0, 1, 1, 0, 0, 0}}, /* a number, but none was added */
        {7, {9, 0, 1, 1, 0, 0, 0}}, /* NaN with limbs */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct od_float_sum sum = {0};
        assert_int_equal(
            od_float_sum_add_encoded(&sum, od_heap_for_tests(), cases[i].bytes, cases[i].size, NULL),
            OD_CORRUPT);
        od_float_sum_release(&sum, od_heap_for_tests());
    }
}

static enum od_status wide_sum(struct od_memory *memory, void *context)
{
    (void)context;
    struct od_float_sum sum = {0};
    struct od_float_sum other = {0};
    uint8_t bytes[OD_FLOAT_SUM_BYTES_MAX];
    uint32_t size = 0;
    double number = 0;
    enum od_status status = od_float_sum_add(&sum, memory, 1e300, NULL);
    if (status == OD_OK)
        status = od_float_sum_add(&sum, memory, 1e-300, NULL);
    if (status == OD_OK)
        status = od_float_sum_encode(&sum, bytes, &size, NULL);
    if (status == OD_OK)
        status = od_float_sum_add_encoded(&other, memory, bytes, size, NULL);
    if (status == OD_OK)
        status = od_float_sum_round(&other, &number, NULL);
    if (status == OD_OK)
        assert_true(number == 1e300);
    od_float_sum_release(&sum, memory);
    od_float_sum_release(&other, memory);
    return status;
}

/* Well-formed limbs whose total no doubles have: found out when they are carried. */
static void limbs_beyond_all_sums_are_refused(void **state)
{
    (void)state;
    static const uint8_t highest[] = {8, 135, 1, 255, 255, 255, 255};
    struct od_float_sum sum = {0};
    double number;
    for (int i = 0; i < 2; i++)
        assert_int_equal(od_float_sum_add_encoded(&sum, od_heap_for_tests(), highest, sizeof(highest), NULL),
                         OD_OK);
    assert_int_equal(od_float_sum_round(&sum, &number, NULL), OD_CORRUPT);
    od_float_sum_release(&sum, od_heap_for_tests());
}

/* x = a * 2^k, y = b * 2^k with small a and b far from 0: what PostgreSQL's running sums lose comes out to the bit. */
static void centred_sums_are_exact(void **state)
{
    (void)state;
    struct od_stream stream;
    od_stream_init(&stream, 2, "float_sum");
    for (uint32_t round = 0; round < 400; round++) {
        struct od_float_sum sums[2][3] = {0}; /* x, y, xy; two pieces */
        __int128 exact[3] = {0};
        int exponent = (int)od_random_between(&stream.random, -500, 400);
        int64_t far = round % 2 == 0 ? 0 : INT64_C(1) << 40;
        uint32_t count = 1 + (uint32_t)od_random_below(&stream.random, 30);
        for (uint32_t i = 0; i < count; i++) {
            int64_t a = far + od_random_between(&stream.random, -1000, 1000);
            int64_t b = od_random_between(&stream.random, -(INT64_C(1) << 30), INT64_C(1) << 30);
            struct od_float_sum *piece = sums[od_random_below(&stream.random, 2)];
            double x = ldexp((double)a, exponent);
            double y = ldexp((double)b, exponent);
            assert_int_equal(od_float_sum_add(&piece[0], od_heap_for_tests(), x, NULL), OD_OK);
            assert_int_equal(od_float_sum_add(&piece[1], od_heap_for_tests(), y, NULL), OD_OK);
            assert_int_equal(od_float_sum_add_product(&piece[2], od_heap_for_tests(), x, y, NULL), OD_OK);
            exact[0] += a;
            exact[1] += b;
            exact[2] += (__int128)a * b;
        }
        for (uint32_t i = 0; i < 3; i++)
            assert_int_equal(od_float_sum_combine(&sums[0][i], od_heap_for_tests(), &sums[1][i], NULL), OD_OK);
        double number;
        double expected = (double)(count * exact[2] - exact[0] * exact[1]) / count;
        assert_int_equal(od_float_sum_centred(&sums[0][2], &sums[0][0], &sums[0][1], count, &number, NULL),
                         OD_OK);
        assert_same_double(number, ldexp(expected, 2 * exponent));
        for (uint32_t i = 0; i < 6; i++)
            od_float_sum_release(&sums[i / 3][i % 3], od_heap_for_tests());
    }
}

static void centred_sums_at_the_edges(void **state)
{
    (void)state;
    static const struct {
        double numbers[2];
        double expected; /* infinity: fails */
    } cases[] = {{{1e200, 1e200}, 0},          {{1e200, -1e200}, (double)INFINITY}, {{5e-324, 0}, 0},
                 {{1e-150, -1e-150}, 2e-300}, {{(double)INFINITY, 1}, (double)NAN}, {{(double)NAN, 1}, (double)NAN},
                 {{0.0, -0.0}, 0},             {{1.5e154, 0}, 1.125e308}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct od_float_sum sum = {0};
        struct od_float_sum squares = {0};
        double number;
        add_all(&sum, cases[i].numbers, 2);
        for (uint32_t k = 0; k < 2; k++)
            assert_int_equal(od_float_sum_add_product(&squares, od_heap_for_tests(), cases[i].numbers[k],
                                                      cases[i].numbers[k], NULL),
                             OD_OK);
        enum od_status status = od_float_sum_centred(&squares, &sum, &sum, 2, &number, NULL);
        assert_int_equal(status, isinf(cases[i].expected) ? OD_EVALUATION : OD_OK);
        if (status == OD_OK && cases[i].expected != 0 && !isnan(cases[i].expected))
            assert_true(fabs(number / cases[i].expected - 1) < 1e-15);
        else if (status == OD_OK)
            assert_same_double(number, cases[i].expected);
        od_float_sum_release(&sum, od_heap_for_tests());
        od_float_sum_release(&squares, od_heap_for_tests());
    }
}

static void every_allocation_may_be_refused(void **state)
{
    (void)state;
    assert_int_equal(od_sweep(wide_sum, NULL), 2); /* one block a wide sum */
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders_and_pieces_do_not_matter),
        cmocka_unit_test(rounds_half_to_even),
        cmocka_unit_test(special_values),
        cmocka_unit_test(encodings_are_canonical),
        cmocka_unit_test(a_total_beyond_doubles_fails),
        cmocka_unit_test(many_numbers_carry),
        cmocka_unit_test(broken_encodings_are_refused),
        cmocka_unit_test(limbs_beyond_all_sums_are_refused),
        cmocka_unit_test(centred_sums_are_exact),
        cmocka_unit_test(centred_sums_at_the_edges),
        cmocka_unit_test(every_allocation_may_be_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
