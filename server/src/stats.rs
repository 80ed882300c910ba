//! Figures of the server, under the names that METRICS.md defines.

use crate::deliver::ServerStages;
use serde::{Deserialize, Serialize};

/// What a viewer is told of the server.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ServerStats {
    /// CPU seconds of the server's process since this viewer connected.
    pub server_cpu_s: f64,
    /// Largest resident memory of the server's process, bytes.
    pub server_memory_bytes: Option<u64>,
    /// Frames sent in this session, so that the viewer can wait for the last of them.
    pub frames: u64,
    /// Bytes written to this viewer's socket.
    pub bytes_down: u64,
    /// Bytes read from this viewer's socket.
    pub bytes_up: u64,
    /// Viewers at present.
    pub viewers: u64,
    /// Where the time between this viewer's inputs and their frames went.
    pub stages_ms: ServerStages,
}
