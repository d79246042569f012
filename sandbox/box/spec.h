/* What was asked: from argv or JSON, checked for form, nothing of the host looked at. Lives in an arena. */
#ifndef SANDBOX_BOX_SPEC_H
#define SANDBOX_BOX_SPEC_H

#include <stdbool.h>
#include <stddef.h>

#include "probes/base/arena.h"
#include "sandbox/policy/limits.h"

/*      id      word      help */
#define BIND_OPTIONS(X)                                                        \
	X(RW, "rw", "writable; without it, read-only")                         \
	X(NOEXEC, "noexec", "nothing in it can be executed")                   \
	X(MAYBE, "maybe", "skipped when the outside does not exist")           \
	X(NOREC, "norec", "without the file systems mounted below it")         \
	X(TMP, "tmp", "a new empty tmpfs instead of something outside")

enum bind_option {
#define X(id, word, help) BIND_##id,
	BIND_OPTIONS(X)
#undef X
	BIND_OPTION_COUNT
};
#define BIND_BIT(option) (1u << (option))

struct bind {
	const char *inside;  /* absolute, normalised, without "..", not "/" */
	const char *outside; /* absolute; NULL with BIND_TMP */
	unsigned options;    /* bit per bind_option */
};

struct spec {
	enum profile profile;
	struct limits limits;
	bool permissive;
	bool force_v1;
	bool merge;		/* standard error goes where standard output goes, in the order written */
	bool capture;		/* keep stdout and stderr in the evidence instead of passing them on */
	const char *box;	/* NULL: one made up for this run and removed afterwards */
	char **argv;		/* NULL-terminated; argv[0] NULL for `init` */
	char **env;		/* NULL-terminated "NAME=value"; only what was asked for */
	const char *chdir;	/* NULL: /box */
	const char *stdin_file, *stdout_file, *stderr_file; /* on the host; NULL: the caller's own */
	const char *stdin_text;	/* NULL: none */
	struct bind *binds;
	size_t nbinds;
	const char *language, *source; /* execute-code: the program as text; NULL for run */
	const struct limits *defaults; /* per profile, the host's own; NULL: the table's */
};

/* Judge, strict, nothing asked. `defaults`: the host's own profiles (config.h), or NULL for those of the table. */
void spec_init(struct spec *ret, const struct limits *defaults);
const char *bind_option_word(enum bind_option o);

/* "INSIDE=OUTSIDE[:opt,opt]", "PATH[:opt]" (the same in and out). */
int spec_add_bind(struct spec *s, struct arena *a, const char *text, struct err *e) MUST_CHECK;
/* "NAME=value", or "NAME" for the caller's own value, which the caller passes in (NULL: unset, skipped). */
int spec_add_env(struct spec *s, struct arena *a, const char *text, const char *own, struct err *e) MUST_CHECK;
int spec_set_profile(struct spec *s, const char *word, struct err *e) MUST_CHECK;
/* What no single flag can see: argv given, paths absolute, names unique. */
int spec_check(const struct spec *s, struct err *e) MUST_CHECK;

/* The canonical form: keys sorted, defaults written out, so that equal wishes are equal text. */
json_t *spec_to_json(const struct spec *s);
int spec_from_json(const json_t *obj, const struct limits *defaults, struct arena *a, struct spec *ret,
		   struct err *e) MUST_CHECK;

/* 64 hex digits: SHA-256 over the canonical JSON. */
void spec_envelope(const struct spec *s, char out[static 65]);

#endif
