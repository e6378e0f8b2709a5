/* posix_net_link: one connection between two nodes.
 *
 *   accepted:  WANTS_HELLO -> WANTS_PROOF -> OPEN
 *   dialled:   DIALLING -> WANTS_CHALLENGE -> WANTS_WELCOME -> OPEN
 *   any state -> CLOSED -> freed when libuv says that nothing of it is used any more
 *
 * Out: messages wait in `unsent`; a flush hands up to OD_LINK_BATCH of them to one vectored write, heads from
 * the link's own array, bodies from where they are. One write at a time, so a link needs no memory to send.
 * In: libuv reads into the node's one buffer, the decoder copies each body to its message. A stranger's
 * frames are small, its time is short, and there are few of them: the oldest one goes when another comes. */
#include "engine/world/posix_net_state.h"

#include <string.h>

#include "engine/core/assert.h"

static enum od_status uv_failed(struct od_error *error, const char *what, int result)
{
    return od_fail(error, OD_IO, "%s: %s", what, uv_strerror(result));
}

static struct od_link *link_new(struct od_node *node, bool is_path)
{
    struct od_link *link = od_take(node->memory, sizeof(*link));
    if (link == NULL)
        return NULL;
    link->node = node;
    od_frame_decoder_init(&link->decoder, node->memory, OD_STRANGER_BODY_BYTES);
    int result =
        is_path ? uv_pipe_init(&node->loop, &link->uv.pipe, 0) : uv_tcp_init(&node->loop, &link->uv.tcp);
    if (result != 0) {
        od_give(node->memory, link, sizeof(*link));
        return NULL;
    }
    link->uv.handle.data = link;
    link->deadline_ns = od_node_now_ns(node) + node->options.limits.handshake_ns;
    link->next = node->links;
    node->links = link;
    node->facts.link_count++;
    return link;
}

static void drop_all(struct od_node *node, struct od_mail_queue *queue)
{
    struct od_message *message;
    while ((message = od_mail_pop(queue)) != NULL)
        od_node_drop(node, message);
}

static void on_closed(uv_handle_t *handle)
{
    struct od_link *link = handle->data;
    struct od_node *node = link->node;
    struct od_link **at = &node->links;
    while (*at != link)
        at = &(*at)->next;
    *at = link->next;
    drop_all(node, &link->unsent);
    drop_all(node, &link->in_flight);
    od_frame_decoder_release(&link->decoder);
    od_give(node->memory, link, sizeof(*link));
    node->facts.link_count--;
}

void od_link_close(struct od_link *link, const struct od_error *why)
{
    struct od_node *node = link->node;
    enum od_link_state before = link->state;
    if (before == OD_LINK_CLOSED)
        return;
    link->state = OD_LINK_CLOSED;
    if (before != OD_LINK_OPEN)
        node->facts.refused_count++;
    else if (why != NULL && why->status != OD_UNREACHABLE)
        node->facts.violation_count++;
    uv_close(&link->uv.handle, on_closed);
    od_peer_closed(link, before);
    if (why != NULL && node->options.ops.on_refused != NULL)
        node->options.ops.on_refused(node->options.self, why);
}

/* --- bytes in --- */

/* An open link carries what its peer itself says to this node. */
static enum od_status check_message(const struct od_link *link, const struct od_message *message,
                                    struct od_error *error)
{
    if (message->from == link->peer_id && message->from_incarnation == link->peer_incarnation &&
        message->to == link->node->options.actor_id &&
        (message->kind <= OD_NODE_MAIL_LAST || message->kind == OD_NET_PEERS))
        return OD_OK;
    return od_fail(error, OD_CORRUPT,
                   "reading from node %u (incarnation %u): a message from %u (%u) to %u of kind %u",
                   link->peer_id, link->peer_incarnation, message->from, message->from_incarnation,
                   message->to, message->kind);
}

/* Takes the message. */
static void take_message(struct od_link *link, struct od_message *message)
{
    struct od_node *node = link->node;
    struct od_error error;
    if (link->state != OD_LINK_OPEN) {
        od_handshake_take(link, message);
    } else if (check_message(link, message, &error) != OD_OK) {
        od_link_close(link, &error);
    } else if (message->kind <= OD_NODE_MAIL_LAST) {
        od_node_deliver(node, message);
        return;
    } else if (link->is_dialled && link->peer_id == 0) {
        od_peers_learn(node, message);
    }
    od_message_free(node->memory, message);
}

