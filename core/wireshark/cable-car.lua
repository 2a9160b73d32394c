-- Shows cable-car in Wireshark and tshark 4.0 or newer: beacons, hellos, and the messages of both
-- transports. What it reads is specified in PROTOCOL.md.
--
-- To install, copy this file to the folder that Wireshark names "Personal Lua Plugins" under Help,
-- About, Folders (on Linux ~/.local/lib/wireshark/plugins), or load it for once:
--
--     wireshark -X lua_script:cable-car.lua
--     tshark -X lua_script:cable-car.lua -i eth0 -Y cablecar
--
-- Filters: `cablecar` for everything, then `cablecar.beacon`, `cablecar.hello`, `cablecar.byte`,
-- `cablecar.json`, `cablecar.name == "Position"`, and `_ws.expert` for what is odd.
--
-- What it takes for cable-car: the UDP and TCP ports of the preferences; any datagram that is a
-- beacon; TCP to a port that a beacon has named, and TCP that opens with a hello or with a JSON
-- message. A byte link on another port, with no beacon in the capture, wants "Decode As".
--
-- Preferences (Edit, Preferences, Protocols, CABLECAR; or `-o cablecar.NAME:VALUE`):
--
--     udp_ports   of beacons; 8222
--     tcp_ports   of links; 8223
--     transport   auto, byte or json: nothing on the wire says which, so auto looks at what comes
--                 first in each conversation, and a JSON message can not be missed
--     names       a file that names the codes of byte messages, one in a line, in decimal or hex:
--
--                     # of our game
--                     0x10 Position
--                     17   Score

local cablecar = Proto("cablecar", "cable-car")

local MARK = "BROADCAST"
local VERSION = 1
local LONGEST_SERVICE = 32
local LONGEST_HELLO = 64
local DEEPEST_JSON = 128 + 1 -- with the array around name and attributes, which does not count
local UDP = 3 -- what pinfo.port_type says
local STANDARD_NAMES = { [1] = "Identify", [2] = "Join", [3] = "Retry", [4] = "Quit" }
-- How many messages of one segment the packet list names.
local LISTED = 8

-- Preferences ------------------------------------------------------------------------------------

local AUTO, BYTE, JSON = 0, 1, 2

cablecar.prefs.udp_ports = Pref.range("UDP ports", "8222", "Ports of beacons", 65535)
cablecar.prefs.tcp_ports = Pref.range("TCP ports", "8223", "Ports of links", 65535)
cablecar.prefs.transport = Pref.enum(
    "Transport", AUTO, "Which transport the links use",
    { { 1, "auto", AUTO }, { 2, "byte", BYTE }, { 3, "json", JSON } }, false)
cablecar.prefs.names = Pref.string(
    "Names of codes", "", "A file that names byte messages: a code and a name in each line")

-- Fields -----------------------------------------------------------------------------------------

