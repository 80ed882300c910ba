//! Names and errors come from files and programs: nothing in them may act on what shows them.

/// As text or attribute of HTML.
pub fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            c if acts(c) => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// As text in a cell of a GitHub table.
pub fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in line(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '\\' | '|' | '`' | '*' | '_' | '[' | ']' | '#' | '~' | '!' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

/// On one line of a terminal.
pub fn line(text: &str) -> String {
    plain(&text.replace(['\n', '\r', '\t'], " "))
}

/// On a terminal, lines kept; what would move its cursor or turn its text around is spelt out.
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c != '\n' && acts(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// Control characters, and those that change the direction of the text after them.
fn acts(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_acts() {
        assert_eq!(html("<script>\"a\"&'b'\0"), "&lt;script&gt;&quot;a&quot;&amp;&#39;b&#39;\u{fffd}");
        assert_eq!(markdown("a|b*<i>\n`c`"), "a\\|b\\*&lt;i> \\`c\\`");
        assert_eq!(line("a\x1b[31m\nb"), "a\\u{1b}[31m b");
        assert_eq!(plain("a\n\u{202e}b"), "a\n\\u{202e}b");
    }
}
