//! Reading a trace, from its beginning or from any chapter.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use panto_protocol::message;
use panto_protocol::time::Micros;
use panto_protocol::wire::{DecodeError, Reader as Bytes};
use xxhash_rust::xxh3::xxh3_64;

use super::error::wrong;
use super::format::{CHAPTER, END, INDEX, Item, MAGIC, MAX_CHAPTER, MAX_HEADER, WINDOW_LOG, decode};
use super::{COMMANDS_SINCE, Entry, Event, Header, InputKind, TraceError, VERSION};

/// Bytes before a section's packed content: kind, length, hash.
const SECTION_HEAD: usize = 13;

/// Chapters of one trace: a year of them.
const MAX_CHAPTERS: usize = 1 << 20;

/// An open trace.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    file: File,
    header: Header,
    /// Where the first chapter begins.
    start: u64,
    /// Times and offsets of chapters, and the end, if the trace is complete.
    index: Option<(Vec<(Micros, u64)>, Micros)>,
    offset: u64,
    chapter: Option<Chapter>,
    now: Micros,
    /// Whether the end, or a damage, was reached.
    over: bool,
}

#[derive(Debug)]
struct Chapter {
    offset: u64,
    bytes: Vec<u8>,
    read: usize,
}

/// What is in a trace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// What it says of itself.
    pub header: Header,
    /// Its length.
    pub duration: Micros,
    /// Times at which the screen changed.
    pub changes: u64,
    /// When a person did what.
    pub inputs: Vec<(Micros, InputKind)>,
    /// Why it ends early, if it does.
    pub cut: Option<String>,
}

impl Reader {
    /// Opens a trace.
    ///
    /// # Errors
    ///
    /// If it is none, or of another version.
    pub fn open(path: &Path) -> Result<Self, TraceError> {
        let path = path.to_owned();
        let failed = |source| TraceError::File { path: path.clone(), source };
        // Opening a pipe would wait for its writer, perhaps for ever.
        if !std::fs::metadata(&path).map_err(failed)?.is_file() {
            return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")));
        }
        let mut file = File::open(&path).map_err(failed)?;
        let mut head = [0; 14];
        match file.read_exact(&mut head) {
            Ok(()) if &head[..8] == MAGIC => {}
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => return Err(failed(error)),
            _ => return Err(TraceError::NotATrace { path }),
        }
        let found = u16::from_le_bytes([head[8], head[9]]);
        if found != VERSION {
            return Err(TraceError::Version { path, found, known: VERSION });
        }
        let damaged = |what: &str| TraceError::Damaged { path: path.clone(), offset: 14, what: what.into() };
        let length = u32::from_le_bytes([head[10], head[11], head[12], head[13]]);
        if length > MAX_HEADER {
            return Err(damaged("its header is too long"));
        }
        let mut json = vec![0; length as usize];
        file.read_exact(&mut json).map_err(|_| damaged("its header is cut short"))?;
        let header: Header = serde_json::from_slice(&json).map_err(|e| damaged(&e.to_string()))?;
        if !(COMMANDS_SINCE..=message::VERSION).contains(&header.commands_version) {
            let found = header.commands_version;
            return Err(TraceError::Commands { path, found, known: message::VERSION });
        }
        let start = 14 + u64::from(length);
        let index = read_index(&mut file).unwrap_or_default();
        Ok(Self {
            path,
            file,
            header,
            start,
            index,
            offset: start,
            chapter: None,
            now: Micros::ZERO,
            over: false,
        })
    }

    /// What the trace says of itself.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Its length; `None` if it is cut short and was not read to its end.
    pub fn duration(&self) -> Option<Micros> {
        self.index.as_ref().map(|(_, end)| *end)
    }

    /// Goes to the last chapter that begins at or before `at`, or to the first. Returns
    /// when that begins, and the events that make an empty scene the one of that moment.
    ///
    /// # Errors
    ///
    /// If the chapter cannot be read.
    pub fn seek(&mut self, at: Micros) -> Result<(Micros, Vec<Event>), TraceError> {
        let chapters = self.index.as_ref().map_or(&[][..], |(chapters, _)| chapters);
        let chapter = chapters.partition_point(|(begins, _)| *begins <= at).checked_sub(1);
        self.offset = chapter.map_or(self.start, |i| chapters[i].1);
        self.over = false;
        self.next_chapter(true)?.ok_or_else(|| self.cut())
    }

    /// The next event; `None` at the end of the trace.
    ///
    /// # Errors
    ///
    /// If the trace ends before its end, or is damaged; after that there is only `None`.
    pub fn next_entry(&mut self) -> Result<Option<Entry>, TraceError> {
        loop {
            if self.over {
                return Ok(None);
            }
            let Some(chapter) = &mut self.chapter else {
                if self.next_chapter(false)?.is_none() {
                    return Ok(None);
                }
                continue;
            };
            let mut r = Bytes::new(&chapter.bytes[chapter.read..]);
            if r.is_empty() {
                self.chapter = None;
                continue;
            }
            let before = r.left();
            let item = decode(&mut r);
            chapter.read += before - r.left();
            match item {
                Ok(Item::Time(delta)) => self.now = self.now + Micros(delta),
                Ok(Item::Event(event)) => return Ok(Some(Entry { at: self.now, event })),
                Err(error) => {
                    self.over = true;
                    return Err(self.damaged(wrong(error)));
                }
            }
        }
    }