local field = {
    name = ProtoField.string("cablecar.name", "Name", base.ASCII, "Which message this is"),

    beacon = ProtoField.none("cablecar.beacon", "Beacon"),
    beacon_legacy = ProtoField.bool("cablecar.beacon.legacy", "Legacy", base.NONE, nil, 0,
        "Says no more than that somebody is there, as a Python program's does"),
    beacon_version = ProtoField.uint8("cablecar.beacon.version", "Version"),
    beacon_flags = ProtoField.uint8("cablecar.beacon.flags", "Flags", base.HEX),
    beacon_goodbye = ProtoField.bool("cablecar.beacon.flags.goodbye", "Goodbye", 8,
        { "its sender leaves", "its sender is there" }, 0x01),
    beacon_answer = ProtoField.bool("cablecar.beacon.flags.answer", "Answer", 8,
        { "answers a beacon", "wants an answer" }, 0x02),
    beacon_reserved = ProtoField.uint8("cablecar.beacon.flags.reserved", "Reserved", base.HEX, nil,
        0xfc),
    beacon_instance = ProtoField.uint64("cablecar.beacon.instance", "Instance", base.HEX),
    beacon_tcp_port = ProtoField.uint16("cablecar.beacon.tcp_port", "TCP port", base.DEC, nil, nil,
        "Where the sender can be dialled"),
    beacon_service_length = ProtoField.uint8("cablecar.beacon.service.length",
        "Length of the service name"),
    beacon_service = ProtoField.string("cablecar.beacon.service", "Service", base.UNICODE),

    hello = ProtoField.none("cablecar.hello", "Hello"),
    hello_length = ProtoField.uint8("cablecar.hello.length", "Length"),
    hello_version = ProtoField.uint8("cablecar.hello.version", "Version"),
    hello_kind = ProtoField.uint8("cablecar.hello.kind", "Kind", base.DEC,
        { [1] = "hello", [2] = "welcome" }),
    hello_from = ProtoField.uint64("cablecar.hello.from", "From instance", base.HEX),
    hello_to = ProtoField.uint64("cablecar.hello.to", "To instance", base.HEX),
    hello_service_length = ProtoField.uint8("cablecar.hello.service.length",
        "Length of the service name"),
    hello_service = ProtoField.string("cablecar.hello.service", "Service", base.UNICODE),

    byte = ProtoField.none("cablecar.byte", "Byte message"),
    byte_length = ProtoField.uint8("cablecar.byte.length", "Length", base.DEC, nil, nil,
        "Of the whole frame, length and code included"),
    byte_code = ProtoField.uint8("cablecar.byte.code", "Code", base.HEX_DEC),
    byte_payload = ProtoField.bytes("cablecar.byte.payload", "Payload"),

    json = ProtoField.none("cablecar.json", "JSON message"),
    json_length = ProtoField.uint32("cablecar.json.length", "Length", base.DEC, nil, nil,
        "Of the whole line, its end included"),

    identify_username = ProtoField.string("cablecar.identify.username", "Username", base.ASCII),
    identify_hostname = ProtoField.string("cablecar.identify.hostname", "Hostname", base.ASCII),

    added = ProtoField.bytes("cablecar.added", "Added by a later version"),
    skipped = ProtoField.bytes("cablecar.skipped", "Not read"),
}
cablecar.fields = field

local function malformed(name, text)
    return ProtoExpert.new("cablecar." .. name, text, expert.group.MALFORMED, expert.severity.ERROR)
end
local function odd(name, text)
    return ProtoExpert.new("cablecar." .. name, text, expert.group.PROTOCOL, expert.severity.WARN)
end
local function remark(name, text)
    return ProtoExpert.new("cablecar." .. name, text, expert.group.PROTOCOL, expert.severity.NOTE)
end

local trouble = {
    no_beacon = malformed("no_beacon",
        "No beacon: ignored, but a Python program takes any datagram for one and dials"),
    cut = malformed("cut", "Ends before all of its fields"),
    version_zero = malformed("version_zero", "There is no version 0: ignored"),
    no_instance = malformed("no_instance", "An instance is not 0: ignored"),
    no_port = malformed("no_port", "A TCP port is not 0: ignored"),
    service_length = malformed("service_length", "A service name has at most 32 bytes: ignored"),
    service_text = malformed("service_text", "The service name is not UTF-8: ignored"),
    no_hello = malformed("no_hello", "Begins as a hello does, and is none: the link is closed"),
    out_of_step = malformed("out_of_step",
        "A frame has at least 2 bytes: out of step for good, the link is closed"),
    no_message = malformed("no_message", "Not a JSON message: costs this line, not the link"),
    too_deep = malformed("too_deep", "Nested deeper than 128: costs this message, not the link"),
    no_at = malformed("no_at", "Who is there is username@hostname"),

    low_port = odd("low_port", "A port below 1024 is not dialled, unless it is configured"),
    late_hello = odd("late_hello", "A hello after the first bytes, where it has no meaning"),
    cut_capture = odd("cut_capture", "Not all of it was captured or put together"),

    newer = remark("newer", "A version above 1: read as version 1, with more behind it"),
    reserved_flags = remark("reserved_flags", "Flags that version 1 does not know: ignored"),
    more = remark("more", "More than version 1 has: ignored"),
    longest = remark("longest", "One byte over the documented limit of 254, as Python sends it"),
    after_end = remark("after_end", "Comes after the stream fell out of step: not read"),
}
cablecar.experts = trouble

-- State, made anew for each capture --------------------------------------------------------------

-- Address and port that a beacon has named: TCP to there is a link.
local announced
-- For each conversation which transport it uses, once that is known; and for each frame which one
-- its conversation had then, since frames are looked at again in any order.
local transports, transport_in
-- For each direction the frame of its first bytes, and the one in which it fell out of step.
local opened, broken
-- A frame that ends one message and holds others comes in two calls: the last frame that came, and
-- which calls were the second one of theirs.
local last_frame, continues

