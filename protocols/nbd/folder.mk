# protocols/nbd: nothing to build yet
