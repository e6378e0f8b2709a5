/* fault_board: the file, its lock, and both sides of it.
 *
 *   [ head | faults[fault_count] | actors[actor_count] | log[] ]      fixed size, zeroed when made
 *
 *   a pause at a point   process: paused_until; raise(SIGSTOP) ... (continued) paused_until = 0
 *                        supervisor: past it, SIGCONT at every tick until it is 0: the first may come before the stop
 *   a crash at a point   process: restart_at; SIGKILL to itself           supervisor: its child has ended -> restart_ns
 *   slow                 supervisor: stops and continues it in turns, 1 / factor of each period running
 *
 * Nothing here is deterministic but which hit of a point fires which fault. */
#include "chaos/fault_board.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "chaos/fault_kind.h"
#include "chaos/wrap_world.h"
#include "engine/core/assert.h"

#define MAGIC          UINT64_C(0x314452414f42444f)
#define LOG_MAX        1024u
#define ORDERS_MAX     16u
#define TICK_NS        UINT64_C(4000000)
#define LOCK_WAIT_NS   2000000
#define SLOW_PERIOD_NS UINT64_C(20000000)

struct board_head {
    uint64_t magic; /* written last */
    uint32_t fault_count;
    uint32_t actor_count;
    uint64_t origin_ns;
    pthread_mutex_t lock;
    bool is_armed;
    bool is_healed;
    uint32_t adds_wanted;
    uint32_t order_count;
    struct od_order orders[ORDERS_MAX];
    uint32_t log_count; /* all that ever was; the supervisor has read `log_read` */
    uint32_t log_read;
};
struct board_actor {
    uint64_t restart_at_ns;   /* after a crash; UINT64_MAX: when healed */
    uint64_t paused_until_ns; /* 0: not by itself */
    uint64_t held_until_ns;   /* 0: not by the supervisor */
    uint64_t slow_until_ns;
    uint32_t slow_factor;
    bool has_crashed;
    bool must_die; /* by the supervisor's hand */
    bool is_held;
};
struct board_log {
    uint32_t fault_index;
    uint64_t time_ns;
    struct od_site site;
};

struct od_fault_board {
    struct od_memory *memory; /* borrowed */
    struct od_disturb disturb; /* its counters are the file's */
    struct board_head *head;
    uint32_t *fired; /* in the file, as the next five are */
    uint32_t *reached;
    uint32_t *time_done;
    struct board_actor *actors;
    struct od_window *windows;
    struct board_log *log;
    size_t size;
    bool is_mine;
    char path[256];
};

static uint64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t od_fault_board_origin_ns(const struct od_fault_board *board)
{
    return board->head->origin_ns;
}

uint64_t od_fault_board_now_ns(const struct od_fault_board *board)
{
    return clock_ns() - board->head->origin_ns;
}

/* Whoever died with it had changed counters at most: they are good as they are. */
static void lock(struct od_fault_board *board)
{
    int result = pthread_mutex_lock(&board->head->lock);
    if (result == EOWNERDEAD)
        result = pthread_mutex_consistent(&board->head->lock);
    od_assert(result == 0);
}

/* The supervisor must not wait for a process that stands still, maybe by its own doing. False: some process has the lock and
 * stands by somebody else's; later. */
static bool lock_soon(struct od_fault_board *board, const struct od_fault_hands *hands)
{
    for (uint32_t try = 0; try < 3; try++) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += LOCK_WAIT_NS;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        int result = pthread_mutex_timedlock(&board->head->lock, &until);
        if (result == EOWNERDEAD)
            result = pthread_mutex_consistent(&board->head->lock);
        if (result == 0)
            return true;
        od_assert(result == ETIMEDOUT);
        for (uint32_t i = 0; i < board->head->actor_count; i++) /* is_held is the supervisor's alone */
            if (board->actors[i].is_held && hands->signal(hands->self, i, SIGCONT))
                board->actors[i].is_held = false;
    }
    return false;
}

static void unlock(struct od_fault_board *board)
{
    int result = pthread_mutex_unlock(&board->head->lock);
    od_assert(result == 0);
}

/* --- the file -------------------------------------------------------------------------------------------------- */

static size_t aligned(size_t size)
{
    return (size + 63) / 64 * 64;
}

