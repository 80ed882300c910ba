//! Desktops that are computed: plain pixels without any draw commands, no files, the same in every run.
//!
//! ```text
//!   0        380       640                1280
//!   ┌─────────┬─────────┬──────────────────┐ 0
//!   │ text    │         │ film             │
//!   │ and     ├─────────┤ 640 × 360        │ 200
//!   │ keys    │ picture │                  │
//!   │         │         └──────────────────┤ 360
//!   │         │ 900 × 600, under the film  │
//!   └─────────┴────────────────────────────┘ 800
//! ```

mod chance;
mod film;
mod letters;
mod photo;

use std::collections::VecDeque;
use std::str::FromStr;

use panto_protocol::draw::SurfaceId;
use panto_protocol::geometry::{Point, Rect, Size};
use panto_protocol::message::InputEvent;
use panto_protocol::pixel::Picture;
use panto_protocol::time::Micros;
use panto_server::scene::Scene;

use crate::quality::{Cells, Marks};
use chance::Chance;
use film::Film;

/// The screen.
pub(super) const SIZE: Size = Size::new(1280, 800);

const FILM: Rect = Rect::new(640, 0, 640, 360);
const PHOTO: Rect = Rect::new(380, 200, 900, 600);
const TEXT: Rect = Rect::new(0, 0, 380, 800);

/// Where the keys appear, below some lines that were there before.
const CELLS: Cells = Cells { origin: Point::new(10, 220), cell: Size::new(9, 15), columns: 40 };

/// Lines of text above them.
const LINES: u32 = 14;

/// Pictures of the film a second.
const FILM_RATE: u64 = 24;

/// How long the film plays, then it rests.
const PLAYS: Micros = Micros(8_000_000);

/// The same beside somebody who types.
const PLAYS_LONG: Micros = Micros(10_500_000);

/// The first large picture appears, never together with one of the film, and from one to the next.
const PHOTO_FIRST: Micros = Micros(1_010_000);
const PHOTO_EVERY: Micros = Micros(3_000_000);

/// Keys: the first, from one to the next, how many, and how long each is held.
const KEY_FIRST: Micros = Micros(200_000);
const KEY_EVERY: Micros = Micros(125_000);
const KEYS: u64 = 80;
const KEY_HELD: u64 = 60_000;

/// What happens on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Synthetic {
    /// A film with the grain of a camera plays for 8 s, then rests on its last picture.
    Noisy,
    /// The same film without grain.
    Smooth,
    /// Eight keys a second for 10 s, while the noisy film plays and a large picture appears every 3 s.
    Busy,
    /// The same keys on a screen where nothing else happens.
    Keys,
    /// Text and photographs, and nothing happens: the first picture is the work.
    Desktop,
}

/// A name that is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no synthetic workload '{0}'; there are {names}", names = Synthetic::ALL.map(Synthetic::name).join(", "))]
pub struct UnknownSynthetic(String);

impl Synthetic {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Noisy, Self::Smooth, Self::Busy, Self::Keys, Self::Desktop];

    /// Its name on the command line; tables put `synthetic` before it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Noisy => "noisy",
            Self::Smooth => "smooth",
            Self::Busy => "busy",
            Self::Keys => "keys",
            Self::Desktop => "desktop",
        }
    }

    pub(super) const fn description(self) -> &'static str {
        match self {
            Self::Noisy => {
                "computed: a film of 640 × 360 at 24 pictures a second, with grain, for 8 s; then it rests"
            }
            Self::Smooth => {
                "computed: a film of 640 × 360 at 24 pictures a second, without grain, for 8 s; then it rests"
            }
            Self::Busy => {
                "computed: eight keys a second while a film with grain plays and a picture of 900 × 600 appears every 3 s"
            }
            Self::Keys => "computed: eight keys a second on a screen where nothing else happens",
            Self::Desktop => "computed: text and photographs that rest",
        }
    }

    fn types(self) -> bool {
        matches!(self, Self::Busy | Self::Keys)
    }

    /// How long the film plays, if there is one.
    fn plays(self) -> Option<Micros> {
        match self {
            Self::Noisy | Self::Smooth => Some(PLAYS),
            Self::Busy => Some(PLAYS_LONG),
            Self::Keys | Self::Desktop => None,
        }
    }

    pub(super) fn duration(self) -> Micros {
        self.plays().unwrap_or(if self.types() { PLAYS_LONG } else { Micros::ZERO })
    }

    pub(super) fn events(self) -> u64 {
        let film = self.plays().map_or(0, |time| time.0 * FILM_RATE / 1_000_000);
        let photos =
            if self == Self::Busy { (PLAYS_LONG.0 - PHOTO_FIRST.0).div_ceil(PHOTO_EVERY.0) } else { 0 };
        film + photos + if self.types() { KEYS } else { 0 }
    }

    pub(super) fn marks(self) -> Marks {
        Marks { clip: self.plays().map(|_| FILM), echo: self.types().then_some(CELLS) }
    }

    /// What the person does.
    pub(super) fn inputs(self) -> Vec<(Micros, InputEvent)> {
        let key = |down| InputEvent::Key {
            physical: 30,
            keysym: 0x61,
            down,
            text: if down { "a".into() } else { String::new() },
        };
        let mut chance = Chance::new(7);
        let keys = if self.types() { KEYS } else { 0 };
        (0..keys)
            .flat_map(|n| {
                // Nobody types by a clock, and no clock of the screen shall meet the keys.
                let at = Micros(KEY_FIRST.0 + n * KEY_EVERY.0 + chance.below(40_000));
                [(at, key(true)), (Micros(at.0 + KEY_HELD), key(false))]
            })
            .collect()
    }
}

