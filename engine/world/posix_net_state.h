/* posix_net_state: what the files of a node share. Private to posix_net*.c.
 *
 *   posix_net.c            the node: loop, actor, world, mail, timers, start and end
 *   posix_net_link.c       one connection: bytes in and out, its bounds, its end
 *   posix_net_handshake.c  what is said on it before it is open
 *   posix_net_peers.c      who is known, where, and by which link it is reached
 *
 *   out:  net.send -> peer -> link.unsent -> (prepare) -> socket
 *   in:   socket -> decoder -> mail -> (check) -> actor, on_mail
 *
 * The actor and the program's callbacks run in check alone (posix_net.c says what a round is), except on_refused; so code
 * that takes bytes, or ends a link that is open, never runs inside a handler. */
#ifndef OD_WORLD_POSIX_NET_STATE_H
#define OD_WORLD_POSIX_NET_STATE_H

#include <stdatomic.h>
#include <uv.h>

#include "engine/core/buffer.h"
#include "engine/world/frame.h"
#include "engine/world/posix_lifeline.h"
#include "engine/world/posix_net.h"
#include "engine/world/posix_net_address.h"
#include "engine/world/posix_timers.h"

/* The transport's own kinds: first the handshake's, in its order, then what open links say, then notes of a
 * node to itself. */
#define OD_NET_HELLO     UINT32_C(0xffff0000)
#define OD_NET_CHALLENGE UINT32_C(0xffff0001)
#define OD_NET_PROOF     UINT32_C(0xffff0002)
#define OD_NET_WELCOME   UINT32_C(0xffff0003)
#define OD_NET_REFUSED   UINT32_C(0xffff0004)
#define OD_NET_PEERS     UINT32_C(0xffff0005)
#define OD_NET_NOTE_HERE UINT32_C(0xffff0006)
#define OD_NET_NOTE_GONE UINT32_C(0xffff0007)

enum { OD_LINK_BATCH = 64, OD_STRANGER_BODY_BYTES = 1024, OD_LINKS_PER_PEER = 2, OD_READ_BYTES = 65536 };

struct od_mail_queue {
    struct od_message *first;
    struct od_message *last;
    uint32_t count;
    size_t bytes; /* headers included */
};
static inline size_t od_mail_bytes(const struct od_message *message)
{
    return sizeof(*message) + message->body_bytes;
}
static inline void od_mail_push(struct od_mail_queue *queue, struct od_message *message)
{
    message->next = NULL;
    if (queue->first == NULL)
        queue->first = message;
    else
        queue->last->next = message;
    queue->last = message;
    queue->count++;
    queue->bytes += od_mail_bytes(message);
}
static inline struct od_message *od_mail_pop(struct od_mail_queue *queue)
{
    struct od_message *message = queue->first;
    if (message == NULL)
        return NULL;
    queue->first = message->next;
    queue->count--;
    queue->bytes -= od_mail_bytes(message);
    message->next = NULL;
    return message;
}

enum od_link_state {
    OD_LINK_DIALLING,
    OD_LINK_WANTS_HELLO,     /* accepted */
    OD_LINK_WANTS_CHALLENGE, /* dialled */
    OD_LINK_WANTS_PROOF,     /* accepted */
    OD_LINK_WANTS_WELCOME,   /* dialled */
    OD_LINK_OPEN,
    OD_LINK_CLOSED /* waits for libuv to let go */
};

struct od_link {
    struct od_node *node;
    struct od_link *next; /* of all of the node, newest first */
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } uv;
    uv_connect_t connect;
    uv_write_t write;
    enum od_link_state state;
    bool is_dialled;
    bool is_read;
    uint32_t peer_id; /* dialled: who should be there; accepted: known after HELLO */
    uint32_t peer_incarnation;
    uint64_t deadline_ns; /* of the handshake */
    uint8_t dialler_nonce[OD_SECRET_NONCE_BYTES];
    uint8_t acceptor_nonce[OD_SECRET_NONCE_BYTES];
    char dialler_address[OD_ADDRESS_BYTES]; /* where the dialler listens; "" when it does not */
    struct od_frame_decoder decoder;
    struct od_mail_queue unsent;
    struct od_mail_queue in_flight; /* the system has these: bodies and heads must stay */
    uint8_t heads[OD_LINK_BATCH][OD_FRAME_HEAD_BYTES];
};

struct od_peer {
    uint32_t id;
    uint32_t incarnation; /* largest that proved itself */
    struct od_link *link; /* borrowed: by which it is spoken to, open or being dialled; NULL: none */
    bool is_kept;         /* dialled again and again: the driver */
    char address[OD_ADDRESS_BYTES]; /* "": not known */
    uint64_t dial_at_ns;            /* not before */
    uint64_t backoff_ns;
};

