//! Who is connected, and orders from the control socket to them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use panto_protocol::message::{Depth, Mode, Rights, Scale, Settings, Wire};
use panto_transport::{Credential, Peer, WireCounters};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

/// What an administrator asks of a viewer's session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Send the picture in this way.
    Settings(Settings),
    /// End the connection.
    Kick,
    /// Give the session up: its viewer has come back on another connection.
    Park,
}

/// What VNC viewers have for a mode.
pub(super) const RFB: &str = "rfb";

/// One viewer, as `panto ctl viewers` shows it. Names are METRICS.md's.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ViewerInfo {
    /// Number, for `panto ctl`.
    pub id: u64,
    /// Name that the viewer gave itself.
    pub name: String,
    /// Where it comes from.
    pub peer: String,
    /// Name of its credential.
    pub credential: String,
    /// `view` or `control`.
    pub rights: String,
    /// Mode in force.
    pub mode: String,
    /// Depth in force, bits a pixel.
    pub depth: u8,
    /// Divisor of the transmitted picture's size.
    pub scale: u8,
    /// Whether copies are used in `pixels`.
    pub copy_rect: bool,
    /// Whether colours are dithered.
    pub dither: bool,
    /// Form of the draw commands: `coded` or `plain`.
    pub wire: String,
    /// Whether nothing is shown roughly first.
    #[serde(default)]
    pub exact: bool,
    /// Bytes sent on the wire, TLS included.
    pub bytes_down: u64,
    /// Bytes received on the wire, TLS included.
    pub bytes_up: u64,
    /// Frames sent.
    pub frames: u64,
    /// Draw commands sent.
    pub updates: u64,
    /// Bytes of draw commands by kind.
    pub payload_bytes_by_kind: BTreeMap<String, u64>,
    /// Shortest time from a frame to its acknowledgement lately, milliseconds.
    pub rtt_ms: Option<f64>,
    /// Best delivery rate lately, bits a second.
    pub rate_bps: Option<u64>,
}

impl ViewerInfo {
    /// A viewer that was let in.
    pub(super) fn new(id: u64, name: String, peer: Peer, credential: &Credential, rights: Rights) -> Self {
        let rights = match rights {
            Rights::View => "view",
            Rights::Control => "control",
        };
        // Whatever a viewer calls itself comes to be on somebody's terminal.
        let name = name.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
        let (peer, credential, rights) = (peer.to_string(), credential.name.clone(), rights.into());
        Self { id, name, peer, credential, rights, ..Self::default() }
    }

    /// The settings in force.
    pub fn settings(&self) -> Settings {
        Settings {
            mode: Mode::ALL.into_iter().find(|m| m.name() == self.mode).unwrap_or_default(),
            depth: Depth::from_bits(self.depth).unwrap_or_default(),
            scale: Scale::from_divisor(self.scale).unwrap_or_default(),
            dither: self.dither,
            copy_rect: self.copy_rect,
            wire: Wire::ALL.into_iter().find(|w| w.name() == self.wire).unwrap_or_default(),
            exact: self.exact,
        }
    }

    /// Takes the settings in force.
    pub(super) fn set_settings(&mut self, settings: &Settings) {
        self.mode = settings.mode.name().into();
        self.depth = settings.depth.bits();
        self.scale = settings.scale.divisor() as u8;
        self.dither = settings.dither;
        self.copy_rect = settings.copy_rect;
        self.wire = settings.wire.name().into();
        self.exact = settings.exact;
    }
}

#[derive(Debug)]
struct Entry {
    /// Without the bytes, which `counters` knows better.
    info: ViewerInfo,
    counters: Arc<WireCounters>,
    secret: [u8; 16],
    orders: mpsc::UnboundedSender<Order>,
}

/// All viewers.
#[derive(Debug, Default)]
pub(super) struct Registry {
    viewers: Mutex<BTreeMap<u64, Entry>>,
}

impl Registry {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Entry>> {
        self.viewers.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Adds a viewer, whose connection can be taken over with `secret`.
    pub(super) fn add(
        &self,
        info: ViewerInfo,
        counters: Arc<WireCounters>,
        secret: [u8; 16],
    ) -> mpsc::UnboundedReceiver<Order> {
        let (orders, receiver) = mpsc::unbounded_channel();
        self.lock().insert(info.id, Entry { info, counters, secret, orders });
        receiver
    }

    pub(super) fn remove(&self, id: u64) {
        self.lock().remove(&id);
    }

    pub(super) fn update(&self, id: u64, change: impl FnOnce(&mut ViewerInfo)) {
        if let Some(entry) = self.lock().get_mut(&id) {
            change(&mut entry.info);
        }
    }

    pub(super) fn list(&self) -> Vec<ViewerInfo> {
        let with_bytes = |entry: &Entry| ViewerInfo {
            bytes_down: entry.counters.written(),
            bytes_up: entry.counters.read(),
            ..entry.info.clone()
        };
        self.lock().values().map(with_bytes).collect()
    }

    /// Gives an order to one viewer or to all, if there is one for it; returns how many got it.
    pub(super) fn order(&self, id: Option<u64>, order: impl Fn(&ViewerInfo) -> Option<Order>) -> usize {
        self.lock()
            .values()
            .filter(|entry| id.is_none_or(|id| id == entry.info.id))
            .filter(|entry| order(&entry.info).is_some_and(|order| entry.orders.send(order).is_ok()))
            .count()
    }

    /// Tells the session with this secret to give up its connection; whether there is one.
    pub(super) fn take_over(&self, secret: &[u8; 16]) -> bool {
        self.lock().values().any(|entry| entry.secret == *secret && entry.orders.send(Order::Park).is_ok())
    }
}
