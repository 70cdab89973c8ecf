use std::f64::consts::TAU;

use crate::metrics::Trace;

/// A small deterministic source of chance (SplitMix64). Good enough for load, useless for secrets.
#[derive(Debug, Clone)]
pub(crate) struct Dice {
    state: u64,
}

impl Dice {
    /// A source for one purpose: different names give independent sequences.
    pub(crate) fn new(seed: u64, name: &str) -> Self {
        let tag =
            name.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
        Self { state: mix(seed ^ tag) }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state)
    }

    /// A number in `[0, 1)`.
    pub(crate) fn unit(&mut self) -> f64 {
        to_unit(self.next())
    }

    /// Whether something of probability `p` happens.
    pub(crate) fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// A number in `[low, high)`.
    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// An index below `len`, which must not be zero.
    pub(crate) fn index(&mut self, len: usize) -> usize {
        ((self.unit() * len as f64) as usize).min(len - 1)
    }

    /// An index into `weights`, in proportion to them.
    pub(crate) fn weighted(&mut self, weights: &[f64]) -> usize {
        let mut left = self.unit() * weights.iter().sum::<f64>();
        for (idx, weight) in weights.iter().enumerate() {
            left -= weight;
            if left < 0.0 {
                return idx;
            }
        }
        weights.len() - 1
    }

    /// Seconds until the next event of a Poisson process; decades if there is hardly one, which is never for those who look.
    pub(crate) fn gap_s(&mut self, rate_per_s: f64) -> f64 {
        const NEVER_S: f64 = 1e9;
        (-(1.0 - self.unit()).ln() / rate_per_s).min(NEVER_S)
    }

    /// A duration or size as services have them: most near `median`, with a long right tail. `spread` is the standard deviation
    /// of the logarithm; the tail is cut at four of them, so that one draw cannot trip an alert.
    pub(crate) fn around(&mut self, median: f64, spread: f64) -> f64 {
        let normal = (-2.0 * (1.0 - self.unit()).ln()).sqrt() * (TAU * self.unit()).cos();
        median * (spread * normal.clamp(-4.0, 4.0)).exp()
    }

    /// The id of a trace, for one observation in eight: the simulated services sample their traces.
    pub(crate) fn trace(&mut self) -> Option<Trace> {
        let bits = self.next();
        bits.is_multiple_of(8).then(|| Trace((u128::from(self.next()) << 64) | u128::from(bits)))
    }
}

/// A seed for one purpose: different names give independent seeds.
pub(crate) fn derive(seed: u64, name: &str) -> u64 {
    let tag =
        name.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
    mix(seed ^ tag)
}

/// A number in `[0, 1)` that depends on its arguments alone: for what must not depend on when the simulation began.
pub(crate) fn hash(seed: u64, tag: u64, idx: i64) -> f64 {
    to_unit(mix(mix(seed ^ tag.wrapping_mul(0x9e37_79b9_7f4a_7c15)) ^ idx as u64))
}

fn to_unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distributions_have_their_means() {
        let mut dice = Dice::new(7, "test");
        let n = 20_000;
        let mut mean = |f: fn(&mut Dice) -> f64| (0..n).map(|_| f(&mut dice)).sum::<f64>() / f64::from(n);
        let check =
            |got: f64, want: f64| assert!((got / want - 1.0).abs() < 0.05, "{got} is not about {want}");
        check(mean(Dice::unit), 0.5);
        check(mean(|d| d.gap_s(4.0)), 0.25);
        check(mean(|d| d.around(2.0, 0.5)), 2.0 * (0.125_f64).exp());
        check(mean(|d| d.weighted(&[1.0, 0.0, 3.0]) as f64), 1.5);
    }

    #[test]
    fn the_seed_decides() {
        let draw = |seed, name| {
            let mut dice = Dice::new(seed, name);
            [dice.unit(), dice.unit()]
        };
        assert_eq!(draw(1, "a"), draw(1, "a"));
        assert_ne!(draw(1, "a"), draw(2, "a"));
        assert_ne!(draw(1, "a"), draw(1, "b"));
    }
}
