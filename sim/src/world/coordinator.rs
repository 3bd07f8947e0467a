//! Coordinators: ticks, ends of batches, tasks, what they are told.

use helenus_cluster::control::ControlEvent;
use helenus_cluster::coordinator::LinkOutput;
use helenus_cluster::task::Task;
use helenus_engine::log::LogPosition;

use super::World;
use super::member::COORDINATOR_TICK;
use crate::net::{Item, Side};
use crate::options::Sabotage;
use crate::queue::{Event, Place};

impl World {
    /// Has the coordinator's batch end soon; what arrives until then belongs to it.
    pub(super) fn wake(&mut self, place: Place) {
        let delay = self.rng.below(150);
        if let Some(slot) = self.slot(place)
            && !std::mem::replace(&mut slot.flush_due, true)
        {
            self.queue.after(delay, Event::Flush(place));
        }
    }

    pub(super) fn coordinator_tick(&mut self, place: Place) {
        let now = self.member_now(place.at.member);
        let Some(slot) = self.slot(place) else { return };
        slot.coordinator.set_now(now);
        slot.coordinator.on_tick();
        self.queue.after(COORDINATOR_TICK, Event::CoordinatorTick(place));
        if !self.died(place.at.member) {
            self.flush(place);
        }
    }

    /// Ends a batch: log and hints go to the operating system, then answers leave.
    pub(super) fn flush(&mut self, place: Place) {
        let now = self.member_now(place.at.member);
        let sabotaged = self.options.sabotage == Sabotage::AnswerBeforeLog;
        let Some(slot) = self.slot(place) else { return };
        slot.flush_due = false;
        slot.coordinator.set_now(now);
        if !sabotaged && let Err(error) = slot.coordinator.end_batch() {
            return self.disk_failed(place.at.member, &error.to_string());
        }
        if self.died(place.at.member) {
            return;
        }
        let Some(slot) = self.slot(place) else { return };
        let tasks = slot.coordinator.take_tasks();
        let requests = slot.coordinator.take_requests();
        if slot.coordinator.awaited_sync().is_some() {
            self.want_sync(place.at);
        }
        for task in tasks {
            let delay = self.rng.between(50, 5_000);
            self.queue.after(delay, Event::Task(place, Box::new(task)));
        }
        for request in requests {
            self.queue.after(50, Event::Request(place.at, Box::new(request)));
        }
        self.send_links(place);
        self.send_clients(place);
    }

    fn send_links(&mut self, place: Place) {
        let Some(slot) = self.slot(place) else { return };
        let mut sends = Vec::new();
        for output in slot.coordinator.take_dirty_links() {
            let mut bytes = Vec::new();
            slot.coordinator.link_output(output, &mut bytes);
            let target = match output {
                LinkOutput::Peer(host) => {
                    slot.peers.get(&host).and_then(|peer| peer.link).map(|link| (link, Side::Acceptor))
                }
                LinkOutput::Inbound(link) => Some((link, Side::Dialer)),
            };
            if let Some((link, side)) = target
                && !bytes.is_empty()
            {
                sends.push((link, side, bytes));
            }
        }
        for (link, side, bytes) in sends {
            self.trace.bytes(self.queue.now(), link, &bytes);
            self.net.send(&mut self.queue, link, side, Item::Bytes(bytes));
        }
    }

    fn send_clients(&mut self, place: Place) {
        let Some(slot) = self.slot(place) else { return };
        let mut outputs = Vec::new();
        let dirty = slot.coordinator.take_dirty_clients();
        for id in &dirty {
            let bytes = slot.coordinator.client_output(*id).to_vec();
            slot.coordinator.client_sent(*id, bytes.len());
            outputs.push((*id, bytes, slot.coordinator.client_is_closing(*id)));
        }
        slot.coordinator.recycle_dirty_clients(dirty);
        for (id, bytes, closing) in outputs {
            let Some(link) = self.slot(place).and_then(|slot| slot.clients.get(&id).copied()) else { continue };
            if !bytes.is_empty() {
                self.trace.bytes(self.queue.now(), link, &bytes);
                self.net.send(&mut self.queue, link, Side::Dialer, Item::Bytes(bytes));
            }
            if closing {
                self.net.close(&mut self.queue, link, Side::Acceptor);
                if let Some(slot) = self.slot(place) {
                    slot.clients.remove(&id);
                    slot.coordinator.close_client(id);
                }
            }
        }
    }

    pub(super) fn run_task(&mut self, place: Place, task: Task) {
        let now = self.member_now(place.at.member);
        let Some(running) = self.running(place.at) else { return };
        let done = task.run(&running.member.shared);
        let Some(slot) = running.coordinators.get_mut(place.number) else { return };
        slot.coordinator.set_now(now);
        slot.coordinator.task_done(done);
        self.wake(place);
    }

    pub(super) fn tell_coordinator(&mut self, place: Place, event: &ControlEvent) {
        let now = self.member_now(place.at.member);
        let Some(slot) = self.slot(place) else { return };
        slot.coordinator.set_now(now);
        slot.coordinator.on_control_event(event);
        match event {
            ControlEvent::ViewChanged => self.follow_view(place),
            ControlEvent::PeerUp(host) => self.dial_peer(place, *host),
            ControlEvent::PeerDown(host) => {
                let link = slot.peers.get_mut(host).and_then(|peer| peer.link.take());
                if let Some(link) = link {
                    self.net.close(&mut self.queue, link, Side::Dialer);
                    self.redial(place, *host);
                }
            }
            _ => {}
        }
        self.wake(place);
    }

    pub(super) fn log_synced(&mut self, place: Place, position: LogPosition) {
        let now = self.member_now(place.at.member);
        let Some(slot) = self.slot(place) else { return };
        slot.coordinator.set_now(now);
        slot.coordinator.log_synced(position);
        if slot.coordinator.awaited_sync().is_some() {
            self.want_sync(place.at);
        }
        self.wake(place);
    }
}
