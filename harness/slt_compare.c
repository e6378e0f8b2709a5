/* slt_compare: see slt_compare.h.
 *
 *   cells --rendered to be hashed, or as they are--> sorted --> against expected cells, or as multisets
 *
 * Which shape the lines have is told by their number and by tabs; a row a line with blanks between is cut by
 * the number of words that the actual cells have, since a text may have blanks itself. */
#include "harness/slt_compare.h"

#include <ctype.h>
#include <math.h>
#include <md5.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#define MULTISET_ROWS_MAX 3000 /* pairing is quadratic */
#define SHOWN_LINES       20

static enum od_status no_memory(struct od_error *error)
{
    return od_fail(error, OD_NO_MEMORY, "comparing an answer");
}

/* --- patterns ------------------------------------------------------------------------------------------- */

/* Perl's spellings that POSIX lacks. */
static const char *posix_pattern(struct od_arena *arena, const char *pattern, bool whole)
{
    static const struct {
        const char *from;
        const char *to;
    } spellings[] = {{"\\d", "[0-9]"}, {"(?:", "("}, {"*?", "*"}, {"+?", "+"}, {"\\D", "[^0-9]"}};
    struct od_buffer text;
    od_buffer_init(&text, arena->memory);
    od_buffer_append_text(&text, whole ? "^(" : "");
    while (*pattern != '\0') {
        size_t i = 0;
        while (i < 5 && strncmp(pattern, spellings[i].from, strlen(spellings[i].from)) != 0)
            i++;
        size_t size = i < 5 ? strlen(spellings[i].from) : pattern[0] == '\\' && pattern[1] != '\0' ? 2 : 1;
        od_buffer_append(&text, i < 5 ? spellings[i].to : pattern, i < 5 ? strlen(spellings[i].to) : size);
        pattern += size;
    }
    od_buffer_append_text(&text, whole ? ")$" : "");
    const char *copy = od_arena_copy_buffer(arena, &text);
    od_buffer_release(&text);
    return copy;
}

#define REPEATS_MAX 16u

/* How often the size may double by + and {: the C library copies what is repeated, and copies copies, so that a short
 * pattern could take all memory. */
static uint32_t count_repeats(const char *pattern)
{
    uint32_t count = 0;
    for (const char *at = pattern; (at = strpbrk(at, "+{")) != NULL; at++) {
        bool is_plain = at > pattern && at[-1] == '\\';
        char *end = NULL;
        unsigned long least = *at == '{' ? strtoul(at + 1, &end, 10) : 1;
        unsigned long most = end != NULL && *end == ',' ? strtoul(end + 1, NULL, 10) : least;
        for (unsigned long times = least > most ? least : most; !is_plain && times > 0; times /= 2)
            count++;
    }
    return count;
}

enum od_status od_slt_match(struct od_arena *arena, const char *pattern, const char *text, bool whole,
                            bool *matches_out, struct od_error *error)
{
    regex_t compiled;
    char message[120];
    const char *posix = posix_pattern(arena, pattern, whole);
    *matches_out = false;
    if (posix == NULL)
        return no_memory(error);
    if (count_repeats(posix) > REPEATS_MAX)
        return od_fail(error, OD_BAD_INPUT, "expected a regular expression with fewer repeats (+ and {), found '%.100s'",
                       pattern);
    int failure = regcomp(&compiled, posix, REG_EXTENDED | REG_NOSUB);
    if (failure != 0) {
        regerror(failure, &compiled, message, sizeof(message));
        return od_fail(error, failure == REG_ESPACE ? OD_NO_MEMORY : OD_BAD_INPUT,
                       "expected a regular expression, found '%.100s': %s", pattern, message);
    }
    *matches_out = regexec(&compiled, text, 0, NULL, 0) == 0;
    regfree(&compiled);
    return OD_OK;
}

/* --- cells ---------------------------------------------------------------------------------------------- */

static bool is_number_type(enum od_type type)
{
    return type == OD_TYPE_INT32 || type == OD_TYPE_INT64 || type == OD_TYPE_FLOAT64 ||
           type == OD_TYPE_DECIMAL;
}

