/* fault_list: every kind of fault there is, one row each; the one place that knows them by name.
 *
 *   X(NAME, "subject.kind", PROMISE, "what happens", row...)
 *
 * A row (struct od_fault_kind_row in fault_kind.h) says by which effect it acts, at which points or at a time, and what parameters it
 * takes: everything else in chaos/ asks the row, and none asks for a kind by name. The same effect at another place, with
 * another status or on other links, is another kind where the engine meets it in other code.
 *
 * PROMISE is what the engine owes its user under this kind, within its budgets:
 *   RECOVERS   the answer is right as if nothing had been
 *   MAY_FAIL   the answer is right, or the query fails with a typed error and commits nothing
 *   ENDS       the query ends as it was asked to
 *
 * Each subject names the test that proves that its kinds take effect: all of them, at every place where they may act.
 *
 * Earlier is plainer: draws and the shrinker prefer it. New kinds go to the end of their subject. Inside chaos/, and for those
 * that print the list. */
#ifndef OD_CHAOS_FAULT_LIST_H
#define OD_CHAOS_FAULT_LIST_H

/* X("subject", "the test in this folder") */
#define OD_FAULT_SUBJECT_LIST(X)                                                                             \
    X("task", "kinds_test")                                                                                  \
    X("executor", "kinds_test")                                                                              \
    X("shuffle", "kinds_shuffle_test")                                                                       \
    X("network", "kinds_network_test")                                                                       \
    X("driver", "kinds_test")                                                                                \
    X("storage", "kinds_storage_test")                                                                       \
    X("clock", "kinds_clock_test")                                                                           \
    X("memory", "kinds_memory_test")                                                                         \
    X("speculation", "kinds_test")                                                                           \
    X("lineage", "kinds_test")                                                                               \
    X("source", "kinds_test")                                                                                \
    X("sink", "kinds_test")                                                                                  \
    X("scheduling", "kinds_scheduling_test")

#define OD_FAULT_LIST(X)                                                                                     \
    OD_FAULT_TASK_LIST(X)                                                                                    \
    OD_FAULT_EXECUTOR_LIST(X)                                                                                \
    OD_FAULT_SHUFFLE_LIST(X)                                                                                 \
    OD_FAULT_NETWORK_LIST(X)                                                                                 \
    OD_FAULT_DRIVER_LIST(X)                                                                                  \
    OD_FAULT_STORAGE_LIST(X)                                                                                 \
    OD_FAULT_CLOCK_LIST(X)                                                                                   \
    OD_FAULT_MEMORY_LIST(X)                                                                                  \
    OD_FAULT_SPECULATION_LIST(X)                                                                             \
    OD_FAULT_LINEAGE_LIST(X)                                                                                 \
    OD_FAULT_SOURCE_LIST(X)                                                                                  \
    OD_FAULT_SINK_LIST(X)                                                                                    \
    OD_FAULT_SCHEDULING_LIST(X)

#define ROLE(name) (UINT32_C(1) << OD_ROLE_##name)
#define OD_FAULT_TASK_LIST(X)                                                                                \
    X(TASK_ERROR_BEFORE, "task.error_before", RECOVERS, "an attempt fails before its first row",             \
      .effect = OD_EFFECT_FAIL, .status = OD_TASK_FAILED, .points = ON(TASK_START), .what = "fails")         \
    X(TASK_ERROR_MIDDLE, "task.error_middle", RECOVERS, "an attempt fails between two steps",                \
      .effect = OD_EFFECT_FAIL, .status = OD_TASK_FAILED, .points = ON(TASK_STEP), .what = "fails")          \
    X(TASK_ERROR_AFTER, "task.error_after", RECOVERS, "an attempt fails after its output was written",       \
      .effect = OD_EFFECT_FAIL, .status = OD_TASK_FAILED, .points = ON(TASK_END), .what = "fails")           \
    X(TASK_ERROR_IO, "task.error_io", RECOVERS, "an attempt fails, and says that it was the disk",           \
      .effect = OD_EFFECT_FAIL, .status = OD_IO, .points = ON(TASK_START) | ON(TASK_STEP) | ON(TASK_END),    \
      .what = "fails as if by its disk")                                                                     \
    X(TASK_ERROR_MEMORY, "task.error_memory", MAY_FAIL, "an attempt fails, and says that memory ran out",    \
      .effect = OD_EFFECT_FAIL, .status = OD_NO_MEMORY, .points = ON(TASK_START) | ON(TASK_STEP) | ON(TASK_END), \
      .what = "fails as if for memory")                                                                      \
    X(TASK_ERROR_CORRUPT, "task.error_corrupt", RECOVERS, "an attempt fails, and says that bytes were damaged", \
      .effect = OD_EFFECT_FAIL, .status = OD_CORRUPT, .points = ON(TASK_STEP), .what = "fails as if by damaged bytes") \
    X(TASK_ERROR_MISSING, "task.error_missing", RECOVERS, "an attempt fails, and says that something was not there", \
      .effect = OD_EFFECT_FAIL, .status = OD_MISSING, .points = ON(TASK_STEP), .what = "fails as if by something missing") \
    X(TASK_ERROR_UNREACHABLE, "task.error_unreachable", RECOVERS,                                            \
      "an attempt fails, and says that a peer did not answer", .effect = OD_EFFECT_FAIL,                     \
      .status = OD_UNREACHABLE, .points = ON(TASK_STEP), .what = "fails as if by a silent peer")             \
    X(TASK_STALL, "task.stall", RECOVERS, "a step of an attempt takes `for`, and its executor does nothing else", \
      .effect = OD_EFFECT_STALL, .points = ON(TASK_START) | ON(TASK_STEP) | ON(TASK_END), .has_duration = true, \
      .what = "takes long", .after = "it goes on after")                                                     \
    X(TASK_HANG, "task.hang", RECOVERS, "an attempt is not stepped for `for`, while its executor is well",   \
      .effect = OD_EFFECT_HANG, .points = ON(TASK_STEP), .has_duration = true, .may_last = true,             \
      .what = "hangs", .after = "it goes on after")                                                          \
    X(TASK_REPORT_LOST, "task.report_lost", RECOVERS, "the success of an attempt is never heard of",         \
      .effect = OD_EFFECT_NEXT_LOSE, .points = ON(TASK_END), .what = "is done, and its report is lost")      \
    X(TASK_REPORT_LATE, "task.report_late", RECOVERS, "the success of an attempt is heard of later by `for`", \
      .effect = OD_EFFECT_NEXT_DELAY, .points = ON(TASK_END), .has_duration = true,                          \
      .what = "is done, and its report comes late", .after = "by")                                           \
    X(TASK_REPORT_TWICE, "task.report_twice", RECOVERS, "the success of an attempt is reported twice",       \
      .effect = OD_EFFECT_NEXT_DUPLICATE, .points = ON(TASK_END), .has_duration = true,                      \
      .what = "is done, and says so twice", .after = "the copy later by")                                    \
    X(TASK_LAUNCH_LOST, "task.launch_lost", RECOVERS, "the order to run an attempt never arrives", .effect = OD_EFFECT_LOSE, \
      OF_MESSAGES, .roles = ROLE(LAUNCH), .what = "that launches an attempt never arrives")                  \
    X(TASK_LAUNCH_LATE, "task.launch_late", RECOVERS, "the order to run an attempt arrives later by `for`",  \
      .effect = OD_EFFECT_DELAY, OF_MESSAGES, .roles = ROLE(LAUNCH), .has_duration = true,                   \
      .what = "that launches an attempt arrives late", .after = "by")                                        \
    X(TASK_LAUNCH_TWICE, "task.launch_twice", RECOVERS, "the order to run an attempt arrives twice",         \
      .effect = OD_EFFECT_DUPLICATE, OF_MESSAGES, .roles = ROLE(LAUNCH), .has_duration = true,               \
      .what = "that launches an attempt arrives twice", .after = "the copy later by")

