/* posix_children: lives of children.
 *
 *   child:  RUNS --exit, on_end says yes--> WAITS --delay--> RUNS (next life)
 *             |  \--exit, on_end says no--> DONE
 *             +--od_children_end--> ENDS --exit--> DONE          (SIGKILL when the grace is over)
 *
 * What belongs to one life (the process, both pipes) is one block, freed when libuv has closed all three: a
 * child's last lines may come after the news of its exit. A pid is only used between its start and its exit's
 * news, before which the system does not give it to anyone else. */
#include "engine/world/posix_children.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "engine/core/assert.h"
#include "engine/core/random.h"

#define MILLISECOND UINT64_C(1000000)
enum { LINE_BYTES = 4096 };

enum child_state { CHILD_RUNS, CHILD_WAITS, CHILD_ENDS, CHILD_DONE };

struct life {
    struct child *child;
    struct life *next;
    uv_process_t process;
    uv_pipe_t lifeline;
    uv_pipe_t output;
    int open_count; /* handles that libuv still knows */
    size_t line_bytes;
    char line[LINE_BYTES];
};

struct child {
    struct od_children *children;
    uint32_t index;
    uint32_t life_count;
    enum child_state state;
    struct life *life; /* borrowed from libuv's closing; NULL: does not run */
    uv_timer_t timer;  /* the delay, or the grace */
    uint64_t started_ns;
    uint64_t backoff_ns;
};

struct od_children {
    struct od_memory *memory; /* borrowed */
    struct od_children_options options;
    struct od_stream stream;
    struct child **list; /* owned, each too: libuv holds their addresses */
    uint32_t count;
    uint32_t capacity;
    struct life *lives;   /* that are not freed */
    uint32_t timer_count; /* handles that libuv still knows */
    bool is_ending;
};

static uint64_t or_default(uint64_t value, uint64_t otherwise)
{
    return value == 0 ? otherwise : value;
}

enum od_status od_children_new(struct od_memory *memory, const struct od_children_options *options,
                               struct od_children **children_out, struct od_error *error)
{
    struct od_children *children = *children_out = od_take(memory, sizeof(*children));
    if (children == NULL)
        return od_fail(error, OD_NO_MEMORY, "making children");
    children->memory = memory;
    children->options = *options;
    children->options.restart_first_ns = or_default(options->restart_first_ns, 20 * MILLISECOND);
    children->options.restart_last_ns = or_default(options->restart_last_ns, 2000 * MILLISECOND);
    children->options.healthy_ns = or_default(options->healthy_ns, 5000 * MILLISECOND);
    children->options.grace_ns = or_default(options->grace_ns, 3000 * MILLISECOND);
    od_stream_init(&children->stream, options->seed, "restarts of children");
    return OD_OK;
}

/* --- one life --- */

static void on_life_closed(uv_handle_t *handle)
{
    struct life *life = handle->data;
    struct od_children *children = life->child->children;
    if (--life->open_count > 0)
        return;
    struct life **at = &children->lives;
    while (*at != life)
        at = &(*at)->next;
    *at = life->next;
    od_give(children->memory, life, sizeof(*life));
}

static void close_part(uv_handle_t *handle)
{
    if (!uv_is_closing(handle))
        uv_close(handle, on_life_closed);
}

static void say_line(struct life *life)
{
    const struct od_children_options *options = &life->child->children->options;
    life->line[life->line_bytes] = '\0';
    life->line_bytes = 0;
    options->on_line(options->self, life->child->index, life->line);
}

static void take_output(struct life *life, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] == '\n')
            say_line(life);
        else if (life->line_bytes < LINE_BYTES - 1)
            life->line[life->line_bytes++] = bytes[i];
    }
}

static void on_output(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct life *life = stream->data;
    if (size > 0)
        take_output(life, buffer->base, (size_t)size);
    if (size >= 0)
        return;
    if (life->line_bytes > 0)
        say_line(life);
    close_part((uv_handle_t *)&life->output);
}

static void on_output_room(uv_handle_t *handle, size_t suggested, uv_buf_t *room_out)
{
    static _Thread_local char bytes[LINE_BYTES]; /* used up before the next call */
    (void)handle;
    (void)suggested;
    *room_out = uv_buf_init(bytes, sizeof(bytes));
}

