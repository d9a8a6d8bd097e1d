#!/usr/bin/env python3
"""Checks the rules of docs/ARCHITECTURE.md that the compiler does not enforce. Needs Python 3.11 and nothing else.

    scripts/architecture.py              check; prints "file:line: problem" and exits with 1 if there is any
    scripts/architecture.py --list       print the module graph of every crate
    scripts/architecture.py --self-test  run the checks on synthetic trees and on each crate with known faults
    scripts/architecture.py --root DIR   use another checkout
    scripts/architecture.py --only A,B   run some of the checks: crates, imports, length, names, comments, fields, documents

Definition of an import
  - Every leaf of a `use` declaration, and every inline path that starts with `crate`, `self`, `super`, a child module or a
    name that a `use` brought into the module. Code under `#[cfg(test)]`, comments and strings do not count.
  - A path is resolved to the file that defines the item: re-exports are followed. So `use crate::conn::Connection`, where
    conn/mod.rs has `pub use connection::Connection`, is an import of conn/connection.rs.
  - `mod child;` is not an import, and neither is a re-export of an item from a module below (`pub use child::Item`, any
    visibility but private) as long as the parent file does not use `Item` itself.
  - Naming a module alone (`use crate::conn;`) counts for the layers; for cycles only the items that are used through it do.

Rules
  - Layers: a top-level module imports only from modules of its own row in LAYERS or of rows above it in the table (the
    table is written bottom-up: the first row is the lowest layer). lib.rs is the top of every crate. Every top-level
    module has a row.
  - Cycles: no cycle between the files of a crate, none between its top-level modules. A child that uses an item defined in
    its parent's file, while that file uses the child, is a cycle: move the item into a file of its own.
  - Fields: a struct whose state changes behind a shared reference (cells, locks, atomics) has no field that is `pub` or
    `pub(crate)`; it has methods. Rows in shared memory (`#[repr(C)]`) are exempt: they are all fields.
"""

import argparse
import re
import shutil
import sys
import tempfile
import tomllib
from pathlib import Path

# Our crates that each crate may use, and other crates that it must not use.
CRATES = {
    "swoosh-os": ((), ()),
    "swoosh-shm": (("swoosh-os",), ()),
    "swoosh-proto": ((), ("tokio", "libc", "nix", "socket2")),
    "swoosh": (("swoosh-os", "swoosh-shm", "swoosh-proto"), ()),
    "swoosh-zend": ((), ()),
    "swoosh-php": (("swoosh-os", "swoosh-shm", "swoosh-proto", "swoosh", "swoosh-zend"), ()),
}

# Where unsafe code is ruled out: `forbid` in lib.rs, or `deny` with the exported module entry in lib.rs as the exception.
UNSAFE = {"swoosh-proto": "forbid", "swoosh": "forbid", "swoosh-php": "deny"}

# Top-level modules, bottom-up; modules in one row may import each other as long as there is no cycle.
LAYERS = {
    "swoosh": [
        ("error", "ids", "role", "clock"),
        ("log",),
        ("timer",),
        ("blocking",),
        ("runtime",),
        ("config",),
        ("tls",),
        ("client",),
        ("static_files",),
        ("net",),
        ("ipc",),
        ("state",),
        ("conn",),
        ("context",),
        ("request",),
        ("process",),
        ("server",),
        ("http", "pool"),
    ],
    "swoosh-php": [
        ("runtime",),
        ("coroutine",),
        ("server", "hook"),
        ("library",),
        ("api",),
    ],
}

# Groups of files that define mutually recursive types, with the reason: a cycle inside a group is allowed, a cycle that
# leaves it is not.
RECURSIVE = {
    "swoosh-zend": (
        # A value may be an array, an object or a callable, each of which holds values; a call passes values to a class's
        # methods and may throw an object.
        {"zval", "array", "object", "callable", "call", "class", "entry", "error", "lazy", "runtime", "string", "thread", "interrupt", "output", "object_pool"},
    ),
}

# Crates whose README has a table of all public modules.
README_TABLES = {"swoosh-os", "swoosh-shm", "swoosh-proto", "swoosh-php"}

# Types of fields that change behind a shared reference.
MUTABLE = re.compile(r"\b(?:Cell|RefCell|OnceCell|LazyCell|Mutex|RwLock|OnceLock|LazyLock|Atomic\w+)\b")

MAX_LINES = 500
LENGTH_REASON = re.compile(r"^//! Length: \S")

