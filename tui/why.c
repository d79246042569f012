/* The blocker of each kind of leftover, from its facts; and the story told about one row. */
#include "tui/why.h"

#include <stdio.h>
#include <string.h>

#include "probes/base/text.h"
#include "tui/update.h"

static bool held_known(const struct model *m, const struct row *row)
{
	return m->holding.known && !m->past.on && strcmp(m->holding.id, row->res->id) == 0;
}

static size_t holders_of(const struct model *m, size_t *spaces)
{
	size_t n = 0;
	*spaces = 0;
	for (size_t i = 0; i < m->holding.of.n; i++) {
		const struct holder *h = &m->holding.of.v[i];
		bool seen = false, seen_ns = false;
		for (size_t k = 0; k < i; k++) {
			seen = seen || m->holding.of.v[k].pid == h->pid;
			seen_ns = seen_ns || m->holding.of.v[k].mnt_ns == h->mnt_ns;
		}
		n += h->pid && !seen;
		*spaces += h->mnt_ns && !seen_ns;
	}
	return n;
}

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

static bool wanted_again(const struct model *m, const struct row *row)
{
	for (size_t i = 0; i < m->nretry && !m->past.on; i++)
		if (m->retry[i].kind == row->res->kind && strcmp(m->retry[i].id, row->res->id) == 0)
			return true;
	return false;
}

static void blocked_mount(const struct model *m, const struct row *row, struct text *t)
{
	size_t spaces = 0;
	unsigned children = row->res->mount.children;
	if (children) {
		text_add(t, "%u child mount%s", children, plural(children));
	} else if (held_known(m, row)) {
		size_t n = holders_of(m, &spaces);
		if (n)
			text_add(t, "%zu holder%s, %zu ns", n, plural(n), spaces);
	} else if (wanted_again(m, row)) {
		text_add(t, "busy: w asks who");
	}
}

static void blocked_process(const struct row *row, struct text *t)
{
	const struct process_facts *p = &row->res->process;
	char safe[40];
	if (p->state == 'D')
		text_add(t, "D in %s", p->wchan ? text_escape(p->wchan, safe, sizeof safe) : "the kernel");
	else if (p->state == 'Z')
		text_add(t, "parent %d", (int)p->ppid);
	else if (p->state == 'T')
		text_add(t, "stopped");
}

void row_blocked(const struct model *m, const struct row *row, char *out, size_t cap)
{
	struct text t = { .buf = out, .cap = cap };
	const struct resource *r = row->res;
	out[0] = '\0';
	if (row->missing)
		text_add(&t, "in the baseline");
	else if (row->gone_ms)
		text_add(&t, "just vanished");
	else if (r->owner == OWNER_ACTIVE)
		text_add(&t, "not ours to end");
	else if (row->sign == CHANGE_CHANGED && row->what)
		text_add_escaped(&t, row->what);
	else if (!row_actable(row))
		text_add(&t, "-");
	else if (r->kind == RES_MOUNT)
		blocked_mount(m, row, &t);
	else if (r->kind == RES_PROCESS)
		blocked_process(row, &t);
	else if (r->kind == RES_TEMPDIR && r->tempdir.mounts_below)
		text_add(&t, "%u mount%s below", r->tempdir.mounts_below, plural(r->tempdir.mounts_below));
	else if (r->kind == RES_GHOST && r->ghost.holder)
		text_add(&t, "held by %d", (int)r->ghost.holder);
	else if (r->kind == RES_CGROUP && r->cgroup.frozen)
		text_add(&t, "frozen");
	else if (r->kind == RES_CGROUP && (r->cgroup.procs || r->cgroup.children)) {
		if (r->cgroup.procs)
			text_add(&t, "%u proc%s%s", r->cgroup.procs, plural(r->cgroup.procs),
				 r->cgroup.children ? ", " : "");
		if (r->cgroup.children)
			text_add(&t, "%u child%s", r->cgroup.children, r->cgroup.children == 1 ? "" : "ren");
	}
	if (!out[0])
		text_add(&t, "-");
}

