/* Time, named by what it is for: limits use the monotonic clock, records the wall clock. */
#ifndef PROBES_BASE_CLOCK_H
#define PROBES_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define NS_PER_S  1000000000ull
#define NS_PER_MS 1000000ull

static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec t = { 0 };
	(void)clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static inline uint64_t clock_mono_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static inline uint64_t clock_wall_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

static inline uint64_t clock_wall_s(void)
{
	return clock_wall_ns() / NS_PER_S;
}

/* Since boot, sleep included: what processes' start times count in. */
static inline uint64_t clock_boot_ns(void)
{
	return clock_ns(CLOCK_BOOTTIME);
}

/* RFC 3339 in UTC: "2026-02-08T03:12:09Z"; cap of 24 is enough. */
static inline void clock_rfc3339(uint64_t wall_s, char *out, size_t cap)
{
	time_t t = (time_t)wall_s;
	struct tm tm;
	if (!gmtime_r(&t, &tm) || strftime(out, cap, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		out[0] = '\0';
}

#endif