static void take_bytes(struct od_link *link, const uint8_t *bytes, size_t size)
{
    struct od_message *message;
    struct od_error error;
    while (size > 0 && link->state != OD_LINK_CLOSED) {
        enum od_status status = od_frame_decode(&link->decoder, &bytes, &size, &message, &error);
        if (message != NULL)
            take_message(link, message);
        else if (status == OD_NO_MEMORY)
            link->node->facts.dropped_count++;
        else if (status != OD_OK && link->state != OD_LINK_OPEN)
            od_handshake_refuse(link, &error);
        else if (status != OD_OK)
            od_link_close(link, &error);
    }
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *room_out)
{
    const struct od_link *link = handle->data;
    (void)suggested;
    *room_out = uv_buf_init((char *)link->node->read_bytes, OD_READ_BYTES);
}

static void on_bytes(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct od_link *link = stream->data;
    struct od_error error;
    if (size > 0) {
        link->node->facts.bytes_in += (uint64_t)size;
        take_bytes(link, (const uint8_t *)buffer->base, (size_t)size);
    } else if (size < 0) {
        od_fail(&error, OD_UNREACHABLE, "the connection with node %u ended: %s", link->peer_id,
                size == UV_EOF ? "closed by the peer" : uv_strerror((int)size));
        od_link_close(link, &error);
    }
}

void od_link_set_reading(struct od_link *link, bool is_read)
{
    if (link->state == OD_LINK_CLOSED || link->state == OD_LINK_DIALLING || link->is_read == is_read)
        return;
    int result =
        is_read ? uv_read_start(&link->uv.stream, on_room, on_bytes) : uv_read_stop(&link->uv.stream);
    link->is_read = is_read;
    if (result == 0)
        return;
    struct od_error error;
    uv_failed(&error, "starting to read a connection", result);
    od_link_close(link, &error);
}

/* --- bytes out --- */

void od_link_say(struct od_link *link, const struct od_message *message)
{
    uint8_t head[OD_FRAME_HEAD_BYTES];
    size_t head_bytes = od_frame_head(message, head);
    uv_buf_t parts[] = {uv_buf_init((char *)head, (unsigned)head_bytes),
                        uv_buf_init((char *)message->body, (unsigned)message->body_bytes)};
    int wrote = uv_try_write(&link->uv.stream, parts, 2);
    if (wrote == (int)(head_bytes + message->body_bytes)) {
        link->node->facts.bytes_out += (uint64_t)wrote;
        return;
    }
    /* A new connection has room for a kilobyte: it is broken, or its peer sends without reading. */
    struct od_error error;
    uv_failed(&error, "writing a handshake", wrote < 0 ? wrote : UV_ENOBUFS);
    od_link_close(link, &error);
}

void od_link_send(struct od_link *link, struct od_message *message)
{
    struct od_node *node = link->node;
    const struct od_node_limits *limits = &node->options.limits;
    size_t queued_bytes = link->unsent.bytes + link->in_flight.bytes + od_mail_bytes(message);
    if (link->unsent.count + link->in_flight.count >= limits->send_count ||
        queued_bytes > limits->send_bytes || message->body_bytes > limits->frame_bytes) {
        od_node_drop(node, message);
        return;
    }
    if (queued_bytes > node->facts.send_bytes_peak)
        node->facts.send_bytes_peak = queued_bytes;
    od_mail_push(&link->unsent, message);
}

static void on_written(uv_write_t *write, int status)
{
    struct od_link *link = write->handle->data;
    struct od_node *node = link->node;
    struct od_message *message;
    while ((message = od_mail_pop(&link->in_flight)) != NULL) {
        if (status == 0) {
            node->facts.sent_count++;
            od_message_free(node->memory, message);
        } else {
            od_node_drop(node, message);
        }
    }
    struct od_error error;
    if (status == 0) {
        od_link_flush(link);
    } else if (link->state != OD_LINK_CLOSED) {
        od_fail(&error, OD_UNREACHABLE, "the connection with node %u ended: %s", link->peer_id,
                uv_strerror(status));
        od_link_close(link, &error);
    }
}

