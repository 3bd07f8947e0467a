//! Frames on their way in: found in the input buffer and handed out in place wherever that is possible.
//!
//! Plain (v3, v4, and every version until STARTUP is answered): a frame is header and body, the body maybe compressed.
//! Segments (v5): a self-contained segment is a window over whole envelopes, in the input buffer itself unless it is
//! compressed; segments that are not are gathered until their one envelope is whole.

use crate::compress::{CompressError, Compression, decompress_lz4};
use crate::frame::{FrameHeader, HEADER_SIZE, flag};
use crate::input::InputBuffer;
use crate::limits::{IDLE_BUFFER_SIZE_MAX, SEGMENT_PAYLOAD_SIZE_MAX};
use crate::segment::{HeaderMismatch, SegmentFormat, SegmentHeader, TRAILER_SIZE, crc32};

/// Why no frame can be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FrameError {
    /// The body is larger than allowed.
    TooLarge { header: FrameHeader, maximum: u32, segmented: bool },
    /// The length of a body is negative: nothing after it can be found.
    NegativeLength(FrameHeader),
    /// The body of this frame cannot be decompressed.
    Compressed(FrameHeader, CompressError),
    /// The header of a segment has another checksum.
    SegmentHeader(HeaderMismatch),
    /// The payload of a segment has another checksum.
    SegmentPayload { read: u32, computed: u32 },
    /// Envelopes and segments do not fit together.
    Layout(&'static str),
}

/// Where the bytes of an envelope are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Input,
    Scratch,
    Large,
}

/// A frame that was found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Located {
    pub(crate) header: FrameHeader,
    source: Source,
    start: usize,
    end: usize,
}

/// Envelopes that are left of a segment. Positions count from the input's position, or from the buffer's beginning.
#[derive(Clone, Copy, Debug)]
struct Window {
    source: Source,
    position: usize,
    end: usize,
    /// Bytes to take from the input when all envelopes are handed out.
    input_size: usize,
}

/// Finds frames in what a connection receives.
#[derive(Debug)]
pub(crate) struct Deframer {
    pub(crate) input: InputBuffer,
    /// Largest body in bytes.
    pub(crate) body_size_max: u32,
    /// Number of the segment, or of the large envelope, that frames come from; zero while they are plain.
    pub(crate) segment_number: u64,
    segments: Option<SegmentFormat>,
    compression: Option<Compression>,
    window: Option<Window>,
    scratch: Vec<u8>,
    /// An envelope being gathered from several segments, and its whole size.
    large: Vec<u8>,
    large_size: usize,
    /// Bytes of input to skip.
    skip: u64,
}

impl Deframer {
    /// Plain frames with bodies up to a size.
    pub(crate) fn new(body_size_max: u32) -> Self {
        Self {
            input: InputBuffer::default(),
            body_size_max,
            segment_number: 0,
            segments: None,
            compression: None,
            window: None,
            scratch: Vec::new(),
            large: Vec::new(),
            large_size: 0,
            skip: 0,
        }
    }

    /// From the next frame on, bodies may be compressed.
    pub(crate) fn compress_bodies(&mut self, compression: Option<Compression>) {
        self.compression = compression;
    }

    /// From the next byte on, everything is segments.
    pub(crate) fn start_segments(&mut self, format: SegmentFormat) {
        self.segments = Some(format);
    }

