/* plan_codec: what the encodings of logical plans (plan_encode.c, plan_decode.c) and of stage graphs (graph_encode.c,
 * graph_decode.c) share: expressions, lists of clauses, fields. For these files only.
 *
 * All memory is the arena's. Functions that say nothing else fail with NO_MEMORY, UNSUPPORTED (encoding), CORRUPT or BAD_INPUT
 * (decoding). */
#ifndef OD_FRAME_PLAN_CODEC_H
#define OD_FRAME_PLAN_CODEC_H

#include <string.h>

#include "engine/plan/physical.h"
#include "engine/plan/plan_rewrite.h"
#include <plan.pb-c.h>

/* What neither side goes beyond: encoding refuses as UNSUPPORTED what decoding would take for an attack. */
#define OD_CODEC_EXPR_DEPTH_MAX 500
#define OD_CODEC_EXPR_SIZE_MAX  1000000 /* of all uses together */
#define OD_CODEC_NODE_SIZE_MAX  2000    /* of a logical plan, as a tree */
#define OD_CODEC_NODE_DEPTH_MAX 1000    /* of a stage */
#define OD_CODEC_TASKS_MAX      100000  /* of all stages; and partitions of one */

struct od_plan_encoder {
    struct od_arena *scratch;
    struct od_error *error;
    Ordeal__Plan message;
    uint32_t expr_capacity;
    uint32_t node_capacity;
    uint32_t plan_capacity;
    uint32_t depth; /* of the expression at hand */
    const struct od_plan **plans; /* the nodes written, as many as message.n_nodes */
};

enum od_status od_encode_no_memory(const struct od_plan_encoder *encoder);
/* *place_out: its place plus 1. NULL is 0. */
enum od_status od_encode_expr(struct od_plan_encoder *encoder, const struct od_expr *expr, uint32_t *place_out);
/* A list of `count` messages of one kind, which are not initialised yet: *list_out is an array of pointers to them. */
enum od_status od_encode_messages(struct od_plan_encoder *encoder, size_t count, size_t bytes, void *list_out);
enum od_status od_encode_fields(struct od_plan_encoder *encoder, const struct od_field *fields, uint32_t count,
                                size_t *count_out, Ordeal__Field ***list_out);
enum od_status od_encode_list(struct od_plan_encoder *encoder, const struct od_clause_list *list, Ordeal__Node *node);

struct od_plan_decoder {
    struct od_arena *arena;
    struct od_error *error;
    const Ordeal__Plan *message;
    uint32_t *expr_sizes; /* by od_decode_weigh_exprs, which comes first */
    uint64_t expr_total;  /* of what was decoded so far */
};

/* Finds a text in one of the engine's lists. */
#define OD_FINDER(name, type, text_of, limit)                                                                \
    static bool name(const char *text, type *value_out)                                                      \
    {                                                                                                        \
        for (unsigned i = 0; i < (unsigned)(limit); i++) {                                                   \
            *value_out = (type)i;                                                                            \
            if (strcmp(text, text_of(*value_out)) == 0)                                                      \
                return true;                                                                                 \
        }                                                                                                    \
        return false;                                                                                        \
    }

enum od_status od_decode_corrupt(const struct od_plan_decoder *decoder, const char *what);
enum od_status od_decode_weigh_exprs(struct od_plan_decoder *decoder);
/* One that a node uses: all uses together are bounded. `optional`: 0 is NULL. */
enum od_status od_decode_expr(struct od_plan_decoder *decoder, uint32_t place, const struct od_schema *schema,
                              bool optional, const struct od_expr **expr_out);
enum od_status od_decode_fields(struct od_plan_decoder *decoder, size_t count, Ordeal__Field *const *fields,
                                struct od_schema *schema);
/* PROJECT, VALUES, EXPAND: row_count, which must fit the draft's fields. */
enum od_status od_decode_row_count(const struct od_plan_decoder *decoder, const Ordeal__Node *node,
                                   struct od_plan *draft);
/* One list of the draft, which no one has seen yet; expressions are over `schema`. */
enum od_status od_decode_list(struct od_plan_decoder *decoder, const Ordeal__Node *node, const struct od_schema *schema,
                              const struct od_plan *draft, const struct od_clause_list *list);

/* protobuf-c takes its memory from the arena, and gives nothing back. */
struct od_decode_unpacking {
    struct od_arena *arena;
    bool refused;
};
ProtobufCAllocator od_decode_allocator(struct od_decode_unpacking *unpacking);

/* The partial aggregate whose rows a final one reads, through exchanges; NULL: something else is below it. */
const struct od_physical *od_graph_partial_of(const struct od_stage *stages, const struct od_physical *final);

#endif
