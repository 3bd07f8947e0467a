//! Any bytes from a peer: link greetings, frames, messages, mutations, read commands, answers, metadata and gossip. What decodes
//! encodes to bytes that decode to the same.
#![no_main]

use helenus_cluster::answer::{self, Answer};
use helenus_cluster::control::metadata_message::MetadataMessage;
use helenus_cluster::link::{HELLO_HEAD_BYTES, Hello};
use helenus_cluster::message::{FrameBuilder, Message, read_list, split_frame};
use helenus_cluster::metadata::{ClusterMetadata, Entry};
use helenus_cluster::topology::NodeInfo;
use helenus_fuzz::input::Input;
use helenus_model::codec::Reader;
use helenus_model::mutation::MutationRef;
use helenus_model::partition::{Item, PartitionRef, Unfiltered};
use helenus_model::read::ReadCommand;
use helenus_model::schema::SchemaChange;
use libfuzzer_sys::fuzz_target;

fn frame(bytes: &[u8]) {
    let mut builder = FrameBuilder::default();
    let mut messages = Vec::new();
    let mut reader = Reader::new(bytes);
    while let Ok((id, message)) = Message::decode(&mut reader) {
        builder.push(id, &message);
        messages.push((id, message));
        body(&message);
    }
    let mut out = Vec::new();
    builder.take_into(&mut out);
    if let Some((sent, _)) = split_frame(&out).expect("a frame just made") {
        let mut reader = Reader::new(sent);
        for expected in &messages {
            assert_eq!(Message::decode(&mut reader).as_ref(), Ok(expected));
        }
    }
    let _any = split_frame(bytes);
}

fn body(message: &Message<'_>) {
    match message {
        Message::Write { mutation, .. } => self::mutation(mutation),
        Message::Read { command, .. } => self::command(command),
        Message::Data(data) => self::data(data),
        Message::BatchStore { mutations, .. } => {
            for bytes in read_list(mutations).unwrap_or_default() {
                self::mutation(bytes);
            }
        }
        Message::Gossip(bytes) => gossip(bytes),
        Message::Metadata(bytes) => metadata(bytes),
        _ => {}
    }
}

fn mutation(bytes: &[u8]) {
    let Ok(mutation) = MutationRef::validate(bytes) else { return };
    for (_, partition) in mutation.updates() {
        let partition = PartitionRef::new(partition);
        let mut cells = partition.static_row.map_or(0, |row| row.cells().count());
        for item in partition.items() {
            if let Item::Unfiltered(Unfiltered::Row { row, .. }) = item {
                cells += row.cells().count();
            }
        }
        assert!(cells <= bytes.len(), "more cells than bytes");
    }
}

fn command(bytes: &[u8]) {
    let Ok(command) = ReadCommand::decode(&mut Reader::new(bytes)) else { return };
    let mut out = Vec::new();
    command.encode(&mut out);
    assert_eq!(ReadCommand::decode(&mut Reader::new(&out)), Ok(command));
}

fn data(bytes: &[u8]) {
    let Ok(answer) = Answer::validate(bytes) else { return };
    let mut scratch = Vec::new();
    let first = answer::digest(answer.clone(), 1_000, 0, &mut scratch);
    assert_eq!(answer::digest(answer, 1_000, 0, &mut scratch), first);
}

fn gossip(bytes: &[u8]) {
    let Ok(message) = helenus_gossip::Message::decode(bytes) else { return };
    assert_eq!(helenus_gossip::Message::decode(&message.encode()), Ok(message));
}

fn metadata(bytes: &[u8]) {
    let Ok(message) = MetadataMessage::decode(bytes) else { return };
    let mut out = Vec::new();
    message.encode(&mut out);
    assert_eq!(MetadataMessage::decode(&out), Ok(message));
}

fn entry(bytes: &[u8]) {
    let Ok(entry) = Entry::decode(&mut Reader::new(bytes)) else { return };
    let mut out = Vec::new();
    entry.encode(&mut out);
    let mut again = Vec::new();
    Entry::decode(&mut Reader::new(&out)).expect("what was just encoded").encode(&mut again);
    assert_eq!(again, out);
    let _applied = ClusterMetadata::default().apply(1, &entry);
}

fn hello(bytes: &[u8]) {
    let Some((head, rest)) = bytes.split_first_chunk::<HELLO_HEAD_BYTES>() else { return };
    if Hello::rest_length(head).is_ok()
        && let Ok(hello) = Hello::decode(head, rest)
    {
        let out = hello.encode();
        let (head, rest) = out.split_first_chunk::<HELLO_HEAD_BYTES>().expect("a whole greeting");
        assert_eq!(Hello::decode(head, rest), Ok(hello));
    }
}

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let choice = input.byte();
    let bytes = input.rest();
    match choice % 10 {
        0 => frame(bytes),
        1 => mutation(bytes),
        2 => command(bytes),
        3 => self::data(bytes),
        4 => gossip(bytes),
        5 => metadata(bytes),
        6 => entry(bytes),
        7 => hello(bytes),
        8 => {
            let _node = NodeInfo::decode(&mut Reader::new(bytes));
        }
        _ => {
            let _change = SchemaChange::decode(&mut Reader::new(bytes));
        }
    }
});
