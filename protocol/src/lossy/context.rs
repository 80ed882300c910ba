//! The contexts of levels: where a level stands, and how large those around it are.

/// Places of a block from the lowest frequency to the highest, along diagonals.
pub const SCAN: [u8; 64] = {
    let mut scan = [0; 64];
    let (mut n, mut diagonal) = (0, 0);
    while diagonal < 15 {
        let mut k = 0;
        while k <= diagonal {
            // Every other diagonal runs the other way.
            let (x, y) = if diagonal % 2 == 0 { (k, diagonal - k) } else { (diagonal - k, k) };
            if x < 8 && y < 8 {
                scan[n] = (y * 8 + x) as u8;
                n += 1;
            }
            k += 1;
        }
        diagonal += 1;
    }
    scan
};

/// For each place of a block (row by row) its number in the scan.
pub const RANKS: [i16; 64] = {
    let mut ranks = [0; 64];
    let mut n = 0;
    while n < 64 {
        ranks[SCAN[n] as usize] = n as i16;
        n += 1;
    }
    ranks
};

/// Classes of places: see [`POSITION_CLASSES`].
pub const POSITIONS: usize = 8;

/// Classes of what is around a level: see [`Surroundings::class`].
pub const SURROUNDINGS: usize = 10;

/// The class of each place of a block: of frequencies by its diagonal; of samples by how much
/// is to the right of it and below.
pub const POSITION_CLASSES: [[u8; 64]; 2] = [FREQUENCIES, SAMPLES];

const FREQUENCIES: [u8; 64] = {
    let by_diagonal = [0, 1, 2, 3, 3, 4, 4, 5, 5, 6, 6, 6, 7, 7, 7];
    let mut classes = [0; 64];
    let mut i = 0;
    while i < 64 {
        classes[i] = by_diagonal[i / 8 + i % 8];
        i += 1;
    }
    classes
};

const SAMPLES: [u8; 64] = {
    let by_distance = [[0, 1, 2], [3, 3, 4], [5, 6, 7]];
    let mut classes = [0; 64];
    let mut i = 0;
    while i < 64 {
        let (right, below) = (7 - i % 8, 7 - i / 8);
        let (right, below) = (if right > 2 { 2 } else { right }, if below > 2 { 2 } else { below });
        classes[i] = by_distance[right][below];
        i += 1;
    }
    classes
};

/// What is around each place of a block, by the levels known so far: those of higher frequencies.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// For each place the sum of the magnitudes around it; in rows of sixteen, behind two
    /// rows and columns which nobody asks for. Most levels are 0, and so add to none.
    sums: [u8; 160],
}

/// From rows of eight to rows of sixteen.
#[inline(always)]
const fn place(i: usize) -> usize {
    (i & 63) + (i & 56) + 34
}

impl Default for Surroundings {
    fn default() -> Self {
        Self { sums: [0; 160] }
    }
}

impl Surroundings {
    /// Notes the level at place `i` (row by row).
    #[inline(always)]
    pub fn set(&mut self, i: usize, magnitude: u32) {
        // Five of 15 at most: a byte does.
        let magnitude = magnitude.min(15) as u8;
        for back in [1, 2, 16, 17, 32] {
            let sum = &mut self.sums[place(i) - back];
            *sum = sum.wrapping_add(magnitude);
        }
    }

    /// How much there is to the right of place `i`, below it, and both: a class below [`SURROUNDINGS`].
    #[inline(always)]
    pub fn class(&self, i: usize) -> usize {
        const CLASSES: [u8; 256] = {
            let mut classes = [9; 256];
            let known = [0, 1, 2, 3, 4, 5, 5, 6, 6, 7, 7, 7, 8, 8, 8, 8];
            let mut i = 0;
            while i < known.len() {
                classes[i] = known[i];
                i += 1;
            }
            classes
        };
        CLASSES[usize::from(self.sums[place(i)])].into()
    }
}
