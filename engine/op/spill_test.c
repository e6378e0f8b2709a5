/* Goal: what a run was given comes back, in order, as often as it is asked for; other bytes come back as
 * CORRUPT. Method: drawn rows of all types go through runs of several blocks, whole and by row number, and
 * are compared with themselves; the disk's calls are failed, its bytes changed, its blocks swapped;
 * allocations are refused. */
#include "engine/op/op_fixture.h"
#include "engine/op/op_base.h"
#include "engine/op/spill.h"

static struct od_arena plan_arena;
static struct fixture_disk disk;

struct bench {
    struct od_schema schema;
    struct od_batch_builder rows;
    struct od_batch_builder expected; /* rows, then every second of them */
    struct od_block_codec *codec;
    struct od_op_account account;
    bool damages;
};

static int set_up(void **state)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    struct od_stream stream;
    od_arena_init(&plan_arena, od_heap_for_tests(), 0);
    disk.fail_at = UINT32_MAX;
    od_stream_init(&stream, 7, "spill");
    bench->schema = fixture_schema(&plan_arena, "biftsdjn");
    bench->rows = fixture_drawn_rows(&bench->schema, &stream.random, 101, 50);
    bench->expected = fixture_rows(&bench->schema, "");
    bench->codec = od_block_codec_new(od_heap_for_tests(), NULL);
    struct od_batch all = od_batch_builder_view(&bench->rows);
    assert_int_equal(od_batch_builder_append_rows(&bench->expected, &all, NULL, 0, 101, NULL), OD_OK);
    for (uint32_t row = 0; row < 101; row += 2)
        assert_int_equal(od_batch_builder_append_rows(&bench->expected, &all, &row, 0, 1, NULL), OD_OK);
    *state = bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;
    od_batch_builder_release(&bench->rows);
    od_batch_builder_release(&bench->expected);
    od_block_codec_free(bench->codec);
    od_arena_release(&plan_arena);
    free(bench);
    return 0;
}

static struct od_op_env make_env(struct bench *bench, struct od_memory *memory)
{
    bench->account.run_count = 0;
    return (struct od_op_env){.memory = memory,
                              .batch_rows = 20,
                              .account = &bench->account,
                              .disk = fixture_disk_of(&disk),
                              .codec = bench->codec,
                              .spill_name = "run"};
}

static enum od_status write_run(struct bench *bench, struct od_spill_run *run)
{
    struct od_batch all = od_batch_builder_view(&bench->rows);
    uint32_t even[51];
    for (uint32_t i = 0; i < 51; i++)
        even[i] = 2 * i;
    OD_TRY(od_spill_run_append(run, &all, NULL, 101, NULL));
    OD_TRY(od_spill_run_append(run, &all, even, 0, NULL));
    return od_spill_run_append(run, &all, even, 51, NULL);
}

static enum od_status read_run(struct bench *bench, struct od_spill_run *run)
{
    struct od_batch_builder collected = fixture_rows(&bench->schema, "");
    const struct od_batch *batch = NULL;
    enum od_status status = od_spill_run_rewind(run, NULL);
    if (bench->damages)
        for (uint32_t i = 0; i < FIXTURE_FILES; i++)
            if (disk.files[i].size > 200)
                disk.files[i].bytes[disk.files[i].size / 2] ^= 1;
    do {
        if (status == OD_OK)
            status = od_spill_run_next(run, &batch, NULL);
        if (status == OD_OK && batch != NULL)
            assert_int_equal(od_batch_builder_append_rows(&collected, batch, NULL, 0, batch->row_count, NULL),
                             OD_OK);
    } while (status == OD_OK && batch != NULL);
    if (status == OD_OK)
        fixture_assert_equal(&collected, &bench->expected);
    od_batch_builder_release(&collected);
    return status;
}

