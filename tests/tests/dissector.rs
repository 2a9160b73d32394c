//! What Wireshark shows of cable-car, by the dissector in `core/wireshark/`: real packets of ours
//! and of Python programs, and of peers that send what none should.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]
#![cfg(target_os = "linux")]

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream, UdpSocket},
    time::Duration,
};

use cable_car_std::{
    AnyByte, AnyJson, BroadcastConnector, DirectClient, Identify, Join, Messenger, Quit,
};
use cable_car_tests::{
    capture::Capture,
    messages::Numbered,
    netns::{Host, Lan},
    pair,
    process::PATIENCE,
    python::Peer,
    require::{Need, require_all},
};
use serde_json::json;

const NEEDS: [Need; 3] = [Need::Namespaces, Need::Program("tshark"), Need::Program("dumpcap")];
/// How the packet list calls a packet, and what is said to be wrong with it.
const INFO: &str = "_ws.col.Info";
const EXPERT: &str = "_ws.expert.message";
/// Nothing in Wireshark is told of this port.
const OTHER_PORT: u16 = 47_011;

fn start(host: &Host, service: &str) -> BroadcastConnector {
    let builder = BroadcastConnector::builder().interval(Duration::from_millis(250));
    host.enter(|| builder.service(service).start()).unwrap_or_else(|error| panic!("{error}"))
}

fn take(connector: &BroadcastConnector) -> Messenger<AnyByte> {
    connector.next_peer(PATIENCE).unwrap_or_else(|error| panic!("{error}"))
}

/// A bare connection from one host to a port of another one, both ends.
fn connect(from: &Host, to: &Host, port: u16) -> (TcpStream, TcpStream) {
    let listener = to.enter(|| TcpListener::bind((to.ip(), port))).unwrap();
    let near = from.enter(|| TcpStream::connect((to.ip(), port))).unwrap();
    near.set_nodelay(true).unwrap();
    let far = listener.accept().unwrap().0;
    far.set_read_timeout(Some(PATIENCE)).unwrap();
    (near, far)
}

/// Sends each part in a segment of its own: the next one once this one has come.
fn segments<'a>(ends: &mut (TcpStream, TcpStream), parts: impl IntoIterator<Item = &'a [u8]>) {
    for part in parts {
        ends.0.write_all(part).unwrap();
        ends.1.read_exact(&mut vec![0; part.len()]).unwrap();
    }
}

fn hello(kind: u8) -> Vec<u8> {
    [&[0, 25, 1, kind], &1_u64.to_be_bytes()[..], &2_u64.to_be_bytes(), b"\x04pong"].concat()
}

/// The rows that begin with this port.
fn of_port(rows: &[Vec<Vec<String>>], port: u16) -> Vec<&Vec<Vec<String>>> {
    rows.iter().filter(|row| row[0] == [port.to_string()]).collect()
}

