/* graph: a query's stages as an inline SVG picture, laid out by Graphviz's library in this process.
 *
 * Colours are left to the page: everything is drawn with classes and currentColor, so that it follows light
 * and dark. Not thread-safe, as Graphviz is not. Internal to reports. */
#ifndef OD_REPORTS_GRAPH_H
#define OD_REPORTS_GRAPH_H

#include "engine/core/buffer.h"
#include "reports/record.h"

/* Appends an <svg> element. `key` makes its ids unique in the page. False, and nothing appended, when
 * Graphviz cannot draw here or the query has no stages: the page then shows the table of stages alone.
 * *refused_out tells that it was memory, ours and not Graphviz's, that was missing. */
bool od_graph_svg(struct od_buffer *out, const struct od_record_query *query, uint32_t key,
                  bool *refused_out);

#endif
