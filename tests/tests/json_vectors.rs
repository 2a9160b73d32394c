//! Lines of the JSON transport to the byte, both ways, and what the peer takes beside its own.

use std::collections::BTreeMap;

use cable_car::{BadMessage, Identify, Join, JsonErrorKind, JsonMessage, Quit, Retry, message_set};
use cable_car_tests::json::{attributes, error_of, parse, parse_borrowed, read_line, write};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What the peer's example sends.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Stats {
    host: String,
    cpu_percent: f64,
    load_avg: [f64; 3],
    memory_percent: f64,
    memory_total: u64,
    swap_percent: f64,
    swap_total: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    temp: Option<f64>,
}

impl JsonMessage for Stats {
    const NAME: &'static str = "MsgStats";
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Text<T> {
    t: T,
}

message_set! {
    #[derive(Debug)]
    enum Set: Json { Identify, Join, Retry, Quit, Stats }
}

fn read(line: &str) -> Result<Set, BadMessage> {
    read_line(line.as_bytes(), |frame| <Set as cable_car::MessageSet>::decode(frame))
}

fn text(escaped: &str) -> Result<&'static str, BadMessage> {
    parse_borrowed::<Text<&str>>(&format!("{{\"t\":\"{escaped}\"}}")).map(|text| text.t)
}

#[test]
fn standard_messages() {
    let ann = Identify::new("ann", "pc").expect("short names");
    let line = "[\"MsgIdentify\",{\"username\":\"ann\",\"hostname\":\"pc\"}]\n";
    assert_eq!(write(Identify::NAME, &ann).as_deref(), Ok(line));
    assert!(matches!(read(line), Ok(Set::Identify(identify)) if identify == ann));
    assert_eq!(write(Join::NAME, &Join).as_deref(), Ok("[\"MsgJoin\",{}]\n"));
    assert_eq!(write(Retry::NAME, &Retry).as_deref(), Ok("[\"MsgRetry\",{}]\n"));
    assert_eq!(write(Quit::NAME, &Quit).as_deref(), Ok("[\"MsgQuit\",{}]\n"));
    assert!(matches!(read("[\"MsgJoin\",{}]\n"), Ok(Set::Join(Join))));
    assert!(matches!(read("[\"MsgRetry\",{}]\n"), Ok(Set::Retry(Retry))));
    assert!(matches!(read("[\"MsgQuit\",{}]\n"), Ok(Set::Quit(Quit))));
}

#[test]
fn the_peers_example() {
    let line = "[\"MsgStats\",{\"host\":\"vm\",\"cpu_percent\":50.0,\"load_avg\":[3.2,2.9,2.1],\
                \"memory_percent\":2.2,\"memory_total\":25276514304,\"swap_percent\":0.0,\
                \"swap_total\":0}]\n";
    let mut stats = Stats {
        host: "vm".into(),
        cpu_percent: 50.0,
        load_avg: [3.2, 2.9, 2.1],
        memory_percent: 2.2,
        memory_total: 25_276_514_304,
        swap_percent: 0.0,
        swap_total: 0,
        temp: None,
    };
    assert_eq!(write(Stats::NAME, &stats).as_deref(), Ok(line));
    assert!(matches!(read(line), Ok(Set::Stats(got)) if got == stats));
    let line = line.replace("}]", ",\"temp\":41.5}]");
    stats.temp = Some(41.5);
    assert_eq!(write(Stats::NAME, &stats).as_ref(), Ok(&line));
    assert!(matches!(read(&line), Ok(Set::Stats(got)) if got == stats));
}

#[test]
fn every_escape_is_read_and_borrowed() {
    let escapes = r#"\" \\ \/ \b \f \n \r \t \u0041 \u00e9 \u20ac \u20AC \uffff \u0000"#;
    assert_eq!(text(escapes), Ok("\" \\ / \u{8} \u{c} \n \r \t A é € € \u{ffff} \0"));
    for bad in [r"\x", r"\u12", r"\u12g4", r"\U0041", r"\'", r"\u", r"\ud8"] {
        let attributes = format!("{{\"t\":\"{bad}\"}}");
        assert_eq!(error_of::<Text<String>>(&attributes), JsonErrorKind::Escape, "{bad}");
    }
}

#[test]
fn surrogates_come_in_pairs() {
    assert_eq!(text(r"\ud83d\ude00"), Ok("😀"));
    assert_eq!(text(r"\uD83D\uDE00!"), Ok("😀!"));
    assert_eq!(text(r"\ud800\udc00\udbff\udfff"), Ok("\u{10000}\u{10ffff}"));
}

/// Python text can hold halves of pairs, such as those that stand for bytes of odd file names.
#[test]
fn half_a_pair_becomes_a_replacement_character() {
    let lone = [
        (r"\ud83d", "\u{fffd}"),
        (r"\ude00", "\u{fffd}"),
        (r"\ude00\ud83d", "\u{fffd}\u{fffd}"),
        (r"\ud83dx", "\u{fffd}x"),
        (r"\ud83d\n", "\u{fffd}\n"),
        (r"\ud83d\ud83d", "\u{fffd}\u{fffd}"),
        (r"\ud83d\u0041", "\u{fffd}A"),
        (r"\ud83d\ud83d\ude00", "\u{fffd}😀"),
        (r"\udfff", "\u{fffd}"),
    ];
    for (escaped, expected) in lone {
        assert_eq!(text(escaped), Ok(expected), "{escaped}");
    }
    let attributes = r#"{"t":"\ud83d\u"}"#;
    assert_eq!(error_of::<Text<String>>(attributes), JsonErrorKind::Escape);
}

