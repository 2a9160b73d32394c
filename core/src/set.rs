//! The messages that a program understands, as one enum.

use crate::codec::Transport;
use crate::error::BadMessage;

/// A program's messages: what [`get`](crate::Link::get) can give. Made by
/// [`message_set!`](crate::message_set), or one of the raw sets [`AnyByte`] and [`AnyJson`].
///
/// ```
/// use cable_car::{Identify, Link, MessageSet, Quit, message_set};
///
/// message_set! { enum Game: Byte { Identify, Quit } }
///
/// /// Works with any program's messages.
/// fn link<S: MessageSet>() -> Link<S, [u8; 256], [u8; 256]> {
///     Link::new([0; 256], [0; 256])
/// }
/// let game = link::<Game>();
/// ```
///
/// # By hand
/// For sets that are no list of types, such as a range of codes:
///
/// ```
/// use cable_car::{BadMessage, Byte, FrameOf, MessageSet};
///
/// /// The payload of everything from 0x80 on.
/// enum Upper {}
///
/// impl MessageSet for Upper {
///     type Transport = Byte;
///     type Message<'a> = &'a [u8];
///
///     fn decode(frame: FrameOf<'_, Self>) -> Result<&[u8], BadMessage> {
///         match frame.code {
///             0x80.. => Ok(frame.payload),
///             _ => Err(frame.unknown()),
///         }
///     }
/// }
/// ```
pub trait MessageSet {
    /// How these messages are laid out on a link: see [by hand](MessageSet#by-hand).
    type Transport: Transport;

    /// What comes out; borrows from the receive buffer where one of the messages does: see
    /// [by hand](MessageSet#by-hand).
    type Message<'a>;

    /// Looks up which message a frame carries, and reads it: see [by hand](MessageSet#by-hand).
    ///
    /// # Errors
    /// [`BadMessage`] where the set does not have it or its data do not fit it.
    fn decode(frame: FrameOf<'_, Self>) -> Result<Self::Message<'_>, BadMessage>;
}

/// A frame of the transport that set `S` uses: see [sets by hand](MessageSet#by-hand).
pub type FrameOf<'a, S> = <<S as MessageSet>::Transport as Transport>::Frame<'a>;

/// Every frame of the byte transport as it is, for programs that know no messages beforehand.
///
/// ```
/// use cable_car::{AnyByte, Link, Moved};
///
/// let mut link: Link<AnyByte, _, _> = Link::new([0; 256], [0; 256]);
/// link.receive(|space| {
///     space[..3].copy_from_slice(b"\x03\x77!");
///     Moved::All(3)
/// });
/// let frame = link.get().expect("a whole frame")?;
/// assert_eq!((frame.code, frame.payload), (0x77, &b"!"[..]));
/// # Ok::<(), cable_car::BadMessage>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub enum AnyByte {}

impl MessageSet for AnyByte {
    type Transport = crate::Byte;
    type Message<'a> = crate::ByteFrame<'a>;

    #[inline]
    fn decode(frame: FrameOf<'_, Self>) -> Result<Self::Message<'_>, BadMessage> {
        Ok(frame)
    }
}

/// Every line of the JSON transport as it is, for programs that know no messages beforehand.
///
/// ```
/// use cable_car::{AnyJson, Link, Moved};
///
/// let mut link: Link<AnyJson, _, _> = Link::new([0; 256], [0; 256]);
/// let line = b"[\"Any\",{\"n\":1}]\n";
/// link.receive(|space| {
///     space[..line.len()].copy_from_slice(line);
///     Moved::All(line.len())
/// });
/// assert_eq!(link.get().expect("a whole line")?.name(), "Any");
/// # Ok::<(), cable_car::BadMessage>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub enum AnyJson {}

impl MessageSet for AnyJson {
    type Transport = crate::Json;
    type Message<'a> = crate::JsonFrame<'a>;