/* A plain decimal number cut into sign, digits before the point without leading zeros, digits after it
 * without trailing ones. */
struct plain_number {
    bool negative;
    const char *whole;
    size_t whole_size;
    const char *fraction;
    size_t fraction_size;
    size_t decimals; /* digits after the point as written */
};

static bool read_plain(const char *text, struct plain_number *number)
{
    number->negative = *text == '-';
    text += *text == '-' || *text == '+';
    size_t whole = strspn(text, "0123456789");
    const char *rest = text + whole;
    number->fraction = *rest == '.' ? rest + 1 : rest;
    number->decimals = strspn(number->fraction, "0123456789");
    const char *end = number->fraction + number->decimals;
    if (end[strspn(end, " ")] != '\0' || (*rest != '\0' && *rest != '.' && *rest != ' ') ||
        whole + number->decimals == 0)
        return false;
    while (whole > 0 && *text == '0') {
        text++;
        whole--;
    }
    number->whole = text;
    number->whole_size = whole;
    number->fraction_size = number->decimals;
    while (number->fraction_size > 0 && number->fraction[number->fraction_size - 1] == '0')
        number->fraction_size--;
    if (whole == 0 && number->fraction_size == 0)
        number->negative = false;
    return true;
}

static bool plain_equal(const struct plain_number *left, const struct plain_number *right)
{
    return left->negative == right->negative && left->whole_size == right->whole_size &&
           left->fraction_size == right->fraction_size &&
           memcmp(left->whole, right->whole, left->whole_size) == 0 &&
           memcmp(left->fraction, right->fraction, left->fraction_size) == 0;
}

static bool read_double(const char *text, long double *value_out)
{
    char *end;
    *value_out = strtold(text, &end);
    return end != text && end[strspn(end, " ")] == '\0'; /* blanks may stand before a tab */
}

/* Does the text have as many digits as a double is written with: 15 to 17? */
static bool has_digits_of_double(const struct plain_number *number)
{
    size_t zeros = number->whole_size > 0 ? 0 : strspn(number->fraction, "0");
    size_t digits = number->whole_size + number->decimals - (zeros < number->decimals ? zeros : number->decimals);
    return number->decimals > 0 && digits >= 15 && digits <= 17;
}

static bool numbers_equal(const char *expected, const char *actual, enum od_type type, bool is_integer_column)
{
    struct plain_number left;
    struct plain_number right;
    long double left_value;
    long double right_value;
    expected += strspn(expected, " ");
    if (!read_double(expected, &left_value) || !read_double(actual, &right_value))
        return false;
    if (isnan(left_value) || isnan(right_value) || isinf(left_value) || isinf(right_value))
        return (isnan(left_value) && isnan(right_value)) || left_value == right_value;
    bool left_plain = read_plain(expected, &left);
    bool right_plain = read_plain(actual, &right);
    if (left_plain && right_plain) {
        if (plain_equal(&left, &right))
            return true;
        if (is_integer_column && left.decimals == 0 && right.fraction_size > 0) {
            right.fraction_size = 0;
            right.negative &= right.whole_size > 0;
            if (plain_equal(&left, &right))
                return true;
        }
    }
    /* What is a numeric here (avg, variances, quotients) is a double in other engines. */
    bool may_be_double = type == OD_TYPE_FLOAT64 ||
                         (type == OD_TYPE_DECIMAL && left_plain && has_digits_of_double(&left));
    if (may_be_double) {
        long double scale = fmaxl(fabsl(left_value), fabsl(right_value));
        if (fabsl(left_value - right_value) <= (type == OD_TYPE_FLOAT64 ? 1e-9L : 1e-12L) * scale)
            return true;
    }
    /* Rounded: only where the expected text has fewer digits, so that it cannot have meant the others. */
    return left_plain && left.decimals >= 3 && (!right_plain || right.decimals > left.decimals) &&
           (type == OD_TYPE_FLOAT64 || type == OD_TYPE_DECIMAL) &&
           fabsl(left_value - right_value) <= 0.5L * powl(10, -(long double)left.decimals) * (1 + 1e-6L);
}

