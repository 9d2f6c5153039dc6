//! Pages for a browser: plain HTML with inline style, accessible without scripts, by keyboard and by screen readers.

use std::borrow::Cow;
use std::fmt::Write;

use larkspur_contract::{Fault, FieldViolation, codes};

/// Headers of every page: it loads and runs nothing, cannot be framed or cached, and does not leak its URL.
pub const HEADERS: &[(&str, &str)] = &[
    (
        "Content-Security-Policy",
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("Cache-Control", "no-store"),
    // Not "no-referrer": browsers would then hide from this server, too, which page sent a form.
    ("Referrer-Policy", "same-origin"),
    ("X-Content-Type-Options", "nosniff"),
];

/// The media type of a page.
pub const HTML: &str = "text/html; charset=utf-8";

/// The colors, sizes and distances of the console. Every pair of text and background has a contrast of at least 4.5, and
/// every edge of a control of at least 3. Without a script there is no switch: the system decides between light and dark.
const STYLE: &str = "\
:root{color-scheme:light dark;--bg:#fff;--surface:#f5f6f8;--selected:#e3ecfb;--text:#1a1e26;--muted:#545c6a;--accent:#1d5bb8;\
--on-accent:#fff;--edge:#767e8c;--refused:#8f3b0e;--on-refused:#fdede2}\
@media(prefers-color-scheme:dark){:root{--bg:#13161b;--surface:#1b1f26;--selected:#1e3050;--text:#e7eaf0;--muted:#a6afbd;\
--accent:#82b1ff;--on-accent:#0b1220;--edge:#7f8997;--refused:#ffb489;--on-refused:#3a2113}}\
*{box-sizing:border-box}\
body{margin:0;background:var(--surface);color:var(--text);font:.875rem/1.375rem system-ui,\"PingFang SC\",\"Microsoft YaHei\",\"Noto Sans CJK SC\",sans-serif}\
:lang(zh){line-height:1.6}\
header{display:flex;align-items:center;justify-content:space-between;gap:1rem;padding:.25rem 1rem;background:var(--bg);border-bottom:1px solid var(--edge)}\
.brand{font-weight:600}nav a{display:inline-block;padding:.5rem .25rem}a{color:var(--accent)}\
main{max-width:34rem;margin:clamp(0rem,6vw,3rem) auto;padding:1rem 1.5rem;background:var(--bg);border:1px solid var(--edge);border-radius:6px}\
h1{font-size:1.125rem;line-height:1.5;margin:.5rem 0 1rem;overflow-wrap:anywhere}\
fieldset{border:1px solid var(--edge);border-radius:6px;margin:1rem 0;padding:.25rem .75rem .5rem}legend{font-weight:600;padding:0 .25rem}\
label{display:block;padding:.375rem .5rem;min-height:2rem;border-radius:6px}label:has(:checked){background:var(--selected)}\
input{accent-color:var(--accent)}ul{padding-left:1.25rem}\
code{font:.8125rem/1.25rem ui-monospace,\"SF Mono\",Menlo,Consolas,monospace;overflow-wrap:anywhere}\
button,input[type=search]{font:inherit;min-height:2rem;padding:.25rem .75rem;border:1px solid var(--edge);border-radius:6px;background:var(--bg);color:inherit}\
button{margin-right:.5rem;cursor:pointer}button.allow{background:var(--accent);border-color:var(--accent);color:var(--on-accent)}\
[role=alert]{padding:.5rem .75rem;border-radius:6px;background:var(--on-refused);color:var(--refused)}[role=alert]::before{content:\"\u{2298}\\a0\" / \"\"}\
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}.small{font-size:.75rem;line-height:1.125rem;color:var(--muted)}\
@media(max-width:36rem){main{margin:0;border-width:0 0 1px;border-radius:0;padding:1rem}}";

/// The language of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// English, the default.
    #[default]
    English,
    /// Chinese, in simplified characters.
    Chinese,
}