#[test]
fn programs_of_ours_and_of_python() {
    if !require_all(&NEEDS) || !require_all(&[Need::Peer]) {
        return;
    }
    let lan = Lan::new(3);
    let [one, two, three] = [0, 1, 2].map(|index| lan.host(index));
    let capture = Capture::start(&lan, one);

    let first = start(one, "pong");
    let second = start(two, "pong");
    let mut here = take(&first);
    here.send(&Identify::new("ann", "pc").unwrap()).unwrap();
    here.send(&Numbered(7)).unwrap();
    here.xfer().unwrap();
    let mut there = take(&second);
    assert_eq!(pair::next(&mut there).code, 1);
    there.send(&Join).unwrap();
    there.xfer().unwrap();
    assert_eq!(pair::next(&mut here).code, 2);

    // The TCP port is taken on that host: the beacon of this one names another.
    let third = start(two, "");
    let python = ["broadcast", "--interval", "0.25", "--transport", "byte"];
    let mut python = Peer::spawn_on(three, &python);
    assert_eq!(take(&third).remote_address().ip(), three.ip());
    python.expect("connected");
    python.send_name("MsgQuit", json!({}));
    drop((first, second, third));
    let packets = capture.finish(&lan, one);

    // Who says what, in beacons.
    let fields =
        ["ip.src", "legacy", "service", "tcp_port", "flags.answer", "flags.goodbye", "instance"];
    let fields = fields.map(|name| match name {
        "ip.src" => name.to_owned(),
        name => format!("cablecar.beacon.{name}"),
    });
    let beacons = packets.fields("cablecar.beacon", &fields.each_ref().map(String::as_str));
    let [one, two, three] = [one, two, three].map(|host| host.ip().to_string());
    let all = |wanted: &dyn Fn(&[Vec<String>]) -> bool| -> Vec<&Vec<Vec<String>>> {
        beacons.iter().filter(|row| wanted(row)).collect()
    };
    let of = |host: &str, service: &str, port: &str| {
        all(&|row| row[0] == [host] && row[2] == [service] && row[3] == [port])
    };
    let (of_first, of_second) = (of(&one, "pong", "8223"), of(&two, "pong", "8223"));
    assert!(!of_first.is_empty() && !of_second.is_empty(), "{beacons:?}");
    assert!(of(&two, "", "8223").is_empty(), "the port was taken: {beacons:?}");
    let legacy = all(&|row| row[1] == ["1"]);
    assert!(!legacy.is_empty() && legacy.iter().all(|row| row[0] == [&*three]), "{legacy:?}");
    assert!(!all(&|row| row[4] == ["1"]).is_empty(), "no answer: {beacons:?}");
    for host in [&one, &two] {
        let goodbyes = all(&|row| row[5] == ["1"] && row[0] == [&**host]);
        assert!(!goodbyes.is_empty(), "{host}: {beacons:?}");
    }

    // The hello and the welcome of the one pair, by the instances of its beacons.
    let fields = ["kind", "from", "to", "service"].map(|name| format!("cablecar.hello.{name}"));
    let hellos = packets.fields("cablecar.hello", &fields.each_ref().map(String::as_str));
    let [hello, welcome] = &hellos[..] else { panic!("not one pair: {hellos:?}") };
    let [low, high] = [&of_first[0][6], &of_second[0][6]];
    let [low, high] = if low < high { [low, high] } else { [high, low] };
    let pong = vec!["pong".to_owned()];
    let ways = [[low, high], [high, low]];
    let of_pair = ways.iter().any(|[from, to]| {
        hello[1..] == [(*from).clone(), (*to).clone(), pong.clone()]
            && welcome[1..] == [(*to).clone(), (*from).clone(), pong.clone()]
    });
    assert!(of_pair && hello[0] == ["1"] && welcome[0] == ["2"], "{hellos:?}");

    // Messages, whichever way the connection was made.
    let fields = ["ip.src", "ip.dst", "cablecar.name", "cablecar.byte.payload"];
    let messages = packets.fields("cablecar.byte", &fields);
    let column = |from: &str, to: &str, index: usize| -> Vec<String> {
        let rows = messages.iter().filter(|row| row[0] == [from] && row[1] == [to]);
        rows.flat_map(|row| row[index].clone()).collect()
    };
    assert_eq!(column(&one, &two, 2), ["Identify", "code 0x20"]);
    let payload = column(&one, &two, 3).concat();
    assert!(payload.starts_with("616e6e40706300000007"), "{payload}");
    assert_eq!(column(&two, &one, 2), ["Join"]);
    // To each of the two programs on that host with which it has a link.
    let quits = column(&three, &two, 2);
    assert!(!quits.is_empty() && quits.iter().all(|name| name == "Quit"), "{quits:?}");
    let whom = ["cablecar.identify.username", "cablecar.identify.hostname"];
    assert_eq!(packets.fields("cablecar.identify.username", &whom), [[["ann"], ["pc"]]]);

    // None of this is odd.
    assert_eq!(packets.field("cablecar || _ws.malformed", EXPERT), Vec::<String>::new());
}

#[test]
fn json_lines_of_python_and_of_ours() {
    if !require_all(&NEEDS) || !require_all(&[Need::Peer]) {
        return;
    }
    let lan = Lan::new(2);
    let (one, two) = (lan.host(0), lan.host(1));
    let capture = Capture::start(&lan, one);
    let port = OTHER_PORT.to_string();
    let server = ["server", &port, "--bind", "0.0.0.0", "--transport", "json"];
    let mut python = Peer::spawn_on(two, &server);
    python.expect("ready");
    let connection = one.enter(|| DirectClient::new((two.ip(), OTHER_PORT)).connect()).unwrap();
    let mut messenger: Messenger<AnyJson> = connection.into();
    python.expect("connected");
    // Many lines in a segment, one in many segments, and again.
    messenger.send(&Identify::new("ann", "pc").unwrap()).unwrap();
    messenger.send_json("Echo", &json!({"text": "x".repeat(100_000)})).unwrap();
    messenger.send_json("Echo", &json!({"text": "\u{1f600}"})).unwrap();
    messenger.send(&Quit).unwrap();
    pair::pump(&mut messenger, PATIENCE, |messenger| messenger.queued() == 0);
    for name in ["MsgIdentify", "Echo", "Echo", "MsgQuit"] {
        assert_eq!(python.expect("message")["name"], name);
    }
    python.send_name("Bulk", json!({"n": f64::MAX, "pad": ["a", null]}));
    assert_eq!(pair::next_json(&mut messenger).0, "Bulk");
    let packets = capture.finish(&lan, one);

    let sent = format!("ip.src == {}", one.ip());
    assert_eq!(packets.field(&sent, "cablecar.name"), ["MsgIdentify", "Echo", "Echo", "MsgQuit"]);
    let lengths = packets.field(&sent, "cablecar.json.length");
    assert_eq!(lengths[1], "100021", "{lengths:?}");
    let keys = packets.field(&sent, "json.key");
    assert_eq!(keys, ["username", "hostname", "text", "text"]);
    let got = packets.layers(&format!("cablecar.name == \"Bulk\" && ip.src == {}", two.ip()));
    let [packet] = &got[..] else { panic!("not one packet: {got:?}") };
    assert_eq!(packet["cablecar"]["cablecar.name"], "Bulk", "{packet:#}");
    let protocols = packets.field("cablecar.json", "_ws.col.Protocol");
    assert!(protocols.iter().all(|name| name == "cable-car"), "{protocols:?}");
}

