/* op_fixture: for tests of operators: rows from short text, inputs that stall, trees run to their end.
 *
 *   "1 2.5 a|2 null b"  ->  rows  ->  source (an exchange input)  ->  the tree under test  ->  collected rows
 *
 * An input can be told to answer BLOCKED and AGAIN between its batches and to fail at its n-th call, so every
 * test also sees resumption. What inputs hold comes from the C heap; the operators' memory is the test's. A disk in memory,
 * of which each call can fail, takes what operators spill; that nothing stays there is checked after each run. */
#ifndef OD_OP_OP_FIXTURE_H
#define OD_OP_OP_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "engine/core/random.h"
#include "engine/core/sweep.h"
#include "engine/op/op.h"
#include "engine/shuffle/block.h"

#define FIXTURE_INPUTS 2

struct fixture_source {
    struct od_batch rows[FIXTURE_INPUTS];
    uint32_t next_row[FIXTURE_INPUTS];
    struct od_batch slice[FIXTURE_INPUTS];
    struct od_arena slice_arena[FIXTURE_INPUTS];
    uint32_t batch_rows;
    bool stalls; /* BLOCKED, AGAIN and an empty batch before each batch */
    uint32_t call_count;
    uint32_t fail_at; /* UINT32_MAX: never */
};

static inline void fixture_source_init(struct fixture_source *source, uint32_t batch_rows)
{
    *source = (struct fixture_source){.batch_rows = batch_rows, .fail_at = UINT32_MAX};
    for (uint32_t i = 0; i < FIXTURE_INPUTS; i++)
        od_arena_init(&source->slice_arena[i], od_heap_for_tests(), 0);
}

static inline void fixture_source_release(struct fixture_source *source)
{
    for (uint32_t i = 0; i < FIXTURE_INPUTS; i++)
        od_arena_release(&source->slice_arena[i]);
}

static inline enum od_step fixture_next(void *self, uint32_t input, const struct od_batch **batch_out,
                                        struct od_error *error)
{
    struct fixture_source *source = self;
    uint32_t call = source->call_count++;
    uint32_t left = source->rows[input].row_count - source->next_row[input];
    uint32_t count = left < source->batch_rows ? left : source->batch_rows;
    if (call == source->fail_at) {
        od_fail(error, OD_IO, "the fixture fails");
        return OD_STEP_FAILED;
    }
    if (source->stalls && call % 4 < 2)
        return call % 4 == 0 ? OD_STEP_BLOCKED : OD_STEP_AGAIN;
    if (source->stalls && call % 4 == 2)
        count = 0;
    else if (count == 0)
        return OD_STEP_DONE;
    /* The old batch is gone, as the contract says: sanitizers see who still looks at it. */
    od_arena_reset(&source->slice_arena[input]);
    assert_int_equal(od_batch_slice(&source->slice_arena[input], &source->rows[input],
                                    source->next_row[input], count, &source->slice[input], NULL),
                     OD_OK);
    source->next_row[input] += count;
    *batch_out = &source->slice[input];
    return OD_STEP_OUTPUT;
}

/* --- rows ----------------------------------------------------------------------------------------------- */

/* Types of a schema by letter: b boolean, i bigint, f double precision, t text, s timestamp, d date, j integer,
 * n numeric. */
static inline struct od_schema fixture_schema(struct od_arena *arena, const char *letters)
{
    static const char all[] = "biftsdjn"; /* in the order of enum od_type */
    struct od_schema schema = {.field_count = (uint32_t)strlen(letters)};
    schema.fields = od_arena_take_array(arena, schema.field_count, sizeof(*schema.fields));
    assert_non_null(schema.fields);
    for (uint32_t i = 0; i < schema.field_count; i++)
        schema.fields[i] = (struct od_field){.name = od_arena_print(arena, "c%u", i),
                                             .type = (enum od_type)(strchr(all, letters[i]) - all),
                                             .nullable = true};
    return schema;
}

static inline void fixture_append_cell(struct od_batch_builder *builder, uint32_t column, const char *cell,
                                       uint32_t size)
{
    struct od_value value = {.type = builder->schema->fields[column].type, .is_null = true};
    if (size != 4 || memcmp(cell, "null", 4) != 0)
        assert_true(od_value_parse(value.type, cell, size, &value));
    assert_int_equal(od_batch_builder_append(builder, column, &value, NULL), OD_OK);
}

