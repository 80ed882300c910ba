//! The narrowest place of a path: packets wait here, one after the other, and may be lost.

use panto_protocol::time::Micros;

use super::profile::{Outage, Path};

/// What became of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It comes out at the far end at this time.
    Arrives(Micros),
    /// Lost by chance, or because the queue was full.
    Lost,
}

#[derive(Debug)]
pub(super) struct Bottleneck {
    path: Path,
    outage: Option<Outage>,
    random: u64,
    /// Nanoseconds when the last packet has left it.
    free_at: u64,
    /// When the last packet comes out at the far end.
    last_arrival: Micros,
}

impl Bottleneck {
    pub(super) fn new(path: Path, outage: Option<Outage>, seed: u64) -> Self {
        Self { path, outage, random: seed, free_at: 0, last_arrival: Micros::ZERO }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A packet of `size` bytes, headers included, arrives at the queue.
    pub(super) fn send(&mut self, size: u64, now: Micros) -> Fate {
        // Both numbers are drawn for every packet, so that a loss does not change the
        // jitter of the packets behind it.
        let (lost, late) = (self.draw(), self.draw());
        let now_ns = now.0 * 1000;
        let mut start = self.free_at.max(now_ns);
        if let Some(outage) = self.outage {
            start = behind_outage(start, outage);
        }
        let path = &self.path;
        if path.rate_bps > 0 {
            let waiting = (start - now_ns) as u128 * u128::from(path.rate_bps) / 8_000_000_000;
            if path.queue_bytes > 0 && waiting + u128::from(size) > u128::from(path.queue_bytes) {
                return Fate::Lost;
            }
            self.free_at = start + (u128::from(size) * 8_000_000_000 / u128::from(path.rate_bps)) as u64;
        } else {
            self.free_at = start;
        }
        if lost % 1_000_000 < u64::from(path.loss_ppm) {
            return Fate::Lost;
        }
        let jitter = if path.jitter.0 == 0 { 0 } else { late % (path.jitter.0 + 1) };
        let arrival = Micros(self.free_at.div_ceil(1000)) + path.delay + Micros(jitter);
        self.last_arrival = self.last_arrival.max(arrival);
        Fate::Arrives(self.last_arrival)
    }

    /// splitmix64: good enough for dice, the same everywhere.
    fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// `at` (nanoseconds), or the end of the outage that it falls into.
fn behind_outage(at: u64, outage: Outage) -> u64 {
    let (every, length) = (outage.every.0 * 1000, outage.length.0 * 1000);
    let since = at % every;
    if at >= every && since < length { at - since + length } else { at }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_takes_its_size_over_the_rate_and_the_delay() {
        let path = Path { rate_bps: 1_000_000, delay: Micros(10_000), ..Path::default() };
        let mut b = Bottleneck::new(path, None, 1);
        // 1,500 bytes at 1 Mbit/s are 12 ms; the second waits for the first.
        assert_eq!(b.send(1500, Micros(0)), Fate::Arrives(Micros(22_000)));
        assert_eq!(b.send(1500, Micros(0)), Fate::Arrives(Micros(34_000)));
        assert_eq!(b.send(1500, Micros(100_000)), Fate::Arrives(Micros(122_000)));
    }

    #[test]
    fn a_full_queue_drops() {
        let path = Path { rate_bps: 1_000_000, queue_bytes: 3000, ..Path::default() };
        let mut b = Bottleneck::new(path, None, 1);
        let fates: Vec<_> = (0..4).map(|_| b.send(1500, Micros(0))).collect();
        assert_eq!(fates[1], Fate::Arrives(Micros(24_000)));
        assert_eq!(fates[2..], [Fate::Lost, Fate::Lost]);
    }

    #[test]
    fn as_many_are_lost_as_the_profile_says() {
        let path = Path { loss_ppm: 10_000, ..Path::default() };
        let mut b = Bottleneck::new(path, None, 7);
        let lost = (0..100_000).filter(|&i| b.send(1500, Micros(i)) == Fate::Lost).count();
        assert!((900..1100).contains(&lost), "{lost}");
    }

    #[test]
    fn jitter_never_lets_packets_overtake() {
        let path = Path { jitter: Micros(5_000), ..Path::default() };
        let mut b = Bottleneck::new(path, None, 3);
        let mut last = Micros::ZERO;
        for i in 0..1000 {
            let Fate::Arrives(at) = b.send(100, Micros(i * 100)) else { panic!("nothing is lost here") };
            assert!(at >= last && at <= Micros(i * 100 + 5_000).max(last));
            last = at;
        }
    }

    #[test]
    fn in_an_outage_packets_wait() {
        let outage = Outage { every: Micros(20_000), length: Micros(2_000) };
        let mut b = Bottleneck::new(Path::default(), Some(outage), 1);
        assert_eq!(b.send(100, Micros(1_000)), Fate::Arrives(Micros(1_000)));
        assert_eq!(b.send(100, Micros(20_500)), Fate::Arrives(Micros(22_000)));
        assert_eq!(b.send(100, Micros(23_000)), Fate::Arrives(Micros(23_000)));
    }
}
