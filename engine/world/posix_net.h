/* posix_net: a node: one process of the `processes` deployment. A libuv loop that hosts one actor, or none (a
 * client).
 *
 *   od_node_new (listens) -> od_node_run (again and again, if wanted) -> od_node_free (frees the actor, says
 *                                                                        goodbye, removes files)
 *
 *        driver (id 0, listens) <---- dialled by every executor and client, and again after each loss
 *        executor k (listens)   <---- dialled by the executors that have something to say to it
 *
 * The driver hands the executors' addresses round. Each connection begins with a handshake
 * (posix_net_handshake.c): version, ids, incarnations, and a mutual proof of the secret; only then is
 * anything else read. What follows is neither signed nor encrypted: across networks that others can write to,
 * use a tunnel. Messages are the seam's: at most once, maybe lost, in any order; all that is queued has a
 * bound, and what exceeds it is lost and counted.
 *
 * Everything happens on the thread that runs the loop: actor and callbacks are called one at a time, never
 * nested. A node ignores SIGPIPE for the whole process. */
#ifndef OD_WORLD_POSIX_NET_H
#define OD_WORLD_POSIX_NET_H

#include "engine/world/posix.h"
#include "engine/world/posix_secret.h"

struct od_node;
struct uv_loop_s;

/* Messages of these kinds are mail between hosts: given to `on_mail`, not to the actor. Larger kinds are the
 * transport's own. */
#define OD_NODE_MAIL_FIRST UINT32_C(0x10000)
#define OD_NODE_MAIL_LAST  UINT32_C(0xfffeffff)
/* Actors' ids are below; a client takes one from here on. Nodes don't dial clients. */
#define OD_NODE_CLIENT_FIRST UINT32_C(0x80000000)

#define OD_NODE_NEVER UINT64_MAX

/* What a node tells its program, on the loop's thread. */
struct od_node_ops {
    /* A message between hosts, or any message when the node has no actor. Borrowed. */
    void (*on_mail)(void *self, const struct od_message *message);
    /* A peer of this incarnation can be spoken to (`here`), or no longer; a hint that may come late or not at
     * all. In order with the messages from that peer. */
    void (*on_peer)(void *self, uint32_t id, uint32_t incarnation, bool here);
    /* A connection was refused, or ended by a fault of the peer. For a log; may come often. */
    void (*on_refused)(void *self, const struct od_error *error);
};

/* 0: the default that the comment says, with its reason. */
struct od_node_limits {
    /* Body of one message: 64 MiB, well over the largest block that is fetched at once. */
    size_t frame_bytes;
    /* Unread mail, beyond which connections are not read: 64 MiB, so that one large message fits. */
    size_t mail_bytes;
    /* Unsent to one peer: 256 MiB and 65536 messages; a peer that lags so far is as good as gone. */
    size_t send_bytes;
    uint32_t send_count;
    /* Known ids: 1024; clients that are gone make room. */
    uint32_t peer_count;
    /* Connections in their handshake: 16. Beyond it the oldest goes: an honest one takes milliseconds. */
    uint32_t stranger_count;
    /* From the connection, or the dialling, to the end of the handshake: 2 s, for machines under load. */
    uint64_t handshake_ns;
    /* Dialling again after a failure: 20 ms, about a process's start, doubled up to 1 s, which it may cost to
     * be found again after a long absence; less up to a half by chance. */
    uint64_t redial_first_ns;
    uint64_t redial_last_ns;
    /* For sending what is queued, in od_node_free: 500 ms. */
    uint64_t goodbye_ns;
};