impl FromStr for Synthetic {
    type Err = UnknownSynthetic;

    fn from_str(name: &str) -> Result<Self, UnknownSynthetic> {
        Self::ALL.into_iter().find(|s| s.name() == name).ok_or_else(|| UnknownSynthetic(name.into()))
    }
}

/// A computed desktop under way.
pub(super) struct Stage {
    what: Synthetic,
    film: Film,
    /// Pictures of the film that were shown, the one at rest not.
    shown: u64,
    photos: u64,
    keys: u32,
    echoes: VecDeque<Micros>,
    chance: Chance,
}

impl Stage {
    /// The desktop as it is before anything happens.
    pub(super) fn new(what: Synthetic, scene: &mut Scene) -> Self {
        let film = Film::new(FILM.size(), what != Synthetic::Smooth);
        let stage = Self {
            what,
            film,
            shown: 0,
            photos: 0,
            keys: 0,
            echoes: VecDeque::new(),
            chance: Chance::new(3),
        };
        let mut screen = Picture::new(SIZE, 0x0030_5f82);
        screen.fill(TEXT, 0x00ff_ffff);
        let mut letters = Chance::new(5);
        for n in 0..LINES * CELLS.columns {
            let at = CELLS.cell(n).origin().offset(0, -(LINES as i32) * CELLS.cell.height as i32);
            letters::draw(&mut screen, at, letters.below(40) as u32);
        }
        if what == Synthetic::Desktop {
            for n in LINES * CELLS.columns..48 * CELLS.columns {
                let at = CELLS.cell(n).origin().offset(0, -(LINES as i32) * CELLS.cell.height as i32);
                letters::draw(&mut screen, at, letters.below(40) as u32);
            }
            for (n, size) in [(0, Size::new(420, 280)), (1, Size::new(420, 280)), (2, Size::new(860, 440))] {
                let at = [Point::new(396, 20), Point::new(836, 20), Point::new(396, 330)][n as usize];
                screen.blit(at, photo::photo(size, n).view());
            }
        }
        if what.plays().is_some() {
            screen.blit(FILM.origin(), stage.film.picture(0).view());
        }
        put(scene, Point::default(), &screen, Rect::of_size(SIZE));
        stage
    }

    fn film_at(&self) -> Option<Micros> {
        let at = Micros((self.shown + 1) * 1_000_000 / FILM_RATE);
        self.what.plays().filter(|end| at <= *end).map(|_| at)
    }

    fn photo_at(&self) -> Option<Micros> {
        let at = Micros(PHOTO_FIRST.0 + self.photos * PHOTO_EVERY.0);
        (self.what == Synthetic::Busy && at < PLAYS_LONG).then_some(at)
    }

    /// When something happens next by itself.
    pub(super) fn next_at(&self) -> Option<Micros> {
        [self.film_at(), self.photo_at(), self.echoes.front().copied()].into_iter().flatten().min()
    }

