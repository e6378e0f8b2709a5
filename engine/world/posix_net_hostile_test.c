/* Goal: strangers get nothing but a reason, cost little and are gone soon; liars and damaged peers are cut
 * off; addresses and secrets are taken only where they are safe. The node serves its friends all the while.
 * Method: plain sockets in this thread that say what they like to a node with a secret. The handshake is
 * written here a second time, from its description; a friend of the test's checks after each attack that the
 * node is well. */
#include "engine/world/posix_net_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/core/buffer.h"
#include "engine/world/frame.h"
#include "engine/world/posix_net_address.h"

#define HELLO     UINT32_C(0xffff0000)
#define CHALLENGE UINT32_C(0xffff0001)
#define PROOF     UINT32_C(0xffff0002)
#define WELCOME   UINT32_C(0xffff0003)
#define REFUSED   UINT32_C(0xffff0004)
#define PEERS     UINT32_C(0xffff0005)

enum { NONCE = OD_SECRET_NONCE_BYTES, STRANGER_ID = 7, FRAME_MAX = 1 << 20 };

static struct od_secret secret_of(const char *text)
{
    struct od_secret secret;
    assert_int_equal(od_secret_from_text(text, &secret, NULL), OD_OK);
    return secret;
}

/* A driver under attack, with an executor that is its friend. */
static void begin_victim(struct side *sides)
{
    for (int i = 0; i < 2; i++) {
        struct od_node_options options =
            options_of(&sides[i], (uint32_t)i, i == 0 ? NULL : od_node_address(sides[0].node));
        options.secret = secret_of("friends know this secret");
        options.limits.handshake_ns = 100 * MS;
        options.limits.stranger_count = 4;
        options.limits.frame_bytes = FRAME_MAX;
        begin(&sides[i], &options);
    }
    run_until(sides, 2, &sides[1].here, 1);
}

static void end_victim(struct side *sides)
{
    say(&sides[1], 0, 99, "still well", 10);
    uint64_t got = sides[0].got + 1;
    run_until(sides, 2, &sides[0].got, got);
    assert_string_equal(sides[0].body, "still well");
    assert_int_equal(sides[1].gone, 0);
    end_all(sides, 2);
}

/* --- a stranger's socket --- */

struct stranger {
    struct side *victim;
    int socket;
    bool is_closed; /* by the victim */
    struct od_frame_decoder decoder;
    uint8_t nonces[2][NONCE]; /* the dialler's, the acceptor's */
};

static struct stranger dial(struct side *victim)
{
    struct od_address address;
    struct stranger stranger = {.victim = victim};
    assert_int_equal(od_address_parse(od_node_address(victim->node), &address, NULL), OD_OK);
    stranger.socket = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(stranger.socket >= 0);
    assert_int_equal(connect(stranger.socket, &address.as.any, sizeof(address.as.v4)), 0);
    od_frame_decoder_init(&stranger.decoder, od_heap_for_tests(), FRAME_MAX);
    return stranger;
}

static void hang_up(struct stranger *stranger)
{
    close(stranger->socket);
    od_frame_decoder_release(&stranger->decoder);
}

static void write_bytes(const struct stranger *stranger, const void *bytes, size_t size)
{
    (void)send(stranger->socket, bytes, size, MSG_NOSIGNAL); /* the victim may have gone */
}

static struct od_buffer frame_of(const struct stranger *stranger, uint32_t from, uint32_t incarnation,
                                 uint32_t kind, const void *body, size_t size)
{
    uint8_t head[OD_FRAME_HEAD_BYTES];
    struct od_message message = {.from = from,
                                 .to = stranger->victim->world->actor_id,
                                 .from_incarnation = incarnation,
                                 .kind = kind,
                                 .site = OD_SITE_ANY,
                                 .body_bytes = size,
                                 .body = (uint8_t *)(uintptr_t)body};
    struct od_buffer frame;
    od_buffer_init(&frame, od_heap_for_tests());
    assert_true(od_buffer_append(&frame, head, od_frame_head(&message, head)));
    assert_true(size == 0 || od_buffer_append(&frame, body, size));
    return frame;
}

