//! What `nodetool gossipinfo`, `nodetool failuredetector` and `system_views.gossip_info` show.

use std::fmt::Write as _;
use std::net::SocketAddr;

use crate::gossiper::Gossiper;
use crate::state::{ApplicationState, EndpointState};

/// One endpoint as gossip sees it.
#[derive(Clone, Copy, Debug)]
pub struct EndpointInfo<'a> {
    /// Who.
    pub endpoint: SocketAddr,
    /// Marked up; always true of the node itself.
    pub alive: bool,
    /// Generation, heartbeat and values.
    pub state: &'a EndpointState,
}

impl Gossiper {
    /// All endpoints that were heard of, this node included, in the order of addresses.
    pub fn endpoint_infos(&self) -> Vec<EndpointInfo<'_>> {
        let own = self.address();
        let mut endpoints: Vec<SocketAddr> = self.live_endpoints().chain(self.unreachable_endpoints()).collect();
        endpoints.push(own);
        endpoints.sort_unstable();
        endpoints
            .into_iter()
            .filter_map(|endpoint| {
                let state = self.endpoint_state(&endpoint)?;
                Some(EndpointInfo { endpoint, alive: self.is_alive(&endpoint), state })
            })
            .collect()
    }

    /// The output of `nodetool gossipinfo` in Cassandra's layout; `with_port` as its flag `-pp` asks.
    pub fn gossip_info(&self, with_port: bool) -> String {
        let mut text = String::new();
        for info in self.endpoint_infos() {
            write_endpoint(&mut text, &info, with_port).expect("writing to a string does not fail");
        }
        text
    }
}

fn write_endpoint(text: &mut String, info: &EndpointInfo<'_>, with_port: bool) -> std::fmt::Result {
    if with_port {
        writeln!(text, "/{}", info.endpoint)?;
    } else {
        writeln!(text, "/{}", info.endpoint.ip())?;
    }
    writeln!(text, "  generation:{}", info.state.generation)?;
    writeln!(text, "  heartbeat:{}", info.state.heartbeat_version)?;
    for (key, versioned) in info.state.states() {
        if key != ApplicationState::Tokens {
            writeln!(text, "  {key}:{}:{}", versioned.version, versioned.value)?;
        }
    }
    match info.state.get_versioned(ApplicationState::Tokens) {
        Some(tokens) => writeln!(text, "  TOKENS:{}:<hidden>", tokens.version),
        None => writeln!(text, "  TOKENS: not present"),
    }
}