    /// Lets happen what happens first.
    pub(super) fn tick(&mut self, scene: &mut Scene) {
        let Some(next) = self.next_at() else { return };
        if self.echoes.front() == Some(&next) {
            self.echoes.pop_front();
            let cell = CELLS.cell(self.keys);
            let mut letter = Picture::new(cell.size(), 0x00ff_ffff);
            letters::draw(&mut letter, Point::default(), self.chance.below(40) as u32);
            put(scene, cell.origin(), &letter, Rect::of_size(cell.size()));
            self.keys += 1;
        } else if self.photo_at() == Some(next) {
            let picture = photo::photo(PHOTO.size(), 10 + self.photos);
            // The film is above it.
            let beside = Rect::new(0, 0, (FILM.left - PHOTO.left) as u32, PHOTO.height());
            let below = Rect::from_corners(
                beside.right,
                FILM.bottom - PHOTO.top,
                PHOTO.width() as i32,
                PHOTO.height() as i32,
            );
            for part in [beside, below] {
                put(scene, PHOTO.origin(), &picture, part);
            }
            self.photos += 1;
        } else {
            self.shown += 1;
            let picture = self.film.picture(self.shown);
            put(scene, FILM.origin(), &picture, Rect::of_size(FILM.size()));
        }
    }

    /// An input arrives: a key is echoed some milliseconds later.
    pub(super) fn input(&mut self, event: &InputEvent, now: Micros) {
        if let InputEvent::Key { down: true, .. } = event {
            let at = Micros(now.0 + 1_000 + self.chance.below(4_000));
            let last = self.echoes.back().copied().unwrap_or(at);
            self.echoes.push_back(at.max(last));
        }
    }
}

/// Paints a part of a picture whose top left corner is at `origin` of the screen.
fn put(scene: &mut Scene, origin: Point, picture: &Picture, part: Rect) {
    let at = origin.offset(part.left, part.top);
    scene.pixels(SurfaceId::SCREEN, at, picture.crop(part)).expect("it lies on the screen");
}

#[cfg(test)]
mod tests {
    use panto_protocol::canvas::digest;

    use super::*;

    /// Performs until `end` with each key arriving as it is pressed.
    fn perform(what: Synthetic, end: Micros) -> (Scene, u64) {
        let mut scene = Scene::new(SIZE);
        let mut stage = Stage::new(what, &mut scene);
        let mut inputs = what.inputs().into_iter().peekable();
        let mut times = std::collections::BTreeSet::new();
        loop {
            let input = inputs.peek().map(|(at, _)| *at);
            let Some(now) = [input, stage.next_at()].into_iter().flatten().min().filter(|at| *at <= end)
            else {
                break;
            };
            match inputs.next_if(|(at, _)| *at == now) {
                Some((_, event)) => stage.input(&event, now),
                None => {
                    stage.tick(&mut scene);
                    times.insert(now);
                }
            }
        }
        (scene, times.len() as u64)
    }

    #[test]
    fn it_is_the_same_every_time_and_only_pixels() {
        for what in Synthetic::ALL {
            let end = Micros::from_millis(1_200);
            let ((a, n), (b, m)) = (perform(what, end), perform(what, end));
            let (a, b) = (a.canvas().screen(), b.canvas().screen());
            assert_eq!((digest(a.view()), n), (digest(b.view()), m), "{what:?}");
            // 28 pictures of the film, one photograph, 8 keys.
            let expected = match what {
                Synthetic::Noisy | Synthetic::Smooth => 28,
                Synthetic::Busy => 28 + 1 + 8,
                Synthetic::Keys => 8,
                Synthetic::Desktop => 0,
            };
            assert_eq!(n, expected, "{what:?}");
        }
    }

    #[test]
    fn keys_appear_in_their_cells() {
        let (scene, _) = perform(Synthetic::Keys, Synthetic::Keys.duration());
        let screen = scene.canvas().screen();
        for n in 0..KEYS as u32 {
            assert!(screen.crop(CELLS.cell(n)).iter().any(|c| c != 0x00ff_ffff), "key {n}");
        }
        assert!(screen.crop(CELLS.cell(KEYS as u32)).iter().all(|c| c == 0x00ff_ffff));
        assert!(TEXT.contains_rect(&CELLS.cell(KEYS as u32)));
        assert_eq!(Synthetic::Busy.inputs().len() as u64, 2 * KEYS);
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        for what in Synthetic::ALL {
            assert_eq!(what.name().parse(), Ok(what));
        }
        let error = "idle".parse::<Synthetic>().unwrap_err().to_string();
        assert_eq!(error, "no synthetic workload 'idle'; there are noisy, smooth, busy, keys, desktop");
    }
}
