"""How `peer.py` builds and describes messages, for each of the two transports of cable_car."""

import math

from cable_car import byte_messages, json_messages

STANDARD = ("MsgIdentify", "MsgJoin", "MsgRetry", "MsgQuit")
# Byte codes known from the start; those above are left unknown, for tests of unknown codes.
KNOWN_CODES = range(0x05, 0x80)
# JSON classes known from the start, beside the standard ones.
KNOWN_NAMES = ("Echo", "Bulk", "MsgStats")
# Attributes beyond this are not encoded a second time for the event that reports them.
ENCODED_LIMIT = 4096


def plain(value):
    """What every JSON parser can read: odd numbers and lone surrogates become tagged objects."""
    if isinstance(value, float) and not math.isfinite(value):
        return {"$float": repr(value)}
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return {"$int": str(value)}
    if isinstance(value, str) and any("\ud800" <= c <= "\udfff" for c in value):
        return {"$utf16": value.encode("utf-16-be", "surrogatepass").hex()}
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value


def unplain(value):
    """The reverse of `plain`, for attributes in commands."""
    if isinstance(value, list):
        return [unplain(v) for v in value]
    if isinstance(value, dict):
        if len(value) == 1:
            if "$float" in value:
                return float(value["$float"])
            if "$int" in value:
                return int(value["$int"])
            if "$utf16" in value:
                return bytes.fromhex(value["$utf16"]).decode("utf-16-be", "surrogatepass")
        return {k: unplain(v) for k, v in value.items()}
    return value


class ByteTransport:
    """Byte messages: the standard classes, and classes with a raw payload for the other codes."""

    module = byte_messages

    def __init__(self):
        self.raw = {}
        for name in STANDARD:
            getattr(byte_messages, name).register()
        for code in KNOWN_CODES:
            self.register({"code": code})

    def register(self, command):
        cls = self.class_of(command["code"])
        cls.register()
        return cls

    def class_of(self, code):
        if code not in self.raw:

            class Raw(byte_messages.Message):
                def __init__(self, payload=b""):
                    self.payload = payload

                def encode(self):
                    return self.payload

                def decode(self, msg_data):
                    self.payload = bytes(msg_data)

            Raw.code = code
            Raw.__name__ = "Raw%02x" % code
            self.raw[code] = Raw
        return self.raw[code]

    def build(self, command):
        if "name" in command:
            attributes = unplain(command.get("attributes", {}))
            return getattr(byte_messages, command["name"])(**attributes)
        return self.class_of(command["code"])(bytes.fromhex(command.get("payload", "")))

    def numbered(self, command):
        cls, size = self.class_of(command.get("code", 0x11)), command.get("size", 16)
        for n in range(command["count"]):
            yield cls(n.to_bytes(4, "big").ljust(size, b"\0"))

    def describe(self, message):
        fields = {"code": message.code, "payload": bytes(message.encode() or b"").hex()}
        if type(message).__name__ in STANDARD:
            fields["name"] = type(message).__name__
            fields["attributes"] = plain(vars(message))
        return fields


class JsonTransport:
    """JSON messages: any class name with any attributes."""

    module = json_messages

    def __init__(self):
        self.classes = {name: getattr(json_messages, name) for name in STANDARD}
        for name in KNOWN_NAMES:
            self.class_of(name)
        for cls in self.classes.values():
            cls.register()

    def register(self, command):
        cls = self.class_of(command["name"])
        cls.register()
        return cls

    def class_of(self, name):
        if name not in self.classes:
            self.classes[name] = type(name, (json_messages.Message,), {})
        return self.classes[name]

    def build(self, command):
        return self.class_of(command["name"])(**unplain(command.get("attributes", {})))

    def numbered(self, command):
        cls, pad = self.class_of(command.get("name", "Bulk")), "x" * command.get("size", 16)
        for n in range(command["count"]):
            yield cls(n=n, pad=pad)

    def describe(self, message):
        fields = {"name": type(message).__name__, "attributes": plain(vars(message))}
        encoded = bytes(message.encoded()).decode("ascii").rstrip("\n")
        if len(encoded) <= ENCODED_LIMIT:
            fields["encoded"] = encoded
        return fields
