//! Plays traces and tells how much of what changes is read as text, and what it would cost.
//!
//!     cargo run -p panto-server --example text_trace -- assets/traces/terminal.trace
//!
//! Bits are estimated: 7 a known glyph, 40 and half a bit (antialiased: 1.5) a pixel a new
//! shape, 40 an area.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use panto_protocol::geometry::Region;
use panto_protocol::pixel::{Picture, blend};
use panto_protocol::time::Micros;
use panto_server::infer::text::{TextArea, TextFinder};
use panto_server::infer::{Motion, solid_areas};
use panto_server::plan::differences;
use panto_server::trace::{Player, TraceError};

fn paint(picture: &mut Picture, area: &TextArea) {
    picture.fill(area.rect, area.background);
    for run in &area.runs {
        for g in &run.glyphs {
            let (w, n) = (g.shape.size.width as usize, if g.shape.subpixel { 3 } else { 1 });
            for (i, m) in g.shape.mask.chunks_exact(n).enumerate() {
                let (x, y) = (g.at.x + (i % w) as i32, g.at.y + (i / w) as i32);
                let p = &mut picture.row_mut(y, x, x + 1)[0];
                let by = |i: usize| blend(run.color, *p, m[i.min(m.len() - 1)]);
                *p = by(0) & 0xff | by(1) & 0xff00_ff00 | by(2) & 0xff_0000;
            }
        }
    }
}

