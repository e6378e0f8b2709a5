/* gen_query_words: what expressions of drawn statements are made of, one row each; see gen_query.h for the
 * letters. */
#include "properties/gen_query.h"

#define BOOL  OD_TYPE_BOOLEAN
#define INT   OD_TYPE_INT32
#define BIG   OD_TYPE_INT64
#define NUM   OD_TYPE_DECIMAL
#define FLT   OD_TYPE_FLOAT64
#define TXT   OD_TYPE_TEXT
#define DAT   OD_TYPE_DATE
#define TIM   OD_TYPE_TIMESTAMP
#define SAME  OD_TYPE_COUNT
#define IS(f) OD_QUERY_##f

/* Rows of one type stand together, the plainest first. */
const struct od_words od_expr_words[] = {
    {BOOL, "(%s = %s)", "TT", IS(FEATURE_COUNT), false},
    {BOOL, "(%s < %s)", "TT", IS(FEATURE_COUNT), false},
    {BOOL, "(%s >= %s)", "TT", IS(FEATURE_COUNT), false},
    {BOOL, "(%s <> %s)", "TT", IS(FEATURE_COUNT), false},
    {BOOL, "(%s IS NULL)", "A", IS(FEATURE_COUNT), false},
    {BOOL, "(%s IS NOT NULL)", "A", IS(FEATURE_COUNT), false},
    {BOOL, "(%s AND %s)", "bb", IS(FEATURE_COUNT), false},
    {BOOL, "(%s OR %s)", "bb", IS(FEATURE_COUNT), false},
    {BOOL, "(NOT %s)", "b", IS(FEATURE_COUNT), false},
    {BOOL, "(%s IS TRUE)", "b", IS(FEATURE_COUNT), false},
    {BOOL, "(%s IS NOT FALSE)", "b", IS(FEATURE_COUNT), false},
    {BOOL, "(%s IS DISTINCT FROM %s)", "TT", IS(IS_DISTINCT), false},
    {BOOL, "(%s IS NOT DISTINCT FROM %s)", "TT", IS(IS_DISTINCT), false},
    {BOOL, "(%s BETWEEN %s AND %s)", "TTT", IS(BETWEEN), false},
    {BOOL, "(%s NOT BETWEEN %s AND %s)", "TTT", IS(BETWEEN), false},
    {BOOL, "(%s IN (%s, %s))", "TTT", IS(IN_LIST), false},
    {BOOL, "(%s NOT IN (%s, %s, %s))", "TTTT", IS(IN_LIST), false},
    {BOOL, "(%s LIKE %s)", "tt", IS(CAST_TEXT), true},
    {BOOL, "(%s LIKE 'a%%')", "t", IS(LIKE), false},
    {BOOL, "(%s NOT LIKE '%%b_')", "t", IS(LIKE), false},
    {BOOL, "(%s ILIKE '_B%%')", "t", IS(ILIKE), false},
    {BOOL, "(%s < %s)", "il", IS(FEATURE_COUNT), false},
    {BOOL, "(%s = %s)", "lf", IS(MIXED_NUMBERS), false},
    {BOOL, "(%s <= %s)", "in", IS(MIXED_NUMBERS), false},
    {BOOL, "(%s > %s)", "nf", IS(MIXED_NUMBERS), false},
    {BOOL, "(%s < %s)", "ds", IS(DATES), false},
    {BOOL, "starts_with(%s, %s)", "tt", IS(TEXT_FUNCTIONS_MORE), false},
    {BOOL, "CASE WHEN %s THEN %s ELSE %s END", "bbb", IS(CASE), false},
    {BOOL, "coalesce(%s, %s)", "bb", IS(FEATURE_COUNT), false},

    {INT, "(%s + %s)", "ii", IS(INT_ARITHMETIC), true},
    {INT, "(%s - %s)", "ii", IS(INT_ARITHMETIC), true},
    {INT, "(%s * %s)", "ii", IS(INT_ARITHMETIC), true},
    {INT, "(%s / %s)", "ii", IS(INT_DIVISION), true},
    {INT, "(%s %% %s)", "ii", IS(INT_DIVISION), true},
    {INT, "(- %s)", "i", IS(INT_ARITHMETIC), true},
    {INT, "abs(%s)", "i", IS(INT_ARITHMETIC), true},
    {INT, "coalesce(%s, %s)", "ii", IS(FEATURE_COUNT), false},
    {INT, "nullif(%s, %s)", "ii", IS(FEATURE_COUNT), false},
    {INT, "CASE WHEN %s THEN %s ELSE %s END", "bii", IS(CASE), false},
    {INT, "CASE %s WHEN %s THEN %s WHEN %s THEN %s END", "ttiti", IS(CAST_TEXT), false},
    {INT, "CASE WHEN %s THEN %s END", "bi", IS(CASE), false},
    {INT, "greatest(%s, %s)", "ii", IS(GREATEST), false},
    {INT, "least(%s, %s, %s)", "iii", IS(GREATEST), false},
    {INT, "length(%s)", "t", IS(TEXT_FUNCTIONS), false},
    {INT, "CAST(%s AS integer)", "l", IS(CAST), true},
    {INT, "CAST(%s AS integer)", "f", IS(CAST_ROUNDS), true},
    {INT, "CAST(%s AS integer)", "n", IS(CAST_ROUNDS), true},
    {INT, "CAST(%s AS integer)", "b", IS(CAST), false},
    {INT, "strpos(%s, %s)", "tt", IS(TEXT_FUNCTIONS_MORE), false},
    {INT, "octet_length(%s)", "t", IS(TEXT_FUNCTIONS_MORE), false},
    {INT, "ascii(%s)", "t", IS(TEXT_FUNCTIONS_MORE), false},
    {INT, "(%s - %s)", "dd", IS(DATES), false},
    {INT, "(%s & %s)", "ii", IS(INT_ARITHMETIC), false},
    {INT, "(%s | %s)", "ii", IS(INT_ARITHMETIC), false},

    {BIG, "(%s + %s)", "ll", IS(INT_ARITHMETIC), true},
    {BIG, "(%s - %s)", "ll", IS(INT_ARITHMETIC), true},
    {BIG, "(%s * %s)", "li", IS(INT_ARITHMETIC), true},
    {BIG, "(%s / %s)", "ll", IS(INT_DIVISION), true},
    {BIG, "(%s %% %s)", "ll", IS(INT_DIVISION), true},
    {BIG, "CAST(%s AS bigint)", "i", IS(CAST), false},
    {BIG, "CAST(%s AS bigint)", "n", IS(CAST_ROUNDS), true},
    {BIG, "CAST(%s AS bigint)", "f", IS(CAST_ROUNDS), true},
    {BIG, "coalesce(%s, %s)", "li", IS(FEATURE_COUNT), false},
    {BIG, "nullif(%s, %s)", "ll", IS(FEATURE_COUNT), false},
    {BIG, "CASE WHEN %s THEN %s ELSE %s END", "bli", IS(CASE), false},
    {BIG, "greatest(%s, %s)", "il", IS(GREATEST), false},
    {BIG, "abs(%s)", "l", IS(INT_ARITHMETIC), true},

    {NUM, "(%s + %s)", "nn", IS(NUMERIC), true},
    {NUM, "(%s - %s)", "nn", IS(NUMERIC), true},
    {NUM, "(%s * %s)", "nn", IS(NUMERIC), true},
    {NUM, "(%s / %s)", "nn", IS(NUMERIC), true},
    {NUM, "(%s / %s)", "nl", IS(NUMERIC), true},
    {NUM, "(%s %% %s)", "nn", IS(NUMERIC), true},
    {NUM, "(%s + %s)", "ni", IS(NUMERIC), true},
    {NUM, "round(%s, %s)", "nk", IS(NUMERIC), true},
    {NUM, "trunc(%s)", "n", IS(NUMERIC), false},
    {NUM, "floor(%s)", "n", IS(NUMERIC), true},
    {NUM, "abs(%s)", "n", IS(NUMERIC), false},
    {NUM, "CAST(%s AS numeric)", "l", IS(NUMERIC), false},
    {NUM, "CAST(%s AS numeric(12, 2))", "n", IS(NUMERIC), true},
    {NUM, "CAST(%s AS numeric)", "f", IS(NUMERIC_OF_DOUBLE), true},
    {NUM, "coalesce(%s, %s)", "nn", IS(NUMERIC), false},
    {NUM, "coalesce(%s, %s)", "ni", IS(NUMERIC), false},
    {NUM, "CASE WHEN %s THEN %s ELSE %s END", "bnl", IS(NUMERIC), false},
    {NUM, "greatest(%s, %s)", "nn", IS(NUMERIC), false},
    {NUM, "extract(year FROM %s)", "d", IS(EXTRACT), false},
    {NUM, "extract(dow FROM %s)", "s", IS(EXTRACT), false},
    {NUM, "extract(epoch FROM %s)", "s", IS(EXTRACT), false},

    {FLT, "(%s + %s)", "ff", IS(FLOAT_ARITHMETIC), true},
    {FLT, "(%s - %s)", "ff", IS(FLOAT_ARITHMETIC), true},
    {FLT, "(%s * %s)", "ff", IS(FLOAT_ARITHMETIC), true},
    {FLT, "(%s / %s)", "ff", IS(FLOAT_FUNCTIONS), true},
    {FLT, "(- %s)", "f", IS(FLOAT_ARITHMETIC), false},
    {FLT, "(%s + %s)", "fi", IS(FLOAT_ARITHMETIC), true},
    {FLT, "floor(%s)", "f", IS(FLOAT_FUNCTIONS), false},
    {FLT, "round(%s)", "f", IS(FLOAT_FUNCTIONS), false},
    {FLT, "sqrt(abs(%s))", "f", IS(FLOAT_FUNCTIONS), false},
    {FLT, "abs(%s)", "f", IS(FLOAT_ARITHMETIC), false},
    {FLT, "coalesce(%s, %s)", "ff", IS(FEATURE_COUNT), false},
    {FLT, "nullif(%s, %s)", "ff", IS(FEATURE_COUNT), false},
    {FLT, "CASE WHEN %s THEN %s ELSE %s END", "bff", IS(CASE), false},
    {FLT, "CAST(%s AS double precision)", "l", IS(CAST), false},
    {FLT, "CAST(%s AS double precision)", "n", IS(NUMERIC), true},
    {FLT, "greatest(%s, %s)", "ff", IS(GREATEST), false},

    {TXT, "(%s || %s)", "tt", IS(TEXT_FUNCTIONS), false},
    {TXT, "lower(%s)", "t", IS(TEXT_FUNCTIONS_MORE), false},
    {TXT, "upper(%s)", "t", IS(TEXT_FUNCTIONS_MORE), false},
    {TXT, "substr(%s, %s, %s)", "tkk", IS(TEXT_FUNCTIONS), false},
    {TXT, "substring(%s from %s)", "ti", IS(TEXT_FUNCTIONS_MORE), false},
    {TXT, "coalesce(%s, %s)", "tt", IS(FEATURE_COUNT), false},
    {TXT, "nullif(%s, %s)", "tt", IS(FEATURE_COUNT), false},
    {TXT, "CASE WHEN %s THEN %s ELSE %s END", "btt", IS(CASE), false},
    {TXT, "replace(%s, %s, %s)", "ttt", IS(TEXT_FUNCTIONS_MORE), true},
    {TXT, "btrim(%s)", "t", IS(TEXT_FUNCTIONS_MORE), false},
    {TXT, "ltrim(%s, 'a ')", "t", IS(TEXT_FUNCTIONS_MORE), false},
    {TXT, "left(%s, %s)", "ti", IS(TEXT_FUNCTIONS_MORE), false},
    {TXT, "right(%s, %s)", "ti", IS(TEXT_FUNCTIONS_MORE), false},
    {TXT, "lpad(%s, %s, 'xy')", "tk", IS(TEXT_FUNCTIONS_MORE), false},
    {TXT, "repeat(%s, %s)", "tk", IS(TEXT_FUNCTIONS_MORE), false},
    {TXT, "reverse(%s)", "t", IS(TEXT_FUNCTIONS_MORE), false},
    {TXT, "split_part(%s, 'a', %s)", "tk", IS(TEXT_FUNCTIONS_MORE), false},
    {TXT, "initcap(%s)", "t", IS(TEXT_FUNCTIONS_MORE), false},
    {TXT, "md5(%s)", "t", IS(TEXT_FUNCTIONS_MORE), false},
    {TXT, "concat(%s, %s)", "tl", IS(TEXT_FUNCTIONS_MORE), false},
    {TXT, "CAST(%s AS text)", "i", IS(CAST_TEXT), false},
    {TXT, "CAST(%s AS text)", "l", IS(CAST_TEXT), false},
    {TXT, "CAST(%s AS text)", "b", IS(CAST_TEXT), false},
    {TXT, "CAST(%s AS text)", "d", IS(CAST_TEXT), false},
    {TXT, "CAST(%s AS text)", "s", IS(CAST_TEXT), false},
    {TXT, "translate(%s, 'ab', 'xy')", "t", IS(TEXT_FUNCTIONS_MORE), false},

    {DAT, "(%s + %s)", "dk", IS(DATES), true},
    {DAT, "(%s - %s)", "dk", IS(DATES), true},
    {DAT, "coalesce(%s, %s)", "dd", IS(FEATURE_COUNT), false},
    {DAT, "CAST(%s AS date)", "s", IS(DATES), false},
    {DAT, "greatest(%s, %s)", "dd", IS(GREATEST), false},
    {DAT, "CASE WHEN %s THEN %s ELSE %s END", "bdd", IS(CASE), false},

    {TIM, "(%s + interval '1 month')", "s", IS(INTERVALS), true},
    {TIM, "(%s - interval '36 hours')", "s", IS(INTERVALS), true},
    {TIM, "(%s + interval '1 year 2 days')", "d", IS(INTERVALS), true},
    {TIM, "date_trunc('month', %s)", "s", IS(EXTRACT), false},
    {TIM, "date_trunc('hour', %s)", "s", IS(EXTRACT), false},
    {TIM, "coalesce(%s, %s)", "ss", IS(FEATURE_COUNT), false},
    {TIM, "CAST(%s AS timestamp)", "d", IS(DATES), false},
    {TIM, "CASE WHEN %s THEN %s ELSE %s END", "bss", IS(CASE), false},
};
const uint32_t od_expr_word_count = sizeof(od_expr_words) / sizeof(od_expr_words[0]);