static void write_frame(const struct stranger *stranger, uint32_t from, uint32_t incarnation, uint32_t kind,
                        const void *body, size_t size)
{
    struct od_buffer frame = frame_of(stranger, from, incarnation, kind, body, size);
    write_bytes(stranger, frame.bytes, frame.size);
    od_buffer_release(&frame);
}

/* The next frame, or NULL: the victim hung up, or says nothing for that long. */
static struct od_message *read_frame(struct stranger *stranger, uint64_t wait_ms)
{
    struct od_message *message = NULL;
    uint8_t byte;
    uint64_t end_ns = now_ns() + wait_ms * MS;
    while (message == NULL && !stranger->is_closed && now_ns() < end_ns) {
        ssize_t got = recv(stranger->socket, &byte, 1, MSG_DONTWAIT);
        const uint8_t *bytes = &byte;
        size_t size = 1;
        if (got == 1)
            assert_int_equal(od_frame_decode(&stranger->decoder, &bytes, &size, &message, NULL), OD_OK);
        else if (got == 0 || errno != EAGAIN)
            stranger->is_closed = true;
        else
            run_ms(stranger->victim);
    }
    return message;
}

static void assert_hung_up(struct stranger *stranger)
{
    struct od_message *message = read_frame(stranger, 3000);
    assert_null(message);
    assert_true(stranger->is_closed);
    hang_up(stranger);
}

/* Its text, in a place that the next call uses too. */
static const char *read_refusal(struct stranger *stranger)
{
    static char text[400];
    struct od_message *message = read_frame(stranger, 3000);
    assert_non_null(message);
    assert_int_equal(message->kind, REFUSED);
    snprintf(text, sizeof(text), "%.*s", (int)message->body_bytes - 4, (const char *)message->body + 4);
    od_message_free(od_heap_for_tests(), message);
    assert_hung_up(stranger);
    return text;
}

/* crypto_auth over: side, version, ids and incarnations, nonces, the dialler's address (here none). */
static void make_proof(const struct stranger *stranger, const struct od_secret *secret, const char *side,
                       uint32_t incarnation, uint8_t proof_out[OD_SECRET_PROOF_BYTES])
{
    struct od_buffer text;
    od_buffer_init(&text, od_heap_for_tests());
    od_buffer_append_text(&text, side);
    od_buffer_append_zeros(&text, 16 - text.size);
    od_buffer_append_u32(&text, 1);
    od_buffer_append_u32(&text, STRANGER_ID);
    od_buffer_append_u32(&text, incarnation);
    od_buffer_append_u32(&text, stranger->victim->world->actor_id);
    od_buffer_append_u32(&text, 1);
    assert_true(od_buffer_append(&text, stranger->nonces, sizeof(stranger->nonces)));
    od_secret_prove(secret, text.bytes, text.size, proof_out);
    od_buffer_release(&text);
}

/* HELLO, and the CHALLENGE's proof checked with the secret if one is given. */
static void be_challenged(struct stranger *stranger, const struct od_secret *secret, uint32_t incarnation,
                          uint8_t challenge_out[NONCE + OD_SECRET_PROOF_BYTES])
{
    uint8_t proof[OD_SECRET_PROOF_BYTES];
    od_secret_nonce(stranger->nonces[0]);
    write_frame(stranger, STRANGER_ID, incarnation, HELLO, stranger->nonces[0], NONCE);
    struct od_message *message = read_frame(stranger, 3000);
    assert_non_null(message);
    assert_int_equal(message->kind, CHALLENGE);
    assert_int_equal(message->body_bytes, NONCE + OD_SECRET_PROOF_BYTES);
    memcpy(challenge_out, message->body, message->body_bytes);
    memcpy(stranger->nonces[1], message->body, NONCE);
    od_message_free(od_heap_for_tests(), message);
    make_proof(stranger, secret, "ordeal acceptor", incarnation, proof);
    assert_memory_equal(challenge_out + NONCE, proof, sizeof(proof));
}

