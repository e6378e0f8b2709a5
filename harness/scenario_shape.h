/* scenario_shape: the first mistake in a YAML file's shape, at its exact place. Private to scenario*.c.
 *
 * libcyaml loads by a schema, but tells the place of what it had read last, takes -1 and 1.5 for whole numbers, and speaks of events.
 * So the file is held against the same schema first, here; libcyaml then loads what is known to fit. */
#ifndef OD_HARNESS_SCENARIO_SHAPE_H
#define OD_HARNESS_SCENARIO_SHAPE_H

#include <cyaml/cyaml.h>

#include "engine/core/status.h"

/* BAD_INPUT with line and column: syntax, more than one document, a wrong kind of value, an unknown, missing or repeated key, a
 * number out of range, an empty text or list. `name` goes into the text. Knows mappings, sequences, texts and unsigned numbers. */
enum od_status od_scenario_check_shape(const char *name, const char *text, size_t size,
                                       const cyaml_schema_value_t *schema, struct od_error *error);

#endif
