#!/usr/bin/env python3
"""A .cpp beyond 400 lines, a header beyond 200 or a function beyond 60 should have been two (docs/style.md)."""
import os
import re

import source_tree

ALLOWED = "tests/lint/sizes.allow"
MOST_ALLOWED = 6
FUNCTION_LIMIT = 60
# First match counts.
FILE_LIMITS = [
    (r"tools/mcompress/main\.cpp", 60),
    (r"tools/mcompress/cmd_\w+\.cpp", 150),
    (r"src/pipeline/compress\.cpp", 120),
    (r".*\.cpp", 400),
    (r".*\.h", 200),
]

NOT_CODE = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<mark>[^()\s\\]{0,16})\(.*?\)(?P=mark)"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\'', re.S)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", re.M)
SCOPE = re.compile(r"(\w+\s+)*?(namespace|class|struct|union|enum|extern)\b")
CONSTRUCTOR = re.compile(r"\)\s*(noexcept\s*)?:[^:]")


def blank(text):
    """The text without comments, literals and preprocessor lines; line numbers stay."""
    keep_lines = lambda match: re.sub(r"[^\n]+", " ", match.group(0))
    return DIRECTIVE.sub(keep_lines, NOT_CODE.sub(keep_lines, text))


def kind_of(head):
    """What the '{' behind this text opens: a scope to look into, a function, or an initializer."""
    head = " ".join(head.split())
    head = re.sub(r"^template <.*?> (?=class|struct|union)", "", head)
    if SCOPE.match(head) and not re.search(r"\w\s*\([^()]*\)[^()]*$", head):
        return "scope"
    if re.search(r"(?<![=!<>])=(?![=])(?!.*\boperator)", re.sub(r"\([^()]*\)", "()", head)) and "operator" not in head:
        return "initializer"
    if CONSTRUCTOR.search(head) and re.search(r"[\w>]$", head):
        return "initializer"
    return "function" if ")" in head else "initializer"


def functions(text):
    """(line, name, length) of each function body. Lambdas and local types count as part of the function they are in."""
    code = blank(text)
    stack, head = [], ""
    found = []
    line = 1
    for char in code:
        if char == "\n":
            line += 1
        if char == "{":
            kind = "inner" if stack and stack[-1][0] in ("function", "inner", "initializer") else kind_of(head)
            stack.append((kind, line, head))
            if kind in ("scope", "function"):
                head = ""
        elif char == "}":
            if not stack:
                break
            kind, begin, opened = stack.pop()
            if kind == "function":
                names = re.findall(r"([\w~]+|operator\s*\S+)\s*\(", opened)
                found.append((begin, names[0] if names else "?", line - begin + 1))
            if kind in ("scope", "function"):
                head = ""
        elif stack and stack[-1][0] in ("function", "inner", "initializer"):
            continue
        elif char == ";":
            head = ""
        else:
            head += char
    return found


def allowances(root):
    """{path or path:function: limit} and the findings about the list itself. A line: WHAT LIMIT REASON…"""
    allowed, findings = {}, []
    if not os.path.exists(os.path.join(root, ALLOWED)):
        return allowed, findings
    for number, text in enumerate(source_tree.read(root, ALLOWED).splitlines(), 1):
        if not text.strip() or text.startswith("#"):
            continue
        words = text.split()
        if len(words) < 5 or not words[1].isdigit():
            findings.append("%s:%d: expected WHAT LIMIT and a reason of some words" % (ALLOWED, number))
            continue
        allowed[words[0]] = int(words[1])
    if len(allowed) > MOST_ALLOWED:
        findings.append("%s: %d exceptions; more than %d means the limit is wrong, or the code" % (ALLOWED, len(allowed), MOST_ALLOWED))
    return allowed, findings


def check(root):
    allowed, findings = allowances(root)
    needed = set()

    def judge(what, where, length, limit):
        if length <= limit:
            return
        if what in allowed:
            needed.add(what)
            limit = allowed[what]
        if length > limit:
            findings.append("%s: %d lines, limit %d" % (where, length, limit))

    for path in source_tree.files(root, "src", "tools", endings=source_tree.CPP):
        text = source_tree.read(root, path)
        limit = next((limit for pattern, limit in FILE_LIMITS if re.fullmatch(pattern, path)), 400)
        judge(path, path, len(text.splitlines()), limit)
        for line, name, length in functions(text):
            judge("%s:%s" % (path, name), "%s:%d: function %s" % (path, line, name), length, FUNCTION_LIMIT)
    findings += ["%s: '%s' is no longer needed" % (ALLOWED, what) for what in sorted(set(allowed) - needed)]
    return findings


if __name__ == "__main__":
    source_tree.main(check)