/* Where the parts are, from the file's beginning. */
struct layout {
    size_t fired, reached, time_done, actors, windows, log, end;
};

static struct layout layout_of(uint32_t fault_count, uint32_t actor_count)
{
    size_t counters = aligned(fault_count * sizeof(uint32_t));
    struct layout at = {.fired = aligned(sizeof(struct board_head))};
    at.reached = at.fired + counters;
    at.time_done = at.reached + counters;
    at.actors = at.time_done + counters;
    at.windows = at.actors + aligned(actor_count * sizeof(struct board_actor));
    at.log = at.windows + aligned((size_t)actor_count * fault_count * sizeof(struct od_window));
    at.end = at.log + LOG_MAX * sizeof(struct board_log);
    return at;
}

static void place(struct od_fault_board *board, uint8_t *base, const struct layout *at)
{
    board->head = (void *)base;
    board->fired = (void *)(base + at->fired);
    board->reached = (void *)(base + at->reached);
    board->time_done = (void *)(base + at->time_done);
    board->actors = (void *)(base + at->actors);
    board->windows = (void *)(base + at->windows);
    board->log = (void *)(base + at->log);
}

static void init_file(struct od_fault_board *board, uint32_t fault_count, uint32_t actor_count)
{
    pthread_mutexattr_t attributes;
    int result = pthread_mutexattr_init(&attributes);
    od_assert(result == 0);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    result = pthread_mutex_init(&board->head->lock, &attributes);
    od_assert(result == 0);
    pthread_mutexattr_destroy(&attributes);
    board->head->fault_count = fault_count;
    board->head->actor_count = actor_count;
    board->head->origin_ns = clock_ns();
    board->head->magic = MAGIC;
}

static enum od_status fail_file(struct od_error *error, enum od_status status, const char *what, const char *path)
{
    return od_fail(error, status, "%s a board of faults: %s: %s", what, path, strerror(errno));
}

