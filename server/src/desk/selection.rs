//! Selections of X (ICCCM 2): the text of whoever owns the clipboard, and owning it for viewers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use panto_protocol::rfb::MAX_CUT_TEXT;
use x11rb::connection::Connection;
use x11rb::errors::{ConnectionError, ReplyError};
use x11rb::protocol::xfixes::{ConnectionExt as _, SelectionEventMask};
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ConnectionExt as _, CreateWindowAux, EventMask, PropMode, Property, PropertyNotifyEvent,
    SELECTION_NOTIFY_EVENT, SelectionNotifyEvent, SelectionRequestEvent, Timestamp, Window, WindowClass,
};
use x11rb::protocol::{Event, xfixes};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

/// How long an owner may take for the next part of its text.
const PATIENCE: Duration = Duration::from_secs(3);

x11rb::atom_manager! {
    /// Names that selections need.
    Atoms: AtomsCookie {
        CLIPBOARD,
        TARGETS,
        TIMESTAMP,
        UTF8_STRING,
        TEXT,
        INCR,
        UTF8_MIME: b"text/plain;charset=utf-8",
        PANTO_CLIPBOARD,
    }
}

/// A text on its way from its owner.
struct Fetch {
    selection: Atom,
    at: Timestamp,
    /// Latin-1, for owners that know nothing newer.
    latin1: bool,
    /// The parts so far, of owners that send them one by one.
    parts: Option<Vec<u8>>,
    deadline: Instant,
}

/// The selections of one X server, seen from a window of our own.
pub(super) struct Selections {
    atoms: Atoms,
    window: Window,
    fetch: Option<Fetch>,
    /// What we own.
    owned: Option<Arc<str>>,
}

impl Selections {
    /// Asks to be told of changes.
    pub(super) fn new(conn: &RustConnection, root: Window) -> Result<Self, ReplyError> {
        let atoms = Atoms::new(conn)?.reply()?;
        let window = conn.generate_id().map_err(|_| ConnectionError::UnknownError)?;
        let aux = CreateWindowAux::new().event_mask(EventMask::PROPERTY_CHANGE);
        let class = WindowClass::INPUT_ONLY;
        conn.create_window(0, window, root, -1, -1, 1, 1, 0, class, x11rb::COPY_FROM_PARENT, &aux)?;
        for selection in Self::all(&atoms) {
            let mask = SelectionEventMask::SET_SELECTION_OWNER;
            conn.xfixes_select_selection_input(window, selection, mask)?;
        }
        conn.flush()?;
        Ok(Self { atoms, window, fetch: None, owned: None })
    }

    /// What Control-C fills, and what the middle button pastes.
    fn all(atoms: &Atoms) -> [Atom; 2] {
        [atoms.CLIPBOARD, AtomEnum::PRIMARY.into()]
    }

    /// Asks for what is in the clipboard already.
    pub(super) fn begin(&mut self, conn: &RustConnection) -> Result<(), ReplyError> {
        let selection = self.atoms.CLIPBOARD;
        if conn.get_selection_owner(selection)?.reply()?.owner != x11rb::NONE {
            self.ask(conn, selection, x11rb::CURRENT_TIME, false)?;
        }
        Ok(())
    }

