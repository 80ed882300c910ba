//! Scenes of real programs on a real X server.

use std::time::Duration;

use panto_protocol::canvas::CursorImage;
use panto_protocol::geometry::{Point, Rect, Size};
use panto_protocol::message::{Depth, Scale, Settings};
use panto_tests::harness::{PATIENCE, eventually};
use panto_viewer::core::Command;
use x11rb::connection::Connection;
use x11rb::protocol::render::{ConnectionExt as _, CreatePictureAux, PictType};
use x11rb::protocol::xproto::{
    ChangeWindowAttributesAux, ConnectionExt as _, CreateGCAux, CreateWindowAux, Cursor, ImageFormat,
    WindowClass,
};
use x11rb::wrapper::ConnectionExt as _;

use super::desk::{Desk, Program};
use super::{Stage, every_mode};

const SIZE: Size = Size::new(640, 400);

#[tokio::test(flavor = "multi_thread")]
async fn an_xterm_that_scrolls() {
    let desk = Desk::with_printer(SIZE, SIZE, "78x24+8+8");
    let mut line = 0;
    for depth in Depth::ALL {
        let mut settings = every_mode(depth);
        settings.push(Settings { scale: Scale::Half, ..settings[3] });
        let mut stage = desk.stage("xterm", settings).await;
        let mut last = stage.agree("before").await;
        for _ in 0..2 {
            desk.changes("it scrolls", Rect::of_size(SIZE), || desk.print(line, line + 150));
            line += 150;
            // Into the moving picture.
            stage.turn();
            desk.printed(line);
            last = stage.agree("scrolled").await;
        }
        stage.close(&last).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn gtk_widgets_clicked_and_typed_into() {
    let size = Size::new(880, 560);
    let desk = Desk::start(
        size,
        size,
        r#"
            mkdir -p "$DIR/gtk-3.0"
            printf '[Settings]\ngtk-cursor-blink=0\ngtk-enable-animations=0\n' > "$DIR/gtk-3.0/settings.ini"
            export XDG_CONFIG_HOME="$DIR" NO_AT_BRIDGE=1 GSETTINGS_BACKEND=memory GTK_THEME=Adwaita
            printf 'echo $$ > "$DIR/pid"\nexec gtk3-widget-factory\n' > "$DIR/start"
            exec openbox --startup "sh $DIR/start"
        "#,
    );
    let program = desk.program();
    // It comes up with the keyboard in its first entry, the text there selected.
    let entry = Rect::new(16, 62, 320, 32);
    eventually("the widgets appear", || {
        let picture = desk.display.picture();
        let pixels = picture.crop(entry);
        pixels.iter().any(|p| Some(p) != pixels.iter().next()).then_some(())
    });
    eventually("it has the keyboard", || desk.display.has_focus("Gtk3-widget-factory").then_some(()));
    for depth in Depth::ALL {
        let mut stage = desk.stage("gtk", every_mode(depth)).await;
        widgets(&desk, &program, &mut stage, entry).await;
        program.stop();
        let last = stage.agree("in the end").await;
        stage.close(&last).await;
        program.go_on();
    }
}

async fn widgets(desk: &Desk, program: &Program, stage: &mut Stage, entry: Rect) {
    let still = async |stage: &Stage, what: &str| {
        program.stop();
        stage.agree(what).await;
        program.go_on();
    };
    still(stage, "before").await;

    // An entry: clicked three times it is selected as a whole, and typing replaces it.
    desk.changes("the entry takes text", entry, || {
        for _ in 0..3 {
            desk.click(100, 78);
        }
        desk.display.type_text("Panto 42!");
    });
    still(stage, "typed").await;

    // A number, and a toggle button. (A list that pops up is not among these: GTK 3.24
    // loses it for good, with critical warnings, when it comes while GTK was held.)
    stage.turn();
    desk.changes("the number grows", Rect::new(122, 328, 40, 28), || desk.click(216, 342));
    still(stage, "counted").await;
    desk.changes("the button changes", Rect::new(394, 64, 140, 28), || desk.click(464, 78));
    still(stage, "toggled").await;

    // A slider that is dragged through many pictures.
    stage.turn();
    desk.changes("the slider moves", Rect::new(570, 140, 300, 30), || {
        desk.display.point(709, 152);
        desk.display.button(1, true);
        for x in (600..840).step_by(8) {
            desk.display.point(x, 152);
        }
        desk.display.point(709, 152);
        desk.display.point(640, 152);
        desk.display.button(1, false);
    });
    still(stage, "dragged").await;
    desk.changes("the slider moves back", Rect::new(570, 140, 300, 30), || {
        desk.display.point(640, 152);
        desk.display.button(1, true);
        desk.display.point(709, 152);
        desk.display.button(1, false);
    });

    // Another page and back: everything changes at once.
    let page = Rect::new(16, 62, 520, 400);
    desk.changes("the page changes", page, || desk.click(690, 27));
    still(stage, "another page").await;
    stage.turn();
    desk.changes("the page comes back", page, || desk.click(560, 27));
    still(stage, "back").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_resizes_the_display() {
    let desk = Desk::with_printer(SIZE, Size::new(900, 700), "78x24+8+8");
    let mut line = 0;
    for depth in Depth::ALL {
        let mut stage = desk.stage("randr", every_mode(depth)).await;
        let mut last = stage.agree("before").await;
        for (round, size) in [(480, 300), (900, 700), (321, 233), (640, 400)].into_iter().enumerate() {
            let size = Size::new(size.0, size.1);
            let viewer = &stage.viewers[round % stage.viewers.len()].watcher;
            assert!(viewer.handle.shown().can_resize);
            // The picture moves while its frame changes.
            desk.print(line, line + 24);
            line += 24;
            viewer.send(Command::Resize(size));
            eventually("the display has the new size", || (desk.size() == size).then_some(()));
            stage.turn();
            desk.printed(line);
            last = stage.agree(&format!("{}x{}", size.width, size.height)).await;
            for viewer in &stage.viewers {
                assert_eq!(viewer.watcher.handle.shown().screen, size);
            }
        }
        stage.close(&last).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pointer_has_the_servers_shapes() {
    let desk = Desk::with_printer(SIZE, SIZE, "40x12+0+0");
    let root = ChangeWindowAttributesAux::new().cursor(glyph_cursor(&desk, CROSSHAIR));
    desk.conn.change_window_attributes(desk.root, &root).unwrap();
    glass_window(&desk, Rect::new(440, 40, 120, 120));
    // It would redraw its cursor when the pointer comes and goes, at a time of its own.
    let xterm = desk.program();
    xterm.stop();
    for depth in Depth::ALL {
        let mut stage = desk.stage("pointer", every_mode(depth)).await;
        let mut seen: Vec<CursorImage> = Vec::new();
        let places = [
            ("text", Point::new(100, 60)),
            ("root", Point::new(600, 380)),
            ("glass", Point::new(500, 100)),
            ("text again", Point::new(30, 30)),
            ("root again", Point::new(10, 399)),
        ];
        for (what, at) in places {
            desk.display.point(at.x as i16, at.y as i16);
            pointers_agree(&desk, &stage, what, at).await;
            // The pointer is no part of the picture.
            stage.agree(what).await;
            seen.push(desk.display.cursor());
            stage.turn();
        }
        let last = stage.agree("in the end").await;
        assert_ne!(seen[0], seen[1], "the shapes differ");
        assert_ne!(seen[1], seen[2], "the shapes differ");
        assert!(
            seen[2].picture.data().iter().any(|p| !matches!(p >> 24, 0 | 255)),
            "half-transparent pixels"
        );
        assert_eq!((&seen[0], &seen[1]), (&seen[3], &seen[4]), "each place has its shape");
        stage.close(&last).await;
    }
}

async fn pointers_agree(desk: &Desk, stage: &Stage, what: &str, at: Point) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let image = desk.display.cursor();
        let all = stage.viewers.iter().all(|viewer| {
            let shown = viewer.watcher.handle.shown();
            shown.cursor.as_deref() == Some(&image) && shown.pointer == at
        });
        if all && desk.display.cursor() == image {
            return;
        }
        if tokio::time::Instant::now() >= deadline {
            let shown: Vec<_> = stage
                .viewers
                .iter()
                .map(|viewer| {
                    let shown = viewer.watcher.handle.shown();
                    (
                        shown.pointer,
                        shown.cursor.as_deref() == Some(&image),
                        shown.cursor.as_deref().map(|c| c.hot),
                    )
                })
                .collect();
            panic!("pointer {what}: {at:?}, hot spot {:?}: viewers have {shown:?}", image.hot);
        }
        tokio::time::sleep(Duration::from_millis(4)).await;
    }
}

/// A shape of the X server's own cursor font.
const CROSSHAIR: u16 = 34;

fn glyph_cursor(desk: &Desk, glyph: u16) -> Cursor {
    let (font, cursor) = (desk.conn.generate_id().unwrap(), desk.conn.generate_id().unwrap());
    desk.conn.open_font(font, b"cursor").unwrap();
    desk.conn
        .create_glyph_cursor(cursor, font, font, glyph, glyph + 1, 0, 0, 0, 0xffff, 0xffff, 0xffff)
        .unwrap()
        .check()
        .unwrap();
    cursor
}

/// A window whose pointer has colours and half-transparent pixels.
fn glass_window(desk: &Desk, place: Rect) {
    let (conn, side) = (&desk.conn, 32u16);
    let formats = conn.render_query_pict_formats().unwrap().reply().unwrap().formats;
    let argb = formats
        .iter()
        .find(|f| {
            f.type_ == PictType::DIRECT
                && f.depth == 32
                && f.direct.alpha_shift == 24
                && f.direct.red_shift == 16
        })
        .expect("every RENDER has ARGB");
    let (pixmap, gc) = (conn.generate_id().unwrap(), conn.generate_id().unwrap());
    conn.create_pixmap(32, pixmap, desk.root, side, side).unwrap();
    conn.create_gc(gc, pixmap, &CreateGCAux::new()).unwrap();
    let pixels: Vec<u8> = (0..u32::from(side) * u32::from(side))
        .flat_map(|i| {
            let (x, alpha) = (i % 32, i / 32 * 8);
            // Premultiplied: no channel above its alpha.
            (alpha << 24 | (x * 8).min(alpha) << 16 | ((alpha / 2) << 8) | alpha.min(40)).to_le_bytes()
        })
        .collect();
    conn.put_image(ImageFormat::Z_PIXMAP, pixmap, gc, side, side, 0, 0, 0, 32, &pixels).unwrap();
    let (picture, cursor) = (conn.generate_id().unwrap(), conn.generate_id().unwrap());
    conn.render_create_picture(picture, pixmap, argb.id, &CreatePictureAux::new()).unwrap();
    conn.render_create_cursor(cursor, picture, 7, 21).unwrap();
    let window = conn.generate_id().unwrap();
    let (x, y, width, height) =
        (place.left as i16, place.top as i16, place.width() as u16, place.height() as u16);
    let look = CreateWindowAux::new().background_pixel(0x0030_6090).cursor(cursor);
    conn.create_window(0, window, desk.root, x, y, width, height, 0, WindowClass::INPUT_OUTPUT, 0, &look)
        .unwrap();
    conn.map_window(window).unwrap();
    conn.sync().unwrap();
}
