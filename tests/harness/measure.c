/* See measure.h. */
#include "tests/harness/measure.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probes/base/kfile.h"

static bool missed;

void measure_say(const struct measured *r)
{
	bool ok = r->measured <= r->goal;
	missed = missed || !ok;
	printf("  %-44s %9.2f %-10s goal %8.2f  %s\n", r->what, r->measured, r->unit, r->goal, ok ? "ok" : "MISSED");
}

bool measure_missed(void)
{
	return missed;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

double measure_percentile(double *v, int n, double p)
{
	qsort(v, (size_t)n, sizeof *v, by_value);
	int at = (int)(p * n);
	return v[at < n ? at : n - 1];
}

struct usage measure_usage(pid_t pid)
{
	char path[64], buf[4096];
	unsigned long user = 0, system = 0;
	struct usage u = { .peak_mib = -1 };
	(void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	if (kfile_read(AT_FDCWD, path, buf, sizeof buf) > 0 && strrchr(buf, ')'))
		(void)sscanf(strrchr(buf, ')'), ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
	u.cpu = (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
	(void)snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	if (kfile_read(AT_FDCWD, path, buf, sizeof buf) <= 0)
		return u;
	const char *at = strstr(buf, "\nvoluntary_ctxt_switches:");
	u.sleeps = at ? strtoull(at + 25, NULL, 10) : 0;
	at = strstr(buf, "VmHWM:");
	u.peak_mib = at ? strtod(at + 6, NULL) / 1024 : -1;
	return u;
}

double measure_waited_ms(pid_t pid)
{
	char path[64], text[128];
	unsigned long long waited = 0;
	(void)snprintf(path, sizeof path, "/proc/%d/schedstat", (int)pid);
	if (kfile_read(AT_FDCWD, path, text, sizeof text) > 0)
		(void)sscanf(text, "%*u %llu", &waited);
	return (double)waited / 1e6;
}

pid_t measure_child_of(pid_t pid)
{
	char path[96], text[64] = "";
	(void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
	return kfile_read(AT_FDCWD, path, text, sizeof text) > 0 ? (pid_t)atoi(text) : 0;
}
