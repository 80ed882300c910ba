//! Chance that is the same in every run (xorshift64*, Vigna 2016).

#[derive(Debug, Clone)]
pub(super) struct Chance(u64);

impl Chance {
    /// Sequences of different numbers have nothing to do with one another.
    pub(super) fn new(number: u64) -> Self {
        // splitmix64's finisher: neighbouring numbers begin far apart; never 0.
        let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self((z ^ (z >> 31)) | 1)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// 0 to `end`, `end` excluded.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        ((self.next() >> 32) * end) >> 32
    }

    /// Nearly normal with mean 0 and a standard deviation of 11.5: the sum of four bytes.
    pub(super) fn grain(&mut self) -> i32 {
        let sum: u32 = ((self.next() >> 32) as u32).to_le_bytes().iter().map(|b| u32::from(*b)).sum();
        ((sum as i32 - 510) * 20) >> 8
    }
}
