/* posix_net_peers: who is known, where it listens, and by which link it is spoken to.
 *
 *   executor, client:  the driver's address from the options; kept dialled
 *   driver:            addresses from HELLO, handed round to executors (PEERS); it dials nobody
 *   executor to executor:  dialled when there is something to say, which waits in the link meanwhile
 *
 * A peer is spoken to by its newest open link. Two may be open when both sides dialled at once; both are
 * read. A link of a larger incarnation ends those of smaller ones; a smaller one is refused from then on. A
 * dial that failed is not tried again before a time that doubles up to a bound, with jitter; what is sent
 * meanwhile is lost. */
#include "engine/world/posix_net_state.h"

#include <stdio.h>
#include <string.h>

#include "engine/core/assert.h"

struct od_peer *od_peer_find(const struct od_node *node, uint32_t id)
{
    for (uint32_t i = 0; i < node->peer_count; i++) {
        if (node->peers[i].id == id)
            return &node->peers[i];
    }
    return NULL;
}

/* The place of a client that has gone. */
static struct od_peer *find_unused(const struct od_node *node)
{
    for (uint32_t i = 0; i < node->peer_count; i++) {
        if (node->peers[i].id >= OD_NODE_CLIENT_FIRST && node->peers[i].link == NULL)
            return &node->peers[i];
    }
    return NULL;
}

struct od_peer *od_peer_get(struct od_node *node, uint32_t id)
{
    struct od_peer *peer = od_peer_find(node, id);
    if (peer != NULL)
        return peer;
    if (node->peer_count >= node->options.limits.peer_count)
        peer = find_unused(node);
    else if (od_grow(node->memory, &node->peers, &node->peer_capacity, node->peer_count + 1,
                     sizeof(node->peers[0])))
        peer = &node->peers[node->peer_count++];
    if (peer != NULL)
        *peer = (struct od_peer){.id = id, .backoff_ns = node->options.limits.redial_first_ns};
    return peer;
}

enum od_status od_peers_init(struct od_node *node, const char *driver, struct od_error *error)
{
    if (driver == NULL)
        return OD_OK;
    struct od_peer *peer = od_peer_get(node, 0);
    if (peer == NULL)
        return od_fail(error, OD_NO_MEMORY, "making a node");
    snprintf(peer->address, sizeof(peer->address), "%s", driver);
    peer->is_kept = true;
    return OD_OK;
}

/* --- the driver hands addresses round --- */

static bool is_executor(uint32_t id)
{
    return id != 0 && id < OD_NODE_CLIENT_FIRST;
}

static void hand_round(struct od_node *node)
{
    struct od_buffer list;
    od_buffer_init(&list, node->memory);
    for (uint32_t i = 0; i < node->peer_count; i++) {
        const struct od_peer *peer = &node->peers[i];
        if (!is_executor(peer->id) || peer->address[0] == '\0')
            continue;
        od_buffer_append_u32(&list, peer->id);
        od_buffer_append_u32(&list, (uint32_t)strlen(peer->address));
        od_buffer_append_text(&list, peer->address);
    }
    for (uint32_t i = 0; i < node->peer_count && !list.failed; i++) {
        struct od_message *message;
        if (!is_executor(node->peers[i].id) || (message = od_message_new(node->memory, list.size)) == NULL)
            continue;
        if (list.size > 0)
            memcpy(message->body, list.bytes, list.size);
        message->to = node->peers[i].id;
        message->kind = OD_NET_PEERS;
        od_node_send(node, message);
    }
    od_buffer_release(&list);
}

void od_peers_learn(struct od_node *node, const struct od_message *message)
{
    struct od_reader reader = {.bytes = message->body, .size = message->body_bytes};
    while (reader.offset < reader.size) {
        uint32_t id = od_reader_u32(&reader);
        uint32_t size = od_reader_u32(&reader);
        const uint8_t *text = od_reader_bytes(&reader, size);
        if (text == NULL || size >= OD_ADDRESS_BYTES)
            return;
        struct od_peer *peer = is_executor(id) && id != node->options.actor_id ? od_peer_get(node, id) : NULL;
        if (peer == NULL || (strlen(peer->address) == size && memcmp(peer->address, text, size) == 0))
            continue;
        memcpy(peer->address, text, size);
        peer->address[size] = '\0';
        peer->dial_at_ns = 0;
        peer->backoff_ns = node->options.limits.redial_first_ns;
    }
}

/* --- links open and close --- */

static bool is_open_to(const struct od_link *link, uint32_t id, uint32_t incarnation)
{
    return link->state == OD_LINK_OPEN && link->peer_id == id && link->peer_incarnation == incarnation;
}

static struct od_link *find_open(const struct od_node *node, uint32_t id, uint32_t incarnation,
                                 const struct od_link *but)
{
    for (struct od_link *link = node->links; link != NULL; link = link->next) {
        if (link != but && is_open_to(link, id, incarnation))
            return link;
    }
    return NULL;
}

