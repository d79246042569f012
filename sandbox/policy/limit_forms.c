/* How a limit's number becomes the text of a cgroup file or an rlimit; see limits.h. */
#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>

#include "probes/base/clock.h"
#include "sandbox/policy/limits.h"

enum { QUOTA_PERIOD_US = 100000 };

static __attribute__((format(printf, 5, 6))) size_t knob(struct knob_row *out, size_t n, const struct limit_row *row,
							 int version, const char *fmt, ...)
{
	out[n] = (struct knob_row){ .controller = row->controller, .version = version,
				    .file = version == 2 ? row->v2_file : row->v1_file };
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(out[n].value, sizeof out[n].value, fmt, ap);
	va_end(ap);
	return n + 1;
}

/* v1 counts memory and swap in one file, v2 swap by itself. */
static size_t knob_swap(const struct limits *limits, const struct limit_row *row, int version, uint64_t v,
			struct knob_row *out)
{
	uint64_t memory = limits->of[LIMIT_MEMORY];
	if (version == 1 && memory == LIMIT_NONE)
		return 0;
	(void)knob(out, 0, row, version, "%llu", (unsigned long long)(version == 1 ? memory + v : v));
	out[0].maybe = true;
	return 1;
}

static size_t knob_quota(const struct limit_row *row, int version, uint64_t milli, struct knob_row *out)
{
	unsigned long long quota = milli * QUOTA_PERIOD_US / 1000;
	if (version == 2)
		return knob(out, 0, row, 2, "%llu %d", quota, QUOTA_PERIOD_US);
	(void)knob(out, 0, row, 1, "%d", QUOTA_PERIOD_US);
	out[0].file = "cpu.cfs_period_us";
	return knob(out, 1, row, 1, "%llu", quota);
}

/* cpu.shares: 1024 is what cpu.weight calls 100; the kernel takes 2 to 262144 (sched.h MIN/MAX_SHARES). */
static size_t knob_weight(const struct limit_row *row, int version, uint64_t weight, struct knob_row *out)
{
	unsigned long long shares = weight * 1024 / 100;
	if (version == 2)
		return knob(out, 0, row, 2, "%llu", (unsigned long long)weight);
	return knob(out, 0, row, 1, "%llu", shares < 2 ? 2 : shares);
}

size_t limit_knobs(const struct limits *limits, enum limit limit, int version, struct knob_row *out)
{
	const struct limit_row *row = &limit_rows[limit];
	uint64_t v = limits->of[limit];
	char list[200];
	if (row->by != BY_CGROUP || v == LIMIT_NONE)
		return 0;
	switch (row->form) {
	case FORM_PLAIN: /* the box's init is a process of its cgroup, too, and not the program's to pay for */
		return knob(out, 0, row, version, "%llu", (unsigned long long)v + (limit == LIMIT_PROCESSES));
	case FORM_WITH_MEMORY: return knob_swap(limits, row, version, v, out);
	case FORM_QUOTA: return knob_quota(row, version, v, out);
	case FORM_WEIGHT: return knob_weight(row, version, v, out);
	case FORM_CPU_LIST:
		return knob(out, 0, row, version, "%.90s", limit_format(limit, v, list, sizeof list));
	}
	return 0;
}

bool limit_rlimit(const struct limits *limits, enum limit limit, bool pids_missing, struct rlimit_row *ret)
{
	const struct limit_row *row = &limit_rows[limit];
	uint64_t v = limits->of[limit];
	if (row->rlimit == NO_RLIMIT || (limit == LIMIT_PROCESSES && !pids_missing))
		return false;
	/* "none" is written out, or the caller's own limit would be inherited. */
	*ret = (struct rlimit_row){ row->rlimit, RLIM_INFINITY, RLIM_INFINITY };
	if (v == LIMIT_NONE)
		return true;
	if (limit == LIMIT_TIME) {
		/* Whole seconds and per process: a backstop behind the supervisor, which counts the whole box. The
		 * kernel's SIGXCPU comes first, its SIGKILL a second later. */
		uint64_t grace = limits->of[LIMIT_EXTRA_TIME] == LIMIT_NONE ? 0 : limits->of[LIMIT_EXTRA_TIME];
		v = (v + grace + NS_PER_S - 1) / NS_PER_S + 1;
		*ret = (struct rlimit_row){ row->rlimit, v, v + 1 };
		return true;
	}
	/* A core_pattern that names a program is started for a crash whatever the limit, 0 included, and as root on the host:
	 * all but for 1, core(5)'s way to say no. A file is not written either, being smaller than a page. */
	if (limit == LIMIT_CORE && v == 0)
		v = 1;
	*ret = (struct rlimit_row){ row->rlimit, v, v };
	return true;
}
