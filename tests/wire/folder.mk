# tests/wire: nothing to build yet
