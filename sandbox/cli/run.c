/* `rustbox run` and `execute-code`: one program, one box, one verdict. What is printed where is contract, not taste. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probes/base/json.h"
#include "probes/base/own.h"
#include "probes/base/text.h"
#include "probes/delegation.h"
#include "probes/health.h"
#include "sandbox/box/code.h"
#include "sandbox/box/result.h"
#include "sandbox/cli/commands.h"
#include "sandbox/cli/dry_run.h"
#include "sandbox/cli/options.h"
#include "sandbox/kernel/creds.h"
#include "sandbox/kernel/netns.h"
#include "sandbox/worker/record.h"

static int refuse_quarantined(const struct scope *scope)
{
	struct health health;
	struct err e = { 0 };
	int rc = health_read(scope, &health, &e);
	if (rc == 0 && health.status != HEALTH_QUARANTINED)
		return EXIT_GOOD;
	if (rc < 0 && rc != -EBADMSG) {
		complain("the worker's health can't be read, so nothing was started: %s", e.text);
		return EXIT_QUARANTINED;
	}
	complain("IE: the worker is quarantined (%s%s%s); nothing was started; see `rustbox health`, then `rustbox "
		 "health --recover --cleanup`", health_reason_word(health.reason), *health.note ? ": " : "", health.note);
	return EXIT_QUARANTINED;
}

static void put_line(const struct outcome *o)
{
	char memory[16], end[80] = "";
	const struct evidence *ev = &o->evidence;
	text_size(ev->cg.memory_peak ? ev->cg.memory_peak : ev->usage.max_rss, memory, sizeof memory);
	if (ev->waited && WIFEXITED(ev->wstatus))
		(void)snprintf(end, sizeof end, ", exit %d", WEXITSTATUS(ev->wstatus));
	else if (ev->waited && WIFSIGNALED(ev->wstatus))
		(void)snprintf(end, sizeof end, ", SIG%s", sigabbrev_np(WTERMSIG(ev->wstatus)) ?: "?");
	(void)fprintf(stderr, "%s (%s%s) cpu %.3f s, wall %.3f s, memory %s\n", status_word(o->verdict.status),
		      cause_word(o->verdict.cause), end, (double)evidence_cpu_ns(ev) / 1e9, (double)ev->wall_ns / 1e9, memory);
}

static void put_timings(const struct outcome *o)
{
	for (int i = 0; i < PHASE_COUNT; i++)
		(void)fprintf(stderr, "%s%s %.2f", i ? ", " : "ms: ", phase_word((enum phase)i), (double)o->phase_ns[i] / 1e6);
	(void)fputc('\n', stderr);
}

/* Errors are always said; the verdict line only to a person; what is missing whenever something is. */
static void speak(const struct outcome *o, const struct run_options *opt)
{
	bool json_only = opt->json && strcmp(opt->json, "-") == 0;
	for (size_t i = 0; o->started && i < o->plan.nmissing; i++)
		complain("ran without %s: %s; %s", o->plan.missing[i].control, o->plan.missing[i].why,
			 o->plan.missing[i].remedy);
	for (unsigned i = 0; o->cleanup.outcome == CLEANUP_LEAKED && i < o->cleanup.nerrors && i < CLEANUP_ERRORS; i++)
		complain("cleanup: %s; see `rustbox health`", o->cleanup.errors[i].text);
	if (o->verdict.status == STATUS_IE)
		complain("IE (%s): %s", cause_word(o->verdict.cause), o->error.code ? o->error.text : o->verdict.because);
	else if (!opt->quiet && !json_only && isatty(STDERR_FILENO))
		put_line(o);
	if (opt->timings && !opt->json)
		put_timings(o);
}

static int write_json(FILE *out, const json_t *obj)
{
	if (json_dumpf(obj, out, JSON_COMPACT | JSON_REAL_PRECISION(15)) < 0 || fputc('\n', out) == EOF)
		return -EIO;
	return fflush(out) == 0 ? 0 : -errno;
}

static int write_result(FILE *file, const struct outcome *o, const struct outcome *compile, const struct run_options *opt)
{
	struct result_extra extra = { .worker = opt->worker, .timings = opt->timings, .compile = compile };
	if (!opt->json)
		return 0;
	autojson json_t *obj = result_to_json(o, &extra);
	int rc = write_json(file ? file : stdout, obj);
	if (rc < 0)
		complain("can't write the result to %s: %s", opt->json, strerror(-rc));
	return rc;
}

/* What the worker learns from the run. Not remembering is said, and changes nothing about the result. */
static void remember(const struct paths *paths, const struct outcome *o)
{
	struct err e;
	struct health health;
	uint32_t missing = 0;
	for (size_t i = 0; i < o->plan.nmissing; i++)
		missing |= o->plan.missing[i].stages;
	struct record r = {
		.box = o->plan.box,
		.verdict = &o->verdict,
		.cleanup = &o->cleanup,
		.abuse = abuse_pattern(&o->evidence, &o->plan.limits),
		.missing = missing | (o->started ? o->plan.configured & ~o->evidence.applied : 0),
		.started = o->started,
		.contained = o->evidence.contained,
		.start_ns = o->phase_ns[PHASE_PLAN] + o->phase_ns[PHASE_CLAIM] + o->phase_ns[PHASE_LAUNCH],
		.wall_ns = o->evidence.wall_ns,
	};
	if (record_run(paths, &r, &health, &e) < 0)
		complain("the run was not recorded: %s", e.text);
	else if (health.status == HEALTH_QUARANTINED)
		complain("the worker is quarantined now (%s); see `rustbox health`", health_reason_word(health.reason));
}

