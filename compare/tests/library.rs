//! Sessions of viewers that have kept glyphs and tiles of an earlier one: fewer bytes, the
//! same pictures, whatever became of what they kept.

use std::path::Path;
use std::sync::Arc;

use panto_compare::run::{Outcome, RunOptions, run};
use panto_compare::workload::Workload;
use panto_protocol::draw::Coverage;
use panto_protocol::message::{Mode, Settings, Wire};
use panto_viewer::core::{Library, LibraryStore, ServerIdentity};

fn work(name: &str) -> Workload {
    let traces = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/traces");
    Workload::trace(&traces.join(name).with_extension("trace")).unwrap()
}

fn view(work: &Workload, wire: Wire, library: Option<Library>) -> Outcome {
    let settings = Settings { mode: Mode::Commands, wire, ..Settings::default() };
    let options = RunOptions { settings, library, link: "cable".parse().unwrap(), ..RunOptions::default() };
    let outcome = run(work, &options, &mut |_| true);
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert_eq!(outcome.figures.exact, Some(true));
    outcome
}

/// Recalls of glyphs and of tiles, in bytes.
fn recalled(outcome: &Outcome) -> [u64; 2] {
    let bytes = |kind: &str| outcome.figures.payload_bytes_by_kind.get(kind).copied().unwrap_or(0);
    [bytes("GlyphRecall"), bytes("TileRecall")]
}

#[test]
fn a_second_session_costs_fewer_bytes_and_shows_the_same() {
    for (name, percent) in [("typing", 75), ("xft", 90), ("gtk", 90)] {
        let work = work(name);
        let without = view(&work, Wire::Coded, None);
        let cold = view(&work, Wire::Coded, Some(Library::default()));
        let bytes = |outcome: &Outcome| outcome.figures.bytes_over_time.clone();
        assert!(bytes(&cold) == bytes(&without), "an empty library changes nothing");
        let warm = view(&work, Wire::Coded, cold.library.clone());
        let (before, now) = (cold.figures.bytes_down, warm.figures.bytes_down);
        println!("{name}: {before} bytes cold, {now} warm");
        assert!(now * 100 < before * percent, "{name}: {now} of {before} bytes");
        assert!(warm.figures.first_picture_bytes < cold.figures.first_picture_bytes);
        assert!(recalled(&warm)[0] > 0);
        assert_eq!((&warm.picture, &warm.figures.digest), (&cold.picture, &cold.figures.digest));
        assert_eq!(view(&work, Wire::Coded, cold.library).figures.bytes_down, now, "the same in every run");
    }
}

#[test]
fn tiles_are_recalled_in_plain_frames_too() {
    let work = work("gtk");
    let cold = view(&work, Wire::Plain, Some(Library::default()));
    let warm = view(&work, Wire::Plain, cold.library);
    assert!(recalled(&warm)[1] > 0);
    assert!(warm.figures.bytes_down < cold.figures.bytes_down);
}

/// A viewer whose disk was tampered with. Entries that lie of what they are, content of one
/// under the hash of another, cannot be: what is offered is the hash of what was read, and
/// what was read is what is recalled (the store's own tests show that such a file loses its
/// entries). What is left to whoever writes that file is to change what is offered.
#[test]
fn a_poisoned_library_is_harmless() {
    let work = work("gtk");
    let cold = view(&work, Wire::Coded, Some(Library::default()));
    let kept = cold.library.clone().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let file = LibraryStore::at(dir.path()).of(&ServerIdentity::Address("there".into()));
    let through_disk = |library: &Library| {
        file.forget();
        file.save(library).unwrap();
        let loaded = file.load().unwrap();
        assert_eq!(loaded.damage, None);
        loaded.library
    };

    // Every entry replaced by another that is valid: as large, of other pixels.
    let mut other = Library::default();
    for shape in kept.glyphs() {
        let mask = shape.mask.iter().map(|m| m ^ 0x55).collect();
        other.add_glyph(Arc::new(Coverage { mask, ..(**shape).clone() }));
    }
    for tile in kept.tiles() {
        let mut tile = (**tile).clone();
        tile.data_mut().iter_mut().for_each(|p| *p ^= 0x0055_aa55);
        other.add_tile(tile.into());
    }
    // Every other one gone, the rest in another order, and forged ones behind them.
    let mut mixed = Library::default();
    let (glyphs, tiles): (Vec<_>, Vec<_>) = (kept.glyphs().collect(), kept.tiles().collect());
    for (i, shape) in glyphs.iter().enumerate().rev() {
        if i % 2 == 0 {
            mixed.add_glyph(Arc::clone(shape));
        }
    }
    for (i, tile) in tiles.iter().enumerate().rev() {
        if i % 2 == 0 {
            mixed.add_tile(Arc::clone(tile));
        }
    }
    mixed.add_all(&other);
    for (library, hits) in [(other, false), (mixed, true)] {
        assert!(!library.is_empty());
        let warm = view(&work, Wire::Coded, Some(through_disk(&library)));
        assert_eq!(warm.picture, cold.picture);
        assert_eq!(recalled(&warm)[0] > 0, hits, "{:?}", recalled(&warm));
    }
}

#[test]
fn what_another_work_has_left_costs_nothing_but_its_offer() {
    let left = view(&work("gtk"), Wire::Coded, Some(Library::default())).library;
    let xft = work("xft");
    let (cold, warm) = (view(&xft, Wire::Coded, None), view(&xft, Wire::Coded, left));
    assert_eq!(warm.picture, cold.picture);
    assert!(warm.figures.bytes_down <= cold.figures.bytes_down + 200);
    assert!(warm.figures.bytes_up <= cold.figures.bytes_up + 4096);
}
