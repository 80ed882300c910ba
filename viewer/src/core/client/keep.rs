//! What is kept of a server from one session to the next: read when it is known who it is, saved now and then.

use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use super::Client;
use crate::core::{Loaded, ServerIdentity};

/// What is learned is saved this often; a session that ends saves it as well.
const SAVE_EVERY: Duration = Duration::from_secs(300);

impl Client {
    /// Reads what is kept of this server. Whatever is wrong with it is no more than a pity.
    pub(super) async fn open_library(&mut self, identity: &ServerIdentity) {
        let Some(file) = self.options.disk_cache.as_ref().map(|store| store.of(identity)) else { return };
        if self.kept.as_ref().is_some_and(|kept| kept.path() == file.path()) {
            return;
        }
        let reading = file.clone();
        let loaded = match tokio::task::spawn_blocking(move || reading.load()).await {
            Ok(Ok(loaded)) => loaded,
            Ok(Err(error)) => {
                tracing::warn!(%error, "nothing that was kept of earlier sessions is used");
                Loaded::default()
            }
            Err(_) => Loaded::default(),
        };
        if let Some(damage) = loaded.damage {
            let path = file.path().display();
            tracing::warn!(%path, damage, "what was kept of earlier sessions is damaged, and used as far as it is sound");
        }
        self.painting.set_library(loaded.library);
        self.kept = Some(file);
    }

    /// Saves if it is long ago and something was painted since.
    pub(super) fn save_if_due(&mut self) {
        if self.saved_at.elapsed() >= SAVE_EVERY && self.saved_frames != self.painting.frames() {
            self.save();
        }
    }

    /// Begins to write what is kept of this server, if anything can have been learned.
    pub(super) fn save(&mut self) -> Option<JoinHandle<()>> {
        self.saved_at = Instant::now();
        self.saved_frames = self.painting.frames();
        self.connected_at?;
        let (file, library) = (self.kept.clone()?, self.painting.library()?.clone());
        Some(tokio::task::spawn_blocking(move || {
            if let Err(error) = file.save(&library) {
                tracing::warn!(%error, "nothing is kept of this session");
            }
        }))
    }
}
