//! Control parts: ticks, requests, and the way of what they say.

use std::net::SocketAddr;

use helenus_cluster::control::ControlRequest;
use helenus_cluster::link::{Hello, LinkKind};
use helenus_cluster::message::{FrameError, Message, split_frame};
use helenus_model::codec::Reader;

use super::World;
use super::member::{CONTROL_TICK, ControlLink};
use crate::net::{Item, Owner, Purpose, Side};
use crate::queue::{Event, MemberRun, Place};

/// Frames that wait for one node; further ones are dropped.
const FRAMES_WAITING_MAX: usize = 1024;

/// Number of the member at an address of this world.
pub(super) fn member_at(address: SocketAddr) -> Option<usize> {
    match address.ip() {
        std::net::IpAddr::V4(ip) => usize::from(ip.octets()[3]).checked_sub(1),
        std::net::IpAddr::V6(_) => None,
    }
}

impl World {
    pub(super) fn control_tick(&mut self, at: MemberRun) {
        let now = self.member_now(at.member);
        let Some(running) = self.running(at) else { return };
        running.member.control.set_now(now);
        running.member.control.on_tick();
        self.queue.after(CONTROL_TICK, Event::ControlTick(at));
        self.pump_control(at);
    }

    pub(super) fn control_request(&mut self, at: MemberRun, request: ControlRequest) {
        let now = self.member_now(at.member);
        let Some(running) = self.running(at) else { return };
        running.member.control.set_now(now);
        running.member.control.on_request(request);
        self.pump_control(at);
    }

    /// Acts on what a control part said.
    pub(super) fn pump_control(&mut self, at: MemberRun) {
        if self.died(at.member) {
            return;
        }
        let Some(running) = self.running(at) else { return };
        let control = &mut running.member.control;
        if let Some(reason) = control.take_fatal() {
            return self.disk_failed(at.member, &reason);
        }
        if !running.serves && control.may_serve() {
            running.serves = true;
            control.set_native_up(true);
            self.say(|| format!("member {} is in the ring", at.member));
        }
        let Some(running) = self.running(at) else { return };
        let events = running.member.control.take_events();
        let sends = running.member.control.take_sends();
        let coordinators = running.coordinators.len();
        for event in events {
            for number in 0..coordinators {
                let place = Place { at, number };
                let when = self.hear(place, 300);
                self.queue.at(when, Event::Tell(place, Box::new(event.clone())));
            }
        }
        for (address, frame) in sends {
            self.send_control(at, address, frame);
        }
    }

    /// A member's own first words.
    pub(super) fn hello(&self, member: usize, kind: LinkKind) -> Option<Hello> {
        let running = self.members[member].running.as_ref()?;
        Some(running.member.shared.hello(kind))
    }

    fn send_control(&mut self, at: MemberRun, address: SocketAddr, frame: Vec<u8>) {
        if frame.is_empty() {
            return;
        }
        let Some(running) = self.running(at) else { return };
        if let Some(open) = running.control_links.get_mut(&address) {
            let id = open.link;
            let established = self.net.link(id).is_some_and(|link| link.established);
            if established {
                self.trace.bytes(self.queue.now(), id, &frame);
                self.net.send(&mut self.queue, id, Side::Acceptor, Item::Bytes(frame));
            } else if let Some(open) = self.running(at).and_then(|running| running.control_links.get_mut(&address))
                && open.waiting.len() < FRAMES_WAITING_MAX
            {
                open.waiting.push(frame);
            }
            return;
        }
        let (Some(to), Some(hello)) = (member_at(address), self.hello(at.member, LinkKind::Control)) else { return };
        let link = self.net.dial(&mut self.queue, Purpose::Control, Owner::Control(at), to, hello.encode());
        if let Some(running) = self.running(at) {
            running.control_links.insert(address, ControlLink { link, waiting: vec![frame] });
        }
    }

    /// A control link this member opened is open.
    pub(super) fn control_open(&mut self, at: MemberRun, id: u64) {
        let Some(running) = self.running(at) else { return };
        let open = running.control_links.values_mut().find(|open| open.link == id);
        let waiting = open.map(|open| std::mem::take(&mut open.waiting)).unwrap_or_default();
        for frame in waiting {
            self.trace.bytes(self.queue.now(), id, &frame);
            self.net.send(&mut self.queue, id, Side::Acceptor, Item::Bytes(frame));
        }
    }

    /// A control link this member opened is gone, or did not come about.
    pub(super) fn control_closed(&mut self, at: MemberRun, id: u64, was_open: bool) {
        let now = self.member_now(at.member);
        let Some(running) = self.running(at) else { return };
        let address = running.control_links.iter().find(|(_, open)| open.link == id).map(|(address, _)| *address);
        let Some(address) = address else { return };
        running.control_links.remove(&address);
        if !was_open {
            running.member.control.set_now(now);
            running.member.control.on_unreachable(address);
            self.pump_control(at);
        }
    }

    /// Bytes came over a control link.
    pub(super) fn control_bytes(&mut self, at: MemberRun, id: u64, bytes: &[u8]) {
        let now = self.member_now(at.member);
        let Some(link) = self.net.link(id) else { return };
        let Some(hello) = link.hello.clone() else { return };
        let mut input = std::mem::take(&mut link.input[Side::Acceptor as usize]);
        input.extend_from_slice(bytes);
        let Some(running) = self.running(at) else { return };
        running.member.control.set_now(now);
        let mut used = 0;
        let taken = loop {
            match take_frame(&input[used..], |message| {
                running.member.control.on_message(hello.host_id, hello.internode, message);
            }) {
                Ok(0) => break Ok(()),
                Ok(length) => used += length,
                Err(error) => break Err(error),
            }
        };
        input.drain(..used);
        if let Err(error) = taken {
            return self.fail("links carry what was sent", format!("control link to member {}: {error}", at.member));
        }
        if let Some(link) = self.net.link(id) {
            link.input[Side::Acceptor as usize] = input;
        }
        self.pump_control(at);
    }
}

/// Takes a whole frame from the start of `bytes`: its length, or 0.
fn take_frame(bytes: &[u8], mut take: impl FnMut(Message<'_>)) -> Result<usize, FrameError> {
    let Some((messages, length)) = split_frame(bytes)? else { return Ok(0) };
    let mut reader = Reader::new(messages);
    while !reader.is_empty() {
        let (_, message) = Message::decode(&mut reader)?;
        take(message);
    }
    Ok(length)
}
