/* The bundle; see bundle.h. */
#include "tui/bundle.h"

#include <dirent.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probes/base/clock.h"
#include "probes/base/json.h"
#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "probes/base/sha256.h"
#include "probes/base/text.h"
#include "probes/diff.h"
#include "probes/health.h"
#include "probes/holders.h"
#include "probes/snapshot.h"
#include "probes/told.h"
#include "tui/journal.h"
#include "tui/report.h"

enum { KLOG_READ_ALL = 3, KLOG_ROOM = 1 << 20, NAMESPACES = 64, SUMS_ROOM = 32768 };

struct bundle {
	const struct paths *paths;
	int dir;
	char *sums;
	size_t nsums;
	char missing[4096];
	struct text lost;
	int code; /* the first write that failed */
};

static void keep(struct bundle *b, const char *name, const char *bytes, size_t n)
{
	char sum[65];
	autofd int fd = openat(b->dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
	size_t done = 0;
	while (fd >= 0 && done < n) {
		ssize_t w = write(fd, bytes + done, n - done);
		if (w <= 0)
			break;
		done += (size_t)w;
	}
	if (fd < 0 || done < n || fsync(fd) != 0) {
		b->code = b->code ? b->code : errno ? errno : ENOSPC;
		return;
	}
	sha256_hex(bytes, n, sum);
	int len = snprintf(b->sums + b->nsums, SUMS_ROOM - b->nsums, "%s  %s\n", sum, name);
	b->nsums += len > 0 && b->nsums + (size_t)len < SUMS_ROOM ? (size_t)len : 0;
}

static void lost(struct bundle *b, const char *name, const char *why)
{
	text_add(&b->lost, "%s: ", name);
	text_add_escaped(&b->lost, why);
	text_add(&b->lost, "\n");
}

static void keep_json(struct bundle *b, const char *name, json_t *j)
{
	autofree char *text = json_dumps(j, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
	if (text)
		keep(b, name, text, strlen(text));
	json_decref(j);
}

static void keep_copy(struct bundle *b, const char *name, const char *path)
{
	autofree char *text = NULL;
	ssize_t n = kfile_read_all(AT_FDCWD, path, &text);
	if (n < 0)
		lost(b, name, strerrordesc_np((int)-n));
	else
		keep(b, name, text, (size_t)n);
}

static bool new_namespace(unsigned long long *seen, size_t *n, unsigned long long ns)
{
	for (size_t i = 0; i < *n; i++)
		if (seen[i] == ns)
			return false;
	if (*n == NAMESPACES)
		return false;
	seen[(*n)++] = ns;
	return true;
}

/* The mount table of every mount namespace that has a process in it, once. */
static void keep_mount_tables(struct bundle *b)
{
	unsigned long long seen[NAMESPACES], ns;
	size_t n = 0;
	autodir DIR *proc = opendir("/proc");
	for (struct dirent *d; proc && (d = readdir(proc));) {
		char path[300], link[64], name[64];
		if (d->d_name[0] < '1' || d->d_name[0] > '9')
			continue;
		(void)snprintf(path, sizeof path, "/proc/%.20s/ns/mnt", d->d_name);
		ssize_t len = readlink(path, link, sizeof link - 1);
		if (len <= 0)
			continue;
		link[len] = '\0';
		if (sscanf(link, "mnt:[%20llu]", &ns) != 1 || !new_namespace(seen, &n, ns))
			continue;
		(void)snprintf(path, sizeof path, "/proc/%.20s/mountinfo", d->d_name);
		(void)snprintf(name, sizeof name, "mountinfo-%llu", ns);
		keep_copy(b, name, path);
	}
}

static void keep_host(struct bundle *b, struct arena *a)
{
	struct scope scope = scope_host(b->paths);
	struct snapshot now, base = { 0 };
	struct diff diff;
	struct err e = { 0 };
	struct health health = { 0 };
	autofree char *text = NULL;
	json_t *held = json_array();
	snapshot_take(&scope, 0, a, &now);
	keep_json(b, "snapshot.json", snapshot_to_json(&now));
	if (health_read(&scope, &health, &e) != 0)
		lost(b, "health.json", e.text);
	keep_json(b, "health.json", health_to_json(&health));
	bool has = kfile_read_all(AT_FDCWD, b->paths->of[PATH_BASELINE], &text) >= 0 && baseline_parse(text, a, &base, &e) == 0;
	diff_make(has ? &base : NULL, &now, a, &diff);
	keep_json(b, "diff.json", diff_to_json(&diff));
	static const enum resource_kind kinds[] = { RES_MOUNT, RES_GHOST };
	for (size_t k = 0; k < 2; k++)
		for (size_t i = 0; i < now.of[kinds[k]].n; i++) {
			const struct resource *r = &now.of[kinds[k]].v[i];
			struct holders h = { 0 };
			if (r->owner != OWNER_LEAK)
				continue;
			holders_find(&scope, r, a, &h);
			(void)json_array_append_new(held, holders_to_json(r, &h));
		}
	keep_json(b, "holders.json", held);
}

static void keep_kernel_log(struct bundle *b)
{
	autofree char *log = calloc(1, KLOG_ROOM + 1);
	int n = log ? klogctl(KLOG_READ_ALL, log, KLOG_ROOM) : -1;
	if (n < 0)
		lost(b, "kernel.log", strerrordesc_np(errno));
	else
		keep(b, "kernel.log", log, (size_t)n);
}

static void keep_report(struct bundle *b, const char *id)
{
	struct err e = { 0 };
	autojson json_t *report = report_make(b->paths, id, &e);
	char *text = NULL;
	size_t n = 0;
	FILE *f = report ? open_memstream(&text, &n) : NULL;
	if (!f) {
		lost(b, "report.md", e.text);
		return;
	}
	report_markdown(report, f);
	(void)fclose(f);
	keep(b, "report.md", text, n);
	free(text);
}

void bundle_page(const struct paths *paths, const char *id, const char *path, char *out, size_t cap)
{
	struct text t = { .buf = out, .cap = cap };
	struct scope scope = scope_host(paths);
	autoarena struct arena a = { 0 };
	struct snapshot now;
	struct health health = { 0 };
	struct err e = { 0 };
	char count[32];
	size_t orphans = 0;
	out[0] = '\0';
	(void)!health_read(&scope, &health, &e);
	snapshot_take(&scope, 0, &a, &now);
	text_add(&t, "rustbox cleanup failure on ");
	text_add_escaped(&t, now.host);
	text_add(&t, ", incident ");
	text_add_escaped(&t, id);
	text_add(&t, "\nworker: %s, %s, failed cleanups %u of %d\nleft:", health_status_word(health.status),
		 health_reason_word(health.reason), health.failures, MAX_CLEANUP_FAILURES);
	for (int k = 0; k < RES_KINDS; k++) {
		text_add(&t, " %s %s", resource_kind_key((enum resource_kind)k),
			 told_text(&now.of[k], snapshot_leftovers(&now, (enum resource_kind)k), count, sizeof count));
		for (size_t i = 0; i < now.of[k].n; i++)
			orphans += now.of[k].v[i].owner == OWNER_ORPHAN;
	}
	text_add(&t, "\n");
	if (orphans)
		text_add(&t, "ORPHANS: %zu sandboxed processes outside their cgroup: security must know NOW\n", orphans);
	text_add(&t, "bundle: %s\n", path);
}

static int fill(struct bundle *b, const char *id, const char *final)
{
	char path[PATH_ROOM + 96], page[1200];
	autoarena struct arena a = { 0 };
	journal_path(b->paths, id, "journal.jsonl", path, sizeof path);
	keep_copy(b, "journal.jsonl", path);
	keep_report(b, id);
	keep_mount_tables(b);
	keep_host(b, &a);
	keep_kernel_log(b);
	keep_copy(b, "events.jsonl", b->paths->of[PATH_EVENTS]);
	bundle_page(b->paths, id, final, page, sizeof page);
	keep(b, "page.txt", page, strlen(page));
	if (b->lost.len)
		keep(b, "MISSING", b->missing, b->lost.len);
	keep(b, "SHA256SUMS", b->sums, b->nsums);
	return b->code;
}

int bundle_make(const struct paths *paths, const char *id, char *path, size_t cap, struct err *e)
{
	char incident[PATH_ROOM + 96], partial[PATH_ROOM + 160];
	journal_path(paths, id, "", incident, sizeof incident);
	(void)snprintf(path, cap, "%sbundle-%llu", incident, (unsigned long long)clock_wall_s());
	(void)snprintf(partial, sizeof partial, "%s.partial-%d", incident, (int)getpid());
	if (mkdir(partial, 0750) != 0)
		return err_set(e, errno, "make %s (an incident has a directory once it has a journal)", partial);
	autofd int dir = open(partial, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	autofree char *sums = calloc(1, SUMS_ROOM);
	if (dir < 0 || !sums)
		return err_set(e, errno, "open %s", partial);
	struct bundle b = { .paths = paths, .dir = dir, .sums = sums };
	b.lost = TEXT_ON(b.missing);
	int code = fill(&b, id, path);
	if (code)
		return err_set(e, code, "fill %s: what there is of it stays there", partial);
	if (fsync(dir) != 0 || rename(partial, path) != 0)
		return err_set(e, errno, "name %s", path);
	return 0;
}
