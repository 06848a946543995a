"""ES modules and style sheets of the page's components by purpose, served as they are, without a build step."""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
FILES = {
    path.relative_to(HERE).as_posix(): path for path in sorted(HERE.rglob("*.*")) if path.suffix in (".css", ".js")
}
PLOTLY = f"live/plotly-{version('plotly')}.min.js"  # address of Plotly's own script
VERSION = hashlib.sha256(b"".join(name.encode() + path.read_bytes() for name, path in FILES.items())).hexdigest()[:12]
_IMPORT = re.compile(r"^(?:import|export) .*? from '(\.[^']+)';$", re.MULTILINE | re.DOTALL)
_DYNAMIC_IMPORT = re.compile(r"\bimport\('(\.[^']+)'\)\.then")  # comments have imports of types, without `.then`

# What a component needs at once is requested together: following their imports would cost one round trip per level.
_SERVED = """
export default async function (component) {
  const folder = new URL('live/%s/', document.baseURI).href;
  const [entry] = await Promise.all(%s.map(name => import(folder + name)));
  return entry.default(component);
}
"""
_INLINE = """
const sources = %s;
const addresses = {};
const relative = /( from |import[(])'([.][^']+)'(?=;|[)][.]then)/g;
const address = name => {
  const absolute = (_, before, path) => `${before}'${address(new URL(path, `http://x/${name}`).pathname.slice(1))}'`;
  const text = () => sources[name].replace(relative, absolute);
  return addresses[name] ??= URL.createObjectURL(new Blob([text()], { type: 'text/javascript' }));
};
export default async function (component) {
  const entry = await import(address('%s'));
  return entry.default(component);
}
"""


def script(entry: str, served: bool) -> str:
    """JavaScript of a Streamlit component that calls the default export of the module `entry`.

    served: whether the server answers for FILES; otherwise the script contains their text.
    """
    if served:
        return _SERVED % (VERSION, json.dumps(modules(entry)))
    sources = {name: FILES[name].read_text(encoding="utf-8") for name in modules(entry, dynamic=True)}
    return _INLINE % (json.dumps(sources), entry)


def styles(*names: str) -> str:
    """The text of some style sheets."""
    return "\n".join(FILES[name].read_text(encoding="utf-8") for name in names)


@lru_cache(maxsize=8)
def modules(entry: str, dynamic: bool = False) -> list[str]:
    """The module and all that it imports, itself first.

    dynamic: also what they import only while they run.
    """
    names = [entry]
    for name in names:  # grows during the loop
        folder = posixpath.dirname(name)
        text = FILES[name].read_text(encoding="utf-8")
        paths = _IMPORT.findall(text) + (_DYNAMIC_IMPORT.findall(text) if dynamic else [])
        found = (posixpath.normpath(posixpath.join(folder, path)) for path in paths)
        names += [other for other in dict.fromkeys(found) if other not in names]
    return names
