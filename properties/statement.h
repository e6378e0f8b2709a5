/* statement: a drawn SQL statement: its text, what is in it, and how far its answer is determined.
 *
 * The text is PostgreSQL's dialect; where it has only features that another engine shares, it is that
 * engine's too. */
#ifndef OD_PROPERTIES_STATEMENT_H
#define OD_PROPERTIES_STATEMENT_H

#include "properties/generate.h"
#include "properties/statement_features.h"

#define OD_QUERY_KEYS_MAX 8u

struct od_statement {
    const char *sql;
    bool features[OD_QUERY_FEATURE_COUNT];
    /* Output columns by which the answer is ordered, from 0: the columns are in this order whoever
     * answers. What else orders it (expressions) ends the list. */
    uint32_t key_count;
    uint32_t keys[OD_QUERY_KEYS_MAX];
};

const char *od_query_feature_text(enum od_query_feature feature);
const char *od_oracle_text(enum od_oracle oracle);
/* "model,sqlite": a bit (1 << enum od_oracle) each. BAD_INPUT lists the names. */
enum od_status od_oracles_parse(const char *text, uint32_t *oracles_out, struct od_error *error);
/* Whether all of these oracles (bits) mean the same by it. */
bool od_query_feature_is_shared(enum od_query_feature feature, uint32_t oracles);
/* Whether the oracle means the same by the statement; if not, *feature_out is the first feature in the
 * way. */
bool od_query_is_shared(const struct od_statement *query, enum od_oracle oracle,
                        enum od_query_feature *feature_out);
/* gen_query_table.c: the tables of SQL statements. Columns of one name have one kind of value in all
 * tables, and a pool that they share, so that joins of any form find partners:
 *   a b integer or bigint   c text   d double precision   e numeric   f date   g timestamp   h boolean */
#define OD_QUERY_TABLES_MAX  4u
#define OD_QUERY_COLUMNS_MAX 8u
#define OD_QUERY_ROWS_MAX    12u
struct od_table *od_gen_query_table(struct od_gen *gen, uint32_t table_index);

/* gen_query.c: a statement over gen->tables. NULL and gen->status on failure. */
const struct od_statement *od_gen_query(struct od_gen *gen);

#endif
