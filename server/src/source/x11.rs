//! A real X display as a source: capture on a thread of its own, input on another.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use panto_protocol::canvas::{CursorImage, PaintError};
use panto_protocol::draw::{DrawCommand, SurfaceId};
use panto_protocol::geometry::{Point, Rect, Size};
use panto_protocol::message::InputEvent;
use panto_protocol::pixel::Pixels;
use rustix::event::{EventfdFlags, eventfd};

use super::Source;
use crate::capture::{CaptureError, CaptureSink, Windows, WindowsState, X11Capture};
use crate::desk::{Desk, X11Desk};
use crate::inject::{InjectError, Injector, XtestInjector};
use crate::pace;
use crate::scene::{Scene, SharedScene};

/// Shortest time between two grabs: as the pacer sends a frame at 60 a second, each grab
/// becomes one at once.
const GRAB_INTERVAL: Duration = Duration::from_micros(pace::FRAME_INTERVAL.0);

/// The same just after an input, when the answer may come at any moment, and while one may
/// still come.
const ANSWER_INTERVALS: [(Duration, Duration); 2] = [
    (Duration::from_millis(30), Duration::from_millis(4)),
    (Duration::from_micros(pace::ANSWER_TIME.0), Duration::from_millis(8)),
];

/// A captured X display.
pub struct X11Source {
    orders: Arc<Orders>,
    input: Mutex<Option<mpsc::Sender<InputEvent>>>,
    /// Events that the injecting thread has not done yet; 0 once it is gone.
    unhandled: Arc<AtomicUsize>,
    can_resize: bool,
    /// Without one there is no clipboard, and all else works.
    desk: Option<X11Desk>,
    threads: Vec<JoinHandle<()>>,
}

/// What the capturing thread is told.
struct Orders {
    wake: OwnedFd,
    state: Mutex<State>,
}

struct State {
    stop: bool,
    resize: Option<Size>,
    failure: Option<String>,
    windows: WindowsState,
    last_input: Option<Instant>,
}

/// Why a display cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum X11SourceError {
    /// Its pictures cannot be had.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// Its keyboard and pointer cannot be driven.
    #[error(transparent)]
    Inject(#[from] InjectError),
    /// The system refuses threads or descriptors.
    #[error("no thread for capture: {0}")]
    System(#[from] std::io::Error),
}

impl X11Source {
    /// Starts capturing `display` (`None` is `$DISPLAY`) into a new scene, whenever it has viewers.
    pub fn start(
        display: Option<&str>,
        windows: Windows,
    ) -> Result<(Self, Arc<SharedScene>), X11SourceError> {
        let mut capture = match windows {
            Windows::Auto => X11Capture::open_windows(display)?,
            Windows::No => X11Capture::open(display)?,
        };
        let mut injector = XtestInjector::open(display)?;
        let can_resize = capture.can_resize()?;
        let scene = Arc::new(SharedScene::new(Scene::new(capture.size())));
        scene.lock().resize(capture.size(), capture.outputs().to_vec());
        capture.pause()?;
        scene.set_stale(true);
        let wake =
            eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).map_err(std::io::Error::from)?;
        let state =
            State { stop: false, resize: None, failure: None, windows: capture.windows(), last_input: None };
        let orders = Arc::new(Orders { wake, state: Mutex::new(state) });

        let grabbing = {
            let (orders, scene) = (Arc::clone(&orders), Arc::clone(&scene));
            scene.on_viewers_changed({
                let orders = Arc::clone(&orders);
                move || orders.wake()
            });
            std::thread::Builder::new().name("capture".into()).spawn(move || {
                if let Err(error) = grab_while_viewed(&mut capture, &orders, &scene) {
                    tracing::error!(%error, "capture ended");
                    orders.state().failure = Some(format!("the screen cannot be captured any more: {error}"));
                    // Viewers learn of it by looking.
                    scene.update(|_| ());
                }
            })?
        };
        let (sender, events) = mpsc::channel::<InputEvent>();
        let unhandled = Arc::new(AtomicUsize::new(0));
        let handled = Arc::clone(&unhandled);
        let injecting = std::thread::Builder::new().name("input".into()).spawn(move || {
            for event in events {
                if let Err(error) = injector.inject(&event) {
                    tracing::error!(%error, "no more input");
                    handled.store(0, Ordering::Relaxed);
                    return;
                }
                handled.fetch_sub(1, Ordering::Relaxed);
            }
            let _ = injector.release_all();
        })?;
        let desk = X11Desk::start(display)
            .inspect_err(|error| tracing::warn!(%error, "no clipboard of this display"))
            .ok();
        let input = Mutex::new(Some(sender));
        let source = Self { orders, input, unhandled, can_resize, desk, threads: vec![grabbing, injecting] };
        Ok((source, scene))
    }
}

