//! What a client says once it is in.

use super::super::{Clipboard, xt_code};
use super::connection::Connection;
use crate::geometry::{Point, Rect, Size};
use crate::rfb::{ClientMessage, Fence, MAX_CUT_TEXT, Screen};

impl Connection {
    /// Asks for the whole picture again.
    pub fn refresh(&mut self) {
        self.request(false);
    }

    /// Presses or lets go a key: by its keysym and, where the server knows them, by Linux's evdev
    /// code (0 for none).
    pub fn key(&mut self, down: bool, keysym: u32, evdev: u16) {
        match xt_code(evdev) {
            Some(code) if self.has_qemu_keys => self.say(&ClientMessage::ExtendedKey { down, keysym, code }),
            _ if keysym != 0 => self.say(&ClientMessage::Key { down, keysym }),
            // A server that takes keysyms only cannot be told.
            _ => {}
        }
    }

    /// The pointer is here with these buttons down: bit 0 is button 1, the left one; 3 to 6 are the
    /// wheel, 7 is "back". Buttons that the server cannot know are left out.
    pub fn pointer(&mut self, buttons: u16, position: Point) {
        let within = |v: i32, side: u32| v.clamp(0, side as i32 - 1) as u16;
        let (x, y) = (within(position.x, self.size.width), within(position.y, self.size.height));
        if !self.has_extended_buttons {
            return self.say(&ClientMessage::Pointer { buttons: buttons as u8, x, y });
        }
        // Bit 7 says that a byte more follows (rfbproto, ExtendedMouseButtons).
        let marker = if buttons >> 7 != 0 { 0x80 } else { 0 };
        self.say(&ClientMessage::Pointer { buttons: buttons as u8 & 0x7f | marker, x, y });
        if marker != 0 {
            self.out.u8((buttons >> 7) as u8);
        }
    }

    /// The client's clipboard. Servers without the extended one (rfbproto) know Latin-1 only; other
    /// characters become `?`. What is longer than [`MAX_CUT_TEXT`] is not sent.
    pub fn cut_text(&mut self, text: &str) {
        let Some(takes) = self.takes else {
            return self.latin1_text(text.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect());
        };
        self.text = (text.len() <= MAX_CUT_TEXT).then(|| text.to_owned());
        if self.text.is_none() {
            return self.say(&ClientMessage::Clipboard(Clipboard::Notify { text: false }));
        }
        // LibVNCServer is not to be notified. Up to its 0.9.14 it says that it takes texts also for
        // programs that never see one (x11vnc), which see Latin-1 always.
        if !takes.notify
            && let Ok(latin1) = text.chars().map(u8::try_from).collect()
        {
            return self.latin1_text(latin1);
        }
        if let Some(news) = takes.news(text) {
            self.say(&ClientMessage::Clipboard(news));
        }
    }

    fn latin1_text(&mut self, text: Vec<u8>) {
        if text.len() <= MAX_CUT_TEXT {
            self.say(&ClientMessage::CutText(text));
        }
    }

    /// Answers the server's extended clipboard; returns a text that it has sent.
    pub(super) fn clipboard(&mut self, message: Clipboard) -> Option<String> {
        let answer = match message {
            Clipboard::Caps(takes) => {
                self.takes = Some(takes);
                Clipboard::ours()
            }
            Clipboard::Notify { text: true } => Clipboard::Request { text: true },
            Clipboard::Request { text: true } => Clipboard::Provide(self.text.clone()),
            Clipboard::Peek => Clipboard::Notify { text: self.text.is_some() },
            Clipboard::Provide(text) => return text,
            Clipboard::Notify { .. } | Clipboard::Request { .. } => return None,
        };
        self.say(&ClientMessage::Clipboard(answer));
        None
    }

    /// Asks for a screen of this size. The server answers with [`Event::Resized`] or
    /// [`Event::NotResized`]. Sides are below 65,536.
    pub fn set_desktop_size(&mut self, size: Size) {
        let first = self.screens.first().copied();
        let (id, flags) = first.map_or((0, 0), |screen| (screen.id, screen.flags));
        let screens = vec![Screen { id, rect: Rect::of_size(size), flags }];
        self.say(&ClientMessage::SetDesktopSize { size, screens });
    }

    /// Asks for a sign of life that comes behind everything the server sends until then
    /// ([`Event::Pong`]). At most 64 bytes; only for servers that have fences.
    pub fn ping(&mut self, payload: &[u8]) {
        // Behind what came before, and before what comes after: bits 0 and 1 (rfbproto, Fence).
        let payload = payload[..payload.len().min(64)].to_vec();
        self.say(&ClientMessage::Fence(Fence { flags: Fence::REQUEST | 0b11, payload }));
    }

    pub(super) fn say(&mut self, message: &ClientMessage) {
        message.encode(&mut self.out);
    }

    pub(super) fn request(&mut self, incremental: bool) {
        self.say(&ClientMessage::UpdateRequest { incremental, rect: Rect::of_size(self.size) });
    }
}
