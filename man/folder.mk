# man: nothing to build yet
