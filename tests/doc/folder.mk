# tests/doc: the documents against the programs and the tree.

TESTS += %reldir%/doc_test.py
EXTRA_DIST += %reldir%/doc_test.py
