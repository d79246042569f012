/* Writes down where boxes are made when that is a delegated cgroup, for whoever looks for leftovers (probes/places.h). */
#ifndef SANDBOX_BOX_PLACE_H
#define SANDBOX_BOX_PLACE_H

#include "probes/base/paths.h"
#include "probes/host.h"

/* host->place is in the list when this returns 0, and stays for as long as the cgroup exists: places that are gone, as a
 * scope's when it ended, leave the list when a new one comes. Nothing to do without a place. */
int place_record(const struct paths *paths, const struct host *host, struct err *e) MUST_CHECK;

#endif
