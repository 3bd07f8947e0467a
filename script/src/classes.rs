//! The classes that bodies may name, and which extends which.

use crate::types::Primitive;

macro_rules! classes {
    ($($name:ident $full:literal $parameters:literal [$($super:ident)*])*) => {
        /// A class or interface.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(clippy::enum_variant_names, reason = "ClassCastException is called so")]
        pub(crate) enum Class {
            $($name,)*
        }

        impl Class {
            const ALL: &[Class] = &[$(Class::$name,)*];

            /// Its name with its package.
            pub(crate) fn full_name(self) -> &'static str {
                match self { $(Class::$name => $full,)* }
            }

            /// The names of its type parameters, one letter each.
            pub(crate) fn parameters(self) -> &'static str {
                match self { $(Class::$name => $parameters,)* }
            }

            /// What it extends and implements.
            pub(crate) fn supers(self) -> &'static [Class] {
                match self { $(Class::$name => &[$(Class::$super,)*],)* }
            }
        }
    };
}

classes! {
    Object "java.lang.Object" "" []
    Number "java.lang.Number" "" []
    Comparable "java.lang.Comparable" "T" []
    CharSequence "java.lang.CharSequence" "" []
    Boolean "java.lang.Boolean" "" [Comparable]
    Byte "java.lang.Byte" "" [Number Comparable]
    Short "java.lang.Short" "" [Number Comparable]
    Character "java.lang.Character" "" [Comparable]
    Integer "java.lang.Integer" "" [Number Comparable]
    Long "java.lang.Long" "" [Number Comparable]
    Float "java.lang.Float" "" [Number Comparable]
    Double "java.lang.Double" "" [Number Comparable]
    String "java.lang.String" "" [CharSequence Comparable]
    StringBuilder "java.lang.StringBuilder" "" [CharSequence]
    StringBuffer "java.lang.StringBuffer" "" [StringBuilder]
    Math "java.lang.Math" "" []
    StrictMath "java.lang.StrictMath" "" [Math]
    BigInteger "java.math.BigInteger" "" [Number Comparable]
    BigDecimal "java.math.BigDecimal" "" [Number Comparable]
    RoundingMode "java.math.RoundingMode" "" []
    Uuid "java.util.UUID" "" [Comparable]
    Date "java.util.Date" "" [Comparable]
    InetAddress "java.net.InetAddress" "" []
    ByteBuffer "java.nio.ByteBuffer" "" [Comparable]
    LocalDate "org.apache.cassandra.cql3.functions.types.LocalDate" "" []
    Duration "org.apache.cassandra.cql3.functions.types.Duration" "" []
    UdtValue "org.apache.cassandra.cql3.functions.types.UDTValue" "" []
    TupleValue "org.apache.cassandra.cql3.functions.types.TupleValue" "" []
    UdfContext "org.apache.cassandra.cql3.functions.UDFContext" "" []
    Iterable "java.lang.Iterable" "E" []
    Iterator "java.util.Iterator" "E" []
    Collection "java.util.Collection" "E" [Iterable]
    List "java.util.List" "E" [Collection]
    ArrayList "java.util.ArrayList" "E" [List]
    LinkedList "java.util.LinkedList" "E" [List Deque]
    Queue "java.util.Queue" "E" [Collection]
    Deque "java.util.Deque" "E" [Queue]
    ArrayDeque "java.util.ArrayDeque" "E" [Deque]
    Set "java.util.Set" "E" [Collection]
    SortedSet "java.util.SortedSet" "E" [Set]
    HashSet "java.util.HashSet" "E" [Set]
    LinkedHashSet "java.util.LinkedHashSet" "E" [HashSet]
    TreeSet "java.util.TreeSet" "E" [SortedSet]
    Map "java.util.Map" "KV" []
    SortedMap "java.util.SortedMap" "KV" [Map]
    HashMap "java.util.HashMap" "KV" [Map]
    LinkedHashMap "java.util.LinkedHashMap" "KV" [HashMap]
    TreeMap "java.util.TreeMap" "KV" [SortedMap]
    Entry "java.util.Map.Entry" "KV" []
    Arrays "java.util.Arrays" "" []
    Collections "java.util.Collections" "" []
    Objects "java.util.Objects" "" []
    Throwable "java.lang.Throwable" "" []
    Exception "java.lang.Exception" "" [Throwable]
    RuntimeException "java.lang.RuntimeException" "" [Exception]
    IllegalArgumentException "java.lang.IllegalArgumentException" "" [RuntimeException]
    IllegalStateException "java.lang.IllegalStateException" "" [RuntimeException]
    UnsupportedOperationException "java.lang.UnsupportedOperationException" "" [RuntimeException]
    ArithmeticException "java.lang.ArithmeticException" "" [RuntimeException]
    NullPointerException "java.lang.NullPointerException" "" [RuntimeException]
    ClassCastException "java.lang.ClassCastException" "" [RuntimeException]
    NegativeArraySizeException "java.lang.NegativeArraySizeException" "" [RuntimeException]
    NumberFormatException "java.lang.NumberFormatException" "" [IllegalArgumentException]
    IllegalFormatException "java.util.IllegalFormatException" "" [IllegalArgumentException]
    DuplicateFormatFlagsException "java.util.DuplicateFormatFlagsException" "" [IllegalFormatException]
    FormatFlagsConversionMismatchException "java.util.FormatFlagsConversionMismatchException" "" [IllegalFormatException]
    IllegalFormatArgumentIndexException "java.util.IllegalFormatArgumentIndexException" "" [IllegalFormatException]
    IllegalFormatCodePointException "java.util.IllegalFormatCodePointException" "" [IllegalFormatException]
    IllegalFormatConversionException "java.util.IllegalFormatConversionException" "" [IllegalFormatException]
    IllegalFormatFlagsException "java.util.IllegalFormatFlagsException" "" [IllegalFormatException]
    IllegalFormatPrecisionException "java.util.IllegalFormatPrecisionException" "" [IllegalFormatException]
    IllegalFormatWidthException "java.util.IllegalFormatWidthException" "" [IllegalFormatException]
    MissingFormatArgumentException "java.util.MissingFormatArgumentException" "" [IllegalFormatException]
    MissingFormatWidthException "java.util.MissingFormatWidthException" "" [IllegalFormatException]
    UnknownFormatConversionException "java.util.UnknownFormatConversionException" "" [IllegalFormatException]
    IndexOutOfBoundsException "java.lang.IndexOutOfBoundsException" "" [RuntimeException]
    ArrayIndexOutOfBoundsException "java.lang.ArrayIndexOutOfBoundsException" "" [IndexOutOfBoundsException]
    StringIndexOutOfBoundsException "java.lang.StringIndexOutOfBoundsException" "" [IndexOutOfBoundsException]
    NoSuchElementException "java.util.NoSuchElementException" "" [RuntimeException]
    ConcurrentModificationException "java.util.ConcurrentModificationException" "" [RuntimeException]
    BufferUnderflowException "java.nio.BufferUnderflowException" "" [RuntimeException]
    BufferOverflowException "java.nio.BufferOverflowException" "" [RuntimeException]
    CodecNotFoundException "org.apache.cassandra.cql3.functions.types.exceptions.CodecNotFoundException" "" [RuntimeException]
}

