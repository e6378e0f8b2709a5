/* gen_query_select: one SELECT of a drawn statement; see gen_query.h.
 *
 *   FROM gives the scope -> WHERE over it -> GROUP BY makes a new one (keys, aggregates) -> HAVING over that
 *   -> window calls are added to it -> the select list (and ORDER BY) over all
 *
 * so that an expression over a scope is right by construction wherever it stands. */
#include "properties/gen_query.h"

#include <string.h>

/* --- WHERE
 * ------------------------------------------------------------------------------------------------- */

static const char *conjunction(struct od_query_gen *g, const struct od_scope *scope, const char *word,
                               uint32_t part, enum od_query_feature place)
{
    const char *text = "";
    enum od_query_feature around = g->place;
    uint32_t may_fail_before = g->may_fail_count;
    bool more = true;
    g->place = place;
    for (uint32_t i = 0; more; i++) {
        od_open_span(g, "conjunct");
        more = od_chance(g, part, 5) && i < 3;
        if (more)
            text = od_say(g, "%s%s%s", text, i == 0 ? word : " AND ", od_query_predicate(g, scope));
        od_close_span(g);
    }
    od_query_note_spared(g, may_fail_before);
    g->place = around;
    return text;
}

/* --- GROUP BY
 * ---------------------------------------------------------------------------------------------- */

static void add_text(struct od_scope *scope, const char *text, enum od_type type, const char *name)
{
    if (scope->count < OD_SCOPE_COLUMNS_MAX)
        scope->columns[scope->count++] =
            (struct od_named){.text = text, .name = name, .type = type, .is_outer = name != NULL};
}

/* The name when the text is a qualified column, which subqueries may read. */
static const char *name_of(const struct od_scope *scope, const char *text)
{
    for (uint32_t i = 0; i < scope->count; i++)
        if (strcmp(scope->columns[i].text, text) == 0)
            return scope->columns[i].is_outer ? scope->columns[i].name : NULL;
    return NULL;
}

static const char *aggregate_of(struct od_query_gen *g, const struct od_scope *rows, enum od_type wanted,
                                enum od_type *type_out)
{
    struct od_scope own = *rows;
    enum od_query_feature place = g->place;
    uint32_t index = (uint32_t)od_draw_below(g, od_aggregate_word_count);
    uint32_t may_fail_before = g->may_fail_count;
    uint32_t foldable_before = g->foldable_count;
    /* An aggregate that reads outer columns only would be the outer query's. */
    own.outer = NULL;
    g->place = OD_QUERY_FEATURE_COUNT;
    for (uint32_t i = 0; i < 2 * od_aggregate_word_count; i++, index++) {
        const struct od_words *words = &od_aggregate_words[index % od_aggregate_word_count];
        bool fits = wanted == OD_TYPE_COUNT || words->type == wanted ||
                    (words->type == OD_TYPE_COUNT && wanted != OD_TYPE_BOOLEAN);
        bool suits = i >= od_aggregate_word_count || od_query_suits(&own, words); /* not of constants only */
        if (fits && suits && od_may(g, words->feature))
            break;
    }
    const struct od_words *words = &od_aggregate_words[index % od_aggregate_word_count];
    if (words->feature == OD_QUERY_FLOAT_SUM && g->gen->flavour != OD_FLAVOUR_PLAIN)
        od_note(g, OD_QUERY_FLOAT_SUM_HARD);
    if (words->type == OD_TYPE_COUNT) /* gives one of its arguments */
        od_note(g, OD_QUERY_OPEN_EQUALS);
    bool cast_texts = g->casts_texts;
    g->casts_texts = true;
    const char *text = od_query_fill(g, &own, words, wanted, 1, type_out);
    g->casts_texts = cast_texts;
    /* Whether all values are equal is told by a difference of sums, which of -47.67 is not 0 elsewhere. */
    const char *call = strchr(text, '(');
    if (strcmp(words->arguments, "ff") == 0 && call != NULL && strchr(call + 1, '(') != NULL)
        od_note(g, OD_QUERY_FLOAT_SUM_HARD);
    if (*type_out == OD_TYPE_DECIMAL && words->feature == OD_QUERY_FEATURE_COUNT && wanted != OD_TYPE_COUNT)
        od_note(g, OD_QUERY_NUMERIC); /* is calculated with */
    if (od_chance(g, 1, 6)) {
        od_note(g, OD_QUERY_FILTER);
        text = od_say(g, "%s FILTER (WHERE %s)", text, od_query_expr(g, &own, OD_TYPE_BOOLEAN, 1));
    }
    od_note(g, OD_QUERY_AGGREGATE);
    od_query_note_folded(g, may_fail_before, foldable_before);
    g->place = place;
    return text;
}

