/* spill: a run of rows is a file of blocks behind each other.
 *
 *   append -> gathered rows --enough--> block 0 | block 1 | ...     one file, "PREFIX-NUMBER"
 *   next   <- decoded rows  <---------- sizes of the blocks: in memory, 4 bytes each
 *
 * Rows are gathered until they fill a batch or GATHER_BYTES, because a partition gets few rows of each batch.
 * The file is made with the first block, so that a run without rows costs no file. A block's identity (number
 * of the run, number of the block) is checked when it comes back: other bytes of this disk are CORRUPT, not
 * rows. */
#include "engine/op/spill.h"

#include "engine/core/assert.h"

#define GATHER_BYTES (64u << 10)

struct od_spill_run {
    struct od_op_env env;
    const struct od_schema *schema; /* borrowed */
    uint32_t number;
    bool is_reading;
    uint64_t row_count;
    struct od_batch_builder gathered;
    uint32_t *sizes; /* owned; of each block */
    uint32_t block_count;
    uint32_t block_capacity;
    struct od_buffer bytes;      /* the block at hand */
    struct od_arena run_arena;   /* the file's name */
    struct od_arena block_arena; /* until the next block */
    const char *name;
    struct od_file *file; /* owned; NULL until the first block */
    uint64_t offset;      /* of the next block to write or to read */
    uint32_t block_index; /* of the next block to read */
    struct od_batch view;
};

uint64_t od_spill_batch_bytes(const struct od_batch *batch)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < batch->schema->field_count; i++) {
        const struct od_column *column = &batch->columns[i];
        uint64_t width = od_type_width_bytes(column->type);
        bytes += batch->row_count * (width == 0 ? sizeof(int32_t) : width);
        if (column->type == OD_TYPE_TEXT && batch->row_count > 0)
            bytes += (uint32_t)(column->offsets[batch->row_count] - column->offsets[0]);
    }
    return bytes;
}

enum od_status od_spill_run_new(const struct od_op_env *env, const struct od_schema *schema,
                                struct od_spill_run **run_out, struct od_error *error)
{
    od_assert(env->disk.ops != NULL);
    od_assert(env->codec != NULL);
    *run_out = NULL;
    struct od_spill_run *run = od_take(env->memory, sizeof(*run));
    if (run == NULL)
        return od_fail(error, OD_NO_MEMORY, "beginning to spill");
    run->env = *env;
    run->schema = schema;
    run->number = env->account->run_count++;
    od_buffer_init(&run->bytes, env->memory);
    od_arena_init(&run->run_arena, env->memory, 256);
    od_arena_init(&run->block_arena, env->memory, 4096);
    enum od_status status = od_batch_builder_init(&run->gathered, env->memory, schema, error);
    if (status != OD_OK) {
        od_spill_run_free(run);
        return status;
    }
    *run_out = run;
    return OD_OK;
}

void od_spill_run_free(struct od_spill_run *run)
{
    if (run == NULL)
        return;
    const struct od_disk *disk = &run->env.disk;
    if (run->file != NULL) {
        disk->ops->close(disk->self, run->file);
        disk->ops->remove(disk->self, run->name, NULL); /* what cannot be removed goes with the host */
    }
    od_batch_builder_release(&run->gathered);
    od_give(run->env.memory, run->sizes, run->block_capacity * sizeof(*run->sizes));
    od_buffer_release(&run->bytes);
    od_arena_release(&run->run_arena);
    od_arena_release(&run->block_arena);
    od_give(run->env.memory, run, sizeof(*run));
}

uint64_t od_spill_run_row_count(const struct od_spill_run *run)
{
    return run->row_count;
}

/* --- writing -------------------------------------------------------------------------------------------- */

static enum od_status make_file(struct od_spill_run *run, struct od_error *error)
{
    const struct od_disk *disk = &run->env.disk;
    run->name = od_arena_print(&run->run_arena, "%s-%u", run->env.spill_name, run->number);
    if (run->name == NULL)
        return od_fail(error, OD_NO_MEMORY, "naming a spill file");
    return disk->ops->create(disk->self, run->name, &run->file, error);
}

