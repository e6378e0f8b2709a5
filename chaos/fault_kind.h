/* fault_kind: how each kind of fault acts, where it may, and what it takes: the row behind parsing, drawing, matching, acting and
 * explaining. Inside chaos/ only.
 *
 * An effect is either done at a hit (a call fails, bytes change, a message is lost), or opens a window: a state of one actor
 * that lasts from then on for `for` and is asked about at each call of the seam that it concerns. */
#ifndef OD_CHAOS_FAULT_KIND_H
#define OD_CHAOS_FAULT_KIND_H

#include "chaos/fault.h"
#include "engine/world/world.h"

enum od_fault_effect {
    /* --- windows. Messages of the row's links, of one actor: */
    OD_EFFECT_CUT,           /* are lost */
    OD_EFFECT_CLOG,          /* wait until the end */
    OD_EFFECT_CLOG_SHUFFLED, /* wait until the end, and come in another order */
    OD_EFFECT_CLOG_SOME,     /* of some links, wait, each link's until another time */
    OD_EFFECT_LOSSY,         /* are lost, one in three */
    OD_EFFECT_ECHO,          /* come again a little later */
    OD_EFFECT_TAIL,          /* are late, few of them by much */
    OD_EFFECT_SWAP,          /* every other one is overtaken */
    OD_EFFECT_JITTER,        /* are a little late, each by another time */
    OD_EFFECT_BANDWIDTH,     /* queue for a link of `rate` KiB/s */
    /* The clock and the timers of one actor: */
    OD_EFFECT_CLOCK_AHEAD,
    OD_EFFECT_CLOCK_BEHIND,
    OD_EFFECT_CLOCK_FAST,
    OD_EFFECT_CLOCK_SLOW,
    OD_EFFECT_CLOCK_STROBE,
    OD_EFFECT_CLOCK_FROZEN,
    OD_EFFECT_CLOCK_COARSE,
    OD_EFFECT_TIMERS_JITTER,
    OD_EFFECT_TIMERS_LATE,
    OD_EFFECT_TIMERS_EARLY,
    /* Its disk: */
    OD_EFFECT_DISK_FULL,
    OD_EFFECT_DISK_READ_ONLY,
    OD_EFFECT_NO_DESCRIPTORS,
    OD_EFFECT_DISK_DEAD,
    /* Its memory: */
    OD_EFFECT_MEMORY_LIMIT,
    OD_EFFECT_WINDOW_COUNT,

    /* --- done at a hit, or at a time. By the host: */
    OD_EFFECT_KILL = OD_EFFECT_WINDOW_COUNT, /* the row's group of executors, or the driver */
    OD_EFFECT_PAUSE,
    OD_EFFECT_SLOW,
    OD_EFFECT_STALL, /* the handler that runs takes `for` longer */
    OD_EFFECT_ADD,
    OD_EFFECT_ORDER,
    OD_EFFECT_FORGET_DISK,
    OD_EFFECT_RESET,
    /* By whoever hit the point: */
    OD_EFFECT_FAIL, /* with the row's status */
    OD_EFFECT_DAMAGE,
    /* By the wrapper of messages and timers: */
    OD_EFFECT_LOSE,
    OD_EFFECT_DELAY,
    OD_EFFECT_DUPLICATE,
    OD_EFFECT_NEXT_LOSE, /* the next message of this handler to the driver */
    OD_EFFECT_NEXT_DELAY,
    OD_EFFECT_NEXT_DUPLICATE,
    OD_EFFECT_HANG, /* the next timer of this handler that is due at once comes `for` later */
    OD_EFFECT_TIMER_LATE,
    OD_EFFECT_TIMER_TWICE,
    /* By the wrapper of the disk: */
    OD_EFFECT_WRITE_SHORT, /* half of it, and the row's status */
    OD_EFFECT_WRITE_TORN,  /* half of it, and OK */
    OD_EFFECT_WRITE_LOST,
    OD_EFFECT_WRITE_MISDIRECTED,
    OD_EFFECT_WRITE_FLIPPED,
    OD_EFFECT_READ_MISDIRECTED,
    OD_EFFECT_READ_FLIPPED,
    OD_EFFECT_READ_ZEROED,
    OD_EFFECT_COUNT
};

/* What becomes of bytes that pass a point. */
enum od_fault_damage {
    OD_DAMAGE_FLIP,       /* bit `amount` modulo the size */
    OD_DAMAGE_CUT,        /* `amount` bytes off the end */
    OD_DAMAGE_ZERO,
    OD_DAMAGE_EMPTY,
    OD_DAMAGE_HEADER,     /* a bit of the first 64 bytes */
    OD_DAMAGE_SWAP_BYTES, /* the first two neighbours that differ */
    OD_DAMAGE_OTHER,      /* what passed this point before: the wrapper keeps it */
    OD_DAMAGE_COUNT
};