# Names that STYLE's table replaced. WORDS: not allowed as a word of an identifier (`heritage_rows`, `HeritageRow`);
# IDENTIFIERS: not allowed as a whole identifier, because the word alone has other uses.
WORDS = {"heritage", "stillborn", "courier", "parcel", "patience", "upcall", "vessel", "blueprint", "cradle", "handoff", "stranger"}
IDENTIFIERS = {"Ward", "Letter", "Begun", "Bell", "Kept", "Belongs", "Wanted", "Turns", "take_up", "look_at", "told", "gifts", "deaf"}

# Comments that begin with a clause instead of a subject; a few have a good reason.
CLAUSE = re.compile(r"^(What|Who|Whoever|The same)\b")
MAX_CLAUSES = 5


def clean(source):
    """The source with comments and the contents of strings blanked (offsets stay), and its comments as (line, text)."""
    out, comments, i, n = list(source), [], 0, len(source)

    def blank(start, end):
        for k in range(start, end):
            if out[k] != "\n":
                out[k] = " "

    raw = re.compile(r'(?:b|c)?r(#*)"')
    while i < n:
        c = source[i]
        if c == "/" and source.startswith("//", i):
            end = source.find("\n", i)
            end = n if end < 0 else end
            comments.append((source.count("\n", 0, i) + 1, source[i:end]))
            blank(i, end)
            i = end
        elif c == "/" and source.startswith("/*", i):
            depth, end = 1, i + 2
            while end < n and depth:
                if source.startswith("/*", end):
                    depth, end = depth + 1, end + 2
                elif source.startswith("*/", end):
                    depth, end = depth - 1, end + 2
                else:
                    end += 1
            comments.append((source.count("\n", 0, i) + 1, source[i:end]))
            blank(i, end)
            i = end
        elif c in "brc" and (i == 0 or not (source[i - 1].isalnum() or source[i - 1] == "_")) and (m := raw.match(source, i)):
            end = source.find('"' + m.group(1), m.end())
            end = n if end < 0 else end + 1 + len(m.group(1))
            blank(i, end)
            i = end
        elif c == '"':
            end = i + 1
            while end < n and source[end] != '"':
                end += 2 if source[end] == "\\" else 1
            blank(i + 1, min(end, n))
            i = end + 1
        elif c == "'":
            if source.startswith("\\", i + 1):
                end = source.find("'", i + 3)
                blank(i, end + 1)
                i = end + 1
            elif i + 2 < n and source[i + 2] == "'":
                blank(i, i + 3)
                i += 3
            else:  # a lifetime
                i += 1
        else:
            i += 1
    return "".join(out), comments


def closing(text, start):
    """The offset behind the bracket that closes the one at `start`."""
    depth = 0
    for i in range(start, len(text)):
        if text[i] in "([{":
            depth += 1
        elif text[i] in ")]}":
            depth -= 1
            if depth == 0:
                return i + 1
    return len(text)


def blanked(text, start, end):
    return text[:start] + re.sub(r"[^\n]", " ", text[start:end]) + text[end:]


def without_tests(text):
    """Blanks the items that are under `#[cfg(test)]` or `#[cfg(all(test, ...))]`."""
    pattern = re.compile(r"#\[cfg\(\s*(?:test\s*\)|all\(\s*test\b)")
    while m := pattern.search(text):
        i = closing(text, m.start() + 1)
        while True:  # further attributes
            while i < len(text) and text[i].isspace():
                i += 1
            if not text.startswith("#[", i):
                break
            i = closing(text, i + 1)
        while i < len(text) and text[i] not in ";{":
            i = closing(text, i) if text[i] in "([" else i + 1
        if i < len(text):
            i = closing(text, i) if text[i] == "{" else i + 1
        text = blanked(text, m.start(), i)
    return text


class Module:
    def __init__(self, path, file, text, parent):
        self.path, self.file, self.text, self.parent = path, file, text, parent
        self.children, self.uses, self.names, self.globs, self.definitions = {}, [], {}, [], set()

    def __repr__(self):
        return "::".join(("crate", *self.path))


class Use:
    """One leaf of a `use` declaration."""

    def __init__(self, segments, name, offset, public):
        self.segments, self.name, self.offset, self.public = segments, name, offset, public


DEFINITION = re.compile(r"\b(?:fn|struct|enum|trait|type|const|static|static\s+mut|union|macro_rules!)\s+(?:r#)?([A-Za-z_]\w*)")
MODULE = re.compile(r"\bmod\s+(?:r#)?([A-Za-z_]\w*)\s*([;{])")
USE = re.compile(r"(?<![\w.])(pub\s*(?:\([^)]*\))?\s+)?use\s+([^;]+);")
PATH = re.compile(r"(?<![\w:$.])(\$?(?:r#)?[A-Za-z_]\w*(?:\s*::\s*(?:r#)?[A-Za-z_]\w*)+)")


