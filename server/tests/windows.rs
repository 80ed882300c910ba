//! Windows of real X displays as surfaces: after each step the picture that surfaces and
//! windows make together is the server's own.
//!
//! Needs the Debian packages xvfb, xterm, openbox, x11-apps (xeyes) and x11-xserver-utils (xsetroot).

mod desk;
mod xvfb;

use desk::{Desk, Lcg};
use panto_protocol::draw::{DrawCommand, SurfaceId};
use panto_protocol::geometry::{Point, Rect, Size};
use panto_protocol::message::{Mode, Settings};
use panto_server::capture::{Reason, Windows, WindowsState};
use panto_server::plan::Planner;
use panto_server::source::{Source, X11Source};
use x11rb::connection::Connection;
use x11rb::protocol::shape::{ConnectionExt as _, SK, SO};
use x11rb::protocol::xproto::{
    ChangeWindowAttributesAux, ClientMessageEvent, ClipOrdering, ColormapAlloc, ConfigureWindowAux,
    ConnectionExt as _, CreateWindowAux, EventMask, Rectangle, StackMode, Window, WindowClass,
};
use xvfb::Xvfb;

#[test]
fn a_move_is_one_command() {
    let desk = Desk::start(Windows::Auto);
    let below = desk.window(Rect::new(30, 40, 200, 150), 0xff_8800);
    let above = desk.window(Rect::new(100, 80, 120, 90), 0x00_88ff);
    desk.map(&[below, above]);
    desk.assert_same("two windows");
    assert_eq!(desk.source.windows(), Some(WindowsState::Surfaces));
    assert_eq!(desk.windows(), 2);
    // All of the root has been seen once.
    for at in [Point::new(300, 200), Point::new(100, 80)] {
        desk.move_to(above, at);
        desk.move_to(below, Point::new(at.x - 70, at.y - 40));
        desk.assert_same("moved");
    }
    for step in 1..20 {
        let at = Point::new(100 + step * 7, 80 + step * 3);
        let commands = desk.commands_of(|| desk.move_to(above, at));
        let [Some(DrawCommand::WindowMove(command))] = &commands[..] else { panic!("{commands:?}") };
        assert_eq!(command.position, at);
    }
    let raise = ConfigureWindowAux::new().stack_mode(StackMode::ABOVE);
    let commands = desk.commands_of(|| desk.configure(below, &raise));
    assert!(matches!(&commands[..], [Some(DrawCommand::WindowStack(_))]), "{commands:?}");
    let lower = ConfigureWindowAux::new().stack_mode(StackMode::BELOW);
    let commands = desk.commands_of(|| desk.configure(below, &lower));
    assert!(matches!(&commands[..], [Some(DrawCommand::WindowStack(_))]), "{commands:?}");
    let commands = desk.commands_of(|| desk.unmap(above));
    assert!(matches!(&commands[..], [Some(DrawCommand::WindowMap(c))] if !c.mapped), "{commands:?}");
    // It comes back as it was: its pixels are known.
    let commands = desk.commands_of(|| desk.map(&[above]));
    assert!(matches!(&commands[..], [Some(DrawCommand::WindowMap(c))] if c.mapped), "{commands:?}");
}

#[test]
fn numbers_stay_small() {
    let desk = Desk::start(Windows::Auto);
    let stays = desk.window(Rect::new(30, 40, 20, 15), 0xff_8800);
    desk.map(&[stays]);
    for i in 0..20 {
        let window = desk.window(Rect::new(i * 9, 80, 120, 90), 0x00_88ff);
        desk.map(&[window]);
        desk.assert_same("a window more");
        desk.until("two", |scene| scene.canvas().windows().len() == 2);
        desk.conn.destroy_window(window).unwrap().check().unwrap();
        desk.assert_same("a window less");
        desk.until("one", |scene| {
            scene.canvas().windows().len() == 1 && scene.canvas().surfaces().count() == 2
        });
    }
    desk.map(&[desk.window(Rect::new(30, 40, 20, 15), 0xff)]);
    desk.assert_same("a last window");
    assert!(desk.scene.lock().canvas().windows().iter().all(|w| w.id.0 <= 3));
}

