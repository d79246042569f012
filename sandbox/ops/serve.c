/*
 * rustbox serve: /metrics and /health on the loopback interface. The server has no thread: libmicrohttpd's epoll
 * descriptor is polled here, beside the signals that end it. A request waits (suspended) until all that came with it have been
 * read; then one look at the host, younger than any of them, answers them all: however many ask at once, the host is
 * looked at once, and nobody waits for the looks of others.
 */
#include <arpa/inet.h>
#include <getopt.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>

#include "probes/base/json.h"
#include "probes/base/own.h"
#include "probes/base/text.h"
#include "probes/delegation.h"
#include "sandbox/kernel/cgroup.h"
#include "sandbox/kernel/sys.h"
#include "sandbox/ops/look.h"
#include "sandbox/ops/ops.h"

enum { PORT = 9090, CLIENTS = 16, CLIENT_S = 5 };

enum page { PAGE_METRICS, PAGE_HEALTH, PAGES };

static const struct {
	const char *url, *type;
} pages[PAGES] = {
	[PAGE_METRICS] = { "/metrics", "text/plain; version=0.0.4" },
	[PAGE_HEALTH] = { "/health", "application/json" },
};

struct server {
	const struct paths *paths;
	struct MHD_Connection *waiting[CLIENTS];
	size_t n;
	char *text[PAGES]; /* of the last look; NULL: it could not be said */
};

static char *metrics_of(const struct worker_look *w, const struct paths *p)
{
	char *text = NULL;
	size_t n = 0;
	struct err e = { 0 };
	FILE *f = open_memstream(&text, &n);
	int r = f ? worker_metrics(w, p, f, &e) : -ENOMEM;
	if (f)
		(void)fclose(f);
	if (r == 0)
		return text;
	free(text);
	return NULL;
}

static void forget(struct server *s)
{
	for (int i = 0; i < PAGES; i++) {
		free(s->text[i]);
		s->text[i] = NULL;
	}
}

static void look_for_all(struct server *s)
{
	autoarena struct arena a = { 0 };
	struct scope scope = scope_host(s->paths);
	struct worker_look w;
	worker_look(&scope, &a, &w);
	autojson json_t *health = worker_to_json(&w, s->paths);
	forget(s);
	s->text[PAGE_METRICS] = metrics_of(&w, s->paths);
	s->text[PAGE_HEALTH] = json_dumps(health, JSON_COMPACT | JSON_PRESERVE_ORDER);
	while (s->n)
		MHD_resume_connection(s->waiting[--s->n]);
}

static enum MHD_Result reply(struct MHD_Connection *c, unsigned code, const char *type, const char *body)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(strlen(body), (void *)(uintptr_t)body, MHD_RESPMEM_MUST_COPY);
	if (!r)
		return MHD_NO;
	(void)MHD_add_response_header(r, "Content-Type", type);
	enum MHD_Result done = MHD_queue_response(c, code, r);
	MHD_destroy_response(r);
	return done;
}