/* Keys into the scope; their texts into `keys`. */
static uint32_t draw_keys(struct od_query_gen *g, const struct od_scope *rows, struct od_scope *groups,
                          const char **keys)
{
    struct od_scope own = *rows;
    enum od_query_feature place = g->place;
    uint32_t count = 0;
    own.outer = NULL;
    g->place = OD_QUERY_FEATURE_COUNT;
    for (bool more = true; more && count < 3;) {
        od_open_span(g, "key");
        more = od_chance(g, count == 0 ? 3 : 2, 4);
        uint32_t read_before = g->columns_read;
        uint32_t may_fail_before = g->may_fail_count;
        uint32_t foldable_before = g->foldable_count;
        enum od_type type = od_draw_scope_type(g, rows);
        const char *text = !more ? NULL : od_query_expr(g, &own, type, od_chance(g, 1, 4) ? 1 : 0);
        if (text != NULL && g->columns_read != read_before) { /* a constant would be an ordinal, or refused */
            keys[count++] = text;
            add_text(groups, text, type, name_of(rows, text));
            groups->columns[groups->count - 1].is_key = true;
            if (strchr(text, '(') != NULL)
                od_note(g, OD_QUERY_GROUP_EXPRESSION);
        }
        od_query_note_folded(g, may_fail_before, foldable_before);
        od_close_span(g);
    }
    g->place = place;
    return count;
}

static const char *listed(struct od_query_gen *g, const char *const *keys, uint32_t count)
{
    const char *text = "";
    for (uint32_t i = 0; i < count; i++)
        text = od_say(g, "%s%s%s", text, i == 0 ? "" : ", ", keys[i]);
    return text;
}

/* PostgreSQL 15 takes keys for one that a join makes equal, or that a subquery has from one column, also where a
 * grouping set has made one of them NULL. */
static bool may_keys_be_one(const struct od_statement *query)
{
    static const enum od_query_feature uniting[] = {
        OD_QUERY_JOIN,    OD_QUERY_LEFT_JOIN, OD_QUERY_RIGHT_JOIN, OD_QUERY_FULL_JOIN,
        OD_QUERY_DERIVED, OD_QUERY_LATERAL,   OD_QUERY_CTE,        OD_QUERY_CROSS_JOIN};
    for (size_t i = 0; i < sizeof(uniting) / sizeof(uniting[0]); i++)
        if (query->features[uniting[i]])
            return true;
    return false;
}

/* " GROUP BY ...". *sets_out: there may be several rows of one key. */
static const char *group_by(struct od_query_gen *g, const char *const *keys, uint32_t count,
                            bool are_foldable, bool *sets_out)
{
    uint64_t kind = od_draw_below(g, od_may(g, OD_QUERY_CUBE) ? 8 : 5);
    const char *all = listed(g, keys, count);
    od_note(g, OD_QUERY_GROUP_BY);
    od_note(g, OD_QUERY_OPEN_EQUALS);
    *sets_out = kind >= 5;
    if (kind >= 5 && (are_foldable || (count > 1 && may_keys_be_one(g->query))))
        od_note(g, OD_QUERY_FOLDABLE_SETS);
    if (kind >= 5 && (g->query->features[OD_QUERY_JOIN_USING] || g->query->features[OD_QUERY_JOIN_NATURAL]))
        od_note(g, OD_QUERY_MERGED_SETS);
    if (kind == 5) {
        od_note(g, OD_QUERY_ROLLUP);
        return od_say(g, " GROUP BY ROLLUP (%s)", all);
    }
    if (kind == 6) {
        od_note(g, OD_QUERY_CUBE);
        return count > 1 && od_chance(g, 1, 3)
                   ? od_say(g, " GROUP BY %s, CUBE (%s)", keys[0], listed(g, keys + 1, count - 1))
                   : od_say(g, " GROUP BY CUBE (%s)", all);
    }
    if (kind == 7) {
        od_note(g, OD_QUERY_GROUPING_SETS);
        const char *second = od_chance(g, 1, 2) ? "()" : od_say(g, "(%s)", keys[count - 1]);
        return od_say(g, " GROUP BY GROUPING SETS ((%s), %s, (%s))", all, second, keys[0]);
    }
    return od_say(g, " GROUP BY %s", all);
}

