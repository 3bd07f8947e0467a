//! The thread of the control part: its links, its clock, and the way to and from the other threads.
//!
//! A control link carries messages one way only, from the node that opened it. It is opened when there is something to send and
//! kept. Frames that find no node are dropped: gossip and the metadata log say again what matters.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use helenus_cluster::control::{Control, ControlEvent, ControlRequest};
use helenus_cluster::link::{Hello, HelloError, LinkKind};
use helenus_cluster::message::{Message, split_frame};
use helenus_model::codec::Reader;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::oneshot;

use crate::clock;
use crate::environment::Environment;
use crate::fatal::fatal;
use crate::handshake::{self, LinkError};
use crate::socket::ReadBuffer;

/// How often the control part is told that time passes.
const TICK: Duration = Duration::from_millis(20);
/// Frames that wait for one node; further ones are dropped.
const FRAMES_WAITING_MAX: usize = 1024;

/// What other threads tell the control thread.
#[derive(Debug)]
pub(crate) enum ControlInput {
    /// A coordinator wants something.
    Request(ControlRequest),
    /// Another node has opened a control link; the handshake is done.
    Link(std::net::TcpStream, Hello),
    /// The CQL port is open, or closed again.
    NativeUp(bool),
    /// How much data this node has, bytes.
    Load(u64),
    /// Links of coordinators have opened or closed.
    LinksChanged,
    /// Say goodbye to the other nodes; answer when the words are on their way.
    Shutdown(oneshot::Sender<()>),
}

/// The control part and its links.
struct ControlShell {
    control: Control,
    environment: Arc<Environment>,
    links: BTreeMap<SocketAddr, UnboundedSender<Vec<u8>>>,
    ready: Option<oneshot::Sender<()>>,
}

type Shared = Rc<RefCell<ControlShell>>;

/// Runs the control part until the process ends. `ready` hears when the node may serve clients.
pub(crate) async fn run(
    control: Control,
    environment: Arc<Environment>,
    mut inbox: UnboundedReceiver<ControlInput>,
    ready: oneshot::Sender<()>,
) {
    let shell =
        Rc::new(RefCell::new(ControlShell { control, environment, links: BTreeMap::new(), ready: Some(ready) }));
    // What the control part decided when it was made.
    call(&shell, |_| ());
    let mut interval = tokio::time::interval(TICK);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = interval.tick() => call(&shell, Control::on_tick),
            input = inbox.recv() => match input {
                Some(input) => take_input(&shell, input),
                None => return,
            },
        }
    }
}

/// Calls the control part at the present time and acts on what it says.
fn call<T>(shell: &Shared, act: impl FnOnce(&mut Control) -> T) -> T {
    let mut this = shell.borrow_mut();
    this.control.set_now(clock::now());
    let answer = act(&mut this.control);
    if let Some(reason) = this.control.take_fatal() {
        fatal(&reason);
    }
    for event in this.control.take_events() {
        if let ControlEvent::Client(event) = &event {
            tracing::debug!(?event, "clients are told");
        }
        this.environment.broadcast(&event);
    }
    for (to, frame) in this.control.take_sends() {
        send(shell, &mut this, to, frame);
    }
    if this.ready.is_some() && this.control.may_serve() {
        let told = this.ready.take().map(|ready| ready.send(()));
        tracing::debug!(?told, "this node is in the ring");
    }
    answer
}

fn take_input(shell: &Shared, input: ControlInput) {
    match input {
        ControlInput::Request(request) => call(shell, |control| control.on_request(request)),
        ControlInput::Link(stream, hello) => {
            tokio::task::spawn_local(serve(Rc::clone(shell), stream, hello));
        }
        ControlInput::NativeUp(up) => call(shell, |control| control.set_native_up(up)),
        ControlInput::LinksChanged => call(shell, Control::on_links_changed),
        ControlInput::Load(bytes) => call(shell, |control| control.set_load(bytes)),
        ControlInput::Shutdown(done) => {
            call(shell, Control::shutdown);
            // The tasks of the links write what was handed to them before this one runs again.
            tokio::task::spawn_local(async move {
                tokio::time::sleep(Duration::from_millis(50)).await;
                let _nobody_waits = done.send(());
            });
        }
    }
}

