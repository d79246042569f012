/*
 * The worker's metrics, as Prometheus gets them: GET /metrics, one at a time, never waiting, each with a deadline.
 * An answer is a look at the host by the worker, so the slower it is, the more seldom it is asked for.
 */
#ifndef TUI_SCRAPE_H
#define TUI_SCRAPE_H

#include <netinet/in.h>
#include <stdbool.h>

#include "tui/feed.h"

enum { SCRAPE_EVERY_MS = 15000, SCRAPE_DEADLINE_MS = 10000, SCRAPE_SHARE = 20, SCRAPE_ROOM = 512 * 1024 };

struct scrape {
	int poll; /* readable when scrape_ready() has something to do */
	int fd;	  /* -1: none is asked */
	struct sockaddr_in to;
	char name[40]; /* "127.0.0.1:9090", "" when nobody is to be asked */
	bool asked;
	uint64_t next_ms, began_ms;
	char *got;
	size_t n;
};

/* `where`: "ADDRESS:PORT" or a port of the loopback, "off" or NULL for nobody. */
int scrape_init(struct scrape *s, const char *where, struct err *e) MUST_CHECK;
void scrape_ready(struct scrape *s, uint64_t now_ms, struct feed_sink sink);
void scrape_tick(struct scrape *s, uint64_t now_ms, struct feed_sink sink);
int scrape_next_ms(const struct scrape *s, uint64_t now_ms);
void scrape_done(struct scrape *s);

#endif
