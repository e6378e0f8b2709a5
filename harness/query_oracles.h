/* query_oracles: what others answer to a drawn statement: the model, SQLite, DuckDB, PostgreSQL.
 *
 * Each is asked where it means the same by all that is in the statement (properties/statement_features.h).
 * Tables are loaded when they are not those of the statement before. Findings: OM, OS, OD, OP an answer or
 * its order differs from the model's, SQLite's, DuckDB's, PostgreSQL's; EM, EP one side fails and the
 * other does not. Errors that may or may not be met, depending on the plan, are compared only where each
 * plan meets them. */
#ifndef OD_HARNESS_QUERY_ORACLES_H
#define OD_HARNESS_QUERY_ORACLES_H

#include "properties/property.h"
#include "properties/statement.h"

/* What became of asking somebody. */
enum od_asked {
    OD_ASKED_NOT,
    OD_ASKED_COMPARED,
    OD_ASKED_FOREIGN,  /* the statement is not in its language */
    OD_ASKED_OUTVOTED, /* differs from us, and PostgreSQL says what we say */
    OD_ASKED_OPEN,     /* failed where failing is open, or did not end in time, or does not know it */
    OD_ASKED_COUNT
};
struct od_query_tally {
    enum od_status status; /* ours */
    enum od_asked asked[OD_ORACLE_COUNT];
};

struct od_query_oracles;

/* `oracles`: bits of enum od_oracle. MISSING: one is not here; the text says how to get it. */
enum od_status od_query_oracles_open(uint32_t oracles, struct od_query_oracles **oracles_out,
                                     struct od_error *error);
void od_query_oracles_close(struct od_query_oracles *oracles); /* NULL is fine */
/* The oracle that a finding came from; 0: none. */
uint32_t od_query_oracles_of(const char *code);
enum od_status od_query_oracles_ask(struct od_query_oracles *oracles, const struct od_case *test_case,
                                    const struct od_statement_outcome *outcome, struct od_query_tally *tally,
                                    struct od_finding *finding, struct od_error *error);

#endif
