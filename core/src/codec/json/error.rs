//! Errors of the JSON transport: what was wrong, with which attribute, how far into the line.

use core::fmt;

use crate::text::Snippet;

/// Why a line, or the attributes in it, could not be read.
///
/// ```
/// use cable_car::{AnyJson, BadMessage, JsonErrorKind, Link, Moved};
///
/// let mut link: Link<AnyJson, _, _> = Link::new([0; 256], [0; 256]);
/// let line = b"nonsense\n";
/// link.receive(|space| {
///     space[..line.len()].copy_from_slice(line);
///     Moved::All(line.len())
/// });
/// let Some(Err(BadMessage::Line { error })) = link.get() else { panic!("a bad line") };
/// assert_eq!(error.kind(), JsonErrorKind::Syntax);
/// ```
#[derive(Clone, Copy, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct JsonError {
    kind: JsonErrorKind,
    at: usize,
}

/// What was wrong with JSON that came.
///
/// ```
/// use cable_car::JsonErrorKind;
///
/// fn is_ours(kind: JsonErrorKind) -> bool {
///     // The peer is another version of this program, perhaps.
///     matches!(kind, JsonErrorKind::Missing(_) | JsonErrorKind::Mismatch { .. })
/// }
/// assert!(is_ours(JsonErrorKind::Missing("text")));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum JsonErrorKind {
    /// Not JSON, or not of the form `["ClassName",{...}]`.
    Syntax,
    /// The line ends too early.
    End,
    /// A text is not UTF-8.
    NotText,
    /// An escape in a text that JSON does not have, or half of a surrogate pair.
    Escape,
    /// A number that JSON does not have.
    Number,
    /// Arrays and objects are nested deeper than [`Json::DEEPEST`](crate::Json::DEEPEST).
    TooDeep,
    /// The attributes are not an object.
    AttributesNotObject,
    /// An attribute is not there.
    Missing(&'static str),
    /// A value has another type or is out of range; the text says what was expected.
    Mismatch {
        /// The attribute, where it is known.
        attribute: Option<&'static str>,
        /// What would have been right.
        expected: Snippet,
    },
    /// The type that is to be read objects; the text is its own.
    Custom(Snippet),
}

/// What is wrong with the form of a line. It has no words of its own, so that what fails with it
/// fits registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Syntax,
    End,
    NotText,
    Escape,
    Number,
    TooDeep,
}

impl From<Fault> for JsonErrorKind {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Syntax => Self::Syntax,
            Fault::End => Self::End,
            Fault::NotText => Self::NotText,
            Fault::Escape => Self::Escape,
            Fault::Number => Self::Number,
            Fault::TooDeep => Self::TooDeep,
        }
    }
}

impl From<Fault> for JsonError {
    #[cold]
    fn from(fault: Fault) -> Self {
        JsonErrorKind::from(fault).into()
    }
}

impl JsonError {
    /// What was wrong.
    ///
    /// ```
    /// # use cable_car::{AnyJson, BadMessage, JsonErrorKind, Link, Moved};
    /// #
    /// # let mut link: Link<AnyJson, _, _> = Link::new([0; 256], [0; 256]);
    /// # let line = b"nonsense\n";
    /// # link.receive(|space| {
    /// #     space[..line.len()].copy_from_slice(line);
    /// #     Moved::All(line.len())
    /// # });
    /// # let Some(Err(BadMessage::Line { error })) = link.get() else { panic!("a bad line") };
    /// assert_eq!(error.kind(), JsonErrorKind::Syntax);
    /// ```
    pub fn kind(&self) -> JsonErrorKind {
        self.kind
    }

    /// How far into the line it was noticed, in bytes.
    ///
    /// ```
    /// # use cable_car::{AnyJson, BadMessage, JsonErrorKind, Link, Moved};
    /// #
    /// # let mut link: Link<AnyJson, _, _> = Link::new([0; 256], [0; 256]);
    /// # let line = b"nonsense\n";
    /// # link.receive(|space| {
    /// #     space[..line.len()].copy_from_slice(line);
    /// #     Moved::All(line.len())
    /// # });
    /// # let Some(Err(BadMessage::Line { error })) = link.get() else { panic!("a bad line") };
    /// assert_eq!(error.position(), 0);
    /// ```
    pub fn position(&self) -> usize {
        self.at
    }

    pub(super) fn at(self, at: usize) -> Self {
        Self { at, ..self }
    }

    /// Names the attribute that the value of a mismatch belonged to; the innermost one stands.
    pub(super) fn in_attribute(mut self, name: Option<&'static str>) -> Self {
        if let JsonErrorKind::Mismatch { attribute: attribute @ None, .. } = &mut self.kind {
            *attribute = name;
        }
        self
    }

    #[cold]
    pub(super) fn mismatch(expected: &dyn fmt::Display) -> Self {
        let expected = format_args!("{expected}").into();
        JsonErrorKind::Mismatch { attribute: None, expected }.into()
    }
}

impl From<JsonErrorKind> for JsonError {
    fn from(kind: JsonErrorKind) -> Self {
        Self { kind, at: 0 }
    }
}

impl serde::de::Error for JsonError {
    #[cold]
    fn custom<T: fmt::Display>(message: T) -> Self {
        JsonErrorKind::Custom(format_args!("{message}").into()).into()
    }

    #[cold]
    fn invalid_type(_: serde::de::Unexpected<'_>, expected: &dyn serde::de::Expected) -> Self {
        Self::mismatch(&expected)
    }

    #[cold]
    fn invalid_value(_: serde::de::Unexpected<'_>, expected: &dyn serde::de::Expected) -> Self {
        Self::mismatch(&expected)
    }

    #[cold]
    fn invalid_length(_: usize, expected: &dyn serde::de::Expected) -> Self {
        Self::mismatch(&expected)
    }

    #[cold]
    fn missing_field(field: &'static str) -> Self {
        JsonErrorKind::Missing(field).into()
    }
}

impl fmt::Debug for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at byte {}", self.kind, self.at)
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            JsonErrorKind::Syntax => f.write_str("not JSON of the form [\"Name\",{...}]")?,
            JsonErrorKind::End => f.write_str("the line ends too early")?,
            JsonErrorKind::NotText => f.write_str("text is not UTF-8")?,
            JsonErrorKind::Escape => f.write_str("a text has an escape that is not allowed")?,
            JsonErrorKind::Number => f.write_str("not a number")?,
            JsonErrorKind::TooDeep => f.write_str("nested too deep")?,
            JsonErrorKind::AttributesNotObject => f.write_str("attributes are not an object")?,
            JsonErrorKind::Missing(name) => write!(f, "attribute {name:?} is missing")?,
            JsonErrorKind::Mismatch { attribute: Some(name), expected } => {
                write!(f, "attribute {name:?} is not {expected}")?;
            }
            JsonErrorKind::Mismatch { attribute: None, expected } => {
                write!(f, "a value is not {expected}")?;
            }
            JsonErrorKind::Custom(text) => write!(f, "{text}")?,
        }
        write!(f, " (at byte {})", self.at)
    }
}

impl core::error::Error for JsonError {}
