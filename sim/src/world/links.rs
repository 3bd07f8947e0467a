//! What arrives over links, and what becomes of links that open and close.

use helenus_cluster::coordinator::SlotId;
use helenus_cluster::link::{HELLO_HEAD_BYTES, Hello, HelloError, LinkKind};
use uuid::Uuid;

use super::World;
use super::control::member_at;
use crate::net::{Item, Owner, Purpose, Side};
use crate::queue::{Event, MemberRun, Place};

fn read_hello(bytes: &[u8]) -> Result<Hello, HelloError> {
    let Some((head, rest)) = bytes.split_first_chunk::<HELLO_HEAD_BYTES>() else { return Err(HelloError::Magic) };
    let length = Hello::rest_length(head)?;
    Hello::decode(head, rest.get(..length).unwrap_or(rest))
}

impl World {
    pub(super) fn item_arrived(&mut self, id: u64, side: Side) {
        let Some(item) = self.net.arrive(id, side) else { return };
        let Some(link) = self.net.link(id) else { return };
        let (purpose, owner) = (link.purpose, link.owners[side as usize]);
        match item {
            Item::Dial(hello) => self.dialed(id, purpose, owner, &hello),
            Item::Accepted(hello) => self.accepted(id, purpose, owner, &hello),
            Item::Bytes(bytes) => self.bytes_arrived(id, side, owner, &bytes),
            Item::End => self.side_ended(id, side),
        }
    }

    pub(super) fn link_broken(&mut self, id: u64, side: Side) {
        if self.net.link(id).is_some_and(|link| link.open[side as usize]) {
            self.side_ended(id, side);
        }
    }

    pub(super) fn dial_timeout(&mut self, id: u64) {
        let waits = self.net.link(id).is_some_and(|link| !link.established && link.open[Side::Dialer as usize]);
        if waits {
            self.side_ended(id, Side::Dialer);
        }
    }

    /// Somebody wants a link to a member.
    fn dialed(&mut self, id: u64, purpose: Purpose, owner: Owner, hello: &[u8]) {
        let Owner::Listener(member) = owner else { return };
        if self.members[member].running.is_none() {
            if self.members[member].powered {
                self.net.close(&mut self.queue, id, Side::Acceptor);
            }
            return;
        }
        let at = self.at(member);
        let place = Place { at, number: self.rng.index(crate::options::COORDINATORS) };
        let answer = match purpose {
            Purpose::Client => self.take_client(id, place),
            Purpose::Data(_) => self.take_link(id, place, hello),
            Purpose::Control => self.take_control(id, at, hello),
        };
        match answer {
            Some(answer) => {
                self.net.send(&mut self.queue, id, Side::Dialer, Item::Accepted(answer));
                self.trace.numbers(self.queue.now(), [id, member as u64, place.number as u64]);
            }
            None => {
                self.say(|| format!("member {member} refuses link {id} ({purpose:?})"));
                self.net.close(&mut self.queue, id, Side::Acceptor);
            }
        }
    }

    fn take_client(&mut self, id: u64, place: Place) -> Option<Vec<u8>> {
        let now = self.member_now(place.at.member);
        let running = self.running(place.at).filter(|running| running.serves)?;
        let slot = running.coordinators.get_mut(place.number)?;
        slot.coordinator.set_now(now);
        let client = slot.coordinator.open_client(([10, 0, 1, 1], 40_000).into());
        slot.clients.insert(client, id);
        let link = self.net.link(id)?;
        link.owners[Side::Acceptor as usize] = Owner::Coordinator(place);
        link.client = Some(client);
        Some(Vec::new())
    }

    fn take_link(&mut self, id: u64, place: Place, hello: &[u8]) -> Option<Vec<u8>> {
        let own = self.hello(place.at.member, LinkKind::Data)?;
        let hello = read_hello(hello).ok()?;
        hello.check(&own).ok()?;
        let now = self.member_now(place.at.member);
        let slot = self.slot(place)?;
        slot.coordinator.set_now(now);
        slot.coordinator.open_inbound(id, &hello);
        self.net.link(id)?.owners[Side::Acceptor as usize] = Owner::Coordinator(place);
        Some(own.encode())
    }

    fn take_control(&mut self, id: u64, at: MemberRun, hello: &[u8]) -> Option<Vec<u8>> {
        let own = self.hello(at.member, LinkKind::Control)?;
        let hello = read_hello(hello).ok()?;
        hello.check(&own).ok()?;
        let link = self.net.link(id)?;
        link.owners[Side::Acceptor as usize] = Owner::Control(at);
        link.hello = Some(hello);
        Some(own.encode())
    }

    /// The other end took the link.
    fn accepted(&mut self, id: u64, purpose: Purpose, owner: Owner, hello: &[u8]) {
        if let Some(link) = self.net.link(id) {
            link.established = true;
        }
        if purpose != Purpose::Client {
            self.say(|| format!("link {id} ({purpose:?}) of {owner:?} is open"));
        }
        match (purpose, owner) {
            (Purpose::Client, Owner::Client(client)) => self.client_connected(client, id),
            (Purpose::Control, Owner::Control(at)) => self.control_open(at, id),
            (Purpose::Data(host), Owner::Coordinator(place)) => {
                let own = self.hello(place.at.member, LinkKind::Data);
                let hello = read_hello(hello)
                    .ok()
                    .filter(|hello| hello.host_id == host && own.is_some_and(|own| hello.check(&own).is_ok()));
                let Some(hello) = hello else { return self.side_ended(id, Side::Dialer) };
                let now = self.member_now(place.at.member);
                let Some(slot) = self.slot(place) else { return };
                slot.coordinator.set_now(now);
                slot.coordinator.peer_up(&hello);
                self.wake(place);
            }
            _ => {}
        }
    }

