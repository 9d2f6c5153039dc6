//! Multipart bodies, in every form that clients send.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body_util::{BodyDataStream, Full};
use multer::Multipart;

/// The content of a form.
#[derive(Debug, Default)]
pub(super) struct Form {
    /// The text fields.
    pub(super) fields: Vec<(String, String)>,
    /// The file.
    pub(super) file: Option<Bytes>,
}

/// Reads a form; its file part is called `name`, or `file` as in one client.
pub(super) fn read(content_type: Option<&str>, body: Bytes, name: &str) -> Result<Form, String> {
    let content_type = content_type.ok_or("no Content-Type")?;
    let boundary = multer::parse_boundary(content_type).map_err(|error| error.to_string())?;
    let mut parts = Multipart::new(BodyDataStream::new(Full::new(body)), boundary);
    // The whole body is in memory, so the future never waits.
    let mut context = Context::from_waker(Waker::noop());
    match pin!(collect(&mut parts, name)).poll(&mut context) {
        Poll::Ready(form) => form.map_err(|error| error.to_string()),
        Poll::Pending => Err("it ends early".to_owned()),
    }
}

async fn collect(parts: &mut Multipart<'_>, name: &str) -> Result<Form, multer::Error> {
    let mut form = Form::default();
    let mut other_file = None;
    while let Some(part) = parts.next_field().await? {
        match part.name().map(str::to_owned) {
            Some(part_name) if part_name == name => {
                let bytes = part.bytes().await?;
                form.file.get_or_insert(bytes);
            }
            Some(part_name) if part_name == "file" => {
                let bytes = part.bytes().await?;
                other_file.get_or_insert(bytes);
            }
            Some(part_name) => form.fields.push((part_name, part.text().await?)),
            None => drop(part.bytes().await?),
        }
    }
    form.file = form.file.or(other_file);
    Ok(form)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(content_type: &str, body: &str) -> Result<Form, String> {
        read(Some(content_type), Bytes::from(body.replace('\n', "\r\n")), "image")
    }

    const TYPE: &str = "multipart/form-data; boundary=B";

    #[test]
    fn every_client_is_understood() {
        let field = "Content-Disposition: form-data; name=\"image_type\"\n\nmessage\n";
        let bare = "Content-Disposition: form-data; name=\"image\"\n\nPNG\n";
        let named = "Content-Disposition: form-data; name=\"file\"; filename=\"a.png\"\nContent-Type: image/png\nContent-Length: 3\n\nPNG\n";
        for (content_type, first, second) in [
            (TYPE, field, bare),
            (TYPE, bare, field),
            (TYPE, named, field),
            ("multipart/form-data;charset=UTF-8; boundary=B", field, named),
            ("multipart/form-data; boundary=\"B\"", field, bare),
        ] {
            let form = form(content_type, &format!("--B\n{first}--B\n{second}--B--\n")).expect("a form");
            assert_eq!(form.fields, [("image_type".to_owned(), "message".to_owned())]);
            assert_eq!(form.file.as_deref(), Some(&b"PNG"[..]));
        }
    }

    #[test]
    fn broken_bodies_are_refused() {
        assert!(read(None, Bytes::new(), "image").is_err());
        assert!(form("application/json", "{}").is_err());
        assert!(form("multipart/form-data", "--B--\n").is_err());
        assert!(form(TYPE, "").is_err());
        assert!(form(TYPE, "--B\nContent-Disposition: form-data; name=\"image\"\n\nPNG").is_err());
        assert!(form(TYPE, "{}").is_err());
    }
}
