/* Goal: a query and its tables come from one process to another as they were: plan bytes there and back, tables through the folder,
 * mail between client and driver; what is missing, damaged or cut is told; tables that nobody uses go.
 * Method: both sides in this process, over a folder of our own; every allocation refused once. */
#include "harness/table_store.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/core/sweep.h"
#include "harness/cluster_mail.h"
#include "harness/file.h"
#include "harness/query_plan.h"
#include "harness/small_query.h"

static struct od_small_query query;
static char folder[] = "/tmp/ordeal-store-XXXXXX";

static int make_query(void **state)
{
    (void)state;
    od_small_query_make(&query, OD_SMALL_QUERY);
    return mkdtemp(folder) == NULL;
}

static int release_query(void **state)
{
    (void)state;
    od_small_query_release(&query);
    return od_folder_remove(folder, NULL) != OD_OK;
}

static uint32_t count_files(void)
{
    uint32_t count = 0;
    DIR *all = opendir(folder);
    for (struct dirent *entry = readdir(all); entry != NULL; entry = readdir(all))
        count += entry->d_name[0] != '.';
    closedir(all);
    return count;
}

static struct od_table_store *open_store(uint32_t kept)
{
    struct od_table_store *store;
    assert_int_equal(od_table_store_new(od_heap_for_tests(), folder, kept, &store, NULL), OD_OK);
    return store;
}

static void write_plan(struct od_table_store *store, uint32_t query_id, struct od_buffer *plan)
{
    const struct od_table_namer namer = od_table_store_namer(store);
    const struct od_run_options options = {.batch_rows = 77, .codec = OD_CODEC_ZSTD};
    struct od_arena scratch;
    od_arena_init(&scratch, od_heap_for_tests(), 0);
    od_table_store_begin(store, query_id);
    assert_int_equal(od_query_plan_write(query.prepared.graph, &options, &namer, &scratch, plan, NULL), OD_OK);
    od_arena_release(&scratch);
}

static enum od_status read_plan(struct od_table_store *store, struct od_arena *arena, const uint8_t *bytes, size_t size,
                                uint32_t query_id, struct od_query *read)
{
    const struct od_table_finder finder = od_table_store_finder(store);
    od_table_store_begin(store, query_id);
    return od_query_plan_read(arena, &finder, bytes, size, query_id, read, NULL);
}

static void queries_travel(void **state)
{
    (void)state;
    struct od_table_store *writer = open_store(0);
    struct od_table_store *reader = open_store(1);
    struct od_buffer plan;
    struct od_buffer texts[2];
    struct od_arena arena;
    struct od_query read;
    od_buffer_init(&plan, od_heap_for_tests());
    od_arena_init(&arena, od_heap_for_tests(), 0);
    write_plan(writer, 1, &plan);
    assert_int_equal(count_files(), 2);
    for (uint32_t id = 1; id <= 3; id++) { /* the same tables for all */
        assert_int_equal(read_plan(reader, &arena, plan.bytes, plan.size, id, &read), OD_OK);
        assert_int_equal(od_table_store_count(reader), 2);
    }
    assert_int_equal(read.query_id, 3);
    assert_int_equal(read.options.batch_rows, 77);
    assert_int_equal(read.options.attempts_max, 4);
    for (uint32_t i = 0; i < 2; i++)
        od_buffer_init(&texts[i], od_heap_for_tests());
    struct od_stage_graph graph = *query.prepared.graph; /* but for the planner's guesses */
    struct od_stage stages[16];
    assert_true(graph.stage_count <= 16);
    for (uint32_t i = 0; i < graph.stage_count; i++) {
        stages[i] = graph.stages[i];
        stages[i].plan = NULL;
    }
    graph.stages = stages;
    od_stage_graph_print(&graph, &texts[0]);
    od_stage_graph_print(read.graph, &texts[1]);
    assert_string_equal(od_buffer_text(&texts[0]), od_buffer_text(&texts[1]));
    for (size_t size = 0; size < plan.size; size++) { /* without the last rules it is a plan; frames have checksums */
        enum od_status status = read_plan(reader, &arena, plan.bytes, size, 9, &read);
        assert_true(status != OD_OK || size > plan.size / 2);
    }
    od_table_store_end(reader, 9);
    for (uint32_t id = 1; id <= 3; id++)
        od_table_store_end(reader, id);
    assert_int_equal(od_table_store_count(reader), 1); /* one is kept */
    write_plan(writer, 2, &plan);
    od_table_store_end(writer, 1);
    assert_int_equal(count_files(), 2); /* the second uses them */
    od_table_store_end(writer, 2);
    assert_int_equal(count_files(), 0);
    od_table_store_free(writer);
    od_table_store_free(reader);
    for (uint32_t i = 0; i < 2; i++)
        od_buffer_release(&texts[i]);
    od_buffer_release(&plan);
    od_arena_release(&arena);
}

