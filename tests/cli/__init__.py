"""The command line, through its parser and as a process."""
