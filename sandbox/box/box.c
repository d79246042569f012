/*
 * See box.h. Whatever happens on the way, the end is the same: what was recorded is released newest first, and what
 * would not go stays recorded, is named in the result, and is recovery's to find.
 */
#include "sandbox/box/box.h"

#include <fcntl.h>
#include <sched.h>
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
	const struct box_context *context;
	struct arena *arena;
	struct outcome *out;
	struct hold hold;
	struct child child;
	struct netns *netns; /* being made while the box is claimed */
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
		.kept = { r->hold.claim.fd, r->hold.slot.fd }, .net_later = r->netns,
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
	const struct plan_missing *m = p->missing;
	while (m && m < p->missing + p->nmissing && !(m->stages & STAGE_BIT(STAGE_MOUNTS)))
		m++;
	if (ev->failed_stage == STAGE_EXEC && m && m < p->missing + p->nmissing)
		(void)err_say(e, ENOTSUP, "start '%.60s' in the box: nothing could be mounted in it: %s; %s", p->argv[0], m->why, m->remedy);
	else if (ev->failed_stage == STAGE_EXEC && row == EXEC_ROW_CWD)
		(void)err_set(e, ev->failed_err, "enter the directory '%.100s' in the box (--chdir)", p->cwd);
	else if (ev->failed_stage == STAGE_EXEC)
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
	out->verdict = out->compiler ? verdict_of_compiler(&out->evidence, &out->plan.limits)
				     : verdict_of(&out->evidence, &out->plan.limits);
	if (out->evidence.trouble.code)
		out->error = out->evidence.trouble;
	else if (out->evidence.failed_stage >= 0)
		explain_stage(r);
	else if (out->verdict.status == STATUS_IE)
		(void)err_say(&out->error, EPROTO, "%s", out->verdict.because);
}

static void end_walk(struct run *r)
{
	child_close(&r->child);
	/* Only here, with the box gone: a reader who takes his time must not keep it. */
	stream_flush(&r->watch.out);
	stream_flush(&r->watch.err);
	stream_done(&r->watch.in);
	stream_done(&r->watch.out);
	stream_done(&r->watch.err);
}

static void clean_up(struct run *r)
{
	netns_drop(&r->netns);
	child_close(&r->child);
	hold_release(&r->hold, &r->out->cleanup);
	end_walk(r);
	phase_ends(r, PHASE_CLEANUP);
}

static void begin_outcome(struct run *r, struct outcome *out)
{
	*out = (struct outcome){ 0 };
	evidence_init(&out->evidence);
	r->out = out;
}

static void begin_walk(struct run *r, struct outcome *out)
{
	r->out = out;
	r->watch = (struct watch){ 0 };
	r->watch.in.from = r->watch.in.to = r->watch.out.from = r->watch.out.to = r->watch.err.from = r->watch.err.to = -1;
}

/* In an own user namespace, which comes with the clone, only clone itself can make the rest. */
static int begin_netns(struct run *r, struct err *e)
{
	struct netns **begun = r->context->netns;
	if (!r->context->host->root || !(r->out->plan.ns_flags & CLONE_NEWNET) || r->netns)
		return 0;
	if (begun && *begun) {
		r->netns = *begun;
		*begun = NULL;
		return 0;
	}
	return netns_begin(&r->netns, e);
}

/* 0 when the program ran; the verdict stands in any case. */
static int walk(struct run *r, const struct spec *spec, size_t n, struct err *e)
{
	int rc = begin_netns(r, e);
	if (rc == 0)
		rc = hold_walk(r->context->paths, r->context->host, &r->out->plan, n, &r->hold, e);
	phase_ends(r, PHASE_CLAIM);
	if (rc == 0)
		rc = begin(r, e);
	if (rc == 0)
		rc = hold_cgroups(&r->out->plan, &r->hold, e);
	if (rc == 0)
		rc = launch_go(&r->child, &r->netns, r->hold.join_fds, r->hold.njoin, e);
	if (rc < 0)
		launch_abort(&r->child);
	else
		cgroup_keep_open(&r->hold.cgroup); /* this and the next now, because init is at work */
	spec_envelope(spec, r->out->plan.envelope);
	phase_ends(r, PHASE_LAUNCH);
	if (rc == 0)
		observe(r);
	if (rc < 0) /* a step that found its own way out may have left words in e */
		r->out->error = *e;
	judge(r, rc);
	return rc;
}

