//! The latest changes, so that a planner can send what was drawn instead of
//! looking for what differs.

use std::collections::VecDeque;
use std::sync::Arc;

use panto_protocol::draw::{DrawCommand, SurfaceId};
use panto_protocol::geometry::{Rect, Region};

/// Changes kept at most. A viewer further behind than this is better served by
/// the difference between pictures.
const MAX_CHANGES: usize = 8192;

/// Bytes of pixel payloads kept at most.
const MAX_PAYLOAD: usize = 16 << 20;

/// One change of the scene.
#[derive(Debug, Clone)]
pub struct Change {
    /// What was drawn; `None` when only the result is known.
    pub command: Option<Arc<DrawCommand>>,
    /// What was painted, in the surfaces' coordinates.
    pub touched: Vec<(SurfaceId, Rect)>,
    /// What changed on the screen.
    pub screen: Region,
}

/// A bounded list of changes, numbered from the scene's start.
#[derive(Debug, Default)]
pub struct Journal {
    changes: VecDeque<Change>,
    /// Number of the first change still there; `end = first + changes.len()`.
    first: u64,
    payload: usize,
}

/// Changes since a position.
#[derive(Debug)]
pub enum Since<'a> {
    /// These, in order.
    Changes(std::collections::vec_deque::Iter<'a, Change>),
    /// Too many: some are forgotten, anything may have changed.
    Lost,
}

impl Journal {
    /// An empty journal.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a change, forgetting the oldest ones.
    pub fn push(&mut self, change: Change) {
        self.payload += weight(&change);
        self.changes.push_back(change);
        while self.changes.len() > MAX_CHANGES || self.payload > MAX_PAYLOAD {
            let Some(old) = self.changes.pop_front() else { break };
            self.payload -= weight(&old);
            self.first += 1;
        }
    }

    /// Anything may have changed: whoever read the journal until now is told [`Since::Lost`].
    pub(super) fn forget(&mut self) {
        self.first = self.end() + 1;
        self.changes.clear();
        self.payload = 0;
    }

    /// The position behind the newest change.
    pub fn end(&self) -> u64 {
        self.first + self.changes.len() as u64
    }

    /// Changes since `position`.
    pub fn since(&self, position: u64) -> Since<'_> {
        match position.checked_sub(self.first) {
            Some(skip) => Since::Changes(self.changes.range((skip as usize).min(self.changes.len())..)),
            None => Since::Lost,
        }
    }
}

fn weight(change: &Change) -> usize {
    match change.command.as_deref() {
        Some(DrawCommand::PutPixels(c)) => c.payload.len(),
        Some(DrawCommand::TileDefine(c)) => c.payload.len(),
        Some(DrawCommand::GlyphDefine(c)) => c.coverage.mask.len(),
        _ => 0,
    }
}