/* --- windows
 * ----------------------------------------------------------------------------------------------- */

const char *od_query_direction(struct od_query_gen *g)
{
    static const char *const directions[] = {
        "", " DESC", " NULLS FIRST", " DESC NULLS LAST", " NULLS LAST", " DESC NULLS FIRST"};
    uint64_t kind = od_may(g, OD_QUERY_NULLS_BY_DEFAULT) ? od_draw_below(g, 6) : 2 + od_draw_below(g, 4);
    od_note(g, kind <= 1 ? OD_QUERY_NULLS_BY_DEFAULT : OD_QUERY_NULLS_FIRST_LAST);
    return directions[kind];
}

const char *od_query_total_order(struct od_query_gen *g, const struct od_scope *scope, const char *keys)
{
    const char *text = keys;
    for (uint32_t i = 0; i < scope->count; i++) {
        const struct od_named *column = &scope->columns[i];
        /* Merged ones stand for others, aggregates are told by the keys; but a key stands for itself alone. */
        if (!column->is_outer && !column->is_key)
            continue;
        if (column->type == OD_TYPE_DECIMAL)
            od_note(g, OD_QUERY_NUMERIC);
        text = od_say(g, "%s%s%s NULLS LAST", text, text[0] == '\0' ? "" : ", ", column->text);
    }
    od_note(g, OD_QUERY_OPEN_EQUALS);
    return text[0] == '\0' ? "" : od_say(g, " ORDER BY %s", text);
}

struct frame_kind {
    const char *word;
    enum od_query_feature feature;
};

/* What may stand before PRECEDING: a number of rows, or what a key of the type can be moved by. */
static const char *offset_text(struct od_query_gen *g, enum od_type type)
{
    static const char *const intervals[] = {"interval '0 days'", "interval '1 day'", "interval '1 month'"};
    uint64_t offset = od_draw_below(g, 3);
    if (type == OD_TYPE_DATE || type == OD_TYPE_TIMESTAMP) {
        od_note(g, OD_QUERY_INTERVALS);
        return intervals[offset];
    }
    bool is_whole = type != OD_TYPE_FLOAT64 && type != OD_TYPE_DECIMAL;
    return od_say(g, is_whole ? "%u" : "%u.5", (unsigned)offset);
}

/* `type` of the offset, as in offset_text. */
static const char *bound_text(struct od_query_gen *g, uint64_t kind, bool has_offsets, enum od_type type)
{
    if (kind == 1 || (!has_offsets && (kind == 0 || kind == 2)))
        return "CURRENT ROW";
    return od_say(g, "%s %s", offset_text(g, type), kind == 0 ? "PRECEDING" : "FOLLOWING");
}

/* `key`: the type of the one key, which a RANGE may move; OD_TYPE_COUNT: there are none or several. */
static const char *frame(struct od_query_gen *g, bool has_order, enum od_type key)
{
    static const struct frame_kind kinds[] = {
        {"ROWS", OD_QUERY_FRAME_ROWS}, {"RANGE", OD_QUERY_FRAME_RANGE}, {"GROUPS", OD_QUERY_FRAME_GROUPS}};
    static const char *const exclusions[] = {" EXCLUDE CURRENT ROW", " EXCLUDE GROUP", " EXCLUDE TIES",
                                             " EXCLUDE NO OTHERS"};
    const struct frame_kind *kind = &kinds[od_draw_below(g, has_order ? 3 : 2)];
    bool is_range = kind->feature == OD_QUERY_FRAME_RANGE;
    bool moves = key != OD_TYPE_COUNT && key != OD_TYPE_TEXT && key != OD_TYPE_BOOLEAN;
    bool has_offsets = !is_range || (moves && od_may(g, OD_QUERY_FRAME_RANGE_OFFSET) && od_chance(g, 3, 4));
    enum od_type type = is_range ? key : OD_TYPE_INT32;
    uint64_t first = od_draw_below(g, 4); /* 0 preceding, 1 current, 2 following, 3 unbounded */
    const char *start = first == 3 ? "UNBOUNDED PRECEDING" : bound_text(g, first, has_offsets, type);
    uint64_t least = first == 3 ? 0 : first;
    uint64_t last = least + od_draw_below(g, 4 - least);
    const char *end = last == 3 ? "UNBOUNDED FOLLOWING" : bound_text(g, last, has_offsets, type);
    od_note(g, kind->feature);
    if (is_range && has_offsets)
        od_note(g, OD_QUERY_FRAME_RANGE_OFFSET);
    const char *exclusion = "";
    if (od_chance(g, 1, 5)) {
        od_note(g, OD_QUERY_FRAME_EXCLUDE);
        exclusion = exclusions[od_draw_below(g, 4)];
    }
    return od_say(g, " %s BETWEEN %s AND %s%s", kind->word, start, end, exclusion);
}

