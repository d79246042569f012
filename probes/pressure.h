/* What runs short: disk, inodes, file handles, memory, stalls, and what the kernel's log says about it. */
#ifndef PROBES_PRESSURE_H
#define PROBES_PRESSURE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "probes/base/err.h"
#include "probes/scope.h"

enum pressure_disk_id { PRESSURE_WORK, PRESSURE_STATE, PRESSURE_DISKS };
enum pressure_stall_id { PRESSURE_CPU, PRESSURE_MEMORY, PRESSURE_IO, PRESSURE_STALLS };
enum pressure_log_id { PRESSURE_LOG_OOM, PRESSURE_LOG_FS, PRESSURE_LOG_CGROUP, PRESSURE_LOG_BUG, PRESSURE_LOGS };

struct pressure_disk {
	char path[PATH_ROOM];
	bool known;
	struct err why; /* when not known: the file system did not answer in time, or not at all */
	uint64_t bytes, free, used, inodes, inodes_free; /* free: for us; used is not bytes - free where some is kept for root */
};

struct pressure {
	struct pressure_disk disk[PRESSURE_DISKS];
	uint64_t files_used, files_max;
	uint64_t memory_total, memory_available; /* bytes */
	bool psi;				 /* the kernel keeps stall figures */
	double some[PRESSURE_STALLS], full[PRESSURE_STALLS]; /* percent of the last 10 s */
	bool log_known;
	struct err log_why;
	unsigned log[PRESSURE_LOGS]; /* kernel messages of the last hour */
	char log_last[160];
};

/* One file system, asked in a child, for a second at most. */
void pressure_look_disk(const char *path, struct pressure_disk *ret);
/* Takes at most about a second per file system: each is asked in a child of its own, because statvfs(2)
 * on a dead server never returns. */
void pressure_look(const struct scope *scope, struct pressure *ret);
json_t *pressure_to_json(const struct pressure *p);

/* One record of /dev/kmsg: its class, or -1. Pure. `prefix` gives priority and microseconds since boot;
 * records that user space wrote (facility not 0) are nobody's evidence. */
int pressure_log_class(const char *record, uint64_t *ret_us, const char **ret_text);

#endif