#[test]
fn obscured_parts_and_borders() {
    let desk = Desk::start(Windows::Auto);
    let black =
        CreateWindowAux::new().background_pixel(0x22_2222).border_pixel(0xff_0000).override_redirect(1);
    let below = desk.window_with(Rect::new(50, 50, 200, 100), 7, &black);
    let above = desk.window(Rect::new(40, 40, 300, 200), 0x00_ff00);
    desk.map(&[below, above]);
    desk.assert_same("mapped");
    desk.paint(below, Rect::new(10, 10, 30, 30), 0xff_ffff);
    // It shows nowhere yet.
    desk.until("painted", |scene| {
        let surface = scene.canvas().surface(SurfaceId(1)).map(|s| s.picture.clone()).unwrap_or_default();
        surface.pixel(Point::new(7 + 10, 7 + 10)) == Some(0xff_ffff)
    });
    let raise = ConfigureWindowAux::new().stack_mode(StackMode::ABOVE);
    let commands = desk.commands_of(|| desk.configure(below, &raise));
    assert!(matches!(&commands[..], [Some(DrawCommand::WindowStack(_))]), "{commands:?}");
    let aux = ChangeWindowAttributesAux::new().border_pixel(0xff_00ff);
    desk.conn.change_window_attributes(below, &aux).unwrap().check().unwrap();
    desk.assert_same("another border");
    desk.configure(below, &ConfigureWindowAux::new().border_width(3));
    desk.assert_same("a thinner border");
    desk.configure(below, &ConfigureWindowAux::new().border_width(0).width(77).height(300));
    desk.assert_same("no border");
    assert_eq!(desk.source.windows(), Some(WindowsState::Surfaces));
}

#[test]
fn root_painted_while_covered() {
    let desk = Desk::start(Windows::Auto);
    let cover = desk.window(Rect::new(100, 100, 300, 200), 0x88_8888);
    desk.map(&[cover]);
    desk.assert_same("covered");
    desk.run("xsetroot", &["-mod", "5", "7", "-fg", "#fedcba", "-bg", "#012345"]);
    desk.assert_same("another pattern around it");
    desk.move_to(cover, Point::new(250, 150));
    desk.assert_same("uncovered in part");
    desk.run("xsetroot", &["-solid", "#0a0b0c"]);
    desk.unmap(cover);
    desk.assert_same("uncovered");
    let screen = desk.scene.lock().canvas().surface(SurfaceId::SCREEN).unwrap().picture.clone();
    assert!(screen.data().iter().all(|p| *p == 0x0a_0b0c));
    // Known now: covering and uncovering costs nothing more.
    let commands = desk.commands_of(|| desk.map(&[cover]));
    assert!(matches!(&commands[..], [Some(DrawCommand::WindowMap(_))]), "{commands:?}");
    let commands = desk.commands_of(|| desk.unmap(cover));
    assert!(matches!(&commands[..], [Some(DrawCommand::WindowMap(_))]), "{commands:?}");
}

#[test]
fn shapes() {
    let desk = Desk::start(Windows::Auto);
    let below = desk.window(Rect::new(60, 60, 100, 200), 0xff_8800);
    let shaped = desk.window(Rect::new(30, 40, 200, 150), 0x00_88ff);
    let shape = |rects: &[Rectangle]| {
        let (set, kind, order) = (SO::SET, SK::BOUNDING, ClipOrdering::UNSORTED);
        desk.conn.shape_rectangles(set, kind, order, shaped, 0, 0, rects).unwrap().check().unwrap();
    };
    let rect = |x, y, width, height| Rectangle { x, y, width, height };
    shape(&[rect(10, 10, 50, 100), rect(100, 50, 80, 90)]);
    desk.map(&[below, shaped]);
    desk.assert_same("shaped from the start");
    let alpha = || desk.scene.lock().canvas().surfaces().filter(|(_, s)| s.alpha).count();
    assert_eq!(alpha(), 1);
    desk.paint(shaped, Rect::new(0, 0, 120, 60), 0xff_ffff);
    desk.assert_same("painted");
    shape(&[rect(0, 0, 150, 20), rect(0, 30, 10, 400)]);
    desk.assert_same("another shape");
    desk.move_to(shaped, Point::new(77, 99));
    desk.assert_same("moved");
    desk.configure(shaped, &ConfigureWindowAux::new().width(100).height(100));
    desk.assert_same("smaller");
    desk.conn.shape_mask(SO::SET, SK::BOUNDING, shaped, 0, 0, x11rb::NONE).unwrap().check().unwrap();
    desk.assert_same("no shape");
    desk.until("no alpha", |scene| scene.canvas().surfaces().all(|(_, s)| !s.alpha));
    shape(&[rect(20, 20, 40, 40)]);
    desk.assert_same("a shape again");
    assert_eq!(alpha(), 1);
    shape(&[]);
    desk.assert_same("no pixel left");
}

