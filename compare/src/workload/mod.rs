//! What is done on a screen: the demo desktop's script, a recorded trace, or something computed.

mod performance;
mod synthetic;

use std::path::{Path, PathBuf};

use panto_protocol::geometry::{Point, Rect, Size};
use panto_protocol::message::InputEvent;
use panto_protocol::time::Micros;
use panto_server::demo::script;
use panto_server::trace::{InputKind, Summary, TraceError, summarize};

use crate::figures::WorkloadInfo;
use crate::quality::Marks;

pub use performance::Performance;
pub use synthetic::{Synthetic, UnknownSynthetic};

/// Work that can be done again and again, the same every time.
#[derive(Debug, Clone)]
pub struct Workload {
    name: String,
    kind: Kind,
    marks: Marks,
}

#[derive(Debug, Clone)]
enum Kind {
    Demo { size: Size },
    Trace { path: PathBuf, summary: Box<Summary> },
    Synthetic(Synthetic),
}

impl Workload {
    /// The demo desktop and its script.
    pub fn demo(size: Size) -> Self {
        Self { name: "demo".into(), kind: Kind::Demo { size }, marks: Marks::default() }
    }

    /// A trace, by its own title or, without one, its file's name.
    ///
    /// # Errors
    ///
    /// If the file is no trace that can be played. One that is cut short can be: see [`Workload::cut`].
    pub fn trace(path: &Path) -> Result<Self, TraceError> {
        let summary = summarize(path)?;
        let name = match summary.header.title.trim() {
            "" => path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            title => title.to_owned(),
        };
        let kind = Kind::Trace { path: path.to_owned(), summary: Box::new(summary) };
        Ok(Self { name, kind, marks: Marks::default() })
    }

    /// A desktop that is computed.
    pub fn synthetic(what: Synthetic) -> Self {
        let name = format!("synthetic {}", what.name());
        Self { name, kind: Kind::Synthetic(what), marks: what.marks() }
    }

    /// What of it has figures of its own.
    pub fn marks(&self) -> Marks {
        self.marks
    }

    /// Says where a film plays in a trace.
    pub fn mark_clip(&mut self, clip: Option<Rect>) {
        self.marks.clip = clip;
    }

    /// Name for tables.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Gives it another name.
    pub fn rename(&mut self, name: String) {
        self.name = name;
    }

    /// Why it ends before its end, if it does.
    pub fn cut(&self) -> Option<&str> {
        match &self.kind {
            Kind::Demo { .. } | Kind::Synthetic(_) => None,
            Kind::Trace { summary, .. } => summary.cut.as_deref(),
        }
    }

    /// What it is, for reports.
    pub fn info(&self) -> WorkloadInfo {
        let info = |description: &str, size: Size, duration: Micros, events| WorkloadInfo {
            name: self.name.clone(),
            description: description.into(),
            width: size.width,
            height: size.height,
            duration_s: duration.0 as f64 / 1e6,
            events,
            inputs: self.inputs().len() as u64,
        };
        match &self.kind {
            Kind::Demo { size } => {
                let text =
                    "the embedded desktop: typing, scrolling, windows dragged, a chart; drawn by commands";
                info(text, *size, script(*size).rest, 0)
            }
            Kind::Trace { summary: s, .. } => {
                let size = Size::new(s.header.width, s.header.height);
                info(&s.header.description, size, s.duration, s.changes)
            }
            Kind::Synthetic(what) => {
                info(what.description(), synthetic::SIZE, what.duration(), what.events())
            }
        }
    }

    /// What the person does, and when, since the work began.
    pub fn inputs(&self) -> Vec<(Micros, InputEvent)> {
        match &self.kind {
            Kind::Demo { size } => script(*size).events,
            Kind::Synthetic(what) => what.inputs(),
            Kind::Trace { summary, .. } => {
                let mut down = false;
                summary.inputs.iter().map(|(at, kind)| (*at, stand_in(*kind, &mut down))).collect()
            }
        }
    }

    /// Begins the work.
    ///
    /// # Errors
    ///
    /// If the trace cannot be read any more.
    pub fn perform(&self) -> Result<Performance, TraceError> {
        match &self.kind {
            Kind::Demo { size } => Ok(Performance::demo(*size)),
            Kind::Synthetic(what) => Ok(Performance::synthetic(*what)),
            Kind::Trace { path, .. } => Performance::trace(path),
        }
    }
}

/// A trace does not tell what was pressed: an event of the same kind, and about the same
/// size, takes its place.
fn stand_in(kind: InputKind, down: &mut bool) -> InputEvent {
    match kind {
        InputKind::Key => InputEvent::Key { physical: 30, keysym: 0x61, down: true, text: String::from("a") },
        InputKind::Button => {
            *down = !*down;
            InputEvent::Button { button: 1, down: *down }
        }
        InputKind::Scroll => InputEvent::Scroll { dx: 0, dy: 120 },
        InputKind::Motion => InputEvent::Pointer { position: Point::new(640, 400) },
    }
}
