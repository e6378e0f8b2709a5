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

#include "engine/run/metrics.h"
#include "engine/shuffle/partition_writer.h"

enum od_message_kind {
    OD_MESSAGE_REGISTER,      /* executor -> driver: I am here; again until answered */
    OD_MESSAGE_REGISTERED,    /* driver -> executor: your epoch */
    OD_MESSAGE_HEARTBEAT,     /* executor -> driver: I live, and these attempts are mine */
    OD_MESSAGE_START_OVER,    /* driver -> executor: you were given up; drop all, register again */
    OD_MESSAGE_PLAN,          /* driver -> executor: what the query is; where executors do not share it by pointer */
    OD_MESSAGE_PLAN_WANTED,   /* executor -> driver: a LAUNCH came for a query that is not known here */
    OD_MESSAGE_LAUNCH,        /* driver -> executor: run this attempt; here are its inputs */
    OD_MESSAGE_CANCEL,        /* driver -> executor: drop this attempt */
    OD_MESSAGE_DONE,          /* executor -> driver: the attempt succeeded; again until acknowledged */
    OD_MESSAGE_FAILED,        /* executor -> driver: the attempt failed; again until acknowledged */
    OD_MESSAGE_ACKNOWLEDGE,   /* driver -> executor: heard; keep or drop the output */
    OD_MESSAGE_FETCH,         /* reader -> executor: send me this block; again until answered */
    OD_MESSAGE_BLOCK,         /* executor -> reader: the block, or why not */
    OD_MESSAGE_LOST,          /* driver -> executor: that registration is over; do not wait for its blocks */
    OD_MESSAGE_END_QUERY,     /* driver -> executor: the query has ended; drop all of it */
    OD_MESSAGE_PEER_GONE,     /* the world -> driver: an executor's life is over, it seems: its lease need not be waited for */
    OD_MESSAGE_COPY,          /* driver -> executor: store another's output as well; again until COPIED */
    OD_MESSAGE_COPIED,        /* executor -> driver: it is here, or why not */
    OD_MESSAGE_LEAVE,         /* driver -> executor: decommissioned: drop all, be silent; again to whoever speaks */
    OD_MESSAGE_KIND_COUNT
};
/* OD_ROLE_OTHER of kinds that have none, and of what is no kind. */
enum od_message_role od_message_role(enum od_message_kind kind);

/* Bytes of an element, for bounds before allocating. */
#define OD_ATTEMPT_NAME_BYTES 16
#define OD_ENTRY_BYTES        36
#define OD_OP_METRICS_BYTES   48

/* Of output_checksum. */
#define OD_OUTPUT_SEED 0

/* --- bodies, and the elements of their lists ---------------------------------------------------------------------- */

/* What a body S holds, in the order of the wire: F(S, part, type, field), L(S, bytes of an element, count, field).
 *
 *   U32, U64   one such integer, or a struct of several
 *   FLAG       a bool, in a byte
 *   STATUS     an od_status; FAILURE: one that is not OK
 *   COUNT      a u32: how many BYTES follow (a pointer into the message, not terminated), or elements of a list
 *   lists      come last, as long as their counts say (0 bytes: all that is left, and whoever walks it checks); they are written
 *              by the caller behind the fields, in order, and read by od_next_...() */
#define OD_FIELDS_attempt_name(F, L, S)                                                                      \
    F(S, U32, uint32_t, query)                                                                               \
    F(S, U32, uint32_t, stage) F(S, U32, uint32_t, task) F(S, U32, uint32_t, attempt)

/* `request` is the epoch that the executor has had before in this life (0: none), so that a late answer to an older one is known. */
#define OD_FIELDS_register(F, L, S) F(S, U32, uint32_t, request)

/* `incarnation` and `request` say whom it is for: an answer to an earlier life may still be on its way. */
#define OD_FIELDS_registered(F, L, S)                                                                        \
    F(S, U32, uint32_t, incarnation) F(S, U32, uint32_t, request) F(S, U32, uint32_t, epoch)

/* CANCEL, START_OVER, LEAVE; LOST: the epoch that is; END_QUERY and PLAN_WANTED: 0. */
#define OD_FIELDS_order(F, L, S) F(S, U32, uint32_t, epoch)

/* PEER_GONE: the life that is over. */
#define OD_FIELDS_peer_gone(F, L, S) F(S, U32, uint32_t, incarnation)

/* Names of attempts that have begun, or that ended and are not acknowledged yet, then of those that wait for a slot; then the
 * numbers of all queries of which there is something here. */
#define OD_FIELDS_heartbeat(F, L, S)                                                                         \
    F(S, U32, uint32_t, epoch)                                                                               \
    F(S, U32, uint32_t, begun_count)                                                                         \
    F(S, U32, uint32_t, attempt_count) F(S, U32, uint32_t, query_count) L(S, 0, attempt_count, held)

#define OD_FIELDS_plan(F, L, S) F(S, COUNT, uint32_t, size) F(S, BYTES, const uint8_t *, bytes)

/* Carries what REGISTERED says, because it may overtake it. `task_count`: of the stage, as it runs. `inputs`: for each the number of its sources (u32), then these,
 * each with its entries behind it. */
