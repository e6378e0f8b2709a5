/* csv_infer: which types a field could have, as a set of bits; a column's type is what all its fields agree
 * on. */
#ifndef OD_IO_CSV_INFER_H
#define OD_IO_CSV_INFER_H

#include "engine/data/type.h"
#include "engine/io/csv_scan.h"

typedef uint32_t od_csv_types; /* bit t: could be enum od_type t */
#define OD_CSV_TYPES_ALL (((od_csv_types)1 << OD_TYPE_COUNT) - 1)

/* The types as which this field loses nothing. A NULL field could be any. `candidates`: only these are tried.
 */
od_csv_types od_csv_infer_field(const struct od_csv_field *field, od_csv_types candidates);
/* The narrowest. `has_values` false: there was no evidence, so text. */
enum od_type od_csv_infer_type(od_csv_types candidates, bool has_values);
/* An unquoted empty field. */
static inline bool od_csv_field_is_null(const struct od_csv_field *field)
{
    return field->size == 0 && !field->is_quoted;
}

#endif
