//! The values of one row, found once and without copying: key values in the key's bytes, simple cells in the row's bytes; only what
//! must be built (collections of cells, write times) goes into a buffer that is used again for every row.

use helenus_model::counter;
use helenus_model::key::ClusteringValues;
use helenus_model::row::{CellRef, ColumnId, RowRef};
use helenus_model::schema::{Column, ColumnKind, Table};
use helenus_model::time::LocalSeconds;
use helenus_model::types::CqlType;

/// What of a column's cells is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum CellPart {
    /// The value of a simple column.
    Value,
    /// The value of a counter: the sum of what its context holds.
    Counter,
    /// The elements of a list, by place.
    List,
    /// The elements of a set.
    Set,
    /// The entries of a map.
    Map,
    /// The fields of a UDT: how many it has.
    Fields(u16),
    /// The write timestamp of a simple column.
    WriteTime,
    /// The TTL left of a simple column.
    Ttl,
    /// The write timestamps of a complex column's cells, as a list.
    WriteTimes,
    /// The TTLs of a complex column's cells, as a list.
    Ttls,
    /// The write timestamps of a UDT's fields, as a list with nulls: how many fields it has.
    FieldTimes(u16),
    /// The TTLs of a UDT's fields, as a list with nulls: how many fields it has.
    FieldTtls(u16),
    /// The paths of a complex column's cells, as a list.
    Paths,
    /// The latest write timestamp of a complex column's cells.
    MaxWriteTime,
}

impl CellPart {
    /// What makes up the value of a column of this type.
    pub(super) fn value_of(ty: &CqlType) -> CellPart {
        match ty {
            CqlType::List { frozen: false, .. } => CellPart::List,
            CqlType::Set { frozen: false, .. } => CellPart::Set,
            CqlType::Map { frozen: false, .. } => CellPart::Map,
            CqlType::Udt { frozen: false, definition } => CellPart::Fields(definition.fields.len() as u16),
            CqlType::Counter => CellPart::Counter,
            _ => CellPart::Value,
        }
    }
}

/// Where an input comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// A component of the partition key.
    PartitionKey(u16),
    /// A value of the clustering.
    Clustering(u16),
    /// Cells of the static row.
    Static(ColumnId, CellPart),
    /// Cells of the row.
    Regular(ColumnId, CellPart),
}

impl Source {
    /// The value of a column.
    pub(super) fn of_column(column: &Column) -> Source {
        let part = CellPart::value_of(&column.ty);
        match column.kind {
            ColumnKind::PartitionKey => Source::PartitionKey(column.position),
            ColumnKind::Clustering => Source::Clustering(column.position),
            ColumnKind::Static => Source::Static(column.id, part),
            ColumnKind::Regular => Source::Regular(column.id, part),
        }
    }
}

/// What a statement needs of every row: selection, filter and order share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Inputs {
    sources: Vec<Source>,
    /// Inputs from cells, in the order of their column ids.
    statics: Vec<(ColumnId, CellPart, u16)>,
    regulars: Vec<(ColumnId, CellPart, u16)>,
    /// Values of simple columns are all that is wanted of a row's cells.
    only_values: bool,
    partition_keys: Vec<(u16, u16)>,
    clusterings: Vec<(u16, u16)>,
}

impl Inputs {
    /// The number of an input; one wanted twice is one.
    pub(super) fn add(&mut self, source: Source) -> u16 {
        if let Some(place) = self.sources.iter().position(|known| *known == source) {
            return place as u16;
        }
        let number = self.sources.len() as u16;
        self.sources.push(source);
        match source {
            Source::PartitionKey(place) => insert_sorted(&mut self.partition_keys, (place, number)),
            Source::Clustering(place) => insert_sorted(&mut self.clusterings, (place, number)),
            Source::Static(id, part) => insert_sorted(&mut self.statics, (id, part, number)),
            Source::Regular(id, part) => insert_sorted(&mut self.regulars, (id, part, number)),
        }
        self.only_values = self.regulars.iter().all(|(_, part, _)| *part == CellPart::Value);
        number
    }

