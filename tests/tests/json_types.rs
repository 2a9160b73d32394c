//! Serde's whole data model as attributes: written to the byte, and read back.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;

use cable_car::EncodeError;
use cable_car_tests::json::{attributes, parse, parse_borrowed, write};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize, Serializer};

/// Something as the one attribute of a message.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Of<T> {
    v: T,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Clone, Copy, Serialize, Deserialize)]
enum Plain {
    One,
    #[serde(rename = "zwei")]
    Two,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Every {
    Unit,
    Newtype(i8),
    Tuple(i8, String),
    Struct { x: i8, y: Option<Box<Every>> },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Unit;

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Newtype(u32);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Pair(u8, String);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Nested {
    inner: Of<Vec<Of<Newtype>>>,
    unit: Unit,
}

/// Is written as `json` and read back from it.
#[track_caller]
fn both<T: Serialize + DeserializeOwned + PartialEq + Debug>(v: T, json: &str) {
    let of = Of { v };
    let json = format!("{{\"v\":{json}}}");
    assert_eq!(attributes(&of), json);
    assert_eq!(parse::<Of<T>>(&json), Ok(of));
}

#[test]
fn integers_to_their_limits() {
    both((i8::MIN, i8::MAX), "[-128,127]");
    both((i16::MIN, i16::MAX), "[-32768,32767]");
    both((i32::MIN, i32::MAX), "[-2147483648,2147483647]");
    both((i64::MIN, i64::MAX), "[-9223372036854775808,9223372036854775807]");
    both((u8::MAX, u16::MAX, u32::MAX), "[255,65535,4294967295]");
    both(u64::MAX, "18446744073709551615");
    both(u128::MAX, "340282366920938463463374607431768211455");
    both(i128::MIN, "-170141183460469231731687303715884105728");
    both(i128::MAX, "170141183460469231731687303715884105727");
    both(0_u128, "0");
    both(-1_i128, "-1");
}

#[test]
fn simple_values() {
    both((true, false), "[true,false]");
    both((), "null");
    both(Unit, "{}");
    both('x', "\"x\"");
    both('"', "\"\\\"\"");
    both('é', "\"\\u00e9\"");
    both('😀', "\"\\ud83d\\ude00\"");
    both(String::from("a\nb"), "\"a\\nb\"");
    both((1.5_f32, 0.1_f32, -2.0_f64), "[1.5,0.1,-2.0]");
    both(f32::MAX, "3.4028235e38");
}

#[test]
fn options() {
    both(None::<u8>, "null");
    both(Some(3_u8), "3");
    both(vec![Some('a'), None], "[\"a\",null]");
    both(Some(Of { v: Some(1) }), "{\"v\":1}");
    assert_eq!(parse::<Of<Option<u8>>>("{}"), Ok(Of { v: None }), "what is not there is none");
    assert_eq!(parse::<Of<Option<f64>>>("{\"v\":Infinity}"), Ok(Of { v: Some(f64::INFINITY) }));
    let nan = parse::<Of<Option<f64>>>("{\"v\":NaN}").map(|of| of.v.is_some_and(f64::is_nan));
    assert_eq!(nan, Ok(true), "NaN is not the beginning of null");
}

#[test]
fn sequences_and_structs() {
    both(Vec::<u8>::new(), "[]");
    both(vec![vec![1], vec![], vec![2, 3]], "[[1],[],[2,3]]");
    both([1, 2, 3], "[1,2,3]");
    both((1, String::from("x"), [true]), "[1,\"x\",[true]]");
    both(Newtype(7), "7");
    both(Pair(1, "b".into()), "[1,\"b\"]");
    let inner = Of { v: vec![Of { v: Newtype(1) }, Of { v: Newtype(2) }] };
    both(Nested { inner, unit: Unit }, "{\"inner\":{\"v\":[{\"v\":1},{\"v\":2}]},\"unit\":{}}");
}

#[test]
fn all_four_forms_of_enums() {
    both(Every::Unit, "\"Unit\"");
    both(Plain::Two, "\"zwei\"");
    both(Every::Newtype(-1), "{\"Newtype\":-1}");
    both(Every::Tuple(1, "a".into()), "{\"Tuple\":[1,\"a\"]}");
    let deep = Every::Struct { x: 1, y: Some(Box::new(Every::Tuple(2, "b".into()))) };
    both(deep, "{\"Struct\":{\"x\":1,\"y\":{\"Tuple\":[2,\"b\"]}}}");
    both(vec![Every::Unit, Every::Newtype(1)], "[\"Unit\",{\"Newtype\":1}]");
    for other in ["{\"Unit\":null}", "{ \"Unit\" : {} }", "\"\\u0055nit\"", "{\"\\u0055nit\":1}"] {
        assert_eq!(parse(&format!("{{\"v\":{other}}}")), Ok(Of { v: Every::Unit }), "{other}");
    }
    for bad in ["\"Newtype\"", "\"Tuple\"", "\"Nobody\"", "{}", "3", "null", "[\"Unit\"]"] {
        assert!(parse::<Of<Every>>(&format!("{{\"v\":{bad}}}")).is_err(), "{bad}");
    }
    for bad in ["{\"Newtype\":1,\"Unit\":null}", "{\"Newtype\":1", "{\"Tuple\":[1]}", "{3:4}"] {
        assert!(parse::<Of<Every>>(&format!("{{\"v\":{bad}}}")).is_err(), "{bad}");
    }
}

#[test]
fn maps_and_their_keys() {
    both(BTreeMap::<String, u8>::new(), "{}");
    both(BTreeMap::from([("a".to_owned(), 1), ("b".to_owned(), 2)]), "{\"a\":1,\"b\":2}");
    both(BTreeMap::from([(-1_i8, 'x'), (1, 'y')]), "{\"-1\":\"x\",\"1\":\"y\"}");
    both(BTreeMap::from([(u64::MAX, ())]), "{\"18446744073709551615\":null}");
    both(BTreeMap::from([(i64::MIN, ())]), "{\"-9223372036854775808\":null}");
    both(BTreeMap::from([(Newtype(5), 1)]), "{\"5\":1}");
    both(BTreeMap::from([('é', 1)]), "{\"\\u00e9\":1}");
    both(BTreeMap::from([(Plain::One, 1), (Plain::Two, 2)]), "{\"One\":1,\"zwei\":2}");
    let bad = parse::<Of<BTreeMap<u8, u8>>>("{\"v\":{\"256\":1}}");
    assert!(bad.is_err(), "a key out of range");
    assert!(parse::<Of<BTreeMap<u8, u8>>>("{\"v\":{\"x\":1}}").is_err());
    let map = HashMap::from([("k", Of { v: 1 })]);
    assert_eq!(attributes(&map), "{\"k\":{\"v\":1}}");
}

#[test]
fn keys_of_128_bits() {
    both(BTreeMap::from([(u128::MAX, 1)]), "{\"340282366920938463463374607431768211455\":1}");
    both(BTreeMap::from([(i128::MIN, 1)]), "{\"-170141183460469231731687303715884105728\":1}");
}

#[test]
fn keys_that_are_neither_text_nor_numbers_are_refused() {
    let refused = [
        write("M", &BTreeMap::from([(true, 1)])),
        write("M", &BTreeMap::from([((), 1)])),
        write("M", &BTreeMap::from([(None::<u8>, 1)])),
        write("M", &BTreeMap::from([([1], 1)])),
        write("M", &BTreeMap::from([(BTreeMap::from([(1, 1)]), 1)])),
    ];
    for refused in refused {
        assert!(matches!(refused, Err(EncodeError::Invalid(_))), "{refused:?}");
    }
}

#[test]
fn attributes_that_are_no_object_are_refused() {
    let refused = [
        write("M", &1),
        write("M", "text"),
        write("M", &[1, 2]),
        write("M", &()),
        write("M", &None::<Unit>),
        write("M", &Plain::One),
    ];
    for refused in refused {
        assert!(matches!(refused, Err(EncodeError::Invalid(_))), "{refused:?}");
    }
    for other in ["null", "[]", "1", "\"x\"", "true"] {
        assert!(parse::<Unit>(other).is_err(), "{other}");
    }
}

#[test]
fn text_is_borrowed_whatever_its_escapes() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Texts<'a> {
        plain: &'a str,
        #[serde(borrow)]
        list: Vec<&'a str>,
        #[serde(borrow)]
        map: BTreeMap<&'a str, Option<&'a str>>,
        bytes: &'a [u8],
    }
    let json = r#"{"plain":"a","list":["\u00e9","","\ud83d\ude00"],"map":{"\n":"\"","k":null},
                   "bytes":"\u00e9"}"#
        .replace('\n', "");
    let texts = Texts {
        plain: "a",
        list: vec!["é", "", "😀"],
        map: [("\n", Some("\"")), ("k", None)].into(),
        bytes: "é".as_bytes(),
    };
    assert_eq!(parse_borrowed::<Texts<'_>>(&json), Ok(texts));
}

