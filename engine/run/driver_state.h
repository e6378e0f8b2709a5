/* driver_state: what the files of the driver share. Private to driver*.c.
 *
 *   driver.c            the actor: handlers, timers, queries come and end
 *   driver_executors.c  registrations, leases, losses of executors
 *   driver_tasks.c      launches, reports, commits
 *   driver_placement.c  where attempts go; executors that keep failing
 *   driver_retry.c      failures, budgets
 *   driver_speculation.c  stragglers, stealing
 *   driver_reading.c    which tasks a stage has, and what they read
 *   driver_lineage.c    lost outputs: who still needs them, what is run again
 *   driver_results.c    fetching the answer
 *   driver_restart.c    the journal; what a next life of the driver makes of it
 *   driver_copies.c     outputs that get another place: moves, checkpoints
 *   driver_drain.c      executors that leave
 *   driver_cache.c      outputs that outlive their query
 *   driver_print.c      all of it, in words
 *
 *   od_driver (the cluster) -- executors[1..N]
 *       \-- od_driver_run (a query) -- stages -- tasks
 *
 * All memory is the driver's: the structures of a query in its run_arena, what is replaced in a run by od_take. */
#ifndef OD_RUN_DRIVER_STATE_H
#define OD_RUN_DRIVER_STATE_H

#include "engine/run/breaker.h"
#include "engine/run/copy.h"
#include "engine/run/driver.h"
#include "engine/run/fetch.h"
#include "engine/run/journal.h"
#include "engine/run/reading.h"

/* What a timer of the driver is for; above that DEADLINE has the number of the query for which it was set, TICK its own: of ticks only
 * the one set last counts. */
enum od_driver_timer { OD_TIMER_TICK, OD_TIMER_PUMP, OD_TIMER_DEADLINE };
#define OD_TIMER_BITS 8

/* WAITING -> RUNNING -> COMMITTED -> LOST -> WAITING (next generation); RUNNING -> WAITING when an attempt fails or its
 * executor is lost. */
enum od_task_state { OD_TASK_WAITING, OD_TASK_RUNNING, OD_TASK_COMMITTED, OD_TASK_LOST };

/* An attempt that an executor was told to run. */
struct od_driver_attempt {
    uint32_t number;
    uint32_t executor;
    uint32_t epoch;
    uint64_t started_ns;  /* 0: it waits for a slot there, as far as is known */
    uint64_t launched_ns; /* when it was sent last */
    uint32_t launch_resends;
};
#define OD_TWINS_MAX 2 /* attempts of one task at a time: the second is speculation */

struct od_driver_run;
struct od_driver_stage;
struct od_driver_task {
    struct od_driver_stage *stage;
    uint32_t index; /* in its stage */
    enum od_task_state state;
    uint32_t next_attempt;  /* never used twice */
    uint32_t adopt_from;    /* those below have been dealt with by this life */
    uint32_t running_count; /* not 0 <=> RUNNING */
    struct od_driver_attempt running[OD_TWINS_MAX]; /* oldest first */
    uint32_t attempt; /* COMMITTED, LOST: the one that counted, and where its output is */
    uint32_t executor;
    uint32_t epoch;
    uint32_t generation;     /* counts the times that the output was lost and planned again */
    uint64_t took_ns;        /* the one that counted; 0: not known */
    uint32_t failure_count;  /* of the task itself */
    uint32_t burst_number;   /* the last burst that it was part of, and its failures there */
    uint32_t burst_failures;
    uint32_t avoid_executor; /* 0: none */
    uint64_t ready_ns;       /* WAITING: not launched before */
    bool is_needed; /* somebody still has to read what it gives */
    const struct od_driver_task *needed_by; /* the reader that was found last; NULL: look from the first */
    enum od_status lost_why;
    struct od_attempt_name stored; /* query not 0: it counts by the cache, and is called so where it is */
    uint32_t copy_failures; /* of the output that counts */
    bool has_index;                 /* `done` and its entries are of `attempt`, or of the last that counted */
    struct od_body_done done;       /* its list is used up: see entries */
    struct od_block_entry *entries; /* owned; done.block_count, in order of (partition, offset) */
};