void od_link_flush(struct od_link *link)
{
    uv_buf_t parts[2 * OD_LINK_BATCH];
    unsigned part_count = 0;
    if (link->state != OD_LINK_OPEN || link->in_flight.count > 0)
        return;
    for (int i = 0; i < OD_LINK_BATCH && link->unsent.count > 0; i++) {
        struct od_message *message = od_mail_pop(&link->unsent);
        size_t head_bytes = od_frame_head(message, link->heads[i]);
        parts[part_count++] = uv_buf_init((char *)link->heads[i], (unsigned)head_bytes);
        if (message->body_bytes > 0)
            parts[part_count++] = uv_buf_init((char *)message->body, (unsigned)message->body_bytes);
        link->node->facts.bytes_out += head_bytes + message->body_bytes;
        od_mail_push(&link->in_flight, message);
    }
    if (part_count == 0)
        return;
    int result = uv_write(&link->write, &link->uv.stream, parts, part_count, on_written);
    if (result == 0)
        return;
    struct od_error error;
    uv_failed(&error, "writing to a connection", result);
    od_link_close(link, &error);
}

/* --- beginnings --- */

static void set_up_tcp(struct od_link *link)
{
    if (link->uv.handle.type != UV_TCP)
        return;
    (void)uv_tcp_nodelay(&link->uv.tcp, 1);
    (void)uv_tcp_keepalive(&link->uv.tcp, 1, 10);
}

/* Strangers are few: room for a new one is made by the oldest. */
static void limit_strangers(struct od_node *node)
{
    struct od_link *oldest = NULL;
    uint32_t count = 0;
    for (struct od_link *link = node->links; link != NULL; link = link->next) {
        if (link->is_dialled || link->state == OD_LINK_OPEN || link->state == OD_LINK_CLOSED)
            continue;
        count++;
        oldest = link;
    }
    if (count <= node->options.limits.stranger_count)
        return;
    struct od_error error;
    od_fail(&error, OD_TIMED_OUT, "a handshake was ended for another connection: more than %u wait",
            node->options.limits.stranger_count);
    od_link_close(oldest, &error);
}

void od_link_accept(struct od_node *node)
{
    struct od_link *link = link_new(node, node->server.handle.type == UV_NAMED_PIPE);
    node->wants_accept = link == NULL; /* libuv does not ask again before this one was accepted */
    if (link == NULL)
        return;
    link->state = OD_LINK_WANTS_HELLO;
    if (uv_accept(&node->server.stream, &link->uv.stream) != 0 || node->is_ending) {
        od_link_close(link, NULL);
        return;
    }
    node->facts.accepted_count++;
    set_up_tcp(link);
    limit_strangers(node);
    od_link_set_reading(link, true);
}

static void on_connected(uv_connect_t *connect, int status)
{
    struct od_link *link = connect->handle->data;
    if (link->state == OD_LINK_CLOSED)
        return;
    struct od_error error;
    if (status != 0) {
        od_fail(&error, OD_UNREACHABLE, "connecting to node %u: %s", link->peer_id, uv_strerror(status));
        od_link_close(link, &error);
        return;
    }
    set_up_tcp(link);
    od_handshake_begin(link);
    od_link_set_reading(link, true);
}

struct od_link *od_link_dial(struct od_node *node, uint32_t peer_id, const struct od_address *address)
{
    bool is_path = address->as.any.sa_family == AF_UNIX;
    struct od_link *link = link_new(node, is_path);
    if (link == NULL)
        return NULL;
    link->is_dialled = true;
    link->state = OD_LINK_DIALLING;
    link->peer_id = peer_id;
    if (is_path) {
        uv_pipe_connect(&link->connect, &link->uv.pipe, address->as.path.sun_path, on_connected);
    } else if (uv_tcp_connect(&link->connect, &link->uv.tcp, &address->as.any, on_connected) != 0) {
        od_link_close(link, NULL);
        return NULL;
    }
    return link;
}
