//! The viewer's side of a run: what `panto_viewer::core::Client` does with a socket.

use panto_protocol::connection::{ClientConfig, ClientConnection, ClientEvent};
use panto_protocol::message::InputEvent;
use panto_protocol::pixel::Picture;
use panto_protocol::time::Micros;
use panto_viewer::core::{Library, Painting, Verdict};

use super::gauge::Gauge;
use super::{Ends, Outbox, RunError, RunOptions, timed};
use crate::link::Direction;

/// Bytes chosen for the wire at once.
const TRANSMIT: usize = 16 << 10;

pub(super) struct ViewerSide {
    connection: ClientConnection,
    painting: Painting,
    picture: Picture,
    out: Outbox,
    wrong: u64,
    cpu: f64,
}

impl ViewerSide {
    pub(super) fn new(options: &RunOptions) -> Self {
        let mut painting = Painting::new(Micros::ZERO);
        painting.set_local_moves(options.local_moves);
        painting.explain(options.explain);
        if let Some(library) = &options.library {
            painting.set_library(library.clone());
        }
        let offer = painting.offer();
        let config = ClientConfig { name: "compare".into(), settings: options.settings, resume: None, offer };
        Self {
            connection: ClientConnection::new(config, Micros::ZERO),
            painting,
            picture: Picture::default(),
            out: Outbox::default(),
            wrong: 0,
            cpu: 0.0,
        }
    }

    /// The person does something.
    pub(super) fn input(&mut self, event: &InputEvent, now: Micros) {
        self.connection.send_input(event);
        if self.painting.input_sent(event, now) {
            self.painting.show(&mut self.picture);
        }
    }

    /// Takes what has arrived, paints it, sends what is to be said. Returns whether anything moved.
    pub(super) fn step(&mut self, ends: &mut Ends<'_>, gauge: &mut Gauge) -> Result<bool, RunError> {
        let now = ends.now;
        let mut moved = false;
        let bytes = ends.read(Direction::Down);
        if !bytes.is_empty() {
            moved = true;
            gauge.down(bytes.len(), now);
            let connection = &mut self.connection;
            timed(&mut self.cpu, || connection.feed(&bytes, now))?;
        }
        if self.connection.poll_timeout().is_some_and(|at| at <= now) {
            self.connection.handle_timeout(now)?;
        }
        if self.painting.handle_timeout(now) {
            self.painting.show(&mut self.picture);
        }
        while let Some(event) = self.connection.poll() {
            match event {
                ClientEvent::Welcome(_) => self.painting.begin(),
                ClientEvent::Frame(frame) => {
                    let (painting, connection, picture) =
                        (&mut self.painting, &mut self.connection, &mut self.picture);
                    let shown = timed(&mut self.cpu, || painting.frame(&frame, connection, picture, || now))?;
                    self.judge(shown.verdict);
                    gauge.painted(shown.painted.settled, &self.picture, now);
                }
                ClientEvent::Digest { frames, digest } => {
                    let verdict = self.painting.check(frames, digest, &self.connection);
                    self.judge(verdict);
                }
                _ => {}
            }
        }
        while self.out.is_empty() && self.connection.has_transmit() {
            self.connection.poll_transmit(self.out.begin(), TRANSMIT);
            moved |= ends.write(Direction::Up, &mut self.out);
        }
        moved |= ends.write(Direction::Up, &mut self.out);
        Ok(moved)
    }

    fn judge(&mut self, verdict: Option<Verdict>) {
        self.wrong += u64::from(verdict == Some(Verdict::Wrong));
    }

    pub(super) fn next_at(&self) -> Option<Micros> {
        [self.connection.poll_timeout(), self.painting.poll_timeout()].into_iter().flatten().min()
    }

    pub(super) fn is_idle(&self) -> bool {
        self.out.is_empty() && !self.connection.has_transmit() && self.painting.screen().moved().is_empty()
    }

    pub(super) fn first_picture(&self) -> Option<Micros> {
        self.painting.first_picture()
    }

    pub(super) fn frames(&self) -> u64 {
        self.painting.frames()
    }

    /// What it shows.
    pub(super) fn picture(&self) -> &Picture {
        &self.picture
    }

    pub(super) fn painting(&self) -> &Painting {
        &self.painting
    }

    pub(super) fn digests_wrong(&self) -> u64 {
        self.wrong
    }

    pub(super) fn cpu(&self) -> f64 {
        self.cpu
    }

    pub(super) fn bytes(&self) -> u64 {
        self.out.total
    }

    /// Whether it shows this picture; tints apart, if there are any.
    pub(super) fn has(&self, picture: &Picture) -> bool {
        let screen = self.painting.screen();
        match screen.explanation().is_on() {
            true => screen.canvas().screen() == *picture,
            false => self.picture == *picture,
        }
    }

    /// The picture, and what is kept for the next session.
    pub(super) fn into_left(mut self) -> (Picture, Option<Library>) {
        let library = self.painting.library().cloned();
        (self.picture, library)
    }
}
