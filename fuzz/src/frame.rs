//! Feeds made-up bytes to the decoder of frames. What it reads is written and read again as the same frame, and is not much
//! larger in memory than its bytes.
#![no_main]

use larkspur_server::delivery::connection::frame::Frame;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Ok(frame) = Frame::read(bytes::Bytes::copy_from_slice(input)) else { return };
    assert!(frame.headers.len() <= 64);
    let written = frame.write();
    assert_eq!(Frame::read(written).as_ref(), Ok(&frame));
});
