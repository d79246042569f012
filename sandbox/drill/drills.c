/* The ten drills; see drill.h. A solution is typed as it stands, {busy} filled in. */
#include "sandbox/drill/drill.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "sandbox/drill/faults.h"

#define LOOK	"rustbox-probe snapshot"
#define HOLDERS "rustbox-probe holders {busy}"
#define ALL(kind) "rustbox reclaim " kind " --all"
#define VERIFY	"rustbox health --verify-clean"
#define RELEASE "rustbox health --unquarantine --reason drill"
#define SAY(text) "rustbox drill say " text

#define P2_LITERAL                                                                                  \
	"mount | grep rustbox | tee rustbox-mounts.txt\n"                                           \
	"cat rustbox-mounts.txt | awk '{print $3}' | \\\n"                                          \
	"  awk '{print gsub(/\\//, \"/\"), $0}' | sort -rn | \\\n"                                  \
	"  awk '{print $2}' | while read mount; do\n"                                               \
	"    echo \"Unmounting: $mount\"\n"                                                         \
	"    umount \"$mount\" || echo \"Failed: $mount\"\n"                                        \
	"done\n"                                                                                    \
	"mount | grep rustbox\n"                                                                    \
	"lsof | grep rustbox\n"
#define P3_LITERAL                                                                                  \
	"find /sys/fs/cgroup -name \"rustbox-*\" -type d | tee rustbox-cgroups.txt\n"               \
	"for cgroup in $(cat rustbox-cgroups.txt); do\n"                                            \
	"    if [ -s \"$cgroup/cgroup.procs\" ]; then\n"                                            \
	"        echo \"Killing processes in: $cgroup\"\n"                                          \
	"        cat \"$cgroup/cgroup.procs\" | xargs kill -9\n"                                    \
	"    fi\n"                                                                                  \
	"done\n"                                                                                    \
	"sleep 2\n"                                                                                 \
	"cat rustbox-cgroups.txt | sort -r | while read cgroup; do\n"                               \
	"    echo \"Removing: $cgroup\"\n"                                                          \
	"    rmdir \"$cgroup\" || echo \"Failed: $cgroup\"\n"                                       \
	"done\n"
#define P4_LITERAL                                                                                  \
	"ps aux | grep rustbox | tee rustbox-processes.txt\n"                                       \
	"ps aux | grep rustbox | awk '{print $2}' | xargs kill -9\n"                                \
	"sleep 2\n"                                                                                 \
	"ps aux | grep Z | grep rustbox\n"                                                          \
	"ps aux | grep Z | grep rustbox | awk '{print $2}' | while read pid; do\n"                  \
	"    ppid=$(ps -o ppid= -p $pid)\n"                                                         \
	"    kill -CHLD $ppid\n"                                                                    \
	"done\n"
#define P5_LITERAL                                                                                  \
	"find /tmp -name \"rustbox-*\" -type d -mtime +1 -exec rm -rf {} \\;\n"                     \
	"df -h /tmp /var/lib/rustbox\n"                                                             \
	"find /var/lib/rustbox -type f -mtime +7 -delete\n"
#define P6_LITERAL                                                                                  \
	"rustbox health --verify-clean\n"                                                           \
	"rustbox health --unquarantine\n"                                                           \
	"rustbox health\n"