/* Appends "1 2.5 a|2 null b". */
static inline void fixture_append_text(struct od_batch_builder *builder, const char *text)
{
    while (*text != '\0') {
        for (uint32_t i = 0; i < builder->schema->field_count; i++) {
            uint32_t size = (uint32_t)strcspn(text, " |");
            fixture_append_cell(builder, i, text, size);
            text += size + (text[size] != '\0');
        }
        od_batch_builder_end_row(builder);
    }
}

/* A builder on the C heap; release it. */
static inline struct od_batch_builder fixture_rows(const struct od_schema *schema, const char *text)
{
    struct od_batch_builder builder;
    assert_int_equal(od_batch_builder_init(&builder, od_heap_for_tests(), schema, NULL), OD_OK);
    fixture_append_text(&builder, text);
    return builder;
}

static inline struct od_value fixture_drawn(struct od_random *draws, enum od_type type, uint32_t range)
{
    static const double doubles[] = {
        0.0, -0.0, 1.5, -2.25, (double)__builtin_nanf(""), (double)__builtin_inff(), 1e10};
    static const char texts[] = "aabcab";
    struct od_value value = {.type = type, .is_null = od_random_chance(draws, 1, 6)};
    if (value.is_null)
        return value;
    switch (type) {
    case OD_TYPE_BOOLEAN:
        value.boolean = od_random_below(draws, 2);
        break;
    case OD_TYPE_FLOAT64:
        value.float64 = doubles[od_random_below(draws, 7)];
        break;
    case OD_TYPE_DECIMAL: /* equal numbers of different scales among them */
        value.decimal = od_decimal_make(od_random_between(draws, -(int64_t)range, range) * 50, 1);
        if (od_random_chance(draws, 1, 2))
            value.decimal = od_decimal_make(od_decimal_coefficient(&value.decimal) * 10, 2);
        break;
    case OD_TYPE_TEXT:
        value.text.bytes = texts + od_random_below(draws, 3);
        value.text.size = (uint32_t)od_random_below(draws, 4);
        break;
    default:
        value.int64 = od_random_between(draws, -(int64_t)range, range);
        break;
    }
    return value;
}

/* Rows with few different values, so that there are many duplicates, NULLs and special numbers. */
static inline struct od_batch_builder fixture_drawn_rows(const struct od_schema *schema,
                                                         struct od_random *draws, uint32_t row_count,
                                                         uint32_t range)
{
    struct od_batch_builder builder;
    assert_int_equal(od_batch_builder_init(&builder, od_heap_for_tests(), schema, NULL), OD_OK);
    for (uint32_t row = 0; row < row_count; row++) {
        for (uint32_t i = 0; i < schema->field_count; i++) {
            struct od_value value = fixture_drawn(draws, schema->fields[i].type, range);
            assert_int_equal(od_batch_builder_append(&builder, i, &value, NULL), OD_OK);
        }
        od_batch_builder_end_row(&builder);
    }
    return builder;
}

static inline int fixture_compare_rows(const struct od_batch *left, uint32_t left_row,
                                       const struct od_batch *right, uint32_t right_row)
{
    assert_int_equal(left->schema->field_count, right->schema->field_count);
    for (uint32_t i = 0; i < left->schema->field_count; i++) {
        struct od_value a = od_column_value(&left->columns[i], left_row);
        struct od_value b = od_column_value(&right->columns[i], right_row);
        int order = od_value_compare_total(&a, &b);
        if (order != 0)
            return order;
    }
    return 0;
}

static inline void fixture_print(const char *title, const struct od_batch *batch)
{
    struct od_buffer text;
    od_buffer_init(&text, od_heap_for_tests());
    for (uint32_t row = 0; row < batch->row_count && row < 40; row++) {
        for (uint32_t i = 0; i < batch->schema->field_count; i++) {
            struct od_value value = od_column_value(&batch->columns[i], row);
            if (value.is_null)
                od_buffer_append_text(&text, "null");
            od_value_print(&value, &text);
            od_buffer_append_text(&text, i + 1 == batch->schema->field_count ? "\n" : " ");
        }
    }
    print_error("%s: %u rows\n%s", title, batch->row_count, od_buffer_text(&text));
    od_buffer_release(&text);
}

