"""Runs a program on a terminal of its own and leaves it as a user would.

    terminal.py TEXT LEAVE PROGRAM ARGUMENT...

Once the program has written TEXT, it gets LEAVE: the name of a signal, or keys as Python would
write them. What became of program and terminal is told as a JSON object.
"""

import ast
import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time

PATIENCE = 20.0


def main():
    text, leave, *command = sys.argv[1:]
    master, slave = pty.openpty()
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    before = termios.tcgetattr(slave)

    def take_terminal():
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    environment = dict(os.environ, TERM="xterm-256color")
    program = subprocess.Popen(
        command, stdin=slave, stdout=slave, stderr=slave,
        preexec_fn=take_terminal, env=environment)
    deadline = time.monotonic() + PATIENCE
    written = b""
    during = None
    while program.poll() is None and time.monotonic() < deadline:
        if select.select([master], [], [], 0.02)[0]:
            written += os.read(master, 65536)
        if during is None and text.encode() in written:
            during = termios.tcgetattr(slave)
            if leave.startswith("SIG"):
                program.send_signal(getattr(signal, leave))
            else:
                os.write(master, ast.literal_eval('b"%s"' % leave))
    if program.poll() is None:
        program.kill()
        program.wait()
    while select.select([master], [], [], 0)[0]:
        written += os.read(master, 65536)
    print(json.dumps({
        "status": program.returncode,
        "seen": during is not None,
        "raw": during is not None and not during[3] & (termios.ICANON | termios.ECHO),
        "restored": termios.tcgetattr(slave) == before,
        "entered": written.count(b"\x1b[?1049h"),
        "left": written.count(b"\x1b[?1049l"),
        "written": written.decode(errors="replace"),
        "cursor": written.rfind(b"\x1b[?25h") > written.rfind(b"\x1b[?25l"),
    }), flush=True)


main()
