#!/usr/bin/env python3
"""Drives the Python package cable_car for the Rust tests.

    peer.py client ADDR PORT     DirectClient, then a Messenger over its socket
    peer.py server PORT          DirectServer, then a Messenger over its socket
    peer.py broadcast            BroadcastConnector, a Messenger for every connection

Commands come as JSON lines on stdin, events go as JSON lines to stdout; `tests/src/python.rs` lists
both. The program ends with stdin, after `--for` seconds, or by the command `quit`.
"""

import argparse
import json
import logging
import os
import queue
import select
import socket
import sys
import threading
import time

from cable_car.broadcast_connector import BroadcastConnector
from cable_car.direct_connect import DirectClient, DirectServer
from cable_car.messenger import Messenger

sys.dont_write_bytecode = True
from transports import ByteTransport, JsonTransport  # noqa: E402

# Messages a bulk command puts into the write buffer between two transfers.
BULK_STEP = 200
# Waits of the main loop: while there is traffic, and after a while without.
BUSY_WAIT, IDLE_WAIT, IDLE_AFTER = 0.001, 0.01, 0.25

_out_lock = threading.Lock()


def emit(event, **fields):
    """Writes one event, from whichever thread."""
    line = json.dumps({"event": event, **fields}, allow_nan=False)
    with _out_lock:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


