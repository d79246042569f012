/*
 * Attacks on the box, one row each: what the payload does, under which limits, and the verdicts that are true.
 * Every row demands proof of life ("alive"), no "REACHED" in its output, a verdict of the row, a clean-up
 * that says clean, and a world in which the kernel's own files show nothing left a second later.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "probes/base/own.h"
#include "sandbox/policy/verdict.h"
#include "tests/harness/world.h"

#define S(x) (1u << STATUS_##x)
/* Refused by an errno, or ended by the filter; nothing in between. */
#define REFUSED (S(OK) | S(SV))

struct attack {
	const char *run;    /* payload and its arguments */
	const char *limits; /* beside the defaults below; NULL for none */
	unsigned status;    /* the true verdicts, one bit each */
	const char *cause;  /* NULL: any */
	const char *says;   /* must stand in its output; NULL: nothing more than "alive" */
	int code;	    /* exit code or signal expected with RE and SIG, 0: any */
};

static const struct attack attacks[] = {
	{ .run = "attack_proc hello", .status = S(OK), .cause = "success", .says = "hello" },
	/* processes */
	{ "attack_proc fork_bomb", "--processes 8", S(PLE) | S(ABUSE), NULL, "then errno 11", 0 },
	{ "attack_proc fork_bomb", "--processes 1", S(PLE) | S(ABUSE) | S(RE), NULL, "then errno 11", 0 },
	{ "attack_proc fork_storm", "--processes 16 --time 0.3s --wall-time 1s", S(TLE) | S(PLE) | S(ABUSE), NULL, NULL, 0 },
	{ "attack_proc vfork_bomb", "--processes 8", S(PLE) | S(ABUSE), NULL, "then errno 11", 0 },
	{ "attack_proc thread_bomb", "--processes 8", S(PLE) | S(ABUSE), NULL, "then errno 11", 0 },
	{ "attack_proc chain", "--processes 4", S(OK) | S(PLE) | S(ABUSE), NULL, NULL, 0 },
	{ "attack_proc orphan", NULL, S(OK), NULL, NULL, 0 },
	{ "attack_proc orphan_deaf", NULL, S(OK), NULL, NULL, 0 },
	{ "attack_proc orphan_stdout", NULL, S(OK), NULL, NULL, 0 },
	{ "attack_proc undying", NULL, S(OK), NULL, NULL, 0 },
	{ "attack_proc deaf_sleep", "--wall-time 0.3s", S(TLE), "wall_time", NULL, 0 },
	{ "attack_proc stop_self", "--wall-time 0.3s", S(TLE), "wall_time", NULL, 0 },
	{ "attack_proc stopped_children", NULL, S(OK), NULL, NULL, 0 },
	{ "attack_proc vfork_parent", NULL, S(OK), NULL, NULL, 0 },
	{ "attack_proc zombies", NULL, S(OK), NULL, NULL, 0 },
	{ "attack_proc signal_storm", NULL, S(OK) | S(ABUSE), NULL, NULL, 0 },
	{ "attack_proc wall_sleep", "--wall-time 0.3s", S(TLE), "wall_time", NULL, 0 },
	{ "attack_proc spin", "--time 0.3s", S(TLE), "cpu_time", NULL, 0 },
	{ "attack_proc spin_deaf", "--time 0.3s", S(TLE), "cpu_time", NULL, 0 },
	{ "attack_proc spin_threads", "--time 0.3s", S(TLE), "cpu_time", NULL, 0 },
	{ "attack_proc spin_children reaped", "--time 0.4s", S(TLE), "cpu_time", NULL, 0 },
	{ "attack_proc spin_children unreaped", "--time 0.4s --processes 20", S(TLE), "cpu_time", NULL, 0 },
	{ "attack_proc core_handler", NULL, S(SIG), "signal", "core 1 1", 6 },
	{ "attack_proc timers", NULL, S(OK), NULL, "refused after 10", 0 }, /* RLIMIT_SIGPENDING, 1024 */
	{ "attack_proc kernel_objects", "--open-files 200", S(OK) | S(ABUSE), NULL, "refused after 19", 0 },
	{ "attack_proc watches", "--inodes 5000", S(OK), NULL, "refused after", 0 },
	{ "attack_proc memory_program", NULL, REFUSED, NULL, "inside", 0 },
	{ "attack_proc huge_arguments", "--mem 64M", REFUSED | S(MLE) | S(SIG), NULL, NULL, 0 },
	{ "attack_proc raise_limit", NULL, REFUSED, NULL, NULL, 0 },
	/* verdicts that a program may try to forge */
	{ "attack_proc exit 0", NULL, S(OK), "success", NULL, 0 },
	{ "attack_proc exit 1", NULL, S(RE), "exit_status", NULL, 1 },
	{ "attack_proc exit 2", NULL, S(RE), "exit_status", NULL, 2 },
	{ "attack_proc exit 77", NULL, S(RE), "exit_status", NULL, 77 },
	{ "attack_proc exit 124", NULL, S(RE), "exit_status", NULL, 124 },
	{ "attack_proc exit 127", NULL, S(RE), "exit_status", NULL, 127 },
	{ "attack_proc exit 137", NULL, S(RE), "exit_status", NULL, 137 },
	{ "attack_proc exit 159", NULL, S(RE), "exit_status", NULL, 159 },
	{ "attack_proc exit 255", NULL, S(RE), "exit_status", NULL, 255 },
	{ "attack_proc raise 6", NULL, S(SIG), "signal", NULL, 6 },
	{ "attack_proc raise 9", NULL, S(SIG), "signal", NULL, 9 },
	{ "attack_proc raise 11", NULL, S(SIG), "signal", NULL, 11 },
	{ "attack_proc raise 13", NULL, S(SIG), "signal", NULL, 13 },
	{ "attack_proc raise 15", NULL, S(SIG), "signal", NULL, 15 },
	{ "attack_proc raise 24", NULL, S(SIG), "signal", NULL, 24 },
	{ "attack_proc raise 40", NULL, S(SIG), "signal", NULL, 40 },
	{ "attack_proc segv", NULL, S(SIG), "signal", NULL, 11 },
	{ "attack_proc fpe", NULL, S(SIG), "signal", NULL, 8 },
	{ "attack_proc stack_overflow", "--stack 8M", S(SIG) | S(MLE), NULL, NULL, 0 },
	/* signals and eyes outward */
	{ "attack_proc kill_all", NULL, REFUSED | S(SIG), NULL, NULL, 0 },
	{ "attack_proc kill_init", NULL, REFUSED, NULL, NULL, 0 },
	{ "attack_proc kill_parent", NULL, REFUSED, NULL, NULL, 0 },
	{ "attack_proc trace_init", NULL, REFUSED, NULL, NULL, 0 },
	{ "attack_proc read_init", NULL, REFUSED, NULL, NULL, 0 },
	{ "attack_proc vm_read_init", NULL, REFUSED, NULL, NULL, 0 },
	{ "attack_proc look_around", NULL, S(OK), NULL, "others", 0 },
	{ "attack_proc priority", NULL, REFUSED, NULL, NULL, 0 },
	{ "attack_proc signal_init", NULL, REFUSED, NULL, NULL, 0 },
	{ "attack_proc clone_parent", NULL, S(RE), "exit_status", NULL, 3 },
	/* memory */
	{ "attack_mem heap", "--mem 64M", S(MLE), NULL, NULL, 0 },
	{ "attack_mem map_private", "--mem 64M", S(MLE), NULL, NULL, 0 },
	{ "attack_mem map_shared", "--mem 64M", S(MLE), NULL, NULL, 0 },
	{ "attack_mem map_populate", "--mem 64M", S(MLE), NULL, NULL, 0 },
	{ "attack_mem children", "--mem 64M", S(MLE), NULL, NULL, 0 },
	{ "attack_mem memfd", "--mem 64M", S(MLE) | S(FSE) | S(RE) | S(SV), NULL, NULL, 0 },
	{ "attack_mem sysv_shm", "--mem 64M", S(MLE) | S(SV) | S(RE), NULL, NULL, 0 },
	{ "attack_mem tmp_file /tmp", "--mem 64M", S(MLE) | S(RE) | S(FSE), NULL, NULL, 0 },
	{ "attack_mem tmp_file /box", "--mem 64M", S(MLE) | S(RE) | S(FSE), NULL, NULL, 0 },
	{ "attack_mem tmp_file /dev/shm", "--mem 64M", S(MLE) | S(RE) | S(FSE), NULL, NULL, 0 },
	{ "attack_mem tmp_file .", "--mem 128M --workspace 16M", S(RE), NULL, "refused after", 5 },
	{ "attack_mem pipes", "--mem 64M", S(MLE) | S(RE) | S(ABUSE), NULL, NULL, 0 },
	{ "attack_mem sockets", "--mem 64M", S(MLE) | S(RE) | S(SV) | S(ABUSE), NULL, NULL, 0 },
	{ "attack_mem mlock", "--mem 64M", S(MLE) | S(SV) | S(RE), NULL, NULL, 0 },
	{ "attack_mem page_tables", "--mem 64M", S(MLE) | S(RE), NULL, NULL, 0 },
	/* files */
	{ "attack_fs big_file", "--fsize 1M", S(FSE), NULL, NULL, 0 },
	{ "attack_fs big_file_deaf", "--fsize 1M", S(FSE) | S(RE), NULL, "refused", 0 },
	{ "attack_fs sparse", "--fsize 1M", REFUSED | S(FSE), NULL, NULL, 0 },
	{ "attack_fs inodes", "--inodes 1000", S(RE), NULL, "refused after", 5 },
	{ "attack_fs descriptors", "--open-files 64", S(RE) | S(ABUSE), NULL, "refused after", 0 },
	{ "attack_fs deep_tree", "--inodes 20000", S(OK), NULL, "depth", 0 },
	{ "attack_fs traps /etc/passwd", NULL, S(OK), NULL, NULL, 0 },
	{ "attack_fs sockets_left", NULL, REFUSED, NULL, NULL, 0 },
	{ "attack_fs devices", NULL, REFUSED, NULL, NULL, 0 },
	{ "attack_fs sysfs", NULL, REFUSED, NULL, NULL, 0 },
	{ "attack_fs proc_writes", NULL, REFUSED, NULL, NULL, 0 },
	{ "attack_fs proc_self", NULL, REFUSED, NULL, NULL, 0 },
	{ "attack_fs exe_overwrite", NULL, REFUSED, NULL, NULL, 0 },
	{ "attack_fs inherited", NULL, S(OK), NULL, NULL, 0 },
	{ "attack_fs environment", NULL, S(OK), NULL, NULL, 0 },
	{ "attack_fs writes_outside", NULL, REFUSED, NULL, NULL, 0 },
	{ "attack_fs host_files", NULL, REFUSED, NULL, NULL, 0 },
	{ "attack_fs by_handle", NULL, REFUSED, NULL, NULL, 0 },
	{ "attack_fs set_id", NULL, REFUSED, NULL, NULL, 0 },
	{ "attack_fs attributes", NULL, REFUSED, NULL, NULL, 0 },
	{ "attack_fs immutable", NULL, REFUSED, NULL, NULL, 0 },
	{ "attack_fs reopen_output", NULL, REFUSED, NULL, NULL, 0 },
	/* output */
	{ "attack_fs flood 1", "--output 64k", S(OK), NULL, NULL, 0 },
	{ "attack_fs flood 2", "--output 64k", S(OK), NULL, NULL, 0 },
	{ "attack_fs flood_both", "--output 64k", S(OK), NULL, NULL, 0 },
	{ "attack_fs flood_for_ever", "--output 64k --time 0.3s --wall-time 1s", S(TLE), NULL, NULL, 0 },
	{ "attack_fs close_early", NULL, S(OK), NULL, NULL, 0 },
	{ "attack_fs binary_output", NULL, S(RE), "exit_status", NULL, 3 },
	/* namespaces and mounts */
	{ "attack_sys unshare user", NULL, REFUSED, NULL, NULL, 0 },
	{ "attack_sys unshare mnt", NULL, REFUSED, NULL, NULL, 0 },
	{ "attack_sys unshare pid", NULL, REFUSED, NULL, NULL, 0 },
	{ "attack_sys unshare net", NULL, REFUSED, NULL, NULL, 0 },
	{ "attack_sys unshare ipc", NULL, REFUSED, NULL, NULL, 0 },
	{ "attack_sys unshare uts", NULL, REFUSED, NULL, NULL, 0 },
	{ "attack_sys unshare cgroup", NULL, REFUSED, NULL, NULL, 0 },
	{ "attack_sys unshare time", NULL, REFUSED, NULL, NULL, 0 },
	{ "attack_sys clone_newuser", NULL, REFUSED, NULL, NULL, 0 },
	{ "attack_sys clone_newuser high", NULL, REFUSED, NULL, NULL, 0 },
	{ "attack_sys clone3_newuser", NULL, REFUSED, NULL, NULL, 0 },
	{ "attack_sys clone_spaces", NULL, REFUSED, NULL, NULL, 0 },
	{ "attack_sys credentials", NULL, REFUSED, NULL, NULL, 0 },
	{ "attack_sys setns", NULL, REFUSED, NULL, NULL, 0 },
	{ "attack_sys mounts", NULL, REFUSED, NULL, NULL, 0 },
	{ "attack_sys mount_api", NULL, REFUSED, NULL, NULL, 0 },
	/* other doors */
	{ "attack_sys int80", NULL, REFUSED | S(SIG), NULL, NULL, 0 },
	{ "attack_sys x32", NULL, REFUSED, NULL, NULL, 0 },
	{ "attack_sys x32_unshare", NULL, REFUSED, NULL, NULL, 0 },
	{ "attack_sys capabilities", NULL, REFUSED, NULL, NULL, 0 },
	{ "attack_sys dumpable", NULL, REFUSED, NULL, NULL, 0 },
	{ "attack_sys listener", NULL, REFUSED, NULL, NULL, 0 },
	{ "attack_sys terminal", NULL, REFUSED, NULL, NULL, 0 },
	{ "attack_sys network", NULL, REFUSED, NULL, NULL, 0 },
	{ "attack_sys family_high_bits", NULL, REFUSED, NULL, NULL, 0 },
#define FAMILY(name) { "attack_sys family " name, NULL, REFUSED, NULL, NULL, 0 },
	FAMILY("vsock") FAMILY("netlink") FAMILY("packet") FAMILY("raw") FAMILY("bluetooth") FAMILY("alg") FAMILY("can")
	FAMILY("tipc") FAMILY("rds") FAMILY("key") FAMILY("xdp") FAMILY("smc") FAMILY("mctp") FAMILY("qipcrtr")
#define CALL(name) { "attack_sys call " name, NULL, REFUSED, NULL, NULL, 0 },
	CALL("io_uring_setup") CALL("bpf") CALL("userfaultfd") CALL("keyctl") CALL("add_key") CALL("perf_event_open")
	CALL("init_module") CALL("finit_module") CALL("delete_module") CALL("kexec_load") CALL("kexec_file_load")
	CALL("reboot") CALL("swapon") CALL("acct") CALL("syslog") CALL("sethostname") CALL("setdomainname")
	CALL("settimeofday") CALL("clock_settime") CALL("adjtimex") CALL("iopl") CALL("ioperm") CALL("quotactl")
	CALL("quotactl_fd") CALL("lookup_dcookie") CALL("vhangup") CALL("fanotify_init") CALL("name_to_handle_at")
	CALL("open_by_handle_at") CALL("kcmp") CALL("process_madvise") CALL("move_pages") CALL("migrate_pages")
	CALL("setuid0") CALL("setgid0") CALL("setresuid0") CALL("setgroups") CALL("modify_ldt") CALL("uselib")
	CALL("memfd_secret") CALL("personality") CALL("ptrace") CALL("pidfd_getfd") CALL("tomorrow")
};

