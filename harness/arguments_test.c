/* Goal: a command line is read as its table says, and every mistake is BAD_INPUT with a message that lets one repair it.
 * Method: one small command; whole command lines in, texts of errors out; the help is printed to memory. */
#include "harness/arguments.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/exit_status.h"

static int run_nothing(const struct od_arguments *arguments)
{
    (void)arguments;
    return OD_EXIT_HELD;
}
static const struct od_option options[] = {
    {"seed", "N", "a seed", false},          {"time", "T", "a time", false},
    {"deploy", "D", "a deployment", false},  {"twice", NULL, "a switch", false},
    {"table", "NAME=FILE", "a table", true}, {NULL, NULL, NULL, false},
};
static const struct od_command command = {.name = "try",
                                          .positional = "FILE...",
                                          .positional_min = 1,
                                          .sentence = "tries",
                                          .more = "example: ordeal try x",
                                          .options = options,
                                          .run = run_nothing};
static const struct od_command options_only = {
    .name = "list", .sentence = "lists", .options = options, .run = run_nothing};

#define WORDS_MAX 12
struct words {
    int argc;
    char *argv[WORDS_MAX];
};
/* "try a --seed 3" cut at its blanks; the text must live on. */
static struct words split(char *line)
{
    struct words words = {0};
    for (char *word = strtok(line, " "); word != NULL; word = strtok(NULL, " ")) {
        assert_true(words.argc < WORDS_MAX - 1);
        words.argv[words.argc++] = word;
    }
    return words;
}

static void expect_mistake(const struct od_command *of, const char *line, const char *message)
{
    char text[400];
    snprintf(text, sizeof(text), "%s", line);
    struct words words = split(text);
    struct od_arguments arguments;
    struct od_error error = {0};
    enum od_status status = od_arguments_parse(of, words.argc, words.argv, &arguments, &error);
    assert_string_equal(error.text, message);
    assert_int_equal(status, OD_BAD_INPUT);
    od_arguments_release(&arguments);
}

static void parse(char *line, struct words *words, struct od_arguments *arguments)
{
    struct od_error error = {0};
    *words = split(line);
    enum od_status status = od_arguments_parse(&command, words->argc, words->argv, arguments, &error);
    assert_string_equal(error.text, "");
    assert_int_equal(status, OD_OK);
}

static void values_come_in_both_spellings(void **state)
{
    (void)state;
    char line[] = "try a.yaml --seed 7 --deploy=sim --twice - --table x=1 --table=y=2 -v";
    struct words words;
    struct od_arguments arguments;
    parse(line, &words, &arguments);
    assert_int_equal(arguments.positional_count, 3);
    assert_string_equal(arguments.positional[0], "a.yaml");
    assert_string_equal(arguments.positional[1], "-");
    assert_string_equal(arguments.positional[2], "-v");
    assert_string_equal(od_arguments_text(&arguments, "seed", "?"), "7");
    assert_string_equal(od_arguments_text(&arguments, "deploy", "?"), "sim");
    assert_string_equal(od_arguments_text(&arguments, "time", "?"), "?");
    assert_true(od_arguments_has(&arguments, "twice"));
    assert_false(od_arguments_has(&arguments, "time"));
    assert_string_equal(od_arguments_text(&arguments, "table", "?"), "y=2"); /* the last one */
    assert_int_equal(arguments.given_count, 5);
    assert_string_equal(arguments.given[3].value, "x=1");
    od_arguments_release(&arguments);
    assert_null(arguments.positional);
}

static void two_dashes_end_the_options(void **state)
{
    (void)state;
    char line[] = "try -- --seed --help --";
    struct words words;
    struct od_arguments arguments;
    parse(line, &words, &arguments);
    assert_false(arguments.help);
    assert_int_equal(arguments.positional_count, 3);
    assert_string_equal(arguments.positional[0], "--seed");
    assert_string_equal(arguments.positional[2], "--");
    assert_false(od_arguments_has(&arguments, "seed"));
    od_arguments_release(&arguments);
}

static void help_needs_nothing_else(void **state)
{
    (void)state;
    const char *const lines[] = {"try --help", "try -h", "try --seed 3 --help --seed"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        char line[100];
        snprintf(line, sizeof(line), "%s", lines[i]);
        struct words words;
        struct od_arguments arguments;
        parse(line, &words, &arguments);
        assert_true(arguments.help);
        od_arguments_release(&arguments);
    }
}

