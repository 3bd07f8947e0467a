//! Links between coordinators: those this node's coordinators open, and those that others open.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use helenus_cluster::coordinator::LinkId;
use helenus_cluster::link::{Hello, LinkKind};
use helenus_cluster::message::FrameError;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use uuid::Uuid;

use crate::handshake;
use crate::shell::{PeerLink, SharedShell, Shell};
use crate::socket::{ReadBuffer, Socket};

/// The first wait before a link is tried again; it doubles up to the last one.
const RETRY_FIRST: Duration = Duration::from_millis(50);
const RETRY_LAST: Duration = Duration::from_secs(1);
/// A link that lets so much wait is not read from: its other end asks more than it takes.
const READ_PAUSE_BYTES: usize = 16 * 1024 * 1024;

/// Which end of a link this is.
#[derive(Clone, Copy, Debug)]
enum End {
    /// Opened here, for the coordinator's own requests.
    Peer(Uuid),
    /// Opened by another node.
    Inbound(LinkId),
}

/// Opens the links that the coordinator wants and has not, closes those it wants no more.
pub(crate) fn follow_view(shell: &SharedShell) {
    let mut this = shell.borrow_mut();
    let wanted = this.coordinator.wanted_peers();
    let gone: Vec<Uuid> = this.peers.keys().copied().filter(|host| !wanted.iter().any(|(w, _)| w == host)).collect();
    for host in gone {
        if let Some(socket) = this.peers.remove(&host).and_then(|peer| peer.socket) {
            socket.end();
        }
    }
    for (host, address) in wanted {
        if let Some(peer) = this.peers.get(&host) {
            if peer.address == address {
                continue;
            }
            if let Some(socket) = &peer.socket {
                socket.end();
            }
        }
        let number = this.next_link;
        this.next_link += 1;
        this.peers.insert(host, PeerLink { address, socket: None, number, hurry: Rc::default() });
        tokio::task::spawn_local(keep_link(Rc::clone(shell), host, address, number));
    }
}

/// The detector convicted a node: what goes over the link to it is lost.
pub(crate) fn close_peer(shell: &SharedShell, host: Uuid) {
    if let Some(socket) = shell.borrow().peers.get(&host).and_then(|peer| peer.socket.as_ref()) {
        socket.end();
    }
}

/// A node is there: if the link to it is missing, it is tried at once.
pub(crate) fn try_now(shell: &SharedShell, host: Uuid) {
    if let Some(peer) = shell.borrow().peers.get(&host).filter(|peer| peer.socket.is_none()) {
        peer.hurry.notify_one();
    }
}

/// Serves a link that another node has opened.
pub(crate) fn accept(shell: &SharedShell, stream: std::net::TcpStream, hello: &Hello) {
    let stream = match TcpStream::from_std(stream) {
        Ok(stream) => stream,
        Err(error) => {
            tracing::warn!(%error, from = %hello.internode, "a link cannot be served");
            return;
        }
    };
    let mut this = shell.borrow_mut();
    this.begin();
    let (read, socket) = Socket::new(stream, this.now_micros);
    let socket = Rc::new(socket);
    let id = this.next_link;
    this.next_link += 1;
    this.coordinator.open_inbound(id, hello);
    this.inbound.insert(id, Rc::clone(&socket));
    this.environment.links_changed();
    drop(this);
    tokio::task::spawn_local(serve_inbound(Rc::clone(shell), read, socket, id, hello.internode));
}

async fn serve_inbound(shell: SharedShell, read: OwnedReadHalf, socket: Rc<Socket>, id: LinkId, from: SocketAddr) {
    run(&shell, read, &socket, End::Inbound(id), from).await;
    let mut this = shell.borrow_mut();
    this.begin();
    this.inbound.remove(&id);
    this.coordinator.close_inbound(id);
}

