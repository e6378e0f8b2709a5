/* posix_net_handshake: how two nodes come to know each other, before anything else is read.
 *
 *   dialler                                                    acceptor
 *   HELLO   to whom, own id, incarnation; nonce, address   ->
 *                                                          <-  CHALLENGE  own id, incarnation; nonce, proof(acceptor)
 *   PROOF   proof(dialler)                                 ->
 *                                                          <-  WELCOME
 *                                      (after any step)    <-  REFUSED  status, text
 *
 *   proof(side) = crypto_auth(key, side's name | version | ids, incarnations | both nonces | dialler's address)
 *
 * Each side proves that it knows the secret, for these two nodes and this connection only: a proof can't be
 * replayed (nonces), reflected (the side's name) or moved to other nodes (ids). The acceptor proves first, so
 * a dialler tells nothing to strangers but its address. Ids and incarnations are believed, and remembered,
 * after the proof. Without a secret the key is zero.
 *
 * The frames are ordinary ones, of the transport's own kinds, with small bodies of fixed form. */
#include "engine/world/posix_net_state.h"

#include <stdio.h>
#include <string.h>

#include "engine/core/assert.h"

enum {
    SIDE_BYTES = 16,
    TRANSCRIPT_BYTES = SIDE_BYTES + 5 * 4 + 2 * OD_SECRET_NONCE_BYTES + OD_ADDRESS_BYTES
};

struct transcript {
    uint8_t bytes[TRANSCRIPT_BYTES];
    size_t size;
};

static void add(struct transcript *transcript, const void *bytes, size_t size)
{
    od_assert(size <= sizeof(transcript->bytes) - transcript->size);
    memcpy(transcript->bytes + transcript->size, bytes, size);
    transcript->size += size;
}

