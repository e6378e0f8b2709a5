/* table_store: see table_store.h. A handful of tables and queries at a time, so lists are searched. */
#include "harness/table_store.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/io/table_image.h"
#include "engine/world/posix_map.h"

#define NAME_BYTES 40

struct entry {
    struct od_hash128 checksum;
    struct od_piece image;  /* owned; the reading side's */
    struct od_table *table; /* owned; the reading side's, over the image */
    uint32_t user_count;
    uint64_t used; /* when: counts uses */
};
struct use {
    uint32_t query_id;
    struct od_hash128 checksum;
};

struct od_table_store {
    struct od_memory *memory; /* borrowed */
    uint32_t kept;
    uint32_t query_id; /* at hand */
    uint64_t use_count;
    struct entry *entries; /* owned */
    uint32_t entry_count;
    uint32_t entry_capacity;
    struct use *uses; /* owned */
    uint32_t uses_count;
    uint32_t uses_capacity;
    size_t bytes; /* of this struct with its text */
    char directory[];
};

enum od_status od_table_store_new(struct od_memory *memory, const char *directory, uint32_t kept,
                                  struct od_table_store **store_out, struct od_error *error)
{
    size_t text_bytes = strlen(directory) + 1;
    struct od_table_store *store = od_take(memory, sizeof(*store) + text_bytes);
    *store_out = store;
    if (store == NULL)
        return od_fail(error, OD_NO_MEMORY, "opening a store of tables");
    store->memory = memory;
    store->kept = kept;
    store->bytes = sizeof(*store) + text_bytes;
    memcpy(store->directory, directory, text_bytes);
    return OD_OK;
}

static void let_go(struct od_table_store *store, struct entry *entry)
{
    od_table_free(store->memory, entry->table);
    od_posix_unmap(&entry->image);
}

void od_table_store_free(struct od_table_store *store)
{
    if (store == NULL)
        return;
    for (uint32_t i = 0; i < store->entry_count; i++)
        let_go(store, &store->entries[i]);
    od_give(store->memory, store->entries, store->entry_capacity * sizeof(*store->entries));
    od_give(store->memory, store->uses, store->uses_capacity * sizeof(*store->uses));
    od_give(store->memory, store, store->bytes);
}

void od_table_store_begin(struct od_table_store *store, uint32_t query_id)
{
    store->query_id = query_id;
}

uint32_t od_table_store_count(const struct od_table_store *store)
{
    return store->entry_count;
}

static struct entry *find_entry(const struct od_table_store *store, struct od_hash128 checksum)
{
    for (uint32_t i = 0; i < store->entry_count; i++)
        if (od_hash128_equal(store->entries[i].checksum, checksum))
            return &store->entries[i];
    return NULL;
}

static void file_name(char name[NAME_BYTES], struct od_hash128 checksum)
{
    snprintf(name, NAME_BYTES, "%016llx%016llx", (unsigned long long)checksum.high, (unsigned long long)checksum.low);
}

/* Room for one entry and one use more. */
static bool make_room(struct od_table_store *store)
{
    return od_grow(store->memory, &store->entries, &store->entry_capacity, store->entry_count + UINT64_C(1),
                   sizeof(*store->entries)) &&
           od_grow(store->memory, &store->uses, &store->uses_capacity, store->uses_count + UINT64_C(1),
                   sizeof(*store->uses));
}

static void note_use(struct od_table_store *store, struct entry *entry)
{
    entry->used = ++store->use_count;
    entry->user_count++;
    store->uses[store->uses_count++] = (struct use){store->query_id, entry->checksum};
}

/* Of those that nobody uses, the one not used for longest; NULL: there are few enough. */
static struct entry *find_idle(const struct od_table_store *store)
{
    struct entry *oldest = NULL;
    uint32_t idle_count = 0;
    for (uint32_t i = 0; i < store->entry_count; i++) {
        struct entry *entry = &store->entries[i];
        if (entry->user_count > 0)
            continue;
        idle_count++;
        if (oldest == NULL || entry->used < oldest->used)
            oldest = entry;
    }
    return idle_count > store->kept ? oldest : NULL;
}

