/* What follows from what was seen over time: how fast space goes, and whether two tellers disagree. Types only. */
#ifndef TUI_SIGHT_H
#define TUI_SIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include "tui/slo.h"

enum { SIGHT_DISKS = 2, SIGHT_SAMPLES = 32 };

struct disk_sight {
	char path[64];
	bool known;
	uint64_t bytes, free, inodes, inodes_free;
	struct { uint64_t wall, free; } past[SIGHT_SAMPLES]; /* newest last */
	unsigned n;
};

struct space_sight { /* the space view's last answer */
	char path[512], why[240];
	struct json_t *lines; /* an array of what rustbox-probe said, or NULL */
	bool asking;
};

struct sight {
	struct space_sight space;
	struct slo slo;
	struct disk_sight disk[SIGHT_DISKS];
	unsigned memory_used, handles_used; /* percent */
	int io_stall;			    /* percent, -1: the kernel does not tell */
	bool conflict, conflict_said; /* the worker says HEALTHY while leftovers are here; and the log has it */
	unsigned lag_s;	 /* how far the terminal is behind, 0: it keeps up */
	unsigned news;	 /* rows that changed since the cursor was on them */
};

#endif
