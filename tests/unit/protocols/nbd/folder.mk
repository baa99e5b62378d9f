# tests/unit/protocols/nbd: no tests yet
