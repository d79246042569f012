/*
 * All the console knows, in one value. update() changes it, view() draws it, and neither does anything
 * else: time, keys, the host and children all come in as messages, and what the console wants from the
 * world leaves as the returned effect.
 */
#ifndef TUI_MODEL_H
#define TUI_MODEL_H

#include "probes/health.h"
#include "probes/holders.h"
#include "tui/dialog.h"
#include "tui/effect.h"
#include "tui/incident.h"
#include "tui/job.h"
#include "tui/list.h"
#include "tui/msg.h"
#include "tui/past.h"
#include "tui/resume.h"
#include "tui/ring.h"
#include "tui/sight.h"
#include "tui/walk.h"

struct source_state {
	bool known, complete, settled; /* settled: what it saw first has been one state */
	char mode[16];
	char why[RING_TEXT];
	uint64_t heard_ms;
};

struct holding { /* the answer to "who holds it" for one mount or ghost */
	char id[96];
	struct arena mem;
	struct holders of;
	bool known, asking;
	uint64_t at_ms;
};

enum { DETOURS = 4 };

struct model_options {
	const char *host, *user, *tty; /* borrowed for the model's life */
	const char *label, *teach;     /* "PROD", "DRILL", or NULL; the page of the training mode, or NULL */
	const char *root;	       /* the prefix, or NULL */
	const char *incident;	       /* a name for this incident, or NULL */
	bool utf8, is_root, in_drill;
};

struct model {
	struct model_options opt;
	uint64_t now_ms, wall;
	int rows, cols, taught; /* taught: of the training mode, the step explained last, from 1 */
	/* the host */
	struct rows table;
	struct source_state source[RES_KINDS];
	char host[65], boot_id[37]; /* as the watch stream says */
	uint64_t feed_ms;	    /* last word from the watch stream; 0: none yet */
	char feed_lost[RING_TEXT];  /* why it ended, "" while it is alive */
	uint64_t sync_at, epoch;    /* wall time of the last state; count of changes */
	struct health health;
	uint64_t health_ms;	    /* 0: not heard of */
	json_t *pressure;
	struct sight sight;
	struct past past;
	struct arena base_mem, diff_mem;
	struct snapshot base;
	bool has_baseline, baseline_asked;
	char no_baseline[RING_TEXT];
	struct diff diff;
	size_t count[OWNER_COUNT][RES_KINDS], changed[RES_KINDS], missing[RES_KINDS];
	/* the operator */
	struct list list;
	struct dialog dialog;
	struct ring log;
	struct holding holding;
	struct arena books_mem;
	struct runbook *books;
	size_t nbooks;
	struct walk walk;
	struct job job[JOB_COUNT];
	uint32_t last_job;
	struct arming arm;
	struct peer peer;	    /* another console that is armed */
	struct incident incident;
	struct resume resume;	    /* offered at the start */
	const char **records;	    /* what this update() has for the journal, JSON objects, in out */
	size_t nrecords;
	uint64_t trouble_since;	    /* wall: the incident clock; 0: none */
	bool dirty, mouse, read_only /* what the baseline has writable is not any more */, record_lost, unquarantine_failed, procedure_failed, leaving;
	enum { FOCUS_LIST, FOCUS_STEPS } focus;
	struct awaiting await;
	struct target *retry; /* what the last failed step still wants gone; lives in retry_mem */
	size_t nretry, nback;
	int retry_step;
	char retry_why[120]; /* what changed since it failed, "" while nothing has: then it is not tried again */
	struct walk back[DETOURS]; /* procedures left for one that removes a blocker; they are returned to */
	struct arena retry_mem;
	struct arena captured_mem;
	const char **captured;	 /* orphans whose evidence is on disk */
	size_t ncaptured;
	struct soak soak;
	struct trashed trash;
	bool bell;
	uint64_t acted_ms; /* when the last acting command ended */
	uint64_t settled_ms, fresh_ms; /* when the table was last settled; when the stream last said what is */
	uint64_t as_of[RES_KINDS];     /* when the look at a kind began that what we know of it comes from; 0: not proven */
	bool settle_due, timed /* the stream tells as_of; else any sign of life stands for all */;
	struct arena out;	    /* what the last effect points to */
};

void model_init(struct model *m, const struct model_options *opt);
void model_done(struct model *m);
/* Parses a page and keeps it. The page named "cleanup-failure" is what `p` 1-6 opens. */
int model_add_runbook(struct model *m, const char *name, const char *text, struct err *e) MUST_CHECK;
void model_offer_resume(struct model *m, const struct resume *r); /* before the first message */
struct effect update(struct model *m, const struct msg *msg);
/* When the model next wants MSG_TICK, in milliseconds from now; -1: only when something happens. */
int model_next_ms(const struct model *m);

#endif