    /// When [`Self::give_up`] is due.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.fetch.as_ref().map(|fetch| fetch.deadline)
    }

    /// The owner has not answered in time.
    pub(super) fn give_up(&mut self, now: Instant) {
        self.fetch.take_if(|fetch| now >= fetch.deadline);
    }

    /// Puts a viewer's text into the selections.
    pub(super) fn own(&mut self, conn: &RustConnection, text: Arc<str>) -> Result<(), ReplyError> {
        self.owned = Some(text);
        self.fetch = None;
        for selection in Self::all(&self.atoms) {
            conn.set_selection_owner(self.window, selection, x11rb::CURRENT_TIME)?;
        }
        conn.flush()?;
        Ok(())
    }

    /// Takes in an event; returns a text that was copied on the screen.
    pub(super) fn event(
        &mut self,
        conn: &RustConnection,
        event: &Event,
    ) -> Result<Option<String>, ReplyError> {
        match event {
            Event::XfixesSelectionNotify(event) => self.changed(conn, event)?,
            Event::SelectionNotify(event) => return self.answered(conn, event),
            Event::PropertyNotify(event) => return self.part(conn, event),
            Event::SelectionRequest(event) => self.asked(conn, event)?,
            _ => {}
        }
        Ok(None)
    }

    fn changed(
        &mut self,
        conn: &RustConnection,
        event: &xfixes::SelectionNotifyEvent,
    ) -> Result<(), ReplyError> {
        if event.owner == self.window || event.owner == x11rb::NONE {
            return Ok(());
        }
        self.ask(conn, event.selection, event.timestamp, false)
    }

    fn ask(
        &mut self,
        conn: &RustConnection,
        selection: Atom,
        at: Timestamp,
        latin1: bool,
    ) -> Result<(), ReplyError> {
        let target = if latin1 { AtomEnum::STRING.into() } else { self.atoms.UTF8_STRING };
        conn.convert_selection(self.window, selection, target, self.atoms.PANTO_CLIPBOARD, at)?;
        conn.flush()?;
        let deadline = Instant::now() + PATIENCE;
        self.fetch = Some(Fetch { selection, at, latin1, parts: None, deadline });
        Ok(())
    }

    /// The owner has put its text down, or has none.
    fn answered(
        &mut self,
        conn: &RustConnection,
        event: &SelectionNotifyEvent,
    ) -> Result<Option<String>, ReplyError> {
        let Some(fetch) = self.fetch.take_if(|f| f.selection == event.selection) else { return Ok(None) };
        if event.property == x11rb::NONE {
            if !fetch.latin1 {
                self.ask(conn, fetch.selection, fetch.at, true)?;
            }
            return Ok(None);
        }
        let (kind, bytes) = self.take(conn)?;
        if kind == self.atoms.INCR {
            // It goes on once the property is gone.
            let deadline = Instant::now() + PATIENCE;
            self.fetch = Some(Fetch { parts: Some(Vec::new()), deadline, ..fetch });
            return Ok(None);
        }
        Ok(text(bytes, fetch.latin1))
    }

    /// A part of a long text (ICCCM 2.7.2).
    fn part(
        &mut self,
        conn: &RustConnection,
        event: &PropertyNotifyEvent,
    ) -> Result<Option<String>, ReplyError> {
        let is_ours = event.atom == self.atoms.PANTO_CLIPBOARD && event.state == Property::NEW_VALUE;
        if !is_ours || self.fetch.as_ref().is_none_or(|fetch| fetch.parts.is_none()) {
            return Ok(None);
        }
        let (_, bytes) = self.take(conn)?;
        let Some(Fetch { parts: Some(parts), deadline, latin1, .. }) = &mut self.fetch else {
            return Ok(None);
        };
        if bytes.is_empty() {
            let whole = text(std::mem::take(parts), *latin1);
            self.fetch = None;
            return Ok(whole);
        }
        parts.extend_from_slice(&bytes);
        *deadline = Instant::now() + PATIENCE;
        if parts.len() > MAX_CUT_TEXT {
            self.fetch = None;
        }
        Ok(None)
    }

    /// Type and bytes of what the owner has put down, which is then gone.
    fn take(&self, conn: &RustConnection) -> Result<(Atom, Vec<u8>), ReplyError> {
        let words = MAX_CUT_TEXT as u32 / 4 + 1;
        let property = self.atoms.PANTO_CLIPBOARD;
        let reply = conn.get_property(true, self.window, property, AtomEnum::ANY, 0, words)?.reply()?;
        if reply.bytes_after > 0 {
            conn.delete_property(self.window, property)?;
            return Ok((reply.type_, Vec::new()));
        }
        Ok((reply.type_, if reply.format == 8 { reply.value } else { Vec::new() }))
    }

    /// A program wants what we own (ICCCM 2.2).
    fn asked(&self, conn: &RustConnection, event: &SelectionRequestEvent) -> Result<(), ReplyError> {
        // Old programs name no property.
        let property = if event.property == x11rb::NONE { event.target } else { event.property };
        let given = match &self.owned {
            Some(text) => self.give(conn, event.requestor, event.target, property, text)?,
            None => false,
        };
        let answer = SelectionNotifyEvent {
            response_type: SELECTION_NOTIFY_EVENT,
            sequence: 0,
            time: event.time,
            requestor: event.requestor,
            selection: event.selection,
            target: event.target,
            property: if given { property } else { x11rb::NONE },
        };
        conn.send_event(false, event.requestor, EventMask::NO_EVENT, answer)?;
        conn.flush()?;
        Ok(())
    }

    fn give(
        &self,
        conn: &RustConnection,
        to: Window,
        target: Atom,
        property: Atom,
        text: &str,
    ) -> Result<bool, ReplyError> {
        let atoms = &self.atoms;
        let string: Atom = AtomEnum::STRING.into();
        let put = |kind: Atom, bytes: &[u8]| {
            conn.change_property8(PropMode::REPLACE, to, property, kind, bytes).map(|put| put.ignore_error())
        };
        if target == atoms.TARGETS {
            let all = [atoms.TARGETS, atoms.UTF8_STRING, atoms.UTF8_MIME, atoms.TEXT, string];
            let kind: Atom = AtomEnum::ATOM.into();
            conn.change_property32(PropMode::REPLACE, to, property, kind, &all)?.ignore_error();
        } else if target == string {
            let latin1: Vec<u8> = text.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect();
            put(string, &latin1)?;
        } else if [atoms.UTF8_STRING, atoms.UTF8_MIME, atoms.TEXT].contains(&target) {
            let kind = if target == atoms.TEXT { atoms.UTF8_STRING } else { target };
            put(kind, text.as_bytes())?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }
}

/// A text of an owner; `None` if it is empty or too long.
fn text(bytes: Vec<u8>, latin1: bool) -> Option<String> {
    let text = match latin1 {
        true => bytes.iter().map(|&b| char::from(b)).collect(),
        false => String::from_utf8_lossy(&bytes).into_owned(),
    };
    (!text.is_empty() && text.len() <= MAX_CUT_TEXT).then_some(text)
}
