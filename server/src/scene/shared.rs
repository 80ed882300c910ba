//! The scene between its source's thread and the viewers' tasks.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use tokio::sync::watch;

use super::Scene;

/// Sees the scene after a change.
type Tap = Box<dyn Fn(&Scene) + Send + Sync>;

/// A scene that one source writes and many planners read.
///
/// The lock is held for one grab or one planning at a time, both a few
/// milliseconds at most; the newest picture is always the one that is read.
pub struct SharedScene {
    scene: Mutex<Scene>,
    /// Counts updates; viewers wait for it to change.
    changed: watch::Sender<u64>,
    /// Whether its source has not looked since nobody viewed.
    stale: AtomicBool,
    viewers: AtomicUsize,
    viewers_changed: watch::Sender<usize>,
    /// What each [`Viewing`] has got: its number, and a position of the scene.
    whole: watch::Sender<BTreeMap<u64, u64>>,
    next_viewing: AtomicU64,
    /// Called with every changed scene, under its lock.
    tap: OnceLock<Tap>,
    /// Called after every change of the number of viewers, for sources that cannot await.
    viewers_hook: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

impl SharedScene {
    /// Shares a scene.
    pub fn new(scene: Scene) -> Self {
        Self {
            scene: Mutex::new(scene),
            changed: watch::Sender::new(0),
            stale: AtomicBool::new(false),
            viewers: AtomicUsize::new(0),
            viewers_changed: watch::Sender::new(0),
            whole: watch::Sender::new(BTreeMap::new()),
            next_viewing: AtomicU64::new(0),
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

    /// Whether the scene may be an old one: its source rests while nobody views, and has not looked
    /// since. Viewers wait then.
    pub fn is_stale(&self) -> bool {
        self.stale.load(Ordering::Acquire)
    }

    /// The source rests from now on, or has looked again, which viewers wait for.
    pub fn set_stale(&self, stale: bool) {
        if self.stale.swap(stale, Ordering::AcqRel) && !stale {
            self.changed.send_modify(|n| *n += 1);
        }
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

    /// A viewer more, until the result is dropped. It has nothing yet.
    pub fn view(self: &Arc<Self>) -> Viewing {
        let id = self.next_viewing.fetch_add(1, Ordering::Relaxed);
        // Listed before it is counted: a source that begins at the first viewer waits for it.
        self.whole.send_modify(|all| {
            all.insert(id, 0);
        });
        self.add_viewers(1);
        Viewing { scene: Arc::clone(self), id }
    }

    /// Waits until there is a [`Viewing`], and every one has the scene of `position`
    /// ([`Scene::position`]) or a later one.
    pub async fn delivered(&self, position: u64) {
        let mut whole = self.whole.subscribe();
        // Fails only without a sender, which is in `self`.
        let _ = whole.wait_for(|all| !all.is_empty() && all.values().all(|has| *has >= position)).await;
    }

    /// Another scene from now on. Whoever follows the changes finds them forgotten and
    /// compares the pictures.
    pub fn replace(&self, scene: Scene) {
        self.update(|old| {
            let mut journal = std::mem::take(&mut old.journal);
            journal.forget();
            *old = Scene { journal, cursor_serial: old.cursor_serial + 1, ..scene };
        });
    }

    /// One viewer more (`+1`) or less (`-1`).
    fn add_viewers(&self, delta: isize) {
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

/// One viewer of a scene, which counts until this is dropped.
pub struct Viewing {
    scene: Arc<SharedScene>,
    id: u64,
}

impl Viewing {
    /// The viewer shows the scene of this position: all of it is sent, and painted.
    pub fn has_whole(&self, position: u64) {
        self.scene.whole.send_if_modified(|all| {
            let has = all.entry(self.id).or_default();
            std::mem::replace(has, position.max(*has)) < position
        });
    }
}

impl Drop for Viewing {
    fn drop(&mut self) {
        self.scene.add_viewers(-1);
        self.scene.whole.send_modify(|all| {
            all.remove(&self.id);
        });
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use panto_protocol::geometry::Size;

    use super::*;
    use crate::scene::Since;

    #[test]
    fn delivered_when_the_last_viewer_has_it_or_has_left() {
        let scene = Arc::new(SharedScene::new(Scene::new(Size::new(8, 8))));
        let (one, two, three) = (scene.view(), scene.view(), scene.view());
        assert_eq!(scene.viewers(), 3);
        let mut delivered = pin!(scene.delivered(5));
        let mut is_delivered =
            || delivered.as_mut().poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(());
        one.has_whole(5);
        two.has_whole(4);
        assert!(!is_delivered());
        two.has_whole(7);
        // News of an older picture takes nothing back.
        two.has_whole(6);
        assert!(!is_delivered(), "the third has nothing");
        drop(three);
        assert!(is_delivered());
        assert_eq!(scene.viewers(), 2);
    }

    #[test]
    fn nothing_is_delivered_to_nobody() {
        let scene = SharedScene::new(Scene::new(Size::new(8, 8)));
        let delivered = pin!(scene.delivered(0));
        assert!(delivered.poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }

    #[test]
    fn nobody_can_follow_a_replacement() {
        let scene = SharedScene::new(Scene::new(Size::new(8, 8)));
        let before = scene.lock().position();
        scene.replace(Scene::new(Size::new(9, 9)));
        let now = scene.lock();
        assert!(matches!(now.since(before), Since::Lost));
        assert!(matches!(now.since(now.position()), Since::Changes(changes) if changes.len() == 0));
        assert_eq!(now.size(), Size::new(9, 9));
    }
}
