/* property_list: the one list of properties; property.c makes the table of it. The order and the weights are
 * part of the meaning of stored choices: append, do not insert.
 *   X(CODE, function, weight, root, plain numbers, sentence) */
#ifndef OD_PROPERTIES_PROPERTY_LIST_H
#define OD_PROPERTIES_PROPERTY_LIST_H

#include "properties/property.h"

#define OD_PROPERTY_LIST(X)                                                                                  \
    X("F1", f1, 40, ANY, false, "under any schedule within the retry budget the answer is the model's")      \
    X("R1", r1, 8, ANY, false, "undisturbed, the answer is the model's")                                     \
    X("F8", f8, 6, ANY, false, "the same case twice gives the same digest and the same answer")              \
    X("A3", a3, 8, ANY, false,                                                                               \
      "other counts, kinds of join, hashes and limits of memory change nothing")                             \
    X("A2", a2, 6, ANY, false, "permuting the rows of the tables changes nothing")                           \
    X("J1", j1, 6, INNER_JOIN, false, "an inner join commutes")                                              \
    X("J2", j2, 6, LEFT_JOIN, false, "a left join is the inner join and the left rows without a partner")    \
    X("A4", a4, 6, GROUPS, false,                                                                            \
      "the counts of groups add up to the input; the groups are the distinct keys")                          \
    X("E1", e1, 6, FILTER, false, "the rows where p, not p, and p is null are the rows")                     \
    X("H1", h1, 3, GROUPS, false, "shuffles keep the multiset of rows")                                      \
    X("H5", h5, 3, INNER_JOIN, false, "each block is read once a reader, of one committed attempt")          \
    X("R2", r2, 6, ANY, true, "undisturbed, the answer is SQLite's")                                         \
    X("F12", f12, 6, ANY, false, "what an earlier query left in caches changes no answer")

#define X(code, name, weight, root, plain, sentence)                                                         \
    enum od_status od_check_##name(const struct od_case *test_case, struct od_subject *subject,              \
                                   struct od_finding *finding, struct od_error *error);
OD_PROPERTY_LIST(X)
#undef X

#endif
