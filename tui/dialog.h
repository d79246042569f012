/* What lies over the main screen: a question, a preview, a text to read. Types only. */
#ifndef TUI_DIALOG_H
#define TUI_DIALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "probes/base/arena.h"
#include "probes/resource.h"

enum dialog_kind {
	DIALOG_NONE,
	DIALOG_ARM,	   /* asks the reason for acting */
	DIALOG_PREVIEW,	   /* the plan, and what commits it */
	DIALOG_FAILURE,	   /* what went wrong and the ways on */
	DIALOG_SKIP,	   /* asks the reason for skipping a step */
	DIALOG_NOTE,	   /* asks a line for the journal */
	DIALOG_FILTER,	   /* the line that narrows the list */
	DIALOG_PALETTE,	   /* a command by its name */
	DIALOG_PROCEDURES, /* which procedure */
	DIALOG_HELP,
	DIALOG_WHY,	   /* everything about the row under the cursor */
	DIALOG_ORIGINAL,   /* the founding runbook's line, and why ours differs */
	DIALOG_MESSAGES,
	DIALOG_RESUME,	   /* an incident whose console is gone */
	DIALOG_SPACE,	   /* where the space of a file system went */
	DIALOG_OUTPUT,	   /* what a reading command said */
	DIALOG_KINDS
};

/* The classes of console.md section 2, shown as words. */
enum risk { RISK_R0, RISK_R1, RISK_R2, RISK_R3 };

/* A resource as it was when the preview was made. */
struct target {
	enum resource_kind kind;
	const char *id, *name, *box;
	enum owner owner;
};

enum plan_of {
	PLAN_COMMAND,  /* what `words` say */
	PLAN_TAKEOVER, /* the right to act, from the console that has it */
	PLAN_CONFIRM,  /* being the second person of another console's plan */
	PLAN_HANDOVER  /* the incident, to whoever takes it */
};

/* What a commit will do. Lives in the dialog's arena. */
struct plan {
	enum plan_of of;
	enum risk risk;
	struct target *v;
	size_t n;
	struct target *out; /* looked at and not included: mounts lie below them */
	size_t nout;
	const char **words; /* the command with the identities filled in, NULL-terminated */
	size_t nwords;
	const char *verb;   /* for the phrase: "kill", "delete", "lazy", ... */
	bool single;	    /* the phrase names the one target instead of a count */
	const char *asked;   /* PLAN_CONFIRM: what was asked when it was opened, JSON; PLAN_HANDOVER: to whom */
	const char *note;    /* PLAN_HANDOVER: what they are told besides */
	bool then_retry;    /* on success, the failed step before is run again for the same items */
	int step;	    /* of the walk, or -1 for a plan made from the list */
	const char *refused; /* why it cannot be committed at all, or NULL */
};

enum { FIELD_ROOM = 160, FIELDS = 2 };

struct dialog {
	enum dialog_kind kind;
	uint64_t opened_ms;
	struct arena mem;
	struct plan plan;
	char field[FIELDS][FIELD_ROOM]; /* 0: reason or text, 1: the phrase */
	int focus;			/* which field is being typed in */
	int top;			/* first line shown */
	int read;			/* lines that have been on the screen */
	const char *refusal;		/* why the last key did nothing, in words; static text */
};

#endif