const struct od_words od_aggregate_words[] = {
    {BIG, "count(*)", "", IS(FEATURE_COUNT), false},
    {BIG, "count(%s)", "A", IS(FEATURE_COUNT), false},
    {BIG, "sum(%s)", "i", IS(FEATURE_COUNT), true},
    {NUM, "sum(%s)", "l", IS(FEATURE_COUNT), true},
    {SAME, "min(%s)", "T", IS(OPEN_EQUALS), false},
    {SAME, "max(%s)", "T", IS(OPEN_EQUALS), false},
    {NUM, "avg(%s)", "i", IS(FEATURE_COUNT), true},
    {NUM, "avg(%s)", "l", IS(FEATURE_COUNT), true},
    {FLT, "sum(%s)", "f", IS(FLOAT_SUM), true},
    {FLT, "avg(%s)", "f", IS(FLOAT_SUM), true},
    {NUM, "sum(%s)", "n", IS(NUMERIC), true},
    {NUM, "avg(%s)", "n", IS(NUMERIC), true},
    {BIG, "count(DISTINCT %s)", "A", IS(DISTINCT_AGGREGATE), false},
    {BIG, "sum(DISTINCT %s)", "i", IS(DISTINCT_AGGREGATE), true},
    {NUM, "avg(DISTINCT %s)", "l", IS(DISTINCT_AGGREGATE), true},
    {SAME, "max(DISTINCT %s)", "T", IS(DISTINCT_AGGREGATE), false},
    {BOOL, "bool_and(%s)", "b", IS(BIT_BOOL_AGGREGATE), false},
    {BOOL, "bool_or(%s)", "b", IS(BIT_BOOL_AGGREGATE), false},
    {INT, "bit_or(%s)", "i", IS(BIT_BOOL_AGGREGATE), false},
    {BIG, "bit_and(%s)", "l", IS(BIT_BOOL_AGGREGATE), false},
    {TXT, "string_agg(%s, ',' ORDER BY %s)", "t=", IS(STRING_AGG), false},
    {TXT, "string_agg(DISTINCT %s, '-' ORDER BY %s DESC)", "t=", IS(STRING_AGG), false},
    {FLT, "percentile_cont(0.5) WITHIN GROUP (ORDER BY %s)", "f", IS(PERCENTILE), true},
    {FLT, "percentile_cont(0.25) WITHIN GROUP (ORDER BY %s DESC)", "l", IS(PERCENTILE), true},
    {SAME, "percentile_disc(0.5) WITHIN GROUP (ORDER BY %s)", "T", IS(PERCENTILE), false},
    {SAME, "mode() WITHIN GROUP (ORDER BY %s)", "T", IS(MODE), false},
    {FLT, "var_pop(%s)", "f", IS(STATISTICS), true},
    {FLT, "stddev_samp(%s)", "f", IS(STATISTICS), true},
    {NUM, "var_samp(%s)", "i", IS(STATISTICS), true},
    {FLT, "covar_pop(%s, %s)", "ff", IS(STATISTICS), true},
    {FLT, "regr_slope(%s, %s)", "ff", IS(STATISTICS), true},
    {BIG, "regr_count(%s, %s)", "ff", IS(STATISTICS), false},
};
const uint32_t od_aggregate_word_count = sizeof(od_aggregate_words) / sizeof(od_aggregate_words[0]);

