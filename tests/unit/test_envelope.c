/* The envelope: SHA-256 by the standard's own vectors, equal for equal wishes, different for each difference. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "sandbox/box/spec.h"
#include "probes/base/sha256.h"

static void sha256_is_sha256(void **state)
{
	/* FIPS 180-4 examples, and the lengths around the padding's edges (checked with sha256sum). */
	static const struct {
		const char *text, *hex;
	} cases[] = {
		{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	};
	static char million[1000000];
	char hex[65];
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		sha256_hex(cases[i].text, strlen(cases[i].text), hex);
		assert_string_equal(hex, cases[i].hex);
	}
	memset(million, 'a', sizeof million);
	sha256_hex(million, sizeof million, hex);
	assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	sha256_hex(million, 55, hex);
	assert_string_equal(hex, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318");
	sha256_hex(million, 56, hex);
	assert_string_equal(hex, "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a");
	sha256_hex(million, 64, hex);
	assert_string_equal(hex, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb");
}

static struct spec base(char **argv)
{
	struct spec s;
	spec_init(&s, NULL);
	s.argv = argv;
	return s;
}

static void equal_wishes_have_equal_envelopes(void **state)
{
	char *argv[] = { (char[]){ "/bin/true" }, NULL };
	struct spec one = base(argv), two = base(argv);
	char a[65], b[65];
	(void)state;
	/* What the box is called and where the output goes is not an input. */
	two.box = "x";
	two.capture = true;
	two.stdout_file = "/tmp/out";
	spec_envelope(&one, a);
	spec_envelope(&two, b);
	assert_int_equal(strlen(a), 64);
	assert_string_equal(a, b);
}

static void each_difference_shows(void **state)
{
	autoarena struct arena arena = { 0 };
	char *argv[] = { (char[]){ "/bin/true" }, NULL }, *other[] = { (char[]){ "/bin/true" }, (char[]){ "" }, NULL };
	struct spec s[10];
	char hex[10][65];
	struct err e;
	(void)state;
	for (int i = 0; i < 10; i++)
		s[i] = base(argv);
	s[1].argv = other;
	s[2].limits.of[LIMIT_TIME] += 1;
	s[3].permissive = true;
	s[4].chdir = "/x";
	s[5].stdin_text = "";
	assert_int_equal(spec_add_env(&s[6], &arena, "A=b", NULL, &e), 0);
	assert_int_equal(spec_add_bind(&s[7], &arena, "/a=/b", &e), 0);
	assert_int_equal(spec_add_bind(&s[8], &arena, "/a=/b:rw", &e), 0);
	s[9].force_v1 = true;
	for (int i = 0; i < 10; i++) {
		spec_envelope(&s[i], hex[i]);
		for (int j = 0; j < i; j++)
			assert_string_not_equal(hex[i], hex[j]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha256_is_sha256),
		cmocka_unit_test(equal_wishes_have_equal_envelopes),
		cmocka_unit_test(each_difference_shows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
