/*
 * Every command of the founding runbook, in its order, and what does its work here. The checks read this file as well:
 * a line that a runbook quotes as "Original:" must stand in it.
 *
 *   founding  the line as it was; several rows may share one
 *   fault     planted first (tests/harness/lab_faults.c); NULL: none
 *   ours      commands without a shell, separated by ';'; the last one is judged. {box} is the planted box's directory,
 *             {mount} {process} ... are the identities of the leftovers of that kind
 *   code      exit status of the last one
 *   says      what its output must hold; NULL: nothing in particular
 *   gone      bits of trace kinds that the kernel must not know any more
 *   trap      the trap of the founding line, by its number, and `literal`, a script that walks into it: run by
 *             `unshare` in mount and pid namespaces of its own, on decoys that it plants itself. It exits 0 when
 *             the line went wrong as we claim.
 */
#ifndef TESTS_SYSTEM_RUNBOOK_LINES_H
#define TESTS_SYSTEM_RUNBOOK_LINES_H

#include "tests/harness/lab.h"

struct line {
	const char *founding, *fault, *ours;
	int code;
	const char *says;
	unsigned gone;
	const char *trap, *literal;
	void (*prepare)(struct lab *l); /* after the fault is planted */
};

static void prepare_events(struct lab *l);
static void prepare_baseline(struct lab *l);
static void prepare_age(struct lab *l);
static void prepare_evidence(struct lab *l);
static void prepare_quarantine(struct lab *l);
static void prepare_ledger(struct lab *l);
static void prepare_zombie(struct lab *l);
static void prepare_corrupt_health(struct lab *l);

#define GONE(kind) (1u << TRACE_##kind)