static void on_exit_news(uv_process_t *process, int64_t exit_status, int signal);

static struct life *life_new(struct child *child)
{
    struct od_children *children = child->children;
    struct life *life = od_take(children->memory, sizeof(*life));
    if (life == NULL)
        return NULL;
    life->child = child;
    uv_pipe_init(children->options.loop, &life->lifeline, 0); /* without IPC these can't fail */
    uv_pipe_init(children->options.loop, &life->output, 0);
    life->lifeline.data = life->output.data = life->process.data = life;
    life->open_count = 3;
    life->next = children->lives;
    children->lives = life;
    return life;
}

static int spawn(struct child *child)
{
    const struct od_children_options *options = &child->children->options;
    struct life *life = life_new(child);
    if (life == NULL)
        return UV_ENOMEM;
    uv_stdio_container_t stdio[3] = {
        {.flags = UV_CREATE_PIPE | UV_READABLE_PIPE, .data.stream = (uv_stream_t *)&life->lifeline},
        {.flags = UV_INHERIT_FD, .data.fd = STDOUT_FILENO},
        {.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
    };
    if (options->on_line != NULL)
        stdio[1] = (uv_stdio_container_t){.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE,
                                          .data.stream = (uv_stream_t *)&life->output};
    const char *const *arguments = options->arguments(options->self, child->index, child->life_count + 1);
    uv_process_options_t process = {.exit_cb = on_exit_news,
                                    .file = arguments[0],
                                    .args = (char **)(uintptr_t)arguments,
                                    .env = (char **)(uintptr_t)options->environment,
                                    .flags = UV_PROCESS_DETACHED,
                                    .stdio_count = 3,
                                    .stdio = stdio};
    int result = uv_spawn(options->loop, &life->process, &process);
    life->process.data = life;
    if (result == 0 && options->on_line != NULL)
        result = uv_read_start((uv_stream_t *)&life->output, on_output_room, on_output);
    else
        close_part((uv_handle_t *)&life->output);
    if (result != 0) {
        close_part((uv_handle_t *)&life->process);
        close_part((uv_handle_t *)&life->lifeline);
        return result;
    }
    child->life = life;
    child->life_count++;
    child->state = CHILD_RUNS;
    child->started_ns = uv_hrtime();
    return 0;
}

/* --- between lives --- */

static void wait_for_restart(struct child *child);
static void start_timer(struct child *child, uv_timer_cb call, uint64_t delay_ns);

static void on_restart(uv_timer_t *timer)
{
    struct child *child = timer->data;
    const struct od_children_options *options = &child->children->options;
    uint64_t hold_ns = options->hold == NULL ? 0 : options->hold(options->self, child->index);
    if (hold_ns != 0)
        start_timer(child, on_restart, hold_ns);
    else if (spawn(child) != 0)
        wait_for_restart(child);
}

static void on_grace_over(uv_timer_t *timer)
{
    struct child *child = timer->data;
    if (child->life != NULL)
        (void)uv_process_kill(&child->life->process, SIGKILL);
}

static void start_timer(struct child *child, uv_timer_cb call, uint64_t delay_ns)
{
    uv_update_time(child->children->options.loop);
    int result = uv_timer_start(&child->timer, call, (delay_ns + MILLISECOND - 1) / MILLISECOND, 0);
    od_assert(result == 0);
}

static void wait_for_restart(struct child *child)
{
    struct od_children *children = child->children;
    uint64_t delay_ns = child->backoff_ns;
    delay_ns -= od_random_below(&children->stream.random, delay_ns / 2 + 1);
    child->backoff_ns *= 2;
    if (child->backoff_ns > children->options.restart_last_ns)
        child->backoff_ns = children->options.restart_last_ns;
    child->state = CHILD_WAITS;
    start_timer(child, on_restart, delay_ns);
}

static void on_exit_news(uv_process_t *process, int64_t exit_status, int signal)
{
    struct life *life = process->data;
    struct child *child = life->child;
    const struct od_children_options *options = &child->children->options;
    struct od_child_end end = {child->index, child->life_count, exit_status, signal,
                               uv_hrtime() - child->started_ns};
    close_part((uv_handle_t *)&life->process);
    close_part((uv_handle_t *)&life->lifeline);
    child->life = NULL;
    uv_timer_stop(&child->timer);
    bool was_asked_for = child->state == CHILD_ENDS;
    child->state = CHILD_DONE;
    if (was_asked_for || options->on_end == NULL || !options->on_end(options->self, &end) ||
        child->children->is_ending)
        return;
    bool was_meant = options->was_meant != NULL && options->was_meant(options->self, child->index);
    if (end.lasted_ns >= options->healthy_ns || was_meant)
        child->backoff_ns = options->restart_first_ns;
    if (was_meant) {
        child->state = CHILD_WAITS;
        start_timer(child, on_restart, 0);
    } else {
        wait_for_restart(child);
    }
}

/* --- from outside --- */

static void on_timer_closed(uv_handle_t *handle)
{
    struct child *child = handle->data;
    struct od_children *children = child->children;
    children->timer_count--;
}

enum od_status od_children_start(struct od_children *children, uint32_t *child_out, struct od_error *error)
{
    *child_out = OD_CHILD_NONE;
    if (!od_grow(children->memory, &children->list, &children->capacity, children->count + 1,
                 sizeof(children->list[0])))
        return od_fail(error, OD_NO_MEMORY, "starting a child");
    struct child *child = od_take(children->memory, sizeof(*child));
    if (child == NULL)
        return od_fail(error, OD_NO_MEMORY, "starting a child");
    child->index = children->count;
    child->children = children;
    child->state = CHILD_DONE;
    child->backoff_ns = children->options.restart_first_ns;
    uv_timer_init(children->options.loop, &child->timer); /* can't fail */
    child->timer.data = child;
    children->timer_count++;
    children->list[children->count++] = child;
    int result = spawn(child);
    if (result == 0)
        *child_out = child->index;
    return result == 0 ? OD_OK
                       : od_fail(error, result == UV_ENOMEM ? OD_NO_MEMORY : OD_IO, "starting a child: %s",
                                 uv_strerror(result));
}

static struct child *find(const struct od_children *children, uint32_t child)
{
    od_assert(child < children->count);
    return children->list[child];
}

int od_children_process_id(const struct od_children *children, uint32_t index)
{
    const struct child *child = find(children, index);
    return child->life == NULL ? -1 : uv_process_get_pid(&child->life->process);
}

bool od_children_signal(struct od_children *children, uint32_t index, int signal)
{
    struct child *child = find(children, index);
    return child->life != NULL && uv_process_kill(&child->life->process, signal) == 0;
}

void od_children_end(struct od_children *children, uint32_t index)
{
    struct child *child = find(children, index);
    if (child->state == CHILD_WAITS) {
        uv_timer_stop(&child->timer);
        child->state = CHILD_DONE;
    }
    if (child->state != CHILD_RUNS)
        return;
    child->state = CHILD_ENDS;
    od_children_signal(children, index, SIGTERM);
    od_children_signal(children, index, SIGCONT);
    start_timer(child, on_grace_over, children->options.grace_ns);
}

uint32_t od_children_count(const struct od_children *children)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < children->count; i++)
        count += children->list[i]->state != CHILD_DONE;
    return count;
}

void od_children_free(struct od_children *children)
{
    if (children == NULL)
        return;
    children->is_ending = true;
    for (uint32_t i = 0; i < children->count; i++)
        od_children_end(children, i);
    while (od_children_count(children) > 0)
        (void)uv_run(children->options.loop, UV_RUN_ONCE);
    (void)uv_run(children->options.loop, UV_RUN_NOWAIT); /* last lines */
    for (struct life *life = children->lives; life != NULL; life = life->next)
        close_part((uv_handle_t *)&life->output); /* somebody else may hold its other end */
    for (uint32_t i = 0; i < children->count; i++)
        uv_close((uv_handle_t *)&children->list[i]->timer, on_timer_closed);
    while (children->timer_count > 0 || children->lives != NULL)
        (void)uv_run(children->options.loop, UV_RUN_ONCE);
    for (uint32_t i = 0; i < children->count; i++)
        od_give(children->memory, children->list[i], sizeof(struct child));
    od_give(children->memory, children->list, children->capacity * sizeof(children->list[0]));
    od_give(children->memory, children, sizeof(*children));
}
