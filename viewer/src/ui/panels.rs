//! How the panels over the picture look. When they are shown is the overlay's affair.

use panto_protocol::geometry::Size;
use panto_protocol::message::{Mode, Settings};
use panto_protocol::pixel::{Color, Picture};

use super::draw::{Painter, color, text_width, wrap};
use super::meter::Meter;
use super::shortcuts::{Action, PREFIX, SHORTCUTS};
use crate::core::Means;
use crate::stats::Stats;

/// Space between a panel's edge and its content.
const PAD: i32 = 12;

/// From one line of text to the next.
const LINE: i32 = 19;

/// Width of the statistics' content: 55 characters.
const STATISTICS_WIDTH: i32 = 440;

/// Width of each of its two columns of kinds: the square, 12 characters of the name, 5 of the
/// share and 8 of the bytes, all at their longest.
const KIND_WIDTH: i32 = 14 + 25 * 8;

/// What the statistics panel shows beside the figures.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts<'a> {
    pub(super) settings: Settings,
    pub(super) screen: Size,
    pub(super) stats: &'a Stats,
    /// Which library presents.
    pub(super) renderer: &'a str,
}

/// The statistics: three lines, and the rest if `full`.
pub(super) fn statistics(facts: Facts<'_>, meter: &Meter, full: bool, unit: u32) -> Picture {
    let Facts { settings, screen, stats, renderer } = facts;
    let kinds = shares(stats);
    let right = PAD + STATISTICS_WIDTH;
    let rows = rows(stats, meter, renderer);
    let extra = if full { 96 + LINE * (kinds.len().div_ceil(2) + rows.len()) as i32 } else { 0 };
    let mut p = Painter::panel(STATISTICS_WIDTH + 2 * PAD, 3 * LINE + 2 * PAD - 3 + extra, unit);
    let mut y = PAD;

    let mode = settings.mode;
    p.fill(PAD, y + 3, 10, 10, mode_color(mode));
    p.text(PAD + 18, y, mode.name(), mode_color(mode));
    // In `auto` the figures know what was chosen.
    let chosen = match stats.mode.as_str() {
        "" => String::new(),
        chosen if chosen == mode.name() => String::new(),
        chosen => format!("({chosen}) "),
    };
    let sent = format!("{chosen}{} bit, 1:{}", settings.depth.bits(), settings.scale.divisor());
    p.text(PAD + 18 + text_width(mode.name()) + 8, y, &sent, color::TEXT);
    p.text_right(right, y, &format!("{} x {}", screen.width, screen.height), color::LABEL);
    y += LINE;

    p.text(PAD, y, "input to pixel", color::LABEL);
    match stats.input_to_pixel_ms {
        Some(l) => {
            let text = format!("{} / {} ms", brief(l.p50), brief(l.p95));
            p.text(PAD + 128, y, &text, latency_color(l.p50));
        }
        None => p.text(PAD + 128, y, "no input yet", color::LABEL),
    }
    if let Some(rtt) = stats.rtt_ms {
        p.text_right(right, y, &format!("rtt {} ms", brief(rtt)), color::LABEL);
    }
    y += LINE;

    p.text(PAD, y, &bits(meter.bits_per_second()), color::TEXT);
    p.text(PAD + 128, y, &format!("peak {}", bits(meter.peak())), color::LABEL);
    let (verdict, verdict_color) = verdict(stats, settings);
    p.text_right(right, y, &verdict, verdict_color);
    y += LINE;
    if !full {
        return p.finish();
    }

    y += 4;
    history(&mut p, PAD, y, STATISTICS_WIDTH, 44, meter, mode_color(mode));
    y += 44 + 10;
    bar(&mut p, PAD, y, STATISTICS_WIDTH, &kinds);
    y += 10 + 8;
    for pair in kinds.chunks(2) {
        for (kind, x) in pair.iter().zip([PAD, right - KIND_WIDTH]) {
            p.fill(x, y + 4, 8, 8, kind.color);
            p.text(x + 14, y, &kind.text(), color::TEXT);
            p.text_right(x + KIND_WIDTH, y, &bytes(kind.bytes), color::LABEL);
        }
        y += LINE;
    }
    y += 6;
    p.fill(PAD, y, STATISTICS_WIDTH, 1, color::LINE);
    y += 8;
    for (left_label, left_value, right_label, right_value) in rows {
        p.text(PAD, y, left_label, color::LABEL);
        p.text(PAD + 92, y, &left_value, color::TEXT);
        p.text(PAD + STATISTICS_WIDTH / 2 + 4, y, right_label, color::LABEL);
        p.text_right(right, y, &right_value, color::TEXT);
        y += LINE;
    }
    p.finish()
}