/* A peer that knows the secret, and misbehaves afterwards. */
static struct stranger become_peer(struct side *victim, uint32_t incarnation)
{
    struct od_secret secret = secret_of("friends know this secret");
    struct stranger stranger = dial(victim);
    uint8_t challenge[NONCE + OD_SECRET_PROOF_BYTES], proof[OD_SECRET_PROOF_BYTES];
    be_challenged(&stranger, &secret, incarnation, challenge);
    make_proof(&stranger, &secret, "ordeal dialler", incarnation, proof);
    write_frame(&stranger, STRANGER_ID, incarnation, PROOF, proof, sizeof(proof));
    struct od_message *message = read_frame(&stranger, 3000);
    assert_non_null(message);
    assert_int_equal(message->kind, WELCOME);
    od_message_free(od_heap_for_tests(), message);
    return stranger;
}

/* --- strangers --- */

static void proofs_are_needed(void **state)
{
    (void)state;
    struct side sides[2];
    begin_victim(sides);
    struct od_secret secret = secret_of("friends know this secret");
    uint8_t challenge[NONCE + OD_SECRET_PROOF_BYTES], proof[OD_SECRET_PROOF_BYTES] = {0};

    struct stranger stranger = dial(&sides[0]); /* guesses */
    be_challenged(&stranger, &secret, 1, challenge);
    write_frame(&stranger, STRANGER_ID, 1, PROOF, proof, sizeof(proof));
    assert_non_null(strstr(read_refusal(&stranger), "different secrets"));

    stranger = dial(&sides[0]); /* reflects */
    be_challenged(&stranger, &secret, 1, challenge);
    write_frame(&stranger, STRANGER_ID, 1, PROOF, challenge + NONCE, OD_SECRET_PROOF_BYTES);
    assert_non_null(strstr(read_refusal(&stranger), "different secrets"));

    make_proof(&stranger, &secret, "ordeal dialler", 1,
               proof); /* replays what was right on the last connection */
    stranger = dial(&sides[0]);
    be_challenged(&stranger, &secret, 1, challenge);
    write_frame(&stranger, STRANGER_ID, 1, PROOF, proof, sizeof(proof));
    assert_non_null(strstr(read_refusal(&stranger), "different secrets"));

    stranger = dial(&sides[0]); /* has proved another life */
    be_challenged(&stranger, &secret, 1, challenge);
    make_proof(&stranger, &secret, "ordeal dialler", 2, proof);
    write_frame(&stranger, STRANGER_ID, 1, PROOF, proof, sizeof(proof));
    assert_non_null(strstr(read_refusal(&stranger), "different secrets"));

    stranger = become_peer(&sides[0], 1); /* the test's own handshake can succeed */
    run_until(sides, 1, &sides[0].here, 2);
    hang_up(&stranger);
    run_until(sides, 1, &sides[0].gone, 1);
    end_victim(sides);
}

/* What is said out of turn, to somebody else or before the proof. */
static void nothing_is_believed_before(void **state)
{
    (void)state;
    static const struct {
        uint32_t from, incarnation, kind;
        size_t body_bytes;
        const char *answer;
    } cases[] = {
        {STRANGER_ID, 1, 5, 0, "not what step"},
        {STRANGER_ID, 1, PROOF, 32, "not what step"},
        {STRANGER_ID, 1, WELCOME, 0, "not what step"},
        {STRANGER_ID, 1, PEERS, 64, "not what step"},
        {STRANGER_ID, 1, REFUSED, 64, "not what step"},
        {STRANGER_ID, 1, HELLO, NONCE - 1, "not what step"},
        {STRANGER_ID, 1, HELLO, 1025, "too large"},
        {STRANGER_ID, 1, HELLO, 1024, "an address of 992 bytes"},
        {0, 1, HELLO, NONCE, "calls itself 0"},
        {STRANGER_ID, 0, HELLO, NONCE, "incarnation 0"},
        {STRANGER_ID, 1, 0xffff0007, 0, "not what step"},
    };
    struct side sides[2];
    uint8_t body[2048] = {0};
    begin_victim(sides);
    uint64_t refused = sides[0].refused;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct stranger stranger = dial(&sides[0]);
        write_frame(&stranger, cases[i].from, cases[i].incarnation, cases[i].kind, body, cases[i].body_bytes);
        const char *text = read_refusal(&stranger);
        if (strstr(text, cases[i].answer) == NULL)
            print_message("case %zu: %s\n", i, text);
        assert_non_null(strstr(text, cases[i].answer));
        assert_int_equal(sides[0].refused, ++refused);
    }
    assert_int_equal(sides[0].here, 1);
    assert_int_equal(sides[0].got + sides[0].mail, 0);
    end_victim(sides);
}