class Crate:
    def __init__(self, name, folder):
        self.name, self.folder = name, folder
        self.sources, self.macros, self.problems = {}, {}, []
        self.root = self.load((), folder / "src" / "lib.rs", None)
        self.modules = list(self.walk(self.root))
        for module in self.modules:
            self.read_uses(module)
        self.find_edges()

    def walk(self, module):
        yield module
        for child in module.children.values():
            yield from self.walk(child)

    def load(self, path, file, parent):
        source = file.read_text()
        self.sources[file] = source
        text = without_tests(clean(source)[0])
        return self.split(path, file, text, parent, source, file.parent if file.name in ("lib.rs", "mod.rs") else file.with_suffix(""))

    def split(self, path, file, text, parent, source, folder):
        module = Module(path, file, text, parent)
        position = 0
        while m := MODULE.search(module.text, position):
            name = m.group(1)
            if m.group(2) == "{":
                end = closing(module.text, m.end() - 1)
                inner = re.sub(r"[^\n]", " ", module.text[: m.end()]) + module.text[m.end() : end - 1]
                module.children[name] = self.split((*path, name), file, inner, module, source, folder / name)
                module.text = blanked(module.text, m.start(), end)
            else:
                other = re.search(r'#\[path\s*=\s*"([^"]+)"\]\s*(?:pub\s*(?:\([^)]*\))?\s*)?$', source[: m.start()])
                options = [folder / other.group(1)] if other else [folder / f"{name}.rs", folder / name / "mod.rs"]
                found = [option for option in options if option.is_file()]
                if found:
                    module.children[name] = self.load((*path, name), found[0], module)
                else:
                    self.problem(file, m.start(), f"no file for module {name}", source)
                module.text = blanked(module.text, m.start(), m.end())
            position = m.start()
        return module

    def problem(self, file, offset, text, source=None):
        line = (source or self.sources[file]).count("\n", 0, offset) + 1
        self.problems.append((file, line, text))

    def read_uses(self, module):
        for m in USE.finditer(module.text):
            public = bool(m.group(1))
            for segments, name, offset in leaves(m.group(2), m.start(2)):
                use = Use(segments, name, offset, public)
                module.uses.append(use)
                if segments[-1] == "*":
                    module.globs.append(use)
                elif name != "_":
                    module.names[name] = use
        text = module.text
        for m in reversed(list(USE.finditer(text))):
            text = blanked(text, m.start(), m.end())
        module.body = re.sub(r"\bpub\s*\([^)]*\)", lambda m: " " * len(m.group()), text)
        depth, flat = 0, []
        for c in module.body:
            depth -= c == "}"
            flat.append(c if depth == 0 or c == "\n" else " ")
            depth += c == "{"
        for m in DEFINITION.finditer("".join(flat)):
            module.definitions.add(m.group(1))
        for m in re.finditer(r"#\[macro_export[^\]]*\]\s*(?:#\[[^\]]*\]\s*)*macro_rules!\s+(\w+)", module.body):
            self.macros[m.group(1)] = module

    def start(self, module, segments):
        """Where a path begins: a module and the segments that are left; None if it leads out of the crate."""
        first = segments[0]
        if first in ("crate", "$crate"):
            return self.root, segments[1:]
        if first == "self":
            return module, segments[1:]
        if first == "super":
            while segments and segments[0] == "super":
                module, segments = module.parent or module, segments[1:]
            return module, segments
        if first in module.children or first in module.names:
            return module, segments
        return None

    def resolve(self, module, segments, seen=()):
        """The module that defines the item at a path, and the item; no item if the path names a module."""
        begin = self.start(module, segments)
        if begin is None:
            return None
        module, segments = begin
        while segments:
            name, rest = segments[0], segments[1:]
            if name == "self":
                segments = rest
                continue
            if (module, name) in seen:
                return None
            if name in module.children and (rest or not (name in module.names or name in module.definitions)):
                module, segments = module.children[name], rest
                continue
            if name in module.names and name not in module.definitions:
                target = self.resolve(module, module.names[name].segments, (*seen, (module, name)))
                if target is None or target[1] is not None:
                    return target
                module, segments = target[0], rest
                continue
            if module is self.root and name in self.macros:
                return self.macros[name], name
            if name not in module.definitions and name != "*":
                for glob in module.globs:
                    target = self.resolve(module, glob.segments[:-1] or ["self"], (*seen, (module, name)))
                    if target and target[1] is None and target[0] is not module:
                        inner = self.resolve(target[0], ["self", name], (*seen, (module, name)))
                        if inner and (inner[1] is None or inner[1] in inner[0].definitions):
                            return inner if not rest or inner[1] else self.resolve(inner[0], ["self", *rest], seen)
            return module, name
        return module, None

    def find_edges(self):
        """self.imports: (from module, to module, item, offset, counts for cycles)."""
        self.imports = []
        for module in self.modules:
            for use in module.uses:
                target = self.resolve(module, use.segments, ((module, use.segments[0]),) if use.segments[0] == use.name and len(use.segments) == 1 else ())
                if target is None:
                    continue
                below = target[0].path[: len(module.path)] == module.path and target[0] is not module
                pure = use.public and below and (use.name == "*" or not re.search(rf"\b{re.escape(use.name)}\b", module.body))
                self.imports.append((module, target[0], target[1], use.offset, target[1] is not None and not pure))
            for m in PATH.finditer(module.body):
                segments = [part.strip().removeprefix("r#") for part in m.group(1).split("::")]
                target = self.resolve(module, segments)
                if target:
                    self.imports.append((module, target[0], target[1], m.start(), target[1] is not None))

    def check(self):
        layers = LAYERS.get(self.name)
        rank = {}
        if layers:
            for level, row in enumerate(layers):
                rank.update({name: level for name in row})
            for name, child in self.root.children.items():
                if name not in rank:
                    self.problem(child.file, 0, f"module {name} has no row in LAYERS of scripts/architecture.py")
            for name in rank:
                if name not in self.root.children:
                    self.problem(self.root.file, 0, f"LAYERS of scripts/architecture.py names a module that does not exist: {name}")
        top = len(layers or ())
        told = set()
        for source, target, item, offset, _ in self.imports:
            a, b = (source.path or ("lib.rs",))[0], (target.path or ("lib.rs",))[0]
            # Naming the crate root alone (`use crate as x`) is no import of lib.rs.
            if layers and a != b and (target.path or item) and rank.get(a, top) < rank.get(b, top):
                key = (source.file, offset)
                if key not in told:
                    told.add(key)
                    self.problem(source.file, offset, f"upward import: {a} uses {target}{'::' + item if item else ''} ({b} is a higher layer)")
        files, tops = {}, {}
        for source, target, item, offset, counts in self.imports:
            if not counts:
                continue
            line = self.sources[source.file].count("\n", 0, offset) + 1
            if source.file != target.file:
                files.setdefault(source.file, {}).setdefault(target.file, (source.file, line, f"{target}::{item}"))
            a, b = (source.path or ("lib.rs",))[0], (target.path or ("lib.rs",))[0]
            if a != b:
                tops.setdefault(a, {}).setdefault(b, (source.file, line, f"{target}::{item}"))
        reported = set()
        allowed = RECURSIVE.get(self.name, ())
        for graph, kind in ((files, "files"), (tops, "top-level modules")):
            for cycle, size, group in cycles(graph):
                if any({Path(member).stem for member in group} <= names for names in allowed):
                    continue
                steps = [graph[a][b] for a, b in zip(cycle, cycle[1:] + cycle[:1])]
                if frozenset(steps) in reported:
                    continue
                reported.add(frozenset(steps))
                for i, (file, line, path) in enumerate(steps):
                    self.problems.append((file, line, f"cycle between {kind} (group of {size}), import {i + 1} of {len(steps)}: {path}"))
        return self.problems


