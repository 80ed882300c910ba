//! Sentences that several reports say.

use super::number::{bytes_tick, percent, rate, short};
use crate::figures::{Comparison, LinkInfo};

/// The link's numbers: `20 Mbit/s down, 5 Mbit/s up, 50 ms round trip, no loss`.
pub fn link(comparison: &Comparison, link: &LinkInfo) -> String {
    if !comparison.links.iter().any(|l| l.name == link.name) {
        return "a link that this comparison does not describe".into();
    }
    link_in_words(link)
}

/// The same of a link that is known.
pub fn link_in_words(link: &LinkInfo) -> String {
    let mut parts = Vec::new();
    match (link.down_bps, link.up_bps) {
        (0, 0) => parts.push("no rate limit".into()),
        (down, up) if down == up => parts.push(format!("{} each way", rate(down))),
        (down, up) => {
            parts.push(if down == 0 { "no limit down".into() } else { format!("{} down", rate(down)) });
            parts.push(if up == 0 { "no limit up".into() } else { format!("{} up", rate(up)) });
        }
    }
    parts.push(format!("{} ms round trip", short(link.rtt_ms)));
    if link.jitter_ms > 0.0 {
        parts.push(format!("up to {} ms jitter", short(link.jitter_ms)));
    }
    parts.push(if link.loss > 0.0 { format!("{} loss", percent(link.loss)) } else { "no loss".into() });
    if link.queue_bytes > 0 {
        parts.push(format!("queue of {}", bytes_tick(link.queue_bytes as f64)));
    }
    parts.join(", ")
}

/// Said when the comparison is not whole.
pub fn interrupted(comparison: &Comparison) -> Option<String> {
    comparison.interrupted.then(|| {
        let rows = count(comparison.rows.len(), "row was", "rows were");
        format!("This comparison was interrupted: {rows} measured until then, the others are missing.")
    })
}

/// `1 link`, `3 links`.
pub fn count(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_in_words() {
        let check = |l: LinkInfo, expected: &str| {
            let c = Comparison { links: vec![l.clone()], ..Comparison::default() };
            assert_eq!(link(&c, &l), expected);
        };
        check(LinkInfo::default(), "no rate limit, 0 ms round trip, no loss");
        check(
            LinkInfo {
                down_bps: 20_000_000,
                up_bps: 5_000_000,
                rtt_ms: 50.0,
                jitter_ms: 10.0,
                loss: 0.005,
                queue_bytes: 64_000,
                ..LinkInfo::default()
            },
            "20 Mbit/s down, 5 Mbit/s up, 50 ms round trip, up to 10 ms jitter, 0.5 % loss, queue of 64 kB",
        );
        let unknown = LinkInfo::default();
        assert!(link(&Comparison::default(), &unknown).contains("not describe"));
    }
}
