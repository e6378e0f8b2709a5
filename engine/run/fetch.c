/* fetch: ask ahead, verify, give in order.
 *
 *   blocks of an input    0   1   2   3   4   5   6 ...
 *                         given |<- window of slots ->|
 *   slot   IDLE -> WAITING -> READY -> GIVEN -> IDLE, once all before it is given
 *             \______________/^           local blocks are read at once
 *
 * A bad block (damaged, cut, missing, another's) is fetched once more, as it may have been damaged on the way; bad again, it
 * is the writer's loss: the attempt fails with `source_failed`, which is typed so that the driver recomputes the map task
 * and does not blame this one. An unanswered request is sent again; the reader gives up only after GIVE_UP_TRIES and more than a
 * lease, so that a server that stands still for less is waited for, and one that is lost is known to the driver first.
 *
 * A block is judged twice: when it arrives, its identity, size, rows and row checksum as written against the driver's word;
 * when its last row is handed to the operators, the checksum of the rows that were really handed over. */
#include "engine/run/fetch.h"

#include "engine/core/assert.h"

#define GIVE_UP_TRIES 4
#define ARENA_BYTES   1024

/* Lists of an input that grow while LAUNCH is read. */
struct growing {
    uint32_t block_capacity;
    uint32_t part_capacity;
    uint32_t part_count;
};

static enum od_status read_source(struct od_fetch_input *input, struct od_reader *reader, struct growing *growing,
                                  struct od_arena *arena, struct od_error *error)
{
    struct od_body_source source = od_next_source(reader);
    uint64_t room = (reader->size - reader->offset) / OD_ENTRY_BYTES;
    if (reader->failed || source.block_count > room)
        return od_fail(error, OD_CORRUPT, "reading a launch: the source behind block %u", input->block_count);
    for (uint32_t i = 0; i < source.block_count; i++) {
        struct od_block_entry entry = od_next_entry(reader);
        OD_TRY(od_arena_grow(arena, &input->blocks, &growing->block_capacity, input->block_count,
                             sizeof(*input->blocks), error));
        if (i == 0 || input->blocks[input->block_count - 1].entry.partition != entry.partition) {
            OD_TRY(od_arena_grow(arena, &input->parts, &growing->part_capacity, growing->part_count,
                                 sizeof(*input->parts), error));
            input->parts[growing->part_count++] = (struct od_fetch_part){0};
        }
        input->parts[growing->part_count - 1].blocks_left++;
        input->blocks[input->block_count++] = (struct od_fetch_block){.writer = source.writer,
                                                                      .stored = source.stored,
                                                                      .generation = source.generation,
                                                                      .executor = source.executor,
                                                                      .epoch = source.epoch,
                                                                      .part = growing->part_count - 1,
                                                                      .entry = entry};
    }
    return OD_OK;
}

static void init_input(struct od_fetch_input *input, const struct od_stage_graph *graph, uint32_t source_stage,
                       struct od_memory *memory)
{
    const struct od_stage *source = &graph->stages[source_stage];
    input->schema = &source->root->schema;
    input->arrival_order = graph->arrival_order && source->exchange != OD_EXCHANGE_FORWARD &&
                           source->exchange != OD_EXCHANGE_RESULT;
    od_arena_init(&input->slice_arena, memory, ARENA_BYTES);
    for (uint32_t s = 0; s < OD_FETCH_WINDOW; s++)
        od_arena_init(&input->slots[s].block_arena, memory, ARENA_BYTES);
}

enum od_status od_fetch_init(struct od_fetch *fetch, struct od_life *life, const struct od_fetch_plan *plan,
                             struct od_arena *arena, struct od_error *error)
{
    *fetch = (struct od_fetch){.life = life, .query = plan->query, .reader = plan->reader};
    struct od_reader inputs = plan->inputs;
    OD_TAKE(fetch->inputs, arena, plan->input_count, error);
    fetch->input_count = plan->input_count;
    for (uint32_t i = 0; i < plan->input_count; i++)
        init_input(&fetch->inputs[i], plan->query->graph, plan->input_stages[i], life->world->memory);
    for (uint32_t i = 0; i < plan->input_count; i++) {
        uint32_t source_count = od_reader_u32(&inputs);
        struct growing growing = {0};
        for (uint32_t s = 0; s < source_count; s++)
            OD_TRY(read_source(&fetch->inputs[i], &inputs, &growing, arena, error));
    }
    if (inputs.failed || inputs.offset != inputs.size)
        return od_fail(error, OD_CORRUPT, "reading a launch: it ends too early or too late");
    return OD_OK;
}