/* SQLite's runner: each byte that is no printable ASCII as @. */
static bool equal_as_printed(const char *expected, const char *actual)
{
    for (; *actual != '\0'; actual++, expected++) {
        bool printable = *actual >= ' ' && *actual <= '~';
        if (*expected != *actual && !(*expected == '@' && !printable))
            return false;
    }
    return *expected == '\0';
}

static bool booleans_equal(const char *expected, const char *actual)
{
    static const char *const words[2][6] = {{"0", "f", "false", "False", "FALSE", "F"},
                                            {"1", "t", "true", "True", "TRUE", "T"}};
    for (int i = 0; i < 6; i++) {
        if (strcmp(words[*actual == 't'][i], expected) == 0)
            return true;
    }
    return false;
}

/* One point in time: "2020-01-01T00:00:00.000" and "2020-01-01", as date plus interval is a date elsewhere. */
static bool times_equal(const char *expected, const char *actual)
{
    struct od_value left;
    struct od_value right;
    return od_value_parse(OD_TYPE_TIMESTAMP, expected, (uint32_t)strlen(expected), &left) &&
           od_value_parse(OD_TYPE_TIMESTAMP, actual, (uint32_t)strlen(actual), &right) && left.int64 == right.int64;
}

struct column_kind {
    enum od_type type;
    char letter; /* as the file says: '?' when it does not */
};

static enum od_status cell_matches(struct od_arena *arena, const char *expected, const char *actual,
                                   const struct column_kind *column, bool *equal_out, struct od_error *error)
{
    bool negated = strncmp(expected, "<!REGEX>:", 9) == 0;
    if (negated || strncmp(expected, "<REGEX>:", 8) == 0) {
        bool matches = false;
        OD_TRY(od_slt_match(arena, expected + (negated ? 9 : 8), actual == NULL ? "NULL" : actual, true,
                            &matches, error));
        *equal_out = matches != negated;
        return OD_OK;
    }
    if (actual == NULL || strcmp(expected, "NULL") == 0)
        *equal_out = strcmp(expected, "NULL") == 0 && (actual == NULL || strcmp(actual, "NULL") == 0);
    else if (strcmp(expected, actual) == 0)
        *equal_out = true;
    else if (*actual == '\0')
        *equal_out =
            strcmp(expected, "(empty)") == 0 || (column->letter == 'I' && strcmp(expected, "0") == 0);
    else if (column->type == OD_TYPE_BOOLEAN)
        *equal_out = booleans_equal(expected, actual);
    else if (is_number_type(column->type))
        *equal_out = numbers_equal(expected, actual, column->type, column->letter == 'I');
    else if (column->type == OD_TYPE_TIMESTAMP || column->type == OD_TYPE_DATE)
        *equal_out = times_equal(expected, actual);
    else if (column->type == OD_TYPE_TEXT && column->letter == 'I')
        *equal_out = strspn(expected, "-0123456789") == strlen(expected) && atoll(expected) == atoll(actual);
    else
        *equal_out = equal_as_printed(expected, actual);
    return OD_OK;
}

/* --- rendering and hashing ------------------------------------------------------------------------------ */

/* As SQLite's runner prints a value for hashing (`classic`), or as the engine does. NULL on refusal. */
static const char *render(struct od_arena *arena, const char *cell, const struct column_kind *column,
                          bool classic)
{
    if (cell == NULL)
        return "NULL";
    bool is_number = is_number_type(column->type);
    if (!classic)
        return *cell == '\0' ? "(empty)" : cell;
    if (column->letter == 'I') {
        if (column->type == OD_TYPE_BOOLEAN)
            return *cell == 't' ? "1" : "0";
        if (strspn(cell, "-0123456789") == strlen(cell) && *cell != '\0')
            return cell;
        return od_arena_print(arena, "%lld", is_number ? (long long)strtold(cell, NULL) : atoll(cell));
    }
    if (column->letter == 'R')
        return od_arena_print(arena, "%.3f", strtod(cell, NULL));
    if (*cell == '\0')
        return "(empty)";
    char *copy = od_arena_copy_text(arena, cell, strlen(cell));
    for (char *at = copy; at != NULL && *at != '\0'; at++) {
        if (*at < ' ' || *at > '~')
            *at = '@';
    }
    return copy;
}

