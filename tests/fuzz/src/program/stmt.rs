//! Statements.

use super::types::Ty;
use super::{Maker, Variable};

impl Maker<'_> {
    /// A statement; `durable` ones only where strands may be started.
    pub fn stmt(&mut self, indent: usize, durable: bool) -> String {
        let pad = "  ".repeat(indent);
        match self.random.below(if durable { 13 } else { 9 }) {
            0..=1 => self.let_stmt(&pad),
            2 => self.open_literal(&pad),
            3 => self.var_and_loop(&pad),
            4 => self.assignment(&pad),
            5 => self.while_loop(&pad),
            6 => self.early_end(&pad),
            7 => self.collected(&pad),
            8 => self.late(&pad),
            9 => self.saga(&pad),
            10 => self.parallel(&pad),
            11 => self.parallel_for(&pad),
            _ => format!("{pad}sleep {}ms\n", self.random.below(5_000)),
        }
    }

    fn let_stmt(&mut self, pad: &str) -> String {
        let ty = self.declared.any(self.random, 2);
        let value = self.expr(&ty, 3);
        let name = self.new_name("v");
        let written = ty.text();
        self.scope.push(Variable { name: name.clone(), ty, mutable: false });
        format!("{pad}let {name}: {written} = {value}\n")
    }

    /// Numbers of which a later statement says that they are decimals.
    fn open_literal(&mut self, pad: &str) -> String {
        let ty = Ty::decimals(self.random, 2);
        let (first, second) = (self.whole_numbers(&ty), self.whole_numbers(&ty));
        let condition = self.expr(&Ty::Bool, 1);
        let (open, known) = (self.new_name("n"), self.new_name("d"));
        let written = ty.text();
        for name in [&open, &known] {
            self.scope.push(Variable { name: name.clone(), ty: ty.clone(), mutable: false });
        }
        format!(
            "{pad}let {open} = if ({condition}) {{ {first} }} else {{ {second} }}\n{pad}let {known}: {written} = {open}\n"
        )
    }

    /// A variable that begins as a whole number, and is a decimal by what is added to it.
    fn late(&mut self, pad: &str) -> String {
        let name = self.new_name("l");
        let (first, added) = (self.random.below(100), self.expr(&Ty::Decimal, 2));
        self.scope.push(Variable { name: name.clone(), ty: Ty::Decimal, mutable: true });
        format!("{pad}var {name} = {first}\n{pad}{name} += {added}\n")
    }

    fn var_and_loop(&mut self, pad: &str) -> String {
        let (name, item) = (self.new_name("w"), self.new_name("e"));
        let items = self.expr(&Ty::List(Box::new(Ty::Int)), 2);
        let mark = self.scope.len();
        self.scope.push(Variable { name: item.clone(), ty: Ty::Int, mutable: false });
        let added = self.expr(&Ty::Int, 2);
        let condition = self.expr(&Ty::Bool, 1);
        self.scope.truncate(mark);
        let jump = self.random.word(&["continue", "break"]);
        let text = format!(
            "{pad}var {name} = 0\n{pad}for {item} in {items} {{\n{pad}  if ({condition}) {{ {jump} }}\n{pad}  {name} += {added}\n{pad}}}\n"
        );
        self.scope.push(Variable { name, ty: Ty::Int, mutable: true });
        text
    }

    fn assignment(&mut self, pad: &str) -> String {
        let targets: Vec<Variable> = self.scope.iter().filter(|variable| variable.mutable).cloned().collect();
        let Some(target) = self.random.pick(&targets).cloned() else { return self.let_stmt(pad) };
        let value = self.expr(&target.ty, 3);
        format!("{pad}{} = {value}\n", target.name)
    }

    fn while_loop(&mut self, pad: &str) -> String {
        let (counter, kept) = (self.new_name("c"), self.new_name("k"));
        let ty = self.declared.data(self.random, 1);
        let first = self.expr(&ty, 2);
        let mark = self.scope.len();
        self.scope.push(Variable { name: kept.clone(), ty: ty.clone(), mutable: false });
        self.scope.push(Variable { name: counter.clone(), ty: Ty::Int, mutable: false });
        let next = self.expr(&ty, 2);
        self.scope.truncate(mark);
        let text = format!(
            "{pad}var {counter} = {}\n{pad}var {kept}: {} = {first}\n{pad}while {counter} > 0 {{\n{pad}  {counter} -= 1\n{pad}  {kept} = {next}\n{pad}}}\n",
            self.random.below(5),
            ty.text()
        );
        self.scope.push(Variable { name: kept, ty, mutable: true });
        text
    }

    fn early_end(&mut self, pad: &str) -> String {
        let condition = self.expr(&Ty::Bool, 2);
        if self.fails {
            let number = self.expr(&Ty::Int, 1);
            let error = if self.random.one_in(2) { "Large".to_string() } else { format!("Small({number})") };
            return format!("{pad}if ({condition}) {{ fail {error} }}\n");
        }
        let number = self.expr(&Ty::Int, 1);
        let name = self.new_name("v");
        self.scope.push(Variable { name: name.clone(), ty: Ty::Int, mutable: false });
        format!("{pad}let {name} = if ({condition}) {{ {number} }} else {{ 0 }}\n")
    }

    fn collected(&mut self, pad: &str) -> String {
        let item = self.declared.data(self.random, 1);
        let (name, index) = (self.new_name("l"), self.new_name("i"));
        let mark = self.scope.len();
        self.scope.push(Variable { name: index.clone(), ty: Ty::Int, mutable: false });
        let pushed = self.expr(&item, 2);
        self.scope.truncate(mark);
        let ty = Ty::List(Box::new(item));
        let text = format!(
            "{pad}var {name}: {} = []\n{pad}for {index} in 0..{} {{ {name}.push({pushed}) }}\n",
            ty.text(),
            self.random.below(5)
        );
        self.scope.push(Variable { name, ty, mutable: true });
        text
    }

    fn saga(&mut self, pad: &str) -> String {
        let (name, booked) = (self.new_name("v"), self.new_name("b"));
        let (first, undone, rest) = (self.expr(&Ty::Int, 1), self.expr(&Ty::Int, 1), self.expr(&Ty::Int, 2));
        let step = self.expr(&Ty::Int, 1);
        let text = format!(
            "{pad}let {name} = saga {{\n{pad}  let {booked} = step({step}) compensate undo({undone})\n{pad}  name({first}) compensate undo({booked})\n{pad}  {booked} + ({rest})\n{pad}}} catch {{ Small(_) => 1, Large => 2 }}\n"
        );
        self.scope.push(Variable { name, ty: Ty::Int, mutable: false });
        text
    }

    fn parallel(&mut self, pad: &str) -> String {
        let (left, right) = (self.new_name("v"), self.new_name("v"));
        let (a, b) = (self.declared.data(self.random, 1), self.declared.data(self.random, 1));
        let (first, second) = (self.expr(&a, 3), self.expr(&b, 3));
        self.scope.push(Variable { name: left.clone(), ty: a, mutable: false });
        self.scope.push(Variable { name: right.clone(), ty: b, mutable: false });
        format!("{pad}let ({left}, {right}) = parallel {{\n{pad}  {first}\n{pad}  {second}\n{pad}}}\n")
    }

    fn parallel_for(&mut self, pad: &str) -> String {
        let (name, item) = (self.new_name("v"), self.new_name("e"));
        let ty = self.declared.data(self.random, 1);
        let items = self.expr(&Ty::List(Box::new(Ty::Int)), 2);
        self.scope.push(Variable { name: item.clone(), ty: Ty::Int, mutable: false });
        let body = self.expr(&ty, 2);
        self.scope.pop();
        let max = self.random.between(1, 4);
        let text = format!("{pad}let {name} = parallel for {item} in {items} max {max} {{ {body} }}\n");
        self.scope.push(Variable { name, ty: Ty::List(Box::new(ty)), mutable: false });
        text
    }
}
