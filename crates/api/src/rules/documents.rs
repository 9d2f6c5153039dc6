//! The URLs of cloud documents: kind and token, in both directions.

use larkspur_contract::model::DocType;

/// The host of generated URLs. Any other host is accepted, too.
pub const HOST: &str = "larkspur.feishu.cn";

/// The path segment before the token, and the kind that it means; the first entry of a kind is used in generated URLs.
/// Source: the collaborator pages of drive; `/doc/` is an older spelling of `/docs/`.
const PATHS: &[(&str, DocType)] = &[
    ("docx/", DocType::Docx),
    ("docs/", DocType::Doc),
    ("doc/", DocType::Doc),
    ("wiki/", DocType::Wiki),
    ("sheets/", DocType::Sheet),
    ("base/", DocType::Bitable),
    ("file/", DocType::File),
    ("mindnotes/", DocType::Mindnote),
    ("slides/", DocType::Slides),
    ("minutes/", DocType::Minutes),
    ("drive/folder/", DocType::Folder),
];

/// The URL of a document.
pub fn url(doc_type: DocType, token: &str) -> String {
    let path = PATHS.iter().find(|(_, kind)| *kind == doc_type).map_or("docx/", |(path, _)| path);
    format!("https://{HOST}/{path}{token}")
}

/// The kind and token in a URL; `None` if it is not the URL of a document.
///
/// The scheme is `http` or `https` in any case, the host must not be empty and is otherwise ignored. The token is the
/// segment after the kind; the rest, query and fragment included, is ignored.
pub fn parse_url(url: &str) -> Option<(DocType, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return None;
    }
    let address = rest.split(['?', '#']).next()?;
    let (host, path) = address.split_once('/')?;
    if host.is_empty() {
        return None;
    }
    let (after, doc_type) =
        PATHS.iter().find_map(|(prefix, kind)| path.strip_prefix(prefix).map(|after| (after, *kind)))?;
    let token = after.split('/').next().filter(|token| !token.is_empty())?;
    Some((doc_type, token))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [DocType; 10] = [
        DocType::Doc,
        DocType::Docx,
        DocType::Sheet,
        DocType::Bitable,
        DocType::File,
        DocType::Wiki,
        DocType::Mindnote,
        DocType::Slides,
        DocType::Minutes,
        DocType::Folder,
    ];

    #[test]
    fn every_kind_is_written_and_read_back() {
        for kind in KINDS {
            assert_eq!(parse_url(&url(kind, "Abc123")), Some((kind, "Abc123")), "{kind:?}");
        }
        assert_eq!(url(DocType::Folder, "f"), "https://larkspur.feishu.cn/drive/folder/f");
    }

    #[test]
    fn the_rest_of_the_url_is_ignored() {
        for text in [
            "https://a.feishu.cn/docx/T",
            "HTTP://b/docx/T?from=x&y=/docx/U",
            "https://b:8080/docx/T#part",
            "https://b/docx/T/edit",
            "https://b/docx/T/?q#f",
        ] {
            assert_eq!(parse_url(text), Some((DocType::Docx, "T")), "{text}");
        }
        assert_eq!(parse_url("https://a/doc/T"), Some((DocType::Doc, "T")));
    }

    #[test]
    fn urls_that_are_not_documents() {
        for text in [
            "",
            "docx/T",
            "ftp://a/docx/T",
            "://a/docx/T",
            "https:///docx/T",
            "https://a",
            "https://a/",
            "https://a/docx",
            "https://a/docx/",
            "https://a/docx/?T",
            "https://a/docx#/T",
            "https://a?x=/docx/T",
            "https://a/drive/T",
            "https://a/x/docx/T",
            "https://a/docxs/T",
        ] {
            assert_eq!(parse_url(text), None, "{text}");
        }
    }
}
