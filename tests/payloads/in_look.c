/* Says what a program in the box sees of itself and the world: "name=value" lines, for tests/system/test_isolation.c. */
#include <dirent.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <sys/un.h>
#include <sched.h>

#include "payload.h"

extern char **environ;

static void say_status(void)
{
	static const char *const keys[] = { "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp", "Groups" };
	char line[512];
	FILE *f = fopen("/proc/self/status", "re");
	while (f && fgets(line, sizeof line, f))
		for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
			if (!strncmp(line, keys[i], strlen(keys[i])) && line[strlen(keys[i])] == ':') {
				char value[256] = "";
				(void)sscanf(line + strlen(keys[i]) + 1, "%255s", value);
				say("%s=%s\n", keys[i], value);
			}
	if (f)
		(void)fclose(f);
}

static void say_file(const char *name, const char *path)
{
	char line[512];
	FILE *f = fopen(path, "re");
	while (f && fgets(line, sizeof line, f)) {
		line[strcspn(line, "\n")] = '\0';
		say("%s=%s\n", name, line);
	}
	if (f)
		(void)fclose(f);
}

static void say_names(const char *name, const char *path)
{
	DIR *d = opendir(path);
	const struct dirent *e;
	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.')
			say("%s=%s\n", name, e->d_name);
	if (d)
		(void)closedir(d);
	else
		say("%s!%d\n", name, errno);
}

static void say_refusal(const char *name, long result)
{
	say("%s=%d\n", name, result < 0 ? errno : 0);
}

static void say_net(void)
{
	struct sockaddr_un host = { .sun_family = AF_UNIX, .sun_path = "\0/tmp/.X11-unix/X0" };
	say_refusal("inet", socket(AF_INET, SOCK_STREAM, 0));
	say_refusal("vsock", socket(AF_VSOCK, SOCK_STREAM, 0));
	say_refusal("netlink", socket(AF_NETLINK, SOCK_RAW, 0));
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	say_refusal("unix", s);
	say_refusal("abstract", connect(s, (struct sockaddr *)&host, sizeof host));
}

int main(int argc, char **argv)
{
	char text[4096];
	struct utsname uts;
	struct rlimit core;
	say("alive=1\n");
	for (int i = 1; i < argc; i++)
		say("arg=%s\n", argv[i]);
	for (char **e = environ; *e; e++)
		say("env=%s\n", *e);
	for (int fd = 0; fd < 4096; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			say("fd=%d\n", fd);
	say("uid=%d\ngid=%d\npid=%d\nppid=%d\nsid=%d\n", (int)getuid(), (int)getgid(), (int)getpid(), (int)getppid(),
	    (int)getsid(0));
	say("groups=%d\n", getgroups(0, NULL));
	say("cwd=%s\n", getcwd(text, sizeof text) ? text : "?");
	say("umask=%o\n", (unsigned)umask(0));
	say("host=%s\n", uname(&uts) == 0 ? uts.nodename : "?");
	say("core=%lld\n", getrlimit(RLIMIT_CORE, &core) == 0 ? (long long)core.rlim_max : -1);
	say("nul=%d\n", isatty(0));
	say_status();
	say_file("cgroup", "/proc/self/cgroup");
	say_file("mount", "/proc/self/mountinfo");
	say_names("proc", "/proc");
	say_names("dev", "/dev");
	say_names("root", "/");
	say_net();
	say_refusal("sys", access("/sys", F_OK));
	say_refusal("write_root", open("/x", O_CREAT | O_WRONLY, 0600));
	say_refusal("write_usr", open("/usr/x", O_CREAT | O_WRONLY, 0600));
	say_refusal("write_etc", open("/etc/x", O_CREAT | O_WRONLY, 0600));
	say_refusal("write_dev", open("/dev/x", O_CREAT | O_WRONLY, 0600));
	say_refusal("write_box", open("/box/x", O_CREAT | O_WRONLY, 0600));
	say_refusal("write_tmp", open("/tmp/x", O_CREAT | O_WRONLY, 0600));
	say_refusal("tty", open("/dev/tty", O_RDWR));
	say_refusal("kill_init", kill(1, SIGKILL));
	say_refusal("read_init", open("/proc/1/environ", O_RDONLY));
	say_refusal("exe_init", open("/proc/1/exe", O_RDONLY));
	ssize_t n = readlink("/proc/self/exe", text, sizeof text - 1);
	text[n < 0 ? 0 : n] = '\0';
	say("exe=%s\n", text);
	for (int i = 0; i < 3; i++) {
		(void)snprintf(text + 2000, 64, "/proc/self/fd/%d", i);
		n = readlink(text + 2000, text, 1000);
		text[n < 0 ? 0 : n] = '\0';
		say("fd%d=%s\n", i, text);
	}
	return 0;
}
