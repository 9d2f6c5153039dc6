//! The ids of a call, in its answer and in the log.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// The ids of one call: its log id and its request id.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CallId {
    log: [u8; 34],
    request: [u8; 32],
}

impl std::fmt::Debug for CallId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.log_id())
    }
}

impl CallId {
    /// `yyyyMMddHHmmss` in the platform's time zone and 20 upper-case hex digits.
    pub fn log_id(&self) -> &str {
        str::from_utf8(&self.log).unwrap_or_default()
    }

    /// 32 hex digits.
    pub fn request_id(&self) -> &str {
        str::from_utf8(&self.request).unwrap_or_default()
    }
}

/// The source of call ids: a counter, and bits that differ between processes.
pub struct CallIds {
    seed: u64,
    count: AtomicU64,
}

impl Default for CallIds {
    fn default() -> Self {
        // Two hashers of the standard library have different random keys; the ids must be unique, not secret.
        let draw = || RandomState::new().build_hasher().finish();
        CallIds { seed: draw(), count: AtomicU64::new(draw() & 0xffff_ffff) }
    }
}

const UPPER: &[u8; 16] = b"0123456789ABCDEF";
const LOWER: &[u8; 16] = b"0123456789abcdef";

impl CallIds {
    /// The ids of the next call, at `now` milliseconds since 1970.
    pub fn next(&self, now: i64) -> CallId {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let mut id = CallId { log: [0; 34], request: [0; 32] };
        let (date, unique) = id.log.split_at_mut(14);
        write_time(date, now);
        hex(&mut unique[..8], self.seed, UPPER);
        hex(&mut unique[8..], count, UPPER);
        hex(&mut id.request[..16], mixed(self.seed ^ count), LOWER);
        hex(&mut id.request[16..], mixed(self.seed.wrapping_add(count).rotate_left(32)), LOWER);
        id
    }
}

/// The lowest digits of a number, as many as fit.
fn hex(out: &mut [u8], mut number: u64, digits: &[u8; 16]) {
    for place in out.iter_mut().rev() {
        *place = digits[usize::from((number & 15).to_le_bytes()[0])];
        number >>= 4;
    }
}

/// The finalizer of splitmix64: it makes consecutive numbers look unrelated.
fn mixed(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// `yyyyMMddHHmmss`, eight hours east of Greenwich.
fn write_time(out: &mut [u8], now_ms: i64) {
    let seconds = now_ms.div_euclid(1000) + 8 * 3600;
    let (day, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Days since 0000-03-01 split into eras of 400 years (Howard Hinnant's civil_from_days).
    let shifted = day + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let date = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let mut rest = out;
    for (number, digits) in
        [(year, 4), (month, 2), (date, 2), (second / 3600, 2), (second / 60 % 60, 2), (second % 60, 2)]
    {
        let (field, after) = rest.split_at_mut(digits);
        let mut number = number;
        for place in field.iter_mut().rev() {
            *place = b'0' + number.rem_euclid(10).to_le_bytes()[0];
            number = number.div_euclid(10);
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_ids_tell_the_time_and_are_unique() {
        let ids = CallIds::default();
        let (one, two) = (ids.next(1_721_963_468_000), ids.next(1_721_963_468_999));
        assert_eq!(&one.log_id()[..14], "20240726111108");
        assert_eq!(&two.log_id()[..14], "20240726111108");
        assert_ne!(one.log_id(), two.log_id());
        assert_ne!(one.request_id(), two.request_id());
        assert!(one.log_id()[14..].bytes().all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b)));
        assert_eq!((one.log_id().len(), one.request_id().len()), (34, 32));
    }

    #[test]
    fn dates() {
        let time = |ms| {
            let mut out = [0; 14];
            write_time(&mut out, ms);
            String::from_utf8(out.to_vec()).expect("digits")
        };
        assert_eq!(time(0), "19700101080000");
        assert_eq!(time(951_782_400_000), "20000229080000");
        assert_eq!(time(1_735_660_799_000), "20241231235959");
        assert_eq!(time(1_735_660_800_000), "20250101000000");
    }
}