enum { ATTACKS = sizeof attacks / sizeof *attacks, WORDS = 40 };

static struct world world;
static pid_t bystander;

static size_t split(char *text, const char **words, size_t n)
{
	for (char *save = NULL, *word = strtok_r(text, " ", &save); word && n < WORDS - 1; word = strtok_r(NULL, " ", &save))
		words[n++] = word;
	return n;
}

static void run_attack(const struct attack *a, struct ran *r)
{
	char limits[256], run[128], bind[PATH_ROOM + 40], program[64];
	/* Far more than any of them needs: on a slow host, too, it ends by what it did and not by the clock. */
	const char *argv[WORDS] = { "rustbox", "run", "--json", "-", "--time", "40s", "--wall-time", "5m", "--processes", "12" };
	size_t n = 10;
	snprintf(limits, sizeof limits, "%s", a->limits ? a->limits : "");
	snprintf(bind, sizeof bind, "/p=%s/payloads", world.build);
	snprintf(program, sizeof program, "/p/%s", a->run);
	snprintf(run, sizeof run, "/p/%s", a->run);
	n = split(limits, argv, n);
	argv[n++] = "--dir";
	argv[n++] = bind;
	argv[n++] = "--";
	n = split(run, argv, n);
	argv[n] = NULL;
	setenv("SECRET_OF_THE_RUNNER", "1", 1);
	world_run(&world, r, 400, NULL, argv);
}

