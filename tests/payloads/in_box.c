/* Fills its workspace with what somebody who fetches files from it might follow, hang on or choke on. */
#include <sys/socket.h>
#include <sys/un.h>

#include "payload.h"

static int made(const char *what, int r)
{
	say("%s %s\n", r < 0 ? "FAILED" : "made", what);
	return r < 0;
}

static int put_file(const char *name, const char *text)
{
	int fd = open(name, O_CREAT | O_TRUNC | O_WRONLY, 0600);
	ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));
	(void)close(fd);
	return n < 0 ? -1 : 0;
}

/* argv[1]: a directory of the host with a file `victim`; the program cannot see it, and names it all the same. */
static int hostile(int argc, char **argv)
{
	static const char *const odd[] = { "new\nline", "tab\tend", "\x1b[31mred", "\xff\xfe", "-rf", " ", "a b", "\xe2\x80\xae" "evil",
					   "$(reboot)", "quote'\"" };
	char victim[4096];
	struct sockaddr_un at = { .sun_family = AF_UNIX, .sun_path = "socket" };
	int bad = argc < 2;
	(void)snprintf(victim, sizeof victim, "%s/victim", argc > 1 ? argv[1] : "");
	bad |= made("link", symlink(victim, "link"));
	bad |= made("parent", argc > 1 ? symlink(argv[1], "parent") : -1);
	bad |= made("up", symlink("../../../../../..", "up"));
	bad |= made("loop", symlink("loop", "loop"));
	bad |= made("proc", symlink("/proc/self/root", "proc"));
	bad |= made("fifo", mkfifo("fifo", 0666));
	bad |= made("plain", put_file("plain", "plain text\n"));
	bad |= made("hard", link("plain", "hard"));
	bad |= made("setuid", put_file("setuid", "#!/bin/sh\n") < 0 ? -1 : chmod("setuid", 06755));
	bad |= made("dir", mkdir("dir", 0700));
	bad |= made("closed", mkdir("closed", 0) < 0 ? -1 : 0);
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	if (s >= 0)
		bad |= made("socket", bind(s, (struct sockaddr *)&at, sizeof at));
	for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++)
		bad |= made("odd", put_file(odd[i], "odd"));
	return bad;
}

static int deep(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 0;
	if (mkdir("deep", 0700) < 0 || chdir("deep") < 0)
		return 1;
	for (int i = 0; i < n; i++)
		if (mkdir("d", 0700) < 0 || chdir("d") < 0)
			return 1;
	return 0;
}

static int sparse(int argc, char **argv)
{
	int fd = open("sparse", O_CREAT | O_WRONLY, 0600);
	return fd < 0 || ftruncate(fd, argc > 1 ? atoll(argv[1]) : 0) < 0;
}

static int cat(int argc, char **argv)
{
	char buf[65536];
	ssize_t n = -1;
	for (int i = 1; i < argc; i++) {
		struct stat st;
		int fd = open(argv[i], O_RDONLY);
		if (fd < 0 || fstat(fd, &st) < 0)
			return 1;
		say("mine %d mode %o\n", st.st_uid == getuid(), st.st_mode & 07777);
		while ((n = read(fd, buf, sizeof buf)) > 0)
			if (write(1, buf, (size_t)n) != n)
				return 1;
		(void)close(fd);
	}
	return n < 0;
}

static int rest(int argc, char **argv)
{
	(void)argc, (void)argv;
	return (int)sleep(5);
}

int main(int argc, char **argv)
{
	static const struct attack table[] = { { "hostile", hostile }, { "deep", deep }, { "sparse", sparse }, { "cat", cat },
					       { "rest", rest } };
	return payload_main(table, sizeof table / sizeof table[0], argc, argv);
}