def leaves(tree, offset, prefix=()):
    """The leaves of a `use` tree: (segments, name in scope, offset)."""
    parts, depth, begin = [], 0, 0
    for i, c in enumerate(tree + ","):
        depth += (c == "{") - (c == "}")
        if c == "," and depth == 0:
            parts.append((begin, tree[begin:i]))
            begin = i + 1
    for begin, part in parts:
        text = part.strip()
        if not text or (not prefix and text.startswith("::")):
            continue
        at = offset + begin + len(part) - len(part.lstrip())
        if "{" in text:
            head, inner = text.split("{", 1)
            more = tuple(x.strip().removeprefix("r#") for x in head.split("::") if x.strip())
            yield from leaves(inner.rsplit("}", 1)[0], at + len(head) + 1, prefix + more)
            continue
        path, _, alias = (x.strip() for x in re.sub(r"\s+as\s+", "\0", text).partition("\0"))
        segments = [*prefix, *(x.strip().removeprefix("r#") for x in path.split("::"))]
        if segments[-1] == "self" and len(segments) > 1:
            segments.pop()
        yield segments, alias or segments[-1], at


def cycles(graph):
    """One shortest cycle of each strongly connected component, the size of that component, and its members."""
    index, low, stack, on, components, count = {}, {}, [], set(), [], 0
    for begin in sorted(graph):
        if begin in index:
            continue
        work = [(begin, iter(sorted(graph.get(begin, ()))))]
        index[begin] = low[begin] = count
        count += 1
        stack.append(begin)
        on.add(begin)
        while work:
            node, rest = work[-1]
            for other in rest:
                if other not in index:
                    index[other] = low[other] = count
                    count += 1
                    stack.append(other)
                    on.add(other)
                    work.append((other, iter(sorted(graph.get(other, ())))))
                    break
                if other in on:
                    low[node] = min(low[node], index[other])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    component = []
                    while True:
                        other = stack.pop()
                        on.discard(other)
                        component.append(other)
                        if other == node:
                            break
                    if len(component) > 1:
                        components.append(set(component))
    for component in components:
        best = None
        for begin in sorted(component):
            before, queue = {begin: None}, [begin]
            for node in queue:
                closed = begin in graph.get(node, ()) and node != begin
                if closed:
                    path = [node]
                    while before[path[-1]] is not None:
                        path.append(before[path[-1]])
                    if best is None or len(path) < len(best):
                        best = path[::-1]
                    break
                for other in sorted(graph.get(node, ())):
                    if other in component and other not in before:
                        before[other] = node
                        queue.append(other)
        yield best, len(component), component


