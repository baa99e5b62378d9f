# SPDX-License-Identifier: BSD-3-Clause
"""Do the documents tell the truth?  Options and verbs of the man pages against
the programs' own rows, both ways; mandoc's lint; paths that the documents name
against the tree.  Runs alone with SRCDIR and BUILDDIR set.
"""
import os
import re
import shutil
import subprocess
import sys

SRC = os.environ["SRCDIR"]
BUILD = os.environ["BUILDDIR"]
SLUICED = os.path.join(BUILD, "gateway", "daemon", "sluiced")
SLUICE = os.path.join(BUILD, "gateway", "cli", "sluice")
ENDINGS = ("c", "h", "tbl", "py", "sh", "mk", "txt", "md", "8")
case = 0
failed = False


def verdict(problems, what):
    global case, failed
    case += 1
    for line in problems:
        print("# " + line)
    failed = failed or bool(problems)
    print("%sok %d - %s" % ("not " if problems else "", case, what))


def read(path):
    with open(os.path.join(SRC, path), encoding="utf-8") as f:
        return f.read()


def rows(program, *words):
    """What a program says of its own rows: lists of columns."""
    text = subprocess.run([program, *words], stdout=subprocess.PIPE, check=True).stdout.decode()
    return [line.split("\t") for line in text.splitlines()]


# --- man pages -------------------------------------------------------------------

def plain(words):
    """The text of mdoc words: "Cm uring Ns | Ns Cm aio" is "uring|aio"."""
    return "".join(w for w in words.split() if w not in ("Ar", "Cm", "Ns"))


def page_options(page):
    """name -> argument ("-" for none) of every .It Fl -name in a page."""
    return {m.group(1): plain(m.group(2)) or "-"
            for m in re.finditer(r"^\.It Fl -(\S+)(.*)$", read(page), re.M)}


def page_verbs(page):
    section = re.search(r"^\.Ss Verbs$(.*?)^\.S[sh] ", read(page), re.M | re.S)
    return set(re.findall(r"^\.It Cm (\S+)$", section.group(1), re.M))


def compare(page, there, known, what):
    problems = ["%s: it says nothing of %s %s" % (page, what, name)
                for name in sorted(set(known) - set(there))]
    problems += ["%s: %s %s is in no table" % (page, what, name)
                 for name in sorted(set(there) - set(known))]
    problems += ["%s: %s %s has the argument %s there, %s in its row"
                 % (page, what, name, there[name], known[name])
                 for name in sorted(set(there) & set(known)) if there[name] != known[name]]
    return problems


def check_daemon():
    known = {row[1]: row[2] for row in rows(SLUICED, "serve", "--options")}
    there = page_options("man/sluiced.8")
    verdict(compare("man/sluiced.8", there, known, "option"),
            "sluiced(8) has every option of serve, and no other (%d)" % len(known))


def check_client():
    all_rows = rows(SLUICE, "--options")
    known = {row[1]: row[2] for row in all_rows if row[0] == "option"}
    verdict(compare("man/sluice.8", page_options("man/sluice.8"), known, "option"),
            "sluice(8) has every option of the client, and no other (%d)" % len(known))
    known = {row[1]: "" for row in all_rows if row[0] == "verb"}
    there = {name: "" for name in page_verbs("man/sluice.8")}
    verdict(compare("man/sluice.8", there, known, "verb"),
            "sluice(8) has every verb, and no other (%d)" % len(known))


def pages():
    return sorted(f for f in os.listdir(os.path.join(SRC, "man")) if re.fullmatch(r".+\.[1-9]", f))


def check_listed():
    listed = re.findall(r"%reldir%/(\S+)", read("man/folder.mk"))
    verdict(["man/folder.mk: %s is not in the tarball" % p for p in pages() if p not in listed],
            "every page in man/ is installed")


def check_width():
    problems = ["man/%s:%d: %d columns" % (p, i + 1, len(line)) for p in pages()
                for i, line in enumerate(read("man/" + p).splitlines()) if len(line) > 80]
    verdict(problems, "no line of a page is longer than 80 columns")


def check_protocols():
    """Whose the options of serve are, beside the daemon's own."""
    fronts = sorted({row[0] for row in rows(SLUICED, "serve", "--options")} - {"sluiced"})
    problems = [] if fronts else ["sluiced: no protocol"]
    problems += ["%s: there is no man/sluice-%s.7" % (f, f) for f in fronts
                 if "sluice-%s.7" % f not in pages()]
    verdict(problems, "every protocol has its page (%s)" % ", ".join(fronts))


def check_lint():
    """Pages of other packages need not be installed here."""
    global case
    what = "mandoc finds nothing to say"
    if not shutil.which("mandoc"):
        case += 1
        print("ok %d - %s # SKIP mandoc is not installed" % (case, what))
        return
    problems = []
    for page in pages():
        said = subprocess.run(["mandoc", "-Tlint", os.path.join(SRC, "man", page)],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode()
        problems += [line for line in said.splitlines()
                     if "referenced manual not found" not in line]
    verdict(problems, what)


# --- documents at the root ---------------------------------------------------------

def exists(path):
    return os.path.exists(os.path.join(SRC, path))


def base_names():
    found = set()
    for _, folders, names in os.walk(SRC):
        folders[:] = [f for f in folders if not f.startswith((".", "build"))]
        found.update(names)
    return found


def missing_of_row(row, names):
    """Paths between backquotes; a bare file name may stand anywhere in the tree."""
    for word in re.findall(r"`([^`\s]+)`", row):
        if "/" in word and not exists(word):
            yield word
        elif "/" not in word and word.rpartition(".")[2] in ENDINGS and word not in names:
            yield word


def check_index():
    problems, count, names = [], 0, base_names()
    for line in read("ARCHITECTURE.md").splitlines():
        if line.startswith("|") and "`" in line:
            count += 1
            problems += ["ARCHITECTURE.md: there is no %s" % p for p in missing_of_row(line, names)]
    if count < 10:
        problems.append("ARCHITECTURE.md: its tables of files are gone")
    verdict(problems, "every path in ARCHITECTURE.md's tables exists (%d rows)" % count)


def check_links():
    problems = []
    for document in ("README.md", "ARCHITECTURE.md", "HACKING.md", "SECURITY.md"):
        text = read(document)
        named = re.findall(r"\]\(([^)#:]+)\)", text)
        named += re.findall(r"`((?:gateway|protocols|translators|plugins|tests|man|etc)/[^`\s*<]*)`",
                            text)
        problems += ["%s: there is no %s" % (document, p) for p in named if not exists(p)]
    verdict(problems, "every path that the documents name exists")


if not (os.access(SLUICED, os.X_OK) and os.access(SLUICE, os.X_OK)):
    print("1..0 # SKIP the programs are not built")
    sys.exit(0)
check_daemon()
check_client()
check_listed()
check_width()
check_protocols()
check_lint()
check_index()
check_links()
print("1..%d" % case)
sys.exit(failed)
