# tests/unit/gateway/daemon: no tests yet