impl Orders {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn wake(&self) {
        // Fails only when 2^64 wakings are pending; one is enough.
        let _ = rustix::io::write(&self.wake, &1u64.to_ne_bytes());
    }
}

impl Source for X11Source {
    fn input(&self, event: &InputEvent) {
        self.orders.state().last_input = Some(Instant::now());
        self.orders.wake();
        let sender = self.input.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(sender) = &*sender {
            self.unhandled.fetch_add(1, Ordering::Relaxed);
            // The thread is gone only after the display is, which capture reports.
            if sender.send(event.clone()).is_err() {
                self.unhandled.store(0, Ordering::Relaxed);
            }
        }
    }

    fn unhandled(&self) -> usize {
        self.unhandled.load(Ordering::Relaxed)
    }

    fn can_resize(&self) -> bool {
        self.can_resize
    }

    fn resize(&self, size: Size) -> Result<(), String> {
        if !self.can_resize {
            return Err("this screen cannot change its size; the picture is scaled instead".into());
        }
        self.orders.state().resize = Some(size);
        self.orders.wake();
        Ok(())
    }

    fn failure(&self) -> Option<String> {
        self.orders.state().failure.clone()
    }

    fn windows(&self) -> Option<WindowsState> {
        Some(self.orders.state().windows)
    }

    fn desk(&self) -> Option<&Arc<Desk>> {
        self.desk.as_ref().map(X11Desk::desk)
    }
}

