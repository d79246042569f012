/* The report; see once.h. */
#include "tui/once.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probes/base/clock.h"
#include "probes/base/json.h"
#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "probes/base/text.h"
#include "probes/diff.h"
#include "probes/health.h"
#include "probes/snapshot.h"
#include "probes/told.h"

enum { LOOK_MS = 10000 };

struct report {
	struct snapshot now, base;
	bool has_base;
	struct err no_base;
	struct diff diff;
	struct health health;
	struct err no_health; /* code 0: it is known */
	enum once_code code;
};

static const char *meaning(enum once_code code)
{
	static const char *const words[] = {
#define X(id, value, text) [ONCE_##id] = text,
		ONCE_CODES(X)
#undef X
	};
	return words[code];
}

/* Somebody said "healthy" at a time when a leftover that is still here was already there. */
static bool contradicted(const struct report *r)
{
	if (r->health.status != HEALTH_HEALTHY || r->health.since == 0)
		return false;
	for (int k = 0; k < RES_KINDS; k++)
		for (size_t i = 0; i < r->now.of[k].n; i++) {
			const struct resource *x = &r->now.of[k].v[i];
			if (owner_is_left_over(x->owner) && x->born && x->born < r->health.since)
				return true;
		}
	return false;
}

static enum once_code judge(const struct report *r)
{
	if (r->health.status == HEALTH_QUARANTINED)
		return ONCE_QUARANTINED;
	if (snapshot_all_leftovers(&r->now) > 0)
		return !r->no_health.code && contradicted(r) ? ONCE_CONFLICT : ONCE_LEAKS;
	return snapshot_complete(&r->now) && !r->no_health.code ? ONCE_CLEAN : ONCE_UNKNOWN;
}

static void look(const struct paths *paths, struct arena *a, struct report *r)
{
	struct scope scope = scope_host(paths);
	autofree char *text = NULL;
	struct err e = { 0 };
	int rc = health_read(&scope, &r->health, &e);
	if (rc && rc != -EBADMSG) /* a corrupt record is quarantine, and health says why */
		r->no_health = e;
	ssize_t n = kfile_read_all(AT_FDCWD, paths->of[PATH_BASELINE], &text);
	if (n < 0)
		(void)!err_set(&r->no_base, (int)-n, "%s", paths->of[PATH_BASELINE]);
	else
		r->has_base = baseline_parse(text, a, &r->base, &r->no_base) == 0;
	snapshot_take(&scope, 0, a, &r->now);
	diff_make(r->has_base ? &r->base : NULL, &r->now, a, &r->diff);
	r->code = judge(r);
}

/* ---- text ------------------------------------------------------------------------------------- */

static void print_set(const struct report *r, enum resource_kind kind)
{
	const struct resource_set *set = &r->now.of[kind];
	char name[512], detail[256], age[32];
	for (size_t i = 0; i < set->n; i++) {
		const struct resource *x = &set->v[i];
		if (!owner_is_left_over(x->owner))
			continue;
		age[0] = '\0';
		if (x->born && x->born <= r->now.taken)
			text_age(r->now.taken - x->born, age, sizeof age);
		printf("+ %c %-6s %s  %s  %s\n", resource_kind_letter(kind), owner_word(x->owner),
		       text_escape(x->name, name, sizeof name),
		       text_escape(x->detail ? x->detail : "", detail, sizeof detail), age);
	}
	if (!set->complete)
		printf("? %c        %s\n", resource_kind_letter(kind), text_escape(set->why.text, name, sizeof name));
}

static void print_health(const struct report *r)
{
	char since[24], note[512];
	if (r->no_health.code) {
		printf("health: cannot tell: %s\n", text_escape(r->no_health.text, note, sizeof note));
		return;
	}
	printf("health: %s", health_status_word(r->health.status));
	if (r->health.since) {
		clock_rfc3339(r->health.since, since, sizeof since);
		printf(" since %s", since);
	}
	if (r->health.reason != HEALTH_REASON_NONE)
		printf(", %s", health_reason_word(r->health.reason));
	printf(", failed cleanups %u of %d", r->health.failures, MAX_CLEANUP_FAILURES);
	printf("%s%s\n", *r->health.note ? ", " : "", text_escape(r->health.note, note, sizeof note));
}