void od_fetch_release(struct od_fetch *fetch)
{
    for (uint32_t i = 0; i < fetch->input_count; i++) {
        od_arena_release(&fetch->inputs[i].slice_arena);
        for (uint32_t s = 0; s < OD_FETCH_WINDOW; s++)
            od_arena_release(&fetch->inputs[i].slots[s].block_arena);
    }
    *fetch = (struct od_fetch){.source_failed = fetch->source_failed,
                                .source = fetch->source,
                                .source_epoch = fetch->source_epoch};
}

/* --- a block arrives ------------------------------------------------------------------------------------------- */

static struct od_site block_site(const struct od_fetch *fetch, const struct od_fetch_block *block)
{
    struct od_site site = od_life_site(fetch->life, &block->writer);
    site.partition = block->entry.partition;
    return site;
}

static void give_up(struct od_fetch *fetch, const struct od_fetch_block *block, const struct od_error *error)
{
    fetch->failed = true;
    fetch->source_failed = error->status != OD_NO_MEMORY && error->status != OD_EXECUTOR_GONE;
    fetch->source = block->writer;
    fetch->source_epoch = block->epoch;
    fetch->error = *error;
}

/* What the reader has to say of a block. */
static struct od_event block_event(const struct od_fetch *fetch, const struct od_fetch_block *block,
                                   enum od_event_kind kind)
{
    struct od_site site = od_life_site(fetch->life, &fetch->reader);
    site.partition = block->entry.partition;
    return (struct od_event){.kind = kind,
                             .site = site,
                             .source_stage = block->writer.stage,
                             .source_task = block->writer.task,
                             .source_attempt = block->writer.attempt};
}

static void emit_bad(const struct od_fetch *fetch, const struct od_fetch_block *block, enum od_status status)
{
    struct od_event event = block_event(fetch, block, OD_EVENT_BLOCK_BAD);
    event.bytes = block->entry.size;
    event.value = status;
    od_world_emit(fetch->life->world, event);
}

static enum od_status fail_fetch(struct od_error *error, enum od_status status, const char *why,
                                 const struct od_fetch_block *block)
{
    return od_fail(error, status,
                   "fetching a block: executor %u: %s: stage=%u task=%u attempt=%u partition=%u",
                   block->executor, why, block->writer.stage, block->writer.task, block->writer.attempt,
                   block->entry.partition);
}

/* Decodes what is in life->scratch into the slot and holds it against the driver's word. */
static enum od_status accept_block(struct od_fetch *fetch, struct od_fetch_input *input,
                                   const struct od_fetch_block *block, struct od_fetch_slot *slot,
                                   struct od_error *error)
{
    struct od_life *life = fetch->life;
    struct od_point_bytes passing = {.bytes = life->scratch.bytes, .size = life->scratch.size};
    OD_TRY(od_life_hit(life, OD_POINT_BLOCK_RECEIVE, block_site(fetch, block), &passing, error));
    struct od_block_id expected =
        od_block_id_of(&block->stored, block->generation, block->entry.partition);
    struct od_block_info info;
    od_arena_reset(&slot->block_arena);
    OD_TRY(od_block_decode(life->codec, passing.bytes, passing.size, input->schema, &expected,
                           &slot->block_arena, &slot->batch, &info, error));
    bool as_told = info.row_count == block->entry.row_count && info.total_bytes == block->entry.size &&
                   od_hash128_equal(info.row_checksum, block->entry.row_checksum);
    if (!as_told)
        return fail_fetch(error, OD_CORRUPT, "not what its index says", block);
    slot->state = OD_FETCH_READY;
    slot->arrival = input->arrival_count++;
    return OD_OK;
}

