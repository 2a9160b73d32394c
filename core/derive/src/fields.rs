//! The fields of a struct that goes into a payload, and what can be told from their types.

use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::{
    Error, Expr, ExprLit, GenericArgument, Lit, Member, PathArguments, Result, Type, TypePath,
};

use crate::attributes;

/// One field.
pub(crate) struct Field<'a> {
    /// How its struct calls it.
    pub(crate) member: Member,
    /// How people call it.
    pub(crate) name: String,
    pub(crate) ty: &'a Type,
    pub(crate) kind: Kind,
    /// Whether a byte with its length comes before it.
    pub(crate) prefixed: bool,
}

/// What is known of a field's type by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Number(Number),
    /// So many of them, in one row if nested; `None` where only the compiler can tell how many.
    Array(Number, Option<usize>),
    Text,
    Bytes,
    /// A type of the user's, or another name for one of ours.
    Other,
}

/// A number, and a bool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Number {
    pub(crate) len: usize,
    /// How Python's `struct` calls it, which knows none of 16 bytes.
    pub(crate) code: Option<char>,
    pub(crate) signed: bool,
    pub(crate) zero: &'static str,
}

impl Kind {
    /// Whether it takes all that is left of a payload.
    fn is_open(&self) -> bool {
        matches!(self, Self::Text | Self::Bytes)
    }
}

/// The fields of a struct, each looked at as far as its type can be told by its name; all that is
/// wrong with them at once.
pub(crate) fn of(fields: &syn::Fields) -> Result<Vec<Field<'_>>> {
    let mut errors: Option<Error> = None;
    let mut found = Vec::new();
    let last = fields.len().wrapping_sub(1);
    for (at, field) in fields.iter().enumerate() {
        match Field::new(at, field, at == last) {
            Ok(field) => found.push(field),
            Err(error) => match &mut errors {
                Some(errors) => errors.combine(error),
                None => errors = Some(error),
            },
        }
    }
    errors.map_or(Ok(found), Err)
}

impl<'a> Field<'a> {
    fn new(at: usize, field: &'a syn::Field, last: bool) -> Result<Self> {
        let prefixed = attributes::prefixed(field)?;
        let kind = kind(&field.ty)?;
        let name =
            field.ident.as_ref().map_or_else(|| at.to_string(), |name| name.unraw().to_string());
        match prefixed {
            Some(span) => refuse_prefix(&kind, span)?,
            None if kind.is_open() && !last => {
                let error = format!(
                    "where `{name}` ends is not known: put it last, or before it write \
                     #[message(prefixed)], for a byte with its length"
                );
                return Err(Error::new_spanned(&field.ty, error));
            }
            None => {}
        }
        let member = match &field.ident {
            Some(name) => Member::Named(name.clone()),
            None => Member::Unnamed(at.into()),
        };
        Ok(Self { member, name, ty: &field.ty, kind, prefixed: prefixed.is_some() })
    }
}

fn refuse_prefix(kind: &Kind, span: Span) -> Result<()> {
    match kind {
        Kind::Number(_) | Kind::Array(..) => {
            Err(Error::new(span, "only text and bytes need their length before them"))
        }
        Kind::Text | Kind::Bytes | Kind::Other => Ok(()),
    }
}

fn kind(ty: &Type) -> Result<Kind> {
    let refuse = |words: &str| Err(Error::new_spanned(ty, words));
    match ty {
        Type::Group(group) => kind(&group.elem),
        Type::Paren(paren) => kind(&paren.elem),
        Type::Path(path) => of_path(path),
        Type::Array(array) => match (kind(&array.elem)?, length(&array.len)) {
            (Kind::Number(number), len) => Ok(Kind::Array(number, len)),
            (Kind::Array(number, inner), len) => {
                Ok(Kind::Array(number, inner.and_then(|inner| len?.checked_mul(inner))))
            }
            (Kind::Text | Kind::Bytes, _) => {
                refuse("in an array, nobody would know where text or bytes end")
            }
            (Kind::Other, _) => Ok(Kind::Other),
        },
        Type::Reference(reference) if reference.mutability.is_some() => {
            refuse("what is received can only be read: take the `mut` away")
        }
        Type::Reference(reference) => {
            let kind = match &*reference.elem {
                Type::Path(path) if path.path.is_ident("str") => Kind::Text,
                Type::Slice(slice) if is_u8(&slice.elem) => Kind::Bytes,
                _ => {
                    return refuse(
                        "only text and bytes can be borrowed, as `&str` and `&[u8]`: hold the \
                         value itself",
                    );
                }
            };
            match &reference.lifetime {
                Some(lifetime) if lifetime.ident == "static" => {
                    refuse("a message borrows from the receive buffer: name a lifetime, as `'a`")
                }
                _ => Ok(kind),
            }
        }
        Type::Tuple(_) => refuse("a field can not be a tuple: make it several fields"),
        Type::Ptr(_)
        | Type::BareFn(_)
        | Type::TraitObject(_)
        | Type::ImplTrait(_)
        | Type::Never(_)
        | Type::Slice(_) => refuse("this can not be a field of a byte message"),
        _ => Ok(Kind::Other),
    }
}

fn of_path(path: &TypePath) -> Result<Kind> {
    let Some(last) = path.path.segments.last().filter(|_| path.qself.is_none()) else {
        return Ok(Kind::Other);
    };
    let refuse = |words: &str| Err(Error::new_spanned(path, words));
    let number = |len, code, signed, zero| Ok(Kind::Number(Number { len, code, signed, zero }));
    let plain = last.arguments.is_none() && path.path.segments.len() == 1;
    match last.ident.to_string().as_str() {
        "bool" if plain => number(1, Some('?'), false, "False"),
        "u8" if plain => number(1, Some('B'), false, "0"),
        "i8" if plain => number(1, Some('b'), true, "0"),
        "u16" if plain => number(2, Some('H'), false, "0"),
        "i16" if plain => number(2, Some('h'), true, "0"),
        "u32" if plain => number(4, Some('I'), false, "0"),
        "i32" if plain => number(4, Some('i'), true, "0"),
        "u64" if plain => number(8, Some('Q'), false, "0"),
        "i64" if plain => number(8, Some('q'), true, "0"),
        "u128" if plain => number(16, None, false, "0"),
        "i128" if plain => number(16, None, true, "0"),
        "f32" if plain => number(4, Some('f'), true, "0.0"),
        "f64" if plain => number(8, Some('d'), true, "0.0"),
        "usize" | "isize" if plain => {
            refuse("its width differs between machines: choose one, such as u32 or i32")
        }
        "char" if plain => refuse("a char is text: take `&str`, or its number as u32"),
        "String" if last.arguments.is_none() => Ok(Kind::Text),
        "Vec" => match &last.arguments {
            PathArguments::AngleBracketed(arguments) => match arguments.args.first() {
                Some(GenericArgument::Type(item)) if !is_u8(item) => {
                    refuse("of what can have any length, a payload holds text and bytes (u8) alone")
                }
                _ => Ok(Kind::Bytes),
            },
            _ => Ok(Kind::Other),
        },
        "Option" => {
            refuse("a field is always there: send a bool before it, or a message without it")
        }
        _ => Ok(Kind::Other),
    }
}

fn is_u8(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.is_ident("u8"))
}

fn length(len: &Expr) -> Option<usize> {
    match len {
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => number.base10_parse().ok(),
        Expr::Group(group) => length(&group.expr),
        _ => None,
    }
}
