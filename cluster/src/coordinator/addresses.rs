//! What the requests of each client address hold in memory on this coordinator.

use std::net::IpAddr;

use rustc_hash::FxHashMap;

/// Number of an address while it has connections or requests.
pub(super) type AddressId = u32;

#[derive(Debug)]
struct Use {
    ip: IpAddr,
    connections: u32,
    /// Operations of requests that are under way.
    requests: u32,
    bytes: usize,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    by_ip: FxHashMap<IpAddr, AddressId>,
    uses: Vec<Use>,
    free: Vec<AddressId>,
}

impl Addresses {
    /// A connection from `ip`.
    pub(super) fn open(&mut self, ip: IpAddr) -> AddressId {
        if let Some(id) = self.by_ip.get(&ip) {
            self.uses[*id as usize].connections += 1;
            return *id;
        }
        let entry = Use { ip, connections: 1, requests: 0, bytes: 0 };
        let id = match self.free.pop() {
            Some(id) => {
                self.uses[id as usize] = entry;
                id
            }
            None => {
                self.uses.push(entry);
                (self.uses.len() - 1) as AddressId
            }
        };
        self.by_ip.insert(ip, id);
        id
    }

    /// A connection is gone; its requests may still run.
    pub(super) fn close(&mut self, id: AddressId) {
        self.uses[id as usize].connections -= 1;
        self.forget_unused(id);
    }

    /// A request begins, and holds so many bytes. False, and nothing is counted, when the number is free: the last connection closed
    /// between two operations of one request.
    #[inline]
    pub(super) fn add(&mut self, id: AddressId, bytes: usize) -> bool {
        let entry = &mut self.uses[id as usize];
        if entry.connections == 0 && entry.requests == 0 {
            return false;
        }
        entry.requests += 1;
        entry.bytes += bytes;
        true
    }

    /// A request is done, and holds them no more.
    #[inline]
    pub(super) fn remove(&mut self, id: AddressId, bytes: usize) {
        let entry = &mut self.uses[id as usize];
        entry.requests -= 1;
        entry.bytes -= bytes;
        if entry.connections == 0 {
            self.forget_unused(id);
        }
    }

    /// Bytes that requests of this address hold.
    #[inline]
    pub(super) fn bytes(&self, id: AddressId) -> usize {
        self.uses[id as usize].bytes
    }

    fn forget_unused(&mut self, id: AddressId) {
        let Use { ip, connections, requests, .. } = self.uses[id as usize];
        if connections == 0 && requests == 0 {
            self.by_ip.remove(&ip);
            self.free.push(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_known_while_it_is_used() {
        let mut addresses = Addresses::default();
        let ip = |last| IpAddr::from([10, 0, 0, last]);
        let first = addresses.open(ip(1));
        let second = addresses.open(ip(2));
        assert_eq!(addresses.open(ip(1)), first, "both connections count together");
        assert!(addresses.add(first, 100) && addresses.add(second, 7));
        assert_eq!((addresses.bytes(first), addresses.bytes(second)), (100, 7));
        addresses.close(first);
        addresses.close(first);
        assert_eq!(addresses.open(ip(1)), first, "its request still runs");
        addresses.close(first);
        addresses.remove(first, 100);
        assert_eq!(addresses.open(ip(3)), first, "the number is free again");
        assert_eq!(addresses.bytes(first), 0);
        addresses.close(first);
        assert!(!addresses.add(first, 50), "of a request whose connection is gone");
        let (fourth, fifth) = (addresses.open(ip(4)), addresses.open(ip(5)));
        assert_eq!((fourth, addresses.bytes(first)), (first, 0));
        assert_ne!(fourth, fifth, "a number is free once");
    }
}
