//! How many arguments the functions take that MySQL's grammar spells out; a wrong number is a syntax error there. Other
//! functions are counted by the binder (1582).

/// Name, least and most.
const ARITIES: [(&str, usize, usize); 40] = [
    ("ASCII", 1, 1),
    ("CHARSET", 1, 1),
    ("COALESCE", 1, usize::MAX),
    ("COLLATION", 1, 1),
    ("CURDATE", 0, 0),
    ("CURTIME", 0, 1),
    ("DATABASE", 0, 0),
    ("DATE", 1, 1),
    ("DAY", 1, 1),
    ("FORMAT", 2, 3),
    ("GEOMETRYCOLLECTION", 0, usize::MAX),
    ("GROUPING", 1, usize::MAX),
    ("HOUR", 1, 1),
    ("IF", 3, 3),
    ("INSERT", 4, 4),
    ("LEFT", 2, 2),
    ("LINESTRING", 1, usize::MAX),
    ("MICROSECOND", 1, 1),
    ("MINUTE", 1, 1),
    ("MOD", 2, 2),
    ("MONTH", 1, 1),
    ("NOW", 0, 1),
    ("POINT", 2, 2),
    ("POLYGON", 1, usize::MAX),
    ("QUARTER", 1, 1),
    ("REPEAT", 2, 2),
    ("REPLACE", 3, 3),
    ("REVERSE", 1, 1),
    ("RIGHT", 2, 2),
    ("ROW_COUNT", 0, 0),
    ("SCHEMA", 0, 0),
    ("SECOND", 1, 1),
    ("SYSDATE", 0, 1),
    ("TIME", 1, 1),
    ("TIMESTAMP", 1, 2),
    ("TRUNCATE", 2, 2),
    ("USER", 0, 0),
    ("UTC_DATE", 0, 0),
    ("WEEK", 1, 2),
    ("YEAR", 1, 1),
];

pub(super) fn of(name: &str) -> Option<(usize, usize)> {
    ARITIES
        .iter()
        .find(|(known, _, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, least, most)| (*least, *most))
}
