//! Times in requests: seconds, or ISO 8601 with an offset.

/// The milliseconds since 1970 of a time: a decimal number of seconds, or a date with a time and an offset, such as
/// `2026-01-31T08:00:00+08:00`; fractions of a second are cut off. `None` for any other text, and for years before 1970 or after
/// 9999.
pub fn milliseconds(text: &str) -> Option<i64> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse::<i64>().ok().map(|seconds| seconds.saturating_mul(1000));
    }
    let (date, rest) = text.split_once(['T', ' '])?;
    let (time, offset) = match rest.strip_suffix(['Z', 'z']) {
        Some(time) => (time, 0),
        None => {
            let at = rest.rfind(['+', '-'])?;
            let (time, offset) = rest.split_at_checked(at)?;
            (time, minutes(offset)?)
        }
    };
    let time = time.split('.').next().unwrap_or(time);
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(time, ':')?;
    let valid = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    let seconds = ((days(year, month, day) * 24 + hour) * 60 + minute - offset) * 60 + second;
    valid.then_some(seconds * 1000)
}

/// The minutes of an offset: `+08:00`, `+0800` or `-08`.
fn minutes(offset: &str) -> Option<i64> {
    let sign = if offset.starts_with('-') { -1 } else { 1 };
    let digits: String = offset.get(1..)?.chars().filter(|c| *c != ':').collect();
    if !matches!(digits.len(), 2 | 4) {
        return None;
    }
    let part = |range: std::ops::Range<usize>| digits.get(range).map_or(Some(0), number);
    let (hours, minutes) = (part(0..2)?, part(2..4)?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

fn numbers(text: &str, between: char) -> Option<[i64; 3]> {
    let mut parts = text.split(between).map(number);
    let found = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(found)
}

fn number(text: &str) -> Option<i64> {
    let digits = (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// Days from 1970-01-01 to a date of the Gregorian calendar. The year starts in March, so that a leap day is its last day.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let months = (month + 9) % 12;
    let day_of_year = (153 * months + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_both_forms() {
        for (text, seconds) in [
            ("0", 0),
            ("1750000000", 1_750_000_000),
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01T08:00:00+08:00", 0),
            ("2000-02-29T12:30:15.999Z", 951_827_415),
            ("2025-06-15T15:06:40Z", 1_750_000_000),
            ("2025-06-15T23:06:40+0800", 1_750_000_000),
            ("2025-06-15T11:36:40-03:30", 1_750_000_000),
        ] {
            assert_eq!(milliseconds(text), Some(seconds * 1000), "{text}");
        }
        for text in [
            "",
            "-1",
            "1.5",
            "x",
            "2025-06-15",
            "2025-06-15T15:06:40",
            "2025-13-01T00:00:00Z",
            "T+",
            "2025-06-15T15:06Z",
            "2025-06-15T25:06:40Z",
            "2025-06-15T15:06:40+8",
            "2025-06-15T15:06:40+é",
            "1969-12-31T00:00:00Z",
            "99999-01-01T00:00:00Z",
        ] {
            assert_eq!(milliseconds(text), None, "{text}");
        }
    }
}
