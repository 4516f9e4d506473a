//! `sql_mode`: the switches that change MySQL's semantics, as a bit set.

use crate::MySqlError;

/// A set of sql_mode flags; bit positions are MySQL's own (sql/system_variables.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SqlMode(u64);

macro_rules! modes {
    ($($bit:literal $name:ident;)*) => {
        impl SqlMode {
            $(pub const $name: SqlMode = SqlMode(1 << $bit);)*
        }
        /// Flags in the order SHOW prints them.
        const FLAGS: &[(SqlMode, &str)] = &[$((SqlMode::$name, stringify!($name))),*];
    };
}

modes! {
    0 REAL_AS_FLOAT;
    1 PIPES_AS_CONCAT;
    2 ANSI_QUOTES;
    3 IGNORE_SPACE;
    5 ONLY_FULL_GROUP_BY;
    6 NO_UNSIGNED_SUBTRACTION;
    7 NO_DIR_IN_CREATE;
    18 ANSI;
    19 NO_AUTO_VALUE_ON_ZERO;
    20 NO_BACKSLASH_ESCAPES;
    21 STRICT_TRANS_TABLES;
    22 STRICT_ALL_TABLES;
    23 NO_ZERO_IN_DATE;
    24 NO_ZERO_DATE;
    25 ALLOW_INVALID_DATES;
    26 ERROR_FOR_DIVISION_BY_ZERO;
    27 TRADITIONAL;
    29 HIGH_NOT_PRECEDENCE;
    30 NO_ENGINE_SUBSTITUTION;
    31 PAD_CHAR_TO_FULL_LENGTH;
    32 TIME_TRUNCATE_FRACTIONAL;
}

impl SqlMode {
    pub const EMPTY: SqlMode = SqlMode(0);

    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Takes the numeric form of the variable; unknown bits are refused (1231).
    pub fn from_bits(bits: u64) -> Result<Self, MySqlError> {
        let known = FLAGS.iter().fold(0, |all, (flag, _)| all | flag.0);
        if bits & !known != 0 {
            return Err(MySqlError::wrong_value_for_variable("sql_mode", bits));
        }
        Ok(SqlMode(bits).expanded())
    }

    pub const fn contains(self, other: SqlMode) -> bool {
        self.0 & other.0 == other.0
    }

    pub const fn intersects(self, other: SqlMode) -> bool {
        self.0 & other.0 != 0
    }

    pub const fn with(self, other: SqlMode) -> SqlMode {
        SqlMode(self.0 | other.0)
    }

    pub const fn without(self, other: SqlMode) -> SqlMode {
        SqlMode(self.0 & !other.0)
    }

    /// Our tables are all transactional, so both strict flags mean the same.
    pub const fn is_strict(self) -> bool {
        self.intersects(SqlMode(Self::STRICT_TRANS_TABLES.0 | Self::STRICT_ALL_TABLES.0))
    }

    /// Parses a comma separated list; ANSI and TRADITIONAL expand into their members.
    pub fn parse(text: &str) -> Result<Self, MySqlError> {
        let mut mode = SqlMode::EMPTY;
        for part in text.split(',') {
            let part = part.trim_end();
            if part.is_empty() {
                continue;
            }
            let flag = FLAGS.iter().find(|(_, name)| name.eq_ignore_ascii_case(part));
            match flag {
                Some((flag, _)) => mode = mode.with(*flag),
                None => return Err(MySqlError::wrong_value_for_variable("sql_mode", part)),
            }
        }
        Ok(mode.expanded())
    }

    fn expanded(self) -> Self {
        let mut mode = self;
        if mode.contains(Self::ANSI) {
            mode = mode
                .with(Self::REAL_AS_FLOAT)
                .with(Self::PIPES_AS_CONCAT)
                .with(Self::ANSI_QUOTES)
                .with(Self::IGNORE_SPACE)
                .with(Self::ONLY_FULL_GROUP_BY);
        }
        if mode.contains(Self::TRADITIONAL) {
            mode = mode
                .with(Self::STRICT_TRANS_TABLES)
                .with(Self::STRICT_ALL_TABLES)
                .with(Self::NO_ZERO_IN_DATE)
                .with(Self::NO_ZERO_DATE)
                .with(Self::ERROR_FOR_DIVISION_BY_ZERO)
                .with(Self::NO_ENGINE_SUBSTITUTION);
        }
        mode
    }
}

/// MySQL's default since 8.0.
impl Default for SqlMode {
    fn default() -> Self {
        Self::ONLY_FULL_GROUP_BY
            .with(Self::STRICT_TRANS_TABLES)
            .with(Self::NO_ZERO_IN_DATE)
            .with(Self::NO_ZERO_DATE)
            .with(Self::ERROR_FOR_DIVISION_BY_ZERO)
            .with(Self::NO_ENGINE_SUBSTITUTION)
    }
}

impl std::fmt::Display for SqlMode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut first = true;
        for (flag, name) in FLAGS {
            if self.contains(*flag) {
                if !first {
                    f.write_str(",")?;
                }
                f.write_str(name)?;
                first = false;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_prints_as_mysql_prints_it() {
        assert_eq!(
            SqlMode::default().to_string(),
            "ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
        );
    }

    #[test]
    fn composites_expand_and_unknown_names_fail() {
        let mode = SqlMode::parse("ansi").expect("known mode");
        assert_eq!(
            mode.to_string(),
            "REAL_AS_FLOAT,PIPES_AS_CONCAT,ANSI_QUOTES,IGNORE_SPACE,ONLY_FULL_GROUP_BY,ANSI"
        );
        assert_eq!(SqlMode::parse("nonsense").expect_err("unknown").code, 1231);
        assert_eq!(SqlMode::parse("").expect("empty"), SqlMode::EMPTY);
    }
}