struct od_driver_stage {
    struct od_driver_run *run;
    const struct od_stage *plan;
    uint32_t committed_count;
    uint32_t whole_count;   /* tasks before this one are committed; maybe more */
    bool may_be_needed_less; /* since `is_needed` was worked out */
    bool submitted;
    bool begins_again; /* within one rollback */
    /* Which tasks there are, and what each reads: as planned, until the reading is chosen; then for good. */
    bool is_laid_out;
    struct od_reading reading;
    uint32_t task_count;
    struct od_driver_task *tasks;
};

/* Failures that came together. */
struct od_driver_burst {
    uint32_t number; /* from 1 */
    uint64_t began_ns;
    uint32_t task_count; /* that failed in it */
    bool is_forgiven;    /* it counts as one failure of the environment */
    uint32_t forgiven_count; /* bursts so far */
};

/* One query on its way. */
struct od_driver_run {
    struct od_driver_run *next; /* in order of submission */
    struct od_driver *driver;
    const struct od_query *query; /* borrowed */
    struct od_arena run_arena;
    uint32_t stage_count;
    struct od_driver_stage *stages;
    uint32_t task_count;
    struct od_driver_task **tasks; /* of all stages, in their order */
    uint32_t *plan_epochs;        /* by executor: the epoch that was sent the plan last */
    uint32_t running_count;       /* attempts */
    uint32_t pump_index;          /* within one pump: tasks before it can't be launched now */
    uint32_t recovery_count; /* what is spent of the budget */
    uint64_t recovery_total;
    uint64_t commit_count;
    struct od_driver_burst burst;
    bool loss_happened; /* from then on, `is_needed` is worked out before launching */
    bool plan_is_fresh; /* it is worked out, but for stages that may be needed less */
    uint32_t collect_count; /* how often it was begun: numbers the driver as a reader */
    bool is_collecting;     /* every result task is committed: `fetch` reads their blocks into `answer` */
    uint64_t collect_ns;    /* when it was begun last */
    struct od_arena fetch_arena;
    struct od_fetch fetch;
    struct od_table *answer; /* owned; not whole while collecting */
    struct od_journal *journal; /* owned; NULL: none is kept */
    uint32_t record_count;      /* read back from it */
    uint64_t quiet_until_ns;    /* nothing is launched before: executors may run it already */
    bool ended;              /* the sink is told at the end of the handler */
    struct od_outcome outcome;
    struct od_query_metrics *metrics; /* owned */
};

struct od_driver_executor {
    bool alive;
    struct od_body_registered told; /* what it was told last; epoch 0: nothing */
    uint32_t running_count;
    uint64_t heard_ns;
    bool is_hearsay; /* an earlier life of the driver knew it; it has said nothing to this one, and may have left */
    bool draining; /* takes no more attempts, and goes when nothing needs it */
    bool has_left; /* this epoch ended so */
    uint64_t drain_ns;
    uint64_t moved_ns; /* when an output of it was moved last */
    uint32_t moved_count; /* by this drain */
    uint64_t moved_bytes;
    uint64_t inherited_bytes; /* from others' drains */
    uint32_t failed_copies;   /* to it, since the last one that succeeded */
};
struct od_driver_copy;
struct od_driver_cached;

/* Outlives registrations. */
struct od_driver_health {
    struct od_breaker breaker;
    uint32_t halvings; /* of its slots */
};

struct od_driver {
    struct od_world *world;                   /* borrowed */
    const struct od_cluster_options *options; /* borrowed */
    struct od_outcome_sink sink;
    struct od_life life; /* as a reader; its store has the checkpoints */
    struct od_copies own_copies;
    struct od_driver_cached *cached; /* owned list */
    struct od_driver_copy *copies; /* owned list: those that are on their way */
    struct od_arena driver_arena;
    struct od_driver_executor *executors; /* by actor id; [0] unused */
    struct od_driver_health *health;      /* likewise */
    struct od_breaker *links;             /* by (read from, reader) */
    uint32_t open_links;                  /* not closed */
    uint32_t last_epoch;
    uint32_t deadline_query; /* whose deadline the timer is set for; it may have ended. 0: no timer */
    uint64_t deadline_ns;
    uint32_t tick_number; /* of the next */
    uint64_t ticked_ns; /* when the last tick was, or the start */
    bool is_started;
    bool is_settling; /* the sink may be speaking */
    struct od_driver_run *runs; /* owned list */
};

/* --- driver.c */
/* Nothing is said of a query that has ended, but its end. The second: `value` is all that there is. */
void od_driver_emit_event(const struct od_driver_run *run, struct od_event event);
void od_driver_emit(const struct od_driver_run *run, enum od_event_kind kind, struct od_site site,
                    uint64_t value);