#[test]
fn windows_with_alpha_are_opaque() {
    let desk = Desk::start(Windows::Auto);
    let setup = desk.conn.setup();
    let depth = setup.roots[0].allowed_depths.iter().find(|d| d.depth == 32).expect("a visual of depth 32");
    let colormap = desk.conn.generate_id().unwrap();
    let visual = depth.visuals[0].visual_id;
    desk.conn.create_colormap(ColormapAlloc::NONE, colormap, desk.root, visual).unwrap().check().unwrap();
    let window = desk.conn.generate_id().unwrap();
    let aux = CreateWindowAux::new()
        .background_pixel(0x4030_2010)
        .border_pixel(0)
        .colormap(colormap)
        .override_redirect(1);
    let class = WindowClass::INPUT_OUTPUT;
    desk.conn
        .create_window(32, window, desk.root, 50, 60, 100, 80, 0, class, visual, &aux)
        .unwrap()
        .check()
        .unwrap();
    desk.map(&[window]);
    desk.assert_same("a window of depth 32");
    let shown = desk.scene.lock().canvas().screen().pixel(Point::new(60, 70));
    assert_eq!(shown, Some(0x30_2010));
    assert_eq!(desk.source.windows(), Some(WindowsState::Surfaces));
}

#[test]
fn nothing_is_captured_for_nobody() {
    let mut desk = Desk::start(Windows::Auto);
    let window = desk.window(Rect::new(60, 60, 100, 200), 0xff_8800);
    let goes = desk.window(Rect::new(160, 60, 100, 200), 0x00_8800);
    desk.map(&[window, goes]);
    desk.assert_same("two windows");
    assert!(desk.is_redirected(window));
    desk.watch(false);
    desk.until("nothing is redirected", |_| !desk.is_redirected(window));
    let before = desk.quiet();
    desk.move_to(window, Point::new(10, 10));
    desk.conn.destroy_window(goes).unwrap().check().unwrap();
    desk.paint(window, Rect::new(10, 10, 20, 20), 0xff_ffff);
    assert_eq!(desk.quiet(), before, "something was captured");
    desk.watch(true);
    desk.assert_same("watched again");
    assert_eq!(desk.windows(), 1);
}

#[test]
fn flat_where_windows_cannot_be_had() {
    let desk = Desk::start(Windows::No);
    let window = desk.window(Rect::new(60, 60, 100, 200), 0xff_8800);
    desk.map(&[window]);
    desk.assert_same("flat as asked for");
    assert_eq!((desk.windows(), desk.source.windows()), (0, Some(WindowsState::Flat(Reason::Unwanted))));
    let old = Xvfb::start(&["-screen", "0", "320x200x24", "-extension", "Composite"]);
    let (source, _) = X11Source::start(Some(&old.display), Windows::Auto).unwrap();
    assert_eq!(source.windows(), Some(WindowsState::Flat(Reason::NoComposite)));
    assert!(
        WindowsState::Flat(Reason::NoComposite)
            .to_string()
            .starts_with("flat: the X server has no COMPOSITE")
    );
}

#[test]
fn flat_while_a_compositing_manager_runs() {
    let desk = Desk::start(Windows::Auto);
    let window = desk.window(Rect::new(60, 60, 100, 200), 0xff_8800);
    desk.map(&[window]);
    desk.assert_same("a window");
    assert_eq!(desk.windows(), 1);
    let atom = desk.conn.intern_atom(false, b"_NET_WM_CM_S0").unwrap().reply().unwrap().atom;
    let owner = desk.window(Rect::new(-10, -10, 1, 1), 0);
    desk.conn.set_selection_owner(owner, atom, x11rb::CURRENT_TIME).unwrap().check().unwrap();
    desk.until_state(WindowsState::Flat(Reason::Compositor));
    desk.until("no windows", |scene| scene.canvas().windows().is_empty());
    assert_eq!(desk.scene.lock().canvas().surfaces().count(), 1);
    desk.move_to(window, Point::new(100, 100));
    desk.assert_same("flat");
    desk.conn.destroy_window(owner).unwrap().check().unwrap();
    desk.until_state(WindowsState::Surfaces);
    desk.move_to(window, Point::new(150, 100));
    desk.assert_same("windows again");
    assert_eq!(desk.windows(), 1);
}

