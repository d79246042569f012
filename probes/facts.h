/*
 * What is known of a resource beside its name, one struct per kind. Strings live in the arena of the
 * snapshot they belong to; numbers are as the kernel gives them.
 */
#ifndef PROBES_FACTS_H
#define PROBES_FACTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct mount_facts {
	uint64_t parent;      /* reusable mount ids, as in mountinfo(5) */
	uint64_t mount_id;
	unsigned major, minor;
	unsigned shared, master; /* peer group ids, 0 when none */
	unsigned layer;       /* 0 = the only or lowest mount on this point, 1.. = stacked above */
	unsigned children;    /* mounts directly below */
	uint64_t bytes;	      /* held by a left-over tmpfs, 0 when not asked */
	const char *fstype, *source, *root, *options;
};

struct cgroup_facts {
	const char *hierarchy, *path; /* path relative to the hierarchy's mount, "/rustbox-x" */
	uint64_t inode, memory;	      /* memory: bytes charged, 0 when the controller is not here */
	unsigned procs, children;
	int version;		      /* 1 or 2 */
	bool populated, frozen;
};

struct process_facts {
	pid_t pid, ppid;
	uid_t uid;
	char state; /* as in /proc/PID/stat: R S D Z T ... */
	uint64_t start_ticks, rss;
	uint64_t mnt_ns, pid_ns; /* inode numbers, 0 when hidden */
	const char *comm, *cmdline, *cgroup, *wchan;
};

struct tempdir_facts {
	uint64_t inode, bytes, entries, mtime; /* bytes, entries: of the top level only */
	unsigned major, minor, mounts_below;
};

struct lock_facts {
	bool held, corrupt;
	unsigned entries; /* resources recorded and not struck off */
};

struct ghost_facts {
	unsigned major, minor;
	uint64_t mnt_ns;   /* where it is still mounted, 0 when only descriptors hold it */
	uint64_t bytes;	   /* 0 when unknown */
	pid_t holder;	   /* one of them, 0 when none is visible */
	const char *holder_comm, *how;
};

#endif