def check_crates(root):
    """The manifests: which of our crates and of others each crate uses, and where unsafe code is ruled out."""
    problems = []
    workspace = tomllib.loads((root / "Cargo.toml").read_text())
    denied = workspace.get("workspace", {}).get("lints", {}).get("rust", {}).get("unsafe_code")
    folders = {manifest.parent.name: manifest for manifest in sorted((root / "crates").glob("*/Cargo.toml"))}
    for name in CRATES:
        if name not in folders:
            problems.append((root / "crates" / name, 0, "crate is missing"))
    for name, manifest in folders.items():
        if name not in CRATES:
            problems.append((manifest, 0, f"crate {name} has no row in CRATES of scripts/architecture.py"))
            continue
        allowed, never = CRATES[name]
        data = tomllib.loads(manifest.read_text())
        tables = [data, *data.get("target", {}).values()]
        lines = manifest.read_text().splitlines()
        for table in tables:
            for kind in ("dependencies", "build-dependencies", "dev-dependencies"):
                for key, value in table.get(kind, {}).items():
                    package = value.get("package", key) if isinstance(value, dict) else key
                    line = next((i for i, text in enumerate(lines, 1) if re.match(rf"\s*(\[.*\.)?{re.escape(key)}\b", text)), 0)
                    ours = package.startswith("swoosh")
                    if ours and package not in allowed and package != name:
                        problems.append((manifest, line, f"{name} must not depend on {package}"))
                    if package in never and kind == "dependencies":
                        problems.append((manifest, line, f"{name} must not depend on {package}"))
        rule = UNSAFE.get(name)
        lib = manifest.parent / "src" / "lib.rs"
        if not rule or not lib.is_file():
            continue
        text = clean(lib.read_text())[0]
        inherited = rule == "deny" and data.get("lints", {}).get("workspace") and denied in ("deny", "forbid")
        own = data.get("lints", {}).get("rust", {}).get("unsafe_code")
        if not (re.search(rf"#!\[(?:forbid|{rule})\(\s*unsafe_code\s*\)\]", text) or own in ("forbid", rule) or inherited):
            problems.append((lib, 1, f"#![{rule}(unsafe_code)] is missing"))
        for file in sorted((manifest.parent / "src").rglob("*.rs")):
            if file == lib and rule == "deny":
                continue
            text = clean(file.read_text())[0]
            for m in re.finditer(r"\bunsafe\s*(?:\{|fn\b|impl\b|trait\b|extern\b)|allow\(\s*unsafe_code", text):
                problems.append((file, text.count("\n", 0, m.start()) + 1, f"unsafe code in {name}"))
    return problems


def rust_files(root):
    for folder in ("crates", "benches", "fuzz"):
        for file in sorted((root / folder).rglob("*.rs")):
            if "target" not in file.relative_to(root).parts:
                yield file


def check_length(root):
    for file in rust_files(root):
        lines = file.read_text().splitlines()
        head = []
        for line in lines:
            if line.strip() and not line.startswith(("//", "#![")):
                break
            head.append(line)
        if len(lines) > MAX_LINES and not any(LENGTH_REASON.match(line) for line in head):
            yield file, 1, f"{len(lines)} lines; split it, or say why not in its head comment: //! Length: reason"


def words(identifier):
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", identifier)}


def check_names(root):
    for file in rust_files(root):
        text, _ = clean(file.read_text())
        told = set()
        for m in re.finditer(r"[A-Za-z_]\w*", text):
            name = m.group()
            if name not in told and (name in IDENTIFIERS or words(name) & WORDS):
                told.add(name)
                yield file, text.count("\n", 0, m.start()) + 1, f"identifier {name}: use the standard term"


