"""How a command starts, logs, protects files and ends."""