struct sorting {
    const char **cells;
    const char **scratch;
    uint32_t width; /* cells that move together */
};

static int compare_rows(const char *const *left, const char *const *right, uint32_t width)
{
    int order = 0;
    for (uint32_t i = 0; i < width && order == 0; i++)
        order = strcmp(left[i], right[i]);
    return order;
}

/* Merge sort of rows [first, end): stable, and no worse on any input. */
static void sort_rows(const struct sorting *sorting, size_t first, size_t end)
{
    size_t width = sorting->width;
    if (end - first < 2)
        return;
    size_t middle = first + (end - first) / 2;
    sort_rows(sorting, first, middle);
    sort_rows(sorting, middle, end);
    size_t left = first;
    size_t right = middle;
    for (size_t to = first; to < end; to++) {
        bool take_left = right == end ||
                         (left < middle && compare_rows(sorting->cells + left * width,
                                                        sorting->cells + right * width, sorting->width) <= 0);
        size_t from = take_left ? left++ : right++;
        memcpy(sorting->scratch + to * width, sorting->cells + from * width, width * sizeof(char *));
    }
    memcpy(sorting->cells + first * width, sorting->scratch + first * width,
           (end - first) * width * sizeof(char *));
}

/* Rendered and sorted copies of the answer's cells; NULL on refusal. Never NULL cells. */
static const char **rendered_cells(struct od_arena *arena, enum od_slt_sort sort,
                                   const struct column_kind *columns, const struct od_slt_answer *answer,
                                   bool classic)
{
    size_t count = (size_t)answer->row_count * answer->column_count;
    const char **cells = od_arena_take_array(arena, count, sizeof(*cells));
    const char **scratch = od_arena_take_array(arena, count, sizeof(*scratch));
    if (cells == NULL || scratch == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        cells[i] = render(arena, answer->cells[i], &columns[i % answer->column_count], classic);
        if (cells[i] == NULL)
            return NULL;
    }
    if (sort == OD_SLT_ROWSORT && count > 0)
        sort_rows(&(struct sorting){cells, scratch, answer->column_count}, 0, answer->row_count);
    else if (sort == OD_SLT_VALUESORT)
        sort_rows(&(struct sorting){cells, scratch, 1}, 0, count);
    return cells;
}

static struct column_kind *column_kinds(struct od_arena *arena, const char *types,
                                        const struct od_slt_answer *answer)
{
    struct column_kind *columns = od_arena_take_array(arena, answer->column_count, sizeof(*columns));
    for (uint32_t i = 0; i < answer->column_count && columns != NULL; i++)
        columns[i] =
            (struct column_kind){answer->types[i], types != NULL && i < strlen(types) ? types[i] : '?'};
    return columns;
}

static const char *hash_cells(struct od_arena *arena, const char **cells, size_t count)
{
    MD5_CTX context;
    char hex[MD5_DIGEST_STRING_LENGTH];
    MD5Init(&context);
    for (size_t i = 0; i < count; i++) {
        MD5Update(&context, (const uint8_t *)cells[i], strlen(cells[i]));
        MD5Update(&context, (const uint8_t *)"\n", 1);
    }
    MD5End(&context, hex);
    return od_arena_print(arena, "%zu values hashing to %s", count, hex);
}

static const char *hash_answer(struct od_arena *arena, const struct od_slt_expected *expected,
                               const struct od_slt_answer *answer, bool classic)
{
    const struct column_kind *columns = column_kinds(arena, expected->types, answer);
    const char **cells =
        columns == NULL ? NULL : rendered_cells(arena, expected->sort, columns, answer, classic);
    return cells == NULL ? NULL : hash_cells(arena, cells, (size_t)answer->row_count * answer->column_count);
}

const char *od_slt_hash(struct od_arena *arena, const struct od_slt_expected *expected,
                        const struct od_slt_answer *answer)
{
    return hash_answer(arena, expected, answer, true);
}

/* --- the shape of what is expected ---------------------------------------------------------------------- */