#define ON_TASK   (ON(TASK_START) | ON(TASK_STEP) | ON(TASK_END) | ON(TASK_REPORTED))
#define ON_BLOCK  (ON(BLOCK_WRITE) | ON(BLOCK_SERVE) | ON(BLOCK_RECEIVE))
#define ON_LIFE   (ON_TASK | ON_BLOCK)
#define OF_LIFE                                                                                              \
    .points = ON_LIFE, .at_time = true, .has_duration = true, .may_last = true, .victim = OD_FAULT_OF_EXECUTOR, \
    .target = OD_FAULT_TARGET_EXECUTOR, .who = OD_FAULT_WHO_EXECUTOR
/* At a time or at a task: a state of an executor. */
#define OF_STATE                                                                                             \
    .points = ON(TASK_START) | ON(TASK_STEP) | ON(TASK_END), .at_time = true, .has_duration = true,          \
    .may_last = true, .victim = OD_FAULT_OF_EXECUTOR, .target = OD_FAULT_TARGET_EXECUTOR, .who = OD_FAULT_WHO_EXECUTOR

#define OD_FAULT_EXECUTOR_LIST(X)                                                                            \
    X(EXECUTOR_CRASH, "executor.crash", RECOVERS, "an executor dies with its blocks; a new life starts after `for`", \
      .effect = OD_EFFECT_KILL, OF_LIFE, .what = "dies", .after = "a new one starts after")                  \
    X(EXECUTOR_PAUSE, "executor.pause", RECOVERS,                                                            \
      "an executor stands still for `for`, then goes on as if nothing was", .effect = OD_EFFECT_PAUSE, OF_LIFE, \
      .what = "stands still", .after = "it goes on after")                                                   \
    X(EXECUTOR_DECOMMISSION, "executor.decommission", RECOVERS, "the driver is asked to do without an executor", \
      .effect = OD_EFFECT_ORDER, .order = OD_ORDER_DECOMMISSION, .points = ON_TASK | ON(BLOCK_SERVE),        \
      .at_time = true, .victim = OD_FAULT_OF_EXECUTOR, .target = OD_FAULT_TARGET_EXECUTOR,                   \
      .who = OD_FAULT_WHO_EXECUTOR, .what = "is to leave")                                                   \
    X(EXECUTOR_ADD, "executor.add", RECOVERS, "one more executor starts, while there is room for it",        \
      .effect = OD_EFFECT_ADD, .at_time = true, .who = OD_FAULT_WHO_NEW, .what = "starts")                   \
    X(EXECUTOR_SLOW, "executor.slow", RECOVERS, "all that an executor does takes `factor` times as long, for `for`", \
      .effect = OD_EFFECT_SLOW, .points = ON(TASK_START) | ON(TASK_STEP), .at_time = true, .has_duration = true, \
      .may_last = true, .amount = OD_FAULT_AMOUNT_FACTOR, .victim = OD_FAULT_OF_EXECUTOR,                    \
      .target = OD_FAULT_TARGET_EXECUTOR, .who = OD_FAULT_WHO_EXECUTOR, .what = "is slow",                   \
      .after = "as fast as ever after")                                                                      \
    X(EXECUTOR_CRASH_STARTING, "executor.crash_starting", RECOVERS,                                          \
      "an executor dies at the start of a life, before it has said anything", .effect = OD_EFFECT_KILL,      \
      .points = ON(ACTOR_START), .has_duration = true, .victim = OD_FAULT_OF_EXECUTOR,                       \
      .who = OD_FAULT_WHO_EXECUTOR, .what = "dies", .after = "a new one starts after")                       \
    X(EXECUTOR_CRASH_WRITING, "executor.crash_writing", RECOVERS,                                            \
      "an executor dies as it is about to write to its disk: spilling, or writing blocks",                   \
      .effect = OD_EFFECT_KILL, .points = ON(DISK_WRITE), .has_duration = true, .victim = OD_FAULT_OF_EXECUTOR, \
      .who = OD_FAULT_WHO_EXECUTOR, .what = "dies", .after = "a new one starts after")                       \
    X(EXECUTOR_MEMORY_KILLED, "executor.memory_killed", RECOVERS, "an executor is killed as it takes memory", \
      .effect = OD_EFFECT_KILL, .points = ON(MEMORY_TAKE), .has_duration = true, .victim = OD_FAULT_OF_EXECUTOR, \
      .who = OD_FAULT_WHO_EXECUTOR, .what = "is killed", .after = "a new one starts after")                  \
    X(EXECUTOR_HOST_CRASH, "executor.host_crash", RECOVERS,                                                  \
      "a host dies: two neighbouring executors at once", .effect = OD_EFFECT_KILL, .group = 2, OF_LIFE,      \
      .what = "dies with its neighbour", .after = "new ones start after")                                    \
    X(EXECUTOR_RACK_CRASH, "executor.rack_crash", RECOVERS, "a rack dies: four neighbouring executors at once", \
      .effect = OD_EFFECT_KILL, .group = 4, OF_LIFE, .what = "dies with its rack",                           \
      .after = "new ones start after")                                                                       \
    X(EXECUTOR_ALL_CRASH, "executor.all_crash", RECOVERS, "all executors die at once",                       \
      .effect = OD_EFFECT_KILL, .group = UINT32_MAX, OF_LIFE, .what = "dies with all others",                \
      .after = "new ones start after")                                                                       \
    X(EXECUTOR_DISK_LOST, "executor.disk_lost", RECOVERS,                                                    \
      "all files of an executor are gone, while it lives", .effect = OD_EFFECT_FORGET_DISK,                  \
      .points = ON(TASK_START) | ON(TASK_END) | ON(BLOCK_SERVE), .at_time = true,                            \
      .victim = OD_FAULT_OF_EXECUTOR, .target = OD_FAULT_TARGET_EXECUTOR, .who = OD_FAULT_WHO_EXECUTOR,      \
      .what = "loses its disk")                                                                              \
    X(EXECUTOR_SILENT, "executor.silent", RECOVERS,                                                          \
      "an executor's heartbeats are lost, for `for`; all else that it says arrives", .effect = OD_EFFECT_CUT, \
      .links = OD_LINK_OUT, .roles = ROLE(HEARTBEAT), OF_STATE, .what = "has no heartbeat", .after = "again after") \
    X(EXECUTOR_REGISTER_LOST, "executor.register_lost", RECOVERS, "the registration of an executor never arrives", .effect = OD_EFFECT_LOSE, \
      OF_MESSAGES, .roles = ROLE(REGISTRATION), .what = "that registers an executor never arrives")          \
    X(EXECUTOR_REGISTER_LATE, "executor.register_late", RECOVERS, "the registration of an executor arrives later by `for`", \
      .effect = OD_EFFECT_DELAY, OF_MESSAGES, .roles = ROLE(REGISTRATION), .has_duration = true,             \
      .what = "that registers an executor arrives late", .after = "by")                                      \
    X(EXECUTOR_REGISTER_TWICE, "executor.register_twice", RECOVERS, "the registration of an executor arrives twice", \
      .effect = OD_EFFECT_DUPLICATE, OF_MESSAGES, .roles = ROLE(REGISTRATION), .has_duration = true,         \
      .what = "that registers an executor arrives twice", .after = "the copy later by")                      \
    X(EXECUTOR_WELCOME_LOST, "executor.registered_lost", RECOVERS, "the answer to a registration never arrives", \
      .effect = OD_EFFECT_LOSE, OF_MESSAGES, .roles = ROLE(WELCOME), .what = "that answers a registration never arrives")

