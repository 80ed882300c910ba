//! The window's event loop: what it hears, what follows from it, and when.
//!
//! Everything is decided once per turn of the loop, in [`App::turn`]; the events
//! before it only note what happened. So a hundred moves of the pointer are one
//! message, and a hundred updates of the picture are one presentation.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use panto_protocol::canvas::CursorImage;
use panto_protocol::geometry::{Point, Size};
use panto_protocol::message::Settings;
use winit::application::ApplicationHandler;
use winit::dpi::PhysicalSize;
use winit::event::{DeviceEvent, DeviceId, ElementState, Ime, MouseScrollDelta, WindowEvent};
use winit::event_loop::{ActiveEventLoop, ControlFlow, EventLoopProxy, OwnedDisplayHandle};
use winit::window::{CursorIcon, CustomCursor, Fullscreen, Window, WindowId};

use super::clipboard::Clipboard;
use super::cursor;
use super::error::{WindowError, plain};
use super::input::Input;
use super::layout::first_size;
use super::open;
use super::options::WindowOptions;
use super::overlay::Overlay;
use super::panels::Facts;
use super::present::{self, Present, Renderer};
use super::scene::Scene;
use super::wheel::Wheel;
use crate::core::{Command, Connection, Handle};

/// Window size while the remote screen's is not known.
const UNKNOWN_SIZE: Size = Size::new(1024, 640);

/// How long the window's size must rest before the server is asked to follow.
const RESIZE_REST: Duration = Duration::from_millis(300);

/// Shows the window until the person closes it or the connection ends.
///
/// Blocks; to be called once in a process, on the main thread. Closing the window
/// sends [`Command::Quit`]. The reason of an ended connection stays in
/// [`crate::core::Shown::connection`].
///
/// # Errors
///
/// If there is no display, a library is missing, or no renderer works; the message
/// says which and what to do.
pub fn run(handle: Handle, options: WindowOptions) -> Result<(), WindowError> {
    let event_loop = open::event_loop()?;
    let woken = Arc::new(AtomicBool::new(false));
    let (proxy, flag) = (event_loop.create_proxy(), Arc::clone(&woken));
    handle.set_waker(move || {
        // One event under way is enough: whoever handles it sees everything.
        if !flag.swap(true, Ordering::AcqRel) {
            let _ = proxy.send_event(());
        }
    });
    let mut app = App::new(handle, options, woken, event_loop.create_proxy());
    let ended = event_loop.run_app(&mut app);
    app.leave();
    match (app.error, ended) {
        (Some(error), _) => Err(error),
        (None, Ok(())) => Ok(()),
        (None, Err(e)) => Err(WindowError::Window(plain(&e.to_string()))),
    }
}

pub(super) struct App {
    pub(super) handle: Handle,
    pub(super) options: WindowOptions,
    /// Whether an event saying that [`crate::core::Shown`] changed is under way.
    pub(super) woken: Arc<AtomicBool>,
    pub(super) view: Option<View>,
    pub(super) error: Option<WindowError>,
    pub(super) scene: Scene,
    pub(super) overlay: Overlay,
    pub(super) input: Input,
    pub(super) wheel: Wheel,
    /// The person's clipboard, if it is shared.
    pub(super) clipboard: Option<Clipboard>,
    /// Whether the window has the keyboard.
    pub(super) focused: bool,
    /// Whether the clipboard is to be looked at as soon as the server may have it.
    pub(super) unlooked: bool,
    /// Whether `Shown` is to be looked at.
    pub(super) stale: bool,
    pub(super) seen: Seen,
    pub(super) view_only: bool,
    /// The pointer in the window.
    pub(super) pointer: Point,
    /// Whether the pointer is over the window.
    pub(super) hovers: bool,
    /// The pointer's picture as the window system has it, and its size there.
    pub(super) pointer_set: Option<(Arc<CursorImage>, Size)>,
    pub(super) resize: Resize,
    pub(super) saved: (mpsc::Sender<String>, mpsc::Receiver<String>),
    pub(super) proxy: EventLoopProxy<()>,
}

/// The window and what shows pixels in it.
pub(super) struct View {
    // Fields are dropped in this order: first what draws, then the window.
    pub(super) present: Box<dyn Present>,
    pub(super) window: Arc<Window>,
    pub(super) display: OwnedDisplayHandle,
    pub(super) title: String,
}

