//! Viewers of one scene in virtual time: real connections at both ends, and links that only
//! take time. Nobody is asked for a frame unless its last [`Wake`] said so.

use std::collections::VecDeque;
use std::sync::Arc;

use panto_protocol::canvas::{Canvas, PaintError, digest};
use panto_protocol::connection::{ClientConnection, ClientEvent, ServerConnection, ServerEvent, Unpainted};
use panto_protocol::draw::DrawCommand;
use panto_protocol::message::{FrameDecoder, InputEvent, ResumeTicket, Settings, is_fresh};
use panto_protocol::pixel::Picture;
use panto_protocol::time::Micros;
use panto_protocol::wire::DecodeError;
use panto_server::deliver::{Delivery, Groups, Sharing, Wake};
use panto_server::plan::Planner;
use panto_server::scene::Scene;
use panto_transport::cpu_seconds;

use crate::handshake::{knock, welcome};

/// From one end to the other.
const DELAY: Micros = Micros(500);

/// Bytes chosen for the wire at once, as a session does.
const TRANSMIT: usize = 16 << 10;

/// Why a frame cannot be painted.
#[derive(Debug)]
#[allow(dead_code, reason = "what is inside is for the message of a failure")]
pub enum Broken {
    Bytes(DecodeError),
    Paint(PaintError),
}

impl From<DecodeError> for Broken {
    fn from(error: DecodeError) -> Self {
        Self::Bytes(error)
    }
}

/// One viewer and its session.
pub struct Viewer {
    pub delivery: Option<Delivery>,
    pub server: ServerConnection,
    wake: Wake,
    woken: bool,
    /// Reads nothing while this is set.
    pub stalled: bool,
    down: VecDeque<(Micros, Vec<u8>)>,
    up: VecDeque<(Micros, Vec<u8>)>,
    client: ClientConnection,
    pub canvas: Canvas,
    decoder: FrameDecoder,
    /// Inputs that frames said to answer.
    pub answered: u64,
    pub fresh: u64,
    pub digests: u64,
    pub bytes: u64,
    /// Whether what arrives is painted; a benchmark of the server has no need of it.
    paints: bool,
}

impl Viewer {
    fn delivery(&self) -> &Delivery {
        self.delivery.as_ref().expect("it has not left")
    }

    /// What it shows.
    pub fn picture(&self) -> Picture {
        self.canvas.screen()
    }

    fn paint(&mut self, frame: &[u8], now: Micros) {
        self.fresh += u64::from(is_fresh(frame));
        self.client.painted(now);
        if !self.paints {
            return;
        }
        let paint = |canvas: &mut Canvas, command: DrawCommand, _| -> Result<(), Broken> {
            canvas.apply(&command).map_err(Broken::Paint)
        };
        let header = self.decoder.decode(frame, &mut self.canvas, paint).expect("an honest frame");
        self.answered += header.inputs;
    }

    /// Takes what has arrived at either end; whether there was anything.
    fn receive(&mut self, now: Micros, served: &mut f64) -> bool {
        let mut any = false;
        while !self.stalled && self.down.front().is_some_and(|(at, _)| *at <= now) {
            any = true;
            let (_, bytes) = self.down.pop_front().expect("just seen");
            self.client.feed(&bytes, now).expect("an honest server");
            while let Some(event) = self.client.poll() {
                match event {
                    ClientEvent::Frame(frame) => self.paint(&frame, now),
                    // One that has overtaken its frames is of no use here.
                    ClientEvent::Digest { frames, digest: want }
                        if self.paints && frames == self.client.frames_painted() =>
                    {
                        assert_eq!(digest(self.canvas.screen().view()), want);
                        self.digests += 1;
                    }
                    _ => {}
                }
            }
        }
        while self.up.front().is_some_and(|(at, _)| *at <= now) {
            any = true;
            let (_, bytes) = self.up.pop_front().expect("just seen");
            let began = cpu_seconds();
            self.server.feed(&bytes, now).expect("an honest viewer");
            while let Some(event) = self.server.poll() {
                let still = self.server.frames_in_flight();
                let Some(delivery) = &mut self.delivery else { continue };
                match event {
                    ServerEvent::Acked(acked) => delivery.acked(&acked, still, now),
                    ServerEvent::Input(event) => delivery.input(&event, true, now),
                    ServerEvent::Settings(settings) => delivery.set_settings(settings),
                    ServerEvent::Refresh => delivery.refresh(),
                    _ => {}
                }
            }
            self.woken = true;
            *served += cpu_seconds() - began;
        }
        any
    }

    fn transmit(&mut self, now: Micros, served: &mut f64) -> bool {
        let mut any = false;
        while !self.stalled && self.server.has_transmit() {
            let mut bytes = Vec::new();
            let began = cpu_seconds();
            self.server.poll_transmit(&mut bytes, TRANSMIT);
            *served += cpu_seconds() - began;
            self.bytes += bytes.len() as u64;
            self.down.push_back((now + DELAY, bytes));
            any = true;
        }
        while self.client.has_transmit() {
            let mut bytes = Vec::new();
            self.client.poll_transmit(&mut bytes, usize::MAX);
            self.up.push_back((now + DELAY, bytes));
            any = true;
        }
        any
    }
}

/// A scene, and whoever looks at it.
pub struct Room {
    pub scene: Scene,
    pub groups: Arc<Groups>,
    pub viewers: Vec<Viewer>,
    pub now: Micros,
    /// What the sessions took, CPU seconds.
    pub served: f64,
    turn: usize,
    paints: bool,
}

