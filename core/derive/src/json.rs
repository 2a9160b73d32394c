//! JSON messages.

use proc_macro2::TokenStream as Code;
use quote::quote;
use syn::ext::IdentExt;
use syn::{Data, DeriveInput, Error, Fields, Path, Result};

use crate::attributes::{self, Message};

/// `#[derive(JsonMessage)]`
pub(crate) fn message(item: &DeriveInput, root: Path) -> Result<Code> {
    let Message { name, root: given, .. } = Message::parse(&item.attrs)?;
    let root = given.unwrap_or(root);
    has_attributes(item)?;
    let ident = &item.ident;
    let name = name.map_or_else(|| ident.unraw().to_string(), |name| name.value());
    let (parameters, arguments, clause) = item.generics.split_for_impl();
    Ok(quote! {
        #[automatically_derived]
        impl #parameters #root::JsonMessage for #ident #arguments #clause {
            const NAME: &'static str = #name;
        }
    })
}

/// Refuses what serde makes no object of, as far as it can be seen; serde's own attributes may
/// change what it makes.
fn has_attributes(item: &DeriveInput) -> Result<()> {
    let told = item.attrs.iter().any(|attribute| attribute.path().is_ident("serde"));
    match &item.data {
        Data::Struct(data) => {
            for field in &data.fields {
                attributes::none(&field.attrs)?;
            }
            match &data.fields {
                Fields::Unnamed(fields) if fields.unnamed.len() != 1 && !told => {
                    let error =
                        "the attributes of a JSON message have names: give the fields names";
                    Err(Error::new_spanned(fields, error))
                }
                _ => Ok(()),
            }
        }
        Data::Enum(data) if data.variants.is_empty() => {
            Err(Error::new_spanned(&item.ident, "an enum without variants has no value"))
        }
        Data::Enum(data) => {
            let plain = data.variants.iter().all(|variant| matches!(variant.fields, Fields::Unit));
            if plain && !told {
                let error = "serde writes such an enum as text, and the attributes of a JSON \
                             message are an object: put it into a field of a struct";
                return Err(Error::new_spanned(&item.ident, error));
            }
            Ok(())
        }
        Data::Union(data) => {
            Err(Error::new_spanned(data.union_token, "a JSON message is a struct or an enum"))
        }
    }
}
