//! Functions made of random choices: well typed, and always ending, whatever the choices are.

use super::{FunctionMaker, empty_program};
use flow_mir::{
    BinaryOp, BlockId, Case, Constant, Field, FunctionId, Handler, HostOp, Intrinsic, LocalId, Op, Program,
    SuspendOp, SuspensionId, Terminator, Type, TypeId, UnaryOp,
};

/// Four choices: what to do, and with which locals or values.
pub type Choice = [u8; 4];

/// The choices for one block.
#[derive(Clone, Debug)]
pub struct BlockPlan {
    pub steps: Vec<Choice>,
    pub end: Choice,
    /// Whether the block has a handler.
    pub handled: bool,
}

/// The choices for a program: a closure's body, an inner function, and the one that is run.
#[derive(Clone, Debug)]
pub struct Plan {
    pub functions: [Vec<BlockPlan>; 3],
}

/// How many blocks a call may run.
const FUEL: u64 = 24;

/// Types that generated functions have locals of.
#[derive(Clone, Copy)]
struct Kinds {
    list: TypeId,
    option: TypeId,
    nested: TypeId,
    list_option: TypeId,
    record: TypeId,
    choice: TypeId,
    failure: TypeId,
    closure: TypeId,
    /// All that a function returns.
    result: TypeId,
}

fn kinds(program: &mut Program) -> Kinds {
    let known = program.known;
    let types = &mut program.types;
    let list = types.intern(Type::List(known.int));
    let option = types.intern(Type::Option(known.int));
    let nested = types.intern(Type::Option(option));
    let list_option = types.intern(Type::Option(list));
    let field = |name: &str, ty| Field { name: name.into(), ty, default: None };
    let record = types.push(Type::Record {
        name: "Record".into(),
        fields: vec![field("number", known.int), field("maybe", option), field("items", list)],
    });
    let case = |name: &str, fields| Case { name: name.into(), fields };
    let choice = types.push(Type::Enum {
        name: "Choice".into(),
        cases: vec![case("None", vec![]), case("One", vec![field("0", known.int)])],
        error: false,
    });
    let failure = types.push(Type::Enum {
        name: "Failure".into(),
        cases: vec![case("Failure", vec![field("code", known.int)])],
        error: true,
    });
    let result = types.intern(Type::Tuple(vec![
        known.int,
        known.int,
        known.float,
        known.bool,
        known.string,
        list,
        option,
        nested,
        list_option,
        record,
        choice,
    ]));
    let closure = types.intern(Type::Function { params: vec![known.int], returns: result, suspends: false });
    Kinds { list, option, nested, list_option, record, choice, failure, closure, result }
}

/// The program of a plan, and the function to run: `(Int, List<Int>) -> result`, which suspends.
pub fn generate(plan: &Plan) -> (Program, FunctionId) {
    let mut program = empty_program();
    program.constants.push(Constant::String("constant".into()));
    let kinds = kinds(&mut program);
    let [closure, inner, outer] = &plan.functions;
    let names = ["closure", "inner", "outer"];
    let mut last = FunctionId(0);
    for (index, (blocks, name)) in [closure, inner, outer].into_iter().zip(names).enumerate() {
        let int = program.known.int;
        let params = if index == 0 { [kinds.closure, int] } else { [int, kinds.list] };
        let mut maker = FunctionMaker::new(name, &params, kinds.result, index == 2);
        if index == 0 {
            maker.function.captures = vec![int];
        }
        let locals = Locals::new(&mut maker, &program, kinds);
        let mut generator =
            Generator { maker, locals, kinds, index, blocks: blocks.len() as u32, program: &program };
        generator.function(blocks);
        let mut maker = generator.maker;
        flow_mir::liveness::complete(&mut maker.function, &program.types);
        last = maker.finish(&mut program);
    }
    (program, last)
}

