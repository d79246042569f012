/* What the console reads of the worker's own files when update() asks: the stored baseline, and what failed lately. */
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "probes/base/json.h"
#include "probes/base/own.h"
#include "tui/effects.h"

static int read_baseline(const char *path, char **ret, struct err *e)
{
	enum { MOST = 16 * 1024 * 1024 };
	autofd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) != 0)
		return err_set(e, errno, "%s", path);
	if (!S_ISREG(st.st_mode) || st.st_size > MOST)
		return err_say(e, EINVAL, "%s is not a regular file of at most 16 MiB", path);
	autofree char *text = malloc((size_t)st.st_size + 1);
	if (!text)
		abort();
	size_t got = 0;
	while (got < (size_t)st.st_size) {
		ssize_t n = read(fd, text + got, (size_t)st.st_size - got);
		if (n < 0 && errno != EINTR)
			return err_set(e, errno, "read %s", path);
		if (n == 0)
			break;
		got += n > 0 ? (size_t)n : 0;
	}
	text[got] = '\0';
	*ret = take_ptr(&text);
	return 0;
}

static void take_event(const json_t *j, json_int_t *recoveries, json_t *times)
{
	const char *event = json_string_value(json_object_get(j, "event")), *at = json_string_value(json_object_get(j, "at"));
	const char *outcome = json_string_value(json_object_get(j, "outcome"));
	struct tm tm = { 0 };
	if (!event || !at)
		return;
	if (strcmp(event, "recovery_finished") == 0)
		*recoveries = outcome && strcmp(outcome, "clean") == 0 ? 0 : *recoveries + 1;
	if (strcmp(event, "worker_unquarantined") == 0)
		*recoveries = 0;
	if (strcmp(event, "cleanup_failure") == 0 && strptime(at, "%Y-%m-%dT%H:%M:%SZ", &tm))
		(void)json_array_append_new(times, json_integer((json_int_t)timegm(&tm)));
}

/* What failed lately, from the worker's own events: ">1/hour" and "three attempts" are counted, not felt. */
void effects_history(const struct effects *x, bool failures, struct feed_sink sink)
{
	enum { TAIL = 256 * 1024 };
	autofd int fd = open(x->paths->of[PATH_EVENTS], O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
	autofree char *text = calloc(1, TAIL + 1);
	if (size <= 0 || !text || pread(fd, text, TAIL, size > TAIL ? size - TAIL : 0) <= 0)
		return;
	autojson json_t *told = json_object();
	json_t *times = json_array();
	json_int_t recoveries = 0;
	char *save = NULL;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		autojson json_t *j = json_loads(line, 0, NULL);
		take_event(j, &recoveries, times);
	}
	(void)json_object_set_new(told, "recoveries", json_integer(recoveries));
	if (failures)
		(void)json_object_set(told, "failures", times);
	json_decref(times);
	sink.take(sink.ctx, &(struct msg){ .kind = MSG_HISTORY, .json = told });
}

void effects_baseline(const struct effects *x, struct feed_sink sink)
{
	effects_history(x, true, sink);
	autofree char *text = NULL;
	struct err e = { 0 };
	struct msg m = { .kind = MSG_BASELINE };
	if (read_baseline(x->paths->of[PATH_BASELINE], &text, &e) != 0)
		m.note = e.text;
	m.text = text;
	sink.take(sink.ctx, &m);
}
