/* The shared page; see metrics.h. */
#include "sandbox/worker/metrics.h"

#include <math.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "probes/base/clock.h"
#include "probes/base/own.h"
#include "sandbox/kernel/sys.h"

/* The number of cells and their meaning come from metrics.def: when that changes, so does the version. */
struct header {
	char magic[8];
	uint32_t version, cells;
};
enum { VERSION = 1 };
static const char magic[8] = "rbmetric";

static size_t page_size(void)
{
	return sizeof(struct header) + metric_cells() * sizeof(uint64_t);
}

static bool acceptable(int fd)
{
	struct header h;
	struct stat st;
	return fstat(fd, &st) == 0 && (size_t)st.st_size == page_size() && pread(fd, &h, sizeof h, 0) == sizeof h &&
	       memcmp(h.magic, magic, sizeof magic) == 0 && h.version == VERSION && h.cells == metric_cells();
}

/* Made whole under another name and linked in by rename without replacing: two makers cannot both win. */
static int make_page(const struct paths *p, struct err *e)
{
	char temp[PATH_ROOM + 32];
	struct header h = { .version = VERSION, .cells = (uint32_t)metric_cells() };
	memcpy(h.magic, magic, sizeof magic);
	(void)snprintf(temp, sizeof temp, "%s.new-%d", p->of[PATH_METRICS], (int)getpid());
	autofd int fd = sys_openat(AT_FDCWD, temp, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return err_set(e, -fd, "make %s", temp);
	int r = sys_ftruncate(fd, (off_t)page_size());
	r = r < 0 ? r : sys_write_all(fd, &h, sizeof h);
	r = r < 0 ? r : sys_renameat2(AT_FDCWD, temp, AT_FDCWD, p->of[PATH_METRICS], 1 /* RENAME_NOREPLACE */);
	if (r < 0 && sys_unlinkat(AT_FDCWD, temp, 0) < 0)
		return err_set(e, -r, "make %s", temp);
	return r < 0 && r != -EEXIST ? err_set(e, -r, "make %s", p->of[PATH_METRICS]) : 0;
}

static int set_aside(const struct paths *p, struct err *e)
{
	char aside[PATH_ROOM + 32];
	(void)snprintf(aside, sizeof aside, "%s.old-%llu", p->of[PATH_METRICS], (unsigned long long)clock_wall_s());
	int r = sys_renameat2(AT_FDCWD, p->of[PATH_METRICS], AT_FDCWD, aside, 0);
	return r < 0 && r != -ENOENT ? err_set(e, -r, "set the old metrics page aside") : 0;
}

int metrics_open(const struct paths *p, bool make, struct metrics *ret, struct err *e)
{
	for (int tries = 0; tries < 3; tries++) {
		autofd int fd = sys_openat(AT_FDCWD, p->of[PATH_METRICS], (make ? O_RDWR : O_RDONLY) | O_NOFOLLOW, 0);
		if (fd >= 0 && acceptable(fd)) {
			void *page = mmap(NULL, page_size(), PROT_READ | (make ? PROT_WRITE : 0), MAP_SHARED, fd, 0);
			if (page == MAP_FAILED)
				return err_set(e, errno, "map %s", p->of[PATH_METRICS]);
			*ret = (struct metrics){ .page = page, .size = page_size(),
						 .cells = (uint64_t *)(void *)((char *)page + sizeof(struct header)) };
			return 0;
		}
		if (fd < 0 && fd != -ENOENT)
			return err_set(e, -fd, "open %s", p->of[PATH_METRICS]);
		if (!make)
			return fd < 0 ? err_say(e, ENOENT, "no metrics yet")
				      : err_say(e, EBADMSG, "%s is not a metrics page", p->of[PATH_METRICS]);
		int r = fd >= 0 ? set_aside(p, e) : 0;
		r = r < 0 ? r : make_page(p, e);
		if (r < 0)
			return r;
	}
	return err_say(e, EAGAIN, "the metrics page keeps changing under us");
}

void metrics_done(struct metrics *m)
{
	if (m->page)
		(void)munmap(m->page, m->size);
	*m = (struct metrics){ 0 };
}

static void add(uint64_t *cell, uint64_t n)
{
	(void)__atomic_fetch_add(cell, n, __ATOMIC_RELAXED);
}

void metrics_add(struct metrics *m, enum metric which, unsigned value, uint64_t n)
{
	if (m->cells && value < metric_values(which))
		add(&m->cells[metric_cell(which) + value], n);
}

void metrics_observe(struct metrics *m, enum metric which, uint64_t ns)
{
	unsigned b = 0;
	if (!m->cells)
		return;
	while (b < METRIC_BUCKETS && ns > metric_bounds_ns[b])
		b++;
	uint64_t *at = &m->cells[metric_cell(which)];
	add(&at[b], 1);
	add(&at[METRIC_BUCKETS + 1], ns);
	add(&at[METRIC_BUCKETS + 2], 1);
}

uint64_t metrics_get(const struct metrics *m, enum metric which, unsigned value)
{
	return m->cells ? __atomic_load_n(&m->cells[metric_cell(which) + value], __ATOMIC_RELAXED) : 0;
}

static void print_values(const struct metrics *m, enum metric which, const double *gauge, FILE *out)
{
	const struct metric_row *row = &metric_rows[which];
	for (unsigned i = 0; i < metric_values(which); i++) {
		if (*row->label)
			fprintf(out, "%s{%s=\"%s\"} ", row->name, row->label, row->word(i));
		else
			fprintf(out, "%s ", row->name);
		if (gauge)
			fprintf(out, isnan(gauge[i]) ? "NaN\n" : "%.9g\n", gauge[i]); /* NaN: it cannot be told */
		else
			fprintf(out, "%" PRIu64 "\n", metrics_get(m, which, i));
	}
}

/* The page counts each bucket alone; Prometheus wants each with all below it. +Inf and count are that sum, so that
 * a reader between two additions never sees a histogram that contradicts itself. */
static void print_histogram(const struct metrics *m, enum metric which, FILE *out)
{
	const char *name = metric_rows[which].name;
	uint64_t sum = 0;
	for (unsigned b = 0; b <= METRIC_BUCKETS; b++) {
		sum += metrics_get(m, which, b);
		if (b < METRIC_BUCKETS)
			fprintf(out, "%s_bucket{le=\"%g\"} %" PRIu64 "\n", name, (double)metric_bounds_ns[b] / 1e9, sum);
		else
			fprintf(out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, sum);
	}
	fprintf(out, "%s_sum %.9f\n", name, (double)metrics_get(m, which, METRIC_BUCKETS + 1) / 1e9);
	fprintf(out, "%s_count %" PRIu64 "\n", name, sum);
}

/* Prometheus wants a counter's name to end in _total. Those that the runbooks know by another name say no type. */
static const char *type_of(const struct metric_row *row)
{
	static const char *const types[] = { [METRIC_COUNTER] = "counter", [METRIC_HISTOGRAM] = "histogram",
					     [METRIC_GAUGE] = "gauge" };
	size_t n = strlen(row->name);
	bool named = n > 6 && strcmp(row->name + n - 6, "_total") == 0;
	return row->type == METRIC_COUNTER && !named ? "untyped" : types[row->type];
}

int metrics_print(const struct metrics *m, const struct gauges *g, FILE *out)
{
	for (int i = 0; i < METRIC_ROWS; i++) {
		const struct metric_row *row = &metric_rows[i];
		if (row->type == METRIC_GAUGE && !g->of[i])
			continue;
		fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", row->name, row->help, row->name, type_of(row));
		if (row->type == METRIC_HISTOGRAM)
			print_histogram(m, (enum metric)i, out);
		else
			print_values(m, (enum metric)i, row->type == METRIC_GAUGE ? g->of[i] : NULL, out);
	}
	return ferror(out) ? -EIO : 0;
}
