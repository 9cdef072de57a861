"""Files, checks and messages that every layer uses; nothing of streamlines."""
