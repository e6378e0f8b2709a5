/* property: the table of properties, and findings. Each property is one file named after its code. */
#include "properties/property_list.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define X(code, name, weight, root, plain, sentence)                                                         \
    {code, sentence, weight, OD_ROOT_##root, plain, od_check_##name},
const struct od_property od_properties[] = {OD_PROPERTY_LIST(X)};
#undef X
const uint32_t od_property_count = sizeof(od_properties) / sizeof(od_properties[0]);

const struct od_property *od_property_find(const char *code)
{
    for (uint32_t i = 0; i < od_property_count; i++)
        if (strcmp(od_properties[i].code, code) == 0)
            return &od_properties[i];
    return strcmp(od_property_statement.code, code) == 0 ? &od_property_statement : NULL;
}

void od_finding_set(struct od_finding *finding, const char *code, const char *format, ...)
{
    va_list values;
    if (finding->found)
        return;
    finding->found = true;
    snprintf(finding->code, sizeof(finding->code), "%s", code);
    va_start(values, format);
    vsnprintf(finding->text, sizeof(finding->text), format, values);
    va_end(values);
}