/// Two terminals under a window manager, one over the other.
const TERMINALS: &str = "xterm -T one -geometry 40x12+20+30 -e sh -c 'seq 1 50; exec sleep 1000' & \
     xterm -T two -geometry 40x12+180+120 -e sh -c 'seq 51 99; exec sleep 1000' & wait";

#[test]
fn terminals_under_a_window_manager() {
    let desk = Desk::running(Windows::Auto, &["openbox", "--startup", &format!("sh -c \"{TERMINALS}\"")]);
    let (one, two) = (desk.client("one"), desk.client("two"));
    desk.until_settled("two terminals");
    assert!(desk.windows() >= 2, "{:?}", desk.scene.lock().canvas());
    for (i, client) in [one, two, one].into_iter().enumerate() {
        let raise = ConfigureWindowAux::new().stack_mode(StackMode::ABOVE);
        desk.configure(client, &raise);
        desk.until_settled("raised");
        for step in 0..5 {
            desk.move_to(client, Point::new(20 + 30 * step, 20 * step + 10 * i as i32));
            desk.assert_same("moved");
        }
    }
    desk.configure(two, &ConfigureWindowAux::new().stack_mode(StackMode::BELOW));
    desk.until_settled("lowered");
    let shown = |desk: &Desk| desk.scene.lock().canvas().windows().iter().filter(|w| w.mapped).count();
    let before = shown(&desk);
    // ICCCM 4.1.4: a client asks for an icon.
    let change = desk.conn.intern_atom(false, b"WM_CHANGE_STATE").unwrap().reply().unwrap().atom;
    let iconify = ClientMessageEvent::new(32, one, change, [3, 0, 0, 0, 0]);
    let to_manager = EventMask::SUBSTRUCTURE_REDIRECT | EventMask::SUBSTRUCTURE_NOTIFY;
    desk.conn.send_event(false, desk.root, to_manager, iconify).unwrap().check().unwrap();
    desk.until("an icon", |s| s.canvas().windows().iter().filter(|w| w.mapped).count() < before);
    desk.until_settled("an icon");
    desk.map(&[one]);
    desk.until("restored", |s| s.canvas().windows().iter().filter(|w| w.mapped).count() == before);
    desk.until_settled("restored");
    desk.configure(one, &ConfigureWindowAux::new().width(300).height(200));
    desk.until_settled("resized");
    desk.conn.kill_client(two).unwrap().check().unwrap();
    desk.until("one terminal", |s| s.canvas().windows().iter().filter(|w| w.mapped).count() < before);
    desk.until_settled("one terminal");
    assert_eq!(desk.source.windows(), Some(WindowsState::Surfaces));
}

#[test]
fn more_windows_than_viewers_hold() {
    let desk = Desk::start(Windows::Auto);
    let place = |i: i32| Rect::new(i % 32 * 20, i / 32 * 12, 17, 10);
    let windows: Vec<Window> = (0..300).map(|i| desk.window(place(i), 0x33_0000 + i as u32)).collect();
    desk.map(&windows);
    desk.assert_same("many windows");
    assert_eq!(desk.windows(), 300);
    // Too many to keep what is not shown.
    windows[..50].iter().for_each(|w| desk.unmap(*w));
    desk.assert_same("some less");
    desk.until("dropped", |scene| scene.canvas().windows().len() == 250);
    desk.map(&windows[..50]);
    desk.assert_same("all again");
    let more: Vec<Window> = (300..1050).map(|i| desk.window(place(i), 0x33_0000 + i as u32)).collect();
    desk.map(&more);
    desk.until_state(WindowsState::Flat(Reason::TooMuch));
    desk.assert_same("flat");
    assert_eq!(desk.windows(), 0);
    more.iter().for_each(|w| desk.unmap(*w));
    // It is tried again after a while, when something changes.
    desk.until_doing(
        || desk.paint(windows[0], Rect::new(0, 0, 5, 5), desk.quiet() as u32),
        || desk.source.windows() == Some(WindowsState::Surfaces),
    );
    desk.assert_same("windows again");
}

