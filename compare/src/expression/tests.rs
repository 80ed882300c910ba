//! Expressions against a small comparison.

use proptest::prelude::*;

use super::*;
use crate::figures::{Distribution, Stages};

fn row(workload: &str, system: &str, mode: &str, bytes_down: u64) -> Figures {
    Figures {
        workload: workload.into(),
        link: "lan".into(),
        system: system.into(),
        mode: mode.into(),
        depth: 24,
        scale: 1,
        lossless: true,
        time: "virtual".into(),
        duration_s: 2.0,
        bytes_down,
        ..Figures::default()
    }
}

/// Two workloads, three ways of Panto's (one at two depths), two of a peer's.
fn comparison() -> Comparison {
    let mut pixels = row("terminal", "panto", "pixels", 500_000);
    pixels.exact = Some(true);
    pixels.input_to_pixel_ms = Distribution::new(vec![10.0, 20.0, 60.0]);
    pixels.latency_stages_ms = Some(Stages { network: 7.5, ..Stages::default() });
    pixels.payload_bytes_by_kind.insert("PutPixels".into(), 400_000);
    let copies = Figures { copy_rect: true, ..row("terminal", "panto", "pixels", 300_000) };
    let mut commands = row("terminal", "panto", "commands", 812_000);
    commands.exact = Some(false);
    commands.first_picture_ms = Some(1500.0);
    commands.server_cpu_s = Some(0.5);
    let pixels_8 = Figures { depth: 8, lossless: false, ..row("terminal", "panto", "pixels", 100_000) };
    let commands_8 = Figures { depth: 8, lossless: false, ..row("terminal", "panto", "commands", 150_000) };
    let tight = row("terminal", "tigervnc", "tight", 600_000);
    let raw = row("terminal", "tigervnc", "raw", 9_000_000);
    let mut video = row("video", "panto", "commands", 1_000_000);
    video.error = Some("the source ended early".into());
    let rows = vec![pixels, copies, commands, pixels_8, commands_8, tight, raw, video];
    Comparison { rows, ..Comparison::default() }
}

/// Workload and way of the rows that violate `text`.
#[track_caller]
fn violations(text: &str) -> Vec<String> {
    let expression = Expression::parse(text).unwrap_or_else(|error| panic!("{error}"));
    let found = expression.check(&comparison()).unwrap_or_else(|error| panic!("{error}"));
    found.iter().map(|v| format!("{} {}", v.workload, v.way)).collect()
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    assert_eq!(violations(text), expected, "{text}");
}

#[track_caller]
fn check_error(text: &str, expected: &str) {
    let error = Expression::parse(text).unwrap_err();
    assert!(error.to_string().starts_with(expected), "{error}\nis not\n{expected}");
}

#[track_caller]
fn check_nothing(text: &str, expected: &str) {
    let error = Expression::parse(text).unwrap().check(&comparison()).unwrap_err();
    assert!(error.to_string().starts_with(expected), "{error}\nis not\n{expected}");
}

#[test]
fn numbers_and_sizes() {
    check("bytes_down >= 1MB", &["terminal tigervnc raw", "video commands"]);
    check("bytes_down < 150kB", &["terminal pixels 8 bit"]);
    check("bytes_down <= 150000", &["terminal pixels 8 bit", "terminal commands 8 bit"]);
    check("bytes_down - 12e3 == 800 * 1kB", &["terminal commands"]);
    check("bytes_down / duration_s > 4MB and depth != 8", &["terminal tigervnc raw"]);
    check("-bytes_down > -(100kB + 1)", &["terminal pixels 8 bit"]);
    check("1 + 2 * 3 == 7 && bytes_down == 100kB", &["terminal pixels 8 bit"]);
    check("bytes_down > 8MiB", &["terminal tigervnc raw"]);
    check("bytes_down < 98kiB", &["terminal pixels 8 bit"]);
}

#[test]
fn logic() {
    check("not exact", &["terminal commands"]);
    check("exact == false", &["terminal commands"]);
    check("exact != lossless", &["terminal commands"]);
    check("error", &["video commands"]);
    check("error or exact", &["terminal pixels", "video commands"]);
    // `and` binds tighter than `or`, `not` looser than a comparison.
    check("error || exact && bytes_down > 1MB", &["video commands"]);
    check("not workload == 'terminal'", &["video commands"]);
    check("!(bytes_down < 1MB || workload == \"video\")", &["terminal tigervnc raw"]);
}

#[test]
fn texts() {
    check("way == 'pixels 8 bit'", &["terminal pixels 8 bit"]);
    check("system == 'tigervnc' and mode != 'raw'", &["terminal tigervnc tight"]);
    check("link == 'lan' && time == 'virtual' && workload == 'video'", &["video commands"]);
    check("workload == 'nothing'", &[]);
}

