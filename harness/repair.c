/* repair: see repair.h. Every task has a state, and an event moves one task, all of a stage, or all; the table below says from where
 * to where. A task that was committed and is launched again has a commit that a restarted driver does not know of. A span is
 * open while a stage that is needed has a task to make good, or a restarted driver has not gone on. */
#include "harness/repair.h"

enum state {
    NEW, /* memory comes as this */
    RUNNING,
    COMMITTED,
    LEFT_RUNNING, /* by a driver that is gone: to be made good, unless its attempt is adopted */
    OWED,         /* to be made good */
    STATE_COUNT
};
enum extent { NOTHING, TASK, STAGE, ALL };

struct rule {
    enum extent extent;
    bool goes_on; /* a restarted driver, by this */
    uint8_t next[STATE_COUNT];
};
/* clang-format off */
static const struct rule rules[OD_EVENT_COUNT] = {
    /*                                               NEW        RUNNING       COMMITTED  LEFT_RUNNING  OWED */
    [OD_EVENT_TASK_LAUNCHED]     = {TASK,  true,  {RUNNING,   RUNNING,      OWED,      OWED,         OWED}},
    [OD_EVENT_TASK_ADOPTED]      = {TASK,  true,  {RUNNING,   RUNNING,      RUNNING,   RUNNING,      OWED}},
    [OD_EVENT_TASK_COMMITTED]    = {TASK,  true,  {COMMITTED, COMMITTED,    COMMITTED, COMMITTED,    COMMITTED}},
    [OD_EVENT_OUTPUT_REUSED]     = {TASK,  true,  {COMMITTED, COMMITTED,    COMMITTED, COMMITTED,    COMMITTED}},
    [OD_EVENT_RESULT_COMMITTED]  = {TASK,  true,  {COMMITTED, COMMITTED,    COMMITTED, COMMITTED,    COMMITTED}},
    [OD_EVENT_TASK_RETRIED]      = {TASK,  false, {OWED,      OWED,         OWED,      OWED,         OWED}},
    [OD_EVENT_OUTPUT_LOST]       = {TASK,  false, {OWED,      OWED,         OWED,      OWED,         OWED}},
    [OD_EVENT_STAGE_ROLLED_BACK] = {STAGE, false, {NEW,       OWED,         OWED,      OWED,         OWED}},
    [OD_EVENT_STAGE_COMPLETED]   = {STAGE, false, {NEW,       COMMITTED,    COMMITTED, COMMITTED,    COMMITTED}},
    [OD_EVENT_DRIVER_RESTARTED]  = {ALL,   false, {NEW,       LEFT_RUNNING, COMMITTED, LEFT_RUNNING, OWED}},
    [OD_EVENT_QUERY_ENDED]       = {ALL,   true,  {NEW,       NEW,          NEW,       NEW,          NEW}},
};
/* clang-format on */

struct stage_books {
    uint32_t owed_count; /* OWED or LEFT_RUNNING */
    bool is_whole;
    bool is_needed;
};

struct books {
    const struct od_stage_graph *graph;
    struct stage_books *stages;
    uint8_t *states;     /* by stage, then task */
    uint32_t task_width; /* of a stage */
    bool driver_is_new;  /* and has not gone on */
    bool is_open;        /* a span */
    uint64_t since_ns;   /* then */
    struct od_repair repair;
};

static bool is_owed(uint8_t state)
{
    return state == LEFT_RUNNING || state == OWED;
}

static void move_tasks(struct books *books, uint32_t stage, uint32_t first, uint32_t end,
                       const struct rule *rule)
{
    struct stage_books *its = &books->stages[stage];
    uint8_t *states = books->states + (size_t)stage * books->task_width;
    for (uint32_t t = first; t < end; t++) {
        uint8_t next = rule->next[states[t]];
        its->owed_count += is_owed(next);
        its->owed_count -= is_owed(states[t]);
        its->is_whole = its->is_whole && (next == COMMITTED || next == states[t]);
        states[t] = next;
    }
}

