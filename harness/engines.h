/* engines: the engines that this program can drive. Today the reference engine; SQLite serves as an oracle only. */
#ifndef OD_HARNESS_ENGINES_H
#define OD_HARNESS_ENGINES_H

#include "engine/core/status.h"

/* OK for an engine that can be driven here; BAD_INPUT lists those that can. */
enum od_status od_engine_check(const char *name, struct od_error *error);

#endif