function cablecar.init()
    announced, transports, transport_in, opened, broken = {}, {}, {}, {}, {}
    last_frame, continues = 0, {}
end

-- Names of codes ---------------------------------------------------------------------------------

local names = {}

local function read_names(path)
    names = {}
    if path == "" then
        return
    end
    local file, reason = io.open(path)
    if not file then
        report_failure("cable-car, names of codes: " .. reason)
        return
    end
    local number = 0
    for line in file:lines() do
        number = number + 1
        line = line:gsub("#.*", ""):match("^%s*(.-)%s*$")
        local code, name = line:match("^(%S+)%s+(.+)$")
        code = tonumber(code)
        if code and code >= 0 and code <= 255 and code % 1 == 0 then
            names[code] = name
        elseif line ~= "" then
            report_failure(string.format(
                "cable-car, names of codes: %s line %d is not a code from 0 to 255 and a name: %s",
                path, number, line))
        end
    end
    file:close()
end

local function name_of(code)
    return names[code] or STANDARD_NAMES[code] or string.format("code 0x%02x", code)
end

-- Beacons ----------------------------------------------------------------------------------------

-- The service name whose length is at `at`; where it ends, or nothing where it is not all there.
local function dissect_service(tvb, at, tree, length_field, text_field)
    local length = tvb(at, 1):uint()
    local item = tree:add(length_field, tvb(at, 1))
    if length > LONGEST_SERVICE then
        item:add_proto_expert_info(trouble.service_length)
    end
    if at + 1 + length > tvb:len() then
        tree:add_proto_expert_info(trouble.cut)
        return nil
    end
    local text = ""
    if length > 0 then
        local range = tvb(at + 1, length)
        text = range:string(ENC_UTF_8)
        item = tree:add_packet_field(text_field, range, ENC_UTF_8)
        if text ~= range:raw() then
            item:add_proto_expert_info(trouble.service_text)
        end
    else
        tree:add(text_field, tvb(at, 1), "")
    end
    return at + 1 + length, text
end

local function dissect_version(tvb, at, tree, version_field)
    local item = tree:add(version_field, tvb(at, 1))
    local version = tvb(at, 1):uint()
    if version == 0 then
        item:add_proto_expert_info(trouble.version_zero)
    elseif version > VERSION then
        item:add_proto_expert_info(trouble.newer)
    end
    return version
end

local function dissect_instance(tvb, at, tree, instance_field)
    local item = tree:add(instance_field, tvb(at, 8))
    if tvb(at, 8):uint64() == UInt64(0) then
        item:add_proto_expert_info(trouble.no_instance)
    end
    return tostring(tvb(at, 8):bytes()):lower()
end

-- What was added behind the fields of this version.
local function dissect_rest(tvb, at, to, tree, version)
    if at < to then
        local item = tree:add(field.added, tvb(at, to - at))
        if version == VERSION then
            item:add_proto_expert_info(trouble.more)
        end
    end
end

local function dissect_announcement(tvb, pinfo, tree)
    local version = dissect_version(tvb, 9, tree, field.beacon_version)
    local flags = tvb(10, 1)
    local goodbye, answer = flags:uint() % 2 == 1, math.floor(flags:uint() / 2) % 2 == 1
    local item = tree:add(field.beacon_flags, flags)
    item:add(field.beacon_goodbye, flags)
    item:add(field.beacon_answer, flags)
    local reserved = item:add(field.beacon_reserved, flags)
    if flags:uint() > 3 then
        reserved:add_proto_expert_info(trouble.reserved_flags)
    end
    local instance = dissect_instance(tvb, 11, tree, field.beacon_instance)
    local port = tvb(19, 2):uint()
    item = tree:add(field.beacon_tcp_port, tvb(19, 2))
    if port == 0 then
        item:add_proto_expert_info(trouble.no_port)
    elseif port < 1024 then
        item:add_proto_expert_info(trouble.low_port)
    end
    local to, service = dissect_service(
        tvb, 21, tree, field.beacon_service_length, field.beacon_service)
    if not to then
        return "Beacon, cut short"
    end
    dissect_rest(tvb, to, tvb:len(), tree, version)
    if not pinfo.visited then
        announced[tostring(pinfo.src) .. " " .. port] = true
    end
    local what = goodbye and "Goodbye" or answer and "Answer" or "Beacon"
    local of = service == "" and "" or " of " .. service
    return string.format("%s%s, TCP port %d, instance %s", what, of, port, instance)
