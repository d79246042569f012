/*
 * Each language with real programs: hello, input, a compile error, a runtime error, too long, too much memory. A
 * language whose tools are not on this host is skipped, and the reason is what rustbox itself says.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox/policy/languages.h"
#include "tests/harness/world.h"

enum use { HELLO, INPUT, MISSPELT, BROKEN, SPINNING, GREEDY, USES };

static const struct {
	const char *status, *cause, *step; /* cause NULL: any */
	const char *flags[4];
} uses[USES] = {
	[HELLO] = { "OK", "success", "run", { NULL } },
	[INPUT] = { "OK", "success", "run", { NULL } },
	[MISSPELT] = { "RE", "compile_error", "compile", { NULL } },
	[BROKEN] = { NULL, NULL, "run", { NULL } }, /* RE, or SIG where the language's errors are signals */
	[SPINNING] = { "TLE", NULL, "run", { "--time=1s", "--wall-time=60s", NULL } },
	[GREEDY] = { "MLE", NULL, "run", { "--mem=96M", "--time=20s", "--wall-time=60s", NULL } },
};

static const struct {
	const char *word, *says; /* what its compiler says of the misspelt program */
	const char *of[USES];
} languages[] = {
	{ "c", "nothing", { "#include <stdio.h>\nint main(void) { puts(\"hello\"); }",
		 "#include <stdio.h>\nint main(void) { int n; scanf(\"%d\", &n); printf(\"%d\\n\", 2 * n); }",
		 "int main(void) { return nothing; }", "#include <stdlib.h>\nint main(void) { abort(); }",
		 "int main(void) { for (volatile int i = 0;; i++); }",
		 "#include <stdlib.h>\n#include <string.h>\nint main(void) { for (;;) memset(malloc(1 << 20), 1, 1 << 20); }" } },
	{ "cpp", "cout", { "#include <iostream>\nint main() { std::cout << \"hello\\n\"; }",
		   "#include <iostream>\nint main() { int n; std::cin >> n; std::cout << 2 * n << \"\\n\"; }",
		   "int main() { std::cout << 1; }", "#include <stdexcept>\nint main() { throw std::runtime_error(\"no\"); }",
		   "int main() { for (volatile int i = 0;; i++); }",
		   "#include <vector>\nint main() { std::vector<std::vector<char>> v; for (;;) v.emplace_back(1 << 20, 1); }" } },
	{ "python", "SyntaxError", { "print('hello')", "print(2 * int(input()))", "def f(:\n", "raise ValueError('no')", "while True: pass",
		      "x = []\nwhile True: x.append(bytearray(1 << 20))" } },
	{ "java", "incompatible types", { "public class Main { public static void main(String[] a) { System.out.println(\"hello\"); } }",
		    "import java.util.*;\npublic class Main { public static void main(String[] a) { "
		    "System.out.println(2 * new Scanner(System.in).nextInt()); } }",
		    "public class Main { int x = \"text\"; }",
		    "public class Main { public static void main(String[] a) { throw new RuntimeException(\"no\"); } }",
		    "public class Main { public static void main(String[] a) { for (;;) ; } }",
		    "import java.util.*;\npublic class Main { public static void main(String[] a) { var v = new ArrayList<byte[]>(); "
		    "for (;;) { byte[] b = new byte[1 << 20]; Arrays.fill(b, (byte) 1); v.add(b); } } }" } },
	{ "javascript", "SyntaxError", { "console.log('hello')", "console.log(2 * require('fs').readFileSync(0))", "let let = 1;",
			  "throw new Error('no')", "for (;;);",
			  "const x = []; for (;;) x.push(Buffer.alloc(1 << 20, 1));" } },
	{ "typescript", "not assignable", { "console.log('hello')", "declare var require: any; console.log(2 * require('fs').readFileSync(0))",
			  "const n: number = 'text';", "throw new Error('no')", "for (;;);",
			  "const x: any[] = []; for (;;) x.push(new Uint8Array(1 << 20).fill(1));" } },
	{ "go", "undefined", { "package main\nimport \"fmt\"\nfunc main() { fmt.Println(\"hello\") }",
		  "package main\nimport \"fmt\"\nfunc main() { var n int; fmt.Scan(&n); fmt.Println(2 * n) }",
		  "package main\nfunc main() { x }", "package main\nfunc main() { panic(\"no\") }",
		  "package main\nfunc main() { for { } }",
		  "package main\nfunc main() { var v [][]byte; for { b := make([]byte, 1<<20); for i := range b { b[i] = 1 }; "
		  "v = append(v, b) } }" } },
	{ "rust", "mismatched types", { "fn main() { println!(\"hello\"); }",
		    "fn main() { let mut s = String::new(); std::io::stdin().read_line(&mut s).unwrap(); "
		    "println!(\"{}\", 2 * s.trim().parse::<i32>().unwrap()); }",
		    "fn main() { let x: i32 = \"text\"; }", "fn main() { panic!(\"no\"); }", "fn main() { loop { std::hint::spin_loop(); } }",
		    "fn main() { let mut v = Vec::new(); loop { v.push(vec![1u8; 1 << 20]); } }" } },
};
enum { LANGUAGES = sizeof languages / sizeof languages[0] };