/* Ends the query; nothing happens to it after the first call. `error` NULL only for OK. */
void od_driver_end(struct od_driver_run *run, enum od_status status, const struct od_error *error);
/* NULL when there is no such query here; the executor that speaks of it is then told that it has ended. */
struct od_driver_run *od_driver_find_run(struct od_driver *driver, const struct od_message *message);
/* NULL when there is no such task in the query. */
struct od_driver_task *od_driver_find_task(struct od_driver_run *run, uint32_t stage, uint32_t task);
void od_driver_send_end(struct od_driver *driver, uint32_t executor, uint32_t query_id);

/* Of the attempt that counted. */
static inline struct od_attempt_name od_driver_task_name(const struct od_driver_task *task)
{
    return (struct od_attempt_name){task->stage->run->query->query_id, task->stage->plan->stage_index,
                                    task->index, task->attempt};
}
/* What its output is called where it is. */
static inline struct od_attempt_name od_driver_stored_name(const struct od_driver_task *task)
{
    return task->stored.query != 0 ? task->stored : od_driver_task_name(task);
}
static inline struct od_site od_driver_task_site(const struct od_driver_task *task)
{
    struct od_attempt_name name = od_driver_task_name(task);
    return od_site_of(&name, task->executor);
}
static inline struct od_site od_driver_attempt_site(const struct od_driver_task *task,
                                                    const struct od_driver_attempt *attempt)
{
    struct od_attempt_name name = od_driver_task_name(task);
    name.attempt = attempt->number;
    return od_site_of(&name, attempt->executor);
}
static inline struct od_site od_driver_run_site(const struct od_driver_run *run)
{
    return od_site_of(&(struct od_attempt_name){run->query->query_id, OD_ANY, OD_ANY, OD_ANY}, OD_ANY);
}
static inline struct od_stage_metrics *od_driver_metrics(const struct od_driver_stage *stage)
{
    return &stage->run->metrics->stages[stage->plan->stage_index];
}
static inline bool od_driver_gives_result(const struct od_driver_stage *stage)
{
    return stage->plan->exchange == OD_EXCHANGE_RESULT;
}

/* Numbers of attempts and epochs begin anew in each life of the driver, above those of all earlier ones. */
#define OD_LIFE_SHIFT 20
static inline uint32_t od_driver_first_number(const struct od_driver *driver)
{
    return (driver->world->incarnation - 1) << OD_LIFE_SHIFT;
}

/* --- driver_restart.c */
/* Reads back what an earlier life wrote of the query. IO, NO_MEMORY, CORRUPT: it is of another query. */
enum od_status od_driver_open_journal(struct od_driver_run *run, struct od_error *error);
/* Closed and removed: no next life need know of it. */
void od_driver_end_journal(struct od_driver_run *run);
/* Before anybody is told. Without a journal these do nothing; a failure costs the journal, or the life (life.gone). */
void od_driver_record_commit(const struct od_driver_task *task);
void od_driver_record_lost(const struct od_driver_task *task);
void od_driver_record_rollback(const struct od_driver_stage *stage, uint32_t generation);
/* It has another place. The second: it will have a file on the driver's disk; synced. */
void od_driver_record_moved(const struct od_driver_task *task);
void od_driver_record_copying(const struct od_driver_task *task);
void od_driver_sync_journal(struct od_driver_run *run);
/* Whether this executor is to leave, or has left. */
void od_driver_record_drain(struct od_driver *driver, uint32_t id);
/* The query was running when the last life ended, as far as we know. */
void od_driver_resume(struct od_driver_run *run);
/* An executor speaks with an epoch that an earlier life gave it, and nothing newer is known. */
bool od_driver_inherits(const struct od_driver *driver, const struct od_message *message, uint32_t epoch);
/* An attempt of an earlier life is at work, or done: if its task waits for one, that is it, once: who hears of an attempt late may
 * have heard of its end. */
void od_driver_adopt(struct od_driver_run *run, const struct od_attempt_name *name, uint32_t executor);
/* Of this attempt, or any before it; task NULL is fine. */
void od_driver_forbid_adoption(struct od_driver_task *task, uint32_t attempt);

/* --- driver_executors.c */
void od_driver_handle_register(struct od_driver *driver, const struct od_message *message);
void od_driver_handle_heartbeat(struct od_driver *driver, const struct od_message *message);
void od_driver_handle_peer_gone(struct od_driver *driver, const struct od_message *message);
/* The sender when it speaks for its current registration (and then it counts as heard), else NULL; one that was given up is
 * told to start over. */
