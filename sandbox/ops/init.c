/*
 * rustbox init: a box that lives across runs. Recorded, then made: the temp directory, a size-capped tmpfs on
 * <dir>/root owned by a uid of the pool, and a keeper that holds the box's lock. Whatever fails takes back what was
 * made, newest first.
 */
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "probes/base/own.h"
#include "probes/health.h"
#include "probes/ledger.h"
#include "sandbox/box/config.h"
#include "sandbox/box/keeper.h"
#include "sandbox/box/reclaim_mount.h"
#include "sandbox/box/slot.h"
#include "sandbox/kernel/dirs.h"
#include "sandbox/kernel/sys.h"
#include "sandbox/ops/ops.h"
#include "sandbox/policy/limits.h"

enum { UNDO_MS = 5000 };

struct wish {
	const char *box;
	struct limits limits;
	struct config config;
};

static int parse(const struct invocation *in, struct wish *w, struct err *e)
{
	static const struct option options[] = { { "box-id", required_argument, NULL, 'b' },
						 { "workspace", required_argument, NULL, 'w' },
						 { "inodes", required_argument, NULL, 'i' },
						 { 0 } };
	int c, r = 0;
	w->limits = w->config.profiles[PROFILE_JUDGE];
	optind = 0;
	opterr = 0;
	while (r == 0 && (c = getopt_long(in->argc, in->argv, "", options, NULL)) != -1) {
		if (c == 'b')
			w->box = optarg;
		else if (c == 'w')
			r = limit_parse(LIMIT_WORKSPACE, optarg, &w->limits.of[LIMIT_WORKSPACE], e);
		else if (c == 'i')
			r = limit_parse(LIMIT_INODES, optarg, &w->limits.of[LIMIT_INODES], e);
		else
			r = err_say(e, EINVAL, "usage: rustbox init %s", command_find("init")->args);
	}
	if (r == 0 && (!w->box || optind < in->argc))
		r = err_say(e, EINVAL, "usage: rustbox init %s", command_find("init")->args);
	return r;
}

static int make_dir(const struct paths *p, struct claim *c, int *ret_fd, struct err *e)
{
	char path[PATH_ROOM + 80], id[64];
	struct stat st;
	unsigned seq;
	paths_box_dir(p, c->box, path);
	int r = dirs_make(p, PATH_WORK, 0755, e);
	r = r < 0 ? r : claim_own(c, RES_TEMPDIR, path, &seq, e);
	if (r < 0)
		return r;
	r = sys_mkdirat(AT_FDCWD, path, 0711);
	if (r < 0)
		return err_set(e, -r, "make %s", path);
	autofd int fd = sys_openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(e, fd < 0 ? -fd : errno, "open %s", path);
	(void)snprintf(id, sizeof id, "%u:%u:%llu", major(st.st_dev), minor(st.st_dev), (unsigned long long)st.st_ino);
	r = claim_is(c, seq, id, e);
	if (r == 0 && (r = sys_mkdirat(fd, "root", 0755)) < 0)
		return err_set(e, -r, "make %s/root", path);
	if (r == 0)
		*ret_fd = take_fd(&fd);
	return r;
}

