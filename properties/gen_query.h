/* gen_query: what the parts of the statement generator share. Internal to gen_query*.c; others see
 * statement.h.
 *
 *   gen_query.c         WITH, set operations, ORDER BY, LIMIT: a whole query
 *   gen_query_select.c  SELECT ... WHERE, GROUP BY, HAVING, WINDOW over
 *   gen_query_from.c    tables, derived tables, joins
 *   gen_query_expr.c    expressions and subqueries in them; gen_query_words.c: tables of their parts
 *
 * Texts are put together from texts in the arena. Types are known as far as the grammar needs them:
 * PostgreSQL decides what a statement's types are, a slip here only makes a statement that everybody
 * refuses. Draw 0 is always the plainest thing. */
#ifndef OD_PROPERTIES_GEN_QUERY_H
#define OD_PROPERTIES_GEN_QUERY_H

#include "properties/statement.h"

#define OD_SCOPE_COLUMNS_MAX 48u
#define OD_LIST_COLUMNS_MAX  5u
#define OD_CTES_MAX          3u

/* A column as one writes it. */
struct od_named {
    const char *text; /* "q1.a", or after grouping "count(*)" */
    const char *name; /* "a"; NULL: an expression */
    enum od_type type;
    bool is_hidden; /* merged by USING: not among the columns that * and NATURAL see */
    bool is_outer;  /* subqueries may read it: qualified, and no call */
    bool is_key;    /* of the groups that the scope's rows are */
};
struct od_scope {
    uint32_t count;
    struct od_named columns[OD_SCOPE_COLUMNS_MAX];
    const struct od_scope *outer; /* of the query around; NULL: none */
    uint32_t rows;                /* at most so many, about */
    uint32_t first_call;          /* from here on columns are aggregates and window calls; 0: none are */
};
/* Columns of a query, as whoever uses it sees them. */
struct od_outputs {
    uint32_t count;
    struct od_named columns[OD_SCOPE_COLUMNS_MAX];
    uint32_t rows;
};

struct od_query_gen {
    struct od_gen *gen;
    struct od_statement *query;
    uint32_t audience; /* oracles (bits) that shall understand the statement */
    uint32_t alias_count;
    uint32_t selects_left; /* SELECTs that may still be made */
    uint32_t rows_max;     /* of a FROM made now */
    uint32_t cte_count;
    struct {
        const char *name;
        struct od_outputs outputs;
        bool is_read;
    } ctes[OD_CTES_MAX];
    enum od_query_feature place; /* where a subquery made now stands */
    uint32_t columns_read;       /* by expressions so far */
    uint32_t may_fail_count;     /* calls that may fail, so far */
    uint32_t literal_count;      /* literals so far */
    uint32_t foldable_count;     /* NULLs, truth values and calls of constants so far: they may decide what
                                    stands around them before a row is looked at */
    uint32_t peers_shown;        /* windows of this SELECT in which the order of peers shows */
    bool may_be_spared;          /* what may fail stands where a plan may spare it */
    bool calls_may_fail;         /* aggregates and window functions; */
    bool folds_calls;            /* what stands around them may be folded, and they are spared */
    uint32_t span_depth;
    bool casts_texts; /* a quoted literal has no type that a polymorphic function could take */
    bool is_sure;     /* see draw_sure in gen_query.c */
};

/* Formats into the arena; "" when memory is refused (gen->status says so). */
const char *od_say(struct od_query_gen *g, const char *format, ...) __attribute__((format(printf, 2, 3)));
uint64_t od_draw_below(struct od_query_gen *g, uint64_t bound);
bool od_chance(struct od_query_gen *g, uint32_t part, uint32_t whole);
/* Whether the audience understands it. What nobody shares is for whoever does not care. */
bool od_may(const struct od_query_gen *g, enum od_query_feature feature);
/* Notes that the statement has it. */
void od_note(struct od_query_gen *g, enum od_query_feature feature);
void od_open_span(struct od_query_gen *g, const char *label);
void od_close_span(struct od_query_gen *g);

/* --- gen_query_words.c
 * ------------------------------------------------------------------------------------ */

/* Arguments are letters: b i l n f t d s as in function.h; T one type that can be sorted, the same for
 * all; A any type each; k a number from 1 to 3, as a literal. Each stands for a %s of the text. */
