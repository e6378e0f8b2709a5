/* cluster_processes: see cluster_processes.h.
 *
 *   folder/           0.socket, 1.socket...     /0 /1 ...  files of each actor     /tables  table images
 *   folder/lock       is locked while this process lives
 *
 * One loop: the client's node, and the children. It runs while a query does; between queries children look after themselves.
 *
 *   a query:  SUBMIT -> (NEWS | nothing for ASK_NS -> ASK) ... -> ENDED -> the answer's pieces, one ASK each -> FORGET
 *   UNKNOWN:  the driver has never heard of it: submitted again */
#include "harness/cluster_processes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chaos/fault_board.h"
#include "engine/core/assert.h"
#include "engine/io/table_image.h"
#include "engine/world/posix_children.h"
#include "engine/run/metrics.h"
#include "harness/cluster_mail.h"
#include "harness/event_spool.h"
#include "harness/file.h"
#include "harness/node_command.h"
#include "harness/query_plan.h"

#define MS            UINT64_C(1000000)
#define ASK_NS        (250 * MS)
#define HOLD_NS       (20 * MS) /* then the board is asked again */
#define BOARD_NS      (2 * MS)
#define CHILD_VARIABLE "ORDEAL_CHILD" /* in the environment of every child */
/* Nobody takes longer from an event to its file. */
#define EVENTS_HELD_NS (20 * MS)
#define LINK_BYTES_PER_S UINT64_C(1000000000) /* of local sockets: zstd does not pay there */
#define FOLDER_PREFIX "ordeal-cluster-"
#define TABLES_KEPT   32
#define ARGUMENTS_MAX 48
enum { TEXT_BYTES = 320, QUICK_ENDS_MAX = 20, QUICK_NS = 1000000000 };

struct od_processes {
    struct od_memory *memory; /* borrowed */
    struct od_processes_options options;
    struct od_node *node;
    struct od_children *children; /* child i is actor i */
    struct od_table_store *store;
    char folder[160];
    int lock; /* of the folder; -1: none */
    char program[TEXT_BYTES];
    char secret[sizeof(OD_SECRET_VARIABLE) + OD_SECRET_TEXT_BYTES];
    const char **environment;
    size_t environment_count;
    char texts[ARGUMENTS_MAX][TEXT_BYTES]; /* of the arguments of a child that is being started */
    const char *arguments[ARGUMENTS_MAX + 1];
    struct od_fault_board *board; /* NULL: no schedule */
    uint32_t restart_count;
    uint32_t quick_ends; /* lives in a row of this query that were over at once: something is wrong */
    bool leaves[OD_EXECUTORS_MAX + 1]; /* asked to: ends well, for good */
    uint32_t last_query_id;
    uint64_t watch_ns; /* 0: nobody watches */
    void (*tick)(void *self);
    void *tick_self;
    struct od_event_merge *events; /* NULL: none are told */
    struct od_trace trace;
    /* the query that runs */
    uint32_t query_id;
    uint64_t started_ns;
    bool is_unknown;
    struct od_news news;
    struct od_buffer answer;
};

/* --- the folder --------------------------------------------------------------------------------- */

static const char *parent_folder(void)
{
    const char *folder = getenv("TMPDIR");
    return folder != NULL && folder[0] == '/' && strlen(folder) < 60 ? folder : "/tmp";
}

/* Of a process that is gone, whatever its number: other containers may share the folder. */
static bool is_left_behind(const char *path)
{
    char name[TEXT_BYTES + 8];
    snprintf(name, sizeof(name), "%s/lock", path);
    int lock = open(name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    bool is_free = lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) == 0;
    if (lock >= 0)
        close(lock);
    return is_free;
}