enum od_fault_amount {
    OD_FAULT_AMOUNT_NONE,
    OD_FAULT_AMOUNT_BIT,    /* `bit=`: which one is changed; default 0 */
    OD_FAULT_AMOUNT_CUT,    /* `cut=`: bytes that go; default 1 */
    OD_FAULT_AMOUNT_KEEP,   /* `keep=`: bytes that stay; default 0; and `lost=`: one write that does not */
    OD_FAULT_AMOUNT_FACTOR, /* `factor=`: default 10 */
    OD_FAULT_AMOUNT_RATE,   /* `rate=`: KiB a second; default 64 */
    OD_FAULT_AMOUNT_BY,     /* `by=`: bytes, at most 1 MiB; default 512 */
    OD_FAULT_AMOUNT_MS,     /* `ms=`: milliseconds; default 200 */
    OD_FAULT_AMOUNT_LIMIT,  /* `limit=`: KiB; default 64 */
    OD_FAULT_AMOUNT_SEED,   /* `seed=`: what is left to chance; default 0 */
    OD_FAULT_AMOUNT_COUNT
};
struct od_fault_amount_row {
    const char *key; /* NULL: the kind takes none */
    uint32_t least;
    uint32_t most;        /* what lands far behind a file's end fills it up to there */
    uint32_t plain;       /* the default: not printed */
    const char *unit;     /* in words */
    const char *expected; /* told where it is none */
};
const struct od_fault_amount_row *od_fault_amount_row(enum od_fault_amount amount);

/* Whose hits of a point count. */
enum od_fault_victim { OD_FAULT_OF_ANYBODY, OD_FAULT_OF_EXECUTOR, OD_FAULT_OF_DRIVER };
/* What a fault at a time must name. ACTOR: executor=, and 0 is the driver. */
enum od_fault_target {
    OD_FAULT_TARGET_NONE,
    OD_FAULT_TARGET_EXECUTOR,
    OD_FAULT_TARGET_QUERY,
    OD_FAULT_TARGET_ACTOR,
    OD_FAULT_TARGET_COUNT
};
/* Of whom a sentence about it speaks. */
enum od_fault_who {
    OD_FAULT_WHO_ATTEMPT,
    OD_FAULT_WHO_EXECUTOR,
    OD_FAULT_WHO_BLOCK,
    OD_FAULT_WHO_MESSAGE,
    OD_FAULT_WHO_DRIVER,
    OD_FAULT_WHO_NEW,
    OD_FAULT_WHO_QUERY,
    OD_FAULT_WHO_DISK,
    OD_FAULT_WHO_ACTOR
};

/* Between whom a message goes, as the far end from the victim sees it. */
enum od_fault_link {
    OD_LINK_TO_DRIVER = 1,
    OD_LINK_FROM_DRIVER = 2,
    OD_LINK_TO_PEER = 4, /* executor to executor: what the victim sends */
    OD_LINK_FROM_PEER = 8,
    OD_LINK_PEERS = OD_LINK_TO_PEER | OD_LINK_FROM_PEER,
    OD_LINK_OUT = OD_LINK_TO_DRIVER | OD_LINK_TO_PEER,
    OD_LINK_IN = OD_LINK_FROM_DRIVER | OD_LINK_FROM_PEER,
    OD_LINK_ALL = OD_LINK_OUT | OD_LINK_IN
};

struct od_fault_kind_row {
    const char *text;
    const char *sentence;
    enum od_fault_promise promise;
    enum od_fault_effect effect;
    uint32_t points;   /* one bit per od_point */
    bool at_time;      /* may be addressed by time instead of a point */
    bool has_duration; /* `for=` means something */
    bool may_last;     /* `for=never`: until the schedule heals */
    enum od_fault_amount amount;
    enum od_fault_victim victim;
    enum od_fault_target target;
    enum od_status status;       /* of FAIL, WRITE_SHORT */
    enum od_fault_damage damage; /* of DAMAGE */
    enum od_order_kind order;    /* of ORDER */
    uint32_t group;              /* of KILL, CUT: executors g * group + 1 .. are struck together; 0: one */
    uint32_t links;              /* of messages: which count; 0: all */
    uint32_t roles;              /* likewise: one bit per od_message_role; 0: all */
    enum od_fault_who who;
    const char *what;  /* "dies" */
    const char *after; /* before the duration; NULL: none is told */
    const char *property; /* that would notice a wrong reaction; NULL: the effect's (fault_table.c) */
};

/* `kind` must be one of the list. */
const struct od_fault_kind_row *od_fault_kind_row(enum od_fault_kind kind);

/* The parts of a world that a schedule reaches: the others need no wrapper. */
enum od_fault_part {
    OD_PART_POINTS = 1,
    OD_PART_NET = 2,
    OD_PART_DISK = 4,
    OD_PART_MEMORY = 8,
    OD_PART_CLOCK = 16,
    OD_PART_TIMERS = 32,
    OD_PART_ALL = 63
};
uint32_t od_schedule_parts(const struct od_schedule *schedule);

static inline bool od_effect_is_window(enum od_fault_effect effect)
{
    return effect < OD_EFFECT_WINDOW_COUNT;
}
/* A message of this role is among those that the row speaks of. */
static inline bool od_fault_has_role(const struct od_fault_kind_row *row, enum od_message_role role)
{
    return row->roles == 0 || (row->roles >> role & 1) != 0;
}
/* It acts on bytes that pass: a hit without any is none. */
bool od_fault_needs_bytes(const struct od_fault_kind_row *row);

#endif
