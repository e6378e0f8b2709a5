/* protocol: writers and readers of message bodies.
 *
 *   fields | lists | checksum u64
 *
 * Writers append to an od_buffer and never check: a refused allocation is remembered by the buffer and od_outbox_send then
 * sends nothing. Readers open the body (checksum first), read the fields, and for lists leave a cursor over exactly the
 * bytes that the count promises. */
#include "engine/run/protocol.h"

#include <string.h>

#include "engine/core/assert.h"

#define CHECKSUM_BYTES     8
#define ATTEMPT_NAME_BYTES 12
#define OUTBOX_BYTES       500

static const char *const kind_texts[] = {
#define X(name, text, sentence) [OD_MESSAGE_##name] = text,
    OD_MESSAGE_LIST(X)
#undef X
};
_Static_assert(sizeof(kind_texts) / sizeof(kind_texts[0]) == OD_MESSAGE_KIND_COUNT, "every kind has a text");

const char *od_message_kind_text(uint32_t kind)
{
    return kind < OD_MESSAGE_KIND_COUNT ? kind_texts[kind] : "unknown kind";
}

/* --- writing ------------------------------------------------------------------------------------------------- */

bool od_outbox_init(struct od_outbox *outbox, struct od_world *world)
{
    outbox->world = world;
    od_buffer_init(&outbox->body, world->memory);
    return od_buffer_reserve(&outbox->body, OUTBOX_BYTES);
}

void od_outbox_release(struct od_outbox *outbox)
{
    od_buffer_release(&outbox->body);
}

bool od_outbox_send(struct od_outbox *outbox, uint32_t to, enum od_message_kind kind,
                    const struct od_site *site)
{
    struct od_world *world = outbox->world;
    struct od_buffer *body = &outbox->body;
    struct od_message *message = NULL;
    if (!body->failed)
        message = od_message_new(world->net.message_memory, body->size + CHECKSUM_BYTES);
    if (message != NULL) {
        message->from = world->actor_id;
        message->to = to;
        message->from_incarnation = world->incarnation;
        message->kind = kind;
        message->site = *site;
        message->site.message_kind = kind;
        if (body->size != 0)
            memcpy(message->body, body->bytes, body->size);
        uint64_t checksum = od_hash_bytes(message->body, body->size, kind);
        memcpy(message->body + body->size, &checksum, sizeof(checksum));
        world->net.send(world->net.self, message);
    }
    od_buffer_reset(body);
    return message != NULL;
}

void od_write_order(struct od_buffer *body, uint32_t epoch)
{
    od_buffer_append_u32(body, epoch);
}

void od_write_registered(struct od_buffer *body, const struct od_body_registered *registered)
{
    od_buffer_append_u32(body, registered->incarnation);
    od_buffer_append_u32(body, registered->request);
    od_buffer_append_u32(body, registered->epoch);
}

void od_write_launch(struct od_buffer *body, const struct od_body_launch *launch)
{
    od_write_registered(body, &launch->registered);
    od_buffer_append_u32(body, launch->generation);
    od_buffer_append_u32(body, launch->input_count);
}

void od_write_attempt_name(struct od_buffer *body, const struct od_attempt_name *name)
{
    od_buffer_append_u32(body, name->stage);
    od_buffer_append_u32(body, name->task);
    od_buffer_append_u32(body, name->attempt);
}

void od_write_source(struct od_buffer *body, const struct od_body_source *source)
{
    od_buffer_append_u32(body, source->task);
    od_buffer_append_u32(body, source->attempt);
    od_buffer_append_u32(body, source->generation);
    od_buffer_append_u32(body, source->executor);
    od_buffer_append_u32(body, source->epoch);
    od_buffer_append_u32(body, source->block_count);
}

void od_write_entry(struct od_buffer *body, const struct od_block_entry *entry)
{
    od_buffer_append_u32(body, entry->partition);
    od_buffer_append_u32(body, entry->row_count);
    od_buffer_append_u32(body, entry->size);
    od_buffer_append_u64(body, entry->offset);
    od_buffer_append_u64(body, entry->row_checksum.low);
    od_buffer_append_u64(body, entry->row_checksum.high);
}

void od_write_done(struct od_buffer *body, const struct od_body_done *done)
{
    od_buffer_append_u32(body, done->epoch);
    od_buffer_append_u32(body, done->generation);
    od_buffer_append_u64(body, done->row_count);
    od_buffer_append_u64(body, done->total_bytes);
    od_buffer_append_u64(body, done->spilled_bytes);
    od_buffer_append_u64(body, done->row_checksum.low);
    od_buffer_append_u64(body, done->row_checksum.high);
    od_buffer_append_u32(body, done->block_count);
}

