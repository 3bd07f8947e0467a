//! Any text as a statement, a type, a term. What parses prints to a text that parses to the same tree.
#![no_main]

use helenus_cql::{parse, parse_term, parse_type, print};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match parse(text) {
        Ok(parsed) => {
            let printed = print::statement_text(&parsed.statement);
            let again = parse(&printed).unwrap_or_else(|error| panic!("{text:?} printed as {printed:?}: {error}"));
            assert_eq!(again.statement, parsed.statement, "{text:?} printed as {printed:?}");
            assert_eq!(again.markers, parsed.markers, "{text:?} printed as {printed:?}");
            assert_eq!(print::statement_text(&again.statement), printed, "{text:?}");
        }
        Err(error) => assert!(!error.message.is_empty()),
    }
    if let Ok(tree) = parse_type(text) {
        let printed = print::type_name_text(&tree);
        assert_eq!(parse_type(&printed).as_ref(), Ok(&tree), "{text:?} printed as {printed:?}");
    }
    if let Ok(tree) = parse_term(text) {
        let printed = print::term_text(&tree);
        assert_eq!(parse_term(&printed).as_ref(), Ok(&tree), "{text:?} printed as {printed:?}");
    }
});
