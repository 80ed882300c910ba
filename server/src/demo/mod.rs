//! The demo desktop: an embedded source that draws only through commands.
//!
//! Deterministic: time is an argument, and nothing is random. It comes to rest by
//! itself when nobody does anything ([`Desktop::next_tick`] is then `None`).

mod app;
mod chart;
mod editor;
mod font;
mod frame;
mod pen;
mod pictures;
mod script;
mod terminal;
mod wallpaper;

use panto_protocol::canvas::CursorImage;
use panto_protocol::draw::{
    SurfaceCreate, SurfaceDestroy, SurfaceId, WindowCreate, WindowDestroy, WindowId, WindowMap, WindowMove,
    WindowStack,
};
use panto_protocol::geometry::{Point, Rect, Size};
use panto_protocol::message::InputEvent;
use panto_protocol::pixel::Picture;
use panto_protocol::time::Micros;

use crate::scene::Scene;
use app::{App, Key};
use font::{Fonts, paint};
use pen::Pen;

pub use script::{Script, perform, script};

/// The desktop's state.
pub struct Desktop {
    fonts: Fonts,
    programs: Vec<Program>,
    /// Indices into `programs`, from the lowest to the highest.
    stack: Vec<usize>,
    focused: Option<usize>,
    pointer: Point,
    /// The program being dragged, and where it was taken hold of.
    drag: Option<(usize, Point)>,
}

/// A program and its two windows: the frame, and the content over it.
struct Program {
    app: App,
    /// Number of surface and window of the frame; the content has the next one.
    number: u32,
    /// Screen position of the content's first pixel.
    position: Point,
    size: Size,
}

impl Program {
    fn frame(&self) -> SurfaceId {
        SurfaceId(self.number)
    }

    fn content(&self) -> SurfaceId {
        SurfaceId(self.number + 1)
    }

    fn windows(&self) -> [(WindowId, Point); 2] {
        let frame = self.position.offset(-frame::CONTENT.x, -frame::CONTENT.y);
        [(WindowId(self.number), frame), (WindowId(self.number + 1), self.position)]
    }

    fn title_bar(&self) -> Rect {
        let (x, y) = (self.position.x, self.position.y - frame::TITLE);
        Rect::new(x, y, self.size.width, frame::TITLE as u32)
    }

    fn body(&self) -> Rect {
        Rect::at(self.position, self.size)
    }
}

impl Desktop {
    /// Draws the whole desktop on the scene's screen. A build log and the chart run for a while.
    pub fn new(scene: &mut Scene, now: Micros) -> Self {
        let mut desktop = Self {
            fonts: Fonts::load(),
            programs: Vec::new(),
            stack: Vec::new(),
            focused: None,
            pointer: Point::default(),
            drag: None,
        };
        scene.set_cursor(arrow());
        wallpaper::draw(scene, &mut desktop.fonts);
        desktop.open_all(scene, now);
        desktop
    }

    fn open_all(&mut self, scene: &mut Scene, now: Micros) {
        let screen = scene.size();
        // On small screens windows overlap more and are smaller, never outside.
        let fit = |size: Size| {
            Size::new(
                size.width.min(screen.width.saturating_sub(60)),
                size.height.min(screen.height.saturating_sub(120)),
            )
        };
        let place = |x: u32, y: u32, size: Size| {
            let right = screen.width.saturating_sub(size.width + 20).max(20);
            let bottom = screen.height.saturating_sub(size.height + 20).max(60);
            Point::new(
                (x * screen.width / 1280).min(right) as i32,
                (y * screen.height / 800).min(bottom) as i32,
            )
        };
        let pictures = Size::new(pictures::PICTURE.width, pictures::PICTURE.height + pictures::CAPTION);
        let (terminal, editor, chart) = (fit(app::TERMINAL), fit(app::EDITOR), fit(app::CHART));
        let mut shell = terminal::Terminal::new(terminal);
        shell.build(now);
        let mut activity = chart::Chart::new(chart);
        activity.start(now);
        self.open(scene, App::Chart(activity), place(110, 556, chart), chart);
        self.open(
            scene,
            App::Pictures(pictures::Pictures::new(pictures)),
            place(800, 92, pictures),
            pictures,
        );
        self.open(scene, App::Terminal(shell), place(60, 84, terminal), terminal);
        self.open(scene, App::Editor(editor::Editor::new(editor)), place(700, 424, editor), editor);
        self.focus(self.programs.len() - 1, scene, now);
    }

