/* The lines of the watch stream (watch.h says which there are), made from resources and from their differences. */
#ifndef PROBES_WATCH_DELTA_H
#define PROBES_WATCH_DELTA_H

#include <stdio.h>

#include "probes/snapshot.h"

/* One line; takes the reference. */
void watch_put_line(FILE *out, json_t *j);
/* `body` with its op first, when it differs from the last line of its sort, which *last keeps. */
void watch_put_when_new(FILE *out, const char *op, json_t *body, char **last);
void watch_put_hello(FILE *out, const char *boot_id);
void watch_put_source(FILE *out, enum resource_kind kind, const char *mode, const struct resource_set *set);
/* as_of: monotonic milliseconds, 0 = news of this kind is not looked at yet. */
void watch_put_sync(FILE *out, uint64_t wall_s, uint64_t ms, const uint64_t as_of[RES_KINDS]);
void watch_put_gone(FILE *out, const struct resource *r);

/* before × after → lines, appended to out; both sets sorted. Pure, so that it can be tested. */
int watch_delta(const struct snapshot *before, const struct snapshot *after, FILE *out, struct err *e) MUST_CHECK;

#endif