static int status_of(const char *word)
{
	int s = STATUS_COUNT;
	while (s-- > 0 && strcmp(status_word((enum status)s), word) != 0)
		;
	return s;
}

static void check_facts(const struct attack *a, const json_t *j)
{
	char got[256], *out = strdup(json_at(j, "output.stdout", (char[65536]){ 0 }, 65536));
	int status = status_of(json_at(j, "status", got, sizeof got));
	if (status < 0 || !(a->status & (1u << status)))
		fail_msg("%s: status %s, cause %s, said: %.300s", a->run, got,
			 json_at(j, "verdict.cause", (char[128]){ 0 }, 128), out);
	json_at(j, "verdict.cause", got, sizeof got);
	if (a->cause && strncmp(got, a->cause, strlen(a->cause)) != 0)
		fail_msg("%s: cause %s, expected %s", a->run, got, a->cause);
	/* what is not UTF-8 comes in base64: "YWxpdmUg" is "alive " there */
	bool base64 = !strcmp(json_at(j, "output.encoding.stdout", got, sizeof got), "base64");
	if (strncmp(out, base64 ? "YWxpdmUg" : "alive ", base64 ? 8 : 6) != 0)
		fail_msg("%s: no proof of life: %.200s", a->run, out);
	if (strstr(out, "REACHED"))
		fail_msg("%s: %.400s", a->run, out);
	if (a->says && !strstr(out, a->says))
		fail_msg("%s: did not say '%s': %.300s", a->run, a->says, out);
	if (a->code && atoi(json_at(j, status == STATUS_SIG ? "signal" : "exit_code", got, sizeof got)) != a->code)
		fail_msg("%s: code %s, expected %d", a->run, got, a->code);
	json_at(j, "cleanup.outcome", got, sizeof got);
	if (strcmp(got, "clean") != 0)
		fail_msg("%s: clean-up says %s", a->run, got);
	free(out);
}

