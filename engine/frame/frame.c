/* frame: each call binds its names against its inputs' schemas, asks the builder of the logical node, and says what is still
 * known of the sharding:
 *
 *   filter                   as the input
 *   select, with_column      as the input, while the columns come out unchanged
 *   repartition, group_by    by the named columns
 *   everything else          unknown
 *
 * Errors of builders are of types; they are repeated with the call's name before them. */
#include "engine/frame/frame.h"

#include <inttypes.h>
#include <string.h>

#include "engine/frame/cache_key.h"
#include "engine/frame/term.h"
#include "engine/frame/window_check.h"

void od_frames_init(struct od_frames *f, struct od_arena *plan_arena)
{
    *f = (struct od_frames){.plan_arena = plan_arena};
}

const struct od_error *od_frame_error(const struct od_frames *f)
{
    return f->error.status == OD_OK ? NULL : &f->error;
}

/* --- shared by the calls ---------------------------------------------------------------------- */

/* May the call go on? A missing input without an error is one. *scope_out (may be NULL): what names mean. */
static bool begins(struct od_frames *f, const char *call, const struct od_frame *input,
                   struct od_term_scope *scope_out)
{
    if (f->error.status == OD_OK && input == NULL)
        od_fail(&f->error, OD_BAD_INPUT, "%s: its input is missing", call);
    if (f->error.status == OD_OK && scope_out != NULL)
        *scope_out = (struct od_term_scope){.call = call, .schema = &input->plan->schema};
    return f->error.status == OD_OK;
}

/* The last step of every call: `plan` is NULL where the builder has failed, whose error speaks of types only. */
static const struct od_frame *made(struct od_frames *f, const char *call, const struct od_plan *plan,
                                   uint32_t shard_count, const uint32_t *shards)
{
    struct od_frame *frame = plan != NULL ? od_frames_take(f, 1, sizeof(*frame)) : NULL;
    if (plan == NULL)
        od_term_locate(f, call);
    if (frame != NULL)
        *frame = (struct od_frame){.plan = plan, .shard_count = shard_count, .shards = shards};
    return frame;
}

/* The named columns, as indexes and as expressions. False: the error has stuck. */
static bool find_columns(struct od_frames *f, const struct od_term_scope *scope, const char *const *names,
                         uint32_t count, uint32_t **columns_out, const struct od_expr ***exprs_out)
{
    uint32_t *columns = od_frames_take(f, count, sizeof(*columns));
    const struct od_expr **exprs = od_frames_take(f, count, sizeof(*exprs));
    for (uint32_t i = 0; i < count && f->error.status == OD_OK; i++)
        if (od_term_find(f, scope, names[i], &columns[i]) == OD_OK)
            od_expr_column(f->plan_arena, scope->schema, columns[i], &exprs[i], &f->error);
    *columns_out = columns;
    *exprs_out = exprs;
    return f->error.status == OD_OK;
}

static const struct od_sort_key *bind_keys(struct od_frames *f, const struct od_term_scope *scope,
                                           const struct od_frame_key *keys, uint32_t count)
{
    struct od_sort_key *bound = od_frames_take(f, count, sizeof(*bound));
    for (uint32_t i = 0; i < count && f->error.status == OD_OK; i++)
        bound[i] = (struct od_sort_key){.expr = od_term_bind(f, scope, keys[i].term),
                                        .descending = keys[i].descending,
                                        .nulls_first = keys[i].nulls_first};
    return f->error.status == OD_OK ? bound : NULL;
}

static void bind_aggregate(struct od_frames *f, const struct od_term_scope *scope,
                           const struct od_frame_aggregate *aggregate, struct od_aggregate *bound)
{
    uint32_t argument_count = od_aggregate_argument_count(aggregate->function);
    *bound = (struct od_aggregate){
        .function = aggregate->function, .distinct = aggregate->distinct, .name = aggregate->name};
    if (argument_count > 0)
        bound->argument = od_term_bind(f, scope, aggregate->argument);
    if (argument_count > 1)
        bound->second = od_term_bind(f, scope, aggregate->second);
    if (aggregate->filter != NULL)
        bound->filter = od_term_bind(f, scope, aggregate->filter);
    if (f->error.status != OD_OK || !od_aggregate_is_within_group(aggregate->function))
        return;
    struct od_sort_key *key = od_frames_take(f, 1, sizeof(*key));
    if (key != NULL)
        *key = (struct od_sort_key){.expr = bound->argument};
    bound->key_count = 1;
    bound->keys = key;
}

