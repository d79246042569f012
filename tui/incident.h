/* What the console keeps of an incident beside the host's state. Types only. */
#ifndef TUI_INCIDENT_H
#define TUI_INCIDENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "probes/base/arena.h"
#include "probes/resource.h"
#include "tui/dialog.h"

struct arming { /* of this console */
	bool on, asking, take, pair; /* pair: R3 takes two people */
	char reason[FIELD_ROOM];
	uint64_t until_ms, idle_ms, since;
	json_t *second; /* who confirmed, and what; a reference, NULL: nobody */
};

struct peer { /* another console on this host, while it is armed */
	bool on;
	char user[40], tty[24], step[24], running[80];
	uint64_t since;
	json_t *asks; /* what it wants a second person for, a reference; NULL: nothing */
};

struct incident {
	char id[64];	   /* may change: a resumed one keeps its name */
	unsigned written;  /* lines this console gave to the journal */
	bool open;	   /* something is written about it: from then on the world's changes are, too */
	unsigned criteria; /* of escalation, ever met: bit per criterion */
	unsigned recoveries; /* automatic attempts that failed since the worker was last clean */
	size_t told[RES_KINDS]; /* leftovers when they were last written down */
	uint64_t told_ms;
	struct arena mem;
	const char **fresh, **gone; /* JSON of what appeared, identities of what vanished, not yet written; in mem */
	size_t nfresh, ngone, unsaid;
};

struct trashed { /* directories this console deleted that can still come back */
	struct arena mem;
	const char **ids;
	size_t n;
	uint64_t until; /* wall clock */
};

enum { RECURRENCES = 16 };

struct soak { /* the watch for a recurrence, after the worker went back to work */
	bool on;
	int step;
	uint64_t began_ms, until_ms;
	char why[120];	       /* the recurrence that ended it, "" */
	uint64_t came[RECURRENCES]; /* wall clock of failures seen by this console, a ring */
	size_t ncame;
};

#endif