static void attack(void **state)
{
	const struct attack *a = *state;
	struct ran r;
	run_attack(a, &r);
	json_t *j = ran_json(&r);
	if (r.late || !j)
		fail_msg("%s: %s, exit %d signal %d, stderr: %.500s", a->run, r.late ? "hangs" : "no JSON", r.code, r.signal, r.err);
	check_facts(a, j);
	assert_int_equal(r.code, status_of(json_string_value(json_object_get(j, "status"))) == STATUS_OK ? 0 : 1);
	if (!world_clean_within(&world, 1)) {
		autofree char *left = world_left(&world);
		fail_msg("%s: left behind: %s", a->run, left);
	}
	assert_int_equal(kill(bystander, 0), 0);
	json_decref(j);
	ran_done(&r);
}

/* Two boxes at once: the second looks for what the first offers in every place both might share. */
static void two_boxes(void **state)
{
	(void)state;
	struct attack first = { .run = "attack_fs meet", .limits = NULL }, second = { .run = "attack_fs meet find" };
	pid_t pid = fork();
	if (pid == 0) {
		struct ran r;
		run_attack(&first, &r);
		_exit(r.code == 0 && strstr(r.out, "waiting") ? 0 : 1);
	}
	usleep(400000); /* the first waits 1.5 s in its box */
	struct ran r;
	run_attack(&second, &r);
	json_t *j = ran_json(&r);
	assert_non_null(j);
	char out[4096];
	json_at(j, "output.stdout", out, sizeof out);
	assert_non_null(strstr(out, "alive"));
	assert_null(strstr(out, "REACHED"));
	int status;
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	json_decref(j);
	ran_done(&r);
}