impl Room {
    /// Nobody is there yet. `paints`: whether viewers paint what they get.
    pub fn new(scene: Scene, paints: bool) -> Self {
        Self {
            scene,
            groups: Arc::default(),
            viewers: Vec::new(),
            now: Micros::ZERO,
            served: 0.0,
            turn: 0,
            paints,
        }
    }

    /// One viewer more.
    pub fn enter(&mut self, settings: Settings) {
        self.enter_with(Planner::new(settings), settings);
    }

    /// One viewer more, who has nothing and may have offered something.
    pub fn enter_with(&mut self, planner: Planner, settings: Settings) {
        let (client, hello) = knock(settings, None, self.now);
        let server = welcome(&hello, &self.scene, settings, None, self.now);
        let screen = (self.scene.size(), self.scene.outputs().to_vec());
        let delivery = Delivery::shared(Arc::clone(&self.groups), planner, screen, self.now);
        self.viewers.push(Viewer {
            delivery: Some(delivery),
            server,
            wake: Wake { at: None, on_change: true },
            woken: true,
            stalled: false,
            down: VecDeque::new(),
            up: VecDeque::new(),
            client,
            canvas: Canvas::new(),
            decoder: FrameDecoder::default(),
            answered: 0,
            fresh: 0,
            digests: 0,
            bytes: 0,
            paints: self.paints,
        });
    }

    /// A viewer's connection is lost, with all that was on its way; what is kept for it.
    pub fn lose(&mut self, viewer: usize) -> (Planner, u64, Vec<Unpainted>) {
        let viewer = &mut self.viewers[viewer];
        let delivery = viewer.delivery.take().expect("it is there");
        let planner = delivery.into_planner(&mut viewer.server, self.now);
        viewer.down.clear();
        viewer.up.clear();
        let server = std::mem::replace(&mut viewer.server, ServerConnection::new(self.now));
        let (painted, unpainted) = server.into_unpainted();
        (planner, painted, unpainted)
    }

    /// A lost viewer comes back.
    pub fn resume(
        &mut self,
        viewer: usize,
        (planner, painted, mut unpainted): (Planner, u64, Vec<Unpainted>),
    ) {
        let settings = planner.settings();
        let ticket = ResumeTicket { secret: [0; 16], painted: self.viewers[viewer].client.frames_painted() };
        unpainted.drain(..(ticket.painted - painted) as usize);
        let (client, hello) = knock(settings, Some(ticket.clone()), self.now);
        let resumed = Some((ticket.painted, unpainted));
        let server = welcome(&hello, &self.scene, settings, resumed, self.now);
        let screen = (self.scene.size(), self.scene.outputs().to_vec());
        let delivery = Delivery::shared(Arc::clone(&self.groups), planner, screen, self.now);
        let viewer = &mut self.viewers[viewer];
        (viewer.client, viewer.server, viewer.delivery) = (client, server, Some(delivery));
        viewer.woken = true;
    }

    /// A viewer's person does something.
    pub fn input(&mut self, viewer: usize, event: &InputEvent) {
        self.viewers[viewer].client.send_input(event);
    }

    /// A viewer asks for other settings.
    pub fn settings(&mut self, viewer: usize, settings: Settings) {
        self.viewers[viewer].client.send_settings(settings);
    }

    /// A viewer asks for everything again.
    pub fn refresh(&mut self, viewer: usize) {
        self.viewers[viewer].client.send_refresh();
    }

    /// Changes the scene and tells the sessions.
    pub fn change<T>(&mut self, change: impl FnOnce(&mut Scene) -> T) -> T {
        let result = change(&mut self.scene);
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
            let next = self.viewers.iter().flat_map(|v| {
                let down = v.down.front().filter(|_| !v.stalled).map(|(at, _)| *at);
                [v.wake.at.filter(|_| v.delivery.is_some()), down, v.up.front().map(|(at, _)| *at)]
            });
            match next.flatten().min() {
                Some(at) if at <= end => self.now = at.max(self.now),
                _ => break,
            }
        }
        self.now = end;
    }

    /// Does what is due now; whether anything was.
    fn step(&mut self) -> bool {
        let (now, count) = (self.now, self.viewers.len());
        let mut any = false;
        self.turn += 1;
        for i in 0..count {
            let viewer = &mut self.viewers[(i + self.turn) % count];
            any |= viewer.receive(now, &mut self.served);
            let Some(delivery) = &mut viewer.delivery else { continue };
            if std::mem::take(&mut viewer.woken) || viewer.wake.at.is_some_and(|at| at <= now) {
                any = true;
                let began = cpu_seconds();
                let writable = !viewer.stalled;
                let server = &mut viewer.server;
                viewer.wake =
                    delivery.deliver(&mut self.scene, server, writable, now).expect("within limits").wake;
                delivery.encoded(now);
                delivery.digest(server, now);
                self.served += cpu_seconds() - began;
            }
            any |= viewer.transmit(now, &mut self.served);
        }
        any
    }

    /// How much is shared.
    pub fn sharing(&self) -> Sharing {
        self.groups.sharing()
    }

    /// Whether everyone who reads has painted all there is.
    pub fn assert_whole(&self, what: &str) {
        for (i, viewer) in self.viewers.iter().enumerate() {
            if viewer.stalled || viewer.delivery.is_none() {
                continue;
            }
            assert!(!viewer.delivery().is_due(&self.scene), "{what}: viewer {i} lacks something");
            assert_eq!(viewer.server.frames_in_flight(), 0, "{what}: viewer {i}");
            let want = viewer.delivery().planner().shadow().screen();
            assert!(viewer.picture() == want, "{what}: viewer {i} shows something else");
        }
    }
}
