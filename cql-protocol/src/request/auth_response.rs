//! AUTH_RESPONSE: a SASL token.

use crate::notation::{DecodeError, Reader, write_bytes};

/// An AUTH_RESPONSE message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AuthResponse<'a> {
    /// For PasswordAuthenticator: `authzid NUL user NUL password`, the first mostly empty.
    pub token: Option<&'a [u8]>,
}

impl std::fmt::Debug for AuthResponse<'_> {
    /// Without the token: it holds a password.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("AuthResponse").finish_non_exhaustive()
    }
}

impl<'a> AuthResponse<'a> {
    /// Reads the body.
    ///
    /// # Errors
    /// If it is malformed.
    pub fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self { token: reader.bytes()? })
    }

    /// Appends the body.
    ///
    /// # Panics
    /// If the token has 2 GiB or more.
    pub fn encode(&self, out: &mut Vec<u8>) {
        write_bytes(out, self.token);
    }
}
