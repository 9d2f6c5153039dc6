//! Types of the rate limits: how tiers are applied, the key of a count, and a full window.

use std::fmt;
use std::str::FromStr;

use larkspur_contract::Window;

/// How the documented tiers are applied.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum RateLimits {
    /// As documented.
    #[default]
    Platform,
    /// Not at all.
    Off,
    /// Every limit times this, but at least 1.
    Factor(f64),
}

impl FromStr for RateLimits {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "platform" => Ok(RateLimits::Platform),
            "off" => Ok(RateLimits::Off),
            _ => match text.parse::<f64>() {
                Ok(factor) if factor.is_finite() && factor > 0.0 => Ok(RateLimits::Factor(factor)),
                _ => Err(format!("{text:?} is not platform, off or a number above 0")),
            },
        }
    }
}

impl fmt::Display for RateLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RateLimits::Platform => f.write_str("platform"),
            RateLimits::Off => f.write_str("off"),
            RateLimits::Factor(factor) => write!(f, "{factor}"),
        }
    }
}

impl RateLimits {
    pub(super) fn cap(self, window: &Window) -> u32 {
        match self {
            RateLimits::Factor(factor) => {
                let scaled = (f64::from(window.cap) * factor) as u32;
                scaled.max(1)
            }
            RateLimits::Platform | RateLimits::Off => window.cap,
        }
    }
}

/// A full window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full {
    /// Calls allowed in it.
    pub cap: u32,
    /// Whole seconds until it opens again, at least 1.
    pub seconds: u32,
}

/// The key of a count.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    /// The operation's index among the routes.
    pub operation: usize,
    /// The app.
    pub app: u64,
    /// The tenant.
    pub tenant: u64,
}