/* Equal rows in equal order, to the bit. */
static inline void fixture_assert_equal(struct od_batch_builder *actual, struct od_batch_builder *expected)
{
    struct od_batch left = od_batch_builder_view(actual);
    struct od_batch right = od_batch_builder_view(expected);
    bool equal = left.row_count == right.row_count;
    for (uint32_t row = 0; equal && row < left.row_count; row++)
        equal = fixture_compare_rows(&left, row, &right, row) == 0;
    if (!equal) {
        fixture_print("actual", &left);
        fixture_print("expected", &right);
    }
    assert_true(equal);
}

/* Replaces the rows by themselves in order of od_value_compare_total: for comparing as a multiset. */
static inline void fixture_sort(struct od_batch_builder *builder)
{
    struct od_batch batch = od_batch_builder_view(builder);
    struct od_batch_builder sorted;
    uint32_t *rows = calloc(batch.row_count + 1, sizeof(*rows));
    for (uint32_t i = 0; i < batch.row_count; i++) {
        uint32_t hole = i;
        for (; hole > 0 && fixture_compare_rows(&batch, rows[hole - 1], &batch, i) > 0; hole--)
            rows[hole] = rows[hole - 1];
        rows[hole] = i;
    }
    assert_int_equal(od_batch_builder_init(&sorted, od_heap_for_tests(), builder->schema, NULL), OD_OK);
    assert_int_equal(od_batch_builder_append_rows(&sorted, &batch, rows, 0, batch.row_count, NULL), OD_OK);
    od_batch_builder_release(builder);
    *builder = sorted;
    free(rows);
}

/* --- disk ----------------------------------------------------------------------------------------------- */

#define FIXTURE_FILES 512

struct od_file {
    char name[48];
    uint8_t *bytes;
    uint64_t size;
    bool is_open;
};
struct fixture_disk {
    struct od_file files[FIXTURE_FILES]; /* used: a name */
    uint32_t call_count;                 /* of create, read and write */
    uint32_t fail_at;                    /* UINT32_MAX: never */
};

static inline enum od_status fixture_disk_call(struct fixture_disk *disk, struct od_error *error)
{
    return disk->call_count++ == disk->fail_at ? od_fail(error, OD_IO, "the fixture's disk fails") : OD_OK;
}

static inline enum od_status fixture_create(void *self, const char *name, struct od_file **file_out,
                                            struct od_error *error)
{
    struct fixture_disk *disk = self;
    uint32_t i = 0;
    *file_out = NULL;
    while (i < FIXTURE_FILES && disk->files[i].name[0] != '\0')
        assert_string_not_equal(disk->files[i++].name, name);
    assert_true(i < FIXTURE_FILES && strlen(name) < sizeof(disk->files[i].name));
    if (fixture_disk_call(disk, error) != OD_OK)
        return OD_IO;
    strcpy(disk->files[i].name, name);
    disk->files[i].is_open = true;
    *file_out = &disk->files[i];
    return OD_OK;
}

static inline enum od_status fixture_write(void *self, struct od_file *file, uint64_t offset, const void *bytes,
                                           size_t size, struct od_error *error)
{
    assert_true(file->is_open);
    assert_int_equal(offset, file->size);
    if (fixture_disk_call(self, error) != OD_OK)
        return OD_IO;
    file->bytes = realloc(file->bytes, file->size + size);
    memcpy(file->bytes + offset, bytes, size);
    file->size += size;
    return OD_OK;
}

static inline enum od_status fixture_read(void *self, struct od_file *file, uint64_t offset, void *bytes, size_t size,
                                          struct od_error *error)
{
    assert_true(file->is_open && offset + size <= file->size);
    if (fixture_disk_call(self, error) != OD_OK)
        return OD_IO;
    memcpy(bytes, file->bytes + offset, size);
    return OD_OK;
}

static inline void fixture_close(void *self, struct od_file *file)
{
    (void)self;
    if (file != NULL)
        file->is_open = false;
}

static inline enum od_status fixture_remove(void *self, const char *name, struct od_error *error)
{
    struct fixture_disk *disk = self;
    (void)error;
    for (uint32_t i = 0; i < FIXTURE_FILES; i++) {
        if (strcmp(disk->files[i].name, name) != 0)
            continue;
        assert_false(disk->files[i].is_open);
        free(disk->files[i].bytes);
        disk->files[i] = (struct od_file){0};
    }
    return OD_OK;
}

