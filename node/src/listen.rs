//! The sockets a node listens on, and who gets what connects to them.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use helenus_cluster::control::ControlEvent;
use helenus_cluster::link::LinkKind;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

use crate::config::NativeTransport;
use crate::control_thread::ControlInput;
use crate::environment::Environment;
use crate::handshake;
use crate::real_disk::words;
use crate::shell::ThreadInput;

/// Connections that the kernel keeps until they are accepted.
const BACKLOG: i32 = 4096;
/// Wait after a refused accept: no file descriptors are left, and closing connections will give some back.
const ACCEPT_WAIT: Duration = Duration::from_millis(20);

/// A port that is ours but not open yet.
#[derive(Debug)]
pub(crate) struct BoundPort {
    socket: Socket,
    address: SocketAddr,
    purpose: String,
    key: String,
}

/// Takes a port without opening it.
///
/// # Errors
/// One line that says what the port is for and what to do.
pub(crate) fn bind(address: SocketAddr, purpose: &str, key: &str) -> Result<BoundPort, String> {
    let bound = || {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        // Connections of an earlier run that wait for their last packets do not hold the port.
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        Ok(socket)
    };
    let socket = bound().map_err(|error: io::Error| refusal(address, purpose, key, &error))?;
    Ok(BoundPort { socket, address, purpose: purpose.to_owned(), key: key.to_owned() })
}

/// Why a port cannot be had, and what to do about it.
fn refusal(address: SocketAddr, purpose: &str, key: &str, error: &io::Error) -> String {
    let remedy = match error.kind() {
        io::ErrorKind::AddrInUse => format!("the port is taken: stop what listens there, or set {key}"),
        io::ErrorKind::AddrNotAvailable if address.ip().is_loopback() => format!(
            "the address is not there: add it with 'ip addr add {0}/8 dev lo' (on macOS 'sudo ifconfig lo0 alias {0}')",
            address.ip()
        ),
        io::ErrorKind::AddrNotAvailable => "the address is not one of this machine".to_owned(),
        _ => words(error),
    };
    format!("cannot listen on {address} for {purpose}: {remedy}")
}

impl BoundPort {
    /// Opens the port.
    ///
    /// # Errors
    /// The operating system's words, with what to do.
    pub(crate) fn listen(self) -> Result<std::net::TcpListener, String> {
        // Two sockets may have taken an address that neither had opened: it is found out here.
        self.socket.listen(BACKLOG).map_err(|error| refusal(self.address, &self.purpose, &self.key, &error))?;
        Ok(self.socket.into())
    }
}

/// Accepts clients and gives each to the thread with the fewest.
pub(crate) async fn accept_clients(listener: TcpListener, environment: Arc<Environment>, limits: NativeTransport) {
    loop {
        let (stream, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a client cannot be accepted");
                tokio::time::sleep(ACCEPT_WAIT).await;
                continue;
            }
        };
        if limits.connections_max.is_some_and(|most| environment.clients() as u64 >= most) {
            tracing::warn!(%address, "a client is refused: native_transport_max_concurrent_connections is reached");
            continue;
        }
        let Some(thread) = environment.thread_for_client(address.ip(), limits.connections_per_ip_max) else {
            tracing::warn!(%address, "a client is refused: native_transport_max_concurrent_connections_per_ip is reached");
            continue;
        };
        match stream.set_nodelay(true).and_then(|()| stream.into_std()) {
            Ok(stream) => {
                let _stopping = thread.inbox.send(ThreadInput::Client(stream, address));
            }
            Err(error) => {
                tracing::debug!(%error, %address, "a client was gone at once");
                let index = environment.threads.iter().position(|other| std::ptr::eq(other, thread));
                environment.client_gone(index.unwrap_or(usize::MAX), address.ip());
            }
        }
    }
}

/// Accepts other nodes and hands their links to the threads they are for.
pub(crate) async fn accept_nodes(listener: TcpListener, environment: Arc<Environment>) {
    loop {
        let (stream, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a node cannot be accepted");
                tokio::time::sleep(ACCEPT_WAIT).await;
                continue;
            }
        };
        let environment = Arc::clone(&environment);
        tokio::task::spawn_local(async move {
            if let Err(error) = accept_node(stream, &environment).await {
                tracing::info!(%address, %error, "a link is refused");
            }
        });
    }
}

async fn accept_node(mut stream: tokio::net::TcpStream, environment: &Environment) -> Result<(), handshake::LinkError> {
    let hello = handshake::accept(&mut stream, |theirs| environment.hello(theirs.kind)).await?;
    let stream = stream.into_std()?;
    // Who opens a link is there: links to it that are missing need not wait for their next attempt.
    environment.broadcast(&ControlEvent::PeerUp(hello.host_id));
    match hello.kind {
        LinkKind::Control => {
            let _stopping = environment.control.send(ControlInput::Link(stream, hello));
        }
        LinkKind::Data => {
            if let Some(thread) = environment.thread_for_link() {
                let _stopping = thread.inbox.send(ThreadInput::Link(stream, hello));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_name_the_remedy() {
        let check = |address: &str, kind: io::ErrorKind, expected: &str| {
            let address = address.parse().expect("an address");
            let line = refusal(address, "clients", "--port", &io::Error::from(kind));
            assert_eq!(line, format!("cannot listen on {address} for clients: {expected}"));
        };
        check(
            "127.0.0.2:9042",
            io::ErrorKind::AddrNotAvailable,
            "the address is not there: add it with 'ip addr add 127.0.0.2/8 dev lo' (on macOS 'sudo ifconfig lo0 alias \
             127.0.0.2')",
        );
        check("10.0.0.2:9042", io::ErrorKind::AddrNotAvailable, "the address is not one of this machine");
        check("10.0.0.2:9042", io::ErrorKind::AddrInUse, "the port is taken: stop what listens there, or set --port");
        check("10.0.0.2:80", io::ErrorKind::PermissionDenied, "permission denied");
    }
}
