/* block_store: "q1-s0-t2-a0" holds all blocks of one map attempt in a row.
 *
 * Files are opened for each read and closed again: descriptors stay few whatever the number of tasks. On an
 * executor nothing is synced: an output lives at most as long as it does, and lineage repairs its loss, so
 * durability would buy nothing; the driver syncs its checkpoints. The list is short (the tasks that this
 * executor ran), and searched in order; each read makes an output the most recently used one. */
#include "engine/run/block_store.h"

#include <stdio.h>
#include <string.h>

/* "q-s-t-a" with four 32-bit numbers. */
#define FILE_NAME_BYTES 64

struct od_stored_output {
    struct od_stored_output *next;
    struct od_attempt_name name;
    uint64_t size;
    uint8_t *held;     /* owned; NULL: in a file */
    bool is_cached;
    uint64_t used;     /* store->use_count when it was used last */
    char text[FILE_NAME_BYTES];
};

/* The link that points to the output, or the list's end. */
static struct od_stored_output **find(struct od_block_store *store, const struct od_attempt_name *name)
{
    struct od_stored_output **link = &store->outputs;
    while (*link != NULL && !od_attempt_name_equal(&(*link)->name, name))
        link = &(*link)->next;
    return link;
}

enum od_status od_block_store_adopt(struct od_block_store *store, const struct od_attempt_name *name,
                                    uint64_t size, struct od_error *error)
{
    struct od_stored_output *output = od_take(store->world->memory, sizeof(*output));
    if (output == NULL)
        return od_fail(error, OD_NO_MEMORY, "storing a map output: size=%llu", (unsigned long long)size);
    *output = (struct od_stored_output){
        .next = store->outputs, .name = *name, .size = size, .used = ++store->use_count};
    snprintf(output->text, sizeof(output->text), "q%u-s%u-t%u-a%u", name->query, name->stage, name->task,
             name->attempt);
    store->outputs = output;
    return OD_OK;
}

enum od_status od_block_store_hold(struct od_block_store *store, const struct od_attempt_name *name,
                                   const uint8_t *bytes, size_t size, struct od_error *error)
{
    uint8_t *held = od_take_array(store->world->memory, size, 1);
    enum od_status status = held == NULL ? od_fail(error, OD_NO_MEMORY, "holding a map output: size=%zu", size) : OD_OK;
    if (status == OD_OK)
        status = od_block_store_adopt(store, name, size, error);
    if (status != OD_OK) {
        od_give(store->world->memory, held, size);
        return status;
    }
    memcpy(held, bytes, size);
    store->outputs->held = held;
    return OD_OK;
}

void od_block_store_cache(struct od_block_store *store, uint32_t query_id, uint32_t stage)
{
    for (struct od_stored_output *output = store->outputs; output != NULL; output = output->next)
        output->is_cached = output->is_cached || (output->name.query == query_id && output->name.stage == stage);
}

bool od_block_store_oldest(const struct od_block_store *store, uint64_t bytes_max, struct od_attempt_name *name_out)
{
    const struct od_stored_output *oldest = NULL;
    uint64_t bytes = 0;
    for (const struct od_stored_output *output = store->outputs; output != NULL; output = output->next) {
        if (!output->is_cached)
            continue;
        bytes += output->size;
        oldest = oldest == NULL || output->used < oldest->used ? output : oldest;
    }
    if (bytes <= bytes_max)
        return false;
    *name_out = oldest->name;
    return true;
}

static void drop_link(struct od_block_store *store, struct od_stored_output **link, bool with_file);

enum od_status od_block_store_put(struct od_block_store *store, const struct od_attempt_name *name,
                                  const uint8_t *bytes, size_t size, struct od_error *error)
{
    const struct od_disk *disk = &store->world->disk;
    struct od_file *file = NULL;
    OD_TRY(od_block_store_adopt(store, name, size, error));
    enum od_status status = disk->ops->create(disk->self, store->outputs->text, &file, error);
    if (status != OD_OK) {
        drop_link(store, &store->outputs, false);
        return status;
    }
    if (size != 0)
        status = disk->ops->write(disk->self, file, 0, bytes, size, error);
    disk->ops->close(disk->self, file);
    if (status != OD_OK)
        od_block_store_drop(store, name);
    return status;
}

