/* case_print: a case as people read it: tables, SQL, plan, cluster. What the harness knows (faults, expected,
 * actual) it adds. */
#ifndef OD_PROPERTIES_CASE_PRINT_H
#define OD_PROPERTIES_CASE_PRINT_H

#include "properties/case.h"

/* Appends; false when the buffer has failed. */
bool od_case_print(const struct od_case *test_case, struct od_buffer *buffer);
/* Rows over all tables: the size of a case, as people count it. */
uint32_t od_case_row_count(const struct od_case *test_case);

#endif