const char *row_next(const struct model *m, const struct row *row)
{
	const struct resource *r = row->res;
	if (row->gone_ms)
		return "-";
	if (!row_actable(row))
		return row->missing || row->sign == CHANGE_CHANGED ? "look" : "-";
	switch (r->kind) {
	case RES_MOUNT:
		return !r->mount.children && (held_known(m, row) || wanted_again(m, row)) ? "P2.4" : "P2.2";
	case RES_CGROUP:
		return r->cgroup.procs ? "P3.3" : "P3.5";
	case RES_PROCESS:
		return r->process.state == 'Z' ? "P4.4" : r->process.state == 'D' ? "esc." : "P4.2";
	case RES_TEMPDIR:
		return "P5.1";
	case RES_LOCK:
		return "P1.2";
	case RES_GHOST:
		return "P2.4";
	case RES_KINDS:
		break;
	}
	return "-";
}

/* One box has a group of the same name in every v1 hierarchy: which one it is comes first, then the way from its box. */
static void cgroup_title(const struct resource *r, struct text *t)
{
	const char *path = r->cgroup.path;
	size_t n = r->box ? strlen(r->box) : 0;
	for (const char *at = path; n && (at = strstr(at, "/rustbox-")); at++) {
		const char *box = at + strlen("/rustbox-");
		if (strncmp(box, r->box, n) == 0 && (box[n] == '\0' || box[n] == '/')) {
			path = at;
			break;
		}
	}
	text_add_escaped(t, r->cgroup.hierarchy);
	text_add(t, ":");
	text_add_escaped(t, path + (*path == '/'));
}

void row_title(const struct row *row, char *out, size_t cap)
{
	const struct resource *r = row->res;
	struct text t = { .buf = out, .cap = cap };
	out[0] = '\0';
	if (r->kind == RES_PROCESS && !row->missing)
		text_add(&t, "%d ", (int)r->process.pid);
	if (r->kind == RES_CGROUP && !row->missing && r->cgroup.hierarchy && r->cgroup.path)
		cgroup_title(r, &t);
	else
		text_add_escaped(&t, r->kind == RES_PROCESS && r->process.comm ? r->process.comm : r->name);
	if (r->kind == RES_PROCESS && !row->missing)
		text_add(&t, " (%c) uid %u", r->process.state ? r->process.state : '?', (unsigned)r->process.uid);
	if (row->missing)
		text_add(&t, "  GONE");
}

static void holder_line(const struct holder *h, const char *lead, struct prose *out)
{
	char comm[40], detail[120];
	const char *name = text_escape(h->comm ? h->comm : "?", comm, sizeof comm);
	if (!h->pid) {
		prose_add(out, INK_PLAIN, lead, "%s %s", hold_word(h->hold),
			  h->detail ? text_escape(h->detail, detail, sizeof detail) : "");
		return;
	}
	char fd[16] = "";
	if (h->hold == HOLD_FD)
		(void)snprintf(fd, sizeof fd, " %d", h->fd);
	prose_add(out, h->you ? INK_STRONG : INK_PLAIN, lead, "%s%d %s (%s%s%s, %s%s)%s, %s", h->you ? "YOU: " : "",
		  (int)h->pid, name, hold_word(h->hold), fd, h->deleted ? " deleted" : "",
		  h->same_ns ? "your mount ns" : "another mount ns", h->exact ? "" : ", same device: mount not certain",
		  h->state == 'D' ? " D: cannot be killed now" : "", owner_word(h->owner));
	if (h->you)
		prose_add(out, INK_STRONG, "  ", "the holder is you%s%s: leave the directory (cd /); it is never offered to be ended",
			  h->detail && h->detail[0] ? ", " : "",
			  h->detail ? text_escape(h->detail, detail, sizeof detail) : "");
}

