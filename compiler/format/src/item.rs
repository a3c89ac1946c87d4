//! Declarations.

use flow_syntax::TokenKind;
use flow_syntax::ast::{
    Case, ErrorBody, Field, Given, GivenOutcome, Item, ItemKind, Param, Setting, Signature, SpecDecl,
    SpecItem, SpecItemKind, UseDecl, UseName,
};

use crate::doc::Doc;
use crate::list::{NAMES, SIDE_BY_SIDE, STATEMENTS, TIGHT};
use crate::printer::Printer;

impl Printer<'_> {
    /// A declaration, and the comment at the end of its line.
    pub(crate) fn item(&mut self, item: &Item) {
        if item.public {
            self.token();
            self.space();
        }
        self.item_kind(&item.kind);
        self.separators();
        self.trailing_comments();
    }

    fn item_kind(&mut self, kind: &ItemKind) {
        if !matches!(kind, ItemKind::Invalid(_)) {
            self.token();
            self.space();
        }
        match kind {
            ItemKind::Use(decl) => self.use_decl(decl),
            ItemKind::Const(decl) => {
                self.token();
                self.annotation(decl.ty.as_ref());
                self.spaced();
                self.expr(&decl.value);
            }
            ItemKind::Type(decl) => {
                self.token();
                self.generics(&decl.generics);
                self.spaced();
                if decl.distinct {
                    self.token();
                    self.space();
                }
                self.ty(&decl.ty);
            }
            ItemKind::Record(decl) => {
                self.token();
                self.generics(&decl.generics);
                self.space();
                self.list(&decl.fields, SIDE_BY_SIDE, Self::field);
            }
            ItemKind::Enum(decl) => {
                self.token();
                self.generics(&decl.generics);
                self.space();
                self.list(&decl.cases, SIDE_BY_SIDE, Self::case);
            }
            ItemKind::Error(decl) => {
                self.token();
                match &decl.body {
                    ErrorBody::Cases(cases) => {
                        self.space();
                        self.list(cases, SIDE_BY_SIDE, Self::case);
                    }
                    ErrorBody::Single(fields) => self.case_fields(fields),
                }
            }
            ItemKind::Fn(decl) => {
                self.signature(&decl.signature);
                if let Some(body) = &decl.body {
                    self.space();
                    self.block(body);
                }
            }
            ItemKind::Activity(decl) => {
                self.signature(&decl.signature);
                if self.at_brace() {
                    self.space();
                    self.settings(&decl.settings);
                }
            }
            ItemKind::Workflow(decl) => {
                self.signature(&decl.signature);
                self.space();
                self.block(&decl.body);
            }
            ItemKind::Schedule(decl) => {
                self.token();
                self.space();
                self.settings(&decl.settings);
            }
            ItemKind::Spec(decl) => self.spec(decl),
            ItemKind::Test(decl) => {
                self.verbatim_to(decl.name_span.end);
                self.space();
                self.block(&decl.body);
            }
            ItemKind::Invalid(_) => {}
        }
    }

    fn use_decl(&mut self, decl: &UseDecl) {
        self.path(&decl.path);
        if let Some(names) = &decl.names {
            self.token();
            self.list(names, NAMES, |p, name: &UseName| {
                p.token();
                if name.alias.is_some() {
                    p.spaced();
                    p.token();
                }
            });
        }
        if decl.alias.is_some() {
            self.spaced();
            self.token();
        }
    }

    fn field(&mut self, field: &Field) {
        self.token();
        self.annotation(Some(&field.ty));
        if let Some(default) = &field.default {
            self.spaced();
            self.expr(default);
        }
    }

    fn case(&mut self, case: &Case) {
        self.token();
        self.case_fields(&case.fields);
    }

    fn case_fields(&mut self, fields: &[Field]) {
        if self.at(TokenKind::OpenParen) {
            self.list(fields, TIGHT, Self::field);
        }
    }

    pub(crate) fn signature(&mut self, signature: &Signature) {
        self.token();
        self.type_params(&signature.generics);
        self.list(&signature.params, TIGHT, |p, param: &Param| {
            p.token();
            p.annotation(Some(&param.ty));
            if let Some(default) = &param.default {
                p.spaced();
                p.expr(default);
            }
        });
        if let Some(result) = &signature.result {
            self.spaced();
            self.ty(result);
        }
        self.failures(&signature.fails);
    }

    fn settings(&mut self, settings: &[Setting]) {
        let list = self.new_list();
        self.list(settings, SIDE_BY_SIDE, |p, setting: &Setting| {
            p.tokens(2);
            p.push(Doc::Stop(list));
            p.space();
            p.expr(&setting.value);
        });
    }

    fn spec(&mut self, decl: &SpecDecl) {
        self.path(&decl.target);
        self.list(&decl.args, TIGHT, Self::arg);
        self.space();
        let list = self.new_list();
        self.list(&decl.items, STATEMENTS, |p, item: &SpecItem| match &item.kind {
            SpecItemKind::Ghost { ty, value, .. } => {
                p.token();
                p.space();
                p.token();
                p.annotation(ty.as_ref());
                p.spaced();
                p.expr(value);
            }
            SpecItemKind::On { target, body } => {
                p.token();
                p.space();
                p.path(target);
                p.push(Doc::Stop(list));
                p.space();
                p.block(body);
            }
            SpecItemKind::Always(formula) | SpecItemKind::Eventually(formula) => {
                p.token();
                p.space();
                p.expr(formula);
            }
            SpecItemKind::Formula(formula) => p.expr(formula),
            SpecItemKind::Given(given) => p.given(given),
            SpecItemKind::Error => p.token(),
        });
    }

    pub(crate) fn given(&mut self, given: &Given) {
        self.token();
        self.space();
        self.path(&given.target);
        self.space();
        self.outcome(&given.outcome);
    }

    fn outcome(&mut self, outcome: &GivenOutcome) {
        self.token();
        self.space();
        match outcome {
            GivenOutcome::Returns(value) | GivenOutcome::Fails(value) | GivenOutcome::Takes(value) => {
                self.expr(value)
            }
            GivenOutcome::In(outcomes) => self.list(outcomes, TIGHT, Self::outcome),
        }
    }
}
