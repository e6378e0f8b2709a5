/* executor_test: what an executor does with single messages of the driver.
 *
 * Method: one executor in the fixture's host, the messages put into its hands. recovery_test covers the whole; here is what whole runs,
 * whose queries are shared by pointer, do not reach: plans that come as bytes. */
#include "engine/run/recovery_fixture.h"

static uint32_t added, removed;

static const struct od_query *find(void *self, uint32_t query_id)
{
    (void)self;
    return added > removed && query_id == query.query_id ? &query : NULL;
}

static enum od_status add(void *self, uint32_t query_id, const uint8_t *bytes, size_t size, struct od_error *error)
{
    (void)self;
    (void)bytes;
    (void)error;
    assert_int_equal(query_id, query.query_id);
    assert_int_equal(size, 3);
    added++;
    return OD_OK;
}

static void drop(void *self, uint32_t query_id)
{
    (void)self;
    assert_int_equal(query_id, query.query_id);
    removed++;
}

static void hand(enum od_message_kind kind, struct od_buffer *body)
{
    struct host_actor *actor = &host->actors[1];
    od_body_seal(body, kind);
    const struct od_message message = {.from = 0,
                                       .to = 1,
                                       .from_incarnation = 1,
                                       .kind = kind,
                                       .site = {.query = query.query_id, OD_ANY, OD_ANY, OD_ANY, 1, OD_ANY, OD_ANY, kind},
                                       .body_bytes = body->size,
                                       .body = body->bytes};
    actor->actor.ops->on_message(actor->actor.self, &message);
    od_buffer_reset(body);
}

/* A plan that is never launched goes with its query; one that comes behind the end is not taken. */
static void test_plans_do_not_outlive_their_query(void **state)
{
    (void)state;
    struct od_buffer body;
    od_buffer_init(&body, od_posix_memory());
    for (uint32_t end_first = 0; end_first < 2; end_first++) {
        memset(host, 0, offsetof(struct host, events));
        host->query = &query;
        host->catalog = (struct od_query_catalog){.find = find, .add = add, .remove = drop, .self = host};
        host->actor_count = 2;
        host->event_count = host->trace_count = 0;
        host->actors[1] = (struct host_actor){.host = host, .id = 1};
        od_countdown_init(&host->memory, host_memory, UINT64_MAX, false);
        od_countdown_init(&host->messages, host_memory, UINT64_MAX, false);
        od_stream_init(&host->latency, 1, "latency");
        od_stream_init(&host->engine, 1, "engine");
        added = removed = 0;
        host_start(host, &host->actors[1]);
        for (uint32_t i = 0; i < 2; i++) {
            if (i == end_first)
                od_write_plan(&body, &(struct od_body_plan){.size = 3, .bytes = (const uint8_t *)"abc"});
            else
                od_buffer_append_u32(&body, 0);
            hand(i == end_first ? OD_MESSAGE_PLAN : OD_MESSAGE_END_QUERY, &body);
        }
        assert_int_equal(added, 1 - end_first);
        assert_int_equal(removed, added);
        for (uint32_t i = 0; i < host->event_count; i++)
            od_message_free(&host->messages.memory, host->events[i].message);
        host_end_life(&host->actors[1], true);
        assert_int_equal(host->memory.live_block_count, 0);
        assert_int_equal(host->messages.live_block_count, 0);
    }
    od_buffer_release(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plans_do_not_outlive_their_query),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