    fn open(&mut self, scene: &mut Scene, app: App, position: Point, size: Size) {
        let number = 2 * self.programs.len() as u32 + 1;
        let mut program = Program { app, number, position, size };
        let outer = frame::surface_size(size);
        paint(scene, SurfaceCreate { id: program.frame(), size: outer, alpha: true });
        paint(scene, SurfaceCreate { id: program.content(), size, alpha: false });
        frame::draw(scene, program.frame(), size);
        frame::draw_title(scene, &mut self.fonts, program.frame(), size, program.app.title(), false);
        let surface = program.content();
        program.app.draw(&mut Pen { scene, fonts: &mut self.fonts, surface });
        for ((id, position), surface) in
            program.windows().into_iter().zip([program.frame(), program.content()])
        {
            paint(scene, WindowCreate { id, surface, position });
            paint(scene, WindowMap { id, mapped: true });
        }
        self.stack.push(self.programs.len());
        self.programs.push(program);
    }

    /// The person did something.
    pub fn input(&mut self, event: &InputEvent, scene: &mut Scene, now: Micros) {
        self.tick(scene, now);
        match event {
            InputEvent::Pointer { position } => self.point(*position, scene),
            InputEvent::Button { button: 1, down: true } => self.press(scene, now),
            InputEvent::Button { button: 1, down: false } => self.drag = None,
            _ => {
                if let (Some(key), Some(i)) = (Key::of(event), self.focused) {
                    self.with(i, scene, |app, pen| app.key(&key, pen, now));
                }
            }
        }
    }

    fn point(&mut self, position: Point, scene: &mut Scene) {
        self.pointer = position;
        let Some((i, held)) = self.drag else { return };
        let screen = scene.size();
        // Enough of the title bar stays on the screen to take hold of it again.
        let to = Point::new(
            (position.x - held.x).clamp(60 - self.programs[i].size.width as i32, screen.width as i32 - 60),
            (position.y - held.y)
                .clamp(wallpaper::PANEL as i32 + frame::TITLE, (screen.height as i32 - 10).max(60)),
        );
        if to == self.programs[i].position {
            return;
        }
        self.programs[i].position = to;
        for (id, position) in self.programs[i].windows() {
            paint(scene, WindowMove { id, position });
        }
    }

    fn press(&mut self, scene: &mut Scene, now: Micros) {
        let at = self.pointer;
        let hit = |i: &usize| {
            let p = &self.programs[*i];
            p.title_bar().contains(at) || p.body().contains(at)
        };
        let Some(i) = self.stack.iter().rev().copied().find(|i| hit(i)) else { return };
        self.raise(i, scene);
        self.focus(i, scene, now);
        let program = &self.programs[i];
        let local = at.offset(-program.position.x, -program.position.y);
        if program.title_bar().contains(at) {
            self.drag = Some((i, local));
        } else {
            self.with(i, scene, |app, pen| app.click(local, pen, now));
        }
    }

    fn raise(&mut self, i: usize, scene: &mut Scene) {
        if self.stack.last() == Some(&i) {
            return;
        }
        self.stack.retain(|&other| other != i);
        self.stack.push(i);
        for (id, _) in self.programs[i].windows() {
            paint(scene, WindowStack { id, index: 2 * self.programs.len() as u32 });
        }
    }

    fn focus(&mut self, i: usize, scene: &mut Scene, now: Micros) {
        if self.focused == Some(i) {
            return;
        }
        let before = self.focused.replace(i);
        for (i, focused) in before.map(|b| (b, false)).into_iter().chain([(i, true)]) {
            let p = &self.programs[i];
            frame::draw_title(scene, &mut self.fonts, p.frame(), p.size, p.app.title(), focused);
            self.with(i, scene, |app, pen| app.focus(focused, pen, now));
        }
    }

