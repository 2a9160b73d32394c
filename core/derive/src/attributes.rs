//! What stands in `#[message(...)]` and `#[messages(...)]`.

use proc_macro2::Span;
use quote::ToTokens;
use syn::meta::ParseNestedMeta;
use syn::spanned::Spanned;
use syn::{Attribute, Expr, ExprLit, ExprUnary, Field, Lit, LitStr, Path, Result};

/// `#[message(code = 0x10, name = "MsgChat", crate = path)]` of a type. A type may be a message of
/// both transports, so that each derive lets pass what belongs to another.
#[derive(Default)]
pub(crate) struct Message {
    pub(crate) code: Option<Expr>,
    pub(crate) name: Option<LitStr>,
    pub(crate) root: Option<Path>,
}

impl Message {
    pub(crate) fn parse(attributes: &[Attribute]) -> Result<Self> {
        let mut found = Self::default();
        for attribute in of(attributes, "message") {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("code") {
                    once(&mut found.code, &meta, code(meta.value()?.parse()?)?)
                } else if meta.path.is_ident("name") {
                    once(&mut found.name, &meta, name(meta.value()?.parse()?)?)
                } else if meta.path.is_ident("crate") {
                    once(&mut found.root, &meta, meta.value()?.parse()?)
                } else if meta.path.is_ident("prefixed") {
                    Err(meta.error("`prefixed` belongs to a field"))
                } else {
                    Err(unknown(&meta, "code = 0x10, name = \"MsgName\", crate = path"))
                }
            })?;
        }
        Ok(found)
    }
}

/// Whether a field has `#[message(prefixed)]`, and where.
pub(crate) fn prefixed(field: &Field) -> Result<Option<Span>> {
    let mut found = None;
    for attribute in of(&field.attrs, "message") {
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("prefixed") {
                let span = meta.path.span();
                once(&mut found, &meta, span)
            } else if meta.path.is_ident("code") || meta.path.is_ident("name") {
                Err(meta.error("this belongs to the message, before `struct`"))
            } else {
                Err(unknown(&meta, "prefixed"))
            }
        })?;
    }
    Ok(found)
}

/// Refuses what is meant for fields, where there is none to mean.
pub(crate) fn none(attributes: &[Attribute]) -> Result<()> {
    match of(attributes, "message").next() {
        Some(attribute) => Err(syn::Error::new_spanned(attribute, "nothing is to be said here")),
        None => Ok(()),
    }
}

/// How the messages of a set are laid out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Byte,
    Json,
}

/// `#[messages(byte, crate = path)]` of a set.
#[derive(Default)]
pub(crate) struct Messages {
    pub(crate) transport: Option<Transport>,
    pub(crate) root: Option<Path>,
}

impl Messages {
    pub(crate) fn parse(attributes: &[Attribute]) -> Result<Self> {
        let mut found = Self::default();
        for attribute in of(attributes, "messages") {
            attribute.parse_nested_meta(|meta| {
                let transport = if meta.path.is_ident("byte") {
                    Transport::Byte
                } else if meta.path.is_ident("json") {
                    Transport::Json
                } else if meta.path.is_ident("crate") {
                    return once(&mut found.root, &meta, meta.value()?.parse()?);
                } else {
                    return Err(unknown(&meta, "byte or json, crate = path"));
                };
                if found.transport.is_some_and(|other| other != transport) {
                    return Err(meta.error("a link has one transport: byte or json"));
                }
                once(&mut found.transport, &meta, transport)
            })?;
        }
        Ok(found)
    }
}

fn of<'a>(attributes: &'a [Attribute], name: &str) -> impl Iterator<Item = &'a Attribute> {
    attributes.iter().filter(move |attribute| attribute.path().is_ident(name))
}

fn once<T>(place: &mut Option<T>, meta: &ParseNestedMeta<'_>, value: T) -> Result<()> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(meta.error("this is said twice")),
    }
}

fn unknown(meta: &ParseNestedMeta<'_>, known: &str) -> syn::Error {
    let path = meta.path.to_token_stream();
    meta.error(format!("unknown attribute `{path}`; known here: {known}"))
}

/// A code that can be seen to be wrong is refused here; a constant's type is left to the compiler.
fn code(code: Expr) -> Result<Expr> {
    let wrong = match &code {
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => number.base10_parse::<u8>().is_err(),
        Expr::Lit(ExprLit { lit, .. }) => !matches!(lit, Lit::Byte(_)),
        Expr::Unary(ExprUnary { op: syn::UnOp::Neg(_), .. }) => true,
        _ => false,
    };
    if wrong {
        return Err(syn::Error::new_spanned(code, "a message code is one byte: 0 to 255"));
    }
    Ok(code)
}

fn name(name: LitStr) -> Result<LitStr> {
    if name.value().is_empty() {
        return Err(syn::Error::new_spanned(name, "a message name is the name of a class"));
    }
    Ok(name)
}