class LogEvents(logging.Handler):
    """What the package logs (lines that it can not read, for one), as events; repeats are left out."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.last = None

    def emit(self, record):
        text = record.getMessage()
        if text != self.last:
            self.last = text
            emit("log", level=record.levelname, text=text)


class Connection:
    """One socket and the Messenger over it."""

    def __init__(self, number, sock, options):
        self.number = number
        self.sock = sock
        self.messenger = Messenger(sock, options.transport)
        self.received = self.sent = 0
        self.bulk = None
        self.paused = self.ended = self.closed = False
        self.last_error = None

    def send(self, message):
        self.messenger.send(message)
        self.sent += 1

    def at_end(self):
        """Whether the other side has closed, which the package itself does not notice."""
        try:
            return self.sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except (BlockingIOError, InterruptedError):
            return False
        except (OSError, ValueError):
            return True


class Peer:
    """The main loop: commands, connections, transfers."""

    def __init__(self, options, transport):
        self.options = options
        self.transport = transport
        self.connector = None
        self.connections = []
        self.echo = options.echo
        self.quiet = options.quiet
        self.inbox = queue.Queue()
        self.settled = threading.Event()  # a connection, or the end of the attempt
        self.stopped = False
        self.wake_out, self.wake_in = os.pipe()
        os.set_blocking(self.wake_in, False)

    def post(self, kind, value=None):
        """Hands something to the main loop, from whichever thread."""
        self.inbox.put((kind, value))
        if kind in ("socket", "stopped"):
            self.stopped = self.stopped or kind == "stopped"
            self.settled.set()
        try:
            os.write(self.wake_in, b"x")
        except BlockingIOError:
            pass

    def run(self):
        deadline = time.monotonic() + self.options.seconds
        last_traffic = time.monotonic()
        while time.monotonic() < deadline:
            idle = time.monotonic() - last_traffic > IDLE_AFTER
            readable = self.wait(IDLE_WAIT if idle else BUSY_WAIT)
            if self.wake_out in readable:
                os.read(self.wake_out, 4096)
            while not self.inbox.empty():
                kind, value = self.inbox.get()
                last_traffic = time.monotonic()
                if kind == "quit":
                    return
                self.handle(kind, value)
            for connection in self.connections:
                if self.transfer(connection, connection.sock in readable):
                    last_traffic = time.monotonic()
        emit("error", text="the time given by --for is over")

    def wait(self, seconds):
        live = [c for c in self.connections if not (c.paused or c.ended or c.closed)]
        if any(c.bulk for c in live):
            seconds = 0
        return select.select([self.wake_out] + [c.sock for c in live], [], [], seconds)[0]

    def handle(self, kind, value):
        try:
            if kind == "socket":
                self.connected(value)
            elif kind == "stopped":
                emit("stopped", addresses=value)
            else:
                self.command(value)
        except Exception as error:  # whatever the package raises is what a test wants to see
            cmd = {"cmd": value["cmd"]} if kind == "command" else {}
            emit("error", text=repr(error), **cmd)

    def connected(self, sock):
        if not isinstance(sock, socket.socket):
            return
        connection = Connection(len(self.connections), sock, self.options)
        self.connections.append(connection)
        local, remote = sock.getsockname(), sock.getpeername()
        emit(
            "connected",
            conn=connection.number,
            local="%s:%d" % local,
            remote="%s:%d" % remote,
            ip=remote[0],
            port=remote[1],
        )
        if self.options.once and self.connector is not None:
            self.connector.stop_broadcasting()

    def command(self, command):
        cmd, chosen = command["cmd"], self.chosen(command.get("conn"))
        if cmd == "send":
            for connection in chosen:
                connection.send(self.transport.build(command))
        elif cmd == "bulk":
            for connection in chosen:
                connection.bulk = self.transport.numbered(command)
        elif cmd == "register":
            self.transport.register(command)
        elif cmd == "echo":
            self.echo = command.get("on", True)
        elif cmd == "quiet":
            self.quiet = command.get("on", True)
        elif cmd in ("pause", "resume"):
            for connection in chosen:
                connection.paused = cmd == "pause"
        elif cmd in ("close", "shutdown"):
            for connection in chosen:
                connection.paused = False
                getattr(connection.messenger, cmd)()
        elif cmd == "count":
            for c in chosen:
                emit("count", conn=c.number, received=c.received, sent=c.sent)
        elif cmd == "addresses":
            sockets = {
                ip: "%s:%d" % s.getsockname() + " %s:%d" % s.getpeername()
                for ip, s in dict(self.connector.sockets).items()
            }
            emit("addresses", addresses=list(self.connector.addresses()), sockets=sockets)
        elif cmd == "stop":
            if self.options.mode == "broadcast":
                self.connector.stop_broadcasting()
            else:
                self.connector.cancel()
        else:
            raise ValueError("unknown command")

    def chosen(self, number):
        if number is None:
            return [c for c in self.connections if not c.closed]
        return [self.connections[number]]

    def transfer(self, connection, readable):
        """One step of a connection; whether there was traffic."""
        if connection.closed or connection.paused:
            return False
        if readable and not connection.ended and connection.at_end():
            connection.ended = True
            emit("eof", conn=connection.number)
        for _ in range(BULK_STEP if connection.bulk else 0):
            message = next(connection.bulk, None)
            if message is None:
                connection.bulk = None
                emit("bulk_sent", conn=connection.number, sent=connection.sent)
                break
            connection.send(message)
        busy = readable or connection.bulk is not None
        if not connection.messenger.closed:
            try:
                connection.messenger.xfer()
                while (message := connection.messenger.get()) is not None:
                    busy = True
                    self.received(connection, message)
            except Exception as error:  # the package leaves the culprit in its buffer: it comes again
                if repr(error) != connection.last_error:
                    connection.last_error = repr(error)
                    emit("error", conn=connection.number, text=repr(error))
        if connection.messenger.closed:
            connection.closed = True
            emit("closed", conn=connection.number)
        return busy

    def received(self, connection, message):
        connection.received += 1
        if self.echo:
            connection.send(message)
        if not self.quiet:
            emit("message", conn=connection.number, **self.transport.describe(message))


def is_open(protocol, port):
    """Whether a local IPv4 socket listens (tcp) or is bound (udp) there; None where nobody can tell."""
    try:
        with open("/proc/net/" + protocol) as table:
            rows = [line.split() for line in table][1:]
    except OSError:
        return None
    end, state = ":%04X" % port, {"tcp": "0A", "udp": "07"}[protocol]
    return any(row[1].endswith(end) and row[3] == state for row in rows)


def wait_open(peer, ports, seconds=10.0):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if peer.settled.is_set():
            return True
        states = [is_open(protocol, port) for protocol, port in ports]
        if all(state is None for state in states):
            time.sleep(0.3)
            return True
        if all(states):
            return True
        time.sleep(0.005)
    return False


def connect_directly(peer, options):
    if options.mode == "client":
        connector, ports = DirectClient(options.port, options.address), []
        if options.connect_timeout is not None:
            connector.tcp_connect_timeout = options.connect_timeout
    else:
        connector, ports = DirectServer(options.port, options.bind), [("tcp", options.port)]
    if options.timeout is not None:
        connector.timeout = options.timeout
    peer.connector = connector

    def connect():
        try:
            connector.connect()
            connector.socket.getpeername()
        except Exception as error:
            emit("error", text=repr(error))
            peer.post("stopped", [])
        else:
            peer.post("socket", connector.socket)

    threading.Thread(target=connect, daemon=True).start()
    return ports


def connect_by_broadcast(peer, options):
    connector = peer.connector = BroadcastConnector()
    if options.local_ip is not None:
        connector.local_ip = options.local_ip
    connector.udp_port = options.udp_port
    connector.tcp_port = options.tcp_port
    connector.broadcast_interval = options.interval
    connector.allow_loopback = options.loopback
    if options.timeout is not None:
        connector.timeout = options.timeout
    if options.connect_timeout is not None:
        connector.tcp_connect_timeout = options.connect_timeout
    connector.on_connect_function = lambda sock: peer.post("socket", sock)

    def connect():
        try:
            connector.connect()
        except Exception as error:
            emit("error", text=repr(error))
        peer.post("stopped", list(connector.addresses()))

    threading.Thread(target=connect, daemon=True).start()
    return [("tcp", options.tcp_port), ("udp", options.udp_port)]


def read_commands(peer):
    for line in sys.stdin:
        if line.strip():
            try:
                command = json.loads(line)
            except ValueError as error:
                emit("error", text=repr(error))
                continue
            peer.post("quit" if command["cmd"] == "quit" else "command", command)
    peer.post("quit")


def arguments():
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--transport", choices=("byte", "json"), default="json")
    common.add_argument("--echo", action="store_true", help="send every message back")
    common.add_argument("--quiet", action="store_true", help="no message events, only counts")
    common.add_argument("--once", action="store_true", help="one connection, then stop looking")
    common.add_argument("--timeout", type=float, help="the connector's own timeout")
    common.add_argument("--connect-timeout", type=float, help="its tcp_connect_timeout")
    common.add_argument("--for", type=float, default=60.0, dest="seconds", help="live so long")
    parser = argparse.ArgumentParser(description="cable_car, driven by JSON lines")
    modes = parser.add_subparsers(dest="mode", required=True)
    client = modes.add_parser("client", parents=[common])
    client.add_argument("address")
    client.add_argument("port", type=int)
    server = modes.add_parser("server", parents=[common])
    server.add_argument("port", type=int)
    server.add_argument("--bind", default="127.0.0.1", help="0.0.0.0 for any interface")
    broadcast = modes.add_parser("broadcast", parents=[common])
    broadcast.add_argument("--udp-port", type=int, default=8222)
    broadcast.add_argument("--tcp-port", type=int, default=8223)
    broadcast.add_argument("--interval", type=float, default=1.0)
    broadcast.add_argument("--loopback", action="store_true")
    broadcast.add_argument("--local-ip")
    return parser.parse_args()


def main():
    options = arguments()
    logging.getLogger().addHandler(LogEvents())
    transport = ByteTransport() if options.transport == "byte" else JsonTransport()
    peer = Peer(options, transport)
    threading.Thread(target=read_commands, args=(peer,), daemon=True).start()
    start = connect_by_broadcast if options.mode == "broadcast" else connect_directly
    if not wait_open(peer, start(peer, options)):
        emit("error", text="the ports did not open")
    elif not peer.stopped:
        emit("ready")
    peer.run()


if __name__ == "__main__":
    try:
        main()
    finally:
        sys.stdout.flush()
        os._exit(0)  # the package's own threads do not end with the main one
