/*
 * The real console in a real pseudo-terminal, seen through a terminal emulator (libvterm): keys go in,
 * a grid of cells comes out, and every byte on the way is kept. Waiting is for something on the screen
 * or for the program's end, with a deadline, never for a time to pass.
 */
#ifndef TESTS_HARNESS_PTY_H
#define TESTS_HARNESS_PTY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <termios.h>

struct pty;

struct pty_how {
	const char *const *argv; /* NULL: the console; a first word starting with "rustbox" is taken from the build */
	const char *root;	 /* RUSTBOX_ROOT, or NULL */
	const char *term;	 /* TERM; NULL: xterm-256color; "": unset */
	const char *const *env;	 /* more "NAME=value", NULL-terminated, or NULL */
	int rows, cols;		 /* 0: 24 x 80 */
	void (*tap)(void *arg, const char *bytes, size_t n); /* sees the program's bytes as they come, or NULL */
	void *tap_arg;
};

struct pty *pty_start(const struct pty_how *how);
/* Kills what still runs, whole session; closes. */
void pty_done(struct pty *p);

pid_t pty_pid(const struct pty *p);	      /* the started program: for the console, its guard */
pid_t pty_console(const struct pty *p);	      /* the guard's child, 0 when there is none */
void pty_send(struct pty *p, const char *bytes);
void pty_send_bytes(struct pty *p, const char *bytes, size_t n);
void pty_resize(struct pty *p, int rows, int cols);

/* Until the text is (is no more) on the screen; false after `seconds`, with the screen on stderr. */
bool pty_wait(struct pty *p, const char *text, double seconds);
bool pty_wait_gone(struct pty *p, const char *text, double seconds);
bool pty_wait_either(struct pty *p, const char *one, const char *other, double seconds);
/* Until the text is in this row. */
bool pty_wait_in(struct pty *p, int row, const char *text, double seconds);
bool pty_wait_gone_in(struct pty *p, int row, const char *text, double seconds);
/* Until everything written so far holds the bytes so often. */
bool pty_wait_written(struct pty *p, const char *bytes, int times, double seconds);
/* Until the program has said nothing for `quiet` seconds, at most `most`. */
void pty_settle(struct pty *p, double quiet, double most);
/* Until it has ended; its status as the shell counts (128 + signal), or -1 after `seconds`. */
int pty_wait_exit(struct pty *p, double seconds);
/* Until a byte comes; the seconds it took, or -1. */
double pty_wait_byte(struct pty *p, double seconds);

bool pty_shows(struct pty *p, const char *text);
bool pty_find(struct pty *p, const char *text, int *row, int *col);
const char *pty_row(struct pty *p, int row);  /* its text in UTF-8, valid until the next call */
const char *pty_screen(struct pty *p);	      /* all rows, with newlines */

struct pty_look {
	uint32_t ch;
	bool bold, reverse, underline, coloured; /* coloured: not the default foreground or background */
};
struct pty_look pty_cell(struct pty *p, int row, int col);

struct pty_modes {
	bool alternate, cursor, mouse, paste;
};
struct pty_modes pty_modes(struct pty *p);
void pty_termios(const struct pty *p, struct termios *ret); /* as the shell would find them */

size_t pty_bytes(const struct pty *p); /* everything the program wrote so far */
const char *pty_log(const struct pty *p);
/* A program of the build: "<build>/<name>". */
void pty_program(const char *name, char *out, size_t cap);

#endif
