# tests/unit/gateway/cli: no tests yet
