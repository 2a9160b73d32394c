//! The four messages that every peer knows, in both transports.

use core::fmt;

use heapless::String;
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::codec::byte::{ByteMessage, Signal};
use crate::codec::fields::{DecodeError, EncodeError, Reader, Writer};
use crate::codec::json::JsonMessage;

/// Says who and where the sender is: byte code 1, `username@hostname`; JSON `MsgIdentify`.
///
/// Holds its text in place and borrows nothing.
///
/// ```
/// use cable_car::Identify;
///
/// let me = Identify::new("ann", "pc")?;
/// assert_eq!((me.username(), me.hostname()), ("ann", "pc"));
/// # Ok::<(), cable_car::IdentifyError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Identify {
    /// `username@hostname`
    text: String<{ Identify::LONGEST }>,
    /// Where the `@` between them stands.
    at: usize,
}

/// Asks to take part: byte code 2, JSON `MsgJoin`.
///
/// ```
/// use cable_car::{ByteMessage, JsonMessage, Join};
///
/// assert_eq!((<Join as ByteMessage>::CODE, Join::NAME), (2, "MsgJoin"));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Join;

/// Asks to try again: byte code 3, JSON `MsgRetry`.
///
/// ```
/// use cable_car::{ByteMessage, JsonMessage, Retry};
///
/// assert_eq!((<Retry as ByteMessage>::CODE, Retry::NAME), (3, "MsgRetry"));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Retry;

/// Says goodbye: byte code 4, JSON `MsgQuit`.
///
/// ```
/// use cable_car::{ByteMessage, JsonMessage, Quit};
///
/// assert_eq!((<Quit as ByteMessage>::CODE, Quit::NAME), (4, "MsgQuit"));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Quit;

/// Why two names do not make an [`Identify`].
///
/// ```
/// use cable_car::{Identify, IdentifyError};
///
/// assert_eq!(Identify::new("ann@work", "pc"), Err(IdentifyError::AtSign));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum IdentifyError {
    /// Together they are longer than [`Identify::LONGEST`] less one.
    TooLong,
    /// One has an `@`, on which the Python peer divides them.
    AtSign,
}

impl fmt::Display for IdentifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => {
                write!(f, "username and hostname have over {} bytes", Identify::LONGEST - 1)
            }
            Self::AtSign => f.write_str("username or hostname has an @"),
        }
    }
}

impl core::error::Error for IdentifyError {}

impl Identify {
    /// The longest `username@hostname` that a byte frame carries, in bytes.
    ///
    /// ```
    /// use cable_car::Identify;
    ///
    /// let name = "n".repeat(Identify::LONGEST / 2);
    /// assert!(Identify::new(&name, &name[1..]).is_ok(), "with the @ they fit to the last byte");
    /// assert!(Identify::new(&name, &name).is_err());
    /// ```
    pub const LONGEST: usize = 252;

    /// Puts the two names together.
    ///
    /// ```
    /// use cable_car::Identify;
    ///
    /// assert_eq!(Identify::new("ann", "pc")?.to_string(), "ann@pc");
    /// # Ok::<(), cable_car::IdentifyError>(())
    /// ```
    ///
    /// # Errors
    /// [`IdentifyError::TooLong`] and [`IdentifyError::AtSign`].
    pub fn new(username: &str, hostname: &str) -> Result<Self, IdentifyError> {
        if username.contains('@') || hostname.contains('@') {
            return Err(IdentifyError::AtSign);
        }
        Self::join(username, hostname).ok_or(IdentifyError::TooLong)
    }

    /// Who: the name of the user.
    ///
    /// ```
    /// # use cable_car::Identify;
    /// assert_eq!(Identify::new("ann", "pc")?.username(), "ann");
    /// # Ok::<(), cable_car::IdentifyError>(())
    /// ```
    pub fn username(&self) -> &str {
        self.text.get(..self.at).unwrap_or_default()
    }

    /// Where: the name of the machine.
    ///
    /// ```
    /// # use cable_car::Identify;
    /// assert_eq!(Identify::new("ann", "pc")?.hostname(), "pc");
    /// # Ok::<(), cable_car::IdentifyError>(())
    /// ```
    pub fn hostname(&self) -> &str {
        self.text.get(self.at + 1..).unwrap_or_default()
    }

    fn join(username: &str, hostname: &str) -> Option<Self> {
        let mut text = String::new();
        text.push_str(username).ok()?;
        text.push('@').ok()?;
        text.push_str(hostname).ok()?;
        Some(Self { text, at: username.len() })
    }
}

impl fmt::Display for Identify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Identify {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{=str}", &self.text);
    }
}

impl fmt::Debug for Identify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identify")
            .field("username", &self.username())
            .field("hostname", &self.hostname())
            .finish()
    }
}

impl ByteMessage<'_> for Identify {
    const CODE: u8 = 1;

    fn encode(&self, payload: &mut Writer<'_>) -> Result<(), EncodeError> {
        if !self.text.is_ascii() {
            return Err(EncodeError::Invalid("a name in Identify is not ASCII"));
        }
        payload.text(&self.text)
    }

    fn decode(payload: &mut Reader<'_>) -> Result<Self, DecodeError> {
        // A hostname can not have an @, a username of a directory service can.
        let text = payload.rest_text()?;
        let at = text.bytes().rposition(|byte| byte == b'@');
        let names = at.and_then(|at| Some((text.get(..at)?, text.get(at + 1..)?)));
        let (username, hostname) = names.ok_or(DecodeError::Invalid("Identify has no @"))?;
        Self::join(username, hostname).ok_or(DecodeError::Invalid("Identify is too long"))
    }
}

impl Signal for Join {
    const CODE: u8 = 2;
}

impl Signal for Retry {
    const CODE: u8 = 3;
}

impl Signal for Quit {
    const CODE: u8 = 4;
}

impl JsonMessage for Identify {
    const NAME: &'static str = "MsgIdentify";
}

impl JsonMessage for Join {
    const NAME: &'static str = "MsgJoin";
}

impl JsonMessage for Retry {
    const NAME: &'static str = "MsgRetry";
}

impl JsonMessage for Quit {
    const NAME: &'static str = "MsgQuit";
}

impl Serialize for Identify {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut attributes = serializer.serialize_struct("Identify", 2)?;
        attributes.serialize_field("username", self.username())?;
        attributes.serialize_field("hostname", self.hostname())?;
        attributes.end()
    }
}

impl<'de> Deserialize<'de> for Identify {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Names<'a> {
            username: &'a str,
            hostname: &'a str,
        }
        let names = Names::deserialize(deserializer)?;
        Self::join(names.username, names.hostname)
            .ok_or_else(|| serde::de::Error::custom("username and hostname are too long"))
    }
}
