//! The keywords of CQL and which of them may also be names.
//!
//! Facts from the lexer and parser grammars of Apache Cassandra 5.0: 57 words are reserved, all others are legal names.

/// What a keyword may be used as, besides its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeywordClass {
    /// Never a name without quotes.
    Reserved,
    /// A name of anything, including functions and user-defined types.
    Basic,
    /// A name of anything but functions and user-defined types.
    NotFunction,
    /// The name of a built-in type: a name of anything but user-defined types.
    Native,
}

macro_rules! keywords {
    ($($variant:ident $class:ident $token:literal)*) => {
        /// A keyword, spelled in any case. `TABLE` and `COLUMNFAMILY` are one, and so are `TABLES` and `COLUMNFAMILIES`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Keyword {
            $($variant,)*
        }

        impl Keyword {
            /// What else the word may be.
            pub(crate) fn class(self) -> KeywordClass {
                match self {
                    $(Keyword::$variant => KeywordClass::$class,)*
                }
            }

            /// The token's name in error messages.
            pub(crate) fn token_name(self) -> &'static str {
                match self {
                    $(Keyword::$variant => $token,)*
                }
            }
        }
    };
}

keywords! {
    Access Basic "K_ACCESS"
    Add Reserved "K_ADD"
    Aggregate Basic "K_AGGREGATE"
    Aggregates Basic "K_AGGREGATES"
    All Basic "K_ALL"
    Allow Reserved "K_ALLOW"
    Alter Reserved "K_ALTER"
    And Reserved "K_AND"
    Ann Basic "K_ANN"
    Apply Reserved "K_APPLY"
    As Basic "K_AS"
    Asc Reserved "K_ASC"
    Ascii Native "K_ASCII"
    Authorize Reserved "K_AUTHORIZE"
    Batch Reserved "K_BATCH"
    Begin Reserved "K_BEGIN"
    Bigint Native "K_BIGINT"
    Blob Native "K_BLOB"
    Boolean Native "K_BOOLEAN"
    By Reserved "K_BY"
    Called Basic "K_CALLED"
    Cast NotFunction "K_CAST"
    Cidrs Basic "K_CIDRS"
    Cluster Basic "K_CLUSTER"
    Clustering Basic "K_CLUSTERING"
    Compact Basic "K_COMPACT"
    Contains Basic "K_CONTAINS"
    Count NotFunction "K_COUNT"
    Counter Native "K_COUNTER"
    Create Reserved "K_CREATE"
    Custom Basic "K_CUSTOM"
    Datacenters Basic "K_DATACENTERS"
    Date Native "K_DATE"
    Decimal Native "K_DECIMAL"
    Default Basic "K_DEFAULT"
    Delete Reserved "K_DELETE"
    Desc Reserved "K_DESC"
    Describe Reserved "K_DESCRIBE"
    Distinct NotFunction "K_DISTINCT"
    Double Native "K_DOUBLE"
    Drop Reserved "K_DROP"
    Duration Native "K_DURATION"
    Entries Reserved "K_ENTRIES"
    Execute Reserved "K_EXECUTE"
    Exists Basic "K_EXISTS"
    Filtering Basic "K_FILTERING"
    Finalfunc Basic "K_FINALFUNC"
    Float Native "K_FLOAT"
    From Reserved "K_FROM"
    Frozen Basic "K_FROZEN"
    Full Reserved "K_FULL"
    Function Basic "K_FUNCTION"
    Functions Basic "K_FUNCTIONS"
    Grant Reserved "K_GRANT"
    Group Basic "K_GROUP"
    Hashed Basic "K_HASHED"
    Identity Basic "K_IDENTITY"
    If Reserved "K_IF"
    In Reserved "K_IN"
    Index Reserved "K_INDEX"
    Inet Native "K_INET"
    Infinity Reserved "K_POSITIVE_INFINITY"
    Initcond Basic "K_INITCOND"
    Input Basic "K_INPUT"
    Insert Reserved "K_INSERT"
    Int Native "K_INT"
    Internals Basic "K_INTERNALS"
    Into Reserved "K_INTO"
    Is Reserved "K_IS"
    Json NotFunction "K_JSON"
    Key NotFunction "K_KEY"
    Keys Basic "K_KEYS"
    Keyspace Reserved "K_KEYSPACE"
    Keyspaces Basic "K_KEYSPACES"
    Language Basic "K_LANGUAGE"
    Like Basic "K_LIKE"
    Limit Reserved "K_LIMIT"
    List Basic "K_LIST"
    Login Basic "K_LOGIN"
    Map Basic "K_MAP"
    Masked Basic "K_MASKED"
    Materialized Reserved "K_MATERIALIZED"
    Maxwritetime NotFunction "K_MAXWRITETIME"
    Mbean Basic "K_MBEAN"
    Mbeans Basic "K_MBEANS"
    Modify Reserved "K_MODIFY"
    Nan Reserved "K_POSITIVE_NAN"
    Nologin Basic "K_NOLOGIN"
    Norecursive Reserved "K_NORECURSIVE"
    Nosuperuser Basic "K_NOSUPERUSER"
    Not Reserved "K_NOT"
    Null Reserved "K_NULL"
    Of Reserved "K_OF"
    On Reserved "K_ON"
    Only Basic "K_ONLY"
    Options Basic "K_OPTIONS"
    Or Reserved "K_OR"
    Order Reserved "K_ORDER"
    Partition Basic "K_PARTITION"
    Password Basic "K_PASSWORD"
    Per Basic "K_PER"
    Permission Basic "K_PERMISSION"
    Permissions Basic "K_PERMISSIONS"
    Primary Reserved "K_PRIMARY"
    Rename Reserved "K_RENAME"
    Replace Basic "K_REPLACE"
    Returns Basic "K_RETURNS"
    Revoke Reserved "K_REVOKE"
    Role Basic "K_ROLE"
    Roles Basic "K_ROLES"
    Schema Reserved "K_SCHEMA"
    Select Reserved "K_SELECT"
    SelectMasked Basic "K_SELECT_MASKED"
    Set Reserved "K_SET"
    Sfunc Basic "K_SFUNC"
    Smallint Native "K_SMALLINT"
    Static Basic "K_STATIC"
    Storage Basic "K_STORAGE"
    Stype Basic "K_STYPE"
    Superuser Basic "K_SUPERUSER"
    Table Reserved "K_COLUMNFAMILY"
    Tables Basic "K_TABLES"
    Text Native "K_TEXT"
    Time Native "K_TIME"
    Timestamp Native "K_TIMESTAMP"
    Timeuuid Native "K_TIMEUUID"
    Tinyint Native "K_TINYINT"
    To Reserved "K_TO"
    Token Reserved "K_TOKEN"
    Trigger Basic "K_TRIGGER"
    Truncate Reserved "K_TRUNCATE"
    Ttl NotFunction "K_TTL"
    Tuple Basic "K_TUPLE"
    Type Basic "K_TYPE"
    Types Basic "K_TYPES"
    Unlogged Reserved "K_UNLOGGED"
    Unmask Basic "K_UNMASK"
    Unset Basic "K_UNSET"
    Update Reserved "K_UPDATE"
    Use Reserved "K_USE"
    User Basic "K_USER"
    Users Basic "K_USERS"
    Using Reserved "K_USING"
    Uuid Native "K_UUID"
    Values Basic "K_VALUES"
    Varchar Native "K_VARCHAR"
    Varint Native "K_VARINT"
    Vector Basic "K_VECTOR"
    View Reserved "K_VIEW"
    Where Reserved "K_WHERE"
    With Reserved "K_WITH"
    Writetime NotFunction "K_WRITETIME"
}

