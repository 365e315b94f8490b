//! Text where markup is expected.

/// Text as HTML and XML take it, in content and in attributes; characters that XML does not have are left out.
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\t' | '\n' | '\r' => safe.push(letter),
            '\u{fffe}' | '\u{ffff}' => {}
            control if control.is_control() => {}
            plain => safe.push(plain),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_leave_its_place_and_keeps_what_xml_has() {
        assert_eq!(
            escaped("<a b='\"&x'>\u{1}\tä\n\u{fffe}"),
            "&lt;a b=&#39;&quot;&amp;x&#39;&gt;\tä\n"
        );
    }
}
