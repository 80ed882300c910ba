//! What is done on a screen, in virtual time.

use panto_protocol::geometry::Size;
use panto_protocol::message::InputEvent;
use panto_protocol::time::Micros;
use panto_server::demo::{Desktop, script};
use panto_server::scene::Scene;

/// A screen, and what a person does on it.
pub struct Workload {
    desktop: Desktop,
    scene: Scene,
    events: std::iter::Peekable<std::vec::IntoIter<(Micros, InputEvent)>>,
}

/// The demo desktop and its script.
pub fn demo(size: Size) -> Workload {
    let mut scene = Scene::new(size);
    let desktop = Desktop::new(&mut scene, Micros::ZERO);
    Workload { desktop, scene, events: script(size).events.into_iter().peekable() }
}

impl Workload {
    /// The screen as it is now.
    pub fn scene(&mut self) -> &mut Scene {
        &mut self.scene
    }

    /// When something happens next; `None` at the end.
    pub fn next_at(&mut self) -> Option<Micros> {
        let event = self.events.peek().map(|(at, _)| *at);
        [event, self.desktop.next_tick()].into_iter().flatten().min()
    }

    /// Does everything that happens until `now`.
    pub fn advance(&mut self, now: Micros) {
        while let Some((at, event)) = self.events.next_if(|(at, _)| *at <= now) {
            self.desktop.input(&event, &mut self.scene, at);
        }
        self.desktop.tick(&mut self.scene, now);
    }
}