#[test]
fn eyes_follow() {
    let desk = Desk::running(Windows::Auto, &["xeyes", "-geometry", "150x100+100+100"]);
    desk.until("eyes", |s| s.canvas().surfaces().any(|(_, s)| s.alpha));
    let pattern = ["-mod", "6", "3", "-fg", "#ffff00", "-bg", "#0000ff"];
    desk.run("xsetroot", &pattern);
    for at in [Point::new(10, 10), Point::new(600, 300), Point::new(175, 150)] {
        let (x, y) = (at.x as i16, at.y as i16);
        desk.conn.warp_pointer(x11rb::NONE, desk.root, 0, 0, 0, 0, x, y).unwrap().check().unwrap();
        desk.until_settled("eyes looking elsewhere");
    }
}

#[test]
fn the_screen_changes_its_size() {
    let desk = Desk::start(Windows::Auto);
    let window = desk.window(Rect::new(400, 250, 200, 150), 0xff_8800);
    desk.map(&[window]);
    desk.assert_same("small");
    for size in [Size::new(1024, 768), Size::new(500, 300), Size::new(640, 400)] {
        desk.source.resize(size).unwrap();
        desk.until("another size", |scene| scene.size() == size);
        desk.assert_same("another size");
        desk.move_to(window, Point::new(size.width as i32 - 100, 20));
        desk.assert_same("moved to the edge");
    }
    assert_eq!(desk.windows(), 1);
}

#[test]
fn random_steps() {
    let mut random = Lcg(20_240_611);
    for round in 0..5 {
        let desk = match round {
            0 => Desk::on_xvfb(Windows::Auto, &["-screen", "0", "640x400x24", "-extension", "MIT-SHM"]),
            _ => Desk::start(Windows::Auto),
        };
        let mut windows: Vec<Window> = Vec::new();
        let mut planners = Mode::ALL.map(|mode| Planner::new(Settings { mode, ..Settings::default() }));
        for step in 0..300 {
            let place = Rect::new(
                random.below(700) as i32 - 60,
                random.below(460) as i32 - 60,
                1 + random.below(250),
                1 + random.below(200),
            );
            let color = random.below(1 << 24);
            let kind = random.below(10);
            if windows.len() < 2 || (kind == 0 && windows.len() < 12) {
                let aux = CreateWindowAux::new()
                    .background_pixel(color)
                    .border_pixel(!color & 0xff_ffff)
                    .override_redirect(1);
                windows.push(desk.window_with(place, random.below(5) as u16, &aux));
                continue;
            }
            let window = windows[random.below(windows.len() as u32) as usize];
            let sibling = windows[random.below(windows.len() as u32) as usize];
            match kind {
                1 => desk.unmap(window),
                2 if random.below(4) == 0 => {
                    windows.retain(|w| *w != window);
                    desk.conn.destroy_window(window).unwrap().check().unwrap();
                }
                3 => {
                    let aux = ConfigureWindowAux::new().width(place.width()).height(place.height());
                    desk.configure(window, &aux.border_width(random.below(6)));
                }
                4 => {
                    let mode = if random.below(2) == 0 { StackMode::ABOVE } else { StackMode::BELOW };
                    let aux = ConfigureWindowAux::new().stack_mode(mode);
                    desk.configure(window, &if sibling == window { aux } else { aux.sibling(sibling) });
                }
                5 => desk.paint(window, place.offset(-200, -150), color),
                6 => desk.paint(desk.root, place, color),
                7 => {
                    let (x, y) = (random.below(40) as i16, random.below(40) as i16);
                    let rects = [
                        Rectangle { x, y, width: 50, height: 30 },
                        Rectangle { x: y, y: 2 * x, width: 20, height: 150 },
                    ];
                    let rects = if random.below(3) == 0 { Some(rects) } else { None };
                    desk.shape(window, rects.as_ref().map(|r| &r[..]));
                }
                8 => desk.move_to(window, place.origin()),
                _ => desk.map(&[window]),
            }
            if step % 10 == 9 {
                desk.assert_same(&format!("round {round}, step {step}"));
                planners.iter_mut().for_each(|planner| desk.assert_sent(planner));
            }
        }
        desk.assert_same(&format!("the end of round {round}"));
        assert_eq!(desk.source.windows(), Some(WindowsState::Surfaces));
    }
}