/* --- the calls -------------------------------------------------------------------------------- */

const struct od_frame *od_frame_scan(struct od_frames *f, const struct od_table *table)
{
    const struct od_plan *plan = NULL;
    OD_NEED(f->error.status == OD_OK);
    uint32_t *columns = od_frames_take(f, table->schema.field_count, sizeof(*columns));
    OD_NEED(columns != NULL);
    for (uint32_t i = 0; i < table->schema.field_count; i++)
        columns[i] = i;
    od_plan_scan(f->plan_arena, table, columns, table->schema.field_count, &plan, &f->error);
    return made(f, "scan", plan, 0, NULL);
}

const struct od_frame *od_frame_filter(struct od_frames *f, const struct od_frame *input,
                                       const struct od_term *predicate)
{
    struct od_term_scope scope;
    const struct od_plan *plan = NULL;
    OD_NEED(begins(f, "filter", input, &scope));
    const struct od_expr *bound = od_term_bind(f, &scope, predicate);
    OD_NEED(bound != NULL);
    od_plan_filter(f->plan_arena, input->plan, bound, &plan, &f->error);
    return made(f, "filter", plan, input->shard_count, input->shards);
}

/* Where the input's shard columns come out of a project; all of them or nothing. */
static uint32_t follow_shards(struct od_frames *f, const struct od_frame *input,
                              const struct od_expr *const *exprs, uint32_t count, uint32_t **shards_out)
{
    uint32_t *shards = od_frames_take(f, input->shard_count, sizeof(*shards));
    *shards_out = shards;
    for (uint32_t s = 0; s < input->shard_count && shards != NULL; s++) {
        uint32_t i = 0;
        while (i < count && (exprs[i]->kind != OD_EXPR_COLUMN || exprs[i]->column_index != input->shards[s]))
            i++;
        if (i == count)
            return 0;
        shards[s] = i;
    }
    return shards == NULL ? 0 : input->shard_count;
}

static const struct od_frame *project(struct od_frames *f, const char *call, const struct od_frame *input,
                                      const struct od_expr *const *exprs, const char *const *names,
                                      uint32_t count)
{
    const struct od_plan *plan = NULL;
    uint32_t *shards;
    OD_NEED(f->error.status == OD_OK);
    od_plan_project(f->plan_arena, input->plan, exprs, names, count, &plan, &f->error);
    uint32_t shard_count = follow_shards(f, input, exprs, count, &shards);
    return made(f, call, plan, shard_count, shards);
}

const struct od_frame *od_frame_select(struct od_frames *f, const struct od_frame *input,
                                       const struct od_frame_item *items, uint32_t count)
{
    struct od_term_scope scope;
    OD_NEED(begins(f, "select", input, &scope));
    const struct od_expr **exprs = od_frames_take(f, count, sizeof(*exprs));
    const char **names = od_frames_take(f, count, sizeof(*names));
    for (uint32_t i = 0; i < count && f->error.status == OD_OK; i++) {
        names[i] = items[i].name;
        exprs[i] = od_term_bind(f, &scope, items[i].term);
    }
    return project(f, "select", input, exprs, names, count);
}

