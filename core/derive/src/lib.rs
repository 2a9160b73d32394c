#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod attributes;
mod byte;
mod fields;
mod json;
mod python;
mod set;

use proc_macro::TokenStream;
use proc_macro2::{Span, TokenStream as Code, TokenTree};
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{DeriveInput, Path, Result, parse_macro_input, parse_quote};

/// What a derive does: from an item and the path of `cable_car` to code.
type Derive = fn(&DeriveInput, Path) -> Result<Code>;

fn expand(item: TokenStream, derive: Derive, root: Path) -> TokenStream {
    let item = parse_macro_input!(item as DeriveInput);
    derive(&item, root).unwrap_or_else(|error| error.to_compile_error()).into()
}

/// Each derive twice: for users of `cable-car`, and for users of `cable-car-std`, who need not have
/// `cable-car` among their own dependencies.
macro_rules! derives {
    ($(
        #[doc = $doc:expr]
        $derive:path: $name:ident $function:ident, $std_name:ident $std_function:ident,
        attributes($attribute:ident);
    )*) => {
        $(
            #[doc = $doc]
            #[proc_macro_derive($name, attributes($attribute))]
            pub fn $function(item: TokenStream) -> TokenStream {
                expand(item, $derive, parse_quote!(::cable_car))
            }

            #[doc(hidden)]
            #[doc = $doc]
            #[proc_macro_derive($std_name, attributes($attribute))]
            pub fn $std_function(item: TokenStream) -> TokenStream {
                expand(item, $derive, parse_quote!(::cable_car_std::cable_car))
            }
        )*
    };
}

derives! {
    #[doc = include_str!("../docs/byte_message.md")]
    byte::message: ByteMessage byte_message, StdByteMessage std_byte_message, attributes(message);
    #[doc = include_str!("../docs/byte_field.md")]
    byte::field: ByteField byte_field, StdByteField std_byte_field, attributes(message);
    #[doc = include_str!("../docs/json_message.md")]
    json::message: JsonMessage json_message, StdJsonMessage std_json_message, attributes(message);
    #[doc = include_str!("../docs/message_set.md")]
    set::set: MessageSet message_set, StdMessageSet std_message_set, attributes(messages);
}

/// Where code is blamed on `culprit`; its names are looked up as those of all that is derived.
fn at(culprit: &impl ToTokens) -> Span {
    Span::call_site().located_at(culprit.span())
}

/// `root` in code that is blamed on `culprit`.
fn root_at(root: &Path, culprit: &impl ToTokens) -> Code {
    let span = at(culprit);
    let blamed = |mut token: TokenTree| {
        token.set_span(span);
        token
    };
    root.to_token_stream().into_iter().map(blamed).collect()
}