static void why_holders(const struct model *m, const struct row *row, struct prose *out)
{
	if (m->holding.asking && strcmp(m->holding.id, row->res->id) == 0) {
		prose_add(out, INK_PLAIN, "", "asking every process who holds it ...");
		return;
	}
	if (m->past.on) {
		prose_add(out, INK_PLAIN, "", "Who held it then is not kept: t goes back to now, w asks there.");
		return;
	}
	if (!held_known(m, row)) {
		prose_add(out, INK_PLAIN, "", "Holders: not asked yet (w asks).");
		return;
	}
	if (!m->holding.of.n)
		prose_add(out, INK_STRONG, "", "Nobody visible holds it.");
	for (size_t i = 0; i < m->holding.of.n; i++)
		holder_line(&m->holding.of.v[i], i == 0 ? "Held by " : "    and ", out);
	if (!m->holding.of.complete)
		prose_add(out, INK_WARN, "", "NOT COMPLETE: %s", m->holding.of.why.text);
}

/* Each way out, and what it would really do: a kill that frees one hold of two leaves the mount as busy as before. */
static bool what_if_ended(const struct model *m, size_t i, const char *lead, struct prose *out)
{
	const struct holder *h = &m->holding.of.v[i];
	size_t holds = 0, all = 0;
	for (size_t k = 0; k < m->holding.of.n; k++) {
		if (k < i && m->holding.of.v[k].pid == h->pid)
			return false;
		all += m->holding.of.v[k].pid != 0;
		holds += m->holding.of.v[k].pid == h->pid;
	}
	if (h->you || !h->pid)
		return false;
	if (!owner_is_left_over(h->owner))
		prose_add(out, INK_PLAIN, lead, "end %d: no, it is %s, not ours to end; ask whose it is", (int)h->pid, owner_word(h->owner));
	else if (h->state == 'D')
		prose_add(out, INK_PLAIN, lead, "kill %d: nothing now, it is in the kernel until that returns", (int)h->pid);
	else
		prose_add(out, INK_PLAIN, lead, "kill %d: frees %zu of %zu hold%s%s", (int)h->pid, holds, all, plural(all),
			  holds < all ? ", still EBUSY" : ", then it unmounts");
	return true;
}

static void what_if(const struct model *m, const struct row *row, struct prose *out)
{
	char size[16], age[16], path[80];
	const char *lead = "If you ";
	for (size_t i = 0; i < m->holding.of.n; i++)
		if (what_if_ended(m, i, lead, out))
			lead = "       ";
	text_size(row->res->mount.bytes, size, sizeof size);
	prose_add(out, INK_PLAIN, lead, "unmount lazily: it is HIDDEN, not freed; %s stay%s until its last holder ends",
		  row->res->mount.bytes ? size : "it", row->res->mount.bytes ? "" : "s");
	uint64_t full = disk_full_in(&m->sight.disk[0], m->wall);
	if (!full)
		return;
	text_age(full, age, sizeof age);
	prose_add(out, INK_WARN, "       ", "do nothing: %s is full in about %s",
		  text_escape(m->sight.disk[0].path, path, sizeof path), age);
}

static void why_mount(const struct model *m, const struct row *row, struct prose *out)
{
	const struct mount_facts *f = &row->res->mount;
	char fs[40], source[100];
	if (f->children)
		prose_add(out, INK_STRONG, "", "%u mount%s below must go first.", f->children, plural(f->children));
	if (row_actable(row) && !f->children)
		why_holders(m, row, out);
	if (row_actable(row) && held_known(m, row) && m->holding.of.n)
		what_if(m, row, out);
	if (row_actable(row) && f->fstype && strncmp(f->fstype, "fuse", 4) == 0) /* by dev_t: include/linux/kdev_t.h */
		prose_add(out, INK_PLAIN, "", "A program serves it. Whoever waits for it in vain is freed by: echo 1 > "
			  "/sys/fs/fuse/connections/%u/abort", f->major << 20 | f->minor);
	prose_add(out, INK_PLAIN, "", "%s %u:%u from %s%s%s", f->fstype ? text_escape(f->fstype, fs, sizeof fs) : "?",
		  f->major, f->minor, f->source ? text_escape(f->source, source, sizeof source) : "?",
		  f->shared ? ", shared: an unmount reaches its peers" : "", f->layer ? ", stacked on another" : "");
}

