//! The rate tiers of the public documentation.

use crate::{Rate, Window};

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