def check_comments(root):
    found = []
    for file in rust_files(root):
        before = -1
        for line, comment in clean(file.read_text())[1]:
            text = re.sub(r"^/[/*]+!?", "", comment).strip()
            if before != line - 1 and CLAUSE.match(text):
                found.append((file, line, f"comment begins with a clause instead of a subject: {text[:60]}"))
            before = line
    return found if len(found) > MAX_CLAUSES else []


STRUCT = re.compile(r"((?:#\[[^\]]*\]\s*)*)\bpub(?:\s*\([^)]*\))?\s+struct\s+(\w+)[^;{(]*\{")
FIELD = re.compile(r"\bpub\s*(?:\(\s*crate\s*\)\s*)?(\w+)\s*:\s*([^\n]*)")


def check_fields(root):
    for file in sorted((root / "crates").glob("*/src/**/*.rs")):
        text = without_tests(clean(file.read_text())[0])
        for m in STRUCT.finditer(text):
            if "repr(C" in m.group(1):
                continue
            body = text[m.end() : closing(text, m.end() - 1)]
            for field in FIELD.finditer(body):
                if MUTABLE.search(field.group(2)):
                    line = text.count("\n", 0, m.end() + field.start()) + 1
                    yield file, line, f"field {field.group(1)} of {m.group(2)} is public and changes behind a shared reference: give the struct methods"


def check_documents(root):
    """Tables of modules are complete: lib.rs and README.md name each public module, ARCHITECTURE.md those of LAYERS."""
    architecture = root / "docs" / "ARCHITECTURE.md"
    for lib in sorted((root / "crates").glob("*/src/lib.rs")):
        source = lib.read_text()
        head = "\n".join(line for line in source.splitlines() if line.startswith("//!"))
        modules = re.findall(r"^pub mod (\w+)[;{ ]", clean(source)[0], re.M)
        name = lib.parent.parent.name
        readme = lib.parent.parent / "README.md"
        places = [(lib, head, "`{}")]
        if readme.is_file() and name in README_TABLES:
            places.append((readme, readme.read_text(), "`{}"))
        if architecture.is_file() and name in LAYERS:
            places.append((architecture, architecture.read_text(), "{}"))
        for module in modules:
            for file, text, form in places:
                if not re.search(rf"{form.format(module)}\b", text):
                    yield file, 1, f"module {module} of {name} is missing"


def load(root):
    return [Crate(lib.parent.parent.name, lib.parent.parent) for lib in sorted((root / "crates").glob("*/src/lib.rs"))]


def run(root, only):
    problems = []
    if "crates" in only:
        problems += check_crates(root)
    if "imports" in only:
        for crate in load(root):
            problems += crate.check()
    if "length" in only:
        problems += check_length(root)
    if "names" in only:
        problems += check_names(root)
    if "comments" in only:
        problems += check_comments(root)
    if "fields" in only:
        problems += check_fields(root)
    if "documents" in only:
        problems += check_documents(root)
    return problems


def show(root):
    for crate in load(root):
        print(crate.name)
        edges = {}
        for source, target, item, _, counts in crate.imports:
            if counts and source.file != target.file:
                edges.setdefault(source.file, {}).setdefault(target.file, set()).add(item)
        base = crate.folder / "src"
        for file in sorted(edges):
            print(f"  {file.relative_to(base)}")
            for other, items in sorted(edges[file].items()):
                print(f"    -> {other.relative_to(base)}: {', '.join(sorted(items))}")


ALL = ("crates", "imports", "length", "names", "comments", "fields", "documents")