void od_write_failed(struct od_buffer *body, const struct od_body_failed *failed)
{
    od_buffer_append_u32(body, failed->epoch);
    od_buffer_append_u32(body, failed->status);
    od_buffer_append_u8(body, failed->injected);
    od_buffer_append_u8(body, failed->fetch_failed);
    od_buffer_append_u32(body, failed->source_stage);
    od_buffer_append_u32(body, failed->source_task);
    od_buffer_append_u32(body, failed->source_attempt);
    od_buffer_append_u32(body, failed->text_size);
    od_buffer_append(body, failed->text, failed->text_size);
}

void od_write_acknowledge(struct od_buffer *body, const struct od_body_acknowledge *acknowledge)
{
    od_buffer_append_u32(body, acknowledge->epoch);
    od_buffer_append_u8(body, acknowledge->keep);
}

void od_write_result(struct od_buffer *body, const struct od_body_result *result)
{
    od_buffer_append_u32(body, result->epoch);
    od_buffer_append_u32(body, result->sequence);
    od_buffer_append_u32(body, result->size);
    od_buffer_append(body, result->bytes, result->size);
}

static void write_fetch_name(struct od_buffer *body, const struct od_fetch_name *name)
{
    od_buffer_append_u32(body, name->epoch);
    od_write_attempt_name(body, &name->reader);
    od_buffer_append_u32(body, name->input_index);
    od_buffer_append_u32(body, name->block_index);
}

void od_write_fetch(struct od_buffer *body, const struct od_body_fetch *fetch)
{
    write_fetch_name(body, &fetch->name);
    od_buffer_append_u32(body, fetch->epoch);
    od_buffer_append_u32(body, fetch->size);
    od_buffer_append_u64(body, fetch->offset);
}

void od_write_block(struct od_buffer *body, const struct od_body_block *block)
{
    write_fetch_name(body, &block->name);
    od_buffer_append_u32(body, block->status);
    od_buffer_append_u8(body, block->injected);
    od_buffer_append_u32(body, block->size);
    od_buffer_append(body, block->bytes, block->size);
}

/* --- reading ------------------------------------------------------------------------------------------------- */

static bool body_open(const struct od_message *message, struct od_reader *reader_out)
{
    *reader_out = (struct od_reader){.bytes = message->body, .failed = true};
    if (message->body_bytes < CHECKSUM_BYTES)
        return false;
    size_t size = message->body_bytes - CHECKSUM_BYTES;
    uint64_t checksum;
    memcpy(&checksum, message->body + size, sizeof(checksum));
    if (checksum != od_hash_bytes(message->body, size, message->kind))
        return false;
    *reader_out = (struct od_reader){.bytes = message->body, .size = size};
    return true;
}

static bool body_ends(const struct od_reader *reader)
{
    return !reader->failed && reader->offset == reader->size;
}

/* The rest of the body must be `count` elements of `bytes` each; gives a cursor over them. */
static bool body_list(const struct od_reader *reader, uint32_t count, size_t bytes,
                      struct od_reader *list_out)
{
    *list_out = *reader;
    return !reader->failed && (uint64_t)count * bytes == reader->size - reader->offset;
}

static bool read_flag(struct od_reader *reader)
{
    uint8_t value = od_reader_u8(reader);
    reader->failed = reader->failed || value > 1;
    return value == 1;
}

bool od_read_register(const struct od_message *message, struct od_body_register *body_out)
{
    struct od_reader reader;
    body_open(message, &reader);
    body_out->request = od_reader_u32(&reader);
    return body_ends(&reader);
}

static struct od_body_registered read_registered(struct od_reader *reader)
{
    struct od_body_registered registered;
    registered.incarnation = od_reader_u32(reader);
    registered.request = od_reader_u32(reader);
    registered.epoch = od_reader_u32(reader);
    return registered;
}

bool od_read_registered(const struct od_message *message, struct od_body_registered *body_out)
{
    struct od_reader reader;
    body_open(message, &reader);
    *body_out = read_registered(&reader);
    return body_ends(&reader);
}

bool od_read_order(const struct od_message *message, struct od_body_order *body_out)
{
    struct od_reader reader;
    body_open(message, &reader);
    body_out->epoch = od_reader_u32(&reader);
    return body_ends(&reader);
}

bool od_read_heartbeat(const struct od_message *message, struct od_body_heartbeat *body_out)
{
    struct od_reader reader;
    body_open(message, &reader);
    body_out->epoch = od_reader_u32(&reader);
    body_out->attempt_count = od_reader_u32(&reader);
    return body_list(&reader, body_out->attempt_count, ATTEMPT_NAME_BYTES, &body_out->attempts);
}

bool od_read_launch(const struct od_message *message, struct od_body_launch *body_out)
{
    struct od_reader reader;
    body_open(message, &reader);
    body_out->registered = read_registered(&reader);
    body_out->generation = od_reader_u32(&reader);
    body_out->input_count = od_reader_u32(&reader);
    body_out->inputs = reader; /* lists of lists: whoever walks them checks */
    return !reader.failed;
}