void od_table_store_end(struct od_table_store *store, uint32_t query_id)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < store->uses_count; i++) {
        if (store->uses[i].query_id == query_id)
            find_entry(store, store->uses[i].checksum)->user_count--;
        else
            store->uses[left++] = store->uses[i];
    }
    store->uses_count = left;
    for (struct entry *idle = find_idle(store); idle != NULL; idle = find_idle(store)) {
        char path[512];
        char name[NAME_BYTES];
        file_name(name, idle->checksum);
        if (idle->table == NULL) { /* the writing side */
            snprintf(path, sizeof(path), "%s/%s", store->directory, name);
            unlink(path);
        }
        let_go(store, idle);
        *idle = store->entries[--store->entry_count];
    }
}

/* --- writing ------------------------------------------------------------------------------------ */

static enum od_status put_image(struct od_table_store *store, const struct od_table *table, struct od_arena *arena,
                                struct od_hash128 *checksum_out, struct od_error *error)
{
    struct od_table_image image;
    char name[NAME_BYTES];
    OD_TRY(od_table_image_make(table, arena, &image, error));
    *checksum_out = image.checksum;
    if (find_entry(store, image.checksum) != NULL)
        return OD_OK;
    file_name(name, image.checksum);
    OD_TRY(od_posix_file_put(store->directory, name, image.parts, image.part_count, false, error));
    store->entries[store->entry_count++] = (struct entry){.checksum = image.checksum};
    return OD_OK;
}

static enum od_status name_table(void *self, const struct od_table *table, struct od_table_ref *ref_out,
                                 struct od_error *error)
{
    struct od_table_store *store = self;
    struct od_arena arena;
    *ref_out = (struct od_table_ref){.name = table->name,
                                     .row_count = od_table_row_count(table),
                                     .schema_hash = od_schema_hash(&table->schema)};
    if (!make_room(store))
        return od_fail(error, OD_NO_MEMORY, "storing table %s", table->name);
    od_arena_init(&arena, store->memory, 0);
    enum od_status status = put_image(store, table, &arena, &ref_out->checksum, error);
    od_arena_release(&arena);
    if (status == OD_OK)
        note_use(store, find_entry(store, ref_out->checksum));
    return status;
}

struct od_table_namer od_table_store_namer(struct od_table_store *store)
{
    return (struct od_table_namer){name_table, store};
}

/* --- reading ------------------------------------------------------------------------------------ */

static enum od_status map_table(struct od_table_store *store, const struct od_table_ref *ref, struct od_error *error)
{
    struct entry entry = {.checksum = ref->checksum};
    char name[NAME_BYTES];
    file_name(name, ref->checksum);
    OD_TRY(od_posix_map(store->directory, name, &entry.image, error));
    enum od_status status = od_table_image_open(store->memory, entry.image.bytes, entry.image.size, &ref->checksum,
                                                &entry.table, error);
    if (status == OD_OK)
        store->entries[store->entry_count++] = entry;
    else
        od_posix_unmap(&entry.image);
    return status;
}

static enum od_status find_table(void *self, const struct od_table_ref *ref, const struct od_table **table_out,
                                 struct od_error *error)
{
    struct od_table_store *store = self;
    if (!make_room(store))
        return od_fail(error, OD_NO_MEMORY, "finding table %s", ref->name);
    if (find_entry(store, ref->checksum) == NULL)
        OD_TRY(map_table(store, ref, error));
    struct entry *entry = find_entry(store, ref->checksum);
    note_use(store, entry);
    *table_out = entry->table;
    return OD_OK;
}

struct od_table_finder od_table_store_finder(struct od_table_store *store)
{
    return (struct od_table_finder){find_table, store};
}
