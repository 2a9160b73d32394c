//! Numbers: those of JSON, and the bare words that a Python peer sends for the others.

use serde::de::Visitor;

use super::JsonError;
use super::error::Fault;

/// A number as far as its token shows its type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    /// An integer without a sign that fits.
    Unsigned(u64),
    /// An integer below zero that fits.
    Signed(i64),
    /// Everything else: a fraction, an exponent, `NaN`, or an integer beyond 64 bits.
    Float(f64),
}

/// Reads a whole token. `1e400` is infinite, as it is for the peer.
pub(super) fn parse(token: &[u8]) -> Option<Number> {
    let (negative, digits) = match token {
        [b'-', digits @ ..] => (true, digits),
        _ => (false, token),
    };
    if let Some(magnitude) = integer(digits) {
        if !negative {
            return Some(Number::Unsigned(magnitude));
        }
        if let Some(value) = 0_i64.checked_sub_unsigned(magnitude) {
            return Some(Number::Signed(value));
        }
    }
    float(token).map(Number::Float)
}

/// Reads a token as an integer of up to 128 bits, sign apart.
pub(super) fn parse_wide(token: &[u8]) -> Option<(bool, u128)> {
    let (negative, digits) = match token {
        [b'-', digits @ ..] => (true, digits),
        _ => (false, token),
    };
    if !is_integer(digits) {
        return None;
    }
    core::str::from_utf8(digits).ok()?.parse().ok().map(|magnitude| (negative, magnitude))
}

/// Shows an integer that [`parse_wide`] gave.
pub(super) fn visit_wide<'de, V: Visitor<'de>>(
    negative: bool,
    magnitude: u128,
    visitor: V,
) -> Result<V::Value, JsonError> {
    if !negative {
        return visitor.visit_u128(magnitude);
    }
    match 0_i128.checked_sub_unsigned(magnitude) {
        Some(value) => visitor.visit_i128(value),
        None => Err(Fault::Number.into()),
    }
}

pub(super) fn is_number(token: &[u8]) -> bool {
    is_finite(token) || special(token).is_some()
}

#[inline]
fn integer(digits: &[u8]) -> Option<u64> {
    // 19 digits always fit.
    if digits.len() > 19 || !is_integer(digits) {
        return if is_integer(digits) {
            core::str::from_utf8(digits).ok()?.parse().ok()
        } else {
            None
        };
    }
    Some(digits.iter().fold(0, |sum: u64, digit| {
        sum.wrapping_mul(10).wrapping_add(u64::from(digit.wrapping_sub(b'0')))
    }))
}

#[inline]
fn is_integer(digits: &[u8]) -> bool {
    !digits.is_empty()
        && digits.iter().all(u8::is_ascii_digit)
        && (digits.len() == 1 || digits.first() != Some(&b'0'))
}

fn float(token: &[u8]) -> Option<f64> {
    if !is_finite(token) {
        return special(token);
    }
    core::str::from_utf8(token).ok()?.parse().ok()
}

fn special(token: &[u8]) -> Option<f64> {
    match token {
        b"NaN" => Some(f64::NAN),
        b"Infinity" => Some(f64::INFINITY),
        b"-Infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

/// Whether a token is a number by JSON's own grammar, which is stricter than Rust's.
fn is_finite(token: &[u8]) -> bool {
    let rest = token.strip_prefix(b"-").unwrap_or(token);
    let (whole, rest) = digits(rest);
    if !is_integer(whole) {
        return false;
    }
    let rest = match rest {
        [b'.', rest @ ..] => match digits(rest) {
            ([], _) => return false,
            (_, rest) => rest,
        },
        _ => rest,
    };
    match rest {
        [] => true,
        [b'e' | b'E', b'+' | b'-', rest @ ..] | [b'e' | b'E', rest @ ..] => {
            !rest.is_empty() && rest.iter().all(u8::is_ascii_digit)
        }
        _ => false,
    }
}

fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    let len = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    text.split_at_checked(len).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_keep_their_type_as_long_as_they_fit() {
        assert_eq!(parse(b"0"), Some(Number::Unsigned(0)));
        assert_eq!(parse(b"-0"), Some(Number::Signed(0)));
        assert_eq!(parse(b"18446744073709551615"), Some(Number::Unsigned(u64::MAX)));
        assert_eq!(parse(b"-9223372036854775808"), Some(Number::Signed(i64::MIN)));
        assert_eq!(
            parse(b"-9223372036854775809"),
            Some(Number::Float(-9_223_372_036_854_775_809.0))
        );
        assert_eq!(
            parse(b"18446744073709551616"),
            Some(Number::Float(18_446_744_073_709_551_616.0))
        );
        assert_eq!(parse_wide(b"-18446744073709551616"), Some((true, 1 << 64)));
    }

    #[test]
    fn floats_are_those_of_the_peer() {
        assert_eq!(parse(b"1e+22"), Some(Number::Float(1e22)));
        assert_eq!(parse(b"1e-07"), Some(Number::Float(1e-7)));
        assert_eq!(parse(b"1.0"), Some(Number::Float(1.0)));
        assert_eq!(parse(b"1e400"), Some(Number::Float(f64::INFINITY)));
        assert_eq!(parse(b"-Infinity"), Some(Number::Float(f64::NEG_INFINITY)));
        assert!(matches!(parse(b"NaN"), Some(Number::Float(nan)) if nan.is_nan()));
        assert!(matches!(parse(b"-0.0"), Some(Number::Float(zero)) if zero.is_sign_negative()));
    }

    #[test]
    fn what_is_no_number_in_json_is_refused() {
        for token in
            ["", "-", "+1", "01", "-01", ".5", "5.", "1e", "1e+", "0x10", "inf", "nan", "1_0"]
        {
            assert_eq!(parse(token.as_bytes()), None, "{token}");
            assert!(!is_number(token.as_bytes()), "{token}");
        }
    }
}