fn run(path: &Path, dump: Option<&str>) -> Result<(), TraceError> {
    let (mut player, mut scene) = Player::open(path)?;
    let mut shadow = Picture::new(scene.canvas().screen().size(), 0);
    let (mut motion, mut finder) = (Motion::default(), TextFinder::new());
    let mut known = HashSet::new();
    let (mut changed, mut covered, mut glyphs, mut bits, mut new_bits, mut areas, mut updates) =
        (0u64, 0u64, 0u64, 0u64, 0u64, 0u64, 0u64);
    let (mut time, mut longest) = (Duration::ZERO, Duration::ZERO);
    let mut now = Micros::ZERO;
    let mut copies = 0;
    loop {
        let target = scene.canvas().screen();
        let whole: Region = target.bounds().into();
        let mut rects = differences(&target, &shadow, &whole);
        let moves = motion.find(&shadow, &target, &rects.iter().copied().collect(), 128);
        let old = shadow.clone();
        for m in &moves {
            shadow.blit(m.to, old.crop(m.from));
        }
        if std::env::var("WHOLE").is_ok() && !moves.is_empty() {
            let count = |s: &Picture| s.data().iter().zip(target.data()).filter(|(a, b)| a != b).count();
            let vector = |m: &panto_server::infer::Moved| (m.to.x - m.from.left, m.to.y - m.from.top);
            let mut vectors: Vec<(i32, i32)> = moves.iter().map(vector).collect();
            vectors.sort();
            vectors.dedup();
            let mut whole = old.clone();
            for v in &vectors {
                let from = moves
                    .iter()
                    .filter(|m| vector(m) == *v)
                    .fold(panto_protocol::geometry::Rect::default(), |a, m| a.union(&m.from));
                whole.blit(from.offset(v.0, v.1).origin(), old.crop(from));
            }
            copies += if count(&whole) <= count(&shadow) * 11 / 10 {
                shadow = whole;
                vectors.len()
            } else {
                moves.len()
            };
        } else {
            copies += moves.len();
        }
        for (rect, color) in rects.iter().flat_map(|&r| solid_areas(&target, r)) {
            shadow.fill(rect, color);
        }
        if !rects.is_empty() {
            rects = differences(&target, &shadow, &whole);
        }
        if !rects.is_empty() {
            let different = |shadow: &Picture| {
                shadow.data().iter().zip(target.data()).filter(|(a, b)| a != b).count() as u64
            };
            let before = different(&shadow);
            let begun = Instant::now();
            let found = finder.find(&target, &shadow, &rects);
            let took = begun.elapsed();
            (time, longest) = (time + took, longest.max(took));
            updates += 1;
            if dump == Some("areas") {
                println!("{} ms: {} moves, {} rects {rects:?}", now.0 / 1000, moves.len(), rects.len());
                for a in &found {
                    println!(
                        "   {:?} {:06x} {:?}",
                        a.rect,
                        a.background,
                        a.runs.iter().map(|r| (r.color, r.glyphs.len())).collect::<Vec<_>>()
                    );
                }
            }
            for (i, area) in found.iter().enumerate() {
                assert!(found[..i].iter().all(|a| !a.rect.intersects(&area.rect)), "areas overlap");
                paint(&mut shadow, area);
                assert!(shadow.crop(area.rect).rows().eq(target.crop(area.rect).rows()), "not exact");
                areas += 1;
                bits += 40;
                for g in area.runs.iter().flat_map(|r| &r.glyphs) {
                    glyphs += 1;
                    bits += 7;
                    if known.insert(g.shape.clone()) {
                        let flat = g.shape.mask.iter().all(|&m| m == 0 || m == 255);
                        let cost = 40 + g.shape.mask.len() as u64 * if flat { 1 } else { 3 } / 2;
                        bits += cost;
                        new_bits += cost;
                    }
                }
            }
            let left = different(&shadow);
            changed += before;
            covered += before - left;
            if dump == Some("left") && left > 0 {
                println!("{} ms: {left} of {before} left", now.0 / 1000);
                for r in differences(&target, &shadow, &whole).iter().take(6) {
                    println!("   {},{} {}x{}", r.left, r.top, r.width(), r.height());
                    if std::env::var("PIX").is_ok() {
                        for y in r.top..r.bottom.min(r.top + 24) {
                            let l: Vec<String> = target
                                .row(y, r.left, r.right.min(r.left + 24))
                                .iter()
                                .map(|p| {
                                    if *p & 0xff == *p >> 8 & 0xff && *p & 0xff == *p >> 16 {
                                        format!("    {:02x}", p & 0xff)
                                    } else {
                                        format!("{p:06x}")
                                    }
                                })
                                .collect();
                            println!("{}", l.join(" "));
                        }
                    }
                }
            }
            if dump == Some("shapes") {
                println!("{} ms: {} shapes, {} glyphs {} areas", now.0 / 1000, known.len(), glyphs, areas);
            }
            shadow = target;
        }
        let Some(next) = player.next_at() else { break };
        now = next.max(Micros(now.0 + 33_333));
        player.advance(&mut scene, now, |_, _| ())?;
    }
    println!(
        "{}: {updates} updates, {copies} copies, covered {:.1} % of {changed} pixels, {areas} areas, {glyphs} glyphs, {} shapes ({} B), {} B in all; find {:.2} ms mean, {:.2} ms longest",
        path.file_stem().unwrap_or_default().display(),
        covered as f64 * 100.0 / changed.max(1) as f64,
        known.len(),
        new_bits / 8,
        bits / 8,
        time.as_secs_f64() * 1e3 / updates.max(1) as f64,
        longest.as_secs_f64() * 1e3,
    );
    if dump == Some("all") {
        let mut all: Vec<_> = known.into_iter().collect();
        all.sort_by_key(|s| (s.size.height, s.size.width));
        for s in all {
            println!("{}x{} {}", s.size.width, s.size.height, s.subpixel);
            for row in s.mask.chunks(s.row_bytes()) {
                let line: String =
                    row.iter().map(|m| b" .:-=+*#%@"[usize::from(*m) * 9 / 255] as char).collect();
                println!("  |{line}|");
            }
        }
    }
    Ok(())
}

fn main() -> Result<(), TraceError> {
    let dump = std::env::var("DUMP").ok();
    for path in std::env::args().skip(1).map(PathBuf::from) {
        run(&path, dump.as_deref())?;
    }
    Ok(())
}
