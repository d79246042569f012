/* See scrape.h. */
#include "tui/scrape.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "probes/base/own.h"
#include "probes/base/text.h"

static int parse(const char *where, struct scrape *s, struct err *e)
{
	char host[24] = "127.0.0.1";
	const char *colon = strrchr(where, ':');
	uint64_t port = 0;
	if (colon)
		(void)snprintf(host, sizeof host, "%.*s", (int)(colon - where), where);
	if (text_parse_u64(colon ? colon + 1 : where, &port, e) != 0 || port == 0 || port > 65535 ||
	    inet_pton(AF_INET, host, &s->to.sin_addr) != 1)
		return err_say(e, EINVAL, "metrics are asked at PORT or ADDRESS:PORT, not '%.40s'; off asks nobody", where);
	s->to.sin_family = AF_INET;
	s->to.sin_port = htons((uint16_t)port);
	(void)snprintf(s->name, sizeof s->name, "%s:%u", host, (unsigned)port);
	return 0;
}

int scrape_init(struct scrape *s, const char *where, struct err *e)
{
	*s = (struct scrape){ .fd = -1, .poll = epoll_create1(EPOLL_CLOEXEC) };
	if (s->poll < 0)
		return err_set(e, errno, "epoll for the metrics");
	return where && strcmp(where, "off") != 0 ? parse(where, s, e) : 0;
}

static void give_up(struct scrape *s, uint64_t now_ms, const char *why, struct feed_sink sink)
{
	char text[120];
	(void)snprintf(text, sizeof text, "%s %s", s->name, why);
	own_close(&s->fd);
	s->fd = -1;
	s->next_ms = now_ms + SCRAPE_EVERY_MS;
	struct msg m = { .kind = MSG_METRICS, .note = text, .bytes = SCRAPE_EVERY_MS };
	sink.take(sink.ctx, &m);
}

static void answered(struct scrape *s, uint64_t now_ms, struct feed_sink sink)
{
	uint64_t pause = (now_ms - s->began_ms) * SCRAPE_SHARE;
	unsigned code = 0;
	const char *body = strstr(s->got, "\r\n\r\n");
	if (sscanf(s->got, "HTTP/1.%*1u %3u", &code) != 1 || code != 200 || !body) {
		give_up(s, now_ms, code ? "answers with an error" : "speaks no HTTP", sink);
		return;
	}
	own_close(&s->fd);
	s->fd = -1;
	s->next_ms = now_ms + (pause > SCRAPE_EVERY_MS ? pause : SCRAPE_EVERY_MS);
	struct msg m = { .kind = MSG_METRICS, .text = body + 4, .note = s->name, .bytes = s->next_ms - now_ms };
	sink.take(sink.ctx, &m);
}

static void ask(struct scrape *s, uint64_t now_ms, struct feed_sink sink)
{
	struct epoll_event ev = { .events = EPOLLOUT };
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	s->began_ms = now_ms;
	s->asked = false;
	s->n = 0;
	s->got = s->got ? s->got : malloc(SCRAPE_ROOM);
	if (!s->got)
		abort();
	if (s->fd < 0 || (connect(s->fd, (struct sockaddr *)&s->to, sizeof s->to) != 0 && errno != EINPROGRESS) ||
	    epoll_ctl(s->poll, EPOLL_CTL_ADD, s->fd, &ev) != 0)
		give_up(s, now_ms, errno == ECONNREFUSED ? "refuses: nobody listens" : "cannot be asked", sink);
}

static bool send_question(struct scrape *s, uint64_t now_ms, struct feed_sink sink)
{
	static const char question[] = "GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n";
	struct epoll_event ev = { .events = EPOLLIN };
	int bad = 0;
	socklen_t n = sizeof bad;
	s->asked = true;
	if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &bad, &n) == 0 && !bad &&
	    send(s->fd, question, sizeof question - 1, MSG_NOSIGNAL) == (ssize_t)sizeof question - 1 &&
	    epoll_ctl(s->poll, EPOLL_CTL_MOD, s->fd, &ev) == 0)
		return true;
	give_up(s, now_ms, bad == ECONNREFUSED ? "refuses: nobody listens" : "cannot be asked", sink);
	return false;
}

/* One read a call, so that keys get their turn between. */
void scrape_ready(struct scrape *s, uint64_t now_ms, struct feed_sink sink)
{
	if (s->fd < 0 || (!s->asked && !send_question(s, now_ms, sink)))
		return;
	ssize_t n = read(s->fd, s->got + s->n, SCRAPE_ROOM - 1 - s->n);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	s->n += n > 0 ? (size_t)n : 0;
	s->got[s->n] = '\0';
	if (n < 0 || s->n + 1 >= SCRAPE_ROOM)
		give_up(s, now_ms, n < 0 ? "hung up" : "says more than metrics", sink);
	else if (n == 0)
		answered(s, now_ms, sink);
}

void scrape_tick(struct scrape *s, uint64_t now_ms, struct feed_sink sink)
{
	if (!s->name[0])
		return;
	if (s->fd >= 0 && now_ms - s->began_ms >= SCRAPE_DEADLINE_MS)
		give_up(s, now_ms, "does not answer", sink);
	else if (s->fd < 0 && now_ms >= s->next_ms)
		ask(s, now_ms, sink);
}

int scrape_next_ms(const struct scrape *s, uint64_t now_ms)
{
	uint64_t at = s->fd >= 0 ? s->began_ms + SCRAPE_DEADLINE_MS : s->next_ms;
	return !s->name[0] ? -1 : at <= now_ms ? 0 : (int)(at - now_ms);
}

void scrape_done(struct scrape *s)
{
	own_close(&s->fd);
	own_close(&s->poll);
	s->fd = s->poll = -1;
	free(s->got);
	s->got = NULL;
}
