//! What a `parallel for` gives its branches: to each its item, to all what they capture. That is stored once, with the strand that
//! forked, and lent to a branch while it runs.

use crate::ids::StrandPath;
use crate::instance::{Context, Instance, LiveStrand};
use crate::meta::{Fork, ForkKind, Role};
use crate::values;
use flow_mir::{FunctionId, Heap, Lent, TypeId};

/// The operands of an open `parallel for`, in memory.
#[derive(Debug)]
pub(crate) struct Operands {
    /// The list, in the heap of what is lent.
    items: u64,
    /// What the branches capture.
    pub lent: Lent,
}

impl Operands {
    /// The words are the list and the captured values.
    pub fn new(heap: Heap, words: &[u64]) -> Option<Operands> {
        let (items, captures) = words.split_first()?;
        Some(Operands { items: *items, lent: Lent::new(heap, captures.to_vec()) })
    }

    /// From the image that is stored with the fork.
    fn load(
        context: Context<'_>,
        function: FunctionId,
        list_type: TypeId,
        image: &[u8],
    ) -> Result<Operands, String> {
        let program = context.program;
        let code = &program.functions.at(function);
        let captures = code.params().map(|param| code.locals.at(param).ty);
        let captures = captures.take(code.param_count.saturating_sub(1) as usize);
        let types: Vec<TypeId> = std::iter::once(list_type).chain(captures).collect();
        let mut heap = values::resting_heap(program);
        let words = values::absorb(program, &types, image, &mut heap)?;
        Operands::new(heap, &words).ok_or_else(|| "the items are gone".into())
    }

    /// The item of a branch, in the heap of what is lent.
    pub fn item(&self, index: u32) -> Option<u64> {
        self.lent.heap().list_get(self.items, i64::from(index))
    }
}

impl Instance {
    /// Brings back what the open `parallel for`s give their branches, and looks whether nothing else lacks anything.
    pub(crate) fn load_operands(&mut self, context: Context<'_>) -> Result<(), String> {
        let forked: Vec<StrandPath> = self.branches.keys().cloned().collect();
        for path in forked {
            let loaded = self.load_operands_of(context, &path);
            loaded.map_err(|reason| format!("the branches of strand {path}: {reason}"))?;
        }
        let stray = |strand: &LiveStrand| strand.lacks() > 0 && self.lender(strand).is_none();
        match self.strands.iter().find(|(_, strand)| stray(strand)) {
            Some((path, _)) => Err(format!("strand {path}: it lacks what nothing gives it")),
            None => Ok(()),
        }
    }

    fn load_operands_of(&mut self, context: Context<'_>, path: &StrandPath) -> Result<(), String> {
        let Some(Fork { number, kind: ForkKind::Each { operands, .. }, .. }) = self.fork(path) else {
            return Ok(());
        };
        let list_type = self.items_type(context, path).ok_or("the strand has no items")?;
        let function = self.branch_function(context, path, 0).ok_or("they have no code")?;
        let loaded = Operands::load(context, function, list_type, operands)?;
        let number = *number;
        let Some(branches) = self.branches.get_mut(path) else { return Ok(()) };
        let count = loaded.lent.count() as u32;
        branches.operands = Some(loaded);
        for index in &branches.running {
            let branch = path.branch(number, *index as usize);
            let code = self.strands.get(&branch).and_then(|strand| strand.code.as_ref());
            if code.is_some_and(|code| code.lacks() != Some((function, count))) {
                return Err(format!("strand {branch} lacks other values than they capture"));
            }
        }
        Ok(())
    }

    /// The strand whose `parallel for` lends this one what it captures.
    fn lender<'a>(&self, strand: &'a LiveStrand) -> Option<&'a StrandPath> {
        let Role::Branch { parent, .. } = &strand.meta.role else { return None };
        self.branches.get(parent)?.operands.as_ref().map(|_| parent)
    }

    /// Takes what a strand lacks, to be given back when it has run.
    pub(crate) fn borrow(&mut self, strand: &LiveStrand) -> Option<(StrandPath, Operands)> {
        let parent = self.lender(strand).filter(|_| strand.lacks() > 0)?.clone();
        let operands = self.branches.get_mut(&parent)?.operands.take()?;
        Some((parent, operands))
    }

    /// Gives back what a strand was lent.
    pub(crate) fn give_back(&mut self, (parent, operands): (StrandPath, Operands)) {
        if let Some(branches) = self.branches.get_mut(&parent) {
            branches.operands = Some(operands);
        }
    }

    /// What a strand lacks while it waits.
    pub(crate) fn lent(&self, strand: &LiveStrand) -> Option<&Lent> {
        self.branches.get(self.lender(strand)?)?.operands.as_ref().map(|operands| &operands.lent)
    }
}

impl LiveStrand {
    /// How many values must be lent to it.
    fn lacks(&self) -> u32 {
        self.code.as_ref().and_then(|code| code.lacks()).map_or(0, |(_, count)| count)
    }
}
