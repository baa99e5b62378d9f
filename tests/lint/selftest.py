# SPDX-License-Identifier: BSD-3-Clause
"""Who checks the checks: each is fed a small clean tree and must be content,
then the same tree with one violation planted, and must fire and name it.
"""
import os
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
CC = (os.environ.get("CC") or "cc").split()

HEAD = ("/* SPDX-License-Identifier: BSD-3-Clause */\n/*\n * One line of prose.\n"
        " * Another one.\n * The third.\n */\n")
GUARD = "#ifndef %s\n#define %s\n\n%s\n\n#endif\n"


def header(word, body):
    return HEAD + GUARD % (word, word, body)


def source(own, body):
    return HEAD + '#include "config.h"\n\n#include "%s"\n\n%s' % (own, body)


CLEAN = {
    "gateway/base/num.h": header("NUM_H", "int num_one(void);"),
    "gateway/base/num.c": source("gateway/base/num.h",
                                 "int num_one(void)\n{\n\treturn 1;\n}\n"),
    "gateway/loop/loop.h": header("LOOP_H", "int loop_two(void);"),
    "gateway/loop/loop.c": source("gateway/loop/loop.h",
                                  '#include "gateway/base/num.h"\n\n'
                                  "int loop_two(void)\n{\n\treturn num_one() + 1;\n}\n"),
    "translators/nbd/nbdx.h": header("NBDX_H", "int nbdx_three(void);"),
    "translators/nbd/nbdx.c": source("translators/nbd/nbdx.h",
                                     '#include "gateway/base/num.h"\n\n'
                                     "int nbdx_three(void)\n{\n\treturn num_one() + 2;\n}\n"),
}


def planted(name, after, text):
    """The clean file NAME with TEXT after (or, where AFTER is None, at the end)."""
    old = CLEAN[name]
    return {name: old + text if after is None else old.replace(after, after + text, 1)}


INC_NUM = '#include "gateway/base/num.h"\n'
CALL = "\nint %s(void);\nint %s(void)\n{\n\treturn %s;\n}\n"
LOOP, NBDX = "gateway/loop/loop.c", "translators/nbd/nbdx.c"
NUM, NUM_H = "gateway/base/num.c", "gateway/base/num.h"

# check, what is planted, a word that must be in its message
PLANTS = [
    ("check-layers", planted(NUM_H, "NUM_H\n\n",
                             '#include "gateway/loop/loop.h"\n'), "may not include"),
    ("check-layers", planted(LOOP, INC_NUM, '#include "../loop/loop.h"\n'), "without \"..\""),
    ("check-layers", planted(LOOP, INC_NUM, '#include "loop.h"\n'), "no such file"),
    ("check-layers", {**planted("gateway/loop/loop.h", "LOOP_H\n\n",
                                '#include "gateway/loop/a.h"\n'),
                      "gateway/loop/a.h": header("A_H", '#include "gateway/loop/loop.h"')},
     "a circle"),
    ("check-layers", {**planted("gateway/loop/loop.h", "LOOP_H\n\n",
                                '#include "gateway/loop/a.tbl"\n'),
                      "gateway/loop/a.tbl": HEAD + '#include "gateway/loop/loop.h"\n'},
     "a circle"),
    ("check-layers", planted("gateway/loop/loop.h", "LOOP_H\n\n", '#include "config.h"\n'),
     "config.h belongs"),
    ("check-headers", planted(NUM_H, "NUM_H\n\n", "uint32_t num_wide(void);\n"),
     "does not compile alone"),
    ("check-links", planted(NUM, None, "\nint loop_two(void);\n" +
                            CALL % ("num_up", "num_up", "loop_two()")), "refers to loop_two"),
    ("check-prefix", planted(NUM, None, CALL % ("one", "one", "1")), "one is external"),
    ("check-prefix", planted(LOOP, None, "\nint epoll_wait(void);\n" +
                             CALL % ("loop_io", "loop_io", "epoll_wait()")), "calls epoll_wait"),
    ("check-foreign", planted(NUM, '"config.h"\n', "#include <jansson.h>\n"), "not for this file"),
    ("check-foreign", planted(NUM, '"config.h"\n', "#include <mystery.h>\n"), "has no row"),
    ("check-length", planted(NUM, None, "/* more */\n" * 800), "second subject"),
    ("check-length", planted(NUM, None, "\nstatic int num_long(int a,\n\t\t\tint b)\n{\n" +
                             "\ta += b;\n" * 60 + "\treturn a;\n}\n"), "num_long() has 63 lines"),
    ("check-length", {"tests/lint/long-functions.txt": "a/b.c:gone somebody reasons\n"},
     "take the row away"),
    ("check-forbidden", planted(NUM, None, "/* strcpy( */\nvoid f(void)\n{\n\tstrcpy(a, b);\n}\n"),
     "str.h"),
    ("check-forbidden", planted(NBDX, None, "void f(void)\n{\n\tp = malloc(5);\n}\n"), "pools"),
    ("check-forbidden", planted(LOOP, None, "void f(void)\n{\n\tread(1, b, 5);\n}\n"),
     "only door to the kernel"),
    ("check-forbidden", planted(LOOP, None, "static __thread int t;\n"), "loop's object"),
    ("check-forbidden", planted(LOOP, None, "void f(void)\n{\n\tsleep(1);\n}\n"), "never waits"),
    ("check-numbers", planted(LOOP, None, "int e = NBD_EPERM;\n"), "nbdx.c"),
    ("check-numbers", planted(NBDX, None, "int e = htobe32(5);\n"), "bytes.h"),
    ("check-numbers", planted(LOOP, None, "int k = SCSI_KEY_NO_SENSE;\n"), "scsi_sense.tbl"),
    ("check-numbers", planted(LOOP, None, "int a = ATA_ERROR_ABRT;\n"), "ata_dispatch.c"),
    ("check-heads", {NUM_H: CLEAN[NUM_H].replace(" * Another one.\n * The third.\n", "")},
     "lines of prose"),
    ("check-heads", {NUM: CLEAN[NUM].replace("SPDX", "SPXD")}, "licence is missing"),
    ("check-heads", {NUM: CLEAN[NUM].replace(" * Another one.\n", " * More.\n" * 13)},
     "15 lines of prose"),
    ("check-format", planted(NUM, None, "/* " + "x" * 100 + " */\n"), "106 columns"),
    ("check-format", planted(NUM, None, "int x; \n"), "blanks at the end"),
    ("check-format", planted(NUM, None, "        int x;\n"), "indent with tabs"),
    ("check-dist", {"gateway/base/lost.c": HEAD}, "not in the tarball"),
]
if shutil.which("clang-format"):
    PLANTS.append(("check-format", planted(NUM, None, "int  x ;\n"), "make format"))

