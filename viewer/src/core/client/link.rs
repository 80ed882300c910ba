//! The state of one connection, and how its end is told.

use std::sync::Arc;
use std::time::Instant;

use panto_protocol::connection::{ClientConnection, ConnectionError};
use panto_protocol::message::{Bye, ByeReason};
use panto_protocol::wire::MAX_QUEUED_CONTROL;
use panto_transport::{Pipe, WireCounters};

use crate::core::ViewError;

/// One connection.
pub(super) struct Link {
    /// Whether the bytes travel in TLS, so that a secret may be sent.
    pub encrypted: bool,
    /// Answers that the server did not make room for yet; `<= MAX_QUEUED_CONTROL`.
    pub unread: usize,
    /// Whether the server has said anything that makes sense.
    pub met: bool,
    pub pipe: Pipe,
    pub connection: ClientConnection,
    pub counters: Arc<WireCounters>,
    /// When waiting for the server's last words ends.
    pub farewell: Option<Instant>,
    /// Whether goodbye was said.
    pub told: bool,
    /// Frames that the server had sent when the end began.
    pub last_frame: Option<u64>,
    /// Frames painted in all when figures were last asked for.
    pub figures_of: Option<u64>,
}

impl Link {
    /// Counts an answer. A server that makes the viewer answer and never reads would
    /// otherwise make the answers pile up without end.
    pub(super) fn answered(&mut self) -> Result<(), ViewError> {
        self.unread += 1;
        if self.unread <= MAX_QUEUED_CONTROL {
            return Ok(());
        }
        Err(ViewError::Protocol(ConnectionError::Unexpected {
            what: "flood of messages whose answers it does not read",
        }))
    }
}

/// A loss, after which the viewer may come back.
pub(super) fn lost(reason: impl Into<String>) -> ViewError {
    ViewError::Lost { reason: reason.into() }
}

/// What the end of a connection means to the person.
pub(super) fn ended(error: ConnectionError) -> ViewError {
    match error {
        ConnectionError::Bye(bye) => match bye.reason {
            ByeReason::Auth => ViewError::Auth { reason: bye.text },
            ByeReason::Capture => ViewError::Capture { reason: bye.text },
            ByeReason::Timeout => ViewError::Lost { reason: bye.text },
            ByeReason::Protocol | ByeReason::Version => ViewError::Protocol(ConnectionError::Bye(Bye {
                reason: bye.reason,
                text: format!("the server says: {}", bye.text),
            })),
            _ => ViewError::Ended { reason: bye.text },
        },
        ConnectionError::Timeout { what } => ViewError::Timeout { what: what.into() },
        error => ViewError::Protocol(error),
    }
}
