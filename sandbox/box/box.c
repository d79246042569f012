/*
 * See box.h. Whatever happens on the way, the end is the same: what was recorded is released newest first, and what
 * would not go stays recorded, is named in the result, and is recovery's to find.
 */
#include "sandbox/box/box.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probes/base/clock.h"
#include "probes/base/own.h"
#include "sandbox/box/gather.h"
#include "sandbox/box/hold.h"
#include "sandbox/box/launch.h"
#include "sandbox/box/supervise.h"
#include "sandbox/kernel/sys.h"

struct run {
	const struct spec *spec;
	const struct box_context *context;
	struct arena *arena;
	struct outcome *out;
	struct hold hold;
	struct child child;
	struct watch watch;
	uint64_t phase_began;
};

static const char *const phase_words[PHASE_COUNT] = {
#define X(id, word) [PHASE_##id] = word,
	PHASES(X)
#undef X
};

const char *phase_word(enum phase p)
{
	return phase_words[p];
}

static void phase_ends(struct run *r, enum phase p)
{
	uint64_t now = clock_mono_ns();
	r->out->phase_ns[p] = now - r->phase_began;
	r->phase_began = now;
}

/* ---- the program's three streams ---- */

static int open_outputs(struct run *r, struct err *e)
{
	const struct plan *p = &r->out->plan;
	const char *files[] = { p->stdout_file, p->stderr_file };
	struct stream_pump *pumps[] = { &r->watch.out, &r->watch.err };
	int callers[] = { r->context->out_fd, r->context->err_fd };
	for (int i = 0; i < 2; i++) {
		*pumps[i] = (struct stream_pump){ .from = -1, .to = p->capture ? -1 : callers[i],
						  .limit = p->limits.of[LIMIT_OUTPUT] };
		if (!files[i])
			continue;
		int fd = sys_openat(AT_FDCWD, files[i], O_WRONLY | O_CREAT | O_TRUNC, 0644);
		if (fd < 0)
			return err_set(e, -fd, "open '%s' for the program's output", files[i]);
		pumps[i]->to = fd;
		pumps[i]->own_to = true;
	}
	return 0;
}

static bool is_nothing(int fd)
{
	struct stat st;
	return fd < 0 || (fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == 0x103); /* 1:3, /dev/null */
}

/* *direct: a descriptor the program may have itself, /dev/null; -1 when the input is pumped. */
static int open_input(struct run *r, int *direct, struct err *e)
{
	const struct plan *p = &r->out->plan;
	struct stream_pump *in = &r->watch.in;
	*in = (struct stream_pump){ .from = -1, .to = -1, .limit = UINT64_MAX };
	*direct = -1;
	if (p->stdin_text) {
		in->n = in->cap = strlen(p->stdin_text);
		in->buf = strdup(p->stdin_text);
		return in->buf ? 0 : err_set(e, ENOMEM, "keep the input");
	}
	if (p->stdin_file) {
		in->from = sys_openat(AT_FDCWD, p->stdin_file, O_RDONLY, 0);
		in->own_from = true;
		return in->from < 0 ? err_set(e, -in->from, "open '%s' for the program's input", p->stdin_file) : 0;
	}
	if (!is_nothing(r->context->in_fd)) {
		in->from = r->context->in_fd;
		return 0;
	}
	*direct = sys_openat(AT_FDCWD, "/dev/null", O_RDONLY, 0);
	return *direct < 0 ? err_set(e, -*direct, "open /dev/null") : 0;
}

/* ---- the story's steps ---- */

static int begin(struct run *r, struct err *e)
{
	autofd int direct = -1;
	r->watch.plan = &r->out->plan;
	int rc = open_outputs(r, e);
	if (rc == 0)
		rc = open_input(r, &direct, e);
	if (rc < 0)
		return rc;
	const struct launch_kit kit = {
		.paths = r->context->paths, .clone_cgroup_fd = cgroup_clone_fd(&r->hold.cgroup), .in_fd = direct,
		.kept = { r->hold.claim.fd, r->hold.slot.fd },
	};
	r->watch.begun_ns = clock_mono_ns();
	rc = launch(&r->out->plan, &kit, &r->child, e);
	if (rc < 0)
		return rc;
	r->watch.out.from = take_fd(&r->child.out_fd);
	r->watch.err.from = take_fd(&r->child.err_fd);
	r->watch.out.own_from = r->watch.err.own_from = true;
	r->watch.in.to = take_fd(&r->child.in_fd);
	r->watch.in.own_to = r->watch.in.to >= 0;
	return 0;
}