/// The locals of a generated function, by type.
struct Locals {
    ints: Vec<LocalId>,
    floats: Vec<LocalId>,
    bools: Vec<LocalId>,
    lists: Vec<LocalId>,
    options: Vec<LocalId>,
    nested: Vec<LocalId>,
    list_option: LocalId,
    records: Vec<LocalId>,
    choices: Vec<LocalId>,
    string: LocalId,
    failure: LocalId,
    error: LocalId,
    closure: LocalId,
    result: LocalId,
    unit: LocalId,
    fuel: LocalId,
}

impl Locals {
    fn new(maker: &mut FunctionMaker, program: &Program, kinds: Kinds) -> Self {
        let known = program.known;
        let mut many = |ty| -> Vec<LocalId> { (0..2).map(|_| maker.local(ty)).collect() };
        let (mut ints, floats, bools) = (many(known.int), many(known.float), many(known.bool));
        let (lists, options, nested) = (many(kinds.list), many(kinds.option), many(kinds.nested));
        let (records, choices) = (many(kinds.record), many(kinds.choice));
        ints.push(maker.local(known.int));
        Locals {
            ints,
            floats,
            bools,
            lists,
            options,
            nested,
            records,
            choices,
            list_option: maker.local(kinds.list_option),
            string: maker.local(known.string),
            failure: maker.local(kinds.failure),
            error: maker.local(known.error),
            closure: maker.local(kinds.closure),
            result: maker.local(kinds.result),
            unit: maker.local(known.unit),
            fuel: maker.local(known.int),
        }
    }

    /// The result's parts, in the order of its type.
    fn parts(&self) -> Vec<LocalId> {
        let l = self;
        vec![
            l.ints[0],
            l.ints[1],
            l.floats[0],
            l.bools[0],
            l.string,
            l.lists[0],
            l.options[0],
            l.nested[0],
            l.list_option,
            l.records[0],
            l.choices[0],
        ]
    }
}

struct Generator<'a> {
    maker: FunctionMaker,
    locals: Locals,
    kinds: Kinds,
    index: usize,
    blocks: u32,
    program: &'a Program,
}

fn pick(from: &[LocalId], choice: u8) -> LocalId {
    from[usize::from(choice) % from.len()]
}

const WORDS: [i64; 10] = [0, 1, -1, 2, 3, 7, 100, i64::MAX, i64::MIN, -3];
const FLOATS: [f64; 6] = [0.0, -0.0, 1.5, -2.25, 1e300, f64::MIN_POSITIVE];

