//! CSV: rows of cells, and records from them.

use super::{Context, Failure, Outcome, trap};
use crate::heap::TrapKind;
use crate::intrinsic::Intrinsic;
use crate::types::Type;
use crate::value;
use crate::value::Mismatch;
use serde_json::{Map, Value};

impl Context<'_> {
    pub(super) fn table(&mut self, intrinsic: Intrinsic) -> Option<Outcome> {
        Some(match intrinsic {
            Intrinsic::CsvRows => self.csv_rows(),
            Intrinsic::CsvText => self.csv_text(),
            Intrinsic::CsvDecodeRow => self.decode_row(),
            _ => return None,
        })
    }

    /// The separator is one character of ASCII.
    fn separator(&self) -> Result<u8, Failure> {
        match self.str(1).as_bytes() {
            [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\r' | b'\n') => Ok(*byte),
            _ => trap(
                TrapKind::InvalidValue,
                format!(
                    "`{}` can't separate the cells of CSV: one character like `,` or `;` can",
                    self.str(1)
                ),
            ),
        }
    }

    fn csv_rows(&mut self) -> Outcome {
        let separator = self.separator()?;
        let text = self.str(0).to_owned();
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let mut builder = csv::ReaderBuilder::new();
        let reader =
            builder.has_headers(false).flexible(true).delimiter(separator).from_reader(text.as_bytes());
        let mut rows = Vec::new();
        for row in reader.into_records() {
            let row = match row {
                Ok(row) => row,
                Err(error) => return trap(TrapKind::InvalidValue, format!("the text isn't CSV: {error}")),
            };
            let mut cells = Vec::with_capacity(row.len());
            for cell in &row {
                cells.push(self.heap.string(cell)?);
            }
            rows.push(self.heap.make_list(&cells)?);
        }
        Ok(self.heap.make_list(&rows)?)
    }

    fn csv_text(&mut self) -> Outcome {
        let separator = self.separator()?;
        let mut builder = csv::WriterBuilder::new();
        let mut writer = builder.flexible(true).delimiter(separator).from_writer(Vec::new());
        let mut bytes = 0_usize;
        for row in self.heap.list_items(self.arg(0)) {
            let cells = self.heap.list_items(*row).iter().map(|cell| self.heap.bytes_at(*cell));
            // Many cells may share one long text. With quotes a cell is at most twice as long, and two more.
            let longest = cells.clone().fold(0_usize, |sum, cell| sum.saturating_add(2 * cell.len() + 3));
            bytes = bytes.saturating_add(longest);
            self.check_bytes(bytes / 2)?;
            if let Err(error) = writer.write_record(cells) {
                return trap(TrapKind::InvalidValue, format!("the rows can't be written as CSV: {error}"));
            }
        }
        let text = writer.into_inner().unwrap_or_default();
        self.check_bytes(text.len())?;
        let text = String::from_utf8(text).unwrap_or_default();
        self.make_string(&text)
    }

    /// A record from texts: each is read as its field's type asks.
    fn decode_row(&mut self) -> Outcome {
        let (types, ty) = (&self.program.types, self.ty(0));
        let Some(Type::Record { name, fields }) = types.get(types.representation(ty)) else {
            let found = types.show(ty);
            return trap(TrapKind::InvalidValue, format!("rows become records; {found} is none"));
        };
        let mut object = Map::new();
        for entry in self.heap.map_entries(self.arg(0)) {
            let column = self.heap.str_at(entry.key);
            if let Some(field) = fields.iter().find(|field| field.name == column) {
                let cell = self.cell(field.ty, self.heap.str_at(entry.value));
                object.extend(cell.map(|cell| (column.to_owned(), cell)));
            }
        }
        match value::from_json(self.program, self.heap, ty, &Value::Object(object)) {
            Ok(record) => Ok(record),
            Err(Mismatch { path, expected, found }) => trap(
                TrapKind::JsonMismatch,
                format!("a row is no {name}: in column `{path}`, expected {expected}, found {found}"),
            ),
        }
    }

    /// A cell as JSON of the type that its field has. An empty cell of an option, or of a field that isn't text, is left
    /// out, so that the field's default counts.
    fn cell(&self, ty: crate::ids::TypeId, text: &str) -> Option<Value> {
        let types = &self.program.types;
        match types.get(types.representation(ty)) {
            Some(Type::Option(_)) if text.is_empty() => None,
            Some(Type::Option(item)) => self.cell(*item, text),
            Some(Type::Int | Type::Decimal | Type::Float | Type::Bool | Type::Json) if text.is_empty() => {
                None
            }
            Some(Type::Int | Type::Decimal | Type::Float | Type::Bool | Type::Json) => {
                let parsed = serde_json::from_str(text.trim());
                Some(parsed.unwrap_or_else(|_| Value::String(text.to_owned())))
            }
            Some(Type::Enum { .. }) if text.is_empty() => None,
            _ => Some(Value::String(text.to_owned())),
        }
    }
}
