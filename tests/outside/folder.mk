# tests/outside: nothing to build yet