/// Width of the legend's content: 43 characters.
const LEGEND_WIDTH: i32 = 344;

/// What the tints of an explained picture mean, and what each way of sending has cost.
pub(super) fn legend(stats: &Stats, meter: &Meter, unit: u32) -> Picture {
    let entries = entries(stats);
    let lines = entries.len() as i32 + 1;
    let mut p = Painter::panel(LEGEND_WIDTH + 2 * PAD, lines * LINE + 2 * PAD + 5, unit);
    let right = PAD + LEGEND_WIDTH;
    let mut y = PAD;
    p.text(PAD, y, "last sent as", color::LABEL);
    p.text_right(right - 72, y, "so far", color::LABEL);
    p.text_right(right, y, "a second", color::LABEL);
    y += LINE + 4;
    p.fill(PAD, y - 3, LEGEND_WIDTH, 1, color::LINE);
    for (means, so_far) in entries {
        if let Some(tint) = means.color() {
            p.fill(PAD, y + 2, 12, 12, tint);
        }
        p.text(PAD + 20, y, means.about(), color::TEXT);
        p.text_right(right - 72, y, &bytes(so_far), color::TEXT);
        p.text_right(right, y, &bytes(meter.bytes_per_second(means)), color::LABEL);
        y += LINE;
    }
    p.finish()
}

/// What the legend lists, and its bytes so far: ways that nothing was sent by have no tint
/// in the picture either (pixels are palettes only in plain frames).
fn entries(stats: &Stats) -> Vec<(Means, u64)> {
    let bytes = |means: Means| stats.payload_bytes_by_means.get(means.name()).copied().unwrap_or(0);
    Means::ALL.into_iter().map(|means| (means, bytes(means))).filter(|entry| entry.1 > 0).collect()
}

/// Whether the shown picture is the screen: what digests, settings and `exact_share` say of it.
fn verdict(stats: &Stats, settings: Settings) -> (String, Color) {
    match (stats.digests_wrong, stats.exact_share) {
        (1.., _) => ("PICTURE DIFFERS".into(), color::BAD),
        // Rounded down: 100 % is what is exact.
        (0, Some(share)) if share < 1.0 => (format!("exact {:.0} %", (share * 100.0).floor()), color::WARN),
        (0, _) if settings.is_lossless() => ("lossless".into(), color::GOOD),
        (0, _) => ("reduced".into(), color::WARN),
    }
}

/// A line of two figures: label and value, twice.
type Row = (&'static str, String, &'static str, String);

/// The lines of the full statistics, under the names of METRICS.md.
fn rows(stats: &Stats, meter: &Meter, renderer: &str) -> Vec<Row> {
    let ms = |value: f64| format!("{} ms", brief(value));
    let server_cpu = meter.server_cpu().map_or("-".to_owned(), |c| format!("{c:.0}%"));
    let frames = format!("{}, {:.0}/s", stats.frames, meter.frames_per_second());
    let first_picture = stats.first_picture_ms.map_or("-".to_owned(), ms);
    let mut rows = vec![
        ("received", bytes(stats.bytes_down), "sent", bytes(stats.bytes_up)),
        ("frames", frames, "updates", stats.updates.to_string()),
        ("server cpu", server_cpu, "viewer cpu", format!("{:.0}%", meter.viewer_cpu())),
        ("digests ok", stats.digests_ok.to_string(), "shown by", clip(renderer, 14)),
        ("1st pict.", first_picture, "reconnects", stats.reconnects.to_string()),
    ];
    if let Some(s) = stats.latency_stages_ms {
        rows.extend([
            ("network", ms(s.network), "capture", ms(s.capture)),
            ("encode", ms(s.encode), "queue", ms(s.queue)),
            ("decode", ms(s.decode), "paint", ms(s.paint)),
        ]);
    }
    rows
}