/* Texts are copied. */
struct od_node_options {
    uint32_t actor_id;
    uint32_t incarnation; /* 1 or more, and larger than any earlier life's */
    /* "tcp:HOST:PORT" (HOST: a number or localhost; PORT 0: any), "unix:PATH"; NULL: does not. */
    const char *listen;
    const char *driver;    /* the driver's address, to be dialled; NULL in the driver */
    const char *advertise; /* what others should dial; NULL: the address listened to */
    struct od_secret secret;
    bool allow_remote;     /* other addresses than loopback and Unix ones; needs a secret */
    bool is_child;         /* of posix_children.h: ends when stdin does, and is woken when its parent dies */
    /* SIGTERM, SIGINT and SIGHUP, unless they are ignored, end od_node_run; the second of a kind ends the process. */
    bool handle_signals;
    const char *directory; /* of the actor's disk, for it alone; NULL: no disk */
    bool keep_files;       /* of earlier lives, until the node is freed; else they are removed at the start */
    size_t memory_bytes;   /* the actor's budget; 0: no limit */
    uint64_t seed;         /* of the actor's random stream */
    struct od_trace trace; /* ops NULL: none */
    struct od_actor_factory factory; /* make NULL: no actor */
    /* Wraps the world before the actor is made; NULL: none. */
    void (*dress)(void *self, struct od_world *world);
    struct od_node_ops ops; /* each may be NULL */
    void *self;             /* of dress and ops */
    struct od_node_limits limits;
};

/* Listens, and makes the actor; on_start is called by the first run. `memory` is borrowed and must be
 * thread-safe if it is shared with another node. Fails with NO_MEMORY, BAD_INPUT (an address, or one that is
 * not allowed or taken; a directory that is another's), IO (directory, socket), or as the factory; *node_out is then NULL and nothing is left behind. */
enum od_status od_node_new(struct od_memory *memory, const struct od_node_options *options,
                           struct od_node **node_out, struct od_error *error);
/* Until od_node_stop (OK), a signal or the end of the parent (CANCELLED), the time (TIMED_OUT; OD_NODE_NEVER:
 * none), a timer that could not be remembered (NO_MEMORY), or a final No of the driver: BAD_INPUT for another
 * secret or a wrong id, UNSUPPORTED for another version, STALE when a later incarnation of this id is known,
 * or one as late is here that listens elsewhere. */
enum od_status od_node_run(struct od_node *node, uint64_t limit_ns, struct od_error *error);
/* Makes od_node_run return soon. Any thread, callback or handler. */
void od_node_stop(struct od_node *node);
/* NULL is fine. What the actor handed out of its world->memory must have been given back. */
void od_node_free(struct od_node *node);

/* Where this node listens, with the port that was chosen; "" when it does not. Lives as long as the node. */
const char *od_node_address(const struct od_node *node);
/* The signal that ended od_node_run; 0: none did. */
int od_node_signal(const struct od_node *node);
/* For other things on the same loop, such as posix_children.h; closed by their owner before od_node_free. */
struct uv_loop_s *od_node_loop(struct od_node *node);
struct od_world *od_node_world(struct od_node *node);
/* As the actor's net.send, for mail: message->to and kind say where. Taken from
 * od_node_world(node)->net.message_memory. The node's own id: delivered here, which is how a host tells its
 * actor something. */
void od_node_send(struct od_node *node, struct od_message *message);
/* The same after a delay: for wrappers of net.send. */
void od_node_send_later(struct od_node *node, struct od_message *message, uint64_t delay_ns);
/* Gives the actor an order. From on_mail, on_peer, or between two runs: never from inside the actor. */
void od_node_order(struct od_node *node, const struct od_order *order);
/* Whether messages to it would be sent now; 0 in *incarnation_out when not. */
bool od_node_reaches(const struct od_node *node, uint32_t id, uint32_t *incarnation_out);

struct od_node_facts {
    uint64_t message_count; /* given to the actor or to on_mail */
    uint64_t sent_count;    /* written to a connection, or to itself */
    uint64_t dropped_count; /* lost: no way to the peer, over a bound, no memory, a connection's end */
    uint64_t timer_count;   /* fired */
    uint64_t bytes_in, bytes_out;
    uint64_t accepted_count;  /* connections from others */
    uint64_t opened_count;    /* handshakes that succeeded, of both directions */
    uint64_t refused_count;   /* handshakes that did not: version, proof, time, garbage, the limit... */
    uint64_t violation_count; /* open connections ended for garbage */
    uint64_t mail_bytes_peak, send_bytes_peak; /* of unread mail; unsent to one peer */
    uint64_t live_blocks;                      /* held through world->memory */
    uint64_t open_files;                       /* of the actor's disk */
    uint32_t link_count;                       /* connections now, in whatever state */
};
struct od_node_facts od_node_facts(const struct od_node *node);

#endif