static void other_versions_are_told_both(void **state)
{
    (void)state;
    struct side sides[2];
    begin_victim(sides);
    struct stranger stranger = dial(&sides[0]);
    write_bytes(&stranger, "ORDL\2\0\0\0", 8);
    const char *text = read_refusal(&stranger);
    assert_non_null(strstr(text, "version 2"));
    assert_non_null(strstr(text, "version 1"));
    end_victim(sides);
}

static void garbage_at_every_byte(void **state)
{
    (void)state;
    struct side sides[2];
    uint8_t body[NONCE] = {0};
    begin_victim(sides);
    struct stranger stranger = dial(&sides[0]);
    struct od_buffer frame = frame_of(&stranger, STRANGER_ID, 1, HELLO, body, sizeof(body));
    hang_up(&stranger);
    for (size_t i = 0; i < frame.size; i++) { /* one byte wrong; and nothing behind it */
        for (int cut = 0; cut < 2; cut++) {
            stranger = dial(&sides[0]);
            frame.bytes[i] ^= 0xa5;
            write_bytes(&stranger, frame.bytes, cut ? i : frame.size);
            frame.bytes[i] ^= 0xa5;
            if (cut)
                shutdown(stranger.socket, SHUT_WR);
            struct od_message *message = read_frame(&stranger, 3000);
            assert_true(message == NULL || message->kind == REFUSED);
            od_message_free(od_heap_for_tests(), message);
            if (!stranger.is_closed)
                assert_null(read_frame(&stranger, 3000));
            assert_true(stranger.is_closed);
            hang_up(&stranger);
        }
    }
    uint8_t noise[4096];
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct od_stream stream;
        od_stream_init(&stream, seed, "noise");
        for (size_t i = 0; i < sizeof(noise); i++)
            noise[i] = (uint8_t)od_stream_next(&stream);
        stranger = dial(&sides[0]);
        write_bytes(&stranger, noise, sizeof(noise));
        struct od_message *message = read_frame(&stranger, 3000);
        od_message_free(od_heap_for_tests(), message);
        hang_up(&stranger);
    }
    assert_int_equal(sides[0].here, 1);
    od_buffer_release(&frame);
    end_victim(sides);
}

/* One byte each 20 ms is a slow stranger, whom time ends; of many, the oldest go. Friends get in meanwhile. */
static void the_slow_are_ended(void **state)
{
    (void)state;
    enum { COUNT = 30 };
    struct side sides[2];
    struct stranger strangers[COUNT];
    begin_victim(sides);
    struct stranger slow = dial(&sides[0]);
    uint64_t start_ns = now_ns();
    for (int i = 0; i < 24; i++) { /* no frame is complete before its time is over */
        write_bytes(&slow, &"ORDL\1\0\0\0\20\0\0\0\20\0\0\0\0\0\0\0\0\0\0\0"[i], 1);
        for (int k = 0; k < 20 && !slow.is_closed; k++)
            (void)read_frame(&slow, 1);
    }
    assert_true(slow.is_closed);
    assert_true(now_ns() - start_ns >= 100 * MS);
    hang_up(&slow);
    for (int i = 0; i < COUNT; i++) {
        strangers[i] = dial(&sides[0]);
        run_ms(&sides[0]);
        run_ms(&sides[0]);
        assert_true(od_node_facts(sides[0].node).link_count <= 4 + 1 + 1);
    }
    struct stranger peer = become_peer(&sides[0], 1);
    for (int i = 0; i < COUNT; i++)
        assert_hung_up(&strangers[i]);
    hang_up(&peer);
    end_victim(sides);
}