/* OPEN_PEERS: the order of rows that the window's own order leaves open shows in it. */
const struct od_words od_window_words[] = {
    {BIG, "row_number()", "", IS(OPEN_PEERS), false},
    {BIG, "rank()", "", IS(FEATURE_COUNT), false},
    {BIG, "dense_rank()", "", IS(FEATURE_COUNT), false},
    {FLT, "percent_rank()", "", IS(FEATURE_COUNT), false},
    {FLT, "cume_dist()", "", IS(FEATURE_COUNT), false},
    {INT, "ntile(%s)", "k", IS(OPEN_PEERS), false},
    {SAME, "lag(%s)", "T", IS(OPEN_PEERS), false},
    {SAME, "lead(%s, %s)", "Tk", IS(OPEN_PEERS), false},
    {SAME, "lag(%s, %s, %s)", "TkT", IS(OPEN_PEERS), false},
    {SAME, "first_value(%s)", "T", IS(OPEN_PEERS), false},
    {SAME, "last_value(%s)", "T", IS(OPEN_PEERS), false},
    {SAME, "nth_value(%s, %s)", "Tk", IS(OPEN_PEERS), false},
};
const uint32_t od_window_word_count = sizeof(od_window_words) / sizeof(od_window_words[0]);

enum od_type od_letter_type(char letter)
{
    static const struct {
        char letter;
        enum od_type type;
    } letters[] = {{'b', BOOL}, {'i', INT}, {'l', BIG}, {'n', NUM},
                   {'f', FLT},  {'t', TXT}, {'d', DAT}, {'s', TIM}};
    for (uint32_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
        if (letters[i].letter == letter)
            return letters[i].type;
    return OD_TYPE_COUNT;
}
