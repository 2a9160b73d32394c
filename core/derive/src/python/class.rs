//! A message as a class of a Python peer.

use super::Code;
use crate::fields::{Field, Kind, Number};

/// The class, in parts.
#[derive(Default)]
pub(super) struct Class {
    /// Whether the length of a payload depends on its values.
    pub(super) dynamic: bool,
    /// How long a payload is at least.
    len: usize,
    /// Names and values at first.
    attributes: Vec<(String, String)>,
    before_pack: Vec<String>,
    pack: String,
    packed: Vec<String>,
    before_unpack: Vec<String>,
    pub(super) unpack: String,
    unpacked: Vec<Unpacked>,
    /// The lengths before what is unpacked next, beside `len`.
    lengths: String,
}

/// What a field takes of what is unpacked.
struct Unpacked {
    count: usize,
    attribute: String,
    /// Where it is not taken as it is: what makes an attribute of `@`.
    convert: Option<String>,
}

impl Class {
    /// `None` where there is a type whose bytes are not known here.
    pub(super) fn of(fields: &[Field<'_>]) -> Option<Self> {
        let mut class = Self { pack: ">".to_owned(), unpack: ">".to_owned(), ..Self::default() };
        for field in fields {
            let name = attribute(&field.name, fields.len());
            match &field.kind {
                Kind::Number(number) => class.number(name, *number),
                Kind::Array(number, count) => class.array(name, *number, (*count)?)?,
                Kind::Text => class.text_or_bytes(name, true, field.prefixed),
                Kind::Bytes => class.text_or_bytes(name, false, field.prefixed),
                Kind::Other => return None,
            }
        }
        Some(class)
    }

    fn number(&mut self, name: String, number: Number) {
        self.len += number.len;
        self.attributes.push((name.clone(), number.zero.to_owned()));
        let (packed, convert) = match number.code {
            Some(code) => {
                self.both(&code.to_string());
                (format!("self.{name}"), None)
            }
            None => {
                let signed = if number.signed { ", signed=True" } else { "" };
                self.both(&format!("{}s", number.len));
                (
                    format!("self.{name}.to_bytes({}, \"big\"{signed})", number.len),
                    Some(format!("int.from_bytes(@, \"big\"{signed})")),
                )
            }
        };
        self.packed.push(packed);
        self.unpacked.push(Unpacked { count: 1, attribute: name, convert });
    }

    fn array(&mut self, name: String, number: Number, count: usize) -> Option<()> {
        let code = number.code.filter(|_| count > 0)?;
        self.len = self.len.checked_add(number.len.checked_mul(count)?)?;
        if code == 'B' {
            self.both(&format!("{count}s"));
            self.attributes.push((name.clone(), format!("bytes({count})")));
            self.packed.push(format!("self.{name}"));
            self.unpacked.push(Unpacked { count: 1, attribute: name, convert: None });
        } else {
            self.both(&format!("{count}{code}"));
            self.attributes.push((name.clone(), format!("({},) * {count}", number.zero)));
            self.packed.push(format!("*self.{name}"));
            self.unpacked.push(Unpacked { count, attribute: name, convert: None });
        }
        Some(())
    }

    fn text_or_bytes(&mut self, name: String, is_text: bool, prefixed: bool) {
        self.dynamic = true;
        let (value, zero, convert) = if is_text {
            self.before_pack.push(format!("{name} = self.{name}.encode()"));
            (name.clone(), "\"\"", Some("@.decode()".to_owned()))
        } else {
            (format!("self.{name}"), "b\"\"", None)
        };
        self.attributes.push((name.clone(), zero.to_owned()));
        let at = format!("{}{}", self.len, self.lengths);
        if prefixed {
            let length = format!("{name}_len");
            self.before_unpack.push(format!("{length} = payload[{at}]"));
            self.pack += &format!("B{{len({value})}}s");
            self.unpack += &format!("x{{{length}}}s");
            self.packed.push(format!("len({value})"));
            self.len += 1;
            self.lengths += &format!(" + {length}");
        } else {
            let at = at.replace('+', "-");
            self.pack += &format!("{{len({value})}}s");
            self.unpack += &format!("{{len(payload) - {at}}}s");
        }
        self.packed.push(value);
        self.unpacked.push(Unpacked { count: 1, attribute: name, convert });
    }

    /// What is the same in both directions.
    fn both(&mut self, format: &str) {
        self.pack += format;
        self.unpack += format;
    }

    pub(super) fn summary(&self) -> String {
        match (self.attributes.len(), self.dynamic) {
            (0, _) => "no data. In a Python peer:".to_owned(),
            (_, true) => format!("from {} bytes of payload. In a Python peer:", self.len),
            (_, false) => {
                let s = if self.len == 1 { "" } else { "s" };
                let format = &self.unpack;
                format!(
                    "{} byte{s} of payload, `{format}` to Python's `struct`. In a Python peer:",
                    self.len
                )
            }
        }
    }

    /// The whole class.
    pub(super) fn text(&self, name: &str, code: &Code) -> String {
        let mut lines = vec![];
        if !self.attributes.is_empty() {
            lines.extend(["import struct".to_owned(), String::new()]);
        }
        lines.push("from cable_car.byte_messages import Message".to_owned());
        lines.extend([String::new(), String::new(), format!("class {name}(Message):")]);
        lines.push(match code {
            Code::Number(code) => format!("    code = {code:#04x}"),
            Code::Constant(path) => format!("    code = ...  # what {path} is"),
        });
        if !self.attributes.is_empty() {
            self.methods(&mut lines);
        }
        lines.join("\n") + "\n"
    }

    fn methods(&self, lines: &mut Vec<String>) {
        let quote = |format: &str| {
            let prefix = if self.dynamic { "f" } else { "" };
            format!("{prefix}\"{format}\"")
        };
        let mut method = |head: String, body: Vec<String>| {
            lines.push(String::new());
            lines.push(format!("    def {head}:"));
            lines.extend(body.into_iter().map(|line| format!("        {line}")));
        };

        let parameters = self.attributes.iter().map(|(name, zero)| format!(", {name}={zero}"));
        let sets = self.attributes.iter().map(|(name, _)| format!("self.{name} = {name}"));
        method(format!("__init__(self{})", parameters.collect::<String>()), sets.collect());

        let mut encode = self.before_pack.clone();
        encode.push(format!(
            "return struct.pack({}, {})",
            quote(&self.pack),
            self.packed.join(", ")
        ));
        method("encode(self)".to_owned(), encode);

        let mut decode = self.before_unpack.clone();
        let unpack = format!("struct.unpack({}, payload)", quote(&self.unpack));
        if self.unpacked.iter().any(|unpacked| unpacked.count > 1) {
            decode.push(format!("values = {unpack}"));
            let mut at = 0;
            for Unpacked { count, attribute, convert } in &self.unpacked {
                let value = match count {
                    1 => format!("values[{at}]"),
                    count => format!("values[{at}:{}]", at + count),
                };
                decode.push(format!("self.{attribute} = {}", converted(convert, &value)));
                at += count;
            }
        } else {
            let places = self.unpacked.iter().map(|unpacked| match &unpacked.convert {
                Some(_) => unpacked.attribute.clone(),
                None => format!("self.{}", unpacked.attribute),
            });
            let places = places.collect::<Vec<_>>().join(", ");
            let one = self.unpacked.len() == 1;
            let places = if one { format!("({places},)") } else { places };
            decode.push(format!("{places} = {unpack}"));
            for Unpacked { attribute, convert, .. } in &self.unpacked {
                if convert.is_some() {
                    decode.push(format!("self.{attribute} = {}", converted(convert, attribute)));
                }
            }
        }
        method("decode(self, payload)".to_owned(), decode);
    }
}

fn converted(convert: &Option<String>, value: &str) -> String {
    convert.as_ref().map_or_else(|| value.to_owned(), |convert| convert.replace('@', value))
}

/// A field's name in Python, where a field of a tuple needs one and some words are taken.
fn attribute(name: &str, count: usize) -> String {
    // Keywords, what the base class has, and what the methods use.
    const TAKEN: [&str; 42] = [
        "and", "as", "assert", "async", "await", "break", "bytes", "class", "code", "continue",
        "decode", "def", "del", "elif", "else", "encode", "except", "finally", "for", "from",
        "global", "if", "import", "in", "int", "is", "lambda", "len", "nonlocal", "not", "or",
        "pass", "payload", "raise", "return", "self", "struct", "try", "values", "while", "with",
        "yield",
    ];
    if name.starts_with(|first: char| first.is_ascii_digit()) {
        if count == 1 { "value".to_owned() } else { format!("value{name}") }
    } else if TAKEN.contains(&name) {
        format!("{name}_")
    } else {
        name.to_owned()
    }
}