    fn with(&mut self, i: usize, scene: &mut Scene, act: impl FnOnce(&mut App, &mut Pen<'_>)) {
        let program = &mut self.programs[i];
        let surface = program.content();
        act(&mut program.app, &mut Pen { scene, fonts: &mut self.fonts, surface });
    }

    /// Does everything that is due.
    pub fn tick(&mut self, scene: &mut Scene, now: Micros) {
        for i in 0..self.programs.len() {
            if self.programs[i].app.next_tick().is_some_and(|at| at <= now) {
                self.with(i, scene, |app, pen| app.tick(pen, now));
            }
        }
    }

    /// When [`Desktop::tick`] has something to do; `None` until there is input.
    pub fn next_tick(&self) -> Option<Micros> {
        self.programs.iter().filter_map(|p| p.app.next_tick()).min()
    }

    /// Lays the desktop out anew for another screen size. What was typed is kept in
    /// no program but forgotten: a demo has no files.
    pub fn resize(&mut self, size: Size, scene: &mut Scene, now: Micros) {
        for program in self.programs.drain(..) {
            for (id, _) in program.windows() {
                paint(scene, WindowDestroy { id });
            }
            paint(scene, SurfaceDestroy { id: program.frame() });
            paint(scene, SurfaceDestroy { id: program.content() });
        }
        self.stack.clear();
        (self.focused, self.drag) = (None, None);
        scene.resize(size, vec![Rect::of_size(size)]);
        wallpaper::draw(scene, &mut self.fonts);
        self.open_all(scene, now);
    }

    /// Text of the editor, for tests.
    pub fn editor_text(&self) -> String {
        self.programs
            .iter()
            .find_map(|p| match &p.app {
                App::Editor(editor) => Some(editor.text()),
                _ => None,
            })
            .unwrap_or_default()
    }
}

/// The usual arrow, black with a white edge.
fn arrow() -> CursorImage {
    const ROWS: [&str; 17] = [
        "#.........",
        "##........",
        "#o#.......",
        "#oo#......",
        "#ooo#.....",
        "#oooo#....",
        "#ooooo#...",
        "#oooooo#..",
        "#ooooooo#.",
        "#oooooooo#",
        "#ooooo####",
        "#oo#oo#...",
        "#o#.#oo#..",
        "##..#oo#..",
        "#....#oo#.",
        ".....#oo#.",
        "......##..",
    ];
    let data = ROWS
        .iter()
        .flat_map(|row| row.bytes())
        .map(|b| match b {
            b'#' => 0xffff_ffff,
            b'o' => 0xff10_1018,
            _ => 0,
        })
        .collect();
    let picture = Picture::from_pixels(Size::new(10, ROWS.len() as u32), data).unwrap_or_default();
    CursorImage { picture, hot: Point::new(0, 0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use panto_protocol::canvas::digest;
    use panto_protocol::draw::DrawCommand;
    use panto_protocol::wire::Writer;

    use crate::scene::Since;

    const SIZE: Size = Size::new(1280, 800);

    #[test]
    fn every_command_can_be_sent_at_any_size() {
        use panto_protocol::wire::Reader;
        for (width, height) in [(16, 16), (17, 200), (64, 64), (100, 100), (160, 100), (1000, 30), (320, 100)]
        {
            let size = Size::new(width, height);
            let mut scene = Scene::new(size);
            let mut desktop = Desktop::new(&mut scene, Micros::ZERO);
            let script = script(size);
            for (at, event) in &script.events {
                while let Some(tick) = desktop.next_tick().filter(|tick| tick <= at) {
                    desktop.tick(&mut scene, tick);
                }
                desktop.input(event, &mut scene, *at);
            }
            let Since::Changes(changes) = scene.since(0) else { panic!("the journal was lost") };
            for command in changes.filter_map(|change| change.command.as_deref()) {
                let mut w = Writer::default();
                command.encode(&mut w);
                let bytes = w.finish();
                let sent = DrawCommand::decode(&mut Reader::new(&bytes));
                assert_eq!(sent.as_ref(), Ok(command), "{width}x{height}");
            }
        }
    }

    /// Plays the script; returns scene, desktop, and the commands drawn after the first picture.
    fn play() -> (Scene, Desktop, Vec<DrawCommand>) {
        let mut scene = Scene::new(SIZE);
        let mut desktop = Desktop::new(&mut scene, Micros::ZERO);
        let mut commands = Vec::new();
        let mut position = scene.position();
        let script = script(SIZE);
        let mut collect = |scene: &Scene| {
            if let Since::Changes(changes) = scene.since(position) {
                commands.extend(changes.filter_map(|c| c.command.as_deref().cloned()));
            } else {
                panic!("the journal was lost");
            }
            position = scene.position();
        };
        for (at, event) in &script.events {
            desktop.input(event, &mut scene, *at);
            collect(&scene);
        }
        while let Some(at) = desktop.next_tick() {
            assert!(at <= script.rest, "the desktop never rests");
            desktop.tick(&mut scene, at);
            collect(&scene);
        }
        (scene, desktop, commands)
    }

    #[test]
    fn the_same_script_gives_the_same_picture() {
        let (a, ..) = play();
        let (b, ..) = play();
        assert_eq!(digest(a.canvas().screen().view()), digest(b.canvas().screen().view()));
    }

    #[test]
    fn it_comes_to_rest_by_itself() {
        let mut scene = Scene::new(SIZE);
        let mut desktop = Desktop::new(&mut scene, Micros::ZERO);
        let mut last = Micros::ZERO;
        while let Some(at) = desktop.next_tick() {
            desktop.tick(&mut scene, at);
            last = at;
            assert!(at < Micros(30_000_000), "still busy at {at:?}");
        }
        assert!(last > Micros(5_000_000), "there was something to see");
    }

    #[test]
    fn typing_changes_the_editor_and_its_window() {
        let (_, desktop, _) = play();
        assert!(desktop.editor_text().contains(script::TYPED.lines().next().unwrap()));
    }

    #[test]
    fn dragging_costs_moves_only() {
        let mut scene = Scene::new(SIZE);
        let mut desktop = Desktop::new(&mut scene, Micros::ZERO);
        let far = Micros(60_000_000);
        let bar = desktop.programs[3].title_bar();
        desktop.input(&InputEvent::Pointer { position: bar.origin().offset(50, 5) }, &mut scene, far);
        desktop.input(&InputEvent::Button { button: 1, down: true }, &mut scene, far);
        desktop.tick(&mut scene, far);
        let position = scene.position();
        for i in 1..=20 {
            let to = bar.origin().offset(50 - i, 5 - i);
            desktop.input(&InputEvent::Pointer { position: to }, &mut scene, far);
        }
        let Since::Changes(changes) = scene.since(position) else { panic!() };
        let commands: Vec<_> = changes.filter_map(|c| c.command.as_deref()).collect();
        assert_eq!(commands.len(), 40);
        assert!(commands.iter().all(|c| matches!(c, DrawCommand::WindowMove(_))));
    }

    #[test]
    fn commands_are_economical() {
        let (.., commands) = play();
        let mut out = Writer::new();
        let mut pixels = 0;
        for command in &commands {
            let before = out.len();
            command.encode(&mut out);
            if matches!(command, DrawCommand::PutPixels(_)) {
                pixels += out.len() - before;
            }
        }
        println!("{} commands, {} bytes, of them {pixels} pixels", commands.len(), out.len());
        assert!(out.len() - pixels < 60_000, "{} bytes of commands", out.len() - pixels);
    }

    #[test]
    fn any_size_will_do() {
        for size in [Size::new(640, 480), Size::new(1920, 1080)] {
            let mut scene = Scene::new(SIZE);
            let mut desktop = Desktop::new(&mut scene, Micros::ZERO);
            desktop.resize(size, &mut scene, Micros::ZERO);
            assert_eq!(scene.canvas().screen().size(), size);
            assert_eq!(scene.canvas().windows().len(), 8);
        }
    }
}
