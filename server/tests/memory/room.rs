//! Viewers of one scene in virtual time, each behind a link of its own, and what each of them
//! takes of the server's memory.

use std::collections::VecDeque;
use std::sync::Arc;

use panto_protocol::connection::{ClientConnection, ClientEvent, ServerConnection, ServerEvent};
use panto_protocol::draw::SurfaceId;
use panto_protocol::message::Settings;
use panto_protocol::time::Micros;
use panto_server::deliver::{Delivery, Groups, Wake};
use panto_server::plan::Planner;
use panto_server::scene::Scene;

use crate::handshake::{knock, welcome};
use crate::owners::Owner;

/// Owns the scene, and what viewers have in common.
pub const COMMON: Owner = Owner(1);

/// Owns what is on the links and in the viewers.
const OUTSIDE: Owner = Owner(2);

/// Owns copies that are made to be measured.
const COPY: Owner = Owner(3);

/// The first viewer.
const FIRST: usize = 4;

/// Bytes chosen for the wire at once, as a session does.
const TRANSMIT: usize = 16 << 10;

/// The way to a viewer.
#[derive(Debug, Clone, Copy)]
pub struct Link {
    /// Bytes a second.
    pub rate: u64,
    /// From one end to the other.
    pub delay: Micros,
}

/// What one viewer takes, bytes.
#[derive(Debug, Clone, Copy)]
pub struct Taken {
    /// What both ends have learned: models of the coder, and the maps of what is in which slot.
    pub learned: usize,
    /// Glyphs and tiles.
    pub cached: usize,
    /// Surfaces of windows.
    pub surfaces: usize,
    /// All the rest: the screen's shadow, what is on its way, whatever else.
    pub beyond: usize,
}

/// One viewer and its session.
pub struct Viewer {
    pub name: &'static str,
    pub owner: Owner,
    link: Link,
    delivery: Delivery,
    pub server: ServerConnection,
    client: ClientConnection,
    wake: Wake,
    woken: bool,
    /// Reads nothing while this is set.
    pub stalled: bool,
    /// When the link has taken what it was given.
    free: Micros,
    down: VecDeque<(Micros, Vec<u8>)>,
    up: VecDeque<(Micros, Vec<u8>)>,
}

impl Viewer {
    /// Whether it has not got all of the scene.
    pub fn lags(&self, scene: &Scene) -> bool {
        self.server.frames_in_flight() > 0 || self.delivery.is_due(scene)
    }

    /// What it takes now.
    pub fn taken(&self) -> Taken {
        let (mut copy, cached, surfaces) = COPY.run(|| {
            let planner = self.delivery.planner();
            let shadow = planner.shadow();
            let glyphs: usize = shadow.glyphs().map(|(_, glyph)| glyph.coverage.mask.len()).sum();
            let tiles: u64 = shadow.tiles().map(|(_, tile)| tile.size().area() * 4).sum();
            let windows = shadow.surfaces().filter(|(id, _)| *id != SurfaceId::SCREEN);
            let surfaces: u64 = windows.map(|(_, surface)| surface.picture.size().area() * 4).sum();
            (planner.clone(), glyphs + tiles as usize, surfaces as usize)
        });
        // A copy shares glyphs and tiles and has all else of its own.
        let before = COPY.live();
        COPY.run(|| copy.forget());
        let learned = before - COPY.live();
        drop(copy);
        assert_eq!(COPY.live(), 0);
        Taken { learned, cached, surfaces, beyond: self.owner.live() - learned - cached - surfaces }
    }

    fn is_writable(&self, now: Micros) -> bool {
        !self.stalled && self.free <= now
    }

    /// The viewer's own end.
    fn view(&mut self, now: Micros) -> bool {
        let mut any = false;
        while !self.stalled && self.down.front().is_some_and(|(at, _)| *at <= now) {
            any = true;
            let (_, bytes) = self.down.pop_front().expect("just seen");
            self.client.feed(&bytes, now).expect("an honest server");
            while let Some(event) = self.client.poll() {
                if let ClientEvent::Frame(_) = event {
                    self.client.painted(now);
                }
            }
        }
        while self.client.has_transmit() {
            let mut bytes = Vec::new();
            self.client.poll_transmit(&mut bytes, usize::MAX);
            self.up.push_back((now + self.link.delay, bytes));
        }
        any
    }

