//! Pages for a browser: plain HTML with the style in it, readable without script, by keyboard and by screen readers.

use std::fmt::Write;

use crate::Fault;

/// What every page comes with: nothing is loaded or run, nobody frames it, nothing keeps it or tells where it was.
pub const HEADERS: &[(&str, &str)] = &[
    (
        "Content-Security-Policy",
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("Cache-Control", "no-store"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
];

/// The media type of a page.
pub const HTML: &str = "text/html; charset=utf-8";

const STYLE: &str = "\
:root{color-scheme:light dark;--line:#8a8f98;--mark:#2f5fd0}\
body{font:1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:clamp(1rem,6vw,3rem) auto;padding:0 1rem}\
h1{font-size:1.5rem}fieldset{border:1px solid var(--line);border-radius:.5rem;margin:1rem 0;padding:.5rem 1rem}\
label{display:block;padding:.35rem 0}ul{padding-left:1.2rem}code{font-size:.9em;overflow-wrap:anywhere}\
button{margin-right:.5rem}button,input[type=search]{font:inherit;padding:.5rem 1rem;border:1px solid var(--line);border-radius:.5rem}\
button.allow{background:var(--mark);border-color:var(--mark);color:#fff}\
:focus-visible{outline:3px solid var(--mark);outline-offset:2px}.small{font-size:.875rem}";

/// Text as it may stand in an element or in a quoted attribute.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// A whole page. `title` is text, `main` is HTML.
pub fn page(title: &str, main: &str) -> String {
    let title = escape(title);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n{main}</main>\n</body>\n</html>\n"
    )
}

/// The page of a refusal.
pub fn failure(fault: &Fault, log_id: &str) -> String {
    let mut main = format!("<p role=\"alert\">{}</p>\n", escape(fault.text()));
    for violation in fault.violations() {
        let (field, why) = (escape(&violation.field), escape(&violation.description));
        let _ = writeln!(main, "<p><code>{field}</code>: {why}</p>");
    }
    let number = fault.code().number;
    let _ = writeln!(
        main,
        "<p class=\"small\">Error code: {number}. Log id: <code>{}</code></p>",
        escape(log_id)
    );
    page("This sign-in cannot go on", &main)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codes;

    #[test]
    fn nothing_sent_becomes_markup() {
        let fault =
            Fault::from(codes::OAUTH_REDIRECT_UNREGISTERED).with_violation("<b>", None, "\"><script>'&");
        let text = failure(&fault, "L");
        assert!(text.contains("20029") && text.contains("&lt;b&gt;"), "{text}");
        assert!(text.contains("&quot;&gt;&lt;script&gt;&#39;&amp;"), "{text}");
        assert!(!text.contains("<script>"), "{text}");
    }
}
