/*
 * The ledger's format, read only. One file per box in /run/rustbox/ledger, named after it; its flock is
 * held while the box lives. Lines:
 *
 *   rustbox-ledger 1 <box> <boot id>
 *   own <seq> <kind> <name>       written before the resource is created
 *   is <seq> <identity>           written after: proof against reuse of the name
 *   ghost <seq> <identity>        a lazily unmounted file system is still held
 *   gone <seq>                    written after it was verified gone
 *
 * A last line without its newline was torn by a crash: nothing was created under it, and it is ignored.
 * Anything else that does not parse makes the file corrupt: reported, never skipped in silence.
 */
#ifndef PROBES_LEDGER_H
#define PROBES_LEDGER_H

#include "probes/resource.h"
#include "probes/scope.h"

struct ledger_entry {
	unsigned seq;
	enum resource_kind kind;
	const char *name, *identity; /* identity NULL until known */
	const char *device;	     /* from `ghost`: the file system still held; NULL */
	bool gone, ghost;
};

struct ledger {
	const char *box;
	char boot_id[37];
	struct ledger_entry *v;
	size_t n;
	bool held;    /* somebody holds the flock: the box is alive */
	bool corrupt;
	struct err why;
};

int ledger_parse(const char *text, struct arena *a, struct ledger *ret, struct err *e) MUST_CHECK;

struct ledgers {
	struct ledger *v; /* sorted by box */
	size_t n;
	bool complete;
	struct err why;
};

/* Reads every ledger and asks for a shared flock without waiting to learn whether it is held. Writers
 * must therefore retry a failed exclusive flock for some milliseconds. */
void ledgers_read(const struct scope *scope, struct arena *a, struct ledgers *ret);
const struct ledger *ledgers_find(const struct ledgers *all, const char *box);

#endif