/// What of `Shown` was seen last.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) connection: Connection,
    pub(super) connected: bool,
    pub(super) picture: bool,
    pub(super) screen: Size,
    pub(super) settings: Settings,
    pub(super) notice: u64,
    pub(super) explained: bool,
    pub(super) may_control: bool,
    pub(super) can_resize: bool,
    pub(super) server: String,
    pub(super) cursor: Option<Arc<CursorImage>>,
    pub(super) pointer: Point,
    /// Number of the server's text that was taken or refused last.
    pub(super) clipboard: u64,
}

/// The window's size on its way to the server.
#[derive(Default)]
pub(super) struct Resize {
    /// The size that the window was asked to take, until it has it.
    pub(super) expected: Option<Size>,
    pub(super) due: Option<Instant>,
    /// Whether the person was told that the server cannot.
    pub(super) told: bool,
}

impl App {
    fn new(
        handle: Handle,
        options: WindowOptions,
        woken: Arc<AtomicBool>,
        proxy: EventLoopProxy<()>,
    ) -> Self {
        Self {
            scene: Scene::new(options.scaling),
            overlay: Overlay::new(options.statistics),
            input: Input::default(),
            wheel: Wheel::default(),
            clipboard: options.clipboard.then(|| Clipboard::start(&handle)),
            focused: false,
            unlooked: false,
            view_only: options.view_only,
            handle,
            options,
            woken,
            view: None,
            error: None,
            stale: true,
            seen: Seen::default(),
            pointer: Point::default(),
            hovers: false,
            pointer_set: None,
            resize: Resize::default(),
            saved: mpsc::channel(),
            proxy,
        }
    }

    fn open(&self, event_loop: &ActiveEventLoop) -> Result<View, WindowError> {
        let screen = self.handle.shown().screen;
        let size = match screen.is_empty() {
            true => UNKNOWN_SIZE,
            false => first_size(screen, self.options.scaling, monitor_size(event_loop.primary_monitor())),
        };
        let attributes = Window::default_attributes()
            .with_title(&self.options.title)
            .with_inner_size(PhysicalSize::new(size.width, size.height))
            .with_min_inner_size(PhysicalSize::new(64, 48))
            .with_decorations(self.options.decorations)
            .with_fullscreen(self.options.fullscreen.then_some(Fullscreen::Borderless(None)));
        #[cfg(target_os = "linux")]
        let attributes = {
            // The same call names the window for X11 (WM_CLASS) and Wayland (app_id).
            use winit::platform::x11::WindowAttributesExtX11;
            attributes.with_name("panto", "panto")
        };
        let window =
            event_loop.create_window(attributes).map_err(|e| WindowError::Window(plain(&e.to_string())))?;
        let window = Arc::new(window);
        window.set_ime_allowed(wants_input_method(event_loop));
        let display = event_loop.owned_display_handle();
        let inner = inner_size(&window);
        let present = present::open(&window, display.clone(), self.options.renderer, inner)?;
        Ok(View { present, window, display, title: self.options.title.clone() })
    }

    fn fail(&mut self, event_loop: &ActiveEventLoop, error: WindowError) {
        self.error = Some(error);
        event_loop.exit();
    }

    /// Tells the server that the window's hands are off it.
    fn leave(&mut self) {
        self.input.set_live(false);
        self.send_input();
        self.view = None;
    }

    pub(super) fn quit(&mut self, event_loop: &ActiveEventLoop) {
        self.input.set_live(false);
        self.send_input();
        self.handle.send(Command::Quit);
        event_loop.exit();
    }

    /// One turn of the loop, when all events that were there have been heard.
    fn turn(&mut self, event_loop: &ActiveEventLoop) {
        let now = Instant::now();
        if self.view.is_none() {
            return;
        }
        while let Ok(text) = self.saved.1.try_recv() {
            self.overlay.notice(&text, now);
        }
        if std::mem::take(&mut self.stale) {
            self.look(event_loop, now);
        }
        self.overlay.expire(now);
        if self.overlay.wants_figures(now) {
            self.update_figures(now);
        }
        self.follow_size(now);
        self.update_live();
        self.send_input();
        self.share_clipboard();
        self.update_pointer(event_loop);
        self.update_sprites();
        if let Err(error) = self.show() {
            return self.fail(event_loop, error);
        }
        let resize = self.resize.due.filter(|_| self.may_follow_size());
        event_loop.set_control_flow(match [self.overlay.deadline(), resize].into_iter().flatten().min() {
            Some(deadline) => ControlFlow::WaitUntil(deadline),
            None => ControlFlow::Wait,
        });
    }