impl Generator<'_> {
    /// Block 0 sets all locals; block `2i + 1` checks the fuel of the plan's `i`-th block, which is `2i + 2`; then come
    /// the block that returns, the handler, and blocks that ends need.
    fn function(&mut self, plan: &[BlockPlan]) {
        let start = self.start();
        self.maker.block(start, Terminator::Goto(BlockId(1)), None);
        let exit = BlockId(2 * self.blocks + 1);
        let mut extra = Vec::new();
        for (index, block) in plan.iter().enumerate() {
            let one = self.locals.unit;
            let (fuel, out) = (self.locals.fuel, self.locals.bools[1]);
            let check = vec![
                Op::Word { dst: one, word: 1 },
                Op::Binary { dst: fuel, op: BinaryOp::IntSubtract, left: fuel, right: one },
                Op::Word { dst: one, word: 0 },
                Op::Binary { dst: out, op: BinaryOp::IntLess, left: fuel, right: one },
            ];
            let body = BlockId(2 * index as u32 + 2);
            self.maker.block(check, Terminator::Branch { condition: out, then: exit, otherwise: body }, None);
            let ops = block.steps.iter().flat_map(|step| self.step(*step)).collect();
            let handler = Handler { block: BlockId(exit.0 + 1), error: self.locals.error };
            let end = self.end(block.end, exit, &mut extra);
            self.maker.block(ops, end, block.handled.then_some(handler));
        }
        let result = self.locals.result;
        let parts = Op::MakeTuple { dst: result, fields: self.locals.parts() };
        self.maker.block(vec![parts], Terminator::Return(result), None);
        // Half of the functions go on after an error, the others pass it on.
        let passed = Terminator::Raise(self.locals.error);
        let end = if self.blocks.is_multiple_of(2) { passed } else { Terminator::Goto(BlockId(1)) };
        self.maker.block(self.handle(), end, None);
        for (ops, terminator) in extra {
            self.maker.block(ops, terminator, None);
        }
    }

    /// Sets every local, so that each use is of a value of its type.
    fn start(&self) -> Vec<Op> {
        let l = &self.locals;
        let mut ops = vec![Op::Word { dst: l.fuel, word: FUEL }];
        let argument = LocalId(u32::from(self.index == 0));
        ops.extend(l.ints.iter().map(|dst| Op::Copy { dst: *dst, src: argument }));
        ops.push(Op::Word { dst: l.ints[2], word: i64::MAX as u64 - 2 });
        ops.extend(l.floats.iter().map(|dst| Op::Word { dst: *dst, word: 2.5f64.to_bits() }));
        ops.extend(l.bools.iter().map(|dst| Op::Word { dst: *dst, word: 1 }));
        ops.extend(l.options.iter().chain(&l.nested).map(|dst| Op::Word { dst: *dst, word: 0 }));
        ops.push(Op::Word { dst: l.list_option, word: 0 });
        ops.extend(l.lists.iter().map(|dst| match self.index {
            0 => Op::MakeList { dst: *dst, items: vec![argument] },
            _ => Op::Copy { dst: *dst, src: LocalId(1) },
        }));
        let fields = vec![l.ints[0], l.options[0], l.lists[0]];
        ops.extend(l.records.iter().map(|dst| Op::MakeTuple { dst: *dst, fields: fields.clone() }));
        ops.extend(l.choices.iter().map(|dst| Op::MakeCase { dst: *dst, case: 0, fields: vec![] }));
        ops.push(Op::Constant { dst: l.string, constant: flow_mir::ConstantId(0) });
        ops.push(Op::MakeCase { dst: l.failure, case: 0, fields: vec![l.ints[0]] });
        ops.push(Op::MakeError { dst: l.error, value: l.failure });
        match self.index {
            0 => ops.push(Op::Capture { dst: l.ints[1], environment: LocalId(0), index: 0 }),
            _ => ops.push(self.make_closure(l.ints[0])),
        }
        ops
    }

    fn make_closure(&self, capture: LocalId) -> Op {
        Op::MakeClosure { dst: self.locals.closure, function: FunctionId(0), captures: vec![capture] }
    }

    /// What a handler does: notes what it got, in the trace and in locals.
    fn handle(&self) -> Vec<Op> {
        let l = &self.locals;
        let ty = self.kinds.failure;
        vec![
            Op::Trace { error: l.error, values: vec![l.ints[0], l.string] },
            Op::ErrorIs { dst: l.bools[0], error: l.error, ty },
            Op::Intrinsic {
                dst: l.string,
                intrinsic: Intrinsic::Show,
                types: vec![self.program.known.error],
                args: vec![l.error],
            },
        ]
    }

    fn step(&self, choice: Choice) -> Vec<Op> {
        let [_, a, b, c] = choice;
        let l = &self.locals;
        let (int, float) = (pick(&l.ints, a), pick(&l.floats, a));
        match choice[0] % 12 {
            0 => vec![Op::Word { dst: int, word: WORDS[usize::from(b) % WORDS.len()] as u64 }],
            1 => vec![self.int_binary(choice)],
            2 => vec![self.float_binary(choice)],
            3 => vec![Op::Word { dst: float, word: FLOATS[usize::from(b) % FLOATS.len()].to_bits() }],
            4 => vec![match b % 3 {
                0 => Op::Unary { dst: int, op: UnaryOp::IntNegate, operand: pick(&l.ints, c) },
                1 => Op::Unary { dst: float, op: UnaryOp::FloatNegate, operand: pick(&l.floats, c) },
                _ => Op::Unary { dst: l.bools[0], op: UnaryOp::Not, operand: pick(&l.bools, c) },
            }],
            5 | 6 => self.list(choice),
            7 => self.option(choice),
            8 => self.object(choice),
            9 => vec![self.equal(choice)],
            10 => self.call(choice),
            _ => vec![match a % 3 {
                0 => Op::Host { dst: l.unit, op: HostOp::Log, args: vec![l.string] },
                1 => Op::Host { dst: int, op: HostOp::Now, args: vec![] },
                _ => Op::Constant { dst: l.string, constant: flow_mir::ConstantId(0) },
            }],
        }
    }

    fn int_binary(&self, [_, a, b, c]: Choice) -> Op {
        use BinaryOp::*;
        let operators = [
            IntAdd,
            IntSubtract,
            IntMultiply,
            IntDivide,
            IntRemainder,
            IntCount,
            IntEqual,
            IntNotEqual,
            IntLess,
            IntLessEqual,
            IntGreater,
            IntGreaterEqual,
        ];
        let op = operators[usize::from(a) % operators.len()];
        let l = &self.locals;
        let dst = if op.can_trap() || op == IntCount { pick(&l.ints, a / 16) } else { l.bools[0] };
        Op::Binary { dst, op, left: pick(&l.ints, b), right: pick(&l.ints, c) }
    }

    fn float_binary(&self, [_, a, b, c]: Choice) -> Op {
        use BinaryOp::*;
        let operators = [
            FloatAdd,
            FloatSubtract,
            FloatMultiply,
            FloatDivide,
            FloatRemainder,
            FloatEqual,
            FloatNotEqual,
            FloatLess,
            FloatLessEqual,
            FloatGreater,
            FloatGreaterEqual,
        ];
        let op = operators[usize::from(a) % operators.len()];
        let l = &self.locals;
        let dst = if op.can_trap() { pick(&l.floats, a / 16) } else { l.bools[0] };
        Op::Binary { dst, op, left: pick(&l.floats, b), right: pick(&l.floats, c) }
    }

    fn list(&self, [_, a, b, c]: Choice) -> Vec<Op> {
        let l = &self.locals;
        let (list, int) = (pick(&l.lists, b), pick(&l.ints, c));
        let get = Op::ListGet { dst: pick(&l.ints, a / 8), list, index: int };
        match a % 8 {
            0 => vec![Op::MakeList { dst: list, items: l.ints[..usize::from(c) % 4].to_vec() }],
            1 => vec![Op::ListLen { dst: int, list }],
            2 | 3 => vec![Op::Intrinsic {
                dst: pick(&l.lists, a / 8),
                intrinsic: Intrinsic::ListPush,
                types: vec![self.program.known.int],
                args: vec![list, int],
            }],
            // Seldom just any index, which is mostly out of range.
            4 => vec![get],
            _ => vec![Op::Word { dst: int, word: u64::from(c) % 4 }, get],
        }
    }

    fn option(&self, [_, a, b, c]: Choice) -> Vec<Op> {
        let l = &self.locals;
        let (option, nested, int) = (pick(&l.options, b), pick(&l.nested, b), pick(&l.ints, c));
        match a % 5 {
            0 => vec![Op::MakeSome { dst: option, value: int }],
            1 => vec![
                Op::MakeSome { dst: nested, value: option },
                Op::Unwrap { dst: pick(&l.options, c), option: nested },
            ],
            2 => vec![Op::IsSome { dst: l.bools[0], option: nested }],
            3 => vec![
                Op::MakeSome { dst: l.list_option, value: pick(&l.lists, b) },
                Op::Unwrap { dst: pick(&l.lists, c), option: l.list_option },
            ],
            _ => vec![Op::IsSome { dst: l.bools[0], option }, Op::Word { dst: option, word: 0 }],
        }
    }

    fn object(&self, [_, a, b, c]: Choice) -> Vec<Op> {
        let l = &self.locals;
        let (record, choice, int) = (pick(&l.records, b), pick(&l.choices, b), pick(&l.ints, c));
        let (option, list) = (pick(&l.options, c), pick(&l.lists, c));
        match a % 7 {
            0 => vec![Op::MakeTuple { dst: record, fields: vec![int, option, list] }],
            1 => vec![Op::Field { dst: int, base: record, index: 0 }],
            2 => vec![Op::Field { dst: option, base: record, index: 1 }],
            3 => vec![Op::With { dst: pick(&l.records, c), base: record, fields: vec![(2, list), (0, int)] }],
            4 => vec![Op::MakeCase { dst: choice, case: 0, fields: vec![] }],
            5 => vec![
                Op::MakeCase { dst: choice, case: 1, fields: vec![int] },
                Op::CaseField { dst: pick(&l.ints, a / 8), base: choice, case: 1, index: 0 },
            ],
            _ => vec![Op::CaseOf { dst: int, base: choice }],
        }
    }

    fn equal(&self, [_, a, b, c]: Choice) -> Op {
        let l = &self.locals;
        let all: [&[LocalId]; 8] =
            [&l.ints, &l.floats, &l.bools, &l.lists, &l.options, &l.nested, &l.records, &l.choices];
        let kind = all[usize::from(a) % all.len()];
        Op::Equal { dst: l.bools[0], left: pick(kind, b), right: pick(kind, c) }
    }

    /// Calls of functions made before, so that calls end.
    fn call(&self, [_, a, b, c]: Choice) -> Vec<Op> {
        let l = &self.locals;
        let (int, list) = (pick(&l.ints, b), pick(&l.lists, c));
        let call = match (self.index, a % 3) {
            (0, _) => return Vec::new(),
            (_, 0) => return vec![self.make_closure(int)],
            (2, 1) => Op::Call { dst: l.result, function: FunctionId(1), args: vec![int, list] },
            _ => Op::CallClosure { dst: l.result, closure: l.closure, args: vec![int] },
        };
        let part = u32::from(b) % 11;
        vec![call, Op::Field { dst: l.parts()[part as usize], base: l.result, index: part }]
    }

    fn end(&self, choice: Choice, exit: BlockId, extra: &mut Vec<(Vec<Op>, Terminator)>) -> Terminator {
        let [kind, a, b, c] = choice;
        let l = &self.locals;
        let block = |choice: u8| BlockId(2 * (u32::from(choice) % self.blocks) + 1);
        let mut another = |ops, terminator| {
            extra.push((ops, terminator));
            BlockId(exit.0 + 1 + extra.len() as u32)
        };
        let suspension = SuspensionId::START;
        match (kind % 10, self.index) {
            (0 | 1, _) => Terminator::Goto(block(a)),
            (2, _) => {
                Terminator::Branch { condition: pick(&l.bools, a), then: block(b), otherwise: block(c) }
            }
            (3, _) => Terminator::Switch {
                value: pick(&l.ints, a),
                targets: vec![block(b), exit, block(c)],
                otherwise: block(a),
            },
            (4, _) => {
                let unwrap = Op::Unwrap { dst: pick(&l.ints, c), option: l.options[0] };
                let then = another(vec![unwrap], Terminator::Goto(block(b)));
                let is_some = Op::IsSome { dst: l.bools[0], option: l.options[0] };
                let branch = Terminator::Branch { condition: l.bools[0], then, otherwise: block(c) };
                Terminator::Goto(another(vec![is_some], branch))
            }
            (5, _) => Terminator::Raise(l.error),
            (6, _) => Terminator::Safepoint { next: block(a), suspension },
            (7 | 8, 2) => {
                let (op, dst) = match a % 3 {
                    0 => (
                        SuspendOp::Connector { name: "ask".into(), args: vec![pick(&l.ints, c), l.string] },
                        l.ints[2],
                    ),
                    1 => (SuspendOp::Connector { name: "list".into(), args: vec![l.records[1]] }, l.lists[0]),
                    _ => (SuspendOp::Sleep { duration: pick(&l.ints, c) }, l.unit),
                };
                Terminator::Suspend { dst, op, next: block(b), suspension }
            }
            _ => Terminator::Goto(exit),
        }
    }
}