    fn decode(frame: FrameOf<'_, Self>) -> Result<Self::Message<'_>, BadMessage> {
        Ok(frame)
    }
}

/// Makes the enum of the messages that a program understands.
///
/// After the enum's name stands the transport, `Byte` or `Json`. Each variant is a message type, or
/// a name with the type in parentheses. Two messages with the same code or the same class name are
/// a compile error. Where a message borrows from the receive buffer, so does the enum.
///
/// ```
/// use cable_car::{Identify, Join, Quit, Signal, message_set};
///
/// #[derive(Debug, Default)]
/// struct Fire;
///
/// impl Signal for Fire {
///     const CODE: u8 = 0x20;
/// }
///
/// message_set! {
///     /// What this game understands.
///     #[derive(Debug)]
///     pub enum Game: Byte { Identify, Join, Leave(Quit), Fire }
/// }
/// ```
///
/// Messages that borrow:
///
/// ```
/// use cable_car::{JsonMessage, message_set};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct Chat<'a> { text: &'a str }
///
/// impl JsonMessage for Chat<'_> {
///     const NAME: &'static str = "MsgChat";
/// }
///
/// message_set! { enum Talk<'a>: Json { Chat(Chat<'a>) } }
/// ```
///
/// The same code twice:
///
/// ```compile_fail
/// # use cable_car::{Join, Signal, message_set};
/// #[derive(Default)]
/// struct Two;
/// impl Signal for Two { const CODE: u8 = 2; }
/// message_set! { enum Game: Byte { Join, Two } } // error: Two has code 0x02 as Join has
/// ```
#[macro_export]
macro_rules! message_set {
    (
        $(#[$attribute:meta])*
        $visibility:vis enum $set:ident : $transport:ident {
            $( $variant:ident $( ( $message:ty ) )? ),+ $(,)?
        }
    ) => {
        $crate::message_set! {
            @enum [$(#[$attribute])* $visibility] [$set] [$set] [] $transport
            [] [ $( $variant [$( $message )?] )+ ]
        }
    };
    (
        $(#[$attribute:meta])*
        $visibility:vis enum $set:ident < $lifetime:lifetime > : $transport:ident {
            $( $variant:ident $( ( $message:ty ) )? ),+ $(,)?
        }
    ) => {
        $crate::message_set! {
            @enum [$(#[$attribute])* $visibility]
            [$set] [$set<'static>] [$lifetime] $transport
            [] [ $( $variant [$( $message )?] )+ ]
        }
    };

    // A variant with no type of its own is named as its type is.
    (
        @enum $head:tt $set:tt $tag:tt $lifetime:tt $transport:ident
        [ $( $done:tt )* ] [ $variant:ident [] $( $rest:tt )* ]
    ) => {
        $crate::message_set! {
            @enum $head $set $tag $lifetime $transport
            [ $( $done )* ($variant, $variant) ] [ $( $rest )* ]
        }
    };
    (
        @enum $head:tt $set:tt $tag:tt $lifetime:tt $transport:ident
        [ $( $done:tt )* ] [ $variant:ident [$message:ty] $( $rest:tt )* ]
    ) => {
        $crate::message_set! {
            @enum $head $set $tag $lifetime $transport
            [ $( $done )* ($variant, $message) ] [ $( $rest )* ]
        }
    };
    (
        @enum [ $( $head:tt )* ] [$set:ident] [$tag:ty] [$( $lifetime:lifetime )?]
        $transport:ident [ $( ($variant:ident, $message:ty) )+ ] []
    ) => {
        $( $head )* enum $set $( <$lifetime> )? {
            $(
                #[doc = concat!("A `", stringify!($message), "`.")]
                $variant($message)
            ),+
        }

        $crate::message_set! {
            @$transport [$tag] [$set] [$( $lifetime )?] $( ($variant, $message) )+
        }
    };

    (@Byte [$tag:ty] [$set:ident] [] $( ($variant:ident, $message:ty) )+) => {
        const _: () = $crate::message_set!(@unique_codes [] $( ($variant, $message) )+);

        impl $crate::MessageSet for $tag {
            type Transport = $crate::Byte;
            type Message<'message> = $set;

            #[inline(always)]
            fn decode(
                frame: $crate::FrameOf<'_, Self>,
            ) -> Result<Self::Message<'_>, $crate::BadMessage> {
                $crate::message_set!(@match_code frame $set $( ($variant, $message) )+)
            }
        }
    };
    (
        @Byte [$tag:ty] [$set:ident] [$lifetime:lifetime] $( ($variant:ident, $message:ty) )+
    ) => {
        const _: () = $crate::message_set!(@unique_codes [$lifetime] $( ($variant, $message) )+);

        impl $crate::MessageSet for $tag {
            type Transport = $crate::Byte;
            type Message<$lifetime> = $set<$lifetime>;

            #[inline(always)]
            fn decode<$lifetime>(
                frame: $crate::FrameOf<$lifetime, Self>,
            ) -> Result<Self::Message<$lifetime>, $crate::BadMessage> {
                $crate::message_set!(@match_code frame $set $( ($variant, $message) )+)
            }
        }
    };
    (@match_code $frame:ident $set:ident $( ($variant:ident, $message:ty) )+) => {{
        $(
            if $frame.code == <$message as $crate::ByteMessage<'_>>::CODE {
                return $frame.decode::<$message>().map($set::$variant);
            }
        )+
        Err($frame.unknown())
    }};
    (@unique_codes [$( $lifetime:lifetime )?] $( ($variant:ident, $message:ty) )+) => {{
        const fn codes $( <$lifetime> )? () -> $crate::check::Codes<{ [$( stringify!($variant) ),+].len() }> {
            [$( (stringify!($variant), <$message as $crate::ByteMessage<'_>>::CODE) ),+]
        }
        $crate::check::unique_codes(&codes())
    }};

    (@Json [$tag:ty] [$set:ident] [] $( ($variant:ident, $message:ty) )+) => {
        const _: () = $crate::message_set!(@unique_names [] $( ($variant, $message) )+);

        impl $crate::MessageSet for $tag {
            type Transport = $crate::Json;
            type Message<'message> = $set;

            #[inline(always)]
            fn decode(
                frame: $crate::FrameOf<'_, Self>,
            ) -> Result<Self::Message<'_>, $crate::BadMessage> {
                $crate::message_set!(@match_name frame $set $( ($variant, $message) )+)
            }
        }
    };
    (
        @Json [$tag:ty] [$set:ident] [$lifetime:lifetime] $( ($variant:ident, $message:ty) )+
    ) => {
        const _: () = $crate::message_set!(@unique_names [$lifetime] $( ($variant, $message) )+);

        impl $crate::MessageSet for $tag {
            type Transport = $crate::Json;
            type Message<$lifetime> = $set<$lifetime>;

            #[inline(always)]
            fn decode<$lifetime>(
                frame: $crate::FrameOf<$lifetime, Self>,
            ) -> Result<Self::Message<$lifetime>, $crate::BadMessage> {
                $crate::message_set!(@match_name frame $set $( ($variant, $message) )+)
            }
        }
    };
    (@match_name $frame:ident $set:ident $( ($variant:ident, $message:ty) )+) => {{
        $(
            if $frame.name() == <$message as $crate::JsonMessage>::NAME {
                return $frame.decode::<$message>().map($set::$variant);
            }
        )+
        Err($frame.unknown())
    }};
    (@unique_names [$( $lifetime:lifetime )?] $( ($variant:ident, $message:ty) )+) => {{
        const fn names $( <$lifetime> )? () -> $crate::check::Names<{ [$( stringify!($variant) ),+].len() }> {
            [$( (stringify!($variant), <$message as $crate::JsonMessage>::NAME) ),+]
        }
        $crate::check::unique_names(&names())
    }};

    // Mistakes.
    (@$transport:ident $( $rest:tt )*) => {
        compile_error!(concat!(
            "`", stringify!($transport), "` is no transport: write Byte or Json"
        ));
    };
    (
        $( #[$attribute:meta] )*
        $visibility:vis enum $set:ident $( <$lifetime:lifetime> )? { $( $rest:tt )* }
    ) => {
        compile_error!(concat!(
            "which transport? write `enum ", stringify!($set), ": Byte` or `enum ",
            stringify!($set), ": Json`"
        ));
    };
}