    /// Looks at what the connection has for us.
    fn look(&mut self, event_loop: &ActiveEventLoop, now: Instant) {
        let before = std::mem::take(&mut self.seen);
        let dismissed;
        let notice = {
            let mut shown = self.handle.shown();
            self.scene.sync(&mut shown);
            dismissed = shown.dismissed;
            self.seen = Seen {
                connection: shown.connection.clone(),
                connected: before.connected || shown.connection == Connection::Connected,
                picture: before.picture || !shown.picture.size().is_empty(),
                screen: if shown.screen.is_empty() { shown.picture.size() } else { shown.screen },
                settings: shown.settings,
                notice: shown.notice.number,
                explained: shown.explained,
                may_control: shown.may_control,
                can_resize: shown.can_resize,
                server: shown.server_name.clone(),
                cursor: shown.cursor.clone(),
                pointer: shown.pointer,
                clipboard: before.clipboard,
            };
            (shown.notice.number != before.notice).then(|| shown.notice.text.clone())
        };
        self.overlay.set_connection(&self.seen.connection, &self.seen.server);
        self.overlay.set_explained(self.seen.explained);
        if let Connection::Closed { reason } = &self.seen.connection
            && (reason.is_empty() || !self.seen.picture || !self.options.linger || dismissed)
        {
            return event_loop.exit();
        }
        if self.seen.picture && !before.picture {
            self.take_first_size();
        }
        if self.options.hints && self.seen.connected {
            if !before.connected {
                self.overlay.hint(now);
            } else if self.seen.settings != before.settings {
                let Settings { mode, depth, scale, .. } = self.seen.settings;
                let text =
                    format!("Now sending {}, {} bit, 1:{}", mode.name(), depth.bits(), scale.divisor());
                self.overlay.notice(&text, now);
            }
        }
        if let Some(text) = notice
            && !text.is_empty()
        {
            self.overlay.notice(&text, now);
        }
        if let Some(view) = &mut self.view {
            let title = match self.seen.server.as_str() {
                "" => self.options.title.clone(),
                server => format!("{server} - {}", self.options.title),
            };
            if title != view.title {
                view.window.set_title(&title);
                view.title = title;
            }
        }
    }

    /// The remote screen's size has become known: take it, where the monitor has room.
    fn take_first_size(&mut self) {
        let Some(view) = &self.view else { return };
        if view.window.fullscreen().is_some() {
            // Here it is the remote screen that has to follow.
            self.resize.due = self.options.remote_resize.then(Instant::now);
            return;
        }
        let monitor = monitor_size(view.window.current_monitor().or_else(|| view.window.primary_monitor()));
        let size = first_size(self.seen.screen, self.options.scaling, monitor);
        if size == inner_size(&view.window) {
            return;
        }
        self.resize.expected = Some(size);
        let asked = view.window.request_inner_size(PhysicalSize::new(size.width, size.height));
        if let Some(size) = asked {
            self.resized(Size::new(size.width, size.height));
        }
    }

    fn resized(&mut self, size: Size) {
        if self.resize.expected == Some(size) {
            self.resize.expected = None;
        } else if self.options.remote_resize && self.seen.picture && size != self.scene.size() {
            self.resize.due = Some(Instant::now() + RESIZE_REST);
        }
        self.scene.resize(size);
        // Now, for a click may be the next event.
        self.rest_pointer();
        self.stale = true;
        if let Some(view) = &self.view {
            self.overlay.resize(size, view.window.scale_factor());
        }
    }

    /// Asks the server to make its screen as large as the window, when its size has come to rest.
    fn follow_size(&mut self, now: Instant) {
        let size = self.scene.size();
        if self.resize.due.is_none_or(|due| now < due) || !self.may_follow_size() {
            return;
        }
        self.resize.due = None;
        if self.seen.can_resize {
            if size != self.seen.screen {
                self.handle.send(Command::Resize(size));
            }
        } else if !std::mem::replace(&mut self.resize.told, true) {
            self.overlay
                .notice("The server cannot change its screen's size; the picture is scaled instead.", now);
        }
    }

