"""One module per command; `app.cli` names them and imports the one that is asked for."""