static void every_mistake_says_what_was_expected(void **state)
{
    (void)state;
    expect_mistake(&command, "try a --sede 3", "ordeal try: unknown option --sede; did you mean --seed?");
    expect_mistake(&command, "try a --tables=x",
                   "ordeal try: unknown option --tables; did you mean --table?");
    expect_mistake(&command, "try a --frobnicate",
                   "ordeal try: unknown option --frobnicate; `ordeal try --help` lists the options");
    expect_mistake(&command, "try a --seed", "ordeal try: --seed needs a value: --seed N");
    expect_mistake(&command, "try a --seed --twice", "ordeal try: --seed needs a value: --seed N");
    expect_mistake(&command, "try a --twice=yes", "ordeal try: --twice takes no value");
    expect_mistake(&command, "try a --seed 1 --seed=2", "ordeal try: --seed was given twice");
    expect_mistake(&command, "try a --twice --twice", "ordeal try: --twice was given twice");
    expect_mistake(&command, "try", "ordeal try: expected FILE...");
    expect_mistake(&command, "try --", "ordeal try: expected FILE...");
    expect_mistake(&options_only, "list a", "ordeal list: unexpected argument 'a'; it takes options only");
}

static void a_long_unknown_option_is_cut(void **state)
{
    (void)state;
    char line[300] = "try a --";
    struct words words;
    struct od_arguments arguments;
    struct od_error error = {0};
    memset(line + strlen(line), 'x', 200);
    words = split(line);
    assert_int_equal(od_arguments_parse(&command, words.argc, words.argv, &arguments, &error), OD_BAD_INPUT);
    assert_non_null(strstr(error.text, "lists the options"));
    od_arguments_release(&arguments);
}

/* What a value must be. */
struct value_case {
    const char *text; /* of --seed, --time or --deploy */
    enum od_status status;
    uint64_t value;
};

static void read_value(const char *option, const char *text, struct od_arguments *arguments,
                       struct words *words, char *line, size_t line_size)
{
    snprintf(line, line_size, "try a --%s=%s", option, text);
    parse(line, words, arguments);
}

