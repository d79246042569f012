/*
 * Pressure; see pressure.h. The child that asks a file system is a grandchild with an alarm set: nobody
 * has to kill or reap it, and if even the alarm cannot end it, it is a process in D state that tells the
 * operator exactly what is wrong.
 */
#include "probes/pressure.h"

#include <fcntl.h>
#include <libproc2/meminfo.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probes/base/clock.h"
#include "probes/base/json.h"
#include "probes/base/kfile.h"
#include "probes/base/own.h"

enum { DISK_WAIT_MS = 1000, LOG_WINDOW_S = 3600, LOG_RECORDS = 100000 };

static const char *const disk_words[] = { [PRESSURE_WORK] = "work", [PRESSURE_STATE] = "state" };
static const char *const stall_words[] = { [PRESSURE_CPU] = "cpu", [PRESSURE_MEMORY] = "memory", [PRESSURE_IO] = "io" };
static const char *const log_words[] = {
	[PRESSURE_LOG_OOM] = "oom", [PRESSURE_LOG_FS] = "filesystem", [PRESSURE_LOG_CGROUP] = "cgroup",
	[PRESSURE_LOG_BUG] = "kernel",
};
_Static_assert(sizeof log_words / sizeof *log_words == PRESSURE_LOGS, "a word for each class");

struct answer {
	int code;
	uint64_t bytes, free, used, inodes, inodes_free;
};

/* The nearest directory that exists: a state directory not made yet will be made there. */
static struct answer ask(const char *path)
{
	char at[PATH_ROOM];
	struct statvfs v;
	(void)snprintf(at, sizeof at, "%s", path);
	while (statvfs(at, &v)) {
		char *slash = strrchr(at, '/');
		if (errno != ENOENT || !slash || strcmp(at, "/") == 0)
			return (struct answer){ .code = errno };
		slash[slash == at] = '\0';
	}
	return (struct answer){ .bytes = (uint64_t)v.f_blocks * v.f_frsize, .free = (uint64_t)v.f_bavail * v.f_frsize,
				.used = (uint64_t)(v.f_blocks - v.f_bfree) * v.f_frsize,
				.inodes = v.f_files, .inodes_free = v.f_favail };
}

static void answer_and_exit(int fd, const char *path)
{
	(void)alarm(2);
	struct answer a = ask(path);
	_exit(write(fd, &a, sizeof a) == sizeof a ? 0 : 1);
}

/* Starts the grandchild; returns the read end of its pipe or -errno. */
static int start(const char *path)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	pid_t child = fork();
	if (child == 0) {
		pid_t grandchild = fork();
		if (grandchild == 0)
			answer_and_exit(ends[1], path);
		_exit(grandchild < 0);
	}
	(void)close(ends[1]);
	if (child < 0) {
		(void)close(ends[0]);
		return -EAGAIN;
	}
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {
	}
	return ends[0];
}

void pressure_look_disk(const char *path, struct pressure_disk *ret)
{
	struct answer a = { 0 };
	(void)snprintf(ret->path, sizeof ret->path, "%s", path);
	autofd int fd = start(path);
	if (fd < 0) {
		(void)err_set(&ret->why, -fd, "ask for the space of %s", path);
		return;
	}
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int ready = poll(&p, 1, DISK_WAIT_MS);
	if (ready <= 0 || read(fd, &a, sizeof a) != sizeof a) {
		(void)err_say(&ret->why, ETIMEDOUT, "%s: its file system did not answer within %d ms", path, DISK_WAIT_MS);
		return;
	}
	if (a.code) {
		(void)err_set(&ret->why, a.code, "ask for the space of %s", path);
		return;
	}
	ret->known = true;
	ret->bytes = a.bytes;
	ret->free = a.free;
	ret->used = a.used;
	ret->inodes = a.inodes;
	ret->inodes_free = a.inodes_free;
}

static void look_memory(struct pressure *p)
{
	struct meminfo_info *info = NULL;
	if (procps_meminfo_new(&info) < 0)
		return;
	p->memory_total = (uint64_t)MEMINFO_GET(info, MEMINFO_MEM_TOTAL, ul_int) * 1024;
	p->memory_available = (uint64_t)MEMINFO_GET(info, MEMINFO_MEM_AVAILABLE, ul_int) * 1024;
	(void)procps_meminfo_unref(&info);
}

static void look_stalls(int proc, struct pressure *p)
{
	for (int i = 0; i < PRESSURE_STALLS; i++) {
		char name[32], text[512];
		(void)snprintf(name, sizeof name, "pressure/%s", stall_words[i]);
		if (kfile_read(proc, name, text, sizeof text) <= 0)
			continue; /* booted with psi=0: the file is there and refuses */
		const char *full = strstr(text, "full avg10=");
		p->psi = true;
		(void)sscanf(text, "some avg10=%lf", &p->some[i]);
		if (full)
			(void)sscanf(full, "full avg10=%lf", &p->full[i]);
	}
}