const struct od_frame *od_frame_with_column(struct od_frames *f, const struct od_frame *input,
                                            const char *name, const struct od_term *term)
{
    struct od_term_scope scope;
    OD_NEED(begins(f, "with_column", input, &scope));
    uint32_t width = scope.schema->field_count;
    uint32_t at = width;
    const struct od_expr **exprs = od_frames_take(f, width + 1, sizeof(*exprs));
    const char **names = od_frames_take(f, width + 1, sizeof(*names));
    for (uint32_t i = 0; i < width && f->error.status == OD_OK; i++) {
        names[i] = scope.schema->fields[i].name;
        od_expr_column(f->plan_arena, scope.schema, i, &exprs[i], &f->error);
    }
    if (f->error.status == OD_OK && od_schema_find(scope.schema, name) != OD_FIELD_NONE)
        od_term_find(f, &scope, name, &at);
    if (f->error.status == OD_OK) {
        exprs[at] = od_term_bind(f, &scope, term);
        names[at] = name;
    }
    return project(f, "with_column", input, exprs, names, width + (at == width));
}

const struct od_frame *od_frame_join(struct od_frames *f, const struct od_frame *left,
                                     const struct od_frame *right, enum od_join_type type,
                                     const struct od_term *condition)
{
    struct od_schema both;
    const struct od_plan *plan = NULL;
    OD_NEED(begins(f, "join", left, NULL) && begins(f, "join", right, NULL));
    OD_NEED(od_plan_join_schema(f->plan_arena, left->plan, right->plan, &both, &f->error) == OD_OK);
    struct od_term_scope scope = {
        .call = "join", .schema = &both, .is_join = true, .left_count = left->plan->schema.field_count};
    const struct od_expr *bound = od_term_bind(f, &scope, condition);
    OD_NEED(bound != NULL);
    od_plan_join(f->plan_arena, type, left->plan, right->plan, bound, &plan, &f->error);
    return made(f, "join", plan, 0, NULL);
}

const struct od_frame *od_frame_group_by(struct od_frames *f, const struct od_frame *input,
                                         const char *const *names, uint32_t name_count,
                                         const struct od_frame_aggregate *aggregates,
                                         uint32_t aggregate_count)
{
    struct od_term_scope scope;
    const struct od_plan *plan = NULL;
    uint32_t *columns;
    const struct od_expr **groups;
    OD_NEED(begins(f, "group_by", input, &scope) &&
            find_columns(f, &scope, names, name_count, &columns, &groups));
    struct od_aggregate *bound = od_frames_take(f, aggregate_count, sizeof(*bound));
    for (uint32_t i = 0; i < aggregate_count && f->error.status == OD_OK; i++)
        bind_aggregate(f, &scope, &aggregates[i], &bound[i]);
    OD_NEED(f->error.status == OD_OK);
    for (uint32_t i = 0; i < name_count; i++)
        columns[i] = i; /* where the groups come out, each of them in one place */
    od_plan_aggregate(f->plan_arena, input->plan, groups, NULL, name_count, bound, aggregate_count, &plan,
                      &f->error);
    return made(f, "group_by", plan, name_count, columns);
}

const struct od_frame *od_frame_distinct(struct od_frames *f, const struct od_frame *input)
{
    const struct od_plan *plan = NULL;
    OD_NEED(begins(f, "distinct", input, NULL));
    od_plan_distinct(f->plan_arena, input->plan, &plan, &f->error);
    return made(f, "distinct", plan, 0, NULL);
}

const struct od_frame *od_frame_sort(struct od_frames *f, const struct od_frame *input,
                                     const struct od_frame_key *keys, uint32_t count)
{
    struct od_term_scope scope;
    const struct od_plan *plan = NULL;
    OD_NEED(begins(f, "sort", input, &scope));
    const struct od_sort_key *bound = bind_keys(f, &scope, keys, count);
    OD_NEED(bound != NULL);
    od_plan_sort(f->plan_arena, input->plan, bound, count, &plan, &f->error);
    return made(f, "sort", plan, 0, NULL);
}

const struct od_frame *od_frame_limit(struct od_frames *f, const struct od_frame *input, uint64_t offset,
                                      uint64_t count)
{
    const struct od_plan *plan = NULL;
    OD_NEED(begins(f, "limit", input, NULL));
    od_plan_limit(f->plan_arena, input->plan, offset, count, &plan, &f->error);
    return made(f, "limit", plan, 0, NULL);
}

