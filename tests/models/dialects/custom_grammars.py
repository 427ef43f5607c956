"""Grammars of custom tools, as clients send them."""

# What Codex offers as apply_patch (github.com/openai/codex, Apache-2.0).
APPLY_PATCH = """\
start: begin_patch hunk+ end_patch
begin_patch: "*** Begin Patch" LF
end_patch: "*** End Patch" LF?

hunk: add_hunk | delete_hunk | update_hunk
add_hunk: "*** Add File: " filename LF add_line+
delete_hunk: "*** Delete File: " filename LF
update_hunk: "*** Update File: " filename LF change_move? change?

filename: /(.+)/
add_line: "+" /(.*)/ LF -> line

change_move: "*** Move to: " filename LF
change: (change_context | change_line)+ eof_line?
change_context: ("@@" | "@@ " /(.+)/) LF
change_line: ("+" | "-" | " ") /(.*)/ LF
eof_line: "*** End of File" LF

%import common.LF
"""
ARITHMETIC = """\
start: sum
?sum: product
    | sum "+" product -> add
    | sum "-" product -> subtract
product: factor ("*" factor)*
factor: INT | "(" sum ")"
%import common.INT
%import common.WS_INLINE
%ignore WS_INLINE
"""
SQL = """\
// one query, its keywords in any case
SP: " "
start: "SELECT"i SP columns SP "FROM"i SP NAME [SP "WHERE"i SP condition] ";"
columns: NAME ("," SP NAME)* | "*"
condition: NAME SP OPERATOR SP value (SP ("AND" | "OR") SP condition)?
value: NUMBER | STRING
OPERATOR: "=" | "<>" | ">"
NAME: /[A-Za-z_]\\w{0,8}/ | "\\"" /[^"\\n]{1,6}/ "\\""
STRING: /'([^'\\\\]|'')*'/
%import common.NUMBER
"""
TIMESTAMP = r"start: /(January|March) \d{1,2}(st|nd|th)? \d{4} at (0?[1-9]|1[0-2])(AM|PM)/"
# Everything that a JSON string escapes, on both sides of every boundary between lexemes.
LINES = r"""
start: (line | quoted | list)+
line: WORD? /[^"\\\n]*/ NEWLINE
quoted: ESCAPED_STRING NEWLINE | "\"" /(?s:[^"])/~2..3 "\"" | /\\[nt"]/i
list: "[" "a".."f" (SPACE "," SPACE /[\s!]/)* "]\\\n"
SPACE: /\s*/
%import common (NEWLINE, ESCAPED_STRING)
%import common.CNAME -> WORD
"""
ALL = {
    "apply_patch": APPLY_PATCH,
    "arithmetic": ARITHMETIC,
    "sql": SQL,
    "timestamp": TIMESTAMP,
    "lines": LINES,
}