#[test]
fn beacons_that_are_none() {
    if !require_all(&NEEDS) {
        return;
    }
    let good = b"BROADCAST\x01\x02\x01\x02\x03\x04\x05\x06\x07\x08\x20\x1f\x04pong";
    let put = |at: usize, bytes: &[u8]| {
        let mut beacon = good.to_vec();
        beacon[at..at + bytes.len()].copy_from_slice(bytes);
        beacon
    };
    // What is sent, how the packet list calls it, and what is wrong with it.
    let of_pong = "of pong, TCP port 8223, instance 0102030405060708";
    let long = [&put(21, &[33])[..22], &[b'a'; 33]].concat();
    let cases: [(&[u8], &str, &str); 13] = [
        (b"BROADCAST", "Beacon (legacy)", ""),
        (good, &format!("Answer {of_pong}"), ""),
        (&put(10, &[0]), &format!("Beacon {of_pong}"), ""),
        (&put(10, &[1]), &format!("Goodbye {of_pong}"), ""),
        (&[good, &b"more"[..]].concat(), &format!("Answer {of_pong}"), "More than version 1"),
        (&put(9, &[2]), &format!("Answer {of_pong}"), "above 1"),
        (&put(9, &[0]), &format!("Answer {of_pong}"), "no version 0"),
        (&put(10, &[0x82]), &format!("Answer {of_pong}"), "Flags that version 1 does not know"),
        (&put(11, &[0; 8]), "instance 0000000000000000", "An instance is not 0"),
        (&put(19, &[0, 0]), "TCP port 0,", "A TCP port is not 0"),
        (&put(19, &[0, 80]), "TCP port 80,", "below 1024"),
        (&long, "of aaaaaaaa", "at most 32 bytes"),
        (&put(22, &[0xff]), "of ", "not UTF-8"),
    ];
    let cut: Vec<&[u8]> = (10..good.len()).map(|len| &good[..len]).collect();

    let lan = Lan::new(1);
    let host = lan.host(0);
    let socket = host.enter(|| UdpSocket::bind("0.0.0.0:0")).unwrap();
    socket.set_broadcast(true).unwrap();
    let capture = Capture::start(&lan, host);
    let sent = cases.iter().map(|case| case.0).chain(cut.iter().copied()).chain([&b"hi"[..]]);
    for datagram in sent.clone() {
        assert_eq!(socket.send_to(datagram, (lan.broadcast(), 8222)).unwrap(), datagram.len());
    }
    // Not the port of beacons: what is one is known by itself.
    socket.send_to(good, (lan.broadcast(), OTHER_PORT)).unwrap();
    let packets = capture.finish(&lan, host);

    let rows = packets.fields("udp.dstport == 8222", &[INFO, EXPERT]);
    let rows: Vec<_> = rows.iter().map(|row| (&row[0][0], &row[1])).collect();
    assert_eq!(rows.len(), sent.count());
    for ((shown, said), (bytes, text, wrong)) in rows.iter().zip(&cases) {
        assert!(shown.contains(text), "{shown} for {bytes:x?}");
        match wrong {
            &"" => assert!(said.is_empty(), "{said:?}: {bytes:x?}"),
            wrong => assert!(said.len() == 1 && said[0].contains(wrong), "{said:?}: {bytes:x?}"),
        }
    }
    for (index, bytes) in cut.iter().enumerate() {
        let (shown, said) = rows[cases.len() + index];
        assert_eq!(shown, "Beacon, cut short", "{bytes:x?}");
        assert!(said[0].contains("Ends before all"), "{said:?}: {bytes:x?}");
    }
    let (shown, said) = rows[rows.len() - 1];
    assert_eq!(shown, "Not a beacon");
    assert!(said[0].contains("a Python program takes any datagram"), "{said:?}");
    let other = packets.list(&format!("udp.dstport == {OTHER_PORT}"), &[]).0;
    assert_eq!(other, [format!("Answer {of_pong}")]);
}

