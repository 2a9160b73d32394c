//! What is measured: an oven, as there is none on an emulated board.

use core::time::Duration;

/// An oven whose heater goes off above one temperature and on below another.
#[derive(Debug)]
pub(crate) struct Oven {
    pub(crate) celsius: f32,
    pub(crate) heating: bool,
}

impl Oven {
    const OFF_ABOVE: f32 = 60.0;
    const ON_BELOW: f32 = 45.0;
    /// Where the temperature would end with the heater always on, and always off.
    const HOTTEST: f32 = 90.0;
    const ROOM: f32 = 20.0;
    /// In how many seconds it gets most of the way there.
    const SLOWNESS: f32 = 8.0;

    pub(crate) const fn cold() -> Self {
        Self { celsius: Self::ROOM, heating: true }
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        let end = if self.heating { Self::HOTTEST } else { Self::ROOM };
        let share = (time.as_secs_f32() / Self::SLOWNESS).min(1.0);
        self.celsius += (end - self.celsius) * share;
        if self.celsius > Self::OFF_ABOVE {
            self.heating = false;
        } else if self.celsius < Self::ON_BELOW {
            self.heating = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_keeps_its_temperature_once_it_is_hot() {
        let mut oven = Oven::cold();
        let mut switched = 0;
        for second in 0..600 {
            let heating = oven.heating;
            for _ in 0..10 {
                oven.pass(Duration::from_millis(100));
            }
            switched += u32::from(heating != oven.heating);
            assert!(second < 30 || (40.0..65.0).contains(&oven.celsius), "{second}: {oven:?}");
        }
        assert!(switched > 20, "{switched}");
    }
}
