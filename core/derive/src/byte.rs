//! Byte messages, and what can be a field of one.

use proc_macro2::TokenStream as Code;
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{Data, DataEnum, DeriveInput, Error, Generics, Lifetime, Path, Result, parse_quote};

use crate::attributes::{self, Message};
use crate::fields::{self, Field};
use crate::python;
use crate::{at, root_at};

/// `#[derive(ByteMessage)]`
pub(crate) fn message(item: &DeriveInput, root: Path) -> Result<Code> {
    let Message { code, root: given, .. } = Message::parse(&item.attrs)?;
    let root = given.unwrap_or(root);
    let fields = match &item.data {
        Data::Struct(data) => fields::of(&data.fields)?,
        Data::Enum(data) => {
            let error = "a byte message is a struct; an enum can be a field of one: ByteField";
            return Err(Error::new_spanned(data.enum_token, error));
        }
        Data::Union(data) => {
            return Err(Error::new_spanned(data.union_token, "a byte message is a struct"));
        }
    };
    let code = code.ok_or_else(|| {
        let error = "a byte message has a code: write #[message(code = 0x10)] before `struct`, \
                     with a number of its own from 5 to 255 (1 to 4 are the standard messages)";
        Error::new_spanned(&item.ident, error)
    })?;

    let name = item.ident.unraw().to_string();
    let extents = fields.iter().map(|field| {
        let (name, extent) = (&field.name, extent(field, &root));
        quote!((#name, #extent))
    });
    let blamed = root_at(&root, &item.ident);
    let check = quote_spanned! {at(&item.ident)=>
        #blamed::check::payload(#name, &[#(#extents),*])
    };
    let generics = &item.generics;
    // What depends on a type is known only where that type is: where such a message is sent.
    let depends =
        generics.type_params().next().is_some() || generics.const_params().next().is_some();
    let (now, later) = if depends {
        (None, Some(quote!(const { #check };)))
    } else {
        let (parameters, _, clause) = generics.split_for_impl();
        let call = quote_spanned!(at(&item.ident)=> check());
        let now = quote! {
            const _: () = {
                const fn check #parameters () #clause {
                    #check
                }
                #call
            };
        };
        (Some(now), None)
    };

    let Body { encode, decode, .. } = Body::of_struct(&fields, &root);
    // As with a `Signal`, what comes along is ignored.
    let ignore = fields.is_empty().then(|| quote!(payload.rest();));
    let implementation = Implementation {
        docs: python::message(&name, &code, &fields),
        of: quote!(ByteMessage),
        constant: quote!(const CODE: u8 = #code;),
        encode: quote!(#later #encode),
        decode: quote!(#ignore #decode),
    };
    let implementation = implementation.write(item, &root);
    Ok(quote!(#now #implementation))
}

/// `#[derive(ByteField)]`
pub(crate) fn field(item: &DeriveInput, root: Path) -> Result<Code> {
    let Message { code, root: given, .. } = Message::parse(&item.attrs)?;
    if let Some(code) = code {
        return Err(Error::new_spanned(code, "a message has a code, a field has none"));
    }
    let root = given.unwrap_or(root);
    let (body, docs) = match &item.data {
        Data::Struct(data) => {
            let fields = fields::of(&data.fields)?;
            (Body::of_struct(&fields, &root), python::field(&fields))
        }
        Data::Enum(data) => (Body::of_enum(item, data, &root)?, python::byte()),
        Data::Union(data) => {
            let error = "nobody would know which field of a union counts: take a struct";
            return Err(Error::new_spanned(data.union_token, error));
        }
    };
    let Body { extent, encode, decode } = body;
    let implementation = Implementation {
        docs,
        of: quote!(ByteField),
        constant: quote!(const EXTENT: #root::Extent = #extent;),
        encode,
        decode,
    };
    Ok(implementation.write(item, &root))
}

/// What a field takes, and how it is written and read.
struct Body {
    extent: Code,
    encode: Code,
    decode: Code,
}

impl Body {
    /// One field after the other. The code for each is blamed on its type.
    fn of_struct(fields: &[Field<'_>], root: &Path) -> Self {
        let extents = fields.iter().map(|field| extent(field, root));
        let encodes = fields.iter().map(|field @ Field { member, ty, .. }| {
            let field_trait = field_trait(field, root);
            if field.prefixed {
                quote_spanned! {at(ty)=>
                    payload.prefixed(|payload| #field_trait::encode(&self.#member, payload))?;
                }
            } else {
                quote_spanned!(at(ty)=> #field_trait::encode(&self.#member, payload)?;)
            }
        });
        let decodes = fields.iter().map(|field @ Field { member, ty, .. }| {
            let field_trait = field_trait(field, root);
            if field.prefixed {
                quote_spanned!(at(ty)=> #member: payload.prefixed(#field_trait::decode)?)
            } else {
                quote_spanned!(at(ty)=> #member: #field_trait::decode(payload)?)
            }
        });
        Self {
            extent: quote!(#root::Extent::sum(&[#(#extents),*])),
            encode: quote!(#(#encodes)* ::core::result::Result::Ok(())),
            decode: quote!(::core::result::Result::Ok(Self { #(#decodes),* })),
        }
    }

    /// One byte, the variant's number.
    fn of_enum(item: &DeriveInput, data: &DataEnum, root: &Path) -> Result<Self> {
        if data.variants.is_empty() {
            return Err(Error::new_spanned(&item.ident, "an enum without variants has no value"));
        }
        for variant in &data.variants {
            attributes::none(&variant.attrs)?;
            if !variant.fields.is_empty() {
                let error = "a variant is one byte, which leaves no room for data: send a message \
                             for each variant";
                return Err(Error::new_spanned(&variant.fields, error));
            }
        }
        if !is_one_byte(item) {
            let error = "a variant is one byte: write #[repr(u8)] before `enum`";
            return Err(Error::new_spanned(&item.ident, error));
        }
        let variants = data.variants.iter().map(|variant| &variant.ident);
        let (one, other) = (variants.clone(), variants);
        let invalid = format!("there is no such {}", item.ident);
        Ok(Self {
            extent: quote!(#root::Extent::Fixed(1)),
            encode: quote! {
                payload.u8(match self {
                    #(Self::#one => const { Self::#one as u8 },)*
                })
            },
            decode: quote! {
                match payload.u8()? {
                    #(byte if byte == const { Self::#other as u8 } => {
                        ::core::result::Result::Ok(Self::#other)
                    })*
                    _ => ::core::result::Result::Err(#root::DecodeError::Invalid(#invalid)),
                }
            },
        })
    }
}

fn is_one_byte(item: &DeriveInput) -> bool {
    let is = |attribute: &syn::Attribute| {
        attribute.path().is_ident("repr")
            && attribute.parse_args::<syn::Ident>().is_ok_and(|ident| ident == "u8")
    };
    item.attrs.iter().any(is)
}

fn extent(field: &Field<'_>, root: &Path) -> Code {
    if field.prefixed {
        return quote!(#root::Extent::Marked);
    }
    let field_trait = field_trait(field, root);
    quote_spanned!(at(field.ty)=> #field_trait::EXTENT)
}

/// The field's type as a `ByteField`.
fn field_trait(field: &Field<'_>, root: &Path) -> Code {
    let ty = field.ty;
    let root = root_at(root, ty);
    quote_spanned!(at(ty)=> <#ty as #root::ByteField<'_>>)
}

/// An implementation of `ByteMessage` or `ByteField`.
struct Implementation {
    docs: String,
    of: Code,
    constant: Code,
    encode: Code,
    decode: Code,
}

impl Implementation {
    fn write(self, item: &DeriveInput, root: &Path) -> Code {
        let Self { docs, of, constant, encode, decode } = self;
        let name = &item.ident;
        let buffer: Lifetime = parse_quote!('__message);
        let generics = with_buffer(&item.generics, &buffer, root);
        let (parameters, _, clause) = generics.split_for_impl();
        let (_, arguments, _) = item.generics.split_for_impl();
        quote! {
            #[automatically_derived]
            #[doc = #docs]
            impl #parameters #root::#of<#buffer> for #name #arguments #clause {
                #constant

                #[inline]
                fn encode(
                    &self,
                    payload: &mut #root::Writer<'_>,
                ) -> ::core::result::Result<(), #root::EncodeError> {
                    #encode
                }

                #[inline]
                fn decode(
                    payload: &mut #root::Reader<#buffer>,
                ) -> ::core::result::Result<Self, #root::DecodeError> {
                    #decode
                }
            }
        }
    }
}

/// The parameters of a type, and the lifetime of the receive buffer, which outlives them all.
fn with_buffer(generics: &Generics, buffer: &Lifetime, root: &Path) -> Generics {
    let mut all = generics.clone();
    let outlived = generics.lifetimes().map(|parameter| &parameter.lifetime);
    all.params.insert(0, parse_quote!(#buffer: #(#outlived)+*));
    let types: Vec<_> = generics.type_params().map(|parameter| parameter.ident.clone()).collect();
    let clause = all.make_where_clause();
    for ty in types {
        clause.predicates.push(parse_quote!(#ty: #root::ByteField<#buffer>));
    }
    all
}