static const struct line lines[] = {
	/* ---- investigation ---- */
	{ .founding = "curl http://localhost:9090/metrics | grep rustbox_cleanup_total", .ours = "rustbox metrics",
	  .says = "rustbox_cleanup_total{outcome=\"failure\"}" },
	{ .founding = "journalctl -u rustbox | grep \"cleanup_failure\"", .prepare = prepare_events,
	  .ours = "grep cleanup_failure {state}/events.jsonl", .says = "\"cleanup_failure\"" },
	{ .founding = "rustbox health", .fault = "tmpfs", .ours = "rustbox health", .says = "\"status\":\"unhealthy\"" },
	{ .founding = "rustbox health", .prepare = prepare_quarantine, .ours = "rustbox health",
	  .says = "\"status\":\"quarantined\"" },
	{ .founding = "mount | grep rustbox", .fault = "tmpfs", .ours = "rustbox-probe snapshot --text", .code = 1,
	  .says = "mounts: 1 left over" },
	{ .founding = "find /sys/fs/cgroup -name \"rustbox-*\" -type d", .fault = "cgroup_empty",
	  .ours = "rustbox-probe snapshot --text", .code = 1, .says = "cgroup   leak" },
	{ .founding = "ps aux | grep rustbox", .fault = "cgroup_sleeper", .ours = "rustbox-probe snapshot --text", .code = 1,
	  .says = "processes: 1 left over" },
	{ .founding = "find /tmp -name \"rustbox-*\" -type d", .fault = "tempdir", .ours = "rustbox-probe snapshot --text",
	  .code = 1, .says = "temp_dirs: 1 left over" },
	{ .founding = "/usr/local/bin/rustbox-capture-baseline.sh > current-state.txt",
	  .ours = "{bin}/rustbox-capture-baseline.sh", .says = "mount" },
	{ .founding = "diff baseline-state.txt current-state.txt", .fault = "tmpfs", .prepare = prepare_baseline,
	  .ours = "rustbox-probe baseline diff", .code = 1, .says = "\"mounts\":1" },

	/* ---- procedure 1 ---- */
	{ .founding = "rustbox health --recover --cleanup", .fault = "ledger_true", .ours = "rustbox health --recover --cleanup",
	  .says = "\"clean\":true", .gone = ~0u },

	/* ---- procedure 2: mounts ---- */
	{ .founding = "mount | grep rustbox | tee rustbox-mounts.txt", .fault = "nested",
	  .ours = "rustbox reclaim mount --order", .says = "\"items\":3" },
	{ .founding = "umount \"$mount\" || echo \"Failed: $mount\"", .fault = "nested", .ours = "rustbox reclaim mount --all",
	  .says = "\"released\":3", .gone = GONE(MOUNT) },
	{ .founding = "umount \"$mount\" || echo \"Failed: $mount\"", .fault = "hostile_names",
	  .ours = "rustbox reclaim mount --all", .says = "\"released\":3", .gone = GONE(MOUNT), .trap = "H1",
	  .literal = "mkdir -p /tmp/victim /tmp/rustbox-a; mount -t tmpfs keep /tmp/victim\n"
		     "mount -t tmpfs 'x on /tmp/victim type rustbox' /tmp/rustbox-a\n"
		     "mount | grep rustbox | awk '{print $3}' | while read mount; do umount \"$mount\"; done\n"
		     "! mountpoint -q /tmp/victim && mountpoint -q /tmp/rustbox-a\n" },
	{ .founding = "umount \"$mount\" || echo \"Failed: $mount\"", .fault = "hostile_names",
	  .ours = "rustbox reclaim mount {mount}", .says = "\"released\":3", .gone = GONE(MOUNT), .trap = "H2",
	  .literal = "mkdir '/tmp/rustbox-a b'; mount -t tmpfs rustbox '/tmp/rustbox-a b'\n"
		     "mount | grep rustbox | awk '{print $3}' | while read mount; do umount \"$mount\"; done 2>/dev/null\n"
		     "mountpoint -q '/tmp/rustbox-a b'\n" },
	{ .founding = "umount \"$mount\" || echo \"Failed: $mount\"", .fault = "stacked", .ours = "rustbox reclaim mount --all",
	  .says = "\"released\":3", .gone = GONE(MOUNT) },
	{ .founding = "lsof | grep rustbox", .fault = "held_pivoted", .ours = "rustbox-probe holders {box}/root", .code = 1,
	  .says = "\"pid\"", .trap = "H9",
	  .literal = "mkdir /tmp/rustbox-a; mount -t tmpfs t /tmp/rustbox-a; cd /tmp/rustbox-a; sleep 60 &\n"
		     "cd /; umount -l /tmp/rustbox-a\n"
		     "[ -z \"$(lsof 2>/dev/null | grep rustbox)\" ] && kill -0 $!\n" },
	{ .founding = "kill -9 PID", .fault = "held_cwd", .ours = "rustbox reclaim process {process}", .says = "\"released\":1",
	  .gone = GONE(PROCESS) },
	{ .founding = "umount /path/to/mount", .fault = "held_cwd",
	  .ours = "rustbox reclaim process --all; rustbox reclaim mount {box}/root", .says = "\"released\":1",
	  .gone = GONE(MOUNT) | GONE(PROCESS) },
	{ .founding = "umount /path/to/mount", .fault = "held_private_copy",
	  .ours = "rustbox health --recover --cleanup", .says = "\"clean\":true", .gone = GONE(MOUNT) | GONE(GHOST), .trap = "H10",
	  .literal = "mkdir /tmp/rustbox-a; mount -t tmpfs rustbox /tmp/rustbox-a\n"
		     "mkfifo /tmp/ready; unshare -m --propagation private sh -c 'echo >/tmp/ready; exec sleep 60' &\n"
		     "read x </tmp/ready\n" /* whoever else looks at /proc may hold it for a moment */
		     "for i in 1 2 3 4 5; do umount /tmp/rustbox-a && break; sleep 0.2; done\n"
		     "[ -z \"$(mount | grep rustbox)\" ] && grep -q rustbox-a /proc/$!/mountinfo\n" },
	{ .founding = "umount -l /path/to/mount", .fault = "held_by_stranger", .prepare = prepare_ledger,
	  .ours = "rustbox reclaim mount --lazy {mount}; rustbox health --verify-clean", .code = 1, .says = "\"ghosts\":1" },
	/* Nothing was on record for it: it is recorded first, so that the ghost is remembered. */
	{ .founding = "umount -l /path/to/mount", .fault = "held_by_stranger", .code = 1, .says = "\"ghosts\":1",
	  .ours = "rustbox reclaim mount --lazy {mount}; rustbox health --verify-clean" },

	/* ---- procedure 3: cgroups ---- */
	{ .founding = "find /sys/fs/cgroup -name \"rustbox-*\" -type d | tee rustbox-cgroups.txt", .fault = "cgroup_nested",
	  .ours = "rustbox reclaim cgroup --all", .code = 0, .gone = GONE(CGROUP), .trap = "H8",
	  .literal = "mkdir -p /tmp/cgroup/rustbox-a/evil/deeper\n"
		     "find /tmp/cgroup -name 'rustbox-*' -type d | sort -r | while read cgroup; do rmdir \"$cgroup\"; done 2>/dev/null\n"
		     "[ -d /tmp/cgroup/rustbox-a/evil ]\n" },
	{ .founding = "cat \"$cgroup/cgroup.procs\"", .fault = "cgroup_sleeper", .ours = "rustbox-probe snapshot", .code = 1,
	  .says = "\"leak\"" },
	{ .founding = "[ -s \"$cgroup/cgroup.procs\" ]", .fault = "cgroup_sleeper", .ours = "rustbox reclaim cgroup --all",
	  .gone = GONE(CGROUP) | GONE(PROCESS), .trap = "H6",
	  .literal = "f=$(ls /sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/*/cgroup.procs 2>/dev/null | head -n 1)\n"
		     "[ -n \"$(cat \"$f\")\" ] && ! [ -s \"$f\" ]\n" },
	{ .founding = "cat \"$cgroup/cgroup.procs\" | xargs kill -9", .fault = "cgroup_nested_forker",
	  .ours = "rustbox reclaim cgroup --all", .gone = GONE(CGROUP) | GONE(PROCESS), .trap = "H7",
	  .literal = "grep -q ' cgroup2 ' /proc/mounts || exit 0\n" /* cgroup v1 leaves out whom the reader cannot see */
		     "cat /sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/*/cgroup.procs 2>/dev/null | grep -qx 0 || exit 1\n"
		     "setsid -w sh -c 'echo 0 | xargs kill -9; exit 0'\n"
		     "[ $? = 137 ]\n" },
	{ .founding = "sleep 2", .fault = "process_deaf", .ours = "rustbox reclaim process --all", .gone = GONE(PROCESS) },
	{ .founding = "rmdir \"$cgroup\" || echo \"Failed: $cgroup\"", .fault = "cgroup_frozen",
	  .ours = "rustbox reclaim cgroup --all", .gone = GONE(CGROUP) | GONE(PROCESS) },
	{ .founding = "cat rustbox-cgroups.txt | sort -r | while read cgroup; do rmdir \"$cgroup\"; done",
	  .fault = "cgroup_frozen_nested", .ours = "rustbox reclaim cgroup --all", .gone = GONE(CGROUP) | GONE(PROCESS) },

	/* ---- procedure 4: processes ---- */
	{ .founding = "ps aux | grep rustbox | tee rustbox-processes.txt", .fault = "orphan",
	  .ours = "rustbox-probe snapshot --text", .code = 1, .says = "orphan" },
	{ .founding = "ps aux | grep rustbox | awk '{print $2}' | xargs kill -9", .fault = "decoys",
	  .ours = "rustbox reclaim process --all", .says = "\"items\":0", .trap = "H5",
	  .literal = "sh -c 'sleep 60; :' rustbox.conf & editor=$!\n"
		     "ps aux | grep rustbox | awk '{print $2}' | xargs kill -9 2>/dev/null\n"
		     "wait $editor; [ $? = 137 ]\n" },
	{ .founding = "ps aux | grep rustbox | awk '{print $2}' | xargs kill -9", .fault = "orphan",
	  .ours = "rustbox reclaim process --all", .code = 0, .says = "\"released\":0" },
	{ .founding = "ps aux | grep rustbox | awk '{print $2}' | xargs kill -9", .fault = "orphan",
	  .ours = "rustbox reclaim process {process}", .says = "\"released\":1", .gone = GONE(PROCESS) },
	{ .founding = "ps aux | grep Z | grep rustbox", .prepare = prepare_zombie, .ours = "rustbox-probe snapshot --text",
	  .code = 1, .says = "(Z", .trap = "H11",
	  .literal = "cp /bin/sleep /tmp/Zulu-rustbox; /tmp/Zulu-rustbox 60 & z=$!\n"
		     "while ! ps aux | grep Z | grep rustbox | awk '{print $2}' | grep -qx $z; do :; done\n"
		     "[ \"$(ps -o stat= -p $z | cut -c1)\" = S ]\n" },
	{ .founding = "kill -CHLD $ppid", .fault = "process_zombie", .ours = "rustbox reclaim process --all",
	  .gone = GONE(PROCESS), .trap = "H11",
	  .literal = "sh -c 'sleep 0 & exec sleep 60' & parent=$!\n"
		     "while ! ps -o stat= --ppid $parent | grep -q Z; do :; done\n"
		     "kill -CHLD $parent; sleep 0.2; ps -o stat= --ppid $parent | grep -q Z\n" },

	/* ---- procedure 5: files ---- */
	{ .founding = "find /tmp -name \"rustbox-*\" -type d -mtime +1 -exec rm -rf {} \\;", .fault = "bind_trap",
	  .ours = "rustbox reclaim tempdir --all", .code = 1, .says = "\"released\":0", .trap = "H3",
	  .literal = "mkdir -p /tmp/keep /tmp/rustbox-a/work; echo mine >/tmp/keep/file\n"
		     "mount --bind /tmp/keep /tmp/rustbox-a/work; touch -d '3 days ago' /tmp/rustbox-a\n"
		     "find /tmp -name 'rustbox-*' -type d -mtime +1 -exec rm -rf {} \\; 2>/dev/null\n"
		     "[ ! -e /tmp/keep/file ]\n" },
	{ .founding = "find /tmp -name \"rustbox-*\" -type d -mtime +1 -exec rm -rf {} \\;", .fault = "tempdir",
	  .prepare = prepare_age, .ours = "rustbox reclaim tempdir --all --older-than 1d", .says = "\"released\":1",
	  .gone = GONE(PATH), .trap = "H4",
	  .literal = "mkdir /tmp/rustbox-a /tmp/rustbox-b; touch -d '25 hours ago' /tmp/rustbox-a; touch -d '49 hours ago' /tmp/rustbox-b\n"
		     "[ \"$(find /tmp -name 'rustbox-*' -type d -mtime +1)\" = /tmp/rustbox-b ]\n" },
	{ .founding = "find /tmp -name \"rustbox-*\" -type d -mtime +1 -exec rm -rf {} \\;", .fault = "tempdir",
	  .ours = "rustbox reclaim tempdir --all --older-than 1d", .says = "\"released\":0" },
	{ .founding = "df -h /tmp /var/lib/rustbox", .fault = "tempdir", .ours = "rustbox health", .says = "\"disks\":[{" },
	{ .founding = "find /var/lib/rustbox -type f -mtime +7 -delete", .fault = "ledger_true", .prepare = prepare_evidence,
	  .ours = "rustbox reclaim all --all", .gone = GONE(MOUNT) | GONE(CGROUP) | GONE(PROCESS), .trap = "H12",
	  .literal = "mount -t tmpfs lib /var/lib; mkdir /var/lib/rustbox\n"
		     "touch -d '30 days ago' /var/lib/rustbox/quarantine-history.json /var/lib/rustbox/baseline.txt\n"
		     "find /var/lib/rustbox -type f -mtime +7 -delete\n"
		     "[ ! -e /var/lib/rustbox/quarantine-history.json ]\n" },

	/* ---- procedure 6: back to service ---- */
	{ .founding = "rustbox health --verify-clean", .fault = "tmpfs", .ours = "rustbox health --verify-clean", .code = 1,
	  .says = "\"mounts\":1", .trap = "H13",
	  .literal = "mkdir /tmp/rustbox-a; mount -t tmpfs rustbox /tmp/rustbox-a\n"
		     "[ -z \"$(mount | grep rustbox | grep -vE ' on /(tmp|run|proc|sys|dev)')\" ] && mountpoint -q /tmp/rustbox-a\n" },
	{ .founding = "rustbox health --verify-clean", .ours = "rustbox health --verify-clean", .says = "\"clean\":true" },
	{ .founding = "rustbox health --unquarantine", .fault = "tmpfs", .prepare = prepare_quarantine,
	  .ours = "rustbox health --unquarantine", .code = 1 },
	{ .founding = "rustbox health --unquarantine", .prepare = prepare_quarantine,
	  .ours = "rustbox health --unquarantine; rustbox health", .says = "\"status\":\"healthy\"" },
	{ .founding = "watch -n 5 'rustbox health'", .ours = "timeout -s INT 3 {bin}/rustbox health --watch", .code = 124,
	  .says = "\"status\":\"healthy\"" },

	/* ---- prevention and root causes ---- */
	{ .founding = "0 3 * * * /usr/local/bin/rustbox-audit-cleanup.sh", .fault = "tempdir",
	  .ours = "{bin}/rustbox-audit-cleanup.sh", .code = 1 },
	{ .founding = "lsof | wc -l", .ours = "rustbox health", .says = "\"file_handles\":{\"used\":" },
	{ .founding = "free -h", .ours = "rustbox health", .says = "\"memory\":{\"total\":" },
	{ .founding = "lsof | grep /path/to/mount", .fault = "held_fd", .ours = "rustbox-probe holders {box}/root", .code = 1,
	  .says = "\"pid\"" },
	{ .founding = "mount | grep /path/to/mount", .fault = "read_only", .ours = "rustbox-probe snapshot", .code = 1,
	  .says = "{box}/root" },
	{ .founding = "dmesg | grep -i error | grep -i mount", .ours = "rustbox health", .says = "\"kernel_log\":{" },
	{ .founding = "cat /sys/fs/cgroup/rustbox-*/cgroup.procs", .fault = "cgroup_sleeper",
	  .ours = "rustbox reclaim process --dry-run", .says = "\"items\":1" },
	{ .founding = "find /sys/fs/cgroup/rustbox-* -type d", .fault = "cgroup_nested", .ours = "rustbox-probe snapshot --text",
	  .code = 1, .says = "cgroup   leak" },
	{ .founding = "uname -r", .ours = "rustbox health", .says = "\"kernel\":\"" },
	{ .founding = "ps aux | grep D | grep rustbox", .fault = "process_vfork", .ours = "rustbox-probe snapshot --text",
	  .code = 1, .says = "(D" },
	{ .founding = "cargo test --test failure_matrix_test", .ours = "make -n check-failure-matrix", .says = "test_matrix_" },

	/* ---- what our own pages say beyond the founding one ---- */
	{ .founding = "stale-state: a lock does not go before its things", .fault = "ledger_true",
	  .ours = "rustbox reclaim lock {lock}", .code = 1, .says = "\"released\":0" },
	{ .founding = "stale-state: a free ledger is emptied once its things are gone", .fault = "ledger_true",
	  .ours = "rustbox health --recover --cleanup; rustbox health --verify-clean", .says = "\"locks\":0", .gone = ~0u },
	{ .founding = "stale-state: a damaged ledger is kept", .fault = "ledger_garbage",
	  .ours = "rustbox health --recover --cleanup; ls {state}", .says = "ledger-leak.corrupt-" },
	{ .founding = "stale-state: a torn last line is no damage", .fault = "ledger_torn",
	  .ours = "rustbox health --recover --cleanup; rustbox health --verify-clean", .says = "\"clean\":true" },
	{ .founding = "stale-state: health that cannot be read is quarantine", .prepare = prepare_corrupt_health,
	  .ours = "rustbox health", .says = "\"quarantine_reason\":\"state_corrupt\"" },
	{ .founding = "stale-state: health that cannot be read refuses work", .prepare = prepare_corrupt_health,
	  .ours = "rustbox run -- /bin/true", .code = 4 },
	{ .founding = "stale-state: recovery sets damaged health aside", .prepare = prepare_corrupt_health,
	  .ours = "rustbox health --recover --cleanup; ls {state}", .says = "health.json.corrupt-" },
	{ .founding = "stale-state: recovery writes new health", .prepare = prepare_corrupt_health,
	  .ours = "rustbox health --recover --cleanup; rustbox health --check" },
	{ .founding = "stale-state: the event of damaged health", .prepare = prepare_corrupt_health,
	  .ours = "rustbox health --recover --cleanup; grep state_corrupt {state}/events.jsonl", .says = "state_corrupt" },
	{ .founding = "stale-state: no baseline is taken of a host with leftovers", .fault = "tempdir",
	  .ours = "{bin}/rustbox-capture-baseline.sh --store", .code = 1 },
	{ .founding = "stale-state: a baseline is taken of a clean host",
	  .ours = "{bin}/rustbox-capture-baseline.sh --store; rustbox-probe baseline diff", .says = "\"trusted\":true" },
	{ .founding = "worker-quarantine: nothing starts", .prepare = prepare_quarantine, .ours = "rustbox run -- /bin/true",
	  .code = 4 },
	{ .founding = "worker-quarantine: --check ends with 2", .prepare = prepare_quarantine, .ours = "rustbox health --check",
	  .code = 2 },
	{ .founding = "worker-quarantine: recovery does not undo a person's word", .prepare = prepare_quarantine,
	  .ours = "rustbox health --recover --cleanup; rustbox health --check", .code = 2 },
	{ .founding = "worker-quarantine: the history has a line for it", .prepare = prepare_quarantine,
	  .ours = "tail -n 20 {state}/quarantine-history.json", .says = "manual_quarantine" },
	{ .founding = "orphan-process: it quarantines", .fault = "orphan", .ours = "rustbox health; rustbox health --check",
	  .code = 2 },
	{ .founding = "orphan-process: the reason says so", .fault = "orphan", .ours = "rustbox health",
	  .says = "orphan_process_detected" },
	{ .founding = "orphan-process: the event says so", .fault = "orphan",
	  .ours = "rustbox health; grep containment_violation {state}/events.jsonl", .says = "orphan_detected" },
	{ .founding = "orphan-process: the metric says so", .fault = "orphan", .ours = "rustbox health; rustbox metrics",
	  .says = "rustbox_containment_violations_total 1" },
	{ .founding = "orphan-process: recovery leaves it, and says so", .fault = "orphan",
	  .ours = "rustbox health --recover --cleanup", .code = 1, .says = "\"clean\":false" },
	{ .founding = "backend-mismatch: what is missing, with the remedy", .ours = "rustbox check", .says = "cgroups" },
	{ .founding = "backend-mismatch: what one execution would get", .ours = "rustbox run --dry-run -- /bin/true",
	  .says = "cgroup v" },
};
enum { LINES = sizeof lines / sizeof *lines };

#endif
