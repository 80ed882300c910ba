//! The X server's pixels → `0x00RRGGBB`.

use panto_protocol::pixel::Color;
use x11rb::protocol::xproto::{ImageOrder, Screen, Setup, VisualClass};

use super::CaptureError;

/// How the root window's pixels lie in an image.
#[derive(Debug, Clone)]
pub(super) struct PixelFormat {
    /// 16 or 32.
    bits: u8,
    /// Whether the server's pixels have their most significant byte first.
    swapped: bool,
    channels: [Channel; 3],
}

/// One colour channel of a pixel.
#[derive(Debug, Clone, Copy)]
struct Channel {
    mask: u32,
    shift: u32,
    /// Largest value of the channel, `2^bits - 1`.
    max: u32,
}

impl PixelFormat {
    /// The format of `screen`'s root window.
    pub(super) fn of(setup: &Setup, screen: &Screen) -> Result<Self, CaptureError> {
        let unsupported = |what: String| CaptureError::Unsupported { what };
        let visual = screen
            .allowed_depths
            .iter()
            .flat_map(|depth| &depth.visuals)
            .find(|visual| visual.visual_id == screen.root_visual)
            .ok_or(CaptureError::Nonsense { what: "the root window's visual is not listed" })?;
        if visual.class != VisualClass::TRUE_COLOR {
            let class = match visual.class {
                VisualClass::PSEUDO_COLOR => "a palette (PseudoColor)",
                VisualClass::DIRECT_COLOR => "DirectColor",
                VisualClass::STATIC_COLOR => "StaticColor",
                _ => "grey levels",
            };
            return Err(unsupported(format!("{}-bit pixels with {class}", screen.root_depth)));
        }
        let format = setup
            .pixmap_formats
            .iter()
            .find(|format| format.depth == screen.root_depth)
            .ok_or(CaptureError::Nonsense { what: "the root window's depth has no pixmap format" })?;
        if !matches!(format.bits_per_pixel, 16 | 32) || format.scanline_pad != 32 {
            return Err(unsupported(format!(
                "{} bits per pixel with rows padded to {} bits",
                format.bits_per_pixel, format.scanline_pad
            )));
        }
        let channel = |mask: u32| {
            let shift = mask.trailing_zeros();
            let max = mask.checked_shr(shift).unwrap_or(0);
            (max != 0 && max & (max + 1) == 0 && max < 1 << 16).then_some(Channel { mask, shift, max })
        };
        let masks = [visual.red_mask, visual.green_mask, visual.blue_mask].map(channel);
        let [Some(red), Some(green), Some(blue)] = masks else {
            return Err(CaptureError::Nonsense { what: "the root window's colour masks have gaps" });
        };
        Ok(Self {
            bits: format.bits_per_pixel,
            swapped: setup.image_byte_order == ImageOrder::MSB_FIRST,
            channels: [red, green, blue],
        })
    }

    /// 32-bit words of a row of `width` pixels.
    pub(super) fn row_words(&self, width: u32) -> usize {
        match self.bits {
            16 => width.div_ceil(2) as usize,
            _ => width as usize,
        }
    }

    /// Whether a word is a pixel but for its top byte, which is what nearly every server has.
    pub(super) fn is_plain(&self) -> bool {
        self.bits == 32
            && !self.swapped
            && self.channels.map(|c| c.mask) == [0x00ff_0000, 0x0000_ff00, 0x0000_00ff]
    }

    /// One row: little-endian `words` → `out`.
    pub(super) fn convert(&self, words: &[u32], out: &mut [Color]) {
        if self.bits == 32 {
            for (pixel, &word) in out.iter_mut().zip(words) {
                *pixel = self.color(if self.swapped { word.swap_bytes() } else { word });
            }
            return;
        }
        for (pair, &word) in out.chunks_mut(2).zip(words) {
            for (pixel, half) in pair.iter_mut().zip([word as u16, (word >> 16) as u16]) {
                *pixel = self.color(u32::from(if self.swapped { half.swap_bytes() } else { half }));
            }
        }
    }

    fn color(&self, pixel: u32) -> Color {
        // round(v * 255 / max): exact for 8 bits, nearest for fewer and more.
        let byte = |c: &Channel| (((pixel & c.mask) >> c.shift) * 255 + c.max / 2) / c.max;
        let [red, green, blue] = &self.channels;
        byte(red) << 16 | byte(green) << 8 | byte(blue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(bits: u8, swapped: bool, masks: [u32; 3]) -> PixelFormat {
        let channels = masks.map(|mask| Channel {
            mask,
            shift: mask.trailing_zeros(),
            max: mask >> mask.trailing_zeros(),
        });
        PixelFormat { bits, swapped, channels }
    }

    fn check(format: &PixelFormat, words: &[u32], expected: &[Color]) {
        let mut out = vec![1; expected.len()];
        format.convert(words, &mut out);
        assert_eq!(out, expected);
    }

    #[test]
    fn thirty_two_bits() {
        let plain = format(32, false, [0xff_0000, 0xff00, 0xff]);
        assert!(plain.is_plain());
        check(&plain, &[0xab12_3456, 0xff], &[0x12_3456, 0xff]);
        check(&format(32, true, [0xff_0000, 0xff00, 0xff]), &[0x5634_12ab], &[0x12_3456]);
        check(&format(32, false, [0xff, 0xff00, 0xff_0000]), &[0x56_3412], &[0x12_3456]);
        // Depth 30: ten bits a channel.
        check(&format(32, false, [0x3ff0_0000, 0xffc00, 0x3ff]), &[0x3ff0_0000, 0x3ff], &[0xff_0000, 0xff]);
    }

    #[test]
    fn sixteen_bits() {
        let rgb565 = format(16, false, [0xf800, 0x07e0, 0x001f]);
        assert_eq!(rgb565.row_words(3), 2);
        check(&rgb565, &[0x07e0_f800, 0xffff], &[0xff_0000, 0x00_ff00, 0xff_ffff]);
        check(&format(16, true, [0xf800, 0x07e0, 0x001f]), &[0xe007_00f8], &[0xff_0000, 0x00_ff00]);
    }
}
