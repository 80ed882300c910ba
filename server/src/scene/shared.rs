//! The scene between its source's thread and the viewers' tasks.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock};

use tokio::sync::watch;

use super::Scene;

/// A scene that one source writes and many planners read.
///
/// The lock is held for one grab or one planning at a time, both a few
/// milliseconds at most; the newest picture is always the one that is read.
pub struct SharedScene {
    scene: Mutex<Scene>,
    /// Counts updates; viewers wait for it to change.
    changed: watch::Sender<u64>,
    viewers: AtomicUsize,
    viewers_changed: watch::Sender<usize>,
    /// Called with every changed scene, under its lock.
    tap: OnceLock<Box<dyn Fn(&Scene) + Send + Sync>>,
    /// Called after every change of the number of viewers, for sources that cannot await.
    viewers_hook: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

impl SharedScene {
    /// Shares a scene.
    pub fn new(scene: Scene) -> Self {
        Self {
            scene: Mutex::new(scene),
            changed: watch::Sender::new(0),
            viewers: AtomicUsize::new(0),
            viewers_changed: watch::Sender::new(0),
            tap: OnceLock::new(),
            viewers_hook: OnceLock::new(),
        }
    }

    /// The scene, to read or to bring up to date without news for viewers.
    pub fn lock(&self) -> MutexGuard<'_, Scene> {
        // A painter's panic leaves a picture that is at worst half painted.
        self.scene.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Changes the scene and tells the viewers.
    pub fn update<T>(&self, change: impl FnOnce(&mut Scene) -> T) -> T {
        let result = {
            let mut scene = self.lock();
            let result = change(&mut scene);
            if let Some(tap) = self.tap.get() {
                tap(&scene);
            }
            result
        };
        self.changed.send_modify(|n| *n += 1);
        result
    }

    /// Sets who sees every update before anyone else (once, by a recorder).
    pub fn on_update(&self, tap: impl Fn(&Scene) + Send + Sync + 'static) {
        let _ = self.tap.set(Box::new(tap));
    }

    /// A receiver that sees every update from now on.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Viewers at present. Sources rest while there are none.
    pub fn viewers(&self) -> usize {
        self.viewers.load(Ordering::Acquire)
    }

    /// A receiver of the number of viewers.
    pub fn subscribe_viewers(&self) -> watch::Receiver<usize> {
        self.viewers_changed.subscribe()
    }

    /// One viewer more (`+1`) or less (`-1`).
    pub fn add_viewers(&self, delta: isize) {
        let now = self.viewers.fetch_add(delta as usize, Ordering::AcqRel).wrapping_add(delta as usize);
        self.viewers_changed.send_replace(now);
        if let Some(hook) = self.viewers_hook.get() {
            hook();
        }
    }

    /// Sets what is called when the number of viewers changed (once).
    pub fn on_viewers_changed(&self, hook: impl Fn() + Send + Sync + 'static) {
        let _ = self.viewers_hook.set(Box::new(hook));
    }
}