static void send_request(struct od_fetch *fetch, uint32_t input_index, uint32_t block_index,
                         struct od_fetch_slot *slot)
{
    const struct od_fetch_block *block = &fetch->inputs[input_index].blocks[block_index];
    struct od_life *life = fetch->life;
    uint64_t now_ns = od_life_now_ns(life);
    struct od_body_fetch body = {.name = {.epoch = life->epoch,
                                          .reader = fetch->reader,
                                          .input_index = input_index,
                                          .block_index = block_index},
                                 .epoch = block->epoch,
                                 .size = block->entry.size,
                                 .offset = block->entry.offset};
    struct od_site site = od_life_site(life, &block->stored);
    site.partition = block->entry.partition;
    od_write_fetch(&life->outbox.body, &body);
    od_outbox_send(&life->outbox, block->executor, OD_MESSAGE_FETCH, site);
    if (slot->tries == 0)
        slot->first_ns = now_ns;
    slot->tries++;
    slot->sent_ns = now_ns;
    slot->state = OD_FETCH_WAITING;
}

/* A block of this very executor, and of this registration, needs no message. It passes the same points. */
static enum od_status read_local(struct od_fetch *fetch, struct od_fetch_input *input,
                                 const struct od_fetch_block *block, struct od_fetch_slot *slot,
                                 struct od_error *error)
{
    struct od_life *life = fetch->life;
    OD_TRY(od_block_store_read(&life->store, &block->stored, block->entry.offset, block->entry.size,
                               &life->scratch, error));
    struct od_point_bytes passing = {.bytes = life->scratch.bytes, .size = life->scratch.size};
    OD_TRY(od_life_hit(life, OD_POINT_BLOCK_SERVE, block_site(fetch, block), &passing, error));
    life->scratch.size = passing.size;
    return accept_block(fetch, input, block, slot, error);
}

static void judge(struct od_fetch *fetch, uint32_t input_index, uint32_t block_index, enum od_status status,
                  const struct od_error *error);

static void ask(struct od_fetch *fetch, uint32_t input_index, uint32_t block_index)
{
    struct od_fetch_input *input = &fetch->inputs[input_index];
    const struct od_fetch_block *block = &input->blocks[block_index];
    struct od_fetch_slot *slot = &input->slots[block_index % OD_FETCH_WINDOW];
    struct od_error error = {0};
    slot->tries = 0;
    if (block->executor == fetch->life->world->actor_id && block->epoch == od_life_place(fetch->life))
        judge(fetch, input_index, block_index, read_local(fetch, input, block, slot, &error), &error);
    else
        send_request(fetch, input_index, block_index, slot);
}

/* What came of asking for a block: a bad one is asked for once more. */
static void judge(struct od_fetch *fetch, uint32_t input_index, uint32_t block_index, enum od_status status,
                  const struct od_error *error)
{
    struct od_fetch_slot *slot = &fetch->inputs[input_index].slots[block_index % OD_FETCH_WINDOW];
    const struct od_fetch_block *block = &fetch->inputs[input_index].blocks[block_index];
    bool is_bad = status != OD_NO_MEMORY && !fetch->life->gone;
    if (status == OD_OK)
        return;
    if (is_bad)
        emit_bad(fetch, block, status);
    if (is_bad && !slot->asked_again) {
        slot->asked_again = true;
        ask(fetch, input_index, block_index);
    } else {
        give_up(fetch, block, error);
    }
}

static void ask_ahead(struct od_fetch *fetch, uint32_t input_index)
{
    struct od_fetch_input *input = &fetch->inputs[input_index];
    while (!fetch->failed && input->asked_count < input->block_count &&
           input->asked_count - input->given_count < OD_FETCH_WINDOW) {
        struct od_fetch_slot *slot = &input->slots[input->asked_count % OD_FETCH_WINDOW];
        od_assert(slot->state == OD_FETCH_IDLE);
        slot->asked_again = false;
        ask(fetch, input_index, input->asked_count++);
    }
}

