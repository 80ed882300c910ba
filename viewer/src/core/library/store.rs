//! Libraries on disk: one file for each server, bounded, replaced as a whole.
//!
//! | bytes | field   | meaning                                                           |
//! |-------|---------|-------------------------------------------------------------------|
//! | 8     | magic   | `PantoLib`                                                        |
//! | 4     | version | 1, little endian                                                  |
//! | …     | entries | up to 2,048 of these:                                             |
//! | – 4   | length  | bytes of the command, little endian                               |
//! | – 8   | hash    | of the shape or tile that it defines ([`ContentHash`]), little endian |
//! | – …   | command | GlyphDefine or TileDefine as in a plain frame (`PROTOCOL.md` 4.5, 4.7) |
//!
//! Reading believes nothing: an entry whose content has not the hash is passed over, and
//! the hash that is offered is that of the content.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use panto_protocol::canvas::{Canvas, ContentHash, glyph_hash, tile_hash};
use panto_protocol::draw::{DrawCommand, GlyphDefine, GlyphSlot, TileDefine, TileSlot};
use panto_protocol::encoding::{Effort, Encoder};
use panto_protocol::geometry::Point;
use panto_protocol::wire::{Reader, Writer};
use panto_transport::{FileError, Fingerprint, cache_dir, create_private_dir, read_private, replace_private};

use super::{Library, MAX_ENTRIES};

const MAGIC: &[u8; 8] = b"PantoLib";
const VERSION: u32 = 1;

/// Bytes of one file: what is kept takes less than in memory.
const MAX_FILE: u64 = 32 << 20;

/// Entries looked at in one file, good or bad. Without it a small file of many large tiles
/// in one colour could keep a viewer busy for minutes.
const MAX_READ: usize = 2 * MAX_ENTRIES;

/// Servers of which anything is kept; the one that was not seen for the longest time goes.
const MAX_SERVERS: usize = 64;

/// Whom a library belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerIdentity {
    /// Whoever has this key, wherever it is.
    Key(Fingerprint),
    /// Whoever answers there: without TLS there is nothing better.
    Address(String),
}

/// A folder of libraries.
#[derive(Debug, Clone)]
pub struct LibraryStore {
    dir: PathBuf,
}

/// The library of one server.
#[derive(Debug, Clone)]
pub struct LibraryFile {
    path: PathBuf,
}

/// What a file held.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    /// What is sound of it.
    pub library: Library,
    /// What was wrong with the rest, if there was any.
    pub damage: Option<&'static str>,
}

impl LibraryStore {
    /// The user's: `$XDG_CACHE_HOME/panto/libraries`.
    ///
    /// # Errors
    ///
    /// Without a home directory.
    pub fn of_user() -> Result<Self, FileError> {
        Ok(Self::at(cache_dir()?.join("libraries")))
    }

    /// A folder of one's own, which need not exist.
    pub fn at(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// The file for a server, which need not exist.
    pub fn of(&self, server: &ServerIdentity) -> LibraryFile {
        let name = match server {
            ServerIdentity::Key(fingerprint) => *fingerprint,
            // No key begins like this, and no address has characters that a file must not.
            ServerIdentity::Address(address) => Fingerprint::of_spki(format!("address {address}").as_bytes()),
        };
        let hex: String = name.as_bytes().iter().map(|b| format!("{b:02x}")).collect();
        LibraryFile { path: self.dir.join(hex).with_extension("library") }
    }
}

impl LibraryFile {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads what is sound of it; nothing if there is no file.
    ///
    /// # Errors
    ///
    /// If it cannot be read, is too long, or other users may read or change it.
    pub fn load(&self) -> Result<Loaded, FileError> {
        Ok(match read_private(&self.path, MAX_FILE)? {
            Some(bytes) => parse(&bytes),
            None => Loaded::default(),
        })
    }