static void observe(struct run *r)
{
	struct watch *w = &r->watch;
	w->child = &r->child;
	w->cgroup = &r->hold.cgroup;
	w->cancel = r->context->cancel;
	w->ev = &r->out->evidence;
	supervise(w);
	phase_ends(r, PHASE_RUN);
	gather(w, r->arena);
	r->out->started = w->exec_ns && w->ev->failed_stage != STAGE_EXEC;
	phase_ends(r, PHASE_GATHER);
}

/* Why nothing ran, in words that name the thing. */
static void explain_stage(struct run *r)
{
	const struct evidence *ev = &r->out->evidence;
	const struct plan *p = &r->out->plan;
	unsigned row = r->watch.failed_row;
	struct err *e = &r->out->error;
	if (ev->failed_stage == STAGE_EXEC)
		(void)err_set(e, ev->failed_err, "start '%.100s' in the box (is it below /usr or made visible by --dir?)",
			      p->argv[0]);
	else if (ev->failed_stage == STAGE_MOUNTS && row && row <= p->nmounts)
		(void)err_set(e, ev->failed_err, "mount '/%.100s' in the box", p->mounts[row - 1].target);
	else if (ev->failed_stage >= 0)
		(void)err_set(e, ev->failed_err, "stage %s of the launch", stage_rows[ev->failed_stage].word);
}

static void judge(struct run *r, int rc)
{
	struct outcome *out = r->out;
	if (rc < 0) {
		out->verdict = verdict_refused();
		out->evidence.trouble = out->error;
		return;
	}
	out->verdict = verdict_of(&out->evidence, &out->plan.limits);
	if (out->evidence.trouble.code)
		out->error = out->evidence.trouble;
	else if (out->evidence.failed_stage >= 0)
		explain_stage(r);
	else if (out->verdict.status == STATUS_IE)
		(void)err_say(&out->error, EPROTO, "%s", out->verdict.because);
}

static void clean_up(struct run *r)
{
	child_close(&r->child);
	hold_release(&r->hold, &r->out->cleanup);
	/* Only now: a reader who takes his time must not keep the box from being removed. */
	stream_flush(&r->watch.out);
	stream_flush(&r->watch.err);
	stream_done(&r->watch.in);
	stream_done(&r->watch.out);
	stream_done(&r->watch.err);
	phase_ends(r, PHASE_CLEANUP);
}

int box_run(const struct spec *spec, const struct box_context *context, struct arena *a, struct outcome *ret)
{
	*ret = (struct outcome){ 0 };
	evidence_init(&ret->evidence);
	struct run r = { .spec = spec, .context = context, .arena = a, .out = ret, .hold = HOLD_NONE, .child = CHILD_NONE,
			 .phase_began = clock_mono_ns() };
	struct err *e = &(struct err){ 0 };
	r.watch.in.from = r.watch.in.to = r.watch.out.from = r.watch.out.to = r.watch.err.from = r.watch.err.to = -1;
	/* A caller that stops reading is seen as EPIPE, by the stream concerned. */
	int rc = sys_signal_ignore(SIGPIPE);
	rc = rc < 0 ? err_set(e, -rc, "ignore SIGPIPE") : plan_make(spec, context->host, a, &ret->plan, e);
	phase_ends(&r, PHASE_PLAN);
	if (rc == 0)
		rc = hold_take(context->paths, context->host, &ret->plan, &r.hold, e);
	phase_ends(&r, PHASE_CLAIM);
	if (rc == 0)
		rc = begin(&r, e);
	phase_ends(&r, PHASE_LAUNCH);
	if (rc == 0)
		observe(&r);
	if (rc < 0) /* a step that found its own way out may have left words in e */
		ret->error = *e;
	judge(&r, rc);
	clean_up(&r);
	return ret->error.code && !ret->started ? -ret->error.code : 0;
}