/* "PARTITION BY ... ORDER BY ... frame" */
static const char *window_definition(struct od_query_gen *g, const struct od_scope *scope, bool shows_peers,
                                     bool has_frame, bool can_be_total)
{
    const char *partition = "";
    const char *keys = "";
    enum od_type key_type = OD_TYPE_COUNT;
    uint32_t key_count = 0;
    const char *apart = NULL;
    if (od_chance(g, 2, 5))
        apart = od_query_column(g, scope, od_draw_scope_type(g, scope));
    if (apart != NULL)
        partition = od_say(g, "PARTITION BY %s", apart);
    while (key_count < 2 && od_chance(g, 2, 3)) {
        enum od_type type = od_draw_scope_type(g, scope);
        const char *text = od_query_column(g, scope, type);
        if (text == NULL || (apart != NULL && strcmp(text, apart) == 0))
            break;
        key_type = key_count == 0 ? type : OD_TYPE_COUNT;
        keys = od_say(g, "%s%s%s%s", keys, key_count == 0 ? "" : ", ", text, od_query_direction(g));
        key_count++;
    }
    const char *frame_text = has_frame && od_chance(g, 2, 3) ? frame(g, key_count > 0, key_type) : "";
    bool shows = shows_peers || strstr(frame_text, "ROWS") != NULL;
    bool keeps_keys = strstr(frame_text, "RANGE") != NULL || strstr(frame_text, "GROUPS") != NULL;
    bool is_total =
        shows && !keeps_keys && can_be_total && (od_draw_below(g, 8) < 7 || !od_may(g, OD_QUERY_OPEN_PEERS));
    /* Of two windows, each may put two equal rows first. */
    if (shows && (!is_total || g->peers_shown > 0))
        od_note(g, OD_QUERY_OPEN_PEERS);
    g->peers_shown += shows;
    const char *order = is_total        ? od_query_total_order(g, scope, keys)
                        : key_count > 0 ? od_say(g, " ORDER BY %s", keys)
                                        : "";
    return od_say(g, "%s%s%s", partition, order, frame_text);
}

/* Window calls as columns; definitions that have names into *clause. */
static void add_windows(struct od_query_gen *g, struct od_scope *scope, bool can_be_total,
                        const char **clause)
{
    const struct od_scope arguments = *scope;
    enum od_query_feature place = g->place;
    g->place = OD_QUERY_FEATURE_COUNT;
    g->peers_shown = 0;
    for (uint32_t count = 0; count < 3 && (count == 0 || od_chance(g, 1, 3)); count++) {
        od_open_span(g, "window");
        enum od_type type;
        const char *call;
        bool is_aggregate = od_chance(g, 1, 2);
        const struct od_words *words = &od_window_words[od_draw_below(g, od_window_word_count)];
        bool shows_peers = !is_aggregate && words->feature == OD_QUERY_OPEN_PEERS;
        if (is_aggregate) {
            do /* PostgreSQL takes no DISTINCT, order or WITHIN GROUP in windows */
                call = aggregate_of(g, &arguments, OD_TYPE_COUNT, &type);
            while ((strstr(call, "DISTINCT") != NULL || strstr(call, "ORDER") != NULL) &&
                   g->gen->status == OD_OK && !g->gen->choices->overrun);
            od_note(g, OD_QUERY_WINDOW_AGGREGATE);
            if (strstr(call, "FILTER") != NULL)
                od_note(g, OD_QUERY_WINDOW_FILTER);
        } else {
            struct od_words quiet = *words;
            quiet.feature = OD_QUERY_FEATURE_COUNT;
            g->casts_texts = true;
            call = od_query_fill(g, &arguments, &quiet, OD_TYPE_COUNT, 1, &type);
            g->casts_texts = false;
        }
        bool has_frame = is_aggregate || strstr(words->text, "_value") != NULL;
        const char *definition = window_definition(g, &arguments, shows_peers, has_frame, can_be_total);
        if (od_chance(g, 1, 5)) {
            od_note(g, OD_QUERY_NAMED_WINDOW);
            const char *name = od_say(g, "w%u", ++g->alias_count);
            *clause = od_say(g, "%s%s%s AS (%s)", *clause, (*clause)[0] == '\0' ? " WINDOW " : ", ", name,
                             definition);
            call = od_say(g, "%s OVER %s", call, name);
        } else {
            call = od_say(g, "%s OVER (%s)", call, definition);
        }
        add_text(scope, call, type, NULL);
        od_note(g, OD_QUERY_WINDOW);
        if (!is_aggregate && !shows_peers && strstr(definition, "ORDER BY") == NULL)
            od_note(g, OD_QUERY_UNORDERED_RANK);
        od_close_span(g);
    }
    g->place = place;
}