static size_t count_words(const char *text)
{
    size_t count = 0;
    for (bool inside = false; *text != '\0'; text++) {
        bool blank = isspace((unsigned char)*text);
        count += !blank && !inside;
        inside = !blank;
    }
    return count;
}

/* The next `count` words of *at, which must be there, with one blank between them; NULL: no memory. */
static const char *take_words(struct od_arena *arena, const char **at, size_t count)
{
    char *text = od_arena_take(arena, strlen(*at) + 1);
    size_t used = 0;
    for (size_t i = 0; i < count && text != NULL; i++) {
        while (isspace((unsigned char)**at))
            (*at)++;
        if (i > 0)
            text[used++] = ' ';
        while (**at != '\0' && !isspace((unsigned char)**at))
            text[used++] = *(*at)++;
    }
    return text;
}

/* The next `count` words of *line against a cell; not equal when there are not so many. */
static enum od_status words_match_cell(struct od_arena *arena, const char **line, size_t count,
                                       const char *actual, const struct column_kind *column, bool *equal_out,
                                       struct od_error *error)
{
    *equal_out = false;
    if (count_words(*line) < count)
        return OD_OK;
    const char *words = take_words(arena, line, count);
    return words == NULL ? no_memory(error) : cell_matches(arena, words, actual, column, equal_out, error);
}

/* A row a line with blanks between: cut by the words that the actual cells have. */
static enum od_status words_match(struct od_arena *arena, const char *line, const char *const *actual,
                                  const struct column_kind *columns, uint32_t count, bool *equal_out,
                                  struct od_error *error)
{
    *equal_out = true;
    for (uint32_t i = 0; i < count && *equal_out; i++) {
        size_t words = actual[i] == NULL ? 0 : count_words(actual[i]);
        const char *cell = actual[i];
        const char *start = line;
        if (words > 0) { /* NULL, (empty) and blanks alone are one word as they are */
            const char *at = actual[i];
            cell = take_words(arena, &at, words);
            if (cell == NULL)
                return no_memory(error);
        }
        OD_TRY(words_match_cell(arena, &line, words == 0 ? 1 : words, cell, &columns[i], equal_out, error));
        if (!*equal_out && words > 1) { /* a timestamp with a T is one word, too */
            line = start;
            OD_TRY(words_match_cell(arena, &line, 1, cell, &columns[i], equal_out, error));
        }
    }
    *equal_out &= count_words(line) == 0;
    return OD_OK;
}

static bool tabs_cut(const struct od_slt_expected *expected, uint32_t column_count)
{
    for (uint32_t i = 0; i < expected->line_count; i++) {
        uint32_t tabs = 0;
        for (const char *at = expected->lines[i]; *at != '\0'; at++)
            tabs += *at == '\t';
        if (tabs + 1 != column_count)
            return false;
    }
    return expected->line_count > 0;
}

/* What is compared: `unit_count` units of `width` cells each, either cut into `cells` or one line each. */
struct comparison {
    struct od_arena *arena;
    const struct column_kind *columns;
    uint32_t column_count;
    uint32_t width;
    size_t unit_count;
    const char **expected;     /* cells; NULL when lines are cut by words */
    const char *const *lines;  /* one a unit */
    const char *const *actual; /* cells, NULL for NULL */
    struct od_error *error;
};

static enum od_status unit_matches(const struct comparison *comparison, size_t expected, size_t actual,
                                   bool *equal_out)
{
    const char *const *cells = comparison->actual + actual * comparison->width;
    if (comparison->expected == NULL)
        return words_match(comparison->arena, comparison->lines[expected], cells, comparison->columns,
                           comparison->width, equal_out, comparison->error);
    *equal_out = true;
    for (uint32_t i = 0; i < comparison->width && *equal_out; i++)
        OD_TRY(cell_matches(comparison->arena, comparison->expected[expected * comparison->width + i],
                            cells[i],
                            &comparison->columns[(actual * comparison->width + i) % comparison->column_count],
                            equal_out, comparison->error));
    return OD_OK;
}

/* Pairs units in any order. Equal ones come close to each other when both sides are sorted, so it starts
 * where it is. */