static inline struct od_disk fixture_disk_of(struct fixture_disk *disk)
{
    static const struct od_disk_ops ops = {.create = fixture_create,
                                           .write = fixture_write,
                                           .read = fixture_read,
                                           .close = fixture_close,
                                           .remove = fixture_remove};
    return (struct od_disk){.ops = disk == NULL ? NULL : &ops, .self = disk};
}

/* --- running -------------------------------------------------------------------------------------------- */

#define FIXTURE_OPERATORS 64

struct fixture_run {
    const struct od_physical *node;
    struct od_memory *memory; /* NULL: the C heap */
    struct fixture_source *source;
    uint32_t batch_rows;
    uint32_t task_index;
    uint32_t task_count; /* 0: 1 */
    uint64_t operator_bytes_max;
    struct fixture_disk *disk; /* NULL: nothing can spill */
    uint64_t hash_bits_off;
    uint64_t task_bytes_max;
    uint64_t spilled_bytes;
    uint64_t peak_bytes;
    uint32_t spill_run_count;
    uint64_t scanned_rows;
    uint64_t step_count;
    uint64_t blocked_count;
    struct od_op_metrics *metrics; /* FIXTURE_OPERATORS of them, filled at the end; NULL: nobody asks */
};

static inline uint64_t fixture_tick(void *self)
{
    return ++*(uint64_t *)self;
}

/* What the operators say they did must agree with what was seen of them. */
static inline void fixture_check_metrics(const struct od_op *op, const struct fixture_run *run, uint64_t ticks,
                                         const struct od_op_account *account, uint32_t row_count)
{
    struct od_op_metrics own[FIXTURE_OPERATORS];
    struct od_op_metrics *list = run->metrics == NULL ? own : run->metrics;
    uint32_t count = od_physical_count(run->node);
    uint64_t spilled_bytes = 0;
    uint64_t time_ns = 0;
    assert_true(count <= FIXTURE_OPERATORS);
    od_op_metrics(op, list);
    assert_int_equal(list[0].rows, row_count);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(list[i].batches > 0, list[i].rows > 0);
        assert_true(list[i].batches <= list[i].rows);
        assert_true(list[i].peak_bytes <= account->peak_bytes);
        assert_true(list[i].time_ns < ticks);
        spilled_bytes += list[i].spilled_bytes;
        time_ns += list[i].time_ns;
    }
    assert_true(time_ns > 0);
    assert_true(time_ns < ticks);
    assert_int_equal(spilled_bytes, account->spilled_bytes);
}

/* Collects every output row in `collected` (an initialised builder on the heap; emptied first). The end must
 * be for ever. */
static inline enum od_status fixture_run_to_end(struct fixture_run *run, struct od_block_codec *codec,
                                                struct od_batch_builder *collected, struct od_error *error)
{
    struct od_op_account account = {.operator_bytes_max = run->operator_bytes_max,
                                    .task_bytes_max = run->task_bytes_max};
    uint64_t ticks = 0;
    struct od_op_env env = {.memory = run->memory == NULL ? od_heap_for_tests() : run->memory,
                            .clock = {fixture_tick, &ticks},
                            .source = {.next = fixture_next, .self = run->source},
                            .task_index = run->task_index,
                            .task_count = run->task_count == 0 ? 1 : run->task_count,
                            .batch_rows = run->batch_rows,
                            .account = &account,
                            .disk = fixture_disk_of(run->disk),
                            .codec = codec,
                            .spill_name = "spill",
                            .hash_bits_off = run->hash_bits_off};
    struct od_op *op;
    struct od_error first = {0};
    struct od_error second = {0};
    od_batch_builder_reset(collected);
    enum od_status status = od_op_new(run->node, &env, &op, &first);
    enum od_step step = OD_STEP_AGAIN;
    while (status == OD_OK && step != OD_STEP_DONE) {
        const struct od_batch *batch;
        step = od_op_step(op, &batch, &first);
        run->step_count++;
        run->blocked_count += step == OD_STEP_BLOCKED;
        if (step == OD_STEP_OUTPUT) {
            assert_true(batch->row_count > 0);
            assert_true(batch->row_count <= run->batch_rows);
            assert_int_equal(od_batch_builder_append_rows(collected, batch, NULL, 0, batch->row_count, NULL),
                             OD_OK);
        }
        if (step == OD_STEP_FAILED)
            status = first.status;
        if (step == OD_STEP_DONE || step == OD_STEP_FAILED) {
            assert_int_equal(od_op_step(op, &batch, &second), step);
            assert_string_equal(first.text, second.text);
            assert_null(batch);
        }
    }
    if (op == NULL)
        assert_int_not_equal(status, OD_OK);
    else
        fixture_check_metrics(op, run, ticks, &account, collected->row_count);
    od_op_free(op);
    assert_int_equal(account.held_bytes, 0);
    run->spilled_bytes = account.spilled_bytes;
    run->scanned_rows = account.scanned_rows;
    run->peak_bytes = account.peak_bytes;
    run->spill_run_count = account.run_count;
    if (error != NULL)
        *error = first;
    return status;
}