/* Connections that come and go, of all kinds, cost nothing once they are gone. */
static void connections_leave_nothing(void **state)
{
    (void)state;
    struct side sides[2];
    begin_victim(sides);
    int descriptors = open_descriptors();
    for (int i = 0; i < 600; i++) {
        struct stranger stranger = i % 3 == 0 ? become_peer(&sides[0], 1) : dial(&sides[0]);
        if (i % 3 == 1)
            write_bytes(&stranger, "ORDL\1\0\0\0\20", i % 10);
        hang_up(&stranger);
        run_ms(&sides[0]);
    }
    run_until(sides, 2, &sides[0].gone, 200);
    while (od_node_facts(sides[0].node).link_count > 1)
        run_ms(&sides[0]);
    assert_int_equal(open_descriptors(), descriptors);
    assert_int_equal(sides[0].here, 201);
    end_victim(sides);
}

/* --- peers gone bad --- */

static void liars_are_cut_off(void **state)
{
    (void)state;
    static const struct {
        uint32_t from, incarnation, kind;
    } lies[] = {{1, 1, 5},
                {STRANGER_ID, 99, 5},
                {STRANGER_ID, 1, HELLO},
                {STRANGER_ID, 1, 0xffff0006},
                {STRANGER_ID, 1, 0xffff0007},
                {STRANGER_ID, 1, UINT32_MAX}};
    struct side sides[2];
    begin_victim(sides);
    uint64_t violations = 0;
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        struct stranger peer = become_peer(&sides[0], 1 + (uint32_t)(i > 1));
        uint32_t incarnation = lies[i].incarnation == 1 ? 1 + (uint32_t)(i > 1) : lies[i].incarnation;
        write_frame(&peer, lies[i].from, incarnation, lies[i].kind, NULL, 0);
        struct od_message *peers =
            read_frame(&peer, 3000); /* where the others are, which every peer is told */
        assert_true(peers == NULL || peers->kind == PEERS);
        od_message_free(od_heap_for_tests(), peers);
        assert_hung_up(&peer);
        assert_int_equal(od_node_facts(sides[0].node).violation_count, ++violations);
    }
    struct stranger peer = become_peer(&sides[1], 2); /* where the others are, only the driver may say */
    write_frame(&peer, STRANGER_ID, 2, PEERS, "\11\0\0\0\6\0\0\0unix:/", 14);
    write_frame(&peer, STRANGER_ID, 2, 5, "true", 4);
    run_until(sides, 2, &sides[1].got, 1);
    uint32_t links = od_node_facts(sides[1].node).link_count;
    say(&sides[1], 9, 5, "to a place that it was not told by the driver", 45);
    assert_int_equal(od_node_facts(sides[1].node).link_count, links);
    hang_up(&peer);
    run_until(sides, 2, &sides[1].gone, 1);
    sides[1].gone = 0;
    end_victim(sides);
}

static void large_and_damaged_frames_end_a_link(void **state)
{
    (void)state;
    struct side sides[2];
    begin_victim(sides);
    uint8_t *body = calloc(1, FRAME_MAX + 1);
    assert_non_null(body);
    for (int i = 0; i < 3; i++) {
        struct stranger peer = become_peer(&sides[0], 1);
        struct od_buffer frame = frame_of(&peer, STRANGER_ID, 1, 5, body, i == 0 ? FRAME_MAX + 1 : 100);
        if (i == 1)
            frame.bytes[frame.size - 1] ^= 1;
        write_bytes(&peer, frame.bytes, i == 0 ? 200 : i == 1 ? frame.size : frame.size - 1);
        if (i == 2) /* half a frame, then the end */
            shutdown(peer.socket, SHUT_WR);
        struct od_message *peers = read_frame(&peer, 3000);
        od_message_free(od_heap_for_tests(), peers);
        assert_hung_up(&peer);
        assert_int_equal(od_node_facts(sides[0].node).violation_count, i == 0 ? 1 : 2);
        od_buffer_release(&frame);
    }
    free(body);
    run_until(sides, 1, &sides[0].gone, 3);
    assert_int_equal(sides[0].got, 0);
    end_victim(sides);
}