/* Rust here is rustup's, closed to all but root: a configuration can open a toolchain to the boxes all the same. */
static void open_toolchain(const struct world *w)
{
	char dir[PATH_ROOM], file[PATH_ROOM + 16];
	glob_t found;
	if (glob("/root/.rustup/toolchains/stable-*", 0, NULL, &found) != 0)
		return;
	(void)snprintf(dir, sizeof dir, "%s/etc", w->root);
	(void)mkdir(dir, 0755);
	(void)snprintf(dir, sizeof dir, "%s/etc/rustbox", w->root);
	(void)mkdir(dir, 0755);
	(void)snprintf(file, sizeof file, "%s/config.json", dir);
	FILE *f = fopen(file, "we");
	assert_non_null(f);
	(void)fprintf(f, "{\"languages\": {\"rust\": {\"path\": [\"/usr/bin\", \"/opt/rust/bin\"], \"binds\": "
			 "[\"/opt/rust=%s\"], \"env\": [\"PATH=/usr/bin:/opt/rust/bin\"]}}}\n", found.gl_pathv[0]);
	assert_int_equal(fclose(f), 0);
	globfree(&found);
}

/* The toolchain itself, outside of any box: false, with what it said, when it can't make hello say hello here. */
static bool works(const struct world *w, size_t l, char *said, size_t cap)
{
	const struct language *row = &language_rows[l];
	char script[2048];
	struct ran r;
	assert_string_equal(row->word, languages[l].word);
	(void)snprintf(script, sizeof script, "mkdir -p probe && cd probe && printf '%%s' \"$1\" >%s && export "
		       "PATH=%s:$(echo /root/.rustup/toolchains/stable-*/bin) && %s && %s", row->file, row->path, row->compile, row->run);
	for (char *mem; (mem = strstr(script, "{mem}"));)
		memcpy(mem, "00256", 5);
	world_call(w, &r, 60, "/bin/sh", "-c", script, "sh", languages[l].of[HELLO]);
	bool good = r.code == 0 && strcmp(r.out, "hello\n") == 0;
	(void)snprintf(said, cap, "%.*s", (int)strcspn(r.err, "\n"), r.err);
	ran_done(&r);
	return good;
}

static void run_it(const struct world *w, size_t l, enum use use, struct ran *ran)
{
	const char *argv[16] = { "rustbox", "execute-code", "--json", "-", "--language", languages[l].word, "--code",
				 languages[l].of[use] };
	size_t n = 8;
	for (size_t i = 0; uses[use].flags[i]; i++)
		argv[n++] = uses[use].flags[i];
	world_run(w, ran, 60, use == INPUT ? "21\n" : NULL, argv);
}

static void expect(const json_t *j, const char *path, const char *value, const struct ran *ran)
{
	char buf[512];
	if (strcmp(json_at(j, path, buf, sizeof buf), value) != 0)
		fail_msg("%s is '%s', not '%s': %.1500s", path, buf, value, ran->out);
}

/* A runtime error is one exit status or signal of its own, and nothing about limits. */
static void expect_broken(const json_t *j, const struct ran *ran)
{
	char buf[64];
	const char *status = json_at(j, "status", buf, sizeof buf);
	if (strcmp(status, "RE") != 0 && strcmp(status, "SIG") != 0)
		fail_msg("status '%s': %.1500s", status, ran->out);
}

static void test_use(void **state)
{
	size_t row = (size_t)(uintptr_t)*state, l = row / USES;
	enum use use = (enum use)(row % USES);
	struct world w;
	struct ran ran;
	char out[4096];
	if (world_lacking())
		skip();
	world_open(&w, WORLD_SHARED);
	assert_int_equal(chdir(w.root), 0);
	if (strcmp(languages[l].word, "rust") == 0)
		open_toolchain(&w);
	run_it(&w, l, use, &ran);
	bool missing = ran.code == 3 && strstr(ran.err, "no compiler or interpreter");
	if (missing) {
		print_message("skipped: %s", ran.err);
	} else if (!works(&w, l, out, sizeof out)) {
		print_message("skipped: on this host %s works outside of a box no better: %s\n", languages[l].word, out);
		missing = true;
	} else {
		json_t *j = ran_json(&ran);
		if (!j)
			fail_msg("no result: %s %s", ran.out, ran.err);
		if (use == BROKEN)
			expect_broken(j, &ran);
		else
			expect(j, "status", uses[use].status, &ran);
		if (uses[use].cause)
			expect(j, "verdict.cause", uses[use].cause, &ran);
		expect(j, "step", uses[use].step, &ran);
		expect(j, "cleanup.outcome", "clean", &ran);
		(void)json_at(j, "output.stdout", out, sizeof out);
		if (use == INPUT)
			assert_string_equal(out, "42\n");
		if (use == HELLO)
			assert_string_equal(out, "hello\n");
		if (use == MISSPELT && !strstr(out, languages[l].says) &&
		    !strstr(json_at(j, "output.stderr", out, sizeof out), languages[l].says))
			fail_msg("the compiler does not say '%s': %.1500s", languages[l].says, ran.out);
		json_decref(j);
	}
	ran_done(&ran);
	assert_int_equal(chdir("/"), 0);
	bool clean = world_clean_within(&w, 1);
	assert_true(world_done(&w) && clean);
	if (missing)
		skip();
}

int main(void)
{
	struct CMUnitTest tests[LANGUAGES * USES];
	static const char *const words[USES] = { "hello", "input", "compile error", "runtime error", "time", "memory" };
	static char names[LANGUAGES * USES][48];
	for (size_t i = 0; i < LANGUAGES * USES; i++) {
		(void)snprintf(names[i], sizeof names[i], "%s: %s", languages[i / USES].word, words[i % USES]);
		tests[i] = (struct CMUnitTest){ .name = names[i], .test_func = test_use, .initial_state = (void *)(uintptr_t)i };
	}
	world_alone();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
