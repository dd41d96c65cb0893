"""The commands, each in a module that is imported when it is run. They know click; they parse, call and print."""