    /// Not while minimised, nor while nobody listens.
    fn may_follow_size(&self) -> bool {
        self.seen.connection == Connection::Connected && !self.scene.size().is_empty()
    }

    fn update_figures(&mut self, now: Instant) {
        let Some(view) = &self.view else { return };
        let stats = self.handle.shown().stats.clone();
        let facts = Facts {
            settings: self.seen.settings,
            screen: self.seen.screen,
            stats: &stats,
            renderer: view.present.name(),
        };
        self.overlay.set_figures(facts, now);
    }

    pub(super) fn update_live(&mut self) {
        self.rest_pointer();
        let connected = self.seen.connection == Connection::Connected;
        self.input.set_live(connected && !self.only_views() && !self.overlay.menu_is_open());
    }

    /// The pointer may rest while the picture comes, moves or grows below it.
    fn rest_pointer(&mut self) {
        if self.hovers && !self.scene.layout().place().is_empty() {
            self.input.rests(self.scene.layout().to_screen(self.pointer));
        }
    }

    pub(super) fn only_views(&self) -> bool {
        self.view_only || !self.seen.may_control
    }

    /// Lets each side have what was copied at the other, while the person works here.
    fn share_clipboard(&mut self) {
        let Some(clipboard) = &self.clipboard else { return };
        if !self.focused || self.only_views() || self.seen.connection != Connection::Connected {
            return;
        }
        let theirs = {
            let shown = self.handle.shown();
            let is_new = shown.clipboard.number != self.seen.clipboard;
            self.seen.clipboard = shown.clipboard.number;
            is_new.then(|| shown.clipboard.text.to_string())
        };
        match theirs {
            theirs if std::mem::take(&mut self.unlooked) => clipboard.look(theirs),
            Some(text) => clipboard.put(&text),
            None => {}
        }
    }

    fn send_input(&mut self) {
        for event in self.input.take() {
            self.handle.send(Command::Input(event));
        }
    }

    /// Gives the window system the pointer's picture: the person's hand must not wait for the network.
    fn update_pointer(&mut self, event_loop: &ActiveEventLoop) {
        let Some(view) = &self.view else { return };
        let layout = self.scene.layout();
        let over_picture = layout.place().contains(self.pointer);
        let remote = self.seen.connection == Connection::Connected
            && !self.only_views()
            && !self.overlay.menu_is_open()
            && over_picture;
        let wanted = self.seen.cursor.as_ref().filter(|_| remote);
        let wanted = wanted.map(|c| (Arc::clone(c), layout.size_in_window(c.picture.size())));
        let same = match (&wanted, &self.pointer_set) {
            (Some(a), Some(b)) => Arc::ptr_eq(&a.0, &b.0) && a.1 == b.1,
            (None, None) => true,
            _ => false,
        };
        if same {
            return;
        }
        let custom = wanted.as_ref().and_then(|(cursor, _)| {
            let s = cursor::shape(cursor, layout);
            CustomCursor::from_rgba(s.rgba, s.width, s.height, s.hot_x, s.hot_y).ok()
        });
        match custom {
            Some(source) => view.window.set_cursor(event_loop.create_custom_cursor(source)),
            None => view.window.set_cursor(CursorIcon::Default),
        }
        self.pointer_set = wanted;
    }

    fn update_sprites(&mut self) {
        let mut sprites = Vec::new();
        // Someone else moves the pointer then, and it is not the window system's.
        if self.only_views()
            && let Some(cursor) = &self.seen.cursor
        {
            sprites.extend(cursor::sprite(cursor, self.seen.pointer, self.scene.layout()));
        }
        sprites.extend(self.overlay.sprites());
        self.scene.set_sprites(sprites);
        self.scene.set_dim(self.seen.connected && self.seen.connection != Connection::Connected);
    }

