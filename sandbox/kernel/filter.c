/* Rules → runs → search tree → BPF; see filter.h. The layout of seccomp_data is in seccomp(2). */
#include "sandbox/kernel/filter.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdbool.h>

enum { JUMP_MAX = 255 };

/* All numbers from `first` up to the next run's first get this answer. */
struct run {
	uint32_t first, ret;
	const struct syscall_rule *conditional; /* then ret is not used */
};

enum { ANSWERS = 8 };

/* Filled from its end: when a jump is written, what it leads to is there. The few different answers are written once and
 * shared, because the kernel takes its time for each instruction when the program is loaded. */
struct code {
	struct sock_filter *v;
	size_t at; /* the first instruction so far */
	struct {
		uint32_t ret;
		size_t at;
	} answers[ANSWERS];
	size_t nanswers;
};

static size_t emit(struct code *c, uint16_t op, uint32_t k, size_t yes, size_t no)
{
	c->v[--c->at] = (struct sock_filter){ .code = op, .jt = (uint8_t)yes, .jf = (uint8_t)no, .k = k };
	return c->at;
}

static bool near_enough(const struct code *c, size_t target)
{
	return target - c->at <= JUMP_MAX - SYSCALL_VALUES - 8; /* some instructions come between */
}

/* What a conditional jump of the next few instructions can lead to: `target`, or a long jump to it from here. */
static size_t near(struct code *c, size_t target)
{
	return near_enough(c, target) ? target : emit(c, BPF_JMP | BPF_JA, (uint32_t)(target - c->at), 0, 0);
}

static size_t emit_ret(struct code *c, uint32_t ret)
{
	size_t i = 0;
	while (i < c->nanswers && c->answers[i].ret != ret)
		i++;
	if (i < c->nanswers && near_enough(c, c->answers[i].at))
		return c->answers[i].at;
	size_t at = emit(c, BPF_RET | BPF_K, ret, 0, 0);
	if (i < ANSWERS) {
		c->answers[i].ret = ret;
		c->answers[i].at = at;
		c->nanswers += i == c->nanswers;
	}
	return at;
}

static size_t emit_load(struct code *c, size_t offset)
{
	return emit(c, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

/* Little endian: the low half of args[i] comes first. */
static size_t emit_load_arg(struct code *c, unsigned arg, bool high)
{
	return emit_load(c, offsetof(struct seccomp_data, args) + 8u * arg + (high ? 4u : 0u));
}

/* Both halves of a pointer. */
static size_t emit_null(struct code *c, unsigned arg, size_t hit, size_t miss)
{
	(void)emit(c, BPF_JMP | BPF_JEQ | BPF_K, 0, hit - c->at, miss - c->at);
	(void)emit_load_arg(c, arg, true);
	(void)emit(c, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, miss - c->at);
	return emit_load_arg(c, arg, false);
}

/* Only the low half is compared, as the kernel does. To be read from its end: load, mask, compare with each value. */
static size_t emit_condition(struct code *c, const struct syscall_rule *rule)
{
	const struct syscall_condition *w = rule->when;
	size_t hit = emit_ret(c, rule->ret), miss = emit_ret(c, rule->otherwise);
	size_t next = w->null ? emit_null(c, w->null, hit, miss) : miss;
	for (size_t i = w->nvalues; i-- > 0;)
		next = emit(c, BPF_JMP | BPF_JEQ | BPF_K, w->values[i], hit - c->at, next - c->at);
	if (w->mask != UINT32_MAX)
		(void)emit(c, BPF_ALU | BPF_AND | BPF_K, w->mask, 0, 0);
	return emit_load_arg(c, w->arg, false);
}

/* Returns where the tree begins. */
static size_t emit_tree(struct code *c, const struct run *runs, size_t n)
{
	if (n == 1)
		return runs->conditional ? emit_condition(c, runs->conditional) : emit_ret(c, runs->ret);
	size_t half = n / 2;
	size_t above = emit_tree(c, runs + half, n - half), below = emit_tree(c, runs, half);
	above = near(c, above);
	below = near(c, below);
	return emit(c, BPF_JMP | BPF_JGE | BPF_K, runs[half].first, above - c->at, below - c->at);
}

static void add_run(struct run *runs, size_t *n, uint32_t first, uint32_t ret, const struct syscall_rule *conditional)
{
	struct run *last = *n ? &runs[*n - 1] : NULL;
	if (last && !conditional && !last->conditional && last->ret == ret)
		return;
	runs[(*n)++] = (struct run){ .first = first, .ret = ret, .conditional = conditional };
}

static size_t cut(const struct syscall_rule *rules, size_t n, struct run *runs)
{
	size_t out = 0;
	uint32_t next = 0;
	for (size_t i = 0; i < n; i++) {
		uint32_t nr = (uint32_t)rules[i].nr;
		if (nr > next)
			add_run(runs, &out, next, SECCOMP_RET_KILL_PROCESS, NULL);
		add_run(runs, &out, nr, rules[i].ret, rules[i].when ? &rules[i] : NULL);
		next = nr + 1;
	}
	add_run(runs, &out, next, SECCOMP_RET_KILL_PROCESS, NULL);
	return out;
}

static void emit_all(struct code *c, const struct run *runs, size_t n)
{
	size_t tree = emit_tree(c, runs, n);
	if (tree != c->at) /* one answer for all numbers, written long before */
		(void)emit(c, BPF_JMP | BPF_JA, (uint32_t)(tree - c->at), 0, 0);
	(void)emit_load(c, offsetof(struct seccomp_data, nr));
	(void)emit(c, BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, 0, 0);
	(void)emit(c, BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
	(void)emit_load(c, offsetof(struct seccomp_data, arch));
}

/* At most: the head, and between any two runs a jump and two long ones; each run's own answers and comparisons. */
static size_t length_at_most(const struct run *runs, size_t n)
{
	size_t length = 5 + 3 * n;
	for (size_t i = 0; i < n; i++)
		length += runs[i].conditional ? 8u + runs[i].conditional->when->nvalues : 1u;
	return length;
}

static bool well_formed(const struct syscall_rule *rules, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct syscall_condition *w = rules[i].when;
		if (rules[i].nr < 0 || (i && rules[i].nr <= rules[i - 1].nr))
			return false;
		if (w && (w->arg > 5 || w->null > 5 || w->nvalues == 0 || w->nvalues > SYSCALL_VALUES))
			return false;
	}
	return true;
}

int filter_compile(const struct syscall_rule *rules, size_t n, struct arena *a, struct sock_fprog *ret, struct err *e)
{
	if (!well_formed(rules, n))
		return err_say(e, EINVAL, "the system call table is not sorted, or a condition in it is malformed");
	struct run *runs = arena_alloc(a, (2 * n + 1) * sizeof *runs);
	size_t nruns = cut(rules, n, runs);
	size_t room = length_at_most(runs, nruns);
	struct code code = { .v = arena_alloc(a, room * sizeof *code.v), .at = room };
	emit_all(&code, runs, nruns);
	if (room - code.at > BPF_MAXINSNS)
		return err_say(e, E2BIG, "the system call filter has %zu instructions, the kernel takes %d", room - code.at,
			       BPF_MAXINSNS);
	*ret = (struct sock_fprog){ .len = (unsigned short)(room - code.at), .filter = code.v + code.at };
	return 0;
}