#define OF_BYTES .effect = OD_EFFECT_DAMAGE, .points = ON_BLOCK, .who = OD_FAULT_WHO_BLOCK
#define OD_FAULT_SHUFFLE_LIST(X)                                                                             \
    X(SHUFFLE_BLOCK_MISSING, "shuffle.block_missing", RECOVERS, "a block is not there when a reader asks",   \
      .effect = OD_EFFECT_FAIL, .status = OD_MISSING, .points = ON(BLOCK_SERVE), .who = OD_FAULT_WHO_BLOCK,  \
      .what = "is missing")                                                                                  \
    X(SHUFFLE_BLOCK_BIT_FLIP, "shuffle.block_bit_flip", RECOVERS,                                            \
      "one bit of a block changes, at rest or on its way", OF_BYTES, .damage = OD_DAMAGE_FLIP,               \
      .amount = OD_FAULT_AMOUNT_BIT, .what = "has one bit changed")                                          \
    X(SHUFFLE_BLOCK_TRUNCATED, "shuffle.block_truncated", RECOVERS, "the end of a block is cut off",         \
      OF_BYTES, .damage = OD_DAMAGE_CUT, .amount = OD_FAULT_AMOUNT_CUT, .what = "loses its end")             \
    X(SHUFFLE_BLOCK_ZEROED, "shuffle.block_zeroed", RECOVERS, "a block's bytes are all zero", OF_BYTES,      \
      .damage = OD_DAMAGE_ZERO, .what = "is all zeroes")                                                     \
    X(SHUFFLE_BLOCK_EMPTY, "shuffle.block_empty", RECOVERS, "a block that has rows comes as no bytes at all", \
      OF_BYTES, .damage = OD_DAMAGE_EMPTY, .what = "is empty")                                               \
    X(SHUFFLE_BLOCK_HEADER, "shuffle.block_header", RECOVERS,                                                \
      "one bit of the first bytes of a block changes, which say what is in it", OF_BYTES,                    \
      .damage = OD_DAMAGE_HEADER, .amount = OD_FAULT_AMOUNT_BIT, .what = "has one bit of its header changed") \
    X(SHUFFLE_BLOCK_CHECKSUM, "shuffle.block_swapped_bytes", RECOVERS,                                       \
      "two bytes of a block change places: sums that forget order stay the same", OF_BYTES,                  \
      .damage = OD_DAMAGE_SWAP_BYTES, .what = "has two bytes swapped")                                       \
    X(SHUFFLE_BLOCK_OTHER, "shuffle.block_of_another", RECOVERS,                                             \
      "a reader gets the bytes of the block before, if any: another partition, task or attempt",                    \
      .effect = OD_EFFECT_DAMAGE, .damage = OD_DAMAGE_OTHER, .points = ON(BLOCK_SERVE) | ON(BLOCK_RECEIVE),  \
      .who = OD_FAULT_WHO_BLOCK, .what = "is another one's bytes")                                           \
    X(SHUFFLE_BLOCK_UNREADABLE, "shuffle.block_unreadable", RECOVERS, "a block can't be read when a reader asks", \
      .effect = OD_EFFECT_FAIL, .status = OD_IO, .points = ON(BLOCK_SERVE), .who = OD_FAULT_WHO_BLOCK,       \
      .what = "can't be read")                                                                               \
    X(SHUFFLE_SERVE_SLOW, "shuffle.serve_slow", RECOVERS, "a block is served slowly: its executor works on it for `for`", \
      .effect = OD_EFFECT_STALL, .points = ON(BLOCK_SERVE), .has_duration = true, .who = OD_FAULT_WHO_BLOCK, \
      .what = "is served slowly", .after = "it is there after")                                              \
    X(SHUFFLE_FETCH_LOST, "shuffle.fetch_lost", RECOVERS, "a message between executors never arrives",       \
      .effect = OD_EFFECT_LOSE, OF_MESSAGES, .links = OD_LINK_PEERS, .what = "to another executor never arrives") \
    X(SHUFFLE_FETCH_LATE, "shuffle.fetch_late", RECOVERS, "a message between executors arrives later by `for`", \
      .effect = OD_EFFECT_DELAY, OF_MESSAGES, .links = OD_LINK_PEERS, .has_duration = true,                  \
      .what = "to another executor arrives late", .after = "by")                                             \
    X(SHUFFLE_FETCH_TWICE, "shuffle.fetch_twice", RECOVERS, "a message between executors arrives twice",     \
      .effect = OD_EFFECT_DUPLICATE, OF_MESSAGES, .links = OD_LINK_PEERS, .has_duration = true,              \
      .what = "to another executor arrives twice", .after = "the copy later by")                             \
    X(SHUFFLE_FETCH_REFUSED, "shuffle.fetch_refused", RECOVERS, "a reader is told that the executor with the block is gone", \
      .effect = OD_EFFECT_FAIL, .status = OD_UNREACHABLE, .points = ON(BLOCK_RECEIVE), .who = OD_FAULT_WHO_BLOCK, \
      .what = "can't be reached")

