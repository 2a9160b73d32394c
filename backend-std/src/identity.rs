//! Who runs this program, and where.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

use cable_car::discovery::Instance;
use cable_car::{Identify, IdentifyError};

/// The name of the user and of this machine, as the Python peer fills in its `MsgIdentify`.
///
/// What the byte transport can not carry, anything but ASCII and an `@`, becomes `_`; a name that
/// the system does not tell becomes `unknown`.
///
/// ```
/// let me = cable_car_std::identify()?;
/// println!("{} at {}", me.username(), me.hostname());
/// # Ok::<(), cable_car_std::IdentifyError>(())
/// ```
///
/// # Errors
/// [`IdentifyError::TooLong`] where the two names do not fit into one message.
pub fn identify() -> Result<Identify, IdentifyError> {
    Identify::new(&plain(whoami::username()), &plain(whoami::hostname()))
}

/// Another one at each call.
pub fn random_instance() -> Instance {
    // Seeded by the system anew for each.
    Instance::new(RandomState::new().build_hasher().finish())
}

fn plain<E>(name: Result<String, E>) -> String {
    let name = name.unwrap_or_else(|_| "unknown".into());
    let is_plain = |character: char| character.is_ascii_graphic() && character != '@';
    name.chars().map(|character| if is_plain(character) { character } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_names_are_made_plain() {
        assert_eq!(plain::<()>(Ok("jörg@work".into())), "j_rg_work");
        assert_eq!(plain(Err(())), "unknown");
    }
}