    fn bytes_arrived(&mut self, id: u64, side: Side, owner: Owner, bytes: &[u8]) {
        match owner {
            Owner::Client(client) => self.client_received(client, bytes),
            Owner::Control(at) => self.control_bytes(at, id, bytes),
            Owner::Coordinator(place) => {
                let client = self.net.link(id).and_then(|link| link.client);
                match client {
                    Some(client) => self.feed_client(place, client, bytes),
                    None => self.feed_link(id, side, place, bytes),
                }
                self.wake(place);
            }
            Owner::Listener(_) => {}
        }
    }

    fn feed_client(&mut self, place: Place, client: SlotId, mut bytes: &[u8]) {
        let now = self.member_now(place.at.member);
        let Some(slot) = self.slot(place) else { return };
        slot.coordinator.set_now(now);
        while !bytes.is_empty() {
            let Some(room) = slot.coordinator.client_room(client) else { return };
            let size = room.len().min(bytes.len());
            room[..size].copy_from_slice(&bytes[..size]);
            slot.coordinator.client_received(client, size);
            bytes = &bytes[size..];
        }
    }

    fn feed_link(&mut self, id: u64, side: Side, place: Place, bytes: &[u8]) {
        let now = self.member_now(place.at.member);
        let Some(link) = self.net.link(id) else { return };
        let purpose = link.purpose;
        let mut input = std::mem::take(&mut link.input[side as usize]);
        input.extend_from_slice(bytes);
        let Some(slot) = self.slot(place) else { return };
        slot.coordinator.set_now(now);
        let used = match (side, purpose) {
            (Side::Dialer, Purpose::Data(host)) => slot.coordinator.peer_received(host, &input),
            _ => slot.coordinator.inbound_received(id, &input),
        };
        match used {
            Ok(used) => {
                input.drain(..used);
                if let Some(link) = self.net.link(id) {
                    link.input[side as usize] = input;
                }
            }
            Err(error) => self.fail("links carry what was sent", format!("link {id} of {place:?}: {error}")),
        }
    }

    /// An end learns that the link is over.
    fn side_ended(&mut self, id: u64, side: Side) {
        let Some(link) = self.net.link(id) else { return };
        let (purpose, owner, client, was_open) =
            (link.purpose, link.owners[side as usize], link.client, link.established);
        self.net.close(&mut self.queue, id, side);
        if purpose != Purpose::Client {
            self.say(|| format!("link {id} ({purpose:?}) ends for its {side:?} {owner:?}, open: {was_open}"));
        }
        match owner {
            Owner::Client(client) => self.client_disconnected(client, id),
            Owner::Control(at) if side == Side::Dialer => self.control_closed(at, id, was_open),
            Owner::Control(_) | Owner::Listener(_) => {}
            Owner::Coordinator(place) => {
                let now = self.member_now(place.at.member);
                let Some(slot) = self.slot(place) else { return };
                slot.coordinator.set_now(now);
                match (client, side, purpose) {
                    (Some(client), ..) => {
                        slot.clients.remove(&client);
                        slot.coordinator.close_client(client);
                    }
                    (None, Side::Dialer, Purpose::Data(host)) => {
                        if let Some(peer) = slot.peers.get_mut(&host)
                            && peer.link == Some(id)
                        {
                            peer.link = None;
                            slot.coordinator.peer_down(host);
                            self.redial(place, host);
                        }
                    }
                    _ => slot.coordinator.close_inbound(id),
                }
                self.wake(place);
            }
        }
    }

    /// Opens the links that a coordinator wants and has not.
    pub(super) fn follow_view(&mut self, place: Place) {
        let Some(slot) = self.slot(place) else { return };
        let hosts: Vec<Uuid> = slot.coordinator.wanted_peers().into_iter().map(|(host, _)| host).collect();
        for host in hosts {
            let known = self.slot(place).is_some_and(|slot| slot.peers.contains_key(&host));
            if !known {
                self.dial_peer(place, host);
            }
        }
    }

    /// Tries a link again after a while.
    pub(super) fn redial(&mut self, place: Place, host: Uuid) {
        let delay = self.rng.between(50_000, 600_000);
        let Some(slot) = self.slot(place) else { return };
        let peer = slot.peers.entry(host).or_default();
        if !std::mem::replace(&mut peer.dialing_later, true) {
            self.queue.after(delay, Event::Dial(place, host));
        }
    }

    pub(super) fn dial_peer(&mut self, place: Place, host: Uuid) {
        let hello = self.hello(place.at.member, LinkKind::Data);
        let Some(slot) = self.slot(place) else { return };
        let address = slot.coordinator.wanted_peers().into_iter().find(|(wanted, _)| *wanted == host);
        let peer = slot.peers.entry(host).or_default();
        peer.dialing_later = false;
        let (Some((_, address)), Some(hello)) = (address, hello) else { return };
        let Some(to) = member_at(address) else { return };
        if peer.link.is_some() {
            return;
        }
        let link = self.net.dial(&mut self.queue, Purpose::Data(host), Owner::Coordinator(place), to, hello.encode());
        if let Some(slot) = self.slot(place) {
            slot.peers.entry(host).or_default().link = Some(link);
        }
    }

    /// Breaks a link at one end after a while, if it still crosses a cut: TCP gives up, or the other end's keepalive does.
    pub(crate) fn doom_crossing(&mut self) {
        for id in self.net.crossing() {
            if self.rng.chance(60) {
                let side = if self.rng.chance(50) { Side::Dialer } else { Side::Acceptor };
                let delay = self.rng.between(1_000_000, 15_000_000);
                self.queue.after(delay, Event::Mend(crate::fault::Mend::GiveUp(id, side)));
            }
        }
    }
}