/* --- the select list
 * --------------------------------------------------------------------------------------- */

static bool has_output(const struct od_outputs *outputs, const char *name)
{
    for (uint32_t i = 0; i < outputs->count; i++)
        if (strcmp(outputs->columns[i].name, name) == 0)
            return true;
    return false;
}

static const char *item(struct od_query_gen *g, const struct od_scope *scope, const struct od_scope *rows,
                        const struct od_wanted *wanted, struct od_outputs *outputs)
{
    uint32_t index = outputs->count;
    enum od_type type = index < wanted->count ? wanted->types[index] : OD_TYPE_COUNT;
    const struct od_named *column = NULL;
    const char *text;
    od_open_span(g, "item");
    if (wanted->is_one_row) {
        text = aggregate_of(g, rows, type, &type);
        if (strncmp(text, "count", 5) == 0)
            od_note(g, OD_QUERY_COUNT_SUBQUERY);
    } else if (type == OD_TYPE_COUNT && scope->count > 0 && od_chance(g, 1, 2)) {
        bool is_call = scope->first_call > 0 && scope->first_call < scope->count && od_chance(g, 1, 2);
        uint32_t choices = is_call ? scope->count - scope->first_call : scope->count;
        column = &scope->columns[scope->count - 1 - od_draw_below(g, choices)];
        type = column->type;
        text = od_query_is_nameable(scope, column) ? column->text : od_query_literal(g, type);
        if (type == OD_TYPE_DECIMAL && column->name != NULL)
            od_note(g, OD_QUERY_NUMERIC);
    } else {
        if (type == OD_TYPE_COUNT)
            type = od_chance(g, 1, 8) ? OD_TYPE_BOOLEAN : od_draw_scope_type(g, scope);
        uint32_t may_fail_before = g->may_fail_count;
        uint32_t foldable_before = g->foldable_count;
        text = od_query_expr(g, scope, type, g->is_sure ? 3 : 2);
        od_query_note_folded(g, may_fail_before, foldable_before);
    }
    bool keeps_name =
        column != NULL && column->is_outer && !has_output(outputs, column->name) && od_chance(g, 1, 2);
    const char *name = keeps_name ? column->name : od_say(g, "x%u", ++g->alias_count);
    outputs->columns[outputs->count++] = (struct od_named){.text = name, .name = name, .type = type};
    od_close_span(g);
    return od_say(g, "%s AS %s", text, name);
}

static const char *select_list(struct od_query_gen *g, const struct od_scope *scope,
                               const struct od_scope *rows, const struct od_wanted *wanted,
                               struct od_outputs *outputs)
{
    const char *text = "";
    uint32_t count_max = wanted->count > 0 ? wanted->count : OD_LIST_COLUMNS_MAX;
    enum od_query_feature place = g->place;
    g->place = OD_QUERY_IN_SELECT;
    do {
        const char *comma = outputs->count == 0 ? "" : ", ";
        text = od_say(g, "%s%s%s", text, comma, item(g, scope, rows, wanted, outputs));
    } while (outputs->count < count_max && (wanted->count > 0 || od_chance(g, 3, 5)));
    g->place = place;
    return text;
}

static const char *star(struct od_query_gen *g, const struct od_scope *scope, struct od_outputs *outputs)
{
    for (uint32_t i = 0; i < scope->count; i++) {
        if (scope->columns[i].is_hidden) {
            od_note(g, OD_QUERY_STAR_MERGED);
            continue;
        }
        if (scope->columns[i].type == OD_TYPE_DECIMAL)
            od_note(g, OD_QUERY_NUMERIC);
        outputs->columns[outputs->count++] = (struct od_named){.text = "", .type = scope->columns[i].type};
    }
    od_note(g, OD_QUERY_STAR);
    return "*";
}

