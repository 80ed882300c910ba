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

/// Classes of places: see [`position_class`].
pub const POSITIONS: usize = 8;

/// Classes of what is around a level: see [`Surroundings::class`].
pub const SURROUNDINGS: usize = 10;

/// The class of each place, by its diagonal.
pub const POSITION_CLASSES: [u8; 64] = {
    let by_diagonal = [0, 1, 2, 3, 3, 4, 4, 5, 5, 6, 6, 6, 7, 7, 7];
    let mut classes = [0; 64];
    let mut i = 0;
    while i < 64 {
        classes[i] = by_diagonal[i / 8 + i % 8];
        i += 1;
    }
    classes
};

/// Magnitudes of the levels known so far: those of higher frequencies.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// With two columns and rows of 0 behind the last.
    magnitudes: [u8; 10 * 10],
}

/// From rows of eight to rows of ten.
const fn place(i: usize) -> usize {
    i / 8 * 10 + i % 8
}

impl Default for Surroundings {
    fn default() -> Self {
        Self { magnitudes: [0; 100] }
    }
}

impl Surroundings {
    /// Notes the level at place `i` (row by row).
    #[inline(always)]
    pub fn set(&mut self, i: usize, magnitude: u32) {
        self.magnitudes[place(i)] = magnitude.min(15) as u8;
    }

    /// How much there is to the right of place `i`, below it, and both: a class below [`SURROUNDINGS`].
    #[inline(always)]
    pub fn class(&self, i: usize) -> usize {
        const CLASSES: [u8; 76] = {
            let mut classes = [9; 76];
            let known = [0, 1, 2, 3, 4, 5, 5, 6, 6, 7, 7, 7, 8, 8, 8, 8];
            let mut i = 0;
            while i < known.len() {
                classes[i] = known[i];
                i += 1;
            }
            classes
        };
        let m: &[u8; 22] = self.magnitudes[place(i)..].first_chunk().expect("two rows and columns more");
        CLASSES[usize::from(m[1] + m[2] + m[10] + m[11] + m[20])].into()
    }
}
