//! Which files can be uploaded, and what they are when they are downloaded.

use larkspur_contract::model::FileType;
use larkspur_contract::{Fault, codes};

/// The most bytes of a file. Source: the upload page ("30 MB").
pub const SIZE_MAX: usize = 30 * 1024 * 1024;

/// Checks the size of an uploaded file: 234010 for an empty one, 234006 for one that is too large. Source: the upload
/// page.
pub fn accept(content: &[u8]) -> Result<(), Fault> {
    match content.len() {
        0 => Err(Fault::new(codes::IMAGE_EMPTY, "the file is empty")),
        bytes if bytes > SIZE_MAX => {
            Err(Fault::new(codes::IMAGE_TOO_LARGE, format!("the file has {bytes} bytes")))
        }
        _ => Ok(()),
    }
}

/// The media type of a file: by what it was uploaded as, and by its extension for documents, of which there are two
/// formats each. Source: assumed.
pub fn media_type(file_type: FileType, name: &str) -> &'static str {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    let is_new = extension.is_some_and(|extension| matches!(extension.as_str(), "docx" | "xlsx" | "pptx"));
    match (file_type, is_new) {
        (FileType::Opus, _) => "audio/ogg",
        (FileType::Mp4, _) => "video/mp4",
        (FileType::Pdf, _) => "application/pdf",
        (FileType::Doc, false) => "application/msword",
        (FileType::Doc, true) => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        (FileType::Xls, false) => "application/vnd.ms-excel",
        (FileType::Xls, true) => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        (FileType::Ppt, false) => "application/vnd.ms-powerpoint",
        (FileType::Ppt, true) => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        (FileType::Stream, _) => "application/octet-stream",
    }
}

/// The media type of a stored file for a browser: one that [`media_type`] makes, as it is; any other as a stream of bytes.
/// Larkspur's own rule.
pub fn for_browsers(media: &str) -> &'static str {
    use FileType::{Doc, Mp4, Opus, Pdf, Ppt, Stream, Xls};
    let made = [Opus, Mp4, Pdf, Doc, Xls, Ppt].into_iter().flat_map(|kind| {
        // The extension chooses the format of documents.
        ["old", "new.docx"].map(|name| media_type(kind, name))
    });
    let stream = media_type(Stream, "");
    made.chain([stream]).find(|known| *known == media).unwrap_or(stream)
}

/// The key of a file: `file_v3_00i5_`, the random number in the form of a uuid, then `g`. Source: observed.
pub fn key(random: u128) -> String {
    let hex = format!("{random:032x}");
    format!("file_v3_00i5_{}-{}-{}-{}-{}g", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..31])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(accept(b"").expect_err("refused").code(), codes::IMAGE_EMPTY);
        accept(b"x").expect("a byte");
        accept(&vec![0; SIZE_MAX]).expect("30 MB");
        assert_eq!(accept(&vec![0; SIZE_MAX + 1]).expect_err("refused").code(), codes::IMAGE_TOO_LARGE);
    }

    #[test]
    fn media_types() {
        for (file_type, name, media) in [
            (FileType::Opus, "a.opus", "audio/ogg"),
            (FileType::Doc, "a.doc", "application/msword"),
            (
                FileType::Doc,
                "A.DOCX",
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            ),
            (FileType::Xls, "xlsx", "application/vnd.ms-excel"),
            (FileType::Stream, "a.pdf", "application/octet-stream"),
        ] {
            assert_eq!(media_type(file_type, name), media, "{name}");
        }
    }

    #[test]
    fn browsers_get_no_page() {
        assert_eq!(for_browsers("application/pdf"), "application/pdf");
        assert_eq!(for_browsers(media_type(FileType::Ppt, "a.pptx")), media_type(FileType::Ppt, "a.pptx"));
        for media in ["text/html", "image/svg+xml", "application/pdf;x", ""] {
            assert_eq!(for_browsers(media), "application/octet-stream", "{media}");
        }
    }

    #[test]
    fn keys() {
        assert_eq!(key(0x0123_4567_89ab_cdef), "file_v3_00i5_00000000-0000-0000-0123-456789abcdeg");
    }
}