static enum od_status use_run(struct od_memory *memory, void *context)
{
    struct bench *bench = context;
    struct od_op_env env = make_env(bench, memory);
    struct od_spill_run *run;
    enum od_status status = od_spill_run_new(&env, &bench->schema, &run, NULL);
    if (status == OD_OK)
        status = write_run(bench, run);
    if (status == OD_OK)
        assert_int_equal(od_spill_run_row_count(run), 152);
    for (uint32_t i = 0; i < 2 && status == OD_OK; i++)
        status = read_run(bench, run);
    od_spill_run_free(run);
    for (uint32_t i = 0; i < FIXTURE_FILES; i++)
        assert_string_equal(disk.files[i].name, "");
    return status;
}

static void rows_come_back(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(use_run(od_heap_for_tests(), bench), OD_OK);
    assert_true(bench->account.spilled_bytes > 0);
    assert_true(od_sweep(use_run, bench) > 4);
    enum od_status status = OD_IO;
    for (uint32_t call = 0; status != OD_OK; call++) {
        disk.fail_at = call;
        disk.call_count = 0;
        status = use_run(od_heap_for_tests(), bench);
        assert_true(status == (disk.call_count > call ? OD_IO : OD_OK));
    }
}

static void other_bytes_are_corrupt(void **state)
{
    struct bench *bench = *state;
    struct od_op_env env = make_env(bench, od_heap_for_tests());
    struct od_spill_run *runs[2];
    bench->damages = true;
    assert_int_equal(use_run(od_heap_for_tests(), bench), OD_CORRUPT);
    bench->damages = false;
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(od_spill_run_new(&env, &bench->schema, &runs[i], NULL), OD_OK);
        assert_int_equal(write_run(bench, runs[i]), OD_OK);
    }
    for (uint32_t i = 0; i < 2; i++)
        assert_int_equal(read_run(bench, runs[i]), OD_OK);
    uint8_t *bytes = disk.files[0].bytes; /* good bytes, but of another run */
    disk.files[0].bytes = disk.files[1].bytes;
    disk.files[1].bytes = bytes;
    for (uint32_t i = 0; i < 2; i++)
        assert_int_equal(read_run(bench, runs[i]), OD_CORRUPT);
    for (uint32_t i = 0; i < 2; i++)
        od_spill_run_free(runs[i]);
}

static void budgets_bind_operators_and_tasks(void **state)
{
    struct od_op_account account = {.operator_bytes_max = 1000};
    struct od_op first = {.env = {.account = &account}};
    struct od_op second = {.env = {.account = &account}};
    (void)state;
    assert_false(od_op_holds(&first, 999));
    assert_false(od_op_holds(&second, 999));
    assert_true(od_op_holds(&first, 1000));
    assert_int_equal(account.held_bytes, 1999);
    assert_int_equal(account.peak_bytes, 1999);
    account = (struct od_op_account){.task_bytes_max = 1600, .held_bytes = 1999};
    assert_false(od_op_holds(&first, 0));
    assert_false(od_op_holds(&second, 1600)); /* the peak of a run is enough for the next one */
    assert_true(od_op_holds(&second, 1601));
    assert_false(od_op_holds(&second, 1600));
    assert_false(od_op_holds(&first, 100)); /* a sixteenth is for each, whatever the others hold */
    assert_true(od_op_holds(&first, 101));
    account.task_bytes_max = 0;
    assert_false(od_op_holds(&first, UINT32_MAX));
    assert_int_equal(account.peak_bytes, 1600 + (uint64_t)UINT32_MAX);
}

static void bytes_of_rows_count(void **state)
{
    (void)state;
    struct od_schema schema = fixture_schema(&plan_arena, "it");
    struct od_batch_builder rows = fixture_rows(&schema, "1 abc|2 defgh");
    struct od_batch batch = od_batch_builder_view(&rows);
    assert_int_equal(od_spill_batch_bytes(&batch), 2 * 8 + 2 * 4 + 8);
    od_batch_builder_release(&rows);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_come_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(other_bytes_are_corrupt, set_up, tear_down),
        cmocka_unit_test(budgets_bind_operators_and_tasks),
        cmocka_unit_test_setup_teardown(bytes_of_rows_count, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