static void print_text(const struct report *r)
{
	char when[24], host[160], note[512], count[32];
	clock_rfc3339(r->now.taken, when, sizeof when);
	printf("rustbox on %s at %s: %s\n", text_escape(r->now.host, host, sizeof host), when, meaning(r->code));
	print_health(r);
	for (int k = 0; k < RES_KINDS; k++)
		printf("%s%s %s", k ? ", " : "leftovers: ", resource_kind_key((enum resource_kind)k),
		       told_text(&r->now.of[k], snapshot_leftovers(&r->now, (enum resource_kind)k), count, sizeof count));
	printf("\n");
	if (r->has_base)
		printf("baseline: +%zu -%zu ~%zu\n", r->diff.added, r->diff.missing, r->diff.changed);
	else
		printf("baseline: none (%s)\n", text_escape(r->no_base.text, note, sizeof note));
	for (int k = 0; k < RES_KINDS; k++)
		print_set(r, (enum resource_kind)k);
	if (r->code != ONCE_CLEAN)
		printf("next: rustbox-tui on a terminal, or: rustbox health --recover --cleanup\n");
}

/* ---- json ------------------------------------------------------------------------------------- */

static void print_json(const struct report *r)
{
	autojson json_t *j = json_object();
	(void)json_object_set_new(j, "schema", json_integer(1));
	(void)json_object_set_new(j, "code", json_integer(r->code));
	(void)json_object_set_new(j, "state", json_string(meaning(r->code)));
	(void)json_object_set_new(j, "complete", json_boolean(snapshot_complete(&r->now)));
	(void)json_object_set_new(j, "leftovers", told_leftovers(&r->now));
	(void)json_object_set_new(j, "unknown", told_unknown(&r->now));
	(void)json_object_set_new(j, "health", r->no_health.code ? json_null() : health_to_json(&r->health));
	if (r->no_health.code)
		(void)json_object_set_new(j, "health_unknown", json_text(r->no_health.text));
	(void)json_object_set_new(j, "diff", diff_to_json(&r->diff));
	(void)json_object_set_new(j, "snapshot", snapshot_to_json(&r->now));
	if (!r->has_base)
		(void)json_object_set_new(j, "no_baseline", json_text(r->no_base.text));
	(void)json_dumpf(j, stdout, JSON_SORT_KEYS | JSON_COMPACT);
	(void)putchar('\n');
}

static void cannot_tell(bool json, const char *why)
{
	if (json)
		printf("{\"code\":%d,\"schema\":1,\"state\":\"%s\",\"why\":\"%s\"}\n", ONCE_UNKNOWN, meaning(ONCE_UNKNOWN), why);
	else
		printf("rustbox: %s: %s\n", meaning(ONCE_UNKNOWN), why);
}

static _Noreturn void look_and_print(const struct paths *paths, bool json)
{
	autoarena struct arena a = { 0 };
	struct report r = { 0 };
	look(paths, &a, &r);
	if (json)
		print_json(&r);
	else
		print_text(&r);
	_exit(fflush(stdout) == 0 ? (int)r.code : ONCE_UNKNOWN); /* a report nobody could read is none */
}

int once_run(const struct paths *paths, bool json)
{
	(void)fflush(stdout);
	pid_t pid = fork();
	if (pid == 0)
		look_and_print(paths, json);
	autofd int pidfd = pid > 0 ? pidfd_open(pid, 0) : -1;
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	siginfo_t info = { 0 };
	int ready = -1;
	if (pidfd >= 0)
		do
			ready = poll(&p, 1, LOOK_MS);
		while (ready < 0 && errno == EINTR);
	if (ready > 0 && waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED) == 0 && info.si_code == CLD_EXITED)
		return info.si_status;
	if (pid > 0 && ready <= 0)
		(void)kill(pid, SIGKILL); /* our child, not yet reaped: the number is still its own */
	cannot_tell(json, pidfd < 0 ? "could not start looking" : ready == 0 ? "looking took more than 10 s" : "the look crashed");
	return ONCE_UNKNOWN;
}
