# tests/doc: nothing to build yet
