//! Probabilities and factors as exact fractions: no float may reach a simulated decision.

use std::fmt;
use std::str::FromStr;

/// A fraction `num/den` with `den > 0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ratio {
    /// Numerator.
    pub num: u32,
    /// Denominator, never 0.
    pub den: u32,
}

impl Ratio {
    /// Nothing, or "never".
    pub const ZERO: Self = Self { num: 0, den: 1 };

    /// A fraction.
    ///
    /// # Panics
    /// If `den` is 0.
    pub const fn new(num: u32, den: u32) -> Self {
        assert!(den > 0, "a ratio needs a denominator above 0");
        Self { num, den }
    }

    /// `value * num / den`, rounded down, saturating.
    pub fn of(self, value: u64) -> u64 {
        let product = u128::from(value) * u128::from(self.num) / u128::from(self.den);
        u64::try_from(product).unwrap_or(u64::MAX)
    }
}

/// Why a string is no ratio.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotARatio(String);

impl fmt::Display for NotARatio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is not a ratio; expected two integers like \"1/1000\" with the second above 0",
            self.0
        )
    }
}

impl std::error::Error for NotARatio {}

impl FromStr for Ratio {
    type Err = NotARatio;
    fn from_str(text: &str) -> Result<Self, NotARatio> {
        let refuse = || NotARatio(text.to_owned());
        let (num, den) = text.split_once('/').ok_or_else(refuse)?;
        let num = num.trim().parse().map_err(|_| refuse())?;
        let den = den.trim().parse().map_err(|_| refuse())?;
        if den == 0 {
            Err(refuse())
        } else {
            Ok(Self { num, den })
        }
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.num, self.den)
    }
}