    /// Nothing is wanted of a row but values of simple columns: [`Assembler::plain_row`] finds them.
    pub(super) fn are_plain(&self) -> bool {
        self.only_values
    }

    /// True when Cassandra reads static columns: those that are wanted, or all of them when nothing is but parts of the key.
    pub(super) fn reads_statics(&self, table: &Table) -> bool {
        !self.statics.is_empty() || (self.regulars.is_empty() && table.has_statics())
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.sources.len()
    }
}

fn insert_sorted<T: Ord>(list: &mut Vec<T>, item: T) {
    let place = list.partition_point(|other| *other < item);
    list.insert(place, item);
}

/// Where a value of the current row lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slot {
    Null,
    Key(u32, u32),
    Clustering(u32, u32),
    Row(u32, u32),
    Static(u32, u32),
    Built(u32, u32),
}

/// Values that were kept from an earlier row.
pub(super) type KeptValues = [Option<Box<[u8]>>];

/// The current row. Its buffers live as long as the execution.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    slots: Vec<Slot>,
    /// The current (or, between commands, the last) partition's key.
    pub(super) key: Vec<u8>,
    statics: Vec<u8>,
    built: Vec<u8>,
}

/// The values of the current row.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowView<'a> {
    slots: &'a [Slot],
    kept: &'a KeptValues,
    key: &'a [u8],
    clustering: &'a [u8],
    row: &'a [u8],
    statics: &'a [u8],
    built: &'a [u8],
}

impl<'a> RowView<'a> {
    /// An input's value; None is null.
    #[inline]
    pub(super) fn value(&self, input: u16) -> Option<&'a [u8]> {
        let Some(slot) = self.slots.get(usize::from(input)) else {
            return self.kept.get(usize::from(input))?.as_deref();
        };
        let (bytes, start, end) = match *slot {
            Slot::Null => return None,
            Slot::Key(start, end) => (self.key, start, end),
            Slot::Clustering(start, end) => (self.clustering, start, end),
            Slot::Row(start, end) => (self.row, start, end),
            Slot::Static(start, end) => (self.statics, start, end),
            Slot::Built(start, end) => (self.built, start, end),
        };
        bytes.get(start as usize..end as usize)
    }

    /// The partition's key.
    pub(super) fn key(&self) -> &'a [u8] {
        self.key
    }

    /// A row whose values were kept; none at all are nulls.
    pub(super) fn of_values(kept: &'a KeptValues) -> Self {
        RowView { slots: &[], kept, key: &[], clustering: &[], row: &[], statics: &[], built: &[] }
    }

    /// Keeps the first `inputs` values.
    pub(super) fn keep(&self, inputs: usize) -> Vec<Option<Box<[u8]>>> {
        (0..inputs as u16).map(|input| self.value(input).map(Into::into)).collect()
    }
}

impl Assembler {
    /// For so many inputs.
    pub(super) fn new(inputs: &Inputs) -> Self {
        Assembler { slots: vec![Slot::Null; inputs.len()], ..Assembler::default() }
    }

    /// A partition begins: its key and static values.
    pub(super) fn begin(
        &mut self,
        inputs: &Inputs,
        key: &[u8],
        columns: usize,
        static_row: Option<RowRef<'_>>,
        now: LocalSeconds,
    ) {
        self.key.clear();
        self.key.extend_from_slice(key);
        self.statics.clear();
        if !inputs.partition_keys.is_empty() {
            self.split_key(inputs, columns);
        }
        for (_, _, number) in &inputs.statics {
            self.set(*number, Slot::Null);
        }
        if let Some(row) = static_row
            && !inputs.statics.is_empty()
        {
            let mut buffer = std::mem::take(&mut self.statics);
            gather(&inputs.statics, row, now, &mut buffer, true, |number, found| {
                self.set(
                    number,
                    match found {
                        Found::Built(start, end) | Found::Row(start, end) => Slot::Static(start, end),
                    },
                );
            });
            self.statics = buffer;
        }
    }