impl Drop for X11Source {
    fn drop(&mut self) {
        self.orders.state().stop = true;
        self.orders.wake();
        self.input.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn grab_while_viewed(
    capture: &mut X11Capture,
    orders: &Orders,
    scene: &SharedScene,
) -> Result<(), CaptureError> {
    let mut capturing = false;
    let mut last_grab = Instant::now() - GRAB_INTERVAL;
    let mut pending = false;
    loop {
        let (stop, resize, last_input) = {
            let mut state = orders.state();
            (state.stop, state.resize.take(), state.last_input)
        };
        if stop {
            return Ok(());
        }
        if let Some(size) = resize
            && let Err(error) = capture.request_size(size)
        {
            tracing::warn!(%error, "resize");
        }
        match (scene.viewers() > 0, capturing) {
            (true, false) => {
                capture.resume()?;
                capture.mark_all_damaged();
                (capturing, pending) = (true, true);
            }
            (false, true) => {
                capture.pause()?;
                scene.set_stale(true);
                (capturing, pending) = (false, false);
            }
            _ => {}
        }
        let now = Instant::now();
        let next = next_grab(last_grab, last_input, now);
        if pending && now >= next {
            (last_grab, pending) = (now, false);
            grab(capture, scene)?;
            scene.set_stale(false);
            orders.state().windows = capture.windows();
            continue;
        }
        if pending {
            // The display has news already and would end any wait for it at once.
            pause(&orders.wake, next - now);
        } else {
            pending = capture.wait(orders.wake.as_fd(), None)?.screen && capturing;
        }
        let mut count = [0; 8];
        let _ = rustix::io::read(&orders.wake, &mut count);
    }
}

/// When to grab what has changed since the last grab.
fn next_grab(last_grab: Instant, last_input: Option<Instant>, now: Instant) -> Instant {
    let since = last_input.map(|at| now.saturating_duration_since(at));
    let of_answers = ANSWER_INTERVALS.iter().find(|(time, _)| since.is_some_and(|since| since < *time));
    last_grab + of_answers.map_or(GRAB_INTERVAL, |(_, interval)| *interval)
}

/// Waits for an order or until `time` has passed.
fn pause(wake: &OwnedFd, time: Duration) {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let timeout = Timespec { tv_sec: time.as_secs() as i64, tv_nsec: i64::from(time.subsec_nanos()) };
    let _ = poll(&mut [PollFd::new(wake, PollFlags::IN)], Some(&timeout));
}

fn grab(capture: &mut X11Capture, scene: &SharedScene) -> Result<(), CaptureError> {
    let mut guard = scene.lock();
    let mut sink = SceneSink { scene: &mut guard, outputs: None, changed: false };
    let result = capture.grab(&mut sink);
    let (changed, resized) = (sink.changed, sink.outputs);
    if let Some(size) = resized {
        guard.resize(size, capture.outputs().to_vec());
    }
    drop(guard);
    if changed {
        scene.update(|_| ());
    }
    result
}

/// Writes what is captured into the scene.
struct SceneSink<'a> {
    scene: &'a mut Scene,
    /// A new size, whose outputs are asked for afterwards.
    outputs: Option<Size>,
    changed: bool,
}

impl CaptureSink for SceneSink<'_> {
    fn resize(&mut self, size: Size) {
        self.scene.resize(size, vec![Rect::of_size(size)]);
        self.outputs = Some(size);
        self.changed = true;
    }

    fn pixels(&mut self, at: Point, src: Pixels<'_>) {
        // Only a screen beyond the limits can be refused, and then there is no picture at all.
        let _ = self.scene.pixels(SurfaceId::SCREEN, at, src);
        self.changed = true;
    }

    fn draw(&mut self, command: DrawCommand) -> Result<(), PaintError> {
        self.changed = true;
        self.scene.draw(command)
    }

    fn surface_pixels(&mut self, surface: SurfaceId, at: Point, src: Pixels<'_>) {
        // What is uncovered, and what a window shows when it comes back, mostly was there
        // before: no change then.
        let Ok(known) = self.scene.canvas().surface(surface) else { return };
        let rect = Rect::at(at, src.size()).intersection(&known.picture.bounds());
        let same = |y: i32| {
            let row =
                &src.row((y - at.y) as usize)[(rect.left - at.x) as usize..(rect.right - at.x) as usize];
            known.picture.row(y, rect.left, rect.right) == row
        };
        let Some(top) = (rect.top..rect.bottom).find(|&y| !same(y)) else { return };
        let bottom = (top..rect.bottom).rfind(|&y| !same(y)).unwrap_or(top) + 1;
        let rows = Rect::from_corners(rect.left, top, rect.right, bottom);
        let _ = self.scene.pixels(surface, rows.origin(), src.crop(rows.offset(-at.x, -at.y)));
        self.changed = true;
    }

    fn pointer(&mut self, position: Point) {
        self.scene.set_pointer(position);
        self.changed = true;
    }

    fn cursor(&mut self, image: CursorImage) {
        self.scene.set_cursor(image);
        self.changed = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_grabbed_sooner() {
        let ms = Duration::from_millis;
        let last = Instant::now();
        assert_eq!(next_grab(last, None, last), last + GRAB_INTERVAL);
        for (since, interval) in [(0, 4), (29, 4), (30, 8), (149, 8), (150, 16)] {
            let now = last + ms(since);
            assert_eq!(next_grab(last, Some(last), now), last + ms(interval), "{since} ms after an input");
        }
    }
}