/* A false driver: whoever answers at its address. The node ends for what can't get better, and tries again
 * for the rest. */
static void false_drivers(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        size_t size;
        enum od_status status;
        const char *text;
    } cases[] = {{"ORDL\3\0\0\0", 8, OD_UNSUPPORTED, "version 3"},
                 {"HTTP/1.1 400 Bad Request\r\n", 26, OD_TIMED_OUT, ""},
                 {"", 0, OD_TIMED_OUT, ""}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t size = sizeof(address);
        int server = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        assert_int_equal(bind(server, (struct sockaddr *)&address, size), 0);
        assert_int_equal(listen(server, 5), 0);
        assert_int_equal(getsockname(server, (struct sockaddr *)&address, &size), 0);
        char text[OD_ADDRESS_BYTES];
        snprintf(text, sizeof(text), "tcp:127.0.0.1:%u", ntohs(address.sin_port));
        struct side side;
        struct od_error error = {0};
        struct od_node_options options = options_of(&side, 1, text);
        options.limits.handshake_ns = 30 * MS;
        begin(&side, &options);
        int accepted = 0, clients[20];
        enum od_status status = OD_TIMED_OUT;
        uint64_t end_ns = now_ns() + 3000 * MS;
        while (accepted < 3 && status == OD_TIMED_OUT && now_ns() < end_ns) {
            status = od_node_run(side.node, MS, &error);
            int client = accept(server, NULL, NULL);
            if (client < 0)
                continue;
            clients[accepted++] = client;
            (void)send(client, cases[i].answer, cases[i].size, MSG_NOSIGNAL);
        }
        assert_int_equal(status, cases[i].status);
        if (status == OD_UNSUPPORTED)
            assert_non_null(strstr(error.text, cases[i].text));
        else
            assert_int_equal(accepted, 3);
        assert_int_equal(side.here, 0);
        for (int k = 0; k < accepted; k++)
            close(clients[k]);
        close(server);
        end(&side);
    }
}

static void another_secret_ends_a_node(void **state)
{
    (void)state;
    const char *secrets[] = {"another secret than theirs", NULL};
    for (int i = 0; i < 2; i++) {
        struct side sides[2], stranger;
        struct od_error error = {0};
        begin_victim(sides);
        struct od_node_options options = options_of(&stranger, 3, od_node_address(sides[0].node));
        if (secrets[i] != NULL)
            options.secret = secret_of(secrets[i]);
        begin(&stranger, &options);
        enum od_status status = OD_TIMED_OUT;
        for (int k = 0; k < 3000 && status == OD_TIMED_OUT; k++) {
            run_ms(&sides[0]);
            status = od_node_run(stranger.node, MS, &error);
        }
        assert_int_equal(status, OD_BAD_INPUT);
        assert_non_null(strstr(error.text, "different secrets"));
        end(&stranger);
        end_victim(sides);
    }
}

/* --- addresses and secrets --- */