/* Links of smaller incarnations, and the oldest of too many. */
static void close_older(struct od_link *newest)
{
    struct od_node *node = newest->node;
    int count = 1;
    for (struct od_link *link = node->links; link != NULL; link = link->next) {
        if (link == newest || link->state != OD_LINK_OPEN || link->peer_id != newest->peer_id)
            continue;
        if (link->peer_incarnation != newest->peer_incarnation || ++count > OD_LINKS_PER_PEER)
            od_link_close(link, NULL);
    }
}

enum od_status od_peer_opened(struct od_link *link, struct od_error *error)
{
    struct od_node *node = link->node;
    struct od_peer *peer = od_peer_get(node, link->peer_id);
    if (peer == NULL)
        return od_fail(error, OD_NO_MEMORY, "node %u has no room for node %u now", node->options.actor_id,
                       link->peer_id);
    if (link->peer_incarnation < peer->incarnation)
        return od_fail(error, OD_STALE,
                       "node %u refuses node %u (incarnation %u): it knows a later incarnation, %u",
                       node->options.actor_id, link->peer_id, link->peer_incarnation, peer->incarnation);
    bool is_news = find_open(node, link->peer_id, link->peer_incarnation, link) == NULL;
    bool is_elsewhere = !link->is_dialled && peer->address[0] != '\0' && strcmp(peer->address, link->dialler_address) != 0;
    if (!is_news && is_elsewhere) /* two processes; one life listens at one address */
        return od_fail(error, OD_STALE, "node %u refuses a second node %u (incarnation %u) at '%s': there is one at %s",
                       node->options.actor_id, link->peer_id, link->peer_incarnation, link->dialler_address, peer->address);
    peer->incarnation = link->peer_incarnation;
    peer->backoff_ns = node->options.limits.redial_first_ns;
    if (!link->is_dialled)
        memcpy(peer->address, link->dialler_address, sizeof(peer->address));
    peer->link = link;
    close_older(link);
    if (is_news)
        od_node_note(node, OD_NET_NOTE_HERE, link->peer_id, link->peer_incarnation);
    if (node->options.actor_id == 0 && is_executor(link->peer_id))
        hand_round(node);
    return OD_OK;
}

static void back_off(struct od_node *node, struct od_peer *peer)
{
    uint64_t wait_ns =
        peer->backoff_ns - od_random_below(&node->dial_stream.random, peer->backoff_ns / 2 + 1);
    peer->dial_at_ns = od_node_now_ns(node) + wait_ns;
    peer->backoff_ns *= 2;
    if (peer->backoff_ns > node->options.limits.redial_last_ns)
        peer->backoff_ns = node->options.limits.redial_last_ns;
}

void od_peer_closed(struct od_link *link, enum od_link_state before)
{
    struct od_node *node = link->node;
    struct od_peer *peer = od_peer_find(node, link->peer_id);
    struct od_link *other = find_open(node, link->peer_id, link->peer_incarnation, link);
    if (before == OD_LINK_OPEN && other == NULL)
        od_node_note(node, OD_NET_NOTE_GONE, link->peer_id, link->peer_incarnation);
    if (peer == NULL || peer->link != link)
        return;
    peer->link = other;
    if (other == NULL)
        back_off(node, peer);
}

/* --- sending and dialling --- */

static void dial(struct od_node *node, struct od_peer *peer)
{
    struct od_address address;
    bool may = od_address_parse(peer->address, &address, NULL) == OD_OK &&
               (od_address_is_local(&address) || (node->options.allow_remote && node->options.secret.is_set));
    peer->link = may ? od_link_dial(node, peer->id, &address) : NULL;
    if (peer->link == NULL)
        back_off(node, peer);
}

void od_peer_send(struct od_node *node, struct od_message *message)
{
    struct od_peer *peer = od_peer_find(node, message->to);
    if (peer != NULL && peer->link == NULL && peer->address[0] != '\0' && peer->id < OD_NODE_CLIENT_FIRST &&
        node->options.actor_id != 0 && od_node_now_ns(node) >= peer->dial_at_ns && !node->is_ending)
        dial(node, peer);
    if (peer != NULL && peer->link != NULL)
        od_link_send(peer->link, message);
    else
        od_node_drop(node, message);
}

uint64_t od_peers_dial(struct od_node *node, uint64_t now_ns)
{
    uint64_t next_ns = OD_NODE_NEVER;
    for (uint32_t i = 0; i < node->peer_count; i++) {
        struct od_peer *peer = &node->peers[i];
        if (!peer->is_kept || peer->link != NULL)
            continue;
        if (now_ns >= peer->dial_at_ns)
            dial(node, peer);
        if (peer->link == NULL && peer->dial_at_ns < next_ns)
            next_ns = peer->dial_at_ns;
    }
    return next_ns;
}
