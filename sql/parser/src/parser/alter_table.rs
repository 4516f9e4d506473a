//! ALTER TABLE.

use super::create_table::TableElement;
use super::{Parsed, Parser};
use crate::ast::{
    AlterAction as A, AlterTable, ColumnDef, Ident, PartitionAction as P, PartitionNames, StatementKind,
    TableOption,
};
use crate::lexer::{Keyword as K, TokenKind};

impl Parser<'_> {
    pub(super) fn alter_table_statement(&mut self) -> Parsed<StatementKind> {
        self.advance();
        self.advance();
        let table = self.object_name()?;
        let mut alter =
            AlterTable { table, actions: Vec::new(), online: Default::default(), validation: None };
        if !self.at(TokenKind::End) && !self.at(TokenKind::Semicolon) {
            loop {
                self.alter_action(&mut alter)?;
                if self.at_keyword(K::Partition) || self.at_keyword(K::Remove) {
                    // Repartitioning needs no comma before it.
                    continue;
                }
                if !self.accept(TokenKind::Comma) {
                    break;
                }
            }
        }
        Ok(StatementKind::AlterTable(Box::new(alter)))
    }

    fn alter_action(&mut self, alter: &mut AlterTable) -> Parsed<()> {
        if self.online_option(&mut alter.online)? {
            return Ok(());
        }
        let Some(keyword) = self.keyword() else {
            return self.option_action(alter);
        };
        let action = match keyword {
            K::Add => return self.add_action(alter),
            K::Drop => self.drop_action()?,
            K::Change | K::Modify => self.change_action(keyword)?,
            K::Alter => self.alter_part_action()?,
            K::Rename => self.rename_action()?,
            K::Convert => self.convert_action()?,
            K::Order => {
                self.advance();
                self.expect_keyword(K::By)?;
                A::OrderBy(self.comma_separated(Self::order_item)?)
            }
            K::Enable | K::Disable | K::Force | K::SecondaryLoad | K::SecondaryUnload => {
                self.plain_action(keyword)?
            }
            K::With | K::Without => {
                self.advance();
                self.expect_keyword(K::Validation)?;
                alter.validation = Some(keyword == K::With);
                return Ok(());
            }
            K::Discard | K::Import if self.next_is(K::Tablespace) => {
                self.advance();
                self.advance();
                if keyword == K::Discard { A::DiscardTablespace } else { A::ImportTablespace }
            }
            K::Partition
            | K::Remove
            | K::Truncate
            | K::Coalesce
            | K::Reorganize
            | K::Exchange
            | K::Analyze
            | K::Check
            | K::Optimize
            | K::Rebuild
            | K::Repair
            | K::Discard
            | K::Import => A::Partition(self.partition_action(keyword)?),
            _ => return self.option_action(alter),
        };
        alter.actions.push(action);
        Ok(())
    }

    /// `CHANGE [COLUMN] old new type`, `MODIFY [COLUMN] a type`
    fn change_action(&mut self, keyword: K) -> Parsed<A> {
        self.advance();
        self.accept_keyword(K::Column);
        let old = if keyword == K::Change { Some(self.ident()?) } else { None };
        let column = self.column_def()?;
        let position = self.column_position()?;
        Ok(match old {
            Some(old) => A::ChangeColumn { old, column, position },
            None => A::ModifyColumn { column, position },
        })
    }

    /// Actions of one or two words.
    fn plain_action(&mut self, keyword: K) -> Parsed<A> {
        self.advance();
        Ok(match keyword {
            K::Force => A::Force,
            K::SecondaryLoad => A::SecondaryLoad,
            K::SecondaryUnload => A::SecondaryUnload,
            _ => {
                self.expect_keyword(K::Keys)?;
                if keyword == K::Enable { A::EnableKeys } else { A::DisableKeys }
            }
        })
    }

    /// Table options; several may follow without commas.
    fn option_action(&mut self, alter: &mut AlterTable) -> Parsed<()> {
        let Some(option) = self.table_option()? else {
            return self.unexpected();
        };
        alter.actions.push(A::Option(option));
        while let Some(option) = self.table_option()? {
            alter.actions.push(A::Option(option));
        }
        Ok(())
    }

    fn add_action(&mut self, alter: &mut AlterTable) -> Parsed<()> {
        self.advance();
        if self.at_keyword(K::Partition) {
            self.advance();
            let action = if self.accept_keyword(K::Partitions) {
                P::AddCount(self.integer()?)
            } else {
                P::Add(self.partition_defs()?)
            };
            alter.actions.push(A::Partition(action));
            return Ok(());
        }
        match self.optional_table_element()? {
            Some(TableElement::Index(index)) => alter.actions.push(A::AddIndex(index)),
            Some(TableElement::ForeignKey(foreign_key)) => alter.actions.push(A::AddForeignKey(foreign_key)),
            Some(TableElement::Check(check)) => alter.actions.push(A::AddCheck(check)),
            None => self.add_columns(alter)?,
        }
        Ok(())
    }

    fn add_columns(&mut self, alter: &mut AlterTable) -> Parsed<()> {
        self.accept_keyword(K::Column);
        if !self.accept(TokenKind::OpenParen) {
            let column = self.column_def()?;
            let position = self.column_position()?;
            alter.actions.push(A::AddColumn { column, position });
            return Ok(());
        }
        loop {
            match self.optional_table_element()? {
                Some(TableElement::Index(index)) => alter.actions.push(A::AddIndex(index)),
                Some(TableElement::ForeignKey(foreign_key)) => {
                    alter.actions.push(A::AddForeignKey(foreign_key))
                }
                Some(TableElement::Check(check)) => alter.actions.push(A::AddCheck(check)),
                None => {
                    let column: ColumnDef = self.column_def()?;
                    alter.actions.push(A::AddColumn { column, position: None });
                }
            }
            if !self.accept(TokenKind::Comma) {
                self.expect(TokenKind::CloseParen)?;
                return Ok(());
            }
        }
    }

    fn drop_action(&mut self) -> Parsed<A> {
        self.advance();
        let action = match self.keyword() {
            Some(K::Index | K::Key) => {
                self.advance();
                A::DropIndex(self.index_name()?)
            }
            Some(K::Primary) => {
                self.advance();
                self.expect_keyword(K::Key)?;
                A::DropPrimaryKey
            }
            Some(K::Foreign) => {
                self.advance();
                self.expect_keyword(K::Key)?;
                A::DropForeignKey(self.ident()?)
            }
            Some(K::Check) => {
                self.advance();
                A::DropCheck(self.ident()?)
            }
            Some(K::Constraint) => {
                self.advance();
                A::DropConstraint(self.ident()?)
            }
            Some(K::Partition) => {
                self.advance();
                A::Partition(P::Drop(self.comma_separated(Self::ident)?))
            }
            _ => {
                self.accept_keyword(K::Column);
                let column = self.ident()?;
                if !self.accept_keyword(K::Restrict) {
                    self.accept_keyword(K::Cascade);
                }
                A::DropColumn(column)
            }
        };
        Ok(action)
    }

    /// `ALTER [COLUMN] a ...`, `ALTER INDEX i ...`, `ALTER CHECK|CONSTRAINT c ...`
    fn alter_part_action(&mut self) -> Parsed<A> {
        self.advance();
        match self.keyword() {
            Some(K::Index) => {
                self.advance();
                let index = self.ident()?;
                Ok(A::SetIndexVisible { index, visible: self.visibility()? })
            }
            Some(K::Check | K::Constraint) => {
                let check = self.advance().is(TokenKind::Keyword(K::Check));
                let name = self.ident()?;
                let Some(enforced) = self.enforcement() else {
                    return self.unexpected();
                };
                Ok(A::SetEnforced { name, enforced, check })
            }
            _ => {
                self.accept_keyword(K::Column);
                let column = self.ident()?;
                if self.accept_keyword(K::Drop) {
                    self.expect_keyword(K::Default)?;
                    return Ok(A::DropDefault(column));
                }
                self.expect_keyword(K::Set)?;
                if self.accept_keyword(K::Default) {
                    return Ok(A::SetDefault { column, default: self.default_value()? });
                }
                Ok(A::SetColumnVisible { column, visible: self.visibility()? })
            }
        }
    }

    fn visibility(&mut self) -> Parsed<bool> {
        self.choose(&[("VISIBLE", true), ("INVISIBLE", false)])
    }

    fn rename_action(&mut self) -> Parsed<A> {
        self.advance();
        let pair = |parser: &mut Self| -> Parsed<(Ident, Ident)> {
            parser.advance();
            let from = parser.ident()?;
            parser.expect_keyword(K::To)?;
            Ok((from, parser.ident()?))
        };
        match self.keyword() {
            Some(K::Column) => pair(self).map(|(from, to)| A::RenameColumn { from, to }),
            Some(K::Index | K::Key) => pair(self).map(|(from, to)| A::RenameIndex { from, to }),
            _ => {
                if !self.accept_keyword(K::To) && !self.accept_keyword(K::As) {
                    self.accept(TokenKind::Equal);
                }
                self.object_name().map(A::RenameTable)
            }
        }
    }

    /// `CONVERT TO CHARACTER SET x|DEFAULT [COLLATE y]`
    fn convert_action(&mut self) -> Parsed<A> {
        self.advance();
        self.expect_keyword(K::To)?;
        if !self.accept_charset_words() {
            return self.unexpected();
        }
        let charset = if self.accept_keyword(K::Default) { None } else { Some(self.charset_name()?) };
        let collation = if self.at_keyword(K::Collate) {
            match self.charset_option(K::Collate)? {
                Some(TableOption::Collate(collation)) => Some(collation),
                _ => return self.unexpected(),
            }
        } else {
            None
        };
        Ok(A::ConvertCharset { charset, collation })
    }

    fn partition_action(&mut self, keyword: K) -> Parsed<P> {
        if keyword == K::Partition {
            return self.partitioning().map(P::Repartition);
        }
        self.advance();
        if keyword == K::Remove {
            self.expect_keyword(K::Partitioning)?;
            return Ok(P::Remove);
        }
        self.expect_keyword(K::Partition)?;
        if !matches!(keyword, K::Exchange | K::Discard | K::Import | K::Reorganize)
            && !self.accept_keyword(K::Local)
        {
            self.accept_keyword(K::NoWriteToBinlog);
        }
        let action = match keyword {
            K::Coalesce => P::Coalesce(self.integer()?),
            K::Reorganize => {
                if self.at_ident() {
                    let names = self.comma_separated(Self::ident)?;
                    self.expect_keyword(K::Into)?;
                    P::Reorganize(Some((names, self.partition_defs()?)))
                } else {
                    P::Reorganize(None)
                }
            }
            K::Exchange => {
                let partition = self.ident()?;
                self.expect_keywords(&[K::With, K::Table])?;
                let table = self.object_name()?;
                P::Exchange { partition, table, validation: self.optional_validation() }
            }
            K::Truncate => P::Truncate(self.partition_names()?),
            K::Analyze => P::Analyze(self.partition_names()?),
            K::Check => P::Check(self.partition_names()?),
            K::Optimize => P::Optimize(self.partition_names()?),
            K::Rebuild => P::Rebuild(self.partition_names()?),
            K::Repair => P::Repair(self.partition_names()?),
            K::Discard => P::Discard(self.partition_names()?),
            _ => P::Import(self.partition_names()?),
        };
        if matches!(keyword, K::Discard | K::Import) {
            self.expect_keyword(K::Tablespace)?;
        }
        if matches!(keyword, K::Check | K::Repair) {
            while self.accept_check_word() {}
        }
        Ok(action)
    }

    fn optional_validation(&mut self) -> Option<bool> {
        if self.accept_keywords(K::With, K::Validation) {
            Some(true)
        } else if self.accept_keywords(K::Without, K::Validation) {
            Some(false)
        } else {
            None
        }
    }

    /// Options of CHECK and REPAIR PARTITION, which have no effect on transactional tables.
    fn accept_check_word(&mut self) -> bool {
        self.accept_keyword(K::Quick)
            || self.accept_keyword(K::Fast)
            || self.accept_keyword(K::Medium)
            || self.accept_keyword(K::Extended)
            || self.accept_keyword(K::Changed)
            || self.accept_keyword(K::UseFrm)
            || self.accept_keywords(K::For, K::Upgrade)
    }

    fn partition_names(&mut self) -> Parsed<PartitionNames> {
        if self.accept_keyword(K::All) {
            return Ok(PartitionNames::All);
        }
        self.comma_separated(Self::ident).map(PartitionNames::Names)
    }
}
