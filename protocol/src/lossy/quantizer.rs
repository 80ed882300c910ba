//! Levels ↔ coefficients or samples: one step for all frequencies.

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

/// The step of chroma for a step of luma, both in halves of a pixel value. Chroma that moves is
/// worth less, and has no finer detail than every other pixel anyway.
pub const fn chroma_step(step: u8) -> u16 {
    let step = step as u16;
    step + step / 2
}

/// What levels are worth at a step.
#[derive(Debug, Clone)]
pub struct Quantizer {
    /// In halves of a pixel value.
    step: i32,
    /// Eighths of a dequantised coefficient, for each place of a block.
    scales: [i16; 64],
}

impl Quantizer {
    /// For a step in halves of a pixel value, as an orthonormal transform would have it; 0 is taken for 1.
    /// At most [`chroma_step`] of 255.
    pub fn new(step: u16) -> Self {
        let step = step.clamp(1, chroma_step(u8::MAX));
        let scales = PLACE_SCALES.map(|scale| ((u32::from(step) * u32::from(scale) + 2) >> 2) as i16);
        Self { step: step.into(), scales }
    }

    /// The residual of levels of samples.
    pub fn samples(&self, levels: &[i16; 64]) -> [i16; 64] {
        // More than 256 is as good as 256.
        levels.map(|level| ((i32::from(level) * self.step + 1) >> 1).clamp(-256, 256) as i16)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_exact_and_extremes_are_harmless() {
        let mut levels = [0; 64];
        levels[..6].copy_from_slice(&[1, -1, 2, 17, i16::MAX, i16::MIN]);
        let samples = |step| Quantizer::new(step).samples(&levels)[..6].to_vec();
        assert_eq!(samples(1), [1, 0, 1, 9, 256, -256]);
        assert_eq!(samples(30), [15, -15, 30, 255, 256, -256]);
        assert_eq!(chroma_step(255), 382);
        for step in [0, 1, 382, u16::MAX] {
            Quantizer::new(step).dequantize(&levels);
            Quantizer::new(step).samples(&levels);
        }
    }
}