static int status_of(int rc, const struct outcome *o)
{
	if (rc == -EINVAL && !o->started)
		return EXIT_USAGE;
	if (o->verdict.status == STATUS_OK)
		return EXIT_GOOD;
	return o->verdict.status == STATUS_IE ? EXIT_IE : EXIT_VERDICT;
}

/* What the compiler said belongs to whoever reads no result object. */
static void pass_on(const struct outcome *o, const struct run_options *opt)
{
	if (!o->compiler || (opt->json && strcmp(opt->json, "-") == 0))
		return;
	(void)fwrite(o->evidence.out.data, 1, o->evidence.out.data ? o->evidence.out.kept : 0, stderr);
	(void)fwrite(o->evidence.err.data, 1, o->evidence.err.data ? o->evidence.err.kept : 0, stderr);
}

/* `run` or `execute-code`, by the same way. */
static int start(const struct box_context *context, struct arena *a, const struct run_options *opt,
		 struct outcome *compile, struct outcome *ret)
{
	struct code code;
	struct err e = { 0 };
	if (!opt->code)
		return box_run(&opt->spec, context, a, ret);
	int rc = code_make(opt->config, &opt->spec, getenv("PATH"), a, &code, &e);
	if (rc == 0)
		return box_execute(&code.steps, context, a, compile, ret);
	box_refuse(&e, ret);
	return rc;
}

/* The host's own places are root's. */
static void advise(struct err *e)
{
	const struct err was = *e;
	(void)err_say(e, EACCES, "%.150s: without root, set RUSTBOX_ROOT to a directory of your own", was.text);
}

static int run_one(const struct invocation *in, const struct host *host, struct arena *a, struct run_options *opt,
		   struct netns **netns)
{
	struct outcome o, compile = { 0 };
	sigset_t cancel;
	autofile FILE *file = NULL;
	/* Opened first: a result that can't be kept is noticed before anything runs. */
	if (opt->json && strcmp(opt->json, "-") != 0) {
		file = fopen(opt->json, "we");
		if (!file) {
			complain("--json %s: %s", opt->json, strerror(errno));
			return EXIT_USAGE;
		}
	}
	(void)sigemptyset(&cancel);
	(void)sigaddset(&cancel, SIGINT);
	(void)sigaddset(&cancel, SIGTERM);
	(void)sigaddset(&cancel, SIGHUP);
	(void)sigaddset(&cancel, SIGQUIT);
	if (sigprocmask(SIG_BLOCK, &cancel, NULL) < 0)
		complain("sigprocmask: %s", strerror(errno));
	struct box_context context = { .paths = in->paths, .host = host, .cancel = &cancel, .in_fd = STDIN_FILENO,
				       .out_fd = STDOUT_FILENO, .err_fd = STDERR_FILENO, .slots = opt->config->slots, .netns = netns };
	int rc = start(&context, a, opt, &compile, &o);
	if (rc == -EACCES && host->rootless)
		advise(&o.error);
	int written = write_result(file, &o, o.compiler ? NULL : &compile, opt);
	pass_on(&o, opt);
	speak(&o, opt);
	/* A wish that was none, or a caller who may not write the state either, is nothing to remember. */
	if (rc != -EINVAL && host->root)
		remember(in->paths, &o);
	return written < 0 ? EXIT_IE : status_of(rc, &o);
}

/* What an ordinary user can have of a box, he has in a user namespace of his own. */
static bool go_rootless(struct host *host)
{
	struct err e = { 0 };
	if (creds_user_namespace(&e) < 0) {
		complain("IE (refused): without root, --permissive needs a user namespace: %s", e.text);
		return false;
	}
	host->rootless = true;
	return true;
}

int cmd_run(const struct invocation *in)
{
	autoarena struct arena a = { 0 };
	struct run_options opt;
	struct host host;
	struct err e;
	struct scope scope = scope_host(in->paths);
	struct config config;
	if (config_load(in->paths, &a, &config, &e) < 0 ||
	    options_parse(in->argc, in->argv, &config, &a, &opt, &e) < 0) {
		complain("%s", e.text);
		return EXIT_USAGE;
	}
	if (opt.help) {
		options_usage(&config, in->argv[0]);
		return finish(EXIT_GOOD);
	}
	__attribute__((cleanup(netns_drop))) struct netns *netns = NULL;
	/* What takes longest begins first. */
	if (!opt.dry_run && geteuid() == 0 && netns_begin(&netns, &e) < 0) {
		complain("%s", e.text);
		return EXIT_IE;
	}
	host_look_for_launch(&scope, &a, &host);
	delegation_look(&scope, &a, &host);
	if (opt.cgroup_parent && delegation_set(&host, opt.cgroup_parent, &a, &e) < 0) {
		complain("--cgroup-parent: %s", e.text);
		return EXIT_USAGE;
	}
	if (!host.root && opt.spec.permissive) {
		netns_drop(&netns); /* it was made for root, and shares the memory of who enters a user namespace */
		if (!go_rootless(&host))
			return EXIT_IE;
	}
	if (opt.dry_run && opt.code) {
		struct code code;
		if (code_make(&config, &opt.spec, getenv("PATH"), &a, &code, &e) < 0) {
			complain("%s", e.text);
			return EXIT_IE;
		}
		opt.spec = code.run;
	}
	if (opt.dry_run)
		return dry_run(&opt, &host, &a);
	int refused = refuse_quarantined(&scope);
	return refused != EXIT_GOOD ? refused : run_one(in, &host, &a, &opt, &netns);
}
