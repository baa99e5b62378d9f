# tests/unit/gateway/loop: no tests yet
