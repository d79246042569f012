/* What was seen, as text for a terminal; every name from the host is escaped. */
#ifndef PROBES_SHOW_H
#define PROBES_SHOW_H

#include <jansson.h>
#include <stdio.h>

#include "probes/diff.h"
#include "probes/holders.h"
#include "probes/host.h"
#include "probes/pressure.h"
#include "probes/space.h"

void show_snapshot(FILE *out, const struct snapshot *s);
void show_diff(FILE *out, const struct diff *d);
void show_holders(FILE *out, const struct resource *of, const struct holders *h);
void show_host(FILE *out, const struct host *h);
json_t *show_host_json(const struct host *h);
void show_pressure(FILE *out, const struct pressure *p);
void show_space(FILE *out, const struct space *s);

#endif