/// All that stands in two bytes is put together from any segments, behind a hello and without one.
#[test]
fn byte_frames_in_any_segments() {
    if !require_all(&NEEDS) {
        return;
    }
    let lan = Lan::new(2);
    let (one, two) = (lan.host(0), lan.host(1));
    let capture = Capture::start(&lan, one);
    let frames: &[u8] = b"\x08\x01ann@pc\x02\x02\x06\x11abcd\x02\x04";
    let longest = [&[255, 0x12][..], &[b'x'; 253]].concat();
    let stream = [&hello(1), frames, &longest].concat();
    // On a port that nobody named, and known by the hello that must come whole for that.
    let mut one_by_one = connect(one, two, 8223);
    segments(&mut one_by_one, stream.chunks(1));
    let mut all = connect(one, two, OTHER_PORT);
    segments(&mut all, [&stream[..]]);
    let mut across = connect(one, two, OTHER_PORT + 1);
    segments(&mut across, [&stream[..28], &stream[28..40], &stream[40..]]);
    // A frame as long as a JSON line's first letter says, and its code is the next one.
    let mut like_json = connect(one, two, 8223);
    let frame = [&b"[\"\n\0"[..], &[b'y'; 87]].concat();
    segments(&mut like_json, [&frame[..1], &frame[1..]]);
    // Nor is a frame a line because it is all text.
    let mut all_text = connect(one, two, 8223);
    segments(&mut all_text, [&[b'$'; 36][..]]);
    // No hello at all, to a port that a beacon has named.
    let socket = two.enter(|| UdpSocket::bind("0.0.0.0:0")).unwrap();
    let named = OTHER_PORT + 2;
    let beacon = [&b"BROADCAST\x01\0\0\0\0\0\0\0\0\x07"[..], &named.to_be_bytes(), b"\0"].concat();
    socket.send_to(&beacon, (one.ip(), 8222)).unwrap();
    let mut announced = connect(one, two, named);
    segments(&mut announced, [frames]);
    let packets = capture.finish(&lan, one);

    let fields = ["tcp.srcport", "cablecar.hello.from", "cablecar.name", "tcp.segment.count", INFO];
    let rows = packets.fields("tcp.len > 0", &fields);
    let column = |ends: &(TcpStream, TcpStream), index: usize| -> Vec<String> {
        let rows = of_port(&rows, ends.0.local_addr().unwrap().port());
        rows.iter().flat_map(|row| row[index].clone()).collect()
    };
    for ends in [&one_by_one, &all, &across] {
        assert_eq!(column(ends, 1), ["0x0000000000000001"]);
        assert_eq!(column(ends, 2), ["Identify", "Join", "code 0x11", "Quit", "code 0x12"]);
    }
    assert_eq!(column(&like_json, 2), ["code 0x22"]);
    assert_eq!(column(&all_text, 2), ["code 0x24"]);
    assert_eq!(column(&announced, 2), ["Identify", "Join", "code 0x11", "Quit"]);
    // The frames are put together from as many segments as they have bytes.
    assert_eq!(column(&one_by_one, 3), ["25", "8", "2", "6", "2", "255"]);
    // All of one segment is named in a row, and what was begun in the one before comes first.
    let greeting = "Hello from 0000000000000001 to 0000000000000002, of pong";
    let messages = ["Identify ann@pc, Join", "code 0x11, Quit, code 0x12"];
    assert_eq!(column(&all, 4), [[&[greeting], &messages[..]].concat().join(", ")]);
    assert_eq!(column(&across, 4), [&[greeting], &messages[..]].concat());
    // In each stream one frame is the longest there can be.
    let said = packets.field("cablecar", EXPERT);
    let longest = said.iter().filter(|text| text.contains("over the documented limit")).count();
    assert_eq!((longest, said.len()), (3, 3), "{said:?}");
}