#[test]
fn parts_of_figures() {
    check("input_to_pixel_ms.p95 > 50", &["terminal pixels"]);
    check("input_to_pixel_ms.mean == 30 && input_to_pixel_ms.p50 == 20", &["terminal pixels"]);
    check("latency_stages_ms.network > 7", &["terminal pixels"]);
    check("payload_bytes_by_kind.PutPixels > 1", &["terminal pixels"]);
    // Rows without any counts are not rows with none.
    check("payload_bytes_by_kind.Fill == 0", &["terminal pixels"]);
}

#[test]
fn times_are_in_one_unit() {
    check("first_picture_ms > 1s", &["terminal commands"]);
    check("first_picture_ms > 1600ms", &[]);
    check("1.5s == first_picture_ms", &["terminal commands"]);
    check("server_cpu_s == 500ms", &["terminal commands"]);
    check("first_picture_ms < duration_s", &["terminal commands"]);
    check("first_picture_ms + 400ms > duration_s", &[]);
    check("first_picture_ms + 0.6s > duration_s", &["terminal commands"]);
    check("server_cpu_s / duration_s == 25%", &["terminal commands"]);
    check("first_picture_ms / server_cpu_s == 3", &["terminal commands"]);
    check("input_to_pixel_ms.max > 3 * 10ms", &["terminal pixels"]);
    check_error("bytes_down < 50ms", "`50ms` is a time and `bytes_down` is none\n");
    check_error("first_picture_ms < 10kB", "`first_picture_ms` is a time and `10kB` is none\n");
    check_error("duration_s + frames > 1", "`duration_s` is a time and `frames` is none\n");
    check_error("duration_s * duration_s > 1", "a time times a time is no figure");
}

#[test]
fn other_rows() {
    // Beside each depth its own pixels, without copies.
    check("mode == 'commands' and bytes_down > pixels.bytes_down * 1.55", &["terminal commands"]);
    check(
        "bytes_down > pixels.bytes_down * 1.4 && mode == 'commands'",
        &["terminal commands", "terminal commands 8 bit"],
    );
    check("bytes_down < 'pixels+copyrect'.bytes_down", &[]);
    check("bytes_down < 'pixels 8 bit'.bytes_down * 1.2", &["terminal pixels 8 bit"]);
    check("'tigervnc tight'.bytes_down < bytes_down && system == 'panto'", &["terminal commands"]);
    check("raw.bytes_down == bytes_down", &["terminal tigervnc raw"]);
    check("pixels.input_to_pixel_ms.p50 == 20 and way == 'commands'", &["terminal commands"]);
    check("pixels.exact && exact == false", &["terminal commands"]);
    check_nothing(
        "bytes_down > tigervnc.bytes_down",
        "`tigervnc` may be any of 2 rows of terminal over lan: `tigervnc tight`, `tigervnc raw`; \
         write one of these in quotes\n  bytes_down > tigervnc.bytes_down\n               ^^^^^^^^^^^^^^^^^^^",
    );
    let mut one_peer = comparison();
    one_peer.rows.retain(|row| row.mode != "raw");
    let expression = Expression::parse("bytes_down > tigervnc.bytes_down").unwrap();
    assert_eq!(expression.check(&one_peer).unwrap().len(), 1);
}

#[test]
fn what_is_not_measured_is_neither_true_nor_false() {
    check("first_picture_ms < 1 or bytes_down > 5MB", &["terminal tigervnc raw"]);
    check("!(first_picture_ms < 1) and workload == 'terminal'", &["terminal commands"]);
    check("first_picture_ms != 1", &["terminal commands"]);
    // The video has no row of pixels.
    check("!(bytes_down < pixels.bytes_down) && workload == 'video' or exact", &["terminal pixels"]);
    check("bytes_down / (bytes_down - 500kB) > 0 and way == 'pixels' or error", &["video commands"]);
}

#[test]
fn checking_nothing_is_an_error() {
    check_nothing(
        "freshness_ms.p95 > 100",
        "this checked nothing: `freshness_ms.p95` was measured in no row\n  freshness_ms.p95 > 100\n  ^^^^^^^^^^^^^^^^\n"
            .trim_end(),
    );
    check_nothing(
        "bytes_down > pixelz.bytes_down",
        "this checked nothing: `pixelz.bytes_down` was measured in no row or no row is called `pixelz`; \
         there is `pixels`, `pixels+copyrect`, `commands`,",
    );
    check_nothing(
        "workload == 'termnal' && bytes_down > 1",
        "this checked nothing: no row that fits its texts",
    );
    check_nothing("mode == 'raw' && exact", "this checked nothing: no row that fits its texts");
    check_nothing("digest != pixels.digest", "this checked nothing: `digest` was measured in no row");
    let error = Expression::parse("error").unwrap().check(&Comparison::default()).unwrap_err();
    assert_eq!(error.message(), "there is nothing to check: the comparison has no rows");
}

