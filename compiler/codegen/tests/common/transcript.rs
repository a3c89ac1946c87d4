//! All that can be seen of a run, as text, so that two executors can be compared.

use flow_mir::strand::{Stop, Strand};
use flow_mir::{Executor, FunctionId, Heap, Host, HostOp, Limits, Program, TypeId, value};

/// A host that answers the time and notes what is asked.
#[derive(Default)]
pub struct Recorder {
    pub lines: Vec<String>,
    time: u64,
}

impl Host for Recorder {
    fn call(&mut self, op: &HostOp, args: &[u64], heap: &mut Heap) -> Result<u64, u64> {
        match op {
            HostOp::Now => {
                self.time += 7;
                Ok(self.time)
            }
            HostOp::Log => {
                let text = args.first().map_or("", |text| heap.str_at(*text)).to_owned();
                // Every third line is refused.
                if self.lines.len() % 3 == 2 {
                    return Err(heap.make_trap(flow_mir::TrapKind::InvalidValue, "no more lines"));
                }
                self.lines.push(format!("log {text}"));
                Ok(0)
            }
            other => Err(heap.make_trap(flow_mir::TrapKind::Internal, &format!("{other:?}"))),
        }
    }
}

/// An error with its trace.
pub fn error(program: &Program, heap: &Heap, error: u64) -> String {
    let shown = value::show(program, heap, program.known.error, error);
    format!("{shown} {:?} trace {:?}", heap.trap_parts(error), heap.error_trace(error))
}

/// Runs a function of two arguments, an int and a list of ints, to its end and says everything that could be seen. The
/// executors take turns: at each suspension the next one goes on, from the encoded bytes.
pub fn run(executors: &[&dyn Executor], function: FunctionId, number: i64, outcomes: &[u8]) -> Vec<String> {
    let mut turns = executors.iter().cycle();
    let first = executors[0];
    let program = first.program();
    let mut heap = Heap::new(program.known, Limits::default());
    let list = heap.make_list(&[4, 5, 6]).unwrap();
    let mut strand = Strand::new(heap, function, vec![number as u64, list]);
    let (_, hash) = program.encode().unwrap();
    let mut host = Recorder::default();
    let mut outcome = Ok(0);
    for turn in 0.. {
        let executor = turns.next().unwrap();
        let program = executor.program();
        let suspended = match strand.run(*executor, &mut host, outcome) {
            Stop::Returned(result) => {
                let ty = program.functions[function].returns;
                host.lines.push(format!("returned {}", value::show(program, strand.heap(), ty, result)));
                break;
            }
            Stop::Raised(raised) => {
                host.lines.push(format!("raised {}", error(program, strand.heap(), raised)));
                break;
            }
            Stop::Suspended(suspended) => suspended,
        };
        let body = &program.functions[suspended.function];
        let types = suspended.op.operands().into_iter().map(|local| body.locals[local].ty);
        let show = |(ty, word): (TypeId, u64)| value::show(program, strand.heap(), ty, word);
        let operands: Vec<_> = types.zip(suspended.operands.iter().copied()).map(show).collect();
        let frame = strand.frames().last().unwrap();
        let live = body.live(frame.suspension).unwrap();
        let types = live.iter().map(|local| body.locals[*local].ty);
        let slots: Vec<_> = types.zip(frame.slots.iter().copied()).map(show).collect();
        host.lines.push(format!("suspended at {}: {operands:?} {slots:?}", suspended.suspension));
        let result = suspended.result;

        if executors.len() > 1 {
            let bytes = strand.encode(program, hash).unwrap();
            strand = Strand::decode(program, hash, &bytes, Limits::default()).unwrap();
        }
        let choice = outcomes.get(turn).copied().unwrap_or(1);
        let heap = strand.heap_mut();
        outcome = match program.types[result] {
            _ if choice % 4 == 0 => Err(heap.make_trap(flow_mir::TrapKind::InvalidValue, "refused")),
            flow_mir::Type::List(_) => Ok(heap.make_list(&[u64::from(choice); 2]).unwrap()),
            flow_mir::Type::Int => Ok(u64::from(choice)),
            _ => Ok(0),
        };
    }
    host.lines
}
