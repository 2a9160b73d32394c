"""A Python peer that knows the messages of a file, and sends back what it gets.

    derived.py TRANSPORT PORT FILE

Each message that comes is told as a JSON line, `[class name, attributes]`, bytes in hexadecimal and
long integers as text, and goes back as a new message with these attributes. The program ends with its standard input.
"""

import json
import os
import select
import sys

from cable_car.direct_connect import DirectClient
from cable_car.messenger import Messenger


def plain(value):
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, int) and abs(value) >= 2**63:
        return str(value)
    return value


def main():
    transport, port, path = sys.argv[1:]
    known = {}
    exec(compile(open(path).read(), path, "exec"), known)
    for cls in [cls for cls in known.values() if isinstance(cls, type)]:
        if cls is not known["Message"]:
            cls.register()
    client = DirectClient(int(port), "127.0.0.1")
    client.connect()
    messenger = Messenger(client.socket, transport)
    while not (sys.stdin in select.select([sys.stdin, client.socket], [], [], 0.01)[0]):
        messenger.xfer()
        while (message := messenger.get()) is not None:
            attributes = dict(vars(message))
            told = {name: plain(value) for name, value in attributes.items()}
            print(json.dumps([type(message).__name__, told]), flush=True)
            messenger.send(type(message)(**attributes))


try:
    main()
finally:
    sys.stdout.flush()
    os._exit(0)  # the package's own threads do not end with the main one
