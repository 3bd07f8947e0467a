use super::*;
use crate::parser::shown_token;

/// What the lexer makes of a text, in the notation of `test_data/tokens.txt`.
fn tokens(text: &str) -> String {
    let mut lexer = Lexer::new(text);
    let mut shown = Vec::new();
    loop {
        let token = lexer.next();
        match token.kind {
            Kind::End => return shown.join(" "),
            Kind::Invalid => {
                shown.push(shown_token(text, token, lexer.error()));
                return shown.join(" ");
            }
            _ => shown.push(shown_token(text, token, None)),
        }
    }
}

#[test]
fn tokens_are_those_of_cassandra() {
    let table = include_str!("../../test_data/tokens.txt");
    for line in table.lines() {
        let (text, expected) = line.split_once('\t').expect("a text and its tokens");
        assert_eq!(tokens(&crate::tests::unescaped(text)), expected, "{text}");
    }
}

#[test]
fn the_end_and_an_error_stay() {
    let mut lexer = Lexer::new("a @ b");
    assert_eq!(lexer.next().kind, Kind::Identifier);
    assert_eq!(lexer.next().kind, Kind::Invalid);
    assert_eq!(lexer.next().kind, Kind::Invalid);
    let mut lexer = Lexer::new("");
    assert_eq!(lexer.next().kind, Kind::End);
    assert_eq!(lexer.next().kind, Kind::End);
}