def self_test(repository):
    """Each fault alone, in a tree or crate that is otherwise right, is found; the right tree passes."""
    good = {
        "Cargo.toml": '[workspace.lints.rust]\nunsafe_code = "deny"\n',
        **{f"crates/{name}/Cargo.toml": f'[package]\nname = "{name}"\n[lints]\nworkspace = true\n' for name in CRATES},
        **{f"crates/{name}/src/lib.rs": "#![forbid(unsafe_code)]\n" for name in CRATES},
        "crates/swoosh/src/lib.rs": "".join(f"//! `{name}`\n" for row in LAYERS["swoosh"] for name in row)
        + "#![forbid(unsafe_code)]\n"
        + "".join(f"pub mod {name};\n" for row in LAYERS["swoosh"] for name in row)
        + "pub use error::Error;\n",
        **{f"crates/swoosh/src/{name}.rs": "" for row in LAYERS["swoosh"] for name in row if name != "conn"},
        "crates/swoosh/src/error.rs": "pub struct Error;\n",
        "crates/swoosh/src/conn/mod.rs": "mod read;\nmod write;\npub use read::Reader;\npub struct Limits;\n",
        "crates/swoosh/src/conn/read.rs": "use crate::{error::{self, Error as E}, tls};\nuse super::Limits;\npub struct Reader(E, Limits);\n",
        "crates/swoosh/src/conn/write.rs": "use crate::conn::Reader;\n/* use crate::server::Server; */\n"
        + 'const S: &str = "crate::server::Server";\nconst C: char = \'"\';\nfn f<\'a>(_: &\'a Reader) {}\n'
        + "#[cfg(test)]\nmod tests { use crate::server::Server; }\n",
        "crates/swoosh/src/server.rs": "pub struct Server;\nfn f() { let _ = crate::Error; }\n",
        "crates/swoosh-php/src/lib.rs": "#![deny(unsafe_code)]\n" + "".join(f"mod {name};\n" for row in LAYERS["swoosh-php"] for name in row),
        **{f"crates/swoosh-php/src/{name}.rs": "" for row in LAYERS["swoosh-php"] for name in row},
    }
    cases = [
        ("nothing", {}, None),
        ("an upward import", {"crates/swoosh/src/conn/write.rs": "use crate::{error::Error, server::{Server}};\n"}, "write.rs:1: upward import: conn uses crate::server::Server"),
        ("an upward inline path", {"crates/swoosh/src/log.rs": "\nfn f() { super::server::Server::new() }\n"}, "log.rs:2: upward import: log uses crate::server::Server"),
        ("an upward import by way of a module's name", {"crates/swoosh/src/log.rs": "use crate::server as s;\n"}, "log.rs:1: upward import"),
        ("an upward import by way of a re-export", {"crates/swoosh/src/error.rs": "pub use crate::server::Server as Other;\n"}, "error.rs:1: upward import"),
        ("an import of an item of lib.rs", {"crates/swoosh/src/log.rs": "use crate::Thing;\n", "crates/swoosh/src/lib.rs": good["crates/swoosh/src/lib.rs"] + "pub struct Thing;\n"}, "log.rs:1: upward import"),
        ("an upward import in the extension", {"crates/swoosh-php/src/runtime.rs": "use crate::coroutine::Id;\n"}, "runtime.rs:1: upward import"),
        (
            "a cycle of siblings",
            {"crates/swoosh/src/conn/read.rs": "use super::write::Writer;\npub struct Reader;\n", "crates/swoosh/src/conn/write.rs": "use super::Reader;\npub struct Writer;\n"},
            "read.rs:1: cycle between files",
        ),
        (
            "a cycle of parent and child",
            {"crates/swoosh/src/conn/mod.rs": "mod read;\nuse read::Reader;\npub struct Limits(Reader);\n"},
            "conn/mod.rs:2: cycle between files",
        ),
        (
            "a cycle by a re-export that its file uses",
            {"crates/swoosh/src/conn/mod.rs": "mod read;\npub use read::Reader;\npub struct Limits(Reader);\n"},
            "conn/mod.rs:2: cycle between files",
        ),
        (
            "a cycle of top-level modules of one row",
            {"crates/swoosh/src/http.rs": "use crate::pool::P;\npub struct H;\n", "crates/swoosh/src/pool.rs": "pub mod a;\npub struct P;\n", "crates/swoosh/src/pool/a.rs": "use crate::http::H;\n"},
            "cycle between top-level modules (group of 2)",
        ),
        ("a module without a row", {"crates/swoosh/src/lib.rs": good["crates/swoosh/src/lib.rs"] + "mod extra;\n", "crates/swoosh/src/extra.rs": ""}, "module extra has no row"),
        ("a dependency upwards", {"crates/swoosh/Cargo.toml": '[dependencies]\nswoosh-zend = { path = "../swoosh-zend" }\n'}, "swoosh must not depend on swoosh-zend"),
        ("a runtime below the protocols", {"crates/swoosh-proto/Cargo.toml": '[dependencies]\ntokio = "1"\n'}, "swoosh-proto must not depend on tokio"),
        ("unsafe code not ruled out", {"crates/swoosh-proto/src/lib.rs": ""}, "lib.rs:1: #![forbid(unsafe_code)] is missing"),
        ("unsafe code in the extension", {"crates/swoosh-php/src/api.rs": "#[allow(unsafe_code)]\nfn f() { unsafe { g() } }\n"}, "api.rs:1: unsafe code in swoosh-php"),
        ("a long file", {"crates/swoosh-os/src/lib.rs": "//! Calls.\n" + "const A: u8 = 0;\n" * MAX_LINES}, "lib.rs:1: 501 lines"),
        ("a long file with its reason", {"crates/swoosh-os/src/lib.rs": "//! Calls.\n//! Length: one table.\n" + "\n" * MAX_LINES}, None),
        ("a replaced name", {"crates/swoosh-os/src/lib.rs": "// heritage\npub struct HeritageRow;\n"}, "lib.rs:2: identifier HeritageRow"),
        ("a module that no table names", {"crates/swoosh-os/src/lib.rs": "//! Calls.\npub mod socket;\n", "crates/swoosh-os/src/socket.rs": ""}, "lib.rs:1: module socket of swoosh-os is missing"),
        ("a public cell", {"crates/swoosh/src/error.rs": "pub struct Error {\n    pub code: Cell<u8>,\n}\n"}, "error.rs:2: field code of Error"),
        ("a row in shared memory", {"crates/swoosh/src/error.rs": "#[repr(C)]\npub struct Error {\n    pub code: AtomicU8,\n}\n"}, None),
        ("comments that begin with clauses", {"crates/swoosh-os/src/lib.rs": "/// What is sent.\nfn f() {}\n" * (MAX_CLAUSES + 1)}, "lib.rs:1: comment begins"),
    ]
    failed = 0
    for title, changes, expected in cases:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            for name, text in {**good, **changes}.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text)
            found = [f"{file.relative_to(root)}:{line}: {text}" for file, line, text in run(root, ALL)]
        right = not found if expected is None else any(expected in line for line in found)
        if not right:
            failed += 1
            print(f"self-test: {title}: expected {expected or 'no problem'}, found {found}")
    of_crates = list(crate_cases(repository))
    for title, right in of_crates:
        if not right:
            failed += 1
            print(f"self-test: {title} is not found")
    count = len(cases) + len(of_crates)
    print(f"architecture self-test: {count - failed} of {count} cases right")
    return 1 if failed else 0