/// Every spelling, sorted.
const SPELLINGS: [(&str, Keyword); 154] = [
    ("access", Keyword::Access),
    ("add", Keyword::Add),
    ("aggregate", Keyword::Aggregate),
    ("aggregates", Keyword::Aggregates),
    ("all", Keyword::All),
    ("allow", Keyword::Allow),
    ("alter", Keyword::Alter),
    ("and", Keyword::And),
    ("ann", Keyword::Ann),
    ("apply", Keyword::Apply),
    ("as", Keyword::As),
    ("asc", Keyword::Asc),
    ("ascii", Keyword::Ascii),
    ("authorize", Keyword::Authorize),
    ("batch", Keyword::Batch),
    ("begin", Keyword::Begin),
    ("bigint", Keyword::Bigint),
    ("blob", Keyword::Blob),
    ("boolean", Keyword::Boolean),
    ("by", Keyword::By),
    ("called", Keyword::Called),
    ("cast", Keyword::Cast),
    ("cidrs", Keyword::Cidrs),
    ("cluster", Keyword::Cluster),
    ("clustering", Keyword::Clustering),
    ("columnfamilies", Keyword::Tables),
    ("columnfamily", Keyword::Table),
    ("compact", Keyword::Compact),
    ("contains", Keyword::Contains),
    ("count", Keyword::Count),
    ("counter", Keyword::Counter),
    ("create", Keyword::Create),
    ("custom", Keyword::Custom),
    ("datacenters", Keyword::Datacenters),
    ("date", Keyword::Date),
    ("decimal", Keyword::Decimal),
    ("default", Keyword::Default),
    ("delete", Keyword::Delete),
    ("desc", Keyword::Desc),
    ("describe", Keyword::Describe),
    ("distinct", Keyword::Distinct),
    ("double", Keyword::Double),
    ("drop", Keyword::Drop),
    ("duration", Keyword::Duration),
    ("entries", Keyword::Entries),
    ("execute", Keyword::Execute),
    ("exists", Keyword::Exists),
    ("filtering", Keyword::Filtering),
    ("finalfunc", Keyword::Finalfunc),
    ("float", Keyword::Float),
    ("from", Keyword::From),
    ("frozen", Keyword::Frozen),
    ("full", Keyword::Full),
    ("function", Keyword::Function),
    ("functions", Keyword::Functions),
    ("grant", Keyword::Grant),
    ("group", Keyword::Group),
    ("hashed", Keyword::Hashed),
    ("identity", Keyword::Identity),
    ("if", Keyword::If),
    ("in", Keyword::In),
    ("index", Keyword::Index),
    ("inet", Keyword::Inet),
    ("infinity", Keyword::Infinity),
    ("initcond", Keyword::Initcond),
    ("input", Keyword::Input),
    ("insert", Keyword::Insert),
    ("int", Keyword::Int),
    ("internals", Keyword::Internals),
    ("into", Keyword::Into),
    ("is", Keyword::Is),
    ("json", Keyword::Json),
    ("key", Keyword::Key),
    ("keys", Keyword::Keys),
    ("keyspace", Keyword::Keyspace),
    ("keyspaces", Keyword::Keyspaces),
    ("language", Keyword::Language),
    ("like", Keyword::Like),
    ("limit", Keyword::Limit),
    ("list", Keyword::List),
    ("login", Keyword::Login),
    ("map", Keyword::Map),
    ("masked", Keyword::Masked),
    ("materialized", Keyword::Materialized),
    ("maxwritetime", Keyword::Maxwritetime),
    ("mbean", Keyword::Mbean),
    ("mbeans", Keyword::Mbeans),
    ("modify", Keyword::Modify),
    ("nan", Keyword::Nan),
    ("nologin", Keyword::Nologin),
    ("norecursive", Keyword::Norecursive),
    ("nosuperuser", Keyword::Nosuperuser),
    ("not", Keyword::Not),
    ("null", Keyword::Null),
    ("of", Keyword::Of),
    ("on", Keyword::On),
    ("only", Keyword::Only),
    ("options", Keyword::Options),
    ("or", Keyword::Or),
    ("order", Keyword::Order),
    ("partition", Keyword::Partition),
    ("password", Keyword::Password),
    ("per", Keyword::Per),
    ("permission", Keyword::Permission),
    ("permissions", Keyword::Permissions),
    ("primary", Keyword::Primary),
    ("rename", Keyword::Rename),
    ("replace", Keyword::Replace),
    ("returns", Keyword::Returns),
    ("revoke", Keyword::Revoke),
    ("role", Keyword::Role),
    ("roles", Keyword::Roles),
    ("schema", Keyword::Schema),
    ("select", Keyword::Select),
    ("select_masked", Keyword::SelectMasked),
    ("set", Keyword::Set),
    ("sfunc", Keyword::Sfunc),
    ("smallint", Keyword::Smallint),
    ("static", Keyword::Static),
    ("storage", Keyword::Storage),
    ("stype", Keyword::Stype),
    ("superuser", Keyword::Superuser),
    ("table", Keyword::Table),
    ("tables", Keyword::Tables),
    ("text", Keyword::Text),
    ("time", Keyword::Time),
    ("timestamp", Keyword::Timestamp),
    ("timeuuid", Keyword::Timeuuid),
    ("tinyint", Keyword::Tinyint),
    ("to", Keyword::To),
    ("token", Keyword::Token),
    ("trigger", Keyword::Trigger),
    ("truncate", Keyword::Truncate),
    ("ttl", Keyword::Ttl),
    ("tuple", Keyword::Tuple),
    ("type", Keyword::Type),
    ("types", Keyword::Types),
    ("unlogged", Keyword::Unlogged),
    ("unmask", Keyword::Unmask),
    ("unset", Keyword::Unset),
    ("update", Keyword::Update),
    ("use", Keyword::Use),
    ("user", Keyword::User),
    ("users", Keyword::Users),
    ("using", Keyword::Using),
    ("uuid", Keyword::Uuid),
    ("values", Keyword::Values),
    ("varchar", Keyword::Varchar),
    ("varint", Keyword::Varint),
    ("vector", Keyword::Vector),
    ("view", Keyword::View),
    ("where", Keyword::Where),
    ("with", Keyword::With),
    ("writetime", Keyword::Writetime),
];