    /// Writes a library, and what another viewer has written meanwhile as far as there is
    /// room; then forgets the servers that were not seen for the longest time.
    ///
    /// # Errors
    ///
    /// If it cannot be written. What was there is whole then.
    pub fn save(&self, library: &Library) -> Result<(), FileError> {
        let mut library = library.clone();
        // What cannot be read is replaced.
        if let Ok(loaded) = self.load() {
            library.add_all(&loaded.library);
        }
        if let Some(dir) = self.path.parent() {
            create_private_dir(dir)?;
            replace_private(&self.path, &bytes(&library))?;
            prune(dir);
        }
        Ok(())
    }

    /// Forgets the server.
    pub fn forget(&self) {
        // If it cannot be removed, nor could it be replaced.
        let _ = std::fs::remove_file(&self.path);
    }
}

fn bytes(library: &Library) -> Vec<u8> {
    let mut out = Writer::new();
    out.raw(MAGIC);
    out.u32(VERSION);
    let mut entry = |hash: ContentHash, command: DrawCommand| {
        let mut bytes = Writer::new();
        command.encode(&mut bytes);
        // As large as this, it would be passed over when it is read.
        if (out.len() + 12 + bytes.len()) as u64 <= MAX_FILE {
            out.u32(bytes.len() as u32);
            out.u64(hash.0);
            out.raw(bytes.as_slice());
        }
    };
    for shape in library.glyphs() {
        let define = GlyphDefine {
            slot: GlyphSlot(0),
            coverage: (**shape).clone(),
            bearing: Point::default(),
            advance: 0,
        };
        entry(glyph_hash(shape), define.into());
    }
    let mut encoder = Encoder::default();
    for tile in library.tiles() {
        let mut payload = Vec::new();
        encoder.encode(tile.view(), Effort::Balanced, &mut payload);
        entry(tile_hash(tile.view()), TileDefine { slot: TileSlot(0), size: tile.size(), payload }.into());
    }
    out.finish()
}

fn parse(bytes: &[u8]) -> Loaded {
    let mut loaded = Loaded::default();
    let r = &mut Reader::new(bytes);
    if r.take(MAGIC.len(), "magic") != Ok(MAGIC) || r.u32("version") != Ok(VERSION) {
        loaded.damage = Some("it is no library of this version");
        return loaded;
    }
    let mut canvas = Canvas::new();
    for _ in 0..MAX_READ {
        if r.is_empty() {
            return loaded;
        }
        let entry =
            r.u32("length").and_then(|length| Ok((r.u64("hash")?, r.take(length as usize, "command")?)));
        let Ok((hash, command)) = entry else {
            loaded.damage = Some("it is cut off");
            return loaded;
        };
        if add(command, ContentHash(hash), &mut canvas, &mut loaded.library).is_none() {
            loaded.damage = Some("an entry is not what it was");
        }
    }
    if !r.is_empty() {
        loaded.damage = Some("it is longer than it may be");
    }
    loaded
}

/// Adds what a command defines, if it has this hash.
fn add(command: &[u8], hash: ContentHash, canvas: &mut Canvas, library: &mut Library) -> Option<()> {
    let r = &mut Reader::new(command);
    let command = DrawCommand::decode(r).ok().filter(|_| r.is_empty())?;
    if !matches!(command, DrawCommand::GlyphDefine(_) | DrawCommand::TileDefine(_)) {
        return None;
    }
    canvas.apply(&command).ok()?;
    match &command {
        DrawCommand::GlyphDefine(define) => {
            let shape = &canvas.glyph(define.slot)?.coverage;
            (glyph_hash(shape) == hash).then(|| library.add_glyph(shape.clone().into()))
        }
        DrawCommand::TileDefine(define) => {
            let tile = canvas.tile(define.slot)?;
            (tile_hash(tile.view()) == hash).then(|| library.add_tile(tile.clone()))
        }
        _ => None,
    }
}

/// Removes the oldest files beyond [`MAX_SERVERS`], and with them what a viewer that was
/// interrupted while it wrote has left.
fn prune(dir: &Path) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    let mut files: Vec<(SystemTime, PathBuf)> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            Some((entry.metadata().ok()?.modified().ok()?, entry.path()))
        })
        .collect();
    files.sort();
    let extra = files.len().saturating_sub(MAX_SERVERS);
    for (_, path) in files.drain(..extra) {
        let _ = std::fs::remove_file(path);
    }
}

#[cfg(test)]
mod tests;