/// What the menu shows beside its items.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct MenuState {
    pub(super) server: String,
    pub(super) mode: Mode,
    pub(super) statistics: bool,
    pub(super) explained: bool,
    pub(super) full_screen: bool,
    pub(super) view_only: bool,
    /// The item under the pointer or chosen by the arrow keys.
    pub(super) chosen: Option<usize>,
}

const MENU_WIDTH: i32 = 336;
const MENU_TOP: i32 = PAD + 34;
const MENU_LINE: i32 = 24;

/// The menu's items from `first` to `last` (in [`SHORTCUTS`]) stand in one group.
const MENU_GROUPS: [usize; 3] = [4, 9, 12];

/// The menu.
pub(super) fn menu(state: &MenuState, unit: u32) -> Picture {
    let height = menu_item_top(SHORTCUTS.len()) + 11 + LINE * 2 + PAD;
    let mut p = Painter::panel(MENU_WIDTH, height, unit);
    let right = MENU_WIDTH - PAD;
    p.text(PAD + 2, PAD, "Panto", color::ACCENT);
    p.text_right(right, PAD, &clip(&state.server, 30), color::LABEL);
    p.fill(PAD, PAD + 24, MENU_WIDTH - 2 * PAD, 1, color::LINE);
    for (i, item) in SHORTCUTS.iter().enumerate() {
        let y = menu_item_top(i);
        if MENU_GROUPS.contains(&i) {
            p.fill(PAD, y - 5, MENU_WIDTH - 2 * PAD, 1, color::LINE);
        }
        if state.chosen == Some(i) {
            p.fill(PAD - 6, y, MENU_WIDTH - 2 * PAD + 12, MENU_LINE, color::FAINT);
        }
        p.fill(PAD, y + 2, 18, 20, color::LINE);
        p.text(PAD + 5, y + 4, &item.key.to_string(), color::TEXT);
        let on = match item.action {
            Action::Mode(mode) => mode == state.mode,
            Action::Statistics => state.statistics,
            Action::Explain => state.explained,
            Action::FullScreen => state.full_screen,
            Action::ViewOnly => state.view_only,
            _ => false,
        };
        p.text(PAD + 28, y + 4, item.label, if on { color::GOOD } else { color::TEXT });
        let note = match item.action {
            Action::Mode(mode) => mode.name(),
            _ if on => "on",
            _ => "",
        };
        p.text_right(right, y + 4, note, if on { color::GOOD } else { color::LABEL });
    }
    let y = menu_item_top(SHORTCUTS.len()) + 4;
    p.fill(PAD, y, MENU_WIDTH - 2 * PAD, 1, color::LINE);
    p.text(PAD, y + 11, &format!("anywhere: {PREFIX} + key"), color::LABEL);
    p.text(PAD, y + 11 + LINE, "here: key, arrows, or click", color::LABEL);
    p.finish()
}

/// The menu's item at a position in units of the menu.
pub(super) fn menu_item_at(x: i32, y: i32) -> Option<usize> {
    (0..SHORTCUTS.len())
        .find(|&i| (0..MENU_LINE).contains(&(y - menu_item_top(i))) && (0..MENU_WIDTH).contains(&x))
}

fn menu_item_top(i: usize) -> i32 {
    let gaps = MENU_GROUPS.iter().filter(|&&g| g <= i).count() as i32;
    MENU_TOP + i as i32 * MENU_LINE + gaps * 10
}

/// A sentence in passing.
pub(super) fn notice(text: &str, columns: usize, unit: u32) -> Picture {
    let lines = wrap(text, columns.clamp(12, 76), 4);
    let width = lines.iter().map(|l| text_width(l)).max().unwrap_or(0) + 2 * PAD + 4;
    let mut p = Painter::panel(width, lines.len() as i32 * LINE + PAD + 1, unit);
    for (i, line) in lines.iter().enumerate() {
        p.text(PAD + 2, PAD / 2 + 2 + i as i32 * LINE, line, color::TEXT);
    }
    p.finish()
}

