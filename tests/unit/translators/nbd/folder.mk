# tests/unit/translators/nbd: no tests yet
