#!/usr/bin/env python3
"""Checks the documents: every relative link leads to a file, every fragment to a heading, every file that the book includes
is there, every chapter is in its summary, and no link of the book leads out of it. Links to other sites are not followed.
Needs Python 3 and nothing else.

    scripts/links.py             check README.md and the like, docs/, kit/ and .github/
    scripts/links.py --self-test check that a broken link, fragment and summary are found
"""

import re
import sys
import tempfile
from pathlib import Path
from urllib.parse import unquote

FENCE = re.compile(r"^(```|~~~).*?^\1\s*$", re.M | re.S)
CODE = re.compile(r"(`+)(?!`).*?\1", re.S)
LINK = re.compile(r"\[(?:[^\]\[]|\[[^\]]*\])*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
REFERENCE = re.compile(r"^\[[^\]]+\]:\s*(\S+)", re.M)
INCLUDE = re.compile(r"\{\{#include\s+([^}\s:]+)")
HTML = re.compile(r"<(?:img|a)\s[^>]*?(?:src|href)=\"([^\"]+)\"")


def blank(match):
    return re.sub(r"[^\n]", " ", match.group())


def anchors(text):
    """The fragments that GitHub and mdBook give to the headings of a document."""
    found, seen = set(re.findall(r"\b(?:id|name)=\"([^\"]+)\"", text)), {}
    for title in re.findall(r"^#{1,6}\s+(.*?)\s*#*$", FENCE.sub(blank, text), re.M):
        title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).replace("`", "").lower()
        slug = re.sub(r"[^\w\- ]", "", title).strip().replace(" ", "-")
        count = seen.get(slug, 0)
        seen[slug] = count + 1
        found.add(f"{slug}-{count}" if count else slug)
    return found


def documents(root):
    yield from sorted(root.glob("*.md"))
    for folder in ("docs", ".github", "kit"):
        yield from sorted((root / folder).rglob("*.md"))


def book_of(file):
    """The sources of the book that a chapter belongs to."""
    return next((folder for folder in file.parents if (folder / "SUMMARY.md").is_file()), None)


def check(root):
    problems, links = [], 0
    for file in documents(root):
        for m in INCLUDE.finditer(file.read_text()):
            links += 1
            if not (file.parent / m.group(1)).is_file():
                line = file.read_text().count("\n", 0, m.start()) + 1
                problems.append(f"{file.relative_to(root)}:{line}: no such file: {m.group(1)}")
        text = CODE.sub(blank, FENCE.sub(blank, file.read_text()))
        for m in [*LINK.finditer(text), *REFERENCE.finditer(text), *HTML.finditer(text)]:
            target, _, fragment = m.group(1).partition("#")
            if re.match(r"[a-z][a-z0-9+.-]*:", target):
                continue
            links += 1
            line = text.count("\n", 0, m.start()) + 1
            path = (file.parent / unquote(target)).resolve() if target else file
            if not path.exists():
                problems.append(f"{file.relative_to(root)}:{line}: no such file: {target}")
            elif not path.is_relative_to(root):
                problems.append(f"{file.relative_to(root)}:{line}: leads out of the repository: {target}")
            elif (book := book_of(file)) and not path.is_relative_to(book):
                problems.append(f"{file.relative_to(root)}:{line}: leads out of the book, which is published alone: {target}")
            elif fragment and path.suffix == ".md" and fragment not in anchors(path.read_text()):
                problems.append(f"{file.relative_to(root)}:{line}: no such heading: {target}#{fragment}")
    for summary in sorted((root / "docs").rglob("SUMMARY.md")):
        listed = {(summary.parent / m.group(1)).resolve() for m in LINK.finditer(summary.read_text())}
        for chapter in sorted(summary.parent.rglob("*.md")):
            if chapter != summary and chapter.resolve() not in listed:
                problems.append(f"{chapter.relative_to(root)}:1: not in {summary.relative_to(root)}")
    return problems, links


def self_test():
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        (root / "docs/book/src").mkdir(parents=True)
        (root / "README.md").write_text("# A b\n[x](docs/a.md#the-end) `[no](link)` [y](#a-b) [z](https://a.test/)\n```\n[no](code)\n```\n")
        (root / "docs/a.md").write_text("## The `end`\n")
        (root / "docs/book/src/SUMMARY.md").write_text("- [One](one.md)\n")
        (root / "docs/book/src/one.md").write_text("![picture](one.svg)\n")
        (root / "docs/book/src/one.svg").write_text("")
        right = check(root) == ([], 4)
        (root / "README.md").write_text("[x](docs/none.md) [y](docs/a.md#none) [z](../../..)\n")
        (root / "docs/book/src/two.md").write_text("[x](../../a.md)\n```\n{{#include none.rs}}\n```\n")
        found = "\n".join(check(root)[0])
    wanted = ["README.md:1: no such file: docs/none.md", "README.md:1: no such heading", "out of the repository", "two.md:1: not in docs/book", "two.md:1: leads out of the book", "two.md:3: no such file: none.rs"]
    failed = [text for text in wanted if text not in found] + ([] if right else ["the right tree passes"])
    print(f"links self-test: {'failed: ' + ', '.join(failed) if failed else 'right'}")
    return 1 if failed else 0


if __name__ == "__main__":
    if sys.argv[1:] == ["--self-test"]:
        sys.exit(self_test())
    problems, links = check(Path(__file__).resolve().parent.parent)
    print("\n".join([*problems, f"links: {links} relative links, {len(problems)} broken"]))
    sys.exit(1 if problems else 0)
