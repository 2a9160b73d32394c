//! Who a program is, and what it is for.

use core::fmt;

use heapless::String;

/// The name of one running program, chosen at random at its start; never 0.
///
/// The lower of two decides which link the pair keeps.
///
/// ```
/// use cable_car::discovery::Instance;
///
/// let random = 0x1dea_5eed; // another one at each start
/// assert_eq!(Instance::new(random).to_string(), "000000001dea5eed");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instance(u64);

impl Instance {
    /// An instance named by `random`, which should differ from program to program and from start to
    /// start.
    ///
    /// ```
    /// # use cable_car::discovery::Instance;
    /// assert_ne!(Instance::new(0).get(), 0);
    /// ```
    pub const fn new(random: u64) -> Self {
        Self(if random == 0 { 1 } else { random })
    }

    /// The number.
    ///
    /// ```
    /// # use cable_car::discovery::Instance;
    /// assert_eq!(Instance::new(7).get(), 7);
    /// ```
    pub const fn get(self) -> u64 {
        self.0
    }

    pub(super) fn read(bytes: [u8; 8]) -> Option<Self> {
        match u64::from_be_bytes(bytes) {
            0 => None,
            number => Some(Self(number)),
        }
    }
}

impl fmt::Display for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Instance {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{=u64:016x}", self.0);
    }
}

/// What a program is for: only programs of one service find each other. Empty where the ports alone
/// tell, as for the Python peer.
///
/// ```
/// use cable_car::discovery::{Config, Instance, Service};
///
/// let service = Service::new("pong")?;
/// let config = Config { service, ..Config::new(Instance::new(7)) };
/// # Ok::<(), cable_car::discovery::ServiceTooLong>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Service(String<{ Service::LONGEST }>);

/// A service name is longer than [`Service::LONGEST`] bytes.
///
/// ```
/// use cable_car::discovery::{Service, ServiceTooLong};
///
/// assert_eq!(Service::new(&"x".repeat(33)), Err(ServiceTooLong));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ServiceTooLong;

impl fmt::Display for ServiceTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the service name is longer than {} bytes", Service::LONGEST)
    }
}

impl core::error::Error for ServiceTooLong {}

impl Service {
    /// The longest name, in bytes.
    ///
    /// ```
    /// # use cable_car::discovery::Service;
    /// assert!(Service::new(&"x".repeat(Service::LONGEST)).is_ok());
    /// ```
    pub const LONGEST: usize = 32;

    /// No name.
    ///
    /// ```
    /// # use cable_car::discovery::{Config, Instance, Service};
    /// assert_eq!(Config::new(Instance::new(7)).service, Service::NONE);
    /// ```
    pub const NONE: Self = Self(String::new());

    /// The service of this name.
    ///
    /// ```
    /// # use cable_car::discovery::Service;
    /// assert_eq!(Service::new("pong")?.as_str(), "pong");
    /// # Ok::<(), cable_car::discovery::ServiceTooLong>(())
    /// ```
    ///
    /// # Errors
    /// [`ServiceTooLong`].
    pub fn new(name: &str) -> Result<Self, ServiceTooLong> {
        String::try_from(name).map(Self).map_err(|_| ServiceTooLong)
    }

    /// Its name.
    ///
    /// ```
    /// # use cable_car::discovery::Service;
    /// assert_eq!(Service::NONE.as_str(), "");
    /// ```
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
