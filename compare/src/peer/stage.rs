//! What is started for a run: far display, server, relay, near display.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::link::{Profile, Relay, RelayCounts};

use super::process::{Ground, Process, Watched};
use super::screen::Screen;
use super::task::{LOOK_EVERY, Task};
use super::watch::Sides;
use super::way::{FarScreen, Place};
use super::{Peer, PeerError, port};

/// A client on loopback counts as local, and could lead its pixels past the relay.
pub(super) const NO_SHARED_MEMORY: &[&str] = &["-extension", "MIT-SHM"];

/// Everything that is started for a run. Fields drop in this order: programs before
/// their displays, the ground last.
pub(super) struct Stage {
    pub viewer: Option<Process>,
    pub server: Option<Process>,
    /// A far display of its own, if there is one.
    pub far: Option<Far>,
    pub near: Screen,
    pub relay: Arc<Relay>,
    pub place: Place,
    pub ground: Ground,
}

pub(super) enum Far {
    Screen(Screen),
    /// Is an X server only once the viewer is there.
    Agent(Process),
}

impl Stage {
    /// Starts everything but the viewer.
    pub(super) fn set(task: &Task<'_>) -> Result<Self, PeerError> {
        let Task { setting, work, options, .. } = *task;
        let (size, patience) = (work.size, options.patience);
        let ground = Ground::new(options.path.clone())?;
        let is_x11 = setting.peer == Peer::X11;
        let near = if is_x11 {
            let extra = [&["-listen", "tcp"], NO_SHARED_MEMORY].concat();
            Screen::xvfb(&ground, size, &extra, patience)?
        } else {
            Screen::xvfb(&ground, size, &["-nolisten", "tcp"], patience)?
        };
        let mut place = Place {
            mode: setting.mode,
            size,
            near: near.name(),
            far: String::new(),
            free: port::free_displays().next().unwrap_or_default(),
            port: port::free().map_err(PeerError::system("looking for a free port"))?,
            relay: 0,
            far_home: ground.home("far")?,
            near_home: ground.home("near")?,
            panto: options.panto.clone(),
        };
        let way = setting.peer.way();
        let far = match way.far_screen(&place) {
            FarScreen::Xvfb => {
                Some(Far::Screen(Screen::xvfb(&ground, size, &["-nolisten", "tcp"], patience)?))
            }
            FarScreen::Own(program) => Some(Far::Screen(Screen::start(&ground, program, patience)?)),
            FarScreen::Agent(program) => Some(Far::Agent(ground.start(&program, "far")?)),
            FarScreen::Near => None,
        };
        place.far = match &far {
            Some(Far::Screen(screen)) => screen.name(),
            Some(Far::Agent(_)) => format!(":{}", place.free),
            None => near.name(),
        };
        let server = way.server(&place).map(|program| ground.start(&program, "far")).transpose()?;
        let target = if is_x11 { port::of_display(near.number()) } else { None };
        let target = target.unwrap_or((Ipv4Addr::LOCALHOST, place.port).into());
        let programs: Vec<&Watched> =
            far.iter().map(Far::watched).chain(server.iter().map(Process::watched)).collect();
        task.wait("listening at the server's port", &programs, || Ok(port::listens(target.port())))?;
        let relay = relay(target, &options.profile, is_x11);
        let relay = relay.map_err(PeerError::system("starting the relay"))?;
        place.relay = relay.address().port();
        Ok(Self { viewer: None, server, far, near, relay: Arc::new(relay), place, ground })
    }

    /// Ends the viewer and says what the relay has carried once all connections are closed.
    /// nxagent does not close its own: that is not waited for longer than `patience`.
    pub(super) fn close(&mut self, patience: Duration) -> RelayCounts {
        self.viewer = None;
        let deadline = Instant::now() + patience;
        while self.relay.counts().open > 0 && Instant::now() < deadline {
            std::thread::sleep(LOOK_EVERY);
        }
        self.relay.counts()
    }

    /// Who belongs to which side.
    pub(super) fn sides(&self) -> Sides {
        let far = self.far.iter().map(Far::watched);
        let viewer = self.viewer.iter().map(Process::watched);
        Sides {
            relay: Arc::clone(&self.relay),
            server: far.chain(self.server.iter().map(Process::watched)).cloned().collect(),
            viewer: viewer.chain([self.near.watched()]).cloned().collect(),
        }
    }

    /// Programs of both sides, near display apart.
    pub(super) fn programs(&self) -> Vec<&Watched> {
        let far = self.far.iter().map(Far::watched);
        far.chain(self.server.iter().chain(&self.viewer).map(Process::watched)).collect()
    }
}

impl Far {
    fn watched(&self) -> &Watched {
        match self {
            Self::Screen(screen) => screen.watched(),
            Self::Agent(process) => process.watched(),
        }
    }
}

/// A relay at a free port; for x11 at that of a free display, and turned.
fn relay(target: SocketAddr, profile: &Profile, is_x11: bool) -> std::io::Result<Relay> {
    if !is_x11 {
        return Relay::start((Ipv4Addr::LOCALHOST, 0).into(), target, profile);
    }
    let addresses = port::free_displays().filter_map(port::of_display);
    let mut result = Err(std::io::ErrorKind::AddrInUse.into());
    for address in addresses.take(20) {
        result = Relay::start_turned(address, target, profile, true);
        if result.is_ok() {
            break;
        }
    }
    result
}
