/* protocol: what driver and executors say to each other. See README.md for the exchanges drawn.
 *
 *   od_message   kind, from, to, from_incarnation, site (query, stage, task, attempt, partition of the subject)
 *   body         fields in the order of the struct, little-endian | lists | xxh3 of all before it
 *
 * The header says what a message is about, the body the rest. Decoding trusts nothing: a body that is cut, too long, or fails
 * its checksum is refused, and the receiver drops it like a message that was lost. Lists are bounded by the bytes that are
 * there before anything is taken for them.
 *
 * `epoch` is the registration number that the driver gave: every message of a registered executor carries its own, every
 * order to one carries the one it is meant for. Epochs are never reused, so a zombie's words are known as such. */
#ifndef OD_RUN_PROTOCOL_H
#define OD_RUN_PROTOCOL_H

#include "engine/run/query.h"
#include "engine/shuffle/partition_writer.h"

#define OD_MESSAGE_LIST(X)                                                                                   \
    X(REGISTER, "register", "executor -> driver: I am here; again until answered")                           \
    X(REGISTERED, "registered", "driver -> executor: your epoch")                                            \
    X(HEARTBEAT, "heartbeat", "executor -> driver: I live, and these attempts are mine")                     \
    X(START_OVER, "start_over", "driver -> executor: you were given up; drop all, register again")           \
    X(LAUNCH, "launch", "driver -> executor: run this attempt; here are its inputs")                         \
    X(CANCEL, "cancel", "driver -> executor: drop this attempt")                                             \
    X(DONE, "done", "executor -> driver: the attempt succeeded; again until acknowledged")                   \
    X(FAILED, "failed", "executor -> driver: the attempt failed; again until acknowledged")                  \
    X(ACKNOWLEDGE, "acknowledge", "driver -> executor: heard; keep or drop the output")                      \
    X(RESULT, "result", "executor -> driver: one block of the answer")                                       \
    X(RESULT_WANTED, "result_wanted", "driver -> executor: these result blocks did not arrive")              \
    X(FETCH, "fetch", "executor -> executor: send me this block; again until answered")                      \
    X(BLOCK, "block", "executor -> executor: the block, or why not")                                         \
    X(STOP, "stop", "driver -> executor: the query has ended; drop all")

enum od_message_kind {
#define X(name, text, sentence) OD_MESSAGE_##name,
    OD_MESSAGE_LIST(X)
#undef X
        OD_MESSAGE_KIND_COUNT
};
const char *od_message_kind_text(uint32_t kind);

/* `request` counts an executor's registrations within one life, so that a late answer to an older one is known. */
struct od_body_register {
    uint32_t request;
};
/* `incarnation` and `request` say whom it is for: an answer to an earlier life may still be on its way. */
struct od_body_registered {
    uint32_t incarnation;
    uint32_t request;
    uint32_t epoch;
};
/* CANCEL, START_OVER, STOP (epoch 0 there). */
struct od_body_order {
    uint32_t epoch;
};
struct od_attempt_name {
    uint32_t stage;
    uint32_t task;
    uint32_t attempt;
};
/* Attempts that run, or that ended and are not acknowledged yet. */
struct od_body_heartbeat {
    uint32_t epoch;
    uint32_t attempt_count;
    struct od_reader attempts; /* for od_read_attempt_name */
};
/* Carries what REGISTERED says, because it may overtake it. */
struct od_body_launch {
    struct od_body_registered registered;
    uint32_t generation;
    uint32_t input_count;
    struct od_reader inputs; /* for od_read_input_* */
};
/* One map task's part in an input: where its output is, and its blocks for the reading partition. */
struct od_body_source {
    uint32_t task;
    uint32_t attempt;
    uint32_t generation;
    uint32_t executor;
    uint32_t epoch;
    uint32_t block_count;
};
struct od_body_done {
    uint32_t epoch;
    uint32_t generation;
    uint64_t row_count;
    uint64_t total_bytes; /* of all blocks */
    uint64_t spilled_bytes;
    struct od_hash128 row_checksum;
    uint32_t block_count;
    struct od_reader blocks; /* for od_read_entry */
};
struct od_body_failed {
    uint32_t epoch;
    uint32_t status;
    bool injected;
    bool fetch_failed; /* the task was not at fault: a source was. The next three say which */
    uint32_t source_stage;
    uint32_t source_task;
    uint32_t source_attempt;
    const char *text; /* in the message, not terminated */
    uint32_t text_size;
};
struct od_body_acknowledge {
    uint32_t epoch;
    bool keep; /* the output counts; else it may be removed */
};
struct od_body_result {
    uint32_t epoch;
    uint32_t sequence;
    uint32_t size;
    const uint8_t *bytes; /* in the message */
};
struct od_body_result_wanted {
    uint32_t epoch;
    uint32_t sequence_count;
    struct od_reader sequences; /* od_reader_u32 each */
};
/* Names a reader and the place in its inputs that a block is for. The server gives it back unread. */
struct od_fetch_name {
    uint32_t epoch; /* of the reader */
    struct od_attempt_name reader;
    uint32_t input_index;
    uint32_t block_index; /* position among the reader's blocks of this input */
};
struct od_body_fetch {
    struct od_fetch_name name;
    uint32_t epoch; /* of the server */
    uint32_t size;
    uint64_t offset;
};
struct od_body_block {
    struct od_fetch_name name;
    uint32_t status; /* OK, or why there are no bytes */
    bool injected;
    uint32_t size;
    const uint8_t *bytes; /* in the message */
};

