# tests/unit/gateway/ctl: no tests yet
