/* One resource as JSON, and what else needs to know every field of one. */
#ifndef PROBES_RESOURCE_JSON_H
#define PROBES_RESOURCE_JSON_H

#include <jansson.h>
#include <stdio.h>

#include "probes/resource.h"

json_t *resource_to_json(const struct resource *r);
/* The same as one line with its op first, byte for byte what jansson would write, at a tenth of the cost. */
void resource_write(FILE *out, const char *op, const struct resource *r);
/* Reads such a line, without its newline, in place: ret's texts are parts of it. False when it is not exactly as
 * resource_write() writes it: then the line is spoilt, and a copy may still be good JSON. */
bool resource_scan(char *line, struct resource *ret);
int resource_from_json(const json_t *j, const char *path, struct arena *a, struct resource *ret, struct err *e)
	MUST_CHECK;

/* Whether two sightings of one resource tell the same: every field that JSON would show but `born`, which is reckoned
 * from clocks and says nothing new of the same id. */
bool resource_same(const struct resource *a, const struct resource *b);

/* Where its strings hang, NULL ones too, for who copies it whole; returns how many. */
enum { FACT_STRINGS = 4, RESOURCE_STRINGS = FACT_STRINGS + 5 };
size_t resource_strings(struct resource *r, const char **slot[static RESOURCE_STRINGS]);

#endif
