//! The server's side of a run: what `frontend` does with a socket.

use panto_protocol::connection::{ServerConnection, ServerEvent};
use panto_protocol::message::{ClientHello, Rights, VERSION, Welcome};
use panto_protocol::pixel::Picture;
use panto_protocol::time::Micros;
use panto_server::deliver::Delivery;
use panto_server::plan::Planner;
use panto_server::scene::Scene;

use super::gauge::Gauge;
use super::{Ends, Outbox, RunError, timed};
use crate::link::Direction;
use crate::workload::Performance;

/// Bytes chosen for the wire at once, as a session does.
const TRANSMIT: usize = 16 << 10;

pub(super) struct ServerSide {
    connection: ServerConnection,
    delivery: Option<Delivery>,
    out: Outbox,
    wake: Option<Micros>,
    cpu: f64,
}

impl Default for ServerSide {
    fn default() -> Self {
        Self {
            connection: ServerConnection::new(Micros::ZERO),
            delivery: None,
            out: Outbox::default(),
            wake: None,
            cpu: 0.0,
        }
    }
}

impl ServerSide {
    /// Takes what has arrived, sends what is due. Returns whether anything moved.
    pub(super) fn step(
        &mut self,
        ends: &mut Ends<'_>,
        performance: &mut Performance,
        began: Option<Micros>,
        shift: Micros,
        gauge: &mut Gauge,
    ) -> Result<bool, RunError> {
        let now = ends.now;
        let mut moved = false;
        let bytes = ends.read(Direction::Up);
        if !bytes.is_empty() {
            moved = true;
            let connection = &mut self.connection;
            timed(&mut self.cpu, || connection.feed(&bytes, now))?;
        }
        if self.connection.poll_timeout().is_some_and(|at| at <= now) {
            self.connection.handle_timeout(now)?;
        }
        while let Some(event) = self.connection.poll() {
            self.event(event, performance, now.since(began.unwrap_or(now) + shift), now, gauge);
        }
        if let Some(delivery) = &mut self.delivery {
            let (connection, writable) = (&mut self.connection, self.out.is_empty());
            let scene = performance.scene();
            let delivered = timed(&mut self.cpu, || delivery.deliver(scene, connection, writable, now))?;
            if delivered.frame.is_some() {
                delivery.encoded(now);
                moved = true;
                gauge.sent(delivery.planner().is_settled(), performance.scene());
            }
            timed(&mut self.cpu, || delivery.digest(connection, now));
            self.wake = delivered.wake.at.filter(|at| *at > now);
        }
        while self.out.is_empty() && self.connection.has_transmit() {
            self.connection.poll_transmit(self.out.begin(), TRANSMIT);
            moved |= ends.write(Direction::Down, &mut self.out);
        }
        moved |= ends.write(Direction::Down, &mut self.out);
        if self.out.is_empty()
            && let Some(delivery) = &mut self.delivery
        {
            delivery.written(now);
        }
        Ok(moved)
    }

    fn event(
        &mut self,
        event: ServerEvent,
        performance: &mut Performance,
        time: Micros,
        now: Micros,
        gauge: &mut Gauge,
    ) {
        match event {
            ServerEvent::Hello(hello) => self.welcome(&hello, performance.scene(), now),
            ServerEvent::Input(event) => {
                if let Some(delivery) = &mut self.delivery {
                    delivery.input(&event, true, now);
                }
                let before = performance.scene().position();
                performance.input(&event, time);
                if performance.scene().position() != before {
                    gauge.changed(performance.scene(), now);
                }
            }
            ServerEvent::Acked(acked) => {
                let still = self.connection.frames_in_flight();
                if let Some(delivery) = &mut self.delivery {
                    delivery.acked(&acked, still, now);
                }
            }
            // A simulated viewer asks for nothing else.
            _ => {}
        }
    }

    fn welcome(&mut self, hello: &ClientHello, scene: &Scene, now: Micros) {
        let outputs = scene.outputs().to_vec();
        let welcome = Welcome {
            version: VERSION,
            name: "panto".into(),
            rights: Rights::Control,
            resume_secret: [0; 16],
            resumed: false,
            can_resize: false,
            outputs: outputs.clone(),
            settings: hello.settings,
            screen: scene.size(),
        };
        self.connection.welcome(welcome, 0, Vec::new(), now);
        let mut planner = Planner::new(hello.settings);
        planner.offer(&hello.offer);
        self.delivery = Some(Delivery::new(planner, (scene.size(), outputs), now));
    }

    /// Whether the viewer was sent all of the scene.
    pub(super) fn is_settled(&self, scene: &Scene) -> bool {
        self.delivery.as_ref().is_some_and(|d| !d.planner().is_due(scene))
            && self.out.is_empty()
            && !self.connection.has_transmit()
            && self.connection.frames_in_flight() == 0
    }

    /// Whether nothing is left to be said about a picture at rest.
    pub(super) fn is_silent(&self, now: Micros) -> bool {
        self.wake.is_none_or(|at| at <= now)
    }

    pub(super) fn next_at(&self) -> Option<Micros> {
        [self.wake, self.connection.poll_timeout()].into_iter().flatten().min()
    }

    pub(super) fn frames_sent(&self) -> u64 {
        self.connection.frames_sent()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.out.total
    }

    pub(super) fn cpu(&self) -> f64 {
        self.cpu
    }

    pub(super) fn delivery(&self) -> Option<&Delivery> {
        self.delivery.as_ref()
    }

    /// What the viewer should show.
    pub(super) fn shadow(&self) -> Option<Picture> {
        self.delivery.as_ref().map(|d| d.planner().shadow().screen())
    }
}