end

local function dissect_beacon(tvb, pinfo, root)
    pinfo.cols.protocol = "cable-car"
    local tree = root:add(cablecar, tvb())
    if tvb:len() < #MARK or tvb(0, #MARK):raw() ~= MARK then
        tree:add_proto_expert_info(trouble.no_beacon)
        pinfo.cols.info = "Not a beacon"
        return
    end
    tree:add(field.beacon, tvb())
    local legacy = tvb:reported_len() == #MARK
    tree:add(field.beacon_legacy, tvb(0, #MARK), legacy):set_generated()
    local text
    if legacy then
        text = "Beacon (legacy)"
    elseif tvb:len() < 22 then
        tree:add_proto_expert_info(trouble.cut)
        text = "Beacon, cut short"
    else
        text = dissect_announcement(tvb, pinfo, tree)
    end
    tree:append_text(": " .. text)
    pinfo.cols.info = text
end

-- Links: each unit is a hello, a byte frame or a JSON line ----------------------------------------

-- These give how many bytes the unit at `at` has, the text for the packet list, and whether the
-- stream has fallen out of step. Or nothing where more must come, and how much if that is known.

local function is_hello(tvb, at)
    local length = tvb(at + 1, 1):uint()
    local kind = tvb(at + 3, 1):uint()
    return length >= 21 and length <= LONGEST_HELLO and tvb(at + 2, 1):uint() > 0
        and (kind == 1 or kind == 2)
end

-- A first byte of 0 is a hello, or the end of all sense.
local function dissect_hello(tvb, at, root, first)
    local left = tvb:len() - at
    if left < 4 then
        return nil, 4 - left
    end
    if not is_hello(tvb, at) then
        local tree = root:add(cablecar, tvb(at))
        local text = "Length 0"
        if first then
            text = "Not a hello"
            tree:add_proto_expert_info(trouble.no_hello)
        else
            tree:add(field.byte_length, tvb(at, 1)):add_proto_expert_info(trouble.out_of_step)
        end
        tree:append_text(": " .. text)
        return left, text, true
    end
    local length = tvb(at + 1, 1):uint()
    if left < length then
        return nil, length - left
    end
    local tree = root:add(cablecar, tvb(at, length))
    tree:add(field.hello, tvb(at, length))
    tree:add(field.hello_length, tvb(at + 1, 1))
    local version = dissect_version(tvb, at + 2, tree, field.hello_version)
    tree:add(field.hello_kind, tvb(at + 3, 1))
    local from = dissect_instance(tvb, at + 4, tree, field.hello_from)
    local whom = dissect_instance(tvb, at + 12, tree, field.hello_to)
    local whole = tvb(at, length):tvb()
    local to, service = dissect_service(
        whole, 20, tree, field.hello_service_length, field.hello_service)
    if to then
        dissect_rest(whole, to, length, tree, version)
    end
    if not first then
        tree:add_proto_expert_info(trouble.late_hello)
    end
    local text = string.format("%s from %s to %s%s",
        tvb(at + 3, 1):uint() == 1 and "Hello" or "Welcome", from, whom,
        (service or "") == "" and "" or ", of " .. service)
    tree:append_text(": " .. text)
    return length, text
end

local function dissect_byte(tvb, at, root)
    local left = tvb:len() - at
    local length = tvb(at, 1):uint()
    if length < 2 then
        local tree = root:add(cablecar, tvb(at))
        local text = "Length " .. length
        tree:add(field.byte_length, tvb(at, 1)):add_proto_expert_info(trouble.out_of_step)
        tree:append_text(": " .. text)
        return left, text, true
    end
    if left < length then
        return nil, length - left
    end
    local tree = root:add(cablecar, tvb(at, length))
    tree:add(field.byte, tvb(at, length))
    local item = tree:add(field.byte_length, tvb(at, 1))
    if length == 255 then
        item:add_proto_expert_info(trouble.longest)
    end
    local code = tvb(at + 1, 1):uint()
    local name = name_of(code)
    tree:add(field.byte_code, tvb(at + 1, 1))
    tree:add(field.name, tvb(at + 1, 1), name):set_generated()
    local text = name
    if length > 2 then
        local payload = tvb(at + 2, length - 2)
        item = tree:add(field.byte_payload, payload)
        if code == 1 then
            local who = payload:raw()
            local sign = who:find("@", 1, true)
            if sign then
                if sign > 1 then
                    tree:add(field.identify_username, payload(0, sign - 1))
                end
                if sign < #who then
                    tree:add(field.identify_hostname, payload(sign))
                end
                text = text .. " " .. payload:string()
            else
                item:add_proto_expert_info(trouble.no_at)
            end
        end
    elseif code == 1 then
        tree:add_proto_expert_info(trouble.no_at)
    end
    tree:append_text(": " .. text)
    return length, text
end

-- How deep a line is nested: an answer over the limit is enough.
local function depth_of(line)
    local deepest, depth, at, quoted = 0, 0, 1, false
    while deepest <= DEEPEST_JSON do
        local found, _, sign = line:find(quoted and '(["\\])' or '(["%[%]{}])', at)
        if not found then
            break
        end
        at = found + 1
        if sign == '"' then
            quoted = not quoted
        elseif sign == "\\" then
            at = at + 1
        elseif sign == "[" or sign == "{" then
            depth = depth + 1
            deepest = math.max(deepest, depth)
        else
            depth = depth - 1
        end
    end
    return deepest
end

local json = Dissector.get("json")

local function dissect_json(tvb, bytes, at, pinfo, root)
    local feed = bytes:find("\n", at + 1, true)
    if not feed then
        return nil
    end
    local length = feed - at
    local line = bytes:sub(at + 1, feed - 1):gsub("\r$", "")
    local tree = root:add(cablecar, tvb(at, length))
    tree:add(field.json, tvb(at, length))
    tree:add(field.json_length, tvb(at, length), length):set_generated()
    local before, name = line:match('^(%s*%[%s*)"([^"%c]*)"%s*,%s*{')
    local text
    if not name then
        text = "Not a message"
        tree:add_proto_expert_info(trouble.no_message)
    elseif depth_of(line) > DEEPEST_JSON then
        text = name .. ", too deep"
        tree:add(field.name, tvb(at + #before + 1, #name))
        tree:add_proto_expert_info(trouble.too_deep)
    else
        text = name
        tree:add(field.name, tvb(at + #before + 1, #name))
        json:call(tvb(at, #line):tvb(), pinfo, tree)
    end
    tree:append_text(": " .. text)
    return length, text
end

-- Which transport the first bytes of a conversation are; nothing where they are too few to tell. A
-- byte frame may begin like a JSON line by its length and its code, but it is not all text.
local function guess(bytes)
    if bytes:sub(1, 256):find("[\0-\8\11\12\14-\31]") then
        return BYTE
    end
    if bytes:find("^%s*%[?%s*$") then
        return nil
    end
    -- The second one is a capture that begins in the middle of a line.
    local is_json = bytes:find('^%s*%[%s*"') or bytes:find("%]%s*\n")
    return is_json and JSON or BYTE
end

-- Both ends, and the conversation. Ports that are used again make the same one: a hello starts it
-- anew.
local function ends_of(pinfo)
    local from = tostring(pinfo.src) .. " " .. pinfo.src_port
    local to = tostring(pinfo.dst) .. " " .. pinfo.dst_port
    return from, to, from < to and from .. " " .. to or to .. " " .. from
end

local function transport_of(bytes, at, pinfo, conversation)
    if cablecar.prefs.transport ~= AUTO then
        return cablecar.prefs.transport
    end
    if pinfo.visited then
        return transport_in[pinfo.number]
    end
    local transport = transports[conversation] or guess(bytes:sub(at + 1))
    transports[conversation] = transport
    transport_in[pinfo.number] = transport
    return transport
end

local function dissect_unit(tvb, bytes, at, pinfo, root, conversation, first)
    if tvb(at, 1):uint() == 0 then
        local length, text, fallen = dissect_hello(tvb, at, root, first)
        if length and not fallen and not pinfo.visited then
            transports[conversation] = nil
        end
        return length, text, fallen
    end
    local transport = transport_of(bytes, at, pinfo, conversation)
    if transport == JSON then
        return dissect_json(tvb, bytes, at, pinfo, root)
    elseif transport == BYTE then
        return dissect_byte(tvb, at, root)
    end
    return nil
end

local function dissect_link(tvb, pinfo, root)
    local from, to, conversation = ends_of(pinfo)
    local direction = from .. " " .. to
    local call = pinfo.number .. " " .. tvb:reported_len()
    if not pinfo.visited then
        continues[call] = last_frame == pinfo.number or nil
        last_frame = pinfo.number
    end
    local bytes, texts, at, count = tvb:raw(), {}, 0, 0
    pinfo.cols.protocol = "cable-car"

    local fell = broken[direction]
    if fell and pinfo.number > fell then
        local tree = root:add(cablecar, tvb())
        tree:add(field.skipped, tvb()):add_proto_expert_info(trouble.after_end)
        pinfo.cols.info = "Out of step"
        return tvb:len()
    end

    while at < tvb:len() do
        local first = at == 0 and (opened[direction] or call) == call
        local length, text, fallen = dissect_unit(tvb, bytes, at, pinfo, root, conversation, first)
        if not length then
            local whole = tvb:len() == tvb:reported_len()
            if whole and pinfo.can_desegment > 0 then
                pinfo.desegment_offset = at
                pinfo.desegment_len = text or DESEGMENT_ONE_MORE_SEGMENT
            else
                local tree = root:add(cablecar, tvb(at))
                tree:add(field.skipped, tvb(at)):add_proto_expert_info(trouble.cut_capture)
                texts[#texts + 1] = "cut"
            end
            break
        end
        opened[direction] = opened[direction] or call
        if fallen then
            broken[direction] = broken[direction] or pinfo.number
        end
        count = count + 1
        if count <= LISTED then
            texts[#texts + 1] = text
        end
        at = at + length
    end

    if #texts > 0 then
        local more = count > LISTED and string.format(", and %d more", count - LISTED) or ""
        pinfo.cols.protocol = "cable-car"
        pinfo.cols.info = (continues[call] and ", " or "") .. table.concat(texts, ", ") .. more
        pinfo.cols.info:fence()
    end
    return tvb:len()
end

local function dissect(tvb, pinfo, root)
    if tvb:len() == 0 then
        return 0
    end
    if pinfo.port_type == UDP then
        dissect_beacon(tvb, pinfo, root)
        return tvb:len()
    end
    return dissect_link(tvb, pinfo, root)
end

cablecar.dissector = dissect

-- What is taken for cable-car ----------------------------------------------------------------------

cablecar:register_heuristic("udp", function(tvb, pinfo, root)
    local length = tvb:len()
    local is_beacon = length >= #MARK and tvb(0, #MARK):raw() == MARK
        and (length == #MARK or length >= 22)
    if is_beacon then
        dissect_beacon(tvb, pinfo, root)
    end
    return is_beacon
end)

cablecar:register_heuristic("tcp", function(tvb, pinfo, root)
    if tvb:len() == 0 then
        return false
    end
    local from, to = ends_of(pinfo)
    local is_link = announced[from] or announced[to]
        or tvb:len() >= 21 and tvb(0, 1):uint() == 0 and is_hello(tvb, 0)
        or tvb:raw(0, math.min(tvb:len(), 256)):find('^%["[%a_][%w_]*",{')
    if not is_link then
        return false
    end
    pinfo.conversation = cablecar
    -- Not by way of `cablecar.dissector`, which would not be let put segments together from here.
    dissect_link(tvb, pinfo, root)
    return true
end)

local tables = {
    udp_ports = DissectorTable.get("udp.port"),
    tcp_ports = DissectorTable.get("tcp.port"),
}
local registered = {}
local names_read

local function apply_preferences()
    for pref, ports in pairs(tables) do
        local wanted = cablecar.prefs[pref]
        if registered[pref] ~= wanted then
            if registered[pref] and registered[pref] ~= "" then
                ports:remove(registered[pref], cablecar)
            end
            if wanted ~= "" then
                ports:add(wanted, cablecar)
            end
            registered[pref] = wanted
        end
    end
    if names_read ~= cablecar.prefs.names then
        names_read = cablecar.prefs.names
        read_names(names_read)
    end
end

for _, ports in pairs(tables) do
    ports:add_for_decode_as(cablecar)
end
cablecar.prefs_changed = apply_preferences
apply_preferences()
