//! Counts of recorded calls, and their peaks against the rate limits.

use std::collections::BTreeMap;

use larkspur_contract::Window;
use schemars::JsonSchema;
use serde::Serialize;

use super::Entry;

/// Counts of recorded calls.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Summary {
    /// How many calls.
    pub calls: u64,
    /// By what was asked for, the most frequent first.
    pub rows: Vec<Row>,
    /// Refusals by operation, code and rule, the most frequent first.
    pub refused: Vec<Refused>,
    /// The most calls of an operation by one app in one window of its rate limit.
    pub peaks: Vec<Peak>,
}

/// What calls are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct By {
    /// Their operations.
    pub operation: bool,
    /// Their codes.
    pub code: bool,
    /// Their outcomes.
    pub outcome: bool,
    /// The apps that called.
    pub app_id: bool,
}

impl By {
    /// Reads names, separated by commas.
    ///
    /// # Errors
    /// The first name that is unknown.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut by = By { operation: false, code: false, outcome: false, app_id: false };
        for name in text.split(',') {
            match name {
                "operation" => by.operation = true,
                "code" => by.code = true,
                "outcome" => by.outcome = true,
                "app_id" => by.app_id = true,
                other => return Err(other.to_owned()),
            }
        }
        Ok(by)
    }

    fn key(self, row: &super::Row) -> Key {
        Key {
            operation: row.operation.filter(|_| self.operation),
            code: row.code.filter(|_| self.code),
            outcome: Some(row.outcome).filter(|_| self.outcome),
            app_id: row.app_id.clone().filter(|_| self.app_id),
        }
    }
}

/// What calls have in common. What they are not counted by is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Key {
    /// The operation; absent for unknown paths.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<&'static str>,
    /// The code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<u32>,
    /// The outcome.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<&'static str>,
    /// The app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
}

/// Calls that have something in common.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Row {
    /// What they have in common.
    #[serde(flatten)]
    pub key: Key,
    /// How many calls.
    pub calls: u64,
    /// Half of them took at most this long, in microseconds.
    pub p50_us: u32,
    /// 99 of 100 took at most this long, in microseconds.
    pub p99_us: u32,
}

/// Refusals with one reason.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Refused {
    /// The operation.
    pub operation: &'static str,
    /// The code.
    pub code: u32,
    /// The rule that decided, else the name of the code.
    pub rule: &'static str,
    /// How many calls.
    pub calls: u64,
    /// The log id of the last one.
    pub last_log_id: String,
}

/// The most calls in a window.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Peak {
    /// The operation.
    pub operation: &'static str,
    /// The app.
    pub app_id: String,
    /// The length of the window in seconds.
    pub seconds: u32,
    /// The most calls in it.
    pub calls: u64,
    /// The most that the rate limit allows.
    pub cap: u32,
    /// Whether there were more than that.
    pub over: bool,
}

/// Counts calls. `windows` has the windows of an operation's rate limit.
pub fn summary(entries: &[Entry], by: By, windows: impl Fn(&str) -> &'static [Window]) -> Summary {
    let mut rows: BTreeMap<Key, Vec<u32>> = BTreeMap::new();
    let mut refused: BTreeMap<(&'static str, u32, &'static str), (u64, String)> = BTreeMap::new();
    let mut times: BTreeMap<(&'static str, String), Vec<i64>> = BTreeMap::new();
    let calls = entries.iter().filter(|entry| entry.row.kind == "platform");
    let mut count = 0;
    for entry in calls {
        let row = &entry.row;
        count += 1;
        rows.entry(by.key(row)).or_default().push(row.us);
        if let (Some(operation), Some(code), Some(why)) = (row.operation, row.code, &entry.why) {
            let place = refused.entry((operation, code, why.rule.unwrap_or(why.code))).or_default();
            *place = (place.0 + 1, row.log_id.clone());
        }
        if let (Some(operation), Some(app)) = (row.operation, &row.app_id) {
            times.entry((operation, app.clone())).or_default().push(row.world_at_ms.unwrap_or(row.at_ms));
        }
    }
    let mut rows: Vec<Row> = rows.into_iter().map(|(key, took)| timed(key, took)).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.calls));
    let mut refused: Vec<Refused> = refused
        .into_iter()
        .map(|((operation, code, rule), (calls, last_log_id))| Refused {
            operation,
            code,
            rule,
            calls,
            last_log_id,
        })
        .collect();
    refused.sort_by_key(|row| std::cmp::Reverse(row.calls));
    let peaks = times.into_iter().flat_map(|((operation, app_id), mut at)| {
        at.sort_unstable();
        windows(operation).iter().map(move |window| {
            let calls = peak(&at, i64::from(window.seconds) * 1000);
            let over = calls > u64::from(window.cap);
            Peak { operation, app_id: app_id.clone(), seconds: window.seconds, calls, cap: window.cap, over }
        })
    });
    Summary { calls: count, rows, refused, peaks: peaks.collect() }
}

fn timed(key: Key, mut took: Vec<u32>) -> Row {
    took.sort_unstable();
    let at = |share: usize| {
        took.get((took.len() * share).div_ceil(100).saturating_sub(1)).copied().unwrap_or_default()
    };
    Row { key, calls: took.len() as u64, p50_us: at(50), p99_us: at(99) }
}

/// The most of these times, which are sorted, in any window of this length.
fn peak(times: &[i64], length: i64) -> u64 {
    let (mut most, mut first) = (0, 0);
    for (index, time) in times.iter().enumerate() {
        while times[first] <= time - length {
            first += 1;
        }
        most = most.max(index - first + 1);
    }
    most as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peaks_are_in_any_window() {
        assert_eq!(peak(&[0, 900, 1000, 1100, 1899, 5000], 1000), 4);
        assert_eq!(peak(&[], 1000), 0);
        assert_eq!(peak(&[5, 5, 5], 1000), 3);
    }

    #[test]
    fn what_calls_are_counted_by() {
        let by = By::parse("code,app_id").expect("names");
        assert_eq!(by, By { operation: false, code: true, outcome: false, app_id: true });
        assert_eq!(By::parse("code,"), Err(String::new()));
        assert_eq!(By::parse("user"), Err("user".to_owned()));
    }

    #[test]
    fn percentiles() {
        let row = timed(Key::default(), (1..=100).rev().collect());
        assert_eq!((row.p50_us, row.p99_us, row.calls), (50, 99, 100));
        assert_eq!(timed(Key::default(), vec![7]).p99_us, 7);
    }
}
