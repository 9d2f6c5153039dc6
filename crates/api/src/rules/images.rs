//! Which images can be uploaded, and the URLs of avatars.

use imagesize::{Compression, ImageType as Format};
use larkspur_contract::model::ImageType;
use larkspur_contract::{Fault, codes};

/// The most bytes of an image. Source: the upload page ("10 MB").
pub const SIZE_MAX: usize = 10 * 1024 * 1024;

/// Whether a key is one of the platform's own avatars: `default-avatar_` and a uuid. Source: official samples.
pub fn is_default_avatar(key: &str) -> bool {
    let Some(uuid) = key.strip_prefix("default-avatar_") else { return false };
    let dashes = [8, 13, 18, 23];
    let fits = |(at, byte): (usize, u8)| {
        if dashes.contains(&at) { byte == b'-' } else { byte.is_ascii_hexdigit() }
    };
    uuid.len() == 36 && uuid.bytes().enumerate().all(fits)
}

/// The key of an avatar; of the default one, if it is empty.
pub fn avatar_key(key: &str) -> &str {
    if key.is_empty() { "default-avatar_44ae0ca3-e140-494b-956f-78091e348435" } else { key }
}

/// The URL of an avatar; without a key, of the default one.
pub fn avatar_url(key: &str) -> String {
    avatar_sized(key, "72x72")
}

/// Like [`avatar_url`], in a size such as `240x240`; `noop` is the uploaded picture.
pub fn avatar_sized(key: &str, size: &str) -> String {
    let key = avatar_key(key);
    format!(
        "https://s1-imfile.feishucdn.com/static-resource/v1/{key}~?image_size={size}&cut_type=&quality=&format=image&sticker_format=.webp"
    )
}

/// Checks an uploaded image and returns its media type.
pub fn accept(image_type: ImageType, content: &[u8]) -> Result<&'static str, Fault> {
    if content.is_empty() {
        return Err(Fault::new(codes::IMAGE_EMPTY, "the file is empty"));
    }
    if content.len() > SIZE_MAX {
        return Err(Fault::new(codes::IMAGE_TOO_LARGE, format!("the file has {} bytes", content.len())));
    }
    let unknown =
        || Fault::new(codes::IMAGE_FORMAT_UNKNOWN, "not JPEG, PNG, WEBP, GIF, BMP, ICO, TIFF or HEIC");
    let format = imagesize::image_type(content).map_err(|_| unknown())?;
    let media = media_type(format).ok_or_else(unknown)?;
    let size = imagesize::blob_size(content).map_err(|_| unknown())?;
    // Both rules of the page apply to a GIF that is an avatar.
    let by_format = if format == Format::Gif { 2000 } else { 12000 };
    let edge = if image_type == ImageType::Avatar { by_format.min(4096) } else { by_format };
    if size.width > edge || size.height > edge {
        return Err(Fault::new(
            codes::IMAGE_RESOLUTION_TOO_HIGH,
            format!("{}x{} is more than {edge}x{edge}", size.width, size.height),
        ));
    }
    Ok(media)
}

fn media_type(format: Format) -> Option<&'static str> {
    Some(match format {
        Format::Jpeg => "image/jpeg",
        Format::Png => "image/png",
        Format::Webp => "image/webp",
        Format::Gif => "image/gif",
        Format::Bmp => "image/bmp",
        Format::Ico => "image/x-icon",
        Format::Tiff => "image/tiff",
        // The same container holds other formats, too, such as AVIF and video.
        Format::Heif(Compression::Hevc) => "image/heic",
        _ => return None,
    })
}

/// The media types that a browser may show as a picture, with the extensions of their files. Larkspur's own rule: none of
/// them can run a script, as SVG can.
const PICTURES: &[(&str, &str)] = &[
    ("image/jpeg", "jpg"),
    ("image/png", "png"),
    ("image/webp", "webp"),
    ("image/gif", "gif"),
    ("image/bmp", "bmp"),
    ("image/x-icon", "ico"),
];

/// The media type and the extension of a stored image that a browser may show; `None` for any other.
pub fn as_picture(media: &str) -> Option<(&'static str, &'static str)> {
    PICTURES.iter().copied().find(|(known, _)| *known == media)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The header of a GIF of this size; nothing else is read to find the size.
    fn gif(width: u16, height: u16) -> Vec<u8> {
        let mut bytes = b"GIF89a".to_vec();
        bytes.extend(width.to_le_bytes());
        bytes.extend(height.to_le_bytes());
        bytes.extend([0; 20]);
        bytes
    }

    fn refusal(image_type: ImageType, content: &[u8]) -> larkspur_contract::Code {
        accept(image_type, content).expect_err("refused").code()
    }

    #[test]
    fn default_avatars() {
        assert!(is_default_avatar("default-avatar_44ae0ca3-e140-494b-956f-78091e348435"));
        for other in [
            "default-avatar_",
            "default-avatar_44ae0ca3-e140-494b-956f-78091e34843",
            "default-avatar_44ae0ca3ae140-494b-956f-78091e348435",
            "default-avatar_44ae0ca3-e140-494b-956f-78091e34843g",
            "44ae0ca3-e140-494b-956f-78091e348435",
        ] {
            assert!(!is_default_avatar(other), "{other}");
        }
    }

    #[test]
    fn limits() {
        assert_eq!(accept(ImageType::Message, &gif(2000, 2000)).expect("fits"), "image/gif");
        assert_eq!(refusal(ImageType::Message, &gif(2001, 1)), codes::IMAGE_RESOLUTION_TOO_HIGH);
        assert_eq!(accept(ImageType::Avatar, &gif(2000, 1)).expect("fits"), "image/gif");
        assert_eq!(refusal(ImageType::Avatar, &gif(1, 2001)), codes::IMAGE_RESOLUTION_TOO_HIGH);
        assert_eq!(refusal(ImageType::Message, b""), codes::IMAGE_EMPTY);
        assert_eq!(refusal(ImageType::Message, b"hello, world, this is text"), codes::IMAGE_FORMAT_UNKNOWN);
        assert_eq!(refusal(ImageType::Message, &vec![0; SIZE_MAX + 1]), codes::IMAGE_TOO_LARGE);
    }

    #[test]
    fn no_picture_can_run_a_script() {
        for media in ["image/svg+xml", "text/html", "image/png; charset=utf-8", "IMAGE/PNG", "image/tiff", ""]
        {
            assert_eq!(as_picture(media), None, "{media}");
        }
        assert_eq!(as_picture("image/png"), Some(("image/png", "png")));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_judged_without_panic(content in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
            let _ = accept(ImageType::Message, &content);
        }
    }
}
