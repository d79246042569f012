/*
 * The rows a plan is made of, in the words of the kernel modules that walk them: those are below the
 * plan and cannot know it. All strings belong to the plan's arena.
 */
#ifndef SANDBOX_POLICY_ROWS_H
#define SANDBOX_POLICY_ROWS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A value for one file of the box's own cgroup. */
struct knob_row {
	int controller; /* enum host_controller */
	int version;	/* 1 or 2: which hierarchy */
	const char *file;
	char value[96];
	bool maybe; /* kernels without swap accounting lack the file: then there is no swap to cap either */
};

struct rlimit_row {
	int resource; /* RLIMIT_* */
	uint64_t soft, hard;
};

/* Walked in order; targets are relative to the new root and have no leading slash. */
enum mount_kind {
	MOUNT_DIR,	 /* an empty directory, mode in `mode` */
	MOUNT_SYMLINK,	 /* `source` is its text */
	MOUNT_NODE,	 /* a character device `major`:`minor`, mode in `mode` */
	MOUNT_AGAIN,	 /* an empty directory of the root itself, mounted there once more with `flags` of its own */
	MOUNT_BIND,	 /* `source` on the host, `flags`; directory or file as the source is */
	MOUNT_TMPFS,	 /* `data` is its options, `flags`; owned by the box's uid when `owned` */
	MOUNT_PROC,	 /* a new procfs, `data` is its options */
	MOUNT_WORKSPACE, /* the run's workspace: the plan's workspace_fd is attached here */
};

struct mount_row {
	enum mount_kind kind;
	const char *target, *source, *data;
	unsigned long flags; /* MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_REC */
	mode_t mode;
	unsigned major, minor;
	bool owned;
	bool maybe; /* a missing source is skipped */
};

#endif
