/* See write.h. */
#include "tui/write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probes/base/clock.h"
#include "probes/base/json.h"
#include "probes/base/own.h"
#include "probes/base/text.h"
#include "probes/snapshot.h"
#include "tui/then.h"
#include "tui/update.h"
#include "tui/view_parts.h"
#include "tui/why.h"

static const char *as_json(struct model *m, const char *at)
{
	autojson json_t *j = json_pack("{s:i,s:o,s:s,s:b,s:o,s:o,s:o}", "schema", 1, "host", json_text(m->opt.host ? m->opt.host : "?"), "at", at,
				       "past", m->past.on, "health", m->health_ms ? health_to_json(&m->health) : json_null(),
				       "filter", json_text(m->list.filter), "rows", json_array());
	json_t *rows = json_object_get(j, "rows");
	for (size_t i = 0; i < m->list.n; i++) {
		const struct row *row = m->list.shown[i];
		char sign[2] = { row_sign(row), 0 };
		json_t *r = resource_to_json(row->res);
		(void)json_object_set_new(r, "sign", json_string(sign));
		(void)json_array_append_new(rows, r);
	}
	autofree char *text = json_dumps(j, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
	return arena_printf(&m->out, "%s\n", text ? text : "");
}

static const char *as_text(struct model *m, const char *at)
{
	char *text = NULL, name[512], blocked[120], age[16], host[160];
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);
	if (!f)
		abort();
	(void)fprintf(f, "rustbox on %s at %s%s: %s, %zu left over%s%s\n", text_escape(m->opt.host ? m->opt.host : "?", host, sizeof host), at,
		      m->past.on ? " (the past)" : "", m->health_ms ? health_status_word(m->health.status) : "health not known",
		      tally_of(m).left, m->list.filter[0] ? ", filtered by " : "", m->list.filter);
	for (size_t i = 0; i < m->list.n; i++) {
		const struct row *row = m->list.shown[i];
		row_title(row, name, sizeof name);
		row_blocked(m, row, blocked, sizeof blocked);
		age_of(m, row->res->born, age);
		(void)fprintf(f, "%c %c %-8s %s  %s  %s  %s  id %s\n", row_sign(row), resource_kind_letter(row->res->kind),
			      owner_shown(row->res->owner), name, age, blocked, row_next(m, row), row->res->id);
	}
	(void)fclose(f);
	const char *kept = arena_strdup(&m->out, text);
	free(text);
	return kept;
}

struct effect write_ask(struct model *m, const char *path)
{
	char at[24];
	path += strspn(path, " ");
	size_t n = strlen(path);
	if (path[0] != '/' || path[n - 1] == '/') { /* the console stands in / and no shell expands its words */
		ring_add(&m->log, m->wall, RING_WARN, ":write /WHOLE/PATH, of a file that is not there yet; .json for JSON");
		return (struct effect){ 0 };
	}
	clock_rfc3339(time_wall(m), at, sizeof at);
	bool json = n > 5 && strcmp(path + n - 5, ".json") == 0;
	return (struct effect){ .kind = EFFECT_WRITE, .path = arena_strdup(&m->out, path), .text = json ? as_json(m, at) : as_text(m, at) };
}

void write_file(const char *path, const char *text, char *said, size_t cap)
{
	char shown[300];
	size_t n = strlen(text), done = 0;
	(void)text_escape(path, shown, sizeof shown);
	autofd int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0) {
		(void)snprintf(said, cap, "NOT written: %s: %s%s", shown, strerrordesc_np(errno),
			       errno == EEXIST ? "; nothing is ever overwritten" : "");
		return;
	}
	while (done < n) {
		ssize_t w = write(fd, text + done, n - done);
		if (w < 0 && errno != EINTR)
			break;
		done += w > 0 ? (size_t)w : 0;
	}
	if (done == n && fsync(fd) == 0)
		(void)snprintf(said, cap, "wrote %zu bytes to %s, readable by you only", n, shown);
	else
		(void)snprintf(said, cap, "NOT whole: %zu of %zu bytes in %s: %s", done, n, shown, strerrordesc_np(errno));
}