const struct od_frame *od_frame_union(struct od_frames *f, const struct od_frame *first,
                                      const struct od_frame *second)
{
    const struct od_plan *plan = NULL;
    OD_NEED(begins(f, "union", first, NULL) && begins(f, "union", second, NULL));
    od_plan_union(f->plan_arena, first->plan, second->plan, &plan, &f->error);
    return made(f, "union", plan, 0, NULL);
}

static void bind_call(struct od_frames *f, const struct od_term_scope *scope,
                      const struct od_frame_call *call, const struct od_sort_key *keys, uint32_t key_count,
                      struct od_window_call *bound)
{
    *bound = (struct od_window_call){.function = call->function, .frame = call->frame, .name = call->name};
    if (call->frame.end == OD_FRAME_UNBOUNDED_PRECEDING) /* nothing was said */
        bound->frame = (struct od_window_frame){.unit = OD_FRAME_RANGE, .end = OD_FRAME_CURRENT_ROW};
    if (call->function == OD_WINDOW_AGGREGATE)
        bind_aggregate(f, scope, &call->aggregate, &bound->aggregate);
    if (f->error.status != OD_OK)
        return;
    for (uint32_t i = 0; i < 3 && call->arguments[i] != NULL; i++) {
        bound->arguments[i] = od_term_bind(f, scope, call->arguments[i]);
        if (bound->arguments[i] == NULL)
            return;
        bound->argument_count++;
        enum od_type type = od_window_argument_type(bound, i);
        if (type != OD_TYPE_COUNT && bound->arguments[i]->type != type)
            od_expr_cast(f->plan_arena, bound->arguments[i], type, &bound->arguments[i], &f->error);
        if (f->error.status != OD_OK)
            break;
    }
    if (f->error.status == OD_OK)
        od_window_check(bound, keys, key_count, &f->error);
    if (f->error.status != OD_OK)
        od_term_locate(f, scope->call);
}

const struct od_frame *od_frame_window(struct od_frames *f, const struct od_frame *input,
                                       const char *const *partitions, uint32_t partition_count,
                                       const struct od_frame_key *keys, uint32_t key_count,
                                       const struct od_frame_call *calls, uint32_t call_count)
{
    struct od_term_scope scope;
    const struct od_plan *plan = NULL;
    uint32_t *columns;
    const struct od_expr **bound_partitions;
    OD_NEED(begins(f, "window", input, &scope));
    OD_NEED(find_columns(f, &scope, partitions, partition_count, &columns, &bound_partitions));
    const struct od_sort_key *bound_keys = bind_keys(f, &scope, keys, key_count);
    OD_NEED(bound_keys != NULL);
    struct od_window_call *bound = od_frames_take(f, call_count, sizeof(*bound));
    for (uint32_t i = 0; i < call_count && f->error.status == OD_OK; i++)
        bind_call(f, &scope, &calls[i], bound_keys, key_count, &bound[i]);
    OD_NEED(f->error.status == OD_OK);
    od_plan_window(f->plan_arena, input->plan, bound_partitions, partition_count, bound_keys, key_count,
                   bound, call_count, &plan, &f->error);
    return made(f, "window", plan, 0, NULL);
}

const struct od_frame *od_frame_repartition(struct od_frames *f, const struct od_frame *input,
                                            const char *const *names, uint32_t count)
{
    struct od_term_scope scope;
    const struct od_plan *plan = NULL;
    uint32_t *columns;
    const struct od_expr **keys;
    OD_NEED(begins(f, "repartition", input, &scope) &&
            find_columns(f, &scope, names, count, &columns, &keys));
    if (count == 0)
        od_fail(&f->error, OD_BAD_INPUT, "repartition: expected at least one column to spread rows by");
    OD_NEED(f->error.status == OD_OK);
    od_plan_repartition(f->plan_arena, input->plan, keys, count, 0, &plan, &f->error);
    return made(f, "repartition", plan, count, columns);
}

