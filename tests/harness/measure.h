/* What a program costs, from /proc, and how measured rows are judged and printed. */
#ifndef TESTS_HARNESS_MEASURE_H
#define TESTS_HARNESS_MEASURE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct measured {
	const char *what;
	double measured, goal;
	const char *unit;
};

/* Prints the row with ok or MISSED; measure_missed() tells whether any missed. */
void measure_say(const struct measured *r);
bool measure_missed(void);
double measure_percentile(double *v, int n, double p); /* sorts v */

struct usage {
	double cpu;	  /* user and system, seconds */
	uint64_t sleeps;  /* voluntary context switches: one for each time it waited */
	double peak_mib;  /* VmHWM; -1 when it has ended */
};
struct usage measure_usage(pid_t pid);
/* Milliseconds it was ready to run and had no processor (schedstat, Linux 2.6.32+): on a busy host a latency is mostly
 * this. 0 where the kernel does not tell. */
double measure_waited_ms(pid_t pid);
pid_t measure_child_of(pid_t pid); /* the first child, 0 when there is none */

#endif
