//! Work files: a program, and what a person does with it, written down so that anyone
//! can do the same again: to record a trace, or through another remote display.
//!
//! A script ([`crate::script`]) with these lines at its beginning:
//!
//! | line                 | meaning                                                             |
//! |----------------------|---------------------------------------------------------------------|
//! | `title NAME`         | name in tables; the file's own without it                           |
//! | `about TEXT`         | a sentence for reports                                              |
//! | `size 1280x800`      | size of the screen, which is the default                            |
//! | `needs PACKAGE …`    | Debian packages of the programs                                     |
//! | `clip X Y WxH`       | a film plays there: `psnr_luma_db` and `frames_played` are of it    |
//! | `echo X Y WxH N`     | typed keys appear one after the other in cells of this size, N in a line, the first one there |
//! | `connect at begin`   | a real viewer connects at `begin`, not before the program is started |
//! | `run COMMAND`        | what is started, by `/bin/sh` in the file's directory; the last such line |

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use panto_protocol::geometry::{Point, Rect, Size};

use crate::figures::WorkloadInfo;
use crate::quality::{Cells, Marks};
use crate::script::{Script, ScriptError};

/// A program and a person's script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    /// Name for tables.
    pub name: String,
    /// A sentence for reports.
    pub description: String,
    /// Size of the screen.
    pub size: Size,
    /// Debian packages of the programs.
    pub packages: Vec<String>,
    /// Program and arguments.
    pub command: Vec<OsString>,
    /// What the person does.
    pub script: Script,
    /// What has figures of its own.
    pub marks: Marks,
    /// Whether a viewer connects only when the script begins, to a screen that shows the program already.
    pub connects_late: bool,
}

/// Why a work file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// It cannot be read.
    #[error("{}: {source}", .path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A line of it is not understood.
    #[error("{}: {source}", .path.display())]
    Script {
        /// Which file.
        path: PathBuf,
        /// Which line, and why.
        source: ScriptError,
    },
    /// It says nothing to run.
    #[error("{} starts no program; it needs a line such as: run xterm", .path.display())]
    NoCommand {
        /// Which file.
        path: PathBuf,
    },
}

impl Work {
    /// Reads a work file.
    ///
    /// # Errors
    ///
    /// If there is none, or a line of it is not understood.
    pub fn open(path: &Path) -> Result<Self, WorkError> {
        let file = |source| WorkError::File { path: path.to_owned(), source };
        let text = std::fs::read_to_string(path).map_err(file)?;
        let directory = path.canonicalize().map_err(file)?;
        let directory = directory.parent().unwrap_or(Path::new("/"));
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let parsed = Self::parse(&text, &name, directory);
        let work = parsed.map_err(|source| WorkError::Script { path: path.to_owned(), source })?;
        if work.command.is_empty() {
            return Err(WorkError::NoCommand { path: path.to_owned() });
        }
        Ok(work)
    }

    /// What it is, for reports. How often the screen changes is not known beforehand.
    pub fn info(&self) -> WorkloadInfo {
        WorkloadInfo {
            name: self.name.clone(),
            description: self.description.clone(),
            width: self.size.width,
            height: self.size.height,
            duration_s: self.script.duration().as_secs_f64(),
            events: 0,
            inputs: self.script.inputs() as u64,
        }
    }

    fn parse(text: &str, name: &str, directory: &Path) -> Result<Self, ScriptError> {
        let mut work = Self {
            name: name.into(),
            description: String::new(),
            size: Size::new(1280, 800),
            packages: Vec::new(),
            command: Vec::new(),
            script: Script::default(),
            marks: Marks::default(),
            connects_late: false,
        };
        // Lines that are taken here leave empty ones, so that numbers in errors stay right.
        let mut script = String::new();
        for (number, line) in (1..).zip(text.lines()) {
            let (word, rest) = line.trim().split_once(char::is_whitespace).unwrap_or((line.trim(), ""));
            let rest = rest.trim();
            match word {
                "title" => work.name = rest.into(),
                "about" => work.description = rest.into(),
                "needs" => work.packages = rest.split_whitespace().map(str::to_owned).collect(),
                "size" => {
                    let problem = || "a size looks like 1280x800, with sides from 16 to 16384".into();
                    let wrong = || ScriptError { line: number, quoted: line.into(), problem: problem() };
                    work.size = size(rest).ok_or_else(wrong)?;
                }
                "clip" => {
                    let problem = || "a clip looks like clip 600 40 640x360".into();
                    let wrong = || ScriptError { line: number, quoted: line.into(), problem: problem() };
                    work.marks.clip = Some(clip(rest).ok_or_else(wrong)?);
                }
                "echo" => {
                    let problem = || "an echo looks like echo 10 10 9x15 40".into();
                    let wrong = || ScriptError { line: number, quoted: line.into(), problem: problem() };
                    work.marks.echo = Some(echo(rest).ok_or_else(wrong)?);
                }
                "connect" => {
                    if rest != "at begin" {
                        let problem = "the only other time to connect is: connect at begin".into();
                        return Err(ScriptError { line: number, quoted: line.into(), problem });
                    }
                    work.connects_late = true;
                }
                "run" => {
                    let line = format!("cd \"$0\" && {rest}");
                    work.command = ["/bin/sh", "-c", &line].map(OsString::from).into();
                    work.command.push(directory.into());
                }
                _ => script.push_str(line),
            }
            script.push('\n');
        }
        work.script = Script::parse(&script)?;
        Ok(work)
    }
}