/* Locked before it has its name, so that nobody finds it free. */
static enum od_status lock_folder(struct od_processes *processes, struct od_error *error)
{
    char early[TEXT_BYTES];
    char name[TEXT_BYTES];
    snprintf(early, sizeof(early), "%s/early", processes->folder);
    snprintf(name, sizeof(name), "%s/lock", processes->folder);
    processes->lock = open(early, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    if (processes->lock < 0 || flock(processes->lock, LOCK_EX | LOCK_NB) != 0 || rename(early, name) != 0)
        return od_fail(error, OD_IO, "locking %s: %s", name, strerror(errno));
    return OD_OK;
}

/* Removes what killed processes of this user left: "ordeal-cluster-PID-xxxxxx". */
static void sweep_folders(void)
{
    const char *parent = parent_folder();
    DIR *folder = opendir(parent);
    if (folder == NULL)
        return;
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        char path[TEXT_BYTES];
        if (strncmp(entry->d_name, FOLDER_PREFIX, sizeof(FOLDER_PREFIX) - 1) != 0)
            continue;
        snprintf(path, sizeof(path), "%s/%.200s", parent, entry->d_name);
        if (is_left_behind(path))
            od_folder_remove(path, NULL);
    }
    closedir(folder);
}

static enum od_status make_folders(struct od_processes *processes, struct od_error *error)
{
    char path[TEXT_BYTES];
    snprintf(processes->folder, sizeof(processes->folder), "%s/" FOLDER_PREFIX "%ld-XXXXXX", parent_folder(),
             (long)getpid());
    if (mkdtemp(processes->folder) == NULL) {
        processes->folder[0] = '\0';
        return od_fail(error, od_file_status(errno), "making a folder in %s, see TMPDIR: %s", parent_folder(),
                       strerror(errno));
    }
    OD_TRY(lock_folder(processes, error));
    snprintf(path, sizeof(path), "%s/tables", processes->folder);
    OD_TRY(od_folder_make(path, error));
    return od_table_store_new(processes->memory, path, TABLES_KEPT, &processes->store, error);
}

/* --- children ----------------------------------------------------------------------------------- */

/* This process's environment, with the secret. */
static enum od_status make_environment(struct od_processes *processes, struct od_error *error)
{
    char text[OD_SECRET_TEXT_BYTES];
    size_t count = 0;
    while (environ[count] != NULL)
        count++;
    processes->environment = od_take_array(processes->memory, count + 3, sizeof(*processes->environment));
    if (processes->environment == NULL)
        return od_fail(error, OD_NO_MEMORY, "starting a cluster");
    processes->environment_count = count + 3;
    od_secret_make(text);
    snprintf(processes->secret, sizeof(processes->secret), OD_SECRET_VARIABLE "=%s", text);
    for (size_t i = 0; i < count; i++)
        processes->environment[i] = environ[i];
    processes->environment[count] = processes->secret;
    processes->environment[count + 1] = CHILD_VARIABLE "=1";
    return OD_OK;
}