def crate_cases(repository):
    """Puts faults into a copy of each crate of the repository: yields (fault, whether the check found it)."""
    with tempfile.TemporaryDirectory() as folder:
        for name in CRATES:
            copy = Path(folder) / "crates" / name
            shutil.copytree(repository / "crates" / name / "src", copy / "src")
            shutil.copy(repository / "crates" / name / "Cargo.toml", copy)
        shutil.copy(repository / "Cargo.toml", folder)
        for name, (allowed, _) in CRATES.items():
            crate = Crate(name, Path(folder) / "crates" / name)

            recursive = {stem for names in RECURSIVE.get(name, ()) for stem in names}
            source, target = next(
                (source, target)
                for source, target, _, _, counts in crate.imports
                if counts and source.path and target.path and source.file != target.file and source.definitions and source.file.stem not in recursive
            )
            path = "::".join(("crate", *source.path, min(source.definitions)))
            faults = [(target.file, f"\nuse {path} as Fault;\n", f"a cycle in {name}", "cycle between files")]
            if layers := LAYERS.get(name):
                low, high = (crate.root.children[row[0]] for row in (layers[0], layers[-1]))
                faults.append((low.file, f"\nuse crate::{high.path[0]};\n", f"an upward import in {name}", f"upward import: {low.path[0]} uses crate::{high.path[0]}"))
            before = {file: file.read_text() for file, _, _, _ in faults}
            for file, line, _, _ in faults:
                file.write_text(file.read_text() + line)
            problems = [text for _, _, text in Crate(name, crate.folder).check()]
            for file, text in before.items():
                file.write_text(text)
            for _, _, title, problem in faults:
                yield title, any(problem in text for text in problems)
            for other in CRATES:
                if other != name and other not in allowed:
                    manifest = crate.folder / "Cargo.toml"
                    before = manifest.read_text()
                    manifest.write_text(f"{before}\n[target.fault.dependencies]\n{other} = \"*\"\n")
                    problems = check_crates(Path(folder))
                    manifest.write_text(before)
                    yield f"a dependency of {name} on {other}", any(f"{name} must not depend on {other}" in text for _, _, text in problems)


def main():
    parser = argparse.ArgumentParser(description="Checks layers, cycles, unsafe code, file lengths, names and fields.")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    parser.add_argument("--only", default=",".join(ALL))
    arguments = parser.parse_args()
    if arguments.self_test:
        return self_test(arguments.root)
    if arguments.list:
        show(arguments.root)
        return 0
    problems = run(arguments.root, arguments.only.split(","))
    for file, line, text in problems:
        print(f"{file.relative_to(arguments.root)}:{line}: {text}")
    print(f"architecture: {len(problems)} problems" if problems else "architecture: no problem")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
