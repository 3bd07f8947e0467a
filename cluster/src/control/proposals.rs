//! What is to go into the metadata log: one proposal at a time, each made anew from the metadata it will follow.

use std::fmt;

use helenus_query::error::QueryError;
use uuid::Uuid;

use super::metadata_message::MetadataMessage;
use super::{Control, ControlEvent, ProposalDone};
use crate::coordinator::SlotId;
use crate::metadata::{ClusterMetadata, Role, RoleChange, Transformation};

/// A proposal without a majority is given up after this, ms: less than drivers wait for an answer.
const PROPOSAL_MILLIS: u64 = 10_000;
/// Cost of bcrypt as in Cassandra (`auth_bcrypt_gensalt_log2_rounds`).
const BCRYPT_COST: u32 = 10;
/// Name and first password of the superuser that a cluster with PasswordAuthenticator begins with.
pub(super) const DEFAULT_SUPERUSER: &str = "cassandra";

/// A proposal worked out against one epoch.
#[derive(Debug, Default)]
pub struct Planned {
    /// The next epoch; None: there is nothing to do.
    pub transformation: Option<Transformation>,
    /// What its asker is told when it is in the log.
    pub done: ProposalDone,
}

type Plan = dyn FnMut(&ClusterMetadata) -> Result<Planned, QueryError> + Send;

/// Makes a transformation from the metadata it is to follow; called again when another's entry took the epoch.
pub struct Proposal(Box<Plan>);

impl Proposal {
    /// From a function of the metadata.
    pub fn new(plan: impl FnMut(&ClusterMetadata) -> Result<Planned, QueryError> + Send + 'static) -> Self {
        Proposal(Box::new(plan))
    }
}

impl fmt::Debug for Proposal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Proposal")
    }
}

/// A proposal in the queue.
pub(super) struct Waiting {
    reply: Option<(u16, SlotId)>,
    proposal: Proposal,
    done: ProposalDone,
    deadline: u64,
    active: bool,
}

/// An epoch of ours that not every live node has applied yet.
pub(super) struct Agreement {
    reply: (u16, SlotId),
    epoch: u64,
    done: ProposalDone,
    deadline: u64,
}

impl Control {
    pub(super) fn enqueue(&mut self, reply: (u16, SlotId), proposal: Proposal) {
        self.queue(Some(reply), proposal);
    }

    pub(super) fn enqueue_own(&mut self, proposal: Proposal) {
        self.queue(None, proposal);
    }

    fn queue(&mut self, reply: Option<(u16, SlotId)>, proposal: Proposal) {
        let deadline = self.now.monotonic_millis() + PROPOSAL_MILLIS;
        self.proposals.push_back(Waiting { reply, proposal, done: ProposalDone::default(), deadline, active: false });
    }

    pub(super) fn proposals_tick(&mut self) {
        self.expire_proposal();
        self.housekeeping();
        while !self.log.is_proposing() && self.propose_front() {
            self.after_log();
        }
        self.check_agreements();
    }

    /// Starts on the first proposal of the queue; false when there is none or it is under way.
    fn propose_front(&mut self) -> bool {
        let metadata = std::sync::Arc::clone(self.log.metadata());
        let Some(front) = self.proposals.front_mut() else { return false };
        match (front.proposal.0)(&metadata) {
            Ok(Planned { transformation: Some(transformation), done }) => {
                if let Err(error) = self.log.check(&transformation) {
                    self.finish_front(Err(QueryError::unsupported(format_args!(
                        "this change of the cluster: {error}"
                    ))));
                    return true;
                }
                front.done = done;
                front.active = true;
                let proposed = self.log.propose(transformation, self.now.monotonic_millis());
                self.check_disk(proposed);
            }
            Ok(Planned { transformation: None, done }) => self.finish_front(Ok(done)),
            Err(error) => self.finish_front(Err(error)),
        }
        true
    }

    fn finish_front(&mut self, result: Result<ProposalDone, QueryError>) {
        if let Some(front) = self.proposals.pop_front() {
            self.reply(front.reply, result);
        }
    }

    fn reply(&mut self, to: Option<(u16, SlotId)>, result: Result<ProposalDone, QueryError>) {
        match (to, result) {
            (Some((coordinator, operation)), result) => {
                self.events.push(ControlEvent::Reply { coordinator, operation, result });
            }
            (None, Err(error)) => tracing::warn!(%error, "a proposal of this node's own failed"),
            (None, Ok(_)) => {}
        }
    }

    fn expire_proposal(&mut self) {
        let now = self.now.monotonic_millis();
        while self.proposals.front().is_some_and(|front| front.deadline <= now) {
            self.log.abandon();
            let text = "no majority of the metadata members answers: the change may or may not take place";
            self.finish_front(Err(QueryError::Server(text.to_owned())));
        }
    }

