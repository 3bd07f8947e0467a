//! Registers of one node, over a disk in memory.

use super::ballot::Ballot;
use super::wire::{Answer, Value, read_register, register_bytes};

fn at(micros: i64) -> Ballot {
    Ballot::new(micros, 7)
}

#[test]
fn answers_read_back() {
    let mut mutation = Vec::new();
    helenus_model::mutation::encode_mutation(&mut mutation, b"key", &[]);
    let value = Value { origin: at(3), before: vec![at(2), at(1)], mutation };
    let answers = [
        Answer::Refused(at(5)),
        Answer::Promised { accepted: None, decided: None },
        Answer::Promised { accepted: Some((at(4), value.clone())), decided: Some((at(2), Value::nothing(at(1)))) },
        Answer::Accepted,
        Answer::Failed(2),
    ];
    for answer in answers {
        let mut bytes = Vec::new();
        answer.encode(&mut bytes);
        assert_eq!(Answer::decode(&bytes), Ok(answer.clone()));
        for cut in 0..bytes.len() {
            assert!(Answer::decode(&bytes[..cut]).is_err(), "{answer:?} cut at {cut}");
        }
    }
    let bytes = register_bytes(uuid::Uuid::from_u128(9), b"key", Some(&value));
    let (table, key, rest) = read_register(&bytes).expect("sound");
    assert_eq!((table, key, Value::decode(rest)), (uuid::Uuid::from_u128(9), &b"key"[..], Ok(value)));
}
