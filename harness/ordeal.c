/* ordeal: picks the command by its first word. The commands themselves are in command_*.c. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "harness/commands.h"
#include "harness/exit_status.h"
#include "harness/version.h"

static const struct od_command *const commands[] = {
    &od_command_run,    &od_command_sql,    &od_command_slt,    &od_command_hunt,    &od_command_replay,
    &od_command_shrink, &od_command_bench,  &od_command_report, &od_command_engines,
    &od_command_generate, &od_command_recover,  &od_command_impact,   &od_command_agree,  &od_command_driver, &od_command_executor,
};

static void print_overview(FILE *stream)
{
    fprintf(stream, "ordeal %s: puts a query engine through an ordeal and says whether its answers,\n"
                    "its recovery and its speed still hold.\n\nusage: ordeal COMMAND [options] ...\n\ncommands:\n",
            OD_VERSION);
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        fprintf(stream, "  %-9s %s\n", commands[i]->name, commands[i]->sentence);
    fprintf(stream, "\n`ordeal COMMAND --help` says more. Exit status: 0 all held; 1 a property failed; 2 bad usage or\n"
                    "input; 3 undecided or engine missing; 4 a bug in ordeal.\n");
}

static int run_command(const struct od_command *command, int argc, char **argv)
{
    struct od_arguments arguments;
    struct od_error error = {0};
    int result;
    if (od_arguments_parse(command, argc, argv, &arguments, &error) != OD_OK) {
        result = od_exit_with(&error);
    } else if (arguments.help) {
        od_command_print_help(command, stdout);
        result = OD_EXIT_HELD;
    } else {
        result = command->run(&arguments);
    }
    od_arguments_release(&arguments);
    return result;
}

/* What was printed has arrived, or we say that it has not: a full disk must not look like a result. */
static int flush_output(int result)
{
    bool failed = ferror(stdout) != 0;
    if (fflush(stdout) == 0 && !failed)
        return result;
    fprintf(stderr, "error: writing to standard output: %s\n", strerror(errno));
    return OD_EXIT_OWN_BUG;
}

static int choose_command(int argc, char **argv)
{
    if (argc < 2) {
        print_overview(stderr);
        return OD_EXIT_BAD_INPUT;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_overview(stdout);
        return OD_EXIT_HELD;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("ordeal %s\n", OD_VERSION);
        return OD_EXIT_HELD;
    }
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(argv[1], commands[i]->name) == 0)
            return run_command(commands[i], argc - 1, argv + 1);
    }
    fprintf(stderr, "error: unknown command '%s'; expected one of", argv[1]);
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        fprintf(stderr, "%s %s", i == 0 ? "" : ",", commands[i]->name);
    fprintf(stderr, "\n");
    return OD_EXIT_BAD_INPUT;
}

/* A file that we open must not become a standard stream. Nothing can be written to what is opened here: output that is wanted and
 * can not be printed stays a failure. */
static void fill_standard_streams(void)
{
    for (int i = 0; i <= 2; i++)
        if (fcntl(i, F_GETFD) < 0 && errno == EBADF)
            (void)open("/dev/null", O_RDONLY); /* gets the lowest free number: i */
}

/* A process of a cluster may be stopped at any time; when its parent is gone, it is woken and ends (engine/world/posix_lifeline.h).
 * The parent may be gone already: then the pipe from it has ended. */
static void be_woken_when_orphaned(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--child") == 0)
            (void)prctl(PR_SET_PDEATHSIG, SIGCONT);
}

int od_main(int argc, char **argv)
{
    be_woken_when_orphaned(argc, argv);
    fill_standard_streams();
    return flush_output(choose_command(argc, argv));
}