/* Abstract sockets have no file to be hidden: only the network namespace keeps them apart (unix(7)). */
static void abstract_socket(void **state)
{
	(void)state;
	char run[96];
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	const struct attack a = { .run = run, .status = REFUSED, .says = "refused" };
	int n = snprintf(at.sun_path + 1, sizeof at.sun_path - 1, "%s", world.root);
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
	autofd int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), caller = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listener, (void *)&at, len), 0);
	assert_int_equal(listen(listener, 8), 0);
	assert_int_equal(connect(caller, (void *)&at, len), 0); /* from out here it answers */
	snprintf(run, sizeof run, "attack_sys abstract %s", world.root);
	attack(&(void *){ (void *)(uintptr_t)&a });
}

/* What is bound from the host brings no rights along: a program owned by root with the set-user-ID bit, and a script whose
 * interpreter is whatever starts it (CVE-2019-5736: the launcher itself would then run in the box, open to be overwritten). */
static void bound_from_host(void **state)
{
	(void)state;
	static const char script[] = "#!/proc/self/exe --version\n";
	char dir[PATH_ROOM], path[PATH_ROOM + 16], from[PATH_ROOM + 32], bind_dir[PATH_ROOM + 8];
	struct ran r;
	snprintf(dir, sizeof dir, "%.64s/bound", world.root);
	snprintf(bind_dir, sizeof bind_dir, "/s=%s", dir);
	snprintf(path, sizeof path, "%s/attack_sys", dir);
	snprintf(from, sizeof from, "%s/payloads/attack_sys", world.build);
	assert_int_equal(mkdir(dir, 0755), 0);
	world_call(&world, &r, 20, "/bin/cp", from, path);
	ran_done(&r);
	assert_int_equal(chmod(path, 04755), 0);
	world_call(&world, &r, 20, "rustbox", "run", "--dir", bind_dir, "--", "/s/attack_sys", "capabilities");
	if (r.code != 0 || !strstr(r.out, "alive") || strstr(r.out, "REACHED"))
		fail_msg("exit %d: %s%s", r.code, r.out, r.err);
	ran_done(&r);
	snprintf(path, sizeof path, "%s/script", dir);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	assert_int_equal(write(fd, script, sizeof script - 1), sizeof script - 1);
	assert_int_equal(fchmod(fd, 0755), 0);
	close(fd); /* or it is busy */
	world_call(&world, &r, 20, "rustbox", "run", "--dir", bind_dir, "--", "/s/script");
	if (r.code != 3 || *r.out || !strstr(r.err, "exec_failed"))
		fail_msg("exit %d: %s%s", r.code, r.out, r.err);
	ran_done(&r);
	assert_true(world_clean_within(&world, 1));
}