struct od_words {
    enum od_type type; /* OD_TYPE_COUNT: that of T */
    const char *text;
    const char *arguments;
    enum od_query_feature feature;
    bool may_fail;
};
extern const struct od_words od_expr_words[];
extern const uint32_t od_expr_word_count;
extern const struct od_words od_aggregate_words[];
extern const uint32_t od_aggregate_word_count;
/* Window functions that are no aggregates; their FLOAT_SUM-like feature tells whether the order of peers
 * shows. */
extern const struct od_words od_window_words[];
extern const uint32_t od_window_word_count;
/* The type of a letter; for T, A and k: OD_TYPE_COUNT. */
enum od_type od_letter_type(char letter);

/* --- gen_query_expr.c
 * ------------------------------------------------------------------------------------- */

const char *od_query_type_text(enum od_type type); /* for CAST */
enum od_type od_draw_type(struct od_query_gen *g); /* one that a table can have */
/* A type that some column of the scope has, if any has. */
enum od_type od_draw_scope_type(struct od_query_gen *g, const struct od_scope *scope);
const char *od_query_literal(struct od_query_gen *g, enum od_type type);
/* An expression of the type over the scope and its outer ones, at most depth calls deep. */
const char *od_query_expr(struct od_query_gen *g, const struct od_scope *scope, enum od_type type,
                          uint32_t depth);
/* As above with a column of the scope itself in it, for GROUP BY and ORDER BY; NULL: no column has the
 * type. */
const char *od_query_column(struct od_query_gen *g, const struct od_scope *scope, enum od_type type);
/* A name that USING has merged means it only where no other column has that name. */
bool od_query_is_nameable(const struct od_scope *scope, const struct od_named *column);
/* As above, one of the columns [first, end). */
const char *od_query_column_between(struct od_query_gen *g, const struct od_scope *scope, uint32_t first,
                                    uint32_t end, enum od_type type);
/* Has the scope columns of all types that the row of words asks for? */
bool od_query_suits(const struct od_scope *scope, const struct od_words *words);
/* Fills a row of words with arguments. *type_out is its type. `chosen` is what T is, or OD_TYPE_COUNT. */
const char *od_query_fill(struct od_query_gen *g, const struct od_scope *scope, const struct od_words *words,
                          enum od_type chosen, uint32_t depth, enum od_type *type_out);
const char *od_query_predicate(struct od_query_gen *g, const struct od_scope *scope);

/* --- gen_query_from.c
 * ------------------------------------------------------------------------------------- */

/* "t0 AS q1 JOIN ..." and the columns it gives. */
const char *od_query_from(struct od_query_gen *g, const struct od_scope *outer, struct od_scope *scope_out);

/* --- gen_query_select.c, gen_query.c
 * ---------------------------------------------------------------------- */

/* What a query in a place must give. */
struct od_wanted {
    uint32_t count; /* of columns; 0: as it likes */
    enum od_type types[OD_LIST_COLUMNS_MAX];
    bool is_one_row; /* an aggregate without groups */
    bool is_alone;   /* not a side of a set operation: may be DISTINCT ON */
    bool is_top;     /* nobody reads its columns by name: may be * */
};
/* What may follow a SELECT: ORDER BY over its inner scope. */
struct od_select {
    const char *text;
    struct od_outputs outputs;
    struct od_scope *inner; /* of the select list; NULL: only outputs can be ordered by (DISTINCT, VALUES) */
    bool is_distinct_on;    /* by the first output, by which it must be ordered first */
};
void od_query_select(struct od_query_gen *g, const struct od_scope *outer, const struct od_wanted *wanted,
                     struct od_select *select_out);
/* What has been drawn since may_fail_count was `before` is not evaluated for every row, or not in every plan. */
void od_query_note_spared(struct od_query_gen *g, uint32_t before);
/* An expression is drawn that has been begun at these counts: what fails in it may be folded away. */
void od_query_note_folded(struct od_query_gen *g, uint32_t may_fail_before, uint32_t foldable_before);
/* " ORDER BY" all columns of the scope, so that nothing but duplicates is left in any order; keys first
 * when given. */
const char *od_query_total_order(struct od_query_gen *g, const struct od_scope *scope, const char *keys);
const char *od_query_direction(struct od_query_gen *g);
/* A query as it stands in brackets. `limit`: at most so many rows, of a total order; 0: as it likes. */
const char *od_query_query(struct od_query_gen *g, const struct od_scope *outer,
                           const struct od_wanted *wanted, uint32_t limit, struct od_outputs *outputs_out);

#endif
