//! Viewing a VNC server: the same window and figures, with RFB for Panto's protocol.

mod connect;
mod connector;
mod figures;
mod painter;
mod session;

use std::collections::BTreeMap;

use panto_protocol::message::{Depth, Mode, Scale, Settings};
use panto_protocol::rfb::client::{Config, Hands};
use panto_protocol::rfb::{EncodingId, PixelFormat, TrueColor};

pub use self::connector::{VncConnector, VncOpened, VncServer};
use self::painter::Painter;

/// What only VNC servers are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VncOptions {
    /// The pixel encoding that is liked best; others are for servers that have not got it. `None`: Tight.
    pub encoding: Option<EncodingId>,
    /// JPEG of this quality, 0 to 9, may be sent in Tight; `None`: nothing that is not exact.
    pub jpeg: Option<u8>,
    /// Name for servers that ask for one; `None`: that of the user of this process.
    pub user: Option<String>,
}

impl VncOptions {
    /// How a connection is to be.
    fn config(&self, depth: Depth, view_only: bool) -> Config {
        let mut encodings: Vec<EncodingId> = self.encoding.into_iter().collect();
        if self.encoding != Some(EncodingId::RAW) {
            let others = Config::default().encodings.into_iter();
            encodings.extend(others.filter(|other| Some(*other) != self.encoding));
        }
        Config {
            format: format(depth),
            encodings,
            jpeg: self.jpeg,
            // Who only watches has no pointer there: the server paints its own into the picture.
            cursor: !view_only,
        }
    }
}

/// The pixels that a depth means; VNC has none of fewer than eight bits.
fn format(depth: Depth) -> PixelFormat {
    let small = |bits, max, shift| PixelFormat {
        bits_per_pixel: bits,
        depth: bits,
        big_endian: false,
        true_color: Some(TrueColor { max, shift }),
    };
    match depth.bits() {
        24 => PixelFormat::NATIVE,
        16 => small(16, [31, 63, 31], [11, 5, 0]),
        _ => small(8, [7, 7, 3], [0, 3, 6]),
    }
}

/// What of the settings a VNC server can do.
fn possible(settings: Settings) -> Settings {
    let depth = if settings.depth.bits() < 8 { Depth::D8 } else { settings.depth };
    Settings { depth, ..Settings { mode: Mode::Pixels, scale: Scale::default(), ..Settings::default() } }
}

/// What a viewing of a VNC server keeps from one connection to the next.
#[derive(Debug, Default)]
pub(super) struct Viewing {
    painter: Painter,
    hands: Hands,
    /// Bytes of rectangles of connections that have ended, by their encodings' names.
    bytes: BTreeMap<&'static str, u64>,
    /// Whether the person was told what VNC has no word for.
    told: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depths_are_formats() {
        for (depth, shown, bits) in [
            (Depth::D24, Depth::D24, 32),
            (Depth::D16, Depth::D16, 16),
            (Depth::D8, Depth::D8, 8),
            (Depth::D4, Depth::D8, 8),
            (Depth::D1, Depth::D8, 8),
        ] {
            let settings = possible(Settings { depth, mode: Mode::Commands, ..Settings::default() });
            assert_eq!((settings.depth, settings.mode), (shown, Mode::Pixels));
            assert_eq!(format(depth).bits_per_pixel, bits);
        }
    }

    #[test]
    fn one_encoding_before_all_others() {
        let config = VncOptions::default().config(Depth::default(), false);
        assert!(config.encodings.len() > 2 && config.jpeg.is_none() && config.cursor);
        let one = VncOptions { encoding: Some(EncodingId::ZRLE), ..VncOptions::default() };
        let encodings = one.config(Depth::default(), true).encodings;
        assert_eq!(encodings[..2], [EncodingId::ZRLE, EncodingId::TIGHT]);
        assert_eq!(encodings.len(), config.encodings.len());
        let raw = VncOptions { encoding: Some(EncodingId::RAW), ..VncOptions::default() };
        assert_eq!(raw.config(Depth::default(), true).encodings, [EncodingId::RAW]);
        assert!(!one.config(Depth::default(), true).cursor);
    }
}