    fn set(&mut self, number: u16, slot: Slot) {
        if let Some(place) = self.slots.get_mut(usize::from(number)) {
            *place = slot;
        }
    }

    fn split_key(&mut self, inputs: &Inputs, columns: usize) {
        if columns == 1 {
            let end = self.key.len() as u32;
            for (_, number) in &inputs.partition_keys {
                self.set(*number, Slot::Key(0, end));
            }
            return;
        }
        let mut wanted = inputs.partition_keys.iter().peekable();
        let mut at = 0_usize;
        for component in 0..columns as u16 {
            let Some(length) = self.key.get(at..at + 2) else { break };
            let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
            let (start, end) = (at + 2, at + 2 + length);
            while let Some((_, number)) = wanted.next_if(|(place, _)| *place == component) {
                self.set(*number, Slot::Key(start as u32, end as u32));
            }
            at = end + 1;
        }
    }

    /// A row of the partition.
    #[inline]
    pub(super) fn row<'a>(
        &'a mut self,
        inputs: &Inputs,
        clustering: &'a [u8],
        row: RowRef<'a>,
        now: LocalSeconds,
    ) -> RowView<'a> {
        self.clear_row(inputs);
        clustering_values(&inputs.clusterings, clustering, |number, value| {
            let slot = value.map_or(Slot::Null, |value| {
                let (start, end) = place_in(clustering, value);
                Slot::Clustering(start, end)
            });
            self.set(number, slot);
        });
        if inputs.only_values {
            simple_values(&inputs.regulars, row, now, |number, value| {
                let (start, end) = place_in(row.bytes(), value);
                self.set(number, Slot::Row(start, end));
            });
            return self.view(clustering, row.bytes());
        }
        let mut built = std::mem::take(&mut self.built);
        built.clear();
        gather(&inputs.regulars, row, now, &mut built, false, |number, found| {
            self.set(
                number,
                match found {
                    Found::Built(start, end) => Slot::Built(start, end),
                    Found::Row(start, end) => Slot::Row(start, end),
                },
            );
        });
        self.built = built;
        self.view(clustering, row.bytes())
    }

    /// The values of a row that wants no more than values of simple columns, in the order of the inputs; `values` has a place for each.
    #[inline]
    pub(super) fn plain_row<'a>(
        &'a self,
        inputs: &Inputs,
        clustering: &'a [u8],
        row: RowRef<'a>,
        now: LocalSeconds,
        values: &mut [Option<&'a [u8]>],
    ) {
        let mut put = |number: u16, value| {
            if let Some(place) = values.get_mut(usize::from(number)) {
                *place = value;
            }
        };
        let view = self.view(&[], &[]);
        for number in inputs.partition_keys.iter().map(|(_, number)| *number) {
            put(number, view.value(number));
        }
        for number in inputs.statics.iter().map(|(_, _, number)| *number) {
            put(number, view.value(number));
        }
        clustering_values(&inputs.clusterings, clustering, &mut put);
        simple_values(&inputs.regulars, row, now, |number, value| put(number, Some(value)));
    }

    /// The partition without a row: clusterings and regular columns are null.
    pub(super) fn static_only(&mut self, inputs: &Inputs) -> RowView<'_> {
        self.clear_row(inputs);
        self.view(&[], &[])
    }

    fn clear_row(&mut self, inputs: &Inputs) {
        for (_, number) in &inputs.clusterings {
            self.set(*number, Slot::Null);
        }
        for (_, _, number) in &inputs.regulars {
            self.set(*number, Slot::Null);
        }
    }

    fn view<'a>(&'a self, clustering: &'a [u8], row: &'a [u8]) -> RowView<'a> {
        RowView {
            slots: &self.slots,
            kept: &[],
            key: &self.key,
            clustering,
            row,
            statics: &self.statics,
            built: &self.built,
        }
    }
}

