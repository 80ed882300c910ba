//! How a picture shall be sent.

use clap::{Args, ValueEnum};
use panto_protocol::message::{Depth, Mode, Scale, Settings, Wire};

use super::values::{depth, scale};

/// How the picture shall be sent.
#[derive(Debug, Clone, Args)]
pub struct Picture {
    /// What may be sent
    #[arg(long, value_enum, default_value_t)]
    pub mode: ModeArg,
    /// Bits a pixel: 24, 16, 8, 4 or 1
    #[arg(long, default_value = "24", value_parser = depth)]
    pub depth: Depth,
    /// Transmitted size: 1, 1/2 or 1/4 of the screen's
    #[arg(long, default_value = "1", value_parser = scale)]
    pub scale: Scale,
    /// Dither at depths 16, 4 and 1
    #[arg(long)]
    pub dither: bool,
    /// Let `pixels` send copies, as VNC's CopyRect
    #[arg(long)]
    pub copy_rect: bool,
    /// Form of the draw commands: entropy-coded, or plain for debugging
    #[arg(long, value_enum, default_value_t)]
    pub wire: WireArg,
    /// Show nothing roughly first: every pixel that is sent is exact
    #[arg(long)]
    pub exact: bool,
}

impl Picture {
    pub fn settings(&self) -> Settings {
        Settings {
            mode: self.mode.into(),
            depth: self.depth,
            scale: self.scale,
            dither: self.dither,
            copy_rect: self.copy_rect,
            wire: self.wire.into(),
            exact: self.exact,
        }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum WireArg {
    /// Entropy-coded
    #[default]
    Coded,
    /// Field after field
    Plain,
}

impl From<WireArg> for Wire {
    fn from(wire: WireArg) -> Self {
        match wire {
            WireArg::Coded => Self::Coded,
            WireArg::Plain => Self::Plain,
        }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ModeArg {
    /// Hybrid; the link is measured, and nothing else is chosen yet
    #[default]
    Auto,
    /// Rectangles of pixels only, as VNC
    Pixels,
    /// Windows, fills, copies, glyphs, tiles; pixels for the rest, as RDP and X11
    Commands,
    /// The cheapest of both for each change, as THINC
    Hybrid,
}

impl From<ModeArg> for Mode {
    fn from(mode: ModeArg) -> Self {
        match mode {
            ModeArg::Auto => Self::Auto,
            ModeArg::Pixels => Self::Pixels,
            ModeArg::Commands => Self::Commands,
            ModeArg::Hybrid => Self::Hybrid,
        }
    }
}
