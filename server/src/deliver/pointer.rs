//! The pointer's picture and place, told to one viewer.

use std::collections::VecDeque;
use std::sync::Arc;

use panto_protocol::canvas::CursorImage;
use panto_protocol::geometry::Point;
use panto_protocol::message::CursorMessage;
use panto_protocol::wire::MAX_CURSOR_SLOTS;

use crate::scene::Scene;

/// Positions of the viewer's own that may still come back from the screen.
const RECENT: usize = 64;

/// What a viewer knows of the pointer.
#[derive(Debug, Default)]
pub(super) struct PointerNews {
    /// Pictures in the viewer's slots; the index is the slot.
    slots: Vec<Arc<CursorImage>>,
    next: usize,
    serial: Option<u64>,
    position: Option<Point>,
    own: VecDeque<Point>,
}

impl PointerNews {
    /// The viewer itself moved the pointer here: it need not be told.
    pub(super) fn moved_by_viewer(&mut self, position: Point) {
        if self.own.len() == RECENT {
            self.own.pop_front();
        }
        self.own.push_back(position);
    }

    /// What the viewer must be told now.
    pub(super) fn news(&mut self, scene: &Scene) -> Vec<CursorMessage> {
        let mut out = Vec::new();
        let (image, serial) = scene.cursor();
        if self.serial != Some(serial) && (serial > 0 || self.serial.is_some()) {
            self.serial = Some(serial);
            match self.slots.iter().position(|known| known == image) {
                Some(slot) => out.push(CursorMessage::Use { slot: slot as u32 }),
                None => {
                    if self.slots.len() < MAX_CURSOR_SLOTS as usize {
                        self.next = self.slots.len();
                        self.slots.push(Arc::clone(image));
                    } else {
                        self.next = (self.next + 1) % self.slots.len();
                        self.slots[self.next] = Arc::clone(image);
                    }
                    out.push(CursorMessage::Define { slot: self.next as u32, image: (**image).clone() });
                }
            }
        }
        let position = scene.pointer();
        if self.position != Some(position) {
            self.position = Some(position);
            if !self.own.contains(&position) {
                out.push(CursorMessage::Move { position });
            }
        }
        out
    }
}