static const char *distinct(struct od_query_gen *g, const struct od_wanted *wanted, struct od_select *select)
{
    uint64_t kind = wanted->is_one_row || g->is_sure ? 0 : od_draw_below(g, 16);
    if (kind < 14 || (kind == 15 && !(wanted->is_alone && od_may(g, OD_QUERY_DISTINCT_ON))))
        return "";
    select->inner = NULL;
    od_note(g, OD_QUERY_OPEN_EQUALS);
    if (kind == 14) {
        od_note(g, OD_QUERY_DISTINCT);
        return "DISTINCT ";
    }
    od_note(g, OD_QUERY_DISTINCT_ON);
    select->is_distinct_on = true;
    return od_say(g, "DISTINCT ON (%s) ", select->outputs.columns[0].name);
}

void od_query_select(struct od_query_gen *g, const struct od_scope *outer, const struct od_wanted *wanted,
                     struct od_select *select_out)
{
    struct od_scope rows;
    struct od_scope *scope = od_arena_take(g->gen->arena, sizeof(*scope));
    const char *keys[3];
    const char *groups = "";
    const char *having = "";
    const char *windows = "";
    bool has_sets = false;
    uint32_t key_count = 0;
    memset(select_out, 0, sizeof(*select_out));
    select_out->text = "";
    if (scope == NULL) {
        g->gen->status = od_fail(g->gen->error, OD_NO_MEMORY, "drawing a SELECT");
        return;
    }
    g->selects_left -= g->selects_left > 0;
    od_open_span(g, "select");
    const char *from = od_query_from(g, outer, &rows);
    const char *where = g->is_sure ? "" : conjunction(g, &rows, " WHERE ", 2, OD_QUERY_IN_WHERE);
    bool is_grouped = wanted->is_one_row || od_chance(g, 3, 8);
    uint32_t may_fail_before = g->may_fail_count;
    uint32_t foldable_before = g->foldable_count;
    *scope = is_grouped ? (struct od_scope){.outer = outer, .rows = rows.rows} : rows;
    if (is_grouped && !wanted->is_one_row) {
        uint32_t literals_before = g->literal_count;
        key_count = draw_keys(g, &rows, scope, keys);
        bool are_foldable = g->literal_count != literals_before;
        groups = key_count == 0 ? "" : group_by(g, keys, key_count, are_foldable, &has_sets);
        for (uint32_t i = 0; i < 4 && (i == 0 || od_chance(g, 1, 2)); i++) {
            enum od_type type;
            const char *text = aggregate_of(g, &rows, OD_TYPE_COUNT, &type);
            add_text(scope, text, type, NULL);
        }
        if (has_sets && od_chance(g, 1, 2)) {
            od_note(g, OD_QUERY_GROUPING_CALL);
            add_text(scope, od_say(g, "grouping(%s)", listed(g, keys, key_count)), OD_TYPE_INT32, NULL);
        }
        g->calls_may_fail |= g->may_fail_count != may_fail_before;
        foldable_before = g->foldable_count;
        if (!g->is_sure && (groups[0] != '\0' || od_may(g, OD_QUERY_HAVING_ALONE)))
            having = conjunction(g, scope, " HAVING ", has_sets ? 2 : 1, OD_QUERY_IN_HAVING);
        if (having[0] != '\0')
            od_note(g, groups[0] == '\0' ? OD_QUERY_HAVING_ALONE : OD_QUERY_HAVING);
    }
    may_fail_before = g->may_fail_count;
    if (is_grouped)
        scope->first_call = key_count;
    else
        scope->first_call = scope->count;
    if (!wanted->is_one_row && !g->is_sure && od_chance(g, 1, 4))
        add_windows(g, scope, !has_sets, &windows);
    od_query_note_spared(g, may_fail_before); /* a frame need not hold every row */
    bool is_star = wanted->is_top && wanted->is_alone && !is_grouped && windows[0] == '\0' &&
                   od_chance(g, 1, 12) && rows.count > 0;
    const char *list = is_star ? star(g, &rows, &select_out->outputs)
                               : select_list(g, scope, &rows, wanted, &select_out->outputs);
    g->folds_calls |= g->foldable_count != foldable_before;
    select_out->inner = wanted->is_one_row || is_star ? NULL : scope;
    select_out->outputs.rows = wanted->is_one_row ? 1 : rows.rows;
    const char *word = is_star ? "" : distinct(g, wanted, select_out);
    select_out->text =
        od_say(g, "SELECT %s%s FROM %s%s%s%s%s", word, list, from, where, groups, having, windows);
    od_close_span(g);
}