    /// The server's end.
    fn serve(&mut self, scene: &mut Scene, now: Micros) -> bool {
        let mut any = false;
        while self.up.front().is_some_and(|(at, _)| *at <= now) {
            let (_, bytes) = self.up.pop_front().expect("just seen");
            self.server.feed(&bytes, now).expect("an honest viewer");
            while let Some(event) = self.server.poll() {
                let still = self.server.frames_in_flight();
                if let ServerEvent::Acked(acked) = event {
                    self.delivery.acked(&acked, still, now);
                }
            }
            self.woken = true;
        }
        if std::mem::take(&mut self.woken) || self.wake.at.is_some_and(|at| at <= now) {
            any = true;
            let writable = self.is_writable(now);
            let delivered = self.delivery.deliver(scene, &mut self.server, writable, now);
            self.wake = delivered.expect("within limits").wake;
            self.delivery.encoded(now);
            self.delivery.digest(&mut self.server, now);
        }
        while self.is_writable(now) && self.server.has_transmit() {
            any = true;
            // The socket's buffer is the system's.
            let mut bytes = OUTSIDE.run(|| Vec::with_capacity(2 * TRANSMIT));
            self.server.poll_transmit(&mut bytes, TRANSMIT);
            self.free = now.max(self.free) + Micros(bytes.len() as u64 * 1_000_000 / self.link.rate);
            let at = self.free + self.link.delay;
            OUTSIDE.run(|| self.down.push_back((at, bytes)));
        }
        any
    }

    /// When something happens next, later than now.
    fn next(&self) -> Option<Micros> {
        let down = self.down.front().filter(|_| !self.stalled).map(|(at, _)| *at);
        let free = (!self.stalled && self.server.has_transmit()).then_some(self.free);
        [self.wake.at, down, self.up.front().map(|(at, _)| *at), free].into_iter().flatten().min()
    }
}

/// A scene, and whoever looks at it.
pub struct Room {
    pub scene: Scene,
    groups: Arc<Groups>,
    pub viewers: Vec<Viewer>,
    pub now: Micros,
}

impl Room {
    /// Nobody is there yet.
    pub fn new(scene: Scene) -> Self {
        Self { scene, groups: COMMON.run(Arc::default), viewers: Vec::new(), now: Micros::ZERO }
    }

    /// One viewer more.
    pub fn enter(&mut self, name: &'static str, settings: Settings, link: Link) {
        let owner = Owner(FIRST + self.viewers.len());
        assert_eq!(owner.live(), 0, "somebody else's");
        self.enter_as(owner, name, settings, link);
    }

    /// One viewer more, whose memory is this owner's.
    pub fn enter_as(&mut self, owner: Owner, name: &'static str, settings: Settings, link: Link) {
        let now = self.now;
        let (client, hello) = OUTSIDE.run(|| knock(settings, None, now));
        let (server, delivery) = owner.run(|| {
            let server = welcome(&hello, &self.scene, settings, None, now);
            let screen = (self.scene.size(), self.scene.outputs().to_vec());
            (server, Delivery::shared(Arc::clone(&self.groups), Planner::new(settings), screen, now))
        });
        let wake = Wake { at: None, on_change: true };
        let queues = OUTSIDE.run(|| (VecDeque::with_capacity(16), VecDeque::with_capacity(16)));
        self.viewers.push(Viewer {
            name,
            owner,
            link,
            delivery,
            server,
            client,
            wake,
            woken: true,
            stalled: false,
            free: now,
            down: queues.0,
            up: queues.1,
        });
    }

    /// Everyone leaves.
    pub fn leave(&mut self) {
        self.viewers.clear();
    }

    /// Groups of viewers that share a planner.
    pub fn groups(&self) -> usize {
        self.groups.sharing().planners
    }

    /// Changes the scene and tells the sessions.
    pub fn change<T>(&mut self, change: impl FnOnce(&mut Scene) -> T) -> T {
        let result = COMMON.run(|| change(&mut self.scene));
        for viewer in &mut self.viewers {
            viewer.woken |= viewer.wake.on_change;
        }
        result
    }

    /// Lets so much time pass.
    pub fn pass(&mut self, time: Micros) {
        let end = self.now + time;
        loop {
            while self.step() {}
            match self.viewers.iter().filter_map(Viewer::next).min() {
                Some(at) if at <= end => self.now = at.max(self.now),
                _ => break,
            }
        }
        self.now = end;
    }

    fn step(&mut self) -> bool {
        let mut any = false;
        for viewer in &mut self.viewers {
            any |= OUTSIDE.run(|| viewer.view(self.now));
            any |= viewer.owner.run(|| viewer.serve(&mut self.scene, self.now));
        }
        any
    }
}
