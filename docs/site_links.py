"""A hook of MkDocs: pages above docs/ join the site, and links that leave docs/ lead to the repository.

Names that docstrings refer to (``:meth:`Blackbox.seeds```) are shown as names, without the role before them.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parent.parent
JOINED = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
}
ROLE = re.compile(r":(?:attr|class|func|meth|mod|data|exc):<code>~?")
LINK = re.compile(r"(\]\()(?!\w+:|#)([^)#\s]+)((?:#[^)]*)?\))")


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that lie above docs/."""
    for source, page in JOINED.items():
        content = _linked((ROOT / source).read_text(encoding="utf-8"), "", config.repo_url)
        files.append(File.generated(config, page, content=content))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Rewrite the links of a page of docs/; those of the pages above it are rewritten already."""
    if page.file.src_uri in JOINED.values():
        return markdown
    return _linked(markdown, posixpath.join("docs", posixpath.dirname(page.file.src_uri)), config.repo_url)


def on_page_content(html: str, page: Any, config: Any, files: Any) -> str:
    """Drop the roles."""
    del page, config, files
    return ROLE.sub("<code>", html)


def _linked(markdown: str, folder: str, repository: str) -> str:
    """Links from a page in a folder of the checkout, as the site has them."""

    def link(found: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, found[2]))
        if target in JOINED:
            inside = JOINED[target]
        elif target.startswith("docs/") and target.endswith(".md"):
            inside = target.removeprefix("docs/")
        else:
            kind = "tree" if (ROOT / target).is_dir() else "blob"
            return f"{found[1]}{repository}/{kind}/main/{target}{found[3]}"
        here = folder.removeprefix("docs").strip("/") or "."
        return f"{found[1]}{posixpath.relpath(inside, here)}{found[3]}"

    return LINK.sub(link, markdown)
