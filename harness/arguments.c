/* arguments: see arguments.h. Parsed by hand rather than by getopt_long, because the same table must print the help and
 * name the nearest option when one is misspelt. */
#include "harness/arguments.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/exit_status.h"

static size_t edit_distance(const char *left, const char *right)
{
    size_t left_size = strlen(left);
    size_t right_size = strlen(right);
    size_t row[64];
    if (right_size >= 64)
        return SIZE_MAX;
    for (size_t j = 0; j <= right_size; j++)
        row[j] = j;
    for (size_t i = 1; i <= left_size; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= right_size; j++) {
            size_t above = row[j];
            size_t best = diagonal + (left[i - 1] != right[j - 1]);
            best = above + 1 < best ? above + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            diagonal = above;
            row[j] = best;
        }
    }
    return row[right_size];
}

static const struct od_option *option_find(const struct od_command *command, const char *name, size_t size)
{
    for (const struct od_option *option = command->options; option->name != NULL; option++) {
        if (strlen(option->name) == size && memcmp(option->name, name, size) == 0)
            return option;
    }
    return NULL;
}

static enum od_status unknown_option(const struct od_command *command, const char *given,
                                     struct od_error *error)
{
    const char *nearest = NULL;
    size_t nearest_distance = 4;
    for (const struct od_option *option = command->options; option->name != NULL; option++) {
        size_t distance = edit_distance(given, option->name);
        if (distance < nearest_distance) {
            nearest = option->name;
            nearest_distance = distance;
        }
    }
    if (nearest != NULL)
        return od_fail(error, OD_BAD_INPUT, "ordeal %s: unknown option --%s; did you mean --%s?",
                       command->name, given, nearest);
    return od_fail(error, OD_BAD_INPUT,
                   "ordeal %s: unknown option --%s; `ordeal %s --help` lists the options", command->name,
                   given, command->name);
}

/* One "--..." word; *index is moved past a value that is a word of its own. */
static enum od_status parse_option(struct od_arguments *arguments, int *index, struct od_error *error)
{
    const struct od_command *command = arguments->command;
    const char *word = arguments->argv[*index] + 2;
    const char *equals = strchr(word, '=');
    size_t name_size = equals == NULL ? strlen(word) : (size_t)(equals - word);
    const struct od_option *option = option_find(command, word, name_size);
    if (option == NULL) {
        char name[60];
        snprintf(name, sizeof(name), "%.*s", (int)(name_size < sizeof(name) ? name_size : sizeof(name) - 1),
                 word);
        return unknown_option(command, name, error);
    }
    const char *value = equals == NULL ? NULL : equals + 1;
    if (option->value == NULL && value != NULL)
        return od_fail(error, OD_BAD_INPUT, "ordeal %s: --%s takes no value", command->name, option->name);
    if (option->value != NULL && value == NULL) {
        bool is_last = *index + 1 >= arguments->argc;
        if (is_last || strncmp(arguments->argv[*index + 1], "--", 2) == 0)
            return od_fail(error, OD_BAD_INPUT, "ordeal %s: --%s needs a value: --%s %s", command->name,
                           option->name, option->name, option->value);
        value = arguments->argv[++*index];
    }
    if (!option->repeats && od_arguments_has(arguments, option->name))
        return od_fail(error, OD_BAD_INPUT, "ordeal %s: --%s was given twice", command->name, option->name);
    arguments->given[arguments->given_count++] = (struct od_given_option){option, value};
    return OD_OK;
}

enum od_status od_arguments_parse(const struct od_command *command, int argc, char **argv,
                                  struct od_arguments *arguments_out, struct od_error *error)
{
    *arguments_out = (struct od_arguments){.command = command, .argc = argc, .argv = argv};
    arguments_out->positional = calloc((size_t)argc + 1, sizeof(*arguments_out->positional));
    arguments_out->given = calloc((size_t)argc + 1, sizeof(*arguments_out->given));
    if (arguments_out->positional == NULL || arguments_out->given == NULL)
        return od_fail(error, OD_NO_MEMORY, "reading the command line");
    bool options_end = false;
    for (int i = 1; i < argc; i++) {
        if (!options_end && strcmp(argv[i], "--") == 0) {
            options_end = true;
        } else if (!options_end && (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)) {
            arguments_out->help = true;
            return OD_OK;
        } else if (!options_end && strncmp(argv[i], "--", 2) == 0) {
            enum od_status status = parse_option(arguments_out, &i, error);
            if (status != OD_OK)
                return status;
        } else {
            arguments_out->positional[arguments_out->positional_count++] = argv[i];
        }
    }
    if (command->positional == NULL && arguments_out->positional_count > 0)
        return od_fail(error, OD_BAD_INPUT, "ordeal %s: unexpected argument '%s'; it takes options only",
                       command->name, arguments_out->positional[0]);
    if (arguments_out->positional_count < command->positional_min)
        return od_fail(error, OD_BAD_INPUT, "ordeal %s: expected %s", command->name, command->positional);
    return OD_OK;
}

void od_arguments_release(struct od_arguments *arguments)
{
    free(arguments->positional);
    free(arguments->given);
    *arguments = (struct od_arguments){0};
}

