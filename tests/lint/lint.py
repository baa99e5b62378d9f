# SPDX-License-Identifier: BSD-3-Clause
"""What the checks in this folder share: the tree, C without its comments, and
the verdict in TAP.  A check collects problems, each with a place and with what
to do instead, and ends with done().  It looks at $SRCDIR (else at the tree it
stands in) and at the build in $BUILDDIR.  No neighbour: it imports nothing of
ours.
"""
import fnmatch
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(os.environ.get("SRCDIR") or os.path.join(HERE, "..", ".."))
BUILD = os.path.abspath(os.environ.get("BUILDDIR") or os.path.join(ROOT, "build"))
NAME = os.path.basename(sys.argv[0])
TOPS = ("gateway", "translators", "protocols", "plugins", "tests")

problems = []


def problem(place, what):
    problems.append("%s: %s" % (place, what))


def done(about):
    """Print the verdict as one TAP case and end."""
    for line in problems:
        print("# " + line)
    print("%sok 1 - %s" % ("not " if problems else "", about))
    print("1..1")
    sys.exit(1 if problems else 0)


def skip(reason):
    print("1..0 # SKIP " + reason)
    sys.exit(0)


def files(*ends, tops=TOPS):
    """Every file of ours with one of these endings, as a path from the top."""
    found = []
    for top in tops:
        for folder, folders, names in os.walk(os.path.join(ROOT, top)):
            folders[:] = sorted(f for f in folders if not f.startswith((".", "__")))
            for name in sorted(names):
                if name.endswith(ends) and not name.startswith("."):
                    found.append(os.path.relpath(os.path.join(folder, name), ROOT))
    return found


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read()


def rows(name):
    """The rows of a table in tests/lint of the tree: words, # to the end of line."""
    path = os.path.join("tests", "lint", name)
    for number, line in enumerate(read(path).splitlines(), 1):
        words = line.split("#")[0].split()
        if words:
            yield "%s:%d" % (path, number), words


def matches(path, patterns):
    return any(fnmatch.fnmatchcase(path, p) for p in patterns)


TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def bare(text):
    """C without comments and without the insides of strings; lines stay lines."""
    def blank(m):
        t = m.group(0)
        if t[0] in "\"'":
            return t[0] + t[0]
        return " " + "\n" * t.count("\n")
    return TOKEN.sub(blank, text)


def lines(text):
    return enumerate(text.split("\n"), 1)


INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def includes(path):
    """(line, '<' or '"', name) for each include of the file."""
    for number, line in lines(read(path)):
        m = INCLUDE.match(line)
        if m:
            yield number, m.group(1), m.group(2)


def run(argv, text=None):
    """(exit status, output) of a program, run in /; both streams together."""
    p = subprocess.run(argv, input=text, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       universal_newlines=True, check=False)
    return p.returncode, p.stdout


def layer(folder, table):
    """The grants of a folder: the last row of layers.txt that matches it."""
    found = None
    for pattern, grants in table:
        if fnmatch.fnmatchcase(folder, pattern):
            found = grants
    return found


def layers():
    return [(words[0], words[1:]) for _, words in rows("layers.txt")]


def libraries():
    """{folder: path of its convenience library} in the build, where built."""
    found = {}
    for top in TOPS[:-1]:
        for folder, folders, names in os.walk(os.path.join(BUILD, top)):
            folders[:] = [f for f in folders if not f.startswith(".")]
            for name in names:
                if name.startswith("lib") and name.endswith(".a"):
                    found[os.path.relpath(folder, BUILD)] = os.path.join(folder, name)
    return found
