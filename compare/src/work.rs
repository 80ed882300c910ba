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
//! | `run COMMAND`        | what is started, by `/bin/sh` in the file's directory; the last such line |

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use panto_protocol::geometry::Size;

use crate::figures::WorkloadInfo;
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
    let (width, height) = text.split_once('x')?;
    let side = |s: &str| s.parse::<u32>().ok().filter(|n| (16..=16_384).contains(n));
    Some(Size::new(side(width)?, side(height)?))
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
    }
}