static void add_argument(struct od_processes *processes, uint32_t *count, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void add_argument(struct od_processes *processes, uint32_t *count, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vsnprintf(processes->texts[*count], TEXT_BYTES, format, list);
    va_end(list);
    processes->arguments[*count] = processes->texts[*count];
    (*count)++;
}

static const char *const *child_arguments(void *self, uint32_t child, uint32_t life)
{
    struct od_processes *processes = self;
    const char *folder = processes->folder;
    uint32_t count = 0;
    add_argument(processes, &count, "%s", processes->program);
    add_argument(processes, &count, child == 0 ? "driver" : "executor");
    add_argument(processes, &count, "--child");
    if (processes->events != NULL)
        add_argument(processes, &count, "--spool=%s/%u.events", folder, child);
    if (child != 0) {
        add_argument(processes, &count, "--id=%u", child);
        add_argument(processes, &count, "--connect=unix:%s/0.socket", folder);
    }
    add_argument(processes, &count, "--listen=unix:%s/%u.socket", folder, child);
    add_argument(processes, &count, "--dir=%s/%u", folder, child);
    add_argument(processes, &count, "--tables=%s/tables", folder);
    add_argument(processes, &count, "--incarnation=%u", life);
    add_argument(processes, &count, "--executors=%u", processes->options.executor_count);
    add_argument(processes, &count, "--slots=%u", processes->options.slots_per_executor);
    const struct od_run_options asked = {.cluster = processes->options.cluster};
    char assignment[OD_OPTION_TEXT_BYTES];
    for (size_t i = 0; od_run_options_assignment(&asked, i, assignment); i++)
        if (assignment[0] != '\0')
            add_argument(processes, &count, "--set=%s", assignment);
    if (processes->board != NULL) {
        add_argument(processes, &count, "--faults=%s/faults", folder);
        add_argument(processes, &count, "--board=%s/board", folder);
    }
    processes->arguments[count] = NULL;
    return processes->arguments;
}

static bool on_end(void *self, const struct od_child_end *end)
{
    struct od_processes *processes = self;
    bool has_left = processes->leaves[end->child] && end->exit_status == 0 && end->signal == 0;
    bool by_somebody = end->signal == SIGKILL || end->signal == SIGTERM; /* says nothing about the program */
    bool is_quick = end->lasted_ns < QUICK_NS;
    if (!by_somebody)
        processes->quick_ends = is_quick ? processes->quick_ends + 1 : 0;
    processes->restart_count += !has_left;
    return !has_left;
}

/* --- faults ------------------------------------------------------------------------------------- */

static enum od_status make_board(struct od_processes *processes, struct od_error *error)
{
    const struct od_schedule *schedule = processes->options.schedule;
    char path[TEXT_BYTES];
    struct od_buffer text;
    if (schedule == NULL || schedule->fault_count == 0)
        return OD_OK;
    snprintf(path, sizeof(path), "%s/faults", processes->folder);
    od_buffer_init(&text, processes->memory);
    enum od_status status = od_schedule_print(schedule, &text)
                                ? od_file_write(path, text.bytes, text.size, error)
                                : od_fail(error, OD_NO_MEMORY, "writing down a schedule of faults");
    od_buffer_release(&text);
    snprintf(path, sizeof(path), "%s/board", processes->folder);
    if (status == OD_OK)
        status = od_fault_board_new(processes->memory, path, schedule, processes->options.executor_count + 1,
                                    &processes->board, error);
    return status;
}

/* It has its second thread, its lifeline: so it would be woken when we die, which it asks for before. */
static bool can_be_woken(int process)
{
    char path[64];
    struct stat info;
    snprintf(path, sizeof(path), "/proc/%d/task", process);
    return stat(path, &info) == 0 && info.st_nlink > 2 + 1;
}

static bool give_signal(void *self, uint32_t actor_id, int signal)
{
    struct od_processes *processes = self;
    int process = od_children_process_id(processes->children, actor_id);
    return process > 0 && (signal != SIGSTOP || can_be_woken(process)) && kill(process, signal) == 0;
}

static void send_mail(struct od_processes *processes, enum od_mail_kind kind, uint64_t number,
                      const struct od_buffer *plan);
static bool give_order(void *self, const struct od_order *order)
{
    struct od_processes *processes = self;
    if (order->kind == OD_ORDER_DECOMMISSION) {
        od_assert(order->executor <= OD_EXECUTORS_MAX);
        processes->leaves[order->executor] = true;
        send_mail(processes, OD_MAIL_ORDER, order->executor, NULL);
    } else {
        send_mail(processes, OD_MAIL_CANCEL, 0, NULL);
    }
    return true;
}

static bool refuse_to_add(void *self)
{
    (void)self;
    return false; /* every place of the cluster is taken from the start */
}

static void tell_fired(void *self, const struct od_event *event)
{
    struct od_processes *processes = self;
    struct od_event told = *event;
    told.time_ns += od_fault_board_origin_ns(processes->board);
    if (processes->trace.ops != NULL)
        processes->trace.ops->event(processes->trace.self, &told);
}

static struct od_fault_hands hands_of(struct od_processes *processes)
{
    return (struct od_fault_hands){give_signal, give_order, refuse_to_add, tell_fired, processes};
}

static bool was_meant(void *self, uint32_t child)
{
    struct od_processes *processes = self;
    struct od_fault_hands hands = hands_of(processes);
    return processes->board != NULL && od_fault_board_take_crash(processes->board, child, &hands);
}

/* The dead by a fault come back when the fault says. */
static uint64_t hold_restart(void *self, uint32_t child)
{
    struct od_processes *processes = self;
    struct od_fault_hands hands = hands_of(processes);
    uint64_t delay_ns = processes->board == NULL ? 0 : od_fault_board_restart_ns(processes->board, child, &hands);
    return delay_ns < HOLD_NS ? delay_ns : HOLD_NS;
}

/* --- news --------------------------------------------------------------------------------------- */

static void on_mail(void *self, const struct od_message *message)
{
    struct od_processes *processes = self;
    struct od_reader reader = {.bytes = message->body, .size = message->body_bytes};
    struct od_news news;
    if (message->kind != OD_MAIL_NEWS || !od_mail_read_news(&reader, &news) || news.query_id != processes->query_id)
        return;
    processes->is_unknown = news.state == OD_NEWS_UNKNOWN;
    if (news.answer_id != processes->news.answer_id)
        od_buffer_reset(&processes->answer);
    if (news.state == OD_NEWS_ENDED && news.offset == processes->answer.size)
        od_buffer_append(&processes->answer, news.piece.bytes, news.piece.size);
    news.piece = (struct od_piece){0};
    processes->news = news;
    od_node_stop(processes->node);
}

static void send_mail(struct od_processes *processes, enum od_mail_kind kind, uint64_t number, const struct od_buffer *plan)
{
    struct od_buffer body;
    od_buffer_init(&body, processes->memory);
    od_mail_write(&body, processes->query_id, number);
    if (plan != NULL)
        od_buffer_append(&body, plan->bytes, plan->size);
    struct od_message *message = body.failed ? NULL : od_message_new(processes->memory, body.size);
    if (message != NULL) { /* else as if lost */
        memcpy(message->body, body.bytes, body.size);
        message->to = 0;
        message->kind = kind;
        od_node_send(processes->node, message);
    }
    od_buffer_release(&body);
}

/* --- events ------------------------------------------------------------------------------------- */

static enum od_status open_spools(struct od_processes *processes, struct od_error *error)
{
    if (!processes->options.tells_events)
        return OD_OK;
    processes->events = od_event_merge_new(processes->memory);
    if (processes->events == NULL)
        return od_fail(error, OD_NO_MEMORY, "starting a cluster");
    for (uint32_t i = 0; i <= processes->options.executor_count; i++) {
        char path[TEXT_BYTES];
        snprintf(path, sizeof(path), "%s/%u.events", processes->folder, i);
        OD_TRY(od_event_merge_add(processes->events, path, error));
    }
    return OD_OK;
}

void od_processes_trace(struct od_processes *processes, struct od_trace trace)
{
    processes->trace = trace;
}

/* Of this query, or of the cluster in its time; to the first query the beginning of the cluster belongs, too. */
static void pass_event(void *self, const struct od_event *event)
{
    const struct od_processes *processes = self;
    bool is_in_time = processes->query_id == 1 || event->time_ns >= processes->started_ns;
    bool is_of_query = event->site.query == OD_ANY || event->site.query == processes->query_id;
    if (is_in_time && is_of_query && processes->trace.ops != NULL)
        processes->trace.ops->event(processes->trace.self, event);
}

static enum od_status pass_events(struct od_processes *processes, uint64_t until_ns, struct od_error *error)
{
    static const struct od_trace_ops ops = {.event = pass_event};
    const struct od_trace passing = {&ops, processes};
    return processes->events == NULL ? OD_OK
                                     : od_event_merge_read(processes->events, until_ns, &passing, error);
}

/* --- start and end ------------------------------------------------------------------------------ */

static enum od_status start_children(struct od_processes *processes, struct od_error *error)
{
    const struct od_children_options options = {.loop = od_node_loop(processes->node),
                                                .seed = od_posix_seed(),
                                                .environment = processes->environment,
                                                .arguments = child_arguments,
                                                .on_end = on_end,
                                                .was_meant = was_meant,
                                                .hold = hold_restart,
                                                .self = processes};
    OD_TRY(od_children_new(processes->memory, &options, &processes->children, error));
    for (uint32_t i = 0; i <= processes->options.executor_count; i++) {
        uint32_t child;
        OD_TRY(od_children_start(processes->children, &child, error));
    }
    return OD_OK;
}

/* A program that knows `driver` and `executor`: any other, a test for one, would do whatever it does, once a child. */
static enum od_status find_program(struct od_processes *processes, struct od_error *error)
{
    if (processes->options.program != NULL) {
        snprintf(processes->program, sizeof(processes->program), "%s", processes->options.program);
        return OD_OK;
    }
    if (readlink("/proc/self/exe", processes->program, sizeof(processes->program) - 1) <= 0)
        return od_fail(error, OD_IO, "finding this program: %s", strerror(errno));
    const char *name = strrchr(processes->program, '/');
    if (name == NULL || strcmp(name, "/ordeal") != 0)
        return od_fail(error, OD_UNSUPPORTED, "only ordeal can start itself as a driver, not %.200s", processes->program);
    return OD_OK;
}

static enum od_status start(struct od_processes *processes, struct od_error *error)
{
    char address[TEXT_BYTES];
    struct od_node_options options = {.actor_id = OD_NODE_CLIENT_FIRST,
                                      .incarnation = 1,
                                      .driver = address,
                                      .handle_signals = true,
                                      .seed = od_posix_seed(),
                                      .ops = {.on_mail = on_mail},
                                      .self = processes};
    if (getenv(CHILD_VARIABLE) != NULL) /* the program was not ours: it would start clusters without end */
        return od_fail(error, OD_UNSUPPORTED, "a process of a cluster starts no cluster of its own");
    OD_TRY(find_program(processes, error));
    sweep_folders();
    OD_TRY(make_folders(processes, error));
    OD_TRY(make_environment(processes, error));
    OD_TRY(make_board(processes, error));
    OD_TRY(open_spools(processes, error));
    OD_TRY(od_secret_from_text(processes->secret + sizeof(OD_SECRET_VARIABLE), &options.secret, error));
    snprintf(address, sizeof(address), "unix:%s/0.socket", processes->folder);
    OD_TRY(od_node_new(processes->memory, &options, &processes->node, error));
    return start_children(processes, error);
}

enum od_status od_processes_start(struct od_memory *memory, const struct od_processes_options *options,
                                  struct od_processes **processes_out, struct od_error *error)
{
    struct od_processes *processes = od_take(memory, sizeof(*processes));
    *processes_out = NULL;
    if (processes == NULL)
        return od_fail(error, OD_NO_MEMORY, "starting a cluster");
    processes->memory = memory;
    processes->options = *options;
    processes->lock = -1;
    if (processes->options.slots_per_executor == 0)
        processes->options.slots_per_executor = 1;
    od_buffer_init(&processes->answer, memory);
    enum od_status status = start(processes, error);
    if (status == OD_OK)
        *processes_out = processes;
    else
        od_processes_end(processes);
    return status;
}

void od_processes_end(struct od_processes *processes)
{
    if (processes == NULL)
        return;
    od_children_free(processes->children);
    int signal_number = processes->node == NULL ? 0 : od_node_signal(processes->node);
    od_fault_board_free(processes->board);
    od_node_free(processes->node);
    od_event_merge_free(processes->events);
    od_table_store_free(processes->store);
    od_buffer_release(&processes->answer);
    if (processes->folder[0] != '\0')
        od_folder_remove(processes->folder, NULL);
    if (processes->lock >= 0)
        close(processes->lock);
    od_give(processes->memory, processes->environment, processes->environment_count * sizeof(*processes->environment));
    od_give(processes->memory, processes, sizeof(*processes));
    if (signal_number == 0)
        return;
    (void)signal(signal_number, SIG_DFL); /* only put off until nothing was left behind */
    (void)raise(signal_number);
    _exit(128 + signal_number);
}

/* --- a query ------------------------------------------------------------------------------------ */

static void submit(struct od_processes *processes, const struct od_buffer *plan)
{
    processes->is_unknown = false;
    send_mail(processes, OD_MAIL_SUBMIT, 0, plan);
}

static bool is_whole(const struct od_processes *processes)
{
    return processes->news.state == OD_NEWS_ENDED && processes->answer.size == processes->news.answer_bytes;
}

/* Until the outcome is here; TIMED_OUT. */
static enum od_status await(struct od_processes *processes, const struct od_buffer *plan, uint64_t end_ns,
                            struct od_error *error)
{
    struct od_clock clock = od_posix_clock();
    uint64_t ask_ns = clock.now_ns(clock.self) + ASK_NS;
    uint64_t step_ns = processes->watch_ns != 0 && processes->watch_ns < ASK_NS ? processes->watch_ns : ASK_NS;
    step_ns = processes->board != NULL && step_ns > BOARD_NS ? BOARD_NS : step_ns;
    const struct od_fault_hands hands = hands_of(processes);
    if (processes->board != NULL)
        od_fault_board_arm(processes->board);
    while (!is_whole(processes)) {
        uint64_t before = processes->answer.size;
        struct od_error end = {0};
        enum od_status status = od_node_run(processes->node, step_ns, &end);
        uint64_t now_ns = clock.now_ns(clock.self);
        if (status == OD_CANCELLED)
            od_processes_end(processes); /* a signal: there is no way back */
        if (processes->board != NULL)
            (void)od_fault_board_tick(processes->board, &hands);
        if (processes->watch_ns != 0)
            processes->tick(processes->tick_self);
        if (status != OD_OK && status != OD_TIMED_OUT)
            return od_fail(error, status, "%s", end.text);
        OD_TRY(pass_events(processes, now_ns - EVENTS_HELD_NS, error));
        if (processes->quick_ends > QUICK_ENDS_MAX)
            return od_fail(error, OD_UNREACHABLE, "the processes of the cluster end as soon as they are started");
        if (now_ns >= end_ns)
            return od_fail(error, OD_TIMED_OUT, "the query did not end in time");
        if (processes->answer.failed)
            return od_fail(error, OD_NO_MEMORY, "taking an answer");
        bool has_piece = processes->answer.size > before && !is_whole(processes);
        if (processes->is_unknown) {
            submit(processes, plan);
            ask_ns = now_ns + ASK_NS;
        } else if (has_piece || now_ns >= ask_ns) {
            send_mail(processes, OD_MAIL_ASK, processes->answer.size, NULL);
            ask_ns = now_ns + ASK_NS;
        }
    }
    return OD_OK;
}

/* A copy that needs nothing of the cluster. */
static enum od_status take_answer(struct od_processes *processes, struct od_memory *memory, struct od_table **answer_out,
                                  struct od_error *error)
{
    size_t room = (processes->answer.size | (OD_TABLE_IMAGE_ALIGN - 1)) + 1;
    struct od_table *image = NULL;
    uint8_t *aligned = aligned_alloc(OD_TABLE_IMAGE_ALIGN, room);
    if (aligned == NULL)
        return od_fail(error, OD_NO_MEMORY, "taking an answer");
    memcpy(aligned, processes->answer.bytes, processes->answer.size);
    size_t image_bytes = (size_t)(processes->answer.size - processes->news.metrics_bytes);
    enum od_status status = od_table_image_open(memory, aligned, image_bytes, NULL, &image, error);
    if (status == OD_OK) {
        struct od_batch rows = od_table_view(image);
        *answer_out = od_table_new(memory, image->name, &image->schema, error);
        status = *answer_out == NULL ? OD_NO_MEMORY
                                     : od_batch_builder_append_rows(&(*answer_out)->rows, &rows, NULL, 0, rows.row_count,
                                                                    error);
        if (status == OD_OK) {
            od_table_finish(*answer_out);
        } else {
            od_table_free(memory, *answer_out);
            *answer_out = NULL;
        }
    }
    od_table_free(memory, image);
    free(aligned);
    return status;
}

/* NULL when they are not there. */
static struct od_query_metrics *take_metrics(struct od_processes *processes, struct od_memory *memory,
                                             const struct od_stage_graph *graph)
{
    struct od_query_metrics *metrics = od_query_metrics_new(memory, graph);
    struct od_reader reader = {.bytes = processes->answer.bytes,
                               .size = processes->answer.size,
                               .offset = (size_t)(processes->answer.size - processes->news.metrics_bytes)};
    if (metrics == NULL || od_query_metrics_read(&reader, metrics))
        return metrics;
    od_query_metrics_free(memory, metrics);
    return NULL;
}

enum od_status od_processes_run(struct od_processes *processes, const struct od_stage_graph *graph,
                                const struct od_run_options *options, uint64_t until_ns,
                                struct od_cluster_result *result, struct od_error *error)
{
    struct od_table_namer namer = od_table_store_namer(processes->store);
    struct od_clock clock = od_posix_clock();
    uint64_t start_ns = clock.now_ns(clock.self);
    uint32_t query_id = ++processes->last_query_id;
    struct od_arena scratch;
    struct od_buffer plan;
    od_arena_init(&scratch, processes->memory, 0);
    od_buffer_init(&plan, processes->memory);
    od_table_store_begin(processes->store, query_id);
    struct od_run_options asked = *options;
    asked.link_bytes_per_s = asked.link_bytes_per_s == 0 ? LINK_BYTES_PER_S : asked.link_bytes_per_s;
    enum od_status status = od_query_plan_write(graph, &asked, &namer, &scratch, &plan, error);
    od_arena_release(&scratch);
    if (status == OD_OK && plan.size > OD_MAIL_BYTES_MAX - 1024)
        status = od_fail(error, OD_UNSUPPORTED, "a plan of %zu bytes: more than a message may have", plan.size);
    if (status == OD_OK) {
        processes->query_id = query_id;
        processes->started_ns = start_ns;
        processes->quick_ends = 0;
        processes->news = (struct od_news){0};
        od_buffer_reset(&processes->answer);
        submit(processes, &plan);
        status = await(processes, &plan, start_ns + until_ns, error);
        enum od_status told = pass_events(processes, UINT64_MAX, status == OD_OK ? error : NULL);
        status = status == OD_OK ? told : status;
        result->ended = status == OD_OK;
        if (status == OD_TIMED_OUT)
            status = OD_OK; /* that is a finding, told by result->ended */
        send_mail(processes, OD_MAIL_FORGET, 0, NULL);
    }
    if (status == OD_OK && result->ended) {
        result->outcome.status = processes->news.status;
        result->outcome.error = processes->news.error;
        result->outcome.counts = processes->news.counts;
        if (processes->news.answer_bytes > 0)
            status = take_answer(processes, result->memory, &result->outcome.answer, error);
        if (processes->news.answer_bytes > 0)
            result->outcome.metrics = take_metrics(processes, result->memory, graph);
    }
    result->elapsed_ns = clock.now_ns(clock.self) - start_ns;
    for (uint32_t i = 0; processes->board != NULL && i < result->fault_count; i++) {
        result->fired[i] = od_fault_board_fired(processes->board, i);
        result->faults_fired += result->fired[i];
    }
    processes->query_id = 0;
    od_table_store_end(processes->store, query_id);
    od_buffer_release(&plan);
    return status;
}

/* --- for tests and chaos ------------------------------------------------------------------------ */

int od_processes_id(const struct od_processes *processes, uint32_t actor)
{
    return od_children_process_id(processes->children, actor);
}

void od_processes_watch(struct od_processes *processes, uint64_t period_ns, void (*tick)(void *self), void *self)
{
    processes->watch_ns = period_ns;
    processes->tick = tick;
    processes->tick_self = self;
}

void od_processes_wait(struct od_processes *processes, uint64_t duration_ns)
{
    if (od_node_run(processes->node, duration_ns, NULL) == OD_CANCELLED)
        od_processes_end(processes);
}

uint32_t od_processes_restarts(const struct od_processes *processes)
{
    return processes->restart_count;
}

const char *od_processes_folder(const struct od_processes *processes)
{
    return processes->folder;
}