/// The packages whose classes need no package in front, as in the file Cassandra puts a body into.
const IMPORTED: [&str; 4] = ["java.lang", "java.util", "java.nio", "org.apache.cassandra.cql3.functions.types"];

impl Class {
    /// The name without package; nested classes have their outer one in front.
    pub(crate) fn simple_name(self) -> &'static str {
        if self == Class::Entry {
            return "Entry";
        }
        self.full_name().rsplit_once('.').map_or("", |(_, name)| name)
    }

    fn package(self) -> &'static str {
        if self == Class::Entry {
            return "java.util";
        }
        self.full_name().rsplit_once('.').map_or("", |(package, _)| package)
    }

    /// The class a body names so.
    pub(crate) fn of_name(name: &str) -> Option<Class> {
        // The classes of the driver are accepted where older versions of Cassandra have them.
        let name = match name {
            "Map.Entry" => "java.util.Map.Entry",
            "UDFContext" => "org.apache.cassandra.cql3.functions.UDFContext",
            name => name,
        };
        let name = name.strip_prefix("com.datastax.driver.core.").unwrap_or(name);
        Class::ALL.iter().copied().find(|class| {
            class.full_name() == name
                || (class.simple_name() == name && *class != Class::Entry && IMPORTED.contains(&class.package()))
        })
    }

    /// Whether it is `other` or extends it.
    pub(crate) fn is_subclass(self, other: Class) -> bool {
        self == other || other == Class::Object || self.supers().iter().any(|class| class.is_subclass(other))
    }

    /// The primitive its objects hold.
    pub(crate) fn unboxed(self) -> Option<Primitive> {
        Primitive::ALL.into_iter().find(|primitive| primitive.boxed() == self)
    }

    /// Exceptions that must be caught or declared.
    pub(crate) fn is_checked_exception(self) -> bool {
        self.is_subclass(Class::Throwable) && !self.is_subclass(Class::RuntimeException)
    }
}

/// All classes.
#[cfg(test)]
pub(crate) fn all() -> &'static [Class] {
    Class::ALL
}

/// Names of classes that bodies might want and may not have: they reach outside, or hold what no table of ours has.
pub(crate) fn is_forbidden(name: &str) -> bool {
    let known = [
        "System",
        "Thread",
        "Runtime",
        "Class",
        "ClassLoader",
        "Process",
        "ProcessBuilder",
        "File",
        "Files",
        "Random",
        "Calendar",
        "GregorianCalendar",
        "Scanner",
        "Timer",
        "Locale",
        "TimeZone",
        "Optional",
        "Stream",
        "Stack",
        "Vector",
        "Hashtable",
        "PriorityQueue",
        "BitSet",
        "StringJoiner",
        "StringTokenizer",
        "Base64",
        "Currency",
        "Formatter",
        "Properties",
        "Iterator",
        "EnumMap",
        "Void",
        "Enum",
        "Character",
        "Pattern",
        "Matcher",
    ];
    known.contains(&name) || name.starts_with("java.") || name.starts_with("javax.") || name.starts_with("com.")
}