#define OF_MESSAGES .points = ON(MESSAGE_SEND), .who = OD_FAULT_WHO_MESSAGE
#define OD_FAULT_NETWORK_LIST(X)                                                                             \
    X(NETWORK_DELAY, "network.delay", RECOVERS, "a message arrives later by `for`", .effect = OD_EFFECT_DELAY, \
      OF_MESSAGES, .has_duration = true, .what = "arrives late", .after = "by")                              \
    X(NETWORK_LOSS, "network.loss", RECOVERS, "a message never arrives", .effect = OD_EFFECT_LOSE,           \
      OF_MESSAGES, .what = "never arrives")                                                                  \
    X(NETWORK_DUPLICATE, "network.duplicate", RECOVERS, "a message arrives twice, the copy later by `for`",  \
      .effect = OD_EFFECT_DUPLICATE, OF_MESSAGES, .has_duration = true, .what = "arrives twice",             \
      .after = "the copy later by")                                                                          \
    X(NETWORK_ISOLATE, "network.isolate", RECOVERS, "all that an executor sends and is sent is lost, for `for`", \
      .effect = OD_EFFECT_CUT, .links = OD_LINK_ALL, OF_STATE, .what = "is cut off", .after = "it ends after") \
    X(NETWORK_MUTE, "network.mute", RECOVERS, "all that an executor sends is lost, for `for`; it hears the others", \
      .effect = OD_EFFECT_CUT, .links = OD_LINK_OUT, OF_STATE, .what = "is not heard", .after = "it ends after") \
    X(NETWORK_DEAF, "network.deaf", RECOVERS, "all that an executor is sent is lost, for `for`; the others hear it", \
      .effect = OD_EFFECT_CUT, .links = OD_LINK_IN, OF_STATE, .what = "hears nothing", .after = "it ends after") \
    X(NETWORK_CUT_DRIVER, "network.cut_driver", RECOVERS,                                                    \
      "an executor and the driver don't hear each other, for `for`; other executors do (a bridge)",          \
      .effect = OD_EFFECT_CUT, .links = OD_LINK_TO_DRIVER | OD_LINK_FROM_DRIVER, OF_STATE,                   \
      .what = "is cut off from the driver", .after = "it ends after")                                          \
    X(NETWORK_CUT_PEERS, "network.cut_peers", RECOVERS,                                                      \
      "an executor and the other executors don't hear each other, for `for`; the driver hears all",          \
      .effect = OD_EFFECT_CUT, .links = OD_LINK_PEERS, OF_STATE, .what = "is cut off from its peers",        \
      .after = "it ends after")                                                                                \
    X(NETWORK_CLOG_OUT, "network.clog_out", RECOVERS, "all that an executor sends waits for `for`, then arrives in order", \
      .effect = OD_EFFECT_CLOG, .links = OD_LINK_OUT, OF_STATE_FINITE, .what = "is clogged outwards", .after = "it ends after") \
    X(NETWORK_CLOG_IN, "network.clog_in", RECOVERS, "all that an executor is sent waits for `for`, then arrives in order", \
      .effect = OD_EFFECT_CLOG, .links = OD_LINK_IN, OF_STATE_FINITE, .what = "is clogged inwards", .after = "it ends after") \
    X(NETWORK_CLOG_SHUFFLED, "network.clog_shuffled", RECOVERS,                                              \
      "all that an executor sends and is sent waits for `for`, then arrives in another order",               \
      .effect = OD_EFFECT_CLOG_SHUFFLED, .links = OD_LINK_ALL, OF_STATE_FINITE, .what = "is clogged",        \
      .after = "then all comes in another order, after")                                                     \
    X(NETWORK_TAIL, "network.delay_tail", RECOVERS,                                                          \
      "what an executor sends in the next `for` is late, most of it little, some very",                      \
      .effect = OD_EFFECT_TAIL, .links = OD_LINK_OUT, OF_STATE, .what = "is heard late", \
      .after = "it ends after")                                                                                \
    X(NETWORK_REORDER, "network.reorder", RECOVERS,                                                          \
      "of what an executor sends in the next `for` every other message is overtaken by the next",            \
      .effect = OD_EFFECT_SWAP, .links = OD_LINK_OUT, OF_STATE, .what = "is heard out of order", .after = "it ends after") \
    X(NETWORK_BANDWIDTH, "network.bandwidth", RECOVERS, "an executor's link carries `rate` KiB a second, for `for`", \
      .effect = OD_EFFECT_BANDWIDTH, .links = OD_LINK_OUT, .amount = OD_FAULT_AMOUNT_RATE, OF_STATE,         \
      .what = "has a thin link", .after = "it ends after")                                                     \
    X(NETWORK_RESET, "network.reset", RECOVERS, "all messages under way from and to an executor are lost at once", \
      .effect = OD_EFFECT_RESET, .points = ON(TASK_START) | ON(TASK_STEP) | ON(TASK_END), .at_time = true,   \
      .victim = OD_FAULT_OF_EXECUTOR, .target = OD_FAULT_TARGET_EXECUTOR, .who = OD_FAULT_WHO_EXECUTOR,      \
      .what = "loses all that is under way")                                                                 \
    X(NETWORK_PARTITION, "network.partition", RECOVERS,                                                      \
      "two neighbouring executors are cut off from all others, for `for`; they hear each other",             \
      .effect = OD_EFFECT_CUT, .group = 2, .links = OD_LINK_ALL, OF_STATE, .what = "is cut off with its neighbour", \
      .after = "it ends after")                                                                                \
    X(NETWORK_PARTITION_PEERS, "network.partition_peers", RECOVERS,                                          \
      "two neighbouring executors and the others don't hear each other, for `for`; the driver hears all",    \
      .effect = OD_EFFECT_CUT, .group = 2, .links = OD_LINK_PEERS, OF_STATE,                                 \
      .what = "is cut off from its peers with its neighbour", .after = "it ends after")                \
    X(NETWORK_CLOG_SOME, "network.clog_some", RECOVERS,                                                      \
      "some of an executor's links are clogged, each for another part of `for`", .effect = OD_EFFECT_CLOG_SOME, \
      .links = OD_LINK_ALL, .amount = OD_FAULT_AMOUNT_SEED, OF_STATE_FINITE, .what = "has clogged links",    \
      .after = "it ends after")                                                                                \
    X(NETWORK_LOSSY, "network.lossy", RECOVERS, "of what an executor sends and is sent in the next `for` every third message is lost", \
      .effect = OD_EFFECT_LOSSY, .links = OD_LINK_ALL, .amount = OD_FAULT_AMOUNT_SEED, OF_STATE,             \
      .what = "has lossy links", .after = "it ends after")                                                     \
    X(NETWORK_ECHO, "network.echo", RECOVERS, "all that an executor sends in the next `for` arrives twice",  \
      .effect = OD_EFFECT_ECHO, .links = OD_LINK_OUT, .amount = OD_FAULT_AMOUNT_SEED, OF_STATE,              \
      .what = "is heard twice", .after = "it ends after")
#define OF_STATE_FINITE                                                                                      \
    .points = ON(TASK_START) | ON(TASK_STEP) | ON(TASK_END), .at_time = true, .has_duration = true,          \
    .victim = OD_FAULT_OF_EXECUTOR, .target = OD_FAULT_TARGET_EXECUTOR, .who = OD_FAULT_WHO_EXECUTOR