const struct od_frame *od_frame_repartition_evenly(struct od_frames *f, const struct od_frame *input,
                                                   uint32_t partition_count)
{
    struct od_term_scope scope;
    const struct od_plan *plan = NULL;
    OD_NEED(begins(f, "repartition", input, &scope));
    if (partition_count == 0 || partition_count > OD_PARTITIONS_MAX)
        od_fail(&f->error, OD_BAD_INPUT, "repartition: expected 1 to %u parts, not %u", OD_PARTITIONS_MAX,
                partition_count);
    OD_NEED(f->error.status == OD_OK);
    od_plan_repartition(f->plan_arena, input->plan, NULL, 0, partition_count, &plan, &f->error);
    return made(f, "repartition", plan, 0, NULL);
}

const struct od_frame *od_frame_checkpoint(struct od_frames *f, const struct od_frame *input)
{
    const struct od_plan *plan = NULL;
    OD_NEED(begins(f, "checkpoint", input, NULL));
    od_plan_keep(f->plan_arena, input->plan, OD_KEEP_CHECKPOINT, 0, &plan, &f->error);
    return made(f, "checkpoint", plan, input->shard_count, input->shards);
}

const struct od_frame *od_frame_persist(struct od_frames *f, const struct od_frame *input, enum od_keep level)
{
    const struct od_plan *plan = NULL;
    uint64_t key = 0;
    OD_NEED(begins(f, "persist", input, NULL));
    if (level != OD_KEEP_MEMORY && level != OD_KEEP_DISK)
        od_fail(&f->error, OD_BAD_INPUT, "persist: expected a level: in memory or on disk");
    OD_NEED(f->error.status == OD_OK);
    if (od_plan_cache_key(f->plan_arena, input->plan, &key, &f->error) == OD_OK)
        od_plan_keep(f->plan_arena, input->plan, level, key, &plan, &f->error);
    return made(f, "persist", plan, input->shard_count, input->shards);
}

uint64_t od_frame_cache_key(const struct od_frame *frame)
{
    return frame->plan->kind == OD_PLAN_KEEP ? frame->plan->keep.key : 0;
}

const struct od_frame *od_frame_map(struct od_frames *f, const struct od_frame *input,
                                    const struct od_map_function *function, const struct od_schema *schema)
{
    const struct od_plan *plan = NULL;
    struct od_schema copy;
    OD_NEED(begins(f, "map", input, NULL));
    OD_NEED(od_schema_copy(f->plan_arena, schema, &copy, &f->error) == OD_OK);
    od_plan_map(f->plan_arena, input->plan, function, &copy, &plan, &f->error);
    return made(f, "map", plan, 0, NULL);
}

/* --- demands ---------------------------------------------------------------------------------- */

const struct od_frame *od_frame_require_schema(struct od_frames *f, const struct od_frame *input,
                                               const struct od_schema *schema)
{
    OD_NEED(begins(f, "require_schema", input, NULL));
    const struct od_schema *have = &input->plan->schema;
    if (have->field_count != schema->field_count) {
        od_fail(&f->error, OD_BAD_INPUT, "require_schema: expected %u columns, there are %u: %s",
                schema->field_count, have->field_count, od_term_list_fields(f, have));
        return NULL;
    }
    for (uint32_t i = 0; i < schema->field_count; i++) {
        const struct od_field *wanted = &schema->fields[i];
        bool same_name = wanted->name == NULL || strcmp(wanted->name, have->fields[i].name) == 0;
        if (same_name && wanted->type == have->fields[i].type)
            continue;
        od_fail(&f->error, OD_BAD_INPUT,
                "require_schema: column %u: expected \"%s\" of type %s, it is \"%s\" of type %s", i + 1,
                wanted->name == NULL ? have->fields[i].name : wanted->name, od_type_text(wanted->type),
                have->fields[i].name, od_type_text(have->fields[i].type));
        return NULL;
    }
    return input;
}