#[test]
fn serdes_own_means_shape_the_attributes() {
    fn hex<S: Serializer>(value: &u8, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{value:#04x}\u{b0}"))
    }

    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Shaped {
        some_name: u8,
        #[serde(serialize_with = "hex")]
        mask: u8,
        #[serde(skip)]
        _hidden: u8,
        #[serde(flatten)]
        more: BTreeMap<&'static str, u8>,
    }
    let shaped = Shaped { some_name: 1, mask: 255, _hidden: 2, more: [("x", 3)].into() };
    assert_eq!(attributes(&shaped), "{\"someName\":1,\"mask\":\"0xff\\u00b0\",\"x\":3}");

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(tag = "kind")]
    enum Tagged {
        A { x: u8 },
        B,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(untagged)]
    enum Untagged {
        Number(f64),
        Text(String),
        List(Vec<u8>),
    }
    assert_eq!(parse("{\"x\":1,\"kind\":\"A\"}"), Ok(Tagged::A { x: 1 }));
    assert_eq!(parse("{\"kind\":\"B\"}"), Ok(Tagged::B));
    let all = [Untagged::Number(1.0), Untagged::Text("é".into()), Untagged::List(vec![1])];
    assert_eq!(parse("{\"v\":[1,\"\\u00e9\",[1]]}"), Ok(Of { v: all }));
}

#[test]
fn a_line_without_room_is_told_at_every_size() {
    let of = Of { v: (BTreeMap::from([(1, "é")]), Every::Newtype(1), Some(1.5), [()]) };
    let line = write("Msg", &of).expect("can be written");
    for len in 0..line.len() {
        assert_eq!(cable_car::write_line("Msg", &of, &mut vec![0; len]), Err(EncodeError::Full));
    }
    let mut space = vec![0; line.len()];
    assert_eq!(cable_car::write_line("Msg", &of, &mut space), Ok(line.len()));
    assert_eq!(space, line.as_bytes());
}
