//! The few values of a rectangle, numbered.

/// The most values that a byte can tell apart.
pub(super) const MAX_PALETTE: usize = 256;

/// Pixels that a value has to stand for where zlib comes after: values cost their bytes each time, and
/// zlib finds again what it has seen, such as a letter, in pixels more easily than in numbers.
const PIXELS_A_VALUE: usize = 32;

/// Slots of the hash table: four times the values, so that chains stay short.
const SLOTS: usize = 4 * MAX_PALETTE;

/// Values in order of appearance.
#[derive(Debug, Clone)]
pub(super) struct Palette {
    values: Vec<u32>,
    /// A value's number and one; 0 is free. Values use all 32 bits, so none of them can say that.
    slots: [u16; SLOTS],
}

impl Default for Palette {
    fn default() -> Self {
        Self { values: Vec::new(), slots: [0; SLOTS] }
    }
}

/// The most values that are worth being numbered among so many pixels, if zlib comes after.
pub(super) const fn worth_numbering(pixels: usize) -> usize {
    let most = pixels / PIXELS_A_VALUE;
    if most < 2 { 2 } else { most }
}

impl Palette {
    /// Numbers what is in `all`. False, and of no use, if that is more than `max` values
    /// (at most [`MAX_PALETTE`]).
    pub(super) fn collect(&mut self, all: &[u32], max: usize) -> bool {
        self.values.clear();
        self.slots.fill(0);
        let mut last = None;
        for &value in all {
            if last == Some(value) {
                continue;
            }
            last = Some(value);
            let slot = self.slot(value);
            if self.slots[slot] != 0 {
                continue;
            }
            if self.values.len() == max.min(MAX_PALETTE) {
                return false;
            }
            self.values.push(value);
            self.slots[slot] = self.values.len() as u16;
        }
        true
    }

    /// What was numbered, by number.
    pub(super) fn values(&self) -> &[u32] {
        &self.values
    }

    /// The number of a value that was collected.
    #[inline]
    pub(super) fn index(&self, value: u32) -> u8 {
        self.slots[self.slot(value)].wrapping_sub(1) as u8
    }

    /// Where a value is, or would be: there are always free slots.
    #[inline]
    fn slot(&self, value: u32) -> usize {
        let mut slot = (value.wrapping_mul(0x9e37_79b1) >> 22) as usize % SLOTS;
        while self.slots[slot] != 0 && self.values[usize::from(self.slots[slot]) - 1] != value {
            slot = (slot + 1) % SLOTS;
        }
        slot
    }
}
