//! The demo desktop as a source: its clock ticks only while something moves.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use panto_protocol::geometry::Size;
use panto_protocol::message::InputEvent;
use panto_protocol::time::Micros;
use tokio::sync::Notify;

use super::Source;
use crate::demo::Desktop;
use crate::scene::{Scene, SharedScene};

/// The running demo desktop.
pub struct DemoSource {
    shared: Arc<Shared>,
    task: tokio::task::JoinHandle<()>,
}

struct Shared {
    desktop: Mutex<Desktop>,
    scene: Arc<SharedScene>,
    started: Instant,
    /// Input may have started something that ticks.
    stirred: Notify,
}

impl DemoSource {
    /// Starts the desktop on a screen of this size. Call inside a tokio runtime.
    pub fn start(size: Size) -> (Self, Arc<SharedScene>) {
        let mut scene = Scene::new(size);
        let desktop = Desktop::new(&mut scene, Micros::ZERO);
        let scene = Arc::new(SharedScene::new(scene));
        let shared = Arc::new(Shared {
            desktop: Mutex::new(desktop),
            scene: Arc::clone(&scene),
            started: Instant::now(),
            stirred: Notify::new(),
        });
        let task = tokio::spawn(Arc::clone(&shared).tick());
        (Self { shared, task }, scene)
    }
}

impl Shared {
    fn now(&self) -> Micros {
        self.started.elapsed().into()
    }

    fn desktop(&self) -> std::sync::MutexGuard<'_, Desktop> {
        self.desktop.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    async fn tick(self: Arc<Self>) {
        let mut viewers = self.scene.subscribe_viewers();
        loop {
            // Nobody looks: the desktop stands still, and goes on where it was.
            if viewers.wait_for(|&n| n > 0).await.is_err() {
                return;
            }
            let next = self.desktop().next_tick();
            match next {
                Some(at) => {
                    let wait = at.since(self.now()).into();
                    tokio::select! {
                        () = tokio::time::sleep(wait) => {
                            let now = self.now();
                            let mut desktop = self.desktop();
                            self.scene.update(|scene| desktop.tick(scene, now));
                        }
                        () = self.stirred.notified() => {}
                    }
                }
                None => self.stirred.notified().await,
            }
        }
    }
}

impl Source for DemoSource {
    fn input(&self, event: &InputEvent) {
        let now = self.shared.now();
        let mut desktop = self.shared.desktop();
        self.shared.scene.update(|scene| {
            desktop.input(event, scene, now);
            if let InputEvent::Pointer { position } = event {
                scene.set_pointer(*position);
            }
        });
        drop(desktop);
        self.shared.stirred.notify_one();
    }

    fn can_resize(&self) -> bool {
        true
    }

    fn resize(&self, size: Size) -> Result<(), String> {
        // Smaller, and its windows would not fit; larger, and one surface's limit is near.
        let size = Size::new(size.width.clamp(640, 7680), size.height.clamp(480, 4320));
        let now = self.shared.now();
        let mut desktop = self.shared.desktop();
        self.shared.scene.update(|scene| desktop.resize(size, scene, now));
        drop(desktop);
        self.shared.stirred.notify_one();
        Ok(())
    }

    fn failure(&self) -> Option<String> {
        None
    }
}

impl Drop for DemoSource {
    fn drop(&mut self) {
        self.task.abort();
    }
}
