//! The rate tiers of the public documentation, and how they are applied.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Rate, Window};

/// How the documented tiers are applied.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
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

impl From<RateLimits> for String {
    fn from(limits: RateLimits) -> String {
        limits.to_string()
    }
}

impl TryFrom<String> for RateLimits {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl RateLimits {
    /// The most calls in a window.
    pub fn cap(self, window: &Window) -> u32 {
        match self {
            RateLimits::Factor(factor) => {
                let scaled = (f64::from(window.cap) * factor) as u32;
                scaled.max(1)
            }
            RateLimits::Platform | RateLimits::Off => window.cap,
        }
    }
}

const fn per_second(cap: u32) -> Window {
    Window { cap, seconds: 1 }
}
const fn per_minute(cap: u32) -> Window {
    Window { cap, seconds: 60 }
}

/// 100 per minute.
pub const TIER_3: Rate = Rate { name: "100/min", windows: &[per_minute(100)], status: None };
/// 1000 per minute and 50 per second: every `im/v1` group operation, and images.
pub const TIER_4: Rate =
    Rate { name: "1000/min, 50/s", windows: &[per_second(50), per_minute(1000)], status: None };
/// 5 per second: every tag operation.
pub const TIER_6: Rate = Rate { name: "5/s", windows: &[per_second(5)], status: None };
/// 10 per second.
pub const TIER_7: Rate = Rate { name: "10/s", windows: &[per_second(10)], status: None };
/// 5 per second and 100 per minute: each custom bot.
pub const HOOK: Rate =
    Rate { name: "100/min, 5/s", windows: &[per_second(5), per_minute(100)], status: None };
/// 20 per second.
pub const TIER_8: Rate = Rate { name: "20/s", windows: &[per_second(20)], status: None };
/// 50 per second.
pub const TIER_9: Rate = Rate { name: "50/s", windows: &[per_second(50)], status: None };
/// A limit that the pages call special and do not publish; the windows of tier 4 are assumed.
pub const SPECIAL: Rate = Rate { name: "special", windows: TIER_4.windows, status: None };
/// No documented limit.
pub const UNLIMITED: Rate = Rate { name: "none", windows: &[], status: None };