struct od_driver_executor *od_driver_current_sender(struct od_driver *driver,
                                                    const struct od_message *message, uint32_t epoch);
void od_driver_check_leases(struct od_driver *driver);
/* A registration is over: what ran there runs elsewhere, what it stored is lost, readers are told. */
void od_driver_end_epoch(struct od_driver *driver, uint32_t id);

/* --- driver_tasks.c */
void od_driver_handle_done(struct od_driver *driver, const struct od_message *message);
void od_driver_handle_failed(struct od_driver *driver, const struct od_message *message);
void od_driver_handle_plan_wanted(struct od_driver *driver, const struct od_message *message);
/* Launches whatever can run now. */
void od_driver_pump(struct od_driver *driver);
/* Hands an attempt more of the task to an executor. Needs running_count < OD_TWINS_MAX and inputs that are ready. */
void od_driver_launch(struct od_driver_task *task, uint32_t executor);
/* `attempt` is one of task->running, which closes the gap: the pointer is then another's, or nobody's.
 *
 * LAUNCH was lost, it seems: again, or elsewhere. */
void od_driver_launch_again(struct od_driver_task *task, struct od_driver_attempt *attempt);
/* Cancelled, to run elsewhere. */
void od_driver_move_attempt(struct od_driver_task *task, struct od_driver_attempt *attempt);
/* Its executor is told to drop it; a task without any other waits. */
void od_driver_cancel(struct od_driver_task *task, struct od_driver_attempt *attempt);
/* It does not run any more, as far as the driver is concerned; a task without any other waits. */
void od_driver_remove_attempt(struct od_driver_task *task, struct od_driver_attempt *attempt);
/* The index of a success: into the task, and as DONE has it out of it. The first is false when it contradicts itself, or for want of
 * memory: `error` says how. */
bool od_driver_take_index(struct od_driver_task *task, struct od_body_done body, struct od_error *error);
void od_driver_write_index(struct od_buffer *body, const struct od_driver_task *task);

/* --- driver_retry.c */
enum od_failure_class { OD_FAILURE_TRANSIENT, OD_FAILURE_RESOURCE, OD_FAILURE_PERMANENT };
enum od_failure_class od_failure_class(enum od_status status);
/* `attempt` is one of task->running, as above. It failed, and that counts against the task. */
void od_driver_retry(struct od_driver_task *task, struct od_driver_attempt *attempt, const struct od_error *error);
/* It could not read an output: that is gone, if it is still the one that counts. A report about an older attempt, or a place that
 * it has left, is news from the past: the reader is launched again with the new place, and nothing is recomputed. */
void od_driver_source_failed(struct od_driver_task *task, struct od_driver_attempt *attempt,
                             const struct od_body_failed *body, const struct od_error *error);
/* It is no more, for a reason that is not the task's. */
void od_driver_abandon(struct od_driver_task *task, struct od_driver_attempt *attempt, enum od_status why);
/* Counts one recovery; ends the query when there were too many. */
void od_driver_count_recovery(struct od_driver_run *run, const struct od_error *cause);
/* A task was committed: part of what was spent is given back. */
void od_driver_pay_back(struct od_driver_run *run);

/* --- driver_placement.c */
bool od_driver_make_health(struct od_driver *driver);
/* Where an attempt of the task should go; `at_once`: only where it would not wait for a slot. 0: nowhere now. */
uint32_t od_driver_choose_executor(const struct od_driver_task *task, bool at_once);
/* Attempts that may run there at once, and how many more may. */
uint32_t od_driver_slots(const struct od_driver *driver, uint32_t executor);
uint32_t od_driver_free_slots(const struct od_driver *driver, uint32_t executor);
/* Experience: an attempt goes there; one succeeded there; something failed there; an output there could not be read by an
 * executor, or by the driver (0). */
void od_driver_note_launch(const struct od_driver_task *task, uint32_t executor);
void od_driver_note_success(const struct od_driver_task *task, uint32_t executor);
void od_driver_note_failure(struct od_driver *driver, uint32_t executor, enum od_status why);
void od_driver_note_unread(struct od_driver *driver, uint32_t from, uint32_t to, enum od_status why);