impl Language {
    /// The language of a tag such as `zh`, `zh-CN`, `zh_cn` or `en-GB`; `None` if there are no pages in it.
    pub fn parse(tag: &str) -> Option<Language> {
        let main = tag.trim().split(['-', '_']).next()?;
        if main.eq_ignore_ascii_case("zh") {
            Some(Language::Chinese)
        } else if main.eq_ignore_ascii_case("en") {
            Some(Language::English)
        } else {
            None
        }
    }

    /// The language that a browser prefers: the first one with the highest weight in its `Accept-Language` header.
    /// Source: RFC 9110, section 12.5.4.
    pub fn accepted(header: &str) -> Option<Language> {
        let mut best: Option<(f32, Language)> = None;
        for part in header.split(',') {
            let (tag, weight) = part.split_once(';').unwrap_or((part, ""));
            let weight =
                weight.trim().strip_prefix("q=").map_or(Some(1.0), |number| number.parse::<f32>().ok());
            let (Some(language), Some(weight)) = (Language::parse(tag), weight) else { continue };
            if weight > best.map_or(0.0, |(most, _)| most) {
                best = Some((weight, language));
            }
        }
        best.map(|(_, language)| language)
    }

    /// The tag of the language, for HTML.
    pub const fn tag(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Chinese => "zh-CN",
        }
    }

    /// The value of [`PARAMETER`] for the language.
    pub const fn word(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Chinese => "zh",
        }
    }

    /// Picks the text in this language.
    pub const fn pick(self, english: &'static str, chinese: &'static str) -> &'static str {
        match self {
            Language::English => english,
            Language::Chinese => chinese,
        }
    }

    const fn other(self) -> Language {
        match self {
            Language::English => Language::Chinese,
            Language::Chinese => Language::English,
        }
    }
}

/// The query parameter that sets the language of a page and overrides the browser's preference.
pub const PARAMETER: &str = "lang";

/// The frame of a page: its language, and the link to the other one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frame {
    /// The language of the page.
    pub language: Language,
    /// The same page in the other language, as a query; `None` for a page that only a form leads to.
    pub switch: Option<String>,
}

impl Frame {
    /// English, without another language.
    pub const PLAIN: Frame = Frame { language: Language::English, switch: None };

    /// The frame of the page that a request asks for. `query` is that of the request, still percent-encoded; `shown`
    /// says whether the URL alone leads to the page (GET).
    pub fn of(query: &str, accept_language: Option<&str>, shown: bool) -> Frame {
        let is_ours = |part: &&str| part.split('=').next() == Some(PARAMETER);
        let parts = || query.split('&').filter(|part| !part.is_empty());
        let chosen = parts().rfind(is_ours).and_then(|part| Some(part.split_once('=')?.1));
        let language = chosen
            .and_then(Language::parse)
            .or_else(|| accept_language.and_then(Language::accepted))
            .unwrap_or_default();
        let switch = shown.then(|| {
            let mut address = String::from("?");
            for part in parts().filter(|part| !is_ours(part)) {
                let _ = write!(address, "{part}&");
            }
            let _ = write!(address, "{PARAMETER}={}", language.other().word());
            address
        });
        Frame { language, switch }
    }
}

/// Escapes text for an element or a quoted attribute.
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
pub fn page(title: &str, main: &str, frame: &Frame) -> String {
    let title = escape(title);
    let (tag, other) = (frame.language.tag(), frame.language.other().tag());
    let (about, name) = match frame.language {
        Language::English => ("Language", "中文"),
        Language::Chinese => ("语言", "English"),
    };
    let switch = frame.switch.as_deref().map_or_else(String::new, |address| {
        let address = escape(address);
        format!(
            "<nav aria-label=\"{about}\"><a href=\"{address}\" lang=\"{other}\" hreflang=\"{other}\">{name}</a></nav>"
        )
    });
    format!(
        "<!doctype html>\n<html lang=\"{tag}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<header><span class=\"brand\">Larkspur</span>{switch}</header>\n<main>\n<h1>{title}</h1>\n{main}</main>\n</body>\n</html>\n"
    )
}

