//! Expressions of a wanted type.

use super::types::{Ty, case_name};
use super::{Callable, Maker, Variable};

impl Maker<'_> {
    /// An expression of a type, at most so many levels deep.
    pub fn expr(&mut self, ty: &Ty, depth: usize) -> String {
        self.budget = self.budget.saturating_sub(1);
        let depth = if self.budget == 0 { 0 } else { depth };
        if depth == 0 || self.random.one_in(4) {
            return self.leaf(ty, depth);
        }
        match self.random.below(10) {
            0 => self.choice(ty, depth),
            1 => self.matched(ty, depth),
            2 => self.called(ty, depth),
            3 => self.through_closure(ty, depth),
            4 => self.part(ty, depth),
            _ => self.own(ty, depth),
        }
    }

    /// A variable or the smallest value there is.
    fn leaf(&mut self, ty: &Ty, depth: usize) -> String {
        let fits: Vec<String> = self
            .scope
            .iter()
            .filter(|variable| variable.ty == *ty)
            .map(|variable| variable.name.clone())
            .collect();
        if !fits.is_empty() && !self.random.one_in(4) {
            return self.random.pick(&fits).cloned().unwrap_or_default();
        }
        let depth = depth.saturating_sub(1);
        match ty {
            Ty::Int => match self.random.below(8) {
                0 => "9223372036854775807".into(),
                1 => "LIMIT".into(),
                2 => format!("(-{})", self.random.below(2_000)),
                _ => self.random.below(12).to_string(),
            },
            Ty::Bool => self.random.word(&["true", "false"]).to_string(),
            Ty::String => format!(
                "\"{}\"",
                self.random.word(&["", "a", "ä b", "x\\n", "\\{", "long enough to live on the heap"])
            ),
            Ty::Decimal => format!("{}.{:02}", self.random.below(1_000), self.random.below(100)),
            Ty::Duration => {
                format!("{}{}", self.random.below(90), self.random.word(&["ms", "s", "m", "h", "d"]))
            }
            Ty::List(item) => {
                let count = self.random.below(3);
                let item = (**item).clone();
                let items: Vec<String> = (0..count).map(|_| self.leaf(&item, depth)).collect();
                if items.is_empty() { self.typed("[]", ty) } else { format!("[{}]", items.join(", ")) }
            }
            Ty::Map(value) => {
                let count = self.random.below(3);
                let value = (**value).clone();
                let entries: Vec<String> =
                    (0..count).map(|at| format!("\"k{at}\": {}", self.leaf(&value, depth))).collect();
                if entries.is_empty() { self.typed("[:]", ty) } else { format!("[{}]", entries.join(", ")) }
            }
            Ty::Option(item) => {
                if self.random.one_in(2) {
                    self.typed("none", ty)
                } else {
                    format!("Some({})", self.leaf(item, depth))
                }
            }
            Ty::Tuple(a, b) => format!("({}, {})", self.leaf(a, depth), self.leaf(b, depth)),
            Ty::Record(index) => {
                let fields = self.declared.records.get(*index).cloned().unwrap_or_default();
                let fields: Vec<String> = fields
                    .iter()
                    .enumerate()
                    .map(|(at, ty)| format!("f{at}: {}", self.leaf(ty, depth)))
                    .collect();
                format!("R{index}({})", fields.join(", "))
            }
            Ty::Enum(index) => {
                let cases = self.declared.enums.get(*index).cloned().unwrap_or_default();
                let case = self.random.below(cases.len());
                let fields = cases.get(case).cloned().unwrap_or_default();
                let fields: Vec<String> = fields.iter().map(|ty| self.leaf(ty, depth)).collect();
                let name = format!("E{index}.{}", case_name(*index, case));
                if fields.is_empty() { name } else { format!("{name}({})", fields.join(", ")) }
            }
            Ty::Id => format!("Id(\"i{}\")", self.random.below(5)),
            Ty::Function(param, result) => self.lambda(param, result, depth),
        }
    }

    /// A value of `Decimal`s, all written as whole numbers.
    pub fn whole_numbers(&mut self, ty: &Ty) -> String {
        match ty {
            Ty::List(item) => {
                let items: Vec<String> =
                    (0..=self.random.below(3)).map(|_| self.whole_numbers(item)).collect();
                format!("[{}]", items.join(", "))
            }
            Ty::Map(value) => format!("[\"k0\": {}]", self.whole_numbers(value)),
            Ty::Tuple(a, b) => format!("({}, {})", self.whole_numbers(a), self.whole_numbers(b)),
            _ => self.random.below(1_000).to_string(),
        }
    }

    /// An expression whose type nothing in it says, with a place that does.
    fn typed(&mut self, text: &str, ty: &Ty) -> String {
        let name = self.new_name("t");
        format!("{{\n    let {name}: {} = {text}\n    {name}\n  }}", ty.text())
    }

    fn lambda(&mut self, param: &Ty, result: &Ty, depth: usize) -> String {
        let name = self.new_name("x");
        let mark = self.scope.len();
        self.scope.push(Variable { name: name.clone(), ty: param.clone(), mutable: false });
        // What a lambda raises would have to be in the type of its place.
        let fails = std::mem::replace(&mut self.fails, false);
        let body = self.expr(result, depth);
        self.fails = fails;
        self.scope.truncate(mark);
        format!("(|{name}: {}| {body})", param.text())
    }

    fn choice(&mut self, ty: &Ty, depth: usize) -> String {
        let condition = self.expr(&Ty::Bool, depth - 1);
        let (then, otherwise) = (self.expr(ty, depth - 1), self.expr(ty, depth - 1));
        match self.random.below(3) {
            0 => format!("pick({condition}, {then}, {otherwise})"),
            _ => format!("(if ({condition}) {{ {then} }} else {{ {otherwise} }})"),
        }
    }

    fn matched(&mut self, ty: &Ty, depth: usize) -> String {
        if self.random.one_in(3) {
            return self.matched_option(ty, depth);
        }
        let index = self.random.below(self.declared.enums.len());
        let value = self.expr(&Ty::Enum(index), depth - 1);
        let cases = self.declared.enums.get(index).cloned().unwrap_or_default();
        let mut arms = Vec::new();
        for (case, fields) in cases.iter().enumerate() {
            let mark = self.scope.len();
            let mut names = Vec::new();
            for field in fields {
                let name = self.new_name("m");
                self.scope.push(Variable { name: name.clone(), ty: field.clone(), mutable: false });
                names.push(name);
            }
            let mut pattern = format!("E{index}.{}", case_name(index, case));
            if !names.is_empty() {
                pattern.push_str(&format!("({})", names.join(", ")));
            }
            if self.random.one_in(4) {
                let guard = self.expr(&Ty::Bool, 1);
                let body = self.expr(ty, depth - 1);
                arms.push(format!("    {pattern} if ({guard}) => {body}"));
            }
            let body = self.expr(ty, depth - 1);
            arms.push(format!("    {pattern} => {body}"));
            self.scope.truncate(mark);
        }
        format!("(match ({value}) {{\n{}\n  }})", arms.join("\n"))
    }

    fn matched_option(&mut self, ty: &Ty, depth: usize) -> String {
        let value = self.expr(&Ty::Option(Box::new(Ty::Int)), depth - 1);
        let name = self.new_name("o");
        self.scope.push(Variable { name: name.clone(), ty: Ty::Int, mutable: false });
        let some = self.expr(ty, depth - 1);
        self.scope.pop();
        let none = self.expr(ty, depth - 1);
        let number = self.random.below(10);
        let known = self.expr(ty, depth - 1);
        format!(
            "(match ({value}) {{\n    Some({number}) => {known}\n    Some({name}) => {some}\n    none => {none}\n  }})"
        )
    }

    /// A call of a function of the program that gives the type.
    fn called(&mut self, ty: &Ty, depth: usize) -> String {
        let fits: Vec<Callable> =
            self.functions.iter().filter(|known| known.result == *ty).cloned().collect();
        let Some(function) = self.random.pick(&fits).cloned() else { return self.own(ty, depth) };
        let args: Vec<String> = function.params.iter().map(|ty| self.expr(ty, depth - 1)).collect();
        let call = format!("{}({})", function.name, args.join(", "));
        if function.fails { self.handled(&call, ty, depth) } else { call }
    }

    /// A call that may fail with `Bad`, made safe where that must not go on.
    fn handled(&mut self, call: &str, ty: &Ty, depth: usize) -> String {
        if self.fails && self.random.one_in(2) {
            return call.to_string();
        }
        let (small, rest) = (self.expr(ty, depth - 1), self.expr(ty, depth - 1));
        match self.random.below(3) {
            0 => format!("({call} catch {{ Small(_) => {small}, Large => {rest} }})"),
            1 => format!("({call} catch {{ _ => {rest} }})"),
            _ => {
                let name = self.new_name("r");
                format!(
                    "(match try {call} {{\n    Ok({name}) => {name}\n    Err(Small(_)) => {small}\n    Err(Large) => {rest}\n  }})"
                )
            }
        }
    }

    fn through_closure(&mut self, ty: &Ty, depth: usize) -> String {
        match self.random.below(3) {
            0 => {
                let param = self.declared.data(self.random, 1);
                let value = self.expr(&param, depth - 1);
                let function = self.lambda(&param, ty, depth - 1);
                format!("apply({value}, {function})")
            }
            1 if !ty.is_function() => {
                let value = self.expr(ty, depth - 1);
                let function = self.lambda(ty, ty, depth - 1);
                format!("twice({value}, {function})")
            }
            _ => {
                let name = self.new_name("h");
                let param = self.declared.data(self.random, 0);
                let function = self.lambda(&param, ty, depth - 1);
                let value = self.expr(&param, depth - 1);
                format!("{{\n    let {name} = {function}\n    {name}({value})\n  }}")
            }
        }
    }

    /// A field of a record, a part of a tuple, an entry of a list or map.
    fn part(&mut self, ty: &Ty, depth: usize) -> String {
        let records: Vec<(usize, usize)> = self
            .declared
            .records
            .iter()
            .enumerate()
            .flat_map(|(record, fields)| {
                fields.iter().enumerate().filter(|(_, field)| *field == ty).map(move |(at, _)| (record, at))
            })
            .collect();
        match self.random.below(4) {
            0 if !records.is_empty() => {
                let (record, field) = self.random.pick(&records).copied().unwrap_or_default();
                let value = self.expr(&Ty::Record(record), depth - 1);
                format!("({value}).f{field}")
            }
            1 if !ty.is_function() && !matches!(ty, Ty::Option(_)) => {
                let map = self.expr(&Ty::Map(Box::new(ty.clone())), depth - 1);
                let otherwise = self.expr(ty, depth - 1);
                format!("(({map}).get(\"k{}\") ?? ({otherwise}))", self.random.below(3))
            }
            2 if !ty.is_function() => {
                let list = self.expr(&Ty::List(Box::new(ty.clone())), depth - 1);
                format!("({list})[{}]", self.random.below(2))
            }
            _ => {
                let other = self.declared.data(self.random, 0);
                let value = self.expr(&Ty::Tuple(Box::new(ty.clone()), Box::new(other)), depth - 1);
                let name = self.new_name("a");
                format!("{{\n    let ({name}, _) = {value}\n    {name}\n  }}")
            }
        }
    }

    /// What only this type has.
    fn own(&mut self, ty: &Ty, depth: usize) -> String {
        let depth = depth - 1;
        match ty {
            Ty::Int => self.int(depth),
            Ty::Bool => self.bool(depth),
            Ty::String => self.string(depth),
            Ty::Decimal => {
                let (a, b) = (self.expr(ty, depth), self.expr(ty, depth));
                format!("({a} {} {b})", self.random.word(&["+", "-", "*", "/"]))
            }
            Ty::Duration => {
                let (a, b) = (self.expr(ty, depth), self.expr(ty, depth));
                format!("({a} + {b})")
            }
            Ty::List(item) => self.list(item, depth),
            Ty::Map(value) => {
                let (map, value) = (self.expr(ty, depth), self.expr(value, depth));
                match self.random.below(2) {
                    0 => format!("({map}).insert(\"k{}\", {value})", self.random.below(4)),
                    _ => format!("({map}).remove(\"k{}\")", self.random.below(4)),
                }
            }
            Ty::Option(item) => match self.random.below(3) {
                0 => format!("Some({})", self.expr(item, depth)),
                1 => format!("({}).first()", self.expr(&Ty::List(item.clone()), depth)),
                _ => format!("({}).get(\"k1\")", self.expr(&Ty::Map(item.clone()), depth)),
            },
            Ty::Tuple(a, b) => format!("({}, {})", self.expr(a, depth), self.expr(b, depth)),
            Ty::Record(index) => {
                let fields = self.declared.records.get(*index).cloned().unwrap_or_default();
                let at = self.random.below(fields.len());
                let base = self.expr(ty, depth);
                let change = fields.get(at).map_or(String::new(), |ty| self.expr(ty, depth));
                format!("(({base}) with (f{at}: {change}))")
            }
            Ty::Function(param, result) if self.random.one_in(2) => {
                let first = self.lambda(param, param, depth);
                let second = self.lambda(param, result, depth);
                format!("compose({first}, {second})")
            }
            Ty::Function(param, result) => self.lambda(param, result, depth),
            Ty::Enum(_) | Ty::Id => self.leaf(ty, depth),
        }
    }

    fn int(&mut self, depth: usize) -> String {
        match self.random.below(12) {
            0..=3 => {
                let (a, b) = (self.expr(&Ty::Int, depth), self.expr(&Ty::Int, depth));
                format!("({a} {} {b})", self.random.word(&["+", "-", "*", "/", "%"]))
            }
            4 => format!("(-{})", self.expr(&Ty::Int, depth)),
            5 => {
                let item = self.declared.data(self.random, 1);
                format!("({}).len()", self.expr(&Ty::List(Box::new(item)), depth))
            }
            6 => format!("({}).len()", self.expr(&Ty::String, depth)),
            7 => {
                let list = self.expr(&Ty::List(Box::new(Ty::Int)), depth);
                let (sum, item) = (self.new_name("s"), self.new_name("i"));
                format!("({list}).fold({}, |{sum}, {item}| {sum} + {item})", self.random.below(9))
            }
            8 => {
                let call = format!("step({})", self.expr(&Ty::Int, depth));
                self.handled(&call, &Ty::Int, depth.max(1))
            }
            9 => {
                let call = format!("checked({})", self.expr(&Ty::Int, depth));
                self.handled(&call, &Ty::Int, depth.max(1))
            }
            10 => format!("(({}).to_int() ?? {})", self.expr(&Ty::String, depth), self.random.below(9)),
            _ => format!("TABLE[{}]", self.random.below(4)),
        }
    }

    fn bool(&mut self, depth: usize) -> String {
        match self.random.below(7) {
            0 => {
                let ty = self.declared.data(self.random, 1);
                let (a, b) = (self.expr(&ty, depth), self.expr(&ty, depth));
                format!("({a} {} {b})", self.random.word(&["==", "!="]))
            }
            1 | 2 => {
                let ty = match self.random.below(3) {
                    0 => Ty::Int,
                    1 => Ty::Decimal,
                    _ => Ty::Duration,
                };
                let (a, b) = (self.expr(&ty, depth), self.expr(&ty, depth));
                format!("({a} {} {b})", self.random.word(&["<", "<=", ">", ">="]))
            }
            3 => {
                let (a, b) = (self.expr(&Ty::Bool, depth), self.expr(&Ty::Bool, depth));
                format!("({a} {} {b})", self.random.word(&["and", "or"]))
            }
            4 => format!("(not {})", self.expr(&Ty::Bool, depth)),
            5 => format!("({} is Some(_))", self.expr(&Ty::Option(Box::new(Ty::Int)), depth)),
            _ => format!("({}).contains({})", self.expr(&Ty::String, depth), self.expr(&Ty::String, depth)),
        }
    }

    fn string(&mut self, depth: usize) -> String {
        match self.random.below(5) {
            0 | 1 => {
                let ty = self.declared.data(self.random, 1);
                let shown = self.expr(&ty, depth);
                // A string within the interpolation is written on the same line.
                let name = self.new_name("v");
                format!("{{\n    let {name} = {shown}\n    \"<{{{name}}}>\"\n  }}")
            }
            2 => format!(
                "({}).{}()",
                self.expr(&Ty::String, depth),
                self.random.word(&["trim", "to_upper", "to_lower"])
            ),
            3 => format!("name({})", self.expr(&Ty::Int, depth)),
            _ => format!(
                "({}).join({})",
                self.expr(&Ty::List(Box::new(Ty::String)), depth),
                self.expr(&Ty::String, depth)
            ),
        }
    }

    fn list(&mut self, item: &Ty, depth: usize) -> String {
        let list = Ty::List(Box::new(item.clone()));
        match self.random.below(6) {
            0 => {
                let from = self.declared.data(self.random, 0);
                let items = self.expr(&Ty::List(Box::new(from.clone())), depth);
                format!("({items}).map({})", self.lambda(&from, item, depth))
            }
            1 => format!("({}).filter({})", self.expr(&list, depth), self.lambda(item, &Ty::Bool, depth)),
            2 => format!("({}).concat({})", self.expr(&list, depth), self.expr(&list, depth)),
            3 => format!("({}).reverse()", self.expr(&list, depth)),
            4 if *item == Ty::Int => format!("several({})", self.expr(&Ty::Int, depth)),
            _ => {
                let count = self.random.between(1, 4);
                let items: Vec<String> = (0..count).map(|_| self.expr(item, depth)).collect();
                format!("[{}]", items.join(", "))
            }
        }
    }
}