/// Sends a frame over the link to a node, which is opened if need be.
fn send(shell: &Shared, this: &mut ControlShell, to: SocketAddr, frame: Vec<u8>) {
    if frame.is_empty() {
        return;
    }
    let frame = match this.links.get(&to) {
        Some(link) => match link.send(frame) {
            Ok(()) => return,
            Err(refused) => refused.0,
        },
        None => frame,
    };
    let (sender, frames) = mpsc::unbounded_channel();
    let _just_made = sender.send(frame);
    this.links.insert(to, sender.clone());
    tokio::task::spawn_local(keep_sending(Rc::clone(shell), to, sender, frames));
}

/// Opens a link and sends what is handed to it until it breaks.
async fn keep_sending(
    shell: Shared,
    to: SocketAddr,
    sender: UnboundedSender<Vec<u8>>,
    mut frames: UnboundedReceiver<Vec<u8>>,
) {
    let environment = Arc::clone(&shell.borrow().environment);
    let own = environment.hello(LinkKind::Control);
    let opened = handshake::connect(to, &own, environment.connect_timeout).await;
    let (reached, stream) = match opened {
        Ok((stream, _)) => (true, Some(stream)),
        Err(error) => {
            refused(&environment, to, &error);
            (false, None)
        }
    };
    if let Some(stream) = stream {
        write_frames(stream, &mut frames).await;
    }
    {
        let mut this = shell.borrow_mut();
        if this.links.get(&to).is_some_and(|link| link.same_channel(&sender)) {
            this.links.remove(&to);
        }
    }
    frames.close();
    if !reached {
        call(&shell, |control| control.on_unreachable(to));
    }
}

async fn write_frames(mut stream: TcpStream, frames: &mut UnboundedReceiver<Vec<u8>>) {
    let mut unexpected = [0; 1];
    loop {
        let mut batch = tokio::select! {
            frame = frames.recv() => match frame {
                Some(frame) => frame,
                None => return,
            },
            // Nothing is ever sent this way: the link has ended.
            _ = stream.read(&mut unexpected) => return,
        };
        if frames.len() > FRAMES_WAITING_MAX {
            tracing::warn!("a node does not take its control messages: the link is closed");
            return;
        }
        while let Ok(frame) = frames.try_recv() {
            batch.extend_from_slice(&frame);
        }
        if stream.write_all(&batch).await.is_err() {
            return;
        }
    }
}

/// A seed of another cluster is a mistake that time does not mend.
fn refused(environment: &Environment, to: SocketAddr, error: &LinkError) {
    let config = &environment.shared.config;
    if let LinkError::Hello(HelloError::Cluster { .. }) = error
        && config.seeds.contains(&to)
        && environment.shared.view.load().metadata.epoch == 0
    {
        fatal(&format!("seed {to}: {error}"));
    }
    tracing::debug!(%to, %error, "no control link");
}

/// Reads a control link that another node has opened.
async fn serve(shell: Shared, stream: std::net::TcpStream, hello: Hello) {
    let mut stream = match TcpStream::from_std(stream) {
        Ok(stream) => stream,
        Err(error) => {
            tracing::warn!(%error, from = %hello.internode, "a control link cannot be served");
            return;
        }
    };
    let mut buffer = ReadBuffer::default();
    loop {
        match stream.read(buffer.room()).await {
            Ok(0) | Err(_) => return,
            Ok(size) => buffer.received(size),
        }
        if let Err(error) = take_frames(&shell, &hello, &mut buffer) {
            tracing::warn!(from = %hello.internode, %error, "a control link is closed");
            return;
        }
    }
}

fn take_frames(
    shell: &Shared,
    hello: &Hello,
    buffer: &mut ReadBuffer,
) -> Result<(), helenus_cluster::message::FrameError> {
    while let Some((messages, length)) = split_frame(buffer.waiting())? {
        let mut reader = Reader::new(messages);
        while !reader.is_empty() {
            let (_, message) = Message::decode(&mut reader)?;
            call(shell, |control| control.on_message(hello.host_id, hello.internode, message));
        }
        buffer.used(length);
    }
    Ok(())
}