/// Where a part of an outer slice starts and ends.
#[inline]
fn place_in(outer: &[u8], part: &[u8]) -> (u32, u32) {
    let start = (part.as_ptr() as usize).wrapping_sub(outer.as_ptr() as usize);
    (start as u32, (start + part.len()) as u32)
}

/// Finds values of a clustering: what is wanted is in the order of their places, each once.
#[inline]
fn clustering_values<'a>(wanted: &[(u16, u16)], clustering: &'a [u8], mut found: impl FnMut(u16, Option<&'a [u8]>)) {
    let mut wanted = wanted.iter();
    let Some(mut next) = wanted.next() else { return };
    for (place, value) in (0_u16..).zip(ClusteringValues::new(clustering)) {
        if next.0 == place {
            found(next.1, value);
            match wanted.next() {
                Some(following) => next = following,
                None => return,
            }
        }
    }
}

/// Finds the live values of simple columns: what most statements want, and nothing else. Both walks are in the order of column ids.
#[inline]
fn simple_values<'a>(
    wanted: &[(ColumnId, CellPart, u16)],
    row: RowRef<'a>,
    now: LocalSeconds,
    mut found: impl FnMut(u16, &'a [u8]),
) {
    let mut wanted = wanted.iter();
    let mut next = wanted.next();
    for cell in row.cells() {
        while let Some((column, _, _)) = next
            && *column < cell.column
        {
            next = wanted.next();
        }
        let Some((column, _, number)) = next else { return };
        if *column == cell.column && cell.is_live(now) {
            found(*number, cell.value);
        }
    }
}

enum Found {
    Row(u32, u32),
    Built(u32, u32),
}

/// Walks the row's cells and the wanted parts side by side; both are in the order of column ids. With `copy` simple values go into
/// the buffer too.
#[inline]
fn gather(
    wanted: &[(ColumnId, CellPart, u16)],
    row: RowRef<'_>,
    now: LocalSeconds,
    buffer: &mut Vec<u8>,
    copy: bool,
    mut found: impl FnMut(u16, Found),
) {
    if wanted.is_empty() {
        return;
    }
    let mut cells = row.cells();
    let mut next = cells.next();
    let mut place = 0;
    while let (Some(cell), Some((column, _, _))) = (next, wanted.get(place)) {
        if cell.column < *column {
            next = cells.next();
            continue;
        }
        if cell.column > *column {
            place += 1;
            continue;
        }
        let parts = wanted.get(place..).unwrap_or_default();
        let parts = parts.split(|(id, _, _)| id != column).next().unwrap_or_default();
        let (start, mut behind) = (cells.clone(), cells);
        let simple = matches!(parts, [(_, CellPart::Value, _)]);
        if simple {
            if cell.is_live(now) {
                let number = parts.first().map_or(0, |(_, _, number)| *number);
                if copy {
                    let from = buffer.len() as u32;
                    buffer.extend_from_slice(cell.value);
                    found(number, Found::Built(from, buffer.len() as u32));
                } else {
                    let (from, to) = place_in(row.bytes(), cell.value);
                    found(number, Found::Row(from, to));
                }
            }
            next = behind.next();
        } else {
            for (_, part, number) in parts {
                let group = std::iter::once(cell).chain(start.clone().take_while(|other| other.column == cell.column));
                let from = buffer.len();
                if build(*part, group.filter(|cell| cell.is_live(now)), now, buffer) {
                    found(*number, Found::Built(from as u32, buffer.len() as u32));
                } else {
                    buffer.truncate(from);
                }
            }
            next = behind.find(|other| other.column != cell.column);
        }
        cells = behind;
        place += parts.len();
    }
}

fn put_part(buffer: &mut Vec<u8>, part: &[u8]) {
    buffer.extend_from_slice(&(part.len() as i32).to_be_bytes());
    buffer.extend_from_slice(part);
}

