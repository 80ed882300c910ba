//! X servers of a run, and what has to be done on them by hand.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use panto_protocol::geometry::{Point, Size};
use panto_protocol::pixel::{Color, Picture};
use panto_server::capture::{CaptureError, DisplayError};
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{
    BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT, ChangeWindowAttributesAux, ConnectionExt as _, Family,
    HostMode, InputFocus, KEY_PRESS_EVENT, KEY_RELEASE_EVENT, KeyButMask, MOTION_NOTIFY_EVENT, MapState,
    Window,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::{DefaultStream, RustConnection};

use super::PeerError;
use super::process::{Ground, Process, Watched};
use super::way::Program;

/// The kind of authority that all displays of a run have.
pub(super) const AUTHORITY: &[u8] = b"MIT-MAGIC-COOKIE-1";

/// The colour of an empty desktop: not the black that X servers and viewers begin with.
const DESKTOP: Color = 0x0030_5f82;

/// How often it is looked whether a server is there.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// An X server that was started for the run.
#[derive(Debug)]
pub(super) struct Screen {
    process: Process,
    number: u32,
}

impl Screen {
    /// Starts an Xvfb. (A [`panto_server::virtual_display::VirtualDisplay`] hides its
    /// process, cannot be reached by TCP and cannot do without shared memory.)
    pub(super) fn xvfb(
        ground: &Ground,
        size: Size,
        extra: &[&str],
        patience: Duration,
    ) -> Result<Self, PeerError> {
        let program = Program::new("Xvfb")
            .args(["-noreset", "-dpi", "96", "-s", "0", "-screen", "0"])
            .arg(format!("{}x{}x24", size.width, size.height))
            .args(extra);
        Self::start(ground, program, patience)
    }

    /// Starts an X server that finds its number by itself.
    pub(super) fn start(ground: &Ground, program: Program, patience: Duration) -> Result<Self, PeerError> {
        let program = program.args(["-displayfd", "1", "-auth"]).arg(ground.authority());
        let process = ground.start(&program, "far")?;
        let deadline = Instant::now() + patience;
        let number = loop {
            let output = process.watched().output();
            if let Some(number) = output.strip_suffix('\n').and_then(|line| line.trim().parse().ok()) {
                break number;
            }
            process.watched().check()?;
            if Instant::now() > deadline {
                let words = process.watched().last_words();
                return Err(PeerError::TooLate { what: "the start of an X server", within: patience, words });
            }
            std::thread::sleep(LOOK_EVERY);
        };
        open_to_user(number, ground)?;
        Ok(Self { process, number })
    }

    /// Its display's number.
    pub(super) fn number(&self) -> u32 {
        self.number
    }

    /// Its display's name.
    pub(super) fn name(&self) -> String {
        format!(":{}", self.number)
    }

    /// Its process.
    pub(super) fn watched(&self) -> &Watched {
        self.process.watched()
    }
}

/// Lets every process of this user in without the cookie, as the eye and the hands of the
/// scripted person cannot be given one.
fn open_to_user(number: u32, ground: &Ground) -> Result<(), PeerError> {
    let refused = |source| DisplayError::NoAnswer {
        display: format!(":{number}"),
        source,
        hint: "it should have been there by now".into(),
    };
    let stream = UnixStream::connect(format!("/tmp/.X11-unix/X{number}"));
    let stream =
        stream.and_then(DefaultStream::from_unix_stream).map_err(|e| CaptureError::from(refused(e)))?;
    let conn = with_cookie(stream.0, &format!(":{number}"), ground)?;
    let address = format!("localuser\0#{}", rustix::process::getuid().as_raw());
    let request = conn.change_hosts(HostMode::INSERT, Family::SERVER_INTERPRETED, address.as_bytes());
    request.map_err(CaptureError::from)?.check().map_err(CaptureError::from)?;
    Ok(())
}

fn with_cookie(
    stream: DefaultStream,
    display: &str,
    ground: &Ground,
) -> Result<RustConnection, CaptureError> {
    let (name, cookie) = (AUTHORITY.to_vec(), ground.cookie().to_vec());
    RustConnection::connect_to_stream_with_auth_info(stream, 0, name, cookie).map_err(|error| {
        DisplayError::Failed { display: display.to_owned(), reason: error.to_string() }.into()
    })
}

/// What an empty desktop looks like.
pub(super) fn desktop(size: Size) -> Picture {
    Picture::new(size, DESKTOP)
}

/// Someone who does on a display what is not part of the script.
pub(super) struct Hands {
    conn: RustConnection,
    root: Window,
}

impl Hands {
    /// At a display of this machine.
    pub(super) fn at(display: &str) -> Result<Self, PeerError> {
        let (conn, screen) = panto_server::capture::connect(Some(display)).map_err(CaptureError::from)?;
        let root = conn.setup().roots[screen].root;
        Ok(Self { conn, root })
    }

    /// At a display that is reached by TCP.
    pub(super) fn through(address: SocketAddr, ground: &Ground) -> Result<Self, PeerError> {
        let unreachable = |source: io::Error| DisplayError::NoAnswer {
            display: address.to_string(),
            source,
            hint: "the relay should listen there".into(),
        };
        let stream = TcpStream::connect(address).and_then(DefaultStream::from_tcp_stream);
        let stream = stream.map_err(|e| CaptureError::from(unreachable(e)))?;
        let conn = with_cookie(stream.0, &address.to_string(), ground)?;
        let root = conn.setup().roots[0].root;
        Ok(Self { conn, root })
    }

    /// Makes the display an empty desktop of one colour; done when this returns.
    pub(super) fn paint_desktop(&self) -> Result<(), CaptureError> {
        let aux = ChangeWindowAttributesAux::new().background_pixel(DESKTOP);
        self.conn.change_window_attributes(self.root, &aux)?;
        self.conn.clear_area(false, self.root, 0, 0, 0, 0)?.check()?;
        Ok(())
    }

    /// Where the pointer is, and whether Shift is held down.
    pub(super) fn pointer(&self) -> Result<(Point, bool), CaptureError> {
        let reply = self.conn.query_pointer(self.root)?.reply()?;
        let at = Point::new(reply.root_x.into(), reply.root_y.into());
        Ok((at, reply.mask.contains(KeyButMask::SHIFT)))
    }

    /// Moves the pointer.
    pub(super) fn point(&self, at: Point) -> Result<(), CaptureError> {
        self.fake(MOTION_NOTIFY_EVENT, 0, at)
    }

    /// Presses and releases the first button.
    pub(super) fn click(&self) -> Result<(), CaptureError> {
        self.fake(BUTTON_PRESS_EVENT, 1, Point::default())?;
        self.fake(BUTTON_RELEASE_EVENT, 1, Point::default())
    }

    /// Presses or releases the left Shift key, which writes nothing.
    pub(super) fn shift(&self, down: bool) -> Result<(), CaptureError> {
        let (min, max) = (self.conn.setup().min_keycode, self.conn.setup().max_keycode);
        let map = self.conn.get_keyboard_mapping(min, max - min + 1)?.reply()?;
        let keys = map.keysyms.chunks(map.keysyms_per_keycode.max(1).into());
        let key = (min..=max).zip(keys).find(|(_, keysyms)| keysyms[0] == xkeysym::key::Shift_L);
        let Some((key, _)) = key else { return Ok(()) };
        self.fake(if down { KEY_PRESS_EVENT } else { KEY_RELEASE_EVENT }, key, Point::default())
    }

    /// Gives the keyboard to the topmost window, as a window manager would.
    pub(super) fn focus_top(&self) -> Result<(), CaptureError> {
        let tree = self.conn.query_tree(self.root)?.reply()?;
        for window in tree.children.into_iter().rev() {
            let shown = self.conn.get_window_attributes(window)?.reply();
            if shown.is_ok_and(|a| a.map_state == MapState::VIEWABLE) {
                self.conn.set_input_focus(InputFocus::POINTER_ROOT, window, x11rb::CURRENT_TIME)?.check()?;
                break;
            }
        }
        Ok(())
    }

    fn fake(&self, kind: u8, detail: u8, at: Point) -> Result<(), CaptureError> {
        self.conn.xtest_fake_input(kind, detail, 0, self.root, at.x as i16, at.y as i16, 0)?.check()?;
        Ok(())
    }
}
