//! The well-known types as a program that needs nothing else has them.

use crate::ids::{Id, TypeId};
use crate::program::{KnownTypes, Program};
use crate::types::{Case, Field, Type};

impl KnownTypes {
    /// Adds the well-known types to a program without types: `t0` to `t16` in the order of the fields of `KnownTypes`,
    /// then `Duration?`, `Retry?`, `String?`, `Int?`. For tests and tools; the lowering takes those of `std`.
    pub fn standard(program: &mut Program) {
        let types = &mut program.types;
        let first = types.len();
        let id = |index: usize| TypeId::new(first + index);
        let field = |name: &str, index: usize| Field { name: name.into(), ty: id(index), default: None };
        let error = |name: &str, fields: Vec<Field>| Type::Enum {
            name: name.into(),
            cases: vec![Case { name: name.into(), fields }],
            error: true,
        };
        let simple =
            [Type::Unit, Type::Bool, Type::Int, Type::Float, Type::Decimal, Type::String, Type::Bytes];
        let times = [Type::Duration, Type::Timestamp, Type::Json, Type::Error];
        let errors = [
            error("Timeout", Vec::new()),
            error("Cancelled", Vec::new()),
            error("ActivityFailed", vec![field("activity", 5), field("reason", 5)]),
            error("Trap", vec![field("kind", 5), field("message", 5)]),
        ];
        let policy = [
            ("timeout", 17),
            ("deadline", 17),
            ("retry", 18),
            ("heartbeat", 17),
            ("queue", 19),
            ("route", 19),
            ("limit_count", 20),
            ("limit_per", 17),
        ];
        let retry =
            [("initial", 7), ("factor", 4), ("max", 7), ("attempts", 20), ("increment", 7), ("jitter", 4)];
        let record = |name: &str, fields: &[(&str, usize)]| Type::Record {
            name: name.into(),
            fields: fields.iter().map(|(name, index)| field(name, *index)).collect(),
        };
        let records = [record("ActivityPolicy", &policy), record("Retry", &retry)];
        let options = [7, 16, 5, 2].map(|index| Type::Option(id(index)));
        for ty in simple.into_iter().chain(times).chain(errors).chain(records).chain(options) {
            let _: TypeId = types.push(ty);
        }
        program.known = KnownTypes {
            unit: id(0),
            bool: id(1),
            int: id(2),
            float: id(3),
            decimal: id(4),
            string: id(5),
            bytes: id(6),
            duration: id(7),
            timestamp: id(8),
            json: id(9),
            error: id(10),
            timeout: id(11),
            cancelled: id(12),
            activity_failed: id(13),
            trap: id(14),
            policy: id(15),
            retry: id(16),
        };
    }
}