/* A tmpfs with no path yet: nothing to leave behind before it is attached. */
static int make_tmpfs(const struct wish *w, uid_t uid, struct err *e)
{
	char text[80];
	autofd int fs = sys_fsopen("tmpfs");
	int r = fs < 0 ? fs : 0;
	(void)snprintf(text, sizeof text, "rustbox-%s", w->box);
	r = r < 0 ? r : sys_fsconfig_string(fs, "source", text);
	if (w->limits.of[LIMIT_WORKSPACE] != LIMIT_NONE) {
		(void)snprintf(text, sizeof text, "%llu", (unsigned long long)w->limits.of[LIMIT_WORKSPACE]);
		r = r < 0 ? r : sys_fsconfig_string(fs, "size", text);
	}
	if (w->limits.of[LIMIT_INODES] != LIMIT_NONE) {
		(void)snprintf(text, sizeof text, "%llu", (unsigned long long)w->limits.of[LIMIT_INODES]);
		r = r < 0 ? r : sys_fsconfig_string(fs, "nr_inodes", text);
	}
	(void)snprintf(text, sizeof text, "%u", (unsigned)uid);
	r = r < 0 ? r : sys_fsconfig_string(fs, "uid", text);
	r = r < 0 ? r : sys_fsconfig_string(fs, "gid", text);
	r = r < 0 ? r : sys_fsconfig_string(fs, "mode", "0700");
	r = r < 0 ? r : sys_fsconfig_create(fs);
	r = r < 0 ? r : sys_fsmount(fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	return r < 0 ? err_set(e, -r, "make the box's file system") : r;
}

static int make_root(const struct paths *p, const struct wish *w, struct claim *c, int dir, uid_t uid, struct err *e)
{
	char path[PATH_ROOM + 80], id[MOUNT_ID_ROOM];
	unsigned seq;
	paths_box_root(p, c->box, path);
	autofd int mount = make_tmpfs(w, uid, e);
	int r = mount < 0 ? mount : claim_own(c, RES_MOUNT, path, &seq, e);
	if (r < 0)
		return r;
	r = sys_move_mount(mount, "", dir, "root", MOVE_MOUNT_F_EMPTY_PATH);
	if (r < 0)
		return err_set(e, -r, "mount %s", path);
	r = reclaim_mount_id_at(dir, "root", id);
	return r < 0 ? err_set(e, -r, "ask for the id of %s", path) : claim_is(c, seq, id, e);
}

/* Counted with our own recorded, so that two at once may both be refused, but never both be one too many. */
static int there_is_room(const struct paths *p, unsigned most, struct err *e)
{
	autoarena struct arena a = { 0 };
	struct scope scope = scope_host(p);
	struct ledgers all;
	unsigned kept = 0;
	ledgers_read(&scope, &a, &all);
	if (!all.complete)
		return err_wrap(memcpy(e, &all.why, sizeof *e), "count the boxes there are");
	for (size_t i = 0; i < all.n; i++)
		for (size_t k = 0; all.v[i].held && k < all.v[i].n; k++)
			if (all.v[i].v[k].kind == RES_TEMPDIR && !all.v[i].v[k].gone) {
				kept++;
				break;
			}
	if (kept > most)
		return err_say(e, EAGAIN, "this host keeps at most %u boxes (config.json: boxes): `rustbox cleanup` one, `rustbox status` "
			       "lists them", most);
	return 0;
}

static int make_all(const struct paths *p, const struct wish *w, struct claim *c, struct err *e)
{
	autofd int dir = -1;
	struct slot slot = SLOT_NONE;
	int r = slot_claim(p, w->config.slots, &slot, e);
	r = r < 0 ? r : make_dir(p, c, &dir, e);
	r = r < 0 ? r : there_is_room(p, w->config.kept_boxes, e);
	r = r < 0 ? r : make_root(p, w, c, dir, slot.uid, e);
	r = r < 0 ? r : keeper_start(c, slot.fd, e);
	slot_release(&slot);
	return r;
}

static int make_box(const struct paths *p, const struct wish *w, struct err *e)
{
	autoarena struct arena a = { 0 };
	autoclaim struct claim c = CLAIM_NONE;
	struct scope scope = scope_host(p);
	struct reclaim_how how = { .scope = &scope };
	struct reclaim_plan undone;
	int r = claim_open(p, w->box, &c, e);
	if (r < 0)
		return r;
	r = make_all(p, w, &c, e);
	if (r < 0 && reclaim_claim(&c, &how, UNDO_MS, &a, &undone) > 0)
		return err_wrap(e, "and not all could be taken back (run: rustbox health --recover --cleanup)");
	return r;
}

int ops_init(const struct invocation *in)
{
	autoarena struct arena a = { 0 };
	struct wish w = { 0 };
	struct err e = { 0 };
	struct health health;
	struct scope scope = scope_host(in->paths);
	char path[PATH_ROOM + 80];
	if (config_load(in->paths, &a, &w.config, &e) < 0 || parse(in, &w, &e) < 0 ||
	    config_check(&w.config, &w.limits, &e) < 0) {
		complain("init: %s", e.text);
		return EXIT_USAGE;
	}
	if (health_read(&scope, &health, &e) < 0 || health.status == HEALTH_QUARANTINED) {
		complain("init: the worker is quarantined: nothing was made; see: rustbox health");
		return EXIT_QUARANTINED;
	}
	int r = make_box(in->paths, &w, &e);
	if (r < 0) {
		complain("init: %s", e.text);
		return r == -EINVAL ? EXIT_USAGE : EXIT_IE;
	}
	paths_box_root(in->paths, w.box, path);
	(void)printf("%s\n", path);
	return finish(EXIT_GOOD);
}