#[test]
fn all_that_is_written_is_ascii_as_python_writes_it() {
    // Python: json.dumps({"t": ...}, separators=(",", ":"))
    let pairs = [
        ("plain ~ !#[]'/", r#"plain ~ !#[]'/"#),
        ("\"\\", r#"\"\\"#),
        ("\u{8}\u{c}\n\r\t", r"\b\f\n\r\t"),
        ("\0\u{1f}\u{7f}\u{80}", r"\u0000\u001f\u007f\u0080"),
        ("é€\u{ffff}", r"\u00e9\u20ac\uffff"),
        ("😀\u{10000}\u{10ffff}", r"\ud83d\ude00\ud800\udc00\udbff\udfff"),
        ("\u{2028}x\u{2029}", r"\u2028x\u2029"),
    ];
    for (plain, escaped) in pairs {
        let written = attributes(&Text { t: plain });
        assert_eq!(written, format!("{{\"t\":\"{escaped}\"}}"));
        assert!(written.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
        assert_eq!(text(escaped), Ok(plain));
        // Raw UTF-8 is read as well, where it is not a control character or a quote.
        if !plain.contains(['"', '\\', '\n']) {
            assert_eq!(text(plain), Ok(plain));
        }
    }
    let all: String = ('\0'..=char::MAX).step_by(37).collect();
    let written = attributes(&Text { t: &all });
    assert_eq!(parse::<Text<String>>(&written).map(|text| text.t), Ok(all));
    let keys: BTreeMap<&str, u8> = [("é\"", 1)].into();
    assert_eq!(attributes(&keys), r#"{"\u00e9\"":1}"#);
    assert_eq!(write("Msg\u{e9}", &keys).as_deref(), Ok("[\"Msg\\u00e9\",{\"\\u00e9\\\"\":1}]\n"));
}

#[test]
fn what_the_peer_takes_is_taken() {
    let stats = "{\"host\":\"vm\",\"cpu_percent\":50,\"load_avg\":[3.2,2.9,2.1],\
                 \"memory_percent\":NaN,\"memory_total\":1,\"swap_percent\":0.0,\"swap_total\":0";
    let lines = [
        " [ \"MsgJoin\" , { } ] \r\n".to_owned(),
        "\t[\"MsgJoin\",\t{\t}\t]\r\n".to_owned(),
        "[\"MsgJoin\",{},3]\n".to_owned(),
        "[\"MsgJoin\",{},[{}],null,\"x\"]\n".to_owned(),
        "[\"MsgJoin\",{\"unknown\":[1,{\"a\":null}]}]\n".to_owned(),
        "[\"Msg\\u004aoin\",{}]\n".to_owned(),
        format!("[\"MsgStats\",{stats}}}]\n"),
        format!("[\"MsgStats\",{stats},\"more\":{{\"host\":1}}}}]\n"),
    ];
    for line in lines {
        assert!(read(&line).is_ok(), "{line} gives {:?}", read(&line));
    }
    let line = "[\"MsgIdentify\",{\"username\":\"é\",\"hostname\":\"\u{65e5}\u{672c}\"}]\n";
    assert!(matches!(read(line), Ok(Set::Identify(id)) if id.hostname() == "\u{65e5}\u{672c}"));
}

#[test]
fn numbers_are_pythons() {
    type Float = BTreeMap<String, f64>;
    let float = |token: &str| parse::<Float>(&format!("{{\"f\":{token}}}")).map(|map| map["f"]);
    for (token, value) in [
        ("1e+22", 1e22),
        ("1e-07", 1e-7),
        ("1.0", 1.0),
        ("-0.0", -0.0),
        ("5e-324", 5e-324),
        ("1.7976931348623157e+308", f64::MAX),
        ("0.1", 0.1),
        ("0.30000000000000004", 0.300_000_000_000_000_04),
        ("1e400", f64::INFINITY),
        ("-1e400", f64::NEG_INFINITY),
        ("Infinity", f64::INFINITY),
        ("-Infinity", f64::NEG_INFINITY),
        ("7", 7.0),
        ("-7", -7.0),
        ("123456789012345678901234567890", 1.234_567_890_123_456_8e29),
        ("1E5", 1e5),
    ] {
        assert_eq!(float(token), Ok(value), "{token}");
        assert_eq!(float(token).map(f64::is_sign_negative), Ok(value.is_sign_negative()));
    }
    assert!(float("NaN").is_ok_and(f64::is_nan));
    for token in ["01", "+1", ".5", "5.", "1e", "0x1", "nan", "inf", "-", "--1", "-NaN", "1.e5"] {
        assert_eq!(
            error_of::<Float>(&format!("{{\"f\":{token}}}")),
            JsonErrorKind::Number,
            "{token}"
        );
    }
    let values = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1.0, 1e22, 1e-7, -0.0, 1e16, 0.1];
    let written = attributes(&Text { t: values });
    assert_eq!(written, r#"{"t":[NaN,Infinity,-Infinity,1.0,1e22,1e-7,-0.0,1e16,0.1]}"#);
    let integers = Text { t: (u64::MAX, i64::MIN, u128::MAX, i128::MIN, 0_u8, -1_i8) };
    let written = attributes(&integers);
    assert_eq!(
        written,
        "{\"t\":[18446744073709551615,-9223372036854775808,\
         340282366920938463463374607431768211455,-170141183460469231731687303715884105728,0,-1]}"
    );
    assert_eq!(parse::<Text<(u64, i64, u128, i128, u8, i8)>>(&written), Ok(integers));
}

#[test]
fn a_dynamic_message_comes_back() {
    let json = r#"{"a":[1,-2,3.5,true,false,null,"x",{"b":{}},[]]}"#;
    let value: Value = parse(json).expect("good JSON");
    assert_eq!(attributes(&value), json);
}
