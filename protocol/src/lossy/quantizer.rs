//! Levels ↔ coefficients: one step for all frequencies.

/// `1024 / norm`, by whether row and column are of the kind 0 and 4, odd, or 2 and 6: basis
/// vectors of the transform have the squared lengths 8, 9 + 1/32 and 5.
const SCALES: [[u16; 3]; 3] = [[128, 120, 162], [120, 113, 152], [162, 152, 205]];

/// Kinds of a row or column.
const KINDS: [usize; 8] = [0, 1, 2, 1, 0, 1, 2, 1];

/// `1024 / norm` for each place of a block.
pub const PLACE_SCALES: [u16; 64] = {
    let mut scales = [0; 64];
    let mut i = 0;
    while i < 64 {
        scales[i] = SCALES[KINDS[i / 8]][KINDS[i % 8]];
        i += 1;
    }
    scales
};

/// What levels are worth at a step.
#[derive(Debug, Clone)]
pub struct Quantizer {
    /// Eighths of a dequantised coefficient, for each place of a block.
    scales: [i16; 64],
}

impl Quantizer {
    /// For a step in halves of a pixel value, as an orthonormal transform would have it; 0 is taken for 1.
    pub fn new(step: u8) -> Self {
        let step = u32::from(step.max(1));
        Self { scales: PLACE_SCALES.map(|scale| ((step * u32::from(scale) + 2) >> 2) as i16) }
    }

    /// The coefficients of levels, for [`super::inverse`].
    pub fn dequantize(&self, levels: &[i16; 64]) -> [i16; 64] {
        let mut coefficients = [0; 64];
        for i in 0..64 {
            let w = (i32::from(levels[i]) * i32::from(self.scales[i]) + 4) >> 3;
            coefficients[i] = w.clamp(i16::MIN.into(), i16::MAX.into()) as i16;
        }
        coefficients
    }
}