/* --- writing: begin, fields, send ------------------------------------------------------------------------------ */

/* An actor's outgoing mail: one buffer, used for one message at a time. */
struct od_outbox {
    struct od_world *world; /* borrowed */
    struct od_buffer body;
};
/* Keeps room for small messages from the start, so that an actor short of memory can still say so. False when even that is
 * refused; the outbox may then be released. */
bool od_outbox_init(struct od_outbox *outbox, struct od_world *world);
void od_outbox_release(struct od_outbox *outbox);
/* Seals the body with its checksum and hands it to the world. False when memory was refused: then nothing is sent, which the
 * protocol repairs as any loss. `site` names the subject; its message_kind is filled in. The body is empty afterwards. */
bool od_outbox_send(struct od_outbox *outbox, uint32_t to, enum od_message_kind kind,
                    const struct od_site *site);

void od_write_order(struct od_buffer *body, uint32_t epoch);
void od_write_registered(struct od_buffer *body, const struct od_body_registered *registered);
/* Without its sources: od_write_source and od_write_entry for each follow. */
void od_write_launch(struct od_buffer *body, const struct od_body_launch *launch);
void od_write_attempt_name(struct od_buffer *body, const struct od_attempt_name *name);
void od_write_source(struct od_buffer *body, const struct od_body_source *source);
void od_write_entry(struct od_buffer *body, const struct od_block_entry *entry);
/* Without its blocks: od_write_entry for each follows. */
void od_write_done(struct od_buffer *body, const struct od_body_done *done);
void od_write_failed(struct od_buffer *body, const struct od_body_failed *failed);
void od_write_acknowledge(struct od_buffer *body, const struct od_body_acknowledge *acknowledge);
/* With a gap of `size` bytes at the end of the body, for the caller to fill. */
void od_write_result(struct od_buffer *body, const struct od_body_result *result);
void od_write_fetch(struct od_buffer *body, const struct od_body_fetch *fetch);
void od_write_block(struct od_buffer *body, const struct od_body_block *block);

/* --- reading: each says false when the body is not what its kind promises ------------------------------------------- */

bool od_read_register(const struct od_message *message, struct od_body_register *body_out);
bool od_read_registered(const struct od_message *message, struct od_body_registered *body_out);
bool od_read_order(const struct od_message *message, struct od_body_order *body_out);
bool od_read_heartbeat(const struct od_message *message, struct od_body_heartbeat *body_out);
bool od_read_launch(const struct od_message *message, struct od_body_launch *body_out);
bool od_read_done(const struct od_message *message, struct od_body_done *body_out);
bool od_read_failed(const struct od_message *message, struct od_body_failed *body_out);
bool od_read_acknowledge(const struct od_message *message, struct od_body_acknowledge *body_out);
bool od_read_result(const struct od_message *message, struct od_body_result *body_out);
bool od_read_result_wanted(const struct od_message *message, struct od_body_result_wanted *body_out);
bool od_read_fetch(const struct od_message *message, struct od_body_fetch *body_out);
bool od_read_block(const struct od_message *message, struct od_body_block *body_out);

/* List elements; after an overrun reader->failed is set. */
struct od_attempt_name od_read_attempt_name(struct od_reader *reader);
struct od_block_entry od_read_entry(struct od_reader *reader);
struct od_body_source od_read_source(struct od_reader *reader);
/* Bytes of one element, for bounds before allocating. */
#define OD_ENTRY_BYTES  36
#define OD_SOURCE_BYTES 24

#endif
