//! When somebody used a display's keyboard and pointer, for recordings; never which key.

use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use x11rb::connection::Connection;
use x11rb::protocol::Event;
use x11rb::protocol::xinput::{self, ConnectionExt as _, XIEventMask};
use x11rb::rust_connection::RustConnection;

use super::{CaptureError, connect};

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObservedInput {
    /// A key went down.
    Key,
    /// A button went down or up.
    Button,
    /// The wheel was turned a notch.
    Scroll,
    /// The pointer was moved.
    Motion,
}

/// X11's buttons of the wheel.
const WHEEL: std::ops::RangeInclusive<u32> = 4..=7;

/// Watches the raw events of all devices, those of XTEST included.
#[derive(Debug)]
pub struct InputWatch {
    conn: RustConnection,
}

impl InputWatch {
    /// Opens `display`, or `$DISPLAY` without one.
    ///
    /// # Errors
    ///
    /// If there is no such display, or it has no XInput 2.1.
    pub fn open(display: Option<&str>) -> Result<Self, CaptureError> {
        let (conn, screen) = connect(display)?;
        let missing = || CaptureError::Missing {
            display: display.unwrap_or_default().into(),
            extension: xinput::X11_EXTENSION_NAME,
            need: "2.1",
        };
        let version = conn.xinput_xi_query_version(2, 1)?.reply().map_err(|_| missing())?;
        if (version.major_version, version.minor_version) < (2, 1) {
            return Err(missing());
        }
        let mask = XIEventMask::RAW_KEY_PRESS
            | XIEventMask::RAW_BUTTON_PRESS
            | XIEventMask::RAW_BUTTON_RELEASE
            | XIEventMask::RAW_MOTION;
        let masks = [xinput::EventMask { deviceid: xinput::Device::ALL_MASTER.into(), mask: vec![mask] }];
        conn.xinput_xi_select_events(conn.setup().roots[screen].root, &masks)?.check()?;
        Ok(Self { conn })
    }

    /// The next input, or `None` if there is none within `patience`.
    ///
    /// # Errors
    ///
    /// If the display is gone.
    pub fn next(&mut self, patience: Duration) -> Result<Option<ObservedInput>, CaptureError> {
        loop {
            while let Some(event) = self.conn.poll_for_event()? {
                let found = match event {
                    Event::XinputRawKeyPress(_) => ObservedInput::Key,
                    // A notch is a press and a release.
                    Event::XinputRawButtonPress(b) if WHEEL.contains(&b.detail) => ObservedInput::Scroll,
                    Event::XinputRawButtonRelease(b) if WHEEL.contains(&b.detail) => continue,
                    Event::XinputRawButtonPress(_) | Event::XinputRawButtonRelease(_) => {
                        ObservedInput::Button
                    }
                    Event::XinputRawMotion(_) => ObservedInput::Motion,
                    _ => continue,
                };
                return Ok(Some(found));
            }
            let time =
                Timespec { tv_sec: patience.as_secs() as i64, tv_nsec: i64::from(patience.subsec_nanos()) };
            let ready = poll(&mut [PollFd::new(self.conn.stream(), PollFlags::IN)], Some(&time));
            if !matches!(ready, Ok(n) if n > 0) {
                return Ok(None);
            }
        }
    }
}