#[test]
fn violations_read_as_sentences() {
    let read = |text: &str| {
        let found = Expression::parse(text).unwrap().check(&comparison()).unwrap();
        found.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(
        read("mode == 'commands' and bytes_down > 500kB and not error"),
        ["commands on terminal over lan: bytes_down = 812,000, error = false"]
    );
    assert_eq!(read("error"), ["commands on video over lan: error = \"the source ended early\""]);
    assert_eq!(read("way == 'pixels 8 bit'"), ["pixels 8 bit on terminal over lan"]);
    assert_eq!(
        read("server_cpu_s / 3 > 0 && bytes_down > pixels.bytes_down or frames > 5"),
        [
            "commands on terminal over lan: server_cpu_s = 0.5, bytes_down = 812,000, pixels.bytes_down = 500,000, \
         frames not measured"
        ]
    );
    let value = |n| Value::Number(n).to_string();
    assert_eq!(
        [value(1234.5678), value(-1e6), value(0.000_25), value(999.0)],
        ["1,234.568", "-1,000,000", "0.00025", "999"]
    );
}

#[test]
fn errors_point_at_the_place() {
    check_error(
        "depth == 24 && (bytes_down > 10kb)",
        "`kb` is no unit; units are B, kB, MB, GB, kiB, MiB, GiB, ms, s or %\n  \
         depth == 24 && (bytes_down > 10kb)\n                               ^^^^",
    );
    check_error("bites_down > 1", "there is no figure called `bites_down`; there is bytes_down, bytes_up, ");
    check_error("pixels.bites_down > 1", "there is no figure called `bites_down`; there is bytes_down, ");
    check_error("input_to_pixl_ms.p95 > 1", "there is no figure called `input_to_pixl_ms`; there is ");
    check_error("pixels.freshness_ms.p9 > 1", "there is no part of `freshness_ms` called `p9`; there is ");
    check_error("input_to_pixel_ms > 1", "`input_to_pixel_ms` has parts; say which: max, mean, p50, p95\n");
    check_error("payload_bytes_by_kind.Nothing > 1", "there is no part of `payload_bytes_by_kind` called");
    let unquoted = Expression::parse("mode == pixels").unwrap_err();
    assert!(unquoted.message().ends_with("; a text stands in quotes"), "{unquoted}");
    check_error("", "the expression ends where a name, a number, a text or `(` is expected\n  \n  ^");
    check_error(
        "frames >",
        "the expression ends where a name, a number, a text or `(` is expected\n  frames >\n          ^",
    );
    check_error("(frames > 1", "the expression ends where an operator or `)` is expected");
    check_error("frames > 1 bytes", "found `bytes` where an operator or the end is expected");
    check_error(
        "1 < frames < 5",
        "comparisons do not chain; write `a < b and b < c`\n  1 < frames < 5\n             ^",
    );
    check_error("frames = 1", "`=` means nothing here; equal is `==`");
    check_error("mode == 'pixels", "this text does not end; close it with '");
    check_error("mode < 'pixels'", "`<` compares numbers, but these are each a text; use `==` or `!=`");
    check_error("mode == 1", "a text cannot be compared with a number");
    check_error("frames", "this shall be true or false, but is a number; compare it, as in `frames > 1`");
    check_error("exact + 1 > 2", "one can only reckon with numbers, but this is true or false");
    check_error("frames + !exact", "`!` negates a whole comparison");
    check_error("1 < 2", "this names no figure, so it is the same for every row");
    check_error("frames > 1e999", "this number is too large");
    check_error(&format!("{}exact", "(".repeat(5000)), "this is more than 200 operators deep");
    check_error(&format!("frames > {}1", "-".repeat(5000)), "this is more than 200 operators deep");
    check_error(&format!("frames > 1{}", "+1".repeat(5000)), "this is more than 200 operators deep");
    check_error(&format!("{}exact", "!".repeat(5000)), "this is more than 200 operators deep");
    check_error(&"x".repeat(20_000), "an expression may have 16384 bytes, this one has 20000");
    // Letters, not bytes, and no line ends between caret and place.
    check_error("'é'\n== bites", "there is no figure called `bites`; ");
    let error = Expression::parse("'é'\n== bites").unwrap_err().to_string();
    assert!(error.ends_with("\n  'é' == bites\n         ^^^^^"), "{error}");
}

proptest! {
    #[test]
    fn any_text_is_an_expression_or_an_error(text in any::<String>()) {
        if let Err(error) = Expression::parse(&text) {
            prop_assert_eq!(error.to_string().lines().count(), 3);
        }
    }

    #[test]
    fn anything_like_an_expression_can_be_checked(
        words in proptest::collection::vec(
            proptest::sample::select(vec![
                "(", ")", "!", "-", "+", "*", "/", "<", ">=", "==", "!=", "&&", "or", "and", "not", ".", "'", "\"",
                "bytes_down", "frames", "exact", "error", "mode", "way", "pixels", "'tigervnc tight'", "true",
                "input_to_pixel_ms.p95", "first_picture_ms", "duration_s", "0", "1kB", "50ms", "2s", "1e", "1.",
                "50%", "é", "payload_bytes_by_kind.Fill",
            ]),
            0..24,
        ),
    ) {
        if let Ok(expression) = Expression::parse(&words.join(" ")) {
            let _ = expression.check(&comparison());
        }
    }
}