static void take(struct books *books, const struct od_event *event)
{
    const struct rule *rule = &rules[event->kind];
    const struct od_site *site = &event->site;
    bool has_stage = site->stage < books->graph->stage_count;
    if (rule->extent == TASK && has_stage && site->task < books->task_width)
        move_tasks(books, site->stage, site->task, site->task + 1, rule);
    for (uint32_t s = 0; s < books->graph->stage_count; s++)
        if (rule->extent == ALL || (rule->extent == STAGE && s == site->stage))
            move_tasks(books, s, 0, books->task_width, rule);
    if (event->kind == OD_EVENT_STAGE_COMPLETED && has_stage)
        books->stages[site->stage].is_whole = true;
    books->driver_is_new =
        event->kind == OD_EVENT_DRIVER_RESTARTED || (books->driver_is_new && !rule->goes_on);
}

/* From the last stage back: what is read by a stage that is needed and not whole. */
static bool something_is_owed(struct books *books)
{
    uint32_t last = books->graph->stage_count - 1;
    bool found = books->driver_is_new;
    for (uint32_t s = 0; s <= last; s++)
        books->stages[s].is_needed = s == last;
    for (uint32_t s = last + 1; s-- > 0 && !found;) {
        const struct od_stage *plan = &books->graph->stages[s];
        found = books->stages[s].is_needed && books->stages[s].owed_count != 0;
        for (uint32_t i = 0;
             i < plan->input_count && books->stages[s].is_needed && !books->stages[s].is_whole; i++)
            books->stages[plan->input_stages[i]].is_needed = true;
    }
    return found;
}

static void keep_span(struct books *books, bool owes, uint64_t now_ns)
{
    if (books->is_open && !owes) {
        uint64_t span_ns = now_ns - books->since_ns;
        books->repair.total_ns += span_ns;
        books->repair.longest_ns = span_ns > books->repair.longest_ns ? span_ns : books->repair.longest_ns;
    }
    if (!books->is_open)
        books->since_ns = now_ns;
    books->is_open = owes;
}

static void measure(struct books *books, const struct od_event *events, uint32_t event_count)
{
    uint64_t now_ns = 0; /* never goes back, whatever clocks do */
    for (uint32_t i = 0; i < event_count; i++) {
        now_ns = events[i].time_ns > now_ns ? events[i].time_ns : now_ns;
        if (rules[events[i].kind].extent == NOTHING)
            continue;
        take(books, &events[i]);
        keep_span(books, something_is_owed(books), now_ns);
    }
    keep_span(books, false, now_ns);
}

enum od_status od_repair_measure(struct od_memory *memory, const struct od_stage_graph *graph,
                                 const struct od_event *events, uint32_t event_count,
                                 struct od_repair *repair_out, struct od_error *error)
{
    struct books books = {.graph = graph, .task_width = 1};
    for (uint32_t i = 0; i < event_count; i++)
        if (rules[events[i].kind].extent == TASK && events[i].site.task != OD_ANY &&
            events[i].site.task >= books.task_width)
            books.task_width = events[i].site.task + 1;
    size_t task_count = (size_t)graph->stage_count * books.task_width;
    enum od_status status = OD_OK;
    *repair_out = (struct od_repair){0};
    books.stages = od_take_array(memory, graph->stage_count, sizeof(*books.stages));
    books.states = od_take(memory, task_count);
    if (books.stages == NULL || books.states == NULL) {
        status = od_fail(error, OD_NO_MEMORY, "measuring repairs: tasks=%zu", task_count);
        goto done;
    }
    measure(&books, events, event_count);
    *repair_out = books.repair;
done:
    od_give(memory, books.states, task_count);
    od_give(memory, books.stages, graph->stage_count * sizeof(*books.stages));
    return status;
}
