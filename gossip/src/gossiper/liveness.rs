//! Up and down.

use std::net::SocketAddr;

use super::{Event, Gossiper};
use crate::delta::{DeltaBuilder, EndpointDelta};
use crate::message::{self, Body};
use crate::state::{ApplicationState, STATUS_SHUTDOWN};

/// Echoes sent after a heartbeat of a node that is down, until the next one.
const ECHOES_PER_HEARTBEAT: u32 = 5;

impl Gossiper {
    /// A new heartbeat of `endpoint` has arrived, from itself or through others. If it is down, it must answer an echo
    /// before it counts as up: others hearing it does not mean that we reach it.
    pub(super) fn shows_life(&mut self, endpoint: SocketAddr, now_ms: u64) {
        let Some(peer) = self.peers.get_mut(&endpoint) else {
            return;
        };
        if peer.alive || !peer.may_live() {
            return;
        }
        peer.echoes_left = ECHOES_PER_HEARTBEAT;
        self.send_echo_if_due(endpoint, now_ms);
    }

    /// Asks again those that have not answered.
    pub(super) fn retry_echoes(&mut self, now_ms: u64) {
        let waiting: Vec<SocketAddr> =
            self.peers.iter().filter(|(_, peer)| peer.echoes_left > 0).map(|(endpoint, _)| *endpoint).collect();
        for endpoint in waiting {
            self.send_echo_if_due(endpoint, now_ms);
        }
    }

    fn send_echo_if_due(&mut self, endpoint: SocketAddr, now_ms: u64) {
        let interval_ms = self.config.eager_interval_ms;
        let Some(peer) = self.peers.get_mut(&endpoint) else {
            return;
        };
        let nonce = match peer.echo {
            Some((_, sent_ms)) if now_ms.saturating_sub(sent_ms) < interval_ms => return,
            // The same question again: a late answer to the first one counts as well.
            Some((nonce, _)) => nonce,
            None => self.rng.next_u64(),
        };
        peer.echo = Some((nonce, now_ms));
        peer.echoes_left = peer.echoes_left.saturating_sub(1);
        self.send(endpoint, Body::Echo { nonce });
    }

    pub(super) fn on_echo_reply(&mut self, from: SocketAddr, nonce: u64, now_ms: u64) {
        let Some(peer) = self.peers.get_mut(&from) else {
            return;
        };
        if peer.echo.is_none_or(|(asked, _)| asked != nonce) {
            return;
        }
        peer.echo = None;
        peer.echoes_left = 0;
        if !peer.alive && peer.may_live() {
            peer.alive = true;
            peer.down_since_ms = None;
            self.event(Event::NodeUp { endpoint: from });
            // It can be told now what others wait to hear, and what we know of others.
            self.hurry(now_ms);
        }
    }

    pub(super) fn mark_down(&mut self, endpoint: SocketAddr, now_ms: u64) {
        let Some(peer) = self.peers.get_mut(&endpoint) else {
            return;
        };
        peer.echoes_left = 0;
        peer.echo = None;
        if peer.alive {
            peer.alive = false;
            peer.down_since_ms = Some(now_ms);
            self.event(Event::NodeDown { endpoint });
        }
    }

    /// Convicts the silent, forgets strangers and ends quarantines.
    pub(super) fn status_check(&mut self, now_ms: u64) {
        if self.detector.begin_look(now_ms) {
            let convicted: Vec<SocketAddr> =
                self.live_endpoints().filter(|endpoint| self.detector.convicts(endpoint, now_ms)).collect();
            for endpoint in convicted {
                self.mark_down(endpoint, now_ms);
            }
            self.forget_silent_strangers(now_ms);
        }
        let quarantine_ms = self.config.quarantine_ms;
        self.quarantine.retain(|_, removed_ms| now_ms.saturating_sub(*removed_ms) < quarantine_ms);
    }

    /// A node says that it stops.
    pub(super) fn on_shutdown(&mut self, from: SocketAddr, generation: u32, last: Option<EndpointDelta>, now_ms: u64) {
        if let Some(last) = last.filter(|last| last.endpoint == from) {
            self.apply_all(vec![last], now_ms);
        }
        if self.peers.get(&from).is_some_and(|peer| peer.state.generation == generation) {
            self.note_shutdown(from, now_ms);
        }
    }

    /// Marks the end of the present life of `endpoint`.
    pub(super) fn note_shutdown(&mut self, endpoint: SocketAddr, now_ms: u64) {
        let Some(peer) = self.peers.get_mut(&endpoint) else {
            return;
        };
        if peer.shut_down {
            return;
        }
        peer.shut_down = true;
        self.event(Event::NodeShutdown { endpoint });
        self.mark_down(endpoint, now_ms);
    }

    /// Puts the shutdown into the own state, so that it also reaches those that miss the message, and tells all
    /// live nodes.
    pub(super) fn say_shutdown(&mut self) {
        let mut status_keys = vec![ApplicationState::Status, ApplicationState::StatusWithPort];
        status_keys.retain(|key| self.local.get(*key).is_some());
        if status_keys.is_empty() {
            status_keys.push(ApplicationState::Status);
        }
        let shutdown = status_keys.into_iter().map(|key| (key, format!("{STATUS_SHUTDOWN},true")));
        let not_ready = (ApplicationState::RpcReady, "false".to_owned());
        for (key, value) in shutdown.chain(std::iter::once(not_ready)) {
            let before = self.local.get(key).unwrap_or_default().to_owned();
            let to_restore = key != ApplicationState::RpcReady || !before.is_empty();
            if self.put_local(key, value).is_ok() && to_restore {
                self.before_shutdown.push((key, before));
            }
        }
        self.version += 1;
        self.local.heartbeat_version = self.version;

        let mut builder = DeltaBuilder::new(self.config.message_budget_bytes - message::HEADER_LEN - 4 - 2);
        builder.add(self.config.address, &self.local, 0);
        let last = builder.finish().pop();
        let body = Body::Shutdown { generation: self.local.generation, last };
        let live: Vec<SocketAddr> = self.live_endpoints().collect();
        for endpoint in live {
            self.send(endpoint, body.clone());
        }
    }
}
