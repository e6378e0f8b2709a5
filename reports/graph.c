#include "reports/graph.h"

#include "reports/text.h"

#include <graphviz/cgraph.h>
#include <graphviz/gvc.h>
#include <graphviz/gvplugin.h>
#include <stdio.h>
#include <string.h>

/* The plugins that are linked in; nothing is loaded at run time. Text is measured by Graphviz's own tables,
 * which know Helvetica and its kin. */
extern gvplugin_library_t gvplugin_dot_layout_LTX_library;
extern gvplugin_library_t gvplugin_core_LTX_library;
static lt_symlist_t plugins[] = {
    {"gvplugin_dot_layout_LTX_library", &gvplugin_dot_layout_LTX_library},
    {"gvplugin_core_LTX_library", &gvplugin_core_LTX_library},
    {NULL, NULL},
};

/* The text of one label after the other. */
struct labeller {
    struct od_buffer text;
    bool refused; /* some label could not be written */
};
static const char *label_end(struct labeller *labeller)
{
    labeller->refused = labeller->refused || labeller->text.failed;
    return od_buffer_text(&labeller->text);
}

/* Graphviz's functions take `char *` and do not write to it. */
static void set(void *object, const char *name, const char *value)
{
    agsafeset(object, (char *)name, (char *)value, (char *)"");
}

/* Graphviz reads \ as an escape and & as the start of an entity. */
static void label_text(struct od_buffer *out, const char *text)
{
    for (; text != NULL && *text != '\0'; text++) {
        if (*text == '\\')
            od_buffer_append_text(out, "\\\\");
        else if (*text == '&')
            od_buffer_append_text(out, "&amp;");
        else if ((unsigned char)*text < 0x20)
            od_buffer_append_text(out, " ");
        else
            od_buffer_append(out, text, 1);
    }
}

static void stage_label(struct od_buffer *out, const struct od_record_stage *stage)
{
    od_buffer_reset(out);
    od_buffer_print(out, "stage %llu", (unsigned long long)stage->stage);
    if (stage->name != NULL) {
        od_buffer_append_text(out, ": ");
        label_text(out, stage->name);
    }
    od_buffer_append_text(out, "\\l");
    for (uint32_t i = 0; i < stage->operators.count; i++) {
        od_buffer_append_text(out, "  ");
        label_text(out, stage->operators.items[i]);
        od_buffer_append_text(out, "\\l");
    }
    od_buffer_print(out, "%s task%s, %s rows out\\l", od_measure_count(stage->tasks).text,
                    stage->tasks == 1 ? "" : "s", od_measure_count(stage->rows).text);
}

static void add_nodes(Agraph_t *graph, struct labeller *labeller, const struct od_record_query *query,
                      uint32_t key)
{
    char text[48];
    for (uint32_t i = 0; i < query->stages.count; i++) {
        const struct od_record_stage *stage = query->stages.items[i];
        snprintf(text, sizeof(text), "stage %llu", (unsigned long long)stage->stage);
        Agnode_t *node = agnode(graph, text, 1);
        stage_label(&labeller->text, stage);
        set(node, "label", label_end(labeller));
        snprintf(text, sizeof(text), "graph%u-stage%llu", key, (unsigned long long)stage->stage);
        set(node, "id", text);
        set(node, "shape", "box");
        set(node, "style", "rounded");
        set(node, "fontname", "Helvetica");
        set(node, "fontsize", "12");
        set(node, "margin", "0.16,0.08");
        set(node, "class", stage->indeterminate ? "stage indeterminate" : "stage");
    }
}

static const struct od_record_stage *find_stage(const struct od_record_query *query, uint64_t number)
{
    for (uint32_t i = 0; i < query->stages.count; i++) {
        if (query->stages.items[i]->stage == number)
            return query->stages.items[i];
    }
    return NULL;
}

static void edge_label(struct od_buffer *out, const struct od_record_stage *parent)
{
    od_buffer_reset(out);
    od_buffer_append_text(out, " ");
    label_text(out, parent->exchange == NULL ? "exchange" : parent->exchange);
    od_buffer_print(out, " \\n %s ", od_measure_bytes(parent->bytes).text);
}

static void add_edges(Agraph_t *graph, struct labeller *labeller, const struct od_record_query *query,
                      uint32_t key)
{
    char name[48];
    uint32_t edge_index = 0;
    for (uint32_t i = 0; i < query->stages.count; i++) {
        const struct od_record_stage *stage = query->stages.items[i];
        snprintf(name, sizeof(name), "stage %llu", (unsigned long long)stage->stage);
        Agnode_t *reader = agnode(graph, name, 0);
        for (uint32_t k = 0; k < stage->parents.count; k++) {
            const struct od_record_stage *parent = find_stage(query, stage->parents.items[k]->stage);
            snprintf(name, sizeof(name), "stage %llu", (unsigned long long)stage->parents.items[k]->stage);
            Agnode_t *writer = agnode(graph, name, 0);
            if (parent == NULL || writer == NULL || reader == NULL)
                continue;
            Agedge_t *edge = agedge(graph, writer, reader, NULL, 1);
            edge_label(&labeller->text, parent);
            set(edge, "label", label_end(labeller));
            set(edge, "fontname", "Helvetica");
            set(edge, "fontsize", "11");
            set(edge, "arrowsize", "0.8");
            snprintf(name, sizeof(name), "graph%u-edge%u", key, edge_index++);
            set(edge, "id", name);
        }
    }
}

/* Graphviz writes a document; a page wants its <svg> element only. */
static bool append_svg(struct od_buffer *out, const char *document)
{
    const char *start = strstr(document, "<svg");
    if (start == NULL)
        return false;
    od_buffer_append_text(out, start);
    return true;
}

static bool render(struct od_buffer *out, struct labeller *labeller, const struct od_record_query *query,
                   uint32_t key)
{
    char id[32];
    bool drawn = false;
    GVC_t *context = gvContextPlugins(plugins, 0);
    Agraph_t *graph = context == NULL ? NULL : agopen((char *)"stages", Agstrictdirected, NULL);
    if (graph == NULL)
        goto done;
    snprintf(id, sizeof(id), "graph%u", key);
    set(graph, "id", id);
    set(graph, "rankdir", "LR");
    set(graph, "bgcolor", "transparent");
    set(graph, "nodesep", "0.3");
    set(graph, "ranksep", "0.45");
    set(graph, "pad", "0.05");
    add_nodes(graph, labeller, query, key);
    add_edges(graph, labeller, query, key);
    if (labeller->refused || gvLayout(context, graph, "dot") != 0)
        goto done;
    char *document = NULL;
    unsigned size = 0;
    if (gvRenderData(context, graph, "svg", &document, &size) == 0 && document != NULL)
        drawn = append_svg(out, document);
    gvFreeRenderData(document);
    gvFreeLayout(context, graph);
done:
    if (graph != NULL)
        agclose(graph);
    if (context != NULL)
        gvFreeContext(context);
    return drawn;
}

bool od_graph_svg(struct od_buffer *out, const struct od_record_query *query, uint32_t key, bool *refused_out)
{
    *refused_out = false;
    if (query->stages.count == 0)
        return false;
    struct labeller labeller = {.refused = false};
    od_buffer_init(&labeller.text, out->memory);
    bool drawn = render(out, &labeller, query, key);
    *refused_out = labeller.refused;
    od_buffer_release(&labeller.text);
    return drawn;
}