#define ON_JOURNAL (ON(JOURNAL_WRITE) | ON(JOURNAL_SYNC))
#define OF_DRIVER  .victim = OD_FAULT_OF_DRIVER, .who = OD_FAULT_WHO_DRIVER
#define OD_FAULT_DRIVER_LIST(X)                                                                              \
    X(DRIVER_CRASH, "driver.crash", RECOVERS,                                                                \
      "the driver dies; what it had synced stays, and `keep` bytes more; a new life starts after `for`",     \
      .effect = OD_EFFECT_KILL, .points = ON(MESSAGE_SEND) | ON_JOURNAL, .at_time = true, .has_duration = true, \
      .may_last = true, .amount = OD_FAULT_AMOUNT_KEEP, OF_DRIVER, .what = "dies", .after = "a new one starts after") \
    X(DRIVER_CANCEL_QUERY, "driver.cancel_query", ENDS, "the driver is asked to end a query",                \
      .effect = OD_EFFECT_ORDER, .order = OD_ORDER_CANCEL_QUERY, .points = ON_TASK, .at_time = true,         \
      .victim = OD_FAULT_OF_EXECUTOR, .target = OD_FAULT_TARGET_QUERY, .who = OD_FAULT_WHO_QUERY,            \
      .what = "is cancelled")                                                                                \
    X(DRIVER_PAUSE, "driver.pause", RECOVERS, "the driver stands still for `for`, then goes on",             \
      .effect = OD_EFFECT_PAUSE, .points = ON(MESSAGE_SEND) | ON_JOURNAL, .at_time = true, .has_duration = true, \
      .may_last = true, OF_DRIVER, .what = "stands still", .after = "it goes on after")                      \
    X(DRIVER_SLOW, "driver.slow", RECOVERS, "all that the driver does takes `factor` times as long, for `for`", \
      .effect = OD_EFFECT_SLOW, .points = ON(MESSAGE_SEND), .at_time = true, .has_duration = true,           \
      .may_last = true, .amount = OD_FAULT_AMOUNT_FACTOR, OF_DRIVER, .what = "is slow", .after = "as fast as ever after") \
    X(DRIVER_CRASH_STARTING, "driver.crash_starting", RECOVERS,                                              \
      "the driver dies at the start of a life, before it has read its journal", .effect = OD_EFFECT_KILL,    \
      .points = ON(ACTOR_START), .has_duration = true, OF_DRIVER, .what = "dies", .after = "a new one starts after") \
    X(DRIVER_EVENT_LOST, "driver.event_lost", RECOVERS, "what an executor tells the driver never arrives",   \
      .effect = OD_EFFECT_LOSE, OF_MESSAGES, .links = OD_LINK_TO_DRIVER, .what = "to the driver never arrives") \
    X(DRIVER_EVENT_LATE, "driver.event_late", RECOVERS, "what an executor tells the driver arrives later by `for`", \
      .effect = OD_EFFECT_DELAY, OF_MESSAGES, .links = OD_LINK_TO_DRIVER, .has_duration = true,              \
      .what = "to the driver arrives late", .after = "by")                                                   \
    X(DRIVER_EVENT_TWICE, "driver.event_twice", RECOVERS, "what an executor tells the driver arrives twice", \
      .effect = OD_EFFECT_DUPLICATE, OF_MESSAGES, .links = OD_LINK_TO_DRIVER, .has_duration = true,          \
      .what = "to the driver arrives twice", .after = "the copy later by")                                   \
    X(DRIVER_ORDER_LOST, "driver.order_lost", RECOVERS, "what the driver tells an executor never arrives",   \
      .effect = OD_EFFECT_LOSE, OF_MESSAGES, .links = OD_LINK_FROM_DRIVER, .what = "from the driver never arrives") \
    X(DRIVER_ORDER_LATE, "driver.order_late", RECOVERS, "what the driver tells an executor arrives later by `for`", \
      .effect = OD_EFFECT_DELAY, OF_MESSAGES, .links = OD_LINK_FROM_DRIVER, .has_duration = true,            \
      .what = "from the driver arrives late", .after = "by")                                                   \
    X(DRIVER_ORDER_TWICE, "driver.order_twice", RECOVERS,                                                    \
      "what the driver tells an executor arrives twice: a task is launched twice, say",                      \
      .effect = OD_EFFECT_DUPLICATE, OF_MESSAGES, .links = OD_LINK_FROM_DRIVER, .has_duration = true,        \
      .what = "from the driver arrives twice", .after = "the copy later by")                                   \
    X(DRIVER_END_LOST, "driver.end_lost", RECOVERS, "an executor is not told that a query has ended",        \
      .effect = OD_EFFECT_LOSE, OF_MESSAGES, .roles = ROLE(END), .what = "that ends a query never arrives")

