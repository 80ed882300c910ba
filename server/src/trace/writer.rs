//! Writing a trace: chapters are compressed and written on a thread of their own, so
//! that whoever records never waits for the disk.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use panto_protocol::time::Micros;
use panto_protocol::wire::Writer as Bytes;
use xxhash_rust::xxh3::xxh3_64;

use super::format::{CHAPTER, END, INDEX, MAGIC, MAX_CHAPTER, WINDOW_LOG, encode, encode_time};
use super::{Event, Header, TraceError, VERSION};

/// A chapter is closed after so many bytes (unpacked) …
const CHAPTER_BYTES: usize = MAX_CHAPTER / 4;

/// … or after this time: what a reader must go through at most when it seeks.
const CHAPTER_TIME: Micros = Micros::from_millis(30_000);

/// Chapters waiting to be compressed.
const WAITING: usize = 2;

/// A trace being written.
#[derive(Debug)]
pub struct Writer {
    path: PathBuf,
    chapters: Option<SyncSender<(Micros, Vec<u8>)>>,
    thread: Option<JoinHandle<io::Result<Packer>>>,
    chapter: Option<Chapter>,
    end: Micros,
}

#[derive(Debug)]
struct Chapter {
    begins: Micros,
    out: Bytes,
    last: Micros,
}

/// The thread's end.
#[derive(Debug)]
struct Packer {
    file: BufWriter<File>,
    offset: u64,
    level: i32,
    index: Vec<(Micros, u64)>,
}

impl Writer {
    /// Creates the file. `level` is zstd's, 1 to 19: 3 keeps up with a busy screen, 19 makes small files.
    ///
    /// # Errors
    ///
    /// If the file cannot be created.
    pub fn create(path: &Path, header: &Header, level: i32) -> Result<Self, TraceError> {
        let failed = |source| TraceError::File { path: path.to_owned(), source };
        let mut file = BufWriter::new(File::create(path).map_err(failed)?);
        let json = serde_json::to_vec(header).map_err(|e| failed(e.into()))?;
        let mut start = Vec::from(*MAGIC);
        start.extend_from_slice(&VERSION.to_le_bytes());
        start.extend_from_slice(&(json.len() as u32).to_le_bytes());
        start.extend_from_slice(&json);
        file.write_all(&start).and_then(|()| file.flush()).map_err(failed)?;
        let packer = Packer { file, offset: start.len() as u64, level, index: Vec::new() };
        let (chapters, received) = sync_channel(WAITING);
        let thread = std::thread::Builder::new()
            .name("trace".into())
            .spawn(move || received.into_iter().try_fold(packer, Packer::chapter))
            .map_err(failed)?;
        let path = path.to_owned();
        Ok(Self { path, chapters: Some(chapters), thread: Some(thread), chapter: None, end: Micros::ZERO })
    }

    /// Whether the next event should come behind a new chapter's snapshot.
    pub fn wants_chapter(&self, at: Micros) -> bool {
        self.chapter
            .as_ref()
            .is_none_or(|c| c.out.len() >= CHAPTER_BYTES || at.since(c.begins) >= CHAPTER_TIME)
    }

    /// Begins a chapter with the scene as it is: the events of a snapshot, and whether
    /// each one's surface has alpha.
    ///
    /// # Errors
    ///
    /// If what came before cannot be written.
    pub fn begin_chapter(&mut self, at: Micros, snapshot: &[(&Event, bool)]) -> Result<(), TraceError> {
        self.close_chapter()?;
        let mut events = Bytes::new();
        for (event, alpha) in snapshot {
            encode(event, *alpha, &mut events);
        }
        let mut out = Bytes::new();
        out.varint(at.0);
        out.bytes(events.as_slice());
        self.chapter = Some(Chapter { begins: at, out, last: at });
        Ok(())
    }

    /// Appends an event; `alpha`: its surface has alpha. Times never go back.
    pub fn event(&mut self, at: Micros, event: &Event, alpha: bool) {
        let Some(chapter) = &mut self.chapter else { return };
        if at > chapter.last {
            encode_time(at.since(chapter.last).0, &mut chapter.out);
            chapter.last = at;
        }
        encode(event, alpha, &mut chapter.out);
        self.end = self.end.max(at);
    }

    /// Writes what is left and the index. `end` is the length of the trace.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn finish(mut self, end: Micros) -> Result<(), TraceError> {
        self.close_chapter()?;
        self.chapters = None;
        let packer = self.join()?;
        let end = self.end.max(end);
        packer.finish(end).map_err(|source| TraceError::File { path: self.path.clone(), source })
    }

    fn close_chapter(&mut self) -> Result<(), TraceError> {
        let Some(chapter) = self.chapter.take() else { return Ok(()) };
        let sent = self.chapters.as_ref().map(|c| c.send((chapter.begins, chapter.out.finish())));
        if let Some(Err(_)) = sent {
            // The thread ends early only with an error, which says more.
            self.join()?;
        }
        Ok(())
    }

    fn join(&mut self) -> Result<Packer, TraceError> {
        let failed = |source| TraceError::File { path: self.path.clone(), source };
        let thread = self.thread.take().ok_or_else(|| failed(io::ErrorKind::BrokenPipe.into()))?;
        thread.join().map_err(|_| failed(io::Error::other("compression failed")))?.map_err(failed)
    }
}

impl Packer {
    fn chapter(mut self, (begins, bytes): (Micros, Vec<u8>)) -> io::Result<Self> {
        self.index.push((begins, self.offset));
        self.section(CHAPTER, &bytes)?;
        // What is written is a whole trace but for its index, whatever happens next.
        self.file.flush()?;
        Ok(self)
    }

    fn section(&mut self, kind: u8, bytes: &[u8]) -> io::Result<()> {
        let mut zstd = zstd::Encoder::new(Vec::new(), self.level)?;
        zstd.window_log(WINDOW_LOG)?;
        zstd.long_distance_matching(true)?;
        zstd.write_all(bytes)?;
        let packed = zstd.finish()?;
        let length =
            u32::try_from(packed.len() + 8).map_err(|_| io::Error::other("a chapter is too large"))?;
        let mut head = vec![kind];
        head.extend_from_slice(&length.to_le_bytes());
        head.extend_from_slice(&xxh3_64(&packed).to_le_bytes());
        self.file.write_all(&head)?;
        self.file.write_all(&packed)?;
        self.offset += (head.len() + packed.len()) as u64;
        Ok(())
    }

    fn finish(mut self, end: Micros) -> io::Result<()> {
        let at = self.offset;
        let mut out = Bytes::new();
        out.varint(end.0);
        out.varint(self.index.len() as u64);
        for (time, offset) in &self.index {
            out.varint(time.0);
            out.varint(*offset);
        }
        self.section(INDEX, out.as_slice())?;
        self.file.write_all(&at.to_le_bytes())?;
        self.file.write_all(END)?;
        self.file.flush()
    }
}