static void addresses(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum od_status status;
        bool is_local, is_wildcard;
    } cases[] = {
        {"tcp:127.0.0.1:7", OD_OK, true, false},
        {"tcp:localhost:65535", OD_OK, true, false},
        {"tcp:[::1]:0", OD_OK, true, false},
        {"tcp:127.9.9.9:7", OD_OK, true, false},
        {"tcp:10.0.0.1:7", OD_OK, false, false},
        {"tcp:0.0.0.0:7", OD_OK, false, true},
        {"tcp:[::]:7", OD_OK, false, true},
        {"tcp:[2001:db8::1]:7", OD_OK, false, false},
        {"unix:/tmp/x", OD_OK, true, false},
        {"tcp:127.0.0.1", OD_BAD_INPUT, 0, 0},
        {"tcp:127.0.0.1:", OD_BAD_INPUT, 0, 0},
        {"tcp:127.0.0.1:65536", OD_BAD_INPUT, 0, 0},
        {"tcp:127.0.0.1:-1", OD_BAD_INPUT, 0, 0},
        {"tcp:127.0.0.1:7x", OD_BAD_INPUT, 0, 0},
        {"tcp:::1:7", OD_BAD_INPUT, 0, 0},
        {"tcp:[::1:7", OD_BAD_INPUT, 0, 0},
        {"tcp:]:7", OD_BAD_INPUT, 0, 0},
        {"tcp:[]:7", OD_BAD_INPUT, 0, 0},
        {"tcp::7", OD_BAD_INPUT, 0, 0},
        {"tcp:example.org:7", OD_BAD_INPUT, 0, 0},
        {"unix:", OD_BAD_INPUT, 0, 0},
        {"127.0.0.1:7", OD_BAD_INPUT, 0, 0},
        {"", OD_BAD_INPUT, 0, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct od_address address;
        enum od_status status = od_address_parse(cases[i].text, &address, NULL);
        if (status != cases[i].status)
            print_message("%s\n", cases[i].text);
        assert_int_equal(status, cases[i].status);
        if (status == OD_OK) {
            assert_int_equal(od_address_is_local(&address), cases[i].is_local);
            assert_int_equal(od_address_is_wildcard(&address), cases[i].is_wildcard);
        }
    }
    char text[400] = "unix:/";
    struct od_address address;
    memset(text + 6, 'x', 107);
    assert_int_equal(od_address_parse(text, &address, NULL),
                     OD_BAD_INPUT); /* 108 bytes with the NUL are too many */
    memset(text + 6, 'x', 300);
    assert_int_equal(od_address_parse(text, &address, NULL), OD_BAD_INPUT);
}

static void remote_addresses_need_leave_and_secret(void **state)
{
    (void)state;
    static const struct {
        const char *listen, *driver, *advertise;
        bool allow, has_secret;
        enum od_status status;
        const char *text;
    } cases[] = {
        {"tcp:0.0.0.0:0", NULL, "tcp:127.0.0.1:9", false, false, OD_BAD_INPUT, "allowed explicitly"},
        {"tcp:0.0.0.0:0", NULL, "tcp:127.0.0.1:9", false, true, OD_BAD_INPUT, "allowed explicitly"},
        {"tcp:0.0.0.0:0", NULL, "tcp:127.0.0.1:9", true, false, OD_BAD_INPUT, "needs a secret"},
        {"tcp:0.0.0.0:0", NULL, NULL, true, true, OD_BAD_INPUT, "which one others are to dial"},
        {"tcp:0.0.0.0:0", NULL, "tcp:127.0.0.1:9", true, true, OD_OK, ""},
        {NULL, "tcp:192.0.2.1:9", NULL, false, true, OD_BAD_INPUT, "allowed explicitly"},
        {NULL, "nonsense", NULL, false, true, OD_BAD_INPUT, "expected tcp:"},
        {"unix:/proc/no/such/directory", NULL, NULL, false, true, OD_BAD_INPUT, "listening at"},
    };
    int descriptors = open_descriptors();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct side side;
        struct od_error error = {0};
        struct od_node_options options = options_of(&side, cases[i].driver != NULL, cases[i].driver);
        options.listen = cases[i].listen;
        options.advertise = cases[i].advertise;
        options.allow_remote = cases[i].allow;
        if (cases[i].has_secret)
            options.secret = secret_of("friends know this secret");
        assert_int_equal(od_node_new(od_heap_for_tests(), &options, &side.node, &error), cases[i].status);
        if (strstr(error.text, cases[i].text) == NULL)
            print_message("case %zu: %s\n", i, error.text);
        assert_non_null(strstr(error.text, cases[i].text));
        end(&side);
    }
    assert_int_equal(open_descriptors(), descriptors);
}

