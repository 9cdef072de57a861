"""The verbs of the package as DIPY workflows; `cli.py` holds their registry."""
