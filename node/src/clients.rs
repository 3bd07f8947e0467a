//! Connections of clients.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use helenus_cluster::coordinator::SlotId;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;

use crate::shell::SharedShell;
use crate::socket::Socket;

/// Serves a client that has connected.
pub(crate) fn accept(shell: &SharedShell, stream: std::net::TcpStream, address: SocketAddr) {
    let stream = match TcpStream::from_std(stream) {
        Ok(stream) => stream,
        Err(error) => {
            tracing::warn!(%error, "a client's connection cannot be served");
            let this = shell.borrow();
            this.environment.client_gone(this.index, address.ip());
            return;
        }
    };
    let mut this = shell.borrow_mut();
    this.begin();
    let (read, socket) = Socket::new(stream, this.now_micros);
    let socket = Rc::new(socket);
    let id = this.coordinator.open_client(address);
    this.clients.insert(id, Rc::clone(&socket));
    drop(this);
    tokio::task::spawn_local(serve(Rc::clone(shell), read, socket, id, address));
}

async fn serve(shell: SharedShell, mut read: OwnedReadHalf, socket: Rc<Socket>, id: SlotId, address: SocketAddr) {
    poll_fn(|context| poll_client(&shell, &mut read, &socket, id, context)).await;
    let mut this = shell.borrow_mut();
    this.begin();
    this.clients.remove(&id);
    this.coordinator.close_client(id);
    this.environment.client_gone(this.index, address.ip());
}

/// Reads what is there. Ready: the connection is to be closed.
fn poll_client(
    shell: &SharedShell,
    read: &mut OwnedReadHalf,
    socket: &Rc<Socket>,
    id: SlotId,
    context: &mut Context<'_>,
) -> Poll<()> {
    socket.remember_reader(context);
    loop {
        if socket.is_ended() {
            return Poll::Ready(());
        }
        let mut this = shell.borrow_mut();
        if this.is_draining {
            return Poll::Pending;
        }
        if this.coordinator.client_is_paused(id) {
            this.paused.push(Rc::clone(socket));
            return Poll::Pending;
        }
        let Some(room) = this.coordinator.client_room(id) else { return Poll::Ready(()) };
        let room_size = room.len();
        let mut buffer = ReadBuf::new(room);
        let result = ready!(Pin::new(&mut *read).poll_read(context, &mut buffer));
        let size = buffer.filled().len();
        if result.is_err() || size == 0 {
            return Poll::Ready(());
        }
        this.begin();
        this.coordinator.client_received(id, size);
        socket.last_read.set(this.now_micros);
        socket.has_spoken.set(true);
        if size == room_size {
            // More waits in the kernel: the flush and the other connections come first.
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
    }
}
