/*
 * How many are left over, as it may be told. A kind that could not be looked at everywhere and shows none is not none:
 * JSON says null and the reason beside it, text says that it cannot tell. One that shows some has at least those.
 */
#ifndef PROBES_TOLD_H
#define PROBES_TOLD_H

#include <jansson.h>

#include "probes/snapshot.h"

/* "3", "at least 3" or "unknown"; returns out. */
const char *told_text(const struct resource_set *set, size_t count, char *out, size_t cap);
json_t *told_count(const struct resource_set *set, size_t count); /* null when unknown */
/* An object with a member for each kind: of the leftovers. */
json_t *told_leftovers(const struct snapshot *s);
/* An object with the reason for each kind that was not seen whole; null when there is none. */
json_t *told_unknown(const struct snapshot *s);

#endif