int pressure_log_class(const char *record, uint64_t *ret_us, const char **ret_text)
{
	static const struct {
		enum pressure_log_id class;
		const char *needle;
	} needles[] = {
		/* Of the host; a box that meets its own limit ("Memory cgroup out of memory") is daily business. */
		{ PRESSURE_LOG_OOM, "Out of memory" },	    { PRESSURE_LOG_FS, "EXT4-fs error" },
		{ PRESSURE_LOG_FS, "BTRFS error" },	    { PRESSURE_LOG_FS, "Corruption of in-memory data" },
		{ PRESSURE_LOG_FS, "I/O error" },	    { PRESSURE_LOG_FS, "Remounting filesystem read-only" },
		{ PRESSURE_LOG_FS, "Metadata corruption" }, { PRESSURE_LOG_CGROUP, "cgroup: fork rejected" },
		{ PRESSURE_LOG_CGROUP, "cgroup: cannot" },  { PRESSURE_LOG_BUG, "BUG: " },
		{ PRESSURE_LOG_BUG, "kernel BUG at" },	    { PRESSURE_LOG_BUG, "Oops: " },
		{ PRESSURE_LOG_BUG, "general protection fault" }, { PRESSURE_LOG_BUG, "WARNING: CPU" },
	};
	unsigned priority = 0;
	unsigned long long sequence = 0, us = 0;
	const char *text = strchr(record, ';');
	if (!text || sscanf(record, "%u,%llu,%llu", &priority, &sequence, &us) != 3 || priority >> 3)
		return -1;
	*ret_us = us;
	*ret_text = text + 1;
	for (size_t i = 0; i < sizeof needles / sizeof *needles; i++)
		if (strstr(text, needles[i].needle))
			return (int)needles[i].class;
	return -1;
}

static void look_log(struct pressure *p)
{
	char record[8192];
	autofd int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) {
		(void)err_set(&p->log_why, errno, "open /dev/kmsg (needs CAP_SYSLOG)");
		return;
	}
	uint64_t now = clock_mono_ns() / 1000;
	for (int i = 0; i < LOG_RECORDS; i++) {
		const char *text = NULL;
		uint64_t us = 0;
		ssize_t n = read(fd, record, sizeof record - 1);
		if (n < 0 && errno == EPIPE) /* overwritten while we read: go on with the next */
			continue;
		if (n <= 0)
			break;
		record[n] = '\0';
		int class = pressure_log_class(record, &us, &text);
		if (class < 0 || us + LOG_WINDOW_S * 1000000ull < now)
			continue;
		p->log[class]++;
		(void)snprintf(p->log_last, sizeof p->log_last, "%.*s", (int)strcspn(text, "\n"), text);
	}
	p->log_known = true;
}

void pressure_look(const struct scope *scope, struct pressure *ret)
{
	struct pressure p = { 0 };
	char text[128];
	autofd int proc = open(scope->proc, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	pressure_look_disk(scope->paths->of[PATH_WORK], &p.disk[PRESSURE_WORK]);
	pressure_look_disk(scope->paths->of[PATH_STATE], &p.disk[PRESSURE_STATE]);
	unsigned long long used = 0, max = 0;
	if (kfile_read(proc, "sys/fs/file-nr", text, sizeof text) > 0 && sscanf(text, "%llu %*u %llu", &used, &max) == 2) {
		p.files_used = used;
		p.files_max = max;
	}
	look_memory(&p);
	look_stalls(proc, &p);
	look_log(&p);
	*ret = p;
}

static json_t *disk_to_json(const struct pressure_disk *d, const char *word)
{
	json_t *j = json_object();
	json_object_set_new(j, "what", json_string(word));
	json_object_set_new(j, "path", json_text(d->path));
	json_object_set_new(j, "known", json_boolean(d->known));
	json_object_set_new(j, "why", d->known ? json_null() : json_text(d->why.text));
	json_object_set_new(j, "bytes", json_integer((json_int_t)d->bytes));
	json_object_set_new(j, "free", json_integer((json_int_t)d->free));
	json_object_set_new(j, "inodes", json_integer((json_int_t)d->inodes));
	json_object_set_new(j, "inodes_free", json_integer((json_int_t)d->inodes_free));
	return j;
}

json_t *pressure_to_json(const struct pressure *p)
{
	json_t *j = json_object(), *disks = json_array(), *psi = json_object(), *log = json_object();
	for (int i = 0; i < PRESSURE_DISKS; i++)
		json_array_append_new(disks, disk_to_json(&p->disk[i], disk_words[i]));
	json_object_set_new(j, "disks", disks);
	json_object_set_new(j, "file_handles", json_pack("{s:I,s:I}", "used", (json_int_t)p->files_used, "max",
							 (json_int_t)p->files_max));
	json_object_set_new(j, "memory", json_pack("{s:I,s:I}", "total", (json_int_t)p->memory_total, "available",
						   (json_int_t)p->memory_available));
	for (int i = 0; i < PRESSURE_STALLS; i++)
		json_object_set_new(psi, stall_words[i], json_pack("{s:f,s:f}", "some", p->some[i], "full", p->full[i]));
	json_object_set(j, "psi", p->psi ? psi : NULL);
	if (!p->psi)
		json_object_set_new(j, "psi", json_null());
	json_decref(psi);
	json_object_set_new(log, "known", json_boolean(p->log_known));
	json_object_set_new(log, "why", p->log_known ? json_null() : json_text(p->log_why.text));
	for (int i = 0; i < PRESSURE_LOGS; i++)
		json_object_set_new(log, log_words[i], json_integer(p->log[i]));
	json_object_set_new(log, "last", p->log_last[0] ? json_text(p->log_last) : json_null());
	json_object_set_new(j, "kernel_log", log);
	return j;
}