static enum od_status match_any_order(const struct comparison *comparison, size_t *first_difference)
{
    size_t count = comparison->unit_count;
    bool *taken = od_arena_take_array(comparison->arena, count, sizeof(*taken));
    if (taken == NULL)
        return no_memory(comparison->error);
    for (*first_difference = 0; *first_difference < count; (*first_difference)++) {
        bool found = false;
        for (size_t k = 0; k < count && !found; k++) {
            size_t actual = (*first_difference + k) % count;
            if (taken[actual])
                continue;
            OD_TRY(unit_matches(comparison, *first_difference, actual, &found));
            taken[actual] = found;
        }
        if (!found)
            return OD_OK;
    }
    return OD_OK;
}

static enum od_status match_in_order(const struct comparison *comparison, size_t *first_difference)
{
    bool equal = true;
    for (*first_difference = 0; *first_difference < comparison->unit_count; (*first_difference)++) {
        OD_TRY(unit_matches(comparison, *first_difference, *first_difference, &equal));
        if (!equal)
            return OD_OK;
    }
    return OD_OK;
}

static bool are_ties(const struct od_slt_answer *answer, size_t left, size_t right)
{
    for (uint32_t i = 0; i < answer->order_count; i++) {
        const char *left_cell = answer->cells[left * answer->column_count + answer->order[i]];
        const char *right_cell = answer->cells[right * answer->column_count + answer->order[i]];
        if ((left_cell == NULL) != (right_cell == NULL) ||
            (left_cell != NULL && strcmp(left_cell, right_cell) != 0))
            return false;
    }
    return true;
}

/* ORDER BY leaves open how rows with equal keys stand to each other. */
static enum od_status match_up_to_ties(const struct comparison *whole, const struct od_slt_answer *answer,
                                       size_t *first_difference)
{
    size_t end = 0;
    for (size_t start = 0; start < whole->unit_count; start = end) {
        struct comparison ties = *whole;
        for (end = start + 1; end < whole->unit_count && are_ties(answer, start, end);)
            end++;
        ties.unit_count = end - start;
        ties.lines += start;
        ties.actual += start * whole->width;
        ties.expected = whole->expected == NULL ? NULL : whole->expected + start * whole->width;
        OD_TRY((ties.unit_count <= MULTISET_ROWS_MAX ? match_any_order : match_in_order)(&ties,
                                                                                         first_difference));
        *first_difference += start;
        if (*first_difference < end)
            return OD_OK;
    }
    *first_difference = whole->unit_count;
    return OD_OK;
}

/* --- what differs --------------------------------------------------------------------------------------- */

static void show_lines(struct od_buffer *text, const struct od_slt_expected *expected)
{
    od_buffer_append_text(text, "expected:\n");
    for (uint32_t i = 0; i < expected->line_count && i < SHOWN_LINES; i++)
        od_buffer_print(text, "  %s\n", expected->lines[i]);
    if (expected->line_count > SHOWN_LINES)
        od_buffer_print(text, "  ... %u lines\n", expected->line_count);
}

static void show_answer(struct od_buffer *text, const struct od_slt_answer *answer)
{
    od_buffer_append_text(text, "actual:\n");
    for (uint32_t row = 0; row < answer->row_count && row < SHOWN_LINES; row++) {
        for (uint32_t i = 0; i < answer->column_count; i++) {
            const char *cell = answer->cells[(size_t)row * answer->column_count + i];
            od_buffer_print(text, "%s%s", i == 0 ? "  " : "\t",
                            cell == NULL    ? "NULL"
                            : *cell == '\0' ? "(empty)"
                                            : cell);
        }
        od_buffer_append_u8(text, '\n');
    }
    if (answer->row_count > SHOWN_LINES)
        od_buffer_print(text, "  ... %u rows\n", answer->row_count);
}

static enum od_status tell(struct od_arena *arena, const struct od_slt_expected *expected,
                           const struct od_slt_answer *answer, const char *headline, const char **text_out,
                           struct od_error *error)
{
    struct od_buffer text;
    if (headline == NULL)
        return no_memory(error);
    od_buffer_init(&text, arena->memory);
    od_buffer_print(&text, "%s\n", headline);
    if (expected->has_results) {
        show_lines(&text, expected);
        show_answer(&text, answer);
    }
    *text_out = od_arena_copy_buffer(arena, &text);
    od_buffer_release(&text);
    return *text_out == NULL ? no_memory(error) : OD_OK;
}

