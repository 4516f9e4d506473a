//! Tokens of texts, written as `kind:source`.

use super::*;

fn tokens_with(text: &str, sql_mode: SqlMode) -> String {
    let mut lexer = Lexer::new(text.as_bytes(), sql_mode);
    let mut tokens = Vec::new();
    loop {
        let token = lexer.next();
        let source = &text[token.start as usize..token.end as usize];
        match token.kind {
            TokenKind::End => return tokens.join(" "),
            TokenKind::Keyword(keyword) => tokens.push(keyword.text().to_string()),
            kind => tokens.push(format!("{kind:?}:{source}")),
        }
        if token.kind == TokenKind::Invalid {
            return tokens.join(" ");
        }
    }
}

fn tokens(text: &str) -> String {
    tokens_with(text, SqlMode::default())
}

#[test]
fn numbers_and_names_that_look_like_numbers() {
    assert_eq!(
        tokens("1 1. .5 1.5 1e3 1.5E-3 .5e+1"),
        "Integer:1 Decimal:1. Decimal:.5 Decimal:1.5 Float:1e3 Float:1.5E-3 Float:.5e+1"
    );
    assert_eq!(tokens("1a 1e 1e5x 1_2"), "Ident:1a Ident:1e Float:1e5 Ident:x Ident:1_2");
    assert_eq!(tokens("0x41 0xG 0b01 0b12 0X41"), "Hex:0x41 Ident:0xG Bit:0b01 Ident:0b12 Ident:0X41");
    assert_eq!(tokens("x'41' X'4g'"), "Hex:x'41' Invalid:X'4");
    assert_eq!(tokens("x'4'"), "Invalid:x'4");
    assert_eq!(tokens("b'101'"), "Bit:b'101'");
    assert_eq!(tokens("1.a 5.e"), "Decimal:1. Ident:a Invalid:5.e");
}

#[test]
fn names_after_a_dot_are_never_keywords_nor_numbers() {
    assert_eq!(tokens("a.1"), "Ident:a Dot:. Ident:1");
    assert_eq!(tokens("a.select"), "Ident:a Dot:. Ident:select");
    assert_eq!(tokens("a . b"), "Ident:a Dot:. Ident:b");
    assert_eq!(tokens("`a`.1e5"), "QuotedIdent:`a` Dot:. Ident:1e5");
    assert_eq!(tokens("a .5"), "Ident:a Decimal:.5");
    assert_eq!(tokens("a.`b``c`.*"), "Ident:a Dot:. QuotedIdent:`b``c` Dot:. Star:*");
}

#[test]
fn strings_and_their_prefixes() {
    assert_eq!(tokens("'a''b' \"c\"\"d\" 'e\\'f'"), "String:'a''b' String:\"c\"\"d\" String:'e\\'f'");
    assert_eq!(
        tokens("N'x' n'y' _utf8mb4'z' _nope'z'"),
        "National:N'x' National:n'y' Introducer:_utf8mb4 String:'z' Ident:_nope String:'z'"
    );
    assert_eq!(
        tokens_with("\"a\" 'b\\'", SqlMode::ANSI_QUOTES | SqlMode::NO_BACKSLASH_ESCAPES),
        "QuotedIdent:\"a\" String:'b\\'"
    );
    assert_eq!(tokens("'abc"), "Invalid:'abc");
    assert_eq!(tokens("'abc\\"), "Invalid:'abc\\");
    assert_eq!(tokens("`abc"), "Invalid:`abc");
}

#[test]
fn escapes_are_undone() {
    assert_eq!(unescape(b"'a''b\\n\\0\\%\\_\\q\\\\'", true), b"a'b\n\0\\%\\_q\\");
    assert_eq!(unescape(b"\"a\"\"b'c\"", true), b"a\"b'c");
    assert_eq!(unescape(b"'a\\nb'", false), b"a\\nb");
}

#[test]
fn comments() {
    assert_eq!(
        tokens("1 # x\n2 -- y\n3 /* z */ 4 --5"),
        "Integer:1 Integer:2 Integer:3 Integer:4 Minus:- Minus:- Integer:5"
    );
    assert_eq!(tokens("1 --\n2 --"), "Integer:1 Integer:2");
    assert_eq!(
        tokens("/*!40101 a */ /*!80037 b */ /*! c */ /*!99999 d /* e */ f */ g"),
        "Ident:a Ident:c Ident:g"
    );
    assert_eq!(tokens("/*!080036 a */ /*!100000 b */"), "Ident:a");
    assert_eq!(tokens("/*!50001 a /* b */ c */ d"), "Ident:a Ident:c Ident:d");
    assert_eq!(tokens("/*T![auto_rand] a */ /*T![nope] b */ /*T! c */ /*M!100000 d */"), "Ident:a Ident:c");
    assert_eq!(tokens("a /* b"), "Ident:a Invalid:/* b");
    assert_eq!(tokens("a /*! b"), "Ident:a Ident:b Invalid:");
    assert_eq!(
        tokens("SELECT /*+ MAX_EXECUTION_TIME(1) */ 1 /*+ x */"),
        "SELECT Hint:/*+ MAX_EXECUTION_TIME(1) */ Integer:1"
    );
}

#[test]
fn operators_and_variables() {
    assert_eq!(
        tokens("<=><=<><<<!=!:=->>->->=>>||"),
        "NullSafeEqual:<=> LessOrEqual:<= NotEqual:<> ShiftLeft:<< Less:< NotEqual:!= Bang:! Assign::= LongArrow:->> Arrow:-> Arrow:-> Equal:= ShiftRight:>> PipePipe:||"
    );
    assert_eq!(
        tokens("@a.b @'c d' @`e` @@global.x @"),
        "UserVariable:@a.b UserVariable:@'c d' UserVariable:@`e` AtAt:@@ Ident:global Dot:. Ident:x UserVariable:@"
    );
    assert_eq!(tokens("$$"), "Invalid:$$");
    assert_eq!(tokens("a\0\0"), "Ident:a");
    assert_eq!(tokens("a\0b"), "Ident:a Invalid:\0");
    assert_eq!(tokens("a$b $1 é"), "Ident:a$b Ident:$1 Ident:é");
}
