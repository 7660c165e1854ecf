"""Several processes of one machine as one server: ``peerlane serve --workers N``."""