#define OF_DISK .who = OD_FAULT_WHO_DISK
#define OF_DISK_OF_EXECUTOR OF_DISK, .victim = OD_FAULT_OF_EXECUTOR
#define OD_FAULT_STORAGE_LIST(X)                                                                             \
    X(STORAGE_READ_ERROR, "storage.read_error", RECOVERS, "a read fails", .effect = OD_EFFECT_FAIL,          \
      .status = OD_IO, .points = ON(DISK_READ), OF_DISK_OF_EXECUTOR, .what = "fails a read")                 \
    X(STORAGE_WRITE_ERROR, "storage.write_error", RECOVERS, "a write fails, nothing of it was done",         \
      .effect = OD_EFFECT_FAIL, .status = OD_IO, .points = ON(DISK_WRITE), OF_DISK_OF_EXECUTOR, .what = "fails a write") \
    X(STORAGE_SYNC_ERROR, "storage.sync_error", RECOVERS, "a sync fails", .effect = OD_EFFECT_FAIL,          \
      .status = OD_IO, .points = ON(DISK_SYNC), OF_DISK, .what = "fails a sync")                             \
    X(STORAGE_CREATE_ERROR, "storage.create_error", RECOVERS, "a file can't be made", .effect = OD_EFFECT_FAIL, \
      .status = OD_IO, .points = ON(DISK_CREATE), OF_DISK_OF_EXECUTOR, .what = "fails to make a file")       \
    X(STORAGE_OPEN_ERROR, "storage.open_error", RECOVERS, "a file can't be opened", .effect = OD_EFFECT_FAIL, \
      .status = OD_IO, .points = ON(DISK_OPEN), OF_DISK_OF_EXECUTOR, .what = "fails to open a file")         \
    X(STORAGE_REMOVE_ERROR, "storage.remove_error", RECOVERS, "a file can't be removed, and stays",          \
      .effect = OD_EFFECT_FAIL, .status = OD_IO, .points = ON(DISK_REMOVE), OF_DISK_OF_EXECUTOR,             \
      .what = "fails to remove a file")                                                                      \
    X(STORAGE_FILE_MISSING, "storage.file_missing", RECOVERS, "a file is not there when it is opened",       \
      .effect = OD_EFFECT_FAIL, .status = OD_MISSING, .points = ON(DISK_OPEN), OF_DISK_OF_EXECUTOR,          \
      .what = "has lost a file")                                                                             \
    X(STORAGE_SHORT_WRITE, "storage.short_write", RECOVERS, "a write fails after half of it was done",       \
      .effect = OD_EFFECT_WRITE_SHORT, .status = OD_IO, .points = ON(DISK_WRITE), OF_DISK_OF_EXECUTOR,       \
      .what = "breaks off a write")                                                                          \
    X(STORAGE_SHORT_READ, "storage.short_read", RECOVERS, "a read finds the file's end too soon",            \
      .effect = OD_EFFECT_FAIL, .status = OD_CORRUPT, .points = ON(DISK_READ), OF_DISK_OF_EXECUTOR,          \
      .what = "gives too few bytes")                                                                         \
    X(STORAGE_TORN_WRITE, "storage.torn_write", RECOVERS, "half of a write is done, and the disk says all was", \
      .effect = OD_EFFECT_WRITE_TORN, .points = ON(DISK_WRITE), OF_DISK_OF_EXECUTOR, .what = "tears a write") \
    X(STORAGE_LOST_WRITE, "storage.lost_write", RECOVERS, "a write is not done, and the disk says it was",   \
      .effect = OD_EFFECT_WRITE_LOST, .points = ON(DISK_WRITE), OF_DISK_OF_EXECUTOR, .what = "loses a write") \
    X(STORAGE_MISDIRECTED_WRITE, "storage.misdirected_write", RECOVERS,                                      \
      "a write lands `by` bytes further on in its file", .effect = OD_EFFECT_WRITE_MISDIRECTED,              \
      .points = ON(DISK_WRITE), .amount = OD_FAULT_AMOUNT_BY, OF_DISK_OF_EXECUTOR, .what = "misdirects a write") \
    X(STORAGE_MISDIRECTED_READ, "storage.misdirected_read", RECOVERS,                                        \
      "a read gives what lies `by` bytes further on, or before", .effect = OD_EFFECT_READ_MISDIRECTED,       \
      .points = ON(DISK_READ), .amount = OD_FAULT_AMOUNT_BY, OF_DISK_OF_EXECUTOR, .what = "misdirects a read") \
    X(STORAGE_BIT_ROT, "storage.bit_rot", RECOVERS, "one bit of what is written changes, and stays so",      \
      .effect = OD_EFFECT_WRITE_FLIPPED, .points = ON(DISK_WRITE), .amount = OD_FAULT_AMOUNT_BIT,            \
      OF_DISK_OF_EXECUTOR, .what = "keeps one bit wrong")                                                    \
    X(STORAGE_READ_FLIP, "storage.read_flip", RECOVERS, "one bit of what is read is wrong, this time",       \
      .effect = OD_EFFECT_READ_FLIPPED, .points = ON(DISK_READ), .amount = OD_FAULT_AMOUNT_BIT,              \
      OF_DISK_OF_EXECUTOR, .what = "reads one bit wrong")                                                    \
    X(STORAGE_STALE_READ, "storage.stale_read", RECOVERS, "a read gives zeroes, as if the last write had not been yet", \
      .effect = OD_EFFECT_READ_ZEROED, .points = ON(DISK_READ), OF_DISK_OF_EXECUTOR, .what = "reads zeroes") \
    X(STORAGE_LATENCY, "storage.latency", RECOVERS, "a call of the disk takes `for`", .effect = OD_EFFECT_STALL, \
      .points = ON(DISK_READ) | ON(DISK_WRITE) | ON(DISK_SYNC), .has_duration = true, OF_DISK, .what = "takes long", \
      .after = "it answers after")                                                                           \
    X(STORAGE_FULL, "storage.full", MAY_FAIL, "an executor's disk takes no more bytes, for `for`",           \
      .effect = OD_EFFECT_DISK_FULL, OF_STATE, .what = "has a full disk", .after = "there is room again after") \
    X(STORAGE_READ_ONLY, "storage.read_only", MAY_FAIL, "an executor's disk takes no change, for `for`",     \
      .effect = OD_EFFECT_DISK_READ_ONLY, OF_STATE, .what = "has a read-only disk", .after = "it ends after")  \
    X(STORAGE_NO_DESCRIPTORS, "storage.no_descriptors", MAY_FAIL, "an executor can make and open no file, for `for`", \
      .effect = OD_EFFECT_NO_DESCRIPTORS, OF_STATE, .what = "is out of descriptors", .after = "it ends after") \
    X(STORAGE_DEAD, "storage.dead", MAY_FAIL, "every call of an executor's disk fails, for `for`",           \
      .effect = OD_EFFECT_DISK_DEAD, OF_STATE, .what = "has a dead disk", .after = "it ends after")

/* Of an executor or the driver (executor=0), at a time. */
#define OF_CLOCK                                                                                             \
    .points = ON(TASK_START) | ON(TASK_STEP) | ON(MESSAGE_SEND), .at_time = true, .has_duration = true,      \
    .may_last = true, .target = OD_FAULT_TARGET_ACTOR, .who = OD_FAULT_WHO_ACTOR
