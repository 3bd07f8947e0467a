//! What connections of clients and links of nodes have in common: the writing half of a socket, and a way to wake its reader.

use std::cell::{Cell, RefCell};
use std::io;
use std::task::{Context, Waker};

use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// Bytes a link keeps allocated for its output between two batches.
const OUTPUT_BYTES_KEPT: usize = 256 * 1024;

/// The writing half of a connection, owned by one coordinator's thread.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) write: OwnedWriteHalf,
    /// The task that reads: woken when the connection is to end, or may be read again.
    reader: RefCell<Option<Waker>>,
    /// A task waits until the socket takes bytes again.
    is_writing: Cell<bool>,
    is_ended: Cell<bool>,
    /// Monotonic microseconds of the last byte that came.
    pub(crate) last_read: Cell<u64>,
    /// A byte came.
    pub(crate) has_spoken: Cell<bool>,
    /// Output of a link; a client's output stays in its connection.
    pub(crate) output: RefCell<LinkBytes>,
}

/// Bytes that a link has not sent yet.
#[derive(Debug, Default)]
pub(crate) struct LinkBytes {
    pub(crate) bytes: Vec<u8>,
    /// How many of them are sent.
    sent: usize,
}

impl LinkBytes {
    /// What is to be sent.
    pub(crate) fn unsent(&self) -> &[u8] {
        &self.bytes[self.sent..]
    }

    /// Notes that so many bytes more are sent.
    pub(crate) fn sent(&mut self, size: usize) {
        self.sent += size;
        assert!(self.sent <= self.bytes.len(), "no more is sent than there is");
        if self.sent == self.bytes.len() {
            self.bytes.clear();
            self.bytes.shrink_to(OUTPUT_BYTES_KEPT);
            self.sent = 0;
        }
    }
}

/// How an attempt to write ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// Everything is with the kernel.
    All,
    /// The socket takes no more at the moment.
    Blocked,
    /// The connection is broken.
    Failed,
}

impl Socket {
    /// Splits a stream.
    pub(crate) fn new(stream: TcpStream, now_micros: u64) -> (OwnedReadHalf, Socket) {
        let (read, write) = stream.into_split();
        let socket = Socket {
            write,
            reader: RefCell::default(),
            is_writing: Cell::new(false),
            is_ended: Cell::new(false),
            last_read: Cell::new(now_micros),
            has_spoken: Cell::new(false),
            output: RefCell::default(),
        };
        (read, socket)
    }

    /// Remembers which task reads.
    #[inline]
    pub(crate) fn remember_reader(&self, context: &Context<'_>) {
        let mut reader = self.reader.borrow_mut();
        if !reader.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            *reader = Some(context.waker().clone());
        }
    }

    /// Wakes the task that reads.
    pub(crate) fn wake_reader(&self) {
        if let Some(waker) = &*self.reader.borrow() {
            waker.wake_by_ref();
        }
    }

    /// Has the connection closed by the task that reads.
    pub(crate) fn end(&self) {
        self.is_ended.set(true);
        self.wake_reader();
    }

    /// The connection is to be closed.
    #[inline]
    pub(crate) fn is_ended(&self) -> bool {
        self.is_ended.get()
    }

    /// Whether a task waits to write; if not, the caller is to start one, and this notes that it did.
    pub(crate) fn begin_writing(&self) -> bool {
        !self.is_writing.replace(true)
    }

    /// The task that waited has written everything.
    pub(crate) fn finish_writing(&self) {
        self.is_writing.set(false);
    }

    /// A task waits to write.
    #[inline]
    pub(crate) fn is_writing(&self) -> bool {
        self.is_writing.get()
    }

    /// Writes as much as the socket takes; `sent` is told of each piece and gives back what is left to be sent.
    #[inline]
    pub(crate) fn try_write(&self, bytes: &[u8]) -> Result<usize, Written> {
        match self.write.try_write(bytes) {
            Ok(0) => Err(Written::Failed),
            Ok(size) => Ok(size),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(Written::Blocked),
            Err(_) => Err(Written::Failed),
        }
    }

    /// Writes a link's output.
    pub(crate) fn write_output(&self) -> Written {
        let mut output = self.output.borrow_mut();
        while !output.unsent().is_empty() {
            match self.try_write(output.unsent()) {
                Ok(size) => output.sent(size),
                Err(ended) => return ended,
            }
        }
        Written::All
    }

    /// Bytes of a link that are not sent yet.
    pub(crate) fn output_len(&self) -> usize {
        self.output.borrow().unsent().len()
    }
}

/// Bytes that came over a link and are not used yet.
#[derive(Debug)]
pub(crate) struct ReadBuffer {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

/// Bytes a link's buffer has when nothing waits in it.
const READ_BUFFER_BYTES: usize = 64 * 1024;

impl Default for ReadBuffer {
    fn default() -> Self {
        ReadBuffer { bytes: vec![0; READ_BUFFER_BYTES], start: 0, end: 0 }
    }
}

impl ReadBuffer {
    /// Room to read into, never empty. It grows only as bytes really come, whatever length a frame claims.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        if self.end == self.bytes.len() {
            if self.start > 0 {
                self.bytes.copy_within(self.start..self.end, 0);
                self.end -= self.start;
                self.start = 0;
            }
            if self.end * 2 > self.bytes.len() {
                self.bytes.resize(self.bytes.len() * 2, 0);
            }
        }
        &mut self.bytes[self.end..]
    }

    /// So many bytes were read into the room.
    pub(crate) fn received(&mut self, size: usize) {
        self.end += size;
    }

    /// Bytes not used yet.
    pub(crate) fn waiting(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// So many bytes are used.
    pub(crate) fn used(&mut self, size: usize) {
        self.start += size;
        assert!(self.start <= self.end, "no more is used than came");
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
            if self.bytes.len() > READ_BUFFER_BYTES {
                *self = ReadBuffer::default();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_buffer_keeps_order_and_shrinks() {
        let mut buffer = ReadBuffer::default();
        let mut expected = std::collections::VecDeque::new();
        let mut next = 0u8;
        for step in 0..200usize {
            let room = buffer.room();
            assert!(!room.is_empty(), "step {step}");
            let size = room.len().min(1 + step * 977 % 50_000);
            for byte in &mut room[..size] {
                *byte = next;
                expected.push_back(next);
                next = next.wrapping_add(1);
            }
            buffer.received(size);
            let used = buffer.waiting().len().min(step * 1_301 % 60_000);
            assert!(buffer.waiting()[..used].iter().eq(expected.drain(..used).collect::<Vec<_>>().iter()));
            buffer.used(used);
        }
        buffer.used(buffer.waiting().len());
        assert_eq!(buffer.room().len(), READ_BUFFER_BYTES);
    }

    #[test]
    fn link_bytes_are_sent_in_order() {
        let mut output = LinkBytes::default();
        output.bytes.extend_from_slice(b"abc");
        output.sent(1);
        output.bytes.extend_from_slice(b"de");
        assert_eq!(output.unsent(), b"bcde");
        output.sent(4);
        assert_eq!(output.unsent(), b"");
        output.bytes.extend_from_slice(b"f");
        assert_eq!(output.unsent(), b"f");
    }
}
