//! The network: links that carry bytes in order or break, as TCP does.
//!
//! A link has two ends. What one end sends arrives at the other after a delay, never before what was sent earlier. While the way is
//! cut, it waits, as TCP waits for acknowledgements; when the way is whole again it arrives, unless one of the ends has given
//! the link up by then. A broken link loses what is on its way.

use std::collections::{BTreeMap, VecDeque};

use helenus_cluster::coordinator::SlotId;
use helenus_cluster::link::Hello;
use helenus_model::rng::Rng;
use uuid::Uuid;

use crate::queue::{Event, MemberRun, Place, Queue};

/// An end of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Who opened it.
    Dialer = 0,
    /// Who took it.
    Acceptor = 1,
}

impl Side {
    /// The other end.
    pub fn other(self) -> Side {
        match self {
            Side::Dialer => Side::Acceptor,
            Side::Acceptor => Side::Dialer,
        }
    }
}

/// What travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// The first words of who opens it; none for clients.
    Dial(Vec<u8>),
    /// The first words of who takes it.
    Accepted(Vec<u8>),
    /// Bytes.
    Bytes(Vec<u8>),
    /// Nothing more follows.
    End,
}

/// Whose an end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A coordinator.
    Coordinator(Place),
    /// A control part.
    Control(MemberRun),
    /// A member that has not taken the link yet.
    Listener(usize),
    /// A client.
    Client(usize),
}

impl Owner {
    /// The member it is part of.
    pub fn member(self) -> Option<usize> {
        match self {
            Owner::Coordinator(place) => Some(place.at.member),
            Owner::Control(at) => Some(at.member),
            Owner::Listener(member) => Some(member),
            Owner::Client(_) => None,
        }
    }
}

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Requests of a coordinator to this host.
    Data(Uuid),
    /// Gossip and metadata.
    Control,
    /// A client's.
    Client,
}

/// A link.
#[derive(Debug)]
pub struct Link {
    /// What it is for.
    pub purpose: Purpose,
    /// Whose its ends are.
    pub owners: [Owner; 2],
    /// Which ends are open.
    pub open: [bool; 2],
    /// Both ends have introduced themselves.
    pub established: bool,
    /// Bytes that an end has and cannot use yet.
    pub input: [Vec<u8>; 2],
    /// What the dialer of a control link said of itself.
    pub hello: Option<Hello>,
    /// A client's number at the coordinator that serves it.
    pub client: Option<SlotId>,
    /// What is on its way to an end, in order. Each item has an event; whichever comes takes the first item.
    pipes: [VecDeque<Item>; 2],
    /// Events that came while the way was cut.
    missed: [u32; 2],
    /// When the last of what was sent to an end arrives.
    arrival: [u64; 2],
    /// What is on its way to an end is lost.
    lost: bool,
}

/// All links, and the ways between members.
#[derive(Debug)]
pub struct Net {
    links: BTreeMap<u64, Link>,
    next_link: u64,
    rng: Rng,
    /// How often the way from one member to another is cut.
    cuts: Vec<Vec<u32>>,
    /// Most that a message from one member to another is late, microseconds.
    late: Vec<Vec<u64>>,
    delay_micros: (u64, u64),
}

impl Net {
    /// Between so many members.
    pub fn new(members: usize, delay_micros: (u64, u64), rng: Rng) -> Self {
        Net {
            links: BTreeMap::new(),
            next_link: 1,
            rng,
            cuts: vec![vec![0; members]; members],
            late: vec![vec![0; members]; members],
            delay_micros,
        }
    }

    /// Begins a link; its first words are on their way.
    pub fn dial(&mut self, queue: &mut Queue, purpose: Purpose, from: Owner, to: usize, hello: Vec<u8>) -> u64 {
        let id = self.next_link;
        self.next_link += 1;
        let link = Link {
            purpose,
            owners: [from, Owner::Listener(to)],
            open: [true; 2],
            established: false,
            input: [Vec::new(), Vec::new()],
            hello: None,
            client: None,
            pipes: [VecDeque::new(), VecDeque::new()],
            missed: [0; 2],
            arrival: [0; 2],
            lost: false,
        };
        self.links.insert(id, link);
        self.send(queue, id, Side::Acceptor, Item::Dial(hello));
        let patience = self.rng.between(2_000_000, 4_000_000);
        queue.after(patience, Event::DialTimeout(id));
        id
    }

    /// A link.
    pub fn link(&mut self, id: u64) -> Option<&mut Link> {
        self.links.get_mut(&id)
    }

    /// Numbers of all links.
    pub fn ids(&self) -> Vec<u64> {
        self.links.keys().copied().collect()
    }

    fn is_cut(&self, from: Owner, to: Owner) -> bool {
        match (from.member(), to.member()) {
            (Some(from), Some(to)) => self.cuts[from][to] > 0,
            _ => false,
        }
    }

    fn delay(&mut self, from: Owner, to: Owner) -> u64 {
        let (low, high) = self.delay_micros;
        let late = match (from.member(), to.member()) {
            (Some(from), Some(to)) => self.late[from][to],
            _ => 0,
        };
        self.rng.between(low, high) + self.rng.below(late + 1)
    }