#define OD_FAULT_CLOCK_LIST(X)                                                                               \
    X(CLOCK_JUMP_FORWARD, "clock.jump_forward", RECOVERS, "a clock is ahead by `ms`, for `for`",             \
      .effect = OD_EFFECT_CLOCK_AHEAD, .amount = OD_FAULT_AMOUNT_MS, OF_CLOCK, .what = "has a clock that jumps ahead", \
      .after = "and back after")                                                                             \
    X(CLOCK_JUMP_BACK, "clock.jump_back", RECOVERS, "a clock is behind by `ms`, for `for`",                  \
      .effect = OD_EFFECT_CLOCK_BEHIND, .amount = OD_FAULT_AMOUNT_MS, OF_CLOCK, .what = "has a clock that jumps back", \
      .after = "and ahead after")                                                                            \
    X(CLOCK_DRIFT_FAST, "clock.drift_fast", RECOVERS, "a clock goes too fast by one part in 2, for `for`",   \
      .effect = OD_EFFECT_CLOCK_FAST, OF_CLOCK, .what = "has a fast clock", .after = "right again after")    \
    X(CLOCK_DRIFT_SLOW, "clock.drift_slow", RECOVERS, "a clock goes at half its speed, for `for`",           \
      .effect = OD_EFFECT_CLOCK_SLOW, OF_CLOCK, .what = "has a slow clock", .after = "right again after")    \
    X(CLOCK_STROBE, "clock.strobe", RECOVERS, "a clock jumps to and fro by `ms` every 2 ms, for `for`",      \
      .effect = OD_EFFECT_CLOCK_STROBE, .amount = OD_FAULT_AMOUNT_MS, OF_CLOCK, .what = "has a jumping clock", \
      .after = "right again after")                                                                          \
    X(CLOCK_FREEZE, "clock.freeze", RECOVERS, "a clock stands still, for `for`", .effect = OD_EFFECT_CLOCK_FROZEN, \
      OF_CLOCK, .what = "has a frozen clock", .after = "right again after")                                  \
    X(CLOCK_COARSE, "clock.coarse", RECOVERS, "a clock shows whole 10 ms only, so that many times are equal, for `for`", \
      .effect = OD_EFFECT_CLOCK_COARSE, OF_CLOCK, .what = "has a coarse clock", .after = "right again after") \
    X(CLOCK_TIMERS_LATE, "clock.timers_late", RECOVERS, "an actor's timers come late by `ms`, for `for`",    \
      .effect = OD_EFFECT_TIMERS_LATE, .amount = OD_FAULT_AMOUNT_MS, OF_CLOCK, .what = "has late timers", .after = "it ends after") \
    X(CLOCK_TIMERS_EARLY, "clock.timers_early", RECOVERS, "an actor's timers come at half their time, for `for`", \
      .effect = OD_EFFECT_TIMERS_EARLY, OF_CLOCK, .what = "has early timers", .after = "it ends after")        \
    X(CLOCK_TIMER_TWICE, "clock.timer_twice", RECOVERS, "a timer fires twice", .effect = OD_EFFECT_TIMER_TWICE, \
      .points = ON(TIMER_SET), .who = OD_FAULT_WHO_ACTOR, .what = "gets a timer twice")                      \
    X(CLOCK_TIMER_LATE, "clock.timer_late", RECOVERS, "one timer fires late by `for`", .effect = OD_EFFECT_TIMER_LATE, \
      .points = ON(TIMER_SET), .has_duration = true, .who = OD_FAULT_WHO_ACTOR, .what = "gets a timer late", .after = "by") \
    X(CLOCK_SKEW_AHEAD, "clock.skew_ahead", RECOVERS, "a life begins with a clock that is ahead by `ms`, for `for`", \
      .effect = OD_EFFECT_CLOCK_AHEAD, .amount = OD_FAULT_AMOUNT_MS, OF_BIRTH, .what = "has a clock that is ahead", \
      .after = "right after")                                                                                \
    X(CLOCK_SKEW_BEHIND, "clock.skew_behind", RECOVERS, "a life begins with a clock that is behind by `ms`, for `for`", \
      .effect = OD_EFFECT_CLOCK_BEHIND, .amount = OD_FAULT_AMOUNT_MS, OF_BIRTH, .what = "has a clock that is behind", \
      .after = "right after")
#define OF_BIRTH .points = ON(ACTOR_START), .has_duration = true, .may_last = true, .who = OD_FAULT_WHO_ACTOR

#define OD_FAULT_MEMORY_LIST(X)                                                                              \
    X(MEMORY_REFUSED, "memory.refused", MAY_FAIL, "memory is refused", .effect = OD_EFFECT_FAIL,             \
      .status = OD_NO_MEMORY, .points = ON(MEMORY_TAKE), .victim = OD_FAULT_OF_EXECUTOR,                     \
      .who = OD_FAULT_WHO_ACTOR, .what = "is refused memory")                                                \
    X(MEMORY_LIMIT, "memory.limit", MAY_FAIL, "an executor gets no memory beyond `limit` KiB, for `for`",    \
      .effect = OD_EFFECT_MEMORY_LIMIT, .amount = OD_FAULT_AMOUNT_LIMIT, OF_STATE, .what = "has little memory", \
      .after = "it ends after")

#define OD_FAULT_SPECULATION_LIST(X)                                                                         \
    X(SPECULATION_KILL_LOST, "speculation.kill_lost", RECOVERS, "the order to stop an attempt, of two that run, say, never arrives", .effect = OD_EFFECT_LOSE, \
      OF_MESSAGES, .roles = ROLE(CANCEL), .what = "that stops an attempt never arrives")                     \
    X(SPECULATION_KILL_LATE, "speculation.kill_late", RECOVERS, "the order to stop an attempt, of two that run, say, arrives later by `for`", \
      .effect = OD_EFFECT_DELAY, OF_MESSAGES, .roles = ROLE(CANCEL), .has_duration = true,                   \
      .what = "that stops an attempt arrives late", .after = "by")                                           \
    X(SPECULATION_KILL_TWICE, "speculation.kill_twice", RECOVERS, "the order to stop an attempt, of two that run, say, arrives twice", \
      .effect = OD_EFFECT_DUPLICATE, OF_MESSAGES, .roles = ROLE(CANCEL), .has_duration = true,               \
      .what = "that stops an attempt arrives twice", .after = "the copy later by")
#define OF_BLOCK_OF_DRIVER .victim = OD_FAULT_OF_DRIVER, .who = OD_FAULT_WHO_BLOCK
#define OD_FAULT_LINEAGE_LIST(X)                                                                             \
    X(LINEAGE_LOSS_UNHEARD, "lineage.loss_unheard", RECOVERS,                                                \
      "a reader is not told that the executor it reads from is gone", .effect = OD_EFFECT_LOSE, OF_MESSAGES, \
      .roles = ROLE(LOSS), .what = "with the news of a loss never arrives")                                  \
    X(LINEAGE_COPY_LOST, "lineage.copy_lost", RECOVERS,                                                      \
      "the order to keep a copy of an output, or its answer, never arrives", .effect = OD_EFFECT_LOSE, OF_MESSAGES, \
      .roles = ROLE(COPY), .what = "about a copy of an output never arrives")                                \
    X(LINEAGE_CHECKPOINT_TORN, "lineage.checkpoint_torn", RECOVERS, "the end of a checkpoint is not written", \
      .effect = OD_EFFECT_DAMAGE, .damage = OD_DAMAGE_CUT, .amount = OD_FAULT_AMOUNT_CUT, .points = ON(BLOCK_WRITE), \
      OF_BLOCK_OF_DRIVER, .what = "of a checkpoint loses its end")                                           \
    X(LINEAGE_CHECKPOINT_FLIP, "lineage.checkpoint_bit_flip", RECOVERS,                                      \
      "one bit of a checkpoint changes, as it is written or read", .effect = OD_EFFECT_DAMAGE, .damage = OD_DAMAGE_FLIP, \
      .amount = OD_FAULT_AMOUNT_BIT, .points = ON(BLOCK_WRITE) | ON(BLOCK_SERVE), OF_BLOCK_OF_DRIVER,        \
      .what = "of a checkpoint has one bit changed")                                                         \
    X(LINEAGE_CHECKPOINT_LOST, "lineage.checkpoint_lost", RECOVERS, "a checkpoint is not there when a reader asks", \
      .effect = OD_EFFECT_FAIL, .status = OD_MISSING, .points = ON(BLOCK_SERVE), OF_BLOCK_OF_DRIVER,         \
      .what = "of a checkpoint is missing")                                                                  \
    X(LINEAGE_CHECKPOINT_UNREADABLE, "lineage.checkpoint_unreadable", RECOVERS,                              \
      "a checkpoint can't be read when a reader asks", .effect = OD_EFFECT_FAIL, .status = OD_IO, .points = ON(BLOCK_SERVE), \
      OF_BLOCK_OF_DRIVER, .what = "of a checkpoint can't be read")