static void add_u32(struct transcript *transcript, uint32_t value)
{
    uint8_t bytes[4] = {(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
                        (uint8_t)(value >> 24)};
    add(transcript, bytes, sizeof(bytes));
}

static struct transcript transcribe(const struct od_link *link, bool of_dialler)
{
    const struct od_node_options *own = &link->node->options;
    uint32_t ids[] = {own->actor_id, link->peer_id};
    uint32_t incarnations[] = {own->incarnation, link->peer_incarnation};
    int dialler = link->is_dialled ? 0 : 1;
    char side[SIDE_BYTES] = {0};
    struct transcript transcript = {.size = 0};
    snprintf(side, sizeof(side), "%s", of_dialler ? "ordeal dialler" : "ordeal acceptor");
    add(&transcript, side, sizeof(side));
    add_u32(&transcript, OD_FRAME_VERSION);
    add_u32(&transcript, ids[dialler]);
    add_u32(&transcript, incarnations[dialler]);
    add_u32(&transcript, ids[1 - dialler]);
    add_u32(&transcript, incarnations[1 - dialler]);
    add(&transcript, link->dialler_nonce, sizeof(link->dialler_nonce));
    add(&transcript, link->acceptor_nonce, sizeof(link->acceptor_nonce));
    add(&transcript, link->dialler_address, strlen(link->dialler_address));
    return transcript;
}

static void prove(const struct od_link *link, bool of_dialler, uint8_t proof_out[OD_SECRET_PROOF_BYTES])
{
    struct transcript transcript = transcribe(link, of_dialler);
    od_secret_prove(&link->node->options.secret, transcript.bytes, transcript.size, proof_out);
}

static enum od_status check_proof(const struct od_link *link, bool of_dialler, const uint8_t *proof,
                                  struct od_error *error)
{
    struct transcript transcript = transcribe(link, of_dialler);
    if (od_secret_check(&link->node->options.secret, transcript.bytes, transcript.size, proof))
        return OD_OK;
    return od_fail(error, OD_BAD_INPUT, "node %u and node %u know different secrets, or one knows none",
                   link->peer_id, link->node->options.actor_id);
}

static void say(struct od_link *link, uint32_t kind, uint8_t *body, size_t body_bytes)
{
    const struct od_node_options *own = &link->node->options;
    struct od_message message = {.from = own->actor_id,
                                 .to = link->peer_id,
                                 .from_incarnation = own->incarnation,
                                 .kind = kind,
                                 .site = OD_SITE_ANY,
                                 .body_bytes = body_bytes,
                                 .body = body};
    od_assert(body_bytes <= OD_STRANGER_BODY_BYTES);
    od_link_say(link, &message);
}

static bool is_final(enum od_status status)
{
    return status == OD_BAD_INPUT || status == OD_UNSUPPORTED || status == OD_STALE;
}

/* The end of a dialled link; without its driver a node has nothing to hope for, if the No is final. */
static void give_up(struct od_link *link, const struct od_error *why)
{
    if (link->is_dialled && link->peer_id == 0 && is_final(why->status))
        od_node_fail(link->node, why->status, why);
    od_link_close(link, why);
}

void od_handshake_refuse(struct od_link *link, const struct od_error *why)
{
    if (!link->is_dialled) {
        uint8_t body[4 + sizeof(why->text)] = {(uint8_t)why->status};
        size_t text_bytes = strlen(why->text);
        memcpy(body + 4, why->text, text_bytes);
        say(link, OD_NET_REFUSED, body, 4 + text_bytes);
    }
    give_up(link, why);
}

void od_handshake_begin(struct od_link *link)
{
    struct od_node *node = link->node;
    uint8_t body[OD_SECRET_NONCE_BYTES + OD_ADDRESS_BYTES];
    size_t address_bytes = strlen(node->advertised);
    od_secret_nonce(link->dialler_nonce);
    memcpy(link->dialler_address, node->advertised, address_bytes + 1);
    memcpy(body, link->dialler_nonce, OD_SECRET_NONCE_BYTES);
    memcpy(body + OD_SECRET_NONCE_BYTES, node->advertised, address_bytes);
    link->state = OD_LINK_WANTS_CHALLENGE;
    say(link, OD_NET_HELLO, body, OD_SECRET_NONCE_BYTES + address_bytes);
}

/* --- steps: each gets a frame of its kind whose body has at least the bytes that its row says --- */

static enum od_status take_hello(struct od_link *link, const struct od_message *message,
                                 struct od_error *error)
{
    const struct od_node_options *own = &link->node->options;
    size_t address_bytes = message->body_bytes - OD_SECRET_NONCE_BYTES;
    if (message->to != own->actor_id)
        return od_fail(error, OD_BAD_INPUT, "node %u was looked for at an address where node %u is",
                       message->to, own->actor_id);
    if (message->from == own->actor_id || message->from_incarnation == 0)
        return od_fail(error, OD_BAD_INPUT, "a node that calls itself %u (incarnation %u) greets node %u",
                       message->from, message->from_incarnation, own->actor_id);
    if (address_bytes >= OD_ADDRESS_BYTES)
        return od_fail(error, OD_CORRUPT, "reading a HELLO: an address of %zu bytes", address_bytes);
    link->peer_id = message->from;
    link->peer_incarnation = message->from_incarnation;
    memcpy(link->dialler_nonce, message->body, OD_SECRET_NONCE_BYTES);
    memcpy(link->dialler_address, message->body + OD_SECRET_NONCE_BYTES, address_bytes);
    link->dialler_address[address_bytes] = '\0';
    od_secret_nonce(link->acceptor_nonce);
    uint8_t body[OD_SECRET_NONCE_BYTES + OD_SECRET_PROOF_BYTES];
    memcpy(body, link->acceptor_nonce, OD_SECRET_NONCE_BYTES);
    prove(link, false, body + OD_SECRET_NONCE_BYTES);
    link->state = OD_LINK_WANTS_PROOF;
    say(link, OD_NET_CHALLENGE, body, sizeof(body));
    return OD_OK;
}

static enum od_status take_challenge(struct od_link *link, const struct od_message *message,
                                     struct od_error *error)
{
    if (message->from != link->peer_id || message->from_incarnation == 0)
        return od_fail(error, OD_CORRUPT, "reading a CHALLENGE: from node %u in place of %u", message->from,
                       link->peer_id);
    link->peer_incarnation = message->from_incarnation;
    memcpy(link->acceptor_nonce, message->body, OD_SECRET_NONCE_BYTES);
    OD_TRY(check_proof(link, false, message->body + OD_SECRET_NONCE_BYTES, error));
    uint8_t proof[OD_SECRET_PROOF_BYTES];
    prove(link, true, proof);
    link->state = OD_LINK_WANTS_WELCOME;
    say(link, OD_NET_PROOF, proof, sizeof(proof));
    return OD_OK;
}

/* Both sides end here. */
static enum od_status become_open(struct od_link *link, struct od_error *error)
{
    if (link->state == OD_LINK_CLOSED)
        return OD_OK; /* WELCOME could not be said */
    enum od_link_state before = link->state;
    link->state = OD_LINK_OPEN;
    link->decoder.body_bytes_max = link->node->options.limits.frame_bytes;
    enum od_status status = od_peer_opened(link, error);
    if (status != OD_OK) {
        link->state = before;
        return status;
    }
    link->node->facts.opened_count++;
    if (link->node->is_paused)
        od_link_set_reading(link, false);
    return OD_OK;
}

static enum od_status take_proof(struct od_link *link, const struct od_message *message,
                                 struct od_error *error)
{
    OD_TRY(check_proof(link, true, message->body, error));
    OD_TRY(become_open(link, error));
    say(link, OD_NET_WELCOME, NULL, 0);
    return OD_OK;
}

static enum od_status take_welcome(struct od_link *link, const struct od_message *message,
                                   struct od_error *error)
{
    (void)message;
    return become_open(link, error);
}

static enum od_status take_refusal(const struct od_message *message, struct od_error *error)
{
    enum od_status status = OD_CORRUPT;
    if (message->body_bytes >= 4 && message->body[0] > OD_OK && message->body[0] < OD_STATUS_COUNT)
        status = (enum od_status)message->body[0];
    int text_bytes = message->body_bytes <= 4 ? 0 : (int)message->body_bytes - 4;
    for (int i = 0; i < text_bytes; i++) { /* it may end up on a terminal */
        if (message->body[4 + i] < ' ' || message->body[4 + i] == 0x7f)
            message->body[4 + i] = '?';
    }
    return od_fail(error, status, "refused by node %u: %.*s", message->from, text_bytes,
                   (const char *)message->body + 4);
}

static const struct {
    uint32_t kind;
    size_t body_bytes_min, body_bytes_max;
    enum od_status (*take)(struct od_link *link, const struct od_message *message, struct od_error *error);
} steps[] = {
    [OD_LINK_WANTS_HELLO] = {OD_NET_HELLO, OD_SECRET_NONCE_BYTES, OD_STRANGER_BODY_BYTES, take_hello},
    [OD_LINK_WANTS_CHALLENGE] = {OD_NET_CHALLENGE, OD_SECRET_NONCE_BYTES + OD_SECRET_PROOF_BYTES,
                                 OD_SECRET_NONCE_BYTES + OD_SECRET_PROOF_BYTES, take_challenge},
    [OD_LINK_WANTS_PROOF] = {OD_NET_PROOF, OD_SECRET_PROOF_BYTES, OD_SECRET_PROOF_BYTES, take_proof},
    [OD_LINK_WANTS_WELCOME] = {OD_NET_WELCOME, 0, 0, take_welcome},
};

void od_handshake_take(struct od_link *link, const struct od_message *message)
{
    struct od_error error;
    enum od_status status;
    od_assert(link->state > OD_LINK_DIALLING);
    od_assert(link->state < OD_LINK_OPEN);
    if (message->kind == OD_NET_REFUSED && link->is_dialled) {
        take_refusal(message, &error);
        give_up(link, &error);
        return;
    }
    if (message->kind == steps[link->state].kind &&
        message->body_bytes >= steps[link->state].body_bytes_min &&
        message->body_bytes <= steps[link->state].body_bytes_max)
        status = steps[link->state].take(link, message, &error);
    else
        status = od_fail(&error, OD_CORRUPT,
                         "reading a handshake: kind=%x with %zu bytes is not what step %d wants",
                         message->kind, message->body_bytes, (int)link->state);
    if (status != OD_OK)
        od_handshake_refuse(link, &error);
}
