/* The promise from the worker's counters; and the question itself, against servers that refuse, hang, lie and answer. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "probes/base/clock.h"
#include "tui/scrape.h"
#include "tui/slo.h"

static const char *page(unsigned good, unsigned bad, unsigned below5, unsigned all)
{
	static char text[800];
	snprintf(text, sizeof text,
		 "# HELP rustbox_cleanup_total x\nrustbox_cleanup_total{outcome=\"success\"} %u\n"
		 "rustbox_cleanup_total{outcome=\"failure\"} %u\nrustbox_cleanup_total{outcome=\"partial\"} 0\n"
		 "rustbox_cleanup_duration_seconds_bucket{le=\"5\"} %u\nrustbox_cleanup_duration_seconds_bucket{le=\"10\"} %u\n"
		 "rustbox_cleanup_duration_seconds_bucket{le=\"+Inf\"} %u\n", good, bad, below5, all, all);
	return text;
}

static void near(double got, double want)
{
	if (got < want - 0.01 || got > want + 0.01)
		fail_msg("%f, not %f", got, want);
}

static void test_counts(void **state)
{
	(void)state;
	struct slo s = { 0 };
	assert_false(slo_shown(&s).some);
	assert_false(slo_take(&s, "", 1));
	assert_false(slo_take(&s, "rustbox_cleanup_total{outcome=\"success\"} 4\n", 1)); /* half a page proves nothing */
	assert_false(slo_take(&s, "rustbox_cleanup_total{outcome=\"success\"} nan\nrustbox_cleanup_total{outcome=\"failure\"} 1\n", 1));
	assert_true(slo_take(&s, page(0, 0, 0, 0), 1000));
	assert_false(slo_shown(&s).some);
	assert_true(slo_take(&s, page(99990, 10, 90000, 100000), 1015));
	struct slo_shown v = slo_shown(&s);
	near(v.success, 99.99);
	assert_false(v.low); /* exactly what is allowed */
	near(v.budget, 0);
	near(v.failing, 0.01);
	near(v.p95, 7.5);
	assert_true(slo_take(&s, page(99990, 30, 90000, 100020), 1030));
	v = slo_shown(&s);
	assert_true(v.low);
	assert_true(v.budget < -190 && v.budget > -200);
}

static void test_window_and_restart(void **state)
{
	(void)state;
	struct slo s = { 0 };
	for (unsigned i = 0; i < 100; i++) {
		assert_true(slo_take(&s, page(100 + i, 5, 100 + i, 105 + i), 1000 + 15 * i));
		assert_true(s.n <= SLO_SAMPLES);
	}
	assert_true(s.v[0].wall >= s.v[s.n - 1].wall - SLO_WINDOW_S);
	near(slo_shown(&s).failing, 0); /* the five are long ago */
	assert_true(slo_take(&s, page(1, 0, 1, 1), 3000)); /* another page: counters went back */
	assert_int_equal(s.n, 1);
	assert_true(slo_shown(&s).failing < 0);
}

struct heard {
	unsigned n, good;
	char text[300];
};

static void take(void *ctx, struct msg *m)
{
	struct heard *h = ctx;
	h->n++;
	h->good += m->text != NULL;
	snprintf(h->text, sizeof h->text, "%s", m->text ? m->text : m->note);
}

static int listener(char where[static 32])
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(listen(fd, 4), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	snprintf(where, 32, "127.0.0.1:%u", ntohs(a.sin_port));
	return fd;
}

/* Serves one question with these bytes, NULL: keeps silent; then time jumps past the deadline when told to. */
static struct heard asked(int fd, const char *where, const char *answer, uint64_t jump_ms)
{
	struct scrape s;
	struct err e = { 0 };
	struct heard h = { 0 };
	struct feed_sink sink = { take, &h };
	char request[512] = "";
	int c = -1;
	assert_int_equal(scrape_init(&s, where, &e), 0);
	scrape_tick(&s, 1000, sink);
	for (int i = 0; i < 1200 && !h.n; i++) {
		struct pollfd p[2] = { { .fd = s.poll, .events = POLLIN }, { .fd = c < 0 ? fd : -1, .events = POLLIN } };
		(void)poll(p, 2, 50);
		if (p[0].revents)
			scrape_ready(&s, 1010, sink);
		if (c < 0 && fd >= 0 && p[1].revents)
			c = accept(fd, NULL, NULL);
		if (c >= 0 && s.asked && answer && !request[0]) {
			assert_true(read(c, request, sizeof request - 1) > 0);
			assert_non_null(strstr(request, "GET /metrics HTTP/1.0\r\n"));
			assert_int_equal(write(c, answer, strlen(answer)), strlen(answer));
			assert_int_equal(shutdown(c, SHUT_WR), 0);
		}
		if (jump_ms && c >= 0)
			scrape_tick(&s, 1000 + jump_ms, sink);
	}
	assert_int_equal(h.n, 1);
	if (c >= 0)
		close(c);
	scrape_done(&s);
	return h;
}

static void test_questions(void **state)
{
	(void)state;
	char where[32];
	int fd = listener(where);
	struct heard h = asked(fd, where, "HTTP/1.0 200 OK\r\nContent-Type: x\r\n\r\nbody\n", 0);
	assert_int_equal(h.good, 1);
	assert_string_equal(h.text, "body\n");
	h = asked(fd, where, "HTTP/1.1 500 no\r\n\r\nbody\n", 0);
	assert_int_equal(h.good, 0);
	assert_non_null(strstr(h.text, "answers with an error"));
	h = asked(fd, where, "SSH-2.0-x\r\n", 0);
	assert_non_null(strstr(h.text, "speaks no HTTP"));
	h = asked(fd, where, NULL, SCRAPE_DEADLINE_MS); /* S13: it hangs */
	assert_non_null(strstr(h.text, "does not answer"));
	close(fd);
	h = asked(-1, where, NULL, 0);
	assert_non_null(strstr(h.text, "nobody listens"));
}

static void test_addresses(void **state)
{
	(void)state;
	static const char *const bad[] = { "", "x", "0", "70000", "localhost:9090", "1.2.3:4", "127.0.0.1:" };
	struct scrape s;
	struct err e = { 0 };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_not_equal(scrape_init(&s, bad[i], &e), 0);
		scrape_done(&s);
	}
	assert_int_equal(scrape_init(&s, "off", &e), 0);
	assert_int_equal(scrape_next_ms(&s, 5), -1);
	scrape_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_window_and_restart),
		cmocka_unit_test(test_questions),
		cmocka_unit_test(test_addresses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