static enum od_status map_file(struct od_fault_board *board, bool is_new, struct od_error *error)
{
    int flags = is_new ? O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC : O_RDWR | O_CLOEXEC;
    int file = open(board->path, flags, 0600);
    struct stat facts;
    if (file < 0)
        return fail_file(error, errno == ENOENT ? OD_MISSING : OD_IO, "opening", board->path);
    enum od_status status = OD_OK;
    if (is_new ? ftruncate(file, (off_t)board->size) != 0 : fstat(file, &facts) != 0)
        status = fail_file(error, OD_IO, "sizing", board->path);
    else if (!is_new && (size_t)facts.st_size != board->size)
        status = od_fail(error, OD_CORRUPT, "opening a board of faults: %s: %lld bytes, expected %zu", board->path,
                         (long long)facts.st_size, board->size);
    void *base = MAP_FAILED;
    if (status == OD_OK)
        base = mmap(NULL, board->size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (status == OD_OK && base == MAP_FAILED)
        status = fail_file(error, OD_IO, "mapping", board->path);
    close(file);
    board->head = status == OD_OK ? base : NULL;
    return status;
}

static enum od_status make(struct od_memory *memory, const char *path, const struct od_schedule *schedule,
                           uint32_t actor_count, bool is_new, struct od_fault_board **board_out,
                           struct od_error *error)
{
    *board_out = NULL;
    uint32_t fault_count = schedule == NULL ? 0 : schedule->fault_count;
    struct od_fault_board *board = od_take(memory, sizeof(*board));
    if (board == NULL)
        return od_fail(error, OD_NO_MEMORY, "making a board of faults");
    *board = (struct od_fault_board){.memory = memory};
    enum od_status status = OD_OK;
    if (strlen(path) >= sizeof(board->path))
        status = od_fail(error, OD_BAD_INPUT, "making a board of faults: a path of %zu bytes, expected less than %zu",
                         strlen(path), sizeof(board->path));
    else
        strcpy(board->path, path);
    const struct layout at = layout_of(fault_count, actor_count);
    board->size = at.end;
    if (status == OD_OK)
        status = map_file(board, is_new, error);
    if (status == OD_OK) {
        board->is_mine = is_new;
        place(board, (uint8_t *)board->head, &at);
        if (is_new)
            init_file(board, fault_count, actor_count);
        else if (board->head->magic != MAGIC || board->head->fault_count != fault_count ||
                 board->head->actor_count != actor_count)
            status = od_fail(error, OD_CORRUPT, "opening a board of faults: %s: of another schedule", path);
    }
    if (status != OD_OK) {
        od_fault_board_free(board);
        return status;
    }
    od_disturb_share(&board->disturb, schedule, board->fired, board->reached, board->windows, actor_count);
    *board_out = board;
    return OD_OK;
}

enum od_status od_fault_board_new(struct od_memory *memory, const char *path, const struct od_schedule *schedule,
                                  uint32_t actor_count, struct od_fault_board **board_out, struct od_error *error)
{
    return make(memory, path, schedule, actor_count, true, board_out, error);
}

enum od_status od_fault_board_open(struct od_memory *memory, const char *path, const struct od_schedule *schedule,
                                   uint32_t actor_count, struct od_fault_board **board_out,
                                   struct od_error *error)
{
    return make(memory, path, schedule, actor_count, false, board_out, error);
}

void od_fault_board_free(struct od_fault_board *board)
{
    if (board == NULL)
        return;
    if (board->head != NULL)
        munmap(board->head, board->size);
    if (board->is_mine)
        unlink(board->path);
    od_give(board->memory, board, sizeof(*board));
}

/* --- firing; the lock is held ---------------------------------------------------------------------------------- */

static void note_fired(struct od_fault_board *board, const struct od_fault *fault, const struct od_site *site)
{
    struct board_head *head = board->head;
    if (head->log_count - head->log_read == LOG_MAX)
        return; /* nobody reads */
    board->log[head->log_count++ % LOG_MAX] = (struct board_log){
        .fault_index = (uint32_t)(fault - board->disturb.schedule->faults),
        .time_ns = od_fault_board_now_ns(board),
        .site = *site};
}

static uint64_t after_ns(const struct od_fault_board *board, const struct od_fault *fault)
{
    uint64_t duration_ns = od_fault_duration_ns(fault);
    uint64_t now_ns = od_fault_board_now_ns(board);
    return duration_ns > UINT64_MAX - now_ns ? UINT64_MAX : now_ns + duration_ns;
}

/* What the supervisor has to see to, of a fault that fired: the others of a group it must kill itself. */
static void post_kill(struct od_fault_board *board, const struct od_fault *fault, uint32_t actor_id)
{
    for (uint32_t i = 0; i < board->head->actor_count; i++) {
        bool is_other = i != actor_id && od_fault_strikes_both(fault, i, actor_id);
        if (i != actor_id && !is_other)
            continue;
        board->actors[i].restart_at_ns = after_ns(board, fault);
        board->actors[i].has_crashed = true;
        board->actors[i].must_die = is_other;
    }
}

static void post(struct od_fault_board *board, const struct od_fault *fault, uint32_t actor_id,
                 const struct od_site *site)
{
    struct board_head *head = board->head;
    struct board_actor *actor = &board->actors[actor_id];
    struct od_order order;
    switch (od_fault_kind_row(fault->kind)->effect) {
    case OD_EFFECT_KILL:
        post_kill(board, fault, actor_id);
        break;
    case OD_EFFECT_SLOW:
        actor->slow_until_ns = after_ns(board, fault);
        actor->slow_factor = fault->amount < 2 ? 2 : fault->amount;
        break;
    case OD_EFFECT_ADD:
        head->adds_wanted++;
        break;
    case OD_EFFECT_ORDER:
        if (od_disturb_order(fault, site, &order) && head->order_count < ORDERS_MAX)
            head->orders[head->order_count++] = order;
        break;
    default:
        break; /* the wrappers' */
    }
}

/* --- a process: what wrap_process asks ------------------------------------------------------------------------- */

const struct od_schedule *od_fault_board_schedule(const struct od_fault_board *board)
{
    return board->disturb.schedule;
}

struct od_disturb *od_fault_board_enter(struct od_fault_board *board)
{
    lock(board);
    if (board->head->is_armed && !board->head->is_healed)
        return &board->disturb;
    unlock(board);
    return NULL;
}

void od_fault_board_leave(struct od_fault_board *board)
{
    unlock(board);
}

void od_fault_board_strike(struct od_fault_board *board, uint32_t actor_id, const struct od_fault *fault,
                           const struct od_site *site)
{
    note_fired(board, fault, site);
    post(board, fault, actor_id, site);
    if (od_fault_kind_row(fault->kind)->effect == OD_EFFECT_PAUSE)
        board->actors[actor_id].paused_until_ns = after_ns(board, fault);
}

static void stop_myself(struct od_fault_board *board, uint32_t actor_id)
{
    raise(SIGSTOP);
    lock(board);
    board->actors[actor_id].paused_until_ns = 0;
    unlock(board);
}

void od_fault_board_suffer(struct od_fault_board *board, uint32_t actor_id, const struct od_fault *fault)
{
    enum od_fault_effect effect = od_fault_kind_row(fault->kind)->effect;
    if (effect == OD_EFFECT_KILL)
        kill(getpid(), SIGKILL);
    else if (effect == OD_EFFECT_PAUSE)
        stop_myself(board, actor_id);
    else if (effect == OD_EFFECT_STALL)
        od_wrap_stand_still(od_fault_duration_ns(fault));
}

/* --- the supervisor; the lock is held -------------------------------------------------------------------------- */

static uint64_t sooner(uint64_t left, uint64_t right)
{
    return left < right ? left : right;
}

/* Of a fault at a time that has fallen due. False: there was nobody to do it to. */
static bool strike(struct od_fault_board *board, const struct od_fault *fault, const struct od_fault_hands *hands)
{
    uint32_t actor_id = od_fault_victim_id(fault);
    if (actor_id >= board->head->actor_count)
        return false;
    enum od_fault_effect effect = od_fault_kind_row(fault->kind)->effect;
    if (effect == OD_EFFECT_KILL && !hands->signal(hands->self, actor_id, 0))
        return false;
    post(board, fault, actor_id, &fault->site);
    if (effect == OD_EFFECT_PAUSE) {
        board->actors[actor_id].held_until_ns = after_ns(board, fault);
        return hands->signal(hands->self, actor_id, 0);
    }
    if (effect == OD_EFFECT_KILL)
        return hands->signal(hands->self, actor_id, SIGKILL);
    od_disturb_open(&board->disturb, fault, actor_id, od_fault_board_now_ns(board));
    return true;
}

static uint64_t tick_times(struct od_fault_board *board, const struct od_fault_hands *hands, uint64_t now_ns)
{
    uint64_t next_ns = UINT64_MAX;
    for (uint32_t i = 0; i < board->head->fault_count; i++) {
        const struct od_fault *fault = &board->disturb.schedule->faults[i];
        if (!fault->at_time || board->time_done[i] != 0)
            continue;
        if (now_ns < fault->time_ns) {
            next_ns = sooner(next_ns, fault->time_ns);
            continue;
        }
        board->time_done[i] = 1;
        if (!board->head->is_healed && strike(board, fault, hands)) {
            board->fired[i]++;
            note_fired(board, fault, &fault->site);
        }
    }
    return next_ns;
}

/* Stops and continues by the clock: who is held stands, who is slow runs for its share of each period. */
static uint64_t tick_actor(struct od_fault_board *board, const struct od_fault_hands *hands, uint32_t actor_id,
                           uint64_t now_ns)
{
    struct board_actor *actor = &board->actors[actor_id];
    uint64_t phase_ns = now_ns % SLOW_PERIOD_NS;
    if (actor->must_die) {
        actor->must_die = false;
        hands->signal(hands->self, actor_id, SIGKILL);
    }
    bool is_slow = now_ns < actor->slow_until_ns && !board->head->is_healed;
    bool is_held = (now_ns < actor->held_until_ns && !board->head->is_healed) ||
                   (is_slow && phase_ns >= SLOW_PERIOD_NS / actor->slow_factor);
    if (is_held != actor->is_held && hands->signal(hands->self, actor_id, is_held ? SIGSTOP : SIGCONT))
        actor->is_held = is_held;
    bool is_over = actor->paused_until_ns != 0 && (now_ns >= actor->paused_until_ns || board->head->is_healed);
    if (is_over && !is_held)
        hands->signal(hands->self, actor_id, SIGCONT);
    bool is_busy = is_slow || is_held || actor->paused_until_ns != 0;
    return is_busy ? now_ns + TICK_NS : UINT64_MAX;
}

static void hand_over(struct od_fault_board *board, const struct od_fault_hands *hands)
{
    struct board_head *head = board->head;
    uint32_t done = 0;
    while (done < head->order_count && hands->order(hands->self, &head->orders[done]))
        done++;
    head->order_count -= done;
    memmove(head->orders, head->orders + done, head->order_count * sizeof(head->orders[0]));
    for (; head->adds_wanted != 0; head->adds_wanted--)
        hands->add(hands->self);
}

static void tell_fired(struct od_fault_board *board, const struct od_fault_hands *hands)
{
    struct board_head *head = board->head;
    for (; head->log_read != head->log_count; head->log_read++) {
        const struct board_log *entry = &board->log[head->log_read % LOG_MAX];
        struct od_event event = {.kind = OD_EVENT_FAULT_FIRED,
                                 .site = entry->site,
                                 .time_ns = entry->time_ns,
                                 .value = entry->fault_index};
        if (hands->fired != NULL)
            hands->fired(hands->self, &event);
    }
}

static void heal(struct od_fault_board *board, const struct od_fault_hands *hands, uint64_t now_ns)
{
    board->head->is_healed = true;
    for (uint32_t i = 0; i < board->head->actor_count; i++)
        if (board->actors[i].restart_at_ns > now_ns)
            board->actors[i].restart_at_ns = now_ns;
    if (hands->fired != NULL)
        hands->fired(hands->self,
                     &(struct od_event){.kind = OD_EVENT_HEALED, .site = OD_SITE_ANY, .time_ns = now_ns});
}

void od_fault_board_arm(struct od_fault_board *board)
{
    lock(board);
    board->head->origin_ns = clock_ns();
    board->head->is_armed = true;
    unlock(board);
}

uint64_t od_fault_board_tick(struct od_fault_board *board, const struct od_fault_hands *hands)
{
    if (!lock_soon(board, hands))
        return od_fault_board_now_ns(board) + TICK_NS;
    uint64_t now_ns = od_fault_board_now_ns(board);
    uint64_t heal_ns = board->disturb.schedule->heal_ns;
    uint64_t next_ns = now_ns + 5 * TICK_NS; /* what processes post is seen at the next call */
    if (!board->head->is_armed) {
        unlock(board);
        return next_ns;
    }
    if (!board->head->is_healed && heal_ns != 0 && now_ns >= heal_ns)
        heal(board, hands, now_ns);
    next_ns = sooner(next_ns, tick_times(board, hands, now_ns));
    for (uint32_t i = 0; i < board->head->actor_count; i++)
        next_ns = sooner(next_ns, tick_actor(board, hands, i, now_ns));
    hand_over(board, hands);
    tell_fired(board, hands);
    unlock(board);
    return next_ns;
}

bool od_fault_board_take_crash(struct od_fault_board *board, uint32_t actor_id, const struct od_fault_hands *hands)
{
    if (!lock_soon(board, hands))
        return false;
    bool has_crashed = board->actors[actor_id].has_crashed;
    board->actors[actor_id].has_crashed = false;
    unlock(board);
    return has_crashed;
}

uint64_t od_fault_board_restart_ns(struct od_fault_board *board, uint32_t actor_id,
                                   const struct od_fault_hands *hands)
{
    if (!lock_soon(board, hands))
        return TICK_NS;
    struct board_actor *actor = &board->actors[actor_id];
    uint64_t now_ns = od_fault_board_now_ns(board);
    uint64_t at_ns = actor->restart_at_ns;
    uint64_t delay_ns = at_ns == UINT64_MAX ? UINT64_MAX : at_ns > now_ns ? at_ns - now_ns : 0;
    actor->paused_until_ns = 0;
    actor->is_held = false; /* a new process runs */
    unlock(board);
    return delay_ns;
}

uint32_t od_fault_board_fired(const struct od_fault_board *board, uint32_t fault_index)
{
    od_assert(fault_index < board->head->fault_count);
    return board->fired[fault_index];
}
