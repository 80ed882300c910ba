//! What the GPU draws on: where X shows windows, one inside of the person's that
//! changes its size only when we say so.
//!
//! The person can make a window larger at any moment. A surface that is behind
//! that is "suboptimal" to Vulkan on X11, whereupon `pixels` makes the surface anew,
//! with the size that it knows, until the surface is good: for ever, for it hears of
//! no other size meanwhile. Nothing but us changes the size of the inner window.

use std::sync::Arc;

use panto_protocol::geometry::Size;
use pixels::raw_window_handle::{
    DisplayHandle, HandleError, HasDisplayHandle, HasWindowHandle, WindowHandle,
};
use winit::window::Window;

/// A window's inside.
pub(super) struct Inner {
    #[cfg(target_os = "linux")]
    own: Option<x11::Own>,
    window: Arc<Window>,
}

impl Inner {
    /// Takes the inside of `window`, `size` large.
    pub(super) fn open(window: Arc<Window>, size: Size) -> Result<Self, String> {
        #[cfg(not(target_os = "linux"))]
        let _ = size;
        Ok(Self {
            #[cfg(target_os = "linux")]
            own: x11::Own::open(&window, size)?,
            window,
        })
    }

    /// Makes it as large as the window has become. It is, when this returns.
    pub(super) fn resize(&self, size: Size) -> Result<(), String> {
        #[cfg(target_os = "linux")]
        if let Some(own) = &self.own {
            return own.resize(size);
        }
        let _ = size;
        Ok(())
    }
}

impl HasWindowHandle for Inner {
    fn window_handle(&self) -> Result<WindowHandle<'_>, HandleError> {
        #[cfg(target_os = "linux")]
        if let Some(own) = &self.own {
            return Ok(own.handle());
        }
        self.window.window_handle()
    }
}

impl HasDisplayHandle for Inner {
    fn display_handle(&self) -> Result<DisplayHandle<'_>, HandleError> {
        self.window.display_handle()
    }
}

#[cfg(target_os = "linux")]
mod x11 {
    use std::sync::Arc;

    use panto_protocol::geometry::Size;
    use pixels::raw_window_handle::{HasWindowHandle, RawWindowHandle, WindowHandle, XlibWindowHandle};
    use winit::window::Window;
    use x11rb::connection::Connection as _;
    use x11rb::protocol::Event;
    use x11rb::protocol::shape::SK;
    use x11rb::protocol::xfixes::ConnectionExt as _;
    use x11rb::protocol::xproto::{
        ConfigureWindowAux, ConnectionExt as _, CreateWindowAux, EventMask, WindowClass,
    };
    use x11rb::rust_connection::RustConnection;

    /// A window of our own inside of winit's. Ends with this.
    pub(super) struct Own {
        conn: Arc<RustConnection>,
        id: u32,
        visual: u64,
    }

    impl Own {
        /// `None` where it is not X that shows windows.
        pub(super) fn open(window: &Arc<Window>, size: Size) -> Result<Option<Self>, String> {
            let Ok(handle) = window.window_handle() else { return Ok(None) };
            let RawWindowHandle::Xlib(outer) = handle.as_raw() else { return Ok(None) };
            let outer_id = u32::try_from(outer.window).map_err(|_| "a window's number of X has 32 bits")?;
            let (conn, _) = RustConnection::connect(None).map_err(said)?;
            let conn = Arc::new(conn);
            let id = conn.generate_id().map_err(said)?;
            // What the GPU has shown is gone where another window was moved over it and away:
            // that is heard here, and passed on as if winit's window had heard it.
            let events = EventMask::EXPOSURE | EventMask::STRUCTURE_NOTIFY;
            let (width, height) = dimensions(size);
            let made = CreateWindowAux::new().event_mask(events);
            let class = WindowClass::INPUT_OUTPUT;
            conn.create_window(
                0,
                id,
                outer_id,
                0,
                0,
                width,
                height,
                0,
                class,
                x11rb::COPY_FROM_PARENT,
                &made,
            )
            .map_err(said)?
            .check()
            .map_err(said)?;
            let own = Self { conn: Arc::clone(&conn), id, visual: outer.visual_id };
            // Pointer and keys pass through it as if it were not there.
            conn.xfixes_query_version(5, 0).map_err(said)?.reply().map_err(said)?;
            let nothing = conn.generate_id().map_err(said)?;
            conn.xfixes_create_region(nothing, &[]).map_err(said)?;
            conn.xfixes_set_window_shape_region(id, SK::INPUT, 0, 0, nothing).map_err(said)?;
            conn.xfixes_destroy_region(nothing).map_err(said)?;
            conn.map_window(id).map_err(said)?.check().map_err(said)?;
            let weak = Arc::downgrade(window);
            let listen = move || {
                while let Ok(event) = conn.wait_for_event() {
                    match (event, weak.upgrade()) {
                        (Event::Expose(_), Some(window)) => window.request_redraw(),
                        (Event::DestroyNotify(_), _) | (_, None) => return,
                        _ => {}
                    }
                }
            };
            std::thread::Builder::new().name("exposed".to_owned()).spawn(listen).map_err(said)?;
            Ok(Some(own))
        }

        /// Waits until the X server has done so, for the GPU's driver asks it by another connection.
        pub(super) fn resize(&self, size: Size) -> Result<(), String> {
            let (width, height) = dimensions(size);
            let changes = ConfigureWindowAux::new().width(u32::from(width)).height(u32::from(height));
            self.conn.configure_window(self.id, &changes).map_err(said)?.check().map_err(said)
        }

        pub(super) fn handle(&self) -> WindowHandle<'_> {
            let mut handle = XlibWindowHandle::new(self.id.into());
            handle.visual_id = self.visual;
            // SAFETY: the window is there as long as `self` is, which the handle borrows.
            unsafe { WindowHandle::borrow_raw(RawWindowHandle::Xlib(handle)) }
        }
    }

    impl Drop for Own {
        fn drop(&mut self) {
            // Nobody is left to be told of errors.
            let _ = self.conn.destroy_window(self.id);
            let _ = self.conn.flush();
        }
    }

    /// X counts windows' sides by 16 bits, from 1.
    fn dimensions(size: Size) -> (u16, u16) {
        let side = |n: u32| u16::try_from(n).unwrap_or(u16::MAX).max(1);
        (side(size.width), side(size.height))
    }

    fn said(error: impl std::fmt::Display) -> String {
        format!("X: {error}")
    }
}
