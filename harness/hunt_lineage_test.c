/* Goal: the queries of a scenario are explored until no fault is left; the digest does not depend on the workers; what the options can't
 * mean is refused; an undisturbed answer that is wrong is a failure, saved as a case. Method: the command's function, its output in a file. */
#include "harness/hunt_lineage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/world/posix.h"
#include "harness/commands.h"
#include "harness/exit_status.h"
#include "harness/file.h"

static char directory[] = "/tmp/ordeal-hunt-lineage-XXXXXX";
static char scenario[100];
static char printed[20000];

#define SCENARIO                                                                                             \
    "name: few\ntitle: t\ntables:\n  - {name: flights, generator: flights, rows: 5000}\nqueries:\n"            \
    "  - {name: all, asks: w, sql: SELECT count(*) AS n FROM flights}\n"                                     \
    "  - {name: each, asks: w, sql: 'SELECT origin, count(*) AS n FROM flights GROUP BY origin'%s}\n"

static void write_scenario(const char *more)
{
    FILE *file = fopen(scenario, "w");
    assert_non_null(file);
    fprintf(file, SCENARIO, more);
    fclose(file);
}

static int make_directory(void **state)
{
    (void)state;
    if (mkdtemp(directory) == NULL)
        return 1;
    snprintf(scenario, sizeof(scenario), "%s/few.yaml", directory);
    return 0;
}
static int remove_directory(void **state)
{
    (void)state;
    return od_folder_remove(directory, NULL) != OD_OK;
}

/* The exit status; what was printed is in `printed`. */
static int hunt(char *const *more, int more_count)
{
    char *argv[20] = {"ordeal", "hunt", scenario, "--explore", "lineage", "--rows", "20", "--out", directory};
    char path[120];
    int argc = 9;
    for (int i = 0; i < more_count; i++)
        argv[argc++] = more[i];
    snprintf(path, sizeof(path), "%s/out.txt", directory);
    fflush(stdout);
    int kept = dup(STDOUT_FILENO);
    assert_non_null(freopen(path, "w", stdout));
    int status = od_main(argc, argv);
    fflush(stdout);
    dup2(kept, STDOUT_FILENO);
    close(kept);
    FILE *file = fopen(path, "r");
    printed[fread(printed, 1, sizeof(printed) - 1, file)] = '\0';
    fclose(file);
    return status;
}

static void queries_are_explored_to_the_end(void **state)
{
    (void)state;
    char first[sizeof(printed)];
    write_scenario("");
    assert_int_equal(hunt((char *[]){"--faults", "1"}, 2), OD_EXIT_HELD);
    assert_non_null(strstr(printed, "few/each"));
    assert_non_null(strstr(printed, "queries 2, of which no 1 faults break 2;"));
    strcpy(first, strstr(printed, "campaign digest "));
    assert_int_equal(hunt((char *[]){"--faults", "1", "--jobs", "2"}, 4), OD_EXIT_HELD);
    assert_string_equal(strstr(printed, "campaign digest "), first);
    assert_int_equal(hunt((char *[]){"--faults", "1", "--runs", "3"}, 4), OD_EXIT_HELD);
    assert_non_null(strstr(printed, "held so far; sets of up to 1 faults are left"));
    assert_string_not_equal(strstr(printed, "campaign digest "), first);
}

static void a_wrong_answer_is_saved(void **state)
{
    (void)state;
    write_scenario(", sqlite: 'SELECT origin, 1 AS n FROM flights GROUP BY origin'");
    assert_int_equal(hunt((char *[]){"--faults", "1", "--runs", "3"}, 4), OD_EXIT_FAILED);
    assert_non_null(strstr(printed, "broken by 0 faults"));
    assert_non_null(strstr(printed, "ordeal replay "));
    assert_non_null(strstr(printed, ", failures 1,"));
}

static void other_options_are_refused(void **state)
{
    (void)state;
    write_scenario("");
    assert_int_equal(hunt((char *[]){"--property", "F1"}, 2), OD_EXIT_BAD_INPUT);
    assert_int_equal(hunt((char *[]){"--faults", "5"}, 2), OD_EXIT_BAD_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queries_are_explored_to_the_end),
        cmocka_unit_test(a_wrong_answer_is_saved),
        cmocka_unit_test(other_options_are_refused),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