#define OD_FIELDS_launch(F, L, S)                                                                            \
    F(S, U32, struct od_body_registered, registered)                                                         \
    F(S, U32, uint32_t, generation)                                                                          \
    F(S, U32, uint32_t, task_count)                                                                          \
    F(S, U32, uint32_t, input_count) L(S, 0, input_count, inputs)

/* One map task's part in an input: which attempt counts, where its output is, and the blocks of it to read. `stored`: the name that the
 * output has there: the writer's, but for one that an earlier query has left. */
#define OD_FIELDS_source(F, L, S)                                                                            \
    F(S, U32, struct od_attempt_name, writer)                                                                \
    F(S, U32, struct od_attempt_name, stored)                                                                \
    F(S, U32, uint32_t, generation)                                                                          \
    F(S, U32, uint32_t, executor) F(S, U32, uint32_t, epoch) F(S, U32, uint32_t, block_count)

/* struct od_block_entry, of partition_writer.h. */
#define OD_FIELDS_entry(F, L, S)                                                                             \
    F(S, U32, uint32_t, partition)                                                                           \
    F(S, U32, uint32_t, row_count) F(S, U32, uint32_t, size) F(S, U64, uint64_t, offset)                     \
        F(S, U64, struct od_hash128, row_checksum)

/* struct od_op_metrics, of op.h. */
#define OD_FIELDS_op_metrics(F, L, S)                                                                        \
    F(S, U64, uint64_t, rows)                                                                                \
    F(S, U64, uint64_t, bytes) F(S, U64, uint64_t, batches) F(S, U64, uint64_t, spilled_bytes)               \
        F(S, U64, uint64_t, peak_bytes) F(S, U64, uint64_t, time_ns)

/* total_bytes: of all blocks, and output_checksum: od_hash_bytes of these; held_peak_bytes: by all operators of the task. */
#define OD_FIELDS_done(F, L, S)                                                                              \
    F(S, U32, uint32_t, epoch)                                                                               \
    F(S, U32, uint32_t, generation)                                                                          \
    F(S, U64, uint64_t, row_count)                                                                           \
    F(S, U64, uint64_t, total_bytes)                                                                         \
    F(S, U64, uint64_t, spilled_bytes)                                                                       \
    F(S, U64, uint64_t, held_peak_bytes)                                                                     \
    F(S, U64, struct od_hash128, row_checksum)                                                               \
    F(S, U64, uint64_t, output_checksum)                                                                     \
    F(S, U64, struct od_attempt_metrics, metrics)                                                            \
    F(S, COUNT, uint32_t, operator_count)                                                                    \
    F(S, COUNT, uint32_t, block_count)                                                                       \
    L(S, OD_OP_METRICS_BYTES, operator_count, operators) L(S, OD_ENTRY_BYTES, block_count, blocks)

/* epoch: of the reader; where the output is, and what its bytes are (see DONE). */
#define OD_FIELDS_copy(F, L, S)                                                                              \
    F(S, U32, uint32_t, epoch)                                                                               \
    F(S, U32, uint32_t, source) F(S, U32, uint32_t, source_epoch)                                            \
    F(S, U64, uint64_t, size) F(S, U64, uint64_t, checksum)

#define OD_FIELDS_copied(F, L, S) F(S, U32, uint32_t, epoch) F(S, STATUS, uint32_t, status)

/* fetch_failed: the task was not at fault: `source` was, as it was to be had from `source_epoch`. */
#define OD_FIELDS_failed(F, L, S)                                                                            \
    F(S, U32, uint32_t, epoch)                                                                               \
    F(S, FAILURE, uint32_t, status)                                                                          \
    F(S, FLAG, bool, injected)                                                                               \
    F(S, FLAG, bool, fetch_failed)                                                                           \
    F(S, U32, struct od_attempt_name, source)                                                                \
    F(S, U32, uint32_t, source_epoch)                                                                        \
    F(S, COUNT, uint32_t, text_size) F(S, BYTES, const char *, text)

/* keep: the output counts; else it may be removed. */
#define OD_FIELDS_acknowledge(F, L, S) F(S, U32, uint32_t, epoch) F(S, FLAG, bool, keep)

/* Names a reader and the place in its inputs that a block is for: epoch of the reader (of the driver: its incarnation); block_index: among its blocks of this
 * input. The server gives it back unread. */
#define OD_FIELDS_fetch_name(F, L, S)                                                                        \
    F(S, U32, uint32_t, epoch)                                                                               \
    F(S, U32, struct od_attempt_name, reader) F(S, U32, uint32_t, input_index)                               \
        F(S, U32, uint32_t, block_index)

/* epoch: of the server; the driver's is always 0. */
#define OD_FIELDS_fetch(F, L, S)                                                                             \
    F(S, U32, struct od_fetch_name, name)                                                                    \
    F(S, U32, uint32_t, epoch) F(S, U32, uint32_t, size) F(S, U64, uint64_t, offset)