/* The launcher and its payloads are what they were, byte for byte and in every attribute. */
static void launcher_untouched(void **state)
{
	const struct stat *before = *state;
	char path[PATH_ROOM + 16];
	struct stat now;
	snprintf(path, sizeof path, "%s/rustbox", world.build);
	assert_int_equal(stat(path, &now), 0);
	assert_int_equal(before->st_ino, now.st_ino);
	assert_int_equal(before->st_size, now.st_size);
	assert_int_equal(before->st_mode, now.st_mode);
	assert_int_equal(before->st_nlink, now.st_nlink);
	assert_int_equal(before->st_mtim.tv_sec, now.st_mtim.tv_sec);
	assert_int_equal(before->st_mtim.tv_nsec, now.st_mtim.tv_nsec);
}

int main(int argc, char **argv)
{
	static struct CMUnitTest tests[ATTACKS + 4];
	static struct stat before;
	const char *only = argc > 1 ? argv[1] : NULL;
	size_t n = 0;
	world_alone();
	if (world_lacking()) {
		printf("skipped: %s\n", world_lacking());
		return 77;
	}
	world_open(&world, WORLD_MOUNTS);
	char path[PATH_ROOM + 16];
	snprintf(path, sizeof path, "%s/rustbox", world.build);
	if (stat(path, &before) < 0) {
		world_done(&world);
		printf("no %s: build first\n", path);
		return 1;
	}
	/* What the runner leaks into every case: a descriptor without O_CLOEXEC, and a process to be hit. */
	(void)!dup2(open("/etc/shadow", O_RDONLY), 77);
	(void)!dup2(open("/", O_RDONLY | O_DIRECTORY), 78);
	bystander = fork();
	if (bystander == 0)
		for (;;)
			pause();
	for (size_t i = 0; i < ATTACKS; i++)
		if (!only || strstr(attacks[i].run, only))
			tests[n++] = (struct CMUnitTest){ attacks[i].run, attack, NULL, NULL, (void *)(uintptr_t)&attacks[i] };
	static const struct CMUnitTest more[] = { { "two boxes at once", two_boxes, NULL, NULL, NULL }, cmocka_unit_test(abstract_socket),
						  cmocka_unit_test(bound_from_host) };
	for (size_t i = 0; i < sizeof more / sizeof *more; i++)
		if (!only || strstr(more[i].name, only))
			tests[n++] = more[i];
	tests[n++] = (struct CMUnitTest){ "the launcher is untouched", launcher_untouched, NULL, NULL, &before };
	int failed = _cmocka_run_group_tests("attacks", tests, n, NULL, NULL);
	kill(bystander, SIGKILL);
	waitpid(bystander, NULL, 0);
	return !world_done(&world) || failed != 0;
}