    /// Presents what changed.
    fn show(&mut self) -> Result<(), WindowError> {
        let Some(view) = &mut self.view else { return Ok(()) };
        if !self.scene.is_damaged() || self.scene.size().is_empty() {
            return Ok(());
        }
        let damage = self.scene.take_damage();
        let reason = match view.present.present(&self.scene, &damage) {
            Ok(()) => return Ok(()),
            Err(reason) => reason,
        };
        // A GPU can vanish (driver update, sleep); the picture need not.
        if self.options.renderer == Renderer::Auto && view.present.name() != present::CPU_NAME {
            tracing::warn!(%reason, "the GPU failed, going on without");
            view.present = present::open_cpu(&view.window, view.display.clone())?;
            self.scene.damage_all();
            let damage = self.scene.take_damage();
            return view
                .present
                .present(&self.scene, &damage)
                .map_err(|reasons| WindowError::Present { reasons });
        }
        Err(WindowError::Present { reasons: reason })
    }
}

impl ApplicationHandler for App {
    fn resumed(&mut self, event_loop: &ActiveEventLoop) {
        if self.view.is_some() {
            return;
        }
        match self.open(event_loop) {
            Ok(view) => {
                let size = inner_size(&view.window);
                self.view = Some(view);
                self.resized(size);
            }
            Err(error) => self.fail(event_loop, error),
        }
    }

    fn user_event(&mut self, _: &ActiveEventLoop, (): ()) {
        // Before looking, so that whatever changes meanwhile wakes us again.
        self.woken.store(false, Ordering::Release);
        self.stale = true;
    }

    fn window_event(&mut self, event_loop: &ActiveEventLoop, _: WindowId, event: WindowEvent) {
        match event {
            WindowEvent::CloseRequested => self.quit(event_loop),
            WindowEvent::Resized(size) => self.resized(Size::new(size.width, size.height)),
            WindowEvent::ScaleFactorChanged { scale_factor, .. } => {
                self.overlay.resize(self.scene.size(), scale_factor);
            }
            // Our own changes are shown without asking, so this is the window system's wish.
            WindowEvent::RedrawRequested => self.scene.damage_all(),
            WindowEvent::Focused(focused) => {
                (self.focused, self.unlooked) = (focused, focused);
                if !focused {
                    self.input.blur();
                }
            }
            WindowEvent::KeyboardInput { event, is_synthetic, .. } => {
                self.key(event_loop, &event, is_synthetic)
            }
            WindowEvent::Ime(Ime::Commit(text)) => self.input.text(&text),
            WindowEvent::CursorLeft { .. } => self.hovers = false,
            WindowEvent::CursorMoved { position, .. } => {
                self.moved(Point::new(position.x.floor() as i32, position.y.floor() as i32));
            }
            WindowEvent::MouseInput { state, button, .. } => {
                self.button(event_loop, button, state == ElementState::Pressed);
            }
            WindowEvent::MouseWheel { delta, .. } => match delta {
                // winit says where the content goes; the wire, where the wheel goes.
                MouseScrollDelta::LineDelta(x, y) => {
                    if !self.wheel.is_echo((x, y), Instant::now()) {
                        self.input.scroll_notches(-f64::from(x), -f64::from(y));
                    }
                }
                MouseScrollDelta::PixelDelta(p) => self.input.scroll_pixels(-p.x, -p.y),
            },
            _ => {}
        }
    }

    fn device_event(&mut self, _: &ActiveEventLoop, _: DeviceId, event: DeviceEvent) {
        if let DeviceEvent::Button { button, state: ElementState::Released } = event {
            self.wheel.raw_release(button, Instant::now());
        }
    }

    fn about_to_wait(&mut self, event_loop: &ActiveEventLoop) {
        self.turn(event_loop);
    }
}

/// Input methods get the keys only if the person uses one: on X11 it would
/// otherwise swallow dead keys and give back text without keys.
fn wants_input_method(event_loop: &ActiveEventLoop) -> bool {
    #[cfg(target_os = "linux")]
    {
        use winit::platform::wayland::ActiveEventLoopExtWayland;
        if !event_loop.is_wayland() {
            return std::env::var("XMODIFIERS").is_ok_and(|m| m.contains("@im=") && !m.ends_with("@im=none"));
        }
    }
    let _ = event_loop;
    true
}

fn monitor_size(monitor: Option<winit::monitor::MonitorHandle>) -> Size {
    monitor.map_or(Size::default(), |m| Size::new(m.size().width, m.size().height))
}

fn inner_size(window: &Window) -> Size {
    let size = window.inner_size();
    Size::new(size.width, size.height)
}
