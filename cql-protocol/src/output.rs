//! Frames on their way out: one buffer that they are written into in place, for one write to the socket a batch.
//!
//! 1. A frame is begun with a header whose length is patched when the frame ends. An unfinished frame can be dropped.
//! 2. v3, v4 with compression: the body is compressed when the frame ends.
//! 3. v5: frames (there: envelopes) gather in a segment whose header is reserved before the first. A segment is sealed,
//!    that is compressed, given its header and its trailer, when it is large enough or when output is taken.
//! 4. v5: an envelope larger than a segment is cut into segments of its own.

use crate::compress::{Compression, Compressor};
use crate::frame::{FrameHeader, HEADER_SIZE, flag};
use crate::limits::{
    COMPRESSED_BODY_SIZE_MIN, IDLE_BUFFER_SIZE_MAX, SEGMENT_PAYLOAD_SIZE_MAX, SEGMENT_PAYLOAD_SIZE_TARGET,
};
use crate::notation::insert;
use crate::segment::{SegmentFormat, SegmentHeader, crc32};

/// Frames being written.
#[derive(Debug, Default)]
pub(crate) struct OutputFrames {
    bytes: Vec<u8>,
    /// Bytes at the beginning that the socket has taken.
    sent: usize,
    /// Where the unfinished frame begins.
    frame_start: Option<usize>,
    /// Format of segments, once they are in use.
    segments: Option<SegmentFormat>,
    /// Where the header of the open segment is reserved.
    segment_start: Option<usize>,
    /// Compression of bodies (v3, v4).
    compression: Option<Compression>,
    compressor: Compressor,
    /// Reused for what was compressed.
    compressed: Vec<u8>,
    /// Reused for an envelope that moves to other segments.
    moved: Vec<u8>,
}

impl OutputFrames {
    /// From the next frame on, compress bodies.
    pub(crate) fn compress_bodies(&mut self, compression: Option<Compression>) {
        self.compression = compression;
    }

    /// From the next frame on, wrap frames into segments.
    pub(crate) fn start_segments(&mut self, format: SegmentFormat) {
        self.segments = Some(format);
    }

    /// Begins a frame; its length is patched by [`OutputFrames::finish`]. A frame left unfinished is dropped.
    #[inline]
    pub(crate) fn begin(&mut self, header: &FrameHeader) {
        self.roll_back();
        if let Some(format) = self.segments {
            self.make_segment(format);
        }
        self.frame_start = Some(self.bytes.len());
        self.bytes.extend_from_slice(&header.encode());
    }

