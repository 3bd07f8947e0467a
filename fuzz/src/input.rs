//! The fuzzer's bytes, taken apart from the front. When they are used up, everything is zero.

/// A cursor over the fuzzer's bytes.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    left: &'a [u8],
}

impl<'a> Input<'a> {
    /// From the start.
    pub fn new(bytes: &'a [u8]) -> Self {
        Input { left: bytes }
    }

    /// True when nothing is left.
    pub fn is_empty(&self) -> bool {
        self.left.is_empty()
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        match self.left.split_first() {
            Some((first, rest)) => {
                self.left = rest;
                *first
            }
            None => 0,
        }
    }

    /// The next two bytes as a number.
    pub fn word(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    /// The next `size` bytes, or what is left.
    pub fn take(&mut self, size: usize) -> &'a [u8] {
        let (taken, rest) = self.left.split_at(size.min(self.left.len()));
        self.left = rest;
        taken
    }

    /// Bytes behind a length of one byte.
    pub fn short(&mut self) -> &'a [u8] {
        let size = self.byte();
        self.take(usize::from(size))
    }

    /// All that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.left)
    }
}