const struct drill drills[] = {
	{ .id = "D1", .name = "nested-busy", .par_s = 240, .watch_s = 1800, .plant = fault_nested_busy,
	  .fault = "three tmpfs, each in the one before; a process holds the deepest",
	  .teaches = "P2: deepest first, who holds it, end the holder, unmount again",
	  .cause_by = "holders", .cause = "a process of the box outlived it and holds the deepest mount",
	  .order = "holders process mount cgroup tempdir verify release",
	  .hint = { "Which mount of the three is the one that is busy?", "w on the deepest mount names its holder (rustbox-probe holders).",
		    "End the leaked process first (P4 or P2 step 5), then unmount: deepest first." },
	  .solution = { LOOK, HOLDERS, ALL("process"), ALL("mount"), ALL("cgroup"), ALL("tempdir"), VERIFY, RELEASE,
			SAY("a process of the box held the deepest mount") },
	  .literal = P2_LITERAL, .literal_end = "every umount that matters says busy; the service's own mount has rustbox in its path and goes" },
	{ .id = "D2", .name = "pivoted-holder", .par_s = 300, .watch_s = 1800, .plant = fault_pivoted_holder,
	  .fault = "a tmpfs that a process made its root in a mount namespace of its own",
	  .teaches = "P2 step 4: why lsof is blind; an umount that succeeds may free nothing",
	  .cause_by = "holders", .cause = "a process pivoted into the mount; its root is / so no path of it says rustbox",
	  .order = "holders process mount cgroup tempdir verify release",
	  .hint = { "Whose root is it?", "lsof prints that process's root as /: ask by device, across namespaces (w).",
		    "End the holder before you unmount: unmounted first, the file system lives on where you do not see it." },
	  .solution = { LOOK, HOLDERS, ALL("process"), ALL("mount"), ALL("cgroup"), ALL("tempdir"), ALL("lock"), VERIFY, RELEASE,
			SAY("the holder had pivoted into the mount") },
	  .literal = P2_LITERAL, .literal_end = "lsof | grep rustbox: no row of the holder; umount: rc 0, and the file system lives on in the holder's namespace",
	  .literal_fails = true },
	{ .id = "D3", .name = "bind-trap", .par_s = 180, .watch_s = 1800, .plant = fault_bind_trap,
	  .fault = "a leftover directory, three days old, and in it a bind of the customers' files",
	  .teaches = "P5 refuses a directory with a mount below: P2 first",
	  .cause_by = "snapshot", .cause = "a bind mount was left inside the temp directory",
	  .order = "mount tempdir verify release",
	  .hint = { "What is mounted below the directory?", "Deleting goes through a bind mount to what is behind it.",
		    "Unmount first (P2), delete then (P5)." },
	  .solution = { LOOK, ALL("mount"), ALL("tempdir"), VERIFY, RELEASE,
			SAY("a bind mount was left inside the old directory") },
	  .literal = P5_LITERAL, .literal_end = "rm -rf deletes the customers' file through the bind, then says busy", .literal_fails = true,
	  .rootless = true },
	{ .id = "D4", .name = "nested-cgroup", .par_s = 240, .watch_s = 1800, .plant = fault_nested_cgroup,
	  .fault = "a forker in a cgroup below the box's, which is not named like one of ours",
	  .teaches = "P3: every descendant, and kill by cgroup, not by pid",
	  .cause_by = "snapshot", .cause = "the process forks for ever in a nested cgroup",
	  .order = "cgroup verify release",
	  .hint = { "Look at the whole tree, not at names.", "A process that forks is always another one: kill by pid comes too late.",
		    "P3: reclaim the cgroup; the kernel ends all of it at once. The other run is ACTIVE: leave it." },
	  .solution = { LOOK, "rustbox reclaim cgroup --order", ALL("cgroup"), VERIFY, RELEASE, SAY("a forker in a nested cgroup") },
	  .literal = P3_LITERAL, .literal_end = "cgroup.procs has size 0, so nothing is killed; the nested child is not listed, so rmdir says busy",
	  .literal_fails = true },
	{ .id = "D5", .name = "d-state", .par_s = 300, .watch_s = 900, .plant = fault_d_state,
	  .fault = "a frozen ext4 and a writer that waits for it, uninterruptibly",
	  .teaches = "P4: kill -9 is not an answer to D: escalate, or thaw",
	  .cause_by = "holders", .cause = "the file system is frozen; its writer cannot be killed before the thaw",
	  .order = "holders escalate process mount cgroup tempdir verify release",
	  .hint = { "Look at the state's letter.", "Nothing that is sent arrives before the file system is thawed.",
		    "Escalate (rustbox drill escalate): storage thaws it. Then reclaim." },
	  .solution = { LOOK, HOLDERS, "rustbox drill escalate the file system is frozen", ALL("process"), ALL("mount"), ALL("cgroup"),
			ALL("tempdir"), VERIFY, RELEASE, SAY("the file system was frozen under its writer") },
	  .literal = P4_LITERAL P2_LITERAL, .literal_end = "kill -9 returns and nothing dies; umount says busy" },
	{ .id = "D6", .name = "zombies", .par_s = 180, .watch_s = 1800, .plant = fault_zombies,
	  .fault = "zombies whose parent never waits, under a PID 1 that may not wait either",
	  .teaches = "P4: a zombie cannot be killed; its parent can be ended, when it is a leak; PID 1 is its owner's",
	  .cause_by = "snapshot", .cause = "the parent never waits for its children",
	  .order = "process cgroup verify release",
	  .hint = { "Who is the parent, and does it wait?", "SIGCHLD helps only a parent that waits.",
		    "The parent is a leak itself: end it, and PID 1 reaps its children; if it does not, escalate to whose it is." },
	  .solution = { LOOK, ALL("process"), "?rustbox drill escalate PID 1 does not reap", ALL("cgroup"), VERIFY, RELEASE, SAY("the parent never waited") },
	  .literal = P4_LITERAL, .literal_end = "no name says rustbox, so nothing is found" },
	{ .id = "D7", .name = "disk-full", .par_s = 240, .watch_s = 1800, .plant = fault_disk_full,
	  .fault = "a full /tmp of 8 MiB, six of them a deleted file still open, and a full state disk",
	  .teaches = "P5: df and du disagree; end who holds it; evidence is no old artifact",
	  .cause_by = "space", .cause = "a leaked process holds a deleted file open",
	  .order = "process tempdir verify release",
	  .hint = { "df and du disagree by 6 MiB: what has no name and takes room?", "A deleted file lives until its last descriptor is closed.",
		    "End the leaked process, then remove its directory. quarantine-history.json is evidence: leave it." },
	  .solution = { LOOK, "rustbox-probe space {busy}", ALL("process"), ALL("cgroup"), ALL("tempdir"), VERIFY, RELEASE,
			SAY("a deleted file was held open") },
	  .literal = P5_LITERAL, .literal_end = "the directory is too young, the 6 MiB stay, and quarantine-history.json is deleted" },
	{ .id = "D8", .name = "false-clean", .par_s = 180, .watch_s = 1800, .plant = fault_false_clean,
	  .fault = "a verifier that says CLEAN, and a mount below /tmp that remains",
	  .teaches = "P6: two opinions; a conflict locks the way back",
	  .cause_by = "snapshot", .cause = "the verifier skips what is mounted below /tmp",
	  .order = "verify look mount tempdir look release",
	  .hint = { "Who says so, and where did it look?", "Compare with rustbox-probe snapshot, or the console's own list.",
		    "Unmount what it does not see, look again with your own eyes, then unquarantine." },
	  .solution = { VERIFY, LOOK, ALL("mount"), ALL("tempdir"), LOOK, RELEASE, SAY("verify-clean did not look below /tmp") },
	  .literal = P6_LITERAL, .literal_end = "CLEAN is believed, the worker is said to be back, and the mount stays; its record says quarantined", .literal_fails = true,
	  .rootless = true },
	{ .id = "D9", .name = "wrong-target", .par_s = 240, .watch_s = 1800, .plant = fault_wrong_target,
	  .fault = "one leak beside an editor, a run under way, and your own shell in its directory",
	  .teaches = "P1, P4: whose is it? a name is no evidence",
	  .cause_by = "snapshot", .cause = "one leaked process of a dead box; the rest is not ours to end",
	  .order = "process cgroup tempdir verify release",
	  .hint = { "Five things say rustbox; how many are leaks?", "The class is in the second column: ACTIVE, foreign and self are not yours to end.",
		    "Only rows of class leak can be in a plan: let the console choose." },
	  .solution = { LOOK, ALL("process"), ALL("cgroup"), ALL("tempdir"), VERIFY, RELEASE, SAY("one process of a dead box was left") },
	  .literal = P4_LITERAL, .literal_end = "kill -9 takes the editor, the run and your shell; the leak, whose name says nothing, lives",
	  .literal_fails = true },
	{ .id = "D10", .name = "storm", .par_s = 360, .watch_s = 1800, .plant = fault_storm,
	  .fault = "2,000 mounts and 500 cgroups appear while you unmount the first ones",
	  .teaches = "P2, P3: a plan is bound to what it named: look again, plan again",
	  .cause_by = "snapshot", .cause = "another box leaked while the first was cleaned",
	  .order = "mount look mount cgroup tempdir verify release",
	  .hint = { "Count again.", "What came after the preview is not in the plan.", "A new preview, then the same steps once more." },
	  .solution = { LOOK, ALL("mount"), "-", LOOK, ALL("mount"), ALL("cgroup"), ALL("tempdir"), VERIFY, RELEASE,
			SAY("a second box leaked during the clean-up") },
	  .literal = P2_LITERAL P3_LITERAL, .literal_end = "the lists were written before the storm: what came after stays" },
	{ .id = "orphan", .name = "orphan", .par_s = 300, .watch_s = 1800, .plant = fault_orphan,
	  .fault = "a process with a box's uid that no cgroup of ours holds",
	  .teaches = "security first: evidence, a yes, and one at a time",
	  .cause_by = "snapshot", .cause = "it left its cgroup, or was never in it",
	  .order = "capture process verify release",
	  .hint = { "What does the column OWNER say of it?", "A batch skips it: only its full identity ends it.",
		    "Capture it, then end that one (Tab, x on its row)." },
	  .solution = { LOOK, "rustbox capture {busy}", "rustbox reclaim process {busy}", VERIFY, RELEASE, "rustbox drill say it was outside its cgroup" },
	  .literal = P4_LITERAL, .literal_end = "its name does not say rustbox: it lives on" },
};
enum { LESSONS = 1 };
const unsigned drill_count = sizeof drills / sizeof *drills - LESSONS;