    /// The buffer, to append the body of the frame begun. What is in it must not be touched.
    #[inline]
    pub(crate) fn body(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Size of the body so far in bytes.
    pub(crate) fn body_size(&self) -> usize {
        self.frame_start.map_or(0, |start| self.bytes.len() - start - HEADER_SIZE)
    }

    /// Drops the unfinished frame, if there is one.
    #[inline]
    pub(crate) fn roll_back(&mut self) {
        if let Some(start) = self.frame_start.take() {
            self.bytes.truncate(start);
        }
    }

    /// Inserts bytes at the beginning of the body and adds flags to the header.
    pub(crate) fn prefix(&mut self, flags: u8, prefix: &[u8]) {
        let Some(start) = self.frame_start else {
            return;
        };
        self.bytes[start + 1] |= flags;
        insert(&mut self.bytes, start + HEADER_SIZE, &[prefix]);
    }

    /// Ends the frame.
    ///
    /// # Panics
    /// If no frame was begun, or its body has 2 GiB or more: the caller limits it.
    #[inline]
    pub(crate) fn finish(&mut self) {
        let start = self.frame_start.take().expect("a frame is finished once, after it was begun");
        if let Some(compression) = self.compression {
            self.compress_body(start, compression);
        }
        let size = self.bytes.len() - start - HEADER_SIZE;
        let length = i32::try_from(size).expect("a body is smaller than 2 GiB");
        self.bytes[start + 5..start + HEADER_SIZE].copy_from_slice(&length.to_be_bytes());
        if let (Some(format), Some(segment_start)) = (self.segments, self.segment_start)
            && self.bytes.len() - segment_start - format.header_size() > SEGMENT_PAYLOAD_SIZE_MAX
        {
            self.move_to_own_segment(start, segment_start, format);
        }
    }

    fn compress_body(&mut self, start: usize, compression: Compression) {
        let body = &self.bytes[start + HEADER_SIZE..];
        if body.len() < COMPRESSED_BODY_SIZE_MIN {
            return;
        }
        self.compressor.compress_body(compression, body, &mut self.compressed);
        if self.compressed.len() < body.len() {
            self.bytes.truncate(start + HEADER_SIZE);
            self.bytes.extend_from_slice(&self.compressed);
            self.bytes[start + 1] |= flag::COMPRESSED;
        }
    }

    /// Makes sure that there is an open segment with room.
    #[inline]
    fn make_segment(&mut self, format: SegmentFormat) {
        if let Some(segment_start) = self.segment_start {
            if self.bytes.len() - segment_start < SEGMENT_PAYLOAD_SIZE_TARGET {
                return;
            }
            self.seal(segment_start, format, true);
        }
        self.open_segment(format);
    }

    fn open_segment(&mut self, format: SegmentFormat) {
        self.segment_start = Some(self.bytes.len());
        self.bytes.resize(self.bytes.len() + format.header_size(), 0);
    }

    /// Completes the segment that ends where the buffer ends.
    fn seal(&mut self, segment_start: usize, format: SegmentFormat, self_contained: bool) {
        self.segment_start = None;
        let payload_start = segment_start + format.header_size();
        let payload = &self.bytes[payload_start..];
        let mut header = SegmentHeader { wire_size: payload.len(), raw_size: 0, self_contained };
        if format == SegmentFormat::Lz4 {
            self.compressor.compress_payload(payload, &mut self.compressed);
            if self.compressed.len() < payload.len() {
                header = SegmentHeader { wire_size: self.compressed.len(), raw_size: payload.len(), self_contained };
                self.bytes.truncate(payload_start);
                self.bytes.extend_from_slice(&self.compressed);
            }
        }
        header.encode(&mut self.bytes[segment_start..payload_start], format);
        let checksum = crc32(&self.bytes[payload_start..]);
        self.bytes.extend_from_slice(&checksum.to_le_bytes());
    }

    /// Takes a finished envelope out of the segment that it overflows, into one or more of its own.
    #[cold]
    fn move_to_own_segment(&mut self, start: usize, segment_start: usize, format: SegmentFormat) {
        let mut moved = std::mem::take(&mut self.moved);
        moved.clear();
        moved.extend_from_slice(&self.bytes[start..]);
        if start == segment_start + format.header_size() {
            self.bytes.truncate(segment_start);
            self.segment_start = None;
        } else {
            self.bytes.truncate(start);
            self.seal(segment_start, format, true);
        }
        if moved.len() <= SEGMENT_PAYLOAD_SIZE_MAX {
            self.open_segment(format);
            self.bytes.extend_from_slice(&moved);
        } else {
            for part in moved.chunks(SEGMENT_PAYLOAD_SIZE_MAX) {
                let part_start = self.bytes.len();
                self.open_segment(format);
                self.bytes.extend_from_slice(part);
                self.seal(part_start, format, false);
            }
        }
        if moved.capacity() <= IDLE_BUFFER_SIZE_MAX {
            self.moved = moved;
        }
    }

    /// Completes what is to be sent. An unfinished frame is dropped.
    fn complete(&mut self) {
        self.roll_back();
        if let (Some(format), Some(segment_start)) = (self.segments, self.segment_start) {
            if self.bytes.len() == segment_start + format.header_size() {
                self.bytes.truncate(segment_start);
                self.segment_start = None;
            } else {
                self.seal(segment_start, format, true);
            }
        }
    }

    /// Whether there is something to send.
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.len() == self.sent
    }

    /// Bytes gathered and not sent, about.
    pub(crate) fn unsent_size(&self) -> usize {
        self.bytes.len() - self.sent
    }

    /// Everything to send now.
    pub(crate) fn unsent(&mut self) -> &[u8] {
        self.complete();
        &self.bytes[self.sent..]
    }

    /// Notes that the socket has taken bytes of [`OutputFrames::unsent`].
    ///
    /// # Panics
    /// If that is more than there were.
    pub(crate) fn sent(&mut self, size: usize) {
        self.sent += size;
        assert!(self.sent <= self.bytes.len(), "only what was there is sent");
        if self.sent == self.bytes.len() {
            self.sent = 0;
            self.segment_start = None;
            if self.bytes.capacity() > IDLE_BUFFER_SIZE_MAX {
                self.bytes = Vec::new();
            } else {
                self.bytes.clear();
            }
        } else if self.sent > IDLE_BUFFER_SIZE_MAX && self.segment_start.is_none() && self.frame_start.is_none() {
            self.bytes.drain(..self.sent);
            self.sent = 0;
        }
    }

    /// Moves everything to send to the end of another buffer.
    pub(crate) fn take_into(&mut self, other: &mut Vec<u8>) {
        self.complete();
        if other.is_empty() && self.sent == 0 {
            std::mem::swap(&mut self.bytes, other);
        } else {
            other.extend_from_slice(&self.bytes[self.sent..]);
            self.bytes.clear();
        }
        self.sent = 0;
    }
}
