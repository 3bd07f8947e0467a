//! `[inetaddr]` (a size, 4 or 16, and the address) and `[inet]` (the same with a port as `[int]`).

use super::integer::{write_byte, write_int};
use super::{DecodeError, Reader};
use std::net::{IpAddr, SocketAddr};

impl Reader<'_> {
    /// An `[inetaddr]`.
    ///
    /// # Errors
    /// If the body ends or the address has neither 4 nor 16 bytes.
    pub fn inet_address(&mut self) -> Result<IpAddr, DecodeError> {
        match self.byte()? {
            4 => Ok(IpAddr::from(self.take_array::<4>("an IPv4 address")?)),
            16 => Ok(IpAddr::from(self.take_array::<16>("an IPv6 address")?)),
            size => Err(DecodeError::InetSize(size)),
        }
    }

    /// An `[inet]`.
    ///
    /// # Errors
    /// As [`Reader::inet_address`], or if the port is not 0 to 65535.
    pub fn inet(&mut self) -> Result<SocketAddr, DecodeError> {
        let address = self.inet_address()?;
        let port = self.int()?;
        let port = u16::try_from(port).map_err(|_| DecodeError::Number(format!("port out of range:{port}")))?;
        Ok(SocketAddr::new(address, port))
    }
}

/// Appends an `[inetaddr]`.
pub fn write_inet_address(out: &mut Vec<u8>, value: IpAddr) {
    match value {
        IpAddr::V4(address) => {
            write_byte(out, 4);
            out.extend_from_slice(&address.octets());
        }
        IpAddr::V6(address) => {
            write_byte(out, 16);
            out.extend_from_slice(&address.octets());
        }
    }
}

/// Appends an `[inet]`.
pub fn write_inet(out: &mut Vec<u8>, value: SocketAddr) {
    write_inet_address(out, value.ip());
    write_int(out, i32::from(value.port()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_go_both_ways() {
        for (text, expected) in [
            ("127.0.0.1:9042", &[4, 127, 0, 0, 1, 0, 0, 0x23, 0x52][..]),
            ("[::1]:65535", &[16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0xff, 0xff]),
        ] {
            let value: SocketAddr = text.parse().unwrap();
            let mut out = Vec::new();
            write_inet(&mut out, value);
            assert_eq!(out, expected);
            assert_eq!(Reader::new(&out).inet(), Ok(value));
            assert_eq!(Reader::new(&out).inet_address(), Ok(value.ip()));
        }
        assert_eq!(Reader::new(&[5, 1, 2, 3, 4, 5]).inet(), Err(DecodeError::InetSize(5)));
        assert!(Reader::new(&[4, 1, 2, 3, 4, 0, 1, 0, 0]).inet().is_err());
        assert!(Reader::new(&[4, 1, 2]).inet_address().is_err());
    }
}
