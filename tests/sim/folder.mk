# tests/sim: nothing to build yet