/* --- driver_speculation.c */
/* Second attempts for stragglers. */
void od_driver_speculate(struct od_driver_run *run);
/* Idle executors take over what waits elsewhere. */
void od_driver_steal(struct od_driver *driver);
/* A slot is free there: what waits longest begins. */
void od_driver_note_room(struct od_driver *driver, uint32_t executor, uint32_t epoch);

/* --- driver_reading.c */
/* Makes room for the tasks of a stage; they wait. False: NO_MEMORY. */
bool od_driver_make_tasks(struct od_driver_stage *stage, uint32_t task_count);
/* Lists the tasks of all stages anew. False: NO_MEMORY. */
bool od_driver_list_tasks(struct od_driver_run *run);
/* Chooses what is read by stages all of whose inputs are known now. NO_MEMORY. */
enum od_status od_driver_lay_out(struct od_driver_run *run, struct od_error *error);
/* What a task of a stage that is laid out reads of an input. */
static inline const struct od_read_range *od_driver_range(const struct od_driver_task *task, uint32_t input)
{
    const struct od_driver_stage *stage = task->stage;
    return &stage->reading.ranges[(size_t)task->index * stage->plan->input_count + input];
}
/* The entries of partitions [first, end): [*first_out, *first_out + result). */
uint32_t od_driver_find_entries(const struct od_driver_task *task, uint32_t first, uint32_t end, uint32_t *first_out);
uint64_t od_driver_bytes_in(const struct od_driver_task *writer, const struct od_read_range *range);

/* --- driver_lineage.c */
/* Appends what LAUNCH says of one input: the sources in this range. */
void od_driver_write_input(struct od_buffer *body, const struct od_driver_stage *source,
                           const struct od_read_range *range);
bool od_driver_inputs_ready(const struct od_driver_task *task);
/* A committed output cannot be had any more. */
void od_driver_lose_output(struct od_driver_task *task, enum od_status why);
/* A task of the stage does not read any more. */
void od_driver_need_less(struct od_driver_stage *stage);
/* Works out what is needed, where that may have changed, and plans lost outputs again that are. */
void od_driver_plan_recomputes(struct od_driver_run *run);
/* All its tasks wait, in this generation, as if they had never run. None may be running. */
void od_driver_forget_stage(struct od_driver_stage *stage, uint32_t generation);
/* The executor that has most of what the task reads, when that is more than half of the bytes. 0: none. */
uint32_t od_driver_find_local(const struct od_driver_task *task);

/* --- driver_results.c */
/* Every result task is committed: begins to fetch the answer. */
void od_driver_collect(struct od_driver_run *run);
/* Forgets what came: a block of it can't be had. */
void od_driver_stop_collecting(struct od_driver_run *run);
void od_driver_handle_block(struct od_driver *driver, const struct od_message *message);
void od_driver_tick_results(struct od_driver_run *run, uint64_t now_ns);

/* --- driver_copies.c */
/* Begins to copy a committed output that is not being copied to executor `to`, or to the driver's disk (0); it moves there at
 * once when there is no file. Without memory nothing happens. */
void od_driver_copy_output(struct od_driver_task *task, uint32_t to);
bool od_driver_is_copied(const struct od_driver_task *task);
/* From or to this epoch. */
uint32_t od_driver_count_copies(const struct od_driver *driver, uint32_t epoch);
/* Forgets what is pointless by now, and all copies of a query (NULL: of none). */
void od_driver_check_copies(struct od_driver *driver, const struct od_driver_run *ended);
void od_driver_handle_copied(struct od_driver *driver, const struct od_message *message);
void od_driver_own_copy_ended(void *self, const struct od_attempt_name *name, enum od_status status);
void od_driver_tick_copies(struct od_driver *driver, uint64_t now_ns);
/* Begins what checkpoints are due. */
void od_driver_plan_checkpoints(struct od_driver_run *run);

/* --- driver_cache.c */
/* When a query begins: what is cached of it is committed. When it ends: what is to be cached of it is taken from its tasks. */
void od_driver_reuse_outputs(struct od_driver_run *run);
void od_driver_cache_outputs(struct od_driver_run *run);
/* The executors may drop what has this key. 0: all is forgotten, and nobody told. */
void od_driver_uncache(struct od_driver *driver, uint64_t key);

/* --- driver_drain.c */
void od_driver_drain(struct od_driver *driver, uint32_t id);
/* True: outputs or attempts have gone; there may be something to launch. */
bool od_driver_pump_drains(struct od_driver *driver);

#endif
