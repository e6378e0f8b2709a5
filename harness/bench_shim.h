/* bench_shim: Google Benchmark 1.7.1 from C. The only C++ of the project is bench_shim.cc.
 *
 *   od_bench (a table row) --od_bench_run--> registered with each of its arguments -> measured -> console and JSON
 *
 * The C body runs all iterations of a measurement in one call, so nothing of the shim is timed per iteration. Before it is timed, a
 * benchmark's answer is checked: fast but wrong is an error, in the output and in the exit status. */
#ifndef OD_HARNESS_BENCH_SHIM_H
#define OD_HARNESS_BENCH_SHIM_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define OD_BENCH_ARGUMENTS_MAX 8

struct od_bench {
    const char *name; /* "kernel/filter"; the argument is appended as "/50" */
    const char *sentence;
    const char *argument_name; /* "rows", "percent"; NULL: takes no argument */
    int64_t arguments[OD_BENCH_ARGUMENTS_MAX]; /* ends with 0, or full */
    /* Untimed. What the body works on, or NULL with `problem` (size 200) filled. */
    void *(*set_up)(int64_t argument, char *problem);
    /* Untimed, before the measurement: is the answer right? False with `problem` filled. Must not be NULL. */
    bool (*check)(void *fixture, char *problem);
    /* Timed: does the work `iterations` times. False with `problem` filled. */
    bool (*run)(void *fixture, uint64_t iterations, char *problem);
    void (*tear_down)(void *fixture); /* NULL fixture is fine */
    /* Rows (or cases) that one iteration handles: items a second in the output. */
    uint64_t (*items)(const void *fixture);
    /* Of simulations, in all iterations so far: "virtual" in the output, seconds a second. NULL: nothing is simulated. */
    uint64_t (*virtual_ns)(const void *fixture);
};
#define OD_BENCH_PROBLEM_BYTES 200

struct od_bench_options {
    const char *filter;   /* regular expression over names; NULL: all */
    const char *out_path; /* Google Benchmark's JSON; NULL: none */
    double seconds;       /* least time a measurement */
    uint32_t repetitions;
    bool json_on_stdout;  /* the console output goes to standard error then */
    bool list_only;
};

/* Runs the benchmarks that match. Returns how many ran; *failed_out counts those whose answer or run was wrong; -1: the filter is no
 * regular expression or the file can't be written (`problem` says so). */
int od_bench_run(const struct od_bench *benches, uint32_t bench_count, const struct od_bench_options *options,
                 uint32_t *failed_out, char *problem);

#ifdef __cplusplus
}
#endif

#endif
