// bench_shim: see bench_shim.h. Registers C functions with Google Benchmark and hands its options through.
#include "harness/bench_shim.h"

#include <benchmark/benchmark.h>

#include <cstdio>
#include <fstream>
#include <iostream>
#include <regex>
#include <string>
#include <vector>

namespace
{

uint32_t failed_count;

void fail(benchmark::State &state, const char *problem)
{
    failed_count++;
    state.SkipWithError(problem[0] == '\0' ? "failed" : problem);
}

void measure(benchmark::State &state, const od_bench *bench, int64_t argument)
{
    char problem[OD_BENCH_PROBLEM_BYTES] = "";
    void *fixture = bench->set_up(argument, problem);
    if (fixture == nullptr) {
        fail(state, problem);
        return;
    }
    if (!bench->check(fixture, problem)) {
        fail(state, problem);
    } else {
        uint64_t iterations = state.max_iterations;
        uint64_t virtual_before = bench->virtual_ns == nullptr ? 0 : bench->virtual_ns(fixture);
        bool good = true;
        while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(iterations)))
            good = good && bench->run(fixture, iterations, problem);
        if (!good)
            fail(state, problem);
        state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * bench->items(fixture)));
        if (bench->virtual_ns != nullptr)
            state.counters["virtual"] = benchmark::Counter(
                static_cast<double>(bench->virtual_ns(fixture) - virtual_before) / 1e9, benchmark::Counter::kIsRate);
    }
    bench->tear_down(fixture);
}

std::string full_name(const od_bench &bench, int64_t argument)
{
    std::string name = bench.name;
    if (bench.argument_name != nullptr)
        name += std::string("/") + bench.argument_name + ":" + std::to_string(argument);
    return name;
}

int register_matching(const od_bench *benches, uint32_t bench_count, const od_bench_options *options,
                      const std::regex &filter)
{
    int count = 0;
    for (uint32_t i = 0; i < bench_count; i++) {
        const od_bench *bench = &benches[i];
        int argument_count = bench->argument_name == nullptr ? 1 : OD_BENCH_ARGUMENTS_MAX;
        for (int j = 0; j < argument_count; j++) {
            int64_t argument = bench->arguments[j];
            std::string name = full_name(*bench, argument);
            if ((bench->argument_name != nullptr && argument == 0) || !std::regex_search(name, filter))
                continue;
            count++;
            if (options->list_only) {
                std::printf("%-36s %s\n", name.c_str(), bench->sentence);
                continue;
            }
            auto body = [bench, argument](benchmark::State &state) { measure(state, bench, argument); };
            auto *registered = benchmark::RegisterBenchmark(name.c_str(), body);
            if (options->repetitions > 1)
                registered->Repetitions(static_cast<int>(options->repetitions));
        }
    }
    return count;
}

} // namespace

int od_bench_run(const struct od_bench *benches, uint32_t bench_count, const struct od_bench_options *options,
                 uint32_t *failed_out, char *problem)
{
    *failed_out = 0;
    failed_count = 0;
    int count;
    try {
        std::regex filter(options->filter == nullptr ? "" : options->filter);
        benchmark::ClearRegisteredBenchmarks();
        count = register_matching(benches, bench_count, options, filter);
    } catch (const std::regex_error &) {
        std::snprintf(problem, OD_BENCH_PROBLEM_BYTES, "--filter %s: expected a regular expression", options->filter);
        return -1;
    }
    if (options->list_only || count == 0)
        return count;
    std::vector<std::string> words = {"ordeal", "--benchmark_min_time=" + std::to_string(options->seconds)};
    if (options->out_path != nullptr) {
        std::ofstream probe(options->out_path, std::ios::app);
        if (!probe) {
            std::snprintf(problem, OD_BENCH_PROBLEM_BYTES, "--out %.120s: can't be written", options->out_path);
            return -1;
        }
        words.push_back(std::string("--benchmark_out=") + options->out_path);
        words.push_back("--benchmark_out_format=json");
    }
    std::vector<char *> argv;
    for (std::string &word : words)
        argv.push_back(&word[0]);
    int argc = static_cast<int>(argv.size());
    benchmark::Initialize(&argc, argv.data());
    benchmark::ConsoleReporter console(benchmark::ConsoleReporter::OO_Tabular);
    benchmark::JSONReporter json;
    benchmark::BenchmarkReporter *display = options->json_on_stdout ? static_cast<benchmark::BenchmarkReporter *>(&json)
                                                                    : &console;
    benchmark::RunSpecifiedBenchmarks(display);
    benchmark::Shutdown();
    *failed_out = failed_count;
    return count;
}