static inline enum od_status fixture_run(struct fixture_run *run, struct od_batch_builder *collected,
                                         struct od_error *error)
{
    struct od_block_codec *codec = run->disk == NULL ? NULL : od_block_codec_new(od_heap_for_tests(), NULL);
    enum od_status status = fixture_run_to_end(run, codec, collected, error);
    for (uint32_t i = 0; run->disk != NULL && i < FIXTURE_FILES; i++)
        assert_string_equal(run->disk->files[i].name, "");
    od_block_codec_free(codec);
    return status;
}

/* An input of a tree: reads source input `index`. */
static inline struct od_physical fixture_reader(const struct od_schema *schema, uint32_t index)
{
    return (struct od_physical){
        .kind = OD_PHYSICAL_EXCHANGE_READ, .schema = *schema, .exchange = {.input_index = index}};
}

/* --- sweeps --------------------------------------------------------------------------------------------- */

struct fixture_sweep {
    struct fixture_run run;
    struct od_batch_builder *expected;
};

static inline enum od_status fixture_sweep_body(struct od_memory *memory, void *context)
{
    struct fixture_sweep *sweep = context;
    struct fixture_run run = sweep->run;
    struct od_batch_builder collected;
    run.memory = memory;
    if (run.source != NULL)
        memset(run.source->next_row, 0, sizeof(run.source->next_row));
    assert_int_equal(od_batch_builder_init(&collected, od_heap_for_tests(), &run.node->schema, NULL), OD_OK);
    enum od_status status = fixture_run(&run, &collected, NULL);
    if (status == OD_OK)
        fixture_assert_equal(&collected, sweep->expected);
    od_batch_builder_release(&collected);
    return status;
}

/* Refuses every allocation of the tree in turn; `expected` is its right answer. */
static inline void fixture_sweep(const struct fixture_run *run, struct od_batch_builder *expected)
{
    struct fixture_sweep sweep = {.run = *run, .expected = expected};
    assert_true(od_sweep(fixture_sweep_body, &sweep) > 1);
}

/* Fails each call of the disk in turn, of which there must be some: the failure must come out, and nothing else. */
static inline void fixture_fail_each_disk_call(const struct fixture_run *run, struct od_batch_builder *expected)
{
    struct fixture_sweep sweep = {.run = *run, .expected = expected};
    enum od_status status = OD_IO;
    for (uint32_t call = 0; status != OD_OK; call++) {
        run->disk->fail_at = call;
        run->disk->call_count = 0;
        run->source->call_count = 0;
        status = fixture_sweep_body(od_heap_for_tests(), &sweep);
        assert_true(status == OD_OK || status == OD_IO);
        assert_true(status == OD_IO || call > 0);
    }
    run->disk->fail_at = UINT32_MAX;
}

/* Fails each call of the source in turn: the failure must come out, and nothing else. */
static inline void fixture_fail_each_call(const struct fixture_run *run)
{
    struct od_batch_builder collected;
    enum od_status status = OD_IO;
    assert_int_equal(od_batch_builder_init(&collected, od_heap_for_tests(), &run->node->schema, NULL), OD_OK);
    for (uint32_t call = 0; status != OD_OK; call++) {
        struct fixture_run again = *run;
        struct od_error error;
        run->source->fail_at = call;
        run->source->call_count = 0;
        memset(run->source->next_row, 0, sizeof(run->source->next_row));
        status = fixture_run(&again, &collected, &error);
        assert_true(status == OD_OK || (status == OD_IO && strcmp(error.text, "the fixture fails") == 0));
        assert_true(status == OD_OK ? run->source->call_count <= call : run->source->call_count == call + 1);
    }
    run->source->fail_at = UINT32_MAX;
    od_batch_builder_release(&collected);
}

#endif