bool od_read_done(const struct od_message *message, struct od_body_done *body_out)
{
    struct od_reader reader;
    body_open(message, &reader);
    body_out->epoch = od_reader_u32(&reader);
    body_out->generation = od_reader_u32(&reader);
    body_out->row_count = od_reader_u64(&reader);
    body_out->total_bytes = od_reader_u64(&reader);
    body_out->spilled_bytes = od_reader_u64(&reader);
    body_out->row_checksum.low = od_reader_u64(&reader);
    body_out->row_checksum.high = od_reader_u64(&reader);
    body_out->block_count = od_reader_u32(&reader);
    return body_list(&reader, body_out->block_count, OD_ENTRY_BYTES, &body_out->blocks);
}

bool od_read_failed(const struct od_message *message, struct od_body_failed *body_out)
{
    struct od_reader reader;
    body_open(message, &reader);
    body_out->epoch = od_reader_u32(&reader);
    body_out->status = od_reader_u32(&reader);
    body_out->injected = read_flag(&reader);
    body_out->fetch_failed = read_flag(&reader);
    body_out->source_stage = od_reader_u32(&reader);
    body_out->source_task = od_reader_u32(&reader);
    body_out->source_attempt = od_reader_u32(&reader);
    body_out->text_size = od_reader_u32(&reader);
    body_out->text = (const char *)od_reader_bytes(&reader, body_out->text_size);
    return body_ends(&reader) && body_out->status != OD_OK && body_out->status < OD_STATUS_COUNT;
}

bool od_read_acknowledge(const struct od_message *message, struct od_body_acknowledge *body_out)
{
    struct od_reader reader;
    body_open(message, &reader);
    body_out->epoch = od_reader_u32(&reader);
    body_out->keep = read_flag(&reader);
    return body_ends(&reader);
}

bool od_read_result(const struct od_message *message, struct od_body_result *body_out)
{
    struct od_reader reader;
    body_open(message, &reader);
    body_out->epoch = od_reader_u32(&reader);
    body_out->sequence = od_reader_u32(&reader);
    body_out->size = od_reader_u32(&reader);
    body_out->bytes = od_reader_bytes(&reader, body_out->size);
    return body_ends(&reader);
}

bool od_read_result_wanted(const struct od_message *message, struct od_body_result_wanted *body_out)
{
    struct od_reader reader;
    body_open(message, &reader);
    body_out->epoch = od_reader_u32(&reader);
    body_out->sequence_count = od_reader_u32(&reader);
    return body_list(&reader, body_out->sequence_count, sizeof(uint32_t), &body_out->sequences);
}

static struct od_fetch_name read_fetch_name(struct od_reader *reader)
{
    struct od_fetch_name name;
    name.epoch = od_reader_u32(reader);
    name.reader = od_read_attempt_name(reader);
    name.input_index = od_reader_u32(reader);
    name.block_index = od_reader_u32(reader);
    return name;
}

bool od_read_fetch(const struct od_message *message, struct od_body_fetch *body_out)
{
    struct od_reader reader;
    body_open(message, &reader);
    body_out->name = read_fetch_name(&reader);
    body_out->epoch = od_reader_u32(&reader);
    body_out->size = od_reader_u32(&reader);
    body_out->offset = od_reader_u64(&reader);
    return body_ends(&reader);
}

bool od_read_block(const struct od_message *message, struct od_body_block *body_out)
{
    struct od_reader reader;
    body_open(message, &reader);
    body_out->name = read_fetch_name(&reader);
    body_out->status = od_reader_u32(&reader);
    body_out->injected = read_flag(&reader);
    body_out->size = od_reader_u32(&reader);
    body_out->bytes = od_reader_bytes(&reader, body_out->size);
    return body_ends(&reader) && body_out->status < OD_STATUS_COUNT;
}

struct od_attempt_name od_read_attempt_name(struct od_reader *reader)
{
    struct od_attempt_name name;
    name.stage = od_reader_u32(reader);
    name.task = od_reader_u32(reader);
    name.attempt = od_reader_u32(reader);
    return name;
}

struct od_block_entry od_read_entry(struct od_reader *reader)
{
    struct od_block_entry entry;
    entry.partition = od_reader_u32(reader);
    entry.row_count = od_reader_u32(reader);
    entry.size = od_reader_u32(reader);
    entry.offset = od_reader_u64(reader);
    entry.row_checksum.low = od_reader_u64(reader);
    entry.row_checksum.high = od_reader_u64(reader);
    return entry;
}

struct od_body_source od_read_source(struct od_reader *reader)
{
    struct od_body_source source;
    source.task = od_reader_u32(reader);
    source.attempt = od_reader_u32(reader);
    source.generation = od_reader_u32(reader);
    source.executor = od_reader_u32(reader);
    source.epoch = od_reader_u32(reader);
    source.block_count = od_reader_u32(reader);
    return source;
}
