/* arguments: the command line, from one table a command. The same tables print --help.
 *
 * Options are long ("--seed N" or "--seed=N"); whatever does not start with "--" is positional; "--" ends the options. A value
 * that starts with "--" itself needs the "=": after a blank it would be an option whose value was forgotten. Every mistake is
 * BAD_INPUT and says what was expected. */
#ifndef OD_HARNESS_ARGUMENTS_H
#define OD_HARNESS_ARGUMENTS_H

#include <stdint.h>
#include <stdio.h>

#include "engine/core/status.h"

struct od_option {
    const char *name;     /* without dashes */
    const char *value;    /* "N", "FILE"...; NULL: a switch */
    const char *sentence; /* for --help */
    bool repeats;         /* may be given more than once */
};

struct od_arguments;

struct od_command {
    const char *name;
    const char *positional; /* "SCENARIO..."; NULL: takes none */
    uint32_t positional_min;
    const char *sentence;
    const char *more; /* a paragraph or an example for --help; may be NULL */
    const struct od_option *options; /* ends with name NULL */
    int (*run)(const struct od_arguments *arguments); /* enum od_exit */
};

struct od_given_option {
    const struct od_option *option;
    const char *value; /* borrowed from argv; NULL for a switch */
};
struct od_arguments {
    const struct od_command *command;
    const char *program;
    int argc;            /* as main got them, for the record */
    char **argv;
    uint32_t positional_count;
    const char **positional;
    uint32_t given_count;
    struct od_given_option *given;
    bool help;
};

/* argv[0] is the command's name. Release accepts a half-parsed one. */
enum od_status od_arguments_parse(const struct od_command *command, int argc, char **argv,
                                  struct od_arguments *arguments_out, struct od_error *error);
void od_arguments_release(struct od_arguments *arguments);

bool od_arguments_has(const struct od_arguments *arguments, const char *name);
/* The last value given, or `otherwise`. */
const char *od_arguments_text(const struct od_arguments *arguments, const char *name, const char *otherwise);
/* A whole number in [first, last]; *value_out keeps what it holds when the option was not given. */
enum od_status od_arguments_number(const struct od_arguments *arguments, const char *name, uint64_t first,
                                   uint64_t last, uint64_t *value_out, struct od_error *error);
/* "90", "90s", "500ms", "10m", "2h" -> nanoseconds. */
enum od_status od_arguments_duration(const struct od_arguments *arguments, const char *name, uint64_t *ns_out,
                                     struct od_error *error);
/* One of `words` (NULL-terminated): its index. */
enum od_status od_arguments_choice(const struct od_arguments *arguments, const char *name,
                                   const char *const *words, uint32_t *index_out, struct od_error *error);

void od_command_print_help(const struct od_command *command, FILE *stream);
/* "error: ..." on standard error, with its place; returns the exit status that fits. */
int od_exit_with(const struct od_error *error);
int od_exit_of(enum od_status status);

#endif