/* Where a unit differs; NULL: no memory. */
static const char *difference(const struct comparison *comparison, size_t unit)
{
    struct od_arena *arena = comparison->arena;
    bool equal = true;
    uint32_t i = 0;
    if (comparison->expected == NULL)
        return od_arena_print(arena, "wrong answer: row %zu differs, expected '%s'", unit + 1,
                              comparison->lines[unit]);
    for (; i < comparison->width; i++) {
        size_t cell = unit * comparison->width + i;
        if (cell_matches(arena, comparison->expected[cell], comparison->actual[cell],
                         &comparison->columns[cell % comparison->column_count], &equal, NULL) != OD_OK)
            return NULL; /* no memory: patterns have been compiled before */
        if (!equal)
            break;
    }
    size_t cell = unit * comparison->width + (i < comparison->width ? i : 0);
    const char *actual = comparison->actual[cell];
    return od_arena_print(arena, "wrong answer: row %zu, column %zu: expected '%s', got '%s'",
                          cell / comparison->column_count + 1, cell % comparison->column_count + 1,
                          comparison->expected[cell],
                          actual == NULL    ? "NULL"
                          : *actual == '\0' ? "(empty)"
                                            : actual);
}

/* --- comparing ------------------------------------------------------------------------------------------ */

/* "N values hashing to HEX" (CockroachDB: "1 value"), nothing else. */
static bool is_hash(const struct od_slt_expected *expected)
{
    if (expected->line_count != 1)
        return false;
    const char *at = expected->lines[0] + strspn(expected->lines[0], "0123456789");
    return at != expected->lines[0] &&
           (strncmp(at, " values hashing to ", 19) == 0 || strncmp(at, " value hashing to ", 18) == 0);
}

static enum od_status compare_hash(struct od_arena *arena, const struct od_slt_expected *expected,
                                   const struct od_slt_answer *answer, const char **text_out,
                                   struct od_error *error)
{
    const char *actual = NULL;
    for (int classic = 1; classic >= 0; classic--) {
        actual = hash_answer(arena, expected, answer, classic);
        if (actual == NULL)
            return no_memory(error);
        const char *wanted = expected->lines[0];
        if (strtoull(actual, NULL, 10) == strtoull(wanted, NULL, 10) &&
            strcmp(strrchr(actual, ' '), strrchr(wanted, ' ')) == 0)
            return OD_OK;
    }
    return tell(arena, expected, answer, od_arena_print(arena, "wrong answer: %s", actual), text_out, error);
}

/* The lines' cells, sorted as the actual ones are. */
static enum od_status cut_lines(struct comparison *comparison, const struct od_slt_expected *expected,
                                bool by_tabs)
{
    struct od_arena *arena = comparison->arena;
    size_t per_line = by_tabs ? comparison->column_count : 1;
    size_t count = expected->line_count * per_line;
    const char **scratch = od_arena_take_array(arena, count, sizeof(*scratch));
    comparison->expected = od_arena_take_array(arena, count, sizeof(*scratch));
    if (scratch == NULL || comparison->expected == NULL)
        return no_memory(comparison->error);
    for (size_t i = 0; i < count; i++) {
        const char *at = expected->lines[i / per_line];
        for (size_t k = 0; k < i % per_line; k++)
            at = strchr(at, '\t') + 1;
        size_t size = by_tabs ? strcspn(at, "\t") : strlen(at);
        comparison->expected[i] = od_arena_copy_text(arena, at, size);
        if (comparison->expected[i] == NULL)
            return no_memory(comparison->error);
    }
    if (expected->sort == OD_SLT_ROWSORT && comparison->width > 0 && count % comparison->width == 0)
        sort_rows(&(struct sorting){comparison->expected, scratch, comparison->width}, 0,
                  count / comparison->width);
    else if (expected->sort == OD_SLT_VALUESORT)
        sort_rows(&(struct sorting){comparison->expected, scratch, 1}, 0, count);
    return OD_OK;
}