#[test]
fn streams_that_go_wrong() {
    if !require_all(&NEEDS) {
        return;
    }
    let deep = |depth: usize| {
        let open = "[".repeat(depth);
        format!("[\"Deep\",{{\"a\":{open}{}}}]\n", "]".repeat(depth))
    };
    // What is sent in two segments, how the two are called, and what is wrong.
    let byte = b"\x02\x02";
    let wrong_hello = [&hello(3)[..], byte].concat();
    let json = b"[\"MsgJoin\",{}]\n";
    let lines = b"\n{}\n[\"Odd\"]\n[1,{}]\n[\"MsgQuit\", {}, 7]\r\n";
    let (deepest, too_deep) = (deep(127), deep(128));
    let cases: [(&[u8], &[u8], &str, &str); 9] = [
        (byte, b"\0\x02\x02\0\0\0", "Length 0", "A frame has at least 2 bytes"),
        (byte, b"\x01\x02\x02", "Length 1", "A frame has at least 2 bytes"),
        (b"\0\x41\x01\x01", byte, "Out of step", "after the stream fell out of step"),
        (&wrong_hello, byte, "Out of step", "after the stream fell out of step"),
        (byte, &hello(2), "Welcome from", "A hello after the first bytes"),
        (byte, b"\x06\x01noat", "Identify", "username@hostname"),
        (
            json,
            lines,
            "Not a message, Not a message, Not a message, Not a message, MsgQuit",
            "Not a JSON message",
        ),
        (json, deepest.as_bytes(), "Deep", ""),
        (json, too_deep.as_bytes(), "Deep, too deep", "Nested deeper than 128"),
    ];
    let lan = Lan::new(2);
    let (one, two) = (lan.host(0), lan.host(1));
    let capture = Capture::start(&lan, one);
    let ports = cases.map(|case| {
        let mut ends = connect(one, two, 8223);
        segments(&mut ends, [case.0, case.1]);
        ends.0.local_addr().unwrap().port()
    });
    let packets = capture.finish(&lan, one);
    let rows = packets.fields("tcp.len > 0", &["tcp.srcport", INFO, EXPERT]);
    for (port, (first, second, shown, wrong)) in ports.into_iter().zip(cases) {
        let [_, row] = &of_port(&rows, port)[..] else { panic!("not two segments: {rows:?}") };
        let (list, said) = (&row[1][0], &row[2]);
        assert!(list.starts_with(shown), "{list} for {first:x?} and {second:x?}");
        match wrong {
            "" => assert_eq!(said, &Vec::<String>::new(), "{second:x?}"),
            wrong => assert!(said.iter().any(|s| s.contains(wrong)), "{said:?}: {second:x?}"),
        }
    }
}

#[test]
fn preferences_name_codes_ports_and_the_transport() {
    if !require_all(&NEEDS) {
        return;
    }
    let lan = Lan::new(2);
    let (one, two) = (lan.host(0), lan.host(1));
    let capture = Capture::start(&lan, one);
    let mut ends = connect(one, two, OTHER_PORT);
    segments(&mut ends, [&b"\x02\x10\x02\x11\x02\x12\x02\x02"[..]]);
    let packets = capture.finish(&lan, one);
    let shown = |preferences: &[&str]| {
        let (list, complaints) = packets.list("tcp.len > 0", preferences);
        (list[0].clone(), complaints)
    };

    assert!(!shown(&[]).0.contains("Join"), "a byte link on another port is not known by itself");
    let port = format!("tcp_ports:8223,{OTHER_PORT}");
    assert_eq!(shown(&[&port]).0, "code 0x10, code 0x11, code 0x12, Join");
    assert!(!shown(&[&port, "transport:json"]).0.contains("Join"), "no line has ended");

    let file = std::env::temp_dir().join(format!("cable-car-{}.names", std::process::id()));
    let names = format!("names:{}", file.display());
    fs::write(&file, "# of our game\n0x10 Position\n\n  17\tTwo words  # by code\n2 Come\n")
        .unwrap();
    let (list, complaints) = shown(&[&port, &names]);
    assert_eq!(list, "Position, Two words, code 0x12, Come");
    assert!(!complaints.contains("names of codes"), "{complaints}");
    fs::write(&file, "0x12 Good\n256 Large\nPosition 0x10\n0x11\n").unwrap();
    let (list, complaints) = shown(&[&port, &names]);
    assert_eq!(list, "code 0x10, code 0x11, Good, Join");
    for line in ["line 2", "line 3", "line 4"] {
        let wanted = format!("{line} is not a code from 0 to 255 and a name");
        assert!(complaints.contains(&wanted), "{complaints}");
    }
    fs::remove_file(&file).unwrap();
    let (list, complaints) = shown(&[&port, &names]);
    assert_eq!(list, "code 0x10, code 0x11, code 0x12, Join");
    assert!(complaints.contains("names of codes: ") && complaints.contains("No such file"));
}
