//! What a client asks for.

use super::super::{EncodingId, PixelFormat};

/// How a client wants its pixels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Their form.
    pub format: PixelFormat,
    /// Pixel encodings, the most wanted first. Raw is always understood.
    pub encodings: Vec<EncodingId>,
    /// Tight may send JPEG of this quality, 0 to 9. Without, everything is exact.
    pub jpeg: Option<u8>,
    /// Whether the client shows the pointer. If not, servers paint it into the picture.
    pub cursor: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            format: PixelFormat::NATIVE,
            encodings: vec![EncodingId::TIGHT, EncodingId::ZRLE, EncodingId::HEXTILE, EncodingId::RRE],
            jpeg: None,
            cursor: true,
        }
    }
}

impl Config {
    /// Everything that the client understands, as SetEncodings has it.
    pub(super) fn understood(&self) -> Vec<EncodingId> {
        let mut all = vec![EncodingId::COPY_RECT];
        all.extend(&self.encodings);
        all.push(EncodingId::RAW);
        all.extend([
            EncodingId::LAST_RECT,
            EncodingId::DESKTOP_SIZE,
            EncodingId::EXTENDED_DESKTOP_SIZE,
            EncodingId::DESKTOP_NAME,
            EncodingId::LED_STATE,
            EncodingId::QEMU_KEYS,
            EncodingId::EXTENDED_BUTTONS,
            EncodingId::FENCE,
            EncodingId::CONTINUOUS_UPDATES,
            EncodingId::EXTENDED_CLIPBOARD,
        ]);
        if self.cursor {
            all.extend([EncodingId::CURSOR_WITH_ALPHA, EncodingId::CURSOR, EncodingId::X_CURSOR]);
            all.push(EncodingId::POINTER_POSITION);
        }
        all.extend(self.jpeg.map(EncodingId::jpeg_quality));
        all
    }
}
