//! Files that are whole, cut off, damaged, forged, open to others, and written by two at once.

use std::collections::HashSet;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::sync::Arc;
use std::time::Duration;

use panto_protocol::draw::{Coverage, SurfaceId};
use panto_protocol::geometry::{Rect, Size};
use panto_protocol::pixel::Picture;
use tempfile::TempDir;

use super::*;

fn shape(seed: u32, kind: u32) -> Coverage {
    let size = Size::new(9 + seed % 3, 26);
    let subpixel = kind == 2;
    let samples = size.area() as u32 * if subpixel { 3 } else { 1 };
    let level = |i: u32| (i.wrapping_mul(seed * 6 + 77) >> 3) as u8;
    let mask = (0..samples).map(|i| if kind == 0 { (level(i) >> 7) * 255 } else { level(i) }).collect();
    Coverage { size, subpixel, mask }
}

fn tile(seed: u32) -> Picture {
    let mut tile = Picture::new(Size::new(30, 10), seed);
    for (i, p) in tile.data_mut().iter_mut().enumerate() {
        *p = (i as u32).wrapping_mul(seed * 2 + 1).wrapping_mul(0x9e37_79b9) >> 8 & 0x00c0_c0ff;
    }
    tile
}

fn library(seeds: std::ops::Range<u32>) -> Library {
    let mut library = Library::default();
    for seed in seeds {
        library.add_glyph(shape(seed, seed % 3).into());
        library.add_tile(tile(seed).into());
    }
    library
}

fn contents(library: &Library) -> HashSet<ContentHash> {
    let glyphs = library.glyphs().map(|shape| glyph_hash(shape));
    glyphs.chain(library.tiles().map(|tile| tile_hash(tile.view()))).collect()
}

fn file(dir: &TempDir) -> LibraryFile {
    LibraryStore::at(dir.path().join("deep/libraries")).of(&ServerIdentity::Address("there:1".into()))
}

#[test]
fn what_is_saved_is_loaded_and_nobody_elses() {
    let dir = TempDir::new().unwrap();
    let file = file(&dir);
    assert!(file.load().unwrap().library.is_empty());
    let saved = library(0..20);
    file.save(&saved).unwrap();
    let loaded = file.load().unwrap();
    assert_eq!(loaded.damage, None);
    assert_eq!(loaded.library.offer(), saved.offer(), "in the same order");
    assert!(loaded.library.glyphs().eq(saved.glyphs()) && loaded.library.tiles().eq(saved.tiles()));
    assert_eq!(fs::metadata(file.path()).unwrap().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(file.path().parent().unwrap()).unwrap().mode() & 0o777, 0o700);
    file.forget();
    assert!(file.load().unwrap().library.is_empty());
}

#[test]
fn every_server_has_a_file_of_its_own() {
    let store = LibraryStore::at("libraries");
    let key = |n| ServerIdentity::Key(Fingerprint::from_digest([n; 32]));
    let names: HashSet<PathBuf> = [
        key(1),
        key(2),
        ServerIdentity::Address("a:1".into()),
        ServerIdentity::Address("../../a".into()),
        ServerIdentity::Address("a/".repeat(500)),
    ]
    .iter()
    .map(|server| store.of(server).path)
    .collect();
    assert_eq!(names.len(), 5);
    for name in &names {
        assert_eq!(name.parent(), Some(Path::new("libraries")));
        assert!(name.file_name().unwrap().len() < 100);
    }
}

#[test]
fn a_file_cut_off_anywhere_is_used_as_far_as_it_goes() {
    let whole = library(0..4);
    let bytes = bytes(&whole);
    let (all, mut most) = (contents(&whole), 0);
    for end in 0..bytes.len() {
        let loaded = parse(&bytes[..end]);
        let got = contents(&loaded.library);
        assert!(got.is_subset(&all) && got.len() >= most, "{end}");
        assert!(got.len() < all.len());
        most = got.len();
    }
    assert_eq!(most, all.len() - 1);
    assert!(parse(&bytes[..bytes.len() - 1]).damage.is_some());
    assert_eq!(parse(&[&bytes[..], b"more"].concat()).damage, Some("it is cut off"));
}

#[test]
fn flipped_bits_never_give_other_content_under_an_old_hash() {
    let whole = library(0..4);
    let bytes = bytes(&whole);
    let all = contents(&whole);
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (at % 8);
        let loaded = parse(&flipped);
        let got = contents(&loaded.library);
        assert!(got.is_subset(&all), "{at}: a flip made something up");
        assert!(got.len() == all.len() || loaded.damage.is_some(), "{at}: a loss that is not told");
    }
}

#[test]
fn another_version_is_as_good_as_none() {
    let mut bytes = bytes(&library(0..2));
    bytes[8] = 2;
    let loaded = parse(&bytes);
    assert!(loaded.library.is_empty() && loaded.damage.is_some());
    assert!(parse(b"").library.is_empty() && parse(b"PantoLi").damage.is_some());
}