static void what_is_missing_or_damaged_is_told(void **state)
{
    (void)state;
    struct od_table_store *writer = open_store(8);
    struct od_buffer plan;
    struct od_arena arena;
    struct od_query read;
    od_buffer_init(&plan, od_heap_for_tests());
    od_arena_init(&arena, od_heap_for_tests(), 0);
    write_plan(writer, 1, &plan);
    DIR *all = opendir(folder);
    for (struct dirent *entry = readdir(all); entry != NULL; entry = readdir(all)) {
        char path[400];
        struct od_table_store *reader = open_store(8);
        struct od_buffer file;
        if (entry->d_name[0] != '.') {
            snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
            od_buffer_init(&file, od_heap_for_tests());
            assert_int_equal(od_file_read(path, &file, NULL), OD_OK);
            file.bytes[file.size - 1] ^= 1;
            assert_int_equal(od_file_write(path, file.bytes, file.size, NULL), OD_OK);
            assert_int_equal(read_plan(reader, &arena, plan.bytes, plan.size, 1, &read), OD_CORRUPT);
            assert_int_equal(od_file_write(path, "", 0, NULL), OD_OK);
            assert_int_equal(read_plan(reader, &arena, plan.bytes, plan.size, 2, &read), OD_CORRUPT);
            assert_int_equal(unlink(path), 0);
            assert_int_equal(read_plan(reader, &arena, plan.bytes, plan.size, 3, &read), OD_MISSING);
            file.bytes[file.size - 1] ^= 1;
            assert_int_equal(od_file_write(path, file.bytes, file.size, NULL), OD_OK);
            assert_int_equal(read_plan(reader, &arena, plan.bytes, plan.size, 4, &read), OD_OK);
            od_buffer_release(&file);
        }
        od_table_store_free(reader);
    }
    closedir(all);
    od_table_store_free(writer);
    writer = open_store(0); /* one that keeps nothing */
    write_plan(writer, 1, &plan);
    od_table_store_end(writer, 1);
    assert_int_equal(count_files(), 0);
    od_table_store_free(writer);
    od_buffer_release(&plan);
    od_arena_release(&arena);
}

static void path_of(char path[200], const struct od_table_ref *ref)
{
    snprintf(path, 200, "%s/%016llx%016llx", folder, (unsigned long long)ref->checksum.high,
             (unsigned long long)ref->checksum.low);
}

/* A sound image of as many rows under the name of another one is not what was meant. */
static void images_are_what_they_are_named(void **state)
{
    (void)state;
    struct od_table_store *writer = open_store(0);
    struct od_table_store *reader = open_store(0);
    struct od_table *others = od_small_table("people", "id,name\n0,anna\n1,bess\n2,carl\n3,emma\n");
    const struct od_table_namer namer = od_table_store_namer(writer);
    struct od_buffer plan;
    struct od_arena arena;
    struct od_query read;
    struct od_table_ref meant;
    struct od_table_ref other;
    char paths[2][200];
    od_buffer_init(&plan, od_heap_for_tests());
    od_arena_init(&arena, od_heap_for_tests(), 0);
    write_plan(writer, 1, &plan);
    assert_int_equal(namer.name(namer.self, query.tables[1], &meant, NULL), OD_OK);
    assert_int_equal(namer.name(namer.self, others, &other, NULL), OD_OK);
    assert_true(meant.schema_hash == other.schema_hash && meant.row_count == other.row_count);
    path_of(paths[0], &meant);
    path_of(paths[1], &other);
    assert_int_equal(rename(paths[1], paths[0]), 0);
    assert_int_equal(read_plan(reader, &arena, plan.bytes, plan.size, 1, &read), OD_CORRUPT);
    od_table_store_end(writer, 1);
    assert_int_equal(count_files(), 0);
    od_table_store_free(writer);
    od_table_store_free(reader);
    od_table_free(od_posix_memory(), others);
    od_buffer_release(&plan);
    od_arena_release(&arena);
}

