//! Whether reading text is of any use on a surface.

/// Differences of no more pixels are always read: it takes no time.
const SMALL: u64 = 8192;

/// Readings in a row that were of no use before some are left out, and how many at most.
const PATIENCE: u32 = 2;
const MAX_PAUSE: u32 = 64;

/// Whether reading a surface is of any use. Pages in large smoothed letters cost no more as
/// pixels, and to find that out takes longer than to send them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Use {
    /// Readings in a row of which nearly nothing was said.
    vain: u32,
    /// Readings still to be left out.
    pause: u32,
}

impl Use {
    /// Whether differences of so many pixels are read now.
    pub(super) fn is_due(&mut self, pixels: u64) -> bool {
        if pixels <= SMALL || self.pause == 0 {
            return true;
        }
        self.pause -= 1;
        false
    }

    /// Of so many pixels, so many glyphs were said, and so many were read and are told as pixels.
    pub(super) fn was(&mut self, pixels: u64, said: usize, other: usize) {
        if pixels <= SMALL {
            return;
        }
        match said * 4 < other {
            true => {
                self.vain = (self.vain + 1).min(PATIENCE + 16);
                let beyond = self.vain.saturating_sub(PATIENCE);
                self.pause = if beyond == 0 { 0 } else { (1 << beyond).min(MAX_PAUSE) };
            }
            false => *self = Self::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_in_vain_is_read_ever_more_rarely() {
        let mut usage = Use::default();
        let mut read = 0;
        for _ in 0..1000 {
            if usage.is_due(100_000) {
                read += 1;
                usage.was(100_000, 1, 50);
            }
        }
        assert!((16..30).contains(&read), "{read}");
        // What is small is read always, and proves nothing.
        assert!(usage.is_due(SMALL));
        usage.was(SMALL, 9, 0);
        assert!(usage.pause > 0);
        // A page that is worth reading ends that.
        while !usage.is_due(100_000) {}
        usage.was(100_000, 50, 1);
        assert!((0..100).all(|_| usage.is_due(100_000)));
    }
}
