/*
 * What the host is short of. statvfs(2) waits for ever on a dead server, so it is asked by a child with a deadline
 * that answers through shared memory; what did not answer is null, with the reason beside it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/statvfs.h>

#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "sandbox/box/reclaim_child.h"
#include "sandbox/ops/look.h"

enum { STATVFS_MS = 1000, KLOG_ROOM = 1 << 18, KLOG_READ_ALL = 3 };

struct disk_act {
	const char *path;
	struct statvfs *answer; /* shared with the child */
};

static int disk_in_child(void *arg, struct child_voice *voice, struct err *e)
{
	struct disk_act *act = arg;
	(void)voice;
	return statvfs(act->path, act->answer) < 0 ? err_set(e, errno, "statvfs") : 0;
}

static json_t *disk_of(const char *path)
{
	struct err e = { 0 };
	struct statvfs *v = mmap(NULL, sizeof *v, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (v == MAP_FAILED)
		return json_null();
	struct disk_act act = { .path = path, .answer = v };
	int r = child_do(disk_in_child, &act, STATVFS_MS, NULL, NULL, &e);
	json_t *j = r < 0 ? json_pack("{s:s,s:s}", "path", path, "error", e.text)
			  : json_pack("{s:s,s:I,s:I,s:I,s:I}", "path", path, "bytes", (json_int_t)(v->f_blocks * v->f_frsize),
				      "free", (json_int_t)(v->f_bavail * v->f_frsize), "inodes", (json_int_t)v->f_files,
				      "inodes_free", (json_int_t)v->f_favail);
	(void)munmap(v, sizeof *v);
	return j;
}

static json_t *handles(void)
{
	char text[96];
	unsigned long long used, unused, most;
	if (kfile_read(AT_FDCWD, "/proc/sys/fs/file-nr", text, sizeof text) < 0 ||
	    sscanf(text, "%llu %llu %llu", &used, &unused, &most) != 3)
		return json_null();
	return json_pack("{s:I,s:I}", "used", (json_int_t)used, "limit", (json_int_t)(most > INT64_MAX ? INT64_MAX : most));
}

static json_t *memory(void)
{
	autofree char *text = NULL;
	unsigned long long total, available;
	const char *t, *v;
	if (kfile_read_all(AT_FDCWD, "/proc/meminfo", &text) < 0 || !(t = strstr(text, "MemTotal:")) ||
	    !(v = strstr(text, "MemAvailable:")) || sscanf(t, "MemTotal: %llu", &total) != 1 ||
	    sscanf(v, "MemAvailable: %llu", &available) != 1)
		return json_null();
	return json_pack("{s:I,s:I}", "total", (json_int_t)(total * 1024), "available", (json_int_t)(available * 1024));
}

static json_t *psi(const char *what)
{
	char path[48], text[256];
	double avg;
	(void)snprintf(path, sizeof path, "/proc/pressure/%s", what);
	if (kfile_read(AT_FDCWD, path, text, sizeof text) < 0 || sscanf(text, "some avg10=%lf", &avg) != 1)
		return json_null();
	return json_real(avg);
}

static size_t count_lines(const char *log, const char *const *words)
{
	size_t n = 0;
	for (const char *l = log; *l;) {
		size_t len = strcspn(l, "\n");
		bool hit = false;
		for (size_t i = 0; !hit && words[i]; i++)
			hit = memmem(l, len, words[i], strlen(words[i])) != NULL;
		n += hit;
		l += len + (l[len] == '\n');
	}
	return n;
}

/* The runbook's `dmesg | grep`, by what it looks for. null without the privilege to read the log. */
static json_t *kernel_log(void)
{
	static const char *const oom[] = { "Out of memory", "oom-kill:", "Memory cgroup out of memory", NULL };
	static const char *const fs[] = { "EXT4-fs error", "XFS (", "BTRFS error", "Buffer I/O error", "I/O error, dev", NULL };
	static const char *const cgroup[] = { "cgroup: fork rejected", "cgroup: error", "cgroup: warning", NULL };
	autofree char *log = calloc(1, KLOG_ROOM + 1);
	if (!log)
		abort();
	if (klogctl(KLOG_READ_ALL, log, KLOG_ROOM) < 0)
		return json_null();
	return json_pack("{s:I,s:I,s:I}", "oom", (json_int_t)count_lines(log, oom), "filesystem",
			 (json_int_t)count_lines(log, fs), "cgroup", (json_int_t)count_lines(log, cgroup));
}

json_t *pressure_to_json(const struct paths *p)
{
	const char *const disks[] = { p->of[PATH_WORK], p->of[PATH_STATE], p->of[PATH_RUN] };
	json_t *o = json_object(), *list = json_array(), *stall = json_object();
	for (size_t i = 0; i < sizeof disks / sizeof *disks; i++)
		json_array_append_new(list, disk_of(disks[i]));
	json_object_set_new(stall, "cpu", psi("cpu"));
	json_object_set_new(stall, "memory", psi("memory"));
	json_object_set_new(stall, "io", psi("io"));
	json_object_set_new(o, "disk", list);
	json_object_set_new(o, "file_handles", handles());
	json_object_set_new(o, "memory", memory());
	json_object_set_new(o, "psi", stall);
	json_object_set_new(o, "kernel_log", kernel_log());
	return o;
}
