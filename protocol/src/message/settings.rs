//! How a viewer wants its picture sent (`PROTOCOL.md` section 5.3).
//!
//! | bytes | field     | meaning                                     |
//! |-------|-----------|---------------------------------------------|
//! | 1     | mode      | 0 auto, 1 pixels, 2 commands, 3 hybrid      |
//! | 1     | depth     | bits a pixel: 24, 16, 8, 4, 1               |
//! | 1     | scale     | divisor: 1, 2, 4                            |
//! | 1     | flags     | bit 0 dither, bit 1 CopyRect in `pixels`, bit 2 plain frames, bit 3 exact |

use crate::wire::{DecodeError, Reader, Writer};

/// What the planner may send. A policy of the sender: no viewer's painting depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Mode {
    /// Hybrid, with every knob set from the measured link.
    #[default]
    Auto,
    /// Damage rectangles of the flattened screen, as VNC.
    Pixels,
    /// Windows, fills, copies, glyphs and tiles; pixels for what no command describes, as RDP and X11.
    Commands,
    /// Any of both, whichever is cheapest, as THINC.
    Hybrid,
}

/// Bits a pixel of the transmitted picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Depth {
    /// True colour, exact.
    #[default]
    D24,
    /// Red 5, green 6, blue 5 bits.
    D16,
    /// At most 256 colours in each 64 × 64 cell, chosen from the cell.
    D8,
    /// At most 16 colours in each 64 × 64 cell, chosen from the cell.
    D4,
    /// Black and white by luma.
    D1,
}

/// Size of the transmitted picture against the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Scale {
    /// Pixel for pixel.
    #[default]
    Full,
    /// Half the width and height.
    Half,
    /// A quarter of the width and height.
    Quarter,
}

/// The form of draw commands in frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Wire {
    /// Entropy-coded (`PROTOCOL.md` section 13).
    #[default]
    Coded,
    /// Field after field: larger, and easy to look at.
    Plain,
}

/// How one viewer wants its picture sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Settings {
    /// What may be sent.
    pub mode: Mode,
    /// Bits a pixel.
    pub depth: Depth,
    /// Size of the transmitted picture.
    pub scale: Scale,
    /// Ordered dithering at depths 16, 4 and 1 (fixed palettes and few colours).
    pub dither: bool,
    /// Whether `pixels` may send copies, as VNC's CopyRect.
    pub copy_rect: bool,
    /// The form of draw commands in frames.
    pub wire: Wire,
    /// Whether nothing may be shown roughly first: every pixel that is sent is exact.
    pub exact: bool,
}

impl Mode {
    /// All modes, in the order of the viewer's keys 1, 2, 3, 0.
    pub const ALL: [Mode; 4] = [Mode::Pixels, Mode::Commands, Mode::Hybrid, Mode::Auto];

    /// The name used on the command line, in JSON and in the overlay.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Pixels => "pixels",
            Self::Commands => "commands",
            Self::Hybrid => "hybrid",
        }
    }
}

impl Wire {
    /// Both forms.
    pub const ALL: [Wire; 2] = [Wire::Coded, Wire::Plain];

    /// The name used on the command line, in JSON and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Coded => "coded",
            Self::Plain => "plain",
        }
    }
}

impl Depth {
    /// All depths, deepest first.
    pub const ALL: [Depth; 5] = [Depth::D24, Depth::D16, Depth::D8, Depth::D4, Depth::D1];

    /// Bits a pixel.
    pub const fn bits(self) -> u8 {
        match self {
            Self::D24 => 24,
            Self::D16 => 16,
            Self::D8 => 8,
            Self::D4 => 4,
            Self::D1 => 1,
        }
    }

    /// The depth with so many bits.
    pub fn from_bits(bits: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|d| d.bits() == bits)
    }
}

impl Scale {
    /// All scales, largest first.
    pub const ALL: [Scale; 3] = [Scale::Full, Scale::Half, Scale::Quarter];

    /// Screen pixels a side of one transmitted pixel.
    pub const fn divisor(self) -> u32 {
        match self {
            Self::Full => 1,
            Self::Half => 2,
            Self::Quarter => 4,
        }
    }

    /// The scale with this divisor.
    pub fn from_divisor(divisor: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.divisor() == u32::from(divisor))
    }
}

impl Settings {
    /// Whether the transmitted picture is the screen itself, pixel for pixel.
    pub fn is_lossless(&self) -> bool {
        self.depth == Depth::D24 && self.scale == Scale::Full
    }

    /// Appends the wire form.
    pub fn encode(&self, out: &mut Writer) {
        out.u8(match self.mode {
            Mode::Auto => 0,
            Mode::Pixels => 1,
            Mode::Commands => 2,
            Mode::Hybrid => 3,
        });
        out.u8(self.depth.bits());
        out.u8(self.scale.divisor() as u8);
        out.u8(u8::from(self.dither)
            | u8::from(self.copy_rect) << 1
            | u8::from(self.wire == Wire::Plain) << 2
            | u8::from(self.exact) << 3);
    }

    /// Reads the wire form; an unknown mode, depth, scale or flag is an error.
    pub fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let [mode, depth, scale, flags] = r.array("settings")?;
        let unknown = |what, value: u8| DecodeError::Unknown { what, value: value.into() };
        Ok(Self {
            mode: match mode {
                0 => Mode::Auto,
                1 => Mode::Pixels,
                2 => Mode::Commands,
                3 => Mode::Hybrid,
                _ => return Err(unknown("mode", mode)),
            },
            depth: Depth::from_bits(depth).ok_or(unknown("depth", depth))?,
            scale: Scale::from_divisor(scale).ok_or(unknown("scale", scale))?,
            dither: flags & 1 != 0,
            copy_rect: flags & 2 != 0,
            wire: match flags {
                16.. => return Err(unknown("settings flag", flags)),
                _ if flags & 4 != 0 => Wire::Plain,
                _ => Wire::Coded,
            },
            exact: flags & 8 != 0,
        })
    }
}