bool od_fetch_deliver(struct od_fetch *fetch, const struct od_body_block *body)
{
    uint32_t input_index = body->name.input_index;
    uint32_t block_index = body->name.block_index;
    if (fetch->failed || input_index >= fetch->input_count)
        return false;
    struct od_fetch_input *input = &fetch->inputs[input_index];
    if (block_index < input->given_count || block_index >= input->asked_count)
        return false; /* a copy of what was consumed, or of what never was asked for */
    struct od_fetch_slot *slot = &input->slots[block_index % OD_FETCH_WINDOW];
    if (slot->state != OD_FETCH_WAITING)
        return false; /* a second answer */
    const struct od_fetch_block *block = &input->blocks[block_index];
    struct od_error error = {0};
    enum od_status status = body->status;
    struct od_buffer *scratch = &fetch->life->scratch;
    od_buffer_reset(scratch);
    if (status == OD_NO_MEMORY) /* the server's trouble, not the reader's */
        status = fail_fetch(&error, OD_UNREACHABLE, "no memory", block);
    else if (status != OD_OK)
        fail_fetch(&error, status, od_status_text(status), block);
    else if (od_buffer_append(scratch, body->bytes, body->size))
        status = accept_block(fetch, input, block, slot, &error);
    else
        status = od_fail(&error, OD_NO_MEMORY, "receiving a block: size=%u", body->size);
    error.injected = error.injected || body->injected;
    judge(fetch, input_index, block_index, status, &error);
    bool is_next = slot->state == OD_FETCH_READY && (input->arrival_order || block_index == input->given_count);
    return !fetch->life->gone && (fetch->failed || is_next);
}

/* What can still be had of a block counts; the first one that can't ends it. */
bool od_fetch_lose(struct od_fetch *fetch, uint32_t epoch)
{
    for (uint32_t i = 0; i < fetch->input_count && !fetch->failed; i++) {
        struct od_fetch_input *input = &fetch->inputs[i];
        for (uint32_t b = input->given_count; b < input->block_count && !fetch->failed; b++) {
            const struct od_fetch_block *block = &input->blocks[b];
            bool is_here = b < input->asked_count && input->slots[b % OD_FETCH_WINDOW].state >= OD_FETCH_READY;
            if (block->epoch != epoch || is_here)
                continue;
            struct od_error error;
            fail_fetch(&error, OD_UNREACHABLE, "its registration is over", block);
            emit_bad(fetch, block, OD_UNREACHABLE);
            give_up(fetch, block, &error);
            return true;
        }
    }
    return false;
}

bool od_fetch_tick(struct od_fetch *fetch, uint64_t now_ns)
{
    const struct od_cluster_options *options = fetch->life->options;
    for (uint32_t i = 0; i < fetch->input_count && !fetch->failed; i++) {
        struct od_fetch_input *input = &fetch->inputs[i];
        for (uint32_t b = input->given_count; b < input->asked_count && !fetch->failed; b++) {
            struct od_fetch_slot *slot = &input->slots[b % OD_FETCH_WINDOW];
            if (slot->state != OD_FETCH_WAITING || now_ns - slot->sent_ns < options->resend_ns)
                continue;
            if (slot->tries < GIVE_UP_TRIES || now_ns - slot->first_ns <= options->lease_ns) {
                send_request(fetch, i, b, slot);
                continue;
            }
            const struct od_fetch_block *block = &input->blocks[b];
            struct od_error error;
            fail_fetch(&error, OD_UNREACHABLE, "no answer", block);
            emit_bad(fetch, block, OD_UNREACHABLE);
            give_up(fetch, block, &error);
            return true;
        }
    }
    return false;
}

/* --- rows for the operators ------------------------------------------------------------------------------------ */

static void emit_consumed(const struct od_fetch *fetch, const struct od_fetch_block *block,
                          const struct od_fetch_part *part)
{
    struct od_event event = block_event(fetch, block, OD_EVENT_BLOCK_CONSUMED);
    event.rows = part->rows;
    event.bytes = part->bytes;
    event.checksum = part->checksum;
    od_world_emit(fetch->life->world, event);
}

static struct od_fetch_slot *current_slot(struct od_fetch_input *input)
{
    return &input->slots[input->current % OD_FETCH_WINDOW];
}