static enum od_status travel(struct od_memory *memory, void *context)
{
    const struct od_run_options options = {0};
    struct od_table_store *stores[2] = {NULL, NULL};
    struct od_arena arena;
    struct od_buffer plan;
    struct od_query read;
    (void)context;
    od_arena_init(&arena, memory, 512);
    od_buffer_init(&plan, memory);
    enum od_status status = od_table_store_new(memory, folder, 0, &stores[0], NULL);
    if (status == OD_OK)
        status = od_table_store_new(memory, folder, 0, &stores[1], NULL);
    if (status == OD_OK) {
        const struct od_table_namer namer = od_table_store_namer(stores[0]);
        od_table_store_begin(stores[0], 1);
        status = od_query_plan_write(query.prepared.graph, &options, &namer, &arena, &plan, NULL);
    }
    if (status == OD_OK)
        status = read_plan(stores[1], &arena, plan.bytes, plan.size, 1, &read);
    if (stores[1] != NULL) {
        od_table_store_end(stores[0], 1);
        od_table_store_end(stores[1], 1);
    }
    od_table_store_free(stores[0]);
    od_table_store_free(stores[1]);
    od_buffer_release(&plan);
    od_arena_release(&arena);
    return status;
}

static void every_allocation_may_be_refused(void **state)
{
    (void)state;
    assert_true(od_sweep(travel, NULL) > 0);
}

static void news_travel(void **state)
{
    (void)state;
    struct od_buffer buffer;
    struct od_news back;
    struct od_news news = {.query_id = 7,
                           .state = OD_NEWS_ENDED,
                           .status = OD_EVALUATION,
                           .error = {.status = OD_EVALUATION, .line = 2, .column = 9, .text = "division by zero"},
                           .counts = {.attempts_launched = 3, .ended_ns = 99},
                           .answer_bytes = 10,
                           .answer_id = UINT64_C(0xfedcba9876543210),
                           .offset = 4,
                           .piece = {"sixsix", 6}};
    od_buffer_init(&buffer, od_heap_for_tests());
    assert_true(od_mail_write_news(&buffer, &news));
    struct od_reader reader = {.bytes = buffer.bytes, .size = buffer.size};
    assert_true(od_mail_read_news(&reader, &back));
    assert_int_equal(back.query_id, 7);
    assert_int_equal(back.state, OD_NEWS_ENDED);
    assert_string_equal(back.error.text, "division by zero");
    assert_int_equal(back.error.column, 9);
    assert_int_equal(back.counts.attempts_launched, 3);
    assert_int_equal(back.counts.ended_ns, 99);
    assert_true(back.answer_id == news.answer_id);
    assert_int_equal(back.piece.size, 6);
    assert_memory_equal(back.piece.bytes, "sixsix", 6);
    for (size_t size = 0; size < buffer.size; size++) {
        reader = (struct od_reader){.bytes = buffer.bytes, .size = size};
        assert_false(od_mail_read_news(&reader, &back));
    }
    news.answer_bytes = 9; /* the piece ends behind it */
    od_buffer_reset(&buffer);
    od_mail_write_news(&buffer, &news);
    reader = (struct od_reader){.bytes = buffer.bytes, .size = buffer.size};
    assert_false(od_mail_read_news(&reader, &back));
    for (size_t bit = 0; bit < 8 * buffer.size; bit++) { /* no sanitizer has anything to say */
        buffer.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        reader = (struct od_reader){.bytes = buffer.bytes, .size = buffer.size};
        (void)od_mail_read_news(&reader, &back);
        buffer.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    od_buffer_release(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queries_travel),
        cmocka_unit_test(what_is_missing_or_damaged_is_told),
        cmocka_unit_test(images_are_what_they_are_named),
        cmocka_unit_test(every_allocation_may_be_refused),
        cmocka_unit_test(news_travel),
    };
    return cmocka_run_group_tests(tests, make_query, release_query);
}