/// What stands in the way of a present picture: a title, the reason and what can be done.
pub(super) fn banner(
    title: &str,
    title_color: Color,
    reason: &str,
    help: &str,
    columns: usize,
    unit: u32,
) -> Picture {
    let columns = columns.clamp(12, 64);
    let mut lines = vec![(title.to_owned(), title_color)];
    for (text, c) in [(reason, color::TEXT), (help, color::LABEL)] {
        if !text.is_empty() {
            lines.extend(wrap(text, columns, 8).into_iter().map(|l| (l, c)));
        }
    }
    let width = lines.iter().map(|(l, _)| text_width(l)).max().unwrap_or(0) + 4 * PAD;
    let gap = if lines.len() > 1 { 6 } else { 0 };
    let mut p = Painter::panel(width, lines.len() as i32 * LINE + gap + 3 * PAD - 3, unit);
    for (i, (line, c)) in lines.iter().enumerate() {
        let y = PAD + PAD / 2 + i as i32 * LINE + if i > 0 { gap } else { 0 };
        p.text((width - text_width(line)) / 2, y, line, *c);
    }
    p.finish()
}

/// One kind of draw command's share of the bytes.
struct Share<'a> {
    name: &'a str,
    bytes: u64,
    /// Thousandths.
    share: u64,
    color: Color,
}

impl Share<'_> {
    /// Name and percentage, in 17 characters.
    fn text(&self) -> String {
        format!("{:<12}{:>5}", clip(self.name, 12), percent(self.share))
    }
}

/// The largest kinds first; small ones are one.
fn shares(stats: &Stats) -> Vec<Share<'_>> {
    const MOST: usize = 6;
    const COLORS: [Color; MOST] =
        [0x006c_b8ff, 0x00f2_b45e, 0x007b_d88f, 0x00c4_9bff, 0x00f2_7878, 0x006d_7686];
    let mut kinds: Vec<_> = stats.payload_bytes_by_kind.iter().map(|(k, &b)| (k.as_str(), b)).collect();
    kinds.retain(|k| k.1 > 0);
    kinds.sort_by_key(|k| std::cmp::Reverse(k.1));
    let total = kinds.iter().map(|k| k.1).sum::<u64>().max(1);
    if kinds.len() > MOST {
        let rest = kinds.drain(MOST - 1..).map(|k| k.1).sum();
        kinds.push(("other", rest));
    }
    kinds
        .into_iter()
        .zip(COLORS)
        .map(|((name, bytes), color)| Share { name, bytes, share: (bytes * 1000 + total / 2) / total, color })
        .collect()
}

