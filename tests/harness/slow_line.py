"""A terminal behind a slow line: slow_line.py BYTES_PER_SECOND ONE_WAY_SECONDS PROGRAM [ARG...]

What the program writes is taken from it no faster than the line carries it, so its own terminal fills up as one
behind ssh would, and arrives that much later; keys take the same way back. Its exit status is the program's.
"""
import fcntl, os, pty, select, struct, sys, termios, time, tty

rate, delay = float(sys.argv[1]), float(sys.argv[2])
pid, inner = pty.fork()
if pid == 0:
    os.execv(sys.argv[3], sys.argv[3:])
fcntl.ioctl(inner, termios.TIOCSWINSZ, fcntl.ioctl(0, termios.TIOCGWINSZ, bytes(8)))
before = termios.tcgetattr(0)
tty.setraw(0)
out, keys, free_at, alive = [], [], 0.0, True
while alive or out:
    now = time.monotonic()
    while out and out[0][0] <= now:
        os.write(1, out.pop(0)[1])
    while keys and keys[0][0] <= now:
        os.write(inner, keys.pop(0)[1])
    due = [q[0][0] for q in (out, keys) if q] + ([free_at] if free_at > now else [])
    listen = [0] + ([inner] if alive and free_at <= now else [])
    ready = select.select(listen, [], [], max(0.0, min(due) - now) if due else 1.0)[0]
    now = time.monotonic()
    if inner in ready:
        try:
            got = os.read(inner, 96)
        except OSError:
            got = b""
        alive = bool(got)
        free_at = now + len(got) / rate
        out.append((free_at + delay, got))
    if 0 in ready:
        got = os.read(0, 1024)
        if not got:
            break
        if alive:
            keys.append((now + delay, got))
termios.tcsetattr(0, termios.TCSANOW, before)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) & 255)
