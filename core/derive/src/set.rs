//! The enum of the messages that a program understands.

use proc_macro2::TokenStream as Code;
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{
    Data, DataEnum, DeriveInput, Error, Fields, GenericParam, Ident, Path, Result, Type, Variant,
};

use crate::attributes::{Messages, Transport};
use crate::{at, root_at};

/// `#[derive(MessageSet)]`
pub(crate) fn set(item: &DeriveInput, root: Path) -> Result<Code> {
    let Messages { transport, root: given } = Messages::parse(&item.attrs)?;
    let root = given.unwrap_or(root);
    let data = match &item.data {
        Data::Enum(data) => data,
        Data::Struct(data) => {
            let error = "a set of messages is an enum: a variant for each message";
            return Err(Error::new_spanned(data.struct_token, error));
        }
        Data::Union(data) => {
            return Err(Error::new_spanned(data.union_token, "a set of messages is an enum"));
        }
    };
    let transport = transport.ok_or_else(|| {
        let error = "which transport? write #[messages(byte)] or #[messages(json)] before `enum`";
        Error::new_spanned(&item.ident, error)
    })?;
    refuse_parameters(item)?;
    let messages = messages(item, data)?;
    let check = check(item, &messages, transport, &root);
    let implementation = implementation(item, &messages, transport, &root);
    Ok(quote!(#check #implementation))
}

/// A variant and the message in it.
struct Message<'a> {
    variant: &'a Ident,
    ty: &'a Type,
}

fn refuse_parameters(item: &DeriveInput) -> Result<()> {
    let mut lifetimes = 0;
    for parameter in &item.generics.params {
        let error = match parameter {
            GenericParam::Lifetime(_) if lifetimes == 0 => {
                lifetimes += 1;
                continue;
            }
            GenericParam::Lifetime(_) => "all messages borrow from one buffer: take one lifetime",
            GenericParam::Type(_) | GenericParam::Const(_) => {
                "a set of messages is a list of types: it can have a lifetime and nothing else"
            }
        };
        return Err(Error::new_spanned(parameter, error));
    }
    Ok(())
}

fn messages<'a>(item: &DeriveInput, data: &'a DataEnum) -> Result<Vec<Message<'a>>> {
    if data.variants.is_empty() {
        let error = "a set has a variant for each message, as `Join(Join)`; for a program that \
                     knows none beforehand there are AnyByte and AnyJson";
        return Err(Error::new_spanned(&item.ident, error));
    }
    data.variants.iter().map(message).collect()
}

fn message(variant: &Variant) -> Result<Message<'_>> {
    let name = &variant.ident;
    match &variant.fields {
        Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
            Ok(Message { variant: name, ty: &fields.unnamed[0].ty })
        }
        Fields::Unit => {
            Err(Error::new_spanned(name, format!("which message? write {name}({name})")))
        }
        fields => {
            let error = "a variant holds one message: make a message of these, and a variant of it";
            Err(Error::new_spanned(fields, error))
        }
    }
}

/// That no code and no name comes twice. Each message is blamed for what comes before it.
fn check(item: &DeriveInput, messages: &[Message<'_>], transport: Transport, root: &Path) -> Code {
    let (parameters, _, clause) = item.generics.split_for_impl();
    let count = messages.len();
    let keys = messages.iter().map(|Message { variant, ty }| {
        let name = variant.unraw().to_string();
        match transport {
            Transport::Byte => {
                quote_spanned!(at(ty)=> (#name, <#ty as #root::ByteMessage<'_>>::CODE))
            }
            Transport::Json => quote_spanned!(at(ty)=> (#name, <#ty as #root::JsonMessage>::NAME)),
        }
    });
    let checks = messages.iter().enumerate().map(|(number, Message { variant, .. })| {
        let root = root_at(root, variant);
        match transport {
            Transport::Byte => {
                quote_spanned!(at(variant)=> #root::check::new_code(&keys(), #number))
            }
            Transport::Json => {
                quote_spanned!(at(variant)=> #root::check::new_name(&keys(), #number))
            }
        }
    });
    let keys_type = match transport {
        Transport::Byte => quote!(Codes),
        Transport::Json => quote!(Names),
    };
    quote! {
        const _: () = {
            const fn keys #parameters () -> #root::check::#keys_type<#count> #clause {
                [#(#keys),*]
            }
            #(#checks;)*
        };
    }
}

fn implementation(
    item: &DeriveInput,
    messages: &[Message<'_>],
    transport: Transport,
    root: &Path,
) -> Code {
    let name = &item.ident;
    let borrows = item.generics.lifetimes().next().map(|parameter| &parameter.lifetime);
    let buffer = borrows.cloned().unwrap_or_else(|| syn::parse_quote!('__message));
    let (tag, set) = match borrows {
        Some(lifetime) => (quote!(#name<'static>), quote!(#name<#lifetime>)),
        None => (quote!(#name), quote!(#name)),
    };
    let transport_type = match transport {
        Transport::Byte => quote!(Byte),
        Transport::Json => quote!(Json),
    };
    let decodes = messages.iter().map(|Message { variant, ty }| {
        let is_it = match transport {
            Transport::Byte => {
                quote_spanned!(at(ty)=> frame.code == <#ty as #root::ByteMessage<'_>>::CODE)
            }
            Transport::Json => {
                quote_spanned!(at(ty)=> frame.name() == <#ty as #root::JsonMessage>::NAME)
            }
        };
        quote_spanned! {at(ty)=>
            if #is_it {
                return frame.decode::<#ty>().map(#name::#variant);
            }
        }
    });
    quote! {
        #[automatically_derived]
        impl #root::MessageSet for #tag {
            type Transport = #root::#transport_type;
            type Message<#buffer> = #set;

            #[inline]
            fn decode<#buffer>(
                frame: #root::FrameOf<#buffer, Self>,
            ) -> ::core::result::Result<Self::Message<#buffer>, #root::BadMessage> {
                #(#decodes)*
                ::core::result::Result::Err(frame.unknown())
            }
        }
    }
}
