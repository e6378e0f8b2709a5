/* bench_kernels: the inner loops, one at a time: filter, expression, key hash, row checksum, block encode and decode.
 * Each works on one batch of its fixture's table; its check computes the same in the plainest way. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/expr/evaluate.h"
#include "engine/shuffle/block.h"
#include "engine/world/posix.h"
#include "harness/bench_fixtures.h"
#include "harness/bench_suite.h"

#define KERNEL_ROWS 16384

struct kernel {
    struct od_table *table; /* owned */
    struct od_batch rows;
    struct od_arena plan_arena;  /* the expression */
    struct od_arena batch_arena; /* reset each iteration */
    const struct od_expr *expr;
    int64_t argument;
    uint64_t *hashes;
    struct od_block_codec *codec; /* owned */
    struct od_buffer block;
};

static void kernel_tear_down(void *self)
{
    struct kernel *kernel = self;
    if (kernel == NULL)
        return;
    od_table_free(od_posix_memory(), kernel->table);
    od_arena_release(&kernel->plan_arena);
    od_arena_release(&kernel->batch_arena);
    od_block_codec_free(kernel->codec);
    od_buffer_release(&kernel->block);
    free(kernel->hashes);
    free(kernel);
}

static struct kernel *kernel_set_up(int64_t argument, char *problem)
{
    struct kernel *kernel = calloc(1, sizeof(*kernel));
    if (kernel == NULL) {
        od_bench_problem(problem, "setting up", "no memory");
        return NULL;
    }
    kernel->argument = argument;
    od_arena_init(&kernel->plan_arena, od_posix_memory(), 0);
    od_arena_init(&kernel->batch_arena, od_posix_memory(), 1 << 20);
    od_buffer_init(&kernel->block, od_posix_memory());
    kernel->hashes = calloc(KERNEL_ROWS, sizeof(*kernel->hashes));
    kernel->codec = od_block_codec_new(od_posix_memory(), NULL);
    kernel->table = od_bench_table("kernel", KERNEL_ROWS, 10000, problem);
    if (kernel->table == NULL || kernel->hashes == NULL || kernel->codec == NULL) {
        kernel_tear_down(kernel);
        return NULL;
    }
    kernel->rows = od_table_view(kernel->table);
    return kernel;
}

static uint64_t kernel_items(const void *self)
{
    return ((const struct kernel *)self)->rows.row_count;
}

/* column <function> literal */
static bool make_call(struct kernel *kernel, uint32_t column, enum od_function function, struct od_value literal,
                      char *problem)
{
    struct od_error error = {0};
    const struct od_expr *arguments[2];
    if (od_expr_column(&kernel->plan_arena, &kernel->table->schema, column, &arguments[0], &error) != OD_OK ||
        od_expr_literal(&kernel->plan_arena, &literal, &arguments[1], &error) != OD_OK ||
        od_expr_call(&kernel->plan_arena, function, arguments, 2, &kernel->expr, &error) != OD_OK)
        return od_bench_problem(problem, "building an expression", error.text);
    return true;
}

/* --- filter: id < percent of the rows --- */

static void *filter_set_up(int64_t argument, char *problem)
{
    struct kernel *kernel = kernel_set_up(argument, problem);
    struct od_value bound = {.type = OD_TYPE_INT64, .int64 = KERNEL_ROWS * argument / 100};
    if (kernel != NULL && !make_call(kernel, 0, OD_FUNCTION_LESS, bound, problem)) {
        kernel_tear_down(kernel);
        return NULL;
    }
    return kernel;
}

static bool filter_once(struct kernel *kernel, struct od_selection *selected, char *problem)
{
    struct od_error error = {0};
    const struct od_selection all = {NULL, kernel->rows.row_count};
    od_arena_reset(&kernel->batch_arena);
    if (od_evaluate_filter(kernel->expr, &kernel->rows, &all, &kernel->batch_arena, selected, &error) != OD_OK)
        return od_bench_problem(problem, "filtering", error.text);
    return true;
}

static bool filter_check(void *self, char *problem)
{
    struct kernel *kernel = self;
    struct od_selection selected;
    if (!filter_once(kernel, &selected, problem))
        return false;
    uint32_t expected = (uint32_t)(KERNEL_ROWS * kernel->argument / 100);
    return selected.count == expected || od_bench_problem(problem, "filter", "wrong number of rows");
}

static bool filter_run(void *self, uint64_t iterations, char *problem)
{
    struct od_selection selected;
    bool good = true;
    for (uint64_t i = 0; i < iterations && good; i++)
        good = filter_once(self, &selected, problem);
    return good;
}

/* --- expression: value * 1.5 --- */

static void *arithmetic_set_up(int64_t argument, char *problem)
{
    struct kernel *kernel = kernel_set_up(argument, problem);
    struct od_value factor = {.type = OD_TYPE_FLOAT64, .float64 = 1.5};
    if (kernel != NULL && !make_call(kernel, 2, OD_FUNCTION_MULTIPLY, factor, problem)) {
        kernel_tear_down(kernel);
        return NULL;
    }
    return kernel;
}

static bool arithmetic_once(struct kernel *kernel, struct od_column *column, char *problem)
{
    struct od_error error = {0};
    const struct od_selection all = {NULL, kernel->rows.row_count};
    od_arena_reset(&kernel->batch_arena);
    if (od_evaluate(kernel->expr, &kernel->rows, &all, &kernel->batch_arena, column, &error) != OD_OK)
        return od_bench_problem(problem, "evaluating", error.text);
    return true;
}