    /// Sends to one end of a link, if the other is open. Bytes may arrive in two parts.
    pub fn send(&mut self, queue: &mut Queue, id: u64, to: Side, item: Item) {
        if let Item::Bytes(bytes) = &item
            && bytes.len() > 1
            && self.rng.chance(8)
        {
            let (head, tail) = bytes.split_at(1 + self.rng.index(bytes.len() - 1));
            self.send_whole(queue, id, to, Item::Bytes(head.to_vec()));
            return self.send_whole(queue, id, to, Item::Bytes(tail.to_vec()));
        }
        self.send_whole(queue, id, to, item);
    }

    fn send_whole(&mut self, queue: &mut Queue, id: u64, to: Side, item: Item) {
        let Some(link) = self.links.get(&id) else { return };
        if link.lost || !link.open[to.other() as usize] {
            return;
        }
        let (from, owner) = (link.owners[to.other() as usize], link.owners[to as usize]);
        let delay = self.delay(from, owner);
        if let Some(link) = self.links.get_mut(&id) {
            let at = link.arrival[to as usize].max(queue.now() + delay);
            link.arrival[to as usize] = at;
            link.pipes[to as usize].push_back(item);
            queue.at(at, Event::Item(id, to));
        }
    }

    /// The next item on its way to an end arrives. None: it does not, or not now.
    pub fn arrive(&mut self, id: u64, to: Side) -> Option<Item> {
        let link = self.links.get(&id)?;
        let cut = self.is_cut(link.owners[to.other() as usize], link.owners[to as usize]);
        let link = self.links.get_mut(&id)?;
        if link.lost || !link.open[to as usize] {
            return None;
        }
        if cut {
            link.missed[to as usize] += 1;
            return None;
        }
        link.pipes[to as usize].pop_front()
    }

    /// An end closes; the other learns it behind everything sent before.
    pub fn close(&mut self, queue: &mut Queue, id: u64, side: Side) {
        self.send_whole(queue, id, side.other(), Item::End);
        self.forget_side(id, side);
    }

    /// An end is gone and says nothing.
    pub fn forget_side(&mut self, id: u64, side: Side) {
        let Some(link) = self.links.get_mut(&id) else { return };
        link.open[side as usize] = false;
        link.input[side as usize].clear();
        if link.open == [false; 2] {
            self.links.remove(&id);
        }
    }

    /// A link breaks: what is on its way is lost, both ends learn it soon.
    pub fn break_link(&mut self, queue: &mut Queue, id: u64) {
        let Some(link) = self.links.get_mut(&id) else { return };
        link.lost = true;
        for side in [Side::Dialer, Side::Acceptor] {
            let delay = self.rng.below(50_000);
            queue.after(delay, Event::Broken(id, side));
        }
    }

    /// Cuts the way from one member to another. Links over it are given up by one end or the other after some seconds,
    /// if the cut lasts.
    pub fn cut(&mut self, from: usize, to: usize) {
        self.cuts[from][to] += 1;
    }

    /// Ends a cut.
    pub fn mend(&mut self, queue: &mut Queue, from: usize, to: usize) {
        self.cuts[from][to] = self.cuts[from][to].saturating_sub(1);
        self.release(queue);
    }

    /// Sets how late messages may be.
    pub fn set_late(&mut self, from: usize, to: usize, micros: u64) {
        self.late[from][to] = micros;
    }

    /// Ends all cuts and delays.
    pub fn mend_all(&mut self, queue: &mut Queue) {
        self.cuts.iter_mut().flatten().for_each(|cut| *cut = 0);
        self.late.iter_mut().flatten().for_each(|late| *late = 0);
        self.release(queue);
    }

    /// A link of which one end is gone and the other does not know it yet.
    pub fn half_open(&self) -> Option<u64> {
        self.links.iter().find(|(_, link)| link.open != [true; 2] || link.lost).map(|(id, _)| *id)
    }

    /// A link on which something sent earlier is still so late: what is sent now comes behind it.
    pub fn late_link(&self, now: u64) -> Option<u64> {
        let usual = now + 4 * self.delay_micros.1;
        self.links.iter().find(|(_, link)| link.arrival.iter().any(|at| *at > usual)).map(|(id, _)| *id)
    }

    /// Links that cross a cut.
    pub fn crossing(&self) -> Vec<u64> {
        let crosses = |link: &Link| {
            let [dialer, acceptor] = link.owners;
            self.is_cut(dialer, acceptor) || self.is_cut(acceptor, dialer)
        };
        self.links.iter().filter(|(_, link)| crosses(link)).map(|(id, _)| *id).collect()
    }

    /// True while a link crosses a cut.
    pub fn is_crossing(&self, id: u64) -> bool {
        self.links.get(&id).is_some_and(|link| {
            let [dialer, acceptor] = link.owners;
            self.is_cut(dialer, acceptor) || self.is_cut(acceptor, dialer)
        })
    }

    /// What was held and need not wait any more goes on.
    fn release(&mut self, queue: &mut Queue) {
        for id in self.ids() {
            for side in [Side::Dialer, Side::Acceptor] {
                let Some(link) = self.links.get(&id) else { continue };
                let (from, to) = (link.owners[side.other() as usize], link.owners[side as usize]);
                if link.missed[side as usize] == 0 || self.is_cut(from, to) {
                    continue;
                }
                let at = queue.now() + self.delay(from, to);
                let Some(link) = self.links.get_mut(&id) else { continue };
                link.arrival[side as usize] = link.arrival[side as usize].max(at);
                for _ in 0..std::mem::take(&mut link.missed[side as usize]) {
                    queue.at(at, Event::Item(id, side));
                }
            }
        }
    }
}