enum od_node_end { OD_NODE_RUNS, OD_NODE_STOPPED, OD_NODE_ENDED, OD_NODE_FAILED };

struct od_node {
    struct od_memory *memory;       /* borrowed */
    struct od_node_options options; /* without its texts, once the node is made */
    uv_loop_t loop;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_idle_t idle;
    uv_timer_t alarm;
    uv_async_t wake;
    uv_signal_t signals[3];
    int signal; /* that ended the run; 0: none */
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } server;
    bool has_loop;
    bool has_server;
    struct od_lifeline *lifeline; /* owned; NULL: no child */
    struct od_address address;    /* listened to; text "": none */
    char advertised[OD_ADDRESS_BYTES];

    atomic_int end;            /* enum od_node_end */
    enum od_status end_status; /* with FAILED; the loop's thread alone */
    struct od_error end_error;
    uint64_t run_end_ns;
    bool is_ending;    /* in od_node_free: nothing is read or accepted any more */
    bool wants_accept; /* a connection waits for memory */

    bool has_started; /* on_start was called */
    bool has_actor;
    struct od_actor actor;
    struct od_world world;
    struct od_budget budget;
    struct od_stream stream;
    struct od_stream dial_stream; /* for the jitter of dialling */
    struct od_posix_disk *disk;   /* owned; NULL: none */
    struct od_timers timers;
    struct od_timers departures; /* delayed messages */
    struct od_mail_queue mail;
    bool is_paused; /* too much mail: links are not read */

    struct od_link *links; /* owned */
    struct od_peer *peers; /* owned; may move */
    uint32_t peer_count;
    uint32_t peer_capacity;
    struct od_node_facts facts;
    uint8_t read_bytes[OD_READ_BYTES];
};

static inline uint64_t od_node_now_ns(const struct od_node *node)
{
    return od_world_now_ns(&node->world);
}

/* --- posix_net.c --- */

/* Takes the message: to be read by the actor or the program in the next check. */
void od_node_deliver(struct od_node *node, struct od_message *message);
/* A note to itself that will be read in order with the mail; lost when there is no memory. */
void od_node_note(struct od_node *node, uint32_t kind, uint32_t peer_id, uint32_t incarnation);
void od_node_drop(struct od_node *node, struct od_message *message);
/* Ends the run; the first failure counts. */
void od_node_fail(struct od_node *node, enum od_status status, const struct od_error *error);

/* --- posix_net_link.c --- */

void od_link_accept(struct od_node *node);
/* NULL: it could not even be tried. */
struct od_link *od_link_dial(struct od_node *node, uint32_t peer_id, const struct od_address *address);
/* Takes the message; drops it over the bounds. */
void od_link_send(struct od_link *link, struct od_message *message);
/* Writes what is unsent if the link is open and nothing is being written. */
void od_link_flush(struct od_link *link);
/* A frame of the handshake: written at once, before all that is unsent. The message stays the caller's. */
void od_link_say(struct od_link *link, const struct od_message *message);
/* The end of a link, from any state; why: NULL when it is nobody's fault. */
void od_link_close(struct od_link *link, const struct od_error *why);
void od_link_set_reading(struct od_link *link, bool is_read);

/* --- posix_net_handshake.c --- */

void od_handshake_begin(struct od_link *link); /* dialled, connected */
/* A frame before the link is open; borrowed. Moves link->state on, or closes the link. */
void od_handshake_take(struct od_link *link, const struct od_message *message);
/* Tells the peer why not, as far as it can be told, and closes. Final words of a driver end the run. */
void od_handshake_refuse(struct od_link *link, const struct od_error *why);

/* --- posix_net_peers.c --- */

struct od_peer *od_peer_find(const struct od_node *node, uint32_t id);
/* Finds or adds; NULL when there is no room or no memory. */
struct od_peer *od_peer_get(struct od_node *node, uint32_t id);
enum od_status od_peers_init(struct od_node *node, const char *driver, struct od_error *error);
/* A link has become open, with id and incarnation. STALE: a later incarnation, or another of it, is known; NO_MEMORY: no room,
 * for now. */
enum od_status od_peer_opened(struct od_link *link, struct od_error *error);
/* A link was closed that was in this state before. */
void od_peer_closed(struct od_link *link, enum od_link_state before);
/* Gives it to the link of message->to; dials if there is none. */
void od_peer_send(struct od_node *node, struct od_message *message);
/* A PEERS message from the driver. */
void od_peers_learn(struct od_node *node, const struct od_message *message);
/* Dials who is to be dialled; returns when to be asked again. */
uint64_t od_peers_dial(struct od_node *node, uint64_t now_ns);

#endif