/* Two drivers at one path: the second is refused while the first lives; what a killed one left is taken over. */
static void a_path_is_not_stolen(void **state)
{
    (void)state;
    char directory[] = "/tmp/posix-net-test-XXXXXX";
    char text[64];
    struct side sides[2];
    assert_non_null(mkdtemp(directory));
    snprintf(text, sizeof(text), "unix:%s/driver", directory);
    int left_over = socket(AF_UNIX, SOCK_STREAM, 0);
    struct od_address address;
    assert_int_equal(od_address_parse(text, &address, NULL), OD_OK);
    assert_int_equal(bind(left_over, &address.as.any, sizeof(address.as.path)), 0);
    close(left_over);
    struct od_node_options options = options_of(&sides[0], 0, NULL);
    options.listen = text;
    begin(&sides[0], &options);
    struct stat info;
    assert_int_equal(stat(address.as.path.sun_path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    struct od_node_options second = options_of(&sides[1], 0, NULL);
    second.listen = text;
    assert_int_equal(od_node_new(od_heap_for_tests(), &second, &sides[1].node, NULL), OD_BAD_INPUT);
    assert_int_equal(access(address.as.path.sun_path, F_OK), 0);
    end(&sides[0]);
    assert_int_equal(rmdir(directory), 0);
}

static void secrets_come_from_safe_places(void **state)
{
    (void)state;
    struct od_secret secret, same;
    struct od_error error;
    char directory[] = "/tmp/posix-net-test-XXXXXX";
    char path[64];
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/secret", directory);
    assert_int_equal(od_secret_from_file(path, &secret, &error), OD_MISSING);
    int file = open(path, O_CREAT | O_WRONLY, 0600);
    assert_int_equal(write(file, "0123456789abcdef\n", 17), 17);
    assert_int_equal(od_secret_from_file(path, &secret, &error), OD_OK);
    assert_int_equal(od_secret_from_text("0123456789abcdef", &same, &error), OD_OK);
    assert_memory_equal(&secret, &same, sizeof(secret));
    for (unsigned mode = 1; mode < 0100; mode++) {
        assert_int_equal(fchmod(file, 0600 | mode), 0);
        assert_int_equal(od_secret_from_file(path, &secret, &error), OD_BAD_INPUT);
        assert_non_null(strstr(error.text, "chmod 600"));
        assert_false(secret.is_set);
    }
    assert_int_equal(fchmod(file, 0600), 0);
    assert_int_equal(ftruncate(file, 5), 0);
    assert_int_equal(od_secret_from_file(path, &secret, &error), OD_BAD_INPUT);
    assert_int_equal(ftruncate(file, OD_SECRET_BYTES_MAX + 100), 0);
    assert_int_equal(od_secret_from_file(path, &secret, &error), OD_BAD_INPUT);
    assert_int_equal(od_secret_from_file(directory, &secret, &error), OD_BAD_INPUT);
    close(file);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(od_secret_from_file(path, &secret, &error), OD_BAD_INPUT); /* and does not wait */
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(directory), 0);
    assert_int_equal(od_secret_from_text("too short", &secret, &error), OD_BAD_INPUT);
    assert_int_equal(od_secret_from_environment("ORDEAL_NO_SUCH", &secret, &error), OD_MISSING);
    char made[2][OD_SECRET_TEXT_BYTES];
    od_secret_make(made[0]);
    od_secret_make(made[1]);
    assert_int_equal(strlen(made[0]), OD_SECRET_TEXT_BYTES - 1);
    assert_string_not_equal(made[0], made[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(proofs_are_needed),
        cmocka_unit_test(nothing_is_believed_before),
        cmocka_unit_test(other_versions_are_told_both),
        cmocka_unit_test(garbage_at_every_byte),
        cmocka_unit_test(the_slow_are_ended),
        cmocka_unit_test(connections_leave_nothing),
        cmocka_unit_test(liars_are_cut_off),
        cmocka_unit_test(large_and_damaged_frames_end_a_link),
        cmocka_unit_test(false_drivers),
        cmocka_unit_test(another_secret_ends_a_node),
        cmocka_unit_test(addresses),
        cmocka_unit_test(remote_addresses_need_leave_and_secret),
        cmocka_unit_test(a_path_is_not_stolen),
        cmocka_unit_test(secrets_come_from_safe_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
