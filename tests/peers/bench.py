"""The Python package's part of the benchmarks: one job, given and answered in JSON as
`tests/src/bin/bench/job.rs` has them.

The package does not notice the end of a connection: a message of another class is the last one,
and is answered.
"""

import json
import socket
import struct
import sys
import time

from cable_car import byte_messages, json_messages
from cable_car.messenger import Messenger

BLOCK = 1000


class ByteSample(byte_messages.Message):
    code = 0x10

    def __init__(self, number=0):
        self.number = number

    def encode(self):
        x = (self.number + 2**31) % 2**32 - 2**31
        return struct.pack(">Qii", self.number, x, ~x)

    def decode(self, msg_data):
        self.number, x, y = struct.unpack(">Qii", msg_data)
        assert y == ~x

    def is_number(self, number):
        return self.number == number


class MsgSample(json_messages.Message):
    def is_number(self, number):
        return self.number == number + 100_000_000 and self.label == "abcdefgh"

    @staticmethod
    def numbered(number):
        number += 100_000_000
        return MsgSample(number=number, x=-1000 - number % 8192, label="abcdefgh")


def answer(name, value):
    print(json.dumps({name: value}), flush=True)


def listen():
    listener = socket.create_server(("127.0.0.1", 0))
    answer("Port", listener.getsockname()[1])
    return listener.accept()[0]


class Bench:
    def __init__(self, job, sock, transport):
        self.job = job
        self.messenger = Messenger(sock, transport=transport.lower())
        if transport == "Byte":
            ByteSample.register()
            byte_messages.MsgQuit.register()
            self.numbered, self.sample, self.last = ByteSample, ByteSample, byte_messages.MsgQuit
        else:
            MsgSample.register()
            json_messages.MsgQuit.register()
            self.numbered, self.sample = MsgSample.numbered, MsgSample
            self.last = json_messages.MsgQuit

    def until(self):
        span = self.job["span"]
        return time.monotonic() + span["secs"] + span["nanos"] / 1e9

    def send(self, flush):
        messenger, number, until = self.messenger, 0, self.until()
        while time.monotonic() < until:
            for _ in range(BLOCK // flush):
                for _ in range(flush):
                    messenger.send(self.numbered(number))
                    number += 1
                messenger.xfer()
        messenger.send(self.last())
        self.await_last()
        answer("Sent", number)

    def await_last(self):
        while True:
            self.messenger.xfer()
            if isinstance(self.messenger.get(), self.last):
                return

    def receive(self):
        messenger, received, first = self.messenger, 0, None
        while True:
            messenger.xfer()
            while message := messenger.get():
                first = first or time.monotonic()
                if isinstance(message, self.last):
                    taken = time.monotonic() - first
                    messenger.send(message)
                    messenger.xfer()
                    answer("Done", {"received": received, "values": [received / taken]})
                    return
                assert message.is_number(received), vars(message)
                received += 1

    def echo(self):
        messenger, echoed = self.messenger, 0
        while True:
            messenger.xfer()
            while message := messenger.get():
                messenger.send(message)
                messenger.xfer()
                if isinstance(message, self.last):
                    answer("Sent", echoed)
                    return
                assert message.is_number(echoed), vars(message)
                echoed += 1

    def ping(self):
        messenger, times, until = self.messenger, [], self.until()
        while time.monotonic() < until:
            sent = time.perf_counter()
            messenger.send(self.numbered(len(times)))
            messenger.xfer()
            while not (message := messenger.get()):
                messenger.xfer()
            times.append((time.perf_counter() - sent) * 1e6)
            assert message.is_number(len(times) - 1), vars(message)
        messenger.send(self.last())
        self.await_last()
        received = len(times)
        times.sort()
        values = [times[received // 2], times[received * 99 // 100]]
        answer("Done", {"received": received, "values": values})

    def backlog(self, there, messages):
        start = time.monotonic()
        for number in range(messages):
            self.messenger.send(self.numbered(number))
        received = 0
        while received < messages:
            self.messenger.xfer()
            there.xfer()
            while message := there.get():
                assert message.is_number(received), vars(message)
                received += 1
        taken = time.monotonic() - start
        values = [taken * 1e9 / messages]
        answer("Done", {"received": received, "values": values})


def main():
    job = json.loads(sys.argv[1])
    (kind, work), = job["work"].items()
    transport = work["transport"]
    if kind == "Backlog":
        listener = socket.create_server(("127.0.0.1", 0))
        here = socket.create_connection(listener.getsockname())
        there = listener.accept()[0]
        bench = Bench(job, here, transport)
        bench.backlog(Messenger(there, transport=transport.lower()), work["messages"])
    elif job["part"] == "Server":
        bench = Bench(job, listen(), transport)
        bench.receive() if kind == "OneWay" else bench.echo()
    else:
        sock = socket.create_connection(("127.0.0.1", job["part"]["Client"]["port"]))
        bench = Bench(job, sock, transport)
        bench.send(work["flush"]) if kind == "OneWay" else bench.ping()


main()
