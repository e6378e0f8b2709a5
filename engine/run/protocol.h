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
    struct od_reader attempts; /* for od_next_attempt_name */
};
/* Carries what REGISTERED says, because it may overtake it. */
struct od_body_launch {
    struct od_body_registered registered;
    uint32_t generation;
    uint32_t input_count;
    struct od_reader inputs; /* for od_next_source, and od_next_entry for its blocks */
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
    uint64_t held_peak_bytes; /* by all operators of the task */
    struct od_hash128 row_checksum;
    uint32_t block_count;
    struct od_reader blocks; /* for od_next_entry */
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

/* --- writing and reading ---------------------------------------------------------------------------------------- */

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

/* CANCEL, START_OVER, STOP, or REGISTER with its request: a number is all they say. */
void od_outbox_send_order(struct od_outbox *outbox, uint32_t to, enum od_message_kind kind, uint32_t number,
                          const struct od_site *site);

/* The bodies, and the elements of lists: their fields are listed in protocol.c. */
#define OD_BODY_LIST(X)                                                                                      \
    X(register)                                                                                              \
    X(registered) X(order) X(heartbeat) X(launch) X(done) X(failed) X(acknowledge) X(result)                 \
        X(result_wanted) X(fetch) X(block) X(source)
enum od_body_kind {
#define X(name) OD_BODY_##name,
    OD_BODY_LIST(X)
#undef X
        OD_BODY_attempt_name,
    OD_BODY_entry
};
/* Appends the fields; elements of a list follow, each written by the caller. */
void od_body_write(struct od_buffer *buffer, enum od_body_kind kind, const void *body);
/* False when the message is not what its kind promises. */
bool od_body_read(const struct od_message *message, enum od_body_kind kind, void *body_out);
/* An element; after an overrun reader->failed is set. */
void od_body_read_element(struct od_reader *reader, enum od_body_kind kind, void *element_out);

/* od_write_done(buffer, &body), od_read_done(message, &body)... */
#define X(name)                                                                                              \
    static inline void od_write_##name(struct od_buffer *buffer, const struct od_body_##name *body)          \
    {                                                                                                        \
        od_body_write(buffer, OD_BODY_##name, body);                                                         \
    }                                                                                                        \
    static inline bool od_read_##name(const struct od_message *message, struct od_body_##name *body_out)     \
    {                                                                                                        \
        return od_body_read(message, OD_BODY_##name, body_out);                                              \
    }
OD_BODY_LIST(X)
#undef X
static inline void od_write_attempt_name(struct od_buffer *buffer, const struct od_attempt_name *name)
{
    od_body_write(buffer, OD_BODY_attempt_name, name);
}
static inline void od_write_entry(struct od_buffer *buffer, const struct od_block_entry *entry)
{
    od_body_write(buffer, OD_BODY_entry, entry);
}
static inline struct od_attempt_name od_next_attempt_name(struct od_reader *reader)
{
    struct od_attempt_name name;
    od_body_read_element(reader, OD_BODY_attempt_name, &name);
    return name;
}
static inline struct od_block_entry od_next_entry(struct od_reader *reader)
{
    struct od_block_entry entry;
    od_body_read_element(reader, OD_BODY_entry, &entry);
    return entry;
}
static inline struct od_body_source od_next_source(struct od_reader *reader)
{
    struct od_body_source source;
    od_body_read_element(reader, OD_BODY_source, &source);
    return source;
}
/* Bytes of one element, for bounds before allocating. */
#define OD_ENTRY_BYTES  36
#define OD_SOURCE_BYTES 24

#endif