/* status: OK, or why there are no bytes. */
#define OD_FIELDS_block(F, L, S)                                                                             \
    F(S, U32, struct od_fetch_name, name)                                                                    \
    F(S, STATUS, uint32_t, status) F(S, FLAG, bool, injected) F(S, COUNT, uint32_t, size)                    \
        F(S, BYTES, const uint8_t *, bytes)

/* Each after what it holds. */
#define OD_BODY_LIST(X)                                                                                      \
    X(attempt_name, od_attempt_name)                                                                         \
    X(register, od_body_register)                                                                            \
    X(registered, od_body_registered)                                                                        \
    X(order, od_body_order)                                                                                  \
    X(peer_gone, od_body_peer_gone)                                                                          \
    X(heartbeat, od_body_heartbeat)                                                                          \
    X(plan, od_body_plan)                                                                                    \
    X(launch, od_body_launch)                                                                                \
    X(source, od_body_source)                                                                                \
    X(copy, od_body_copy)                                                                                    \
    X(copied, od_body_copied)                                                                                \
    X(done, od_body_done)                                                                                    \
    X(failed, od_body_failed)                                                                                \
    X(acknowledge, od_body_acknowledge)                                                                      \
    X(fetch_name, od_fetch_name)                                                                             \
    X(fetch, od_body_fetch)                                                                                  \
    X(block, od_body_block)
/* Of others' making. */
#define OD_ELEMENT_LIST(X) X(entry, od_block_entry) X(op_metrics, od_op_metrics)
#define MEMBER(S, part, type, field) type field;
#define LIST_MEMBER(S, bytes, count, field) struct od_reader field;
#define X(name, type)                                                                                        \
    struct type {                                                                                            \
        OD_FIELDS_##name(MEMBER, LIST_MEMBER, type)                                                          \
    };
OD_BODY_LIST(X)
#undef X
#undef MEMBER
#undef LIST_MEMBER

static inline bool od_attempt_name_equal(const struct od_attempt_name *left,
                                         const struct od_attempt_name *right)
{
    return left->query == right->query && left->stage == right->stage && left->task == right->task &&
           left->attempt == right->attempt;
}

/* Where an attempt is; OD_NOBODY: the executor as a whole. */
#define OD_NOBODY (&(const struct od_attempt_name){OD_ANY, OD_ANY, OD_ANY, OD_ANY})
static inline struct od_site od_site_of(const struct od_attempt_name *name, uint32_t executor)
{
    return (struct od_site){name->query, name->stage, name->task, name->attempt,
                            executor,    OD_ANY,      OD_ANY,     OD_ANY};
}
/* Whom a message is about. */
static inline struct od_attempt_name od_message_attempt(const struct od_message *message)
{
    const struct od_site *site = &message->site;
    return (struct od_attempt_name){site->query, site->stage, site->task, site->attempt};
}
static inline struct od_block_id od_block_id_of(const struct od_attempt_name *writer, uint32_t generation,
                                                uint32_t partition)
{
    return (struct od_block_id){writer->query,   writer->stage, writer->task,
                                writer->attempt, generation,    partition};
}

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
bool od_outbox_send(struct od_outbox *outbox, uint32_t to, enum od_message_kind kind, struct od_site site);

/* CANCEL, START_OVER, LOST, LEAVE, END_QUERY, PLAN_WANTED, or REGISTER with its request: a number is all they say. */
void od_outbox_send_order(struct od_outbox *outbox, uint32_t to, enum od_message_kind kind, uint32_t number,
                          struct od_site site);

enum od_body_kind {
#define X(name, type) OD_BODY_##name,
    OD_BODY_LIST(X) OD_ELEMENT_LIST(X)
#undef X
};
/* Appends the checksum, behind all else; od_outbox_send does it. For hosts that make a message themselves. */
void od_body_seal(struct od_buffer *body, enum od_message_kind kind);
/* Appends the fields. */
void od_body_write(struct od_buffer *buffer, enum od_body_kind kind, const void *body);
/* False when the message is not what its kind promises. */
bool od_body_read(const struct od_message *message, enum od_body_kind kind, void *body_out);
/* An element; after an overrun reader->failed is set. */
void od_body_read_element(struct od_reader *reader, enum od_body_kind kind, void *element_out);

/* od_write_done(buffer, &body), od_read_done(message, &body), and of elements od_next_entry(&body.blocks)... */
#define X(name, type)                                                                                        \
    static inline void od_write_##name(struct od_buffer *buffer, const struct type *body)                    \
    {                                                                                                        \
        od_body_write(buffer, OD_BODY_##name, body);                                                         \
    }                                                                                                        \
    static inline bool od_read_##name(const struct od_message *message, struct type *body_out)               \
    {                                                                                                        \
        return od_body_read(message, OD_BODY_##name, body_out);                                              \
    }                                                                                                        \
    static inline struct type od_next_##name(struct od_reader *reader)                                       \
    {                                                                                                        \
        struct type element;                                                                                 \
        od_body_read_element(reader, OD_BODY_##name, &element);                                              \
        return element;                                                                                      \
    }
OD_BODY_LIST(X) OD_ELEMENT_LIST(X)
#undef X

#endif