/* Called once when the request has been read, and again when it has been resumed. */
static enum MHD_Result answer(void *arg, struct MHD_Connection *c, const char *url, const char *method,
			      const char *version, const char *data, size_t *size, void **waited)
{
	struct server *s = arg;
	int page = 0;
	(void)version, (void)data, (void)size;
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
		return reply(c, MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain", "this server only answers GET\n");
	while (page < PAGES && strcmp(url, pages[page].url) != 0)
		page++;
	if (page == PAGES)
		return reply(c, MHD_HTTP_NOT_FOUND, "text/plain", "/metrics and /health are here\n");
	if (!*waited && s->n < CLIENTS) {
		*waited = s;
		s->waiting[s->n++] = c;
		MHD_suspend_connection(c);
		return MHD_YES;
	}
	if (!s->text[page])
		return reply(c, MHD_HTTP_INTERNAL_SERVER_ERROR, "text/plain", "the answer could not be put together\n");
	return reply(c, MHD_HTTP_OK, pages[page].type, s->text[page]);
}

static int parse(const struct invocation *in, struct sockaddr_in *to, struct err *e)
{
	static const struct option options[] = { { "port", required_argument, NULL, 'p' },
						 { "listen", required_argument, NULL, 'l' },
						 { 0 } };
	uint64_t port = PORT;
	int c;
	*to = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	optind = 0;
	opterr = 0;
	while ((c = getopt_long(in->argc, in->argv, "", options, NULL)) != -1) {
		if (c == 'p' && (text_parse_u64(optarg, &port, e) < 0 || port > 65535))
			return err_say(e, EINVAL, "--port '%.20s' is not 0 to 65535", optarg);
		if (c == 'l' && inet_pton(AF_INET, optarg, &to->sin_addr) != 1)
			return err_say(e, EINVAL, "--listen '%.40s' is not an IPv4 address", optarg);
		if (c == '?')
			return err_say(e, EINVAL, "usage: rustbox serve %s", command_find("serve")->args);
	}
	to->sin_port = htons((uint16_t)port);
	return optind < in->argc ? err_say(e, EINVAL, "'%.40s' is not an option", in->argv[optind]) : 0;
}

static unsigned connections(struct MHD_Daemon *d)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(d, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
	return info ? info->num_connections : 0;
}

/* At the limit of connections the library stops listening, and listens again only at the start of a turn: after one that let
 * somebody go there must be another, or nobody would ever be heard again. What was resumed is no event either. */
static void turn(struct MHD_Daemon *d, struct server *s)
{
	unsigned before;
	do {
		before = connections(d);
		(void)MHD_run(d);
		if (s->n) {
			look_for_all(s);
			(void)MHD_run(d);
		}
	} while (s->n || connections(d) != before);
}

static void loop(struct MHD_Daemon *d, struct server *s, int signals)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(d, MHD_DAEMON_INFO_EPOLL_FD);
	struct pollfd fds[2] = { { .fd = info->epoll_fd, .events = POLLIN }, { .fd = signals, .events = POLLIN } };
	while (!(fds[1].revents & POLLIN)) {
		MHD_UNSIGNED_LONG_LONG ms;
		bool timed = MHD_get_timeout(d, &ms) == MHD_YES;
		if (poll(fds, 2, timed ? (int)(ms > 60000 ? 60000 : ms) : -1) < 0 && errno != EINTR)
			return;
		turn(d, s);
	}
}

/* As a unit with Delegate= our cgroup is the place for everybody's boxes (cgroup_parent), if we do not sit in it. */
static void make_room(const struct paths *paths)
{
	autoarena struct arena a = { 0 };
	struct scope scope = scope_host(paths);
	struct host host;
	struct err e;
	host_look_for_launch(&scope, &a, &host);
	delegation_look(&scope, &a, &host);
	if (cgroup_settle(&host, &e) < 0)
		complain("serve: no boxes can be made in this service's cgroup: %s", e.text);
}

int ops_serve(const struct invocation *in)
{
	struct sockaddr_in to;
	struct err e = { 0 };
	sigset_t ends;
	if (parse(in, &to, &e) < 0) {
		complain("serve: %s", e.text);
		return EXIT_USAGE;
	}
	make_room(in->paths);
	(void)sigemptyset(&ends);
	(void)sigaddset(&ends, SIGINT);
	(void)sigaddset(&ends, SIGTERM);
	int r = sys_sigmask(SIG_BLOCK, &ends, NULL);
	autofd int signals = r < 0 ? r : sys_signalfd(&ends);
	if (signals < 0) {
		complain("serve: cannot wait for signals");
		return EXIT_IE;
	}
	struct server s = { .paths = in->paths };
	struct MHD_Daemon *d = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, answer, &s,
						MHD_OPTION_SOCK_ADDR, &to, MHD_OPTION_CONNECTION_LIMIT, CLIENTS,
						MHD_OPTION_CONNECTION_TIMEOUT, CLIENT_S, MHD_OPTION_END);
	if (!d) {
		complain("serve: cannot listen on port %u: %s", ntohs(to.sin_port), strerror(errno));
		return EXIT_IE;
	}
	const union MHD_DaemonInfo *port = MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT);
	(void)printf("listening on port %u: /metrics /health\n", port ? port->port : ntohs(to.sin_port));
	(void)fflush(stdout);
	loop(d, &s, signals);
	MHD_stop_daemon(d);
	forget(&s);
	return finish(EXIT_GOOD);
}
