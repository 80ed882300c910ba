//! Replays the stored corpus through the oracles that the fuzz targets call.
//!
//! `PANTO_WRITE_CORPUS=1 cargo test -p panto-protocol --test corpus` writes the
//! seeds anew. A finding of a fuzzer is added beside them as `found-WHAT`.

mod seeds;

use std::fs;
use std::path::PathBuf;
use std::sync::Once;

use panto_protocol::oracle;

/// Bytes that the whole corpus may take.
const MAX_CORPUS: usize = 500_000;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../assets/corpus")
}

#[test]
fn the_corpus_keeps_every_promise() {
    ready();
    let mut total = 0;
    for (name, oracle) in oracle::ALL {
        let mut files: Vec<_> = fs::read_dir(folder().join(name))
            .unwrap_or_else(|error| panic!("corpus of {name}: {error}"))
            .map(|entry| entry.expect("a directory entry").path())
            .collect();
        files.sort();
        assert!(files.len() >= 10, "{name} has only {} files", files.len());
        for file in files {
            let bytes = fs::read(&file).expect("a readable file");
            total += bytes.len();
            // Named in the output when the oracle panics.
            println!("{}", file.display());
            oracle(&bytes);
        }
    }
    assert!(total < MAX_CORPUS, "{total} bytes");
}

/// Contents are not compared: a newer compressor may spell a seed otherwise.
#[test]
fn every_seed_is_stored() {
    ready();
    for (target, name, _) in seeds::all() {
        let stored = folder().join(target).join(&name).exists();
        assert!(stored, "{target}/{name} is missing: run with PANTO_WRITE_CORPUS=1");
    }
}

/// Every seed cut short and with single bits flipped: what a fuzzer tries first.
#[test]
fn seeds_cut_and_flipped() {
    for (target, _, bytes) in seeds::all() {
        let (_, oracle) = oracle::ALL.into_iter().find(|(name, _)| *name == target).expect("an oracle");
        let step = (bytes.len() / 24).max(1);
        for at in (0..bytes.len()).step_by(step) {
            oracle(&bytes[..at]);
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << (at % 8);
            oracle(&flipped);
        }
    }
}

/// Writes the corpus once, before any test reads it, if that was asked for.
fn ready() {
    static WRITTEN: Once = Once::new();
    WRITTEN.call_once(|| {
        if std::env::var_os("PANTO_WRITE_CORPUS").is_none() {
            return;
        }
        for (target, name, bytes) in seeds::all() {
            let folder = folder().join(target);
            fs::create_dir_all(&folder).expect("a corpus folder");
            fs::write(folder.join(name), bytes).expect("a writable corpus");
        }
    });
}