/* Rows that are equal in `names` are equal in any of them: sharding by some of them is enough. */
const struct od_frame *od_frame_require_shards(struct od_frames *f, const struct od_frame *input,
                                               const char *const *names, uint32_t count)
{
    struct od_term_scope scope;
    uint32_t *columns;
    const struct od_expr **exprs;
    OD_NEED(begins(f, "require_shards", input, &scope) &&
            find_columns(f, &scope, names, count, &columns, &exprs));
    bool sharded = input->shard_count > 0;
    const char *by = "";
    for (uint32_t s = 0; s < input->shard_count && by != NULL; s++) {
        uint32_t i = 0;
        while (i < count && columns[i] != input->shards[s])
            i++;
        sharded = sharded && i < count;
        by = od_arena_print(f->plan_arena, "%s%s%s", by, s > 0 ? ", " : "",
                            input->plan->schema.fields[input->shards[s]].name);
    }
    if (sharded)
        return input;
    od_fail(&f->error, OD_BAD_INPUT, "require_shards: expected rows sharded by \"%s\"%s: they are %s%s",
            count > 0 ? names[0] : "", count > 1 ? " and more" : "",
            input->shard_count > 0 ? "sharded by " : "not sharded", by == NULL ? "" : by);
    return NULL;
}

/* --- results ---------------------------------------------------------------------------------- */

const struct od_plan *od_frame_to_plan(const struct od_frames *f, const struct od_frame *frame)
{
    return f->error.status == OD_OK && frame != NULL ? frame->plan : NULL;
}

enum od_status od_frame_explain(struct od_frames *f, const struct od_frame *frame,
                                const struct od_plan_options *options, struct od_buffer *buffer)
{
    if (!begins(f, "explain", frame, NULL))
        return f->error.status;
    return od_explain(f->plan_arena, frame->plan, options, buffer, &f->error);
}

/* DOT: nodes are numbered as they are met; one that was met before is only pointed to. */
struct graph {
    struct od_buffer *buffer;
    const struct od_plan **seen;
    uint32_t count;
    uint32_t capacity;
};

static enum od_status graph_node(struct od_frames *f, struct graph *graph, const struct od_plan *plan,
                                 uint32_t *index_out)
{
    struct od_buffer *buffer = graph->buffer;
    for (*index_out = 0; *index_out < graph->count; (*index_out)++)
        if (graph->seen[*index_out] == plan)
            return OD_OK;
    OD_TRY(od_arena_grow(f->plan_arena, &graph->seen, &graph->capacity, graph->count, sizeof(*graph->seen),
                         &f->error));
    graph->seen[graph->count++] = plan;
    od_buffer_print(buffer, "  n%u [label=\"", *index_out);
    size_t start = buffer->size;
    od_plan_print_node(plan, buffer);
    for (size_t i = start; i < buffer->size; i++)
        if (buffer->bytes[i] == '"' || buffer->bytes[i] == '\\' || buffer->bytes[i] == '\n')
            buffer->bytes[i] = '\'';
    od_buffer_append_text(buffer, "\"];\n");
    for (uint32_t i = 0; i < plan->input_count; i++) {
        uint32_t input;
        OD_TRY(graph_node(f, graph, plan->inputs[i], &input));
        od_buffer_print(buffer, "  n%u -> n%u;\n", input, *index_out);
    }
    return OD_OK;
}

enum od_status od_frame_graph(struct od_frames *f, const struct od_frame *frame, struct od_buffer *buffer)
{
    struct graph graph = {.buffer = buffer};
    uint32_t root;
    if (!begins(f, "graph", frame, NULL))
        return f->error.status;
    od_buffer_append_text(buffer, "digraph plan {\n  node [shape=box];\n");
    OD_TRY(graph_node(f, &graph, frame->plan, &root));
    od_buffer_append_text(buffer, "}\n");
    return buffer->failed ? od_fail(&f->error, OD_NO_MEMORY, "printing a graph") : OD_OK;
}

enum od_status od_frame_collect(struct od_frames *f, const struct od_frame *frame,
                                const struct od_frame_runner *runner, struct od_table **answer_out)
{
    *answer_out = NULL;
    if (!begins(f, "collect", frame, NULL))
        return f->error.status;
    return runner->run(runner->self, frame->plan, answer_out, &f->error);
}
