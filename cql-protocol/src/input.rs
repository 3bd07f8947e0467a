//! The bytes a connection has received and not yet taken.

use crate::limits::{IDLE_BUFFER_SIZE_MAX, READ_SIZE_MIN};

/// One growable buffer: bytes come in at its end and are taken from its beginning, in place.
#[derive(Debug, Default)]
pub(crate) struct InputBuffer {
    /// Initialised to its whole length, so that a socket can read straight into it.
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl InputBuffer {
    /// What has been received and not been taken.
    #[inline]
    pub(crate) fn unread(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// Takes bytes from the beginning. They stay where they are until bytes come in.
    ///
    /// # Panics
    /// If there are fewer.
    #[inline]
    pub(crate) fn take(&mut self, size: usize) {
        self.start += size;
        assert!(self.start <= self.end, "only received bytes are taken");
    }

    /// Position of the first byte that was not taken, for [`InputBuffer::range`].
    #[inline]
    pub(crate) const fn position(&self) -> usize {
        self.start
    }

    /// Bytes at a position, taken or not.
    #[inline]
    pub(crate) fn range(&self, start: usize, end: usize) -> &[u8] {
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// Room to read into, at least [`READ_SIZE_MIN`] bytes; then call [`InputBuffer::received`].
    ///
    /// Grows only when most of the buffer holds bytes already received, so never ahead of what a client has really sent.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
            if self.bytes.len() > IDLE_BUFFER_SIZE_MAX {
                self.bytes = Vec::new();
            }
        }
        if self.bytes.len() - self.end < READ_SIZE_MIN && self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.bytes.len() - self.end < READ_SIZE_MIN {
            let size = (self.bytes.len() * 2).max(self.end + READ_SIZE_MIN);
            self.bytes.resize(size, 0);
        }
        &mut self.bytes[self.end..]
    }

    /// Notes that so many bytes were read into the room.
    ///
    /// # Panics
    /// If that is more than the room.
    pub(crate) fn received(&mut self, size: usize) {
        self.end += size;
        assert!(self.end <= self.bytes.len(), "only the room is read into");
    }

    /// Copies bytes in.
    pub(crate) fn feed(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = self.room();
            let size = room.len().min(bytes.len());
            let (now, later) = bytes.split_at(size);
            room[..size].copy_from_slice(now);
            self.received(size);
            bytes = later;
        }
    }

    /// Bytes allocated.
    #[cfg(test)]
    pub(crate) fn allocated(&self) -> usize {
        self.bytes.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_out_as_they_went_in() {
        let mut input = InputBuffer::default();
        let (mut next_in, mut next_out) = (0_u64, 0_u64);
        for round in 0..2000_u64 {
            let sent: Vec<u8> = (0..round * 37 % 5000).map(|offset| ((next_in + offset) % 251) as u8).collect();
            next_in += sent.len() as u64;
            input.feed(&sent);
            let taken = input.unread().len() * (round as usize % 5) / 4;
            let taken = taken.min(input.unread().len());
            for byte in &input.unread()[..taken] {
                assert_eq!(u64::from(*byte), next_out % 251);
                next_out += 1;
            }
            input.take(taken);
        }
        assert_eq!(input.unread().len() as u64, next_in - next_out);
    }

    #[test]
    fn room_is_given_back_and_grows_only_with_what_came() {
        let mut input = InputBuffer::default();
        assert!(input.room().len() >= READ_SIZE_MIN);
        assert!(input.allocated() <= 2 * READ_SIZE_MIN);
        input.feed(&vec![1; 1 << 20]);
        assert!(input.allocated() <= 3 << 20);
        input.take(1 << 20);
        assert!(input.room().len() >= READ_SIZE_MIN);
        assert!(input.allocated() <= IDLE_BUFFER_SIZE_MAX);
    }
}
