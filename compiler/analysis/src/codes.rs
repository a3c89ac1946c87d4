//! The codes of the checker's diagnostics by area: errors E0100 to E0999, warnings W0100 to W0999. The parser keeps a
//! table of its own.

use flow_syntax::Code;

macro_rules! codes {
    ($($name:ident $code:literal $title:literal)*) => {
        $(#[doc = $title] pub const $name: Code = Code($code);)*
        /// Every code of the checker with its title, in order.
        pub const TABLE: &[(Code, &str)] = &[$(($name, $title)),*];
    };
}

codes! {
    UNKNOWN_NAME         "E0100" "a name that nothing has"
    UNKNOWN_TYPE         "E0101" "a type that does not exist"
    UNKNOWN_MODULE       "E0102" "a module that can't be read"
    IMPORT_CYCLE         "E0103" "files that use each other"
    DUPLICATE            "E0104" "a name declared twice"
    NOT_IN_MODULE        "E0105" "a name its module does not offer"
    MISSING_USE          "E0106" "a module that is not used here"
    AMBIGUOUS_CASE       "E0107" "a constructor of several types"
    WRONG_KIND           "E0108" "a name of another kind of thing"
    CYCLIC_CONST         "E0109" "a constant or a default that needs itself"
    TYPE_ARGUMENTS       "E0200" "the wrong number of type arguments"
    CYCLIC_ALIAS         "E0201" "a type that is another name for itself"
    NESTED_OPTION        "E0202" "an option of an option"
    NOT_AN_ERROR_TYPE    "E0203" "a failure that is no error type"
    INFINITE_RECORD      "E0204" "a record that contains itself"
    MISSING_BODY         "E0205" "a function without a body"
    MISMATCH             "E0300" "a value of another type than expected"
    CANNOT_INFER         "E0301" "a type that can't be known"
    OPERATOR             "E0302" "an operator for other types"
    NO_FIELD             "E0303" "a field that does not exist"
    NO_METHOD            "E0304" "a method that does not exist"
    NOT_CALLABLE         "E0305" "a call of what can't be called"
    MISSING_ARGUMENT     "E0306" "a call with too few arguments"
    EXTRA_ARGUMENT       "E0307" "a call with an argument too many"
    UNKNOWN_ARGUMENT     "E0308" "an argument of a name that does not exist"
    NOT_ASSIGNABLE       "E0309" "an assignment to what can't change"
    UNUSED_VALUE         "E0310" "a value that nothing uses"
    LITERAL_RANGE        "E0311" "a number that does not fit"
    FUNCTION_EQUALITY    "E0312" "functions that are compared"
    NOT_A_RECORD         "E0313" "`with` on what has no fields"
    NOT_INDEXABLE        "E0314" "an index into what has none"
    KEY_TYPE             "E0315" "a type that can be no key"
    NO_ORDER             "E0316" "an order of what has none"
    DATE_LITERAL         "E0317" "a date written as a subtraction"
    NOT_EXHAUSTIVE       "E0400" "a match that misses a case"
    PATTERN_TYPE         "E0402" "a pattern of another type"
    PATTERN_FIELDS       "E0403" "a pattern with the wrong fields"
    REFUTABLE            "E0404" "a pattern that may not match where it must"
    OR_BINDINGS          "E0405" "alternatives that bind different names"
    PATTERN_TWICE        "E0406" "a pattern that binds a name twice"
    UNHANDLED            "E0500" "a failure nobody handles"
    IMPOSSIBLE_CATCH     "E0501" "a failure that can't happen"
    FAIL_TYPE            "E0502" "`fail` with what is no error"
    NOTHING_TO_TRY       "E0503" "`try` where nothing declared can fail"
    UNKNOWN_SETTING      "E0600" "a setting that does not exist"
    DUPLICATE_SETTING    "E0601" "a setting given twice"
    OUTSIDE_RUN          "E0602" "the world touched outside an activity's `run`"
    USING_TARGET         "E0603" "`using` on what is no activity"
    SUSPENDS_IN_PURE     "E0604" "a wait where nothing may wait"
    MISPLACED_OPERATOR   "E0605" "an operator of settings elsewhere"
    OUTSIDE_SAGA         "E0700" "`compensate` or `commit` outside a saga"
    ASSIGN_OUTER         "E0701" "an outer variable assigned in a strand of its own"
    LEAVES_STRAND        "E0702" "a jump out of a strand of its own"
    OUTSIDE_LOOP         "E0703" "`break` or `continue` outside a loop"
    OUTSIDE_WORKFLOW     "E0705" "a declaration only a workflow may have"
    OUTSIDE_TEST         "E0706" "a statement only a test may have"
    BAD_UNKNOWN          "E0707" "an `unknown` that takes no key"
    HANDLE_LEAVES        "E0710" "a handle that leaves the scope of its strand"
    HANDLE_AT_BORDER     "E0711" "a handle that goes in or out of an instance"
    SPAWN_WITHOUT_SCOPE  "E0712" "a strand that can fail, and no scope to fail with it"
    NOT_A_HANDLE         "E0713" "`await` of what was not spawned"
    DETACH_TARGET        "E0714" "`detach` of what is no workflow"
    IMPURE               "E0720" "a query, condition or constant that does more than compute"
    NO_STATE             "E0721" "a condition that nothing can change"
    UNSET_STATE          "E0722" "a state used before it is set"
    BAD_INDEX            "E0723" "an index of what can't be searched"
    BAD_INTERVAL         "E0724" "a schedule without time between its beats"
    NOT_A_STEP           "E0800" "a spec or stub of what is no activity or workflow"
    NOT_YET              "E0900" "a construct that is not built yet"
    UNUSED_VARIABLE      "W0100" "a variable that nothing reads"
    UNUSED_PARAMETER     "W0101" "a parameter that nothing reads"
    UNUSED_DECLARATION   "W0102" "a private declaration that nothing uses"
    UNUSED_USE           "W0103" "a `use` that nothing needs"
    UNUSED_SIGNAL        "W0104" "a signal that nothing receives"
    UNUSED_STATE         "W0105" "a state that nothing reads"
    UNUSED_RESULT        "W0106" "a result that nothing uses"
    UNREACHABLE_CODE     "W0200" "code that is never reached"
    UNREACHABLE_ARM      "W0201" "an arm or alternative that never matches"
    SHADOWED             "W0202" "a name that hides another"
    NEEDLESS_VAR         "W0203" "a `var` that is never assigned"
    NEEDLESS_CATCH       "W0204" "a `catch` that has nothing to catch"
    CONSTANT_CONDITION   "W0205" "a condition that is always the same"
    NEEDLESS_CONSTRUCT   "W0206" "a `parallel` or `race` with one part only"
    MISSING_UNKNOWN      "W0300" "a step whose unknown outcome nobody handles"
    FAILS_AFTER_COMMIT   "W0301" "a step that may fail after `commit`"
    GROWING_STATE        "W0310" "a state that grows in an endless loop"
    EMPTY_SAGA           "W0311" "a saga that has nothing to undo"
    ZERO_DURATION        "W0312" "a wait of no time"
    STALE_STATE          "W0320" "a state assigned from what it was before a wait"
}

/// Whether a warning says that something is missing or needless. In a file with errors it may only seem so.
pub(crate) fn is_doubtful(code: Code) -> bool {
    (UNUSED_VARIABLE..=UNUSED_RESULT).contains(&code)
        || [UNREACHABLE_CODE, NEEDLESS_VAR, NEEDLESS_CATCH, NEEDLESS_CONSTRUCT, EMPTY_SAGA].contains(&code)
}

/// The title of one of the checker's codes.
pub fn title(code: Code) -> Option<&'static str> {
    TABLE.iter().find(|(known, _)| *known == code).map(|(_, title)| *title)
}
