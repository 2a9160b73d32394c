//! What macros check while a program is compiled, in words that name the culprit.
//!
//! Not for programs: it changes with the macros.

use crate::codec::byte::Byte;
use crate::codec::byte_field::Extent;

/// The messages of a set: the name of each variant, and its code.
pub type Codes<const N: usize> = [(&'static str, u8); N];
/// The messages of a set: the name of each variant, and its class name.
pub type Names<const N: usize> = [(&'static str, &'static str); N];

/// No two messages of a set have one code.
pub const fn unique_codes<const N: usize>(codes: &Codes<N>) {
    let mut at = 0;
    while at < N {
        new_code(codes, at);
        at += 1;
    }
}

/// None before number `at` has the same code.
#[track_caller]
pub const fn new_code<const N: usize>(codes: &Codes<N>, at: usize) {
    let (name, code) = codes[at];
    let mut before = 0;
    while before < at {
        if codes[before].1 == code {
            let text = Text::new("`").with(name).with("` has message code ").with_code(code);
            panic!("{}", text.with(", as `").with(codes[before].0).with("` has").as_str());
        }
        before += 1;
    }
}

/// No two messages of a set have one class name.
pub const fn unique_names<const N: usize>(names: &Names<N>) {
    let mut at = 0;
    while at < N {
        new_name(names, at);
        at += 1;
    }
}

/// None before number `at` has the same class name.
#[track_caller]
pub const fn new_name<const N: usize>(names: &Names<N>, at: usize) {
    let (variant, name) = names[at];
    let mut before = 0;
    while before < at {
        if same(names[before].1, name) {
            let text = Text::new("`").with(variant).with("` has message name \"").with(name);
            panic!("{}", text.with("\", as `").with(names[before].0).with("` has").as_str());
        }
        before += 1;
    }
}

/// The fields of a message, one after the other: their names and extents.
///
/// Each but the last has an end, and together they fit into a frame.
#[track_caller]
pub const fn payload(message: &str, fields: &[(&str, Extent)]) {
    let mut sum = 0_usize;
    let mut rest = fields;
    while let [(name, extent), more @ ..] = rest {
        match *extent {
            Extent::Fixed(len) => sum = sum.saturating_add(len),
            Extent::Rest if !more.is_empty() => {
                let text = Text::new("where `").with(name).with("` of `").with(message);
                let text = text.with("` ends is not known: put it last, or before it write ");
                panic!("{}", text.with("#[message(prefixed)]").as_str());
            }
            Extent::Marked | Extent::Rest => {}
        }
        rest = more;
    }
    if sum > LONGEST_PAYLOAD {
        let text = Text::new("`").with(message).with("` has ").with_number(sum);
        let text = text.with(" bytes of payload, and a byte message at most ");
        panic!("{}", text.with_number(LONGEST_PAYLOAD).as_str());
    }
}

const LONGEST_PAYLOAD: usize = Byte::LONGEST_SENT - Byte::HEADER;

const fn same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut i = 0;
    while i < one.len() && i < other.len() && one[i] == other[i] {
        i += 1;
    }
    i == one.len() && i == other.len()
}

/// Text put together by the compiler; what is too long is cut.
struct Text {
    bytes: [u8; 400],
    len: usize,
}

impl Text {
    const fn new(text: &str) -> Self {
        Self { bytes: [0; 400], len: 0 }.with(text)
    }

    const fn with(mut self, text: &str) -> Self {
        let mut rest = text.as_bytes();
        // Cut as a whole, so that what is left is text.
        if rest.len() > self.bytes.len() - self.len {
            return self;
        }
        while let [byte, more @ ..] = rest {
            self.bytes[self.len] = *byte;
            self.len += 1;
            rest = more;
        }
        self
    }

    const fn with_number(self, number: usize) -> Self {
        let text = if number < 10 { self } else { self.with_number(number / 10) };
        text.with_digit((number % 10) as u8)
    }

    const fn with_code(self, code: u8) -> Self {
        self.with("0x").with_digit(code >> 4).with_digit(code & 15)
    }

    const fn with_digit(self, digit: u8) -> Self {
        let digit = [if digit < 10 { b'0' + digit } else { b'a' + digit - 10 }];
        match core::str::from_utf8(&digit) {
            Ok(digit) => self.with(digit),
            Err(_) => self,
        }
    }

    const fn as_str(&self) -> &str {
        match core::str::from_utf8(self.bytes.split_at(self.len).0) {
            Ok(text) => text,
            Err(_) => "",
        }
    }
}
