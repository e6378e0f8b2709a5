/* command_bench: `ordeal bench`: the benchmark suite, answers checked before anything is timed. */
#include <stdio.h>
#include <string.h>

#include "harness/bench_suite.h"
#include "harness/commands.h"
#include "harness/engines.h"
#include "harness/exit_status.h"

/* How long and how often, by --mode. */
static const struct {
    const char *name;
    double seconds;
    uint32_t repetitions;
} modes[] = {{"basic", 0.2, 1}, {"enhanced", 0.5, 5}, {"production", 1.0, 15}};

static int run(const struct od_arguments *arguments)
{
    static const char *const mode_names[] = {"basic", "enhanced", "production", NULL};
    struct od_error error = {0};
    struct od_bench benches[OD_BENCHES_MAX];
    uint32_t mode = 0;
    uint32_t failed = 0;
    char problem[OD_BENCH_PROBLEM_BYTES] = "";
    if (od_engine_check(od_arguments_text(arguments, "engine", "ref"), &error) != OD_OK ||
        od_arguments_choice(arguments, "mode", mode_names, &mode, &error) != OD_OK)
        return od_exit_with(&error);
    const struct od_bench_options options = {
        .filter = od_arguments_text(arguments, "filter", NULL),
        .out_path = od_arguments_text(arguments, "out", NULL),
        .seconds = modes[mode].seconds,
        .repetitions = modes[mode].repetitions,
        .json_on_stdout = od_arguments_has(arguments, "json"),
        .list_only = od_arguments_has(arguments, "list"),
    };
    int count = od_bench_run(benches, od_bench_suite(benches), &options, &failed, problem);
    if (count < 0) {
        fprintf(stderr, "error: ordeal bench: %s\n", problem);
        return OD_EXIT_BAD_INPUT;
    }
    if (count == 0) {
        fprintf(stderr, "error: ordeal bench: --filter %s matches no benchmark; `ordeal bench --list` shows them\n",
                options.filter);
        return OD_EXIT_BAD_INPUT;
    }
    if (failed > 0)
        fprintf(stderr, "error: %u benchmark%s gave a wrong answer or failed\n", failed, failed == 1 ? "" : "s");
    return failed > 0 ? OD_EXIT_FAILED : OD_EXIT_HELD;
}

static const struct od_option options[] = {
    {"filter", "RE", "only benchmarks whose name matches this regular expression", false},
    {"engine", "E", "ref, the reference engine", false},
    {"mode", "M", "basic (default, a minute), enhanced or production: longer and repeated", false},
    {"out", "FILE.json", "also write Google Benchmark's JSON", false},
    {"json", NULL, "JSON on standard output instead of a table", false},
    {"list", NULL, "list the benchmarks instead of running them", false},
    {NULL, NULL, NULL, false},
};
const struct od_command od_command_bench = {
    .name = "bench",
    .sentence = "runs the benchmark suite; every answer is checked before it is timed",
    .more = "example: ordeal bench --filter operator --out results.json",
    .options = options,
    .run = run,
};