    /// Whether frames are plain.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.segments.is_none()
    }

    /// The first bytes of the next plain frame.
    pub(crate) fn peek(&mut self) -> &[u8] {
        self.skip_input();
        if self.skip > 0 { &[] } else { self.input.unread() }
    }

    /// Skips everything received, and the rest of a body if the header that was received promises one. In versions 1
    /// and 2 the header has one byte less.
    pub(crate) fn skip_received(&mut self, version: u8) {
        let unread = self.input.unread();
        let header_size = if matches!(version, 1 | 2) { HEADER_SIZE - 1 } else { HEADER_SIZE };
        let length = unread.get(..header_size).and_then(<[u8]>::last_chunk::<4>).map_or(0, |l| u32::from_be_bytes(*l));
        let promised = if length <= self.body_size_max { header_size as u64 + u64::from(length) } else { 0 };
        let received = unread.len();
        self.input.take(received);
        self.skip = promised.saturating_sub(received as u64);
    }

    /// The bytes of a frame's body.
    #[inline]
    pub(crate) fn body(&self, located: &Located) -> &[u8] {
        match located.source {
            Source::Input => self.input.range(located.start, located.end),
            Source::Scratch => self.scratch.get(located.start..located.end).unwrap_or_default(),
            Source::Large => self.large.get(located.start..located.end).unwrap_or_default(),
        }
    }

    /// The next frame, or none if more bytes are needed.
    #[inline]
    pub(crate) fn next_frame(&mut self) -> Result<Option<Located>, FrameError> {
        match self.segments {
            None => self.next_plain(),
            Some(format) => self.next_segmented(format),
        }
    }

    fn skip_input(&mut self) {
        if self.skip > 0 {
            let size = self.input.unread().len().min(usize::try_from(self.skip).unwrap_or(usize::MAX));
            self.input.take(size);
            self.skip -= size as u64;
        }
    }

    #[inline]
    fn next_plain(&mut self) -> Result<Option<Located>, FrameError> {
        self.skip_input();
        if self.skip > 0 {
            return Ok(None);
        }
        let unread = self.input.unread();
        let Some(header) = FrameHeader::decode_prefix(unread) else {
            return Ok(None);
        };
        let length = usize::try_from(header.length).map_err(|_| FrameError::NegativeLength(header))?;
        let size = HEADER_SIZE + length;
        if size as u64 > u64::from(self.body_size_max) {
            return Err(FrameError::TooLarge { header, maximum: self.body_size_max, segmented: false });
        }
        if unread.len() < size {
            return Ok(None);
        }
        let start = self.input.position() + HEADER_SIZE;
        self.input.take(size);
        let located = Located { header, source: Source::Input, start, end: start + length };
        match self.compression {
            Some(compression) if header.flags & flag::COMPRESSED != 0 => {
                self.decompress_body(&located, compression).map(Some)
            }
            _ => Ok(Some(located)),
        }
    }

    fn decompress_body(&mut self, located: &Located, compression: Compression) -> Result<Located, FrameError> {
        give_back(&mut self.scratch);
        let body = self.input.range(located.start, located.end);
        compression
            .decompress_body(body, &mut self.scratch, self.body_size_max as usize)
            .map_err(|error| FrameError::Compressed(located.header, error))?;
        Ok(Located { source: Source::Scratch, start: 0, end: self.scratch.len(), ..*located })
    }

    fn next_segmented(&mut self, format: SegmentFormat) -> Result<Option<Located>, FrameError> {
        loop {
            if let Some(window) = self.window {
                if window.position < window.end {
                    return self.next_in_window(window).map(Some);
                }
                self.input.take(window.input_size);
                self.window = None;
            }
            if !self.next_segment(format)? {
                return Ok(None);
            }
        }
    }

    #[inline]
    fn next_in_window(&mut self, mut window: Window) -> Result<Located, FrameError> {
        let base = if window.source == Source::Input { self.input.position() } else { 0 };
        let bytes = match window.source {
            Source::Input => self.input.range(base + window.position, base + window.end),
            Source::Scratch => self.scratch.get(window.position..window.end).unwrap_or_default(),
            Source::Large => self.large.get(window.position..window.end).unwrap_or_default(),
        };
        let header = FrameHeader::decode_prefix(bytes)
            .ok_or(FrameError::Layout("A self-contained frame ends within the header of an envelope"))?;
        let length = usize::try_from(header.length).map_err(|_| FrameError::NegativeLength(header))?;
        let size = HEADER_SIZE + length;
        if size > bytes.len() {
            return Err(FrameError::Layout("A self-contained frame ends within the body of an envelope"));
        }
        let start = base + window.position + HEADER_SIZE;
        window.position += size;
        self.window = Some(window);
        if header.length.cast_unsigned() > self.body_size_max {
            return Err(FrameError::TooLarge { header, maximum: self.body_size_max, segmented: true });
        }
        Ok(Located { header, source: window.source, start, end: start + length })
    }

    /// Opens the next segment; false if more bytes are needed.
    fn next_segment(&mut self, format: SegmentFormat) -> Result<bool, FrameError> {
        let unread = self.input.unread();
        let Some(header) = SegmentHeader::decode(unread, format).map_err(FrameError::SegmentHeader)? else {
            return Ok(false);
        };
        let payload_end = format.header_size() + header.wire_size;
        let Some(trailer) = unread.get(payload_end..payload_end + TRAILER_SIZE) else {
            return Ok(false);
        };
        let read = trailer.first_chunk::<4>().map_or(0, |bytes| u32::from_le_bytes(*bytes));
        let payload = unread.get(format.header_size()..payload_end).unwrap_or_default();
        let computed = crc32(payload);
        if read != computed {
            return Err(FrameError::SegmentPayload { read, computed });
        }
        let compressed = header.raw_size > 0;
        if compressed {
            decompress_lz4(payload, &mut self.scratch, header.raw_size, SEGMENT_PAYLOAD_SIZE_MAX)
                .map_err(|_| FrameError::Layout("The payload of a frame cannot be decompressed"))?;
        }
        let segment_size = payload_end + TRAILER_SIZE;
        if !header.self_contained {
            self.gather(format, payload_end, compressed)?;
            self.input.take(segment_size);
            return Ok(true);
        }
        if self.large_size > 0 {
            return Err(FrameError::Layout("A self-contained frame stands between the parts of a large message"));
        }
        self.segment_number += 1;
        self.window = Some(if compressed {
            self.input.take(segment_size);
            Window { source: Source::Scratch, position: 0, end: self.scratch.len(), input_size: 0 }
        } else {
            let position = format.header_size();
            Window { source: Source::Input, position, end: payload_end, input_size: segment_size }
        });
        Ok(true)
    }

    /// Adds the payload of the segment at the beginning of the input to the large envelope.
    fn gather(&mut self, format: SegmentFormat, payload_end: usize, compressed: bool) -> Result<(), FrameError> {
        let payload = if compressed {
            self.scratch.as_slice()
        } else {
            self.input.unread().get(format.header_size()..payload_end).unwrap_or_default()
        };
        if self.large_size == 0 {
            give_back(&mut self.large);
            self.large.clear();
            let header = FrameHeader::decode_prefix(payload)
                .ok_or(FrameError::Layout("The first part of a large message has no whole header"))?;
            let length = usize::try_from(header.length).map_err(|_| FrameError::NegativeLength(header))?;
            let size = HEADER_SIZE + length;
            if payload.len() > size {
                return Err(FrameError::Layout("The parts of a large message are larger than the message"));
            }
            if header.length.cast_unsigned() > self.body_size_max {
                return Err(FrameError::TooLarge { header, maximum: self.body_size_max, segmented: true });
            }
            self.large_size = size;
        }
        self.large.extend_from_slice(payload);
        if self.large.len() > self.large_size {
            return Err(FrameError::Layout("The parts of a large message are larger than the message"));
        }
        if self.large.len() == self.large_size {
            self.window = Some(Window { source: Source::Large, position: 0, end: self.large_size, input_size: 0 });
            self.large_size = 0;
            self.segment_number += 1;
        }
        Ok(())
    }

    /// Bytes allocated.
    #[cfg(test)]
    pub(crate) fn allocated(&self) -> usize {
        self.input.allocated() + self.scratch.capacity() + self.large.capacity()
    }
}

/// Frees a buffer that has grown beyond what a connection should keep.
fn give_back(buffer: &mut Vec<u8>) {
    if buffer.capacity() > IDLE_BUFFER_SIZE_MAX {
        *buffer = Vec::new();
    }
}