    /// Reads everything and counts.
    ///
    /// # Errors
    ///
    /// If not even the beginning can be read. What is cut short is summarised so far.
    pub fn summarize(mut self) -> Result<Summary, TraceError> {
        self.seek(Micros::ZERO)?;
        let mut summary = Summary { header: self.header.clone(), ..Summary::default() };
        let mut last_change = None;
        loop {
            match self.next_entry() {
                Ok(Some(Entry { at, event })) => {
                    summary.duration = at;
                    match event {
                        Event::Input(kind) => summary.inputs.push((at, kind)),
                        Event::Cursor(_) | Event::Pointer(_) => {}
                        _ if last_change.replace(at) != Some(at) => summary.changes += 1,
                        _ => {}
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    summary.cut = Some(error.to_string());
                    break;
                }
            }
        }
        if let Some(duration) = self.duration() {
            summary.duration = duration;
        }
        Ok(summary)
    }

    /// Loads the chapter at `offset`; `None` at the end. `snapshot`: decode its snapshot.
    fn next_chapter(&mut self, snapshot: bool) -> Result<Option<(Micros, Vec<Event>)>, TraceError> {
        self.chapter = None;
        let read = read_section(&mut self.file, self.offset);
        let (kind, bytes, length) = match read {
            Ok(section) => section,
            Err(Section::Missing) => {
                self.over = true;
                return Err(self.cut());
            }
            Err(Section::Damaged(what)) => {
                self.over = true;
                return Err(self.damaged(what));
            }
        };
        if kind == INDEX {
            self.over = true;
            return Ok(None);
        }
        let opened = open_chapter(&bytes, snapshot);
        let (begins, events, read) = match opened {
            Ok(opened) if kind == CHAPTER => opened,
            Ok(_) => return Err(self.damaged(format!("a section of unknown kind {kind}"))),
            Err(error) => return Err(self.damaged(wrong(error))),
        };
        let offset = self.offset;
        self.offset += length;
        self.now = begins;
        self.chapter = Some(Chapter { offset, bytes, read });
        Ok(Some((begins, events)))
    }

    fn cut(&self) -> TraceError {
        TraceError::Cut { path: self.path.clone(), seconds: self.now.0 as f64 / 1e6 }
    }

    fn damaged(&self, what: String) -> TraceError {
        let offset = self.chapter.as_ref().map_or(self.offset, |c| c.offset);
        TraceError::Damaged { path: self.path.clone(), offset, what }
    }
}

enum Section {
    /// The file ends before it does.
    Missing,
    Damaged(String),
}

/// Kind, unpacked bytes, and length in the file.
fn read_section(file: &mut File, offset: u64) -> Result<(u8, Vec<u8>, u64), Section> {
    let mut head = [0; SECTION_HEAD];
    file.seek(SeekFrom::Start(offset)).map_err(|_| Section::Missing)?;
    file.read_exact(&mut head).map_err(|_| Section::Missing)?;
    let length = u64::from(u32::from_le_bytes([head[1], head[2], head[3], head[4]]));
    let damaged = |what: &str| Section::Damaged(what.into());
    let packed_length = length.checked_sub(8).ok_or_else(|| damaged("a section is too short"))?;
    let mut packed = Vec::new();
    // Only bytes that are there take memory.
    file.take(packed_length).read_to_end(&mut packed).map_err(|e| Section::Damaged(e.to_string()))?;
    if (packed.len() as u64) < packed_length {
        return Err(Section::Missing);
    }
    let hash =
        u64::from_le_bytes([head[5], head[6], head[7], head[8], head[9], head[10], head[11], head[12]]);
    if xxh3_64(&packed) != hash {
        return Err(damaged("its checksum is wrong"));
    }
    let unpack = || -> io::Result<Vec<u8>> {
        let mut zstd = zstd::Decoder::new(packed.as_slice())?;
        zstd.window_log_max(WINDOW_LOG)?;
        let mut bytes = Vec::new();
        zstd.take(MAX_CHAPTER as u64 + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = unpack().map_err(|e| Section::Damaged(e.to_string()))?;
    if bytes.len() > MAX_CHAPTER {
        return Err(damaged("a chapter is too large"));
    }
    Ok((head[0], bytes, SECTION_HEAD as u64 + packed_length))
}

/// The beginning's time, the snapshot if wanted, and where the events begin.
fn open_chapter(bytes: &[u8], snapshot: bool) -> Result<(Micros, Vec<Event>, usize), DecodeError> {
    let mut r = Bytes::new(bytes);
    let begins = Micros(r.varint()?);
    let mut s = Bytes::new(r.bytes(MAX_CHAPTER, "snapshot")?);
    let mut events = Vec::new();
    while snapshot && !s.is_empty() {
        match decode(&mut s)? {
            Item::Event(event) => events.push(event),
            Item::Time(_) => return Err(DecodeError::Invalid { what: "time in a snapshot" }),
        }
    }
    Ok((begins, events, bytes.len() - r.left()))
}

type Index = (Vec<(Micros, u64)>, Micros);

/// The index, if the file ends with one.
fn read_index(file: &mut File) -> Option<Option<Index>> {
    let mut trailer = [0; 16];
    file.seek(SeekFrom::End(-16)).ok()?;
    file.read_exact(&mut trailer).ok()?;
    let (offset, end) = trailer.split_at(8);
    if end != END {
        return Some(None);
    }
    let (INDEX, bytes, _) = read_section(file, u64::from_le_bytes(offset.try_into().ok()?)).ok()? else {
        return Some(None);
    };
    let mut r = Bytes::new(&bytes);
    let end = Micros(r.varint().ok()?);
    let count = r.count(MAX_CHAPTERS, 2, "chapters").ok()?;
    let chapters: Option<Vec<_>> =
        (0..count).map(|_| Some((Micros(r.varint().ok()?), r.varint().ok()?))).collect();
    Some(Some((chapters?, end)))
}
