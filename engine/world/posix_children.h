/* posix_children: the processes that a process starts, watches, starts again and ends.
 *
 *   od_children_new -> od_children_start (once per child) -> the loop runs -> od_children_free
 *                                                                              (ends all, waits for each)
 *
 * A child gets a pipe as stdin, its lifeline (posix_lifeline.h): when this process dies, however it dies, the
 * pipe closes and the child ends. Its stdout is read by lines if anybody wants them; stderr is this
 * process's. It has a session of its own, so that Ctrl-C at a terminal reaches this process alone, which then
 * ends its children in order.
 *
 * Everything happens on the loop's thread, which must live as long as this process. */
#ifndef OD_WORLD_POSIX_CHILDREN_H
#define OD_WORLD_POSIX_CHILDREN_H

#include "engine/core/memory.h"
#include "engine/core/status.h"

struct od_children;
struct uv_loop_s;

#define OD_CHILD_NONE UINT32_MAX

struct od_child_end {
    uint32_t child;
    uint32_t life;       /* from 1 */
    int64_t exit_status; /* if signal is 0; negative: it could not be started */
    int signal;
    uint64_t lasted_ns;
};

/* Times of 0: the default behind them. */
struct od_children_options {
    struct uv_loop_s *loop; /* borrowed; closed after od_children_free */
    uint64_t seed;          /* of the jitter */
    /* Delay of a restart: 20 ms, doubled up to 2 s, so that what dies at once does not keep the machine busy;
     * less up to a half by chance. */
    uint64_t restart_first_ns;
    uint64_t restart_last_ns;
    uint64_t healthy_ns; /* a life that lasted so long begins with restart_first_ns again: 5 s */
    uint64_t grace_ns;   /* from SIGTERM to SIGKILL: 3 s */
    /* "NAME=VALUE"..., NULL; borrowed until _free. NULL: this process's own. */
    const char *const *environment;
    /* The program and its arguments for this life, ended by NULL; borrowed until the next call. */
    const char *const *(*arguments)(void *self, uint32_t child, uint32_t life);
    /* A life has ended; true: start the next one. Not asked when the end was asked for. */
    bool (*on_end)(void *self, const struct od_child_end *end);
    /* The end was meant to be: the next life need not wait but for `hold`. NULL: none was. */
    bool (*was_meant)(void *self, uint32_t child);
    /* How much longer the next life must wait, asked when it is due; 0: it starts. NULL: none waits. */
    uint64_t (*hold)(void *self, uint32_t child);
    /* A line of its stdout, without its end; cut at 4095 bytes. NULL: stdout is this process's. */
    void (*on_line)(void *self, uint32_t child, const char *line);
    void *self;
};

enum od_status od_children_new(struct od_memory *memory, const struct od_children_options *options,
                               struct od_children **children_out, struct od_error *error);
/* Starts one more; they count from 0. Fails with NO_MEMORY, or IO when the program can't be started:
 * *child_out is then OD_CHILD_NONE. */
enum od_status od_children_start(struct od_children *children, uint32_t *child_out, struct od_error *error);
/* False: it does not run now. */
bool od_children_signal(struct od_children *children, uint32_t child, int signal);
/* Asks it to end (SIGTERM, SIGCONT; SIGKILL after the grace); it is not started again. */
void od_children_end(struct od_children *children, uint32_t child);
/* -1: it does not run now. */
int od_children_process_id(const struct od_children *children, uint32_t child);
/* How many run, or wait to be started again. */
uint32_t od_children_count(const struct od_children *children);
/* Ends all and runs the loop until each is gone and was waited for. NULL is fine. */
void od_children_free(struct od_children *children);

#endif