static void numbers_are_whole_and_in_range(void **state)
{
    (void)state;
    const struct value_case cases[] = {
        {"5", OD_OK, 5},          {"100", OD_OK, 100},
        {"0x10", OD_OK, 16},      {"007", OD_OK, 7},
        {"4", OD_BAD_INPUT, 0},   {"101", OD_BAD_INPUT, 0},
        {"-6", OD_BAD_INPUT, 0},  {"+6", OD_BAD_INPUT, 0},
        {"6.5", OD_BAD_INPUT, 0}, {"6x", OD_BAD_INPUT, 0},
        {"", OD_BAD_INPUT, 0},    {"0x", OD_BAD_INPUT, 0},
        {"six", OD_BAD_INPUT, 0}, {"18446744073709551622", OD_BAD_INPUT, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char line[100];
        struct words words;
        struct od_arguments arguments;
        struct od_error error = {0};
        uint64_t value = 77;
        read_value("seed", cases[i].text, &arguments, &words, line, sizeof(line));
        assert_int_equal(od_arguments_number(&arguments, "seed", 5, 100, &value, &error), cases[i].status);
        assert_int_equal(value, cases[i].status == OD_OK ? cases[i].value : 77);
        if (cases[i].status != OD_OK) {
            char expected[120];
            snprintf(expected, sizeof(expected),
                     "ordeal try: --seed %s: expected a whole number from 5 to 100", cases[i].text);
            assert_string_equal(error.text, expected);
        }
        od_arguments_release(&arguments);
    }
}

static void times_have_units(void **state)
{
    (void)state;
    const struct value_case cases[] = {
        {"90", OD_OK, UINT64_C(90000000000)},
        {"90s", OD_OK, UINT64_C(90000000000)},
        {"500ms", OD_OK, 500000000},
        {"10m", OD_OK, UINT64_C(600000000000)},
        {"2h", OD_OK, UINT64_C(7200000000000)},
        {"2d", OD_BAD_INPUT, 0},
        {"1.5s", OD_BAD_INPUT, 0},
        {"s", OD_BAD_INPUT, 0},
        {"-1s", OD_BAD_INPUT, 0},
        {"6000000h", OD_BAD_INPUT, 0}, /* more nanoseconds than fit */
        {"", OD_BAD_INPUT, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char line[100];
        struct words words;
        struct od_arguments arguments;
        struct od_error error = {0};
        uint64_t value = 77;
        read_value("time", cases[i].text, &arguments, &words, line, sizeof(line));
        assert_int_equal(od_arguments_duration(&arguments, "time", &value, &error), cases[i].status);
        assert_int_equal(value, cases[i].status == OD_OK ? cases[i].value : 77);
        if (cases[i].status != OD_OK)
            assert_non_null(strstr(error.text, "expected a time such as 90s, 500ms, 10m or 2h"));
        od_arguments_release(&arguments);
    }
}

static void choices_are_listed(void **state)
{
    (void)state;
    const char *const words_allowed[] = {"sim", "threads", NULL};
    char line[] = "try a --deploy threads";
    char other_line[] = "try a --deploy cloud";
    struct words words;
    struct od_arguments arguments;
    struct od_error error = {0};
    uint32_t index = 77;
    parse(line, &words, &arguments);
    assert_int_equal(od_arguments_choice(&arguments, "deploy", words_allowed, &index, &error), OD_OK);
    assert_int_equal(index, 1);
    od_arguments_release(&arguments);
    parse(other_line, &words, &arguments);
    assert_int_equal(od_arguments_choice(&arguments, "deploy", words_allowed, &index, &error), OD_BAD_INPUT);
    assert_string_equal(error.text, "ordeal try: --deploy cloud: expected one of sim, threads");
    assert_int_equal(index, 1);
    od_arguments_release(&arguments);
}

static void what_was_not_given_keeps_its_default(void **state)
{
    (void)state;
    const char *const words_allowed[] = {"sim", NULL};
    char line[] = "try a";
    struct words words;
    struct od_arguments arguments;
    uint64_t number = 11;
    uint32_t index = 12;
    parse(line, &words, &arguments);
    assert_int_equal(od_arguments_number(&arguments, "seed", 0, 5, &number, NULL), OD_OK);
    assert_int_equal(od_arguments_duration(&arguments, "time", &number, NULL), OD_OK);
    assert_int_equal(od_arguments_choice(&arguments, "deploy", words_allowed, &index, NULL), OD_OK);
    assert_int_equal(number, 11);
    assert_int_equal(index, 12);
    od_arguments_release(&arguments);
}

static void help_names_every_option(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    assert_non_null(stream);
    od_command_print_help(&command, stream);
    fclose(stream);
    assert_non_null(strstr(text, "usage: ordeal try [options] FILE..."));
    assert_non_null(strstr(text, "example: ordeal try x"));
    for (const struct od_option *option = options; option->name != NULL; option++)
        assert_non_null(strstr(text, option->name));
    assert_non_null(strstr(text, "exit status"));
    free(text);
}

static void statuses_have_exit_statuses(void **state)
{
    (void)state;
    for (int i = 0; i < OD_STATUS_COUNT; i++) {
        enum od_status status = (enum od_status)i;
        bool is_users = status == OD_BAD_INPUT || status == OD_UNSUPPORTED || status == OD_EVALUATION ||
                        status == OD_MISSING;
        int expected = status == OD_OK          ? OD_EXIT_HELD
                       : is_users               ? OD_EXIT_BAD_INPUT
                       : status == OD_CANCELLED ? OD_EXIT_UNDECIDED
                                                : OD_EXIT_OWN_BUG;
        assert_int_equal(od_exit_of(status), expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_come_in_both_spellings),
        cmocka_unit_test(two_dashes_end_the_options),
        cmocka_unit_test(help_needs_nothing_else),
        cmocka_unit_test(every_mistake_says_what_was_expected),
        cmocka_unit_test(a_long_unknown_option_is_cut),
        cmocka_unit_test(numbers_are_whole_and_in_range),
        cmocka_unit_test(times_have_units),
        cmocka_unit_test(choices_are_listed),
        cmocka_unit_test(what_was_not_given_keeps_its_default),
        cmocka_unit_test(help_names_every_option),
        cmocka_unit_test(statuses_have_exit_statuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