/// The page for a refusal.
pub fn failure(fault: &Fault, log_id: &str, frame: &Frame) -> String {
    let language = frame.language;
    let text = match language {
        Language::English => fault.text(),
        Language::Chinese => codes::chinese(fault.code()).unwrap_or(fault.text()),
    };
    let mut main = format!("<p role=\"alert\">{}</p>\n", escape(text));
    let colon = language.pick(": ", "：");
    for violation in fault.violations() {
        let (field, why) = (escape(&violation.field), escape(&explained(violation, language)));
        let _ = writeln!(main, "<p><code>{field}</code>{colon}{why}</p>");
    }
    let (number, log_id) = (fault.code().number, escape(log_id));
    let _ = match language {
        Language::English => {
            writeln!(main, "<p class=\"small\">Error code: {number}. Log id: <code>{log_id}</code></p>")
        }
        Language::Chinese => {
            writeln!(main, "<p class=\"small\">错误码：{number}。日志 ID：<code>{log_id}</code></p>")
        }
    };
    page(language.pick("This sign-in cannot continue", "无法继续登录"), &main, frame)
}

/// The requirement on a field, in the language of the page.
fn explained(violation: &FieldViolation, language: Language) -> Cow<'_, str> {
    let why = violation.description.as_str();
    if language == Language::English {
        return why.into();
    }
    if why.ends_with(" is required") {
        return "必填参数".into();
    }
    let front = [
        ("options: ", "可选值为 "),
        ("the max len is ", "最大长度为 "),
        ("the app has not been granted ", "应用未开通权限 "),
    ];
    let translated = front
        .iter()
        .find_map(|(english, chinese)| why.strip_prefix(english).map(|rest| format!("{chinese}{rest}")));
    translated.map_or(why.into(), Cow::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_never_becomes_markup() {
        let fault =
            Fault::from(codes::OAUTH_REDIRECT_UNREGISTERED).with_violation("<b>", None, "\"><script>'&");
        let frame = Frame::of("a=\"><script>&lang=zh", None, true);
        let text = failure(&fault, "L", &frame);
        assert!(!text.contains("<script>") && text.contains("无法继续登录"), "{text}");
        let text = failure(&fault, "L", &Frame::PLAIN);
        assert!(text.contains("20029") && text.contains("&lt;b&gt;"), "{text}");
        assert!(text.contains("&quot;&gt;&lt;script&gt;&#39;&amp;"), "{text}");
        assert!(!text.contains("<script>"), "{text}");
    }

    #[test]
    fn the_browser_s_language_and_the_chosen_one() {
        use Language::{Chinese, English};
        for (header, language) in [
            ("zh-CN,zh;q=0.9,en;q=0.8", Some(Chinese)),
            ("en-US,en;q=0.9,zh-CN;q=0.8", Some(English)),
            ("fr, zh-TW;q=0.5, en;q=0.4", Some(Chinese)),
            ("en;q=0.2, ZH ; q=0.3", Some(Chinese)),
            ("en, zh", Some(English)),
            ("zh;q=0, en;q=0.1", Some(English)),
            ("zh;q=x", None),
            ("de", None),
            ("*", None),
            ("", None),
        ] {
            assert_eq!(Language::accepted(header), language, "{header}");
        }
        let frame = |query, header, shown| Frame::of(query, header, shown);
        assert_eq!(frame("", None, false), Frame::PLAIN);
        assert_eq!(frame("lang=zh", Some("en"), false).language, Chinese);
        assert_eq!(frame("lang=fr", Some("zh"), false).language, Chinese, "an unknown language is ignored");
        let shown = frame("state=a%26b&lang=en&x", Some("zh"), true);
        assert_eq!((shown.language, shown.switch.as_deref()), (English, Some("?state=a%26b&x&lang=zh")));
        assert_eq!(frame("", Some("zh"), true).switch.as_deref(), Some("?lang=en"));
    }
}
