//! Uploads for blocks.

use larkspur_contract::{Fault, codes};

/// The most bytes of an upload. Source: the upload page ("20 MB").
pub const SIZE_MAX: usize = 20 * 1024 * 1024;

/// Checks size and checksum of an upload.
pub fn accept(content: &[u8], size: i64, checksum: Option<&str>) -> Result<(), Fault> {
    if content.len() > SIZE_MAX {
        return Err(Fault::new(codes::MEDIA_TOO_LARGE, format!("the file has {} bytes", content.len())));
    }
    if i64::try_from(content.len()) != Ok(size) {
        let note = format!("the file has {} bytes, not {size}", content.len());
        return Err(Fault::new(codes::MEDIA_SIZE_WRONG, note));
    }
    let Some(sent) = checksum.filter(|sent| !sent.is_empty()) else { return Ok(()) };
    let sum = adler32(content);
    if sent.parse() != Ok(sum) {
        return Err(Fault::new(codes::MEDIA_CHECKSUM_WRONG, format!("the checksum is {sum}")));
    }
    Ok(())
}

/// Width and height of a picture.
pub fn pixels(content: &[u8]) -> Option<(i64, i64)> {
    let size = imagesize::blob_size(content).ok()?;
    Some((i64::try_from(size.width).ok()?, i64::try_from(size.height).ok()?))
}

/// Source: RFC 1950.
fn adler32(content: &[u8]) -> u32 {
    // The most bytes whose sums fit 32 bits without a division.
    const PIECE: usize = 5552;
    let (mut low, mut high) = (1u32, 0u32);
    for piece in content.chunks(PIECE) {
        for byte in piece {
            low += u32::from(*byte);
            high += low;
        }
        low %= 65_521;
        high %= 65_521;
    }
    (high << 16) | low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_and_checksum_are_compared() {
        assert_eq!(adler32(b"Wikipedia"), 0x11E6_0398);
        // The sums of many bytes 255, calculated with a division for each byte.
        let (low, high) = (0..20_000).fold((1u32, 0u32), |(low, high), _| {
            let low = (low + 255) % 65_521;
            (low, (high + low) % 65_521)
        });
        assert_eq!(adler32(&[255; 20_000]), (high << 16) | low);
        assert!(accept(b"Wikipedia", 9, Some("300286872")).is_ok());
        assert!(accept(b"Wikipedia", 9, Some("")).is_ok());
        for (size, checksum, code) in [
            (8, None, codes::MEDIA_SIZE_WRONG),
            (9, Some("1"), codes::MEDIA_CHECKSUM_WRONG),
            (9, Some("x"), codes::MEDIA_CHECKSUM_WRONG),
        ] {
            assert_eq!(accept(b"Wikipedia", size, checksum).expect_err("refused").code(), code);
        }
    }
}
