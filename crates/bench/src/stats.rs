//! Medians, spreads, latency histograms and verdicts.

use std::time::Duration;

/// Median, minimum and maximum over several rounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// The spread of these values; `None` without any.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
        values.sort_by(f64::total_cmp);
        let (first, last) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median = if values.len().is_multiple_of(2) {
            f64::midpoint(values[middle - 1], values[middle])
        } else {
            values[middle]
        };
        Some(Spread { median, min: first, max: last })
    }
}

/// The target of a figure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Goal {
    /// This or more.
    AtLeast(f64),
    /// Less than this.
    Below(f64),
}

/// The verdict on a goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Met in every round.
    Pass,
    /// Met in no round.
    Fail,
    /// Met in some rounds: the spread overlaps the goal.
    Undecided,
    /// The machine was too busy for a verdict.
    Noisy,
    /// There were too few rounds for a verdict.
    Few,
}

impl Goal {
    /// Judges the rounds; `quiet` says whether the machine did little else.
    pub(crate) fn judge(self, spread: Spread, quiet: bool) -> Verdict {
        let (all, none) = match self {
            Goal::AtLeast(goal) => (spread.min >= goal, spread.max < goal),
            Goal::Below(goal) => (spread.max < goal, spread.min >= goal),
        };
        match (quiet, all, none) {
            (false, _, _) => Verdict::Noisy,
            (true, true, _) => Verdict::Pass,
            (true, _, true) => Verdict::Fail,
            _ => Verdict::Undecided,
        }
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Verdict::Pass => "PASS",
            Verdict::Fail => "FAIL",
            Verdict::Undecided => "UNDECIDED (spread)",
            Verdict::Noisy => "UNDECIDED (noise)",
            Verdict::Few => "UNDECIDED (few rounds)",
        })
    }
}

impl std::fmt::Display for Goal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Goal::AtLeast(goal) => write!(f, "≥ {goal}"),
            Goal::Below(goal) => write!(f, "< {goal}"),
        }
    }
}

/// Sub-buckets of each power of two, as a power of two: an error of at most 1/64.
const FINE: u32 = 6;

/// A histogram of durations with buckets that grow with them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Histogram {
    buckets: Vec<u64>,
    count: u64,
}

impl Histogram {
    /// Counts one duration.
    pub(crate) fn record(&mut self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let bucket = bucket_of(nanos);
        if self.buckets.len() <= bucket {
            self.buckets.resize(bucket + 1, 0);
        }
        self.buckets[bucket] += 1;
        self.count += 1;
    }

    /// The number of durations.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Adds another histogram's counts.
    pub(crate) fn add(&mut self, other: &Histogram) {
        if self.buckets.len() < other.buckets.len() {
            self.buckets.resize(other.buckets.len(), 0);
        }
        for (sum, count) in self.buckets.iter_mut().zip(&other.buckets) {
            *sum += count;
        }
        self.count += other.count;
    }

    /// The duration, in microseconds, below which this share of the durations lies; 0 if there are none.
    pub(crate) fn quantile_us(&self, share: f64) -> f64 {
        let mut left = (self.count as f64 * share).ceil().max(1.0);
        for (bucket, count) in self.buckets.iter().enumerate() {
            left -= *count as f64;
            if left <= 0.0 {
                return middle_of(bucket) / 1000.0;
            }
        }
        0.0
    }
}

fn bucket_of(nanos: u64) -> usize {
    let exponent = (63 - nanos.max(1).leading_zeros()).saturating_sub(FINE);
    let mantissa = nanos >> exponent;
    ((u64::from(exponent) << FINE) + mantissa) as usize
}

fn middle_of(bucket: usize) -> f64 {
    let fine = 1usize << FINE;
    let exponent = (bucket / fine).saturating_sub(1);
    let mantissa = bucket - (exponent << FINE);
    (mantissa as f64 + 0.5) * 2f64.powi(i32::try_from(exponent).unwrap_or(i32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_two_percent() {
        let mut histogram = Histogram::default();
        for micros in 1..=10_000 {
            histogram.record(Duration::from_micros(micros));
        }
        for (share, wanted) in [(0.5, 5000.0), (0.99, 9900.0), (0.01, 100.0)] {
            let found = histogram.quantile_us(share);
            assert!((found / wanted - 1.0).abs() < 0.02, "{share}: {found}");
        }
    }

    #[test]
    fn buckets_are_in_order_and_near() {
        let mut last = 0;
        for nanos in (1..2_000_000u64).step_by(7) {
            let bucket = bucket_of(nanos);
            assert!(bucket >= last);
            last = bucket;
            assert!((middle_of(bucket) / nanos as f64 - 1.0).abs() < 0.51 || nanos > 64);
            assert!(nanos < 128 || (middle_of(bucket) / nanos as f64 - 1.0).abs() < 0.02, "{nanos}");
        }
    }

    #[test]
    fn spreads_and_verdicts() {
        let spread = |values: &[f64]| Spread::of(values.iter().copied()).expect("values");
        assert_eq!(spread(&[3.0, 1.0, 2.0]), Spread { median: 2.0, min: 1.0, max: 3.0 });
        assert_eq!(spread(&[4.0, 1.0, 2.0, 3.0]).median, 2.5);
        assert_eq!(Spread::of([f64::NAN]), None);
        let goal = Goal::AtLeast(2.0);
        assert_eq!(goal.judge(spread(&[2.0, 3.0]), true), Verdict::Pass);
        assert_eq!(goal.judge(spread(&[1.0, 3.0]), true), Verdict::Undecided);
        assert_eq!(goal.judge(spread(&[1.0, 1.9]), true), Verdict::Fail);
        assert_eq!(goal.judge(spread(&[1.0, 1.9]), false), Verdict::Noisy);
        assert_eq!(Goal::Below(2.0).judge(spread(&[1.0, 1.9]), true), Verdict::Pass);
    }
}