# What must pass although it looks like a violation.
FINE = [
    ("check-forbidden", planted(LOOP, None,
                                "int f(void)\n{\n\treturn o->read(1) + s.open(2);\n}\n")),
    ("check-forbidden", planted(NBDX, None,
                                "void f(void)\n{\n\tp = malloc(5); /* allowed: set-up */\n}\n")),
    ("check-forbidden", planted(LOOP, None, 'char *f = "read(2) system(3)";\n')),
]


class Tree:
    """A tree in a folder of its own, its build, and a git that knows it."""

    def __init__(self, top, changes):
        self.root, self.build = os.path.join(top, "src"), os.path.join(top, "build")
        for name in os.listdir(HERE):
            if name.endswith(".txt"):
                self.write("tests/lint/" + name, open(os.path.join(HERE, name),
                                                      encoding="utf-8").read())
        self.write("tests/lint/long-functions.txt", "")
        shutil.copy(os.path.join(HERE, "..", "..", ".clang-format"), self.root)
        for name, text in {**CLEAN, **changes}.items():
            self.write(name, text)
        os.makedirs(self.build)
        open(os.path.join(self.build, "config.h"), "w").close()

    def write(self, name, text):
        path = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)

    def compile(self):
        """One library for each folder that has .c files, named as ours are."""
        for folder, _, names in os.walk(self.root):
            objects = []
            out = os.path.join(self.build, os.path.relpath(folder, self.root))
            for name in (n for n in names if n.endswith(".c")):
                os.makedirs(out, exist_ok=True)
                objects.append(os.path.join(out, name[:-2] + ".o"))
                subprocess.run(CC + ["-w", "-I", self.root, "-I", self.build, "-c", "-o",
                                     objects[-1], os.path.join(folder, name)], check=True)
            if objects:
                subprocess.run(["ar", "cr", os.path.join(out, "libx.a")] + objects, check=True)

    def track(self):
        """Git knows all; the tarball holds all but gateway/base/lost.c."""
        git = ["git", "-C", self.root]
        subprocess.run(git + ["init", "-q"], check=True)
        subprocess.run(git + ["add", "-A"], check=True)
        listed = subprocess.run(git + ["ls-files"], check=True, stdout=subprocess.PIPE,
                                universal_newlines=True).stdout.split()
        with open(os.path.join(self.build, "Makefile"), "w", encoding="utf-8") as f:
            f.write("print-dist:\n\t@echo %s\n"
                    % " ".join(n for n in listed if "lost" not in n))

    def check(self, name):
        env = {**os.environ, "SRCDIR": self.root, "BUILDDIR": self.build, "LINT_LIBS": "",
               "LINT_CFLAGS": "-std=gnu11"}
        p = subprocess.run([sys.executable, os.path.join(HERE, name)], env=env,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           universal_newlines=True, check=False)
        return p.returncode, p.stdout


def verdict(name, changes):
    with tempfile.TemporaryDirectory() as top:
        tree = Tree(top, changes)
        if name in ("check-links", "check-prefix"):
            tree.compile()
        if name == "check-dist":
            if not shutil.which("git"):
                return None, "git is not installed"
            tree.track()
        return tree.check(name)


def main():
    count = failed = 0

    def tell(good, what, output):
        nonlocal count, failed
        count += 1
        failed += not good
        if not good:
            print("".join("# %s\n" % l for l in output.splitlines()), end="")
        print("%sok %d - %s" % ("" if good else "not ", count, what))

    for name in sorted({p[0] for p in PLANTS}):
        status, output = verdict(name, {})
        tell(status in (0, None), "%s is content with a clean tree" % name, output)
    for name, changes, word in PLANTS:
        status, output = verdict(name, changes)
        if status is None:
            count += 1
            print("ok %d - %s # SKIP %s" % (count, name, output))
            continue
        tell(status == 1 and word in output, "%s fires: %s" % (name, word), output)
    for name, changes in FINE:
        status, output = verdict(name, changes)
        tell(status == 0, "%s lets pass what is none" % name, output)
    print("1..%d" % count)
    return failed != 0


sys.exit(main())
