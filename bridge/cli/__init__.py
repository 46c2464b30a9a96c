"""The client's command line. Each command's module is loaded when the command is run."""
