//! The small vectors of `PROTOCOL.md` section 13.10, word for word.

use super::bit::Tree;
use super::mixer::Mixer;
use super::number::{Number, Signed, Steady};
use super::range::{RangeDecoder, RangeEncoder};
use super::recent::Recent;
use super::symbol::Symbol;
use super::{Coder, hash};

const SPECIFICATION: &str = include_str!("../../../PROTOCOL.md");

/// Fails unless the specification has exactly these lines, one below the other.
pub(super) fn stated(lines: &[String]) {
    let block = format!("\n{}\n", lines.join("\n"));
    assert!(SPECIFICATION.contains(&block), "PROTOCOL.md does not say{block}");
}

/// A line of the specification: what is coded, and its stream.
fn line<T: Copy + PartialEq + std::fmt::Debug>(
    what: &str,
    values: &[T],
    none: T,
    mut encode: impl FnMut(&mut RangeEncoder, T) -> T,
    mut decode: impl FnMut(&mut RangeDecoder<'_>, T) -> T,
) -> [String; 2] {
    let mut out = RangeEncoder::default();
    for value in values {
        encode(&mut out, *value);
    }
    let bytes = out.finish();
    let mut input = RangeDecoder::new(&bytes);
    for value in values {
        assert_eq!(decode(&mut input, none), *value, "{what}");
    }
    assert_eq!(input.finish(), Ok(()), "{what}");
    [what.to_owned(), bytes.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(" ")]
}

/// The same for a model, which both ends begin with anew.
macro_rules! model {
    ($what:literal, $model:expr, $values:expr, $none:expr, |$m:ident, $c:ident, $v:ident| $code:expr) => {{
        let (mut one, mut other) = ($model, $model);
        line(
            $what,
            $values,
            $none,
            |$c, $v| {
                let $m = &mut one;
                $code
            },
            |$c, $v| {
                let $m = &mut other;
                $code
            },
        )
    }};
}

#[test]
fn streams() {
    let decisions = [
        (true, 32768),
        (false, 32768),
        (true, 60000),
        (false, 100),
        (true, 24),
        (false, 65512),
        (true, 65528),
    ];
    let mut out = RangeEncoder::default();
    for (bit, p) in decisions {
        out.code(bit, p);
    }
    let bytes = out.finish();
    let mut input = RangeDecoder::new(&bytes);
    assert!(decisions.iter().all(|(bit, p)| input.code(false, *p) == *bit));
    let hex: Vec<_> = bytes.iter().map(|b| format!("{b:02x}")).collect();
    let mut lines =
        vec!["decisions 1 32768, 0 32768, 1 60000, 0 100, 1 24, 0 65512, 1 65528".to_owned(), hex.join(" ")];
    lines.extend(
        model!("literals of 8 bits: 0x12 0xff 0x00", (), &[0x12, 0xff, 0], 0, |_m, c, v| c.literal(v, 8))
    );
    lines.extend(model!("Tree of 5 bits: 17 17 3", Tree::new(5), &[17, 17, 3], 0, |m, c, v| m.code(c, v)));
    lines.extend(model!(
        "Symbol, all alike at first: 3 3 15 0 3 3 3",
        Symbol::default(),
        &[3, 3, 15, 0, 3, 3, 3],
        0,
        |m, c, v| m.code(c, v)
    ));
    lines.extend(model!(
        "Number: 0 1 5 300 5 4294967295",
        Number::default(),
        &[0, 1, 5, 300, 5, u32::MAX],
        0,
        |m, c, v| m.code(c, v)
    ));
    lines.extend(model!(
        "Signed: -3 4 0 -2147483647",
        Signed::default(),
        &[-3, 4, 0, -i32::MAX],
        0,
        |m, c, v| m.code(c, v)
    ));
    lines
        .extend(model!("Steady: 7 7 7 8 -1000", Steady::default(), &[7, 7, 7, 8, -1000], 0, |m, c, v| m
            .code(c, v)));
    lines.extend(model!(
        "Recent(2), new ones as literals of 8 bits: 5 5 9 5 7 9 5",
        Recent::<u32, 2>::default(),
        &[5, 5, 9, 5, 7, 9, 5],
        0,
        |m, c, v| m.code(c, v, |c, v| c.literal(v, 8))
    ));
    lines.extend(model!(
        "Mixer(2, 4, 1) in the contexts 3 and 21: 1 1 0 1 1 1 1 1 1 0",
        Mixer::<2>::new(4, 1),
        &[true, true, false, true, true, true, true, true, true, false],
        false,
        |m, c, v| m.code(c, [3, 21], 0, v)
    ));
    stated(&lines);
}

#[test]
fn hashes() {
    let of = |a: u32, b: u32| format!("hash({a:#x}, {b:#x}) = {:#010x}", hash(a, b));
    stated(&[of(0, 0), of(1, 2), of(0xffff_ffff, 0x8000_0000)]);
}
