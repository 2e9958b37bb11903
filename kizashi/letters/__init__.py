"""Dead letters from the command line: listed, inspected without content, handled again."""