/* The answer's cells in the order that the file asks for. "NULL" the text and NULL look alike in it, so they
 * may change places. */
static enum od_status sort_actual(struct comparison *comparison, const struct od_slt_expected *expected,
                                  const struct od_slt_answer *answer)
{
    size_t count = (size_t)answer->row_count * answer->column_count;
    comparison->actual = answer->cells;
    if (expected->sort == OD_SLT_NOSORT || expected->sort == OD_SLT_SORT_DEFAULT)
        return OD_OK;
    const char **cells =
        rendered_cells(comparison->arena, expected->sort, comparison->columns, answer, false);
    if (cells == NULL)
        return no_memory(comparison->error);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(cells[i], "NULL") == 0)
            cells[i] = NULL;
        else if (strcmp(cells[i], "(empty)") == 0)
            cells[i] = "";
    }
    comparison->actual = cells;
    return OD_OK;
}

static enum od_status compare_lines(struct comparison *comparison, const struct od_slt_expected *expected,
                                    const struct od_slt_answer *answer, size_t *first_difference)
{
    bool sorted = expected->sort == OD_SLT_ROWSORT || expected->sort == OD_SLT_VALUESORT;
    OD_TRY(sort_actual(comparison, expected, answer));
    if (!sorted && answer->order_count > 0)
        return match_up_to_ties(comparison, answer, first_difference);
    if (!(sorted && comparison->expected == NULL))
        OD_TRY(match_in_order(comparison, first_difference));
    else
        *first_difference = 0;
    if (*first_difference < comparison->unit_count && sorted && comparison->unit_count <= MULTISET_ROWS_MAX)
        OD_TRY(match_any_order(comparison, first_difference));
    return OD_OK;
}

enum od_status od_slt_compare(struct od_arena *arena, const struct od_slt_expected *expected,
                              const struct od_slt_answer *answer, const char **text_out,
                              struct od_error *error)
{
    size_t count = (size_t)answer->row_count * answer->column_count;
    bool by_values = expected->sort == OD_SLT_VALUESORT;
    size_t first_difference = 0;
    *text_out = "";
    if (expected->types != NULL && strlen(expected->types) != answer->column_count)
        return tell(arena, expected, answer,
                    od_arena_print(arena, "wrong answer: expected %zu columns (%s), got %u",
                                   strlen(expected->types), expected->types, answer->column_count),
                    text_out, error);
    if (!expected->has_results)
        return OD_OK;
    if (is_hash(expected))
        return compare_hash(arena, expected, answer, text_out, error);
    struct comparison comparison = {
        .arena = arena, .column_count = answer->column_count, .lines = expected->lines, .error = error};
    comparison.columns = column_kinds(arena, expected->types, answer);
    if (comparison.columns == NULL)
        return no_memory(error);
    bool by_tabs =
        !expected->value_a_line && answer->column_count > 1 && tabs_cut(expected, answer->column_count);
    bool by_lines = by_tabs || answer->column_count <= 1 || (expected->line_count == count && count > 0);
    comparison.width = by_values ? 1 : answer->column_count;
    comparison.unit_count = by_values ? count : answer->row_count;
    size_t line_count = by_tabs || !by_lines ? answer->row_count : count;
    if (expected->line_count != line_count || (!by_lines && expected->value_a_line))
        return tell(arena, expected, answer,
                    od_arena_print(arena, "wrong answer: expected %u line%s, got %u rows of %u column%s",
                                   expected->line_count, expected->line_count == 1 ? "" : "s",
                                   answer->row_count, answer->column_count,
                                   answer->column_count == 1 ? "" : "s"),
                    text_out, error);
    if (by_lines)
        OD_TRY(cut_lines(&comparison, expected, by_tabs));
    else
        comparison.width =
            answer->column_count; /* words are cut row by row; a sort of values is then one of rows */
    comparison.unit_count = comparison.width == 0 ? 0 : count / comparison.width;
    OD_TRY(compare_lines(&comparison, expected, answer, &first_difference));
    if (first_difference == comparison.unit_count)
        return OD_OK;
    return tell(arena, expected, answer, difference(&comparison, first_difference), text_out, error);
}
