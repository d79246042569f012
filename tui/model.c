/* The model's beginning and end, and when it wants to be woken. */
#include "tui/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void model_init(struct model *m, const struct model_options *opt)
{
	*m = (struct model){ .opt = *opt, .rows = 24, .cols = 80, .retry_step = -1 };
	m->await.step = -1;
	for (int j = 0; j < JOB_COUNT; j++)
		m->job[j].step = -1;
	(void)strcpy(m->no_baseline, "not read yet");
	(void)snprintf(m->incident.id, sizeof m->incident.id, "%s", opt->incident ? opt->incident : "");
}

void model_done(struct model *m)
{
	past_done(&m->past);
	rows_done(&m->table);
	json_decref(m->resume.run);
	json_decref(m->peer.asks);
	json_decref(m->arm.second);
	json_decref(m->pressure);
	json_decref(m->sight.space.lines);
	if (m->list.has_regex)
		regfree(&m->list.regex);
	free(m->list.shown);
	free(m->list.lots);
	arena_done(&m->base_mem);
	arena_done(&m->diff_mem);
	arena_done(&m->dialog.mem);
	arena_done(&m->holding.mem);
	arena_done(&m->books_mem);
	arena_done(&m->await.mem);
	arena_done(&m->retry_mem);
	arena_done(&m->out);
	arena_done(&m->incident.mem);
	arena_done(&m->captured_mem);
	arena_done(&m->trash.mem);
	for (int j = 0; j < JOB_COUNT; j++)
		arena_done(&m->job[j].mem);
	*m = (struct model){ 0 };
}

int model_add_runbook(struct model *m, const char *name, const char *text, struct err *e)
{
	struct runbook book;
	int r = runbook_parse(name, text, &m->books_mem, &book, e);
	if (r < 0)
		return r;
	/* A new array each time: an open walk keeps pointing into the old one. The founding page comes first,
	 * so that `p` 1 to 6 are its six procedures. */
	struct runbook *v = arena_alloc(&m->books_mem, (m->nbooks + 1) * sizeof *v);
	size_t at = strcmp(name, "cleanup-failure") == 0 ? 0 : m->nbooks;
	for (size_t i = 0; i < m->nbooks; i++)
		v[i + (i >= at)] = m->books[i];
	v[at] = book;
	m->books = v;
	m->nbooks++;
	return 0;
}

int model_next_ms(const struct model *m)
{
	if (m->settle_due)
		return 20;
	bool busy = m->await.on || m->arm.on || m->soak.on || m->dialog.kind == DIALOG_PREVIEW;
	for (int j = 0; j < JOB_COUNT; j++)
		busy = busy || m->job[j].id;
	if (busy || m->table.gone)
		return 1000;
	return m->feed_ms ? 5000 : 1000; /* ages in the header are shown in steps of this */
}
