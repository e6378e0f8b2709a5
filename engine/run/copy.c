/* copy: pieces in order, one on its way at a time; judged as a whole by the checksum that its writer
 * reported.
 *
 *   bytes [0, 256 KiB) -> [256 KiB, 512 KiB) -> ... -> whole: checksum right -> stored
 *                                                      wrong -> all of it once more (damage on the way), then CORRUPT
 *
 * A piece that is refused (missing, cut) is asked for once more too, as readers do; what nobody answers is
 * asked for again until more than a lease has passed. Pieces are held in memory until the last one: an output
 * was held so by who wrote it. */
#include "engine/run/copy.h"

#include "engine/core/assert.h"

#define PIECE_BYTES   (UINT32_C(256) << 10)
#define GIVE_UP_TRIES 4

struct od_copy {
    struct od_copy *next;
    struct od_attempt_name name;
    struct od_body_copy from;
    struct od_buffer bytes; /* of the pieces that came */
    bool again;             /* the second and last time */
    uint32_t tries;         /* requests since the last answer */
    uint64_t first_ns;
    uint64_t sent_ns;
};

static struct od_copy **find(struct od_copies *copies, const struct od_attempt_name *name)
{
    struct od_copy **link = &copies->list;
    while (*link != NULL && !od_attempt_name_equal(&(*link)->name, name))
        link = &(*link)->next;
    return link;
}

static void remove_link(struct od_copies *copies, struct od_copy **link)
{
    struct od_copy *copy = *link;
    *link = copy->next;
    od_buffer_release(&copy->bytes);
    od_give(copies->life->world->memory, copy, sizeof(*copy));
}

/* It could not be had: as a reader would say it. */
static void emit_bad(const struct od_copies *copies, const struct od_copy *copy, enum od_status status)
{
    struct od_site site = od_life_site(copies->life, &copy->name);
    site.stage = site.task = site.attempt = OD_ANY;
    od_world_emit(copies->life->world, (struct od_event){.kind = OD_EVENT_BLOCK_BAD,
                                                         .site = site,
                                                         .source_stage = copy->name.stage,
                                                         .source_task = copy->name.task,
                                                         .source_attempt = copy->name.attempt,
                                                         .bytes = copy->from.size,
                                                         .value = status});
}

static void end(struct od_copies *copies, struct od_copy **link, enum od_status status)
{
    struct od_attempt_name name = (*link)->name;
    copies->life->gone = copies->life->gone || status == OD_EXECUTOR_GONE; /* a dead disk says so */
    if (status != OD_OK && !copies->life->gone)
        emit_bad(copies, *link, status);
    remove_link(copies, link);
    if (!copies->life->gone)
        copies->ended(copies->self, &name, status);
}

static void ask(struct od_copies *copies, struct od_copy *copy)
{
    struct od_life *life = copies->life;
    uint64_t left = copy->from.size - copy->bytes.size;
    struct od_body_fetch body = {
        .name = {.epoch = life->epoch,
                 .reader = copy->name,
                 .input_index = OD_COPY_INPUT,
                 .block_index = (uint32_t)(copy->bytes.size / PIECE_BYTES)},
        .epoch = copy->from.source_epoch,
        .size = left < PIECE_BYTES ? (uint32_t)left : PIECE_BYTES,
        .offset = copy->bytes.size,
    };
    od_write_fetch(&life->outbox.body, &body);
    od_outbox_send(&life->outbox, copy->from.source, OD_MESSAGE_FETCH, od_life_site(life, &copy->name));
    copy->sent_ns = od_life_now_ns(life);
    if (copy->tries++ == 0)
        copy->first_ns = copy->sent_ns;
}