fn size(text: &str) -> Option<Size> {
    sides(text).filter(|size| size.width >= 16 && size.height >= 16)
}

fn sides(text: &str) -> Option<Size> {
    let (width, height) = text.split_once('x')?;
    let side = |s: &str| s.parse::<u32>().ok().filter(|n| (1..=16_384).contains(n));
    Some(Size::new(side(width)?, side(height)?))
}

fn point(x: &str, y: &str) -> Option<Point> {
    let place = |s: &str| s.parse::<i32>().ok().filter(|n| (0..16_384).contains(n));
    Some(Point::new(place(x)?, place(y)?))
}

fn clip(text: &str) -> Option<Rect> {
    let [x, y, size] = text.split_whitespace().collect::<Vec<_>>().try_into().ok()?;
    Some(Rect::at(point(x, y)?, sides(size)?))
}

fn echo(text: &str) -> Option<Cells> {
    let [x, y, cell, columns] = text.split_whitespace().collect::<Vec<_>>().try_into().ok()?;
    let columns = columns.parse().ok().filter(|n| (1..=16_384).contains(n))?;
    Some(Cells { origin: point(x, y)?, cell: sides(cell)?, columns })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_work_file_is_a_script_with_a_head() {
        let text = "title terminal\nabout Text that scrolls.\nsize 800x600\nneeds xterm openbox\nrun xterm -fn 9x15\n\
                    wait window XTerm\nbegin\ntype \"ls\\n\"\n";
        let work = Work::parse(text, "file", Path::new("/some/where")).unwrap();
        assert_eq!((work.name.as_str(), work.size), ("terminal", Size::new(800, 600)));
        assert_eq!(work.packages, ["xterm", "openbox"]);
        assert_eq!(work.command[2..], ["cd \"$0\" && xterm -fn 9x15", "/some/where"]);
        // Three keys, down and up.
        assert_eq!(work.script.inputs(), 6);
    }

    #[test]
    fn errors_name_the_line_of_the_file() {
        let wrong = |text| Work::parse(text, "file", Path::new("/")).unwrap_err().to_string();
        assert!(wrong("title a\nrun b\n\njump 3").starts_with("line 4, `jump 3`"));
        assert!(wrong("title a\nsize big").starts_with("line 2, `size big`"));
        assert!(wrong("clip 1 2 3").starts_with("line 1, `clip 1 2 3`: a clip looks like"));
        assert!(wrong("echo 1 2 9x15").starts_with("line 1, `echo 1 2 9x15`: an echo looks like"));
        assert!(wrong("connect now").starts_with("line 1, `connect now`: "));
    }

    #[test]
    fn every_work_file_can_be_read() {
        let works = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/works");
        let mut marked = 0;
        for directory in ["", "live", "long"] {
            for entry in std::fs::read_dir(works.join(directory)).unwrap() {
                let path = entry.unwrap().path();
                if path.extension().is_some_and(|e| e == "work") {
                    let work = Work::open(&path).unwrap();
                    marked += usize::from(work.marks != Marks::default() || work.connects_late);
                }
            }
        }
        assert_eq!(marked, 5, "noisy, smooth, busy, keys, desktop");
    }

    #[test]
    fn what_has_figures_of_its_own() {
        let text = "clip 600 40 640x360\necho 10 20 9x15 40\nconnect at begin\nrun mpv\nbegin\n";
        let work = Work::parse(text, "file", Path::new("/")).unwrap();
        let cells = Cells { origin: Point::new(10, 20), cell: Size::new(9, 15), columns: 40 };
        assert_eq!(work.marks, Marks { clip: Some(Rect::new(600, 40, 640, 360)), echo: Some(cells) });
        assert!(work.connects_late);
    }
}
