//! An X display as a person has it: what it shows, and keys and pointer by XTEST.

use std::time::Duration;

use panto_protocol::canvas::CursorImage;
use panto_protocol::geometry::{Point, Size};
use panto_protocol::pixel::Picture;
use panto_server::virtual_display::VirtualDisplay;
use x11rb::connection::Connection;
use x11rb::protocol::xfixes::ConnectionExt as _;
use x11rb::protocol::xproto::{
    AtomEnum, BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT, ConnectionExt as _, CreateGCAux, ImageFormat,
    InputFocus, KEY_PRESS_EVENT, KEY_RELEASE_EVENT, MOTION_NOTIFY_EVENT, Window,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;

use super::eventually;

/// A terminal that writes what it is told.
pub const TERMINAL: [&str; 11] = [
    "xterm",
    "-geometry",
    "60x16+0+0",
    "-fa",
    "Monospace",
    "-fs",
    "9",
    "-e",
    "sh",
    "-c",
    "printf 'ready\\n'; exec cat",
];

/// What a display shows once it rests.
pub fn rested(display: &XDisplay) -> Picture {
    let mut last = display.picture();
    eventually("the screen rests", || {
        // As long as nothing comes within this time.
        std::thread::sleep(Duration::from_millis(100));
        let now = display.picture();
        let rests = now == last && now.data().iter().any(|p| *p != now.data()[0]);
        last = now;
        rests.then(|| last.clone())
    })
}

/// An X display, started here or elsewhere.
pub struct XDisplay {
    name: String,
    conn: RustConnection,
    root: Window,
    /// Ends with this.
    own: Option<VirtualDisplay>,
}

impl XDisplay {
    /// Starts an empty display of this size.
    pub fn start(size: Size) -> Self {
        let own = VirtualDisplay::start(size, size, &[]).expect("Xvfb starts (apt install xvfb)");
        let mut display = Self::open(own.display());
        display.own = Some(own);
        display
    }

    /// Opens a display that is there.
    pub fn open(name: &str) -> Self {
        let (conn, screen) = RustConnection::connect(Some(name)).expect("the display can be opened");
        let root = conn.setup().roots[screen].root;
        Self { name: name.to_owned(), conn, root, own: None }
    }

    /// Its name, for `DISPLAY`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Everything that it shows, pointer apart.
    pub fn picture(&self) -> Picture {
        // Between the two questions the screen may have become smaller: ask again then.
        let (size, image) = eventually("the display shows a picture", || {
            let size = self.conn.get_geometry(self.root).unwrap().reply().unwrap();
            let image = self
                .conn
                .get_image(ImageFormat::Z_PIXMAP, self.root, 0, 0, size.width, size.height, !0)
                .unwrap()
                .reply();
            Some((size, image.ok()?))
        });
        let data = image
            .data
            .chunks_exact(4)
            .map(|p| u32::from_le_bytes([p[0], p[1], p[2], p[3]]) & 0x00ff_ffff)
            .collect();
        Picture::from_pixels(Size::new(size.width.into(), size.height.into()), data).expect("a whole picture")
    }

    /// The pointer's picture, without edges of which nothing is seen: viewers get none.
    pub fn cursor(&self) -> CursorImage {
        self.conn.xfixes_query_version(5, 0).unwrap().reply().unwrap();
        let image = self.conn.xfixes_get_cursor_image().unwrap().reply().unwrap();
        let size = Size::new(image.width.into(), image.height.into());
        let picture = Picture::from_pixels(size, image.cursor_image).expect("as many pixels");
        CursorImage { picture, hot: Point::new(image.xhot.into(), image.yhot.into()) }.trimmed()
    }

    /// The first mapped top-level window of at least 100 × 100 pixels.
    pub fn window(&self) -> Window {
        eventually("a window appears", || {
            let tree = self.conn.query_tree(self.root).ok()?.reply().ok()?;
            tree.children.into_iter().find(|&w| {
                let viewable = self.conn.get_window_attributes(w).ok().and_then(|c| c.reply().ok());
                let size = self.conn.get_geometry(w).ok().and_then(|c| c.reply().ok());
                viewable.is_some_and(|a| a.map_state == x11rb::protocol::xproto::MapState::VIEWABLE)
                    && size.is_some_and(|g| g.width >= 100 && g.height >= 100)
            })
        })
    }

    /// Gives a window the keyboard, as a window manager would.
    pub fn focus(&self, window: Window) {
        self.conn.set_input_focus(InputFocus::PARENT, window, x11rb::CURRENT_TIME).unwrap();
        self.conn.flush().unwrap();
    }

    /// Whether the keyboard belongs to a window of this class, such as `XTerm`.
    pub fn has_focus(&self, class: &str) -> bool {
        let Ok(Ok(focus)) = self.conn.get_input_focus().map(|c| c.reply()) else { return false };
        let mut window = focus.focus;
        // The focus may lie on a child of the window that has the name.
        while window > 1 {
            let name = self
                .conn
                .get_property(false, window, AtomEnum::WM_CLASS, AtomEnum::STRING, 0, 64)
                .ok()
                .and_then(|c| c.reply().ok());
            if name.is_some_and(|p| p.value.windows(class.len()).any(|w| w == class.as_bytes())) {
                return true;
            }
            match self.conn.query_tree(window).ok().and_then(|c| c.reply().ok()) {
                Some(tree) => window = tree.parent,
                None => return false,
            }
        }
        false
    }

    /// Moves the pointer.
    pub fn point(&self, x: i16, y: i16) {
        self.fake(MOTION_NOTIFY_EVENT, 0, x, y);
    }

    /// Presses or releases a button.
    pub fn button(&self, button: u8, down: bool) {
        self.fake(if down { BUTTON_PRESS_EVENT } else { BUTTON_RELEASE_EVENT }, button, 0, 0);
    }

    /// Presses or releases a key by its keysym in this display's layout.
    pub fn key(&self, keysym: u32, down: bool) {
        let (code, _) = self.find(keysym);
        self.fake(if down { KEY_PRESS_EVENT } else { KEY_RELEASE_EVENT }, code, 0, 0);
    }

    /// Paints on the root window.
    pub fn paint(&self, at: Point, picture: &Picture) {
        let gc = self.conn.generate_id().unwrap();
        self.conn.create_gc(gc, self.root, &CreateGCAux::new()).unwrap();
        let bytes: Vec<u8> = picture.data().iter().flat_map(|pixel| pixel.to_le_bytes()).collect();
        let (width, height) = (picture.size().width as u16, picture.size().height as u16);
        let (x, y) = (at.x as i16, at.y as i16);
        let format = ImageFormat::Z_PIXMAP;
        self.conn.put_image(format, self.root, gc, width, height, x, y, 0, 24, &bytes).unwrap();
        self.conn.free_gc(gc).unwrap();
        self.conn.flush().unwrap();
    }

    /// Rings the bell.
    pub fn bell(&self) {
        self.conn.bell(0).unwrap();
        self.conn.flush().unwrap();
    }

    /// Types text of ASCII characters; `\n` is Return.
    pub fn type_text(&self, text: &str) {
        for c in text.chars() {
            let keysym = if c == '\n' { xkeysym::key::Return } else { c as u32 };
            let (code, shifted) = self.find(keysym);
            let (shift, _) = self.find(xkeysym::key::Shift_L);
            if shifted {
                self.fake(KEY_PRESS_EVENT, shift, 0, 0);
            }
            self.fake(KEY_PRESS_EVENT, code, 0, 0);
            self.fake(KEY_RELEASE_EVENT, code, 0, 0);
            if shifted {
                self.fake(KEY_RELEASE_EVENT, shift, 0, 0);
            }
        }
    }

    fn find(&self, keysym: u32) -> (u8, bool) {
        let setup = self.conn.setup();
        let (min, max) = (setup.min_keycode, setup.max_keycode);
        let map = self.conn.get_keyboard_mapping(min, max - min + 1).unwrap().reply().unwrap();
        let per = usize::from(map.keysyms_per_keycode);
        for level in 0..2.min(per) {
            for (i, keysyms) in map.keysyms.chunks(per).enumerate() {
                if keysyms[level] == keysym {
                    return (min + i as u8, level == 1);
                }
            }
        }
        panic!("no key for keysym {keysym:#x}");
    }

    fn fake(&self, kind: u8, detail: u8, x: i16, y: i16) {
        self.conn.xtest_fake_input(kind, detail, 0, self.root, x, y, 0).unwrap();
        self.conn.flush().unwrap();
    }
}
