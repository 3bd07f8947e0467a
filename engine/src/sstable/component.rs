//! Names of an SSTable's files (Cassandra: `Descriptor`, `BigFormat.Components`).

/// One of the files that make up an SSTable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Component {
    /// The partitions.
    Data,
    /// One entry a partition.
    Index,
    /// A sample of the index.
    Summary,
    /// The bloom filter.
    Filter,
    /// Metadata.
    Statistics,
    /// Chunk offsets of a compressed `Data.db`.
    CompressionInfo,
    /// Chunk checksums of an uncompressed `Data.db`.
    Crc,
    /// Checksum of the whole `Data.db`.
    Digest,
    /// Our own checksums of every block of every component.
    Helenus,
    /// The list of components.
    Toc,
}

impl Component {
    /// All of them, in the order they are completed.
    pub const ALL: [Component; 10] = [
        Component::Data,
        Component::Index,
        Component::Summary,
        Component::Filter,
        Component::Statistics,
        Component::CompressionInfo,
        Component::Crc,
        Component::Digest,
        Component::Helenus,
        Component::Toc,
    ];

    /// Last part of the file name.
    pub fn name(self) -> &'static str {
        match self {
            Component::Data => "Data.db",
            Component::Index => "Index.db",
            Component::Summary => "Summary.db",
            Component::Filter => "Filter.db",
            Component::Statistics => "Statistics.db",
            Component::CompressionInfo => "CompressionInfo.db",
            Component::Crc => "CRC.db",
            Component::Digest => "Digest.crc32",
            Component::Helenus => "Helenus.db",
            Component::Toc => "TOC.txt",
        }
    }

    /// The component whose files end so.
    pub fn from_name(name: &str) -> Option<Component> {
        Component::ALL.into_iter().find(|component| component.name() == name)
    }
}

/// The format's version: the first letters of the file names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// What Cassandra 4.0 to 5.0 write unless told otherwise.
    Nb,
}

impl Version {
    /// As in file names.
    pub fn name(self) -> &'static str {
        match self {
            Version::Nb => "nb",
        }
    }

    /// The version of that name, if it can be read.
    pub fn from_name(name: &str) -> Option<Version> {
        (name == "nb").then_some(Version::Nb)
    }
}

/// Where an SSTable's files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// The table's directory, relative to the disk's root, without a closing `/`.
    pub directory: String,
    /// Format.
    pub version: Version,
    /// Opaque text without `-`: a generation number or an encoded time UUID.
    pub id: String,
}

impl Descriptor {
    /// A descriptor of version `nb`.
    pub fn new(directory: &str, id: &str) -> Self {
        Descriptor { directory: directory.trim_end_matches('/').to_owned(), version: Version::Nb, id: id.to_owned() }
    }

    /// Path of one component.
    pub fn path(&self, component: Component) -> String {
        self.path_of(component.name())
    }

    fn path_of(&self, name: &str) -> String {
        let slash = if self.directory.is_empty() { "" } else { "/" };
        format!("{}{slash}{}-{}-big-{name}", self.directory, self.version.name(), self.id)
    }

    /// Takes apart the name of a file in `directory`; None when it is no component of a readable SSTable.
    pub fn parse(directory: &str, file_name: &str) -> Option<(Descriptor, Component)> {
        let mut parts = file_name.splitn(4, '-');
        let version = Version::from_name(parts.next()?)?;
        let id = parts.next().filter(|id| !id.is_empty())?;
        if parts.next()? != "big" {
            return None;
        }
        let component = Component::from_name(parts.next()?)?;
        let directory = directory.trim_end_matches('/').to_owned();
        Some((Descriptor { directory, version, id: id.to_owned() }, component))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart() {
        for (name, expected) in [
            ("nb-1-big-Data.db", Some(("1", Component::Data))),
            ("nb-3gxk_0zf7_5kx1c2l6vqcz2jcx4e-big-TOC.txt", Some(("3gxk_0zf7_5kx1c2l6vqcz2jcx4e", Component::Toc))),
            ("nb-1-big-Helenus.db", Some(("1", Component::Helenus))),
            ("nb-1-bti-Data.db", None),
            ("zz-1-big-Data.db", None),
            ("nb--big-Data.db", None),
            ("nb-1-big-Other.db", None),
            ("manifest", None),
        ] {
            let parsed = Descriptor::parse("ks/t/", name);
            assert_eq!(parsed.as_ref().map(|(d, c)| (&*d.id, *c)), expected, "{name}");
            if let Some((descriptor, component)) = parsed {
                assert_eq!(descriptor.path(component), format!("ks/t/{name}"));
            }
        }
    }
}