/// Keeps a link open as long as it is wanted.
async fn keep_link(shell: SharedShell, host: Uuid, address: SocketAddr, number: u64) {
    let mut retry = RETRY_FIRST;
    let mut told = false;
    let Some(hurry) = shell.borrow().peers.get(&host).map(|peer| Rc::clone(&peer.hurry)) else { return };
    while is_wanted(&shell.borrow(), host, number) {
        let environment = std::sync::Arc::clone(&shell.borrow().environment);
        let own = environment.hello(LinkKind::Data);
        match handshake::connect(address, &own, environment.connect_timeout).await {
            Ok((stream, hello)) if hello.host_id == host => {
                retry = RETRY_FIRST;
                told = false;
                serve_peer(&shell, stream, &hello, address, number).await;
            }
            Ok((_, hello)) => {
                not_opened(&shell, host);
                if !std::mem::replace(&mut told, true) {
                    tracing::warn!(%address, expected = %host, found = %hello.host_id, "another node answers here");
                }
            }
            Err(error) => {
                not_opened(&shell, host);
                if !std::mem::replace(&mut told, true) {
                    tracing::info!(%address, %error, "no link to a node; trying on");
                }
            }
        }
        retry = match tokio::time::timeout(retry, hurry.notified()).await {
            Ok(()) => RETRY_FIRST,
            Err(_) => (retry * 2).min(RETRY_LAST),
        };
    }
}

/// Tells the coordinator that an attempt was in vain.
fn not_opened(shell: &SharedShell, host: Uuid) {
    let mut this = shell.borrow_mut();
    this.begin();
    this.coordinator.peer_down(host);
    this.environment.links_changed();
}

fn is_wanted(this: &Shell, host: Uuid, number: u64) -> bool {
    this.peers.get(&host).is_some_and(|peer| peer.number == number)
}

async fn serve_peer(shell: &SharedShell, stream: TcpStream, hello: &Hello, address: SocketAddr, number: u64) {
    let host = hello.host_id;
    let (read, socket) = {
        let mut this = shell.borrow_mut();
        this.begin();
        let (read, socket) = Socket::new(stream, this.now_micros);
        let socket = Rc::new(socket);
        let Some(peer) = this.peers.get_mut(&host).filter(|peer| peer.number == number) else { return };
        peer.socket = Some(Rc::clone(&socket));
        this.coordinator.peer_up(hello);
        this.environment.links_changed();
        (read, socket)
    };
    run(shell, read, &socket, End::Peer(host), address).await;
    let mut this = shell.borrow_mut();
    this.begin();
    match this.peers.get_mut(&host) {
        Some(peer) if peer.number == number => peer.socket = None,
        // A link to a newer address has taken its place, and is up or will be.
        Some(peer) if peer.socket.is_some() => return,
        _ => {}
    }
    this.coordinator.peer_down(host);
}

/// Reads a link to its end.
async fn run(shell: &SharedShell, mut read: OwnedReadHalf, socket: &Rc<Socket>, end: End, other: SocketAddr) {
    let mut buffer = ReadBuffer::default();
    let ended = poll_fn(|context| poll_link(shell, &mut read, socket, &mut buffer, end, context)).await;
    socket.end();
    match ended {
        Ok(()) => tracing::debug!(%other, ?end, "a link has ended"),
        Err(error) => tracing::warn!(%other, %error, "a link is closed"),
    }
}

fn poll_link(
    shell: &SharedShell,
    read: &mut OwnedReadHalf,
    socket: &Rc<Socket>,
    buffer: &mut ReadBuffer,
    end: End,
    context: &mut Context<'_>,
) -> Poll<Result<(), FrameError>> {
    socket.remember_reader(context);
    loop {
        if socket.is_ended() {
            return Poll::Ready(Ok(()));
        }
        if socket.output_len() > READ_PAUSE_BYTES {
            shell.borrow_mut().paused.push(Rc::clone(socket));
            return Poll::Pending;
        }
        let room = buffer.room();
        let room_size = room.len();
        let mut into = ReadBuf::new(room);
        let result = ready!(Pin::new(&mut *read).poll_read(context, &mut into));
        let size = into.filled().len();
        if result.is_err() || size == 0 {
            return Poll::Ready(Ok(()));
        }
        buffer.received(size);
        let mut this = shell.borrow_mut();
        this.begin();
        let used = match end {
            End::Peer(host) => this.coordinator.peer_received(host, buffer.waiting()),
            End::Inbound(link) => this.coordinator.inbound_received(link, buffer.waiting()),
        };
        match used {
            Ok(used) => buffer.used(used),
            Err(error) => return Poll::Ready(Err(error)),
        }
        if size == room_size {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
    }
}
