/* What shoot.c and recorder.c share: where a scene happens, and the list of what happened in it. */
#ifndef TESTS_SCREENSHOTS_SHOOT_H
#define TESTS_SCREENSHOTS_SHOOT_H

/* The same paths every time, and short ones: they are in the pictures. /srv is a file system of the scene's own. */
#define SHOOT_ROOT "/srv/w"
#define SHOOT_BIN "/tmp/rbt-shots.bin"

/* Makes SHOOT_BIN: the console, and the recorder under the names of the programs the console starts. -1 with errno. */
int shoot_prepare(void);
/* One more thing that happened, now, in the words of tui/script.h. */
void shoot_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* As `me` (rustbox or rustbox-probe): runs the real one, passes on and writes down what it prints. The exit status. */
int shoot_record(const char *me, char **argv);
/* What happened, as a key script with the waits between. 0 or -1 with errno. */
int shoot_script(const char *scene, const char *path);

#endif