/* The last rows of the current block were used: judge what was given, and let the block go. */
static enum od_status finish_block(struct od_fetch *fetch, struct od_fetch_input *input,
                                   struct od_error *error)
{
    const struct od_fetch_block *block = &input->blocks[input->current];
    struct od_fetch_part *part = &input->parts[block->part];
    if (input->rows_given != block->entry.row_count ||
        !od_hash128_equal(input->block_checksum, block->entry.row_checksum))
        return od_fail(error, OD_CORRUPT,
                       "reading a block: %u rows given of %u written: stage=%u task=%u partition=%u",
                       input->rows_given, block->entry.row_count, block->writer.stage, block->writer.task,
                       block->entry.partition);
    part->rows += input->rows_given;
    part->bytes += block->entry.size;
    fetch->block_count++;
    fetch->block_bytes += block->entry.size;
    part->checksum = od_hash128_add(part->checksum, input->block_checksum);
    if (--part->blocks_left == 0)
        emit_consumed(fetch, block, part);
    current_slot(input)->state = OD_FETCH_GIVEN;
    while (input->given_count < input->asked_count &&
           input->slots[input->given_count % OD_FETCH_WINDOW].state == OD_FETCH_GIVEN)
        input->slots[input->given_count++ % OD_FETCH_WINDOW].state = OD_FETCH_IDLE;
    input->current = input->given_count;
    input->rows_given = 0;
    input->block_checksum = (struct od_hash128){0};
    return OD_OK;
}

static enum od_status give_rows(struct od_fetch *fetch, struct od_fetch_input *input,
                                const struct od_fetch_slot *slot, const struct od_batch **batch_out,
                                struct od_error *error)
{
    uint32_t batch_rows = fetch->query->options.batch_rows;
    const struct od_batch *given = &slot->batch;
    if (slot->batch.row_count > batch_rows) {
        uint32_t left = slot->batch.row_count - input->rows_given;
        od_arena_reset(&input->slice_arena);
        OD_TRY(od_batch_slice(&input->slice_arena, &slot->batch, input->rows_given,
                              left < batch_rows ? left : batch_rows, &input->slice, error));
        given = &input->slice;
    }
    input->rows_given += given->row_count;
    input->block_checksum = od_hash128_add(input->block_checksum, od_batch_checksum(given));
    *batch_out = given;
    return OD_OK;
}

/* The block that came first becomes the current one. */
static void take_first_arrival(struct od_fetch_input *input)
{
    for (uint32_t b = input->given_count; b < input->asked_count; b++) {
        const struct od_fetch_slot *slot = &input->slots[b % OD_FETCH_WINDOW];
        const struct od_fetch_slot *best = current_slot(input);
        if (slot->state == OD_FETCH_READY && (best->state != OD_FETCH_READY || slot->arrival < best->arrival))
            input->current = b;
    }
}

static enum od_step fetch_next(void *self, uint32_t input_index, const struct od_batch **batch_out,
                               struct od_error *error)
{
    struct od_fetch *fetch = self;
    od_assert(input_index < fetch->input_count);
    struct od_fetch_input *input = &fetch->inputs[input_index];
    *batch_out = NULL;
    if (!fetch->failed && input->rows_given != 0 &&
        input->rows_given == current_slot(input)->batch.row_count &&
        finish_block(fetch, input, error) != OD_OK)
        return OD_STEP_FAILED;
    ask_ahead(fetch, input_index);
    if (fetch->failed) {
        if (error != NULL)
            *error = fetch->error;
        return OD_STEP_FAILED;
    }
    if (input->given_count == input->block_count)
        return OD_STEP_DONE;
    if (input->arrival_order && input->rows_given == 0)
        take_first_arrival(input);
    const struct od_fetch_slot *slot = current_slot(input);
    if (slot->state != OD_FETCH_READY) {
        od_assert(slot->state == OD_FETCH_WAITING);
        return OD_STEP_BLOCKED;
    }
    return give_rows(fetch, input, slot, batch_out, error) == OD_OK ? OD_STEP_OUTPUT : OD_STEP_FAILED;
}

struct od_exchange_source od_fetch_source(struct od_fetch *fetch)
{
    return (struct od_exchange_source){.next = fetch_next, .self = fetch};
}
