//! The phi accrual failure detector, with Cassandra's formula and its guard against the observer's own pauses.
//!
//! 1. Every new heartbeat of an endpoint adds the time since the last one to a window of 1000 samples; the first
//!    adds two gossip intervals, and gaps longer than that are left out, because they tell of an outage, not of
//!    the rhythm.
//! 2. phi = (time since the last heartbeat / mean of the window) / ln 10. With exponentially distributed arrivals
//!    the endpoint is alive in spite of the silence with probability 10^-phi.
//! 3. phi above 8 convicts: about 18 intervals of silence.
//! 4. If the observer itself has not looked for more than five intervals, all silence may be its own: it judges
//!    nobody for five intervals more, long enough to hear everyone who lives.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

use crate::limits::ARRIVAL_SAMPLES_MAX;

/// 1 / ln 10.
const PHI_FACTOR: f64 = std::f64::consts::LOG10_E;

/// Settings of the detector.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DetectorConfig {
    /// Sample for the first heartbeat, and the longest gap counted as a sample, in milliseconds.
    pub interval_ms_max: u64,
    /// Above this phi an endpoint is convicted (`phi_convict_threshold`).
    pub phi_convict_threshold: f64,
    /// Pause of the observer that makes it distrust itself, and how long it then does so, in milliseconds.
    pub local_pause_ms_max: u64,
}

impl DetectorConfig {
    /// Cassandra's figures for a gossip interval: two intervals, phi 8, five intervals.
    pub fn for_interval(interval_ms: u64) -> DetectorConfig {
        DetectorConfig {
            interval_ms_max: interval_ms.saturating_mul(2),
            phi_convict_threshold: 8.0,
            local_pause_ms_max: interval_ms.saturating_mul(5),
        }
    }
}

/// Suspicion about every endpoint that was heard of.
#[derive(Debug)]
pub struct FailureDetector {
    config: DetectorConfig,
    windows: BTreeMap<SocketAddr, ArrivalWindow>,
    last_look_ms: u64,
    last_pause_ms: Option<u64>,
}

impl FailureDetector {
    /// A detector that knows nobody and last looked at `now_ms`.
    pub fn new(config: DetectorConfig, now_ms: u64) -> FailureDetector {
        FailureDetector { config, windows: BTreeMap::new(), last_look_ms: now_ms, last_pause_ms: None }
    }

    /// A newer heartbeat of `endpoint` has arrived.
    pub fn report(&mut self, endpoint: SocketAddr, now_ms: u64) {
        let longest = self.config.interval_ms_max;
        self.windows.entry(endpoint).or_default().add(now_ms, longest);
    }

    /// Forgets an endpoint: it was removed, or it restarted and its rhythm starts anew.
    pub fn remove(&mut self, endpoint: &SocketAddr) {
        self.windows.remove(endpoint);
    }

    /// Called once a round before anyone is judged. False while the observer must distrust its own silence.
    pub fn begin_look(&mut self, now_ms: u64) -> bool {
        let gap = now_ms.saturating_sub(self.last_look_ms);
        self.last_look_ms = now_ms;
        if gap > self.config.local_pause_ms_max {
            self.last_pause_ms = Some(now_ms);
            return false;
        }
        match self.last_pause_ms {
            Some(pause) => now_ms.saturating_sub(pause) >= self.config.local_pause_ms_max,
            None => true,
        }
    }

    /// Suspicion about an endpoint, on the scale of the threshold; 0 if nothing was ever heard of it.
    pub fn phi(&self, endpoint: &SocketAddr, now_ms: u64) -> f64 {
        self.windows.get(endpoint).map_or(0.0, |window| PHI_FACTOR * window.silence_ratio(now_ms))
    }

    /// True if the silence of the endpoint convicts it. Meaningful only in a look that [`Self::begin_look`] allowed.
    pub fn convicts(&self, endpoint: &SocketAddr, now_ms: u64) -> bool {
        self.phi(endpoint, now_ms) > self.config.phi_convict_threshold
    }
}

#[derive(Debug, Default)]
struct ArrivalWindow {
    intervals_ms: VecDeque<u64>,
    sum_ms: u64,
    last_ms: Option<u64>,
}

impl ArrivalWindow {
    fn add(&mut self, now_ms: u64, longest_ms: u64) {
        let interval = match self.last_ms {
            None => longest_ms,
            Some(last) => now_ms.saturating_sub(last),
        };
        self.last_ms = Some(now_ms);
        if interval > longest_ms {
            return;
        }
        if self.intervals_ms.len() == ARRIVAL_SAMPLES_MAX
            && let Some(oldest) = self.intervals_ms.pop_front()
        {
            self.sum_ms -= oldest;
        }
        self.intervals_ms.push_back(interval);
        self.sum_ms += interval;
    }

    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a window are far below 2^52")]
    fn silence_ratio(&self, now_ms: u64) -> f64 {
        let Some(last) = self.last_ms else { return 0.0 };
        let mean = self.sum_ms as f64 / self.intervals_ms.len() as f64;
        // The clock has whole milliseconds, so a burst may have a mean of nothing.
        now_ms.saturating_sub(last) as f64 / mean.max(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint() -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 2], 7000))
    }

    fn detector() -> FailureDetector {
        FailureDetector::new(DetectorConfig::for_interval(1000), 0)
    }

    #[test]
    fn phi_follows_the_formula() {
        // arrivals, now, expected phi = silence / mean / ln 10
        let cases: [(&[u64], u64, f64); 6] = [
            (&[], 5_000, 0.0),
            // one sample of 2 s
            (&[1_000], 1_000, 0.0),
            (&[1_000], 3_000, PHI_FACTOR),
            // 2 s, 1 s, 1 s, 1 s: mean 1.25 s
            (&[1_000, 2_000, 3_000, 4_000], 14_000, 3.474_356),
            // the gap of 30 s is no sample: 2 s, 1 s, 1 s
            (&[1_000, 2_000, 32_000, 33_000], 33_000 + 13_333, 4.342_836),
            // a burst in one millisecond: mean (2000 + 0) / 2
            (&[1_000, 1_000], 2_000, PHI_FACTOR),
        ];
        for (arrivals, now, expected) in cases {
            let mut detector = detector();
            for arrival in arrivals {
                detector.report(endpoint(), *arrival);
            }
            let phi = detector.phi(&endpoint(), now);
            assert!((phi - expected).abs() < 1e-5, "{arrivals:?} at {now}: {phi}, not {expected}");
        }
    }

    #[test]
    fn conviction_comes_after_eighteen_intervals() {
        let mut detector = detector();
        for second in 0..2_000 {
            detector.report(endpoint(), second * 1000);
        }
        let last = 1_999_000;
        // 8 ln 10 = 18.42
        assert!(!detector.convicts(&endpoint(), last + 18_400));
        assert!(detector.convicts(&endpoint(), last + 18_500));
        detector.remove(&endpoint());
        assert!(!detector.convicts(&endpoint(), last + 60_000));
    }

    #[test]
    fn own_pause_suspends_judgement() {
        let mut detector = detector();
        // time of a look, whether judgement is allowed
        let looks = [
            (1_000, true),
            (2_000, true),
            (7_000, true),
            (37_000, false),
            (38_000, false),
            (41_900, false),
            (42_000, true),
            (43_000, true),
            (48_001, false),
        ];
        for (now, allowed) in looks {
            assert_eq!(detector.begin_look(now), allowed, "at {now}");
        }
    }
}