/* One name in the workspace, whatever lies there under it: in a box that lives a program may have put it there. */
static int put_source(struct run *r, const struct box_code *code, struct err *e)
{
	int dir = r->hold.workspace_fds[0];
	int rc = sys_unlinkat(dir, code->file, 0);
	if (rc < 0 && rc != -ENOENT)
		return err_set(e, -rc, "make room for the source, %s", code->file);
	autofd int fd = sys_openat(dir, code->file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0644);
	rc = fd < 0 ? fd : sys_write_all(fd, code->text, strlen(code->text));
	if (rc == 0)
		rc = sys_fchownat(fd, "", r->hold.uid, (gid_t)r->hold.uid, AT_EMPTY_PATH);
	return rc < 0 ? err_set(e, -rc, "write the source, %s", code->file) : 0;
}

static int plan_walks(struct run *r, const struct box_code *code, struct outcome *compile, struct outcome *ret,
		      struct err *e)
{
	int rc = sys_signal_ignore(SIGPIPE); /* a caller that stops reading is seen as EPIPE, by the stream concerned */
	if (rc < 0)
		return err_set(e, -rc, "ignore SIGPIPE");
	rc = plan_make(code->run, r->context->host, r->arena, &ret->plan, e);
	if (rc == 0 && code->compile)
		rc = plan_make(code->compile, r->context->host, r->arena, &compile->plan, e);
	if (rc < 0)
		return rc;
	if (r->context->slots)
		ret->plan.slots = r->context->slots;
	compile->plan.box = code->compile ? ret->plan.box : NULL;
	return 0;
}

/* True when the program itself is to be walked. */
static bool compiled(struct run *r, const struct box_code *code, struct outcome *compile, struct outcome *ret, struct err *e)
{
	begin_walk(r, compile);
	compile->compiler = true;
	int rc = walk(r, code->compile, 0, e);
	end_walk(r);
	if (rc == 0 && compile->verdict.status == STATUS_OK) {
		begin_walk(r, ret);
		rc = hold_next(&r->hold, e);
		if (rc == 0)
			return true;
		ret->error = *e;
		judge(r, rc);
		return false;
	}
	*ret = *compile;
	begin_walk(r, ret);
	return false;
}

int box_execute(const struct box_code *code, const struct box_context *context, struct arena *a,
		struct outcome *compile, struct outcome *ret)
{
	struct run r = { .context = context, .arena = a, .hold = HOLD_NONE, .child = CHILD_NONE,
			 .phase_began = clock_mono_ns() };
	struct err *e = &(struct err){ 0 };
	size_t walks = code->compile ? 2 : 1;
	begin_outcome(&r, compile);
	begin_outcome(&r, ret);
	begin_walk(&r, ret);
	int rc = plan_walks(&r, code, compile, ret, e);
	phase_ends(&r, PHASE_PLAN);
	if (rc == 0)
		rc = begin_netns(&r, e);
	if (rc == 0)
		rc = hold_take(context->paths, &ret->plan, walks, &r.hold, e);
	if (rc == 0 && code->file)
		rc = put_source(&r, code, e);
	if (rc < 0) {
		spec_envelope(code->run, ret->plan.envelope);
		ret->error = *e;
		judge(&r, rc);
	} else if (walks == 1 || compiled(&r, code, compile, ret, e)) {
		(void)walk(&r, code->run, walks - 1, e); /* what went wrong is in *ret */
	}
	clean_up(&r);
	return ret->error.code && !ret->started ? -ret->error.code : 0;
}

void box_refuse(const struct err *why, struct outcome *ret)
{
	struct run r = { 0 };
	begin_outcome(&r, ret);
	ret->error = *why;
	judge(&r, -why->code);
	limits_default(PROFILE_JUDGE, &ret->plan.limits);
}

int box_run(const struct spec *spec, const struct box_context *context, struct arena *a, struct outcome *ret)
{
	struct outcome none;
	return box_execute(&(struct box_code){ .run = spec }, context, a, &none, ret);
}