/// For each letter where its words start in `SPELLINGS`, and the end after the last.
const STARTS: [u8; 27] = starts();

const fn starts() -> [u8; 27] {
    let mut starts = [0u8; 27];
    let mut letter = 0;
    let mut index = 0;
    while letter < 27 {
        while index < SPELLINGS.len() && SPELLINGS[index].0.as_bytes()[0] < b'a' + letter as u8 {
            index += 1;
        }
        starts[letter] = index as u8;
        letter += 1;
    }
    starts
}

/// The keyword that `word` spells, in any case. `word` is made of ASCII letters, digits and underscores.
pub(crate) fn lookup(word: &[u8]) -> Option<Keyword> {
    let letter = usize::from(word.first()?.to_ascii_lowercase().checked_sub(b'a')?);
    let from = usize::from(*STARTS.get(letter)?);
    let to = usize::from(*STARTS.get(letter + 1)?);
    let bucket = SPELLINGS.get(from..to)?;
    bucket
        .iter()
        .find(|(spelling, _)| spelling.len() == word.len() && spelling.as_bytes().eq_ignore_ascii_case(word))
        .map(|&(_, keyword)| keyword)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_is_found_in_any_case() {
        for (spelling, keyword) in SPELLINGS {
            assert_eq!(lookup(spelling.as_bytes()), Some(keyword), "{spelling}");
            assert_eq!(lookup(spelling.to_ascii_uppercase().as_bytes()), Some(keyword), "{spelling}");
        }
        assert_eq!(lookup(b"selec"), None);
        assert_eq!(lookup(b""), None);
        assert_eq!(lookup(b"zz"), None);
    }

    #[test]
    fn the_spellings_are_sorted_and_57_are_reserved() {
        assert!(SPELLINGS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert_eq!(SPELLINGS.iter().filter(|(_, keyword)| keyword.class() == KeywordClass::Reserved).count(), 57);
    }
}
