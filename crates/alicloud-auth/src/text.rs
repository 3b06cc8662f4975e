//! Texts that others have written.

/// The most that a message shows of a text that a service or a library returned.
pub(crate) const MAX_MESSAGE_CHARS: usize = 300;

/// Returns what is shown of a text: one line, of so many characters at most, without those that control a terminal, hide text or
/// change its direction.
pub fn printable(text: &str, max_chars: usize) -> String {
    let mut characters = text.chars();
    let mut shown: String = characters
        .by_ref()
        .take(max_chars)
        .map(|c| if is_unprintable(c) { ' ' } else { c })
        .collect();
    if characters.next().is_some() {
        shown.push('…');
    }
    shown
}

/// Whether a character is a control character, or one of Unicode that hides text or changes its direction.
fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_is_one_line_without_terminal_control_characters() {
        let foreign = "a\u{1b}[31m\r\nb\u{202e}c\u{200b}d直";
        assert_eq!(printable(foreign, 100), "a [31m  b c d直");
        assert_eq!(printable("直直直", 2), "直直…");
        assert_eq!(printable("直直", 2), "直直");
    }
}