static void why_process(const struct row *row, struct prose *out)
{
	const struct process_facts *p = &row->res->process;
	char text[200];
	prose_add(out, INK_PLAIN, "", "parent %d, mount ns %llu, cgroup %s", (int)p->ppid,
		  (unsigned long long)p->mnt_ns, p->cgroup ? text_escape(p->cgroup, text, sizeof text) : "hidden");
	if (p->cmdline && p->cmdline[0])
		prose_add(out, INK_PLAIN, "", "argv: %s", text_escape(p->cmdline, text, sizeof text));
	if (p->state == 'Z')
		prose_add(out, INK_STRONG, "", "Dead already: only its parent %d can reap it; no signal helps.", (int)p->ppid);
	if (p->state == 'D')
		prose_add(out, INK_STRONG, "", "Waits in %s: a kill is delivered when the kernel returns, not before.",
			  p->wchan && p->wchan[0] ? text_escape(p->wchan, text, sizeof text) : "the kernel");
	if (p->state == 'D' && p->wchan && strcmp(p->wchan, "request_wait_answer") == 0)
		prose_add(out, INK_STRONG, "", "That is a FUSE file system whose server does not answer: its mount's row says how to end it.");
	if (p->state == 'T')
		prose_add(out, INK_STRONG, "", "Stopped: it runs again only after SIGCONT; a kill ends it as it is.");
	if (row->res->owner == OWNER_ORPHAN)
		prose_add(out, INK_BAD, "", "ORPHAN: security rule. Capture evidence, escalate, then end it alone.");
}

void why_lines(const struct model *m, const struct row *row, struct prose *out)
{
	const struct resource *r = row->res;
	char text[240];
	if (row->missing)
		prose_add(out, INK_STRONG, "", "The baseline has it and the host has not: somebody removed it.");
	if (row->sign == CHANGE_CHANGED && row->what)
		prose_add(out, INK_STRONG, "", "changed since the baseline: %s", text_escape(row->what, text, sizeof text));
	if (r->kind == RES_MOUNT && !row->missing)
		why_mount(m, row, out);
	else if (r->kind == RES_PROCESS && !row->missing)
		why_process(row, out);
	else if (r->kind == RES_CGROUP && !row->missing)
		prose_add(out, INK_PLAIN, "", "%s (v%d)%s%s; %u processes, %u child groups; zombies do not count",
			  r->cgroup.hierarchy ? r->cgroup.hierarchy : "?", r->cgroup.version,
			  r->cgroup.populated ? ", populated" : ", empty", r->cgroup.frozen ? ", FROZEN: thaw first" : "",
			  r->cgroup.procs, r->cgroup.children);
	else if (r->kind == RES_TEMPDIR && r->tempdir.mounts_below)
		prose_add(out, INK_STRONG, "", "%u mount(s) below: deleting now would reach through them. P2 first.",
			  r->tempdir.mounts_below);
	else if (r->kind == RES_GHOST && row_actable(row) && strcmp(m->holding.id, r->id) == 0)
		why_holders(m, row, out); /* asked: who it is says more than that there is one */
	if (r->kind == RES_GHOST)
		prose_add(out, INK_STRONG, "", "No path leads to it, and it is still held: %s. P6 stays locked.",
			  r->ghost.how ? text_escape(r->ghost.how, text, sizeof text) : "by whom is not known");
	if (r->why)
		prose_add(out, INK_PLAIN, "", "%s: %s", owner_word(r->owner), text_escape(r->why, text, sizeof text));
	if (r->box)
		prose_add(out, INK_PLAIN, "", "box %s, identity %s", r->box, r->id);
	else
		prose_add(out, INK_PLAIN, "", "identity %s", text_escape(r->id, text, sizeof text));
	if (r->kind == RES_CGROUP && !row->missing) /* the title has the short form */
		prose_add(out, INK_PLAIN, "", "at %s", text_escape(r->name, text, sizeof text));
}