fn bar(p: &mut Painter, x: i32, y: i32, width: i32, kinds: &[Share<'_>]) {
    p.fill(x, y, width, 10, color::LINE);
    let mut begin = 0;
    for kind in kinds {
        let end = (begin + kind.share as i32).min(1000);
        let (from, to) = (begin * width / 1000, end * width / 1000);
        p.fill(x + from, y, to - from, 10, kind.color);
        begin = end;
    }
}

/// Bytes of each half second of the last minute, on a scale that starts at 0.
fn history(p: &mut Painter, x: i32, y: i32, width: i32, height: i32, meter: &Meter, c: Color) {
    p.fill(x, y, width, height, 0x000c_0f14);
    let values: Vec<u64> = meter.history().collect();
    let top = values.iter().copied().max().unwrap_or(0).max(1);
    let step = 3;
    let slots = (width / step) as usize;
    for (i, &v) in values.iter().rev().take(slots).enumerate() {
        let h = ((v * (height as u64 - 12)).div_ceil(top)) as i32;
        p.fill(x + width - (i as i32 + 1) * step, y + height - h, step - 1, h, c);
    }
    p.text(x + 4, y + 1, "last minute", 0x005b_6472);
    p.text_right(x + width - 4, y + 1, &bits(top as f64 * 16.0), 0x005b_6472);
}

/// The colour that stands for a mode.
pub(super) fn mode_color(mode: Mode) -> Color {
    match mode {
        Mode::Pixels => color::WARN,
        Mode::Commands => color::GOOD,
        Mode::Hybrid => color::ACCENT,
        Mode::Auto => 0x00c4_9bff,
    }
}

/// Above 40 ms typing feels slow, above 100 ms broken.
fn latency_color(ms: f64) -> Color {
    match ms {
        ms if ms < 40.0 => color::GOOD,
        ms if ms < 100.0 => color::WARN,
        _ => color::BAD,
    }
}

fn brief(ms: f64) -> String {
    if ms < 9.95 { format!("{ms:.1}") } else { format!("{ms:.0}") }
}

fn percent(thousandths: u64) -> String {
    if thousandths < 5 { "<1%".to_owned() } else { format!("{}%", (thousandths + 5) / 10) }
}

fn clip(text: &str, columns: usize) -> String {
    text.chars().take(columns).collect()
}

/// A rate for people, by thousands.
fn bits(per_second: f64) -> String {
    let (value, unit) = thousands(per_second, ["bit/s", "kbit/s", "Mbit/s", "Gbit/s"]);
    format!("{value} {unit}")
}

/// An amount for people, by thousands.
fn bytes(n: u64) -> String {
    let (value, unit) = thousands(n as f64, ["B", "kB", "MB", "GB"]);
    format!("{value} {unit}")
}

fn thousands(value: f64, units: [&'static str; 4]) -> (String, &'static str) {
    let mut value = value;
    let mut i = 0;
    while value >= 999.5 && i < 3 {
        value /= 1000.0;
        i += 1;
    }
    let text = if i == 0 || value >= 99.95 { format!("{value:.0}") } else { format!("{value:.1}") };
    (text, units[i])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_for_people() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1234), "1.2 kB");
        assert_eq!(bytes(999_999), "1.0 MB");
        assert_eq!(bytes(123_456_789), "123 MB");
        assert_eq!(bits(5_400_000.0), "5.4 Mbit/s");
        assert_eq!(bytes(u64::MAX), "18446744074 GB");
        assert_eq!(brief(9.96), "10");
    }

    #[test]
    fn shares_are_sorted_and_small_ones_are_one() {
        let mut stats = Stats::default();
        for (i, name) in ["a", "b", "c", "d", "e", "f", "g", "h"].into_iter().enumerate() {
            stats.payload_bytes_by_kind.insert(name.into(), i as u64 * 10);
        }
        let shares = shares(&stats);
        assert_eq!(shares.iter().map(|s| s.name).collect::<Vec<_>>(), ["h", "g", "f", "e", "d", "other"]);
        assert_eq!(shares.iter().map(|s| s.bytes).sum::<u64>(), 280);
    }

    #[test]
    fn columns_do_not_touch() {
        let width = |kind: &Share<'_>| 14 + text_width(&kind.text()) + text_width(&bytes(kind.bytes));
        for name in panto_protocol::draw::DrawCommand::KINDS {
            let kind = Share { name, bytes: 99_900_000, share: 1000, color: 0 };
            assert!(kind.text().contains(" 100%"), "{}", kind.text());
            assert!(width(&kind) < KIND_WIDTH, "{name}");
        }
        const { assert!(2 * KIND_WIDTH + 8 < STATISTICS_WIDTH) };
    }

    #[test]
    fn the_verdict_tells_what_is_rough() {
        let settings = Settings::default();
        let check = |digests_wrong, exact_share, expected: &str| {
            let stats = Stats { digests_wrong, exact_share, ..Stats::default() };
            assert_eq!(verdict(&stats, settings).0, expected);
        };
        check(0, None, "lossless");
        check(0, Some(1.0), "lossless");
        check(0, Some(0.9999), "exact 99 %");
        check(0, Some(0.974), "exact 97 %");
        check(0, Some(0.0), "exact 0 %");
        check(1, Some(0.5), "PICTURE DIFFERS");
        let reduced = Settings { depth: panto_protocol::message::Depth::D16, ..settings };
        assert_eq!(verdict(&Stats::default(), reduced).0, "reduced");
    }

    #[test]
    fn the_legend_lists_what_was_sent() {
        let mut stats = Stats::default();
        for (means, bytes) in [(Means::Lossy, 5), (Means::Copy, 7), (Means::Palette, 0)] {
            stats.payload_bytes_by_means.insert(means.name().into(), bytes);
        }
        assert_eq!(entries(&stats), [(Means::Copy, 7), (Means::Lossy, 5)]);
    }

    #[test]
    fn every_item_can_be_hit() {
        for i in 0..SHORTCUTS.len() {
            assert_eq!(menu_item_at(5, menu_item_top(i) + 3), Some(i));
        }
        assert_eq!(menu_item_at(-1, MENU_TOP), None);
        assert_eq!(menu_item_at(5, 2), None);
    }
}
