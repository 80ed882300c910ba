//! Tiles that come a few at a time.

use super::hextile;
use super::values::Values;
use crate::geometry::{Rect, Size};
use crate::wire::{DecodeError, Reader};

/// How far a rectangle is decoded whose bytes have not all come ([`Decoder::resume`]). A new one
/// for each rectangle.
///
/// [`Decoder::resume`]: super::Decoder::resume
#[derive(Debug, Default)]
pub struct Progress {
    pub(super) tiles: TilesSoFar,
    pub(super) hextile: hextile::Kept,
    /// TRLE's palette of the tile before.
    pub(super) palette: Vec<u32>,
}

/// The tiles that are there.
#[derive(Debug, Default)]
pub(super) struct TilesSoFar {
    values: Option<Values>,
    done: u32,
}

impl TilesSoFar {
    /// Reads the tiles that are left, row by row. If bytes run out, `r` is left behind the last
    /// whole tile.
    pub(super) fn read(
        &mut self,
        what: &'static str,
        size: Size,
        side: u32,
        r: &mut Reader<'_>,
        mut tile: impl FnMut(&mut Reader<'_>, Rect, &mut Values) -> Result<(), DecodeError>,
    ) -> Result<Values, DecodeError> {
        let across = size.width.div_ceil(side);
        let count = across * size.height.div_ceil(side);
        let mut values = match self.values.take() {
            Some(values) => values,
            // A tile has a byte at least: a large rectangle takes no memory before that much has come.
            None if r.left() < count as usize => {
                return Err(DecodeError::TooShort { what, need: count as usize, have: r.left() });
            }
            None => Values::new(size, 0),
        };
        while self.done < count {
            let (x, y) = (self.done % across * side, self.done / across * side);
            let rect = Rect::new(x as i32, y as i32, side.min(size.width - x), side.min(size.height - y));
            let mut ahead = r.clone();
            if let Err(error) = tile(&mut ahead, rect, &mut values) {
                self.values = Some(values);
                return Err(error);
            }
            *r = ahead;
            self.done += 1;
        }
        Ok(values)
    }
}