/// Appends what is wanted of a column's live cells; false for null.
fn build<'a>(
    part: CellPart,
    cells: impl Iterator<Item = CellRef<'a>>,
    now: LocalSeconds,
    buffer: &mut Vec<u8>,
) -> bool {
    let ttl_left = |cell: &CellRef<'_>| (cell.ttl != 0).then(|| (cell.local - now) as i32);
    let mut cells = cells;
    match part {
        CellPart::Value => cells.next().map(|cell| buffer.extend_from_slice(cell.value)).is_some(),
        CellPart::Counter => {
            cells.next().map(|cell| buffer.extend_from_slice(&counter::total(cell.value).to_be_bytes())).is_some()
        }
        CellPart::WriteTime => {
            cells.next().map(|cell| buffer.extend_from_slice(&cell.timestamp.to_be_bytes())).is_some()
        }
        CellPart::Ttl => {
            let left = cells.next().and_then(|cell| ttl_left(&cell));
            left.map(|left| buffer.extend_from_slice(&left.to_be_bytes())).is_some()
        }
        CellPart::MaxWriteTime => {
            let latest = cells.map(|cell| cell.timestamp).max();
            latest.map(|latest| buffer.extend_from_slice(&latest.to_be_bytes())).is_some()
        }
        CellPart::Fields(fields) => build_fields(fields, cells, buffer, |buffer, cell| put_part(buffer, cell.value)),
        CellPart::FieldTimes(fields) | CellPart::FieldTtls(fields) => {
            buffer.extend_from_slice(&i32::from(fields).to_be_bytes());
            build_fields(fields, cells, buffer, |buffer, cell| match (part, ttl_left(cell)) {
                (CellPart::FieldTimes(_), _) => put_part(buffer, &cell.timestamp.to_be_bytes()),
                (_, Some(left)) => put_part(buffer, &left.to_be_bytes()),
                (_, None) => buffer.extend_from_slice(&(-1_i32).to_be_bytes()),
            })
        }
        CellPart::List | CellPart::Set | CellPart::Map | CellPart::WriteTimes | CellPart::Ttls | CellPart::Paths => {
            let start = buffer.len();
            buffer.extend_from_slice(&[0; 4]);
            let mut count = 0_i32;
            for cell in cells {
                count += 1;
                let path = cell.path.unwrap_or_default();
                match part {
                    CellPart::List => put_part(buffer, cell.value),
                    CellPart::Set | CellPart::Paths => put_part(buffer, path),
                    CellPart::Map => {
                        put_part(buffer, path);
                        put_part(buffer, cell.value);
                    }
                    CellPart::WriteTimes => put_part(buffer, &cell.timestamp.to_be_bytes()),
                    _ => match ttl_left(&cell) {
                        Some(left) => put_part(buffer, &left.to_be_bytes()),
                        None => buffer.extend_from_slice(&(-1_i32).to_be_bytes()),
                    },
                }
            }
            if let Some(place) = buffer.get_mut(start..start + 4) {
                place.copy_from_slice(&count.to_be_bytes());
            }
            count > 0
        }
    }
}

/// All fields of a UDT, null where there is no cell.
fn build_fields<'a>(
    fields: u16,
    cells: impl Iterator<Item = CellRef<'a>>,
    buffer: &mut Vec<u8>,
    put: impl Fn(&mut Vec<u8>, &CellRef<'a>),
) -> bool {
    let (mut field, mut any) = (0_u16, false);
    for cell in cells {
        let Some(Ok(place)) = cell.path.map(<[u8; 2]>::try_from) else { continue };
        let place = u16::from_be_bytes(place);
        if place >= fields || place < field {
            continue;
        }
        while field < place {
            buffer.extend_from_slice(&(-1_i32).to_be_bytes());
            field += 1;
        }
        put(buffer, &cell);
        field += 1;
        any = true;
    }
    while any && field < fields {
        buffer.extend_from_slice(&(-1_i32).to_be_bytes());
        field += 1;
    }
    any
}