    pub(super) fn proposal_decided(&mut self, epoch: u64) {
        let Some(front) = self.proposals.pop_front_if(|front| front.active) else { return };
        if let Some(reply) = front.reply {
            let deadline = self.now.monotonic_millis() + self.shared.config.schema_agreement_millis;
            self.agreements.push(Agreement { reply, epoch, done: front.done, deadline });
            self.check_agreements();
        }
    }

    pub(super) fn proposal_superseded(&mut self) {
        if let Some(front) = self.proposals.front_mut() {
            front.active = false;
        }
    }

    /// Answers those whose epoch every live node has applied, or who waited long enough.
    fn check_agreements(&mut self) {
        if self.agreements.is_empty() {
            return;
        }
        let now = self.now.monotonic_millis();
        let metadata = std::sync::Arc::clone(self.log.metadata());
        let peers = self.shared.peers.read();
        // Who is linked serves clients, whatever gossip has heard of it yet.
        let live = metadata.nodes.values().filter(|node| {
            let is_alive = peers.get(&node.internode).is_some_and(|peer| peer.alive);
            node.host_id != self.shared.host_id && (is_alive || self.shared.reach.is_linked(node.host_id))
        });
        let slowest = live.map(|node| self.applied.get(&node.host_id).copied().unwrap_or(0)).min().unwrap_or(u64::MAX);
        drop(peers);
        let (through, waiting): (Vec<_>, Vec<_>) = std::mem::take(&mut self.agreements)
            .into_iter()
            .partition(|agreement| agreement.epoch <= slowest || agreement.deadline <= now);
        self.agreements = waiting;
        if let Some(epoch) = through.iter().map(|agreement| agreement.epoch).max() {
            self.tell_of_agreement(epoch, &metadata);
        }
        for agreement in through {
            self.reply(Some(agreement.reply), Ok(agreement.done));
        }
    }

    /// Whoever made the change asks some node next whether all agree (`system.peers`), and every node is to know that they do.
    fn tell_of_agreement(&mut self, epoch: u64, metadata: &ClusterMetadata) {
        let own = self.shared.host_id;
        let has_applied = |host: &Uuid| *host == own || self.applied.get(host).is_some_and(|applied| *applied >= epoch);
        let hosts: Vec<Uuid> = metadata.nodes.keys().copied().filter(has_applied).collect();
        for node in metadata.nodes.values().filter(|node| node.host_id != own && hosts.contains(&node.host_id)) {
            self.send(node.internode, &MetadataMessage::AppliedBy { epoch, hosts: hosts.clone() });
        }
    }

    /// A node has applied the log up to this epoch.
    pub(super) fn note_applied(&mut self, host: Uuid, epoch: u64) {
        let seen = self.applied.entry(host).or_default();
        *seen = epoch.max(*seen);
        let applied = *seen;
        if let Some(node) = self.log.metadata().nodes.get(&host) {
            self.shared.peers.write().entry(node.internode).or_default().applied_epoch = applied;
        }
    }

    /// What the first metadata member sees to: the right members, and the first superuser.
    fn housekeeping(&mut self) {
        let metadata = self.log.metadata();
        if !self.proposals.is_empty() || metadata.members.first() != Some(&self.shared.host_id) {
            return;
        }
        if metadata.wanted_members() != metadata.members {
            self.enqueue_own(Proposal::new(|metadata| {
                let wanted = metadata.wanted_members();
                let transformation = (wanted != metadata.members).then_some(Transformation::SetMembers(wanted));
                Ok(Planned { transformation, done: ProposalDone::default() })
            }));
        } else if self.shared.config.password_authentication && metadata.roles.is_empty() {
            self.enqueue_superuser();
        }
    }

    fn enqueue_superuser(&mut self) {
        let mut salt = [0; 16];
        self.rng.fill(&mut salt);
        let Ok(salted_hash) = hash_password(DEFAULT_SUPERUSER, salt) else { return };
        self.enqueue_own(Proposal::new(move |metadata| {
            let role = Role {
                salted_hash: Some(salted_hash.clone()),
                can_login: true,
                is_superuser: true,
                member_of: Vec::new(),
            };
            let change = RoleChange::Put { name: DEFAULT_SUPERUSER.to_owned(), role };
            let transformation = metadata.roles.is_empty().then(|| Transformation::Roles(vec![change]));
            Ok(Planned { transformation, done: ProposalDone::default() })
        }));
    }

    /// How far each node is, for diagnosis.
    pub fn applied_epochs(&self) -> impl Iterator<Item = (Uuid, u64)> {
        self.applied.iter().map(|(host, epoch)| (*host, *epoch))
    }
}

/// A bcrypt hash in Cassandra's form (`$2a$10$…`).
///
/// # Errors
/// When the password is longer than bcrypt takes.
pub fn hash_password(password: &str, salt: [u8; 16]) -> Result<String, bcrypt::BcryptError> {
    let parts = bcrypt::hash_with_salt(password, BCRYPT_COST, salt)?;
    Ok(parts.format_for_version(bcrypt::Version::TwoA))
}
