//! The rate tiers of the public documentation.

use crate::{Rate, Window};

const fn per_second(cap: u32) -> Window {
    Window { cap, seconds: 1 }
}
const fn per_minute(cap: u32) -> Window {
    Window { cap, seconds: 60 }
}

/// 100 per minute.
pub const TIER_3: Rate = Rate { name: "100/min", windows: &[per_minute(100)] };
/// 1000 per minute and 50 per second: every `im/v1` group operation, and images.
pub const TIER_4: Rate = Rate { name: "1000/min, 50/s", windows: &[per_second(50), per_minute(1000)] };
/// 5 per second: every tag operation.
pub const TIER_6: Rate = Rate { name: "5/s", windows: &[per_second(5)] };
/// 5 per second and 100 per minute: each custom bot.
pub const HOOK: Rate = Rate { name: "100/min, 5/s", windows: &[per_second(5), per_minute(100)] };
/// 50 per second.
pub const TIER_9: Rate = Rate { name: "50/s", windows: &[per_second(50)] };
/// A limit that the pages call special and do not publish; the windows of tier 4 are assumed.
pub const SPECIAL: Rate = Rate { name: "special", windows: TIER_4.windows };
/// No documented limit.
pub const UNLIMITED: Rate = Rate { name: "none", windows: &[] };
