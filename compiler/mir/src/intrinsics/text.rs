//! Strings and bytes.

use super::{Context, Outcome, clamp, trap};
use crate::heap::TrapKind;
use crate::intrinsic::Intrinsic;
use rust_decimal::Decimal;

impl Context<'_> {
    pub(super) fn text(&mut self, intrinsic: Intrinsic) -> Option<Outcome> {
        use Intrinsic as I;
        let known = *self.heap.known();
        Some(match intrinsic {
            I::Show => self.show(),
            // The reserved word is an empty text.
            I::StringJoinAll => self.heap.join(self.arg(0), 0).map_err(Into::into),
            I::StringJoin => self.heap.join(self.arg(0), self.arg(1)).map_err(Into::into),
            I::StringLen => Ok(self.str(0).chars().count() as u64),
            I::StringContains => Ok(u64::from(self.str(0).contains(self.str(1)))),
            // UTF-8 needs no reading for these.
            I::StringStartsWith => Ok(u64::from(self.bytes(0).starts_with(self.bytes(1)))),
            I::StringEndsWith => Ok(u64::from(self.bytes(0).ends_with(self.bytes(1)))),
            I::StringCompare => Ok(self.bytes(0).cmp(self.bytes(1)) as i64 as u64),
            I::StringTrim => self.map_text(|text| text.trim().to_owned()),
            I::StringToUpper => self.map_text(str::to_uppercase),
            I::StringToLower => self.map_text(str::to_lowercase),
            I::StringTrimStart => self.map_text(|text| text.trim_start().to_owned()),
            I::StringTrimEnd => self.map_text(|text| text.trim_end().to_owned()),
            I::StringReverse => self.map_text(|text| text.chars().rev().collect()),
            I::StringLines => {
                let text = self.str(0).to_owned();
                self.list_of(text.lines())
            }
            I::StringWords => {
                let text = self.str(0).to_owned();
                self.list_of(text.split_whitespace())
            }
            I::StringCodes => {
                let codes: Vec<u64> = self.str(0).chars().map(u64::from).collect();
                self.heap.make_list(&codes).map_err(Into::into)
            }
            I::StringFromCodes => self.text_from_codes(),
            I::StringCount => Ok(self.str(0).matches(self.str(1)).count() as u64),
            I::StringSplit => self.split(),
            I::StringReplace => self.replace(),
            I::StringSlice => {
                let range = clamp(self.int(1), self.int(2), usize::MAX);
                self.map_text(|text| text.chars().skip(range.start).take(range.len()).collect())
            }
            I::StringRepeat => self.repeat(),
            I::StringIndexOf | I::StringLastIndexOf => {
                let (text, part) = (self.str(0), self.str(1));
                let at = if intrinsic == I::StringIndexOf { text.find(part) } else { text.rfind(part) };
                let at = at.and_then(|at| text.get(..at));
                let at = at.map(|before| before.chars().count() as u64);
                self.some(known.int, at)
            }
            I::StringToInt => {
                let number = self.str(0).trim().parse::<i64>().ok().map(|number| number as u64);
                self.some(known.int, number)
            }
            I::StringToDecimal => match Decimal::from_str_exact(self.str(0).trim()) {
                Ok(number) => self.heap.decimal(number).map_err(Into::into),
                Err(_) => Ok(0),
            },
            // Both are the length and the bytes.
            I::StringToBytes => Ok(self.arg(0)),
            I::BytesToString => {
                let valid = std::str::from_utf8(self.heap.bytes_at(self.arg(0))).is_ok();
                Ok(if valid { self.arg(0) } else { 0 })
            }
            I::BytesLen => Ok(self.heap.bytes_at(self.arg(0)).len() as u64),
            I::BytesToList => {
                let numbers: Vec<u64> =
                    self.heap.bytes_at(self.arg(0)).iter().copied().map(u64::from).collect();
                self.heap.make_list(&numbers).map_err(Into::into)
            }
            I::BytesConcat => {
                let both = [self.heap.bytes_at(self.arg(0)), self.heap.bytes_at(self.arg(1))].concat();
                self.heap.bytes(&both).map_err(Into::into)
            }
            I::BytesSlice => {
                let bytes = self.heap.bytes_at(self.arg(0));
                let range = clamp(self.int(1), self.int(2), bytes.len());
                let part = bytes.get(range).unwrap_or_default().to_vec();
                self.heap.bytes(&part).map_err(Into::into)
            }
            I::BytesFromList => self.bytes_from_list(),
            _ => return None,
        })
    }

    fn bytes_from_list(&mut self) -> Outcome {
        let numbers = self.heap.list_items(self.arg(0));
        let bytes: Result<Vec<u8>, u64> =
            numbers.iter().map(|number| u8::try_from(*number).map_err(|_| *number)).collect();
        match bytes {
            Ok(bytes) => Ok(self.heap.bytes(&bytes)?),
            Err(number) => {
                super::trap(TrapKind::InvalidValue, format!("{} is no byte (0 to 255)", number as i64))
            }
        }
    }

    fn map_text(&mut self, change: impl FnOnce(&str) -> String) -> Outcome {
        let text = change(self.str(0));
        self.make_string(&text)
    }

    fn split(&mut self) -> Outcome {
        let (text, separator) = (self.str(0).to_owned(), self.str(1).to_owned());
        if separator.is_empty() {
            // Into its characters: what people expect, without empty ends.
            return self.list_of(text.split("").filter(|char| !char.is_empty()));
        }
        self.list_of(text.split(&separator))
    }

    /// A list of parts of a text, each allocated as it is found, so that the strand's limit holds.
    pub(super) fn list_of<'t>(&mut self, parts: impl Iterator<Item = &'t str>) -> Outcome {
        let mut items = Vec::new();
        for part in parts {
            items.push(self.heap.string(part)?);
        }
        Ok(self.heap.make_list(&items)?)
    }

    fn text_from_codes(&mut self) -> Outcome {
        let mut text = String::new();
        for code in self.heap.list_items(self.arg(0)) {
            match u32::try_from(*code).ok().and_then(char::from_u32) {
                Some(char) => text.push(char),
                None => {
                    let code = code.cast_signed();
                    return trap(TrapKind::InvalidValue, format!("{code} is the code of no character"));
                }
            }
        }
        self.make_string(&text)
    }

    fn replace(&mut self) -> Outcome {
        let (text, from, to) = (self.str(0), self.str(1), self.str(2));
        let bytes = text.matches(from).count().saturating_mul(to.len()).saturating_add(text.len());
        self.check_bytes(bytes)?;
        let text = text.replace(from, to);
        self.make_string(&text)
    }

    fn repeat(&mut self) -> Outcome {
        let Ok(count) = usize::try_from(self.int(1)) else {
            return trap(TrapKind::InvalidValue, format!("a text can't be repeated {} times", self.int(1)));
        };
        self.check_bytes(self.str(0).len().saturating_mul(count))?;
        self.map_text(|text| text.repeat(count))
    }
}