#define OD_FAULT_SOURCE_LIST(X)                                                                              \
    X(SOURCE_ERROR, "source.error", RECOVERS, "the next rows of a table can't be read", .effect = OD_EFFECT_FAIL, \
      .status = OD_IO, .points = ON(SCAN_READ), .what = "fails")                                             \
    X(SOURCE_MISSING, "source.missing", RECOVERS, "a part of a table is not there when it is read",          \
      .effect = OD_EFFECT_FAIL, .status = OD_MISSING, .points = ON(SCAN_READ), .what = "finds nothing")      \
    X(SOURCE_TRUNCATED, "source.truncated", RECOVERS, "a part of a table ends too soon when it is read",     \
      .effect = OD_EFFECT_FAIL, .status = OD_CORRUPT, .points = ON(SCAN_READ), .what = "finds an end too soon") \
    X(SOURCE_SLOW, "source.slow", RECOVERS, "the next rows of a table take `for` to be read", .effect = OD_EFFECT_STALL, \
      .points = ON(SCAN_READ), .has_duration = true, .what = "waits", .after = "it goes on after")

#define OF_COMMIT .victim = OD_FAULT_OF_DRIVER, .who = OD_FAULT_WHO_DRIVER
#define OD_FAULT_SINK_LIST(X)                                                                                \
    X(SINK_ACK_LOST, "sink.ack_lost", RECOVERS, "the word that a success was counted never arrives", .effect = OD_EFFECT_LOSE, \
      OF_MESSAGES, .roles = ROLE(ACKNOWLEDGEMENT), .what = "that acknowledges a success never arrives")      \
    X(SINK_ACK_LATE, "sink.ack_late", RECOVERS, "the word that a success was counted arrives later by `for`", \
      .effect = OD_EFFECT_DELAY, OF_MESSAGES, .roles = ROLE(ACKNOWLEDGEMENT), .has_duration = true,          \
      .what = "that acknowledges a success arrives late", .after = "by")                                     \
    X(SINK_ACK_TWICE, "sink.ack_twice", RECOVERS, "the word that a success was counted arrives twice",       \
      .effect = OD_EFFECT_DUPLICATE, OF_MESSAGES, .roles = ROLE(ACKNOWLEDGEMENT), .has_duration = true,      \
      .what = "that acknowledges a success arrives twice", .after = "the copy later by")                     \
    X(SINK_RESULT_LOST, "sink.result_lost", RECOVERS, "a block of the result never arrives", .effect = OD_EFFECT_LOSE, \
      OF_MESSAGES, .roles = ROLE(REPLY), .links = OD_LINK_TO_DRIVER, .what = "with a block of the result never arrives") \
    X(SINK_RESULT_LATE, "sink.result_late", RECOVERS, "a block of the result arrives later by `for`",        \
      .effect = OD_EFFECT_DELAY, OF_MESSAGES, .roles = ROLE(REPLY), .links = OD_LINK_TO_DRIVER, .has_duration = true, \
      .what = "with a block of the result arrives late", .after = "by")                                      \
    X(SINK_RESULT_TWICE, "sink.result_twice", RECOVERS, "a block of the result arrives twice",               \
      .effect = OD_EFFECT_DUPLICATE, OF_MESSAGES, .roles = ROLE(REPLY), .links = OD_LINK_TO_DRIVER, .has_duration = true, \
      .what = "with a block of the result arrives twice", .after = "the copy later by")                      \
    X(SINK_RESULT_FLIP, "sink.result_bit_flip", RECOVERS, "one bit of a block that the driver fetches changes: of the result, or for a checkpoint", \
      .effect = OD_EFFECT_DAMAGE, .damage = OD_DAMAGE_FLIP, .amount = OD_FAULT_AMOUNT_BIT, .points = ON(BLOCK_RECEIVE), \
      OF_BLOCK_OF_DRIVER, .what = "of the result has one bit changed")                                       \
    X(SINK_RESULT_TRUNCATED, "sink.result_truncated", RECOVERS, "the end of a block that the driver fetches is cut off: of the result, or for a checkpoint", \
      .effect = OD_EFFECT_DAMAGE, .damage = OD_DAMAGE_CUT, .amount = OD_FAULT_AMOUNT_CUT, .points = ON(BLOCK_RECEIVE), \
      OF_BLOCK_OF_DRIVER, .what = "of the result loses its end")                                             \
    X(SINK_RESULT_MISSING, "sink.result_missing", RECOVERS, "the driver is told that a block it fetches is not there: of the result, or for a checkpoint", \
      .effect = OD_EFFECT_FAIL, .status = OD_MISSING, .points = ON(BLOCK_RECEIVE), OF_BLOCK_OF_DRIVER,       \
      .what = "of the result is missing")                                                                    \
    X(SINK_COMMIT_REFUSED, "sink.commit_refused", RECOVERS, "the driver can't count a success: it is done again", \
      .effect = OD_EFFECT_FAIL, .status = OD_IO, .points = ON(COMMIT), OF_COMMIT, .what = "can't count a success") \
    X(SINK_CRASH_BEFORE, "sink.crash_before_commit", RECOVERS, "the driver dies as it is about to count a success", \
      .effect = OD_EFFECT_KILL, .points = ON(COMMIT), .has_duration = true, OF_COMMIT, .property = "F4", .what = "dies", \
      .after = "a new one starts after")                                                                     \
    X(SINK_CRASH_AFTER, "sink.crash_after_commit", RECOVERS,                                                 \
      "the driver dies when it has counted a success and told nobody", .effect = OD_EFFECT_KILL, .points = ON(COMMITTED), \
      .has_duration = true, OF_COMMIT, .property = "F4", .what = "dies", .after = "a new one starts after")  \
    X(SINK_STALL, "sink.slow_commit", RECOVERS, "the driver takes `for` to count a success, and does nothing else", \
      .effect = OD_EFFECT_STALL, .points = ON(COMMIT) | ON(COMMITTED), .has_duration = true, OF_COMMIT,      \
      .what = "takes long to count a success", .after = "it goes on after")

#define OD_FAULT_SCHEDULING_LIST(X)                                                                          \
    X(SCHEDULING_STEP_ORDER, "scheduling.step_order", RECOVERS,                                              \
      "an executor's timers come up to 2 ms late, for `for`, each by another time: its attempts take turns in another order", \
      .effect = OD_EFFECT_TIMERS_JITTER, .amount = OD_FAULT_AMOUNT_SEED, OF_STATE, .what = "has its turns in another order", \
      .after = "it ends after")                                                                              \
    X(SCHEDULING_MESSAGE_ORDER, "scheduling.message_order", RECOVERS,                                        \
      "what an executor is sent comes up to 2 ms late, for `for`, each message by another time: it handles them in another order", \
      .effect = OD_EFFECT_JITTER, .links = OD_LINK_IN, .amount = OD_FAULT_AMOUNT_SEED, OF_STATE,             \
      .what = "has its messages in another order", .after = "it ends after")

#endif
