/* exit_status: what `ordeal` ends with, for every command; scripts depend on these numbers. */
#ifndef OD_HARNESS_EXIT_STATUS_H
#define OD_HARNESS_EXIT_STATUS_H

enum od_exit {
    OD_EXIT_HELD = 0,      /* all held */
    OD_EXIT_FAILED = 1,    /* a property failed, or a regression is confirmed */
    OD_EXIT_BAD_INPUT = 2, /* bad usage or bad input; the message names place and what was expected */
    OD_EXIT_UNDECIDED = 3, /* undecided, or the engine under test is not available */
    OD_EXIT_OWN_BUG = 4    /* a bug in ordeal itself, or the machine let it down (no memory, full disk) */
};

#endif
