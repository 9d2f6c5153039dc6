//! Step 4, too: the calls of a month, in worlds that have a quota. Others pay nothing.

use larkspur_api::Caller;
use larkspur_contract::{Fault, codes};
use larkspur_store::frequency;

use super::why;
use crate::App;

/// The zone of the month, in milliseconds east of Greenwich. Assumed: that of the platform.
const ZONE_MS: i64 = 8 * 3_600_000;
const DAY_MS: i64 = 86_400_000;

/// Counts a call with an access token, or refuses it: 99991403 until the next month of the tenant's clock. `now` is the real
/// time.
///
/// # Errors
/// 99991403; the store could not count.
pub(super) async fn admit(app: &App, caller: &Caller, now: i64) -> Result<(), Fault> {
    let Caller::Token(call) = caller else { return Ok(()) };
    let Some(most) = call.policy.monthly_calls.filter(|_| !app.engine.read_only) else { return Ok(()) };
    let (from, to) = month(call.now);
    if frequency::count_of_month(&app.engine, call.tenant, (from, to), most, now).await? {
        return Ok(());
    }
    let seconds = number(to.saturating_sub(call.now).saturating_add(999) / 1000);
    let fault = Fault::new(codes::QUOTA_SPENT, format!("more than {most} calls in a month"));
    Err(why::quota(fault.with_retry(number(most), seconds), call, most, seconds))
}

fn number(from: i64) -> u32 {
    u32::try_from(from).unwrap_or(u32::MAX)
}

/// The first millisecond of the month of a time, and of the next month. A month has at most 31 days, so that the first day of one
/// and 31 days are in the next.
fn month(at: i64) -> (i64, i64) {
    let first = |day: i64| day.saturating_sub(date(day) - 1);
    let this = first(at.saturating_add(ZONE_MS).div_euclid(DAY_MS));
    let next = first(this.saturating_add(31));
    let begins = |day: i64| day.saturating_mul(DAY_MS).saturating_sub(ZONE_MS);
    (begins(this), begins(next))
}

/// The day of the month, from 1, of a day since 1970. Source: civil_from_days by Howard Hinnant.
fn date(day: i64) -> i64 {
    let of_era = day.saturating_add(719_468).rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    of_year - (153 * shifted_month + 2) / 5 + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_those_of_the_calendar_in_the_zone() {
        for (at, from, to) in [
            // 2026-02-28T15:59:59.999Z is the last millisecond of February in UTC+8.
            (1_772_294_399_999, 1_769_875_200_000, 1_772_294_400_000),
            (1_772_294_400_000, 1_772_294_400_000, 1_774_972_800_000),
            // February of a leap year.
            (1_709_000_000_000, 1_706_716_800_000, 1_709_222_400_000),
            (1_703_980_000_000, 1_701_360_000_000, 1_704_038_400_000),
            (0, -28_800_000, 2_649_600_000),
        ] {
            assert_eq!(month(at), (from, to), "{at}");
        }
    }
}
