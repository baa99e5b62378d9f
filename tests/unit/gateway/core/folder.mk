# tests/unit/gateway/core: no tests yet