bool od_arguments_has(const struct od_arguments *arguments, const char *name)
{
    return od_arguments_text(arguments, name, NULL) != NULL;
}

const char *od_arguments_text(const struct od_arguments *arguments, const char *name, const char *otherwise)
{
    for (uint32_t i = arguments->given_count; i > 0; i--) {
        const struct od_given_option *given = &arguments->given[i - 1];
        if (strcmp(given->option->name, name) == 0)
            return given->value == NULL ? "" : given->value;
    }
    return otherwise;
}

static bool parse_number(const char *text, uint64_t *value_out, const char **end_out)
{
    if (*text < '0' || *text > '9')
        return false;
    char *end;
    errno = 0;
    int base = text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? 16 : 10;
    *value_out = strtoull(text, &end, base);
    *end_out = end;
    return errno == 0;
}

enum od_status od_arguments_number(const struct od_arguments *arguments, const char *name, uint64_t first,
                                   uint64_t last, uint64_t *value_out, struct od_error *error)
{
    const char *text = od_arguments_text(arguments, name, NULL);
    if (text == NULL)
        return OD_OK;
    uint64_t value;
    const char *end;
    if (!parse_number(text, &value, &end) || *end != '\0' || value < first || value > last)
        return od_fail(error, OD_BAD_INPUT, "ordeal %s: --%s %s: expected a whole number from %llu to %llu",
                       arguments->command->name, name, text, (unsigned long long)first,
                       (unsigned long long)last);
    *value_out = value;
    return OD_OK;
}

enum od_status od_arguments_duration(const struct od_arguments *arguments, const char *name, uint64_t *ns_out,
                                     struct od_error *error)
{
    static const struct {
        const char *text;
        uint64_t ns;
    } units[] = {{"", UINT64_C(1000000000)},
                 {"s", UINT64_C(1000000000)},
                 {"ms", UINT64_C(1000000)},
                 {"m", UINT64_C(60000000000)},
                 {"h", UINT64_C(3600000000000)}};
    const char *text = od_arguments_text(arguments, name, NULL);
    if (text == NULL)
        return OD_OK;
    uint64_t value;
    const char *end;
    if (parse_number(text, &value, &end)) {
        for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
            uint64_t ns;
            if (strcmp(end, units[i].text) == 0 && !__builtin_mul_overflow(value, units[i].ns, &ns)) {
                *ns_out = ns;
                return OD_OK;
            }
        }
    }
    return od_fail(error, OD_BAD_INPUT, "ordeal %s: --%s %s: expected a time such as 90s, 500ms, 10m or 2h",
                   arguments->command->name, name, text);
}

enum od_status od_arguments_choice(const struct od_arguments *arguments, const char *name,
                                   const char *const *words, uint32_t *index_out, struct od_error *error)
{
    const char *text = od_arguments_text(arguments, name, NULL);
    if (text == NULL)
        return OD_OK;
    char list[200] = "";
    for (uint32_t i = 0; words[i] != NULL; i++) {
        if (strcmp(words[i], text) == 0) {
            *index_out = i;
            return OD_OK;
        }
        snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s", i == 0 ? "" : ", ", words[i]);
    }
    return od_fail(error, OD_BAD_INPUT, "ordeal %s: --%s %s: expected one of %s", arguments->command->name,
                   name, text, list);
}

void od_command_print_help(const struct od_command *command, FILE *stream)
{
    fprintf(stream, "usage: ordeal %s%s%s%s\n\n%s\n", command->name,
            command->options->name != NULL ? " [options]" : "", command->positional == NULL ? "" : " ",
            command->positional == NULL ? "" : command->positional, command->sentence);
    if (command->more != NULL)
        fprintf(stream, "\n%s\n", command->more);
    fprintf(stream, "\noptions:\n");
    for (const struct od_option *option = command->options; option->name != NULL; option++) {
        char left[60];
        snprintf(left, sizeof(left), "--%s%s%s", option->name, option->value == NULL ? "" : " ",
                 option->value == NULL ? "" : option->value);
        fprintf(stream, "  %-28s %s\n", left, option->sentence);
    }
    fprintf(stream, "  %-28s %s\n", "--help", "this text");
    fprintf(stream, "\nexit status: 0 all held; 1 a property failed; 2 bad usage or input; 3 undecided or "
                    "engine missing; "
                    "4 a bug in ordeal\n");
}

int od_exit_of(enum od_status status)
{
    switch (status) {
    case OD_OK:
        return OD_EXIT_HELD;
    case OD_BAD_INPUT:
    case OD_UNSUPPORTED:
    case OD_EVALUATION:
    case OD_MISSING:
        return OD_EXIT_BAD_INPUT;
    case OD_CANCELLED:
        return OD_EXIT_UNDECIDED;
    default:
        return OD_EXIT_OWN_BUG;
    }
}

int od_exit_with(const struct od_error *error)
{
    fprintf(stderr, "error: %s", error->text[0] == '\0' ? od_status_text(error->status) : error->text);
    if (error->line > 0)
        fprintf(stderr, " (line %u, column %u)", error->line, error->column);
    fputc('\n', stderr);
    return od_exit_of(error->status);
}