static struct od_block_id block_id(const struct od_spill_run *run, uint32_t block_index)
{
    return (struct od_block_id){
        .task = run->env.task_index, .attempt = run->number, .partition = block_index};
}

static enum od_status write_gathered(struct od_spill_run *run, struct od_error *error)
{
    const struct od_disk *disk = &run->env.disk;
    struct od_batch batch = od_batch_builder_view(&run->gathered);
    struct od_block_id id = block_id(run, run->block_count);
    struct od_block_info info;
    if (run->file == NULL)
        OD_TRY(make_file(run, error));
    od_buffer_reset(&run->bytes);
    OD_TRY(od_block_encode(run->env.codec, &batch, &id, OD_CODEC_ZSTD, &run->bytes, &info, error));
    if (!od_grow(run->env.memory, &run->sizes, &run->block_capacity, run->block_count + UINT64_C(1),
                 sizeof(*run->sizes)))
        return od_fail(error, OD_NO_MEMORY, "listing spilled blocks");
    OD_TRY(disk->ops->write(disk->self, run->file, run->offset, run->bytes.bytes, run->bytes.size, error));
    run->sizes[run->block_count++] = (uint32_t)run->bytes.size;
    run->offset += run->bytes.size;
    run->env.account->spilled_bytes += run->bytes.size;
    od_batch_builder_reset(&run->gathered);
    return OD_OK;
}

enum od_status od_spill_run_append(struct od_spill_run *run, const struct od_batch *batch,
                                   const uint32_t *rows, uint32_t count, struct od_error *error)
{
    od_assert(!run->is_reading);
    for (uint32_t done = 0; done < count;) {
        uint32_t room = run->env.batch_rows - run->gathered.row_count;
        uint32_t now = count - done < room ? count - done : room;
        OD_TRY(od_batch_builder_append_rows(&run->gathered, batch, rows == NULL ? NULL : rows + done,
                                            rows == NULL ? done : 0, now, error));
        done += now;
        run->row_count += now;
        struct od_batch gathered = od_batch_builder_view(&run->gathered);
        if (now == room || od_spill_batch_bytes(&gathered) >= GATHER_BYTES)
            OD_TRY(write_gathered(run, error));
    }
    return OD_OK;
}

/* --- reading -------------------------------------------------------------------------------------------- */

enum od_status od_spill_run_rewind(struct od_spill_run *run, struct od_error *error)
{
    if (run->gathered.row_count > 0)
        OD_TRY(write_gathered(run, error));
    od_batch_builder_release(&run->gathered);
    run->is_reading = true;
    run->offset = 0;
    run->block_index = 0;
    return OD_OK;
}

enum od_status od_spill_run_next(struct od_spill_run *run, const struct od_batch **batch_out,
                                 struct od_error *error)
{
    const struct od_disk *disk = &run->env.disk;
    struct od_block_id id = block_id(run, run->block_index);
    struct od_block_info info;
    od_assert(run->is_reading);
    *batch_out = NULL;
    if (run->block_index == run->block_count)
        return OD_OK;
    uint32_t size = run->sizes[run->block_index];
    od_buffer_reset(&run->bytes);
    if (!od_buffer_reserve(&run->bytes, size))
        return od_fail(error, OD_NO_MEMORY, "reading a spilled block: size=%u", size);
    OD_TRY(disk->ops->read(disk->self, run->file, run->offset, run->bytes.bytes, size, error));
    od_arena_reset(&run->block_arena);
    OD_TRY(od_block_decode(run->env.codec, run->bytes.bytes, size, run->schema, &id, &run->block_arena,
                           &run->view, &info, error));
    run->offset += size;
    run->block_index++;
    *batch_out = &run->view;
    return OD_OK;
}