const char *drill_line(const struct ground *g, const char *line, char *room, size_t cap)
{
	if (*line == '?' && !g->idle_init)
		return NULL;
	line += *line == '?';
	const char *hole = strstr(line, "{busy}");
	(void)snprintf(room, cap, "%.*s%s%s", (int)(hole ? hole - line : (ptrdiff_t)strlen(line)), line, hole ? g->busy : "",
		       hole ? hole + 6 : "");
	return room;
}

const struct drill *drill_find(const char *id_or_name)
{
	for (unsigned i = 0; i < drill_count + LESSONS; i++)
		if (strcasecmp(drills[i].id, id_or_name) == 0 || strcmp(drills[i].name, id_or_name) == 0)
			return &drills[i];
	return NULL;
}

/* A procedure without a row has no fault that a drill could make: a reboot, a change of the host's layout. */
static const struct {
	const char *page;
	unsigned number;
	const char *drill;
} taught[] = {
	{ "cleanup-failure", 1, "D1" },	  { "cleanup-failure", 2, "D1" },   { "cleanup-failure", 3, "D4" },
	{ "cleanup-failure", 4, "D6" },	  { "cleanup-failure", 5, "D3" },   { "cleanup-failure", 6, "D8" },
	{ "orphan-process", 1, "orphan" },	  { "orphan-process", 2, "D9" },    { "orphan-process", 3, "D6" },
	{ "stale-state", 1, "D2" },	  { "worker-quarantine", 1, "D8" }, { "worker-quarantine", 2, "D7" },
	{ "backend-mismatch", 2, "D4" },
};
enum { TAUGHT = sizeof taught / sizeof *taught };

const struct drill *drill_taught(const char *words, char *page, unsigned cap)
{
	bool founding = (words[0] == 'P' || words[0] == 'p') && words[1] >= '1' && words[1] <= '9' && !words[2];
	for (size_t i = 0; i < TAUGHT; i++) {
		(void)snprintf(page, cap, "%s:%u", taught[i].page, taught[i].number);
		if (founding ? taught[i].number == (unsigned)(words[1] - '0') && !strcmp(taught[i].page, "cleanup-failure") :
			       !strcmp(words, page) || !strcmp(words, taught[i].page))
			return drill_find(taught[i].drill);
	}
	return NULL;
}

const char *drill_taught_pages(void)
{
	return "cleanup-failure, orphan-process, stale-state, worker-quarantine, backend-mismatch, each with :N";
}
