//! What the documentation says of a payload: the same message as a class of a Python peer.

mod class;

use std::fmt::Write;

use quote::ToTokens;
use syn::{Expr, ExprLit, Lit};

use self::class::Class;
use crate::fields::{Field, Kind, Number};

/// The docs of a byte message.
pub(crate) fn message(name: &str, code: &Expr, fields: &[Field<'_>]) -> String {
    let code = Code::of(code);
    let mut docs = match &code {
        Code::Number(code) => format!("Message code {code:#04x}, "),
        Code::Constant(path) => format!("Message code `{path}`, "),
    };
    match Class::of(fields) {
        Some(class) => {
            docs += &class.summary();
            docs += "\n\n```python\n";
            docs += &class.text(name, &code);
            docs += "```\n";
        }
        None => docs += &list(fields),
    }
    docs
}

/// The docs of a struct that is a field.
pub(crate) fn field(fields: &[Field<'_>]) -> String {
    match Class::of(fields) {
        Some(class) if !class.dynamic => {
            format!("In a payload, `{}` to Python's `struct`.", class.unpack)
        }
        _ => format!("In a payload, {}", list(fields)),
    }
}

/// The docs of an enum that is a field.
pub(crate) fn byte() -> String {
    "In a payload, one byte: `B` to Python's `struct`.".to_owned()
}

enum Code {
    Number(u8),
    Constant(String),
}

impl Code {
    fn of(code: &Expr) -> Self {
        let number = match code {
            Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => number.base10_parse().ok(),
            Expr::Lit(ExprLit { lit: Lit::Byte(byte), .. }) => Some(byte.value()),
            _ => None,
        };
        number.map_or_else(
            || Self::Constant(code.to_token_stream().to_string().replace(' ', "")),
            Self::Number,
        )
    }
}

/// Where only the compiler knows what a type is.
fn list(fields: &[Field<'_>]) -> String {
    let mut text =
        "one field after the other, big-endian:\n\n| field | Python's `struct` |\n|---|---|\n"
            .to_owned();
    for field in fields {
        let ty = field.ty.to_token_stream().to_string().replace(' ', "");
        let format = match &field.kind {
            Kind::Number(Number { code: Some(code), .. }) => format!("`{code}`"),
            Kind::Number(Number { len, .. }) => format!("`{len}s`, an integer"),
            Kind::Array(Number { code: Some(code), .. }, Some(count)) => format!("`{count}{code}`"),
            Kind::Array(..) => format!("`{ty}`"),
            Kind::Text => "UTF-8".to_owned(),
            Kind::Bytes => "bytes".to_owned(),
            Kind::Other => format!("as `{ty}`"),
        };
        let length = if field.prefixed { "`B`, the length, and " } else { "" };
        // Writing to a String never fails.
        let _ = writeln!(text, "| `{}` | {length}{format} |", field.name);
    }
    text
}

#[cfg(test)]
mod tests {
    use syn::{Data, DeriveInput, parse_quote};

    use super::*;
    use crate::{attributes, fields};

    #[expect(clippy::needless_pass_by_value, reason = "callers quote it in place")]
    fn docs(item: DeriveInput) -> String {
        let code = attributes::Message::parse(&item.attrs).unwrap().code.unwrap();
        let Data::Struct(data) = &item.data else { panic!("a struct") };
        message(&item.ident.to_string(), &code, &fields::of(&data.fields).unwrap())
    }

    /// The classes that the documentation of the derive shows.
    fn classes() -> Vec<&'static str> {
        let pieces = include_str!("../docs/byte_message.md").split("```python\n").skip(1);
        pieces.map(|piece| piece.split("```").next().unwrap()).collect()
    }

    #[test]
    fn the_documentation_shows_what_is_made() {
        let made = [
            docs(parse_quote! {
                #[message(code = 0x10)]
                struct Position { x: i16, y: i16 }
            }),
            docs(parse_quote! {
                #[message(code = 0x11)]
                struct Fire;
            }),
            docs(parse_quote! {
                #[message(code = 0x12)]
                struct Score<'a> {
                    #[message(prefixed)]
                    player: &'a str,
                    points: u32,
                    won: [bool; 3],
                    remark: &'a str,
                }
            }),
            docs(parse_quote! {
                #[message(code = 0x13)]
                struct Record<'a> {
                    id: u128,
                    key: [u8; 4],
                    offset: i128,
                    #[message(prefixed)]
                    head: &'a [u8],
                    grid: [[f32; 2]; 2],
                    #[message(prefixed)]
                    from: &'a str,
                    rest: &'a [u8],
                }
            }),
        ];
        let shown = classes();
        assert_eq!(made.len(), shown.len());
        for (made, shown) in made.iter().zip(shown) {
            assert!(made.contains(&format!("```python\n{shown}```\n")), "{made}\n{shown}");
        }
        let summary = "Message code 0x10, 4 bytes of payload, `>hh` to Python's `struct`.";
        assert!(made[0].starts_with(summary), "{}", made[0]);
    }

    #[test]
    fn words_that_python_or_the_class_needs_are_left_to_it() {
        let class = docs(parse_quote! {
            #[message(code = b'x')]
            struct Odd { from: u8, encode: u128, #[message(prefixed)] payload: Vec<u8>, r#in: i128, len: String }
        });
        for line in [
            "code = 0x78",
            "def __init__(self, from_=0, encode_=0, payload_=b\"\", in_=0, len_=\"\"):",
            "len_ = self.len_.encode()",
            "payload__len = payload[17]",
            "self.encode_ = int.from_bytes(encode_, \"big\")",
            "self.in_ = int.from_bytes(in_, \"big\", signed=True)",
        ] {
            assert!(class.lines().any(|other| other.trim() == line), "{line}: {class}");
        }
        let class = docs(parse_quote!(
            #[message(code = 5)]
            struct One(u8);
        ));
        assert!(class.contains("(self.value,) = struct.unpack(\">B\", payload)"), "{class}");
    }

    #[test]
    fn what_only_the_compiler_knows_is_named() {
        let list = docs(parse_quote! {
            #[message(code = BALL)]
            struct Ball<'a> { at: Point, trail: [u16; N], key: i128, #[message(prefixed)] by: &'a str }
        });
        assert!(list.starts_with("Message code `BALL`, one field after the other"), "{list}");
        for row in [
            "| `at` | as `Point` |",
            "| `trail` | `[u16;N]` |",
            "| `key` | `16s`, an integer |",
            "| `by` | `B`, the length, and UTF-8 |",
        ] {
            assert!(list.lines().any(|line| line == row), "{row}: {list}");
        }
    }
}