void od_copies_begin(struct od_copies *copies, const struct od_attempt_name *name,
                     const struct od_body_copy *body)
{
    struct od_memory *memory = copies->life->world->memory;
    if (*find(copies, name) != NULL)
        return;
    if (od_block_store_size(&copies->life->store, name) == body->size) {
        copies->ended(copies->self, name, OD_OK);
        return;
    }
    struct od_copy *copy = od_take(memory, sizeof(*copy));
    if (copy == NULL) {
        copies->ended(copies->self, name, OD_NO_MEMORY);
        return;
    }
    *copy = (struct od_copy){.next = copies->list, .name = *name, .from = *body};
    od_buffer_init(&copy->bytes, memory);
    copies->list = copy;
    ask(copies, copy);
}

/* All pieces are here. */
static enum od_status store(struct od_copies *copies, struct od_copy *copy)
{
    struct od_life *life = copies->life;
    struct od_site site = od_life_site(life, &copy->name);
    struct od_point_bytes passing = {.bytes = copy->bytes.bytes, .size = copy->bytes.size};
    OD_TRY(od_life_hit(life, OD_POINT_BLOCK_RECEIVE, site, &passing, NULL));
    if (od_hash_bytes(passing.bytes, passing.size, OD_OUTPUT_SEED) != copy->from.checksum)
        return OD_CORRUPT;
    OD_TRY(od_life_hit(life, OD_POINT_BLOCK_WRITE, site, &passing, NULL));
    od_block_store_drop(&life->store, &copy->name);
    enum od_status status = od_block_store_put(&life->store, &copy->name, passing.bytes, passing.size, NULL);
    if (status == OD_OK && copies->durable)
        status = od_block_store_sync(&life->store, &copy->name, NULL);
    return status;
}

/* Damage and absence may be the way's fault: from the beginning, once. */
static void judge(struct od_copies *copies, struct od_copy **link, enum od_status status)
{
    struct od_copy *copy = *link;
    if (status == OD_OK || copy->again || status == OD_NO_MEMORY || copies->life->gone) {
        end(copies, link, status);
        return;
    }
    copy->again = true;
    od_buffer_reset(&copy->bytes);
    ask(copies, copy);
}

void od_copies_deliver(struct od_copies *copies, const struct od_body_block *body)
{
    struct od_copy **link = find(copies, &body->name.reader);
    struct od_copy *copy = *link;
    if (copy == NULL || body->name.block_index != copy->bytes.size / PIECE_BYTES)
        return; /* a copy of what came, or of what never was asked for */
    uint64_t left = copy->from.size - copy->bytes.size;
    enum od_status status = body->status;
    copy->tries = 0;
    if (status == OD_OK && body->size != (left < PIECE_BYTES ? left : PIECE_BYTES))
        status = OD_CORRUPT;
    if (status == OD_OK && !od_buffer_append(&copy->bytes, body->bytes, body->size))
        status = OD_NO_MEMORY;
    if (status == OD_OK && copy->bytes.size < copy->from.size)
        ask(copies, copy);
    else
        judge(copies, link, status == OD_OK ? store(copies, copy) : status);
}

void od_copies_lose(struct od_copies *copies, uint32_t epoch)
{
    struct od_copy **link = &copies->list;
    while (*link != NULL) {
        if ((*link)->from.source_epoch == epoch)
            end(copies, link, OD_UNREACHABLE);
        else
            link = &(*link)->next;
    }
}

void od_copies_tick(struct od_copies *copies, uint64_t now_ns)
{
    const struct od_cluster_options *options = copies->life->options;
    struct od_copy **link = &copies->list;
    while (*link != NULL) {
        struct od_copy *copy = *link;
        bool is_due = now_ns - copy->sent_ns >= options->resend_ns;
        if (is_due && copy->tries >= GIVE_UP_TRIES && now_ns - copy->first_ns > options->lease_ns) {
            end(copies, link, OD_UNREACHABLE);
            continue;
        }
        if (is_due)
            ask(copies, copy);
        link = &copy->next;
    }
}

void od_copies_drop_query(struct od_copies *copies, uint32_t query_id)
{
    struct od_copy **link = &copies->list;
    while (*link != NULL) {
        if (query_id == OD_ANY || (*link)->name.query == query_id)
            remove_link(copies, link);
        else
            link = &(*link)->next;
    }
}