enum od_status od_block_store_read(struct od_block_store *store, const struct od_attempt_name *name,
                                   uint64_t offset, uint32_t size, struct od_buffer *buffer,
                                   struct od_error *error)
{
    const struct od_disk *disk = &store->world->disk;
    struct od_stored_output *output = *find(store, name);
    od_buffer_reset(buffer);
    if (output == NULL)
        return od_fail(error, OD_MISSING, "reading a map output: stage=%u task=%u attempt=%u is not here",
                       name->stage, name->task, name->attempt);
    if (offset > output->size || size > output->size - offset)
        return od_fail(error, OD_CORRUPT, "reading a map output: %s ends before offset=%llu size=%u",
                       output->text, (unsigned long long)offset, size);
    if (!od_buffer_reserve(buffer, size))
        return od_fail(error, OD_NO_MEMORY, "reading a map output: %s size=%u", output->text, size);
    output->used = ++store->use_count;
    if (output->held != NULL) {
        memcpy(buffer->bytes, output->held + offset, size);
        buffer->size = size;
        return OD_OK;
    }
    struct od_file *file = NULL;
    OD_TRY(disk->ops->open(disk->self, output->text, &file, error));
    enum od_status status = disk->ops->read(disk->self, file, offset, buffer->bytes, size, error);
    disk->ops->close(disk->self, file);
    if (status == OD_OK)
        buffer->size = size;
    return status;
}

uint64_t od_block_store_size(const struct od_block_store *store, const struct od_attempt_name *name)
{
    const struct od_stored_output *output = store->outputs;
    while (output != NULL && !od_attempt_name_equal(&output->name, name))
        output = output->next;
    return output == NULL ? 0 : output->size;
}

enum od_status od_block_store_sync(struct od_block_store *store, const struct od_attempt_name *name,
                                   struct od_error *error)
{
    const struct od_disk *disk = &store->world->disk;
    struct od_file *file = NULL;
    OD_TRY(disk->ops->open(disk->self, (*find(store, name))->text, &file, error));
    enum od_status status = disk->ops->sync(disk->self, file, error);
    disk->ops->close(disk->self, file);
    return status;
}

static void drop_link(struct od_block_store *store, struct od_stored_output **link, bool with_file)
{
    struct od_stored_output *output = *link;
    *link = output->next;
    if (with_file && output->held == NULL)
        store->world->disk.ops->remove(store->world->disk.self, output->text, NULL);
    if (output->held != NULL)
        od_give(store->world->memory, output->held, output->size);
    od_give(store->world->memory, output, sizeof(*output));
}

void od_block_store_drop(struct od_block_store *store, const struct od_attempt_name *name)
{
    struct od_stored_output **link = find(store, name);
    if (*link != NULL)
        drop_link(store, link, true);
}

void od_block_store_drop_query(struct od_block_store *store, uint32_t query_id)
{
    struct od_stored_output **link = &store->outputs;
    while (*link != NULL) {
        if ((*link)->name.query == query_id && !(*link)->is_cached)
            drop_link(store, link, true);
        else
            link = &(*link)->next;
    }
}

uint32_t od_block_store_next_query(const struct od_block_store *store, uint32_t query_id)
{
    uint32_t next = 0;
    for (const struct od_stored_output *output = store->outputs; output != NULL; output = output->next)
        if (!output->is_cached && output->name.query > query_id && (next == 0 || output->name.query < next))
            next = output->name.query;
    return next;
}

void od_block_store_drop_all(struct od_block_store *store, bool with_files)
{
    while (store->outputs != NULL)
        drop_link(store, &store->outputs, with_files);
}
