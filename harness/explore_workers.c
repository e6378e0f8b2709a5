/* explore_workers: see explore_workers.h. */
#include "harness/explore_workers.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "engine/core/assert.h"
#include "harness/campaign_worker.h"

#define POLL_NS 500000

struct page {
    _Atomic uint64_t next_item;
    _Atomic uint32_t stop;
    struct od_worker_slot slots[OD_WORKERS_MAX];
};

struct pool {
    const struct od_workers *workers;
    struct page *page; /* shared */
    pid_t pids[OD_WORKERS_MAX]; /* 0: none */
};

void *od_shared_take(size_t bytes)
{
    void *block = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return block == MAP_FAILED ? NULL : block;
}

void od_shared_give(void *block, size_t bytes)
{
    if (block != NULL)
        munmap(block, bytes);
}

bool od_worker_step(struct od_worker_slot *slot, uint64_t step)
{
    atomic_store(&slot->step, step);
    atomic_store(&slot->started_ns, od_campaign_now_ns());
    atomic_fetch_add(&slot->step_count, 1);
    return atomic_load(slot->stop) == 0;
}

/* Of a worker; `first_step` is for the item that its predecessor did not end. Returns the exit status. */
static int work(const struct pool *pool, struct od_worker_slot *slot, uint64_t first_step)
{
    const struct od_workers *workers = pool->workers;
    uint64_t item = atomic_load(&slot->item);
    if (item == 0)
        item = atomic_fetch_add(&pool->page->next_item, 1) + 1;
    bool good = true;
    while (good && item <= workers->item_count && atomic_load(&pool->page->stop) == 0) {
        atomic_store(&slot->item, item);
        good = workers->work(workers->self, item - 1, first_step, slot);
        atomic_store(&slot->started_ns, 0);
        atomic_store(&slot->item, 0);
        first_step = 0;
        item = atomic_fetch_add(&pool->page->next_item, 1) + 1;
    }
    return good ? 0 : 1;
}

static enum od_status start_worker(struct pool *pool, uint32_t index, uint64_t first_step, struct od_error *error)
{
    struct od_worker_slot *slot = &pool->page->slots[index];
    slot->stop = &pool->page->stop;
    fflush(NULL);
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid < 0)
        return od_fail(error, OD_IO, "starting a worker: %s", strerror(errno));
    if (pid == 0) {
        signal(SIGINT, SIG_IGN); /* the parent asks workers to stop */
        signal(SIGTERM, SIG_DFL);
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* and when it is killed, they are too */
        _exit(getppid() == parent ? work(pool, slot, first_step) : 0);
    }
    pool->pids[index] = pid;
    return OD_OK;
}

/* A worker ended in the middle of a step: another one goes on behind it. */
static enum od_status replace(struct pool *pool, uint32_t index, const char *code, const char *text, struct od_error *error)
{
    struct od_worker_slot *slot = &pool->page->slots[index];
    uint64_t item = atomic_load(&slot->item);
    pool->pids[index] = 0;
    if (item == 0 || atomic_load(&slot->started_ns) == 0)
        return od_fail(error, OD_IO, "a worker ended between two pieces of work: %s", text);
    pool->workers->lost(pool->workers->self, item - 1, slot, code, text);
    atomic_store(&slot->started_ns, 0);
    if (atomic_load(&pool->page->stop) != 0)
        return OD_OK;
    return start_worker(pool, index, atomic_load(&slot->step) + 1, error);
}

static enum od_status reap(struct pool *pool, uint32_t index, int how, struct od_error *error)
{
    char text[100];
    if (WIFSIGNALED(how)) {
        snprintf(text, sizeof(text), "the engine or the harness died of signal %d (%s)", WTERMSIG(how), strsignal(WTERMSIG(how)));
        return replace(pool, index, "crash", text, error);
    }
    pool->pids[index] = 0;
    if (WEXITSTATUS(how) != 0)
        return od_fail(error, OD_NO_MEMORY, "a worker gave up");
    return OD_OK;
}

static enum od_status look_after(struct pool *pool, uint32_t index, struct od_error *error)
{
    struct od_worker_slot *slot = &pool->page->slots[index];
    int how;
    if (waitpid(pool->pids[index], &how, WNOHANG) == pool->pids[index])
        return reap(pool, index, how, error);
    uint64_t started_ns = atomic_load(&slot->started_ns);
    if (started_ns == 0 || od_campaign_now_ns() < started_ns + pool->workers->hang_ns)
        return OD_OK;
    kill(pool->pids[index], SIGKILL);
    waitpid(pool->pids[index], NULL, 0);
    return replace(pool, index, "hang", "the run did not end in time; the worker was killed", error);
}

static bool any_worker(const struct pool *pool)
{
    bool any = false;
    for (uint32_t i = 0; i < pool->workers->job_count; i++)
        any = any || pool->pids[i] > 0;
    return any;
}

static void ask(struct pool *pool)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < pool->workers->job_count; i++)
        count += atomic_load(&pool->page->slots[i].step_count);
    if (!pool->workers->go_on(pool->workers->self, count))
        atomic_store(&pool->page->stop, 1);
}

static void end_workers(struct pool *pool)
{
    for (uint32_t i = 0; i < pool->workers->job_count; i++) {
        if (pool->pids[i] <= 0)
            continue;
        kill(pool->pids[i], SIGKILL);
        waitpid(pool->pids[i], NULL, 0);
    }
}

enum od_status od_workers_run(const struct od_workers *workers, struct od_error *error)
{
    struct pool pool = {.workers = workers, .page = od_shared_take(sizeof(*pool.page))};
    enum od_status status = OD_OK;
    od_assert(workers->job_count >= 1);
    od_assert(workers->job_count <= OD_WORKERS_MAX);
    if (pool.page == NULL)
        return od_fail(error, OD_NO_MEMORY, "sharing a page with workers");
    for (uint32_t i = 0; i < workers->job_count && i < workers->item_count && status == OD_OK; i++)
        status = start_worker(&pool, i, 0, error);
    while (status == OD_OK && any_worker(&pool)) {
        nanosleep(&(struct timespec){.tv_nsec = POLL_NS}, NULL);
        for (uint32_t i = 0; i < workers->job_count && status == OD_OK; i++)
            if (pool.pids[i] > 0)
                status = look_after(&pool, i, error);
        ask(&pool);
    }
    end_workers(&pool);
    od_shared_give(pool.page, sizeof(*pool.page));
    return status;
}
