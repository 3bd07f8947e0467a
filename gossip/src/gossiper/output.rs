//! What a gossiper wants done.

use std::net::SocketAddr;

use uuid::Uuid;

use crate::message::Message;
use crate::state::ApplicationState;

/// Everything a gossiper has decided since it was last asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// Messages to send, each as far as the network allows; none must be repeated.
    pub messages: Vec<Outgoing>,
    /// What has happened, in order.
    pub events: Vec<Event>,
}

/// A message to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// To whom.
    pub to: SocketAddr,
    /// What.
    pub message: Message,
}

/// Something the node should know.
///
/// Of one endpoint, [`Event::NodeUp`] and [`Event::NodeDown`] strictly alternate, beginning with up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The endpoint lives and answers us.
    NodeUp {
        /// Who.
        endpoint: SocketAddr,
    },
    /// The endpoint was convicted, stopped, restarted or was removed.
    NodeDown {
        /// Who.
        endpoint: SocketAddr,
    },
    /// A known endpoint has begun a new life. It is down until a [`Event::NodeUp`] follows.
    NodeRestarted {
        /// Who.
        endpoint: SocketAddr,
        /// Its new generation.
        generation: u32,
    },
    /// The endpoint stops in good order; once a generation.
    NodeShutdown {
        /// Who.
        endpoint: SocketAddr,
    },
    /// The endpoint is forgotten: removed on request, or a stranger that fell silent.
    NodeRemoved {
        /// Who.
        endpoint: SocketAddr,
    },
    /// A value of another endpoint is new or has a new version.
    StateChanged {
        /// Whose.
        endpoint: SocketAddr,
        /// Which.
        key: ApplicationState,
    },
    /// The endpoint belongs to another cluster; once a start and endpoint.
    WrongCluster {
        /// Who.
        endpoint: SocketAddr,
        /// Its `cluster_name`, if it said so.
        cluster_name: Option<String>,
        /// Its cluster id, if it has one.
        cluster_id: Option<Uuid>,
    },
    /// The generation given at the start was not above every earlier one of this very node, by its own memory or
    /// the cluster's. The gossiper goes on under this one; the caller should keep it for the next start.
    GenerationRaised {
        /// The generation from now on.
        generation: u32,
    },
    /// News with a generation more than a year ahead were dropped: a clock is wrong, here or there. Once a start,
    /// endpoint and generation.
    ImplausibleGeneration {
        /// Whose state.
        endpoint: SocketAddr,
        /// The generation.
        generation: u32,
    },
}
