/* opinion: second opinions: what another engine answers to the same SQL over the same tables.
 *
 *   open -> load (tables as CSV) -> (ask -> compare)* -> close
 *
 * One table of operations an engine; an engine that is not there says so when it is opened (MISSING: undecided, not a failure).
 * DuckDB is looked for at run time: $ORDEAL_DUCKDB, else the cache that `ci/install engines` fills, else the system's
 * libduckdb.so. PostgreSQL is a server that is already there: $ORDEAL_POSTGRES, a libpq connection string (`ci/postgres`
 * starts a private one); its schema "ordeal_opinion" is dropped and made anew.
 *
 * Answers are compared as multisets of rows. Text, dates, booleans and whole numbers must be equal; doubles may differ by a
 * relative 1e-9; decimals too, but for PostgreSQL, whose decimals ours must equal to the digit. */
#ifndef OD_HARNESS_OPINION_H
#define OD_HARNESS_OPINION_H

#include "engine/core/buffer.h"
#include "engine/data/batch.h"
#include "properties/answer.h"
#include "properties/property.h"

/* Gets an answer: first its width, then its cells, row by row. NULL text is NULL. False stops: no memory. */
struct od_opinion_sink {
    bool (*width)(void *self, uint32_t column_count);
    bool (*cell)(void *self, const char *text);
    void *self;
};

struct od_opinion_ops {
    const char *name;
    bool decimals_are_exact;
    /* *self_out is NULL on failure. MISSING: the engine is not here; the text says how to get it. */
    enum od_status (*open)(void **self_out, char *version_out, size_t version_size, struct od_error *error);
    void (*close)(void *self);
    /* Makes the table anew with `declaration` (a CREATE TABLE) and fills it with CSV (with a header). */
    enum od_status (*load)(void *self, const char *table_name, const char *declaration, const char *csv,
                           size_t csv_size, struct od_error *error);
    /* EVALUATION: it gave an error instead of an answer, which is an answer too. */
    enum od_status (*ask)(void *self, const char *sql, const struct od_opinion_sink *sink, struct od_error *error);
    /* Statements without an answer. */
    enum od_status (*execute)(void *self, const char *sql, struct od_error *error);
};
extern const struct od_opinion_ops od_opinion_duckdb;
extern const struct od_opinion_ops od_opinion_postgres;

struct od_opinion {
    const struct od_opinion_ops *ops;
    void *self;
    char version[80];
};

/* "duckdb" or "postgres". BAD_INPUT for another name, MISSING when the engine is not here. */
enum od_status od_opinion_open(const char *name, struct od_opinion *opinion_out, struct od_error *error);
void od_opinion_close(struct od_opinion *opinion); /* a zeroed one is fine */
enum od_status od_opinion_load(struct od_opinion *opinion, const struct od_table *table, struct od_error *error);
/* `said` gets in words what was compared. A difference is finding R2. `answer` may be NULL: ours was an error, and so must
 * be theirs. NO_MEMORY. */
enum od_status od_opinion_compare(struct od_opinion *opinion, const char *sql, const struct od_table *answer,
                                  struct od_finding *finding, char *said, size_t said_size, struct od_error *error);

/* The parts of it. Their rows, as values that are compared with those of _express, our rows as they would say them; a width other
 * than the schema's is BAD_INPUT. EVALUATION: they have an error, whose text begins with its SQLSTATE where there is one;
 * TIMED_OUT: they gave up. */
enum od_status od_opinion_ask(const struct od_opinion *opinion, const char *sql, const struct od_schema *schema,
                              struct od_arena *arena, struct od_answer *answer_out, struct od_error *error);
enum od_status od_opinion_express(const struct od_opinion *opinion, const struct od_answer *rows,
                                  const struct od_schema *schema, struct od_arena *arena, struct od_answer *answer_out,
                                  struct od_error *error);

#endif