#[test]
fn commands_that_define_nothing_are_passed_over() {
    let mut bytes = bytes(&library(0..1));
    let whole = parse(&bytes).library;
    for command in [
        DrawCommand::from(panto_protocol::draw::SurfaceResize {
            id: SurfaceId::SCREEN,
            size: Size::new(9, 9),
        }),
        panto_protocol::draw::TileCapture {
            slot: TileSlot(0),
            surface: SurfaceId::SCREEN,
            rect: Rect::new(0, 0, 1, 1),
        }
        .into(),
    ] {
        let mut out = Writer::new();
        command.encode(&mut out);
        bytes.extend((out.len() as u32).to_le_bytes());
        bytes.extend(tile_hash(tile(0).view()).0.to_le_bytes());
        bytes.extend(out.finish());
    }
    let loaded = parse(&bytes);
    assert_eq!(contents(&loaded.library), contents(&whole));
    assert!(loaded.damage.is_some());
}

#[test]
fn a_file_of_endless_entries_takes_bounded_memory_and_time() {
    let mut bytes = bytes(&Library::default());
    let mut encoder = Encoder::default();
    for seed in 0..6000 {
        let bomb = Picture::new(Size::new(256, 256), seed);
        let mut payload = Vec::new();
        encoder.encode(bomb.view(), Effort::Fast, &mut payload);
        // Its hash takes longest to make; only the first few are looked at with the right one.
        let hash = if seed < 300 { tile_hash(bomb.view()) } else { ContentHash(0) };
        let mut out = Writer::new();
        DrawCommand::from(TileDefine { slot: TileSlot(0), size: bomb.size(), payload }).encode(&mut out);
        bytes.extend((out.len() as u32).to_le_bytes());
        bytes.extend(hash.0.to_le_bytes());
        bytes.extend(out.finish());
    }
    let loaded = parse(&bytes);
    assert_eq!(loaded.library.tiles().count(), super::super::MAX_BYTES / (256 * 256 * 4));
    assert_eq!(loaded.damage, Some("it is longer than it may be"));
}

#[test]
fn a_file_that_others_may_touch_is_not_read_but_replaced() {
    let dir = TempDir::new().unwrap();
    let file = file(&dir);
    file.save(&library(0..2)).unwrap();
    for mode in [0o604, 0o640, 0o602, 0o620] {
        fs::set_permissions(file.path(), Permissions::from_mode(mode)).unwrap();
        assert!(matches!(file.load(), Err(FileError::TooOpen { .. })), "{mode:o}");
    }
    file.save(&library(5..6)).unwrap();
    assert_eq!(contents(&file.load().unwrap().library), contents(&library(5..6)));
}

#[test]
fn what_cannot_be_written_is_told() {
    let dir = TempDir::new().unwrap();
    let in_the_way = dir.path().join("file");
    fs::write(&in_the_way, "x").unwrap();
    let file = LibraryStore::at(in_the_way.join("libraries")).of(&ServerIdentity::Address("a".into()));
    let said = file.save(&library(0..1)).unwrap_err().to_string();
    assert!(said.starts_with("cannot create"), "{said}");
}

#[test]
fn two_viewers_of_one_server_lose_nothing_of_each_other() {
    let dir = TempDir::new().unwrap();
    let file = file(&dir);
    file.save(&library(0..3)).unwrap();
    file.save(&library(3..5)).unwrap();
    assert_eq!(contents(&file.load().unwrap().library), contents(&library(0..5)));
    assert_eq!(file.load().unwrap().library.offer().glyphs[0], glyph_hash(&shape(3, 0)), "the newest first");
}

#[test]
fn whoever_reads_while_others_write_reads_something_whole() {
    let dir = TempDir::new().unwrap();
    let file = Arc::new(file(&dir));
    file.save(&library(0..3)).unwrap();
    std::thread::scope(|scope| {
        for writer in 1..4 {
            let file = Arc::clone(&file);
            scope.spawn(move || (0..10).for_each(|_| file.save(&library(0..3 + writer)).unwrap()));
        }
        for _ in 0..100 {
            let loaded = file.load().unwrap();
            assert_eq!(loaded.damage, None);
            assert!(contents(&loaded.library).is_superset(&contents(&library(0..3))));
        }
    });
    assert!(contents(&file.load().unwrap().library).is_superset(&contents(&library(0..4))));
    assert_eq!(fs::read_dir(file.path().parent().unwrap()).unwrap().count(), 1, "no temporary file is left");
}

#[test]
fn the_server_not_seen_for_the_longest_time_is_forgotten() {
    let dir = TempDir::new().unwrap();
    let store = LibraryStore::at(dir.path());
    let of = |n: usize| store.of(&ServerIdentity::Address(format!("host{n}")));
    for n in 0..MAX_SERVERS {
        of(n).save(&library(0..1)).unwrap();
        let age = Duration::from_secs(1000 - n as u64);
        File::options()
            .write(true)
            .open(of(n).path())
            .unwrap()
            .set_modified(SystemTime::now() - age)
            .unwrap();
    }
    of(MAX_SERVERS).save(&library(0..1)).unwrap();
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), MAX_SERVERS);
    assert!(!of(0).path().exists() && of(1).path().exists() && of(MAX_SERVERS).path().exists());
}
