/*
 * The incident's journal: INCIDENTS/<id>/journal.jsonl, one JSON object a line, append-only. Each line carries
 * the SHA-256 of the line before it, so that a line changed or taken out later shows; the hash of the last line is
 * what the report prints.
 *
 * A line is on disk (fdatasync) before the act it announces, or, when the disk cannot take it, kept in memory in
 * the same chain, said so, and written as soon as there is room. Memory is RUN/journal-<id>.kept as well, so that the
 * lines outlive a console that is killed meanwhile; only a reboot, or a RUN that is full too, loses them. The file's lock
 * is held while its console lives: a journal that nobody holds and that was not closed is an incident to resume.
 *
 * A chain cannot show that its end was cut off. journal.head, beside it, can: how many lines and bytes there were after
 * the last write, and the hash of the last line. Whoever rewrites both leaves no trace here; the hash printed in a
 * report, kept elsewhere, is what shows that.
 */
#ifndef TUI_JOURNAL_H
#define TUI_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "probes/base/err.h"
#include "probes/base/paths.h"

enum { JOURNAL_ID = 64, JOURNAL_SUM = 65 };

struct journal {
	const struct paths *paths;
	char id[JOURNAL_ID]; /* "-2" is added when another console writes the incident of this name */
	int fd;		     /* -1 until the first line */
	uint64_t seq;
	char prev[JOURNAL_SUM];
	char *kept;	     /* lines that are not on disk yet */
	size_t nkept, room;
	int saved;	     /* RUN/journal-<id>.kept, locked, -1 while nothing has to be kept there */
	size_t nsaved;	     /* bytes of `kept` that are in it */
};

void journal_init(struct journal *j, const struct paths *paths, const char *id);
/* Adds JSON objects, one a line. 0: on disk. Else they are kept in memory, and the error says why. */
int journal_add(struct journal *j, const char *objects, struct err *e) MUST_CHECK;
int journal_flush(struct journal *j, struct err *e) MUST_CHECK; /* tries the kept lines again; 0 when there are none */
/* Goes on in the journal of an earlier incident; lines written so far stay where they are. */
int journal_adopt(struct journal *j, const char *id, struct err *e) MUST_CHECK;
void journal_done(struct journal *j);

struct journal_check {
	uint64_t lines;
	uint64_t bad;		/* the first line, from 1, that breaks the chain; 0: none does */
	bool torn;		/* the last line has no end: its writer died in it */
	size_t whole;		/* bytes up to the end of the last whole line */
	char last[JOURNAL_SUM]; /* the last whole line's hash */
	bool cut;		/* journal_verify(): the end is not what journal.head says was written */
	uint64_t written;	/* journal_verify(): lines by journal.head; 0 when there is none */
};
/* Pure: walks the text, line by line. `each` may be NULL; it may change the line, which is its own copy. */
void journal_check(const char *text, size_t n, void (*each)(void *arg, char *line), void *arg, struct journal_check *ret);
/* The whole file, and after it what is kept in RUN; the caller frees. The error names the file. */
int journal_read(const struct paths *paths, const char *id, char **ret, struct err *e) MUST_CHECK;
/* The file against its own chain and against journal.head. */
int journal_verify(const struct paths *paths, const char *id, struct journal_check *ret, struct err *e) MUST_CHECK;
/* True when no living console holds it. */
bool journal_is_free(const struct paths *paths, const char *id);
void journal_path(const struct paths *paths, const char *id, const char *file, char *out, size_t cap);

#endif