static bool arithmetic_check(void *self, char *problem)
{
    struct kernel *kernel = self;
    struct od_column column;
    if (!arithmetic_once(kernel, &column, problem))
        return false;
    for (uint32_t i = 0; i < kernel->rows.row_count; i++) {
        if (od_column_value(&column, i).float64 != od_column_value(&kernel->rows.columns[2], i).float64 * 1.5)
            return od_bench_problem(problem, "arithmetic", "a product is wrong");
    }
    return true;
}

static bool arithmetic_run(void *self, uint64_t iterations, char *problem)
{
    struct od_column column;
    bool good = true;
    for (uint64_t i = 0; i < iterations && good; i++)
        good = arithmetic_once(self, &column, problem);
    return good;
}

/* --- key hash over bigint and text --- */

static void *hash_set_up(int64_t argument, char *problem)
{
    return kernel_set_up(argument, problem);
}

static const uint32_t hash_columns[] = {1, 3};

/* Equal keys must hash alike and nearly all different ones apart. */
static bool hash_check(void *self, char *problem)
{
    struct kernel *kernel = self;
    od_batch_hash_keys(&kernel->rows, hash_columns, 2, kernel->hashes);
    uint32_t collisions = 0;
    for (uint32_t i = 1; i < kernel->rows.row_count; i++) {
        struct od_value left = od_column_value(&kernel->rows.columns[1], i - 1);
        struct od_value right = od_column_value(&kernel->rows.columns[1], i);
        bool equal = left.is_null == right.is_null && (left.is_null || left.int64 == right.int64);
        if (equal && !left.is_null && kernel->hashes[i - 1] != kernel->hashes[i])
            return od_bench_problem(problem, "hash", "equal keys hash apart");
        collisions += !equal && kernel->hashes[i - 1] == kernel->hashes[i];
    }
    return collisions == 0 || od_bench_problem(problem, "hash", "different keys collide");
}

static bool hash_run(void *self, uint64_t iterations, char *problem)
{
    struct kernel *kernel = self;
    (void)problem;
    for (uint64_t i = 0; i < iterations; i++)
        od_batch_hash_keys(&kernel->rows, hash_columns, 2, kernel->hashes);
    return true;
}

/* --- blocks --- */

static const struct od_block_id bench_block_id = {1, 0, 0, 0, 0, 0};

static bool encode_once(struct kernel *kernel, char *problem)
{
    struct od_error error = {0};
    struct od_block_info info;
    od_buffer_reset(&kernel->block);
    if (od_block_encode(kernel->codec, &kernel->rows, &bench_block_id, (enum od_codec)(kernel->argument - 1), &kernel->block,
                        &info, &error) != OD_OK)
        return od_bench_problem(problem, "encoding", error.text);
    return true;
}

static bool decode_once(struct kernel *kernel, struct od_batch *rows, char *problem)
{
    struct od_error error = {0};
    struct od_block_info info;
    od_arena_reset(&kernel->batch_arena);
    if (od_block_decode(kernel->codec, kernel->block.bytes, kernel->block.size, &kernel->table->schema, &bench_block_id,
                        &kernel->batch_arena, rows, &info, &error) != OD_OK)
        return od_bench_problem(problem, "decoding", error.text);
    return true;
}

static bool block_check(void *self, char *problem)
{
    struct kernel *kernel = self;
    struct od_batch rows;
    if (!encode_once(kernel, problem) || !decode_once(kernel, &rows, problem))
        return false;
    struct od_hash128 written = od_batch_checksum(&kernel->rows);
    struct od_hash128 read = od_batch_checksum(&rows);
    return (written.low == read.low && written.high == read.high) ||
           od_bench_problem(problem, "block", "other rows came back");
}

static bool encode_run(void *self, uint64_t iterations, char *problem)
{
    bool good = true;
    for (uint64_t i = 0; i < iterations && good; i++)
        good = encode_once(self, problem);
    return good;
}

static bool decode_run(void *self, uint64_t iterations, char *problem)
{
    struct od_batch rows;
    bool good = true;
    for (uint64_t i = 0; i < iterations && good; i++)
        good = decode_once(self, &rows, problem);
    return good;
}

static const struct od_bench kernels[] = {
    {"kernel/filter", "a comparison on 16,384 rows, by share of rows kept", "percent", {1, 50, 99}, filter_set_up,
     filter_check, filter_run, kernel_tear_down, kernel_items, NULL},
    {"kernel/arithmetic", "a product of doubles on 16,384 rows", NULL, {0}, arithmetic_set_up, arithmetic_check,
     arithmetic_run, kernel_tear_down, kernel_items, NULL},
    {"kernel/hash_keys", "hashes of a bigint and a text key on 16,384 rows", NULL, {0}, hash_set_up, hash_check, hash_run,
     kernel_tear_down, kernel_items, NULL},
    {"kernel/block_encode", "a block of 16,384 rows written; codec 1 stored, 2 zstd", "codec", {1, 2}, hash_set_up,
     block_check, encode_run, kernel_tear_down, kernel_items, NULL},
    {"kernel/block_decode", "a block of 16,384 rows checked and read; codec 1 stored, 2 zstd", "codec", {1, 2},
     hash_set_up, block_check, decode_run, kernel_tear_down, kernel_items, NULL},
};
const struct od_bench_list od_bench_kernels = {kernels, sizeof(kernels) / sizeof(kernels[0])};
